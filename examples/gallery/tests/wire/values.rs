//! Values that others sign or seal.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use countersign::{
    Secret,
    credential::cookie::foreign::{
        AuthJs, CookieRs, CookieSession, DjangoCookie, DjangoSession, Express, Itsdangerous, Play, PlayLegacy, Rails,
    },
};
use countersign_conformance::wire::Request;
use serde_json::json;

use crate::{
    service::{Gallery, caller, name},
    tls::{Tls, ask_over_tls},
};

/// When the vectors were signed.
const THEN: u64 = 1_700_000_000;

fn then() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(THEN)
}

/// A gallery whose clock stands so many seconds after the vectors were signed.
fn at(after: i64) -> Gallery {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed();
    Gallery::start(&["--clock-offset", &(THEN.cast_signed() + after - now).to_string()])
}

fn refused(gallery: &Gallery, path: &str, cookie: &str, line: &str) {
    let response = gallery.with_cookie(path, line);
    assert_eq!(response.status(), 401, "{path} {line}: {}", response.text());
    let challenge = format!("Cookie realm=\"gallery\", cookie-name=\"{cookie}\"");
    assert_eq!(response.field("www-authenticate"), Some(challenge.as_str()), "{path} {line}");
    assert_eq!(response.field("cache-control"), Some("no-store"));
}

#[test]
fn what_others_signed_is_let_in() {
    let gallery = at(5);
    let flask = "eyJ1c2VyX2lkIjo3fQ.ZVPxAA.NK352KVXZYFQQsK3rk2HVbDNvjI";
    let rails = "eyJfcmFpbHMiOnsibWVzc2FnZSI6Ik5UQT0iLCJleHAiOm51bGwsInB1ciI6ImNvb2tpZS51c2VyX2lkIn19";
    let data = "eyJfcmFpbHMiOnsiZGF0YSI6NTAsInB1ciI6ImNvb2tpZS51c2VyX2lkIn19";
    let express = "s%3As3ss10n-id-0001.dK3IpNEcTI4qbvNUPxXLygpmL4k2AeULJeb1h8E34Sc";
    let rows = [
        ("/flask", format!("session={flask}"), "emma", "flask"),
        ("/flask", format!("other=1; session=\"{flask}\""), "emma", "flask"),
        (
            "/django",
            "sessionid=eyJ1c2VyX2lkIjo3fQ:1r31eq:1OLVg_KB2bG16KXcIEbwy2KNqveqGnhinGErkHf66s4".into(),
            "emma",
            "django",
        ),
        ("/rails", format!("user_id={rails}--505a9695659ad00babd818057af43df737822b90"), "jacob", "rails"),
        ("/rails", format!("user_id={rails}--f9f61728f2a8cd31036560b10096252d6b2f4d35"), "jacob", "rails"),
        ("/rails", format!("user_id={data}--3d883f69d0f3c1849608de2d34f8394c1456673a"), "jacob", "rails"),
        ("/rails", format!("user_id={data}--d03fe7058edef098fd59a52d451bb13cbdeda47c"), "jacob", "rails"),
        (
            "/rails",
            format!("user_id={}%2D%2D505a9695659ad00babd818057af43df737822b90", rails.replace('9', "%39")),
            "jacob",
            "rails",
        ),
        ("/express", format!("connect.sid={express}"), "emma", "express"),
        ("/express", format!("connect.sid={}", express.replace("%3A", ":")), "emma", "express"),
    ];
    for (path, line, who, scheme) in rows {
        let response = gallery.with_cookie(path, &line);
        assert_eq!(caller(&response), json!({ "name": who, "scheme": scheme }), "{path} {line}");
        assert_eq!(response.field("cache-control"), Some("private"), "{path}");
        assert!(response.members("vary").contains(&"cookie".to_owned()), "{path}");
    }
    assert_eq!(
        gallery.expect(200, &Request::new("HEAD", "/flask").with("Cookie", format!("session={flask}"))).body(),
        b""
    );
}

#[test]
fn what_is_made_here_is_let_in_there() {
    let gallery = at(0);
    let secret = Secret::new("secret-key");
    let django = DjangoCookie::signed_by(secret.clone());
    let master = Secret::new((0..=31).collect::<Vec<u8>>());
    let play = Play::signed_by(Secret::new("vQU@MgnjTohP?w>jpu?X0oqvmz21o[AHP;/rPj?CB><YMFcl?xXfq]6o>1QuNcXU"));
    let rails = Rails::by_key_base(&Secret::new("0123456789abcdef0123456789abcdef"));
    let (session, signature) =
        CookieSession::signed_by(Secret::new("key1")).seal("session", &json!({ "user": "emily" }));
    let rows = [
        (
            "/flask",
            format!("session={}", Itsdangerous::flask_session(secret.clone()).seal(&json!({ "user_id": 5 }), then())),
            "emily",
        ),
        (
            "/django",
            format!("sessionid={}", DjangoSession::signed_by(secret).seal(&json!({ "user_id": 51 }), then())),
            "Mufasa",
        ),
        ("/django/cookie", format!("sid={}", django.seal("sid", "bob", then())), "bob"),
        ("/django/cookie", format!("sid={}", django.seal("sid", "J\u{e4}s\u{f8}n Doe", then())), "J\u{e4}s\u{f8}n Doe"),
        ("/rails", format!("user_id={}", rails.seal("user_id", &54, Some(then() + Duration::from_secs(60)))), "alice"),
        ("/play", format!("PLAY_SESSION={}", play.seal([("user", "emma"), ("lang", "de")], then(), None)), "emma"),
        (
            "/play/legacy",
            format!("PLAY_SESSION={}", PlayLegacy::signed_by(Secret::new("changeme")).seal([("user", "root")])),
            "root",
        ),
        (
            "/express",
            format!("connect.sid={}", Express::signed_by(Secret::new("old cat")).seal("s3ss10n-id-0001")),
            "emma",
        ),
        ("/cookie-session", format!("session={session}; session.sig={signature}"), "emily"),
        ("/cookie-rs", format!("user={}", CookieRs::derived_from(&master).seal("jacob")), "jacob"),
    ];
    for (path, line, who) in rows {
        assert_eq!(name(&gallery.with_cookie(path, &line)), who, "{path}");
    }
}

#[test]
fn what_is_missing_changed_doubled_or_too_long_is_not() {
    let gallery = at(0);
    let cookies = [
        ("/flask", "session"),
        ("/django", "sessionid"),
        ("/django/cookie", "sid"),
        ("/rails", "user_id"),
        ("/play", "PLAY_SESSION"),
        ("/play/legacy", "PLAY_SESSION"),
        ("/express", "connect.sid"),
        ("/cookie-session", "session"),
        ("/cookie-rs", "user"),
    ];
    for (path, cookie) in cookies {
        refused(&gallery, path, cookie, "other=1");
        for value in ["", "a", "a.b.c", "a:b:c", "s:a.b", "%", "%00", "a--b", "a%2D%2Db", "\u{e4}", "..........", "-="]
        {
            refused(&gallery, path, cookie, &format!("{cookie}={value}"));
        }
        assert_eq!(gallery.with_cookie(path, &format!("{cookie}=a; {cookie}=a")).status(), 400, "{path}");
        assert_eq!(gallery.with_cookie(path, &format!("{cookie}={}", "a".repeat(8193))).status(), 431, "{path}");
        assert_eq!(gallery.ask(&Request::post(path)).status(), 405, "{path}");
    }
}

#[test]
fn a_value_of_somebody_who_is_no_user_is_refused() {
    let gallery = at(0);
    let secret = Secret::new("secret-key");
    let flask = Itsdangerous::flask_session(secret.clone());
    for value in [
        json!({ "user_id": 6 }),
        json!({ "user_id": "7" }),
        json!({ "user_id": 7.5 }),
        json!({ "user_id": -7 }),
        json!({}),
        json!(7),
    ] {
        refused(&gallery, "/flask", "session", &format!("session={}", flask.seal(&value, then())));
    }
    let django = DjangoCookie::signed_by(secret);
    refused(&gallery, "/django/cookie", "sid", &format!("sid={}", django.seal("sid", "Emma", then())));
    let express = Express::signed_by(Secret::new("keyboard cat"));
    refused(&gallery, "/express", "connect.sid", &format!("connect.sid={}", express.seal("another")));
}

#[test]
fn a_value_is_good_for_its_time() {
    let flask = "session=eyJ1c2VyX2lkIjo3fQ.ZVPxAA.NK352KVXZYFQQsK3rk2HVbDNvjI";
    let django = "sessionid=eyJ1c2VyX2lkIjo3fQ:1r31eq:1OLVg_KB2bG16KXcIEbwy2KNqveqGnhinGErkHf66s4";
    let day = 86_400;
    for (after, flask_is_good, django_is_good) in [
        (-90, false, false),
        (-30, true, true),
        (14 * day - 60, true, true),
        (14 * day + 60, true, false),
        (31 * day - 60, true, false),
        (31 * day + 60, false, false),
    ] {
        let gallery = at(after);
        for (path, line, good) in [("/flask", flask, flask_is_good), ("/django", django, django_is_good)] {
            assert_eq!(gallery.with_cookie(path, line).status() == 200, good, "{path} {after}");
        }
    }
}

#[test]
fn over_tls_auth_js_has_another_name_and_another_key() {
    let tls = Tls::new();
    let gallery = Gallery::start(&tls.flags());
    let auth = AuthJs::sealed_by(Secret::new("correct horse battery staple correct horse"));
    let ends = SystemTime::now() + Duration::from_secs(60);
    let (plain, secure) = ("authjs.session-token", "__Secure-authjs.session-token");
    let cookie = |named: &str, sealed_for: &str| {
        let sealed = auth.seal(sealed_for, json!({ "sub": "50" }), ends).unwrap();
        Request::get("/auth-js").with("Cookie", format!("{named}={sealed}"))
    };
    assert_eq!(name(&ask_over_tls(&gallery, &tls, &cookie(secure, secure))), "jacob");
    assert_eq!(name(&gallery.ask(&cookie(plain, plain))), "jacob");
    for (response, asked) in [
        (ask_over_tls(&gallery, &tls, &cookie(plain, plain)), secure),
        (ask_over_tls(&gallery, &tls, &cookie(secure, plain)), secure),
        (gallery.ask(&cookie(secure, secure)), plain),
        (gallery.ask(&cookie(plain, secure)), plain),
    ] {
        assert_eq!(response.status(), 401);
        let challenge = format!("Cookie realm=\"gallery\", cookie-name=\"{asked}\"");
        assert_eq!(response.field("www-authenticate"), Some(challenge.as_str()));
    }
}
