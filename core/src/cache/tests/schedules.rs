//! Seeded schedules on the real cache: requests, verifiers, changes and revocations take their steps in a random order, and
//! nothing is accepted late.
//!
//! `COUNTERSIGN_SCHEDULES=1000000 cargo test -p countersign --release --lib schedules` is the long form. loom tries the steps
//! within `revoke` and `fresh`; here are those of the flights, which wait.

use std::{
    env,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use tokio::{sync::oneshot, task::yield_now};

use super::super::{fault::Fault, *};
use crate::{
    clock::Clock,
    principal::Verified,
    testing::ManualClock,
    verifier::{QueueLimits, queue::Queue},
};

const LIFE: Duration = Duration::from_secs(10);

/// What a verifier read, and when.
#[derive(Debug, Clone, Copy)]
struct Read {
    version: u64,
    at: Duration,
}

/// The application's store, and the verifiers that wait for their next step.
#[derive(Default)]
struct Application {
    version: u64,
    /// The version whose revocation has returned.
    done: u64,
    steps: Vec<oneshot::Sender<()>>,
}

struct Schedule {
    cache: CredentialCache,
    clock: Arc<ManualClock>,
    fault: Option<Fault>,
    seed: u64,
    scheme: SchemeKey,
    queue: Arc<Queue>,
    handle: Handle,
    application: Arc<Mutex<Application>>,
    requests: Vec<Pin<Box<dyn Future<Output = Outcome<Read>> + Send>>>,
    /// A change that has taken the first of its two steps.
    changing: bool,
}

impl Schedule {
    fn draw(&mut self, below: usize) -> usize {
        // splitmix64
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % below.max(1) as u64) as usize
    }

    async fn run(&mut self) -> Result<(), String> {
        for _ in 0..24 {
            match self.draw(10) {
                0 | 1 => self.arrive()?,
                2 | 3 => self.poll()?,
                4 => self.leave(),
                5 | 6 => self.step(),
                7 => self.change(),
                8 => self.change(),
                _ if self.draw(2) == 0 => self.clock.advance(LIFE / 2),
                _ => {}
            }
            yield_now().await;
        }
        // Everybody to the end.
        for _ in 0..200 {
            if self.requests.is_empty() {
                break;
            }
            self.step();
            yield_now().await;
            yield_now().await;
            self.poll()?;
        }
        if self.requests.is_empty() { Ok(()) } else { Err("a request waits for ever".to_owned()) }
    }

    fn arrive(&mut self) -> Result<(), String> {
        let fingerprint = self.scheme.fingerprint(b"abc");
        match self.cache.look_now::<Read>(&fingerprint) {
            Some(Outcome::Good { entry: known, .. }) => {
                let read = *known.verified().principal();
                let age = self.clock.monotonic() - read.at;
                if age >= LIFE {
                    return Err(format!("a hit on an answer of {age:?}"));
                }
                self.admit(read)
            }
            Some(_) => Err("nobody was refused".to_owned()),
            None => {
                let request = self.cache.resolve(Miss {
                    fingerprint: Some(fingerprint),
                    terms: Terms { life: Some(LIFE), account: None },
                    queue: self.queue.clone(),
                    sender: 1,
                    verify: self.verifier(),
                });
                self.requests.push(Box::pin(request));
                Ok(())
            }
        }
    }

    /// Waits, reads, waits, answers.
    fn verifier(&self) -> Arc<dyn Fn() -> Verifying<Read> + Send + Sync> {
        let (application, clock, handle) = (self.application.clone(), self.clock.clone(), self.handle);
        Arc::new(move || {
            let (application, clock) = (application.clone(), clock.clone());
            Box::pin(async move {
                let pause = || {
                    let (go, wait) = oneshot::channel();
                    application.lock().unwrap().steps.push(go);
                    wait
                };
                let _ = pause().await;
                let read = Read { version: application.lock().unwrap().version, at: clock.monotonic() };
                let _ = pause().await;
                Verified::new(read).revocable_by(handle).into()
            })
        })
    }

    fn poll(&mut self) -> Result<(), String> {
        if self.requests.is_empty() {
            return Ok(());
        }
        let index = self.draw(self.requests.len());
        match self.requests[index].as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => Ok(()),
            Poll::Ready(resolved) => {
                drop(self.requests.swap_remove(index));
                match resolved {
                    Outcome::Good { entry: known, stale: false } => self.admit(*known.verified().principal()),
                    Outcome::Unavailable(_) => Ok(()),
                    _ => Err("nobody was refused, and there is room".to_owned()),
                }
            }
        }
    }

    fn leave(&mut self) {
        if self.requests.len() > 1 {
            let index = self.draw(self.requests.len());
            drop(self.requests.swap_remove(index));
        }
    }

    fn step(&mut self) {
        let waiting = self.application.lock().unwrap().steps.len();
        if waiting > 0 {
            let index = self.draw(waiting);
            let _ = self.application.lock().unwrap().steps.swap_remove(index).send(());
        }
    }

    /// One of the two steps of a change: commit, then revoke.
    fn change(&mut self) {
        let revokes = self.changing != (self.fault == Some(Fault::RevokeBeforeChange));
        if revokes {
            if self.draw(8) == 0 { self.cache.revoke_all() } else { self.cache.revoke(self.handle) }
        } else {
            self.application.lock().unwrap().version += 1;
        }
        if self.changing {
            let mut application = self.application.lock().unwrap();
            application.done = application.version;
        }
        self.changing = !self.changing;
    }

    fn admit(&self, read: Read) -> Result<(), String> {
        let done = self.application.lock().unwrap().done;
        if read.version >= done { Ok(()) } else { Err(format!("accepted late: {read:?}, revoked up to {done}")) }
    }
}

/// Runs so many schedules from this seed on; the first that goes wrong, and how.
fn run(schedules: u64, fault: Option<Fault>) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut seed = 0;
        while seed < schedules {
            let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH));
            // A small table of floors, so that it overflows on the way.
            let options = CacheOptions::default().longest_life(LIFE).revocations(64).timed_by(clock.clone());
            let cache = match fault {
                None => CredentialCache::with(options),
                Some(fault) => CredentialCache::with_fault(options, fault),
            };
            for seed in seed..(seed + 500).min(schedules) {
                let mut schedule = Schedule {
                    scheme: cache.scheme_key("people", "basic", VerifierNumber::draw(), 0),
                    cache: cache.clone(),
                    clock: clock.clone(),
                    fault,
                    seed,
                    queue: Queue::new(QueueLimits::default()),
                    handle: Handle::from_bits(u128::from(seed)),
                    application: Arc::default(),
                    requests: Vec::new(),
                    changing: false,
                };
                schedule.run().await.map_err(|wrong| format!("seed {seed}: {wrong}"))?;
            }
            seed += 500;
        }
        Ok(())
    })
}

#[test]
fn no_schedule_accepts_late() {
    let schedules = env::var("COUNTERSIGN_SCHEDULES").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000);
    run(schedules, None).unwrap();
}

#[test]
fn each_simplification_that_a_schedule_can_show_is_caught() {
    // The number before the floor takes two threads within `revoke`: loom's.
    for fault in [Fault::JoinersUnchecked, Fault::NumberAfterVerification, Fault::RevokeBeforeChange] {
        let wrong = run(20_000, Some(fault)).unwrap_err();
        assert!(wrong.contains("accepted late"), "{fault:?}: {wrong}");
    }
}
