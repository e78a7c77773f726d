//! JSON bodies, read strictly: UTF-8, an object, of the right type, and not too long.

use countersign::Reply;
use serde::de::DeserializeOwned;

/// The longest body that is read, in bytes.
pub const LONGEST: usize = countersign::mint::endpoint::LONGEST_BODY;

/// Goes on if this is the type of a JSON body: the values of all `Content-Type` fields.
///
/// # Errors
/// 415 for another type, or none, or more than one.
pub fn expect_json<'v>(content_types: impl IntoIterator<Item = &'v [u8]>) -> Result<(), Reply> {
    let mut values = content_types.into_iter();
    match (values.next(), values.next()) {
        (Some(value), None) if is_json(value) => Ok(()),
        _ => Err(Reply::problem(415, "Send JSON, with Content-Type: application/json.", None)),
    }
}

/// The object that a body holds.
///
/// # Errors
/// 400 for what does not parse, or misses a field.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Reply> {
    // serde would read an array as the fields of a struct in their order.
    let object = body.trim_ascii_start().first() == Some(&b'{');
    let read = if object { serde_json::from_slice(body).ok() } else { None };
    // What the parser says stays here: it may quote the body.
    read.ok_or_else(malformed)
}

/// 400.
pub fn malformed() -> Reply {
    Reply::problem(400, "The body cannot be read, or misses a field.", Some("invalid_request"))
}

/// 413.
pub fn too_large() -> Reply {
    Reply::problem(413, "The body is longer than 64 KiB.", None)
}

/// 400 for a body that broke off.
pub fn cut_short() -> Reply {
    Reply::problem(400, "The body ended before it was whole.", Some("invalid_request"))
}

fn is_json(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let media = parts.next().unwrap_or_default();
    let utf8 = parts.all(|parameter| match parameter.split_at_checked(8) {
        Some((name, charset)) if name.eq_ignore_ascii_case(b"charset=") => {
            charset.eq_ignore_ascii_case(b"utf-8") || charset.eq_ignore_ascii_case(b"\"utf-8\"")
        }
        _ => true,
    });
    utf8 && media.eq_ignore_ascii_case(b"application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_told_by_its_type() {
        for (values, good) in [
            (vec![&b"application/json"[..]], true),
            (vec![b"Application/JSON; charset=UTF-8"], true),
            (vec![b"application/json;charset=\"utf-8\""], true),
            (vec![b"application/json; charset=latin1"], false),
            (vec![b"text/plain"], false),
            (vec![b""], false),
            (vec![], false),
            (vec![b"application/json", b"application/json"], false),
        ] {
            assert_eq!(expect_json(values.iter().copied()).is_ok(), good, "{values:?}");
        }
    }

    #[test]
    fn a_body_is_an_object_with_its_fields() {
        #[derive(serde::Deserialize)]
        struct Report {
            title: String,
        }
        assert_eq!(read::<Report>(b" {\"title\":\"a\",\"x\":1}").map(|report| report.title).ok(), Some("a".to_owned()));
        for body in [
            &b"[\"a\"]"[..],
            b"",
            b"{}",
            b"{\"title\":1}",
            b"{\"title\":\"\xff\"}",
            b"{\"title\":\"a\",\"title\":\"b\"}",
        ] {
            assert!(read::<Report>(body).is_err(), "{body:?}");
        }
    }
}
