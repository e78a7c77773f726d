//! Each reader of a stranger's bytes against its oracle, on some thousands of changed inputs: the short form of what libFuzzer does in
//! `tests/fuzz`.
//!
//! `FUZZ_TIMES` says how many; the number that draws them is printed, and `FUZZ_SEED` draws the same again.

#![expect(clippy::print_stdout, reason = "it says how to see the same again")]

use std::time::{SystemTime, UNIX_EPOCH};

use countersign_conformance::fuzz::Target;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn try_out(name: &str, times: u64) {
    let seed = number("FUZZ_SEED").unwrap_or_else(|| {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64 & 0xffff_ffff)
    });
    println!("FUZZ_SEED={seed}");
    let times = usize::try_from(number("FUZZ_TIMES").unwrap_or(times)).unwrap_or(usize::MAX);
    Target::named(name).try_out(times, seed);
}

macro_rules! targets {
    ($($test:ident: $name:literal, $times:literal;)*) => {
        $(#[test]
        fn $test() {
            try_out($name, $times);
        })*

        #[test]
        fn each_target_is_tried() {
            let tried = [$($name),*];
            assert!(countersign_conformance::fuzz::TARGETS.iter().all(|target| tried.contains(&target.name)));
        }
    };
}

targets! {
    a_name_and_a_password_are_read_as_the_grammar_says: "basic", 20_000;
    a_token_is_read_as_the_grammar_says: "bearer", 20_000;
    cookies_are_read_as_the_grammar_says: "cookies", 20_000;
    a_query_loses_its_credential_and_nothing_else: "query", 10_000;
    parameters_are_the_same_when_they_are_written_down: "parameters", 20_000;
    whatever_a_client_writes_its_proxy_decides: "proxies", 2_000;
    nothing_but_what_was_sealed_is_opened: "sealed", 2_000;
    nothing_but_what_was_signed_is_a_token: "tokens", 2_000;
    a_key_is_read_or_not_and_never_panics: "keys", 5_000;
    whoever_is_let_in_sent_what_was_signed: "signed", 1_000;
    whoever_signs_in_wrote_it_and_what_is_made_was_asked_for: "bodies", 2_000;
    a_challenge_is_read_by_others_as_it_was_meant: "challenges", 10_000;
    a_stored_hash_is_of_its_password_alone: "hashes", 400;
    nobody_is_let_in_whom_the_model_does_not_know: "gate", 3_000;
}
