//! What takes time behind a good credential: confirmations, and policies that ask.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use countersign::{
    Answer, Bearer, CredentialCache, Extract, Gate, Handle, RequestView, Unavailable, Verified,
    adapter::{Guard, Verdict},
    credential::{Confirm, Confirmation, Confirming, Occurrences, Raw, TokenCredential},
    gate::policy::{Asked, all_of, any_of, asks, permits, role, subject_is},
    principal::Binding,
    request::Field,
    response::{Advice, Challenge, Reason},
    testing::PlainHead,
    verifier::verify_with,
};

/// Bearer tokens whose possession is shown by a field `Proof`, which is good once.
#[derive(Clone)]
struct Proved {
    seen: Arc<AtomicUsize>,
    then: Arc<dyn Fn() + Send + Sync>,
}

impl Extract for Proved {
    type Credential = TokenCredential;

    fn scheme(&self) -> &str {
        "proved"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        Bearer.locate(request, occurrences);
    }

    fn read(&self, raw: Raw<'_>) -> Option<TokenCredential> {
        Bearer.read(raw)
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Proved").with("algs", "none")]
    }

    fn fields(&self) -> Vec<Field> {
        Bearer.fields()
    }

    fn confirm(&self) -> Option<&dyn Confirm> {
        Some(self)
    }
}

impl Confirm for Proved {
    fn confirm(&self, binding: &Binding, request: &RequestView<'_>) -> Confirming {
        assert!(matches!(binding, Binding::KeyThumbprint(_) | Binding::All(_)));
        let field: Field = "proof".parse().unwrap();
        let proof = request.field(&field, 0).map(<[u8]>::to_vec);
        let (seen, then) = (Arc::clone(&self.seen), Arc::clone(&self.then));
        Box::pin(async move {
            tokio::task::yield_now().await;
            then();
            match proof.as_deref() {
                Some(b"good") if seen.fetch_add(1, Ordering::SeqCst) == 0 => {
                    Confirmation::Shown(vec![("next-proof", "2".to_owned())])
                }
                Some(b"down") => Confirmation::Unavailable(Unavailable::because("the store of proofs is away")),
                Some(_) => Confirmation::NotShown(
                    Advice::new().with_parameter("error", "invalid_proof").with_field("proof-nonce", "n"),
                ),
                None => Confirmation::not_shown(),
            }
        })
    }
}

struct Service {
    gate: Gate<&'static str>,
    cache: CredentialCache,
    verifications: Arc<AtomicUsize>,
}

fn bound() -> Verified<&'static str> {
    let both = Binding::All(Box::new([Binding::KeyThumbprint([7; 32]), Binding::Agent(Some("agent/1".into()))]));
    Verified::new("emily").with_subject("emily").bound_to(both)
}

fn service(then: impl Fn(&CredentialCache) + Send + Sync + 'static) -> Service {
    let (cache, verifications) = (CredentialCache::default(), Arc::<AtomicUsize>::default());
    let (count, told) = (Arc::clone(&verifications), cache.clone());
    let verifier = verify_with(move |_: TokenCredential| {
        count.fetch_add(1, Ordering::SeqCst);
        async { Answer::from(bound()) }
    });
    let kind = Proved { seen: Arc::default(), then: Arc::new(move || then(&told)) };
    let gate = Gate::in_realm("people")
        .accept(kind, verifier.reusable_for(std::time::Duration::from_secs(60)))
        .cached(cache.clone())
        .build()
        .unwrap();
    Service { gate, cache, verifications }
}

fn request(proof: Option<&str>) -> PlainHead {
    let head = PlainHead::get("/me").with("authorization", "Bearer token").with("user-agent", "agent/1");
    proof.into_iter().fold(head, |head, proof| head.with("proof", proof))
}

#[tokio::test]
async fn a_proof_is_asked_for_at_each_request_and_spent_once_in_each() {
    let service = service(|_| {});
    let head = request(Some("good")).received_by(&service.gate);
    // `enforce` and `Granted` on one route.
    for _ in 0..2 {
        assert!(matches!(head.verdict_at(&service.gate).await, Verdict::Admitted(_)));
    }
    assert_eq!(head.finished().values("next-proof").collect::<Vec<_>>(), ["2"]);
    // The token is known, and its proof is good no more.
    let again = request(Some("good")).received_by(&service.gate);
    let Verdict::Rejected(rejection) = again.verdict_at(&service.gate).await else { panic!("admitted") };
    assert_eq!((rejection.reason(), service.verifications.load(Ordering::SeqCst)), (Reason::BadCredential, 1));
}

#[tokio::test]
async fn who_shows_the_credential_and_not_the_proof_is_told_why() {
    let service = service(|_| {});
    for (proof, agent, challenge, nonce) in [
        (Some("bad"), "agent/1", r#"Proved realm="people", algs="none", error="invalid_proof""#, Some("n")),
        (None, "agent/1", r#"Proved realm="people", algs="none""#, None),
        // Of two bindings the one that a look shows to be wrong is enough, and nothing is told.
        (Some("bad"), "agent/2", r#"Proved realm="people", algs="none""#, None),
    ] {
        let head = PlainHead::get("/me").with("authorization", "Bearer token").with("user-agent", agent);
        let head = proof.into_iter().fold(head, |head, proof| head.with("proof", proof)).received_by(&service.gate);
        let Verdict::Rejected(rejection) = head.verdict_at(&service.gate).await else { panic!("admitted") };
        let reply = rejection.reply();
        let field = |name: &str| reply.fields().find(|(known, _)| *known == name).map(|(_, value)| value.to_owned());
        assert_eq!((reply.status(), field("www-authenticate").as_deref()), (401, Some(challenge)), "{proof:?} {agent}");
        assert_eq!(field("proof-nonce").as_deref(), nonce);
    }
    let head = request(Some("down")).received_by(&service.gate);
    let Verdict::Rejected(rejection) = head.verdict_at(&service.gate).await else { panic!("admitted") };
    assert_eq!(rejection.status(), 503);
}

#[tokio::test]
async fn what_is_bound_and_confirmed_by_nothing_is_refused() {
    let gate = Gate::in_realm("people")
        .accept(Bearer, verify_with(|_: TokenCredential| async { Answer::from(bound()) }))
        .build()
        .unwrap();
    let head = request(Some("good")).received_by(&gate);
    let Verdict::Rejected(rejection) = head.verdict_at(&gate).await else { panic!("admitted") };
    assert_eq!(rejection.reason(), Reason::BadCredential);
}

#[tokio::test]
async fn who_is_revoked_while_a_proof_is_judged_is_verified_again_first() {
    let service = service(|cache| cache.revoke(Handle::subject("emily")));
    let head = request(Some("good")).received_by(&service.gate);
    assert!(
        matches!(head.verdict_at(&service.gate).await, Verdict::Admitted(_)),
        "still in order, and the proof was shown"
    );
    assert_eq!(service.verifications.load(Ordering::SeqCst), 2);
    assert_eq!(service.cache.counts().revocations, 1);
}

fn plain() -> (Gate<&'static str>, CredentialCache) {
    let cache = CredentialCache::default();
    let verifier = verify_with(|credential: TokenCredential| async move {
        match credential.token().matches(b"emily") {
            true => Verified::new("emily").with_subject("emily").with_roles(["member"]).into(),
            false => Answer::Refused,
        }
    });
    let gate = Gate::in_realm("people").accept(Bearer, verifier).cached(cache.clone()).build().unwrap();
    (gate, cache)
}

fn asking(gate: &Gate<&'static str>, of: &str) -> PlainHead {
    PlainHead::get("/users/x").with("authorization", "Bearer emily").with_parameter("name", of).received_by(gate)
}

async fn status(gate: &Gate<&'static str>, head: &PlainHead) -> u16 {
    match head.verdict_at(gate).await {
        Verdict::Admitted(_) => 200,
        Verdict::Rejected(rejection) => rejection.status(),
        Verdict::Anonymous => panic!("anonymous"),
    }
}

/// Emily's only friend is Emma; of Jacob nothing can be found out.
fn friends() -> impl countersign::Policy<&'static str> {
    asks(["name"], |asked: Asked<&'static str>| async move {
        tokio::task::yield_now().await;
        match (asked.grant().subject(), asked.parameter("name")) {
            (Some("emily"), Some("emma")) => Ok(asked.method() == "GET"),
            (_, Some("jacob")) => Err(Unavailable::because("the database is away")),
            (_, Some("slow")) => pending().await,
            _ => Ok(false),
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_policy_may_ask_and_no_answer_is_no_permit() {
    let (gate, _) = plain();
    for (of, expected) in [("emma", 200), ("nobody", 403), ("jacob", 503), ("slow", 503), ("\u{fffd}", 403)] {
        assert_eq!(status(&gate.require(friends()), &asking(&gate, of)).await, expected, "{of}");
    }
    let without = PlainHead::get("/").with("authorization", "Bearer emily").received_by(&gate);
    assert_eq!(status(&gate.require(friends()), &without).await, 500, "the route has no such parameter");
}

#[tokio::test(start_paused = true)]
async fn what_can_be_judged_on_the_spot_is_not_asked_for() {
    let (gate, _) = plain();
    let never = || asks([], |_: Asked<&'static str>| async { panic!("nobody is asked") });
    let rows: [(Gate<&'static str>, &str, u16); 8] = [
        (gate.require(any_of((subject_is("name"), never()))), "emily", 200),
        (gate.require(any_of((never(), subject_is("name")))), "emily", 200),
        (gate.require(all_of((never(), role("admin")))), "emily", 403),
        (gate.require(never()).require(role("admin")), "emily", 403),
        (gate.require(any_of((role("admin"), friends()))), "emma", 200),
        (gate.require(any_of((role("admin"), friends()))), "nobody", 403),
        (gate.require(all_of((role("member"), friends()))), "emma", 200),
        (gate.require(friends()).require(permits(|who, _| **who == "emily")), "emma", 200),
    ];
    for (row, (gate, of, expected)) in rows.iter().enumerate() {
        assert_eq!(status(gate, &asking(gate, of)).await, *expected, "row {row}");
    }
    // Two that ask: all of them, or one.
    let no = || asks([], |_: Asked<&'static str>| async { Ok(false) });
    assert_eq!(status(&gate.require(any_of((no(), friends()))), &asking(&gate, "emma")).await, 200);
    assert_eq!(status(&gate.require(all_of((friends(), no()))), &asking(&gate, "emma")).await, 403);
    assert_eq!(status(&gate.require(any_of((no(), friends()))), &asking(&gate, "jacob")).await, 503);
}

#[tokio::test]
async fn who_is_revoked_while_a_policy_asks_is_not_admitted() {
    let (gate, cache) = plain();
    let (told, calls) = (cache.clone(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&calls);
    let revoking = asks([], move |_: Asked<&'static str>| {
        let (cache, count) = (told.clone(), Arc::clone(&count));
        async move {
            count.fetch_add(1, Ordering::SeqCst);
            cache.revoke(Handle::subject("emily"));
            Ok(true)
        }
    });
    let gate = gate.require(revoking);
    assert_eq!(status(&gate, &asking(&gate, "emily")).await, 503, "again and again");
    assert_eq!(calls.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_demand_in_a_signature_is_judged_beside_a_policy_that_asks() {
    countersign::demand!(Admins: role("admin"));
    let (gate, _) = plain();
    let gate = gate.require(friends());
    let head = asking(&gate, "emma");
    let guard = Guard::for_somebody::<Admins>(&gate, head.exchange());
    let mut admission = guard.admit(&head, head.exchange());
    let verdict = loop {
        match admission {
            countersign::adapter::Admission::Decided(verdict) => break verdict,
            countersign::adapter::Admission::Pending(pending) => {
                admission = guard.conclude(pending.await, &head, head.exchange());
            }
            countersign::adapter::Admission::Body(_) => panic!("nothing here covers a body"),
        }
    };
    assert_eq!(guard.granted(verdict).map(drop).unwrap_err().status(), 403);
}
