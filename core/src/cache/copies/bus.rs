//! How copies wake each other: [`Bus`].

use async_trait::async_trait;

use crate::{store::Announcement, unavailable::Unavailable};

/// What came over a [`Bus`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Heard {
    /// There is something new in the outbox.
    Wake,
    /// These rows are new in the outbox. If they follow upon what was read last, that need not be read.
    Rows(Vec<Announcement>),
}

/// Makes it known sooner that there is something new in an [`Outbox`](crate::store::Outbox). It may lose, delay and repeat what it is given:
/// nothing is revoked by its messages alone that is not in the outbox too.
///
/// Whether it is there is watched all the same, because a copy that hears nothing is late.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Tells all copies, this one too, that there is something new. Called at most once in 20 ms.
    ///
    /// # Errors
    /// When it cannot be told.
    async fn wake(&self) -> Result<(), Unavailable>;

    /// Begins to listen. What is sent from then on is heard.
    ///
    /// # Errors
    /// When nothing can be heard.
    async fn listen(&self) -> Result<Box<dyn Listening>, Unavailable>;
}

/// A line on which is heard what comes over a [`Bus`].
#[async_trait]
pub trait Listening: Send {
    /// What comes next. Dropping the future before it is ready loses nothing.
    ///
    /// # Errors
    /// When the line is cut. Then it is [begun anew](Bus::listen).
    async fn next(&mut self) -> Result<Heard, Unavailable>;

    /// Asks the other end whether it is still there, over the very line on which messages come. None is lost by it.
    ///
    /// # Errors
    /// When it is not.
    async fn beat(&mut self) -> Result<(), Unavailable>;
}
