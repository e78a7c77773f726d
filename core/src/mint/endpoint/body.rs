//! Reading bodies, strictly.

use std::{
    collections::{HashMap, hash_map},
    fmt,
    task::{Context, Poll},
};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Visitor},
};
use serde_json::Value;

use crate::{
    request::{LONGEST_BODY, Occurrence, RequestView, Unreadable, field, query::decoded, read_whole},
    response::Reply,
};

/// Reads a body of at most [`LONGEST_BODY`] bytes, within ten seconds for each piece and sixty for all: for adapters, and for handlers of
/// an app that want the same bounds. `next` polls for the next piece; `None` is the end. Runs in a tokio runtime.
///
/// # Errors
/// The reply: 413 for a longer body, 408 for one that comes too slowly, 400 for one that breaks off.
pub async fn read_body<C: AsRef<[u8]>, E>(
    next: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<C, E>>>,
) -> Result<Vec<u8>, Reply> {
    read_whole(LONGEST_BODY, next).await.map_err(unreadable)
}

/// The reply to a body that could not be read to its end.
pub fn unreadable(why: Unreadable) -> Reply {
    match why {
        Unreadable::TooLong => unread(413, "The body is longer than 64 KiB."),
        Unreadable::TooSlow => unread(408, "The body comes too slowly."),
        Unreadable::BrokenOff => Reply::problem(400, "The body ended before it was whole.", Some("invalid_request")),
    }
}

/// A refusal of a body of which the rest is not wanted: behind it the connection is good for nothing.
fn unread(status: u16, detail: &str) -> Reply {
    Reply::problem(status, detail, None).with("connection", "close")
}

/// What a body says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyType {
    Json,
    Form,
    None,
    Other,
}

impl BodyType {
    pub(crate) fn of(request: &RequestView<'_>) -> Self {
        let value = match request.only(&field::CONTENT_TYPE) {
            Occurrence::Absent => return Self::None,
            Occurrence::Once(value) => value,
            Occurrence::Repeated => return Self::Other,
        };
        let mut parts = value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let media = parts.next().unwrap_or_default();
        // JSON and forms are UTF-8; another charset cannot be read as what it says.
        let utf8 = parts.all(|parameter| {
            let charset = parameter.get(..8).is_some_and(|name| name.eq_ignore_ascii_case(b"charset="));
            !charset
                || parameter.get(8..).is_some_and(|value| {
                    value.trim_ascii().eq_ignore_ascii_case(b"utf-8") || value.eq_ignore_ascii_case(b"\"utf-8\"")
                })
        });
        match media {
            _ if !utf8 => Self::Other,
            json if json.eq_ignore_ascii_case(b"application/json") => Self::Json,
            form if form.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") => Self::Form,
            _ => Self::Other,
        }
    }
}

pub(crate) fn unsupported() -> Reply {
    Reply::problem(415, "Send JSON, with Content-Type: application/json.", None)
}

pub(crate) fn malformed() -> Reply {
    Reply::problem(400, "The body cannot be read, or misses a field.", Some("invalid_request"))
}

/// Reads a JSON object. What the parser says stays here: it may quote the body.
pub(crate) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Reply> {
    // serde would read an array as the fields of a struct in their order.
    let object = body.trim_ascii_start().first() == Some(&b'{');
    if object { serde_json::from_slice(body).map_err(|_| malformed()) } else { Err(malformed()) }
}

/// The members of an object, by names that are known at run time alone.
pub(crate) struct Members {
    values: HashMap<String, Value>,
    /// Those that stand there twice, which is an error where they are asked for.
    repeated: Vec<String>,
}

impl Members {
    /// The value of this name, if there is one; `null` is none.
    pub(crate) fn take(&mut self, name: &str) -> Result<Option<Value>, Reply> {
        if self.repeated.iter().any(|repeated| repeated == name) {
            return Err(malformed());
        }
        Ok(self.values.remove(name).filter(|value| !value.is_null()))
    }

    /// The text of this name, if there is one; anything else of that name makes the body malformed.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Reply> {
        match self.take(name)? {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(malformed()),
        }
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl<'de> Visitor<'de> for Reads {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Members, A::Error> {
                let mut members = Members { values: HashMap::new(), repeated: Vec::new() };
                while let Some((name, value)) = object.next_entry::<String, Value>()? {
                    match members.values.entry(name) {
                        hash_map::Entry::Vacant(place) => drop(place.insert(value)),
                        hash_map::Entry::Occupied(place) => members.repeated.push(place.key().clone()),
                    }
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Reads)
    }
}

/// The fields of a form, decoded; a field that comes twice, or is not UTF-8, makes it malformed.
pub(crate) fn form<const N: usize>(body: &[u8], names: [&str; N]) -> Result<[Option<String>; N], Reply> {
    let mut fields = [const { None }; N];
    for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let mut halves = pair.splitn(2, |byte| *byte == b'=').map(decoded);
        let (name, value) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
        let Some(place) = names.iter().position(|known| known.as_bytes() == name) else { continue };
        let value = String::from_utf8(value).map_err(|_| malformed())?;
        match fields.get_mut(place) {
            Some(field @ None) => *field = Some(value),
            _ => return Err(malformed()),
        }
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::PlainHead;

    #[test]
    fn a_type_is_read_with_its_charset() {
        for (value, expected) in [
            ("application/json", BodyType::Json),
            ("Application/JSON; charset=UTF-8", BodyType::Json),
            ("application/json;charset=\"utf-8\"", BodyType::Json),
            ("application/json; charset=latin1", BodyType::Other),
            ("application/json-patch+json", BodyType::Other),
            ("application/x-www-form-urlencoded", BodyType::Form),
            ("text/plain", BodyType::Other),
            ("", BodyType::Other),
        ] {
            assert_eq!(BodyType::of(&PlainHead::get("/").with("content-type", value).view()), expected, "{value:?}");
        }
        assert_eq!(BodyType::of(&PlainHead::get("/").view()), BodyType::None);
    }

    #[test]
    fn a_struct_is_read_from_an_object_alone() {
        #[derive(serde::Deserialize)]
        struct Named {
            name: String,
        }
        assert_eq!(json::<Named>(b" {\"name\":\"a\"}").map(|named| named.name).ok(), Some("a".to_owned()));
        for body in [&b"[\"a\"]"[..], b"", b"\"a\"", b"{}", b"{\"name\":\"a\",\"name\":\"b\"}", b"{\"name\":\"a\"} x"] {
            assert!(json::<Named>(body).is_err(), "{body:?}");
        }
    }

    #[test]
    fn a_form_is_read_strictly() {
        type Row = (&'static [u8], Option<[Option<&'static str>; 2]>);
        let rows: [Row; 8] = [
            (b"a=1&b=2", Some([Some("1"), Some("2")])),
            (b"b=%C3%A4+%2B", Some([None, Some("\u{e4} +")])),
            (b"a", Some([Some(""), None])),
            (b"", Some([None, None])),
            (b"c=1&&a=x=y", Some([Some("x=y"), None])),
            (b"a=1&a=1", None),
            (b"a=%FF", None),
            (b"a=\xff", None),
        ];
        for (body, expected) in rows {
            let read = form(body, ["a", "b"]).ok();
            assert_eq!(read.as_ref().map(|fields| fields.each_ref().map(Option::as_deref)), expected, "{body:?}");
        }
    }
}
