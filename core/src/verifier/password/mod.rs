//! Passwords of people: Argon2id hashes in the application's store.
//!
//! - A hash is computed on a blocking thread; as many run at once as there are cores. Before them is a bounded queue, and who
//!   finds it full is answered at once: unavailable, come back later. A client that leaves frees no thread that still works.
//! - An unknown name costs what a wrong password costs: it is verified against a hash that no password has.
//! - Stored hashes are PHC strings, Argon2id or its elders; above [`HashLimits`] they are not computed. Line ends, blanks and NULs
//!   around them do not count. With the feature `legacy-passwords` those of bcrypt, scrypt, PBKDF2 and salted digests are verified
//!   too, as PHP, Django, Werkzeug, passlib, Spring and LDAP servers write them. A password that bcrypt would cut, past 72 bytes, is
//!   refused.
//! - Nothing, `!…` and `*…` say that there is no password: refused like an unknown name, and at the same cost.
//! - **A hash that cannot be read costs and answers alike**, since else the account would show; but its owner is not to blame: it is
//!   [`Answer::Unjudged`], which no throttle counts and no cache keeps. It shows in the log once a minute, in the counter
//!   `countersign_unreadable_hashes_total` and in [`Passwords::unreadable`]; [`Passwords::check`] lists such rows at start.
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
//!     let found = (name == "emily").then(|| {
//!         StoredPassword::new(hash.as_str(), Verified::new("Emily").with_subject("emily"))
//!     });
//!     async move { Ok::<_, std::io::Error>(found) }
//! });
//! assert!(matches!(
//!     passwords.verify(BasicCredential::new("emily", "s3cret")).await,
//!     Answer::Verified(_)
//! ));
//! assert!(matches!(
//!     passwords.verify(BasicCredential::new("emily", "secret")).await,
//!     Answer::Refused
//! ));
//! assert!(matches!(
//!     passwords.verify(BasicCredential::new("emma", "s3cret")).await,
//!     Answer::Refused
//! ));
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
mod fault;
mod judged;
#[cfg(feature = "legacy-passwords")]
mod legacy;
mod read;
mod report;
mod stored;
mod unreadable;
mod workers;

use std::{
    fmt,
    num::NonZeroUsize,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use tokio::runtime::Handle;

pub use self::{
    cost::{HashLimits, PasswordCost},
    fault::HashFault,
    report::{HashReport, UnreadableHash},
};
use self::{
    fault::NoMemory,
    stored::Stored,
    unreadable::Unreadable,
    workers::{Place, Workers},
};
use super::{
    Answer, Terms, Verify,
    reuse::{Reuse, Tries},
};
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
    tries: Tries,
    unreadable: Unreadable,
}

/// Rows that [`Passwords::check`] asks a store for at once.
const PAGE: usize = 1000;

/// Why a password was not hashed.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// It is longer than the verifier would take.
    #[error("the password is too long")]
    TooLong,
    /// There was no thread or no memory for it.
    #[error(transparent)]
    Unavailable(Unavailable),
}

crate::sentence::prints_its_sentence!(HashError);

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
            tries: Tries::default(),
            unreadable: Unreadable::default(),
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
        self.tries.throttle = Some(throttle);
        self
    }

    /// Lets everyone guess as fast as the threads hash. For tests, or where another part of the system counts.
    #[must_use]
    pub fn without_throttle(mut self) -> Self {
        self.tries.throttle = None;
        self
    }

    /// How long a cache may reuse an answer: a minute unless set here. `None` hashes each time.
    #[must_use]
    pub fn reusable_for(mut self, life: Option<Duration>) -> Self {
        self.tries.reuse = Reuse(life);
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
        hashed.and_then(|hash| hash.ok_or_else(|| no_answer(NoMemory))).map_err(HashError::Unavailable)
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

    /// How many tries met a stored hash that cannot be verified, since this was made: for a health page. It should be 0; else
    /// [`check`](Self::check) tells whose.
    #[must_use]
    pub fn unreadable(&self) -> u64 {
        self.unreadable.tries()
    }

    /// Reads all hashes that the store [lists](PasswordStore::hashes), a thousand at a time, and tells which cannot be verified: at
    /// start, or before moving in. Nothing is hashed, and a million rows take some seconds.
    ///
    /// # Errors
    /// When the store cannot be asked, or gives the same page again.
    pub async fn check(&self) -> Result<HashReport, Unavailable> {
        let (mut report, mut after) = (HashReport::default(), None::<Box<str>>);
        loop {
            let page = self.store.hashes(after.as_deref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(report) };
            if after.as_deref() == Some(last.name()) {
                return Err(Unavailable::because("the password store does not list on from the name that it is given"));
            }
            after = Some(last.name().into());
            for row in &page {
                report.add(row, &self.limits);
            }
            tokio::task::yield_now().await;
        }
    }

    fn with_workers(mut self) -> Self {
        self.workers = Workers::new(self.threads, self.queue, self.cost.blocks());
        self
    }

    /// Looks the name up and verifies the password, on a place that the queue gave.
    async fn decide(&self, place: Place, credential: BasicCredential) -> Result<Answer<S::Principal>, Unavailable> {
        let name = Box::<str>::from(credential.name());
        let found = self.store.find(&name).await?;
        let read = found.as_ref().map(|row| Stored::read(row.hash(), &self.limits));
        let (own, refusal) = match read {
            None | Some(Ok(None)) => (None, Answer::Refused),
            Some(Ok(Some(stored))) => (Some(stored), Answer::Refused),
            Some(Err(fault)) => {
                self.unreadable.meet(fault, Instant::now());
                (None, Answer::Unjudged)
            }
        };
        let outdated = self.store.keeps_rehashed() && own.as_ref().is_some_and(|own| own.is_outdated(&self.cost));
        // Where there is no hash to compute, or it may cost nothing to, the work is that for an unknown name.
        let needs_dummy = own.as_ref().is_none_or(Stored::may_cost_nothing);
        let dummy = if needs_dummy { Some(self.stored_dummy().ok_or_else(|| no_answer(NoMemory))?) } else { None };
        let sent = credential.clone();
        let matches = place.run(move |memory| {
            let password = sent.password().expose();
            let judged = own.map(|own| own.judge(password, memory)).transpose()?;
            match dummy {
                Some(dummy) if judged.is_none_or(|judged| !judged.worked) => {
                    dummy.judge(password, memory)?;
                }
                _ => {}
            }
            Ok(judged.is_some_and(|judged| judged.matches))
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
            // The name is not told: people type passwords into the wrong field.
            Some(_) => Ok(said(refusal, "the password is wrong, or what is stored takes none")),
            None => Ok(said(refusal, "there is no such name")),
        }
    }

    /// Every cost is within the default limits.
    fn stored_dummy(&self) -> Option<Stored> {
        Stored::argon2(self.dummy.as_deref()?, &HashLimits::default()).ok()
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
            return Answer::refused("the password is longer than this verifier takes");
        }
        let decided = match self.workers.queue() {
            Ok(place) => self.decide(place, credential).await,
            Err(busy) => Err(busy),
        };
        self.tries.reuse.limit(decided.unwrap_or_else(Answer::Unavailable))
    }

    /// As many at once as there are threads; a quarter of the queue for one address.
    fn terms(&self) -> Terms {
        self.tries.terms(self.workers.turns())
    }

    fn account(&self, credential: &BasicCredential) -> Option<Account> {
        self.tries.account(credential.name(), credential.password().expose().len() <= self.longest)
    }
}

impl<S> fmt::Debug for Passwords<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords").field("cost", &self.cost).field("workers", &self.workers).finish_non_exhaustive()
    }
}

/// The refusal, with why in the log.
fn said<P>(refusal: Answer<P>, why: &str) -> Answer<P> {
    match refusal {
        Answer::Refused => Answer::refused(why),
        other => other,
    }
}

fn no_answer(why: NoMemory) -> Unavailable {
    tracing::error!(target: "countersign", "{why}");
    Unavailable::because(why)
}

fn cores() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
