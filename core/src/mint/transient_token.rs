//! Tokens of a few seconds, for clients that can set no header: signed, without a look-up, and void at a word.
//!
//! - A token holds who it is for and when it ends, signed with a key ring. Its use does not prolong it.
//! - It comes behind `Bearer`, or on GET, HEAD and DELETE in the query, out of which it is taken before the app sees the URI. Both at once is 400.
//! - One that is voided before its end is written down until then in a [`RevocationStore`], which is asked at each use: it is void at once, on
//!   every copy that shares the store. What voids a subject there voids its tokens too.
//! - [`remembered`](TransientTokens::remembered), it is looked up once on each copy, and void as soon as the copies [hear](crate::cache::copies) of it.
//!
//! # Example
//! ```
//! use countersign::{
//!     Basic, Gate, KeyRing, Verified, adapter::Verdict, mint::transient_token::TransientTokens,
//!     store::MemoryTokens, testing::PlainHead, verifier::PasswordTable,
//! };
//! use std::{sync::Arc, time::Duration};
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let tokens = TransientTokens::signed_by(
//!     KeyRing::random(),
//!     Arc::new(MemoryTokens::default()),
//!     |subject| Some(Verified::new(subject.to_owned()).with_subject(subject)),
//! );
//! let tokens = tokens.lasting(Duration::from_secs(5));
//! let gate = Gate::in_realm("files").accept(tokens.kind("token"), tokens.clone()).build()?;
//!
//! // Whoever has a password gets one, from an endpoint that an adapter mounts with a line.
//! let passwords = PasswordTable::new().with(
//!     "emma",
//!     "s3cret",
//!     Verified::new("emma".to_owned()).with_subject("emma"),
//! );
//! let by_password = Gate::in_realm("files").accept(Basic, passwords).build()?;
//! let issue = tokens.issue(&by_password);
//! let asked = PlainHead::new("POST", "/tokens")
//!     .with("authorization", "Basic ZW1tYTpzM2NyZXQ=")
//!     .received_by(&by_password);
//! let Verdict::Admitted(emma) = asked.verdict_at(&by_password).await else {
//!     panic!("the password is right")
//! };
//! let work = issue
//!     .prepare(&asked, asked.exchange(), Some(emma))
//!     .map_err(|reply| reply.status().to_string())?;
//! let reply: serde_json::Value = serde_json::from_slice(work.run(Vec::new()).await.body())?;
//!
//! let download =
//!     |token: &str| PlainHead::get(&format!("/report.pdf?token={token}")).received_by(&gate);
//! let token = reply["token"].as_str().ok_or("a text")?;
//! assert!(matches!(download(token).verdict_at(&gate).await, Verdict::Admitted(_)));
//! assert!(
//!     matches!(download(&token[1..]).verdict_at(&gate).await, Verdict::Rejected(_)),
//!     "not what was signed"
//! );
//! # Ok(()) }
//! ```
//!
//! # What it does not do
//! It binds a token to nothing: whoever has it uses it until it ends, for whatever its gate guards. A link that is good for one path alone is a
//! [signed link](crate::credential::signed_link).
//!
//! # Deployment
//! Servers and proxies in front write URIs to their logs: by the time that somebody reads them, these tokens are over.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use serde_json::json;

use super::endpoint::{
    Endpoint, Work,
    described::{Answered, DONE, Described, Member, Shape},
    owner::owned,
    unavailable,
};
use crate::{
    clock::{SharedClock, SystemClock, later},
    credential::{Bearer, Extract, Occurrences, QueryParam, Raw, TokenCredential},
    gate::Gate,
    principal::{Handle, HandleKind, Verified},
    request::{Field, RequestView},
    response::{Challenge, Reply},
    secret::{KeyRing, random::random_bytes, seal::Seal},
    store::RevocationStore,
    unavailable::Unavailable,
    verifier::{Answer, Kept, Terms, Verify},
};

type Principal<P> = dyn Fn(&str) -> Option<Verified<P>> + Send + Sync;

/// Makes tokens of a few seconds, and verifies them. Cheap to clone. See the [module](self).
pub struct TransientTokens<P> {
    keys: KeyRing,
    voided: Arc<dyn RevocationStore>,
    principal: Arc<Principal<P>>,
    clock: SharedClock,
    life: Duration,
    kept: Kept,
}

/// The kind: behind `Bearer`, or in a parameter of the query.
#[derive(Debug, Clone)]
pub struct TransientToken {
    query: QueryParam,
}

/// How long the id of a token is.
const ID: usize = 16;

/// What a token says.
struct Said {
    id: [u8; ID],
    issued: SystemTime,
    ends: SystemTime,
    subject: Box<str>,
}

const HANDED_OUT: &[Answered] = &[Answered::json(
    200,
    "The token.",
    &[Member::of("token", Shape::Text), Member::of("expires_in", Shape::Seconds(u64::MAX))],
)];

impl<P: Send + Sync + 'static> TransientTokens<P> {
    /// Tokens signed by these keys, of which the voided ones are written down here; `principal` says whom a subject names, `None` for nobody.
    /// They last a minute.
    #[must_use]
    pub fn signed_by(
        keys: KeyRing,
        voided: Arc<dyn RevocationStore>,
        principal: impl Fn(&str) -> Option<Verified<P>> + Send + Sync + 'static,
    ) -> Self {
        let clock = SystemClock::shared();
        Self { keys, voided, principal: Arc::new(principal), clock, life: Duration::from_secs(60), kept: Kept::Never }
    }

    /// Tokens last so long.
    #[must_use]
    pub fn lasting(mut self, life: Duration) -> Self {
        self.life = life;
        self
    }

    /// Remembers answers in the cache of the gate, so that the store is asked once for a token and not at each use. What is voided is forgotten
    /// here at once, and by copies that [follow](crate::cache::copies::Copies) the store's outbox within half a second at most. A copy that
    /// follows nothing takes a voided token until its answer has run out.
    #[must_use]
    pub fn remembered(mut self) -> Self {
        self.kept = Kept::Always;
        self
    }

    /// Takes time from this clock; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// The kind that reads them, with the query parameter of this name.
    #[must_use]
    pub fn kind(&self, parameter: &str) -> TransientToken {
        TransientToken { query: QueryParam::named(parameter).for_every_method() }
    }

    /// The endpoint that hands one out to whom this gate lets in, such as by Basic: `POST`; 200 `{"token","expires_in"}`.
    #[must_use]
    pub fn issue(&self, gate: &Gate<P>) -> Endpoint<P> {
        let this = self.clone();
        let described = Described::new("POST", "Hands out a token that is good for a short while.");
        owned(described.at_once().answering(HANDED_OUT), gate, move |_, owner, _, _| {
            let reply =
                Reply::json(200, &json!({ "token": this.seal(&owner.subject), "expires_in": this.life.as_secs() }));
            let reply = reply.with("cache-control", "no-store");
            Ok(Work::reading(move |_| async move { reply }))
        })
    }

    /// The endpoint that voids the token that its request was let in with: `DELETE`; 204. The gate takes the tokens' kind.
    #[must_use]
    pub fn end(&self, kind: &TransientToken, gate: &Gate<P>) -> Endpoint<P> {
        let (this, kind, realm) = (self.clone(), kind.clone(), Arc::clone(gate.realm()));
        let described = Described::new("DELETE", "Voids the token that the request came with.").answering(DONE);
        Endpoint::new(described, &Arc::clone(&realm), Some(gate.clone().known_callers()), move |request, _| {
            let (this, realm, wants) = (this.clone(), Arc::clone(&realm), request.wants());
            let mut occurrences = Occurrences::default();
            kind.locate(request, &mut occurrences);
            let token = occurrences.only().and_then(|raw| kind.read(raw));
            let said = token.and_then(|token| this.open(token.token().expose()));
            Ok(Work::changing(request, &Arc::clone(&realm), move |_| async move {
                // One that has ended since the gate read it has nothing left to void.
                if let Some(said) = said {
                    let _revoked = realm.cache().revoked_afterwards(handle(&said.id));
                    if let Err(source) = this.void(&said).await {
                        return unavailable(&realm, &source, wants);
                    }
                }
                Reply::new(204).with("cache-control", "no-store")
            }))
        })
    }

    /// A token for this subject, from now.
    fn seal(&self, subject: &str) -> String {
        let (now, id) = (self.clock.wall(), random_bytes::<ID>());
        let ends = later(now, self.life);
        let since = ends.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let millis = u64::try_from(since).unwrap_or(u64::MAX).to_be_bytes();
        let value = [&id[..], &millis, subject.as_bytes()].concat();
        // The seal counts whole seconds; the exact end stands in the value.
        self.format().seal(&value, now, later(ends, Duration::from_secs(1)))
    }

    fn open(&self, token: &[u8]) -> Option<Said> {
        let now = self.clock.wall();
        let opened = self.format().open(token, now)?;
        let (id, rest) = opened.value.expose().split_first_chunk::<ID>()?;
        let (millis, subject) = rest.split_first_chunk::<8>()?;
        let ends = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(u64::from_be_bytes(*millis)))?;
        let subject = std::str::from_utf8(subject).ok()?.into();
        (now < ends).then_some(Said { id: *id, issued: opened.issued, ends, subject })
    }

    fn format(&self) -> Seal<'_> {
        Seal { name: "transient token", purpose: "transient token", keys: &self.keys }
    }

    async fn void(&self, said: &Said) -> Result<(), Unavailable> {
        self.voided.revoke(handle(&said.id), said.ends).await?;
        // A little more than is written down with each, so that what has ended goes. It is never urgent.
        let _ = self.voided.purge(self.clock.wall(), 4).await;
        Ok(())
    }

    async fn answer(&self, token: &[u8]) -> Result<Answer<P>, Unavailable> {
        let Some(said) = self.open(token) else {
            return Ok(Answer::refused("no key of the ring sealed it, or it has ended"));
        };
        let standing = self.voided.standing(&said.subject, &[handle(&said.id)]).await?;
        if standing.revoked || standing.floor.voids_issued(Some(said.issued)) {
            return Ok(Answer::refused("it was revoked"));
        }
        Ok(match (self.principal)(&said.subject) {
            Some(verified) => {
                let verified = verified.ending_at(said.ends).revocable_by(handle(&said.id));
                verified.revocable_by(Handle::subject(&said.subject)).into()
            }
            None => Answer::refused("the directory does not know its subject"),
        })
    }
}

fn handle(id: &[u8; ID]) -> Handle {
    Handle::of(HandleKind::Token, &id.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

impl Extract for TransientToken {
    type Credential = TokenCredential;

    fn scheme(&self) -> &str {
        "transient"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        Bearer.locate(request, occurrences);
        // What voids a token changes nothing that another could make its bearer change.
        if matches!(request.method(), "GET" | "HEAD" | "DELETE") {
            self.query.locate(request, occurrences);
        }
    }

    fn read(&self, raw: Raw<'_>) -> Option<TokenCredential> {
        // No token holds what percent-encoding is written with, so that both places are read alike.
        self.query.read(raw)
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Bearer")]
    }

    fn fields(&self) -> Vec<Field> {
        Bearer.fields()
    }

    fn parameter(&self) -> Option<&str> {
        self.query.parameter()
    }

    fn check(&self) -> Vec<String> {
        self.query.check()
    }
}

#[async_trait]
impl<P: Send + Sync + 'static> Verify<TokenCredential> for TransientTokens<P> {
    type Principal = P;

    async fn verify(&self, credential: TokenCredential) -> Answer<P> {
        self.answer(credential.token().expose()).await.unwrap_or_else(Answer::Unavailable)
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.clock)
    }

    fn terms(&self) -> Terms {
        Terms::new().kept(self.kept)
    }
}

impl<P> Clone for TransientTokens<P> {
    fn clone(&self) -> Self {
        Self {
            keys: self.keys.clone(),
            voided: Arc::clone(&self.voided),
            principal: Arc::clone(&self.principal),
            clock: Arc::clone(&self.clock),
            life: self.life,
            kept: self.kept,
        }
    }
}

impl<P> fmt::Debug for TransientTokens<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransientTokens").field("life", &self.life).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{store::MemoryTokens, testing::ManualClock};

    #[test]
    fn a_token_may_last_for_ever() {
        for life in [Duration::MAX, Duration::from_secs(31_700 * 31_557_600), Duration::from_secs(31_600 * 31_557_600)]
        {
            let tokens =
                TransientTokens::<()>::signed_by(KeyRing::random(), Arc::new(MemoryTokens::default()), |_| None);
            let tokens = tokens.lasting(life);
            assert!(tokens.open(tokens.seal("emma").as_bytes()).is_some(), "{life:?}");
        }
    }

    #[tokio::test]
    async fn a_token_lasts_to_the_millisecond_and_is_void_at_a_word() {
        let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_900)));
        let voided = Arc::new(MemoryTokens::default());
        let tokens = TransientTokens::signed_by(KeyRing::random(), voided, |subject| {
            (subject == "emma").then(|| Verified::new(subject.to_owned()).with_subject(subject))
        });
        let tokens = tokens.lasting(Duration::from_secs(5)).timed_by(clock.clone());
        let (token, other, nobody) = (tokens.seal("emma"), tokens.seal("emma"), tokens.seal("nobody"));
        let is_good = async |token: &str| matches!(tokens.answer(token.as_bytes()).await, Ok(Answer::Verified(_)));
        assert!(is_good(&token).await && is_good(&token).await && !is_good(&nobody).await);
        let said = tokens.open(other.as_bytes()).unwrap();
        tokens.void(&said).await.unwrap();
        assert!(!is_good(&other).await && is_good(&token).await);
        clock.advance(Duration::from_millis(4_999));
        assert!(is_good(&token).await);
        clock.advance(Duration::from_millis(1));
        assert!(!is_good(&token).await);
        for text in ["", &token[1..], &token[..token.len() - 1], &format!("{token}=")] {
            assert!(!is_good(text).await, "{text}");
        }
    }
}
