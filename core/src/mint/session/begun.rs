//! Beginning sessions.

use std::time::{Duration, SystemTime};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Sessions, handle, is_live, patience::in_time};
use crate::{
    cache::CredentialCache,
    clock::later,
    credential::{CookieCredential, Extract, Occurrences},
    principal::Handle,
    request::{ClientInfo, RequestView, path::same_site_path},
    response::Reply,
    secret::{Secret, TokenDigest, random::random_bytes},
    store::SessionRecord,
    unavailable::Unavailable,
    verifier::queue::sender,
};

/// The longest `User-Agent` that is kept, in bytes. Of a longer one the beginning is.
const LONGEST_AGENT: usize = 1024;

/// A session that was just begun, and its cookie, which its owner has yet to be given.
#[derive(Debug)]
#[must_use = "whoever is not given the cookie is not signed in"]
pub struct Begun {
    pub(super) digest: TokenDigest,
    id: Box<str>,
    cookie: Secret,
}

impl Begun {
    /// By which its owner speaks of it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The value of `Set-Cookie`, for an answer of the app's own; it belongs in one that nothing stores (`Cache-Control: no-store`).
    #[must_use]
    pub fn set_cookie(&self) -> &str {
        std::str::from_utf8(self.cookie.expose()).unwrap_or_default()
    }

    /// 204, with the cookie.
    pub fn reply(&self) -> Reply {
        Reply::new(204).with("cache-control", "no-store").with("set-cookie", self.set_cookie())
    }

    /// 303 to this path, with the cookie. What is no path of this site is `/`, so that a `next` which a client sent may be handed over.
    pub fn going_to(&self, path: &str) -> Reply {
        self.reply().status_is(303).with("location", same_site_path(path))
    }
}

impl From<Begun> for Reply {
    fn from(begun: Begun) -> Self {
        begun.reply()
    }
}

impl<P: Send + Sync + 'static> Sessions<P> {
    /// Begins a session of this subject, with a fresh identifier, and ends the one that this client brought along. For whoever has shown
    /// by means of the app's own who they are.
    ///
    /// It runs to its end, whoever hangs up.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn begin(&self, subject: &str, from: &ClientInfo) -> Result<Begun, Unavailable> {
        self.begin_for(subject, from, false, self.cookie.now()).await
    }

    /// Begins a session like [`begin`](Self::begin) for who was signed in already, by what the app had before: they showed then who they
    /// are, and not now. A policy that wants a recent sign-in goes by that time; where it is not known, say `SystemTime::UNIX_EPOCH`.
    ///
    /// ```
    /// # use std::time::SystemTime;
    /// # use countersign::{Reply, Unavailable, mint::session::Sessions, request::ClientInfo};
    /// async fn moved(
    ///     sessions: &Sessions<String>,
    ///     user: &str,
    ///     from: &ClientInfo,
    /// ) -> Result<Reply, Unavailable> {
    ///     Ok(sessions.carry_over(user, from, SystemTime::UNIX_EPOCH).await?.going_to("/app"))
    /// }
    /// ```
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn carry_over(
        &self,
        subject: &str,
        from: &ClientInfo,
        authenticated: SystemTime,
    ) -> Result<Begun, Unavailable> {
        self.begin_for(subject, from, false, authenticated).await
    }

    /// The same for who asked to be [remembered](Self::remembering_for).
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn begin_remembered(&self, subject: &str, from: &ClientInfo) -> Result<Begun, Unavailable> {
        self.begin_for(subject, from, true, self.cookie.now()).await
    }

    /// Gives the session that this client brought along a fresh identifier, for when its owner may do more from now on; what it knew before
    /// opens nothing any more. Everything else of it stays, its end and the app's data among it. `None` if there is no session.
    ///
    /// It runs to its end, whoever hangs up.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn renew(&self, from: &ClientInfo) -> Result<Option<Begun>, Unavailable> {
        let Some(earlier) = self.earlier(from) else { return Ok(None) };
        let (sessions, from) = (self.clone(), from.clone());
        let sender = sender(from.address());
        let renewing = async move {
            let (cache, now) = (sessions.cache.as_ref(), sessions.cookie.now());
            let found = in_time(sessions.store.find(digest_of(&earlier))).await?;
            let Some(record) = found.filter(|record| is_live(record, now)) else { return Ok(None) };
            // The one that it replaces goes at once, so that no other has to make way for both.
            let most = sessions.rules.most.saturating_add(1);
            let begun = sessions.insert(SessionRecord { used: now, ..record }, most, &from, cache).await?;
            sessions.end_by(&earlier, cache).await?;
            Ok(Some(begun))
        };
        self.to_its_end(sender, renewing).await
    }

    async fn begin_for(
        &self,
        subject: &str,
        from: &ClientInfo,
        remembered: bool,
        authenticated: SystemTime,
    ) -> Result<Begun, Unavailable> {
        let (sessions, subject, from) = (self.clone(), Box::<str>::from(subject), from.clone());
        let sender = sender(from.address());
        let beginning = async move {
            let cache = sessions.cache.as_ref();
            let begun = sessions.start(&subject, &from, remembered, authenticated, cache).await?;
            sessions.end_earlier(&from, cache).await?;
            Ok(begun)
        };
        self.to_its_end(sender, beginning).await
    }

    /// Begins a session of this subject. `cache` is told of those that make way.
    pub(super) async fn start(
        &self,
        subject: &str,
        from: &ClientInfo,
        remembered: bool,
        authenticated: SystemTime,
        cache: Option<&CredentialCache>,
    ) -> Result<Begun, Unavailable> {
        let (now, life) = (self.cookie.now(), self.rules.life(remembered));
        let generation = in_time(self.floor_of(subject)).await?.generation;
        let record = SessionRecord {
            id: Box::default(),
            subject: subject.into(),
            generation,
            created: now,
            authenticated,
            used: now,
            idle: life.idle,
            ends: later(now, life.longest),
            address: from.address().map(|address| address.to_canonical()),
            agent: from.agent().map(|agent| kept_of(&agent)),
            data: None,
            revision: 0,
        };
        self.insert(record, self.rules.most, from, cache).await
    }

    /// Keeps this as a session with an identifier and an id of its own, one of so many of its subject at most.
    async fn insert(
        &self,
        record: SessionRecord,
        most: usize,
        from: &ClientInfo,
        cache: Option<&CredentialCache>,
    ) -> Result<Begun, Unavailable> {
        let identifier = URL_SAFE_NO_PAD.encode(random_bytes::<32>());
        let digest = TokenDigest::of(identifier.as_bytes());
        let (id, ends, remembered) = (id_of(&digest), record.ends, self.rules.remembers(record.idle));
        let max_age = ends.duration_since(record.used).unwrap_or(Duration::ZERO);
        let record = SessionRecord { id: id.clone(), ..record };
        // Should the store fail, nobody knows who made way.
        let all = cache.map(|cache| cache.revoked_afterwards(Handle::subject(&record.subject)));
        let made_way = in_time(self.store.insert(digest, record, most)).await?;
        if let (Some(cache), Some(all)) = (cache, all) {
            all.unneeded();
            made_way.iter().for_each(|id| cache.revoke(handle(id)));
        }
        let sealed = self.cookie.seal(identifier.as_bytes(), ends);
        let cookie = match remembered {
            true => self.cookie.set_remembered(from.is_secure(), &sealed, max_age),
            false => self.cookie.set_cookie(from.is_secure(), &sealed, max_age),
        };
        let cookie = Secret::new(cookie);
        Ok(Begun { digest, id, cookie })
    }

    /// The session of the one good cookie that this client brought along.
    pub(super) fn earlier(&self, from: &ClientInfo) -> Option<CookieCredential> {
        let request = RequestView::direct(from);
        let mut occurrences = Occurrences::default();
        self.cookie.locate(&request, &mut occurrences);
        self.cookie.read(occurrences.only()?)
    }
}

pub(super) fn digest_of(credential: &CookieCredential) -> TokenDigest {
    TokenDigest::of(credential.value().expose())
}

/// Told by the digest, so that whoever has a cookie knows the id without asking, and nobody the other way round.
pub(in crate::mint) fn id_of(digest: &TokenDigest) -> Box<str> {
    let id = blake3::derive_key("countersign session id v1", digest.as_bytes());
    URL_SAFE_NO_PAD.encode(id.first_chunk::<15>().unwrap_or(&[0; 15])).into()
}

/// What is kept of an agent: no store fails on it.
fn kept_of(agent: &str) -> Box<str> {
    let mut end = agent.len().min(LONGEST_AGENT);
    while !agent.is_char_boundary(end) {
        end -= 1;
    }
    agent.get(..end).unwrap_or_default().replace('\0', "\u{FFFD}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_kept_as_stores_can_hold_it() {
        let long = "\u{e4}".repeat(LONGEST_AGENT);
        for (sent, kept) in [
            ("curl/8", "curl/8"),
            ("a\0b", "a\u{FFFD}b"),
            ("", ""),
            (&format!("x{long}"), &format!("x{}", &long[..1022])),
        ] {
            assert_eq!(&*kept_of(sent), kept);
        }
    }

    #[test]
    fn an_id_is_short_and_tells_nothing_of_the_cookie() {
        let digest = TokenDigest::of(b"an identifier");
        let id = id_of(&digest);
        assert_eq!((id.len(), &id), (20, &id_of(&digest)));
        assert_ne!(id, id_of(&TokenDigest::of(b"another")));
        assert!(!digest.to_hex().contains(&*id));
    }
}
