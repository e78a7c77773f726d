//! A program's end: [`Stopping`].

use std::{io, time::Duration};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// How long running requests may take to finish once the program is told to stop.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Ctrl-C and SIGTERM. Begin it before anything is said to listen: whoever reads that may stop the program at once.
#[derive(Debug, Clone)]
pub struct Stopping(watch::Receiver<()>);

impl Stopping {
    /// Listens to both from here on. For within a runtime.
    ///
    /// # Errors
    /// When no signal can be waited for.
    pub fn begin() -> io::Result<Self> {
        let (mut terminated, mut interrupted) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let (until_stopped, running) = watch::channel(());
        tokio::spawn(async move {
            tokio::select! {
                _ = terminated.recv() => {}
                _ = interrupted.recv() => {}
            }
            drop(until_stopped);
        });
        Ok(Self(running))
    }

    /// Until one of them comes, or at once if one came.
    pub async fn stopped(&self) {
        while self.0.clone().changed().await.is_ok() {}
    }
}
