//! Keys that are bound to who sends them: good from one address and one agent, and only while they are used.
//!
//! - Whoever signs in gets a random key, bound to the address that the request came from and to its `User-Agent`, or to having sent none.
//! - From anywhere else it is refused, and stays good for its owner: a thief's try neither ends nor prolongs it.
//! - It ends when it was not used for some time, and at the latest after a longer one. Each use moves the first end, in one step with the look-up.
//!
//! # Example
//! ```
//! use countersign::{
//!     Gate, Unavailable, Verified,
//!     mint::bound_key::BoundKeys,
//!     store::{Directory, MemoryBoundKeys},
//! };
//! use std::{sync::Arc, time::Duration};
//!
//! struct Everybody;
//!
//! #[countersign::async_trait]
//! impl Directory<String> for Everybody {
//!     async fn find(&self, subject: &str) -> Result<Option<Verified<String>>, Unavailable> {
//!         Ok(Some(Verified::new(subject.to_owned()).with_subject(subject)))
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys =
//!     BoundKeys::in_header("Auth-Key", Arc::new(MemoryBoundKeys::default()), Arc::new(Everybody))
//!         .lasting(Duration::from_secs(4), Duration::from_secs(12));
//! let gate = Gate::in_realm("house").accept(keys.kind(), keys.clone()).build()?;
//! # let _ = gate; Ok(()) }
//! ```
//!
//! # What it does not do
//! An address is no proof: whoever shares it, such as behind one router, and copies the agent, may send the key too. Bind a token to a
//! certificate or a key where that matters.
//!
//! # Deployment
//! Behind a proxy the client's address is what a [trusted](crate::gate::GateBuilder::behind) one says. A phone that changes its network must
//! sign in again.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use serde_json::json;

use super::{
    endpoint::{
        Endpoint, Work,
        described::{Answered, DONE, Described, Member, Shape},
        unavailable,
    },
    sign_in::{SignIn, SignedIn},
};
use crate::{
    clock::{SharedClock, SystemClock, later},
    credential::{BasicCredential, Covers, Extract, Occurrences, Raw},
    gate::Gate,
    request::{ClientInfo, Field, RequestHead, RequestView, field},
    response::{Challenge, Reply},
    secret::{TokenDigest, TokenPrefix},
    store::{BoundKeyRecord, BoundKeyStore, Directory, KeySender},
    unavailable::Unavailable,
    verifier::{Answer, Verify},
};

/// Makes bound keys, and verifies them. Cheap to clone. See the [module](self).
pub struct BoundKeys<P> {
    store: Arc<dyn BoundKeyStore>,
    directory: Arc<dyn Directory<P>>,
    kind: BoundKey,
    clock: SharedClock,
    idle: Duration,
    longest: Duration,
}

/// The kind: a key in a header, and who sends it.
#[derive(Debug, Clone)]
pub struct BoundKey {
    written: Box<str>,
    field: Option<Field>,
}

/// A key as a digest, and who sent it.
#[derive(Debug, Clone)]
pub struct BoundKeyCredential {
    digest: TokenDigest,
    sender: KeySender,
}

impl<P: Send + Sync + 'static> BoundKeys<P> {
    /// Keys in the header of this name, kept in this store, for users of this directory. They end after five minutes without use, and after
    /// an hour at the latest.
    #[must_use]
    pub fn in_header(name: &str, store: Arc<dyn BoundKeyStore>, directory: Arc<dyn Directory<P>>) -> Self {
        Self {
            store,
            directory,
            kind: BoundKey { written: name.into(), field: name.parse().ok() },
            clock: SystemClock::shared(),
            idle: Duration::from_secs(5 * 60),
            longest: Duration::from_secs(60 * 60),
        }
    }

    /// Keys end after so long without use, and after so long at the latest.
    #[must_use]
    pub fn lasting(mut self, idle: Duration, longest: Duration) -> Self {
        (self.idle, self.longest) = (idle, longest);
        self
    }

    /// Takes time from this clock; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// The kind that reads them.
    #[must_use]
    pub fn kind(&self) -> BoundKey {
        self.kind.clone()
    }

    /// The endpoint that hands one out: `POST` with `username` and `password`; 200 `{"auth_key","expires_in"}`.
    #[must_use]
    pub fn authenticate<V>(&self, gate: &Gate<P>, passwords: Arc<V>) -> Endpoint<P>
    where
        V: Verify<BasicCredential, Principal = P>,
    {
        let this = self.clone();
        SignIn::at(gate)
            .then(passwords, move |me: SignedIn<P>| {
                let this = this.clone();
                async move { this.begin(me.subject(), me.from()).await }
            })
            .answering(HANDED_OUT)
    }

    /// The endpoint that voids the key that its request was let in with: `DELETE`; 204.
    #[must_use]
    pub fn end(&self, gate: &Gate<P>) -> Endpoint<P> {
        let (this, realm) = (self.clone(), Arc::clone(gate.realm()));
        let described = Described::new("DELETE", "Voids the key that the request came with.").answering(DONE);
        Endpoint::new(described, &Arc::clone(&realm), Some(gate.clone().known_callers()), move |request, _| {
            let (this, realm, wants) = (this.clone(), Arc::clone(&realm), request.wants());
            let mut occurrences = Occurrences::default();
            this.kind.locate(request, &mut occurrences);
            let digest = occurrences.only().and_then(|raw| prefix().digest(raw.whole()));
            Ok(Work::changing(request, &Arc::clone(&realm), move |_| async move {
                let removed = match digest {
                    Some(digest) => this.store.remove(digest).await,
                    None => Ok(()),
                };
                match removed {
                    Ok(()) => Reply::new(204).with("cache-control", "no-store"),
                    Err(source) => unavailable(&realm, &source, wants),
                }
            }))
        })
    }

    async fn begin(&self, subject: Option<&str>, from: &ClientInfo) -> Result<Reply, Unavailable> {
        let subject = subject.ok_or_else(|| {
            Unavailable::because(
                "a verifier of passwords names no subject, so no key can be its: use Verified::with_subject",
            )
        })?;
        let (key, now) = (prefix().mint(), self.clock.wall());
        let after = |life: Duration| later(now, life);
        let agent = from.field(&field::USER_AGENT, 0).map(Box::from);
        let record = BoundKeyRecord {
            subject: subject.into(),
            sender: KeySender { address: from.address(), agent },
            idle_ends: after(self.idle),
            ends: after(self.longest),
        };
        self.store.insert(key.digest(), record, now).await?;
        Ok(Reply::json(200, &json!({ "auth_key": key.reveal(), "expires_in": self.idle.min(self.longest).as_secs() })))
    }

    async fn answer(&self, credential: &BoundKeyCredential) -> Result<Answer<P>, Unavailable> {
        let now: SystemTime = self.clock.wall();
        let used = self.store.use_now(credential.digest, &credential.sender, now, self.idle).await?;
        let Some(record) = used else { return Ok(Answer::refused("there is no such key, or it has ended")) };
        Ok(match self.directory.find(&record.subject).await? {
            Some(verified) => verified.ending_at(record.ends).ending_at(record.idle_ends).into(),
            None => Answer::refused("the directory does not know its subject"),
        })
    }
}

const HANDED_OUT: &[Answered] = &[Answered::json(
    200,
    "The key.",
    &[Member::of("auth_key", Shape::Text), Member::of("expires_in", Shape::Seconds(u64::MAX))],
)];

/// What each key begins with.
fn prefix() -> TokenPrefix {
    TokenPrefix::literal("bnd_")
}

impl Extract for BoundKey {
    type Credential = BoundKeyCredential;

    fn scheme(&self) -> &str {
        "bound-key"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        if let Some(field) = &self.field {
            request.fields(field).for_each(|raw| occurrences.add(raw));
        }
    }

    // Who sends it is part of it: so an answer is for this request alone, and each use is one.
    fn covers(&self) -> Vec<Covers> {
        vec![Covers::Address, Covers::Field(field::USER_AGENT.clone())]
    }

    fn read(&self, raw: Raw<'_>) -> Option<BoundKeyCredential> {
        let digest = prefix().digest(raw.whole())?;
        let mut agents = raw.covered().field(&field::USER_AGENT)?;
        let agent = agents.next().map(Box::from);
        let twice = agents.next().is_some();
        let sender = KeySender { address: raw.covered().address(), agent };
        (!twice).then_some(BoundKeyCredential { digest, sender })
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("AuthKey").with("header", &*self.written)]
    }

    fn fields(&self) -> Vec<Field> {
        self.field.iter().cloned().chain([field::USER_AGENT.clone()]).collect()
    }

    fn check(&self) -> Vec<String> {
        let fault = format!("{:?} cannot be a header of keys: it must be a token of at most 64 bytes", self.written);
        if self.field.is_some() { Vec::new() } else { vec![fault] }
    }
}

#[async_trait]
impl<P: Send + Sync + 'static> Verify<BoundKeyCredential> for BoundKeys<P> {
    type Principal = P;

    async fn verify(&self, credential: BoundKeyCredential) -> Answer<P> {
        self.answer(&credential).await.unwrap_or_else(Answer::Unavailable)
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.clock)
    }
}

impl<P> Clone for BoundKeys<P> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            directory: Arc::clone(&self.directory),
            kind: self.kind.clone(),
            clock: Arc::clone(&self.clock),
            idle: self.idle,
            longest: self.longest,
        }
    }
}

impl<P> fmt::Debug for BoundKeys<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundKeys").field("kind", &self.kind).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::{
        adapter::Verdict,
        principal::Verified,
        store::MemoryBoundKeys,
        testing::{ManualClock, PlainHead},
    };

    struct Everybody;

    #[async_trait]
    impl Directory<String> for Everybody {
        async fn find(&self, subject: &str) -> Result<Option<Verified<String>>, Unavailable> {
            Ok((subject != "gone").then(|| Verified::new(subject.to_owned()).with_subject(subject)))
        }
    }

    fn sent(address: u8, agents: &[&str]) -> PlainHead {
        let head = PlainHead::get("/").from(IpAddr::from([192, 0, 2, address]));
        agents.iter().fold(head, |head, agent| head.with("user-agent", agent))
    }

    async fn key(keys: &BoundKeys<String>, subject: &str, from: &PlainHead) -> String {
        let reply = keys.begin(Some(subject), &from.view().client_info()).await.unwrap();
        let document: serde_json::Value = serde_json::from_slice(reply.body()).unwrap();
        document["auth_key"].as_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn a_key_is_good_from_where_it_was_handed_out_and_while_it_is_used() {
        let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)));
        let store = Arc::new(MemoryBoundKeys::default());
        let keys = BoundKeys::in_header("Auth-Key", store, Arc::new(Everybody))
            .lasting(Duration::from_secs(4), Duration::from_secs(12))
            .timed_by(clock.clone());
        let gate = Gate::in_realm("r").accept(keys.kind(), keys.clone()).timed_by(clock.clone()).build().unwrap();
        let (with_agent, bare) = (key(&keys, "emma", &sent(1, &["a"])).await, key(&keys, "emma", &sent(1, &[])).await);
        let gone = key(&keys, "gone", &sent(1, &[])).await;
        let status = async |key: &str, from: PlainHead| match from
            .with("auth-key", key)
            .received_by(&gate)
            .verdict_at(&gate)
            .await
        {
            Verdict::Admitted(_) => 200,
            Verdict::Rejected(rejection) => rejection.status(),
            Verdict::Anonymous => 0,
        };
        for (key, from, expected) in [
            (&with_agent, sent(1, &["a"]), 200),
            (&with_agent, sent(2, &["a"]), 401),
            (&with_agent, sent(1, &["b"]), 401),
            (&with_agent, sent(1, &[]), 401),
            (&with_agent, sent(1, &["a", "a"]), 401),
            (&bare, sent(1, &[]), 200),
            (&bare, sent(1, &[""]), 401),
            (&gone, sent(1, &[]), 401),
            (&bare[1..].to_owned(), sent(1, &[]), 401),
        ] {
            assert_eq!(status(key, from).await, expected);
        }
        for (seconds, expected) in [(3, 200), (3, 200), (3, 200), (2, 200), (1, 401)] {
            clock.advance(Duration::from_secs(seconds));
            // What a thief tries moves nothing.
            assert_eq!(status(&with_agent, sent(2, &["a"])).await, 401);
            assert_eq!(status(&with_agent, sent(1, &["a"])).await, expected);
            assert_eq!(status(&bare, sent(2, &[])).await, 401);
        }
        assert_eq!(status(&bare, sent(1, &[])).await, 401, "idle for twelve seconds");
    }

    #[tokio::test]
    async fn a_key_may_last_for_ever() {
        let second = Duration::from_secs(60);
        for (idle, longest) in [(Duration::MAX, Duration::MAX), (second, Duration::MAX), (Duration::MAX, second)] {
            let keys = BoundKeys::in_header("Auth-Key", Arc::new(MemoryBoundKeys::default()), Arc::new(Everybody));
            let keys = keys.lasting(idle, longest);
            let gate = Gate::in_realm("r").accept(keys.kind(), keys.clone()).build().unwrap();
            let key = key(&keys, "emma", &sent(1, &[])).await;
            for _ in 0..2 {
                let verdict = sent(1, &[]).with("auth-key", &key).received_by(&gate).verdict_at(&gate).await;
                assert!(matches!(verdict, Verdict::Admitted(_)), "{idle:?} {longest:?}");
            }
        }
    }
}
