//! Passwords of people: Argon2id hashes in the application's store.
//!
//! - A hash is computed on a blocking thread; as many run at once as there are cores. Before them is a bounded queue, and who
//!   finds it full is answered at once: unavailable, come back later. A client that leaves frees no thread that still works.
//! - An unknown name costs what a wrong password costs: it is verified against a hash that no password has.
//! - Stored hashes are PHC strings, Argon2id or its elders; above [`HashLimits`] they are not computed. With the feature
//!   `legacy-passwords` those of bcrypt, scrypt and PBKDF2 (PHC, passlib, Django) are verified too. A password that bcrypt
//!   would cut, past 72 bytes, is refused.
//! - A hash that is cheaper than [`PasswordCost`] is replaced after a sign-in, if the store
//!   [keeps](PasswordStore::keeps_rehashed) new ones. That happens behind the answer and never changes it.
//! - A password over 1 KiB is refused before anything is looked up.
//! - Wrong passwords are counted by a [`Throttle`], unless it is taken away in so many words. While tries run they hold places
//!   in it, so that one address fills fifty places of the queue at most.
//!
//! # Example
//! ```
//! use countersign::{
//!     Answer, Secret, Verified, Verify,
//!     credential::BasicCredential,
//!     store::StoredPassword,
//!     verifier::{PasswordCost, Passwords},
//! };
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let hash = PasswordCost::fast().hash_now(&Secret::new("s3cret")).ok_or("no memory")?;
//! let passwords = Passwords::found_by(move |name: String| {
//!     let found = (name == "emily").then(|| StoredPassword::new(hash.as_str(), Verified::new("Emily").with_subject("emily")));
//!     async move { Ok::<_, std::io::Error>(found) }
//! });
//! assert!(matches!(passwords.verify(BasicCredential::new("emily", "s3cret")).await, Answer::Verified(_)));
//! assert!(matches!(passwords.verify(BasicCredential::new("emily", "secret")).await, Answer::Refused));
//! assert!(matches!(passwords.verify(BasicCredential::new("emma", "s3cret")).await, Answer::Refused));
//! # Ok(()) }
//! ```
//!
//! # What it does not do
//! It neither chooses nor changes passwords, and normalises none: the bytes that were sent are the bytes that are hashed.
//!
//! # Deployment
//! Each thread takes the memory of a hash, 19 MiB by default, and keeps it. A store that answers faster for unknown names than
//! for known ones tells them apart, whatever is done here; so does a hash of other parameters than new ones have, until its
//! owner has signed in.

mod cost;
#[cfg(feature = "legacy-passwords")]
mod legacy;
mod stored;
mod unverifiable;
mod workers;

use std::{fmt, num::NonZeroUsize, sync::Arc, thread, time::Duration};

use async_trait::async_trait;
use tokio::runtime::Handle;

pub use self::cost::{HashLimits, PasswordCost};
use self::{
    stored::Stored,
    unverifiable::Unverifiable,
    workers::{Place, Workers},
};
use super::{Answer, QueueLimits, Verify};
use crate::{
    credential::BasicCredential,
    secret::Secret,
    store::{FoundBy, PasswordStore},
    throttle::{Account, Throttle},
    unavailable::Unavailable,
};

/// Verifies names and passwords against stored hashes. See the [module](self).
pub struct Passwords<S> {
    store: Arc<S>,
    cost: PasswordCost,
    limits: HashLimits,
    threads: NonZeroUsize,
    queue: usize,
    longest: usize,
    workers: Workers,
    /// What an unknown name is verified against, read each time as a stored hash is.
    dummy: Option<Arc<str>>,
    throttle: Option<Throttle>,
    reusable_for: Option<Duration>,
}

/// Why a password was not hashed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// It is longer than the verifier would take.
    #[error("the password is too long")]
    TooLong,
    /// There was no thread or no memory for it.
    #[error(transparent)]
    Unavailable(Unavailable),
}

impl<S: PasswordStore> Passwords<S> {
    /// Passwords that are looked up in this store.
    #[must_use]
    pub fn in_store(store: S) -> Self {
        let (cost, threads, queue) = (PasswordCost::default(), cores(), 256);
        Self {
            store: Arc::new(store),
            cost,
            limits: HashLimits::default(),
            threads,
            queue,
            longest: 1024,
            workers: Workers::new(threads, queue, cost.blocks()),
            dummy: cost.dummy().map(Arc::from),
            throttle: Some(Throttle::default()),
            reusable_for: Some(Duration::from_secs(60)),
        }
    }

    /// The parameters of new hashes, and what an unknown name costs.
    #[must_use]
    pub fn cost(mut self, cost: PasswordCost) -> Self {
        self.cost = cost;
        self.dummy = cost.dummy().map(Arc::from);
        self.with_workers()
    }

    /// The most that a stored hash may cost.
    #[must_use]
    pub fn limits(mut self, limits: HashLimits) -> Self {
        self.limits = limits;
        self
    }

    /// How many hashes are computed at once: as many as there are cores, unless set here.
    #[must_use]
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads;
        self.with_workers()
    }

    /// How many may wait for a thread: 256 unless set here.
    #[must_use]
    pub fn queue(mut self, waiting: usize) -> Self {
        self.queue = waiting;
        self.with_workers()
    }

    /// The longest password, in bytes: 1 KiB unless set here. A longer one is refused unread.
    #[must_use]
    pub fn longest_password(mut self, bytes: usize) -> Self {
        self.longest = bytes;
        self
    }

    /// Counts wrong passwords here, together with whatever else is counted by this throttle, such as a sign-in form.
    #[must_use]
    pub fn throttled_by(mut self, throttle: Throttle) -> Self {
        self.throttle = Some(throttle);
        self
    }

    /// Lets everyone guess as fast as the threads hash. For tests, or where another part of the system counts.
    #[must_use]
    pub fn without_throttle(mut self) -> Self {
        self.throttle = None;
        self
    }

    /// How long a cache may reuse an answer: a minute unless set here. `None` hashes each time.
    #[must_use]
    pub fn reusable_for(mut self, life: Option<Duration>) -> Self {
        self.reusable_for = life;
        self
    }

    /// The PHC string of this password with a fresh salt, to be stored at sign-up or after a change.
    ///
    /// # Errors
    /// When the password is longer than this verifier takes, or the threads are busy.
    pub async fn hash(&self, password: &Secret) -> Result<String, HashError> {
        if password.expose().len() > self.longest {
            return Err(HashError::TooLong);
        }
        let (cost, password) = (self.cost, password.clone());
        let place = self.workers.queue().map_err(HashError::Unavailable)?;
        let hashed = place.run(move |memory| cost.hash_in(password.expose(), memory)).await;
        hashed.and_then(|hash| hash.ok_or_else(|| no_answer(Unverifiable::NoMemory))).map_err(HashError::Unavailable)
    }

    /// How many hashes are being computed now, [`threads`](Self::threads) at most.
    #[must_use]
    pub fn running(&self) -> usize {
        self.workers.running()
    }

    /// How many tries wait for a thread now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.workers.waiting()
    }

    fn with_workers(mut self) -> Self {
        self.workers = Workers::new(self.threads, self.queue, self.cost.blocks());
        self
    }

    /// Looks the name up and verifies the password, on a place that the queue gave.
    async fn decide(&self, place: Place, credential: BasicCredential) -> Result<Answer<S::Principal>, Unavailable> {
        let name = Box::<str>::from(credential.name());
        let found = self.store.find(&name).await.map_err(Unavailable::because)?;
        let stored = match &found {
            Some(row) => Stored::read(row.hash(), &self.limits),
            None => self.stored_dummy(),
        };
        let stored = stored.map_err(no_answer)?;
        let outdated = found.is_some() && self.store.keeps_rehashed() && stored.is_outdated(&self.cost);
        // Only where a password is refused without being computed, as past bcrypt's 72 bytes.
        let spare = if stored.may_refuse_unread() { self.stored_dummy().ok() } else { None };
        let sent = credential.clone();
        let matches = place.run(move |memory| {
            let password = sent.password().expose();
            match (stored.matches(password, memory)?, spare) {
                (Some(matches), _) => Ok(matches),
                (None, Some(dummy)) => dummy.matches(password, memory).map(|_| false),
                (None, None) => Ok(false),
            }
        });
        let matches = matches.await?.map_err(no_answer)?;
        match found {
            Some(row) if matches => {
                let (hash, verified) = row.into_parts();
                if outdated {
                    self.rehash(hash, credential);
                }
                Ok(verified.into())
            }
            _ => Ok(Answer::Refused),
        }
    }

    fn stored_dummy(&self) -> Result<Stored, Unverifiable> {
        // Every cost is within the default limits.
        let dummy = self.dummy.as_deref().ok_or(Unverifiable::Malformed)?;
        Stored::read(dummy, &HashLimits::default())
    }

    /// Hashes anew behind the answer, if a thread is idle: there will be another sign-in.
    fn rehash(&self, old: Box<str>, credential: BasicCredential) {
        let (Some(place), Ok(runtime)) = (self.workers.idle(), Handle::try_current()) else { return };
        let (cost, store) = (self.cost, Arc::clone(&self.store));
        runtime.spawn(async move {
            let name = Box::<str>::from(credential.name());
            let hashed = place.run(move |memory| cost.hash_in(credential.password().expose(), memory)).await;
            let Ok(Some(new)) = hashed else { return };
            if let Err(error) = store.rehashed(&name, &old, &new).await {
                tracing::warn!(target: "countersign", %error, "an outdated password hash could not be replaced");
            }
        });
    }
}

impl<F> Passwords<FoundBy<F>>
where
    FoundBy<F>: PasswordStore,
{
    /// Passwords found by `find`: the stored hash of a name and whom it names, `None` if there is no such name or it has no
    /// password, or an error if the store cannot be asked.
    pub fn found_by(find: F) -> Self {
        Self::in_store(FoundBy::new(find))
    }
}

#[async_trait]
impl<S: PasswordStore> Verify<BasicCredential> for Passwords<S> {
    type Principal = S::Principal;

    async fn verify(&self, credential: BasicCredential) -> Answer<S::Principal> {
        // Before the look-up, so that known and unknown names are refused alike.
        if credential.password().expose().len() > self.longest {
            return Answer::Refused;
        }
        let decided = match self.workers.queue() {
            Ok(place) => self.decide(place, credential).await,
            Err(busy) => Err(busy),
        };
        decided.unwrap_or_else(Answer::Unavailable)
    }

    fn reusable_for(&self) -> Option<Duration> {
        self.reusable_for
    }

    /// As many places as there are before the threads; a quarter of the queue for one address.
    fn queue_limits(&self) -> QueueLimits {
        let places = self.threads.get().saturating_add(self.queue);
        QueueLimits::at_once(places).waiting(1).share(self.queue / 4)
    }

    fn throttle(&self) -> Option<&Throttle> {
        self.throttle.as_ref()
    }

    fn account(&self, credential: &BasicCredential) -> Option<Account> {
        self.throttle.as_ref().map(|throttle| throttle.account(credential.name()))
    }
}

impl<S> fmt::Debug for Passwords<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords").field("cost", &self.cost).field("workers", &self.workers).finish_non_exhaustive()
    }
}

fn no_answer(why: Unverifiable) -> Unavailable {
    tracing::error!(target: "countersign", "{why}");
    Unavailable::because(why)
}

fn cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
