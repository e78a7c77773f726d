//! Wrong passwords at two copies that count together, against a plain list of all tries, over a count that is away at times, answers that are
//! lost, ends that come late, twice or never, and news of full rows that are lost, delayed and repeated.
//!
//! The list knows no copy and no message. Whatever becomes of those, no more tries are verified than the budgets allow; nobody is refused
//! where the list has room and all was well; and in the end everybody may try again.
//!
//! `COUNTERSIGN_SEED` and `COUNTERSIGN_SEQUENCES` are those of the other sequences.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
    time::Duration,
};

use countersign::{
    Unavailable, async_trait,
    clock::Clock,
    throttle::{Budgets, CannotEnter, CommonCount, CommonTry, Ended, Entered, LockOuts, Throttle, ThrottleLimits, Try},
};
use tokio::time::{Instant, sleep, timeout};

use super::{numbers, random::Random, world::TokioClock};

const WINDOW: Duration = Duration::from_secs(60);
const KNOWN_FOR: Duration = Duration::from_secs(100);
const SECOND: Duration = Duration::from_secs(1);
/// How late a message may come.
const LATE: Duration = Duration::from_secs(3);
/// Until when a try counts whose end nobody heard of. None lasts as long as [`LONGEST`] and a window together.
const FORGOTTEN: Duration = Duration::from_secs(240);
const LONGEST: Duration = Duration::from_secs(100);
/// Of a name and an address, of a name, of an address.
const BUDGETS: [usize; 3] = [3, 6, 5];
const NAMES: usize = 3;
const ADDRESSES: usize = 4;

/// A try as the count has it.
struct Row {
    one: CommonTry,
    began: Duration,
    wrong: Option<Duration>,
}

/// The count itself, and what becomes of what is said to it.
struct Shared {
    /// Whether anything goes wrong at all: in half of the sequences.
    fails: bool,
    clock: Arc<TokioClock>,
    random: Mutex<Random>,
    rows: Mutex<Vec<Row>>,
    known: Mutex<Vec<(u128, Duration)>>,
    turns: Mutex<Vec<(u128, Duration)>>,
    told: Mutex<Vec<LockOuts>>,
    is_away: Mutex<bool>,
    /// When something was lost or late for the last time.
    ill: Mutex<Duration>,
}

impl Shared {
    fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    fn draw(&self, below: usize) -> usize {
        self.random.lock().unwrap().below(below)
    }

    fn goes_wrong(&self, one_in: usize) -> bool {
        let wrong = self.fails && self.draw(one_in) == 0;
        if wrong {
            *self.ill.lock().unwrap() = self.now();
        }
        wrong
    }

    /// By the rules, word by word.
    fn judge(&self, one: &CommonTry, budgets: &Budgets) -> Entered {
        let now = self.now();
        let mut rows = self.rows.lock().unwrap();
        rows.retain(|row| row.wrong.map_or(now - row.began < FORGOTTEN, |at| now - at < WINDOW));
        let of = |fits: &dyn Fn(&CommonTry) -> bool| {
            let of: Vec<_> = rows.iter().filter(|row| fits(&row.one)).collect();
            (of.iter().filter(|row| row.wrong.is_some()).count() as u32, of.len() as u32)
        };
        let places =
            [(of(&|row| row.pair == one.pair), budgets.pair), (of(&|row| row.address == one.address), budgets.address)];
        if places.iter().any(|((wrong, _), most)| wrong >= most) {
            return Entered::Full { after: SECOND };
        }
        if places.iter().any(|((_, all), most)| all >= most) {
            return Entered::Undecided;
        }
        let (wrong, all) = of(&|row| row.name == one.name);
        let known = self.known.lock().unwrap();
        let is_known = known.iter().any(|(pair, at)| Some(*pair) == one.pair && now - *at < KNOWN_FOR);
        if !is_known && all >= budgets.name {
            let mut turns = self.turns.lock().unwrap();
            let name = one.name.unwrap();
            if wrong < budgets.name {
                return Entered::Undecided;
            }
            if turns.iter().any(|(of, at)| *of == name && now - *at < budgets.trickle) {
                return Entered::Full { after: SECOND };
            }
            turns.push((name, now));
        }
        rows.push(Row { one: one.clone(), began: now, wrong: None });
        Entered::Now
    }

    fn end(&self, one: &CommonTry, ended: Ended) -> Vec<u128> {
        let now = self.now();
        let mut rows = self.rows.lock().unwrap();
        let Some(at) = rows.iter().position(|row| row.one.ticket == one.ticket && row.wrong.is_none()) else {
            return Vec::new();
        };
        if ended != Ended::Refused {
            rows.remove(at);
            if ended == Ended::Right {
                self.known.lock().unwrap().push((one.pair.unwrap(), now));
            }
            return Vec::new();
        }
        rows[at].wrong = Some(now);
        let wrong = |fits: &dyn Fn(&CommonTry) -> bool| {
            rows.iter().filter(|row| row.wrong.is_some_and(|at| now - at < WINDOW) && fits(&row.one)).count()
        };
        let counts = [
            (one.pair.unwrap(), wrong(&|row| row.pair == one.pair)),
            (one.name.unwrap(), wrong(&|row| row.name == one.name)),
            (one.address, wrong(&|row| row.address == one.address)),
        ];
        counts.into_iter().zip(BUDGETS).filter(|((_, wrong), most)| wrong >= most).map(|((row, _), _)| row).collect()
    }
}

/// The count as one copy has it.
struct Count(Arc<Shared>);

impl std::fmt::Debug for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Count")
    }
}

#[async_trait]
impl CommonCount for Count {
    async fn enter(&self, one: &CommonTry, budgets: &Budgets) -> Result<Entered, Unavailable> {
        if *self.0.is_away.lock().unwrap() {
            return Err(Unavailable::because("away"));
        }
        let entered = self.0.judge(one, budgets);
        // What was decided, and nobody heard.
        if self.0.goes_wrong(25) { Err(Unavailable::because("cut off")) } else { Ok(entered) }
    }

    async fn leave(&self, one: &CommonTry, _: &Budgets, ended: Ended) -> Result<(), Unavailable> {
        if *self.0.is_away.lock().unwrap() || self.0.goes_wrong(25) {
            *self.0.ill.lock().unwrap() = self.0.now();
            return Err(Unavailable::because("lost"));
        }
        if self.0.goes_wrong(10) {
            sleep(Duration::from_millis(self.0.draw(LATE.as_millis() as usize) as u64)).await;
        }
        let full = self.0.end(one, ended);
        // Said twice, it changes nothing.
        assert!(self.0.end(one, ended).is_empty());
        let told = self.0.told.lock().unwrap().clone();
        for lock_outs in told {
            for row in full.iter().copied() {
                let lock_outs = lock_outs.clone();
                match self.0.draw(5) {
                    0 => {}
                    1 => (0..2).for_each(|_| lock_outs.tell(row, SECOND)),
                    2 => {
                        let late = Duration::from_millis(self.0.draw(LATE.as_millis() as usize) as u64);
                        tokio::spawn(async move {
                            sleep(late).await;
                            lock_outs.tell(row, SECOND);
                        });
                    }
                    _ => lock_outs.tell(row, SECOND),
                }
            }
        }
        Ok(())
    }

    fn tell(&self, lock_outs: LockOuts) {
        self.0.told.lock().unwrap().push(lock_outs);
    }
}

/// A try as the list has it.
#[derive(Debug)]
struct Listed {
    name: usize,
    address: usize,
    wrong: Option<Duration>,
    number: usize,
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    let_in: usize,
    later: usize,
    away: usize,
    waited: usize,
    locked: usize,
}

fn address(number: usize) -> Option<IpAddr> {
    Some(Ipv4Addr::new(192, 0, 2 + number as u8, 1).into())
}

async fn sequence(seed: u64, tally: &mut Tally) {
    let clock = Arc::new(TokioClock(Instant::now()));
    let shared = Arc::new(Shared {
        fails: seed % 2 == 1,
        clock: clock.clone(),
        random: Mutex::new(Random::new(seed ^ 0x7126)),
        rows: Mutex::default(),
        known: Mutex::default(),
        turns: Mutex::default(),
        told: Mutex::default(),
        is_away: Mutex::default(),
        ill: Mutex::default(),
    });
    let limits = ThrottleLimits::default()
        .per_name_and_address(BUDGETS[0] as u32)
        .per_name(BUDGETS[1] as u32)
        .per_address(BUDGETS[2] as u32)
        .window(WINDOW)
        .known_for(KNOWN_FOR)
        .timed_by(clock.clone());
    let copies = [(); 2].map(|()| Throttle::counting_with(&limits, Arc::new(Count(shared.clone()))));
    sleep(FORGOTTEN * 2).await;
    let (mut random, mut listed, mut running) =
        (Random::new(seed), Vec::<Listed>::new(), Vec::<(usize, Duration, Try)>::new());
    for step in 0..200 {
        let place = format!("COUNTERSIGN_SEED={seed}, step {step}");
        let is_long = running.first().is_some_and(|(_, began, _)| clock.monotonic() - *began > LONGEST);
        match if is_long { 6 } else { random.below(12) } {
            0..6 => {
                let (name, from, copy) = (random.below(NAMES), random.below(ADDRESSES), &copies[random.below(2)]);
                let entered = timeout(SECOND * 6, copy.enter(copy.account(&name.to_string()), address(from))).await;
                let now = clock.monotonic();
                let counted = |window: Duration| {
                    let of = |fits: &dyn Fn(&Listed) -> bool| {
                        let counts = |one: &&Listed| one.wrong.is_none_or(|at| now - at < window);
                        listed.iter().filter(counts).filter(|one| fits(one)).count()
                    };
                    [
                        of(&|one| one.name == name && one.address == from),
                        of(&|one| one.name == name),
                        of(&|one| one.address == from),
                    ]
                };
                let has_room = |counts: [usize; 3]| counts.iter().zip(BUDGETS).all(|(count, most)| *count < most);
                let counts = counted(WINDOW);
                let room = has_room(counts);
                let is_well = now - *shared.ill.lock().unwrap() > FORGOTTEN + LATE && !*shared.is_away.lock().unwrap();
                match entered {
                    Ok(Ok(one)) => {
                        assert!(counts[0] < BUDGETS[0] && counts[2] < BUDGETS[2], "{place}: {counts:?}");
                        running.push((step, now, one));
                        listed.push(Listed { name, address: from, wrong: None, number: step });
                        tally.let_in += 1;
                    }
                    Ok(Err(CannotEnter::Unavailable(_))) => {
                        assert!(!is_well, "{place}: no answer");
                        tally.away += 1;
                    }
                    Ok(Err(CannotEnter::Later(_))) => {
                        assert!(!(room && is_well), "{place}: refused, with {counts:?}");
                        tally.later += 1;
                    }
                    Err(_) => {
                        // A place that the end of a window leaves is seen when one of the tries that run has ended.
                        let before = counted(WINDOW + SECOND * 6);
                        assert!(!has_room(before), "{place}: waits for nothing, with {before:?}");
                        tally.waited += 1;
                    }
                }
            }
            6..9 if !running.is_empty() => {
                let (number, _, one) = running.remove(if is_long { 0 } else { random.below(running.len()) });
                let at = listed.iter().position(|listed| listed.number == number).unwrap();
                match random.below(6) {
                    0 => drop(one),
                    1 => one.succeeded(),
                    _ => {
                        listed[at].wrong = Some(clock.monotonic());
                        one.refused();
                    }
                }
                if listed[at].wrong.is_none() {
                    listed.remove(at);
                }
                tokio::task::yield_now().await;
            }
            9 => sleep(Duration::from_millis(random.below(70_000) as u64)).await,
            10 => sleep(Duration::from_millis(random.below(3_000) as u64)).await,
            _ if shared.fails => {
                *shared.is_away.lock().unwrap() = random.below(3) == 0;
                *shared.ill.lock().unwrap() = clock.monotonic();
            }
            _ => {}
        }
        // What is known already is judged by what a copy was told of, and never for longer than that was said to last.
        let (name, from, copy) = (random.below(NAMES), random.below(ADDRESSES), &copies[random.below(2)]);
        let is_locked = copy.locked_now(copy.account(&name.to_string()), address(from)).is_err();
        let now = clock.monotonic();
        let lately = |one: &&Listed| one.wrong.is_none_or(|at| now - at < WINDOW + LATE + SECOND);
        let concerned = listed.iter().filter(lately).any(|one| one.name == name || one.address == from);
        assert!(!is_locked || concerned, "{place}: locked for nothing");
        tally.locked += usize::from(is_locked);
    }
    drop(running);
    *shared.is_away.lock().unwrap() = false;
    sleep(FORGOTTEN * 2).await;
    for name in 0..NAMES {
        for copy in &copies {
            let account = copy.account(&name.to_string());
            assert!(copy.locked_now(account, address(name)).is_ok(), "COUNTERSIGN_SEED={seed}: locked for ever");
            // An answer that is lost is none; the second is not.
            let mut entered = copy.enter(account, address(name)).await;
            while matches!(entered, Err(CannotEnter::Unavailable(_))) {
                sleep(FORGOTTEN).await;
                entered = copy.enter(account, address(name)).await;
            }
            entered.unwrap().succeeded();
        }
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the seeds and the figures are what whoever runs it looks for")]
fn two_copies_verify_no_more_wrong_passwords_than_one_may_whatever_becomes_of_their_messages() {
    let (seeds, is_one) = numbers(150);
    let mut tally = Tally::default();
    for seed in seeds.clone() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(sequence(seed, &mut tally));
    }
    println!("sequences {seeds:?}: {tally:?}");
    let Tally { let_in, later, away, waited, locked } = tally;
    let least = [let_in, later, away, waited, locked].into_iter().min();
    assert!(is_one || least > Some(10), "something never happens: {tally:?}");
}
