//! Two tokens for one sign-in: one that may act, over TLS alone, and one that says who it is, over any channel.
//!
//! The model of sites whose pages are public and whose buttons are not: most pages only want to greet their visitor, and must not bring along
//! what opens everything.
//!
//! | cookie | attributes | is good for |
//! |---|---|---|
//! | `__Host-secure` | `Secure; HttpOnly; SameSite=Strict; Path=/` | everything |
//! | `identity` | `HttpOnly; SameSite=Lax; Max-Age` and the path that is given | knowing who it is |
//!
//! - Both are random, and stored as digests. The secure one lasts 12 hours, the other 30 days.
//! - [`TwoTokens::either`] is the kind for routes that either opens; whoever shows the secure one has the scope `act` besides. Two that name
//!   two users are refused.
//! - [`TwoTokens::secure`] is the kind for routes that act: the other counts as absent there.
//! - **A secure token that arrives in the clear is refused with 403, and void from then on**: whoever listened has it.
//!
//! # Example
//! ```
//! use std::sync::Arc;
//! use countersign::{Gate, Unavailable, Verified, clock::SystemClock, mint::two_tokens::TwoTokens, store::{Directory, MemorySessions}};
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
//! let tokens = TwoTokens::below("/shop", Arc::new(MemorySessions::default()), Arc::new(Everybody));
//! let looks = Gate::in_realm("shop").accept(tokens.either(), tokens.clone()).build()?;
//! let buys = Gate::in_realm("shop").accept(tokens.secure(), tokens.clone()).build()?;
//! # let _ = (looks, buys); Ok(()) }
//! ```
//!
//! # What it does not do
//! It does not know of a request that no guard of its looks at: let one of [`either`](TwoTokens::either) that is
//! [for anonymous callers too](crate::Gate::or_anonymous_clearing_cookies) stand in front of the sign-in.
//!
//! # Deployment
//! Behind a proxy that ends TLS, the proxy must be [trusted](crate::gate::GateBuilder::behind); else every secure token comes in the clear.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use super::{
    endpoint::Endpoint,
    session::id_of,
    sign_in::{SignIn, SignedIn},
};
use crate::{
    clock::{SharedClock, SystemClock, later},
    credential::{BasicCredential, Extract, Occurrences, Rank, Raw, Sender, Voiding},
    gate::Gate,
    principal::Scopes,
    request::{Field, RequestView, field},
    response::{Challenge, Reply},
    secret::{MintedToken, TokenDigest, TokenPrefix},
    store::{Directory, SessionRecord, SessionStore},
    unavailable::Unavailable,
    verifier::{Answer, Verify},
};

const SECURE: &str = "__Host-secure";
const IDENTITY: &str = "identity";

/// What the secure token brings.
const ACT: &str = "act";

/// Which of the two a request brings: a part of the credential, since an empty cookie and none look alike.
const BOTH: &[u8] = b"both";
const ONLY_SECURE: &[u8] = b"secure";
const ONLY_IDENTITY: &[u8] = b"identity";

/// Makes both tokens, and verifies them. Cheap to clone. See the [module](self).
pub struct TwoTokens<P> {
    store: Arc<dyn SessionStore>,
    directory: Arc<dyn Directory<P>>,
    path: Box<str>,
    clock: SharedClock,
}

/// The kind for routes that either token opens.
#[derive(Clone)]
pub struct EitherToken {
    store: Arc<dyn SessionStore>,
}

/// The kind for routes that the secure token alone opens.
#[derive(Clone)]
pub struct SecureToken {
    store: Arc<dyn SessionStore>,
}

/// The tokens that a request brings, as digests.
#[derive(Debug, Clone)]
pub struct TwoTokenCredential {
    secure: Option<TokenDigest>,
    identity: Option<TokenDigest>,
}

/// How long each token lasts.
const SECURE_LIFE: Duration = Duration::from_secs(12 * 60 * 60);
const IDENTITY_LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

impl<P: Send + Sync + 'static> TwoTokens<P> {
    /// Tokens in this store, for users of this directory; `identity` is sent below this path.
    #[must_use]
    pub fn below(path: &str, store: Arc<dyn SessionStore>, directory: Arc<dyn Directory<P>>) -> Self {
        Self { store, directory, path: path.into(), clock: SystemClock::shared() }
    }

    /// Takes time from this clock; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// The kind for routes that either token opens.
    #[must_use]
    pub fn either(&self) -> EitherToken {
        EitherToken { store: Arc::clone(&self.store) }
    }

    /// The kind for routes that the secure token alone opens.
    #[must_use]
    pub fn secure(&self) -> SecureToken {
        SecureToken { store: Arc::clone(&self.store) }
    }

    /// The endpoint that hands both out: `POST` with `username` and `password`, over TLS alone; 204.
    #[must_use]
    pub fn sign_in<V>(&self, gate: &Gate<P>, passwords: Arc<V>) -> Endpoint<P>
    where
        V: Verify<BasicCredential, Principal = P>,
    {
        let this = self.clone();
        SignIn::at(gate).over_tls_alone().then(passwords, move |me: SignedIn<P>| {
            let this = this.clone();
            async move { this.begin(me.subject()).await }
        })
    }

    async fn begin(&self, subject: Option<&str>) -> Result<Reply, Unavailable> {
        let subject = subject.ok_or_else(|| {
            Unavailable::because(
                "a verifier of passwords names no subject, so no token can be its: use Verified::with_subject",
            )
        })?;
        let (secure, identity) =
            (self.keep(secure_prefix(), subject, SECURE_LIFE), self.keep(identity_prefix(), subject, IDENTITY_LIFE));
        let (secure, identity) = (secure.await?, identity.await?);
        let (path, life) = (&self.path, IDENTITY_LIFE.as_secs());
        Ok(Reply::new(204)
            .with("set-cookie", format!("{SECURE}={}; Secure; HttpOnly; SameSite=Strict; Path=/", secure.reveal()))
            .with(
                "set-cookie",
                format!("{IDENTITY}={}; HttpOnly; SameSite=Lax; Path={path}; Max-Age={life}", identity.reveal()),
            ))
    }

    async fn keep(&self, prefix: TokenPrefix, subject: &str, life: Duration) -> Result<MintedToken, Unavailable> {
        let (token, now) = (prefix.mint(), self.clock.wall());
        let ends = later(now, life);
        let record = SessionRecord {
            id: id_of(&token.digest()),
            subject: subject.into(),
            // Asked of nobody: these end with their rows.
            generation: 0,
            created: now,
            authenticated: now,
            used: now,
            idle: life,
            ends,
            address: None,
            agent: None,
            data: None,
            revision: 0,
        };
        self.store.insert(token.digest(), record, usize::MAX).await?;
        Ok(token)
    }

    /// Whose the token is, and until when; nothing if it is nobody's any more.
    async fn owner(&self, token: TokenDigest) -> Result<Option<(Box<str>, SystemTime)>, Unavailable> {
        let record = self.store.find(token).await?;
        Ok(record.filter(|record| self.clock.wall() < record.ends).map(|record| (record.subject, record.ends)))
    }

    async fn answer(&self, credential: TwoTokenCredential) -> Result<Answer<P>, Unavailable> {
        let mut owners = Vec::new();
        for token in [credential.secure, credential.identity].into_iter().flatten() {
            // Each must be good: what is wrong is never passed over for another.
            let Some(owner) = self.owner(token).await? else {
                return Ok(Answer::refused("one of its tokens is not known, or has ended"));
            };
            owners.push(owner);
        }
        let Some(((subject, ends), others)) = owners.split_first() else { return Ok(Answer::Refused) };
        if others.iter().any(|(other, _)| other != subject) {
            return Ok(Answer::refused("its tokens are of several subjects"));
        }
        let Some(verified) = self.directory.find(subject).await? else {
            return Ok(Answer::refused("the directory does not know its subject"));
        };
        let scopes = match credential.secure {
            Some(_) => Scopes::of(verified.scopes().iter().chain([ACT])),
            None => Scopes::of(verified.scopes().iter().filter(|scope| *scope != ACT)),
        };
        match scopes {
            Ok(scopes) => Ok(verified.with_scopes(scopes).ending_at(*ends).into()),
            Err(error) => Err(Unavailable::because(error)),
        }
    }
}

/// What each token begins with: one is never the other.
fn secure_prefix() -> TokenPrefix {
    TokenPrefix::literal("sec_")
}

fn identity_prefix() -> TokenPrefix {
    TokenPrefix::literal("idn_")
}

/// Forgets a token that was seen in the clear.
fn voiding(store: &Arc<dyn SessionStore>, credential: &TwoTokenCredential) -> Option<Voiding> {
    let (store, secure) = (Arc::clone(store), credential.secure?);
    Some(Box::pin(async move { store.remove(secure).await }))
}

fn cookie_challenge(name: &str) -> Vec<Challenge> {
    vec![Challenge::new("Cookie").with("cookie-name", name)]
}

impl Extract for EitherToken {
    type Credential = TwoTokenCredential;

    fn scheme(&self) -> &str {
        "two-tokens"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        let (mut secure, mut identity) = (false, false);
        for raw in request.cookies(SECURE) {
            secure = true;
            occurrences.add_part(1, raw);
        }
        for raw in request.cookies(IDENTITY) {
            identity = true;
            occurrences.add_part(2, raw);
        }
        match (secure, identity) {
            (true, true) => occurrences.add_part(0, BOTH),
            (true, false) => occurrences.add_part(0, ONLY_SECURE),
            (false, true) => occurrences.add_part(0, ONLY_IDENTITY),
            (false, false) => {}
        }
    }

    fn read(&self, raw: Raw<'_>) -> Option<TwoTokenCredential> {
        let secure = |raw: Raw<'_>| secure_prefix().digest(raw.part(1)?);
        let identity = |raw: Raw<'_>| identity_prefix().digest(raw.part(2)?);
        match raw.part(0)? {
            BOTH => Some(TwoTokenCredential { secure: Some(secure(raw)?), identity: Some(identity(raw)?) }),
            ONLY_SECURE => Some(TwoTokenCredential { secure: Some(secure(raw)?), identity: None }),
            ONLY_IDENTITY => Some(TwoTokenCredential { secure: None, identity: Some(identity(raw)?) }),
            _ => None,
        }
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        cookie_challenge(IDENTITY)
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::COOKIE.clone()]
    }

    fn rank(&self) -> Rank {
        Rank::Ambient
    }

    fn sender(&self) -> Sender {
        Sender::Browser
    }

    fn needs_secure_channel(&self) -> bool {
        true
    }

    fn bears_the_clear(&self, raw: Raw<'_>) -> bool {
        raw.part(0) == Some(ONLY_IDENTITY)
    }

    fn seen_in_the_clear(&self, credential: TwoTokenCredential) -> Option<Voiding> {
        voiding(&self.store, &credential)
    }
}

impl Extract for SecureToken {
    type Credential = TwoTokenCredential;

    fn scheme(&self) -> &str {
        "two-tokens"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        request.cookies(SECURE).for_each(|raw| occurrences.add(raw));
    }

    fn read(&self, raw: Raw<'_>) -> Option<TwoTokenCredential> {
        Some(TwoTokenCredential { secure: Some(secure_prefix().digest(raw.whole())?), identity: None })
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        cookie_challenge(SECURE)
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::COOKIE.clone()]
    }

    fn rank(&self) -> Rank {
        Rank::Ambient
    }

    fn sender(&self) -> Sender {
        Sender::Browser
    }

    fn needs_secure_channel(&self) -> bool {
        true
    }

    fn seen_in_the_clear(&self, credential: TwoTokenCredential) -> Option<Voiding> {
        voiding(&self.store, &credential)
    }
}

#[async_trait]
impl<P: Send + Sync + 'static> Verify<TwoTokenCredential> for TwoTokens<P> {
    type Principal = P;

    async fn verify(&self, credential: TwoTokenCredential) -> Answer<P> {
        self.answer(credential).await.unwrap_or_else(Answer::Unavailable)
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.clock)
    }
}

impl<P> Clone for TwoTokens<P> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            directory: Arc::clone(&self.directory),
            path: self.path.clone(),
            clock: Arc::clone(&self.clock),
        }
    }
}

impl<P> fmt::Debug for TwoTokens<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwoTokens").field("path", &self.path).finish_non_exhaustive()
    }
}

impl fmt::Debug for EitherToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EitherToken(..)")
    }
}

impl fmt::Debug for SecureToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecureToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{adapter::Verdict, principal::Verified, store::MemorySessions, testing::PlainHead};

    struct Everybody;

    #[async_trait]
    impl Directory<String> for Everybody {
        async fn find(&self, subject: &str) -> Result<Option<Verified<String>>, Unavailable> {
            Ok(Some(Verified::new(subject.to_owned()).with_subject(subject)))
        }
    }

    fn tokens() -> TwoTokens<String> {
        TwoTokens::below("/", Arc::new(MemorySessions::default()), Arc::new(Everybody))
    }

    async fn cookies(tokens: &TwoTokens<String>, subject: &str) -> [String; 2] {
        let reply = tokens.begin(Some(subject)).await.unwrap();
        let cookies: Vec<_> = reply.fields().map(|(_, value)| value.split(';').next().unwrap().to_owned()).collect();
        cookies.try_into().unwrap()
    }

    /// The status, or who it is and whether they may act.
    async fn admit(gate: &Gate<String>, cookies: &[&str], tls: bool) -> Result<(String, bool), u16> {
        let head = PlainHead::get("/").with("cookie", cookies.join("; "));
        let head = if tls { head.over_tls() } else { head };
        match head.received_by(gate).verdict_at(gate).await {
            Verdict::Admitted(grant) => Ok((grant.principal().clone(), grant.scopes().contains(ACT))),
            Verdict::Rejected(rejection) => Err(rejection.status()),
            Verdict::Anonymous => panic!("anonymous"),
        }
    }

    #[tokio::test]
    async fn either_says_who_it_is_and_the_secure_one_acts() {
        let tokens = tokens();
        let [secure, identity] = cookies(&tokens, "emma").await;
        let [other_secure, other_identity] = cookies(&tokens, "emily").await;
        let either = Gate::in_realm("r").accept(tokens.either(), tokens.clone()).build().unwrap();
        let acts = Gate::in_realm("r").accept(tokens.secure(), tokens.clone()).build().unwrap();
        let emma = |acting| Ok(("emma".to_owned(), acting));
        let swapped = secure.replace("__Host-secure=", "identity=");
        type Row<'r> = (&'r Gate<String>, &'r [&'r str], bool, Result<(String, bool), u16>);
        let rows: [Row<'_>; 12] = [
            (&either, &[&identity], false, emma(false)),
            (&either, &[&identity], true, emma(false)),
            (&either, &[&secure], true, emma(true)),
            (&either, &[&secure, &identity], true, emma(true)),
            (&either, &[&identity, &secure], true, emma(true)),
            (&either, &[&secure, &other_identity], true, Err(401)),
            (&either, &[&secure, "identity=wrong"], true, Err(401)),
            (&either, &[&identity, "__Host-secure="], true, Err(401)),
            (&either, &[&swapped], true, Err(401)),
            (&either, &[&identity, &identity], true, Err(400)),
            (&acts, &[&identity], true, Err(401)),
            (&acts, &[&secure, &other_identity], true, emma(true)),
        ];
        for (nth, (gate, cookies, tls, expected)) in rows.into_iter().enumerate() {
            assert_eq!(admit(gate, cookies, tls).await, expected, "{nth}");
        }
        assert!(admit(&acts, &[&other_secure], true).await.is_ok());
    }

    #[tokio::test]
    async fn a_secure_token_that_was_seen_in_the_clear_is_void_and_the_other_is_not() {
        for by_either in [true, false] {
            let tokens = tokens();
            let [secure, identity] = cookies(&tokens, "emma").await;
            let either = Gate::in_realm("r").accept(tokens.either(), tokens.clone()).build().unwrap();
            let acts = Gate::in_realm("r").accept(tokens.secure(), tokens.clone()).build().unwrap();
            assert!(admit(&acts, &[&secure], true).await.is_ok());
            let seen = match by_either {
                true => admit(&either, &[&secure, &identity], false).await,
                false => admit(&acts, &[&secure], false).await,
            };
            assert_eq!(seen, Err(403));
            assert_eq!(admit(&acts, &[&secure], true).await, Err(401));
            assert_eq!(admit(&either, &[&secure, &identity], true).await, Err(401));
            assert!(admit(&either, &[&identity], false).await.is_ok());
        }
    }
}
