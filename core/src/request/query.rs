//! Parameters of a query, found and taken out without touching the others.

/// Takes the parameters of these names out of a query: what is left, and each value with the index of its name, as sent and
/// in order. `None` if there is none.
///
/// All other pairs stay byte for byte as they were, in their order. Where nothing is left, no query should be.
pub(crate) fn take(query: &str, wanted: &[&str]) -> Option<(String, Vec<(usize, String)>)> {
    let mut left = Vec::new();
    let mut taken = Vec::new();
    for pair in query.split('&') {
        let (name, value) = halves(pair);
        match wanted.iter().position(|wanted| names(name, wanted)) {
            Some(index) => taken.push((index, value.to_owned())),
            None => left.push(pair),
        }
    }
    (!taken.is_empty()).then(|| (left.join("&"), taken))
}

fn halves(pair: &str) -> (&str, &str) {
    pair.split_once('=').unwrap_or((pair, ""))
}

/// Whether this is that name once it is decoded.
fn names(encoded: &str, name: &str) -> bool {
    let (mut encoded, mut name) = (encoded.as_bytes(), name.bytes());
    loop {
        match (next_byte(&mut encoded), name.next()) {
            (None, None) => return true,
            (byte, wanted) if byte != wanted => return false,
            _ => {}
        }
    }
}

/// Decodes a name or value as forms are decoded.
pub(crate) fn decoded(mut encoded: &[u8]) -> Vec<u8> {
    std::iter::from_fn(|| next_byte(&mut encoded)).collect()
}

/// Decodes what is percent-encoded and nothing else (RFC 3986 §2.1): a plus is a plus, and a `%` without two hex digits behind it stands for itself.
#[cfg(feature = "signed-requests")]
pub(crate) fn percent_decoded(text: &str) -> Vec<u8> {
    percent_encoding::percent_decode_str(text).collect()
}

/// Decodes one byte as forms are decoded (WHATWG URL §5.1): a `%` without two hex digits behind it stands for itself.
fn next_byte(encoded: &mut &[u8]) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (byte, rest) = match *encoded {
        [] => return None,
        [b'+', rest @ ..] => (b' ', rest),
        [b'%', high, low, rest @ ..] => match (digit(high), digit(low)) {
            (Some(high), Some(low)) => (high << 4 | low, rest),
            _ => (b'%', encoded.get(1..).unwrap_or_default()),
        },
        [byte, rest @ ..] => (*byte, rest),
    };
    *encoded = rest;
    Some(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_taken_and_nothing_else_is_touched() {
        type Row = (&'static str, Option<(&'static str, &'static [(usize, &'static str)])>);
        let rows: [Row; 19] = [
            ("", None),
            ("a=1&b=2", None),
            ("access_token=t", Some(("", &[(0, "t")]))),
            ("a=1&access_token=t", Some(("a=1", &[(0, "t")]))),
            ("access_token=t&a=1", Some(("a=1", &[(0, "t")]))),
            ("a=%zz&access_token=t&&b=+%2B=;", Some(("a=%zz&&b=+%2B=;", &[(0, "t")]))),
            ("access_token=t&access_token=u", Some(("", &[(0, "t"), (0, "u")]))),
            ("key=k&access_token=t", Some(("", &[(1, "k"), (0, "t")]))),
            ("access_token", Some(("", &[(0, "")]))),
            ("access_token=", Some(("", &[(0, "")]))),
            ("access_token==a=", Some(("", &[(0, "=a=")]))),
            ("access_token=%74+", Some(("", &[(0, "%74+")]))),
            ("access%5Ftoken=t", Some(("", &[(0, "t")]))),
            ("%61ccess%5ftoken=t", Some(("", &[(0, "t")]))),
            ("access%5token=t", None),
            ("access%255Ftoken=t", None),
            ("Access_Token=t", None),
            ("access_token+=t&xaccess_token=t&access_tokenx=t", None),
            ("=access_token&access_token[]=t", None),
        ];
        for (query, expected) in rows {
            let expected = expected.map(|(left, taken)| {
                (left.to_owned(), taken.iter().map(|(index, value)| (*index, (*value).to_owned())).collect())
            });
            assert_eq!(take(query, &["access_token", "key"]), expected, "{query:?}");
        }
    }

    #[test]
    fn a_name_is_the_same_however_it_is_encoded() {
        // What the application's decoder would call the parameter must not be left in the URI.
        for encoded in ["access_token", "%61%63%63%65%73%73%5F%74%6F%6B%65%6E", "acces%73_token"] {
            let (left, taken) = take(&format!("{encoded}=t"), &["access_token"]).unwrap();
            assert_eq!((left.as_str(), taken.len()), ("", 1), "{encoded}");
        }
        assert!(take("a%20b=t", &["a b"]).is_some() && take("a+b=t", &["a b"]).is_some());
        assert!(take("%=t", &["%"]).is_some() && take("%4=t", &["%4"]).is_some() && take("%é=t", &["%é"]).is_some());
    }
}
