//! Every setting that is a span of time, at its longest: nothing overflows, and nothing ends at once.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use countersign::{
    Answer, ApiKey, Basic, CredentialCache, Gate, KeyRing, SignedCookie, Unavailable, Verified,
    adapter::Verdict,
    async_trait,
    cache::CacheOptions,
    credential::BasicCredential,
    mint::{
        api_key::{ApiKeyEndpoints, ApiKeys},
        device_bound::DeviceSessions,
        session::{SessionEndpoints, Sessions},
    },
    secret::Secret,
    store::{Directory, MemoryApiKeys, MemoryDeviceSessions, MemoryReplay, MemorySessions, ReplayStore},
    testing::{ManualClock, PlainHead},
    throttle::{Throttle, ThrottleLimits},
    verifier::{PasswordCost, Passwords, verify_with},
};

struct Everybody;

#[async_trait]
impl Directory<String> for Everybody {
    async fn find(&self, subject: &str) -> Result<Option<Verified<String>>, Unavailable> {
        Ok(Some(Verified::new(subject.to_owned()).with_subject(subject)))
    }
}

/// The longest, and those around which something else than the span itself would overflow.
fn longest() -> [Duration; 6] {
    let year = Duration::from_secs(31_557_600);
    [
        Duration::MAX,
        Duration::MAX - Duration::from_secs(60),
        Duration::from_secs(u64::MAX / 2),
        Duration::from_nanos(u64::MAX),
        year * 31_700,
        year * 31_600,
    ]
}

async fn status(gate: &Gate<String>, name: &str, value: &str) -> u16 {
    match PlainHead::get("/").with(name, value).received_by(gate).verdict_at(gate).await {
        Verdict::Admitted(_) => 200,
        Verdict::Anonymous => panic!("anonymous"),
        Verdict::Rejected(rejection) => rejection.status(),
    }
}

fn basic(password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("emily:{password}")))
}

#[tokio::test]
async fn a_session_may_last_for_ever() {
    for (idle, life) in longest().into_iter().flat_map(|idle| longest().map(|life| (idle, life))) {
        let cache = CredentialCache::default();
        let sessions = Sessions::new(Arc::new(MemorySessions::default()), Arc::new(Everybody))
            .by(SignedCookie::named("session", KeyRing::random()))
            .revoking(&cache)
            .ending_after(idle, life);
        let gate = Gate::in_realm("people").accept(sessions.cookie(), sessions.clone()).cached(cache).build().unwrap();
        let anybody = verify_with(|credential: BasicCredential| async move {
            Answer::from(Verified::new(credential.name().to_owned()).with_subject(credential.name()))
        });
        let sign_in = SessionEndpoints::new(sessions, &gate).sign_in(Arc::new(anybody));
        let head = PlainHead::new("POST", "/session").with("content-type", "application/json").received_by(&gate);
        let work = sign_in.prepare(&head, head.exchange(), None).unwrap();
        let reply = work.run(br#"{"username":"emily","password":"x"}"#.to_vec()).await;
        assert_eq!(reply.status(), 204, "{idle:?} {life:?}");
        let (_, set) = reply.fields().find(|(name, _)| *name == "set-cookie").unwrap();
        assert!(set.ends_with("Max-Age=34560000"), "{set}");
        let pair = set.split(';').next().unwrap();
        for _ in 0..2 {
            assert_eq!(status(&gate, "cookie", pair).await, 200, "{idle:?} {life:?}");
        }
    }
}

#[tokio::test]
async fn a_cache_may_remember_for_ever() {
    for span in longest() {
        let clock = Arc::new(ManualClock::at(SystemTime::now()));
        let cache = CacheOptions::default()
            .longest_life(span)
            .refusal_life(span)
            .stale_if_unavailable_for(span)
            .flight_deadline(span)
            .revocations(2)
            .timed_by(clock.clone());
        let cache = CredentialCache::with(cache);
        let verifier = verify_with(move |credential: BasicCredential| async move {
            match credential.password().matches(b"right") {
                true => Answer::from(Verified::new("emily".to_owned()).with_subject("emily").kept_for(span)),
                false => Answer::Refused,
            }
        });
        let gate =
            Gate::in_realm("people").accept(Basic, verifier.reusable_for(span)).cached(cache.clone()).build().unwrap();
        for _ in 0..2 {
            assert_eq!(status(&gate, "authorization", &basic("right")).await, 200, "{span:?}");
            assert_eq!(status(&gate, "authorization", &basic("wrong")).await, 401, "{span:?}");
            clock.advance(Duration::from_secs(1_000_000));
        }
        assert!(cache.counts().hits >= 1, "{span:?}");
        for number in 0..9 {
            cache.revoke(countersign::Handle::subject(&number.to_string()));
        }
        clock.advance(span);
        for (password, expected) in [("right", 200), ("wrong", 401)] {
            assert_eq!(status(&gate, "authorization", &basic(password)).await, expected, "{span:?}");
        }
    }
}

#[tokio::test]
async fn a_throttle_may_count_for_ever() {
    for span in longest() {
        let limits = ThrottleLimits::default().window(span).trickle(span).known_for(span).per_name(2);
        let clock = Arc::new(ManualClock::at(SystemTime::now()));
        let throttle = Throttle::new(&limits.rows(16).timed_by(clock.clone()));
        let account = throttle.account("emily");
        clock.advance(Duration::from_secs(1_000));
        for number in 0..200_u32 {
            let address = std::net::Ipv4Addr::from_bits(number << 24 | number);
            let other = throttle.account(&number.to_string());
            if let Ok(one) = throttle.enter_now(other, Some(address.into())) {
                one.refused();
            }
            let _ = throttle.enter_now(account, Some(address.into())).map(countersign::throttle::Try::refused);
            let _ = throttle.locked_now(account, None);
        }
        let stranger = Some(std::net::Ipv4Addr::new(250, 1, 2, 3).into());
        assert!(throttle.enter_now(account, stranger).is_err_and(|later| later.whole_seconds() > 1), "{span:?}");
        assert!(throttle.locked_now(account, None).is_ok(), "known there for ever: {span:?}");
        clock.advance(span);
        let _ = throttle.enter_now(account, stranger);
    }
}

#[tokio::test]
async fn passwords_keys_and_nonces_may_be_kept_for_ever() {
    let hash = {
        let store = |_: String| async { Ok::<_, Unavailable>(None::<countersign::store::StoredPassword<String>>) };
        Passwords::found_by(store).cost(PasswordCost::fast()).hash(&Secret::new("right")).await.unwrap()
    };
    for span in longest() {
        let hash = hash.clone();
        let find = move |name: String| {
            let hash = hash.clone();
            async move {
                let found = Verified::new(name.clone()).with_subject(name);
                Ok::<_, Unavailable>(Some(countersign::store::StoredPassword::new(hash, found)))
            }
        };
        let passwords = Passwords::found_by(find).cost(PasswordCost::fast()).reusable_for(Some(span));
        let keys = ApiKeys::new("ppl_".parse().unwrap(), Arc::new(MemoryApiKeys::default()), Arc::new(Everybody));
        let gate = Gate::in_realm("people")
            .accept(Basic, passwords)
            .accept(ApiKey::in_header("x-api-key"), keys.clone())
            .cached(CredentialCache::default())
            .build()
            .unwrap();
        assert_eq!(status(&gate, "authorization", &basic("right")).await, 200);
        assert_eq!(status(&gate, "authorization", &basic("right")).await, 200);

        let head = PlainHead::new("POST", "/keys")
            .with("content-type", "application/json")
            .with("authorization", basic("right"))
            .received_by(&gate);
        let Verdict::Admitted(grant) = head.verdict_at(&gate).await else { panic!("refused") };
        let body = format!(r#"{{"name":"a","expires_in":{}}}"#, span.as_secs());
        let create = ApiKeyEndpoints::new(keys).create(&gate);
        let work = create.prepare(&head, head.exchange(), Some(grant)).unwrap();
        assert_eq!(work.run(body.into_bytes()).await.status(), 400, "a hundred years at most");

        let replay = MemoryReplay::holding(9);
        let until = SystemTime::now().checked_add(span).unwrap_or(SystemTime::now() + Duration::from_secs(1));
        assert!(matches!(replay.first("emily", b"1", until).await, countersign::store::First::New), "{span:?}");
    }
}

#[tokio::test]
async fn a_session_that_is_bound_to_a_device_may_last_for_ever() {
    for span in longest() {
        let replay = Arc::new(MemoryReplay::holding(9));
        let store = Arc::new(MemoryDeviceSessions::default());
        let sessions = DeviceSessions::below("/account", KeyRing::random(), store, replay, Arc::new(Everybody));
        let reply = sessions.ending_after(span, span).begin("emily").await.unwrap_or_else(|source| panic!("{source}"));
        let set = reply.fields().find(|(name, _)| *name == "set-cookie").map(|(_, value)| value.to_owned());
        assert!(set.is_some_and(|set| set.ends_with("Max-Age=34560000")), "{span:?}");
    }
}

#[test]
fn a_table_may_be_as_large_as_a_number() {
    let limits = ThrottleLimits::default().rows(usize::MAX).known_names(usize::MAX);
    let limits = limits.per_name(u32::MAX).per_address(u32::MAX).per_name_and_address(u32::MAX);
    let throttle = Throttle::new(&limits);
    let stranger = Some(std::net::Ipv4Addr::new(250, 1, 2, 3).into());
    for _ in 0..9 {
        let entered = throttle.enter_now(throttle.account("emily"), stranger);
        assert!(entered.map(countersign::throttle::Try::refused).is_ok());
    }
    let cache = CacheOptions::default().entries(u64::MAX).bytes(u64::MAX).refusal_entries(u64::MAX);
    CredentialCache::with(cache.revocations(usize::MAX)).revoke(countersign::Handle::subject("emily"));
}
