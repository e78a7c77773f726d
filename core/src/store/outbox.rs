//! Where it is written what other copies of a service must forget: [`Outbox`].

use std::time::SystemTime;

use async_trait::async_trait;

use crate::{principal::Handle, unavailable::Unavailable};

/// What is void by an announcement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a store that cannot write one of them must not compile: it would be forgotten"
)]
pub enum Voided {
    /// Everything of this handle.
    Handle(Handle),
    /// Everything.
    Everything,
}

/// A row of an [`Outbox`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a store that forgets a field must not compile: what is lost may be a limit"
)]
pub struct Announcement {
    /// Its number: one more than that of the row before.
    pub number: u64,
    /// What is void by it.
    pub voided: Voided,
}

/// What an [`Outbox`] holds above a cursor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_structs, reason = "a store that forgets a field must not compile: what is lost is a row")]
pub struct OutboxPage {
    /// The number of the latest row that was ever written; 0 before the first.
    pub newest: u64,
    /// The rows above the cursor, oldest first.
    pub rows: Vec<Announcement>,
}

/// Rows that say what was made void, for all copies of a service that share a store.
///
/// Each copy remembers what it verified. When something is revoked on one copy, the others must forget it too, and whoever revoked it may be
/// killed before it can tell them. So **the row is written by the store, in the same transaction as the change**, and every copy reads the
/// rows, twice a second and whenever it is told to: see [`Copies`](crate::cache::copies::Copies).
///
/// # What a store writes
/// A store that several copies share writes rows by itself; nobody hands it the handles:
///
/// | change | row |
/// |---|---|
/// | a session is removed, or makes way for another | [`SessionRecord::handle_of`](super::SessionRecord::handle_of) its id |
/// | all sessions of a subject are removed, whether there were any or none | [`Handle::subject`] |
/// | a key is removed | [`ApiKeyRecord::handle_of`](super::ApiKeyRecord::handle_of) its id |
/// | a subject is revoked | [`Handle::subject`] |
/// | a handle is revoked | the handle |
/// | a refresh token was used twice | [`FamilyRecord::handle`](super::FamilyRecord::handle) |
///
/// What an app changes by itself, such as a password, it [announces](Self::announce).
///
/// # What a store must do
/// - **Numbers begin at 1 and leave out none**, and who sees a row sees all rows before it that were not purged. A sequence of a database
///   does not do: its numbers are drawn before they are committed, in another order. A counter that the transaction holds does.
/// - A number never comes twice. The counter outlives the rows that are purged.
/// - What was acknowledged is seen by every call that begins later, on every copy.
///
/// # Example
/// ```
/// use countersign::{Handle, store::{Announcement, MemoryOutbox, Outbox, OutboxPage, Voided}};
///
/// # #[tokio::main] async fn main() -> Result<(), countersign::Unavailable> {
/// let outbox = MemoryOutbox::default();
/// let voided = Voided::Handle(Handle::subject("emily"));
/// outbox.announce(&[voided]).await?;
///
/// let rows = vec![Announcement { number: 1, voided }];
/// assert_eq!(outbox.since(0, 100).await?, OutboxPage { newest: 1, rows });
/// assert_eq!(outbox.since(1, 100).await?, OutboxPage { newest: 1, rows: Vec::new() });
/// # Ok(()) }
/// ```
#[async_trait]
pub trait Outbox: Send + Sync + 'static {
    /// Writes a row for each of these, by itself, for a change that is committed already. Where an app's change is in the same database, it
    /// is better written in the same transaction.
    ///
    /// # Errors
    /// When the store cannot be reached. Nobody knows then whether the rows are written.
    async fn announce(&self, voided: &[Voided]) -> Result<(), Unavailable>;

    /// The rows above this number, oldest first, `most` at the most, and the number of the latest: of one moment, or the number of an earlier
    /// one. The cursor may be any number, also one that was never given.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn since(&self, cursor: u64, most: usize) -> Result<OutboxPage, Unavailable>;

    /// Forgets rows that were written before this moment, `most` at the most and the oldest first, and says how many went. A copy that has
    /// not read them yet finds that they are missing, and forgets everything.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn purge(&self, before: SystemTime, most: usize) -> Result<usize, Unavailable>;
}
