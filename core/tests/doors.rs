//! What an app does by calls of its own: tokens and keys of its own shape or by its own word, and routes that no cache answers for.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use countersign::{
    Answer, ApiKey, Bearer, CredentialCache, Extract, Gate, QueryParam, Scopes, Unavailable, Verified,
    adapter::{Guard, Verdict},
    async_trait,
    credential::{Subprotocol, TokenCredential},
    gate::policy::{Anyone, scope},
    mint::api_key::{ApiKeys, NewApiKey},
    secret::TokenDigest,
    store::{ApiKeyRecord, ApiKeyStore, Directory, MemoryApiKeys},
    testing::PlainHead,
    verifier::{OpaqueTokens, verify_with},
};
#[cfg(feature = "jwt")]
use countersign::{
    mint::access_token::{AccessTokens, IssuedToken},
    store::MemoryTokens,
};

struct People;

#[async_trait]
impl Directory<String> for People {
    async fn find(&self, subject: &str) -> Result<Option<Verified<String>>, Unavailable> {
        let scopes = "reports:read reports:write".parse().map_err(Unavailable::because)?;
        let known = Verified::new(subject.to_owned()).with_subject(subject).with_scopes(scopes);
        Ok((subject == "emily").then_some(known))
    }
}

async fn status(gate: &Gate<String>, name: &str, value: &str) -> u16 {
    match PlainHead::get("/").with(name, value).received_by(gate).verdict_at(gate).await {
        Verdict::Admitted(_) => 200,
        Verdict::Anonymous => 204,
        Verdict::Rejected(rejection) => rejection.status(),
    }
}

/// Counts how often it is asked.
fn counting(cache: &CredentialCache) -> (Gate<String>, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let verifier = verify_with(move |credential: TokenCredential| {
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            match credential.token().matches(b"good") {
                true => Answer::from(Verified::new("emily".to_owned()).with_subject("emily")),
                false => Answer::Refused,
            }
        }
    });
    let verifier = verifier.reusable_for(Duration::from_secs(60));
    (Gate::in_realm("people").accept(Bearer, verifier).cached(cache.clone()).build().unwrap(), asked)
}

#[tokio::test]
async fn an_uncached_gate_asks_at_each_request_and_once() {
    let (gate, asked) = counting(&CredentialCache::default());
    let anew = gate.uncached();
    for (gate, token, expected, calls) in [
        (&anew, "good", 200, 1),
        (&anew, "good", 200, 1),
        (&gate, "good", 200, 1),
        (&gate, "good", 200, 0),
        (&anew, "good", 200, 1),
        (&anew, "bad", 401, 1),
        (&anew, "bad", 401, 1),
        (&gate, "bad", 401, 1),
        (&gate, "bad", 401, 0),
        (&anew.require(scope("none")), "good", 403, 1),
    ] {
        assert_eq!(status(gate, "authorization", &format!("Bearer {token}")).await, expected, "{token}");
        assert_eq!(asked.swap(0, Ordering::SeqCst), calls, "{gate:?} {token}");
    }
}

#[tokio::test]
async fn a_request_with_several_guards_asks_once_where_one_is_uncached() {
    let (gate, asked) = counting(&CredentialCache::default());
    let anew = gate.uncached();
    assert_eq!(status(&gate, "authorization", "Bearer good").await, 200);
    asked.store(0, Ordering::SeqCst);
    for (outer, inner, calls) in [(&anew, &gate, 1), (&gate, &anew, 1), (&anew, &anew, 1), (&gate, &gate, 0)] {
        let head = PlainHead::get("/").with("authorization", "Bearer good").received_by(&gate);
        let Verdict::Admitted(grant) = head.verdict_at(outer).await else { panic!("refused") };
        Guard::in_front(outer).put_in_force(head.exchange().unwrap(), Some(&grant));
        let Verdict::Admitted(_) = head.verdict_at(inner).await else { panic!("refused") };
        let guard = Guard::for_somebody::<Anyone>(&gate, head.exchange());
        assert!(matches!(
            guard.admit(&head, head.exchange()),
            countersign::adapter::Admission::Decided(Verdict::Admitted(_))
        ));
        assert_eq!(asked.swap(0, Ordering::SeqCst), calls, "{outer:?} {inner:?}");
    }
}

#[tokio::test]
async fn an_app_makes_lists_and_deletes_keys() {
    let cache = CredentialCache::default();
    let store = Arc::new(MemoryApiKeys::default());
    let keys = ApiKeys::new("ppl_".parse().unwrap(), store, Arc::new(People)).revoking(&cache);
    let gate = Gate::in_realm("people")
        .accept(ApiKey::in_header("x-api-key"), keys.clone())
        .cached(cache.clone())
        .build()
        .unwrap();
    let wanted = NewApiKey::named("deploy").unwrap().for_scopes("reports:write other".parse().unwrap());
    assert!(keys.create("nobody", wanted.clone()).await.unwrap().is_none());
    let key = keys.create("emily", wanted).await.unwrap().unwrap();
    let all = keys.create("emily", NewApiKey::named("all").unwrap()).await.unwrap().unwrap();
    assert!(!format!("{key:?}").contains(key.reveal()));
    for (scope_name, narrow, wide) in [("reports:write", 200, 200), ("reports:read", 403, 200), ("other", 403, 403)] {
        let gate = gate.require(scope(scope_name));
        assert_eq!(status(&gate, "x-api-key", key.reveal()).await, narrow, "{scope_name}");
        assert_eq!(status(&gate, "x-api-key", all.reveal()).await, wide, "{scope_name}");
    }
    assert_eq!(keys.list("emily").await.unwrap().len(), 2);
    // By another's name, by no name, and by what no store can look up.
    for (subject, id) in [("daniel", key.id()), ("emily", "other"), ("emily", "a\0b")] {
        assert!(!keys.delete(subject, id).await.unwrap(), "{subject} {id:?}");
    }
    assert_eq!(status(&gate, "x-api-key", key.reveal()).await, 200);
    assert!(keys.delete("emily", key.id()).await.unwrap());
    assert_eq!(status(&gate, "x-api-key", key.reveal()).await, 401, "though the cache knew it");
    keys.delete_all_of("emily").await.unwrap();
    assert_eq!(status(&gate, "x-api-key", all.reveal()).await, 401);
    for name in ["", "a\nb", &"x".repeat(201)] {
        assert!(NewApiKey::named(name).is_err(), "{name:?}");
    }
    let other = Gate::in_realm("people").accept(ApiKey::in_header("x-api-key"), keys).build().unwrap_err();
    assert!(other.to_string().contains("do not tell the gate's cache"), "{other}");
}

#[tokio::test]
async fn keys_and_tokens_keep_the_shape_that_an_app_gave_them() {
    let store = Arc::new(MemoryApiKeys::default());
    let record = ApiKeyRecord {
        id: "1".into(),
        subject: "emily".into(),
        name: "old".into(),
        visible: "17|".into(),
        scopes: Scopes::default(),
        all_scopes: true,
        created: std::time::SystemTime::UNIX_EPOCH,
        ends: None,
        used: None,
    };
    store.insert(TokenDigest::of(b"17|Kx3vBq:9"), record).await.unwrap();
    let keys = ApiKeys::new("ppl_".parse().unwrap(), store, Arc::new(People));
    let fresh = keys.create("emily", NewApiKey::named("new").unwrap()).await.unwrap().unwrap();
    let tokens = OpaqueTokens::of_any_shape(|token| async move {
        let good = token.text().and_then(|text| text.split_once(':')).is_some_and(|(id, _)| id == "emily");
        Ok::<_, Unavailable>(
            (good && token.secret().matches(b"emily:s3cret")).then(|| Verified::new("emily".to_owned())),
        )
    });
    let gate = Gate::in_realm("people")
        .accept(ApiKey::in_header("x-api-key").of_any_shape(), keys.clone().of_any_shape())
        .accept(Bearer::of_any_shape(), tokens)
        .cached(CredentialCache::default())
        .build()
        .unwrap();
    let strict = Gate::in_realm("people").accept(ApiKey::in_header("x-api-key"), keys).build().unwrap();
    for (name, value, expected) in [
        ("x-api-key", "17|Kx3vBq:9", 200),
        ("x-api-key", "17|Kx3vBq:8", 401),
        ("x-api-key", fresh.reveal(), 200),
        ("x-api-key", "a b", 401),
        ("authorization", "Bearer emily:s3cret", 200),
        ("authorization", "bearer emily:s3cret", 200),
        ("authorization", "Bearer emily:other", 401),
        ("authorization", "Bearer emily", 401),
    ] {
        for _ in 0..2 {
            assert_eq!(status(&gate, name, value).await, expected, "{name}: {value}");
        }
    }
    assert_eq!(status(&strict, "x-api-key", "17|Kx3vBq:9").await, 401);
    assert_eq!(status(&strict, "x-api-key", fresh.reveal()).await, 200);
}

#[cfg(feature = "jwt")]
#[tokio::test]
async fn an_app_issues_tokens_for_whom_it_knows_and_changes_the_keys_behind_them() {
    let signer = countersign::JwtSigner::fresh().unwrap();
    let tokens = AccessTokens::issued_by("https://people.example", signer.clone());
    let tokens =
        tokens.for_audience("people", Arc::new(People)).unwrap().recorded_in(Arc::new(MemoryTokens::default()));
    let gate = Gate::in_realm("people").accept(Bearer, tokens.clone()).build().unwrap();
    assert!(tokens.issue("nobody", None).await.unwrap().is_none());
    let named = "reports:write other".parse().unwrap();
    let narrow = tokens.issue("emily", Some(&named)).await.unwrap().unwrap();
    let wide = tokens.issue("emily", None).await.unwrap().unwrap();
    assert!(!format!("{narrow:?}").contains(narrow.reveal()) && narrow.life() > Duration::from_secs(60));
    let bearer = |token: &IssuedToken| format!("Bearer {}", token.reveal());
    for (name, of_narrow, of_wide) in [("reports:write", 200, 200), ("reports:read", 403, 200), ("other", 403, 403)] {
        let gate = gate.require(scope(name));
        assert_eq!(status(&gate, "authorization", &bearer(&narrow)).await, of_narrow, "{name}");
        assert_eq!(status(&gate, "authorization", &bearer(&wide)).await, of_wide, "{name}");
    }
    signer.replace_with(&countersign::JwtSigner::fresh().unwrap().and_older(signer.key()));
    let newer = tokens.issue("emily", None).await.unwrap().unwrap();
    assert_eq!(status(&gate, "authorization", &bearer(&narrow)).await, 200);
    assert_eq!(status(&gate, "authorization", &bearer(&newer)).await, 200);
    assert_eq!(tokens.jwks_json().matches("Ed25519").count(), 2);
    signer.replace_with(&countersign::JwtSigner::fresh().unwrap());
    assert_eq!(status(&gate, "authorization", &bearer(&narrow)).await, 401);
    assert_eq!(status(&gate, "authorization", &bearer(&newer)).await, 401);
}

/// What a gate says of tokens of any shape behind this kind.
fn fault_of<E: Extract<Credential = TokenCredential>>(kind: E) -> Option<String> {
    let odd = OpaqueTokens::of_any_shape(|_| async { Ok::<_, std::io::Error>(None::<Verified<String>>) });
    Gate::in_realm("people").accept(kind, odd).build().err().map(|error| error.to_string())
}

#[test]
fn keys_of_any_shape_are_not_put_behind_a_kind_that_cannot_carry_them() {
    for (name, narrow, wide) in [
        ("bearer", fault_of(Bearer), fault_of(Bearer::of_any_shape())),
        ("keyword", fault_of(Bearer::with_keyword("Key")), fault_of(Bearer::with_keyword("Key").of_any_shape())),
        ("header", fault_of(ApiKey::in_header("x-key")), fault_of(ApiKey::in_header("x-key").of_any_shape())),
        ("query", fault_of(QueryParam::named("key")), fault_of(QueryParam::named("key").of_any_shape())),
        ("socket", fault_of(Subprotocol::as_kubernetes()), fault_of(Subprotocol::as_kubernetes().of_any_shape())),
        ("called", fault_of(Bearer.called("b")), fault_of(Bearer::of_any_shape().called("b"))),
    ] {
        assert!(narrow.is_some_and(|fault| fault.contains("with of_any_shape, too")), "{name}");
        assert_eq!(wide, None, "{name}");
    }
    let keys = || ApiKeys::new("ppl_".parse().unwrap(), Arc::new(MemoryApiKeys::default()), Arc::new(People));
    let gate = |keys| Gate::in_realm("people").accept(ApiKey::in_header("x-key"), keys).build();
    assert!(gate(keys()).is_ok());
    assert!(gate(keys().of_any_shape()).unwrap_err().to_string().contains("with of_any_shape, too"));
}

#[tokio::test]
async fn a_key_of_the_apps_own_table_is_revoked_by_its_id() {
    // Laravel's shape: the row, and what its hash is of.
    let (cache, rows) = (CredentialCache::default(), Arc::new(std::sync::Mutex::new(vec![17_u64])));
    let table = Arc::clone(&rows);
    let keys = OpaqueTokens::of_any_shape(move |sent| {
        let row = sent.text().and_then(|text| text.split_once('|')).and_then(|(id, _)| id.parse().ok());
        let found = row.filter(|row| table.lock().unwrap().contains(row) && sent.secret().matches(b"17|Kx3:vBq"));
        async move {
            let known = |row: u64| {
                let key = Verified::new("emily".to_owned()).with_subject("emily");
                key.revocable_by(countersign::Handle::api_key(&row.to_string()))
            };
            Ok::<_, std::io::Error>(found.map(known))
        }
    });
    let kind = ApiKey::in_header("x-api-key").of_any_shape();
    let gate = Gate::in_realm("people").accept(kind, keys).cached(cache.clone()).build().unwrap();
    assert_eq!(status(&gate, "x-api-key", "17|Kx3:vBq").await, 200);
    rows.lock().unwrap().clear();
    assert_eq!(status(&gate, "x-api-key", "17|Kx3:vBq").await, 200, "the cache was not told");
    cache.revoke(countersign::Handle::api_key("17"));
    assert_eq!(status(&gate, "x-api-key", "17|Kx3:vBq").await, 401);
}
