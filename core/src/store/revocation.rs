//! Where it is written down what is void: [`RevocationStore`].

use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use crate::{principal::Handle, unavailable::Unavailable};

/// Up to where everything of a subject is void.
///
/// What this service issues says in which *generation* of its subject it was issued, and is void once the subject is in a later one. So what
/// is issued in the same second as the revocation, and after it, is good. What others issue says when, in whole seconds at best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_structs, reason = "a store that forgets a field must not compile: what is lost is a limit")]
pub struct SubjectFloor {
    /// How often the subject was revoked. Never falls.
    pub generation: u64,
    /// When that was for the last time; `None` if it never was. Never falls.
    pub revoked_at: Option<SystemTime>,
}

/// What a store says of a subject and of what was issued to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use]
#[expect(clippy::exhaustive_structs, reason = "a store that forgets a field must not compile: what is lost is a limit")]
pub struct Standing {
    /// Up to where everything of the subject is void.
    pub floor: SubjectFloor,
    /// Whether one of the handles that were asked for is void.
    pub revoked: bool,
}

/// What is void before its time: subjects by a floor, tokens and families of tokens by their handles.
///
/// A token that can be verified by itself, without a look-up, is good until it ends, whatever anybody says, unless its verifier asks a
/// store like this one. It asks when it verifies, and a [`CredentialCache`](crate::CredentialCache) remembers the answer; so whatever is
/// revoked here is revoked in the cache afterwards, as [`Revocation`](crate::mint::revocation::Revocation) does it.
///
/// # Example
/// ```
/// use countersign::{
///     Handle,
///     store::{MemoryTokens, RevocationStore},
/// };
/// use std::time::{Duration, SystemTime};
///
/// # #[tokio::main] async fn main() -> Result<(), countersign::Unavailable> {
/// let (store, now) = (MemoryTokens::default(), SystemTime::now());
/// let lost = Handle::token_of("https://issuer.example", "t-1");
/// store.revoke(lost, now + Duration::from_secs(600)).await?;
/// store.revoke_subject("emma", now).await?;
///
/// let standing = store.standing("emma", &[lost]).await?;
/// assert!(
///     standing.revoked
///         && standing.floor.voids_generation(0)
///         && !standing.floor.voids_generation(1)
/// );
/// # Ok(()) }
/// ```
///
/// # What a store must do
/// - Each call is one step: it has happened whole, or not at all, and nobody sees half of it.
/// - What was acknowledged is seen by every call that begins later, on every copy that shares the store.
/// - A floor is kept for ever, one row for each subject that was ever revoked: if it were forgotten, old tokens would be good again. A
///   handle is kept until its end.
/// - What it cannot find out is [`Unavailable`], never "not revoked".
/// - Where copies of a service share it, what is revoked is announced in the same transaction: see [`Outbox`](super::Outbox).
#[async_trait]
pub trait RevocationStore: Send + Sync + 'static {
    /// How a subject stands, and whether one of these handles is void.
    ///
    /// # Errors
    /// When the store cannot be reached. Never because the subject is unknown.
    async fn standing(&self, subject: &str, handles: &[Handle]) -> Result<Standing, Unavailable>;

    /// Puts a subject into its next generation, so that all is void that was issued to it until `now`; and forgets its families of refresh
    /// tokens, where the store has any. A clock that was set back does not lower `revoked_at`.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn revoke_subject(&self, subject: &str, now: SystemTime) -> Result<(), Unavailable>;

    /// Makes a token, or a family of tokens, void until `until`, when it has ended by itself; and forgets the family of this
    /// [handle](super::FamilyRecord::handle), if the store has it. Said twice, the later end counts.
    ///
    /// # Errors
    /// When the store cannot be reached. Never because nothing has this handle.
    async fn revoke(&self, handle: Handle, until: SystemTime) -> Result<(), Unavailable>;

    /// Forgets what has ended, `most` rows of each kind at the most, and says how many went: a small step of a work that is never urgent.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn purge(&self, now: SystemTime, most: usize) -> Result<usize, Unavailable>;
}

impl SubjectFloor {
    /// Whether what was issued in this generation of the subject is void.
    #[must_use]
    pub fn voids_generation(&self, generation: u64) -> bool {
        generation < self.generation
    }

    /// Whether what another service issued at this moment is void: in or before the second of the revocation, since that is how exactly
    /// an `iat` says it. If nobody says when it was, it counts as before.
    #[must_use]
    pub fn voids_issued(&self, issued: Option<SystemTime>) -> bool {
        let Some(revoked) = self.revoked_at else { return false };
        issued.is_none_or(|issued| seconds(issued) <= seconds(revoked))
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_voids_what_is_older_and_in_another_service_what_may_be() {
        let at = |millis| Some(SystemTime::UNIX_EPOCH + Duration::from_millis(millis));
        let floor = SubjectFloor { generation: 2, revoked_at: at(5_400) };
        for (issued, void) in [
            (None, true),
            (at(0), true),
            (at(4_999), true),
            (at(5_000), true),
            (at(5_999), true),
            (at(6_000), false),
            (at(9_000), false),
        ] {
            assert_eq!(floor.voids_issued(issued), void, "{issued:?}");
            assert!(!SubjectFloor::default().voids_issued(issued), "never revoked");
        }
        for (generation, void) in [(0, true), (1, true), (2, false), (3, false)] {
            assert_eq!(floor.voids_generation(generation), void, "{generation}");
            assert!(!SubjectFloor::default().voids_generation(generation));
        }
    }
}
