//! Hawk 1: an HMAC over time, nonce, method, target, host and body, in `Authorization`; and [`Bewit`], the same in a link.
//!
//! - The time may be 60 seconds off. Who signs with another is told ours, MACed, so that its client can set its clock right: only who has shown
//!   the key is told.
//! - Key, time and nonce pass once: by the [replay store](crate::store::ReplayStore).
//! - A request with a body needs `hash`; the hash of a body that was not signed would count for nothing.
//! - Host and port are those of `Host`, the port by the scheme where it names none. HMAC-SHA256 alone.
//! - Who is let in gets `Server-Authorization`, which shows that the server knows the key too.
//!
//! # Example
//! ```
//! use countersign::{
//!     Gate, Secret, Verified,
//!     adapter::Verdict,
//!     clock::SystemClock,
//!     credential::signed_request::hawk::{Hawk, HawkRequest},
//!     store::{MemoryReplay, MemorySecrets, StoredSecret},
//!     testing::PlainHead,
//!     verifier::{Secrets, SignedBy},
//! };
//! use std::sync::Arc;
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = Secret::new("werxhqb98rpaxn39848xrunpaw3489ruxnpa98w4rxn");
//! let known = MemorySecrets::new()
//!     .with("dh37fgj492je", StoredSecret::new(key.clone(), Verified::new("emma")));
//! let verifier = SignedBy::secrets(Secrets::in_store(known).without_throttle());
//! let clock = SystemClock::shared();
//! let gate = Gate::in_realm("house")
//!     .accept(Hawk::new(Arc::new(MemoryReplay::default())), verifier)
//!     .build()?;
//!
//! let signed = HawkRequest::to("house.example", 80).asking("GET", "/a?b=1").authorization(
//!     "dh37fgj492je",
//!     &key,
//!     &clock,
//! );
//! let sent = |target: &str| {
//!     PlainHead::get(target)
//!         .with("host", "house.example")
//!         .with("authorization", &signed)
//!         .received_by(&gate)
//! };
//! assert!(
//!     matches!(sent("/a?b=2").verdict_at(&gate).await, Verdict::Rejected(_)),
//!     "another target"
//! );
//! assert!(matches!(sent("/a?b=1").verdict_at(&gate).await, Verdict::Admitted(_)));
//! assert!(matches!(sent("/a?b=1").verdict_at(&gate).await, Verdict::Rejected(_)), "a copy");
//! # Ok(()) }
//! ```
//!
//! # What it does not do
//! It hides nothing: over plain HTTP whoever listens reads all, though they cannot change or repeat it.
//!
//! # Deployment
//! Host and port are signed, and behind a proxy they are what the client asked if the gate
//! [takes the proxy's word](crate::gate::GateBuilder::behind); a proxy that changes `Host` and says nothing of it breaks every request, and so does
//! one that rewrites the path or the query. Copies of a service need one [`ReplayStore`], or a request passes once at each.

mod bewit;
mod request;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};

pub use self::{
    bewit::{Bewit, BewitCredential},
    request::HawkRequest,
};
use super::{NO_HOST, hmac_sha256, host_and_port, number, same, seconds, states_body, too_old_from};
use crate::{
    clock::{SharedClock, SystemClock},
    credential::{
        Confirm, Confirmation, Confirming, Covered, Covers, Extract, Occurrences, Raw, add_after_keyword,
        parameters::{MALFORMED, Parameters},
    },
    observe::why::{OrSay, off_by, say},
    principal::{Binding, Proof},
    request::{Field, RequestView, field},
    response::{Advice, Challenge},
    secret::Secret,
    store::{First, ReplayStore},
    verifier::Signed,
};

/// How far a client's clock may be from ours.
const LEEWAY: u64 = 60;

const NAMES: [&str; 8] = ["id", "ts", "nonce", "hash", "ext", "mac", "app", "dlg"];

/// `Authorization: Hawk …`. See the [module](self).
pub struct Hawk {
    replay: Arc<dyn ReplayStore>,
    clock: SharedClock,
}

/// What a client signed, and its MAC.
#[derive(Clone)]
pub struct HawkCredential {
    id: String,
    mac: Vec<u8>,
    signed: Artifacts,
    time: u64,
}

/// What enters the MAC (Hawk 1, "Normalized String"), but for its first line.
#[derive(Clone, Default)]
struct Artifacts {
    time: String,
    nonce: String,
    method: String,
    resource: String,
    host: String,
    port: u16,
    hash: String,
    ext: String,
    app: Option<(String, String)>,
}

/// What the verifier hands over.
struct Accepted {
    credential: HawkCredential,
    key: Secret,
}

impl Hawk {
    /// Whose requests pass once by this store.
    #[must_use]
    pub fn new(replay: Arc<dyn ReplayStore>) -> Self {
        Self { replay, clock: SystemClock::shared() }
    }

    /// Takes time from this clock; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Our time, MACed for who holds this key.
    fn time_told(&self, key: &Secret) -> Advice {
        let now = seconds(&self.clock);
        let mac = hmac_sha256(key.expose(), format!("hawk.1.ts\n{now}\n").as_bytes());
        Advice::new()
            .with_parameter("ts", now.to_string())
            .with_parameter("tsm", STANDARD.encode(mac))
            .with_parameter("error", "Stale timestamp")
    }
}

impl Artifacts {
    fn mac(&self, purpose: &str, key: &Secret) -> Vec<u8> {
        let Self { time, nonce, method, resource, host, port, hash, app, .. } = self;
        let ext = self.ext.replace('\\', "\\\\").replace('\n', "\\n");
        let app = app.as_ref().map(|(app, delegated_by)| format!("{app}\n{delegated_by}\n")).unwrap_or_default();
        let text =
            format!("hawk.1.{purpose}\n{time}\n{nonce}\n{method}\n{resource}\n{host}\n{port}\n{hash}\n{ext}\n{app}");
        hmac_sha256(key.expose(), text.as_bytes())
    }
}

/// The hash of a body and its media type.
fn payload_hash(content_type: &[u8], body: &[u8]) -> String {
    let media_type = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let media_type = media_type.to_ascii_lowercase();
    let text = [b"hawk.1.payload\n", media_type.as_slice(), b"\n", body, b"\n"].concat();
    STANDARD.encode(super::sha256(&text))
}

/// What Hawk lets stand in an attribute: printable ASCII without quotes and backslashes.
fn is_attribute(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\')
}

impl HawkCredential {
    fn read(raw: Raw<'_>) -> Option<Self> {
        let parameters = Parameters::read(raw.whole()).or_say(MALFORMED)?;
        let all_fit = parameters.are_all_of(&NAMES)
            && parameters.iter().all(|(name, _)| parameters.text(name).is_some_and(is_attribute));
        all_fit.or_say("it has an attribute that Hawk does not know, or one that is empty or not printable")?;
        let text = |name: &str| parameters.text(name).map(str::to_owned);
        let needed = |name: &str| text(name).or_say_so(|| format!("its {name} is missing"));
        let app = match (text("app"), text("dlg")) {
            (Some(app), delegated_by) => Some((app, delegated_by.unwrap_or_default())),
            (None, None) => None,
            // Without the app it would be covered by nothing.
            (None, Some(_)) => return None.or_say("it has dlg without app"),
        };
        let time = needed("ts")?;
        let mac = STANDARD.decode(needed("mac")?).ok().or_say("its mac is no base64")?;
        let (method, resource, host, port) = covered(raw.covered())?;
        Some(Self {
            id: needed("id")?,
            mac,
            time: number(&time).or_say("its ts is no number")?,
            signed: Artifacts {
                time,
                nonce: needed("nonce")?,
                method,
                resource,
                host,
                port,
                hash: text("hash").unwrap_or_default(),
                ext: text("ext").unwrap_or_default(),
                app,
            },
        })
    }
}

fn covered(covered: &Covered) -> Option<(String, String, String, u16)> {
    let (host, port) = host_and_port(covered).or_say(NO_HOST)?;
    Some((covered.method()?.to_owned(), covered.target()?.to_owned(), host, port))
}

impl Signed for HawkCredential {
    fn signer(&self) -> &str {
        &self.id
    }

    fn is_by(&self, secret: &Secret) -> bool {
        same(&self.signed.mac("header", secret), &self.mac)
    }

    fn binding(&self, key: Secret) -> Binding {
        Binding::Proof(Proof::of(Accepted { credential: self.clone(), key }))
    }
}

impl Confirm for Hawk {
    fn confirm(&self, binding: &Binding, request: &RequestView<'_>) -> Confirming {
        let Some(Accepted { credential, key }) = binding.proof::<Accepted>() else {
            return Box::pin(async { Confirmation::not_shown() });
        };
        if credential.time.abs_diff(seconds(&self.clock)) > LEEWAY {
            say(&off_by(credential.time, seconds(&self.clock)));
            let told = self.time_told(key);
            return Box::pin(async { Confirmation::NotShown(told) });
        }
        let content_type = request.field(&field::CONTENT_TYPE, 0).unwrap_or_default();
        let body_fits = match (request.body(), &*credential.signed.hash) {
            (Some(body), "") => body.is_empty(),
            (Some(body), hash) => payload_hash(content_type, body) == hash,
            (None, _) => false,
        };
        if !body_fits {
            return Box::pin(async {
                Confirmation::not_shown_since("its hash of the body is missing, or does not match")
            });
        }
        let answered = Artifacts { hash: String::new(), ext: String::new(), ..credential.signed.clone() };
        let proof = format!("Hawk mac=\"{}\"", STANDARD.encode(answered.mac("response", key)));
        let (replay, scope) = (Arc::clone(&self.replay), format!("hawk {}", credential.id));
        let nonce = format!("{}\n{}", credential.time, credential.signed.nonce);
        let until = too_old_from(credential.time, LEEWAY);
        Box::pin(async move {
            match replay.first(&scope, nonce.as_bytes(), until).await {
                First::New => Confirmation::Shown(vec![("server-authorization", proof)]),
                other => other.confirmation(),
            }
        })
    }

    // A body that was not signed and says so is not read; one that says nothing could be there all the same.
    fn needs_body(&self, binding: &Binding, request: &RequestView<'_>) -> bool {
        binding.proof::<Accepted>().is_some_and(|Accepted { credential, .. }| {
            let in_time = credential.time.abs_diff(seconds(&self.clock)) <= LEEWAY;
            in_time && (!credential.signed.hash.is_empty() || !states_body(request))
        })
    }
}

impl Extract for Hawk {
    type Credential = HawkCredential;

    fn scheme(&self) -> &str {
        "hawk"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        add_after_keyword("Hawk", request, occurrences);
    }

    fn covers(&self) -> Vec<Covers> {
        vec![Covers::Method, Covers::Target, Covers::Authority, Covers::UriScheme, Covers::Body]
    }

    fn read(&self, raw: Raw<'_>) -> Option<HawkCredential> {
        HawkCredential::read(raw)
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.clock)
    }

    fn confirm(&self) -> Option<&dyn Confirm> {
        Some(self)
    }

    // Clients refuse a challenge with any parameter but those of a stale time.
    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Hawk").without_realm()]
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::AUTHORIZATION.clone()]
    }
}

impl fmt::Debug for Hawk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hawk(..)")
    }
}

impl fmt::Debug for HawkCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HawkCredential(..)")
    }
}
