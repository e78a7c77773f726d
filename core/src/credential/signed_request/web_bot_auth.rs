//! Web Bot Auth (draft-meunier-webbotauth-httpsig-protocol-02): message signatures by which an agent says whose it is.
//!
//! - Covered must be `@authority` or `@target-uri`, and the member of `Signature-Agent` under the signature's label; or, of clients of old, the whole
//!   field where it is one string.
//! - `tag` is `web-bot-auth`, `keyid` the SHA-256 thumbprint of the key. `created` is at most 60 seconds ahead, `expires` is there, not past, and at
//!   most a day after `created`.
//! - Keys are found by the agent's URL and the thumbprint together, never by the thumbprint alone: else an agent could name another's URL. Nothing
//!   is fetched.
//! - Two by keys that are known are 400, because nobody may choose whose request it is.
//!
//! # Example
//! ```
//! use countersign::{
//!     Gate, JwtSigner, Verified,
//!     adapter::Verdict,
//!     clock::SystemClock,
//!     credential::signed_request::web_bot_auth::{AgentSigner, Agents, WebBotAuth},
//!     testing::PlainHead,
//! };
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let signer = JwtSigner::fresh()?;
//! let agents = Agents::new().with(
//!     "https://crawler.example",
//!     signer.key(),
//!     Verified::new("the crawler"),
//! )?;
//! let gate = Gate::in_realm("house").accept(WebBotAuth::new(), agents).build()?;
//!
//! let signer = AgentSigner::new("https://crawler.example", signer);
//! let signed =
//!     signer.sign("http://house.example/a", &SystemClock::shared()).ok_or("it can be signed")?;
//! let asked = |agent: &str| {
//!     let head =
//!         PlainHead::get("/a").with("host", "house.example").with("signature-agent", agent);
//!     head.with("signature-input", &signed.input)
//!         .with("signature", &signed.signature)
//!         .received_by(&gate)
//! };
//! assert!(matches!(asked(&signed.agent).verdict_at(&gate).await, Verdict::Admitted(_)));
//! assert!(matches!(
//!     asked("sig=\"https://another.example\"").verdict_at(&gate).await,
//!     Verdict::Rejected(_)
//! ));
//! # Ok(()) }
//! ```
//!
//! # What it does not do
//! It covers neither the method nor the body, and a signature is good as often as it is sent until it ends: it says who crawls, and opens nothing that
//! changes something.
//!
//! # Deployment
//! What is covered must arrive as it was sent: a proxy that puts another `Host` in place breaks every signature, unless it is
//! [trusted](crate::gate::GateBuilder::behind) and says which host was asked. Services in front that judge agents themselves may take the three fields
//! (`Signature-Agent`, `Signature-Input`, `Signature`) away, and then everybody is nobody in particular here. A clock that is more than a minute slow
//! refuses what was signed this moment.

use std::{collections::HashMap, fmt};

use async_trait::async_trait;
use sfv::{BareItem, Dictionary, Item, ListEntry, Parser};

use super::{
    message_signature::{
        NoMessageKey,
        read::{Candidate, MessageCredential, in_several_lines, joined},
        signer::signed_by,
        verifier::algorithm,
    },
    seconds,
};
use crate::{
    JwtSigner,
    clock::{SharedClock, SystemClock},
    credential::{Confirm, Confirmation, Confirming, Covered, Covers, Extract, Occurrences, Raw},
    jose::JwtKey,
    principal::{Binding, Proof, Verified},
    request::{Field, RequestView, field},
    response::Challenge,
    verifier::{Answer, Verify},
};

const TAG: &str = "web-bot-auth";

/// How far ahead of ours an agent's clock may be.
const AHEAD: u64 = 60;

/// The longest that a signature is good.
const LONGEST_LIFE: u64 = 24 * 60 * 60;

/// Signatures of agents. See the [module](self).
pub struct WebBotAuth {
    clock: SharedClock,
}

/// What agents are said to have signed.
pub struct AgentCredential {
    signatures: Vec<AgentSignature>,
}

/// One signature for this purpose.
struct AgentSignature {
    url: String,
    candidate: Candidate,
    /// Whether all but itself is in order. What is wrong with one counts only if its agent is known.
    is_in_order: bool,
}

/// What the verifier hands over where more than one signature is by a key that is known.
struct Several;

impl WebBotAuth {
    /// By the system's clock.
    #[must_use]
    pub fn new() -> Self {
        Self { clock: SystemClock::shared() }
    }

    /// Takes time from this clock; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    fn admits(&self, candidate: &Candidate) -> bool {
        let covers = |name: &str| candidate.base.covers(&format!("\"{name}\""));
        let now = seconds(&self.clock);
        let in_time = candidate.created.zip(candidate.expires).is_some_and(|(created, expires)| {
            created <= now.saturating_add(AHEAD)
                && expires >= now
                && expires >= created
                && expires.saturating_sub(created) <= LONGEST_LIFE
        });
        (covers("@authority") || covers("@target-uri")) && in_time
    }
}

impl Default for WebBotAuth {
    fn default() -> Self {
        Self::new()
    }
}

/// The URL of the agent that a signature names, if it is covered.
fn agent(candidate: &Candidate, covered: &Covered) -> Option<String> {
    let field = joined(covered, &field::SIGNATURE_AGENT)?;
    let text = |item: &Item| match &item.bare_item {
        BareItem::String(text) => Some(text.as_str().to_owned()),
        _ => None,
    };
    let identifier = format!("\"signature-agent\";key=\"{}\"", candidate.label);
    if candidate.base.covers(&identifier) {
        let members: Dictionary = Parser::new(&field).parse().ok()?;
        return match members.get(candidate.label.as_str())? {
            ListEntry::Item(item) => text(item),
            ListEntry::InnerList(_) => None,
        };
    }
    if candidate.base.covers("\"signature-agent\"") {
        return text(&Parser::new(&field).parse::<Item>().ok()?);
    }
    None
}

impl Confirm for WebBotAuth {
    fn confirm(&self, binding: &Binding, _: &RequestView<'_>) -> Confirming {
        let several = binding.proof::<Several>().is_some();
        Box::pin(async move { if several { Confirmation::Ambiguous } else { Confirmation::not_shown() } })
    }
}

impl Extract for WebBotAuth {
    type Credential = AgentCredential;

    fn scheme(&self) -> &str {
        TAG
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        in_several_lines(request, occurrences);
    }

    fn covers(&self) -> Vec<Covers> {
        vec![Covers::Method, Covers::Target, Covers::Authority, Covers::UriScheme, Covers::Fields]
    }

    fn read(&self, raw: Raw<'_>) -> Option<AgentCredential> {
        let read = MessageCredential::read(raw.covered(), |candidate| candidate.tag.as_deref() == Some(TAG))?;
        let of_agent = |candidate: Candidate| {
            let (url, is_in_order) = (agent(&candidate, raw.covered())?, self.admits(&candidate));
            Some(AgentSignature { url, candidate, is_in_order })
        };
        Some(AgentCredential { signatures: read.into_candidates().filter_map(of_agent).collect() })
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.clock)
    }

    fn confirm(&self) -> Option<&dyn Confirm> {
        Some(self)
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Signature")]
    }

    fn challenge_fields(&self, _: &RequestView<'_>) -> Vec<(&'static str, String)> {
        let asked = "sig=(\"@authority\" \"signature-agent\";key=\"sig\");created;expires;tag=\"web-bot-auth\"";
        vec![("accept-signature", asked.to_owned())]
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::SIGNATURE_INPUT.clone(), field::SIGNATURE.clone(), field::SIGNATURE_AGENT.clone()]
    }
}

/// Signs requests as an agent does: for tests, and for services that crawl.
#[derive(Debug)]
pub struct AgentSigner {
    url: String,
    signer: JwtSigner,
}

/// The fields of a request that an agent signed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentFields {
    /// `Signature-Agent`.
    pub agent: String,
    /// `Signature-Input`.
    pub input: String,
    /// `Signature`.
    pub signature: String,
}

impl AgentSigner {
    /// As the agent whose directory has this URL, by a key that stands in it.
    #[must_use]
    pub fn new(url: &str, signer: JwtSigner) -> Self {
        Self { url: url.to_owned(), signer }
    }

    /// Signs a GET of this URL, for an hour from now; `None` if it is no URL, or the key is a secret.
    #[must_use]
    pub fn sign(&self, url: &str, clock: &SharedClock) -> Option<AgentFields> {
        let (agent, now) = (format!("sig=\"{}\"", self.url), seconds(clock));
        let (key, ends) = (self.signer.key().thumbprint()?, now.saturating_add(3600));
        let input = format!(
            "sig=(\"@authority\" \"signature-agent\";key=\"sig\");created={now};expires={ends};keyid=\"{key}\";tag=\"{TAG}\""
        );
        let (input, signature) = signed_by(&self.signer, "GET", url, &[("signature-agent", &agent)], &input)?;
        Some(AgentFields { agent, input, signature })
    }
}

/// The agents that are known, by the URL of their directory and the thumbprint of a key.
#[derive(Clone)]
pub struct Agents<P> {
    keys: HashMap<(String, String), (JwtKey, Verified<P>)>,
}

impl<P> Agents<P> {
    /// Nobody.
    #[must_use]
    pub fn new() -> Self {
        Self { keys: HashMap::new() }
    }

    /// With the agent of this URL, as it writes it, and its public key; with another key of an agent that is known.
    ///
    /// # Errors
    /// When the key is a secret, or message signatures have no such algorithm.
    pub fn with(mut self, url: &str, key: JwtKey, verified: Verified<P>) -> Result<Self, NoMessageKey> {
        let no_key = || NoMessageKey::of(key.algorithm());
        algorithm(key.algorithm()).ok_or_else(no_key)?;
        let thumbprint = key.thumbprint().ok_or_else(no_key)?;
        self.keys.insert((url.to_owned(), thumbprint), (key, verified));
        Ok(self)
    }
}

impl<P> Default for Agents<P> {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl<P: Clone + Send + Sync + 'static> Verify<AgentCredential> for Agents<P> {
    type Principal = P;

    fn verify_now(&self, credential: &AgentCredential) -> Option<Answer<P>> {
        let mut known = credential.signatures.iter().filter_map(|AgentSignature { url, candidate, is_in_order }| {
            let (key, verified) = self.keys.get(&(url.clone(), candidate.key.clone()))?;
            Some((verified, *is_in_order && candidate.is_by(key)))
        });
        Some(match (known.next(), known.next()) {
            (Some((verified, _)), Some(_)) => verified.clone().bound_to(Binding::Proof(Proof::of(Several))).into(),
            (Some((verified, true)), None) => verified.clone().into(),
            _ => Answer::refused("no such agent is known, or its signature is wrong or covers too little"),
        })
    }

    async fn verify(&self, credential: AgentCredential) -> Answer<P> {
        self.verify_now(&credential).unwrap_or(Answer::Refused)
    }
}

impl<P> fmt::Debug for Agents<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agents").field("known", &self.keys.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for WebBotAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebBotAuth(..)")
    }
}

impl fmt::Debug for AgentCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AgentCredential(..)")
    }
}
