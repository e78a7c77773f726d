//! Forgets now and then what has ended.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use crate::store::RefreshStore;

/// The least time between two sweeps, in seconds.
const INTERVAL: u64 = 60;

/// How much goes in one step, and how many steps are one sweep.
const STEP: usize = 500;
const STEPS: usize = 20;

/// When it was last swept, in seconds since 1970.
#[derive(Default)]
pub(super) struct Sweeper {
    last: AtomicU64,
}

impl Sweeper {
    /// Sweeps, if it is time again. Detached: nothing waits for it.
    pub(super) fn sweep(&self, store: &Arc<dyn RefreshStore>, now: SystemTime) {
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let last = self.last.load(Ordering::Relaxed);
        let due = seconds.abs_diff(last) >= INTERVAL;
        if !due || self.last.compare_exchange(last, seconds, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let store = Arc::clone(store);
        runtime.spawn(async move {
            for _ in 0..STEPS {
                match store.purge(now, STEP).await {
                    Ok(gone) if gone >= STEP => {}
                    Ok(_) => return,
                    Err(error) => {
                        tracing::warn!(target: "countersign", "what has ended of tokens was not forgotten: {error}");
                        return;
                    }
                }
            }
        });
    }
}
