//! The threads that hash: so many at once, a bounded queue before them, memory that is used again.

use std::{
    fmt,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use argon2::Block;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
};

use crate::unavailable::Unavailable;

/// Runs work on blocking threads. Clones share threads and queue.
#[derive(Clone)]
pub(super) struct Workers(Arc<Inner>);

struct Inner {
    threads: usize,
    places: usize,
    /// Who runs or waits.
    queue: Arc<Semaphore>,
    /// Who runs. A permit belongs to the thread that works, not to the request that asked: a client that leaves frees
    /// nothing that is still being used.
    running: Arc<Semaphore>,
    memory: Mutex<Vec<Vec<Block>>>,
    /// Memory above this is given back to the system.
    kept_blocks: usize,
    /// Nanoseconds that the last piece of work took: what a refused client is told to wait.
    last: AtomicU64,
}

/// A place in the queue.
pub(super) struct Place {
    workers: Workers,
    queued: OwnedSemaphorePermit,
}

impl Workers {
    pub(super) fn new(threads: NonZeroUsize, queue: usize, kept_blocks: usize) -> Self {
        let threads = threads.get().min(Semaphore::MAX_PERMITS);
        let places = threads.saturating_add(queue).min(Semaphore::MAX_PERMITS);
        Self(Arc::new(Inner {
            threads,
            places,
            queue: Arc::new(Semaphore::new(places)),
            running: Arc::new(Semaphore::new(threads)),
            memory: Mutex::default(),
            kept_blocks,
            last: AtomicU64::new(0),
        }))
    }

    /// A place in the queue, or the answer that it is full. Never waits.
    pub(super) fn queue(&self) -> Result<Place, Unavailable> {
        match self.0.queue.clone().try_acquire_owned() {
            Ok(queued) => Ok(Place { workers: self.clone(), queued }),
            Err(_) => Err(Unavailable::busy(self.drained())),
        }
    }

    /// A place, if work could begin at once.
    pub(super) fn idle(&self) -> Option<Place> {
        if self.0.running.available_permits() == 0 { None } else { self.queue().ok() }
    }

    pub(super) fn threads(&self) -> usize {
        self.0.threads
    }

    pub(super) fn running(&self) -> usize {
        self.0.threads.saturating_sub(self.0.running.available_permits())
    }

    pub(super) fn waiting(&self) -> usize {
        self.0.places.saturating_sub(self.0.queue.available_permits()).saturating_sub(self.running())
    }

    /// How long the whole queue takes, by what the last piece of work took.
    fn drained(&self) -> Duration {
        let last = Duration::from_nanos(self.0.last.load(Ordering::Relaxed));
        let rounds = u32::try_from(self.0.places / self.0.threads).unwrap_or(u32::MAX);
        last.saturating_mul(rounds).clamp(Duration::from_secs(1), Duration::from_secs(60))
    }
}

impl Place {
    /// Waits for a thread, and for the work to end on it.
    ///
    /// Dropping the future while it waits leaves the queue. Once the thread works, it works to its end and keeps its place
    /// and its permit until then.
    pub(super) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        let Self { workers, queued } = self;
        let runtime = Handle::try_current().map_err(Unavailable::because)?;
        let running = workers.0.running.clone().acquire_owned().await.map_err(Unavailable::because)?;
        let worker = runtime.spawn_blocking(move || {
            let _until_the_end = (queued, running);
            let began = Instant::now();
            let mut memory = workers.take_memory();
            let done = work(&mut memory);
            workers.keep_memory(memory);
            workers.0.last.store(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
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
        assert_eq!(busy.retry_after(), Some(Duration::from_secs(1)));
        assert!(workers.idle().is_none());
        drop(places);
        assert!(workers.idle().is_some());
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
