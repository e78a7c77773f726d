//! Sessions, families of refresh tokens, keys and revocations at two copies that share a store, against a plain model, in random order and
//! at moments that the test chooses, over a bus that loses, delays and repeats.
//!
//! The model knows no cache: what is good is let in at either copy at each moment; what was ended is refused at once where it was
//! ended, at the other copy half a second later while all is well, else seven, and what was refused once is never let in again.
//!
//! `COUNTERSIGN_SEED=7` repeats one sequence, `COUNTERSIGN_SEQUENCES=20000` takes so many.

#![cfg(feature = "jwt")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod in_touch;
#[path = "../log/mod.rs"]
mod log;
mod model;
mod random;
mod transient;
mod tries;
mod world;

use std::{env, ops::Range, sync::atomic::Ordering, time::Duration};

use countersign::JwtSigner;
use model::{Model, SECOND};
use random::Random;
use tokio::time::sleep;
use world::World;

/// How often what happened, over all sequences: each is common, or the test tests nothing.
#[derive(Debug, Default)]
struct Tally {
    let_in: usize,
    refused: usize,
    late: usize,
    rotated: usize,
    reused: usize,
    made_way: usize,
    over: usize,
}

async fn sequence(seed: u64, signer: &JwtSigner, tally: &mut Tally) {
    let world = World::new(seed, signer);
    let copies = [world.copy(), world.copy()];
    sleep(SECOND).await;
    let (passes, families, well_since) = (Vec::new(), Vec::new(), Duration::ZERO);
    let random = Random::new(seed);
    let mut model =
        Model { seed, step: 0, random, world, copies, passes, families, well_since, lately: None, recent: Vec::new() };
    for step in 0..160 {
        model.step = step;
        model.step(tally).await;
        if let Some(at) = model.lately.take() {
            model.show(0, at, tally).await;
            model.show(1, at, tally).await;
        }
        if model.world.unreadable.load(Ordering::Relaxed) {
            model.well_since = model.now();
        }
    }
    // In the end all is well, and both copies say what the model says.
    model.world.unreadable.store(false, Ordering::Relaxed);
    sleep(SECOND * 8).await;
    for at in 0..model.passes.len() {
        for copy in 0..2 {
            let late = tally.late;
            model.show(copy, at, tally).await;
            assert_eq!(tally.late, late, "{}: {:?}", model.place(), model.passes[at]);
        }
    }
}

/// The seeds to take, so many unless the environment says otherwise, and whether it named one alone.
fn numbers(sequences: u64) -> (Range<u64>, bool) {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    match number("COUNTERSIGN_SEED") {
        Some(seed) => (seed..seed + 1, true),
        None => (0..number("COUNTERSIGN_SEQUENCES").unwrap_or(sequences), false),
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the seeds and the figures are what whoever runs it looks for")]
fn two_copies_do_what_the_model_does_whatever_becomes_of_their_messages() {
    let ((seeds, is_one), signer, mut tally) = (numbers(60), JwtSigner::fresh().unwrap(), Tally::default());
    for seed in seeds.clone() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(sequence(seed, &signer, &mut tally));
    }
    println!("sequences {seeds:?}: {tally:?}");
    let Tally { let_in, refused, late, rotated, reused, made_way, over } = tally;
    let least = [let_in, refused, late, rotated, reused, made_way, over].into_iter().min();
    assert!(is_one || least > Some(10), "something never happens: {tally:?}");
}
