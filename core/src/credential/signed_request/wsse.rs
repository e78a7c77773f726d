//! The UsernameToken profile in header fields: `Authorization: WSSE profile="UsernameToken"` and `X-WSSE`.
//!
//! The client sends a nonce, the time, and SHA-1 over both and the password. Of the two dialects that are about this is that of OASIS: the
//! nonce is base64, and its bytes are hashed. The other, in which its text is hashed, is not tried, because a digest would count twice.
//!
//! - Both fields once; the parameters of `X-WSSE` in any order, each once, and no other.
//! - `Created` is UTC with `Z` and at most 300 seconds off.
//! - Name and nonce pass once. A nonce has at most 1 KiB, decoded.
//!
//! # Example
//! ```
//! use countersign::{
//!     Gate, Secret, Verified,
//!     adapter::Verdict,
//!     clock::SystemClock,
//!     credential::signed_request::wsse::Wsse,
//!     store::{MemoryReplay, MemorySecrets, StoredSecret},
//!     testing::PlainHead,
//!     verifier::{Secrets, SignedBy},
//! };
//! use std::sync::Arc;
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let password = Secret::new("taadtaadpstcsm");
//! let bob = StoredSecret::new(password.clone(), Verified::new("bob"));
//! let verifier = SignedBy::secrets(Secrets::in_store(MemorySecrets::new().with("bob", bob)));
//! let gate = Gate::in_realm("house")
//!     .accept(Wsse::new(Arc::new(MemoryReplay::default())), verifier)
//!     .build()?;
//!
//! let token = Wsse::token("bob", &password, &SystemClock::shared());
//! let head = || {
//!     PlainHead::get("/")
//!         .with("authorization", r#"WSSE profile="UsernameToken""#)
//!         .with("x-wsse", &token)
//!         .received_by(&gate)
//! };
//! assert!(matches!(head().verdict_at(&gate).await, Verdict::Admitted(_)));
//! assert!(matches!(head().verdict_at(&gate).await, Verdict::Rejected(_)), "a copy");
//! # Ok(()) }
//! ```
//!
//! # What it does not do
//! It covers nothing of the request: whoever can change it on its way can have it do something else. And the store must hold the password itself. For
//! clients of old; [Hawk](super::hawk) for new ones.
//!
//! # Deployment
//! A proxy breaks nothing, since nothing of the request is covered, and whoever reads along between the proxy and the app can use the token
//! first. Copies of a service need one [`ReplayStore`], and clocks that agree with the clients' to within the window.

use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{same, seconds, sha1, too_old_from};
use crate::{
    clock::{SharedClock, SystemClock},
    credential::{
        Confirm, Confirmation, Confirming, Extract, Occurrences, Raw, after_keyword,
        parameters::{MALFORMED, Parameters},
    },
    observe::why::{OrSay, off_by, say},
    principal::{Binding, Proof},
    request::{Field, RequestView, field},
    response::Challenge,
    secret::{Secret, random::random_bytes},
    store::ReplayStore,
    verifier::Signed,
};

/// How far a client's clock may be from ours.
const LEEWAY: u64 = 300;

/// The longest nonce, in bytes.
const LONGEST_NONCE: usize = 1024;

const PROFILE: &str = "UsernameToken";
const NO_TOKEN: &str = "X-WSSE holds no UsernameToken";
const NAMES: [&str; 4] = ["username", "passworddigest", "nonce", "created"];

/// The `WSSE` scheme. See the [module](self).
pub struct Wsse {
    replay: Arc<dyn ReplayStore>,
    clock: SharedClock,
}

/// A token, as read.
pub struct WsseCredential {
    name: String,
    digest: Vec<u8>,
    nonce: Vec<u8>,
    created: String,
    time: u64,
}

/// What the verifier hands over: whose nonce, and of what time.
struct Accepted {
    name: String,
    nonce: Vec<u8>,
    time: u64,
}

impl Wsse {
    /// Whose nonces pass once by this store.
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

    /// The value of `X-WSSE` for this name and password, made now.
    #[must_use]
    pub fn token(name: &str, password: &Secret, clock: &SharedClock) -> String {
        let nonce: [u8; 16] = random_bytes();
        let now = i64::try_from(seconds(clock)).unwrap_or_default();
        let created = jiff::Timestamp::from_second(now).unwrap_or_default().to_string();
        let digest = sha1(&[nonce.as_slice(), created.as_bytes(), password.expose()].concat());
        let (digest, nonce) = (STANDARD.encode(digest), STANDARD.encode(nonce));
        let name = name.replace('\\', "\\\\").replace('"', "\\\"");
        format!("{PROFILE} Username=\"{name}\", PasswordDigest=\"{digest}\", Nonce=\"{nonce}\", Created=\"{created}\"")
    }
}

impl WsseCredential {
    fn read(raw: Raw<'_>) -> Option<Self> {
        let profile = Parameters::read(raw.whole()).or_say(MALFORMED)?;
        (profile.text("profile") == Some(PROFILE) && profile.are_all_of(&["profile", "realm"]))
            .or_say("its Authorization is not of the profile UsernameToken")?;
        let token = raw.part(1).filter(|token| !token.is_empty()).or_say("the field X-WSSE is missing")?;
        let (keyword, rest) = token.split_at_checked(PROFILE.len()).or_say(NO_TOKEN)?;
        let parameters = Parameters::read(rest).or_say(MALFORMED)?;
        let starts = keyword.eq_ignore_ascii_case(PROFILE.as_bytes()) && matches!(rest, [b' ' | b'\t', ..]);
        (starts && parameters.are_all_of(&NAMES)).or_say(NO_TOKEN)?;
        let text = |name: &str| {
            let text = parameters.text(name).filter(|text| !text.is_empty());
            text.or_say_so(|| format!("its {name} is missing"))
        };
        let nonce = STANDARD.decode(text("nonce")?).ok().filter(|nonce| (1..=LONGEST_NONCE).contains(&nonce.len()));
        let nonce = nonce.or_say("its nonce is no base64, or too long")?;
        let created = text("created")?;
        Some(Self {
            name: text("username")?.to_owned(),
            digest: STANDARD.decode(text("passworddigest")?).ok().or_say("its passworddigest is no base64")?,
            nonce,
            time: utc(created).or_say("its created is no time in UTC")?,
            created: created.to_owned(),
        })
    }
}

/// Unix seconds of a time like `2003-12-15T14:43:07Z`, fractions of a second cut off.
fn utc(text: &str) -> Option<u64> {
    let (whole, fraction) = text.strip_suffix('Z')?.split_at_checked(19)?;
    let shape = whole.bytes().zip(*b"dddd-dd-ddTdd:dd:dd");
    let fits = shape.into_iter().all(|(byte, shape)| match shape {
        b'd' => byte.is_ascii_digit(),
        shape => byte == shape,
    });
    let digits = fraction.strip_prefix('.').map_or(fraction.is_empty(), |digits| {
        (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    let time: jiff::Timestamp = if fits && digits { format!("{whole}Z").parse().ok()? } else { return None };
    u64::try_from(time.as_second()).ok()
}

impl Signed for WsseCredential {
    fn signer(&self) -> &str {
        &self.name
    }

    fn is_by(&self, secret: &Secret) -> bool {
        let text = zeroize::Zeroizing::new([self.nonce.as_slice(), self.created.as_bytes(), secret.expose()].concat());
        same(&sha1(&text), &self.digest)
    }

    fn binding(&self, _: Secret) -> Binding {
        let Self { name, nonce, time, .. } = self;
        Binding::Proof(Proof::of(Accepted { name: name.clone(), nonce: nonce.clone(), time: *time }))
    }
}

impl Confirm for Wsse {
    fn confirm(&self, binding: &Binding, _: &RequestView<'_>) -> Confirming {
        let Some(Accepted { name, nonce, time }) = binding.proof::<Accepted>() else {
            return Box::pin(async { Confirmation::not_shown() });
        };
        if time.abs_diff(seconds(&self.clock)) > LEEWAY {
            say(&off_by(*time, seconds(&self.clock)));
            return Box::pin(async { Confirmation::not_shown() });
        }
        let (replay, scope) = (Arc::clone(&self.replay), format!("wsse {name}"));
        let (nonce, until) = (nonce.clone(), too_old_from(*time, LEEWAY));
        Box::pin(async move { replay.first(&scope, &nonce, until).await.confirmation() })
    }
}

impl Extract for Wsse {
    type Credential = WsseCredential;

    fn scheme(&self) -> &str {
        "wsse"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        after_keyword("WSSE", request).for_each(|raw| occurrences.add_part(0, raw));
        request.fields(&field::X_WSSE).for_each(|raw| occurrences.add_part(1, raw));
    }

    fn read(&self, raw: Raw<'_>) -> Option<WsseCredential> {
        WsseCredential::read(raw)
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.clock)
    }

    fn confirm(&self) -> Option<&dyn Confirm> {
        Some(self)
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("WSSE").with("profile", PROFILE)]
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::AUTHORIZATION.clone(), field::X_WSSE.clone()]
    }
}

impl fmt::Debug for Wsse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wsse(..)")
    }
}

impl fmt::Debug for WsseCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WsseCredential(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::{
        Gate, Verified,
        adapter::Verdict,
        store::{MemoryReplay, MemorySecrets, StoredSecret},
        testing::{ManualClock, PlainHead},
        verifier::{Secrets, SignedBy},
    };

    const TIME: u64 = 1_058_318_672;
    const PROFILED: &str = "WSSE profile=\"UsernameToken\"";

    fn token(created: &str) -> String {
        let nonce: Vec<u8> = (0..16).collect();
        let digest = STANDARD.encode(sha1(&[nonce.as_slice(), created.as_bytes(), b"secret"].concat()));
        let nonce = STANDARD.encode(nonce);
        format!("UsernameToken Username=\"bob\", PasswordDigest=\"{digest}\", Nonce=\"{nonce}\", Created=\"{created}\"")
    }

    struct House {
        gate: Gate<&'static str>,
        clock: Arc<ManualClock>,
        replay: Arc<MemoryReplay>,
    }

    fn house_at(time: u64) -> House {
        let clock = Arc::new(ManualClock::at(UNIX_EPOCH + Duration::from_secs(time)));
        let replay = Arc::new(MemoryReplay::default().timed_by(clock.clone()));
        let known = MemorySecrets::new()
            .with("bob", StoredSecret::new(Secret::new("secret"), Verified::new("bob")))
            .with("nobody", StoredSecret::new(Secret::new(""), Verified::new("nobody")));
        let verifier = SignedBy::secrets(Secrets::in_store(known).without_throttle());
        let kind = Wsse::new(replay.clone()).timed_by(clock.clone());
        let gate = Gate::in_realm("house").accept(kind, verifier).timed_by(clock.clone()).build().unwrap();
        House { gate, clock, replay }
    }

    fn gate_at(time: u64) -> Gate<&'static str> {
        house_at(time).gate
    }

    async fn status(gate: &Gate<&'static str>, authorization: &str, tokens: &[&str]) -> u16 {
        let head = PlainHead::get("/").with("authorization", authorization);
        let head = tokens.iter().fold(head, |head, token| head.with("x-wsse", token));
        match head.received_by(gate).verdict_at(gate).await {
            Verdict::Admitted(_) => 200,
            Verdict::Rejected(rejection) => rejection.status(),
            Verdict::Anonymous => unreachable!("nobody in particular"),
        }
    }

    #[tokio::test]
    async fn the_vector_of_oasis_passes_once() {
        let gate = gate_at(TIME);
        let good = token("2003-07-16T01:24:32Z");
        assert!(good.contains("bxz7Fnh+AS1FOd+rIJb+Mr2/J9A="));
        let as_text = good.replace("bxz7Fnh+AS1FOd+rIJb+Mr2/J9A=", "+nKcxsb9XDyT13NqoOADAvI1YaM=");
        assert_eq!(status(&gate, PROFILED, &[&as_text]).await, 401, "the other dialect");
        assert_eq!(status(&gate, PROFILED, &[&good]).await, 200);
        assert_eq!(status(&gate, PROFILED, &[&good]).await, 401, "a copy");
        assert_eq!(status(&gate, PROFILED, &[&token("2003-07-16T01:24:33Z")]).await, 401, "its nonce at another time");
    }

    #[tokio::test]
    async fn whatever_is_malformed_is_refused() {
        let House { gate, replay, .. } = house_at(TIME);
        let good = token("2003-07-16T01:24:32Z");
        let long = STANDARD.encode([0; LONGEST_NONCE + 1]);
        for (from, to) in [
            ("UsernameToken ", ""),
            ("UsernameToken ", "UsernameToken"),
            ("Username=\"bob\"", "Username=\"\""),
            ("Username=\"bob\"", "Username=\"emily\""),
            ("Username=\"bob\", ", ""),
            ("Username=\"bob\"", "Username=\"bob\", Username=\"bob\""),
            ("Username=\"bob\"", "Username=\"bob\", More=\"\""),
            ("AAECAwQFBgcICQoLDA0ODw==", ""),
            ("AAECAwQFBgcICQoLDA0ODw==", "AAECAwQFBgcICQoLDA0ODw"),
            ("AAECAwQFBgcICQoLDA0ODw==", &long),
            ("bxz7Fnh+AS1FOd+rIJb+Mr2/J9A=", "bxz7Fnh+AS1FOd+rIJb+Mr2/J9B="),
            ("bxz7Fnh+AS1FOd+rIJb+Mr2/J9A=", ""),
            ("24:32Z", "24:32"),
            ("24:32Z", "24:32+00:00"),
            ("T01:24:32Z", " 01:24:32Z"),
            ("01:24:32Z", "25:24:32Z"),
        ] {
            let sent = good.replacen(from, to, 1);
            assert_ne!(sent, good, "{from}");
            assert_eq!(status(&gate, PROFILED, &[&sent]).await, 401, "{to}");
        }
        // Hashed rightly, and no time in UTC.
        for created in [
            "2003-07-16T01:24:32",
            "2003-07-16T01:24:32z",
            "2003-07-16T01:24:32+00:00",
            "2003-07-16T03:24:32+02:00",
            "2003-07-16 01:24:32Z",
            "2003-07-16T25:24:32Z",
            "2003-07-16T01:24:32.Z",
            "2003-07-16",
            "1058318672",
        ] {
            assert_eq!(status(&gate, PROFILED, &[&token(created)]).await, 401, "{created}");
        }
        let empty = STANDARD.encode(sha1(&[(0..16).collect::<Vec<u8>>(), b"2003-07-16T01:24:32Z".to_vec()].concat()));
        for name in ["nobody", "unknown"] {
            let sent = good.replace("bob", name).replace("bxz7Fnh+AS1FOd+rIJb+Mr2/J9A=", &empty);
            assert_eq!(status(&gate, PROFILED, &[&sent]).await, 401, "{name} has no password");
        }
        for other in ["WSSE", "WSSE profile=\"Other\"", "WSSE profile=\"UsernameToken\", more=x", "Basic YTpi"] {
            assert_eq!(status(&gate, other, &[&good]).await, 401, "{other}");
        }
        assert_eq!(status(&gate, PROFILED, &[]).await, 401);
        assert_eq!(status(&gate, PROFILED, &[&good, &good]).await, 400);
        assert_eq!(replay.held(), 0, "what is refused costs nothing, and spends no nonce");
        let other_order = "UsernameToken Created=\"2003-07-16T01:24:32Z\", Nonce=\"AAECAwQFBgcICQoLDA0ODw==\", PasswordDigest=\"bxz7Fnh+AS1FOd+rIJb+Mr2/J9A=\", Username=\"bob\"";
        assert_eq!(status(&gate, "WSSE realm=\"x\", profile=\"UsernameToken\"", &[other_order]).await, 200);
        assert_eq!(replay.held(), 1);
    }

    #[tokio::test]
    async fn a_nonce_is_remembered_until_its_token_is_too_old() {
        let House { gate, clock, replay } = house_at(TIME - LEEWAY);
        let good = token("2003-07-16T01:24:32Z");
        assert_eq!(status(&gate, PROFILED, &[&good]).await, 200, "as far ahead as may be");
        for seconds in [0, 2 * LEEWAY - 1, 1] {
            clock.advance(Duration::from_secs(seconds));
            assert_eq!(status(&gate, PROFILED, &[&good]).await, 401);
            assert_eq!(replay.held(), 1);
        }
        // From here on the token is refused for its age, and its nonce may be forgotten when the next one comes.
        clock.advance(Duration::from_secs(1));
        let (next, other) = (token("2003-07-16T01:29:33Z"), token("2003-07-16T01:29:33Z").replace("bob", "nobody"));
        assert_eq!(status(&gate, PROFILED, &[&good]).await, 401);
        assert_eq!(status(&gate, PROFILED, &[&other]).await, 401);
        assert_eq!(status(&gate, PROFILED, &[&next]).await, 200, "its nonce counts anew");
        assert_eq!(replay.held(), 1);
    }

    #[tokio::test]
    async fn a_nonce_has_at_most_a_kibibyte_once_it_is_decoded() {
        let gate = gate_at(TIME);
        for (length, expected) in [(1, 200), (LONGEST_NONCE, 200), (LONGEST_NONCE + 1, 401)] {
            let (nonce, created) = (vec![b'n'; length], "2003-07-16T01:24:32Z");
            let digest = STANDARD.encode(sha1(&[nonce.as_slice(), created.as_bytes(), b"secret"].concat()));
            let nonce = STANDARD.encode(nonce);
            let sent = format!(
                "UsernameToken Username=\"bob\", PasswordDigest=\"{digest}\", Nonce=\"{nonce}\", Created=\"{created}\""
            );
            assert_eq!(status(&gate, PROFILED, &[&sent]).await, expected, "{length}");
        }
    }

    #[tokio::test]
    async fn a_time_is_near_and_may_have_a_fraction() {
        for (moved, expected) in [(300, 200), (301, 401), (-300, 200), (-301, 401)] {
            let gate = gate_at(TIME.checked_add_signed(moved).unwrap());
            assert_eq!(status(&gate, PROFILED, &[&token("2003-07-16T01:24:32Z")]).await, expected, "{moved}");
        }
        let gate = gate_at(TIME);
        assert_eq!(status(&gate, PROFILED, &[&token("2003-07-16T01:24:32.5Z")]).await, 200);
    }
}
