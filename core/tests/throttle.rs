//! The throttle against its rules: a model, threads, and the bound on memory.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use countersign::{
    testing::ManualClock,
    throttle::{Account, Throttle, ThrottleLimits, Try},
};
use proptest::prelude::*;

const MINUTE: Duration = Duration::from_secs(60);

fn throttle(limits: &ThrottleLimits) -> (Throttle, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH));
    (Throttle::new(&limits.clone().timed_by(clock.clone())), clock)
}

fn at(number: u32) -> Option<IpAddr> {
    Some(Ipv4Addr::from_bits(number).into())
}

/// How many of so many wrong tries, one after the other, are verified.
fn wrong(throttle: &Throttle, account: Account, address: Option<IpAddr>, times: usize) -> usize {
    (0..times).filter_map(|_| throttle.enter_now(account, address).ok()).map(Try::refused).count()
}

#[test]
fn five_wrong_passwords_of_one_address_lock_the_pair_until_the_minute_is_over() {
    // L5
    let (throttle, clock) = throttle(&ThrottleLimits::default());
    let emily = throttle.account("emily");
    assert_eq!(wrong(&throttle, emily, at(1), 4), 4);
    clock.advance(Duration::from_secs(59));
    assert_eq!(wrong(&throttle, emily, at(1), 2), 1);
    assert!(throttle.locked_now(emily, at(1)).is_err(), "the right password does not help, nor does a cache");
    assert_eq!(throttle.enter_now(emily, at(1)).unwrap_err().whole_seconds(), 1);
    clock.advance(Duration::from_millis(999));
    let later = throttle.enter_now(emily, at(1)).unwrap_err();
    assert_eq!((later.duration(), later.whole_seconds()), (Duration::from_millis(1), 1));
    clock.advance(Duration::from_millis(1));
    assert_eq!(wrong(&throttle, emily, at(1), 9), 4, "the one of the last second still counts");
}

#[test]
fn a_stranger_locks_neither_the_owner_nor_another_name() {
    let (throttle, _) = throttle(&ThrottleLimits::default());
    let (emily, emma) = (throttle.account("emily"), throttle.account("emma"));
    assert_eq!(wrong(&throttle, emily, at(1), 9), 5);
    assert!(throttle.enter_now(emily, at(2)).is_ok());
    assert!(throttle.enter_now(emma, at(1)).is_ok());
}

#[test]
fn names_count_whether_they_exist_or_not_and_without_case() {
    // L5
    let (throttle, _) = throttle(&ThrottleLimits::default());
    assert_eq!(wrong(&throttle, throttle.account("Nobody"), at(1), 3), 3);
    assert_eq!(wrong(&throttle, throttle.account(" nobodY "), at(1), 3), 2);
    assert_ne!(throttle.account("a"), throttle.account("b"));
    let (other, _) = self::throttle(&ThrottleLimits::default());
    assert_ne!(throttle.account("a"), other.account("a"), "the hash is keyed");
}

#[test]
fn after_a_hundred_from_anywhere_one_try_a_second_is_verified_for_the_name() {
    let (throttle, clock) = throttle(&ThrottleLimits::default());
    let emily = throttle.account("emily");
    throttle.enter_now(emily, at(7)).unwrap().succeeded();
    let verified: usize = (100..125).map(|from| wrong(&throttle, emily, at(from), 9)).sum();
    assert_eq!(verified, 101, "a hundred, and the first turn");
    assert_eq!(throttle.enter_now(emily, at(8)).unwrap_err().whole_seconds(), 1);
    for second in 0..30 {
        clock.advance(Duration::from_secs(1));
        let verified: usize = (0..10).map(|n| wrong(&throttle, emily, at(1000 + second * 10 + n), 1)).sum();
        assert_eq!(verified, 1, "{second}");
    }
    for _ in 0..200 {
        throttle.enter_now(emily, at(7)).expect("signed in from there today").succeeded();
        throttle.locked_now(emily, at(7)).unwrap();
    }
    clock.advance(Duration::from_secs(24 * 60 * 60));
    let verified: usize = (100..125).map(|from| wrong(&throttle, emily, at(from), 9)).sum();
    assert_eq!(verified, 101);
    assert!(throttle.enter_now(emily, at(7)).is_err(), "a day later it is an address like others");
}

#[test]
fn a_known_address_has_its_own_five_all_the_same() {
    let (throttle, _) = throttle(&ThrottleLimits::default());
    let emily = throttle.account("emily");
    throttle.enter_now(emily, at(7)).unwrap().succeeded();
    assert_eq!(wrong(&throttle, emily, at(7), 9), 5);
}

#[test]
fn fifty_from_one_address_lock_it_whatever_the_names() {
    let (throttle, clock) = throttle(&ThrottleLimits::default());
    let verified: usize = (0..99).map(|name| wrong(&throttle, throttle.account(&name.to_string()), at(1), 1)).sum();
    assert_eq!(verified, 50);
    assert_eq!(throttle.enter_now(throttle.account("emily"), at(1)).unwrap_err().whole_seconds(), 60);
    assert!(throttle.enter_now(throttle.account("emily"), at(2)).is_ok());
    clock.advance(MINUTE);
    assert!(throttle.enter_now(throttle.account("emily"), at(1)).is_ok());
}

#[test]
fn callers_without_an_address_count_as_one() {
    let (throttle, _) = throttle(&ThrottleLimits::default());
    assert_eq!(wrong(&throttle, throttle.account("emily"), None, 9), 5);
}

#[test]
fn a_try_without_an_answer_gives_its_place_back() {
    let (throttle, _) = throttle(&ThrottleLimits::default());
    let emily = throttle.account("emily");
    for _ in 0..99 {
        drop(throttle.enter_now(emily, at(1)).unwrap());
        throttle.enter_now(emily, at(1)).unwrap().succeeded();
    }
    assert_eq!(throttle.rows(), 0, "nothing wrong takes no memory");
    assert_eq!(wrong(&throttle, emily, at(1), 9), 5);
}

#[test]
fn a_thousand_wrong_tries_in_parallel_let_five_through() {
    let (throttle, _) = throttle(&ThrottleLimits::default());
    let (verified, undecided) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (started, entered) = (Barrier::new(50), Barrier::new(50));
    std::thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| {
                started.wait();
                let mut tries = Vec::new();
                for _ in 0..20 {
                    match throttle.enter_now(throttle.account("emily"), at(1)) {
                        Ok(one) => tries.push(one),
                        Err(later) => _ = undecided.fetch_add(usize::from(later.is_undecided()), Ordering::Relaxed),
                    }
                }
                verified.fetch_add(tries.len(), Ordering::Relaxed);
                entered.wait();
                tries.into_iter().for_each(Try::refused);
            });
        }
    });
    assert_eq!(verified.into_inner(), 5);
    assert_eq!(undecided.into_inner(), 995);
    assert!(!throttle.enter_now(throttle.account("emily"), at(1)).unwrap_err().is_undecided());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_requests_of_a_client_that_knows_its_password_are_all_let_through() {
    for (right, expected) in [(true, 1_000), (false, 5)] {
        let (throttle, _) = throttle(&ThrottleLimits::default());
        let tasks: Vec<_> = (0..1_000)
            .map(|_| {
                let throttle = throttle.clone();
                tokio::spawn(async move {
                    let Ok(one) = throttle.enter(throttle.account("emily"), at(1)).await else { return 0 };
                    tokio::task::yield_now().await;
                    if right {
                        one.succeeded()
                    } else {
                        one.refused()
                    }
                    1
                })
            })
            .collect();
        let mut through = 0;
        for task in tasks {
            through += task.await.unwrap();
        }
        assert_eq!(through, expected);
    }
}

#[tokio::test]
async fn who_waits_is_told_by_another_name_of_the_address_and_another_address_of_the_name() {
    // Many, because some share the part of the throttle in which they wait by chance.
    let names = (0..20).map(|n| (ThrottleLimits::default().per_address(1), format!("emma {n}"), 1));
    let addresses = (2..22).map(|address| (ThrottleLimits::default().per_name(1), "emily".to_owned(), address));
    for (limits, name, address) in names.chain(addresses) {
        let (throttle, _) = throttle(&limits);
        let running = throttle.enter_now(throttle.account("emily"), at(1)).unwrap();
        let waiting = {
            let throttle = throttle.clone();
            tokio::spawn(async move { throttle.enter(throttle.account(&name), at(address)).await.is_ok() })
        };
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(running);
        let told = tokio::time::timeout(Duration::from_secs(10), waiting).await;
        assert!(told.expect("told at once").unwrap());
    }
}

#[test]
fn a_flood_of_names_and_addresses_resets_no_lock_and_locks_no_owner() {
    let (throttle, _) = throttle(&ThrottleLimits::default().rows(1_024).known_names(1_024));
    let (emily, emma) = (throttle.account("emily"), throttle.account("emma"));
    throttle.enter_now(emma, at(2)).unwrap().succeeded();
    assert_eq!(wrong(&throttle, emily, at(1), 9), 5);
    for number in 0..20_000 {
        wrong(&throttle, throttle.account(&format!("nobody {number}")), at(1_000 + number), 1);
    }
    assert!(throttle.rows() <= 6 * 1_024, "memory is bounded: {}", throttle.rows());
    assert!(throttle.enter_now(emily, at(1)).is_err(), "still locked");
    throttle.enter_now(emma, at(2)).expect("the owner").succeeded();
    throttle.enter_now(emma, at(3)).expect("the owner, elsewhere").succeeded();
}

#[test]
fn where_every_row_is_spent_nobody_is_refused_for_it() {
    let limits = ThrottleLimits::default().rows(16).per_name_and_address(1).per_name(1).per_address(1);
    let (throttle, clock) = throttle(&limits);
    let emily = throttle.account("emily");
    throttle.enter_now(emily, at(1 << 24)).unwrap().succeeded();
    for number in 0..10_000 {
        wrong(&throttle, throttle.account(&format!("nobody {number}")), at(number << 8), 1);
    }
    assert!(throttle.rows() >= 3 * 16);
    assert!(throttle.locked_now(emily, at(1 << 24)).is_ok());
    // With a budget of one every cell is hot, and lets one through in a second, whichever names share it.
    let elsewhere = |number: u32| at((200 + number) << 24);
    for second in 0..3 {
        clock.advance(Duration::from_secs(1));
        assert!(throttle.enter_now(emily, elsewhere(second)).is_ok(), "in its turn");
        assert_eq!(throttle.enter_now(emily, elsewhere(second)).unwrap_err().whole_seconds(), 1);
    }
}

#[test]
fn nothing_of_it_prints() {
    let (throttle, _) = throttle(&ThrottleLimits::default());
    let emily = throttle.account("emily");
    let one = throttle.enter_now(emily, at(1)).unwrap();
    assert_eq!(format!("{throttle:?} {emily:?} {one:?}"), "Throttle(..) Account(..) Try(..)");
}

/// A try is told of its end on any thread, after any await.
#[test]
fn a_try_travels() {
    fn travels<T: Send + Sync + 'static>() {}
    travels::<Try>();
    travels::<Throttle>();
}

#[derive(Debug, Clone)]
enum Step {
    Enter { name: u8, address: u8 },
    End { which: prop::sample::Index, how: How },
    Wait(u32),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum How {
    Refused,
    Succeeded,
    Dropped,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let how = prop_oneof![4 => Just(How::Refused), 1 => Just(How::Succeeded), 1 => Just(How::Dropped)];
    let step = prop_oneof![
        6 => (0..3u8, 0..4u8).prop_map(|(name, address)| Step::Enter { name, address }),
        5 => (any::<prop::sample::Index>(), how).prop_map(|(which, how)| Step::End { which, how }),
        2 => prop_oneof![0..3_000u32, 0..70_000u32].prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..300)
}

/// The rules, word by word, with everything remembered for ever. Times are milliseconds.
#[derive(Default)]
struct Model {
    now: u32,
    wrong: Vec<(u32, u8, u8)>,
    running: Vec<(u8, u8)>,
    signed_in: Vec<(u32, u8, u8)>,
    turns: Vec<(u32, u8)>,
}

impl Model {
    const PAIR: usize = 3;
    const NAME: usize = 6;
    const ADDRESS: usize = 5;
    const KNOWN: u32 = 100_000;

    fn lets_through(&mut self, name: u8, address: u8) -> bool {
        let wrong = |fits: &dyn Fn(u8, u8) -> bool| {
            self.wrong.iter().filter(|(at, n, a)| self.now - at < 60_000 && fits(*n, *a)).count()
        };
        let running = |fits: &dyn Fn(u8, u8) -> bool| self.running.iter().filter(|(n, a)| fits(*n, *a)).count();
        let (pair, by_name, by_address) =
            (|n, a| n == name && a == address, |n, _: u8| n == name, |_: u8, a| a == address);
        if wrong(&pair) + running(&pair) >= Self::PAIR || wrong(&by_address) + running(&by_address) >= Self::ADDRESS {
            return false;
        }
        let known = self.signed_in.iter().any(|(at, n, a)| *n == name && *a == address && self.now - at < Self::KNOWN);
        if known || wrong(&by_name) + running(&by_name) < Self::NAME {
            return true;
        }
        let free = !self.turns.iter().any(|(at, n)| *n == name && self.now - at < 1_000);
        let turn = wrong(&by_name) >= Self::NAME && free;
        if turn {
            self.turns.push((self.now, name));
        }
        turn
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_throttle_is_its_rules(steps in steps()) {
        let limits = ThrottleLimits::default()
            .per_name_and_address(3)
            .per_name(6)
            .per_address(5)
            .known_for(Duration::from_millis(u64::from(Model::KNOWN)));
        let (throttle, clock) = throttle(&limits);
        let (mut model, mut tries) = (Model::default(), Vec::new());
        for step in steps {
            match step {
                Step::Enter { name, address } => {
                    let expected = model.lets_through(name, address);
                    let entered = throttle.enter_now(throttle.account(&name.to_string()), at(u32::from(address)));
                    prop_assert_eq!(entered.is_ok(), expected, "{} {} at {}", name, address, model.now);
                    if let Ok(one) = entered {
                        model.running.push((name, address));
                        tries.push(one);
                    }
                }
                Step::End { which, how } if !tries.is_empty() => {
                    let which = which.index(tries.len());
                    let (one, (name, address)) = (tries.remove(which), model.running.remove(which));
                    match how {
                        How::Refused => {
                            model.wrong.push((model.now, name, address));
                            one.refused();
                        }
                        How::Succeeded => {
                            model.signed_in.push((model.now, name, address));
                            one.succeeded();
                        }
                        How::Dropped => drop(one),
                    }
                }
                Step::End { .. } => {}
                Step::Wait(by) => {
                    model.now += by;
                    clock.advance(Duration::from_millis(u64::from(by)));
                }
            }
        }
    }
}
