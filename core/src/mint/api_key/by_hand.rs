//! Making and deleting keys by an app's own calls.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::ApiKeys;
use crate::{
    clock::later,
    principal::Scopes,
    secret::{MintedToken, random::random_bytes},
    store::ApiKeyRecord,
    unavailable::Unavailable,
};

/// The longest name of a key, in bytes.
const LONGEST_NAME: usize = 200;

/// A key that is to be made: its name, and unless more is said, for all that its owner has whenever it is used, and without end.
#[derive(Debug, Clone)]
#[must_use]
pub struct NewApiKey {
    name: Box<str>,
    scopes: Option<Scopes>,
    life: Option<Duration>,
}

/// Text that is no key's name.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key's name has 1 to 200 bytes and no control characters")]
#[non_exhaustive]
pub struct BadKeyName;

/// A key that was just made. It can be shown now, and never again.
#[must_use]
pub struct CreatedApiKey {
    minted: MintedToken,
    id: Box<str>,
    ends: Option<SystemTime>,
}

impl NewApiKey {
    /// A key of this name, by which its owner recognises it in a list.
    ///
    /// # Errors
    /// When it is empty, longer than 200 bytes, or has control characters.
    pub fn named(name: &str) -> Result<Self, BadKeyName> {
        if name_fits(name) { Ok(Self { name: name.into(), scopes: None, life: None }) } else { Err(BadKeyName) }
    }

    /// For these scopes alone, as far as its owner has them when it is used.
    pub fn for_scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = Some(scopes);
        self
    }

    /// Ends after so long.
    pub fn ending_after(mut self, life: Duration) -> Self {
        self.life = Some(life);
        self
    }
}

impl CreatedApiKey {
    /// The key itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.minted.reveal()
    }

    /// By which its owner speaks of it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When it ends, if it does.
    #[must_use]
    pub fn ends(&self) -> Option<SystemTime> {
        self.ends
    }
}

impl<P: Send + Sync + 'static> ApiKeys<P> {
    /// Makes a key for this subject; `None` if the directory knows no such subject. For whoever has shown by means of the app's own for
    /// whom it is to be. How many a subject may have is the app's to count, with [`list`](Self::list).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use countersign::mint::api_key::{ApiKeys, NewApiKey};
    /// # async fn onboard(keys: &ApiKeys<String>) -> Result<(), Box<dyn std::error::Error>> {
    /// let wanted = NewApiKey::named("deploy")?
    ///     .for_scopes("reports:write".parse()?)
    ///     .ending_after(Duration::from_secs(90 * 86_400));
    /// if let Some(key) = keys.create("emily", wanted).await? {
    ///     println!("shown once: {}", key.reveal());
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// When the directory or the store does not answer.
    pub async fn create(&self, subject: &str, wanted: NewApiKey) -> Result<Option<CreatedApiKey>, Unavailable> {
        let Some(owner) = self.directory.find(subject).await? else { return Ok(None) };
        let all_scopes = wanted.scopes.is_none();
        let (minted, now, id) = (self.prefix.mint(), self.clock.wall(), fresh_id());
        let ends = wanted.life.map(|life| later(now, life));
        let record = ApiKeyRecord {
            id: id.clone(),
            subject: subject.into(),
            name: wanted.name,
            visible: minted.visible().into(),
            scopes: wanted.scopes.unwrap_or_else(|| owner.scopes().clone()),
            all_scopes,
            created: now,
            ends,
            used: None,
        };
        self.store.insert(minted.digest(), record).await?;
        Ok(Some(CreatedApiKey { minted, id, ends }))
    }

    /// The keys of a subject, oldest first, with those that have ended.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn list(&self, subject: &str) -> Result<Vec<ApiKeyRecord>, Unavailable> {
        self.store.list(subject).await
    }

    /// Deletes the key of this id, if it is this subject's; whether it was. The cache that [`revoking`](Self::revoking) named forgets it, also
    /// where the store fails or whoever asked goes away.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn delete(&self, subject: &str, id: &str) -> Result<bool, Unavailable> {
        self.caught_up_after(self.remove(subject, id)).await
    }

    /// Deletes all keys that a subject has at this moment, as when somebody took over their account.
    ///
    /// # Errors
    /// When the store does not answer; some keys may be deleted by then.
    pub async fn delete_all_of(&self, subject: &str) -> Result<(), Unavailable> {
        let deleting = async {
            for record in self.store.list(subject).await? {
                self.remove(subject, &record.id).await?;
            }
            Ok(())
        };
        self.caught_up_after(deleting).await
    }

    async fn caught_up_after<T>(&self, work: impl Future<Output = T>) -> T {
        match &self.cache {
            Some(cache) => cache.caught_up_after(work).await,
            None => work.await,
        }
    }

    async fn remove(&self, subject: &str, id: &str) -> Result<bool, Unavailable> {
        // No key is called so, and a store may fail on it.
        if id.chars().any(char::is_control) {
            return Ok(false);
        }
        let revoked = self.cache.as_ref().map(|cache| cache.revoked_afterwards(Self::handle(id)));
        let deleted = self.store.remove(subject, id).await?;
        if let (false, Some(revoked)) = (deleted, revoked) {
            revoked.unneeded();
        }
        Ok(deleted)
    }
}

pub(super) fn name_fits(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len()) && !name.chars().any(char::is_control)
}

pub(super) fn fresh_id() -> Box<str> {
    URL_SAFE_NO_PAD.encode(random_bytes::<12>()).into()
}

crate::sentence::prints_its_sentence!(BadKeyName);

impl fmt::Debug for CreatedApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatedApiKey").field("id", &self.id).finish_non_exhaustive()
    }
}
