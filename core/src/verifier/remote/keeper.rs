//! Who asks the issuer: one task, so that it is asked once, however many wait. No lock is held while it is asked.

use std::{
    sync::{
        Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use tokio::{
    sync::{Notify, Semaphore, watch},
    time::timeout,
};

use super::{
    HttpClient, HttpRequest,
    address::Address,
    document::address_of_keys,
    state::{IssuerHealth, Lives, PAUSE, State, life_of},
};
use crate::{
    cache::CredentialCache,
    clock::SharedClock,
    jose::{JwtAlgorithm, KeySet},
    observe::meter::{count, gauge},
    principal::Handle,
    secret::random::random_bytes,
    unavailable::Unavailable,
    verifier::jwt::{IssuerKeys, LiveKeys, Missing},
};

/// The longest key set: those of the large providers have 2 to 20 KiB.
const LONGEST: usize = 512 << 10;
/// How long an issuer may take, document and keys together.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long a request waits for a key.
const REQUEST_PATIENCE: Duration = Duration::from_secs(5);
/// How many requests wait for a key at once.
const WAITING: usize = 2048;
/// How often the clock is looked at. It is the one that was handed in, of which no timer knows.
const TICK: Duration = Duration::from_secs(1);
/// How long it is remembered where an issuer has its keys.
const DOCUMENT_LIFE: Duration = Duration::from_secs(3600);

/// Where the keys are, and who fetches them.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) issuer: Box<str>,
    pub(super) address: Address,
    /// Where the keys are, if the issuer is not to be asked for that.
    pub(super) keys_at: Option<Address>,
    pub(super) rsa: JwtAlgorithm,
    pub(super) client: Box<dyn HttpClient>,
    /// Where the keys are by what the issuer said, and when it did.
    pub(super) found_at: Mutex<Option<(Address, Duration)>>,
}

/// One issuer's keys, kept up to date.
#[derive(Debug)]
pub(super) struct Kept {
    source: Arc<Source>,
    clock: SharedClock,
    lives: Lives,
    caches: Vec<CredentialCache>,
    state: RwLock<State>,
    wanted: AtomicBool,
    wake: Arc<Notify>,
    /// How often the issuer has been asked.
    asked: watch::Sender<u64>,
    waiting: Semaphore,
}

impl Kept {
    /// Begins to keep them, in this runtime, for as long as anybody has what is returned.
    pub(super) fn start(source: Source, clock: SharedClock, lives: Lives, caches: Vec<CredentialCache>) -> Arc<Self> {
        let kept = Arc::new(Self {
            source: Arc::new(source),
            lives,
            caches,
            state: RwLock::new(State::new(clock.monotonic())),
            clock,
            wanted: AtomicBool::new(false),
            wake: Arc::new(Notify::new()),
            asked: watch::Sender::new(0),
            waiting: Semaphore::new(WAITING),
        });
        tokio::spawn(keep(Arc::downgrade(&kept), Arc::clone(&kept.wake)));
        kept
    }

    pub(super) fn issuer(&self) -> &str {
        &self.source.issuer
    }

    pub(super) fn health(&self) -> IssuerHealth {
        self.read().health(&self.source.issuer, self.now(), self.lives)
    }

    /// Waits until the issuer has been asked once.
    pub(super) async fn asked_once(&self) {
        // The sender is in here, so it is not gone.
        let _ = self.asked.subscribe().wait_for(|times| *times > 0).await;
    }

    fn now(&self) -> (Duration, SystemTime) {
        (self.clock.monotonic(), self.clock.wall())
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks if it is time to, and forgets what is too old.
    async fn tick(&self) {
        let (now, wall) = self.now();
        let begins = self.write().begin(now, wall, self.wanted.swap(false, Ordering::AcqRel));
        if begins {
            let source = Arc::clone(&self.source);
            // In a task of its own: an application's client may panic.
            let fetching = tokio::spawn(async move { source.fetch(now).await });
            let stopped = || Unavailable::because("the client panicked, or was stopped");
            self.conclude(fetching.await.unwrap_or_else(|_| Err(stopped())));
            self.asked.send_modify(|times| *times += 1);
        }
        let forgotten = self.write().forget(self.clock.monotonic(), self.lives);
        if !forgotten.is_empty() {
            tracing::warn!(target: "countersign", issuer = self.issuer(), "its keys are too old to count, and it cannot be asked for others");
            self.revoke(&forgotten);
        }
        let keys = self.health().keys;
        gauge!("countersign_issuer_keys", set, keys as f64, "issuer" => self.issuer().to_owned());
    }

    fn conclude(&self, fetched: Result<(KeySet, Option<String>), Unavailable>) {
        let issuer = self.issuer();
        let outcome = if fetched.is_ok() { "good" } else { "failed" };
        count!("countersign_issuer_fetches_total", "issuer" => issuer.to_owned(), "outcome" => outcome);
        let before = self.health();
        match fetched {
            Ok((set, cache_control)) => {
                let mut keys = IssuerKeys::of(issuer);
                set.clone().into_keys().into_iter().for_each(|key| keys.add(key));
                let life = life_of(cache_control.as_deref(), self.lives.renewed);
                let withdrawn = self.write().succeed((keys, &set), self.now(), spread(life));
                // After the new set counts: what was verified by the old one meanwhile started below the floor.
                self.revoke(&withdrawn);
                if (before.keys, before.skipped, before.failures) != (set.len(), set.skipped().len(), 0)
                    || !withdrawn.is_empty()
                {
                    tracing::info!(target: "countersign", issuer, keys = set.len(), withdrawn = withdrawn.len(), "has given its keys");
                    for skipped in set.skipped() {
                        tracing::warn!(target: "countersign", issuer, position = skipped.position(), "a key of its set is not used: {}", skipped.why());
                    }
                }
            }
            Err(why) => {
                match before.failures {
                    0 => tracing::warn!(target: "countersign", issuer, "cannot be asked for its keys: {why}"),
                    _ => tracing::debug!(target: "countersign", issuer, "cannot be asked for its keys: {why}"),
                }
                self.write()
                    .fail(self.clock.monotonic(), Unavailable::because(format!("{issuer} cannot be asked: {why}")));
            }
        }
    }

    fn revoke(&self, handles: &[Handle]) {
        for cache in &self.caches {
            handles.iter().for_each(|handle| cache.revoke(*handle));
        }
    }
}

async fn keep(kept: Weak<Kept>, wake: Arc<Notify>) {
    while let Some(kept) = kept.upgrade() {
        kept.tick().await;
        drop(kept);
        let _ = timeout(TICK, wake.notified()).await;
    }
}

/// Up to a tenth sooner, so that copies of a service that started together do not ask together.
fn spread(life: Duration) -> Duration {
    let [share] = random_bytes::<1>();
    life - life.mul_f64(f64::from(share) / 2560.0)
}

impl Source {
    /// The keys, and how long they are good by what is said of them.
    async fn fetch(&self, now: Duration) -> Result<(KeySet, Option<String>), Unavailable> {
        let fetched = timeout(PATIENCE, self.fetch_whole(now)).await;
        let fetched = fetched.unwrap_or_else(|_| Err(Unavailable::because("it takes too long")));
        if fetched.is_err() {
            // It may have moved them.
            *self.found_at() = None;
        }
        fetched
    }

    async fn fetch_whole(&self, now: Duration) -> Result<(KeySet, Option<String>), Unavailable> {
        let address = self.address_of_keys(now).await?;
        let failed = |why| Unavailable::because(format!("its keys: {why}"));
        let response = self.client.send(HttpRequest::get(address.as_str(), LONGEST)).await.map_err(failed)?;
        let json = response.json(LONGEST).map_err(failed)?;
        let json = std::str::from_utf8(json).map_err(|_| failed(Unavailable::because("they are no text")))?;
        let set = KeySet::parse_with(self.rsa, json).map_err(|error| failed(Unavailable::because(error)))?;
        Ok((set, response.field("cache-control").map(str::to_owned)))
    }

    async fn address_of_keys(&self, now: Duration) -> Result<Address, Unavailable> {
        if let Some(address) = &self.keys_at {
            return Ok(address.clone());
        }
        let known = self.found_at().clone();
        if let Some((address, _)) = known.filter(|(_, since)| now.saturating_sub(*since) < DOCUMENT_LIFE) {
            return Ok(address);
        }
        let address = address_of_keys(&*self.client, &self.issuer, &self.address).await?;
        *self.found_at() = Some((address.clone(), now));
        Ok(address)
    }

    fn found_at(&self) -> std::sync::MutexGuard<'_, Option<(Address, Duration)>> {
        self.found_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl LiveKeys for Kept {
    fn keys(&self) -> Option<Arc<IssuerKeys>> {
        self.read().keys(self.clock.monotonic(), self.lives).cloned()
    }

    fn missing(&self) -> Option<Missing> {
        self.read().missing(self.clock.monotonic())
    }

    async fn ask(&self) -> Missing {
        let Ok(_place) = self.waiting.try_acquire() else {
            return Missing::Unknown(Unavailable::busy(Duration::from_secs(1)));
        };
        let mut asked = self.asked.subscribe();
        // Once more, now that no answer can be missed.
        if let Some(missing) = self.missing() {
            return missing;
        }
        self.wanted.store(true, Ordering::Release);
        self.wake.notify_one();
        let late = || Missing::Unknown(Unavailable::because(format!("{} takes too long", self.issuer())));
        match timeout(REQUEST_PATIENCE, asked.changed()).await {
            Ok(Ok(())) => self.read().told(PAUSE),
            Ok(Err(_)) | Err(_) => late(),
        }
    }
}
