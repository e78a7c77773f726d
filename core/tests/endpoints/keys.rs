//! Keys, from their making to their end.

use super::*;

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
    let left = grant.ends().unwrap().duration_since(SystemTime::now()).unwrap();
    assert!(
        (59.0..=60.0).contains(&left.as_secs_f64()),
        "it lives as long as was asked for, and not to a full second: {left:?}"
    );
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
