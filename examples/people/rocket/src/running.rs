//! The requests that run: Rocket waits at its end for every open connection, idle ones too, until its patience is over.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
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

/// How long to wait for what is on its way to or from the network.
const ON_ITS_WAY: Duration = Duration::from_millis(100);

impl Running {
    /// Until none runs.
    pub(crate) async fn none(&self) {
        loop {
            sleep(ON_ITS_WAY).await;
            if self.0.load(Ordering::Acquire) == 0 {
                break;
            }
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
