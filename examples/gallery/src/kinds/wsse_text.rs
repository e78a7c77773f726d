//! WSSE as the old articles have it: the text of the nonce is hashed, not its bytes.
//!
//! Else it is as the library's kind is, and as strict: UTC with `Z` within five minutes, name and nonce once.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use countersign::{
    Extract, RequestView, Secret,
    clock::SharedClock,
    credential::{Confirm, Confirmation, Confirming, Occurrences, Raw, after_keyword, parameters::Parameters},
    principal::{Binding, Proof},
    request::{Field, field},
    response::Challenge,
    store::ReplayStore,
    verifier::Signed,
};
use sha1::{Digest, Sha1};

use crate::Fault;

/// How far a client's clock may be from ours.
const LEEWAY: Duration = Duration::from_secs(300);

/// The longest nonce, in bytes of text.
const LONGEST_NONCE: usize = 1024;

const PROFILE: &str = "UsernameToken";

/// The text dialect of WSSE.
pub(crate) struct WsseText {
    token: Field,
    replay: Arc<dyn ReplayStore>,
    clock: SharedClock,
}

/// A token, as read.
pub(crate) struct TextToken {
    name: String,
    digest: Vec<u8>,
    nonce: String,
    created: String,
    time: SystemTime,
}

/// What the verifier hands over: whose nonce, and of what time.
struct Accepted {
    name: String,
    nonce: String,
    time: SystemTime,
}

impl WsseText {
    pub(crate) fn new(replay: Arc<dyn ReplayStore>, clock: SharedClock) -> Result<Self, Fault> {
        Ok(Self { token: "X-WSSE".parse()?, replay, clock })
    }

    /// A token of now, for the page.
    pub(crate) fn token(name: &str, password: &Secret, clock: &SharedClock) -> String {
        let since = clock.wall().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(since.as_secs()).unwrap_or_default();
        let created = jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string();
        let nonce = format!("{:016x}", since.as_nanos());
        let digest = STANDARD.encode(digest(&nonce, &created, password));
        format!("{PROFILE} Username=\"{name}\", PasswordDigest=\"{digest}\", Nonce=\"{nonce}\", Created=\"{created}\"")
    }

    fn token_of(raw: Raw<'_>) -> Option<TextToken> {
        let profile = Parameters::read(raw.whole())?;
        if profile.text("profile") != Some(PROFILE) || !profile.are_all_of(&["profile", "realm"]) {
            return None;
        }
        let (keyword, rest) = raw.part(1)?.split_at_checked(PROFILE.len())?;
        let parameters = Parameters::read(rest)?;
        let starts = keyword.eq_ignore_ascii_case(PROFILE.as_bytes()) && matches!(rest, [b' ' | b'\t', ..]);
        let text = |name: &str| parameters.text(name).filter(|text| !text.is_empty()).map(str::to_owned);
        if !starts || !parameters.are_all_of(&["username", "passworddigest", "nonce", "created"]) {
            return None;
        }
        let created = text("created")?;
        Some(TextToken {
            name: text("username")?,
            digest: STANDARD.decode(parameters.get("passworddigest")?).ok()?,
            nonce: text("nonce").filter(|nonce| nonce.len() <= LONGEST_NONCE)?,
            time: utc(&created)?,
            created,
        })
    }
}

fn digest(nonce: &str, created: &str, password: &Secret) -> Vec<u8> {
    let hashed = Sha1::new().chain_update(nonce).chain_update(created).chain_update(password.expose());
    hashed.finalize().to_vec()
}

/// A time like `2003-12-15T14:43:07Z`, fractions of a second cut off.
fn utc(text: &str) -> Option<SystemTime> {
    let (whole, fraction) = text.strip_suffix('Z')?.split_at_checked(19)?;
    let fits = whole
        .bytes()
        .zip(*b"dddd-dd-ddTdd:dd:dd")
        .all(|(byte, shape)| if shape == b'd' { byte.is_ascii_digit() } else { byte == shape });
    let digits = fraction.strip_prefix('.').map_or(fraction.is_empty(), |digits| {
        (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    let time: jiff::Timestamp = if fits && digits { format!("{whole}Z").parse().ok()? } else { return None };
    UNIX_EPOCH.checked_add(Duration::from_secs(u64::try_from(time.as_second()).ok()?))
}

impl Signed for TextToken {
    fn signer(&self) -> &str {
        &self.name
    }

    fn is_by(&self, secret: &Secret) -> bool {
        Secret::new(digest(&self.nonce, &self.created, secret)).matches(&self.digest)
    }

    fn binding(&self, _: Secret) -> Binding {
        let Self { name, nonce, time, .. } = self;
        Binding::Proof(Proof::of(Accepted { name: name.clone(), nonce: nonce.clone(), time: *time }))
    }
}

impl Confirm for WsseText {
    fn confirm(&self, binding: &Binding, _: &RequestView<'_>) -> Confirming {
        let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let now = seconds(self.clock.wall());
        let is_near = |time: SystemTime| seconds(time).abs_diff(now) <= LEEWAY.as_secs();
        let Some(Accepted { name, nonce, time }) = binding.proof::<Accepted>().filter(|token| is_near(token.time))
        else {
            return Box::pin(async { Confirmation::not_shown() });
        };
        let (replay, scope, nonce) = (Arc::clone(&self.replay), format!("wsse {name}"), nonce.clone());
        // The last second of the leeway counts as a whole.
        let until = *time + LEEWAY + Duration::from_secs(1);
        Box::pin(async move { replay.first(&scope, nonce.as_bytes(), until).await.confirmation() })
    }
}

impl Extract for WsseText {
    type Credential = TextToken;

    fn scheme(&self) -> &str {
        "wsse"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        after_keyword("WSSE", request).for_each(|raw| occurrences.add_part(0, raw));
        request.fields(&self.token).for_each(|raw| occurrences.add_part(1, raw));
    }

    fn read(&self, raw: Raw<'_>) -> Option<TextToken> {
        Self::token_of(raw)
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
        vec![field::AUTHORIZATION.clone(), self.token.clone()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vector_of_the_old_article_holds() {
        let digest = digest("d36e316282959a9ed4c89851497a717f", "2003-12-15T14:43:07Z", &Secret::new("taadtaadpstcsm"));
        assert_eq!(STANDARD.encode(digest), "quR/EWLAV4xLf9Zqyw4pDmfV9OY=");
    }

    #[test]
    fn only_utc_is_a_time() {
        for (text, is_one) in [
            ("2003-12-15T14:43:07Z", true),
            ("2003-12-15T14:43:07.5Z", true),
            ("2003-12-15T14:43:07.Z", false),
            ("2003-12-15T14:43:07,5Z", false),
            ("2003-12-15T14:43:07", false),
            ("2003-12-15T14:43:07+00:00", false),
            ("2003-12-15 14:43:07Z", false),
            ("2003-13-15T14:43:07Z", false),
            ("", false),
        ] {
            assert_eq!(utc(text).is_some(), is_one, "{text}");
        }
    }
}
