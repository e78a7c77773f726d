//! Signing in and out, and keys, without a framework.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{sync::Arc, time::SystemTime};

use countersign::{
    Answer, ApiKey, Basic, Gate, Grant, KeyRing, Page, Reply, SignedCookie, Unavailable, Verified,
    adapter::Verdict,
    async_trait,
    credential::BasicCredential,
    mint::{
        api_key::{ApiKeyEndpoints, ApiKeys},
        endpoint::Endpoint,
        session::{SessionEndpoints, Sessions},
    },
    secret::TokenDigest,
    store::{ApiKeyRecord, ApiKeyStore, Directory, MemoryApiKeys, MemorySessions},
    testing::PlainHead,
    verifier::{PasswordTable, verify_with},
};
use serde_json::{Value, json};

struct People;

fn person(name: &str) -> Verified<String> {
    let scopes = "reports:read reports:write".parse().unwrap();
    Verified::new(name.to_owned()).with_subject(name).with_scopes(scopes).with_roles(["member"])
}

#[async_trait]
impl Directory<String> for People {
    async fn find(&self, subject: &str) -> Result<Option<Verified<String>>, Unavailable> {
        match subject {
            "emily" | "emma" => Ok(Some(person(subject))),
            "outage" => Err(Unavailable::because("away")),
            _ => Ok(None),
        }
    }
}

struct Service {
    gate: Gate<String>,
    sessions: SessionEndpoints<String>,
    keys: ApiKeyEndpoints<String>,
    passwords: Arc<PasswordTable<String>>,
}

fn service() -> Service {
    let passwords =
        || PasswordTable::new().with("emily", "s3cret", person("emily")).with("emma", "emma's", person("emma"));
    let sessions = Sessions::new(Arc::new(MemorySessions::default()), Arc::new(People))
        .by(SignedCookie::named("session", KeyRing::random()));
    let keys = ApiKeys::new("ppl_".parse().unwrap(), Arc::new(MemoryApiKeys::default()), Arc::new(People));
    let gate = Gate::in_realm("people")
        .accept(Basic, passwords())
        .accept(sessions.cookie(), sessions.clone())
        .accept(ApiKey::in_header("X-API-Key"), keys.clone())
        .trusting_origins(["https://app.example"])
        .build()
        .unwrap();
    Service {
        sessions: SessionEndpoints::new(sessions, &gate),
        keys: ApiKeyEndpoints::new(keys).at_most(3),
        passwords: Arc::new(passwords()),
        gate,
    }
}

async fn admit(gate: &Gate<String>, head: &PlainHead) -> Result<Grant<String>, Reply> {
    let verdict = head.verdict_at(gate).await;
    match verdict {
        Verdict::Admitted(grant) => Ok(grant),
        Verdict::Anonymous => panic!("anonymous"),
        Verdict::Rejected(rejection) => Err(rejection.reply()),
    }
}

impl Service {
    /// As an adapter does it.
    async fn call(&self, endpoint: &Endpoint<String>, head: PlainHead, body: &str) -> Reply {
        let head = head.received_by(&self.gate);
        let grant = match endpoint.gate() {
            Some(gate) => match admit(gate, &head).await {
                Ok(grant) => Some(grant),
                Err(reply) => return reply,
            },
            None => None,
        };
        match endpoint.prepare(&head, head.exchange(), grant) {
            Ok(work) => work.run(body.as_bytes().to_vec()).await,
            Err(reply) => reply,
        }
    }

    async fn sign_in(&self, head: PlainHead, body: &str) -> Reply {
        self.call(&self.sessions.sign_in(Arc::clone(&self.passwords)), head, body).await
    }

    async fn caller(&self, head: PlainHead) -> Result<Grant<String>, u16> {
        admit(&self.gate, &head.received_by(&self.gate)).await.map_err(|reply| reply.status())
    }
}

fn form() -> PlainHead {
    PlainHead::new("POST", "/session").with("content-type", "application/x-www-form-urlencoded")
}

fn json_head(method: &str) -> PlainHead {
    PlainHead::new(method, "/").with("content-type", "application/json")
}

/// More scopes than a set holds, in as many bytes as a body may have.
fn far_too_many_scopes() -> Vec<String> {
    (0..9_000).map(|number| format!("s{number}")).collect()
}

fn field<'r>(reply: &'r Reply, name: &str) -> Option<&'r str> {
    reply.fields().find(|(known, _)| *known == name).map(|(_, value)| value)
}

fn document(reply: &Reply) -> Value {
    serde_json::from_slice(reply.body()).unwrap()
}

/// The pair to send back, of a `Set-Cookie` value.
fn pair(reply: &Reply) -> String {
    field(reply, "set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_session_begins_lives_and_is_void_wherever_it_is_kept() {
    let service = service();
    let reply = service.sign_in(form(), "username=emily&password=s3cret&next=/me").await;
    assert_eq!((reply.status(), field(&reply, "cache-control")), (204, Some("no-store")));
    let attributes = field(&reply, "set-cookie").unwrap();
    assert!(attributes.ends_with("; HttpOnly; SameSite=Lax; Path=/; Max-Age=43200"), "{attributes}");
    let session = pair(&reply);
    for _ in 0..2 {
        let grant = service.caller(PlainHead::get("/").with("cookie", &session)).await.unwrap();
        assert_eq!((grant.scheme(), grant.subject(), grant.ends().is_some()), ("cookie", Some("emily"), true));
    }
    let out = service
        .call(&service.sessions.sign_out(), PlainHead::new("DELETE", "/session").with("cookie", &session), "")
        .await;
    assert_eq!(
        (out.status(), field(&out, "set-cookie")),
        (204, Some("session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"))
    );
    assert_eq!(
        service.caller(PlainHead::get("/").with("cookie", &session)).await.unwrap_err(),
        401,
        "also from the cache"
    );
}

#[tokio::test]
async fn every_sign_in_makes_a_fresh_session_and_ends_the_one_before() {
    // C7
    let service = service();
    let first = pair(&service.sign_in(form(), "username=emily&password=s3cret").await);
    let second = pair(&service.sign_in(form().with("cookie", &first), "username=emily&password=s3cret").await);
    assert_ne!(first, second);
    assert_eq!(service.caller(PlainHead::get("/").with("cookie", first)).await.unwrap_err(), 401);
    assert!(service.caller(PlainHead::get("/").with("cookie", second)).await.is_ok());
}

#[tokio::test]
async fn signing_in_is_refused_alike_for_unknown_and_wrong() {
    let service = service();
    for body in ["username=emily&password=wrong", "username=nobody&password=s3cret", "username=&password="] {
        let reply = service.sign_in(form(), body).await;
        assert_eq!(reply.status(), 401);
        assert_eq!(field(&reply, "www-authenticate"), Some("Cookie realm=\"people\", cookie-name=\"session\""));
        assert!(field(&reply, "set-cookie").is_none());
    }
}

#[tokio::test]
async fn a_browser_is_sent_on_and_others_are_not() {
    let service = service();
    let browser = || form().with("accept", "text/html");
    for (next, location) in
        [("&next=%2Freports%3Fx", "/reports?x"), ("", "/"), ("&next=%2F%2Fevil", "/"), ("&next=https://evil", "/")]
    {
        let reply = service.sign_in(browser(), &format!("username=emily&password=s3cret{next}")).await;
        assert_eq!((reply.status(), field(&reply, "location")), (303, Some(location)), "C10 {next}");
    }
    let json = service.sign_in(json_head("POST"), r#"{"username":"emily","password":"s3cret"}"#).await;
    assert_eq!(json.status(), 204);
}

#[tokio::test]
async fn another_site_can_neither_sign_in_nor_out() {
    let service = service();
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil"), ("origin", "null")] {
        let reply =
            service.sign_in(form().with("host", "here").with(name, value), "username=emily&password=s3cret").await;
        assert_eq!(reply.status(), 403, "{name}: {value}");
    }
    for fields in [
        &[("sec-fetch-site", "same-origin"), ("origin", "null")][..],
        &[("sec-fetch-site", "cross-site"), ("origin", "https://app.example")],
    ] {
        let head = fields.iter().fold(form(), |head, (name, value)| head.with(name, value));
        assert_eq!(service.sign_in(head, "username=emily&password=s3cret").await.status(), 204, "{fields:?}");
    }
    // Before anything of the body is looked at, its type included.
    let unread = PlainHead::new("POST", "/session").with("sec-fetch-site", "cross-site");
    assert_eq!(service.sign_in(unread, "").await.status(), 403);
    let session = pair(&service.sign_in(form(), "username=emily&password=s3cret").await);
    let end = PlainHead::new("POST", "/session/end").with("cookie", &session).with("sec-fetch-site", "cross-site");
    assert_eq!(service.call(&service.sessions.end(), end, "").await.status(), 403);
    let end = PlainHead::new("POST", "/session/end").with("cookie", &session).with("sec-fetch-site", "same-origin");
    let ended = service.call(&service.sessions.end(), end, "").await;
    assert_eq!((ended.status(), field(&ended, "location")), (303, Some("/")));
}

#[tokio::test]
async fn bodies_are_read_strictly() {
    let service = service();
    for (head, body, status) in [
        (form(), "username=emily", 400),
        (form(), "username=emily&username=emma&password=x", 400),
        (form(), "username=%FF&password=x", 400),
        (json_head("POST"), "{", 400),
        (json_head("POST"), r#"{"username":"emily"}"#, 400),
        (json_head("POST"), r#"{"username":"emily","password":7}"#, 400),
        (json_head("POST"), r#"{"username":"emily","username":"emma","password":"x"}"#, 400),
        (PlainHead::new("POST", "/session"), "{}", 415),
        (PlainHead::new("POST", "/session").with("content-type", "text/plain"), "{}", 415),
    ] {
        assert_eq!(service.sign_in(head, body).await.status(), status, "{body}");
    }
}

#[tokio::test]
async fn a_key_opens_what_it_was_made_for_until_it_is_deleted() {
    let service = service();
    let basic = |head: PlainHead, name: &str| {
        head.with("authorization", if name == "emily" { "Basic ZW1pbHk6czNjcmV0" } else { "Basic ZW1tYTplbW1hJ3M=" })
    };
    let create = service.keys.create(&service.gate.only(["basic", "cookie"]).unwrap());
    let made = service
        .call(&create, basic(json_head("POST"), "emily"), r#"{"name":"backup","scopes":["reports:read"]}"#)
        .await;
    assert_eq!((made.status(), field(&made, "cache-control")), (201, Some("no-store")));
    let made = document(&made);
    assert_eq!(
        (&made["name"], &made["scopes"], &made["expires_at"]),
        (&json!("backup"), &json!(["reports:read"]), &Value::Null)
    );
    let key = made["key"].as_str().unwrap();
    let grant = service.caller(PlainHead::get("/").with("x-api-key", key)).await.unwrap();
    assert_eq!(
        (grant.subject(), grant.scopes().to_string().as_str(), grant.roles().len()),
        (Some("emily"), "reports:read", 0)
    );

    let by_key = service.call(&create, json_head("POST").with("x-api-key", key), r#"{"name":"successor"}"#).await;
    assert_eq!(by_key.status(), 401, "a key makes no key");
    let all =
        document(&service.call(&create, basic(json_head("POST"), "emily"), r#"{"name":"all","expires_in":60}"#).await);
    let grant = service.caller(PlainHead::get("/").with("x-api-key", all["key"].as_str().unwrap())).await.unwrap();
    assert_eq!((grant.roles().len(), grant.ends().is_some()), (1, true));
    assert_eq!(all["expires_at"].as_str().map(str::len), Some("2026-11-25T12:00:00Z".len()));

    let listed =
        document(&service.call(&service.keys.list(&service.gate), basic(PlainHead::get("/keys"), "emily"), "").await);
    assert_eq!(listed["keys"].as_array().unwrap().len(), 2);
    assert!(!listed.to_string().contains(key) && key.starts_with(listed["keys"][0]["prefix"].as_str().unwrap()));

    let delete = service.keys.delete(&service.gate);
    let id = made["id"].as_str().unwrap();
    let by = |name: &str| basic(PlainHead::new("DELETE", "/keys/x").with_parameter("id", id), name);
    assert_eq!(service.call(&delete, by("emma"), "").await.status(), 404, "someone else's");
    assert_eq!(service.call(&delete, by("emily"), "").await.status(), 204);
    assert_eq!(service.call(&delete, by("emily"), "").await.status(), 404);
    assert_eq!(
        service.caller(PlainHead::get("/").with("x-api-key", key)).await.unwrap_err(),
        401,
        "also from the cache"
    );
}

#[tokio::test]
async fn what_a_narrowed_key_makes_is_narrowed_too() {
    let service = service();
    let create = service.keys.create(&service.gate);
    let by_password = json_head("POST").with("authorization", "Basic ZW1pbHk6czNjcmV0");
    let narrow = document(&service.call(&create, by_password, r#"{"name":"a","scopes":["reports:read"]}"#).await);
    let by_key = json_head("POST").with("x-api-key", narrow["key"].as_str().unwrap());
    let successor = document(&service.call(&create, by_key, r#"{"name":"b"}"#).await);
    let grant = service.caller(PlainHead::get("/").with("x-api-key", successor["key"].as_str().unwrap())).await;
    let grant = grant.unwrap();
    assert_eq!((grant.scopes().to_string().as_str(), grant.roles().len()), ("reports:read", 0));
}

#[tokio::test]
async fn an_app_has_a_page_for_the_refusals_of_endpoints_too() {
    let sessions = Sessions::new(Arc::new(MemorySessions::default()), Arc::new(People))
        .by(SignedCookie::named("session", KeyRing::random()));
    let gate = Gate::in_realm("people")
        .accept(sessions.cookie(), sessions.clone())
        .accept(Basic, PasswordTable::new().with("emily", "s3cret", person("emily")))
        .refusals(|rejection, wants| wants.html.then(|| Page::html(format!("<p>{}: {rejection}", rejection.status()))))
        .build()
        .unwrap();
    let endpoints = SessionEndpoints::new(sessions, &gate);
    let passwords = Arc::new(PasswordTable::new().with("emily", "s3cret", person("emily")));
    let sign_in = endpoints.sign_in(passwords);
    let too_long = Reply::problem(413, "The body is longer than 64 KiB.", None);
    for (accept, kind) in [("text/html", "text/html; charset=utf-8"), ("*/*", "application/problem+json")] {
        let begun = |head: PlainHead| {
            let head = head.with("accept", accept).received_by(&gate);
            sign_in.prepare(&head, head.exchange(), None)
        };
        let Err(unsupported) = begun(PlainHead::new("POST", "/session")) else { panic!("taken") };
        let malformed = begun(form()).unwrap().run(b"username=emily".to_vec()).await;
        let late = begun(form()).unwrap().refused(too_long.clone());
        let Err(foreign) = begun(form().with("sec-fetch-site", "cross-site")) else { panic!("taken") };
        for (reply, status, text) in [
            (&unsupported, 415, "Send a form"),
            (&malformed, 400, "cannot be read"),
            (&late, 413, "longer than 64 KiB"),
            (&foreign, 403, "made by another site"),
        ] {
            let fields: Vec<_> = reply.fields().filter(|(name, _)| *name == "content-type").collect();
            assert_eq!((reply.status(), fields), (status, vec![("content-type", kind)]));
            assert_eq!(field(reply, "cache-control"), Some("no-store"));
            let body = std::str::from_utf8(reply.body()).unwrap();
            assert!(body.contains(text) && body.starts_with("<p>") == (accept == "text/html"), "{body}");
        }
    }
    let counts = gate.counts();
    assert_eq!(counts.rejections, 2, "the gate's own: another site's sign-in, twice");
}

/// Keys in a store that has to be waited for.
struct Distant(MemoryApiKeys);

#[async_trait]
impl ApiKeyStore for Distant {
    async fn insert(&self, digest: TokenDigest, record: ApiKeyRecord) -> Result<(), Unavailable> {
        tokio::task::yield_now().await;
        self.0.insert(digest, record).await
    }

    async fn find(&self, digest: TokenDigest) -> Result<Option<ApiKeyRecord>, Unavailable> {
        self.0.find(digest).await
    }

    async fn list(&self, subject: &str) -> Result<Vec<ApiKeyRecord>, Unavailable> {
        tokio::task::yield_now().await;
        self.0.list(subject).await
    }

    async fn count(&self, subject: &str) -> Result<usize, Unavailable> {
        tokio::task::yield_now().await;
        self.0.count(subject).await
    }

    async fn remove(&self, subject: &str, id: &str) -> Result<bool, Unavailable> {
        // As PostgreSQL does.
        if id.contains('\0') { Err(Unavailable::because("NUL in a text")) } else { self.0.remove(subject, id).await }
    }

    async fn touch(&self, digest: TokenDigest, used: SystemTime) -> Result<(), Unavailable> {
        self.0.touch(digest, used).await
    }
}

#[tokio::test]
async fn names_that_a_store_may_fail_on_are_refused_before_it() {
    let service = service();
    let asks_store = verify_with(|credential: BasicCredential| async move {
        if credential.name().contains('\0') {
            Answer::Unavailable(Unavailable::because("NUL in a text"))
        } else {
            Answer::Refused
        }
    });
    let sign_in = service.sessions.sign_in(Arc::new(asks_store));
    for (body, status) in [
        (r#"{"username":"emi\u0000ly","password":"x"}"#, 401),
        (r#"{"username":"emi\nly","password":"x"}"#, 401),
        (r#"{"username":"emily","password":"x"}"#, 401),
    ] {
        assert_eq!(service.call(&sign_in, json_head("POST"), body).await.status(), status, "{body}");
    }
    let store = Arc::new(Distant(MemoryApiKeys::default()));
    let keys = ApiKeys::new("ppl_".parse().unwrap(), store, Arc::new(People));
    let delete = ApiKeyEndpoints::new(keys).delete(&service.gate);
    let head = PlainHead::new("DELETE", "/keys/%00").with_parameter("id", "\0");
    let head = head.with("authorization", "Basic ZW1pbHk6czNjcmV0");
    assert_eq!(service.call(&delete, head, "").await.status(), 404);
}

#[tokio::test]
async fn a_limit_of_keys_cannot_be_raced() {
    // PITFALLS, tokens and sessions: "Limit raced" (knox).
    let service = service();
    let store = Arc::new(Distant(MemoryApiKeys::default()));
    let keys = ApiKeys::new("ppl_".parse().unwrap(), Arc::clone(&store) as _, Arc::new(People));
    let create = ApiKeyEndpoints::new(keys).at_most(3).create(&service.gate);
    let head = || json_head("POST").with("authorization", "Basic ZW1pbHk6czNjcmV0");
    let make = || service.call(&create, head(), r#"{"name":"x"}"#);
    let made = tokio::join!(make(), make(), make(), make(), make(), make());
    let made = [made.0, made.1, made.2, made.3, made.4, made.5].map(|reply| reply.status());
    let kept = store.0.list("emily").await.unwrap().len();
    assert!(kept <= 3, "{kept} are kept");
    assert_eq!(made.iter().filter(|status| **status == 201).count(), kept, "{made:?}");
    assert!(made.iter().all(|status| matches!(status, 201 | 409)), "{made:?}");
}

#[tokio::test]
async fn what_a_key_cannot_be_is_refused() {
    let service = service();
    let create = service.keys.create(&service.gate);
    let head = || json_head("POST").with("authorization", "Basic ZW1pbHk6czNjcmV0");
    for (body, error) in [
        (r#"{"name":"x","scopes":["admin"]}"#, "invalid_scope"),
        (r#"{"name":"x","scopes":["a b"]}"#, "invalid_scope"),
        (r#"{"name":""}"#, "invalid_request"),
        (r#"{"name":"a\nb"}"#, "invalid_request"),
        (r#"{"name":"x","expires_in":0}"#, "invalid_request"),
        (r#"{"name":"x","expires_in":-1}"#, "invalid_request"),
        (r#"{"name":"x","expires_in":1e30}"#, "invalid_request"),
        (r#"{}"#, "invalid_request"),
        ("", "invalid_request"),
    ] {
        let reply = service.call(&create, head(), body).await;
        assert_eq!((reply.status(), &document(&reply)["error"]), (400, &json!(error)), "{body}");
    }
    let too_many = json!({ "name": "x", "scopes": far_too_many_scopes() }).to_string();
    let reply = service.call(&create, head(), &too_many).await;
    assert_eq!((reply.status(), &document(&reply)["error"]), (400, &json!("invalid_scope")));
    for status in [201, 201, 201, 409] {
        assert_eq!(service.call(&create, head(), r#"{"name":"x"}"#).await.status(), status);
    }
    let plain = PlainHead::new("POST", "/").with("authorization", "Basic ZW1pbHk6czNjcmV0");
    assert_eq!(service.call(&create, plain, "{}").await.status(), 415);
}

#[cfg(feature = "jwt")]
mod tokens {
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
            self.call(
                &self.endpoints.issue(&self.gate.only(["basic"]).unwrap()),
                head.with("authorization", value),
                body,
            )
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
}
