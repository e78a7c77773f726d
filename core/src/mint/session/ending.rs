//! Ending sessions: in the store, and then in the cache.
//!
//! An app's call runs to its end in a task of its own: were it dropped between the two, what was ended would stay good for the life of its
//! entry.

use super::{
    Sessions,
    begun::{digest_of, id_of},
    handle, is_live,
    patience::in_time,
};
use crate::{
    cache::CredentialCache,
    credential::{CookieCredential, Extract},
    gate::Grant,
    principal::Handle,
    request::ClientInfo,
    unavailable::Unavailable,
    verifier::queue::sender,
};

impl<P: Send + Sync + 'static> Sessions<P> {
    /// Ends the session that this client brought along, if it did. Its browser forgets the cookie by
    /// [`clear`](crate::credential::Extract::clear), or by the endpoint that signs out; a copy of it opens nothing.
    ///
    /// # Errors
    /// When the store does not answer. Nothing that was ended is in the cache then.
    pub async fn end(&self, from: &ClientInfo) -> Result<(), Unavailable> {
        let (sessions, owned) = (self.clone(), from.clone());
        let ending = async move { sessions.end_earlier(&owned, sessions.cache.as_ref()).await };
        self.to_its_end(sender(from.address()), ending).await
    }

    /// Ends the session of this id, if it is this subject's; whether it was, and had not ended.
    ///
    /// # Errors
    /// When the store does not answer. Nothing that was ended is in the cache then.
    pub async fn end_one_of(&self, subject: &str, id: &str) -> Result<bool, Unavailable> {
        let (sessions, whose, id) = (self.clone(), Box::<str>::from(subject), Box::<str>::from(id));
        let ending = async move { sessions.end_of(&whose, &id, sessions.cache.as_ref()).await };
        self.to_its_end(Handle::subject(subject).to_bits(), ending).await
    }

    /// Ends all sessions of a subject, and voids whatever else is in the cache for it.
    ///
    /// # Errors
    /// When the store does not answer. Nothing that was ended is in the cache then.
    pub async fn end_all_of(&self, subject: &str) -> Result<(), Unavailable> {
        let (sessions, whose) = (self.clone(), Box::<str>::from(subject));
        let ending = async move { sessions.end_all(&whose, sessions.cache.as_ref()).await };
        self.to_its_end(Handle::subject(subject).to_bits(), ending).await
    }

    /// What an app asked for by a call: whoever leaves, and until this copy knows what became void by it.
    pub(super) async fn to_its_end<T: Send + 'static>(
        &self,
        sender: u128,
        work: impl Future<Output = Result<T, Unavailable>> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let cache = self.cache.clone();
        let work = async move {
            match cache {
                Some(cache) => cache.caught_up_after(work).await,
                None => work.await,
            }
        };
        self.tasks.run(sender, work).await.flatten()
    }

    /// Whether this grant was given for one of these sessions, and if so, the session's id.
    pub(super) fn id_in<'g>(&self, grant: &'g Grant<P>) -> Option<&'g str> {
        (grant.scheme() == self.cookie.scheme()).then(|| grant.credential_id()).flatten()
    }

    /// Ends the session of this cookie.
    pub(super) async fn end_by(
        &self,
        credential: &CookieCredential,
        cache: Option<&CredentialCache>,
    ) -> Result<(), Unavailable> {
        let digest = digest_of(credential);
        let _revoked = cache.map(|cache| cache.revoked_afterwards(handle(&id_of(&digest))));
        in_time(self.store.remove(digest)).await
    }

    pub(super) async fn end_earlier(
        &self,
        from: &ClientInfo,
        cache: Option<&CredentialCache>,
    ) -> Result<(), Unavailable> {
        match self.earlier(from) {
            Some(earlier) => self.end_by(&earlier, cache).await,
            None => Ok(()),
        }
    }

    pub(super) async fn end_all(&self, subject: &str, cache: Option<&CredentialCache>) -> Result<(), Unavailable> {
        // Before, for a sign-in that is under way: it has stored its session by now, to be removed below, or it finds that what it
        // verified is void. Afterwards, for what was looked up meanwhile.
        let _revoked = cache.map(|cache| {
            cache.revoke(Handle::subject(subject));
            cache.revoked_afterwards(Handle::subject(subject))
        });
        in_time(self.store.remove_all_of(subject)).await
    }

    pub(super) async fn end_of(
        &self,
        subject: &str,
        id: &str,
        cache: Option<&CredentialCache>,
    ) -> Result<bool, Unavailable> {
        // No session is called so, and a store may fail on it.
        if id.chars().any(char::is_control) {
            return Ok(false);
        }
        let revoked = cache.map(|cache| cache.revoked_afterwards(handle(id)));
        let ended = in_time(self.store.remove_of(subject, id)).await?;
        if let (None, Some(revoked)) = (&ended, revoked) {
            revoked.unneeded();
        }
        let now = self.cookie.now();
        Ok(ended.is_some_and(|record| is_live(&record, now)))
    }
}
