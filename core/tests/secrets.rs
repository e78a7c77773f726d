//! A challenge and its response, by a verifier that reads secrets back: what is proved, what it costs, and how it is throttled.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use countersign::{
    Answer, Bearer, Gate, Secret, Verified, Verify,
    adapter::Verdict,
    async_trait,
    credential::TokenCredential,
    store::{MemorySecrets, SecretStore, StoredSecret},
    testing::{ManualClock, PlainHead},
    throttle::{Account, Throttle, ThrottleLimits},
    verifier::{Secrets, Terms},
};

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);

/// Verifies `name.challenge.response`, and counts what it computes.
struct Responses<S> {
    secrets: Secrets<S>,
    computed: Arc<AtomicUsize>,
}

fn response(secret: &[u8], challenge: &str) -> blake3::Hash {
    blake3::keyed_hash(blake3::hash(secret).as_bytes(), challenge.as_bytes())
}

fn token(name: &str, secret: &str) -> String {
    format!("{name}.c1.{}", response(secret.as_bytes(), "c1"))
}

fn parts(credential: &TokenCredential) -> Option<(&str, &str, blake3::Hash)> {
    let mut parts = std::str::from_utf8(credential.token().expose()).ok()?.splitn(3, '.');
    Some((parts.next()?, parts.next()?, blake3::Hash::from_hex(parts.next()?).ok()?))
}

#[async_trait]
impl<S: SecretStore> Verify<TokenCredential> for Responses<S> {
    type Principal = S::Principal;

    async fn verify(&self, credential: TokenCredential) -> Answer<S::Principal> {
        let Some((name, challenge, sent)) = parts(&credential) else { return Answer::Refused };
        let claimant = match self.secrets.claimant(name).await {
            Ok(claimant) => claimant,
            Err(source) => return Answer::Unavailable(source),
        };
        let proved = claimant.proved(|secret| {
            self.computed.fetch_add(1, Ordering::Relaxed);
            response(secret.expose(), challenge) == sent
        });
        proved.map_or(Answer::Refused, |(verified, _)| verified.into())
    }

    fn terms(&self) -> Terms {
        self.secrets.terms()
    }

    fn account(&self, credential: &TokenCredential) -> Option<Account> {
        self.secrets.account(parts(credential)?.0)
    }
}

fn table() -> MemorySecrets<&'static str> {
    let secret = |secret: &str, name| StoredSecret::new(Secret::new(secret), Verified::new(name).with_subject(name));
    MemorySecrets::new()
        .with("emma", secret("new", "emma").or_older(Secret::new("old")))
        .with("emily", secret("one", "emily"))
        .with("nobody", secret("", "nobody"))
        .with("bob", secret("", "bob").or_older(Secret::new("two")))
}

async fn said<S: SecretStore<Principal = &'static str>>(verifier: &Responses<S>, token: &str) -> &'static str {
    let Some(credential) = TokenCredential::read(token.as_bytes()) else { return "malformed" };
    match verifier.verify(credential).await {
        Answer::Verified(verified) => *verified.principal(),
        Answer::Refused => "refused",
        Answer::Unjudged => "unjudged",
        Answer::Unavailable(_) => "unavailable",
    }
}

#[tokio::test]
async fn a_secret_proves_its_own_name_and_an_unknown_one_costs_as_much() {
    let computed = Arc::new(AtomicUsize::new(0));
    let verifier = Responses { secrets: Secrets::in_store(table()), computed: computed.clone() };
    for (name, secret, expected, computations) in [
        ("emily", "one", "emily", 1),
        ("emily", "new", "refused", 1),
        ("emily", "", "refused", 1),
        ("emma", "new", "emma", 2),
        ("emma", "old", "emma", 2),
        ("emma", "one", "refused", 2),
        ("alice", "one", "refused", 1),
        ("alice", "", "refused", 1),
        ("Emily", "one", "refused", 1),
        ("nobody", "", "refused", 1),
        ("bob", "", "refused", 1),
        ("bob", "two", "bob", 1),
        ("", "", "refused", 1),
    ] {
        let before = computed.load(Ordering::Relaxed);
        assert_eq!(said(&verifier, &token(name, secret)).await, expected, "{name} {secret}");
        assert_eq!(computed.load(Ordering::Relaxed) - before, computations, "{name} {secret}");
    }
}

#[tokio::test]
async fn what_stands_in_differs_by_name_and_process_and_proves_nothing() {
    let secrets = [Secrets::in_store(table()), Secrets::in_store(table())];
    let mut seen = Vec::new();
    for (secrets, name) in
        [(&secrets[0], "alice"), (&secrets[0], "alicf"), (&secrets[1], "alice"), (&secrets[0], "alice")]
    {
        let proved = secrets.claimant(name).await.unwrap().proved(|secret| {
            seen.push(secret.expose().to_vec());
            true
        });
        assert!(proved.is_none(), "{name}");
    }
    assert!(seen[0] != seen[1] && seen[0] != seen[2] && seen[0] == seen[3]);
    assert!(seen.iter().all(|secret| secret.len() == 32));
}

#[tokio::test]
async fn the_newest_of_several_that_fit_is_told() {
    let secrets = Secrets::in_store(table());
    let (verified, secret) = secrets.claimant("emma").await.unwrap().proved(|_| true).unwrap();
    assert_eq!((*verified.principal(), secret.matches(b"new")), ("emma", true));
}

#[tokio::test]
async fn a_store_that_cannot_be_asked_is_no_answer() {
    let computed = Arc::new(AtomicUsize::new(0));
    let up = Arc::new(AtomicBool::new(true));
    let asked = up.clone();
    let secrets = Secrets::found_by(move |name: String| {
        let up = asked.load(Ordering::Relaxed);
        async move {
            if !up {
                return Err("the database is gone");
            }
            Ok((name == "emily").then(|| StoredSecret::new(Secret::new("one"), Verified::new("emily"))))
        }
    });
    let verifier = Responses { secrets, computed };
    assert_eq!(said(&verifier, &token("emily", "one")).await, "emily");
    assert_eq!(said(&verifier, &token("emma", "one")).await, "refused");
    up.store(false, Ordering::Relaxed);
    assert_eq!(said(&verifier, &token("emily", "one")).await, "unavailable");
    assert_eq!(said(&verifier, &token("emma", "one")).await, "unavailable");
}

async fn status(gate: &Gate<&'static str>, name: &str, secret: &str) -> u16 {
    let head = PlainHead::get("/").with("authorization", format!("Bearer {}", token(name, secret)));
    let head = head.from(ADDRESS.into()).received_by(gate);
    match head.verdict_at(gate).await {
        Verdict::Admitted(_) => 200,
        Verdict::Anonymous => 0,
        Verdict::Rejected(rejection) => rejection.status(),
    }
}

#[tokio::test]
async fn known_and_unknown_names_are_locked_alike_together_with_their_passwords() {
    // L5
    let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH));
    let throttle = Throttle::new(&ThrottleLimits::default().timed_by(clock.clone()));
    let secrets = Secrets::in_store(table()).throttled_by(throttle.clone());
    let verifier = Responses { secrets, computed: Arc::default() };
    let gate = Gate::in_realm("people").accept(Bearer, verifier).timed_by(clock.clone()).build().unwrap();
    for name in ["emily", "alice"] {
        for tries in 0..5 {
            assert_eq!(status(&gate, name, "wrong").await, 401, "{name} {tries}");
        }
        assert_eq!(status(&gate, name, "one").await, 429, "{name}");
        let password = throttle.account(name);
        assert!(throttle.enter_now(password, Some(ADDRESS.into())).is_err(), "a form that shares it");
    }
    assert_eq!(status(&gate, "emma", "new").await, 200, "others are not");
    clock.advance(Duration::from_secs(60));
    assert_eq!(status(&gate, "emily", "one").await, 200);
    assert_eq!(status(&gate, "alice", "one").await, 401);
}

#[tokio::test]
async fn without_a_throttle_nothing_is_counted() {
    let verifier = Responses { secrets: Secrets::in_store(table()).without_throttle(), computed: Arc::default() };
    let gate = Gate::in_realm("people").accept(Bearer, verifier).build().unwrap();
    for tries in 0..60 {
        assert_eq!(status(&gate, "emily", "wrong").await, 401, "{tries}");
    }
    assert_eq!(status(&gate, "emily", "one").await, 200);
}

#[test]
fn no_secret_prints() {
    // L1
    let stored = StoredSecret::new(Secret::new("hunter2"), Verified::new("emma"));
    let printed = format!("{stored:?} {:?} {:?}", table(), Secrets::in_store(table()));
    assert_eq!(printed, "StoredSecret(..) MemorySecrets { rows: 4 } Secrets(..)");
}
