//! Tokens that are good only with proof that their holder has a key: DPoP (RFC 9449).
//!
//! A request brings the token behind `Authorization: DPoP`, and in one field `DPoP` a proof that the key signed for this request. The token is
//! verified like any other, and names the key it is bound to (`cnf.jkt`); the proof is judged for each request, whatever a cache knows of the token.
//! A client makes its proofs by a [`DpopKey`].
//!
//! - The proof is a JWT of the type `dpop+jwt` by ES256, or by Ed25519 under either name (RFC 9864), with its public key in the header, and no other.
//! - `htm` is the method; `htu` the address, normalised by RFC 3986 §6.2.2 and §6.2.3, without query and fragment; `ath` the token's hash; `iat` is
//!   a minute off at most; `nonce`, if it is there, is a live one of ours.
//! - `jti` passes once for a key, as long as the proof would pass. That is asked last, so that nobody without a key fills the memory, and nobody
//!   spends another key's ids.
//! - A token that is bound to no key is refused, and so is a bound one behind `Bearer`.
//!
//! | what is wrong | `error` |
//! |---|---|
//! | the token, or the proof is by another key | `invalid_token` |
//! | the proof, or there is none, or two | `invalid_dpop_proof` |
//! | there is no live nonce of ours in it | `use_dpop_nonce`, and a field `DPoP-Nonce` |
//!
//! # Example
//! ```
//! use countersign::{
//!     Bearer, Gate, Secret, Verified,
//!     adapter::{Admission, Verdict},
//!     credential::{Dpop, KeyBound},
//!     principal::Binding,
//!     store::MemoryReplay,
//!     testing::PlainHead,
//!     verifier::TokenTable,
//! };
//! use std::sync::Arc;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let emily = Verified::new("emily").bound_to(Binding::KeyThumbprint([7; 32]));
//! let tokens = Arc::new(TokenTable::new().with("a-bound-token", emily));
//! let gate = Gate::in_realm("people")
//!     .accept(Dpop::remembered_in(Arc::new(MemoryReplay::default())), KeyBound(tokens.clone()))
//!     .accept(Bearer, tokens)
//!     .build()?;
//!
//! let head =
//!     PlainHead::get("/me").with("authorization", "Bearer a-bound-token").received_by(&gate);
//! let Admission::Decided(Verdict::Rejected(rejection)) = head.at(&gate) else {
//!     panic!("it takes a proof")
//! };
//! assert_eq!(rejection.status(), 401);
//! # Ok(()) }
//! ```
//!
//! # What it does not do
//! It binds no token: whoever issues one writes `cnf.jkt` into it. It does not cover the query, the body or other fields, as RFC 9449 does not.
//!
//! # Deployment
//! `htu` is held against what the client asked for: behind a proxy that ends TLS or rewrites `Host`, the proxy must be
//! [trusted](crate::gate::GateBuilder::behind). Copies of a service share the replay store, and the keys of the nonces.

mod client;
mod proof;
mod target;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

pub use self::client::DpopKey;
use self::{proof::DpopProof, target::Target};
use super::{
    Confirm, Confirmation, Confirming, Extract, Nonces, Occurrences, Raw, TokenCredential, add_after_keyword,
    after_keyword,
};
use crate::{
    clock::{SharedClock, SystemClock},
    principal::Binding,
    request::{
        Field, Occurrence, RequestView,
        field::{AUTHORIZATION, DPOP},
    },
    response::{Advice, Challenge},
    secret::KeyRing,
    store::ReplayStore,
    throttle::Account,
    verifier::{Answer, Company, Terms, Verify},
};

/// How far from now a proof may say that it was made.
const WINDOW: Duration = Duration::from_secs(60);
/// How long before its end a nonce is followed by a new one.
const RENEWAL: Duration = Duration::from_secs(60);
const KEYWORD: &str = "DPoP";
const NONCE: &str = "dpop-nonce";

/// `Authorization: DPoP`, with a proof. See the [module](self).
pub struct Dpop {
    replay: Arc<dyn ReplayStore>,
    scope: Box<str>,
    nonces: Option<Nonces>,
    needs_nonce: bool,
    clock: SharedClock,
}

/// A token behind `DPoP`, well formed and unverified. [`KeyBound`] makes a verifier of tokens one of these.
#[derive(Debug, Clone)]
pub struct BoundTokenCredential(TokenCredential);

/// Verifies tokens that must be bound to a key by a verifier of tokens: what it names without a
/// [`KeyThumbprint`](Binding::KeyThumbprint) is refused.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "a wrapper has nothing to add")]
pub struct KeyBound<V>(
    /// What verifies the tokens.
    pub V,
);

impl Dpop {
    /// Proofs that are remembered here, so that each passes once.
    #[must_use]
    pub fn remembered_in(replay: Arc<dyn ReplayStore>) -> Self {
        Self { replay, scope: "dpop".into(), nonces: None, needs_nonce: false, clock: SystemClock::shared() }
    }

    /// Takes nonces of this service, sealed by these keys and good for so long, and asks for one where a proof has another. Each service that
    /// shares the keys takes them.
    #[must_use]
    pub fn with_nonces(mut self, keys: KeyRing, life: Duration) -> Self {
        self.nonces = Some(Nonces::of("dpop nonce", keys).living(life).timed_by(Arc::clone(&self.clock)));
        self
    }

    /// Takes no proof without a nonce, and hands a new one out when one has less than a minute left. Nothing without
    /// [`with_nonces`](Self::with_nonces).
    #[must_use]
    pub fn needing_nonces(mut self) -> Self {
        self.needs_nonce = true;
        self
    }

    /// Takes time from this clock; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.nonces = self.nonces.map(|nonces| nonces.timed_by(Arc::clone(&clock)));
        self.clock = clock;
        self
    }

    /// Shares no ids of proofs with others that use the same store, but those of the same name.
    #[must_use]
    pub fn apart_as(mut self, name: &str) -> Self {
        self.scope = name.into();
        self
    }

    /// All that can be said of the proof before the replay store is asked.
    fn judge(&self, key: [u8; 32], request: &RequestView<'_>) -> Result<Good, Refused> {
        let sent = match request.only(&DPOP) {
            Occurrence::Once(sent) => sent,
            Occurrence::Absent => return Err(Refused::Proof("there is none")),
            Occurrence::Repeated => return Err(Refused::Proof("there are two")),
        };
        let proof = DpopProof::read(sent).map_err(Refused::Proof)?;
        if *proof.key() != key {
            return Err(Refused::Token("the proof is by another key"));
        }
        let target = request.host().and_then(|host| std::str::from_utf8(host).ok());
        let target = target.and_then(|host| Target::of_parts(request.is_secure(), host, request.path()));
        let target = target.ok_or(Refused::Proof("the request names no host, or has no path that it could be for"))?;
        let token = after_keyword(KEYWORD, request).next().unwrap_or_default();
        proof.is_for(request.method(), &target, token).map_err(Refused::Proof)?;
        let until = proof.end_at(self.clock.wall(), WINDOW).map_err(Refused::Proof)?;
        let fields = match (&self.nonces, proof.nonce()) {
            (Some(nonces), Some(nonce)) => match nonces.end_of("", nonce.as_bytes()) {
                Some(end) if self.needs_nonce && self.is_soon(end) => vec![(NONCE, nonces.hand_out())],
                Some(_) => Vec::new(),
                None => return Err(Refused::Nonce(nonces.hand_out())),
            },
            (Some(nonces), None) if self.needs_nonce => return Err(Refused::Nonce(nonces.hand_out())),
            (None, Some(_)) => return Err(Refused::Proof("it has a nonce, and none is handed out here")),
            (_, None) => Vec::new(),
        };
        Ok(Good { id: proof.id().to_owned(), until, fields })
    }

    fn is_soon(&self, end: SystemTime) -> bool {
        end.duration_since(self.clock.wall()).is_ok_and(|left| left < RENEWAL)
    }
}

/// What is left to ask of a proof, and what the response carries.
struct Good {
    id: String,
    until: SystemTime,
    fields: Vec<(&'static str, String)>,
}

/// What is wrong, for the log.
enum Refused {
    Token(&'static str),
    Proof(&'static str),
    /// With a new nonce.
    Nonce(String),
}

impl From<Refused> for Confirmation {
    fn from(refused: Refused) -> Self {
        let (error, why, nonce) = match refused {
            Refused::Token(why) => ("invalid_token", why, None),
            Refused::Proof(why) => ("invalid_dpop_proof", why, None),
            Refused::Nonce(nonce) => ("use_dpop_nonce", "it has no live nonce of ours", Some(nonce)),
        };
        tracing::debug!(target: "countersign", error, why, "a DPoP proof was refused");
        let advice = Advice::new().with_parameter("error", error);
        Self::NotShown(nonce.into_iter().fold(advice, |advice, nonce| advice.with_field(NONCE, nonce)))
    }
}

impl Confirm for Dpop {
    fn confirm(&self, binding: &Binding, request: &RequestView<'_>) -> Confirming {
        let good = match key_of(binding) {
            Some(key) => self.judge(key, request).map(|good| (key, good)),
            None => Err(Refused::Token("it is bound to something else beside one key")),
        };
        let (replay, scope) = (Arc::clone(&self.replay), &self.scope);
        let (scope, Good { id, until, fields }) = match good {
            Ok((key, good)) => (format!("{scope} {}", blake3::Hash::from_bytes(key).to_hex()), good),
            Err(refused) => return Box::pin(std::future::ready(refused.into())),
        };
        Box::pin(async move {
            match replay.first(&scope, id.as_bytes(), until).await.confirmation() {
                Confirmation::Shown(_) => Confirmation::Shown(fields),
                Confirmation::NotShown(_) => Refused::Proof("its jti was used").into(),
                other @ (Confirmation::Unavailable(_) | Confirmation::Ambiguous) => other,
            }
        })
    }
}

/// The one key that this binds to, if what is left can be judged by a look.
fn key_of(binding: &Binding) -> Option<[u8; 32]> {
    match binding {
        Binding::KeyThumbprint(key) => Some(*key),
        Binding::All(bindings) => {
            let mut keys = bindings.iter().filter(|binding| !is_judged_in_place(binding)).map(key_of);
            let key = keys.next()??;
            keys.all(|other| other == Some(key)).then_some(key)
        }
        _ => None,
    }
}

fn is_judged_in_place(binding: &Binding) -> bool {
    match binding {
        Binding::Nothing | Binding::AddressPrefix { .. } | Binding::Agent(_) => true,
        Binding::Certificate(_) => cfg!(feature = "certificate"),
        Binding::All(bindings) => bindings.iter().all(is_judged_in_place),
        _ => false,
    }
}

impl Extract for Dpop {
    type Credential = BoundTokenCredential;

    fn scheme(&self) -> &str {
        "dpop"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        add_after_keyword(KEYWORD, request, occurrences);
    }

    fn read(&self, raw: Raw<'_>) -> Option<BoundTokenCredential> {
        TokenCredential::read(raw.whole()).map(BoundTokenCredential)
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.clock)
    }

    fn confirm(&self) -> Option<&dyn Confirm> {
        Some(self)
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new(KEYWORD).with("algs", "ES256 Ed25519 EdDSA").with_errors()]
    }

    fn fields(&self) -> Vec<Field> {
        vec![AUTHORIZATION.clone(), DPOP.clone()]
    }

    fn check(&self) -> Vec<String> {
        match self.needs_nonce && self.nonces.is_none() {
            true => vec!["DPoP proofs need nonces, and none are handed out; add .with_nonces(…)".to_owned()],
            false => Vec::new(),
        }
    }
}

#[async_trait]
impl<V: Verify<TokenCredential>> Verify<BoundTokenCredential> for KeyBound<V> {
    type Principal = V::Principal;

    fn verify_now(&self, credential: &BoundTokenCredential) -> Option<Answer<V::Principal>> {
        self.0.verify_now(&credential.0).map(only_bound)
    }

    async fn verify(&self, credential: BoundTokenCredential) -> Answer<V::Principal> {
        only_bound(self.0.verify(credential.0).await)
    }

    fn terms(&self) -> Terms {
        self.0.terms()
    }

    fn clock(&self) -> Option<&SharedClock> {
        self.0.clock()
    }

    fn check(&self, company: &Company<'_>) -> Vec<String> {
        self.0.check(company)
    }

    fn account(&self, credential: &BoundTokenCredential) -> Option<Account> {
        self.0.account(&credential.0)
    }
}

fn only_bound<P>(answer: Answer<P>) -> Answer<P> {
    match answer {
        Answer::Verified(verified) if key_of(verified.binding()).is_none() => {
            Answer::refused("it is bound to no key, and came behind DPoP")
        }
        answer => answer,
    }
}

impl fmt::Debug for Dpop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dpop").field("needs_nonce", &self.needs_nonce).finish_non_exhaustive()
    }
}
