//! Readers of a stranger's bytes, each against an oracle: a second reading that was written apart, a signature that nobody can forge, or a
//! model of the gate. Each [`Target`] takes any bytes and panics where the two disagree.
//!
//! They run in two ways: under libFuzzer, which looks for bytes that reach new code (`bash .ci/test fuzz`, in `tests/fuzz`), and with every run
//! of the tests on the seeds and on some thousands of changed ones ([`Target::try_out`]).

mod bodies;
mod challenges;
mod gate;
mod hashes;
mod input;
mod keys;
mod proxies;
mod sealed;
mod signed;
mod words;

use self::input::Dice;

/// A reader, and bytes to begin with.
#[derive(Debug)]
#[non_exhaustive]
pub struct Target {
    /// By which it is asked for.
    pub name: &'static str,
    /// Reads, and panics where the reader and its oracle disagree.
    pub read: fn(&[u8]),
    /// Where to begin: good ones, and such as were once read wrongly somewhere.
    pub seeds: &'static [&'static [u8]],
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "basic", read: words::basic, seeds: words::BASIC },
    Target { name: "bearer", read: words::bearer, seeds: words::BEARER },
    Target { name: "cookies", read: words::cookies, seeds: words::COOKIES },
    Target { name: "query", read: words::query, seeds: words::QUERIES },
    Target { name: "parameters", read: words::parameters, seeds: words::PARAMETERS },
    Target { name: "proxies", read: proxies::proxies, seeds: proxies::SEEDS },
    Target { name: "sealed", read: sealed::sealed, seeds: sealed::SEEDS },
    Target { name: "tokens", read: sealed::tokens, seeds: sealed::TOKENS },
    Target { name: "keys", read: keys::keys, seeds: keys::SEEDS },
    Target { name: "signed", read: signed::signed, seeds: signed::SEEDS },
    Target { name: "bodies", read: bodies::bodies, seeds: bodies::SEEDS },
    Target { name: "challenges", read: challenges::challenges, seeds: challenges::SEEDS },
    Target { name: "hashes", read: hashes::hashes, seeds: hashes::SEEDS },
    Target { name: "gate", read: gate::gate, seeds: gate::SEEDS },
];

impl Target {
    /// The target of this name.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn named(name: &str) -> &'static Self {
        TARGETS.iter().find(|target| target.name == name).expect("a target of this name")
    }

    /// Reads each seed, and so many of them with some bytes changed, as this number draws them.
    pub fn try_out(&self, times: usize, drawn_by: u64) {
        self.seeds.iter().for_each(|seed| (self.read)(seed));
        let mut dice = Dice::of(drawn_by);
        for _ in 0..times {
            let mut bytes = self.seeds[dice.below(self.seeds.len())].to_vec();
            for _ in 0..=dice.below(4) {
                change(&mut bytes, self.seeds, &mut dice);
            }
            (self.read)(&bytes);
        }
    }
}

/// Bytes that mean something to some reader.
const TELLING: &[u8] = b"\0\t\n\r \"%&'(),-./019:;<=>?@AZ[\\]_`az{|}~\x7f\x80\xc3\xff";

fn change(bytes: &mut Vec<u8>, seeds: &[&[u8]], dice: &mut Dice) {
    let at = dice.below(bytes.len() + 1);
    let one = |dice: &mut Dice| match dice.below(3) {
        0 => u8::try_from(dice.below(256)).unwrap_or_default(),
        _ => TELLING[dice.below(TELLING.len())],
    };
    match dice.below(6) {
        0 => bytes.insert(at, one(dice)),
        1 if at < bytes.len() => bytes[at] = one(dice),
        2 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
        3 => {
            let end = at + dice.below(bytes.len() - at + 1);
            bytes.drain(at..end);
        }
        4 => {
            let end = at + dice.below(bytes.len() - at + 1);
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        _ => {
            let other = seeds[dice.below(seeds.len())];
            bytes.truncate(at);
            bytes.extend_from_slice(&other[dice.below(other.len() + 1)..]);
        }
    }
}
