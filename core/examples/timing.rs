//! Whether an unknown name can be told from a wrong password by the time of the refusal, in the manner of dudect
//! (Reparaz, Balasch, Verbauwhede 2017): two classes in random order, Welch's t over their times, whole and without the slowest.
//!
//! `cargo run --release -p countersign --example timing [samples] [memory KiB]`; 10,000 a class and 256 KiB unless given. Exit code 1
//! where |t| passes the threshold. A reduced cost makes what surrounds the hash a larger part of the whole, and so the test
//! stricter. The same is measured of a store that takes four microseconds longer over an unknown name: what would not see that sees
//! nothing. To be run on a machine that is otherwise idle.
#![expect(clippy::print_stdout, reason = "it prints a result")]

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use countersign::{
    Answer, Secret, Verified, Verify,
    credential::BasicCredential,
    verify::{PasswordCost, Passwords, StoredPassword},
};

/// dudect calls ten the least at which a leak is certain; chance alone passes 4.5 once in a hundred thousand.
const THRESHOLD: f64 = 4.5;
/// Shares of the slowest that are left out, as interrupts are.
const LEFT_OUT: [f64; 4] = [0.0, 0.01, 0.1, 0.5];

const CLASSES: [(&str, &str); 2] = [("wrong password", "emily"), ("unknown name", "emmly")];

/// What the two classes showed: the times of each, in nanoseconds.
type Times = [Vec<f64>; 2];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let samples = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(10_000);
    let memory = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(256);
    let worst = [("as it is", Duration::ZERO), ("control", Duration::from_micros(4))].map(|(what, slower)| {
        println!("{what}:");
        measure(samples, memory, slower).map(|times| report(&times))
    });
    let [Some(as_it_is), Some(control)] = worst else {
        println!("no measurement: a try was not refused, or the cost is out of bounds");
        return ExitCode::from(2);
    };
    println!("greatest |t| {as_it_is:.2}, of the control {control:.2}, threshold {THRESHOLD}");
    if as_it_is < THRESHOLD && control > THRESHOLD { ExitCode::SUCCESS } else { ExitCode::FAILURE }
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

/// Refuses so many tries of each class, in random order.
fn measure(samples: usize, memory_kib: u32, slower: Duration) -> Option<Times> {
    let cost = PasswordCost::new(memory_kib, 1, 1)?;
    let hash = cost.hash_now(&Secret::new("s3cret"))?;
    let passwords = Passwords::found_by(move |name: String| {
        // Made for every name, so that the store does not tell them apart.
        let row = StoredPassword::new(hash.as_str(), Verified::new(()));
        let (began, known) = (Instant::now(), name == "emily");
        // The clock is read for both alike.
        while began.elapsed() < slower && !known {
            std::hint::spin_loop();
        }
        std::future::ready(Ok::<_, std::io::Error>(known.then_some(row)))
    });
    let passwords = passwords.cost(cost).without_throttle();
    let runtime = tokio::runtime::Builder::new_current_thread().build().ok()?;
    let mut times = Times::default();
    let mut coin = Coin(0x9E37_79B9_7F4A_7C15 ^ u64::from(std::process::id()));
    for warming in 0..samples / 10 + 2 * samples {
        let class = coin.toss();
        let (_, name) = CLASSES.get(class)?;
        let credential = BasicCredential::new(*name, "sEcret");
        let began = Instant::now();
        let answer = runtime.block_on(passwords.verify(credential));
        let took = began.elapsed();
        if !matches!(answer, Answer::Refused) {
            return None;
        }
        if warming >= samples / 10 {
            times.get_mut(class)?.push(f64::from(u32::try_from(took.as_nanos()).unwrap_or(u32::MAX)));
        }
    }
    Some(times)
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
