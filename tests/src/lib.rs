//! The cases that every adapter of Countersign passes, one `#[test]` each, over a real TCP socket.
//!
//! An adapter, ours or a stranger's, implements [`Harness`], which starts a server of its framework with the
//! [service] mounted, and writes [`suite!`] with it. Behaviour is decided once, in core; here it is proved, with
//! bytes written by hand and answers read strictly, that a framework's way of handing a request over and a response back
//! changes nothing of it.
//!
//! Each case says what must come back: the status, each challenge in order, the media type, the problem's `error`, what
//! caches are told, and whether the handler ran. What it saw is also written down as a transcript and compared, byte for
//! byte, with the one in `golden/`: so all adapters answer like each other, in what no case thought of as well. A transcript
//! differs between frameworks only where a case asks for a [`Quirk`].
//!
//! # When a transcript changes on purpose
//! `CONFORMANCE_BLESS=1 cargo test -p <an adapter>` writes the transcripts anew; the difference is reviewed like code, and the
//! other adapters then show whether they agree.
//!
//! # What it does not do
//! It does not judge the frameworks: where one answers by itself (a head of a megabyte, a body that is no JSON) the case
//! asks only that no handler ran, that the answer is no 5xx, and that the server lives.
//!
//! # Stores
//! Stores have cases of their own, which run against their real servers: see [`stores`].
//!
//! # Seeded faults
//! `faults/` holds a list of faults for each adapter, and one for what the core does in place of all of them; the program
//! `seed-faults` puts them into a copy of the workspace one at a time and shows which case catches which.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a library of tests: it fails by panicking, and meets no peer but the server under test"
)]

mod cases;
pub mod client_key;
pub mod cost;
mod credentials;
mod expectation;
pub mod fuzz;
mod harness;
#[cfg(feature = "tls")]
pub mod http2;
mod lab;
pub mod many_cookies;
mod redis_server;
mod secrecy;
pub mod server;
pub mod service;
pub mod stores;
#[cfg(feature = "tls")]
pub mod tls;
pub mod told;
pub mod wire;

pub use self::{
    harness::{Harness, Quirk, Running},
    service::Service,
};
pub use self::{redis_server::RedisServer, secrecy::no_secret_is_written};

/// Runs one case against an adapter; what [`suite!`] expands to calls it.
///
/// # Panics
/// When the adapter does not pass it.
#[doc(hidden)]
pub fn run<H: Harness>(group: &str, case: &str) {
    let (_, _, body) = cases::CASES
        .iter()
        .find(|(known_group, known_case, _)| (*known_group, *known_case) == (group, case))
        .expect("the suite names cases of this crate");
    let lab = lab::Lab::open::<H>(group, case);
    body(&lab);
    lab.close();
}

/// Expands to one `#[test]` for each case, in modules named after what they are about.
#[macro_export]
macro_rules! suite {
    ($harness:ty) => {
        $crate::__every_case! { [$crate::__tests] [$harness] }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    ([$harness:ty] $($group:ident { $($case:ident)* })*) => { $(
        mod $group {
            use super::*;
            $(
                #[test]
                fn $case() {
                    $crate::run::<$harness>(stringify!($group), stringify!($case));
                }
            )*
        }
    )* };
}
