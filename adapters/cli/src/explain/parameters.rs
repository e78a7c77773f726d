//! Parameters of a scheme, told apart for whoever reads them.

/// Parameters of a scheme, as far as they can be told apart: `name=value` or `name="value"`, with commas or blanks in between.
pub(super) fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches([' ', ',']);
    while let Some((name, behind)) = rest.split_once('=') {
        let (value, behind) = match behind.strip_prefix('"') {
            Some(quoted) => until_quote(quoted),
            None => {
                let end = behind.find([',', ' ']).unwrap_or(behind.len());
                let (value, behind) = behind.split_at(end);
                (value.to_owned(), behind)
            }
        };
        let name = name.rsplit([' ', ',']).next().unwrap_or(name);
        found.push((name.to_owned(), value));
        rest = behind.trim_start_matches([' ', ',']);
    }
    found
}

/// A quoted string without its escapes, and what stands behind it.
fn until_quote(quoted: &str) -> (String, &str) {
    let (mut value, mut escaped) = (String::new(), false);
    for (at, sign) in quoted.char_indices() {
        match sign {
            _ if escaped => {
                value.push(sign);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            _ => value.push(sign),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_told_apart() {
        for (text, expected) in [
            (
                r#"username="Mufasa", nc=00000001, uri="/a,b=c""#,
                vec![("username", "Mufasa"), ("nc", "00000001"), ("uri", "/a,b=c")],
            ),
            (r#"realm="a \"b\" c""#, vec![("realm", r#"a "b" c"#)]),
            (r#"realm="open"#, vec![("realm", "open")]),
            (
                "Credential=A/1,SignedHeaders=host;date, Signature=ff",
                vec![("Credential", "A/1"), ("SignedHeaders", "host;date"), ("Signature", "ff")],
            ),
            ("", vec![]),
            ("nothing", vec![]),
        ] {
            let found = parameters(text);
            let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
