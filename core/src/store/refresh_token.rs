//! Where families of refresh tokens are kept: [`RefreshStore`].

use std::{
    net::IpAddr,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use super::RevocationStore;
use crate::{
    principal::{Handle, HandleKind, Scopes},
    secret::TokenDigest,
    unavailable::Unavailable,
};

/// What a store keeps of a family: the refresh tokens that came of one sign-in, each the successor of the last, of which one is good.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a store that forgets a field must not compile: what is lost may be a limit"
)]
pub struct FamilyRecord {
    /// By which its tokens find it, and its owner speaks of it. Of no use as a credential.
    pub id: Box<str>,
    /// Whose it is.
    pub subject: Box<str>,
    /// In which generation of the subject it was begun.
    pub generation: u64,
    /// What its tokens may be used for: the scopes that were named, or else what its owner had when it was begun.
    pub scopes: Scopes,
    /// Whether none were named.
    pub all_scopes: bool,
    /// The one token that is good.
    pub current: TokenDigest,
    /// The token before it, until whose answer may have been lost.
    pub previous: Option<TokenDigest>,
    /// When it was begun.
    pub created: SystemTime,
    /// When a token of it was last used.
    pub used: SystemTime,
    /// When it ends (exclusive) unless it is used before.
    pub ends: SystemTime,
    /// From where it was last used.
    pub address: Option<IpAddr>,
    /// By what: the `User-Agent`.
    pub agent: Option<Box<str>>,
}

/// A refresh token on its way to its successor.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a store that passes over a field must not compile: it may be a limit")]
pub struct Rotation {
    /// The family of the token.
    pub id: Box<str>,
    /// The token that was brought.
    pub spent: TokenDigest,
    /// The one that takes its place.
    pub successor: TokenDigest,
    /// When this is.
    pub now: SystemTime,
    /// When the family ends from then on.
    pub ends: SystemTime,
    /// From where the token came.
    pub address: Option<IpAddr>,
    /// Who brought it.
    pub agent: Option<Box<str>>,
    /// For how long after its use a token may come once more, from the same address, and be answered as it was. Zero is never.
    pub forgiven: Duration,
    /// Until when the handle of the family is void if the token was used before: the end of the last access token that came of it.
    pub void_until: SystemTime,
}

/// What became of a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "a store that says something else must not be taken for one that says yes")]
pub enum Rotated {
    /// It was good; its successor is.
    Now,
    /// It was used a moment ago by the same address, whose answer may have been lost; its successor is still good.
    Again,
    /// It was used before: its family is void, with the access tokens that came of it.
    Reused,
    /// There is no such family, it has ended, or it is void.
    Unknown,
}

/// Where families of refresh tokens are kept, and with them what is void. Families whose `ends` is over may be dropped at any time.
///
/// # What a store must do
/// Beside what a [`RevocationStore`] must:
/// - **No family ever has two good tokens.** [`rotate`](Self::rotate) compares, spends and stores the successor in one step; of two calls
///   at once with the same token, one is [`Rotated::Now`], and the other makes the family void.
/// - A family is begun and another makes way in one step: no subject ever has more than `most`.
/// - A family of an earlier generation than its subject is in is not there.
/// - Where copies of a service share it, a family that is void because a token came twice is announced in the same transaction: see
///   [`Outbox`](super::Outbox). One that makes way, or ends, is not, because access tokens that came of it are good until they end.
#[async_trait]
pub trait RefreshStore: RevocationStore {
    /// Keeps a new family. If its subject then had more than `most` that have not ended, the oldest are forgotten.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn begin(&self, family: FamilyRecord, most: usize) -> Result<(), Unavailable>;

    /// The family of this id, if it has not ended at `now`.
    ///
    /// # Errors
    /// When the store cannot be reached. Never because the family is unknown.
    async fn find(&self, id: &str, now: SystemTime) -> Result<Option<FamilyRecord>, Unavailable>;

    /// Puts a successor in the place of a token. In one step, by the first of these that holds:
    /// 1. There is no family of this id that has not ended and is of its subject's generation: [`Rotated::Unknown`].
    /// 2. `spent` is its `current`: `successor` is from now on, `spent` is `previous`, and use, end, address and agent are noted.
    ///    [`Rotated::Now`].
    /// 3. `forgiven` is not zero, `spent` is `previous`, `successor` is `current`, `used` is less than `forgiven` ago, and `address` is known
    ///    and that of the record: [`Rotated::Again`], and nothing changes.
    /// 4. Else the family is forgotten, and its handle is void until `void_until`: [`Rotated::Reused`].
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn rotate(&self, rotation: Rotation) -> Result<Rotated, Unavailable>;

    /// All families of a subject that have not ended at `now`, oldest first.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn list(&self, subject: &str, now: SystemTime) -> Result<Vec<FamilyRecord>, Unavailable>;
}

impl FamilyRecord {
    /// The handle of the family: by it the family is revoked, and each access token that came of it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Self::handle_of(&self.id)
    }

    /// The handle of the family of this id.
    #[must_use]
    pub fn handle_of(id: &str) -> Handle {
        Handle::of(HandleKind::Family, id)
    }

    /// What becomes of a token of this family, which has not ended and is of its subject's generation. For stores that decide in this
    /// process; see [`RefreshStore::rotate`].
    pub fn judge(&self, rotation: &Rotation) -> Rotated {
        if rotation.spent == self.current {
            return Rotated::Now;
        }
        let since = rotation.now.duration_since(self.used).unwrap_or_default();
        let forgiven = since < rotation.forgiven
            && self.previous == Some(rotation.spent)
            && self.current == rotation.successor
            && rotation.address.is_some()
            && rotation.address == self.address;
        if forgiven { Rotated::Again } else { Rotated::Reused }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_lost_answer_is_forgiven_to_who_may_have_lost_it() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let digest = |text: &str| TokenDigest::of(text.as_bytes());
        let address = |last| Some(IpAddr::from(Ipv4Addr::new(10, 0, 0, last)));
        let family = FamilyRecord {
            id: "f".into(),
            subject: "emily".into(),
            generation: 0,
            scopes: Scopes::default(),
            all_scopes: true,
            current: digest("b"),
            previous: Some(digest("a")),
            created: at(0),
            used: at(100),
            ends: at(1000),
            address: address(1),
            agent: None,
        };
        let rotation = Rotation {
            id: "f".into(),
            spent: digest("a"),
            successor: digest("b"),
            now: at(105),
            ends: at(2000),
            address: address(1),
            agent: None,
            forgiven: Duration::from_secs(10),
            void_until: at(700),
        };
        type Change = fn(&mut Rotation, &mut FamilyRecord);
        let rows: [(Change, Rotated); 10] = [
            (|_, _| {}, Rotated::Again),
            (|rotation, _| rotation.forgiven = Duration::ZERO, Rotated::Reused),
            (|rotation, _| rotation.forgiven = Duration::from_secs(5), Rotated::Reused),
            (|rotation, _| rotation.now = SystemTime::UNIX_EPOCH, Rotated::Again),
            (|rotation, _| rotation.address = Some(IpAddr::from(Ipv4Addr::new(10, 0, 0, 2))), Rotated::Reused),
            (|rotation, family| (rotation.address, family.address) = (None, None), Rotated::Reused),
            (|rotation, _| rotation.successor = TokenDigest::of(b"c"), Rotated::Reused),
            (|_, family| family.previous = None, Rotated::Reused),
            (|rotation, _| rotation.spent = TokenDigest::of(b"older"), Rotated::Reused),
            (|rotation, _| rotation.spent = TokenDigest::of(b"b"), Rotated::Now),
        ];
        for (row, (change, expected)) in rows.into_iter().enumerate() {
            let (mut rotation, mut family) = (rotation.clone(), family.clone());
            change(&mut rotation, &mut family);
            assert_eq!(family.judge(&rotation), expected, "row {row}");
        }
    }
}
