//! What holds for cookies of every format.

use std::sync::Arc;

use super::*;
use crate::testing::{ManualClock, PlainHead};

fn located<F: CookieFormat>(cookie: &ForeignCookie<F>, head: &PlainHead) -> (usize, Vec<Vec<u8>>) {
    let (view, mut occurrences) = (head.view(), Occurrences::default());
    cookie.locate(&view, &mut occurrences);
    let parts = occurrences.first().into_iter().flat_map(|raw| raw.parts()).map(<[u8]>::to_vec).collect();
    (occurrences.count(), parts)
}

#[test]
fn a_value_may_come_percent_encoded() {
    let express = Express::signed_by(Secret::new("keyboard cat"));
    let cookie = ForeignCookie::named("connect.sid", express.clone());
    let rows: [(&[u8], bool); 6] = [
        (b"s%3As3ss10n-id-0001.dK3IpNEcTI4qbvNUPxXLygpmL4k2AeULJeb1h8E34Sc", true),
        (b"s:s3ss10n-id-0001.dK3IpNEcTI4qbvNUPxXLygpmL4k2AeULJeb1h8E34Sc", true),
        (b"s%3as3ss10n%2Did-0001.dK3IpNEcTI4qbvNUPxXLygpmL4k2AeULJeb1h8E34Sc", true),
        (b"s%253As3ss10n-id-0001.dK3IpNEcTI4qbvNUPxXLygpmL4k2AeULJeb1h8E34Sc", false),
        (b"s%3Gs3ss10n-id-0001.dK3IpNEcTI4qbvNUPxXLygpmL4k2AeULJeb1h8E34Sc", false),
        (b"%", false),
    ];
    for (raw, good) in rows {
        assert_eq!(cookie.read(raw.into()).is_some(), good, "{}", String::from_utf8_lossy(raw));
    }
    // What was signed as it stands is taken as it stands.
    let sealed = express.seal("100%25");
    assert!(cookie.read(sealed.as_bytes().into()).unwrap().value().matches(b"100%25"));
}

#[test]
fn the_end_is_that_of_the_credential_and_the_clock_is_the_one_given() {
    let clock = Arc::new(ManualClock::at(at(1_700_000_000).unwrap()));
    let flask = Itsdangerous::flask_session(Secret::new("secret-key"));
    let cookie = ForeignCookie::named("session", flask).timed_by(clock.clone());
    let text = b"eyJ1c2VyX2lkIjo3fQ.ZVPxAA.NK352KVXZYFQQsK3rk2HVbDNvjI";
    let opened = cookie.read(text.into()).unwrap();
    assert_eq!(opened.issued(), at(1_700_000_000));
    assert_eq!(cookie.ends(&opened), at(1_700_000_000 + 31 * 86_400 + 1));
    clock.advance(Duration::from_secs(32 * 86_400));
    assert!(cookie.read(text.into()).is_none());
    let printed = format!("{opened:?} {cookie:?}");
    assert!(!printed.contains("user_id") && !printed.contains("secret-key"), "{printed}");
}

#[test]
fn a_session_and_its_signature_are_one_credential() {
    let cookie = ForeignCookie::named("session", CookieSession::signed_by(Secret::new("key")));
    let rows: [(&str, usize, &[&str]); 6] = [
        ("session=a; session.sig=b", 1, &["a", "b"]),
        ("session.sig=b; x=y; session=\"a\"", 1, &["a", "b"]),
        ("session=a", 1, &["a"]),
        ("session=a; session=a; session.sig=b", 2, &["a", "b"]),
        ("session=a; session.sig=b; session.sig=c", 2, &["a", "b"]),
        ("sessions=a; session.si=b; Session=c; session", 0, &[]),
    ];
    for (line, count, parts) in rows {
        let (found, located) = located(&cookie, &PlainHead::get("/").with("cookie", line));
        let parts: Vec<_> = parts.iter().map(|part| part.as_bytes().to_vec()).collect();
        assert_eq!((found, located), (count, parts), "{line}");
    }
}

#[test]
fn a_cookie_that_comes_twice_is_two_and_a_bad_name_is_a_fault() {
    let cookie = |name: &str| ForeignCookie::named(name, Express::signed_by(Secret::new("keyboard cat")));
    let head = PlainHead::get("/").with("cookie", "connect.sid=a").with("cookie", "connect.sid=a");
    assert_eq!(located(&cookie("connect.sid"), &head).0, 2);
    for (name, fits) in [("connect.sid", true), ("", false), ("a b", false), ("a=b", false), ("\u{e4}", false)] {
        assert_eq!(cookie(name).check().is_empty(), fits, "{name:?}");
    }
    let challenge = cookie("connect.sid").challenges(&head.view()).remove(0).in_realm("gallery").to_string();
    assert_eq!(challenge, r#"Cookie realm="gallery", cookie-name="connect.sid""#);
}
