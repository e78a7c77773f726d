use std::sync::Arc;

use super::*;
use crate::testing::{ManualClock, PlainHead};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const OTHER_KEY: &str = "Es7QbFSvyDvLD5oM0R4kuLrKnqDcUb1I0Qy3j9h4DnE";
const VECTOR: &str =
    "1.TewA-gOU.1700000000.1700043200.czNzczEwbi1pZC0wMDAx.s2H6PxPUlmn8j4v3oC7BTRvjSQcz9G1xhcgHqhMGdrw";
const NOW: u64 = 1_700_000_000;
const ENDS: u64 = 1_700_043_200;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn cookie(name: &str, keys: &str, now: u64) -> SignedCookie {
    SignedCookie::named(name, KeyRing::parse(keys).unwrap()).timed_by(Arc::new(ManualClock::at(at(now))))
}

fn locate(cookie: &SignedCookie, head: &PlainHead) -> Vec<u8> {
    let mut occurrences = Occurrences::default();
    cookie.locate(&head.view(), &mut occurrences);
    vec![u8::try_from(occurrences.count()).unwrap(); 1]
        .into_iter()
        .chain(occurrences.first().into_iter().flat_map(|raw| raw.whole().iter().copied()))
        .collect()
}

#[test]
fn the_format_is_the_documented_one() {
    let cookie = cookie("session", KEY, NOW);
    assert_eq!(cookie.seal(b"s3ss10n-id-0001", at(ENDS)), VECTOR);
    let credential = cookie.read(VECTOR.as_bytes().into()).unwrap();
    assert!(credential.value().matches(b"s3ss10n-id-0001"));
    assert_eq!((credential.issued(), credential.ends()), (at(NOW), at(ENDS)));
    assert_eq!(Extract::ends(&cookie, &credential), Some(at(ENDS)));
    assert!(include_str!("mod.rs").matches(VECTOR).count() == 1, "the docs show the vector");
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    assert!(VECTOR.bytes().all(allowed), "RFC 6265bis §4.1.1");
}

#[test]
fn c1_a_value_moved_to_another_cookie_purpose_or_key_is_refused() {
    assert!(cookie("sessio", KEY, NOW).read(VECTOR.as_bytes().into()).is_none());
    assert!(cookie("Session", KEY, NOW).read(VECTOR.as_bytes().into()).is_none());
    assert!(cookie("session", OTHER_KEY, NOW).read(VECTOR.as_bytes().into()).is_none());
    assert!(cookie("session", KEY, NOW).for_purpose("csrf").read(VECTOR.as_bytes().into()).is_none());
    // A name and a purpose do not run into each other.
    let moved = cookie("sessionc", KEY, NOW).for_purpose("redential");
    assert!(moved.read(VECTOR.as_bytes().into()).is_none());
}

#[test]
fn c3_the_end_is_inside_and_exclusive() {
    for (now, good) in [
        (NOW, true),
        (ENDS - 1, true),
        (ENDS, false),
        (ENDS + 1, false),
        (NOW - 30, true),
        (NOW - 31, false),
        (0, false),
    ] {
        assert_eq!(cookie("session", KEY, now).read(VECTOR.as_bytes().into()).is_some(), good, "{now}");
    }
}

#[test]
fn c4_an_older_key_verifies_and_the_newest_signs() {
    let rotated = cookie("session", &format!("{OTHER_KEY}\n{KEY}"), NOW);
    assert!(rotated.read(VECTOR.as_bytes().into()).is_some());
    let sealed = rotated.seal(b"", at(ENDS));
    assert!(cookie("session", KEY, NOW).read(sealed.as_bytes().into()).is_none());
    assert!(cookie("session", OTHER_KEY, NOW).read(sealed.as_bytes().into()).is_some(), "an empty value is a value");
}

#[test]
fn nothing_but_the_very_text_is_read() {
    let cookie = cookie("session", KEY, NOW);
    let changed = |from: &str, to: &str| VECTOR.replacen(from, to, 1);
    let mut rows = vec![
        String::new(),
        ".....".into(),
        format!("{VECTOR}."),
        format!("{VECTOR}="),
        format!("{VECTOR}.a"),
        format!(" {VECTOR}"),
        changed("1.", "2."),
        changed(".1700000000.", ".01700000000."),
        changed(".1700000000.", ".+1700000000."),
        changed(".1700043200.", ".1700043201."),
        changed(".1700043200.", ".99999999999999999999."),
        // The parts run together differently: the oauth2-proxy forgery of FORMATS.md.
        changed(".1700000000.1700043200.", ".17000000001700043200.."),
    ];
    rows.extend((0..VECTOR.len()).map(|cut| VECTOR[..cut].to_owned()));
    for text in rows {
        assert!(cookie.read(text.as_bytes().into()).is_none(), "{text:?}");
    }
    for position in 0..VECTOR.len() {
        for byte in [b'A', b'B', b'0', b'.', b'-', 0xFF, 0] {
            let mut text = VECTOR.as_bytes().to_vec();
            if text[position] != byte {
                text[position] = byte;
                assert!(cookie.read(text.as_slice().into()).is_none(), "{position} {byte}");
            }
        }
    }
}

#[test]
fn c2_c5_a_doubled_name_is_seen_twice_and_odd_cookies_hide_nothing() {
    let cookie = cookie("session", KEY, NOW);
    let rows: [(&[u8], &[u8]); 6] = [
        (b"session=a", b"\x01a"),
        (b"session=a; session=b", b"\x02a"),
        (b"other=\xff; session=a", b"\x01a"),
        (b"__Host-session=a", b"\x00"),
        (b"Session=a", b"\x00"),
        (b"session=", b"\x01"),
    ];
    for (line, seen) in rows {
        let head = PlainHead::get("/").with("cookie", line);
        assert_eq!(locate(&cookie, &head), seen, "{:?}", String::from_utf8_lossy(line));
    }
    let two_fields = PlainHead::get("/").with("cookie", "session=a").with("cookie", "session=a");
    assert_eq!(locate(&cookie, &two_fields), b"\x02a");
}

#[test]
fn over_tls_only_the_host_name_is_read_set_and_asked_for() {
    let cookie = cookie("session", KEY, NOW);
    let (plain, tls) = (PlainHead::get("/"), PlainHead::get("/").over_tls());
    assert_eq!(
        cookie.set_cookie(false, "x", Duration::from_secs(60)),
        "session=x; HttpOnly; SameSite=Lax; Path=/; Max-Age=60"
    );
    assert_eq!(
        cookie.set_cookie(true, "x", Duration::from_secs(60)),
        "__Host-session=x; HttpOnly; SameSite=Lax; Path=/; Max-Age=60; Secure"
    );
    assert_eq!(
        locate(&cookie, &PlainHead::get("/").over_tls().with("cookie", "session=a; __Host-session=b")),
        b"\x01b"
    );
    let challenge = |head: &PlainHead| cookie.challenges(&head.view()).remove(0).in_realm("people").to_string();
    assert_eq!(challenge(&plain), r#"Cookie realm="people", cookie-name="session""#);
    assert_eq!(challenge(&tls), r#"Cookie realm="people", cookie-name="__Host-session""#);
}

#[test]
fn a_cookie_can_be_made_to_last_for_ever() {
    let cookie = cookie("session", KEY, NOW);
    let year = 31_557_600;
    for seconds in [31_600 * year, 31_700 * year, u64::MAX / 4] {
        let sealed = cookie.seal(b"x", at(seconds));
        let credential = cookie.read(sealed.as_bytes().into()).unwrap_or_else(|| panic!("{sealed}"));
        assert_eq!(credential.ends(), at(seconds.min(999_999_999_999)));
    }
    assert!(cookie.set_cookie(false, "x", Duration::MAX).ends_with("; Max-Age=34560000"), "RFC 6265bis §5.5");
}

#[test]
fn c6_a_removal_repeats_the_attributes() {
    let cookie = cookie("session", KEY, NOW);
    for (head, removal) in [
        (PlainHead::get("/"), "session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"),
        (PlainHead::get("/").over_tls(), "__Host-session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0; Secure"),
    ] {
        assert_eq!(cookie.clear(&head.view()).unwrap(), removal);
    }
}

#[test]
fn a_name_is_a_token_without_a_prefix() {
    for (name, fits) in [
        ("session", true),
        ("", false),
        ("a b", false),
        ("a=b", false),
        ("ä", false),
        ("__Host-a", false),
        ("__secure-a", false),
    ] {
        assert_eq!(cookie(name, KEY, NOW).check().is_empty(), fits, "{name:?}");
    }
    assert!(!cookie(&"a".repeat(65), KEY, NOW).check().is_empty());
}

#[test]
fn the_name_follows_what_the_app_sets() {
    let plain = || cookie("session", KEY, NOW);
    let minute = Duration::from_secs(60);
    for (cookie, http, tls) in [
        (
            plain().in_domain("Example.com"),
            "session=x; HttpOnly; SameSite=Lax; Path=/; Domain=example.com; Max-Age=60",
            "__Secure-session=x; HttpOnly; SameSite=Lax; Path=/; Domain=example.com; Max-Age=60; Secure",
        ),
        (
            plain().below("/app"),
            "session=x; HttpOnly; SameSite=Lax; Path=/app; Max-Age=60",
            "__Secure-session=x; HttpOnly; SameSite=Lax; Path=/app; Max-Age=60; Secure",
        ),
        (
            plain().same_site(SameSite::Strict),
            "session=x; HttpOnly; SameSite=Strict; Path=/; Max-Age=60",
            "__Host-session=x; HttpOnly; SameSite=Strict; Path=/; Max-Age=60; Secure",
        ),
        (
            plain().same_site(SameSite::None),
            "session=x; HttpOnly; SameSite=Lax; Path=/; Max-Age=60",
            "__Host-session=x; HttpOnly; SameSite=None; Path=/; Max-Age=60; Secure",
        ),
        (
            plain().until_the_browser_closes(),
            "session=x; HttpOnly; SameSite=Lax; Path=/",
            "__Host-session=x; HttpOnly; SameSite=Lax; Path=/; Secure",
        ),
        (
            plain().with_a_name_that_anybody_can_set(),
            "session=x; HttpOnly; SameSite=Lax; Path=/; Max-Age=60",
            "session=x; HttpOnly; SameSite=Lax; Path=/; Max-Age=60; Secure",
        ),
        (
            plain().in_domain("example.com").below("/"),
            "session=x; HttpOnly; SameSite=Lax; Path=/; Domain=example.com; Max-Age=60",
            "__Secure-session=x; HttpOnly; SameSite=Lax; Path=/; Domain=example.com; Max-Age=60; Secure",
        ),
    ] {
        assert_eq!(
            (cookie.set_cookie(false, "x", minute), cookie.set_cookie(true, "x", minute)),
            (http.into(), tls.into())
        );
        // Browsers forget a cookie only if its attributes are repeated, and one with an end in the past.
        let cleared = cookie.clear(&PlainHead::get("/").over_tls().view()).unwrap();
        let (name, _) = tls.split_once('=').unwrap();
        assert!(cleared.starts_with(&format!("{name}=;")) && cleared.contains("Max-Age=0"), "{cleared}");
        let both = PlainHead::get("/").over_tls().with("cookie", format!("{name}=b"));
        assert_eq!(locate(&cookie, &both), b"\x01b");
    }
    let remembered = plain().until_the_browser_closes().set_remembered(false, "x", minute);
    assert_eq!(remembered, "session=x; HttpOnly; SameSite=Lax; Path=/; Max-Age=60");
}

#[test]
fn what_no_browser_keeps_is_not_built() {
    let plain = || cookie("session", KEY, NOW);
    for (cookie, fits) in [
        (plain().in_domain("example.com"), true),
        (plain().in_domain("a-b.example.com"), true),
        (plain().in_domain(".example.com"), false),
        (plain().in_domain("example.com."), false),
        (plain().in_domain("https://example.com"), false),
        (plain().in_domain("example.com:8080"), false),
        (plain().in_domain("localhost"), false),
        (plain().in_domain("127.0.0.1"), false),
        (plain().in_domain("example.com; Path=/x"), false),
        (plain().in_domain(""), false),
        (plain().below("/app"), true),
        (plain().below("app"), false),
        (plain().below(""), false),
        (plain().below("/a;b"), false),
        (plain().below("/a b"), false),
        (plain().below("/a\r\nb"), false),
        (plain().with_a_name_that_anybody_can_set(), false),
    ] {
        assert_eq!(cookie.check().is_empty(), fits, "{cookie:?}");
    }
    assert!(!plain().is_like(&plain().in_domain("example.com")) && !plain().is_like(&plain().below("/app")));
}

#[test]
fn keys_are_changed_while_the_cookie_is_in_use() {
    let ring = KeyRing::parse(KEY).unwrap();
    let cookie = SignedCookie::named("session", ring.clone()).timed_by(Arc::new(ManualClock::at(at(NOW))));
    let reads = |text: &str| cookie.read(text.as_bytes().into()).is_some();
    ring.replace_with(&KeyRing::parse(&format!("{OTHER_KEY}\n{KEY}")).unwrap());
    let sealed = cookie.seal(b"x", at(ENDS));
    assert!(reads(VECTOR) && reads(&sealed));
    ring.replace_with(&KeyRing::parse(OTHER_KEY).unwrap());
    assert!(!reads(VECTOR) && reads(&sealed));
}

#[test]
fn a_credential_does_not_print_its_value() {
    let cookie = cookie("session", KEY, NOW);
    let printed = format!("{:?} {:?}", cookie, cookie.read(VECTOR.as_bytes().into()));
    assert!(!printed.contains("s3ss10n") && !printed.contains("115, 51"), "{printed}");
}
