//! Tokens with proof: of a key, of a resource, of a sign-in.

use countersign_conformance::wire::{Request, Response};
use serde_json::{Value, json};

use crate::{
    service::{Gallery, caller},
    tokens::{ClientKey, access_token, claims, now, signed_as},
};

const SITE: &str = "http://conformance.example";
const DPOP: &str = "DPoP realm=\"gallery\", algs=\"ES256 Ed25519 EdDSA\"";

fn challenge(response: &Response) -> &str {
    response.field("www-authenticate").expect("one challenge")
}

pub(crate) fn by_dpop(method: &str, path: &str, token: &str, proof: &str) -> Request {
    Request::new(method, path).with("Authorization", format!("DPoP {token}")).with("DPoP", proof)
}

#[test]
fn a_token_with_its_proof_is_let_in_once() {
    let gallery = Gallery::start(&[]);
    let key = ClientKey::new();
    let token = access_token(&json!({ "cnf": { "jkt": key.thumbprint() } }));
    for method in ["GET", "HEAD", "POST"] {
        let proof = key.proof(method, &format!("{SITE}/dpop?x"), &token, &json!({}));
        let request = by_dpop(method, "/dpop?a=b", &token, &proof);
        let response = gallery.expect(200, &request);
        if method != "HEAD" {
            assert_eq!(caller(&response), json!({ "name": "emma", "scheme": "dpop" }));
        }
        let again = gallery.expect(401, &request);
        assert_eq!(challenge(&again), format!("{DPOP}, error=\"invalid_dpop_proof\""));
    }
    let proof = || key.proof("GET", &format!("{SITE}/dpop"), &token, &json!({}));
    let other = ClientKey::new();
    let other_proof = other.proof("GET", &format!("{SITE}/dpop"), &token, &json!({}));
    let free = access_token(&json!({}));
    let free_proof = key.proof("GET", &format!("{SITE}/dpop"), &free, &json!({}));
    let get = |token: &str| Request::get("/dpop").with("Authorization", format!("DPoP {token}"));
    let rows = [
        ("nothing", Request::get("/dpop"), ""),
        ("as Bearer", Request::get("/dpop").with("Authorization", format!("Bearer {token}")).with("DPoP", proof()), ""),
        ("no proof", get(&token), "invalid_dpop_proof"),
        ("two proofs", get(&token).with("DPoP", proof()).with("DPoP", proof()), "invalid_dpop_proof"),
        (
            "another path",
            get(&token).with("DPoP", key.proof("GET", &format!("{SITE}/dpo"), &token, &json!({}))),
            "invalid_dpop_proof",
        ),
        ("another key", get(&token).with("DPoP", other_proof), "invalid_token"),
        ("no key bound", get(&free).with("DPoP", free_proof), "invalid_token"),
        ("no token of ours", get("a.b.c").with("DPoP", proof()), "invalid_token"),
        (
            "a nonce of nobody",
            get(&token).with("DPoP", key.proof("GET", &format!("{SITE}/dpop"), &token, &json!({ "nonce": "x" }))),
            "use_dpop_nonce",
        ),
    ];
    for (what, request, error) in rows {
        let response = gallery.expect(401, &request);
        let expected = if error.is_empty() { DPOP.to_owned() } else { format!("{DPOP}, error=\"{error}\"") };
        assert_eq!(challenge(&response), expected, "{what}");
        assert_eq!(response.field("dpop-nonce").is_some(), error == "use_dpop_nonce", "{what}");
    }
    let twice = get(&token).with("Authorization", format!("DPoP {token}")).with("DPoP", proof());
    gallery.expect(400, &twice);
}

#[test]
fn a_nonce_of_the_server_is_asked_for_and_followed_by_the_next() {
    let gallery = Gallery::start(&["--nonce-life", "3"]);
    let key = ClientKey::new();
    let token = access_token(&json!({ "cnf": { "jkt": key.thumbprint() } }));
    let ask = |nonce: Option<&str>| {
        let more = nonce.map_or(json!({}), |nonce| json!({ "nonce": nonce }));
        let proof = key.proof("GET", &format!("{SITE}/dpop/nonce"), &token, &more);
        gallery.ask(&by_dpop("GET", "/dpop/nonce", &token, &proof))
    };
    let fresh = |response: &Response| {
        assert_eq!((response.status(), challenge(response)), (401, &*format!("{DPOP}, error=\"use_dpop_nonce\"")));
        response.field("dpop-nonce").expect("a nonce").to_owned()
    };
    let first = fresh(&ask(None));
    let let_in = ask(Some(&first));
    assert_eq!(let_in.status(), 200, "{}", let_in.text());
    assert!(let_in.field("dpop-nonce").is_some(), "less than a minute is left");
    fresh(&ask(Some("made up")));
    // One that was handed out for Digest is made up, and the other way round.
    let digest = gallery.expect(401, &Request::get("/digest/md5"));
    fresh(&ask(challenge(&digest).split("nonce=\"").nth(1).and_then(|rest| rest.split('"').next())));
    // It is of the other route as well, which asks for none.
    let proof = key.proof("GET", &format!("{SITE}/dpop"), &token, &json!({ "nonce": first }));
    gallery.expect(200, &by_dpop("GET", "/dpop", &token, &proof));
}

#[test]
fn a_bound_token_is_refused_wherever_its_proof_is_not_shown() {
    let gallery = Gallery::start(&[]);
    let thumbprint = ClientKey::new().thumbprint();
    for cnf in
        [json!({ "jkt": thumbprint }), json!({ "x5t#S256": thumbprint }), json!({ "kid": "k" }), json!({}), json!("x")]
    {
        let strong = json!({ "cnf": cnf, "acr": "urn:gallery:mfa", "auth_time": now() });
        for path in ["/step-up", "/bound"] {
            let request = Request::get(path).with("Authorization", format!("Bearer {}", access_token(&strong)));
            let response = gallery.expect(401, &request);
            assert_eq!(challenge(&response), "Bearer realm=\"gallery\", error=\"invalid_token\"", "{path} {cnf}");
        }
    }
    let free = Request::get("/bound").with("Authorization", format!("Bearer {}", access_token(&json!({}))));
    assert_eq!(challenge(&gallery.expect(401, &free)), "Bearer realm=\"gallery\", error=\"invalid_token\"");
    let claimed = Request::get("/certificate")
        .with("Client-Cert", ":AAAA:")
        .with("X-SSL-Client-S-DN", "emailAddress=emma@gallery.example");
    assert_eq!(challenge(&gallery.expect(401, &claimed)), "Certificate realm=\"gallery\"");
}

#[test]
fn a_resource_leads_to_its_metadata_by_its_own_address() {
    let gallery = Gallery::start(&[]);
    let site = gallery.site();
    let resource = format!("{site}/mcp");
    let metadata = format!("{site}/.well-known/oauth-protected-resource/mcp");
    let document = gallery.expect(200, &Request::get("/.well-known/oauth-protected-resource/mcp"));
    assert_eq!(document.field("content-type"), Some("application/json"));
    assert_eq!(
        serde_json::from_slice::<Value>(document.body()).unwrap(),
        json!({
            "resource": resource,
            "authorization_servers": ["https://issuer.example"],
            "bearer_methods_supported": ["header"],
            "scopes_supported": ["mcp:read", "mcp:write"],
            "resource_name": "Gallery",
        })
    );
    let with = |audience: &Value, more: &Value| {
        signed_as("at+jwt", &claims("gallery", &merged(&json!({ "aud": audience }), more)))
    };
    let token = |audience: &Value, scope: &str| with(audience, &json!({ "scope": scope }));
    let ask = |method: &str, token: Option<String>| {
        let request = Request::new(method, "/mcp");
        gallery
            .ask(&token.iter().fold(request, |request, token| request.with("Authorization", format!("Bearer {token}"))))
    };
    for (method, scope, other) in
        [("GET", "mcp:read", "mcp:write"), ("HEAD", "mcp:read", "mcp:write"), ("POST", "mcp:write", "mcp:read")]
    {
        let told = format!("Bearer realm=\"gallery\", resource_metadata=\"{metadata}\", scope=\"{scope}\"");
        assert_eq!(challenge(&ask(method, None)), told, "{method}");
        for audience in [
            json!(format!("{resource}/")),
            json!(site),
            json!("gallery"),
            json!(format!("{resource}x")),
            json!([]),
            Value::Null,
        ] {
            let response = ask(method, Some(token(&audience, "mcp:read mcp:write")));
            assert_eq!(
                (response.status(), challenge(&response)),
                (401, &*format!("{told}, error=\"invalid_token\"")),
                "{audience}"
            );
        }
        assert_eq!(ask(method, Some(token(&json!(resource), scope))).status(), 200, "{method}");
        let response = ask(method, Some(token(&json!(resource), other)));
        let told = format!(
            "Bearer realm=\"gallery\", resource_metadata=\"{metadata}\", error=\"insufficient_scope\", scope=\"{scope}\""
        );
        assert_eq!((response.status(), challenge(&response)), (403, &*told), "{method}");
    }
    for (more, status) in [
        (json!({ "scope": "other mcp:read" }), 200),
        // RFC 9068 has a text, and some issuers write a list, as Spring's and Duende's do.
        (json!({ "scope": ["other", "mcp:read"] }), 200),
        (json!({ "scope": ["other mcp:read"] }), 401),
        (json!({ "scope": [["mcp:read"]] }), 401),
        (json!({ "scope": { "mcp:read": true } }), 401),
        (json!({ "scope": 7 }), 401),
        (json!({ "scope": "mcp:read", "aud": [resource] }), 200),
        (json!({ "scope": "mcp:read", "aud": ["gallery", resource] }), 200),
        (json!({ "scope": "mcp:readx" }), 403),
        (json!({ "scope": "MCP:READ" }), 403),
        (json!({ "scope": "" }), 403),
        (json!({ "scope": [] }), 403),
        (json!({ "scp": "mcp:read" }), 403),
        (json!({}), 403),
    ] {
        assert_eq!(ask("GET", Some(with(&json!(resource), &more))).status(), status, "{more}");
    }
    assert_eq!(gallery.expect(405, &Request::new("DELETE", "/mcp")).members("allow"), ["get", "head", "post"]);
}

#[test]
fn a_stronger_sign_in_is_asked_for() {
    let gallery = Gallery::start(&[]);
    let strong = "urn:gallery:mfa";
    let ask = |more: &Value| {
        gallery.ask(&Request::get("/step-up").with("Authorization", format!("Bearer {}", access_token(more))))
    };
    let rows = [
        (json!({ "acr": strong, "auth_time": now() }), true),
        (json!({ "acr": strong, "auth_time": now() - 290 }), true),
        (json!({ "acr": strong, "auth_time": now() - 310 }), false),
        (json!({ "acr": strong, "auth_time": now() + 60 }), false),
        (json!({ "acr": strong, "auth_time": now().to_string() }), false),
        (json!({ "acr": strong, "auth_time": -5 }), false),
        (json!({ "acr": strong }), false),
        (json!({ "acr": [strong], "auth_time": now() }), false),
        (json!({ "acr": "urn:gallery", "auth_time": now() }), false),
        (json!({ "auth_time": now() }), false),
    ];
    for (more, good) in rows {
        let response = ask(&more);
        assert_eq!(response.status(), if good { 200 } else { 401 }, "{more}");
        if !good {
            let told = "Bearer realm=\"gallery\", error=\"insufficient_user_authentication\", error_description=\"This takes a stronger or \
                        a more recent sign-in\", acr_values=\"urn:gallery:mfa\", max_age=\"300\"";
            assert_eq!(challenge(&response), told, "{more}");
        }
    }
    let over = ask(&json!({ "acr": strong, "auth_time": now(), "exp": now() - 60 }));
    assert_eq!(challenge(&over), "Bearer realm=\"gallery\", error=\"invalid_token\"");
    assert_eq!(challenge(&gallery.ask(&Request::get("/step-up"))), "Bearer realm=\"gallery\"");
}

/// The members of both; of two of a name that of the second.
fn merged(first: &Value, second: &Value) -> Value {
    let mut merged = first.clone();
    merged.as_object_mut().unwrap().extend(second.as_object().unwrap().clone());
    merged
}
