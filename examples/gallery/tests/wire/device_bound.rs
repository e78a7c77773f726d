//! Sessions that are bound to a device, as a browser keeps them up.

use countersign_conformance::wire::{Request, Response};
use serde_json::{Value, json};

use crate::{
    service::{Gallery, caller},
    tokens::ClientKey,
};

const FORM: &str = "application/x-www-form-urlencoded";
const FIRST: &str = "Cookie realm=\"gallery\", cookie-name=\"dbsc_session\"";
const ATTRIBUTES: &str = "Path=/dbsc; Secure; HttpOnly; SameSite=Lax";

/// What a sign-in gives a browser.
pub(crate) struct Begun {
    cookie: String,
    challenge: String,
    authorization: String,
}

/// What a registration gives it.
pub(crate) struct Bound {
    id: String,
    pub(crate) cookie: String,
    challenge: String,
}

fn parameter(field: &str, name: &str) -> String {
    let (_, rest) = field.split_once(&format!("{name}=\"")).expect("a parameter");
    rest.split('"').next().unwrap().to_owned()
}

fn cookie_of(response: &Response, name: &str, life: &str) -> String {
    let set = response.fields("set-cookie").find(|cookie| cookie.starts_with(&format!("{name}="))).expect("a cookie");
    let (pair, attributes) = set.split_once("; ").unwrap();
    assert_eq!(attributes, format!("{ATTRIBUTES}; Max-Age={life}"));
    pair.to_owned()
}

pub(crate) fn sign_in(gallery: &Gallery) -> Begun {
    let form = "username=emma&password=p%C3%A4ssw%C3%B6rd-emma";
    let response = gallery.expect(204, &Request::post("/dbsc/sign-in").with_body(FORM, form));
    let registration = response.field("secure-session-registration").expect("a registration").to_owned();
    assert!(registration.starts_with("(ES256 RS256);path=\"/dbsc/register\";challenge=\""), "{registration}");
    Begun {
        cookie: cookie_of(&response, "dbsc_session", "3600"),
        challenge: parameter(&registration, "challenge"),
        authorization: parameter(&registration, "authorization"),
    }
}

pub(crate) fn registration(key: &ClientKey, begun: &Begun) -> String {
    let header = json!({ "alg": "ES256", "typ": "dbsc+jwt", "jwk": key.jwk() });
    key.sign(&header, &json!({ "jti": begun.challenge, "authorization": begun.authorization }))
}

pub(crate) fn register(gallery: &Gallery, begun: &Begun, proof: &str) -> Response {
    let request = Request::post("/dbsc/register").with("Cookie", &begun.cookie).with("Content-Length", "0");
    gallery.ask(&request.with("Secure-Session-Response", proof))
}

pub(crate) fn bound(response: &Response) -> Bound {
    assert_eq!(response.status(), 200, "{}", response.text());
    assert_eq!(response.field("content-type"), Some("application/json"));
    let rules: Value = serde_json::from_slice(response.body()).unwrap();
    let id = rules["session_identifier"].as_str().unwrap().to_owned();
    let expected = json!({
        "session_identifier": id,
        "refresh_url": "/dbsc/refresh",
        "scope": { "include_site": false },
        "credentials": [{ "type": "cookie", "name": "dbsc_bound", "attributes": ATTRIBUTES }],
    });
    assert_eq!(rules, expected);
    Bound { cookie: cookie_of(response, "dbsc_bound", "10"), challenge: next(response, &id), id }
}

/// The challenge of a response for this session.
fn next(response: &Response, id: &str) -> String {
    let field = response.field("secure-session-challenge").expect("a challenge");
    let (challenge, rest) = field.strip_prefix('"').and_then(|rest| rest.split_once('"')).expect("a string");
    assert_eq!(rest, format!(";id=\"{id}\""));
    challenge.to_owned()
}

fn refresh(gallery: &Gallery, id: &str, proof: Option<&str>) -> Response {
    let request = Request::post("/dbsc/refresh").with("Sec-Secure-Session-Id", id).with("Content-Length", "0");
    gallery.ask(&proof.into_iter().fold(request, |request, proof| request.with("Secure-Session-Response", proof)))
}

fn answer(key: &ClientKey, challenge: &str) -> String {
    key.sign(&json!({ "alg": "ES256", "typ": "dbsc+jwt" }), &json!({ "jti": challenge }))
}

pub(crate) fn is_let_in(gallery: &Gallery, cookie: &str) -> bool {
    let response = gallery.with_cookie("/dbsc", cookie);
    match response.status() {
        200 => {
            assert_eq!(caller(&response), json!({ "name": "emma", "scheme": "dbsc", "bound": true }));
            true
        }
        401 => {
            let told = "Cookie realm=\"gallery\", cookie-name=\"dbsc_bound\"";
            assert_eq!(response.field("www-authenticate"), Some(told));
            false
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_session_is_bound_kept_up_and_ended() {
    let gallery = Gallery::start(&[]);
    let (key, begun) = (ClientKey::new(), sign_in(&gallery));
    assert!(!is_let_in(&gallery, &begun.cookie), "the cookie that registers opens nothing");
    let proof = registration(&key, &begun);
    let session = bound(&register(&gallery, &begun, &proof));
    assert!(is_let_in(&gallery, &session.cookie));
    let again = register(&gallery, &begun, &proof);
    assert_eq!((again.status(), again.field("www-authenticate")), (401, Some(FIRST)), "once a session");

    // Without a proof, by a challenge that is used, and by one of another session: sign again.
    let asked = refresh(&gallery, &session.id, None);
    assert_eq!((asked.status(), asked.field("set-cookie")), (403, None));
    let challenge = next(&asked, &session.id);
    let renewed = refresh(&gallery, &session.id, Some(&answer(&key, &challenge)));
    assert_eq!((renewed.status(), renewed.body()), (200, &b""[..]), "{}", renewed.text());
    assert!(is_let_in(&gallery, &cookie_of(&renewed, "dbsc_bound", "10")));
    let other = ClientKey::new();
    let begun_elsewhere = sign_in(&gallery);
    let elsewhere = bound(&register(&gallery, &begun_elsewhere, &registration(&other, &begun_elsewhere)));
    for (what, challenge) in [
        ("a used one", &challenge),
        ("one of another session", &elsewhere.challenge),
        ("that of the registration", &begun.challenge),
        ("one of nobody", &"x".to_owned()),
    ] {
        let asked = refresh(&gallery, &session.id, Some(&answer(&key, challenge)));
        assert_eq!(asked.status(), 403, "{what}");
        next(&asked, &session.id);
    }
    // The id in quotes, the proof in quotes, as the draft has them; and the challenge that came with the registration.
    let quoted = format!("\"{}\"", answer(&key, &session.challenge));
    let renewed = refresh(&gallery, &format!("\"{}\"", session.id), Some(&quoted));
    assert_eq!(renewed.status(), 200, "{}", renewed.text());

    let out = gallery.expect(204, &Request::new("DELETE", "/dbsc").with("Cookie", &session.cookie));
    cookie_of(&out, "dbsc_session", "0");
    cookie_of(&out, "dbsc_bound", "0");
    assert!(!is_let_in(&gallery, &session.cookie), "a copy of the cookie is worth nothing");
    assert!(is_let_in(&gallery, &elsewhere.cookie), "another session goes on");
    let over = refresh(&gallery, &session.id, Some(&answer(&key, &next(&renewed, &session.id))));
    assert_eq!((over.status(), over.field("www-authenticate")), (401, Some(FIRST)));
    assert_eq!(register(&gallery, &begun, &proof).status(), 401);
}

#[test]
fn what_is_no_good_proof_registers_nothing() {
    let gallery = Gallery::start(&[]);
    let (key, begun, other) = (ClientKey::new(), sign_in(&gallery), sign_in(&gallery));
    let header = json!({ "alg": "ES256", "typ": "dbsc+jwt", "jwk": key.jwk() });
    let good = json!({ "jti": begun.challenge, "authorization": begun.authorization });
    let with = |of: &Value, name: &str, value: Value| {
        let mut changed = of.clone();
        changed[name] = value;
        changed
    };
    let mut private = header.clone();
    private["jwk"]["d"] = json!("AAAA");
    let rows = [
        ("another type", key.sign(&with(&header, "typ", json!("jwt")), &good)),
        ("none", key.sign(&with(&header, "alg", json!("none")), &good)),
        ("another algorithm", key.sign(&with(&header, "alg", json!("ES384")), &good)),
        ("a secret", key.sign(&with(&header, "alg", json!("HS256")), &good)),
        ("no key", key.sign(&json!({ "alg": "ES256", "typ": "dbsc+jwt" }), &good)),
        ("a private key", key.sign(&private, &good)),
        ("another's key", key.sign(&with(&header, "jwk", ClientKey::new().jwk()), &good)),
        ("another's challenge", key.sign(&header, &with(&good, "jti", json!(other.challenge)))),
        ("the authorization for a challenge", key.sign(&header, &with(&good, "jti", json!(begun.authorization)))),
        ("another's authorization", key.sign(&header, &with(&good, "authorization", json!(other.authorization)))),
        ("no authorization", key.sign(&header, &json!({ "jti": begun.challenge }))),
        ("nothing", String::new()),
        ("half a string", format!("\"{}", key.sign(&header, &good))),
    ];
    for (what, proof) in rows {
        let response = register(&gallery, &begun, &proof);
        assert_eq!((response.status(), response.field("www-authenticate")), (401, Some(FIRST)), "{what}");
    }
    let proof = key.sign(&header, &good);
    let bare = Request::post("/dbsc/register").with("Content-Length", "0");
    gallery.expect(401, &bare.clone().with("Secure-Session-Response", &proof));
    gallery.expect(401, &bare.clone().with("Cookie", &begun.cookie));
    gallery.expect(401, &bare.clone().with("Cookie", "dbsc_session=x").with("Secure-Session-Response", &proof));
    let skipped = bare.clone().with("Cookie", &begun.cookie).with("Secure-Session-Skipped", "unreachable");
    gallery.expect(401, &skipped);
    let twice = bare.clone().with("Cookie", format!("{0}; {0}", begun.cookie));
    gallery.expect(400, &twice.with("Secure-Session-Response", &proof));
    let elsewhere = bare.with("Cookie", &begun.cookie).with("Sec-Fetch-Site", "cross-site");
    gallery.expect(403, &elsewhere.with("Secure-Session-Response", &proof));
    // Nothing of all this has spent the challenge.
    bound(&register(&gallery, &begun, &format!("\"{proof}\"")));
}

#[test]
fn what_is_by_no_key_of_the_session_ends_it_in_the_browser() {
    let gallery = Gallery::start(&[]);
    let (key, begun) = (ClientKey::new(), sign_in(&gallery));
    let session = bound(&register(&gallery, &begun, &registration(&key, &begun)));
    let said = json!({ "jti": session.challenge });
    let rows = [
        ("another key", ClientKey::new().sign(&json!({ "alg": "ES256", "typ": "dbsc+jwt" }), &said)),
        ("its own key again", key.sign(&json!({ "alg": "ES256", "typ": "dbsc+jwt", "jwk": key.jwk() }), &said)),
        ("none", key.sign(&json!({ "alg": "none", "typ": "dbsc+jwt" }), &said)),
        ("another algorithm", key.sign(&json!({ "alg": "RS256", "typ": "dbsc+jwt" }), &said)),
        ("another type", key.sign(&json!({ "alg": "ES256", "typ": "dpop+jwt" }), &said)),
        ("nothing that is a proof", "a.b.c".to_owned()),
    ];
    for (what, proof) in rows {
        let response = refresh(&gallery, &session.id, Some(&proof));
        assert_eq!((response.status(), response.field("www-authenticate")), (401, Some(FIRST)), "{what}");
    }
    for id in ["", "x", &"0".repeat(64), &session.id.to_uppercase()] {
        assert_eq!(refresh(&gallery, id, Some(&answer(&key, &session.challenge))).status(), 401, "{id}");
    }
    let unregistered = sign_in(&gallery);
    assert_eq!(refresh(&gallery, &unregistered.cookie, None).status(), 401);
    assert_eq!(refresh(&gallery, &session.id, Some(&answer(&key, &session.challenge))).status(), 200);
}

#[test]
fn a_wrong_password_begins_nothing() {
    let gallery = Gallery::start(&[]);
    let response = gallery.expect(401, &Request::post("/dbsc/sign-in").with_body(FORM, "username=emma&password=wrong"));
    assert!(response.field("www-authenticate").is_some() && response.field("set-cookie").is_none());
    let json = r#"{"username":"emma","password":"p\u00e4ssw\u00f6rd-emma"}"#;
    gallery.expect(204, &Request::post("/dbsc/sign-in").with_json(json));
    gallery.expect(405, &Request::get("/dbsc/sign-in"));
}
