//! The two hashes that a fingerprint may be made by, over credentials of several lengths: nanoseconds, the best of many rounds.
//!
//! `cargo bench -p countersign --bench fingerprint`.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench fails by panicking and prints its result")]

use std::{hint::black_box, time::Instant};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const ROUNDS: u32 = 200;
const CALLS: u32 = 1_000;

fn main() {
    let key = [7; 32];
    let keyed = <Hmac<Sha256> as KeyInit>::new_from_slice(&key).unwrap();
    println!("{:>6} {:>8} {:>13}", "bytes", "BLAKE3", "HMAC-SHA-256");
    for length in [32, 64, 128, 192, 256, 600, 1_200, 4_096] {
        let credential = vec![b'x'; length];
        let blake3 = nanoseconds(|| *blake3::keyed_hash(&key, black_box(&credential)).as_bytes());
        let sha256 = nanoseconds(|| {
            let mut hash = keyed.clone();
            hash.update(black_box(&credential));
            hash.finalize().into_bytes().into()
        });
        println!("{length:>6} {blake3:>8} {sha256:>13}");
    }
}

fn nanoseconds(hash: impl Fn() -> [u8; 32]) -> u128 {
    let round = |_| {
        let start = Instant::now();
        (0..CALLS).for_each(|_| {
            black_box(hash());
        });
        start.elapsed().as_nanos() / u128::from(CALLS)
    };
    (0..ROUNDS).map(round).min().unwrap_or_default()
}
