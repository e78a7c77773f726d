//! Copies that forget together, over a bus that loses, delays and repeats, and a store that is away at times. Time is tokio's, and paused.

use std::sync::atomic::{AtomicBool, AtomicU64};

use proptest::prelude::*;
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::{Instant, advance, sleep},
};

use super::*;
use crate::{
    async_trait,
    cache::copies::{Bus, CannotFollow, Copies, Following, Heard, Listening},
    store::{MemoryOutbox, Outbox, OutboxPage, Voided},
};

const HALF: Duration = Duration::from_millis(500);
const SECOND: Duration = Duration::from_secs(1);

/// Both clocks by tokio's.
#[derive(Debug)]
struct TokioClock(Instant);

impl Clock for TokioClock {
    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + MINUTE + self.0.elapsed()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// What the copies share: a store with the versions of its subjects, its outbox, and a bus.
#[derive(Default)]
struct World {
    versions: Mutex<[u32; 3]>,
    rows: MemoryOutbox,
    looks: AtomicU64,
    store_is_down: AtomicBool,
    bus_is_down: AtomicBool,
    lines: Mutex<Vec<UnboundedSender<Heard>>>,
    /// What becomes of the next messages, over and over.
    fates: Mutex<Vec<Fate>>,
    sent: AtomicUsize,
}

#[derive(Debug, Clone, Copy)]
enum Fate {
    Come,
    ComeWithRows,
    ComeTwice,
    ComeLate(u64),
    GetLost,
}

struct Shared(Arc<World>);

#[async_trait]
impl Outbox for Shared {
    async fn announce(&self, voided: &[Voided]) -> Result<(), Unavailable> {
        self.0.rows.announce(voided).await
    }

    async fn since(&self, cursor: u64, most: usize) -> Result<OutboxPage, Unavailable> {
        self.0.looks.fetch_add(1, Ordering::Relaxed);
        if self.0.store_is_down.load(Ordering::Relaxed) {
            // Half of the outages say so, half are silent.
            if self.0.looks.load(Ordering::Relaxed).is_multiple_of(2) {
                std::future::pending::<()>().await;
            }
            return Err(Unavailable::because("down"));
        }
        self.0.rows.since(cursor, most).await
    }

    async fn purge(&self, before: SystemTime, most: usize) -> Result<usize, Unavailable> {
        self.0.rows.purge(before, most).await
    }
}

#[async_trait]
impl Bus for Shared {
    async fn wake(&self) -> Result<(), Unavailable> {
        let newest = self.0.rows.since(u64::MAX, 0).await?.newest;
        let rows = self.0.rows.since(newest.saturating_sub(1), 1).await?.rows;
        let fates = self.0.fates.lock().unwrap().clone();
        for line in &*self.0.lines.lock().unwrap() {
            let number = self.0.sent.fetch_add(1, Ordering::Relaxed);
            let heard = match fates.get(number % fates.len().max(1)) {
                None | Some(Fate::Come) => vec![Heard::Wake],
                Some(Fate::ComeWithRows) => vec![Heard::Rows(rows.clone())],
                Some(Fate::ComeTwice) => vec![Heard::Rows(rows.clone()), Heard::Rows(rows.clone()), Heard::Wake],
                Some(Fate::GetLost) => Vec::new(),
                Some(Fate::ComeLate(by)) => {
                    let (line, by, rows) = (line.clone(), Duration::from_millis(*by), rows.clone());
                    tokio::spawn(async move {
                        sleep(by).await;
                        let _ = line.send(Heard::Rows(rows));
                    });
                    Vec::new()
                }
            };
            heard.into_iter().for_each(|heard| _ = line.send(heard));
        }
        Ok(())
    }

    async fn listen(&self) -> Result<Box<dyn Listening>, Unavailable> {
        if self.0.bus_is_down.load(Ordering::Relaxed) {
            return Err(Unavailable::because("down"));
        }
        let (line, heard) = unbounded_channel();
        self.0.lines.lock().unwrap().push(line);
        Ok(Box::new(Line { heard, world: self.0.clone() }))
    }
}

struct Line {
    heard: UnboundedReceiver<Heard>,
    world: Arc<World>,
}

#[async_trait]
impl Listening for Line {
    async fn next(&mut self) -> Result<Heard, Unavailable> {
        self.heard.recv().await.ok_or_else(|| Unavailable::because("cut"))
    }

    async fn beat(&mut self) -> Result<(), Unavailable> {
        if self.world.bus_is_down.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

impl World {
    /// A copy that shares this.
    fn copy(self: &Arc<Self>, with_bus: bool) -> Copy {
        let clock = Arc::new(TokioClock(Instant::now()));
        let cache = CredentialCache::with(CacheOptions::default().timed_by(clock));
        let scheme = cache.scheme_key("people", "basic", VerifierNumber::draw(), 0);
        let copies = Copies::sharing(Arc::new(Shared(self.clone())));
        let copies = if with_bus { copies.woken_by(Arc::new(Shared(self.clone()))) } else { copies };
        Copy { following: copies.follow(&cache).unwrap(), cache, scheme, world: self.clone() }
    }

    /// A change and its row, in one step.
    fn change(&self, subject: usize) {
        self.versions.lock().unwrap()[subject] += 1;
        // It never waits.
        let handle = Voided::Handle(Handle::subject(NAMES[subject]));
        let announced = pin!(self.rows.announce(std::slice::from_ref(&handle)));
        assert!(poll_once(announced).is_ready());
    }
}

const NAMES: [&str; 3] = ["emily", "emma", "jacob"];

struct Copy {
    cache: CredentialCache,
    scheme: SchemeKey,
    following: Following,
    world: Arc<World>,
}

impl Copy {
    /// The version that is known of a subject.
    fn known(&self, subject: usize) -> Option<u32> {
        let found = self.cache.look_now::<u32>(&self.scheme.fingerprint(NAMES[subject].as_bytes()))?;
        says(&found).ok()
    }

    /// Looks, and asks the store for what is not known.
    fn verify(&self, subject: usize) -> u32 {
        let (fingerprint, terms) =
            (self.scheme.fingerprint(NAMES[subject].as_bytes()), Terms { life: Some(MINUTE), account: None });
        let asked = || {
            let version = self.world.versions.lock().unwrap()[subject];
            Some(Verified::new(version).with_subject(NAMES[subject]).into())
        };
        self.known(subject)
            .unwrap_or_else(|| says(&self.cache.decide_now::<u32>(Some(fingerprint), terms, asked).unwrap()).unwrap())
    }
}

/// Lets this much time pass, and all tasks run meanwhile.
async fn pass(time: Duration) {
    sleep(time).await;
    settle().await;
}

#[tokio::test(start_paused = true)]
async fn what_one_copy_changed_and_told_nobody_is_forgotten_by_the_others_within_half_a_second() {
    let world = Arc::<World>::default();
    let copies = [world.copy(false), world.copy(true)];
    pass(SECOND).await;
    for copy in &copies {
        assert!(copy.following.is_in_touch());
        assert_eq!((copy.verify(0), copy.verify(1)), (0, 0));
    }
    world.change(0);
    assert_eq!(copies.each_ref().map(|copy| copy.known(0)), [Some(0); 2], "nobody has read it yet");
    pass(HALF + Duration::from_millis(10)).await;
    assert_eq!(copies.each_ref().map(|copy| copy.known(0)), [None; 2]);
    assert_eq!(copies.each_ref().map(|copy| copy.known(1)), [Some(0); 2], "nothing else is forgotten");
}

#[tokio::test(start_paused = true)]
async fn a_bus_makes_it_sooner_and_its_rows_save_the_reading() {
    let world = Arc::<World>::default();
    let (one, other) = (world.copy(true), world.copy(true));
    pass(SECOND).await;
    for (fate, looks) in [(Fate::Come, 2), (Fate::ComeWithRows, 0), (Fate::ComeTwice, 2)] {
        *world.fates.lock().unwrap() = vec![fate];
        // Between two regular looks.
        pass(HALF * 3).await;
        while !world.looks.load(Ordering::Relaxed).is_multiple_of(2) {
            pass(Duration::from_millis(5)).await;
        }
        let before = world.looks.load(Ordering::Relaxed);
        while world.looks.load(Ordering::Relaxed) == before {
            pass(Duration::from_millis(5)).await;
        }
        let before = world.looks.load(Ordering::Relaxed);
        assert_eq!(other.verify(0), other.world.versions.lock().unwrap()[0]);
        world.change(0);
        one.cache.revoke(Handle::subject("emily"));
        pass(Duration::from_millis(30)).await;
        assert_eq!(other.known(0), None, "{fate:?}");
        assert_eq!(world.looks.load(Ordering::Relaxed) - before, looks, "{fate:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_this_copy_revoked_itself_is_not_revoked_once_more_behind_its_answer() {
    for fate in [None, Some(Fate::Come), Some(Fate::ComeWithRows), Some(Fate::ComeTwice), Some(Fate::ComeLate(70))] {
        let world = Arc::<World>::default();
        *world.fates.lock().unwrap() = fate.into_iter().collect();
        let copy = world.copy(fate.is_some());
        pass(SECOND).await;
        for step in 1..40 {
            copy.verify(0);
            world.change(0);
            copy.cache.revoke(Handle::subject(NAMES[0]));
            // At all moments between two looks.
            sleep(Duration::from_millis(step * 7 % 60)).await;
            let begun = Instant::now();
            copy.cache.caught_up().await;
            assert!(
                begun.elapsed() <= Duration::from_millis(25),
                "it does not wait for the next regular look: {:?}",
                begun.elapsed()
            );
            let version = copy.verify(0);
            for _ in 0..12 {
                pass(Duration::from_millis(10)).await;
                assert_eq!(copy.known(0), Some(version), "{fate:?} {step}");
            }
        }
        world.store_is_down.store(true, Ordering::Relaxed);
        let begun = Instant::now();
        copy.cache.caught_up().await;
        assert!(begun.elapsed() <= SECOND, "a store that is away holds no answer up");
        world.store_is_down.store(false, Ordering::Relaxed);
        pass(SECOND * 3).await;
        let version = copy.verify(0);
        copy.following.revoke(Handle::subject(NAMES[0])).await.unwrap();
        assert_eq!((copy.known(0), copy.verify(0)), (None, version));
        pass(SECOND).await;
        assert_eq!(copy.known(0), Some(version), "{fate:?}: what an app revokes by hand is read before it goes on");
        let Copy { cache, following, .. } = copy;
        drop(following);
        pass(SECOND * 3).await;
        let begun = Instant::now();
        cache.caught_up().await;
        assert_eq!(begun.elapsed(), Duration::ZERO, "nobody waits for readers that are gone");
    }
}

#[tokio::test(start_paused = true)]
async fn out_of_touch_everything_is_forgotten_twice_and_reused_for_a_short_time() {
    let cuts: [fn(&World) -> &AtomicBool; 2] = [|world| &world.store_is_down, |world| &world.bus_is_down];
    for cut in cuts {
        let world = Arc::<World>::default();
        let copy = world.copy(true);
        assert!(!copy.following.is_in_touch());
        pass(SECOND).await;
        copy.verify(0);
        cut(&world).store(true, Ordering::Relaxed);
        pass(SECOND * 3).await;
        assert!(!copy.following.is_in_touch(), "noticed within two seconds and a heartbeat");
        assert_eq!(copy.known(0), None, "forgotten as it was noticed");
        world.change(0);
        pass(SECOND).await;
        assert_eq!(copy.verify(0), 1);
        pass(SECOND * 4).await;
        assert_eq!(copy.known(0), Some(1), "what is young is reused");
        pass(SECOND).await;
        assert_eq!(copy.known(0), None, "for five seconds");
        copy.verify(0);
        cut(&world).store(false, Ordering::Relaxed);
        pass(SECOND * 3).await;
        assert!(copy.following.is_in_touch());
        assert_eq!(copy.known(0), None, "forgotten as it was regained");
        copy.verify(0);
        pass(SECOND * 30).await;
        assert_eq!(copy.known(0), Some(1), "as long as ever");
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_was_stopped_is_out_of_touch_before_any_of_its_tasks_runs() {
    let world = Arc::<World>::default();
    let copy = world.copy(true);
    pass(SECOND).await;
    copy.verify(0);
    world.change(0);
    // Nothing runs until the next await.
    advance(SECOND * 6).await;
    assert!(!copy.following.is_in_touch());
    assert_eq!(copy.known(0), None);
}

#[tokio::test(start_paused = true)]
async fn rows_that_are_missing_or_a_counter_that_ran_back_void_everything() {
    let world = Arc::<World>::default();
    let copy = world.copy(false);
    pass(SECOND).await;
    copy.verify(0);
    world.change(1);
    world.rows.purge(SystemTime::now() + MINUTE, 10).await.unwrap();
    pass(HALF * 2).await;
    assert_eq!(copy.known(0), None);

    copy.verify(0);
    pass(HALF * 2).await;
    assert_eq!(copy.known(0), Some(0), "once");
    world.rows.restore_from_nothing();
    pass(HALF * 2).await;
    assert_eq!(copy.known(0), None);
    copy.verify(0);
    world.change(0);
    pass(HALF * 2).await;
    assert_eq!(copy.verify(0), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cache_follows_once_and_is_out_of_touch_when_nobody_keeps_it_so() {
    let world = Arc::<World>::default();
    let copy = world.copy(false);
    let again = Copies::sharing(Arc::new(Shared(world.clone()))).follow(&copy.cache);
    assert_eq!(again.unwrap_err(), CannotFollow::Already);
    copy.following.settled().await;
    copy.following.revoke(Handle::subject("emma")).await.unwrap();
    assert_eq!(world.rows.since(0, 9).await.unwrap().newest, 1);
    let Copy { cache, scheme, following, world } = copy;
    drop(following);
    let (orphan, other) = (Arc::<World>::default(), world.copy(false));
    pass(SECOND * 3).await;
    assert!(other.following.is_in_touch());
    let orphan = Copy { cache, scheme, following: orphan.copy(false).following, world };
    assert_eq!(orphan.verify(0), 0);
    pass(SECOND * 6).await;
    assert_eq!(orphan.known(0), None);
    assert_eq!(std::thread::spawn(follow_without_runtime).join().unwrap(), CannotFollow::NoRuntime);
}

fn follow_without_runtime() -> CannotFollow {
    Copies::sharing(Arc::new(MemoryOutbox::default())).follow(&CredentialCache::default()).unwrap_err()
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Verify {
        copy: usize,
        subject: usize,
    },
    /// And is killed, or else tells its cache.
    Change {
        copy: usize,
        subject: usize,
        killed: bool,
    },
    Pass {
        millis: u64,
    },
    Store {
        down: bool,
    },
    Bus {
        down: bool,
    },
    Cut,
    Purge,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3_usize, 0..3_usize).prop_map(|(copy, subject)| Step::Verify { copy, subject }),
        4 => (0..3_usize, 0..3_usize, any::<bool>())
            .prop_map(|(copy, subject, killed)| Step::Change { copy, subject, killed }),
        4 => (1..1500_u64).prop_map(|millis| Step::Pass { millis }),
        1 => any::<bool>().prop_map(|down| Step::Store { down }),
        1 => any::<bool>().prop_map(|down| Step::Bus { down }),
        1 => Just(Step::Cut),
        1 => Just(Step::Purge),
    ]
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        Just(Fate::Come),
        Just(Fate::ComeWithRows),
        Just(Fate::ComeTwice),
        (0..3000_u64).prop_map(Fate::ComeLate),
        Just(Fate::GetLost),
    ]
}

async fn nothing_outlives_its_revocation(steps: Vec<Step>, fates: Vec<Fate>) {
    let world = Arc::new(World { fates: Mutex::new(fates), ..World::default() });
    let copies = [world.copy(true), world.copy(true), world.copy(false)];
    // When each version of each subject ended.
    let mut ended: [Vec<Instant>; 3] = Default::default();
    let mut well_since = Instant::now();
    for step in steps {
        match step {
            Step::Verify { copy, subject } => _ = copies[copy].verify(subject),
            Step::Change { copy, subject, killed } => {
                world.change(subject);
                ended[subject].push(Instant::now());
                if !killed {
                    copies[copy].cache.revoke(Handle::subject(NAMES[subject]));
                    assert_eq!(copies[copy].known(subject), None, "here at once");
                }
            }
            Step::Pass { millis } => pass(Duration::from_millis(millis)).await,
            Step::Store { down } => world.store_is_down.store(down, Ordering::Relaxed),
            Step::Bus { down } => world.bus_is_down.store(down, Ordering::Relaxed),
            Step::Cut => world.lines.lock().unwrap().clear(),
            Step::Purge => _ = world.rows.purge(SystemTime::now() + MINUTE, 1000).await.unwrap(),
        }
        let is_down = |part: &AtomicBool| part.load(Ordering::Relaxed);
        if is_down(&world.store_is_down) || is_down(&world.bus_is_down) {
            well_since = Instant::now();
        }
        // Where all is well, half a second; else what it takes to notice, and the short life.
        let bound = match well_since.elapsed() > SECOND * 5 {
            true => HALF + Duration::from_millis(25),
            false => SECOND * 7,
        };
        for (number, copy) in copies.iter().enumerate() {
            for (subject, ended) in ended.iter().enumerate() {
                let Some(known) = copy.known(subject) else { continue };
                if let Some(end) = ended.get(known as usize) {
                    assert!(end.elapsed() <= bound, "copy {number}, {subject}: {:?} after {step:?}", end.elapsed());
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_outlives_its_revocation_whatever_the_bus_and_the_store_do(
        steps in prop::collection::vec(step(), 1..60),
        fates in prop::collection::vec(fate(), 1..6),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(nothing_outlives_its_revocation(steps, fates));
    }
}
