//! Tokens, from their issue.

use std::time::Duration;

use countersign::{
    Bearer, JwtSigner,
    mint::access_token::{AccessTokens, TokenEndpoints},
    testing::ManualClock,
};

use super::*;

struct Tokens {
    gate: Gate<String>,
    endpoints: TokenEndpoints<String>,
    clock: Arc<ManualClock>,
}

fn tokens() -> Tokens {
    let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)));
    let tokens = AccessTokens::issued_by("https://people", JwtSigner::fresh().unwrap())
        .timed_by(clock.clone())
        .for_audience("people", Arc::new(People))
        .unwrap();
    let passwords = PasswordTable::new()
        .with("emily", "s3cret", person("emily"))
        .with("gone", "x", person("gone"))
        .with("outage", "x", person("outage"));
    let gate = Gate::in_realm("people")
        .accept(Basic, passwords)
        .accept(Bearer, tokens.clone())
        .timed_by(clock.clone())
        .build()
        .unwrap();
    Tokens { endpoints: TokenEndpoints::new(tokens), gate, clock }
}

impl Tokens {
    async fn call(&self, endpoint: &Endpoint<String>, head: PlainHead, body: &str) -> Reply {
        let head = head.received_by(&self.gate);
        let grant = match endpoint.gate() {
            Some(gate) => match admit(gate, &head).await {
                Ok(grant) => Some(grant),
                Err(reply) => return reply,
            },
            None => None,
        };
        endpoint.prepare(&head, head.exchange(), grant).unwrap().run(body.as_bytes().to_vec()).await
    }

    async fn issue(&self, name: &str, body: &str) -> Reply {
        let value = match name {
            "emily" => "Basic ZW1pbHk6czNjcmV0",
            "gone" => "Basic Z29uZTp4",
            _ => "Basic b3V0YWdlOng=",
        };
        let head = if body.is_empty() { PlainHead::new("POST", "/tokens") } else { json_head("POST") };
        self.call(&self.endpoints.issue(&self.gate.only(["basic"]).unwrap()), head.with("authorization", value), body)
            .await
    }

    async fn caller(&self, token: &str) -> Result<Grant<String>, u16> {
        let head = PlainHead::get("/").with("authorization", format!("Bearer {token}")).received_by(&self.gate);
        admit(&self.gate, &head).await.map_err(|reply| reply.status())
    }
}

#[tokio::test]
async fn a_token_holds_what_was_asked_for_and_ends() {
    let tokens = tokens();
    let reply = tokens.issue("emily", "").await;
    assert_eq!((reply.status(), field(&reply, "cache-control")), (200, Some("no-store")));
    let all = document(&reply);
    assert_eq!(
        (&all["token_type"], &all["expires_in"], &all["scope"]),
        (&json!("Bearer"), &json!(600), &json!("reports:read reports:write"))
    );
    let grant = tokens.caller(all["access_token"].as_str().unwrap()).await.unwrap();
    assert_eq!((grant.subject(), grant.roles().len()), (Some("emily"), 1));
    assert_eq!(
        grant.ends(),
        Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_600)),
        "exp itself, without leeway"
    );

    let narrow = document(&tokens.issue("emily", r#"{"scope":"reports:read"}"#).await);
    let grant = tokens.caller(narrow["access_token"].as_str().unwrap()).await.unwrap();
    assert_eq!((grant.scopes().to_string().as_str(), grant.roles().len()), ("reports:read", 0));

    tokens.clock.advance(Duration::from_secs(599));
    assert!(tokens.caller(narrow["access_token"].as_str().unwrap()).await.is_ok());
    tokens.clock.advance(Duration::from_secs(1));
    assert_eq!(tokens.caller(narrow["access_token"].as_str().unwrap()).await.unwrap_err(), 401);
}

#[tokio::test]
async fn why_a_token_is_wrong_is_told_to_nobody() {
    // L2: what a parser or a signature check says stays here, and every wrong token reads alike.
    let tokens = tokens();
    let issued = document(&tokens.issue("emily", "").await);
    let good = issued["access_token"].as_str().unwrap();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let foreign = JwtSigner::fresh().unwrap().sign(&json!({"sub": "emily", "exp": 1_900_000_000})).unwrap();
    let wrong = [
        "not-a-token".to_owned(),
        format!("{header}.{claims}."),
        format!("{header}.e30.{signature}"),
        format!("e30.{claims}.{signature}"),
        format!("eyJhbGciOiJub25lIn0.{claims}."),
        format!("{header}.bm90IGpzb24.{signature}"),
        foreign,
    ];
    let reply = async |token: &str| {
        let head = PlainHead::get("/").with("authorization", format!("Bearer {token}")).received_by(&tokens.gate);
        admit(&tokens.gate, &head).await.unwrap_err()
    };
    let unknown = reply("ppl_unknown").await;
    assert_eq!(unknown.status(), 401);
    for token in &wrong {
        assert!(reply(token).await == unknown, "{token}");
    }
    assert!(tokens.caller(good).await.is_ok());
    tokens.clock.advance(Duration::from_secs(600));
    assert!(reply(good).await == unknown, "ended");
}

#[tokio::test]
async fn nobody_gets_more_than_they_have() {
    let tokens = tokens();
    for (body, error) in [
        (r#"{"scope":"admin"}"#, "invalid_scope"),
        (r#"{"scope":"reports:read admin"}"#, "invalid_scope"),
        (r#"{"scope":""}"#, "invalid_scope"),
        (r#"{"scope":7}"#, "invalid_request"),
        ("[]", "invalid_request"),
    ] {
        let reply = tokens.issue("emily", body).await;
        assert_eq!((reply.status(), &document(&reply)["error"]), (400, &json!(error)), "{body}");
    }
    let too_many = json!({ "scope": far_too_many_scopes().join(" ") }).to_string();
    let reply = tokens.issue("emily", &too_many).await;
    assert_eq!((reply.status(), &document(&reply)["error"]), (400, &json!("invalid_scope")));
    let often = json!({ "scope": "reports:read ".repeat(4_000) }).to_string();
    assert_eq!(document(&tokens.issue("emily", &often).await)["scope"], "reports:read");
}

#[tokio::test]
async fn a_token_of_somebody_who_is_gone_opens_nothing_and_an_outage_is_no_refusal() {
    let tokens = tokens();
    for (name, status) in [("gone", 401), ("outage", 503)] {
        let token = document(&tokens.issue(name, "").await);
        assert_eq!(tokens.caller(token["access_token"].as_str().unwrap()).await.unwrap_err(), status, "{name}");
    }
}

#[tokio::test]
async fn the_keys_are_public_and_hold_nothing_private() {
    let tokens = tokens();
    let reply = tokens.call(&tokens.endpoints.keys(&tokens.gate), PlainHead::get("/jwks.json"), "").await;
    let keys = document(&reply);
    assert_eq!(
        (&keys["keys"][0]["kty"], &keys["keys"][0]["crv"], &keys["keys"][0]["d"]),
        (&json!("OKP"), &json!("Ed25519"), &Value::Null)
    );
}
