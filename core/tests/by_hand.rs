//! An app that verifies a credential by itself.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use countersign::{
    Answer, Basic, Bearer, CredentialCache, Gate, Grant, Handle, Unavailable, Verified, Verify, adapter, async_trait,
    credential::BasicCredential,
    gate::policy::{role, subject_is},
    request::ClientInfo,
    response::{Reason, Rejection},
    testing::PlainHead,
    throttle::{Account, Throttle},
    verifier::{Terms, TokenTable},
};

#[derive(Clone)]
struct People {
    throttle: Throttle,
    calls: Arc<AtomicUsize>,
    revokes: Option<CredentialCache>,
}

#[async_trait]
impl Verify<BasicCredential> for People {
    type Principal = String;

    fn terms(&self) -> Terms {
        Terms::new().throttled_by(self.throttle.clone())
    }

    fn account(&self, credential: &BasicCredential) -> Option<Account> {
        Some(self.throttle.account(credential.name()))
    }

    async fn verify(&self, credential: BasicCredential) -> Answer<String> {
        let nth = self.calls.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        if let Some(cache) = self.revokes.as_ref().filter(|_| nth == 0) {
            cache.revoke(Handle::subject("emily"));
        }
        match credential.name() {
            "outage" => Answer::Unavailable(Unavailable::because("away")),
            name if credential.password().matches(b"s3cret") => {
                Verified::new(name.to_owned()).with_subject(name).with_roles(["member"]).into()
            }
            _ => Answer::Refused,
        }
    }
}

fn gate(people: People) -> Gate<String> {
    let gate = Gate::in_realm("people").accept(Basic, people.clone()).accept(Bearer, TokenTable::new());
    match people.revokes {
        Some(cache) => gate.cached(cache).build().unwrap(),
        None => gate.build().unwrap(),
    }
}

fn people() -> People {
    People { throttle: Throttle::default(), calls: Arc::default(), revokes: None }
}

fn from(gate: &Gate<String>) -> ClientInfo {
    let head = PlainHead::new("POST", "/login").from("192.0.2.9".parse().unwrap()).with("user-agent", "agent/1");
    let head = head.with("cookie", "session=secret").received_by(gate);
    adapter::client_info(&head, head.exchange()).unwrap()
}

async fn sign_in(gate: &Gate<String>, name: &str, password: &str) -> Result<Grant<String>, Rejection> {
    gate.verify(&Basic, BasicCredential::new(name, password), &from(gate)).await
}

#[tokio::test]
async fn a_form_of_an_app_is_verified_as_a_guard_verifies() {
    let gate = gate(people());
    let grant = sign_in(&gate, "emily", "s3cret").await.unwrap();
    assert_eq!((grant.subject(), grant.scheme(), grant.still_stands()), (Some("emily"), "basic", true));
    let refused = sign_in(&gate, "emily", "wrong").await.unwrap_err();
    assert_eq!((refused.status(), refused.reason()), (401, Reason::BadCredential));
    assert_eq!(sign_in(&gate, "outage", "x").await.unwrap_err().status(), 503);
}

#[tokio::test]
async fn wrong_passwords_count_together_with_those_of_a_guard() {
    let people = people();
    let gate = gate(people.clone());
    for _ in 0..5 {
        assert_eq!(sign_in(&gate, "emily", "wrong").await.unwrap_err().status(), 401);
    }
    let late = sign_in(&gate, "emily", "s3cret").await.unwrap_err();
    assert!(late.status() == 429 && late.retry_after().is_some());
    let head = PlainHead::get("/").from("192.0.2.9".parse().unwrap()).with("authorization", "Basic ZW1pbHk6czNjcmV0");
    let head = head.received_by(&gate);
    let adapter::Verdict::Rejected(rejection) = head.verdict_at(&gate).await else { panic!("admitted") };
    assert_eq!((rejection.status(), people.calls.load(Ordering::SeqCst)), (429, 5));
}

#[tokio::test]
async fn the_gates_demands_are_judged() {
    let gate = gate(people());
    assert!(sign_in(&gate.require(role("member")), "emily", "s3cret").await.is_ok());
    assert_eq!(sign_in(&gate.require(role("admin")), "emily", "s3cret").await.unwrap_err().status(), 403);
    assert_eq!(sign_in(&gate.require(subject_is("name")), "emily", "s3cret").await.unwrap_err().status(), 500);
    let by_token = gate.only(["bearer"]).unwrap();
    assert_eq!(sign_in(&by_token, "emily", "s3cret").await.unwrap_err().reason(), Reason::Misconfigured);
}

#[tokio::test]
async fn what_is_revoked_meanwhile_is_verified_again() {
    let people = People { revokes: Some(CredentialCache::default()), ..people() };
    assert!(sign_in(&gate(people.clone()), "emily", "s3cret").await.is_ok());
    assert_eq!(people.calls.load(Ordering::SeqCst), 2);
}

#[test]
fn who_sent_a_request_is_shown_without_cookies() {
    let gate = gate(people());
    let from = from(&gate);
    assert_eq!((from.agent().as_deref(), from.is_secure(), from.wants().html), (Some("agent/1"), false, false));
    assert!(from.address().is_some() && !format!("{from:?}").contains("secret"));
}
