//! What is handed out to somebody, opens its route, and ends: each by the library's own endpoints.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::{
    client_key::ClientKey,
    credentials::basic,
    expectation::Refusal,
    lab::{Lab, Reply},
    service::{CLIENT, ISSUER, cookie_named, issuers_token, now, shared_key},
    wire::{Request, Response},
};

const FORM: &str = "application/x-www-form-urlencoded";
const RIGHT: &str = "username=emily&password=emily%3As3cret";
const WRONG: &str = "username=emily&password=emma";

fn posted(path: &str, form: &str) -> Request {
    Request::post(path).with_body(FORM, form)
}

fn bare(path: &str) -> Request {
    Request::post(path).with("Content-Length", "0")
}

/// What stands in the JSON of an answer under this name.
fn member(response: &Response, name: &str) -> String {
    let document: Value = serde_json::from_slice(response.body()).expect("JSON");
    document[name].as_str().expect(name).to_owned()
}

/// The value of a cookie that is set.
fn set(response: &Response, name: &str) -> String {
    let begins = format!("{name}=");
    let cookie = response.fields("set-cookie").find_map(|cookie| cookie.strip_prefix(&*begins)).expect(name);
    cookie.split(';').next().unwrap_or_default().to_owned()
}

/// The same text with another character in its middle.
fn altered(text: &str) -> String {
    let middle = text.len() / 2;
    let other = if text.as_bytes()[middle] == b'A' { "B" } else { "A" };
    format!("{}{other}{}", &text[..middle], &text[middle + 1..])
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

pub(crate) fn a_sealed_token_is_opened(lab: &Lab) {
    let get = |token: &str| Request::get("/sealed").with("Authorization", format!("Bearer {token}"));
    let claims = |more: &Value| {
        let mut claims = json!({ "sub": "emily", "exp": seconds(now()) + 60 });
        claims.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        claims
    };
    let seal = |content: &str, nested| {
        let token = shared_key().seal(content.as_bytes(), nested).expect("there is randomness");
        lab.call(&token, "sealed");
        token
    };
    let good = seal(&claims(&json!({})).to_string(), false);
    let nested = seal(&issuers_token(&claims(&json!({ "iss": ISSUER, "aud": CLIENT }))), true);
    for token in [&good, &nested] {
        lab.ask(get(token)).admitted("this is /sealed");
    }
    let asked = [r#"Bearer realm="people""#];
    let wrong = altered(&good);
    lab.call(&wrong, "altered");
    let (ended, elsewhere) = (json!({ "exp": seconds(now()) - 120 }), json!({ "iss": ISSUER, "aud": "others" }));
    for token in [
        wrong,
        seal(&claims(&ended).to_string(), false),
        seal(&issuers_token(&claims(&elsewhere)), true),
        "not.a.sealed.token.at-all".to_owned(),
    ] {
        lab.ask(get(&token)).refused(&Refusal::wrong_token(&asked));
    }
    lab.ask(Request::get("/sealed")).refused(&Refusal::unasked(&asked));
}

/// A session that a browser has bound to its key.
struct Bound {
    id: String,
    cookie: String,
    challenge: String,
}

impl Bound {
    fn of(lab: &Lab, reply: Reply<'_>, id: Option<String>) -> Self {
        let response = reply.response();
        let id = id.unwrap_or_else(|| member(response, "session_identifier"));
        let (cookie, challenge) = (set(response, "device_bound"), next_challenge(response));
        lab.call(&cookie, "bound");
        lab.call(&challenge, "challenge");
        lab.call(&id, "session");
        let _ = reply.done(200);
        Self { id, cookie, challenge }
    }
}

/// The parameter of this name.
fn parameter(field: &str, name: &str) -> String {
    let (_, rest) = field.split_once(&format!("{name}=\"")).expect(name);
    rest.split('"').next().unwrap_or_default().to_owned()
}

fn next_challenge(response: &Response) -> String {
    let field = response.field("secure-session-challenge").expect("a challenge");
    field.split('"').nth(1).expect("a string").to_owned()
}

pub(crate) fn a_session_is_bound_to_a_device(lab: &Lab) {
    let (first, bound) = ("device_session", "device_bound");
    let asked = |name: &str| format!(r#"Cookie realm="people", cookie-name="{name}""#);
    lab.ask(posted("/device/sign-in", WRONG)).refused(&Refusal::wrong(&[&asked(bound)]));
    let begun = lab.ask(posted("/device/sign-in", RIGHT));
    let token = set(begun.response(), first);
    let registration = begun.response().field("secure-session-registration").expect("a registration").to_owned();
    let (challenge, authorization) = (parameter(&registration, "challenge"), parameter(&registration, "authorization"));
    lab.call(&token, "registers");
    let _ = begun.done(204);

    let (key, stolen) = (ClientKey::default(), ClientKey::default());
    let proof = |key: &ClientKey, challenge: &str| {
        let header = json!({ "alg": "ES256", "typ": "dbsc+jwt", "jwk": key.jwk() });
        let proof = key.sign(&header, &json!({ "jti": challenge, "authorization": authorization }));
        lab.call(&proof, "proof");
        proof
    };
    let registers = |token: &str, proof: &str| {
        bare("/device/register").with("Cookie", format!("{first}={token}")).with("Secure-Session-Response", proof)
    };
    let good = proof(&key, &challenge);
    // The cookie that registers opens nothing.
    lab.ask(Request::get("/device").with("Cookie", format!("{first}={token}")))
        .refused(&Refusal::unasked(&[&asked(bound)]));
    for (token, proof) in [(&*token, proof(&key, "of-nobody")), ("of-nobody", good.clone())] {
        lab.ask(registers(token, &proof)).refused(&Refusal::wrong(&[&asked(first)]));
    }
    let session = Bound::of(lab, lab.ask(registers(&token, &good)), None);
    lab.ask(registers(&token, &good)).refused(&Refusal::wrong(&[&asked(first)]));

    let get = |cookie: &str| Request::get("/device").with("Cookie", format!("{bound}={cookie}"));
    lab.ask(get(&session.cookie)).admitted("this is /device");
    let wrong = altered(&session.cookie);
    lab.call(&wrong, "altered");
    lab.ask(get(&wrong)).refused(&Refusal::wrong(&[&asked(bound)]));

    let answer = |key: &ClientKey, challenge: &str| {
        let answer = key.sign(&json!({ "alg": "ES256", "typ": "dbsc+jwt" }), &json!({ "jti": challenge }));
        lab.call(&answer, "answer");
        answer
    };
    let refresh = |answer: Option<&str>| {
        let request = bare("/device/refresh").with("Sec-Secure-Session-Id", &session.id);
        answer.into_iter().fold(request, |request, answer| request.with("Secure-Session-Response", answer))
    };
    let unasked = lab.ask(refresh(None));
    assert_eq!(unasked.response().status(), 403, "{unasked:?}");
    assert!(!next_challenge(unasked.response()).is_empty(), "{unasked:?}");
    lab.ask(refresh(Some(&answer(&stolen, &session.challenge)))).refused(&Refusal::wrong(&[&asked(first)]));
    let again = answer(&key, &session.challenge);
    let renewed = Bound::of(lab, lab.ask(refresh(Some(&again))), Some(session.id.clone()));
    assert_eq!(lab.ask(refresh(Some(&again))).response().status(), 403, "a challenge is answered once");
    lab.ask(get(&renewed.cookie)).admitted("this is /device");

    let ends = |cookie: &str| Request::new("DELETE", "/device/end").with("Cookie", format!("{bound}={cookie}"));
    lab.ask(ends(&wrong)).refused(&Refusal::wrong(&[&asked(bound)]));
    let _ = lab.ask(ends(&renewed.cookie)).done(204);
    for cookie in [&session.cookie, &renewed.cookie] {
        lab.ask(get(cookie)).refused(&Refusal::wrong(&[&asked(bound)]));
    }
    lab.ask(refresh(Some(&answer(&key, &renewed.challenge)))).refused(&Refusal::wrong(&[&asked(first)]));
}

fn over_tls(request: Request) -> Request {
    request.with("X-Forwarded-For", "192.0.2.1").with("X-Forwarded-Proto", "https")
}

pub(crate) fn of_two_tokens_one_may_act_over_tls(lab: &Lab) {
    let (secure, identity) = ("__Host-secure", "identity");
    let asked = |name: &str| format!(r#"Cookie realm="people", cookie-name="{name}""#);
    lab.ask(posted("/two-tokens/sign-in", RIGHT)).refused(&Refusal::forbidden());
    lab.ask(over_tls(posted("/two-tokens/sign-in", WRONG))).refused(&Refusal::wrong(&[&asked(identity)]));
    let begun = lab.ask(over_tls(posted("/two-tokens/sign-in", RIGHT)));
    let [acts, looks] = [secure, identity].map(|name| format!("{name}={}", set(begun.response(), name)));
    lab.call(&acts, "acts");
    lab.call(&looks, "looks");
    let _ = begun.done(204);

    let get = |path: &str, cookie: &str| Request::get(path).with("Cookie", cookie);
    lab.ask(get("/two-tokens", &looks)).admitted("this is /two-tokens");
    for path in ["/two-tokens", "/two-tokens/act"] {
        lab.ask(over_tls(get(path, &acts))).admitted(&format!("this is {path}"));
    }
    lab.ask(over_tls(get("/two-tokens/act", &looks))).refused(&Refusal::unasked(&[&asked(secure)]));
    let wrong = altered(&acts);
    lab.call(&wrong, "altered");
    lab.ask(over_tls(get("/two-tokens/act", &wrong))).refused(&Refusal::wrong(&[&asked(secure)]));
    lab.ask(over_tls(get("/two-tokens", &format!("{looks}; {wrong}")))).refused(&Refusal::wrong(&[&asked(identity)]));

    // Whoever listened has it now.
    lab.ask(get("/two-tokens/act", &acts)).refused(&Refusal::forbidden());
    lab.ask(over_tls(get("/two-tokens/act", &acts))).refused(&Refusal::wrong(&[&asked(secure)]));
    lab.ask(get("/two-tokens", &looks)).admitted("this is /two-tokens");
}

pub(crate) fn a_key_is_bound_to_its_sender(lab: &Lab) {
    let asked = [r#"AuthKey realm="people", header="Auth-Key""#];
    let from = |request: Request, address: &str, agent: &str| {
        request.with("X-Forwarded-For", address).with("User-Agent", agent)
    };
    lab.ask(from(posted("/bound-key/authenticate", WRONG), "192.0.2.1", "a")).refused(&Refusal::wrong(&asked));
    let begun = lab.ask(from(posted("/bound-key/authenticate", RIGHT), "192.0.2.1", "a"));
    let key = member(begun.response(), "auth_key");
    lab.call(&key, "key");
    let _ = begun.done(200);

    let get = || Request::get("/bound-key").with("Auth-Key", &key);
    lab.ask(from(get(), "192.0.2.1", "a")).admitted("this is /bound-key");
    for (address, agent) in [("192.0.2.2", "a"), ("192.0.2.1", "b")] {
        lab.ask(from(get(), address, agent)).refused(&Refusal::wrong(&asked));
    }
    lab.ask(get()).refused(&Refusal::wrong(&asked));
    // It stays good for its owner.
    lab.ask(from(get(), "192.0.2.1", "a")).admitted("this is /bound-key");

    let ends = || Request::new("DELETE", "/bound-key/end").with("Auth-Key", &key);
    lab.ask(from(ends(), "192.0.2.2", "a")).refused(&Refusal::wrong(&asked));
    let _ = lab.ask(from(ends(), "192.0.2.1", "a")).done(204);
    lab.ask(from(get(), "192.0.2.1", "a")).refused(&Refusal::wrong(&asked));
}

pub(crate) fn a_token_of_a_few_seconds_is_void_at_a_word(lab: &Lab) {
    let asked = [r#"Bearer realm="people""#];
    let by_password = [r#"Basic realm="people", charset="UTF-8""#];
    let handed_out = |password| bare("/transient/tokens").with("Authorization", basic("emily", password));
    lab.ask(handed_out("emma")).refused(&Refusal::wrong(&by_password));
    let [token, other] = ["token", "other"].map(|name| {
        let begun = lab.ask(handed_out("emily:s3cret"));
        let token = member(begun.response(), "token");
        lab.call(&token, name);
        let _ = begun.done(200);
        token
    });

    let bearing = |method: &str, path: &str, token: &str| {
        Request::new(method, path).with("Authorization", format!("Bearer {token}"))
    };
    let both =
        |token: &str| [bearing("GET", "/transient", token), Request::get(&format!("/transient?access_token={token}"))];
    let wrong = altered(&token);
    lab.call(&wrong, "altered");
    for (right, wrong) in both(&token).into_iter().zip(both(&wrong)) {
        lab.ask(right).admitted("this is /transient");
        lab.ask(wrong).refused(&Refusal::wrong_token(&asked));
    }
    lab.ask(Request::get("/transient")).refused(&Refusal::unasked(&asked));

    lab.ask(bearing("DELETE", "/transient/end", &wrong)).refused(&Refusal::wrong_token(&asked));
    let _ = lab.ask(bearing("DELETE", "/transient/end", &token)).done(204);
    for (void, other) in both(&token).into_iter().zip(both(&other)) {
        lab.ask(void).refused(&Refusal::wrong_token(&asked));
        lab.ask(other).admitted("this is /transient");
    }
}

pub(crate) fn an_issuer_ends_its_sessions(lab: &Lab) {
    let of = |session: &str| {
        let cookie = cookie_named("of_issuer").seal(session.as_bytes(), now() + Duration::from_secs(600));
        Request::get("/of-issuer").with("Cookie", format!("of_issuer={cookie}"))
    };
    let over = Refusal::wrong(&[r#"Cookie realm="people", cookie-name="of_issuer""#]);
    let live = |sessions: &[&str]| {
        for session in ["s-1", "s-2", "s-3"] {
            let reply = lab.ask(of(session));
            if sessions.contains(&session) {
                reply.admitted("this is /of-issuer")
            } else {
                reply.refused(&over)
            };
        }
    };
    let event = "http://schemas.openid.net/event/backchannel-logout";
    let token = |id: &str, more: &Value| {
        let mut claims = json!({
            "iss": ISSUER, "aud": CLIENT, "iat": seconds(now()), "exp": seconds(now()) + 60, "jti": id, "events": { event: {} },
        });
        claims.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        issuers_token(&claims)
    };
    let logout = |token: &str| posted("/logout", &format!("logout_token={token}"));
    let wrong = |request: Request| {
        let reply = lab.ask(request);
        assert_eq!(member(reply.response(), "error"), "invalid_request", "{reply:?}");
        let _ = reply.done(400);
    };

    live(&["s-1", "s-2", "s-3"]);
    let first = token("1", &json!({ "sid": "s-1" }));
    wrong(logout(&altered(&first)));
    wrong(logout(&token("2", &json!({ "sid": "s-1", "nonce": "n" }))));
    wrong(logout(&token("3", &json!({ "sid": "s-1", "events": {} }))));
    wrong(Request::post("/logout").with_json(&json!({ "logout_token": first }).to_string()));
    live(&["s-1", "s-2", "s-3"]);
    let _ = lab.ask(logout(&first)).done(200);
    live(&["s-2", "s-3"]);
    wrong(logout(&first));
    let _ = lab.ask(logout(&token("4", &json!({ "sub": "emma", "sid": "s-2" })))).done(200);
    live(&["s-2", "s-3"]);
    let _ = lab.ask(logout(&token("5", &json!({ "sub": "emily" })))).done(200);
    live(&["s-3"]);
}
