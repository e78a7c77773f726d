//! Values that others sign or seal: each of every shape that somebody may have made who knows no key.

use countersign::{
    credential::cookie::foreign::{
        AuthJs, CookieFormat, CookieRs, CookieRsPrivate, CookieSession, CouchDb, DjangoCookie, DjangoSession, Express,
        ForeignCookie, Itsdangerous, Play, PlayLegacy, Rails,
    },
    store::MemorySecrets,
    verifier::CouchDbSessions,
};

use super::*;

const SHAPES: [&str; 10] = ["a", ".", ":", "%41", "--", "=", "eyJ", "s:a.", "-", "a&b="];

fn shape_of(number: usize, times: usize) -> String {
    SHAPES.get(number).unwrap().repeat(times)
}

/// Every shape of the value of this cookie.
fn shapes<F: CookieFormat + Clone>(what: &'static str, cookie: &'static str, format: &F, rows: &mut Vec<Row>) {
    for number in 0..SHAPES.len() {
        let format = format.clone();
        let gate = move || {
            let anybody = verify_now_with(|_: &countersign::credential::cookie::foreign::OpenedCookie<F::Value>| {
                Answer::from(Verified::new(String::new()))
            });
            gate_of(ForeignCookie::named(cookie, format.clone()).timed_by(clock()), anybody)
        };
        rows.push(read_at(what, gate, move |n| {
            PlainHead::get("/").with("cookie", format!("{cookie}={0}; {cookie}.sig={0}", shape_of(number, n)))
        }));
    }
}

pub(crate) fn of_cookies() -> Vec<Row> {
    let secret = || Secret::new("0123456789abcdef0123456789abcdef");
    let master = Secret::new((0..=31).collect::<Vec<u8>>());
    let mut rows = Vec::new();
    shapes("flask", "session", &Itsdangerous::flask_session(secret()), &mut rows);
    shapes("a session of django", "sessionid", &DjangoSession::signed_by(secret()), &mut rows);
    shapes("a cookie of django", "sid", &DjangoCookie::signed_by(secret()), &mut rows);
    shapes("rails", "user_id", &Rails::by_key_base(&secret()), &mut rows);
    shapes("play", "PLAY_SESSION", &Play::signed_by(secret()), &mut rows);
    shapes("an older play", "PLAY_SESSION", &PlayLegacy::signed_by(secret()), &mut rows);
    shapes("express", "connect.sid", &Express::signed_by(secret()), &mut rows);
    shapes("cookie-session", "session", &CookieSession::signed_by(secret()), &mut rows);
    shapes("the crate cookie", "user", &CookieRs::derived_from(&master), &mut rows);
    shapes("the crate cookie, private", "user", &CookieRsPrivate::derived_from(&master), &mut rows);
    shapes("auth.js", "authjs.session-token", &AuthJs::sealed_by(secret()), &mut rows);
    let couch = || {
        let salts = MemorySecrets::<String>::new();
        let sessions = CouchDbSessions::signed_by(Secret::new("secret"), salts);
        gate_of(
            ForeignCookie::named("AuthSession", CouchDb::lasting(Duration::from_secs(600))).timed_by(clock()),
            sessions,
        )
    };
    for number in 0..SHAPES.len() {
        rows.push(read_at("couchdb", couch, move |n| {
            PlainHead::get("/").with("cookie", format!("AuthSession={}", shape_of(number, n)))
        }));
    }
    rows.push(read_at("chunks of auth.js", auth_js, |n| {
        let chunks: Vec<String> = (0..n).map(|number| format!("authjs.session-token.{number}=a")).collect();
        PlainHead::get("/").with("cookie", chunks.join("; "))
    }));
    rows
}

fn auth_js() -> Gate<String> {
    let format = AuthJs::sealed_by(Secret::new("0123456789abcdef0123456789abcdef"));
    let cookie = ForeignCookie::named("authjs.session-token", format).timed_by(clock());
    gate_of(cookie, verify_now_with(|_: &_| Answer::from(Verified::new(String::new()))))
}
