//! The memory of what may pass once against its rules: a model, threads, and the bound on memory.

use std::{
    collections::HashSet,
    pin::pin,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use countersign::{
    Unavailable,
    store::{First, MemoryReplay, ReplayStore},
    testing::ManualClock,
};
use proptest::prelude::*;

const START: u64 = 1_000;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn timed(replay: MemoryReplay) -> (MemoryReplay, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(at(START)));
    (replay.timed_by(clock.clone()), clock)
}

/// Memory answers without waiting; else it is no answer here.
fn first(replay: &MemoryReplay, scope: &str, key: &[u8], until: SystemTime) -> First {
    match pin!(replay.first(scope, key, until)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(first) => first,
        Poll::Pending => First::Unavailable(Unavailable::because("it waits")),
    }
}

fn is_new(first: &First) -> bool {
    matches!(first, First::New)
}

fn name_of(first: &First) -> &'static str {
    match first {
        First::New => "new",
        First::Seen => "seen",
        First::Full { .. } => "full",
        First::Unavailable(_) => "unavailable",
    }
}

#[derive(Debug, Clone)]
enum Step {
    Ask { scope: u8, key: u8, life: u64 },
    Wait(u64),
    SetBack(u64),
}

fn steps(set_back: u32) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => (0..3u8, 0..12u8, 0..30u64).prop_map(|(scope, key, life)| Step::Ask { scope, key, life }),
        3 => (0..12u64).prop_map(Step::Wait),
        set_back => (0..40u64).prop_map(Step::SetBack),
    ];
    prop::collection::vec(step, 1..400)
}

/// The rules, word by word, with everything remembered for ever: scope, key, end.
#[derive(Default)]
struct Model(Vec<(u8, u8, u64)>);

impl Model {
    const MOST: usize = 12;
    const SHARE: usize = 6;

    fn first(&mut self, scope: u8, key: u8, until: u64, now: u64) -> &'static str {
        let held = || self.0.iter().filter(|(.., end)| now < *end);
        if until <= now || held().any(|(its_scope, its_key, _)| (*its_scope, *its_key) == (scope, key)) {
            return "seen";
        }
        if held().count() >= Self::MOST || held().filter(|(its_scope, ..)| *its_scope == scope).count() >= Self::SHARE {
            return "full";
        }
        self.0.push((scope, key, until));
        "new"
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_memory_is_its_rules(steps in steps(0)) {
        let (replay, clock) = timed(MemoryReplay::holding(Model::MOST).share(Model::SHARE));
        let (mut model, mut now) = (Model::default(), START);
        for step in steps {
            match step {
                Step::Wait(seconds) => now += seconds,
                Step::SetBack(_) => {}
                Step::Ask { scope, key, life } => {
                    clock.set_wall(at(now));
                    let asked = || first(&replay, &scope.to_string(), &[key], at(now + life));
                    let (said, expected) = (asked(), model.first(scope, key, now + life, now));
                    prop_assert_eq!(name_of(&said), expected, "{} {} {} at {}", scope, key, life, now);
                    if let First::Full { retry_after } = said {
                        // Not a moment earlier is it worth asking.
                        clock.set_wall(at(now) + retry_after - Duration::from_nanos(1));
                        prop_assert_eq!(name_of(&asked()), if life < retry_after.as_secs() { "seen" } else { "full" });
                        now += retry_after.as_secs();
                    }
                }
            }
        }
    }

    /// However the clock is set: what a credential says of its own end is the same each time, and then it passes once.
    #[test]
    fn whatever_the_clock_does_nothing_passes_twice(steps in steps(3)) {
        let (replay, clock) = timed(MemoryReplay::holding(Model::MOST).share(Model::SHARE));
        let (mut passed, mut now) = (HashSet::new(), START);
        for step in steps {
            match step {
                Step::Wait(seconds) => now += seconds,
                Step::SetBack(seconds) => now -= seconds.min(now),
                Step::Ask { scope, key, life } => {
                    clock.set_wall(at(now));
                    // The end is a part of the credential: there are several of a nonce, and each is one of its own.
                    let until = START - START % 30 + u64::from(key) * 10 + life % 3 * 100;
                    let credential = [key, u8::try_from(life % 3).unwrap()];
                    if is_new(&first(&replay, &scope.to_string(), &credential, at(until))) {
                        prop_assert!(passed.insert((scope, credential)), "{} {:?} at {}", scope, credential, now);
                        prop_assert!(now < until);
                    }
                }
            }
        }
    }
}

#[test]
fn of_many_at_once_one_passes() {
    const THREADS: usize = 8;
    const KEYS: usize = 2_000;
    let replay = MemoryReplay::default();
    let until = SystemTime::now() + Duration::from_secs(600);
    let passed: Vec<_> = (0..KEYS).map(|_| AtomicUsize::new(0)).collect();
    let started = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for (key, passed) in passed.iter().enumerate() {
                    if key % 100 == 0 {
                        started.wait();
                    }
                    let new = is_new(&first(&replay, "emma", &key.to_le_bytes(), until));
                    passed.fetch_add(usize::from(new), Ordering::Relaxed);
                }
            });
        }
    });
    for (key, passed) in passed.iter().enumerate() {
        assert_eq!(passed.load(Ordering::Relaxed), 1, "{key}");
    }
}

#[test]
fn one_place_is_taken_by_one_of_many_at_once() {
    for _ in 0..50 {
        let (replay, passed, started) = (MemoryReplay::holding(1), AtomicUsize::new(0), Barrier::new(8));
        let until = SystemTime::now() + Duration::from_secs(600);
        std::thread::scope(|scope| {
            for key in 0..8_u8 {
                let (replay, passed, started) = (&replay, &passed, &started);
                scope.spawn(move || {
                    started.wait();
                    passed.fetch_add(usize::from(is_new(&first(replay, "emma", &[key], until))), Ordering::Relaxed);
                });
            }
        });
        assert_eq!((passed.into_inner(), replay.held()), (1, 1));
    }
}

#[test]
fn a_flood_by_one_signer_leaves_the_others_their_room_and_an_end_frees_all() {
    let (replay, clock) = timed(MemoryReplay::default());
    let until = at(START + 300);
    let flood = |signer: &str| {
        (0..70_000_u32).filter(|nonce| is_new(&first(&replay, signer, &nonce.to_le_bytes(), until))).count()
    };
    assert_eq!(flood("mallory"), 16_384);
    assert!(is_new(&first(&replay, "emma", b"1", until)));
    assert_eq!((flood("b"), flood("c"), flood("d")), (16_384, 16_384, 16_383));
    assert!(matches!(first(&replay, "emma", b"2", until), First::Full { .. }), "in all");
    assert!(matches!(first(&replay, "emma", b"1", until), First::Seen), "and nothing was forgotten for it");
    clock.set_wall(until);
    let again =
        (0..16_384_u32).filter(|nonce| is_new(&first(&replay, "mallory", &nonce.to_le_bytes(), at(START + 600))));
    assert_eq!(again.count(), 16_384);
    assert_eq!(replay.held(), 16_384, "what has ended went meanwhile");
}

#[test]
fn memory_grows_with_the_bound_and_not_with_time() {
    const MOST: u64 = 4_096;
    let (replay, clock) = timed(MemoryReplay::holding(4_096).share(4_096));
    let mut now = START;
    let mut windows = |windows: u64| {
        allocation_counter::measure(|| {
            for _ in 0..windows {
                for number in 0..2 * MOST {
                    let _ = first(
                        &replay,
                        &(number % 700).to_string(),
                        &(now * MOST * 2 + number).to_le_bytes(),
                        at(now + 60),
                    );
                }
                assert_eq!(replay.held(), 4_096);
                now += 60;
                clock.set_wall(at(now));
            }
        })
        .bytes_current
    };
    let filled = windows(1);
    assert!(filled <= 200 * 4_096, "{filled}");
    let later = windows(50);
    assert!(filled + later <= 200 * 4_096, "{filled} {later}");
}

/// It is asked at the end of a future that a gate may run on any thread.
#[test]
fn it_travels() {
    fn travels<T: Send + Sync + 'static>() {}
    travels::<MemoryReplay>();
    travels::<Arc<dyn ReplayStore>>();
    travels::<First>();
}
