//! Whether an unknown name can be told from a wrong password by the time of a gate's refusal, in the manner of dudect
//! (Reparaz, Balasch, Verbauwhede 2017): two classes in random order, Welch's t over their times, whole and without the slowest.
//!
//! Three ways to the refusal: a **miss** is verified; a **stored refusal** was verified a moment before; a **joined flight** is
//! waited for by a second request while the first one's verification runs.
//!
//! `cargo run --release -p countersign --example timing [samples] [memory KiB]`; 10,000 a class and 256 KiB unless given. Exit code 1
//! where |t| passes the threshold. A reduced cost makes what surrounds the hash a larger part of the whole, and so the test
//! stricter. The throttle counts as ever, but its limits are out of the way: with those of an app it would soon be the throttle that
//! answers. Each way is measured once more with four microseconds more over an unknown name, in the store, or in the caller where the
//! store is not asked: what would not see that sees nothing. To be run on a machine that is otherwise idle.
#![expect(clippy::print_stdout, reason = "it prints a result")]

use std::{
    future::{Future, poll_fn},
    net::Ipv4Addr,
    pin::Pin,
    process::ExitCode,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use countersign::{
    Basic, CredentialCache, Gate, Secret, Verified,
    adapter::{Admission, Verdict},
    store::StoredPassword,
    testing::PlainHead,
    throttle::{Throttle, ThrottleLimits},
    verifier::{PasswordCost, Passwords},
};
use tokio::sync::Semaphore;

/// dudect calls ten the least at which a leak is certain; chance alone passes 4.5 once in a hundred thousand.
const THRESHOLD: f64 = 4.5;
/// Shares of the slowest that are left out, as interrupts are.
const LEFT_OUT: [f64; 4] = [0.0, 0.01, 0.1, 0.5];

/// How many requests one gate is asked, and how many of them are not counted.
const BATCH: usize = 500;
const WARM_UP: usize = 50;

const CLASSES: [(&str, &str); 2] = [("wrong password", "emily"), ("unknown name", "emmly")];

/// What the two classes showed: the times of each, in nanoseconds.
type Times = [Vec<f64>; 2];

/// How a request comes to its refusal.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Miss,
    StoredRefusal,
    JoinedFlight,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let samples = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let memory = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(256);
    let mut passes = true;
    for way in [Way::Miss, Way::StoredRefusal, Way::JoinedFlight] {
        let worst = [("as it is", Duration::ZERO), ("control", Duration::from_micros(4))].map(|(what, slower)| {
            println!("{way:?}, {what}:");
            measure(way, samples, memory, slower).map(|times| report(&times))
        });
        let [Some(as_it_is), Some(control)] = worst else {
            println!("no measurement: a try was not refused in this way, or the cost is out of bounds");
            return ExitCode::from(2);
        };
        let pass = as_it_is < THRESHOLD && control > THRESHOLD;
        let verdict = if pass { "pass" } else { "FAIL" };
        println!("{way:?}: greatest |t| {as_it_is:.2}, of the control {control:.2}, threshold {THRESHOLD}: {verdict}");
        passes &= pass;
    }
    if passes { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints what was measured, and gives the greatest |t|.
fn report(times: &Times) -> f64 {
    for ((class, _), times) in CLASSES.iter().zip(times) {
        println!(
            "{class:>16}: median {:>7.0} ns, mean {:>7.0} ns, {} samples",
            median(times),
            moments(times).0,
            times.len()
        );
    }
    LEFT_OUT.into_iter().fold(0.0, |worst, share| {
        let t = welch(&cut(times, share));
        println!("  without the slowest {:>2.0} %: t = {t:+.2}", share * 100.0);
        worst.max(t.abs())
    })
}

/// A gate that knows emily, its cache, and what its store waits for: a permit a look-up.
struct Guarded {
    gate: Gate<()>,
    cache: CredentialCache,
    hold: Arc<Semaphore>,
}

fn guarded(memory_kib: u32, slower: Duration) -> Option<Guarded> {
    let cost = PasswordCost::new(memory_kib, 1, 1)?;
    let hash = cost.hash_now(&Secret::new("s3cret"))?;
    let hold = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&hold);
    let passwords = Passwords::found_by(move |name: String| {
        // Made for every name, so that the store does not tell them apart.
        let row = StoredPassword::new(hash.as_str(), Verified::new(()));
        let held = Arc::clone(&held);
        async move {
            held.acquire().await.map_err(std::io::Error::other)?.forget();
            let known = name == "emily";
            spin(if known { Duration::ZERO } else { slower });
            Ok::<_, std::io::Error>(known.then_some(row))
        }
    });
    let limits = ThrottleLimits::default()
        .per_name_and_address(u32::MAX)
        .per_name(u32::MAX)
        .per_address(u32::MAX)
        .window(Duration::from_secs(1));
    let cache = CredentialCache::default();
    let passwords = passwords.cost(cost).throttled_by(Throttle::new(&limits));
    let gate = Gate::in_realm("people").accept(Basic, passwords).cached(cache.clone()).build().ok()?;
    Some(Guarded { gate, cache, hold })
}

/// Refuses so many requests of each class, in random order.
fn measure(way: Way, samples: usize, memory_kib: u32, slower: Duration) -> Option<Times> {
    let (in_store, in_caller) =
        if way == Way::StoredRefusal { (Duration::ZERO, slower) } else { (slower, Duration::ZERO) };
    let mut guards = guarded(memory_kib, in_store)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().ok()?;
    let mut times = Times::default();
    let mut coin = Coin(0x9E37_79B9_7F4A_7C15 ^ u64::from(std::process::id()));
    for nth in 0..2 * samples / (BATCH - WARM_UP) * BATCH {
        // Where a name's rows come to lie is drawn anew with each gate; it must not be taken for a class.
        if nth % BATCH == 0 {
            guards = guarded(memory_kib, in_store)?;
        }
        let Guarded { gate, cache, hold } = &guards;
        let class = coin.toss();
        let (_, name) = CLASSES.get(class)?;
        // A password that was never tried before, of the same length each time.
        let field = format!("Basic {}", STANDARD.encode(format!("{name}:sEcret{nth:08}")));
        let before = cache.counts();
        let took = runtime.block_on(async {
            let [first, head] = [(); 2].map(|()| {
                PlainHead::get("/me")
                    .with("authorization", &field)
                    .from(Ipv4Addr::new(192, 0, 2, 1).into())
                    .received_by(gate)
            });
            let mut leader = None;
            if way != Way::JoinedFlight {
                hold.add_permits(1);
            }
            if way == Way::StoredRefusal {
                refused(gate, &first).await?;
            } else if way == Way::JoinedFlight {
                let Admission::Pending(pending) = first.at(gate) else { return None };
                leader = Some(tokio::spawn(pending));
                tokio::task::yield_now().await;
            }
            let began = Instant::now();
            match way {
                Way::JoinedFlight => joined(gate, &head, hold).await?,
                _ => refused(gate, &head).await?,
            }
            // In both classes, since reading the clock takes time as well.
            spin(if class == 1 { in_caller } else { Duration::ZERO });
            let took = began.elapsed();
            if let Some(leader) = leader {
                let _answered = leader.await.ok()?;
            }
            Some(took)
        })?;
        let after = cache.counts();
        let (hits, joins) = (after.refusal_hits - before.refusal_hits, after.joins - before.joins);
        if (hits, joins) != (u64::from(way == Way::StoredRefusal), u64::from(way == Way::JoinedFlight)) {
            println!("{hits} hits, {joins} joins");
            return None;
        }
        if nth % BATCH >= WARM_UP {
            times.get_mut(class)?.push(f64::from(u32::try_from(took.as_nanos()).unwrap_or(u32::MAX)));
        }
    }
    Some(times)
}

/// Sees a request refused as a wrong credential is; nothing where it is answered in another way.
async fn refused(gate: &Gate<()>, head: &PlainHead) -> Option<()> {
    let verdict = head.verdict_at(gate).await;
    matches!(verdict, Verdict::Rejected(rejection) if rejection.status() == 401).then_some(())
}

/// The same of a request that joins a flight, which lands only then.
async fn joined(gate: &Gate<()>, head: &PlainHead, hold: &Semaphore) -> Option<()> {
    let Admission::Pending(mut pending) = head.at(gate) else { return None };
    let landed = poll_fn(|context| Poll::Ready(Pin::new(&mut pending).poll(context).is_ready())).await;
    if landed {
        return None;
    }
    hold.add_permits(1);
    let Admission::Decided(verdict) = head.concluded_at(gate, pending.await) else { return None };
    matches!(verdict, Verdict::Rejected(rejection) if rejection.status() == 401).then_some(())
}

fn spin(length: Duration) {
    let began = Instant::now();
    while began.elapsed() < length {
        std::hint::spin_loop();
    }
}

/// Leaves out what is slower than this share of all.
fn cut(times: &Times, share: f64) -> Times {
    let mut all: Vec<f64> = times.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let left_out = all.iter().rev().enumerate().find(|(index, _)| *index as f64 >= share * all.len() as f64);
    let most = left_out.map_or(f64::INFINITY, |(_, time)| *time);
    times.each_ref().map(|class| class.iter().copied().filter(|time| *time <= most).collect())
}

fn welch(times: &Times) -> f64 {
    let [(one, one_squared, n), (other, other_squared, m)] = times.each_ref().map(|class| {
        let (mean, variance) = moments(class);
        (mean, variance, class.len() as f64)
    });
    (other - one) / (one_squared / n + other_squared / m).sqrt()
}

/// Mean and variance.
fn moments(times: &[f64]) -> (f64, f64) {
    let count = times.len() as f64;
    let mean = times.iter().sum::<f64>() / count;
    (mean, times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0))
}

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// A xorshift: an order that no period of the machine falls in step with is all it takes.
struct Coin(u64);

impl Coin {
    fn toss(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::from(self.0 >> 63 == 1)
    }
}
