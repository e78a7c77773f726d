//! What an app adds to endpoints: hooks before their work and behind it.

use std::sync::atomic::{AtomicUsize, Ordering};

use countersign::{CredentialCache, Handle, mint::endpoint::Done};

use super::*;

fn second_factor(endpoint: &Endpoint<String>) -> (Endpoint<String>, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let endpoint = endpoint.clone().before(move |attempt| {
        counted.fetch_add(1, Ordering::SeqCst);
        async move {
            match attempt.field("code") {
                Some(code) if code.matches(b"123456") && attempt.subject() == Some("emily") => Ok(()),
                _ => Err(Reply::problem(401, "The code is not right.", Some("second_factor"))),
            }
        }
    });
    (endpoint, asked)
}

#[tokio::test]
async fn a_second_factor_is_asked_for_behind_the_password_and_before_the_session() {
    let service = service();
    let (endpoint, asked) = second_factor(&service.sessions.sign_in(Arc::clone(&service.passwords)));
    let wrong = service.sign_in(form(), "username=emily&password=wrong").await;
    for (body, status, times) in [
        ("username=emily&password=wrong&code=123456", 401, 0),
        ("username=nobody&password=s3cret&code=123456", 401, 0),
        ("username=emily&password=s3cret", 401, 1),
        ("username=emily&password=s3cret&code=123457", 401, 1),
        ("username=emily&password=s3cret&code=123456&code=123456", 401, 1),
        ("username=emma&password=emma's&code=123456", 401, 1),
        ("username=emily&password=s3cret&code=123456", 204, 1),
    ] {
        asked.store(0, Ordering::SeqCst);
        let reply = service.call(&endpoint, form(), body).await;
        assert_eq!((reply.status(), asked.load(Ordering::SeqCst)), (status, times), "{body}");
        assert_eq!(reply.fields().any(|(name, _)| name == "set-cookie"), status == 204, "{body}");
        if times == 0 {
            // Whoever has no password learns nothing of codes.
            assert_eq!(reply.body(), wrong.body());
        }
    }
    for (body, status) in [
        (r#"{"username":"emily","password":"s3cret","code":"123456"}"#, 204),
        (r#"{"username":"emily","password":"s3cret","code":123456}"#, 401),
        (r#"{"username":"emily","password":"s3cret","code":"123456","code":"123456"}"#, 401),
    ] {
        assert_eq!(service.call(&endpoint, json_head("POST"), body).await.status(), status, "{body}");
    }
}

fn basic(name: &str) -> PlainHead {
    let pair = match name {
        "emily" => "ZW1pbHk6czNjcmV0",
        _ => "ZW1tYTplbW1hJ3M=",
    };
    json_head("POST").with("authorization", format!("Basic {pair}"))
}

#[tokio::test]
async fn a_hook_before_refuses_what_is_not_done_and_hooks_behind_see_and_change_the_answer() {
    let service = service();
    let told: Arc<std::sync::Mutex<Vec<String>>> = Arc::default();
    let record = |who: &'static str| {
        let told = Arc::clone(&told);
        move |done: Done, reply: Reply| {
            told.lock().unwrap().push(format!("{who} {} {}", done.subject().unwrap_or("nobody"), reply.status()));
            async move { reply.with_member(who, done.subject()).with_member("id", "never mine") }
        }
    };
    let endpoint = service
        .keys
        .create(&service.gate)
        .before(|attempt| async move {
            match attempt.subject() {
                Some("emily") => Ok(()),
                _ => Err(Reply::problem(403, "Not at night.", None)),
            }
        })
        .after(record("first"))
        .after(record("second"));
    let body = r#"{"name":"ci"}"#;
    let made = service.call(&endpoint, basic("emily"), body).await;
    let document: Value = serde_json::from_slice(made.body()).unwrap();
    assert_eq!((made.status(), &document["first"], &document["second"]), (201, &json!("emily"), &json!("emily")));
    assert_ne!(document["id"], "never mine");
    let refused = service.call(&endpoint, basic("emma"), body).await;
    assert_eq!((refused.status(), refused.detail()), (403, Some("Not at night.")));
    // What the gate refuses reaches no hook.
    assert_eq!(service.call(&endpoint, json_head("POST"), body).await.status(), 401);
    assert_eq!(*told.lock().unwrap(), ["first emily 201", "second emily 201", "first emma 403", "second emma 403"]);
    let list = service.call(&service.keys.list(&service.gate), basic("emma"), "").await;
    assert_eq!(serde_json::from_slice::<Value>(list.body()).unwrap()["keys"], json!([]));
}

#[tokio::test]
async fn who_is_revoked_while_a_hook_thinks_gets_nothing() {
    let cache = CredentialCache::default();
    let passwords = PasswordTable::new().with("emily", "s3cret", person("emily"));
    let gate = Gate::in_realm("people").accept(Basic, passwords).cached(cache.clone()).build().unwrap();
    let keys =
        ApiKeys::new("ppl_".parse().unwrap(), Arc::new(MemoryApiKeys::default()), Arc::new(People)).revoking(&cache);
    let keys = ApiKeyEndpoints::new(keys);
    let endpoint = keys.create(&gate).before(move |_| {
        cache.revoke(Handle::subject("emily"));
        async { Ok(()) }
    });
    let head = basic("emily").received_by(&gate);
    let grant = admit(&gate, &head).await.unwrap();
    let work = endpoint.prepare(&head, head.exchange(), Some(grant)).unwrap();
    assert_eq!(work.run(br#"{"name":"ci"}"#.to_vec()).await.status(), 401);
}

#[tokio::test]
async fn a_hook_that_panics_is_no_yes() {
    let service = service();
    let endpoint = service.keys.create(&service.gate).before(|attempt| async move {
        assert!(attempt.subject().is_none(), "it panics for everybody");
        Ok(())
    });
    assert_eq!(service.call(&endpoint, basic("emily"), r#"{"name":"ci"}"#).await.status(), 503);
    let list = service.call(&service.keys.list(&service.gate), basic("emily"), "").await;
    assert_eq!(serde_json::from_slice::<Value>(list.body()).unwrap()["keys"], json!([]));
}
