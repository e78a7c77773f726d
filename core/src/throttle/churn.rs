//! Full tables whose rows come and go: who is refused then, and how often a name is guessed at.

use std::{
    collections::{HashMap, VecDeque},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::*;
use crate::{clock::Clock, testing::ManualClock};

const PER_NAME: usize = 6;
const WINDOW: Duration = Duration::from_secs(60);

/// The same numbers in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// With room for sixteen of each kind, which the key spreads over the parts of the throttle and the cells of the sketch.
fn small(key: [u8; 32]) -> (Throttle, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH));
    let limits = ThrottleLimits::default().rows(16).per_name_and_address(3).per_name(6).per_address(5);
    (Throttle::keyed(&limits.timed_by(clock.clone()), key, None), clock)
}

/// An address that shares no network with any other one.
fn apart(number: u32) -> Option<IpAddr> {
    Some(Ipv6Addr::from_bits(u128::from(number) << 96).into())
}

/// Which cell a name is counted in.
fn cell(throttle: &Throttle, account: Account) -> (usize, usize) {
    let account = account.0.unwrap();
    ((account % SHARDS as u128) as usize, throttle.0.names_of(account).lock().cell_of(account))
}

/// Guessers at forty names from everywhere, with room for sixteen, while their tries run for a while and some are given up.
struct Flood {
    throttle: Throttle,
    clock: Arc<ManualClock>,
    names: Vec<Account>,
    running: Vec<(usize, Duration, Try)>,
    /// When tries began that were refused or still run, for each name.
    verified: HashMap<usize, Vec<Duration>>,
    /// When tries ended that were refused, for each cell.
    wrong: HashMap<(usize, usize), VecDeque<Duration>>,
}

impl Flood {
    fn new(seed: u8) -> Self {
        let (throttle, clock) = small([seed; 32]);
        let names = (0..40).map(|number| throttle.account(&format!("emily {number}"))).collect();
        Self { throttle, clock, names, running: Vec::new(), verified: HashMap::new(), wrong: HashMap::new() }
    }

    fn step(&mut self, numbers: &mut Numbers) {
        let now = self.clock.monotonic();
        // Some names are guessed at much more than others, and which they are changes.
        let which = (numbers.below(40).min(numbers.below(40)) + now.as_secs() / 45) as usize % 40;
        let from = Ipv4Addr::from_bits(10 << 24 | numbers.below(1 << 24) as u32);
        if let Ok(one) = self.throttle.enter_now(self.names[which], Some(from.into())) {
            self.running.push((which, now, one));
        }
        while self.running.len() > numbers.below(8) as usize {
            let ended = numbers.below(self.running.len() as u64) as usize;
            if numbers.below(10) == 0 {
                drop(self.running.swap_remove(ended));
            } else {
                self.refuse(ended);
            }
        }
        self.clock.advance(Duration::from_millis(numbers.below(30)));
    }

    /// A try that runs was wrong.
    fn refuse(&mut self, which: usize) {
        let (name, began, one) = self.running.swap_remove(which);
        one.refused();
        self.verified.entry(name).or_default().push(began);
        let cell = cell(&self.throttle, self.names[name]);
        self.wrong.entry(cell).or_default().push_back(self.clock.monotonic());
    }

    /// How much counts in a cell, were all names counted in cells.
    fn heat(&mut self, of: (usize, usize)) -> usize {
        let now = self.clock.monotonic();
        let running = self.running.iter().filter(|(name, ..)| cell(&self.throttle, self.names[*name]) == of).count();
        let wrong = self.wrong.entry(of).or_default();
        while wrong.front().is_some_and(|at| now - *at > WINDOW * 9 / 8 + Duration::from_micros(1)) {
            wrong.pop_front();
        }
        wrong.len() + running
    }
}

#[test]
fn an_innocent_waits_a_second_at_most_and_only_beside_a_name_that_shares_a_hot_cell() {
    let (mut passed, mut waited, mut full) = (0, 0, false);
    for seed in 1..=3 {
        let (mut numbers, mut flood) = (Numbers(seed.into()), Flood::new(seed));
        let (owner, home) = (flood.names[0], apart(1));
        flood.throttle.enter_now(owner, home).unwrap().succeeded();
        for number in 0..30_000 {
            flood.step(&mut numbers);
            full |= flood.throttle.rows() >= 3 * 16;
            // Given back at once: while it ran it would count in its cell, and for the innocents beside it.
            drop(flood.throttle.enter_now(owner, home).expect("known there, whatever others do"));
            if number % 7 > 0 {
                continue;
            }
            let innocent = flood.throttle.account(&format!("emma {number}"));
            let look = |throttle: &Throttle| match number % 2 {
                0 => throttle.enter_now(innocent, apart(number + 2)).map(drop),
                _ => throttle.locked_now(innocent, apart(number + 2)),
            };
            let Err(later) = look(&flood.throttle) else {
                passed += 1;
                continue;
            };
            let shared = cell(&flood.throttle, innocent);
            let heat = flood.heat(shared);
            assert!(heat >= PER_NAME, "seed {seed}, step {number}: {heat} in its cell, {later:?}");
            assert!(later.duration() <= Duration::from_secs(1), "{later}");
            waited += 1;
            flood.clock.advance(later.duration());
            let again = look(&flood.throttle).or_else(|later| {
                assert!(later.is_undecided(), "seed {seed}, step {number}: {later:?}");
                // It waits for those that run, and passes however they end.
                (0..flood.running.len()).for_each(|_| flood.refuse(0));
                look(&flood.throttle)
            });
            again.expect("a second later");
        }
    }
    assert!(full && passed > 1_000 && waited > 100, "{full} {passed} {waited}");
}

#[test]
fn no_name_is_verified_more_often_than_its_budget_and_once_a_second_whatever_others_do() {
    for seed in 1..=4 {
        let (mut numbers, mut flood) = (Numbers(seed.into()), Flood::new(seed));
        for _ in 0..40_000 {
            flood.step(&mut numbers);
        }
        (0..flood.running.len()).for_each(|_| flood.refuse(0));
        let mut most = 0;
        for began in flood.verified.values_mut() {
            began.sort_unstable();
            let mut window = VecDeque::new();
            for at in began {
                window.push_back(*at);
                while *at - window[0] >= WINDOW {
                    window.pop_front();
                }
                most = most.max(window.len());
            }
        }
        assert!((PER_NAME + 30..=PER_NAME + 60).contains(&most), "{most} in a minute");
    }
}

#[test]
fn pairs_without_room_are_left_to_the_other_rules() {
    let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH));
    let limits = ThrottleLimits::default().rows(16).per_name_and_address(3).per_name(1_000).timed_by(clock.clone());
    let verified = |throttle: &Throttle, from: u32| {
        let account = throttle.account("emily");
        (0..99).filter_map(|_| throttle.enter_now(account, apart(from)).ok()).map(Try::refused).count()
    };
    let throttle = Throttle::new(&limits);
    assert_eq!(verified(&throttle, 1), 3);
    for number in 0..400 {
        let account = throttle.account(&format!("emma {number}"));
        throttle.enter_now(account, apart(1_000 + number)).unwrap().refused();
    }
    // Sixteen rows, one for each part of the throttle.
    assert!(throttle.0.names.iter().all(|shard| shard.lock().len() == 2));
    assert_eq!(verified(&throttle, 1), 0, "no row makes way");
    assert!(verified(&throttle, 2) >= 50, "what its address may");
    clock.advance(WINDOW);
    assert_eq!(verified(&throttle, 3), 3);
}

#[test]
fn addresses_without_room_count_under_the_network_around_them_with_ten_times_the_budget() {
    let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH));
    let limits = ThrottleLimits::default().rows(16).per_name_and_address(9_999).per_name(99_999).per_address(5);
    let throttle = Throttle::new(&limits.timed_by(clock.clone()));
    let emily = throttle.account("emily");
    let verified = |first: Ipv4Addr, apart: u32, times: u32| {
        let from = |number: u32| Some(Ipv4Addr::from_bits(first.to_bits() + number * apart).into());
        (0..times).filter(|number| throttle.enter_now(emily, from(*number)).map(Try::refused).is_ok()).count()
    };
    let net = |third: u8, fourth: u8| Ipv4Addr::new(10, 0, third, fourth);
    assert_eq!(verified(net(0, 0), 1, 256), 16 + 50, "a row for each part of the throttle, and the /24");
    assert!(throttle.0.addresses.iter().all(|shard| shard.lock().len() == 1));
    assert_eq!(verified(net(1, 0), 1, 256), 50, "another /24");
    assert_eq!(verified(net(2, 0), 256, 14), 14, "sixteen /24s have rows");
    assert_eq!(verified(net(16, 0), 16, 3_000), 500, "and the /16 counts the rest");
    assert_eq!(verified(Ipv4Addr::new(10, 1, 0, 0), 16, 3_000), 500, "another /16");
    clock.advance(WINDOW * 2);
    assert_eq!(verified(net(16, 0), 0, 9), 5, "there is room again");
}

#[test]
fn tries_of_no_name_count_for_their_address_alone() {
    let (throttle, _) = small([1; 32]);
    let nobody = Account::of_no_name();
    let verified = (0..9).filter(|_| throttle.enter_now(nobody, apart(1)).map(Try::refused).is_ok()).count();
    assert_eq!(verified, 5);
    assert!(throttle.enter_now(throttle.account("emily"), apart(1)).is_err());
    assert!(throttle.enter_now(throttle.account("emily"), apart(2)).is_ok());
    assert_eq!(throttle.rows(), 1);
    throttle.enter_now(nobody, apart(3)).unwrap().succeeded();
    assert_eq!(throttle.rows(), 1);
}
