//! The threads that hash: memory that is used again, and a permit for as long as a thread works.

use std::{
    fmt,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use argon2::Block;
use tokio::runtime::Handle;

use crate::{
    unavailable::Unavailable,
    verifier::queue::{self, Queue, QueueLimits, WorkPermit},
};

/// Runs work on blocking threads, each under a turn in one queue. Clones share threads and queue.
#[derive(Clone)]
pub(super) struct Workers(Arc<Inner>);

struct Inner {
    threads: usize,
    queue: Arc<Queue>,
    memory: Mutex<Vec<Vec<Block>>>,
    /// Memory above this is given back to the system.
    kept_blocks: usize,
}

/// A place before the threads.
pub(super) struct Place {
    workers: Workers,
    held: Held,
}

enum Held {
    /// The turn of the verification that runs here: whoever asked has queued already.
    Turn(WorkPermit),
    /// A place of our own.
    Place(queue::Place),
}

impl Workers {
    pub(super) fn new(threads: NonZeroUsize, queue: usize, kept_blocks: usize) -> Self {
        let limits = QueueLimits::at_once(threads.get()).waiting(queue).share(queue / 4);
        Self(Arc::new(Inner {
            threads: threads.get(),
            queue: Queue::new(limits),
            memory: Mutex::default(),
            kept_blocks,
        }))
    }

    /// The queue, in which whoever asks a verifier waits for a turn.
    pub(super) fn turns(&self) -> &Arc<Queue> {
        &self.0.queue
    }

    /// A place in the queue, or the answer that it is full. Never waits.
    pub(super) fn queue(&self) -> Result<Place, Unavailable> {
        let held = match WorkPermit::current().filter(|permit| permit.is_of(&self.0.queue)) {
            Some(turn) => Held::Turn(turn),
            None => Held::Place(self.0.queue.enter_ourselves()?),
        };
        Ok(Place { workers: self.clone(), held })
    }

    /// A place of our own, if work could begin at once.
    pub(super) fn idle(&self) -> Option<Place> {
        if self.running() >= self.0.threads {
            return None;
        }
        let place = self.0.queue.enter_ourselves().ok()?;
        Some(Place { workers: self.clone(), held: Held::Place(place) })
    }

    pub(super) fn threads(&self) -> usize {
        self.0.threads
    }

    pub(super) fn running(&self) -> usize {
        self.0.queue.running()
    }

    pub(super) fn waiting(&self) -> usize {
        self.0.queue.len().saturating_sub(self.running())
    }
}

impl Place {
    /// Waits for a thread, and for the work to end on it.
    ///
    /// Dropping the future while it waits leaves the queue. Once the thread works, it works to its end and keeps its turn until then:
    /// a client that leaves frees nothing that is still being used.
    pub(super) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        let Self { workers, held } = self;
        let runtime = Handle::try_current().map_err(Unavailable::because)?;
        let (turn, place) = match held {
            Held::Turn(turn) => (turn, None),
            Held::Place(place) => (place.turn().await.map_err(Unavailable::because)?, Some(place)),
        };
        let worker = runtime.spawn_blocking(move || {
            let _until_the_end = (turn, place);
            let mut memory = workers.take_memory();
            let done = work(&mut memory);
            workers.keep_memory(memory);
            done
        });
        worker.await.map_err(Unavailable::because)
    }
}

impl Workers {
    fn take_memory(&self) -> Vec<Block> {
        self.0.memory.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn keep_memory(&self, memory: Vec<Block>) {
        let mut kept = self.0.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if !memory.is_empty() && memory.len() <= self.0.kept_blocks && kept.len() < self.0.threads {
            kept.push(memory);
        }
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workers")
            .field("threads", &self.threads())
            .field("running", &self.running())
            .field("waiting", &self.waiting())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        pin::pin,
        sync::mpsc,
        task::{Context, Poll, Waker},
    };

    use super::*;

    fn workers(threads: usize, queue: usize) -> Workers {
        Workers::new(NonZeroUsize::new(threads).unwrap(), queue, 8)
    }

    fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test]
    async fn a_client_that_leaves_frees_no_thread() {
        // L4
        let workers = workers(1, 1);
        let (release, released) = mpsc::channel::<()>();
        let (begin, began) = mpsc::channel();
        {
            let mut left = pin!(workers.queue().unwrap().run(move |_| {
                begin.send(()).unwrap();
                released.recv()
            }));
            assert!(poll_once(left.as_mut()).is_pending());
        }
        began.recv().unwrap();
        assert_eq!((workers.running(), workers.waiting()), (1, 0), "the thread still works");
        {
            let mut second = pin!(workers.queue().unwrap().run(|_| ()));
            assert!(poll_once(second.as_mut()).is_pending());
            assert_eq!((workers.running(), workers.waiting()), (1, 1));
            assert!(workers.queue().is_err(), "full");
        }
        assert_eq!((workers.running(), workers.waiting()), (1, 0), "who only waited is gone");
        release.send(()).unwrap();
        workers.queue().unwrap().run(|_| ()).await.unwrap();
        assert_eq!((workers.running(), workers.waiting()), (0, 0));
    }

    #[tokio::test]
    async fn a_full_queue_says_when_to_come_back() {
        // L4
        let workers = workers(2, 3);
        let places: Vec<_> = (0..5).map(|_| workers.queue().unwrap()).collect();
        let busy = workers.queue().err().unwrap();
        assert!(busy.retry_after().is_some());
        assert!(workers.idle().is_none());
        drop(places);
        assert!(workers.idle().is_some());
    }

    #[tokio::test]
    async fn a_verification_that_has_its_turn_queues_no_second_time() {
        let workers = workers(1, 1);
        let place = workers.turns().enter(1).unwrap();
        let turn = place.turn().await.unwrap();
        let hashed = turn.cover(async { workers.queue().unwrap().run(|_| 7).await });
        assert_eq!(hashed.await.unwrap(), 7, "under the turn that it has, for there is no other");
        // A turn in somebody else's queue is none in this one.
        let elsewhere = Queue::new(QueueLimits::at_once(1)).enter(1).unwrap().turn().await.unwrap();
        let (running, _) = (elsewhere.cover(async { workers.queue().map(|place| place.held) }).await.unwrap(), place);
        assert!(matches!(running, Held::Place(_)));
    }

    #[tokio::test]
    async fn a_panic_frees_its_thread_and_is_no_answer() {
        let workers = workers(1, 0);
        let panicked: Result<(), _> = workers.queue().unwrap().run(|_| panic!("on purpose")).await;
        assert!(panicked.is_err());
        assert_eq!((workers.running(), workers.waiting()), (0, 0));
        workers.queue().unwrap().run(|_| ()).await.unwrap();
    }

    #[tokio::test]
    async fn memory_is_used_again_and_an_outsize_piece_is_not_kept() {
        let workers = workers(1, 0);
        for (grows_to, found) in [(8, 0), (8, 8), (9, 8), (8, 0)] {
            let seen = workers.queue().unwrap().run(move |memory| {
                let seen = memory.len();
                memory.resize(grows_to, Block::new());
                seen
            });
            assert_eq!(seen.await.unwrap(), found);
        }
    }

    #[test]
    fn without_a_runtime_there_is_no_answer() {
        let workers = workers(1, 0);
        let mut run = pin!(workers.queue().unwrap().run(|_| ()));
        assert!(matches!(poll_once(run.as_mut()), Poll::Ready(Err(_))));
    }
}
