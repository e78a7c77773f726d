//! Both formats beside each other: what Django made, and what it would refuse.

use std::time::Duration;

use super::{
    super::{CookieFormat, at, mac::Written},
    DjangoCookie, DjangoSession, FORTNIGHT, Signer, base62,
    cookie::unquoted,
    number,
};
use crate::secret::Secret;

const NOW: u64 = 1_700_000_000;
const DAYS: u64 = 24 * 60 * 60;
const SESSION: &str = "eyJ1c2VyX2lkIjo3fQ:1r31eq:1OLVg_KB2bG16KXcIEbwy2KNqveqGnhinGErkHf66s4";
const COOKIE: &str = "abc:1r31eq:58hFIqtqxl2jkJz8cs7DyE852uA6DGzO0irns-CmjSU";

fn secret() -> Secret {
    Secret::new("secret-key")
}

fn read(name: &str, text: &str, now: u64) -> Option<String> {
    let opened = DjangoCookie::signed_by(secret()).open(name, text.as_bytes().into(), at(now).unwrap())?;
    Some(String::from_utf8_lossy(opened.value().expose()).into_owned())
}

#[test]
fn what_django_signs_is_read_and_made() {
    let session = DjangoSession::signed_by(secret());
    let now = at(NOW).unwrap();
    assert_eq!(session.seal(&serde_json::json!({ "user_id": 7 }), now), SESSION);
    assert_eq!(session.open("", SESSION.as_bytes().into(), now).unwrap().value().member::<u64>("user_id"), Some(7));
    let dumped = "eyJpZCI6NX0:1r31eq:OfGPb-VY6yZ7902mDQpKXv3-OWtmIteXjqm7U9zKDVM";
    let dumps = DjangoSession::salted(secret(), "auth", Duration::from_secs(1));
    assert_eq!(dumps.seal(&serde_json::json!({ "id": 5 }), now), dumped);
    assert_eq!(dumps.open("", dumped.as_bytes().into(), now).unwrap().value().member::<u64>("id"), Some(5));
    assert!(session.open("", dumped.as_bytes().into(), now).is_none(), "another salt");
    assert_eq!(DjangoCookie::signed_by(secret()).seal("sid", "abc", now), COOKIE);
    assert_eq!(read("sid", COOKIE, NOW).as_deref(), Some("abc"));
}

#[test]
fn the_signers_below_are_those_of_django() {
    let signed = "my string:1r31eq:njfm0O6n1sDQSwPn1CwtNrZqEvxt5nupYFD4a-NtWdY";
    let signer =
        Signer { secrets: vec![secret()], salt: "django.core.signing.TimestampSigner".into(), longest: FORTNIGHT };
    assert_eq!(signer.seal(b"", &signer.salt, b"my string", at(NOW).unwrap()), signed);
    let mac = Signer::mac(&secret(), b"", "django.core.signing.Signer", b"my string");
    assert_eq!(Written::Url.write(&mac), "ntxIHxhQ3gfUT0gyFEGXwbu81QwJCLdlJ5cPhe8iyP0");
}

#[test]
fn a_cookie_may_last_for_ever() {
    for longest in [Duration::MAX, Duration::from_secs(31_700 * 365 * DAYS)] {
        let cookie = DjangoCookie::signed_by(secret()).at_most(longest);
        assert!(cookie.open("sid", COOKIE.as_bytes().into(), at(NOW + 1).unwrap()).is_some(), "{longest:?}");
        let session = DjangoSession::signed_by(secret()).at_most(longest);
        assert!(session.open("", SESSION.as_bytes().into(), at(NOW + 1).unwrap()).is_some(), "{longest:?}");
    }
}

#[test]
fn a_cookie_is_good_for_its_name_its_salt_and_its_time() {
    let legacy = "abc:1r31eq:IENdxvMD1EBLvkPYvmwc5VaODRlZqZ1FMAYr8o0ZBio";
    for (name, text, now, good) in [
        ("sid", COOKIE, NOW, true),
        ("sid", COOKIE, NOW + 14 * DAYS, true),
        ("sid", COOKIE, NOW + 14 * DAYS + 1, false),
        ("sid", COOKIE, NOW - 60, true),
        ("sid", COOKIE, NOW - 61, false),
        ("si", COOKIE, NOW, false),
        ("sidd", COOKIE, NOW, false),
        ("sid", legacy, NOW, false),
        ("sid", SESSION, NOW, false),
    ] {
        assert_eq!(read(name, text, now).is_some(), good, "{name} {text} {now}");
    }
    // CVE-2026-6873: a name and a salt that run into each other.
    let salted = DjangoCookie::signed_by(secret()).salted("s");
    let sealed = salted.seal("id", "abc", at(NOW).unwrap());
    assert!(salted.open("id", sealed.as_bytes().into(), at(NOW).unwrap()).is_some());
    assert_eq!(read("sid", &sealed, NOW), None);
    let other = DjangoCookie::signed_by(Secret::new("new"));
    assert!(other.open("sid", COOKIE.as_bytes().into(), at(NOW).unwrap()).is_none());
    assert!(other.or_older(secret()).open("sid", COOKIE.as_bytes().into(), at(NOW).unwrap()).is_some());
}

#[test]
fn a_value_may_hold_colons_and_be_quoted_as_python_does() {
    let sealed = |value: &str| DjangoCookie::signed_by(secret()).seal("sid", value, at(NOW).unwrap());
    assert_eq!(read("sid", &sealed("a:b"), NOW).as_deref(), Some("a:b"));
    assert_eq!(read("sid", &sealed(""), NOW).as_deref(), Some(""));
    let name = "J\u{e4}s\u{f8}n Doe";
    for [a, o] in [["\\344", "\\370"], ["\\303\\244", "\\303\\270"]] {
        let quoted = sealed(name).replace('\u{e4}', a).replace('\u{f8}', o);
        assert_eq!(read("sid", &quoted, NOW).as_deref(), Some(name), "{quoted}");
    }
    for (text, plain) in [
        ("a\\\"b", Some("a\"b")),
        ("\\134", Some("\\")),
        ("\\\\", Some("\\")),
        ("ab", Some("ab")),
        ("\\", None),
        ("\\8", None),
        ("\\a", None),
        ("\\477", None),
    ] {
        assert_eq!(unquoted(text.as_bytes(), true).as_deref(), plain.map(str::as_bytes), "{text}");
    }
    // Time and signature have one spelling.
    let plain = sealed("emma");
    assert!(read("sid", &plain, NOW).is_some());
    for at in 0..plain.len() {
        let (before, behind) = plain.split_at(at);
        assert_eq!(read("sid", &format!("{before}\\{behind}"), NOW), None, "{at}");
        if let Some(rest) = behind.get(1..) {
            let octal = format!("{before}\\{:03o}{rest}", behind.as_bytes()[0]);
            let in_the_value = at < "emma".len();
            assert_eq!(read("sid", &octal, NOW).is_some(), in_the_value, "{octal}");
        }
    }
}

#[test]
fn a_time_is_a_number_without_leading_zeros() {
    for (text, expected) in [
        ("1r31eq", Some(NOW)),
        ("0", Some(0)),
        ("z", Some(61)),
        ("01", None),
        ("", None),
        ("-1", None),
        ("zzzzzzzzzzzz", None),
    ] {
        assert_eq!(number(text.as_bytes()), expected, "{text}");
    }
    assert_eq!((base62(0).as_str(), base62(NOW).as_str(), base62(u64::MAX).len()), ("0", "1r31eq", 11));
}
