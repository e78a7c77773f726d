//! Several copies of a service that forget together: [`Copies`].
//!
//! Each copy of a service has a cache of its own. What is revoked on one copy is a row in the [`Outbox`] of the store that they share,
//! written in the transaction of the change itself; each copy reads the new rows twice a second and revokes them in its own cache. A [`Bus`]
//! only makes it sooner.
//!
//! - **A copy is in touch for two seconds after it began to read all that is new**, and heard its buses. Whatever keeps it from that, it notices
//!   by its clock: an outage, a message that never comes, or that it was stopped itself.
//! - **Out of touch it forgets everything, and reuses an answer for five seconds at most**, of what it knew before too. Fail-open settings of
//!   the cache count for no longer then.
//! - When it is in touch again, when a bus is connected again, and when rows are missing, it forgets everything once more. So a copy that
//!   starts late, or was away for a day, is right from its first request.
//! - **What an endpoint, or a call by hand such as [`end_all_of`](crate::mint::session::Sessions::end_all_of), has revoked is read here, too,
//!   before it answers**, a second at most. Read later, it would void the sign-in that comes next.
//! - A log line and the metric `countersign_copies_in_touch` say how it is.
//!
//! # Example
//! ```
//! use countersign::{
//!     CredentialCache, Handle,
//!     cache::copies::Copies,
//!     store::{MemoryOutbox, Outbox, Voided},
//! };
//! use std::{sync::Arc, time::Duration};
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let outbox = Arc::new(MemoryOutbox::default()); // an app takes that of its store, such as of countersign-sqlx
//! let cache = CredentialCache::default();
//! let copies = Copies::sharing(outbox.clone()).every(Duration::from_millis(10)).follow(&cache)?; // keep it as long as the cache
//! copies.settled().await;
//! let before = cache.counts().revocations;
//!
//! outbox.announce(&[Voided::Handle(Handle::subject("emily"))]).await?; // on another copy
//! while cache.counts().revocations == before {
//!     tokio::time::sleep(Duration::from_millis(5)).await;
//! }
//! # Ok(()) }
//! ```
//!
//! # What it does not do
//! It does not announce what an app changes by itself, such as a password: [`Following::revoke`] does, or the app writes the row in its own
//! transaction, where its store offers that.
//!
//! # Why
//! See [`manual::design`](crate::manual::design).

mod bus;
mod listener;
mod reader;
pub(super) mod touch;
mod waker;

use std::{fmt, sync::Arc, time::Duration};

use tokio::{runtime::Handle as Runtime, sync::watch, task::AbortHandle};

pub use self::bus::{Bus, Heard, Listening};
use self::{
    listener::Listener,
    reader::Reader,
    touch::{Change, Touch},
    waker::Waker,
};
use super::CredentialCache;
use crate::{
    observe::meter,
    principal::Handle,
    store::{Outbox, Voided},
    unavailable::Unavailable,
};

/// What copies of a service share, and how they hear of it. See the [module](self).
#[must_use = "nothing is followed until a cache follows it"]
pub struct Copies {
    first: Arc<dyn Outbox>,
    sources: Vec<Source>,
    every: Duration,
    patience: Duration,
    life: Duration,
}

/// A store, and what comes with it.
struct Source {
    outbox: Arc<dyn Outbox>,
    bus: Option<Arc<dyn Bus>>,
}

/// Why a cache cannot follow.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CannotFollow {
    /// It follows others already.
    #[error("the cache follows other copies already; name all that they share in one Copies")]
    Already,
    /// There is no runtime to work in.
    #[error("copies are followed in a tokio runtime; call follow() in the one that outlives the server")]
    NoRuntime,
}

crate::sentence::prints_its_sentence!(CannotFollow);

/// A cache that is told what is revoked on other copies, for as long as this is kept: dropped, the cache is out of touch for good.
#[must_use = "a cache is in touch only while this is kept"]
pub struct Following {
    cache: CredentialCache,
    outbox: Arc<dyn Outbox>,
    touch: Arc<Touch>,
    settled: watch::Receiver<usize>,
    tasks: Vec<AbortHandle>,
}

impl Copies {
    /// Copies that share the store of this outbox.
    pub fn sharing(outbox: Arc<dyn Outbox>) -> Self {
        Self {
            first: Arc::clone(&outbox),
            sources: vec![Source { outbox, bus: None }],
            every: Duration::from_millis(500),
            patience: Duration::from_secs(2),
            life: Duration::from_secs(5),
        }
    }

    /// And another store: for sessions in one and keys in another.
    pub fn and_sharing(mut self, outbox: Arc<dyn Outbox>) -> Self {
        self.sources.push(Source { outbox, bus: None });
        self
    }

    /// Reads the outbox that was named last whenever this bus says so, and says so over it. It is what the store of that outbox comes with.
    pub fn woken_by(mut self, bus: Arc<dyn Bus>) -> Self {
        if let Some(last) = self.sources.last_mut() {
            last.bus = Some(bus);
        }
        self
    }

    /// Reads that often, woken or not. Half a second unless told otherwise.
    pub fn every(mut self, interval: Duration) -> Self {
        self.every = interval.max(Duration::from_millis(1));
        self
    }

    /// Takes the copy for out of touch when it has not read, or not heard a bus, for so long. Two seconds unless told otherwise.
    pub fn out_of_touch_after(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Reuses no answer for longer than that while out of touch. Five seconds unless told otherwise; zero reuses none, so that each request
    /// asks its verifier.
    pub fn life_out_of_touch(mut self, life: Duration) -> Self {
        self.life = life;
        self
    }

    /// Begins to follow, in tasks of the runtime that this is called in.
    ///
    /// # Errors
    /// When the cache follows other copies already, or there is no runtime.
    pub fn follow(self, cache: &CredentialCache) -> Result<Following, CannotFollow> {
        let runtime = Runtime::try_current().map_err(|_| CannotFollow::NoRuntime)?;
        let buses = self.sources.iter().filter(|source| source.bus.is_some()).count();
        let wakers: Vec<Arc<Waker>> = self.sources.iter().map(|_| Arc::default()).collect();
        let touch = Arc::new(Touch::new(wakers.clone(), buses, self.patience, self.life));
        cache.0.touch.set(Arc::clone(&touch)).map_err(|_| CannotFollow::Already)?;
        let (settling, settled) = watch::channel(0);
        let (mut tasks, mut source, mut number) = (Vec::new(), 0, 0);
        let mut next = || {
            source += 1;
            Watched { cache: cache.clone(), touch: Arc::clone(&touch), source: source - 1, patience: self.patience }
        };
        for (Source { outbox, bus }, waker) in self.sources.into_iter().zip(wakers) {
            let reader = Reader::new(next(), outbox, Arc::clone(&waker), self.every, Settling::begin(&settling));
            tasks.push(runtime.spawn(reader.run()).abort_handle());
            let Some(bus) = bus else { continue };
            let settling = Some(Settling::begin(&settling));
            let listener = Listener { watched: next(), bus: Arc::clone(&bus), waker, every: self.every, settling };
            tasks.push(runtime.spawn(listener.run()).abort_handle());
            tasks.push(runtime.spawn(listener::wake(bus, Arc::clone(&touch), number, self.patience)).abort_handle());
            number += 1;
        }
        Ok(Following { cache: cache.clone(), outbox: self.first, touch, settled, tasks })
    }
}

impl Following {
    /// Whether the copy is in touch with all that it follows.
    #[must_use]
    pub fn is_in_touch(&self) -> bool {
        self.touch.holds(self.cache.clock().monotonic())
    }

    /// Ends when every outbox was read once, and every bus was heard, or could not be. A service need not wait for it: until then it is out of
    /// touch, and right all the same.
    pub async fn settled(&self) {
        let mut settled = self.settled.clone();
        // Or when the readers ended with their runtime.
        let _ = settled.wait_for(|left| *left == 0).await;
    }

    /// Voids everything of this handle on every copy: for what an app changed by itself, such as a password, when that is committed. The
    /// others are told first, so that none is forgotten should this copy end in between; this one is told whatever comes of that, and has read its own
    /// row when this returns, or has tried for a second.
    ///
    /// # Errors
    /// When the outbox does not answer. Nobody knows then whether the others were told; call it again.
    pub async fn revoke(&self, handle: Handle) -> Result<(), Unavailable> {
        let announcing = async {
            let _revoked = self.cache.revoked_afterwards(handle);
            self.outbox.announce(&[Voided::Handle(handle)]).await
        };
        self.cache.caught_up_after(announcing).await
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// Something that has to happen before all is settled, until this is dropped.
struct Settling(watch::Sender<usize>);

impl Settling {
    fn begin(all: &watch::Sender<usize>) -> Self {
        all.send_modify(|left| *left += 1);
        Self(all.clone())
    }
}

impl Drop for Settling {
    fn drop(&mut self) {
        self.0.send_modify(|left| *left = left.saturating_sub(1));
    }
}

/// One of the sources that a cache must be in touch with.
struct Watched {
    cache: CredentialCache,
    touch: Arc<Touch>,
    source: usize,
    patience: Duration,
}

impl Watched {
    fn now(&self) -> Duration {
        self.cache.clock().monotonic()
    }

    /// How long the source may take to answer.
    fn left(&self) -> Duration {
        self.touch.left(self.source, self.now())
    }

    /// All was seen that was there at `since`; `anew` if something may have been missed before.
    fn seen(&self, since: Duration, anew: bool, what: &str) {
        let forget = || self.cache.forget_everything();
        if self.touch.seen(self.source, since, self.now(), anew, forget) == Change::Regained {
            tracing::info!(target: "countersign", "{what} answers again; what was verified meanwhile is forgotten");
        }
    }

    /// Says so, once, if the source is out of touch.
    fn check(&self, what: &str, why: &str) {
        let forget = || self.cache.forget_everything();
        if self.touch.check(self.source, self.now(), forget) == Change::Lost {
            meter::count!("countersign_copies_lost_touch_total");
            tracing::warn!(
                target: "countersign",
                "{what} has not answered for {:?}: this copy is out of touch with the others, and reuses answers for a short time only: {why}",
                self.patience,
            );
        }
    }
}

impl fmt::Debug for Copies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Copies")
            .field("stores", &self.sources.len())
            .field("every", &self.every)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Following").field("in_touch", &self.is_in_touch()).finish_non_exhaustive()
    }
}
