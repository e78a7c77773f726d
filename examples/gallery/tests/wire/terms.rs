//! Keys and tokens with terms. When they end is tested where time is injected, beside their code.

use countersign_conformance::wire::{Request, Response};
use serde_json::{Value, json};

use crate::{
    service::{Gallery, caller},
    tls::{Tls, ask_over_tls},
};

const FORM: &str = "application/x-www-form-urlencoded";

pub(crate) fn member(response: &Response, name: &str) -> String {
    let document: Value = serde_json::from_slice(response.body()).expect("a document");
    document[name].as_str().unwrap_or_else(|| panic!("{document}")).to_owned()
}

pub(crate) fn basic(name: &str, password: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

#[test]
fn a_key_is_good_from_its_sender() {
    let gallery = Gallery::start(&[]);
    let post = || Request::post("/auth-key/authenticate");
    let alice = || post().with_body(FORM, "username=alice&password=secret");
    let response = gallery.expect(200, &alice().with("User-Agent", "one"));
    let document: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(document["expires_in"], json!(4));
    let key = member(&response, "auth_key");
    let ask = |key: &str, agent: Option<&str>| {
        let request = Request::get("/auth-key").with("Auth-Key", key);
        gallery.ask(&agent.into_iter().fold(request, |request, agent| request.with("User-Agent", agent)))
    };
    assert_eq!(caller(&ask(&key, Some("one"))), json!({ "name": "alice", "scheme": "auth-key" }));
    for agent in [Some("two"), Some(""), None, Some("One")] {
        let refused = ask(&key, agent);
        assert_eq!(refused.status(), 401, "{agent:?}");
        assert_eq!(refused.field("www-authenticate"), Some("AuthKey realm=\"gallery\", header=\"Auth-Key\""));
    }
    assert_eq!(ask(&key, Some("one")).status(), 200, "a thief's try ends nothing");

    let bare =
        member(&gallery.expect(200, &post().with_json(r#"{"username":"alice","password":"secret"}"#)), "auth_key");
    assert_eq!((ask(&bare, None).status(), ask(&bare, Some("one")).status()), (200, 401));
    let twice = Request::get("/auth-key").with("Auth-Key", &bare).with("Auth-Key", &bare);
    assert_eq!(gallery.ask(&twice).status(), 400);
    gallery.expect(204, &Request::new("DELETE", "/auth-key").with("Auth-Key", &bare));
    assert_eq!(ask(&bare, None).status(), 401);
    gallery.expect(401, &Request::new("DELETE", "/auth-key").with("Auth-Key", &bare));

    // From another address.
    let fields = [format!("Auth-Key: {key}"), "User-Agent: one".to_owned()];
    assert_eq!(gallery.ask_from("127.0.0.2", "/auth-key", &fields), 401);
    assert_eq!(gallery.ask_from("127.0.0.1", "/auth-key", &fields), 200);

    for (body, status) in
        [("username=alice&password=wrong", 401), ("username=nobody&password=secret", 401), ("username=alice", 400)]
    {
        gallery.expect(status, &post().with_body(FORM, body));
    }
}

#[test]
fn a_transient_token_leaves_no_trace_and_is_void_at_a_word() {
    let gallery = Gallery::start(&[]);
    let issue =
        |name: &str, password: &str| Request::post("/transient/tokens").with("Authorization", basic(name, password));
    let response = gallery.expect(200, &issue("emma", "p\u{e4}ssw\u{f6}rd-emma"));
    let document: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!((&document["expires_in"], response.field("cache-control")), (&json!(5), Some("no-store")));
    let token = member(&response, "token");
    let by_query = gallery.expect(200, &Request::get(&format!("/transient?a=1&token={token}&b=2")));
    assert_eq!(caller(&by_query), json!({ "name": "emma", "scheme": "transient", "uri": "/transient?a=1&b=2" }));
    assert_eq!(by_query.field("referrer-policy"), Some("no-referrer"));
    let by_header = gallery.expect(200, &Request::get("/transient").with("Authorization", format!("Bearer {token}")));
    assert_eq!(caller(&by_header), json!({ "name": "emma", "scheme": "transient", "uri": "/transient" }));
    let both = Request::get(&format!("/transient?token={token}")).with("Authorization", format!("Bearer {token}"));
    assert_eq!(
        gallery.expect(400, &both).field("www-authenticate"),
        Some("Bearer realm=\"gallery\", error=\"invalid_request\"")
    );

    let another = || member(&gallery.expect(200, &issue("emma", "p\u{e4}ssw\u{f6}rd-emma")), "token");
    let (other, third) = (another(), another());
    gallery.expect(204, &Request::new("DELETE", "/transient").with("Authorization", format!("Bearer {other}")));
    gallery.expect(204, &Request::new("DELETE", &format!("/transient?token={third}")));
    for request in [
        Request::get(&format!("/transient?token={third}")),
        Request::get(&format!("/transient?token={other}")),
        Request::get("/transient").with("Authorization", format!("Bearer {other}")),
        Request::new("DELETE", "/transient").with("Authorization", format!("Bearer {other}")),
    ] {
        let refused = gallery.expect(401, &request);
        assert!(refused.field("www-authenticate").unwrap().contains("error=\"invalid_token\""));
    }
    assert_eq!(
        gallery.expect(401, &Request::get("/transient")).field("www-authenticate"),
        Some("Bearer realm=\"gallery\"")
    );
    gallery.expect(401, &Request::post("/transient/tokens"));
    gallery.expect(401, &issue("emma", "wrong"));
}

#[test]
fn the_secure_token_acts_over_tls_alone_and_is_void_once_seen() {
    let tls = Tls::new();
    let gallery = Gallery::start(&tls.flags());
    let sign_in = |path: &str| Request::post(path).with_body(FORM, "username=root&password=password");
    let ask = |request: &Request| ask_over_tls(&gallery, &tls, request);
    let plain = gallery.expect(403, &sign_in("/two-token/sign-in"));
    assert!(plain.field("set-cookie").is_none());
    let signed_in = ask(&sign_in("/two-token/sign-in"));
    assert_eq!(signed_in.status(), 204);
    let cookies: Vec<&str> = signed_in.fields("set-cookie").collect();
    let [secure, identity] = cookies.as_slice() else { panic!("{cookies:?}") };
    assert!(
        secure.starts_with("__Host-secure=") && secure.ends_with("; Secure; HttpOnly; SameSite=Strict; Path=/"),
        "{secure}"
    );
    assert!(
        identity.starts_with("identity=")
            && identity.ends_with("; HttpOnly; SameSite=Lax; Path=/two-token; Max-Age=2592000"),
        "{identity}"
    );
    let value = |cookie: &str| cookie.split(';').next().unwrap().to_owned();
    let (secure, identity) = (value(secure), value(identity));
    let get = |cookies: &str| Request::get("/two-token").with("Cookie", cookies);
    let act = |cookies: &str| Request::post("/two-token/act").with("Cookie", cookies);
    let who = |may_act: bool| json!({ "name": "root", "scheme": "two-token", "may_act": may_act });
    assert_eq!(caller(&gallery.ask(&get(&identity))), who(false));
    assert_eq!(caller(&ask(&get(&identity))), who(false));
    assert_eq!(caller(&ask(&get(&secure))), who(true));
    assert_eq!(caller(&ask(&get(&format!("{identity}; {secure}")))), who(true));
    assert_eq!(ask(&act(&secure)).status(), 200);
    assert_eq!(ask(&act(&secure).with("Sec-Fetch-Site", "cross-site")).status(), 403);
    for (response, cookie) in [
        (ask(&act(&identity)), "__Host-secure"),
        (gallery.ask(&act(&identity)), "__Host-secure"),
        (gallery.ask(&Request::get("/two-token")), "identity"),
        (ask(&get("identity=wrong")), "identity"),
        (ask(&get(&format!("{secure}; identity=wrong"))), "identity"),
    ] {
        assert_eq!(response.status(), 401);
        assert_eq!(
            response.field("www-authenticate"),
            Some(format!("Cookie realm=\"gallery\", cookie-name=\"{cookie}\"").as_str())
        );
    }
    let other = ask(&Request::post("/two-token/sign-in").with_body(FORM, "username=alice&password=secret"));
    let others: Vec<String> = other.fields("set-cookie").map(value).collect();
    assert_eq!(ask(&get(&format!("{secure}; {}", others[1]))).status(), 401, "two users");

    // Whatever the route, what is seen in the clear is void.
    for route in [get(&secure), act(&secure), sign_in("/two-token/sign-in").with("Cookie", &secure)] {
        let again = ask(&sign_in("/two-token/sign-in"));
        let fresh = value(again.fields("set-cookie").next().unwrap());
        assert_eq!(ask(&act(&fresh)).status(), 200);
        let request = String::from_utf8(route.bytes()).unwrap().replace(&secure, &fresh);
        assert_eq!(gallery.ask_bytes(request.as_bytes(), &route).status(), 403);
        assert_eq!(ask(&act(&fresh)).status(), 401, "void");
    }
    assert_eq!(caller(&gallery.ask(&get(&identity))), who(false), "the other is not");
}
