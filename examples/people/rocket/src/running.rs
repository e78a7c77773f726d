//! The requests that run: Rocket waits at its end for every open connection, idle ones too, until its patience is over.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rocket::{
    Data, Request,
    fairing::{Fairing, Info, Kind},
    tokio::time::sleep,
};

/// Counts the requests that have a head and no whole answer yet.
#[derive(Clone, Default)]
pub(crate) struct Running(Arc<AtomicUsize>);

/// Lives as long as its request does, however that ends.
struct One(Arc<AtomicUsize>);

/// How often to look.
const EVERY: Duration = Duration::from_millis(100);

/// How long a request may take to be counted: Rocket waits for the first bytes of its body before anything of ours sees it.
const UNSEEN: Duration = Duration::from_secs(2);

impl Running {
    /// Until none runs, and none that was under way can have been overlooked.
    pub(crate) async fn none(&self) {
        let begun = Instant::now();
        while begun.elapsed() < UNSEEN || self.0.load(Ordering::Acquire) > 0 {
            sleep(EVERY).await;
        }
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[rocket::async_trait]
impl Fairing for Running {
    fn info(&self) -> Info {
        Info { name: "requests that run", kind: Kind::Request }
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        request.local_cache(|| {
            self.0.fetch_add(1, Ordering::AcqRel);
            One(Arc::clone(&self.0))
        });
    }
}
