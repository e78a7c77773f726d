//! Cookies that others sign or seal: Flask, Django, Rails, Play, Express, cookie-session, the crate `cookie` and Auth.js.
//!
//! Each route reads one cookie and says whom its value names. What the page shows is made here, by the same format that reads it.

use std::time::Duration;

use axum::Router;
use countersign::{
    Answer, Extract, Secret, Verified,
    credential::cookie::foreign::{
        AuthJs, CookieFormat, CookieRs, CookieRsPrivate, CookieSession, DjangoCookie, DjangoSession, Document, Express,
        ForeignCookie, Itsdangerous, OpenedCookie, Play, PlayLegacy, Rails,
    },
    verifier::verify_now_with,
};
use serde_json::json;

use crate::{
    Fault,
    exhibit::{Exhibit, Room},
    gallery::{GET, Gallery, shows_caller},
    users::{Caller, named, numbered},
};

const PLAY_SECRET: &str = "vQU@MgnjTohP?w>jpu?X0oqvmz21o[AHP;/rPj?CB><YMFcl?xXfq]6o>1QuNcXU";
const RAILS_KEY_BASE: &str = "0123456789abcdef0123456789abcdef";

/// The one session that the store of Express knows.
const EXPRESS_SESSION: (&[u8], &str) = (b"s3ss10n-id-0001", "emma");

/// The routes of this group.
pub(crate) fn room(gallery: &Gallery) -> Result<Room, Fault> {
    let room = django(gallery, flask(gallery, Room::empty())?)?;
    let room = play(gallery, rails(gallery, room)?)?;
    auth_js(gallery, cookie_rs(gallery, express(gallery, room)?)?)
}

fn flask(gallery: &Gallery, room: Room) -> Result<Room, Fault> {
    let format = Itsdangerous::flask_session(Secret::new("secret-key"));
    let value = format.seal(&json!({ "user_id": 7 }), gallery.clock().wall());
    let routes = reads(gallery, "/flask", "session", format, |session| numbered(session.member("user_id")?))?;
    Ok(room.with(
        routes,
        Exhibit {
            path: "/flask",
            title: "A session of Flask",
            what: "JSON in a cookie, signed by itsdangerous with the time of signing. Anybody can read it, nobody else can make it.",
            choose: "while some routes are still Flask's, so that one sign-in serves both.",
            avoid: "for something new: a session in a store can be ended, and shows nothing.",
            line: pasted(gallery, "/flask", "session", &value),
        },
    ))
}

fn django(gallery: &Gallery, room: Room) -> Result<Room, Fault> {
    let now = gallery.clock().wall();
    let session = DjangoSession::signed_by(Secret::new("secret-key"));
    let cookie = DjangoCookie::signed_by(Secret::new("secret-key"));
    let (session_value, cookie_value) = (session.seal(&json!({ "user_id": 7 }), now), cookie.seal("sid", "emma", now));
    let sessions = reads(gallery, "/django", "sessionid", session, |session| numbered(session.member("user_id")?))?;
    let cookies = reads(gallery, "/django/cookie", "sid", cookie, by_name)?;
    let room = room.with(
        sessions,
        Exhibit {
            path: "/django",
            title: "A session of Django, in its cookie",
            what: "JSON that Django's signed_cookies backend signs, good for 14 days.",
            choose: "while some routes are still Django's.",
            avoid: "where a session must end when somebody signs out: a copy of the cookie goes on.",
            line: pasted(gallery, "/django", "sessionid", &session_value),
        },
    );
    Ok(room.with(
        cookies,
        Exhibit {
            path: "/django/cookie",
            title: "A signed cookie of Django",
            what: "What set_signed_cookie makes: a text, its time and a signature that binds the cookie's name.",
            choose: "for a cookie that Django sets and this service reads.",
            avoid: "in its older format, in which a name can run into a salt: it is refused here.",
            line: pasted(gallery, "/django/cookie", "sid", &cookie_value),
        },
    ))
}

fn rails(gallery: &Gallery, room: Room) -> Result<Room, Fault> {
    let format = Rails::by_key_base(&Secret::new(RAILS_KEY_BASE));
    let value = format.seal("user_id", &50, None);
    let routes = reads(gallery, "/rails", "user_id", format, |value: &Document| numbered(value.parse()?))?;
    Ok(room.with(
        routes,
        Exhibit {
            path: "/rails",
            title: "A signed cookie of Rails",
            what: "JSON in an envelope with its purpose and its end. What Ruby's Marshal wrote is refused unread.",
            choose: "while some routes are still those of Rails, with cookies_serializer set to :json.",
            avoid: "with Marshal: whoever learns the key runs code.",
            line: pasted(gallery, "/rails", "user_id", &encoded(&value)),
        },
    ))
}

fn play(gallery: &Gallery, room: Room) -> Result<Room, Fault> {
    let play = Play::signed_by(Secret::new(PLAY_SECRET));
    let legacy = PlayLegacy::signed_by(Secret::new("changeme"));
    let (token, form) = (play.seal([("user", "emma")], gallery.clock().wall(), None), legacy.seal([("user", "emma")]));
    let of_user = |session: &Document| named(&session.member::<String>("user")?);
    let tokens = reads(gallery, "/play", "PLAY_SESSION", play, of_user)?;
    let forms = reads(gallery, "/play/legacy", "PLAY_SESSION", legacy, of_user)?;
    let room = room.with(
        tokens,
        Exhibit {
            path: "/play",
            title: "A session of Play",
            what: "A JWT by HMAC with the session in the claim data, in a cookie.",
            choose: "while some routes are still Play's.",
            avoid: "without play.http.session.maxAge: then nothing in it ever ends.",
            line: pasted(gallery, "/play", "PLAY_SESSION", &token),
        },
    );
    Ok(room.with(
        forms,
        Exhibit {
            path: "/play/legacy",
            title: "A session of Play before 2.6",
            what: "A form behind its HMAC-SHA1. It holds no time.",
            choose: "only to bring users of such an old service over.",
            avoid: "for anything that stays: a copy is good until the secret changes.",
            line: pasted(gallery, "/play/legacy", "PLAY_SESSION", &form),
        },
    ))
}

fn express(gallery: &Gallery, room: Room) -> Result<Room, Fault> {
    let express = Express::signed_by(Secret::new("keyboard cat")).or_older(Secret::new("old cat"));
    let session = CookieSession::signed_by(Secret::new("key2")).or_older(Secret::new("key1"));
    let identifier = express.seal("s3ss10n-id-0001");
    let (value, signature) = session.seal("session", &json!({ "user": "emma" }));
    let stored = |identifier: &Secret| {
        let (known, name) = EXPRESS_SESSION;
        if identifier.matches(known) { named(name) } else { None }
    };
    let sessions = reads(gallery, "/express", "connect.sid", express, stored)?;
    let cookies =
        reads(gallery, "/cookie-session", "session", session, |session| named(&session.member::<String>("user")?))?;
    let room = room.with(
        sessions,
        Exhibit {
            path: "/express",
            title: "A session of express-session",
            what: "A signed identifier; who it is stands in the store that both services ask.",
            choose: "while some routes are still those of Express.",
            avoid: "without the store: the signature alone names nobody and never ends.",
            line: pasted(gallery, "/express", "connect.sid", &encoded(&identifier)),
        },
    );
    Ok(room.with(
        cookies,
        Exhibit {
            path: "/cookie-session",
            title: "A session of cookie-session",
            what: "JSON in one cookie, and its signature in a second, which binds name and value.",
            choose: "while some routes are still those of Express with cookie-session.",
            avoid: "where a session must end: no time is signed.",
            line: pasted(gallery, "/cookie-session", "session", &format!("{value}; session.sig={signature}")),
        },
    ))
}

fn cookie_rs(gallery: &Gallery, room: Room) -> Result<Room, Fault> {
    let master = Secret::new((0..=31).collect::<Vec<u8>>());
    let (signed, private) = (CookieRs::derived_from(&master), CookieRsPrivate::derived_from(&master));
    let (value, hidden) = (signed.seal("emma"), private.seal("user", "emma").ok_or("there is no randomness")?);
    let signed = reads(gallery, "/cookie-rs", "user", signed, by_name)?;
    let private = reads(gallery, "/cookie-rs/private", "user", private, by_name)?;
    let room = room.with(
        signed,
        Exhibit {
            path: "/cookie-rs",
            title: "A signed cookie of the crate cookie",
            what: "The signature, then the value: what the signed jars of axum-extra and Rocket make.",
            choose: "for cookies that such a service has handed out.",
            avoid: "for more than one cookie by one key: the name is not bound.",
            line: pasted(gallery, "/cookie-rs", "user", &value),
        },
    );
    Ok(room.with(
        private,
        Exhibit {
            path: "/cookie-rs/private",
            title: "A private cookie of the crate cookie",
            what: "The value encrypted by AES-256-GCM, with the name bound to it.",
            choose: "for cookies that such a service has handed out, and rather than the signed ones.",
            avoid: "where a value must end: no time is inside.",
            line: pasted(gallery, "/cookie-rs/private", "user", &hidden),
        },
    ))
}

fn auth_js(gallery: &Gallery, room: Room) -> Result<Room, Fault> {
    let name = "authjs.session-token";
    let auth = AuthJs::sealed_by(Secret::new("correct horse battery staple correct horse"));
    let ends = gallery.clock().wall() + Duration::from_secs(86_400);
    let value = auth.seal(name, json!({ "sub": "7" }), ends).ok_or("there is no randomness")?;
    let of_subject = |claims: &Document| {
        let subject: String = claims.member("sub")?;
        let number = subject.parse::<u64>().ok().filter(|number| number.to_string() == subject);
        numbered(number?)
    };
    let routes = reads(gallery, "/auth-js", name, auth, of_subject)?;
    Ok(room.with(
        routes,
        Exhibit {
            path: "/auth-js",
            title: "A session of Auth.js",
            what: "Claims that are sealed with a key of secret and cookie name; a long one is cut into several cookies.",
            choose: "beside a Next.js front that signs people in.",
            avoid: "where a session must be ended: what is sealed is good until its end.",
            line: pasted(gallery, "/auth-js", name, &value),
        },
    ))
}

/// A route that takes this cookie, and shows the caller whom its value names.
fn reads<F: CookieFormat>(
    gallery: &Gallery,
    path: &'static str,
    name: &str,
    format: F,
    who: impl Fn(&F::Value) -> Option<Verified<Caller>> + Send + Sync + 'static,
) -> Result<Router, Fault> {
    let scheme = path.split('/').nth(1).unwrap_or(path);
    let kind = ForeignCookie::named(name, format).timed_by(gallery.clock().clone()).called(scheme);
    let verifier = verify_now_with(move |cookie: &OpenedCookie<F::Value>| match who(cookie.value()) {
        Some(verified) => verified.into(),
        None => Answer::Refused,
    });
    Ok(shows_caller(path, GET, &gallery.gate(kind, verifier)?))
}

/// The user whose name the value is.
fn by_name(value: &Secret) -> Option<Verified<Caller>> {
    named(std::str::from_utf8(value.expose()).ok()?)
}

fn pasted(gallery: &Gallery, path: &str, cookie: &str, value: &str) -> String {
    format!("curl --cookie '{cookie}={value}' {}{path}", gallery.site())
}

/// As Rails and Express send it.
fn encoded(value: &str) -> String {
    value.bytes().fold(String::new(), |text, byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text + &char::from(byte).to_string(),
        _ => text + &format!("%{byte:02X}"),
    })
}
