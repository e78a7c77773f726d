//! Where a browser wants to go once it is signed in: `/?next=…`.

/// The parameter `next`, decoded; `/` where it is missing, twice there or unreadable.
pub(crate) fn next_of(query: Option<&str>) -> String {
    let mut values = query.unwrap_or_default().split('&').filter_map(|pair| pair.strip_prefix("next="));
    match (values.next().and_then(decoded), values.next()) {
        (Some(next), None) => next,
        _ => "/".to_owned(),
    }
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::next_of;

    #[test]
    fn next_is_read_as_a_form_is() {
        for (query, next) in [
            (None, "/"),
            (Some("next=/reports%3Fpage%3D2"), "/reports?page=2"),
            (Some("a=b&next=%2Fme"), "/me"),
            (Some("next=a+b"), "a b"),
            (Some("next=%2"), "/"),
            (Some("next=%zz"), "/"),
            (Some("next=%FF"), "/"),
            (Some("next=/a&next=/b"), "/"),
            (Some("next"), "/"),
        ] {
            assert_eq!(next_of(query), next, "{query:?}");
        }
    }
}
