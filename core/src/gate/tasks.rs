//! What changes something and must not be left half done: a task of its own, which runs to its end whoever hangs up.
//!
//! A framework drops a handler when its client goes away. Whatever stood behind the next `await` is then never done: a session is
//! ended in its store and the cache is not told. Work that is handed over here goes on without its request, within bounds: so many
//! tasks at once, a share of them for each sender, and a last moment for each.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    sync::watch,
    time::timeout,
};
use tracing::Instrument;

use crate::{
    unavailable::Unavailable,
    verifier::queue::{Place, Queue, QueueLimits},
};

/// How many tasks run at once, of all senders and of one.
const AT_ONCE: usize = 1024;
const SHARE: usize = 256;

/// How long one step of a task waits for a store.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How long a request waits for the end of its task. The task goes on.
const ANSWER: Duration = Duration::from_secs(15);

/// How long a task may take. A store that has not answered by then is given up.
const LAST: Duration = Duration::from_secs(60);

/// The tasks of a gate.
pub(crate) struct Tasks {
    /// The runtime in which the gate was built.
    home: Option<Handle>,
    queue: Arc<Queue>,
    running: Arc<watch::Sender<usize>>,
}

/// Counts a task for as long as it lives, however it ends.
struct Running {
    all: Arc<watch::Sender<usize>>,
    _place: Place,
}

impl Running {
    fn begin(all: &Arc<watch::Sender<usize>>, place: Place) -> Self {
        all.send_modify(|running| *running += 1);
        Self { all: Arc::clone(all), _place: place }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.all.send_modify(|running| *running = running.saturating_sub(1));
    }
}

impl Tasks {
    pub(crate) fn new() -> Self {
        Self {
            home: Handle::try_current().ok(),
            queue: Queue::new(QueueLimits::at_once(AT_ONCE).waiting(1).share(SHARE)),
            running: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Runs this to its end, and waits for it, as long as is bearable.
    ///
    /// # Errors
    /// When too much runs already, when it takes too long, or when it panics. In the last two cases nobody knows how far it came.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        sender: u128,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let place = self.queue.enter(sender)?;
        let Some(runtime) = self.runtime() else {
            return Err(Unavailable::because("no tokio runtime runs here"));
        };
        let running = Running::begin(&self.running, place);
        let task = runtime.spawn(
            async move {
                let _running = running;
                timeout(LAST, work).await
            }
            .in_current_span(),
        );
        match timeout(ANSWER, task).await {
            Ok(Ok(Ok(done))) => Ok(done),
            Ok(Ok(Err(_))) | Err(_) => {
                Err(Unavailable::because("the work takes too long; it goes on without its request"))
            }
            Ok(Err(error)) if error.is_panic() => Err(Unavailable::because("the work panicked")),
            Ok(Err(_)) => Err(Unavailable::because("the runtime in which the gate was built has ended")),
        }
    }

    /// Ends when no task runs.
    pub(crate) async fn drained(&self) {
        let mut running = self.running.subscribe();
        // The sender is ours, so that it cannot be gone.
        let _ = running.wait_for(|running| *running == 0).await;
    }

    /// Where tasks run. The single threads of actix-web's workers end while their server stops, and would take their tasks along: there
    /// it is the runtime in which the gate was built.
    fn runtime(&self) -> Option<Handle> {
        let here = Handle::try_current().ok();
        match (&here, &self.home) {
            (Some(here), Some(home)) if here.runtime_flavor() == RuntimeFlavor::CurrentThread => Some(home.clone()),
            _ => here,
        }
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks").field("running", &*self.running.borrow()).finish_non_exhaustive()
    }
}
