//! What the cache promises, promise by promise. Time is told by hand or by tokio's paused clock; nothing sleeps.

mod copies;
mod flight;
mod life;
mod revocation;
mod schedules;

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use tokio::{
    sync::Notify,
    task::{JoinSet, yield_now},
};

use super::*;
use crate::unavailable::Unavailable;
use crate::{
    clock::Clock,
    principal::Verified,
    testing::ManualClock,
    throttle::Throttle,
    verifier::{QueueLimits, WorkPermit, queue::Queue},
};

const MINUTE: Duration = Duration::from_secs(60);

/// A cache, its clock, and one scheme of one gate.
struct Desk {
    cache: CredentialCache,
    clock: Arc<ManualClock>,
    scheme: SchemeKey,
    queue: Arc<Queue>,
    terms: Terms,
}

impl Desk {
    fn new(options: CacheOptions) -> Self {
        let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + MINUTE));
        let cache = CredentialCache::with(options.timed_by(clock.clone()));
        let scheme = cache.scheme_key("people", "basic", VerifierNumber::draw(), 0);
        let terms = Terms { life: Some(MINUTE), account: Some(account()) };
        Self { cache, clock, scheme, queue: Queue::new(QueueLimits::default()), terms }
    }

    fn plain() -> Self {
        Self::new(CacheOptions::default())
    }

    fn look(&self, raw: &[u8]) -> Option<Outcome<u32>> {
        self.cache.look_now(&self.scheme.fingerprint(raw))
    }

    fn resolve<V, W>(&self, raw: &[u8], verify: V) -> impl Future<Output = Outcome<u32>> + Send + use<V, W>
    where
        V: Fn() -> W + Send + Sync + 'static,
        W: Future<Output = Answer<u32>> + Send + 'static,
    {
        self.cache.resolve(Miss {
            fingerprint: Some(self.scheme.fingerprint(raw)),
            terms: self.terms,
            queue: self.queue.clone(),
            sender: 1,
            verify: Arc::new(move || Box::pin(verify())),
        })
    }

    fn decide_now(&self, raw: &[u8], verify: impl Fn() -> Answer<u32>) -> Outcome<u32> {
        self.cache.decide_now(Some(self.scheme.fingerprint(raw)), self.terms, || Some(verify())).unwrap()
    }
}

/// A verifier that counts its calls and answers when it is told to.
#[derive(Clone, Default)]
struct Slow {
    calls: Arc<AtomicUsize>,
    go: Arc<Notify>,
}

impl Slow {
    fn verify(
        &self,
        answer: fn() -> Answer<u32>,
    ) -> impl Fn() -> Pin<Box<dyn Future<Output = Answer<u32>> + Send>> + Send + Sync + 'static + use<> {
        let this = self.clone();
        move || {
            this.calls.fetch_add(1, Ordering::Relaxed);
            let go = this.go.clone();
            Box::pin(async move {
                go.notified().await;
                answer()
            })
        }
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

/// The same each time it is asked.
fn account() -> Account {
    static THROTTLE: LazyLock<Throttle> = LazyLock::new(Throttle::default);
    THROTTLE.account("emily")
}

fn emily() -> Answer<u32> {
    Verified::new(1).with_subject("emily").into()
}

fn says<P: Copy>(resolved: &Outcome<P>) -> Result<P, &'static str> {
    match resolved {
        Outcome::Good { entry: known, stale: false } => Ok(*known.verified().principal()),
        Outcome::Good { stale: true, .. } => Err("stale"),
        Outcome::Refused { .. } => Err("refused"),
        Outcome::Unjudged => Err("unjudged"),
        Outcome::InTheClear => Err("in the clear"),
        Outcome::Unavailable(source) if source.retry_after().is_some() => Err("busy"),
        Outcome::Unavailable(_) => Err("unavailable"),
        Outcome::Throttled(_) => Err("throttled"),
    }
}

fn knows(found: &Option<Outcome<u32>>) -> Option<bool> {
    found.as_ref().map(|found| matches!(found, Outcome::Good { .. }))
}

async fn settle() {
    for _ in 0..20 {
        yield_now().await;
    }
}

fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn two_gates_that_share_a_cache_and_a_realm_do_not_share_answers() {
    // CVE-2021-32701 and its like: the verifier is part of the key.
    let desk = Desk::plain();
    desk.decide_now(b"abc", emily);
    let other = desk.cache.scheme_key("people", "basic", VerifierNumber::draw(), 0);
    assert_eq!(knows(&desk.look(b"abc")), Some(true));
    assert!(desk.cache.look_now::<u32>(&other.fingerprint(b"abc")).is_none());
    // Nor does an entry answer for another type of principal.
    assert!(desk.cache.look_now::<u64>(&desk.scheme.fingerprint(b"abc")).is_none());
}

#[test]
fn garbage_evicts_nothing_good_and_takes_a_bounded_room() {
    // L3, Kubernetes, Radicale. COUNTERSIGN_GARBAGE=1000000 is the long form.
    let garbage = std::env::var("COUNTERSIGN_GARBAGE").ok().and_then(|text| text.parse().ok()).unwrap_or(50_000_u32);
    let desk = Desk::new(CacheOptions::default().entries(1000).refusal_entries(500));
    for good in 0..500_u32 {
        desk.decide_now(&good.to_le_bytes(), emily);
    }
    let mut most = 0;
    for bad in 0..garbage {
        desk.decide_now(&[b"bad".as_slice(), &bad.to_le_bytes()].concat(), || Answer::Refused);
        if bad % 10_000 == 0 {
            most = most.max(desk.cache.counts().refusals);
        }
    }
    assert!((0..500_u32).all(|good| knows(&desk.look(&good.to_le_bytes())) == Some(true)));
    let counts = desk.cache.counts();
    assert!(most <= 500 && counts.refusals <= 500 && counts.entries == 500, "{most} {counts:?}");
}

#[test]
fn good_answers_take_a_bounded_room() {
    for (entries, bytes, expected) in [(100, 1 << 20, 100), (1 << 20, 100_000, 500)] {
        let desk = Desk::new(CacheOptions::default().entries(entries).bytes(bytes));
        for good in 0..5_000_u32 {
            desk.decide_now(&good.to_le_bytes(), emily);
        }
        let kept = desk.cache.counts().entries;
        assert!(kept <= expected && kept > 0, "{kept} of {entries} entries, {bytes} bytes");
    }
}

#[test]
fn a_hit_allocates_nothing() {
    // moka tidies up in one read of 64 at most, whoever happens to make it, and frees and takes a block then.
    const HITS: u64 = 64_000;
    let desk = Desk::plain();
    let end = desk.clock.wall() + MINUTE;
    desk.decide_now(b"abc", || Verified::new(1).with_subject("emily").ending_at(end).into());
    desk.cache.revoke(Handle::subject("somebody"));
    let measured = |_| allocation_counter::measure(|| assert_eq!(knows(&desk.look(b"abc")), Some(true))).count_total;
    // The first time, it makes its wheel of ends.
    (0..64).for_each(|nth| {
        measured(nth);
    });
    let allocations: Vec<_> = (0..HITS).map(measured).filter(|count| *count > 0).collect();
    assert!(allocations.len() as u64 <= HITS / 64, "{} hits allocate", allocations.len());
}

#[test]
fn nothing_of_a_credential_or_a_principal_prints() {
    // L1
    let desk = Desk::plain();
    desk.decide_now(b"s3cret", || Verified::new(4711).with_subject("emily").into());
    let printed = format!("{:?} {:?}", desk.cache, CacheOptions::default());
    assert!(!printed.contains("s3cret") && !printed.contains("4711") && !printed.contains("emily"), "{printed}");
}
