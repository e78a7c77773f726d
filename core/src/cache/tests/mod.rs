//! What the cache promises, promise by promise. Time is told by hand or by tokio's paused clock; nothing sleeps.

mod copies;
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
        self.cache.look(&self.scheme.fingerprint(raw))
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

#[tokio::test(start_paused = true)]
async fn a_thousand_first_uses_at_once_verify_once() {
    // kubernetes#83259: a thundering herd.
    let (desk, slow) = (Desk::plain(), Slow::default());
    let mut requests = JoinSet::new();
    for _ in 0..1000 {
        requests.spawn(desk.resolve(b"abc", slow.verify(emily)));
    }
    settle().await;
    slow.go.notify_one();
    let answers = requests.join_all().await;
    assert!(answers.iter().all(|answer| says(answer) == Ok(1)));
    assert_eq!((slow.calls(), desk.cache.counts().joins, desk.cache.counts().flights), (1, 999, 0));
    assert_eq!(knows(&desk.look(b"abc")), Some(true));
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_restarts_nothing_and_fails_nobody() {
    // L3: the leader is dropped after so many polls, with the verifier at rest, at work, and done.
    for polls in 1..4 {
        let (desk, slow) = (Desk::plain(), Slow::default());
        let mut leader = Box::pin(desk.resolve(b"abc", slow.verify(emily)));
        for _ in 0..polls {
            assert!(poll_once(leader.as_mut()).is_pending());
            settle().await;
        }
        let joiner = tokio::spawn(desk.resolve(b"abc", slow.verify(emily)));
        settle().await;
        drop(leader);
        slow.go.notify_one();
        assert_eq!((says(&joiner.await.unwrap()), slow.calls()), (Ok(1), 1), "{polls} polls");
    }
    // Nobody is left at all: the answer is kept nevertheless.
    let (desk, slow) = (Desk::plain(), Slow::default());
    let mut alone = Box::pin(desk.resolve(b"abc", slow.verify(emily)));
    assert!(poll_once(alone.as_mut()).is_pending());
    drop(alone);
    slow.go.notify_one();
    settle().await;
    assert_eq!((knows(&desk.look(b"abc")), desk.queue.len()), (Some(true), 0));
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_no_answer_for_those_that_wait_and_nothing_to_those_that_come() {
    let desk = Desk::plain();
    let panics = || async {
        yield_now().await;
        panic!("a verifier's fault")
    };
    let mut requests = JoinSet::new();
    for _ in 0..10 {
        requests.spawn(desk.resolve(b"abc", panics));
    }
    assert!(requests.join_all().await.iter().all(|answer| says(answer) == Err("unavailable")));
    assert_eq!((desk.cache.counts().flights, desk.queue.len()), (0, 0));
    assert_eq!(says(&desk.resolve(b"abc", || async { emily() }).await), Ok(1));
    assert_eq!(says(&desk.decide_now(b"abd", || panic!("a verifier's fault"))), Err("unavailable"));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_frees_the_flight_but_not_the_permit_of_the_thread() {
    // L4
    let mut desk = Desk::plain();
    desk.queue = Queue::new(QueueLimits::at_once(1));
    let thread = Arc::new(Mutex::new(None));
    let held = thread.clone();
    let hangs = move || {
        let held = held.clone();
        async move {
            *held.lock().unwrap() = WorkPermit::current();
            std::future::pending().await
        }
    };
    assert_eq!(says(&desk.resolve(b"abc", hangs).await), Err("unavailable"));
    assert_eq!((desk.cache.counts().flights, desk.queue.len()), (0, 0));
    let next = Slow::default();
    let request = tokio::spawn(desk.resolve(b"abc", next.verify(emily)));
    settle().await;
    assert_eq!(next.calls(), 0, "the thread still works");
    thread.lock().unwrap().take().expect("the verifier was given a permit");
    next.go.notify_one();
    assert_eq!((says(&request.await.unwrap()), next.calls()), (Ok(1), 1));
}

#[test]
fn without_a_runtime_there_is_no_answer_and_no_flight() {
    let desk = Desk::plain();
    let request = pin!(desk.resolve(b"abc", || async { emily() }));
    assert!(matches!(poll_once(request), Poll::Ready(Outcome::Unavailable(_))));
    assert_eq!(desk.cache.counts().flights, 0);
}

#[test]
fn a_runtime_that_stops_wakes_those_that_wait() {
    let (desk, slow) = (Desk::plain(), Slow::default());
    let mut request = Box::pin(desk.resolve(b"abc", slow.verify(emily)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(poll_fn(|context| {
        assert!(request.as_mut().poll(context).is_pending());
        Poll::Ready(())
    }));
    drop(runtime);
    assert!(matches!(poll_once(request.as_mut()), Poll::Ready(Outcome::Unavailable(_))));
    assert_eq!((desk.cache.counts().flights, desk.queue.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_outage_and_what_was_not_judged_are_shared_and_never_kept() {
    // H9, Apicurio#8076, platform-mesh#233: an outage cached as a refusal.
    type Says = fn() -> Answer<u32>;
    let down: Says = || Answer::Unavailable(Unavailable::because("down"));
    let unjudged: Says = || Answer::Unjudged;
    for (answer, expected) in [(down, Err("unavailable")), (unjudged, Err("unjudged"))] {
        let (desk, slow) = (Desk::plain(), Slow::default());
        let mut requests = JoinSet::new();
        for _ in 0..3 {
            requests.spawn(desk.resolve(b"abc", slow.verify(answer)));
        }
        settle().await;
        slow.go.notify_one();
        assert!(requests.join_all().await.iter().all(|answer| says(answer) == expected));
        assert_eq!((slow.calls(), knows(&desk.look(b"abc"))), (1, None));
        assert_eq!(says(&desk.decide_now(b"abc", answer)), expected);
        assert_eq!(knows(&desk.look(b"abc")), None);
        assert_eq!(says(&desk.resolve(b"abc", || async { emily() }).await), Ok(1));
    }
}

#[tokio::test(start_paused = true)]
async fn answers_that_nobody_may_reuse_are_neither_shared_nor_kept() {
    let mut desk = Desk::plain();
    desk.terms.life = None;
    for (longest_life, life) in [(MINUTE, None), (Duration::ZERO, Some(MINUTE))] {
        let mut desk = Desk::new(CacheOptions::default().longest_life(longest_life));
        desk.terms.life = life;
        let slow = Slow::default();
        let requests: Vec<_> = (0..3).map(|_| tokio::spawn(desk.resolve(b"abc", slow.verify(emily)))).collect();
        settle().await;
        assert_eq!(slow.calls(), 3);
        slow.go.notify_waiters();
        for request in requests {
            assert_eq!(says(&request.await.unwrap()), Ok(1));
        }
        assert_eq!((knows(&desk.look(b"abc")), desk.cache.counts().entries), (None, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_sender_beyond_its_share_is_told_to_come_back_and_others_are_not() {
    let mut desk = Desk::plain();
    desk.queue = Queue::new(QueueLimits::at_once(1).waiting(8).share(2));
    let slow = Slow::default();
    let mut waiting: Vec<_> =
        [b"a", b"b"].map(|raw| Box::pin(desk.resolve(raw, slow.verify(emily)))).into_iter().collect();
    for request in &mut waiting {
        assert!(poll_once(request.as_mut()).is_pending());
    }
    assert_eq!(says(&desk.resolve(b"c", slow.verify(emily)).await), Err("busy"));
    // Who waits for what is verified already takes no place.
    let mut joiner = Box::pin(desk.resolve(b"a", slow.verify(emily)));
    assert!(poll_once(joiner.as_mut()).is_pending());
    assert_eq!(desk.queue.len(), 2);
}

#[test]
fn a_refusal_is_kept_for_a_short_while_and_until_anything_is_revoked() {
    let desk = Desk::plain();
    let wrong = || Answer::Refused;
    assert_eq!(says(&desk.decide_now(b"abc", wrong)), Err("refused"));
    let Some(Outcome::Refused { account }) = desk.look(b"abc") else { panic!("not kept") };
    assert!(account == Some(self::account()));
    desk.clock.advance(Duration::from_secs(5));
    assert_eq!(knows(&desk.look(b"abc")), None, "its life is over");
    assert_eq!(says(&desk.decide_now(b"abc", wrong)), Err("refused"));
    desk.cache.revoke(Handle::subject("somebody"));
    assert_eq!(knows(&desk.look(b"abc")), None, "something was revoked");
    // One that was under way meanwhile is not kept either.
    desk.decide_now(b"abc", || {
        desk.cache.revoke(Handle::subject("somebody"));
        Answer::Refused
    });
    assert_eq!(knows(&desk.look(b"abc")), None);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_from_before_a_request_and_a_change_is_asked_again() {
    // The password is set to what was refused a moment ago: whoever comes after the change is in.
    let (desk, slow) = (Desk::plain(), Slow::default());
    let before = tokio::spawn(desk.resolve(b"new", slow.verify(|| Answer::Refused)));
    settle().await;
    desk.cache.revoke(Handle::subject("emily"));
    let after = tokio::spawn(desk.resolve(b"new", || async { emily() }));
    settle().await;
    slow.go.notify_one();
    assert_eq!((says(&before.await.unwrap()), says(&after.await.unwrap())), (Err("refused"), Ok(1)));
}

#[tokio::test(start_paused = true)]
async fn what_is_revoked_under_way_is_begun_again_three_times_at_most() {
    // moka 0.12.16 loses an invalidation to a running load.
    for (revocations, expected, calls) in [(1, Ok(1), 2), (2, Ok(1), 3), (3, Err("unavailable"), 3)] {
        for life in [Some(MINUTE), None] {
            let mut desk = Desk::plain();
            desk.terms.life = life;
            let (cache, count) = (desk.cache.clone(), Arc::new(AtomicUsize::new(0)));
            let counted = count.clone();
            let verify = move || {
                let nth = counted.fetch_add(1, Ordering::Relaxed);
                let cache = cache.clone();
                async move {
                    if nth < revocations {
                        cache.revoke(Handle::subject("emily"));
                    }
                    emily()
                }
            };
            let answer = desk.resolve(b"abc", verify).await;
            assert_eq!((says(&answer), count.load(Ordering::Relaxed)), (expected, calls), "{revocations}, {life:?}");
        }
    }
}

#[test]
fn a_revocation_concerns_its_handle_alone_unless_it_is_of_everything() {
    let desk = Desk::plain();
    desk.decide_now(b"a", || Verified::new(1).with_subject("emily").into());
    desk.decide_now(b"b", || Verified::new(2).with_subject("emma").into());
    desk.decide_now(b"c", || Verified::new(3).into());
    desk.cache.revoke(Handle::subject("emily"));
    let all = |desk: &Desk| [b"a", b"b", b"c"].map(|raw| knows(&desk.look(raw)));
    assert_eq!(all(&desk), [None, Some(true), Some(true)]);
    desk.decide_now(b"a", || Verified::new(1).with_subject("emily").into());
    assert_eq!(all(&desk), [Some(true); 3], "what is verified afterwards counts");
    desk.cache.revoke_all();
    assert_eq!(all(&desk), [None; 3]);
}

#[test]
fn too_many_revocations_cost_everybody_a_verification_and_nobody_their_revocation() {
    let desk = Desk::new(CacheOptions::default().revocations(10));
    let known =
        |name: &'static str| match desk.decide_now(name.as_bytes(), || Verified::new(1).with_subject(name).into()) {
            Outcome::Good { entry: known, stale: false } => known,
            _ => panic!("refused"),
        };
    let (emily, emma) = (known("emily"), known("emma"));
    desk.cache.revoke(Handle::subject("emily"));
    for number in 0..8 {
        desk.cache.revoke(Handle::from_bits(number));
    }
    assert_eq!((desk.cache.still_stands(&emily), desk.cache.still_stands(&emma)), (false, true));
    for number in 8..20 {
        desk.cache.revoke(Handle::from_bits(number));
    }
    assert_eq!((desk.cache.still_stands(&emily), desk.cache.still_stands(&emma)), (false, false));
    assert!(desk.cache.still_stands(&known("emma")));
}

#[test]
fn a_grant_that_outlives_a_forgotten_revocation_is_not_trusted() {
    let desk = Desk::new(CacheOptions::default().revocations(10));
    let known =
        |name: &'static str| match desk.decide_now(name.as_bytes(), || Verified::new(1).with_subject(name).into()) {
            Outcome::Good { entry: known, stale: false } => known,
            _ => panic!("refused"),
        };
    let (asked, never_asked) = (known("emma"), known("emily"));
    desk.cache.revoke(Handle::subject("emily"));
    assert!(desk.cache.still_stands(&asked));
    // The floor is old enough to go, and makes way for younger ones.
    desk.clock.advance(2 * MINUTE);
    for number in 0..3 {
        desk.cache.revoke(Handle::from_bits(number));
    }
    let forgets = Handle::from_bits(3);
    for number in 4..11 {
        desk.clock.advance(2 * MINUTE);
        desk.cache.revoke(Handle::from_bits(number));
    }
    desk.cache.revoke(forgets);
    assert!(!desk.cache.still_stands(&never_asked), "it was revoked, whoever remembers it");
    assert!(desk.cache.still_stands(&known("emily")));
    assert!(!desk.cache.still_stands(&asked), "too long unasked to tell");
}

#[test]
fn two_gates_that_share_a_cache_and_a_realm_do_not_share_answers() {
    // CVE-2021-32701 and its like: the verifier is part of the key.
    let desk = Desk::plain();
    desk.decide_now(b"abc", emily);
    let other = desk.cache.scheme_key("people", "basic", VerifierNumber::draw(), 0);
    assert_eq!(knows(&desk.look(b"abc")), Some(true));
    assert!(desk.cache.look::<u32>(&other.fingerprint(b"abc")).is_none());
    // Nor does an entry answer for another type of principal.
    assert!(desk.cache.look::<u64>(&desk.scheme.fingerprint(b"abc")).is_none());
}

#[test]
fn a_life_is_the_shortest_of_three_and_use_does_not_prolong_it() {
    // L3; Pelican#3696: touch on hit. Rows: the verifier's, the cache's, the credential's own.
    for (verifier, cache, own, expected) in [(30, 60, 90, 30), (90, 60, 90, 60), (90, 60, 10, 10)] {
        let mut desk = Desk::new(CacheOptions::default().longest_life(Duration::from_secs(cache)));
        desk.terms.life = Some(Duration::from_secs(verifier));
        let end = desk.clock.wall() + Duration::from_secs(own);
        desk.decide_now(b"abc", || Verified::new(1).ending_at(end).into());
        for _ in 0..expected {
            assert_eq!(knows(&desk.look(b"abc")), Some(true));
            desk.clock.advance(Duration::from_secs(1));
        }
        assert_eq!(knows(&desk.look(b"abc")), None, "{verifier}, {cache}, {own}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_life_begins_with_the_verification_and_not_with_its_answer() {
    let (desk, slow) = (Desk::plain(), Slow::default());
    let request = tokio::spawn(desk.resolve(b"abc", slow.verify(emily)));
    settle().await;
    desk.clock.advance(MINUTE / 2);
    slow.go.notify_one();
    request.await.unwrap();
    for (by, expected) in [(MINUTE / 2 - Duration::from_secs(1), Some(true)), (Duration::from_secs(1), None)] {
        desk.clock.advance(by);
        assert_eq!(knows(&desk.look(b"abc")), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn what_arrives_between_the_look_and_the_flight_is_used() {
    let (desk, slow) = (Desk::plain(), Slow::default());
    // Both have missed; the second is polled when the first has landed.
    let second = desk.resolve(b"abc", slow.verify(emily));
    let first = tokio::spawn(desk.resolve(b"abc", slow.verify(emily)));
    settle().await;
    slow.go.notify_one();
    first.await.unwrap();
    assert_eq!((says(&second.await), slow.calls()), (Ok(1), 1));
}

#[test]
fn what_has_ended_already_is_refused() {
    let desk = Desk::plain();
    let now = desk.clock.wall();
    for end in [now, now - Duration::from_secs(1)] {
        assert_eq!(says(&desk.decide_now(b"abc", || Verified::new(1).ending_at(end).into())), Err("refused"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_stale_serves_in_an_outage_if_allowed_and_never_when_revoked_or_ended() {
    let down = || async { Answer::Unavailable(Unavailable::because("down")) };
    let beyond = Duration::from_secs(30);
    for (allowed, age, revoked, expected) in [
        (true, 60, false, "stale"),
        (true, 89, false, "stale"),
        (true, 90, false, "unavailable"),
        (true, 60, true, "unavailable"),
        (false, 60, false, "unavailable"),
    ] {
        let beyond = if allowed { beyond } else { Duration::ZERO };
        let desk = Desk::new(CacheOptions::default().stale_if_unavailable_for(beyond));
        desk.decide_now(b"abc", emily);
        desk.clock.advance(Duration::from_secs(age));
        if revoked {
            desk.cache.revoke(Handle::subject("emily"));
        }
        assert_eq!(knows(&desk.look(b"abc")), None);
        assert_eq!(says(&desk.resolve(b"abc", down).await), Err(expected), "{allowed}, {age}, {revoked}");
        assert_eq!(says(&desk.resolve(b"abc", || async { Answer::Refused }).await), Err("refused"), "no is no");
    }
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
