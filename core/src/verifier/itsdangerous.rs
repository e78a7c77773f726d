//! Tokens of itsdangerous 1.1 and before: [`ItsdangerousJws`].
//!
//! `JSONWebSignatureSerializer` and `TimedJSONWebSignatureSerializer` look like JWTs and are none: the time of issue and the end stand in the
//! **header** (`iat`, `exp`), the payload is whatever the app wanted, and the key is the secret itself, of whatever length. The algorithm is
//! one of those that are named here, never another of the token's choice.
//!
//! # Example
//! ```
//! use countersign::{
//!     Answer, Secret, Verified, Verify, credential::TokenCredential, verifier::ItsdangerousJws,
//! };
//! use std::time::SystemTime;
//!
//! let tokens = ItsdangerousJws::signed_by(Secret::new("secret-key"), |payload| {
//!     match payload.member::<u64>("id") {
//!         Some(id) => Verified::new(id).into(),
//!         None => Answer::Refused,
//!     }
//! });
//! let good = "eyJhbGciOiJIUzUxMiJ9.eyJpZCI6NX0.mtg10vKA-MkwxPoabnEDzGnlHlESgYZefNvhTITB-kWvAAblmw8DghugSQNjK6ImfJhaAYhwrEqQEBMzQjk6VQ";
//! let verify = |token: &str| tokens.verify_now(&TokenCredential::read(token.as_bytes()).unwrap());
//! assert!(matches!(verify(good), Some(Answer::Verified(_))));
//! assert!(matches!(verify(&good.replace("eyJpZCI6NX0", "eyJpZCI6Nn0")), Some(Answer::Refused)));
//! ```
//!
//! # What it does not do
//! It does not look at an `exp` in the payload, as itsdangerous does not. It does not read what itsdangerous signs since: that is
//! [`Itsdangerous`](crate::credential::cookie::foreign::Itsdangerous).
//!
//! # Deployment
//! The secret is often a short text, and a token is all that somebody needs to try guesses without asking anybody: give such a service a long one.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Answer, Verify};
use crate::{
    clock::{SharedClock, SystemClock},
    credential::{
        TokenCredential,
        cookie::foreign::{
            Document, MacHash,
            mac::{Written, cut_last},
        },
    },
    secret::Secret,
};

/// How far the clock of who signs may be ahead of ours.
const AHEAD: Duration = Duration::from_secs(60);

type Principal<P> = dyn Fn(&Document) -> Answer<P> + Send + Sync;

/// Verifies tokens of itsdangerous. See the [module](self).
pub struct ItsdangerousJws<P> {
    secrets: Vec<Secret>,
    clock: SharedClock,
    principal: Box<Principal<P>>,
}

impl<P: Send + Sync + 'static> ItsdangerousJws<P> {
    /// Tokens by HMAC-SHA256 or HMAC-SHA512 with this secret; `principal` says whom a payload names.
    pub fn signed_by(secret: Secret, principal: impl Fn(&Document) -> Answer<P> + Send + Sync + 'static) -> Self {
        Self { secrets: vec![secret], clock: SystemClock::shared(), principal: Box::new(principal) }
    }

    /// Takes what an older secret signed as well.
    #[must_use]
    pub fn or_older(mut self, secret: Secret) -> Self {
        self.secrets.push(secret);
        self
    }

    /// Takes time from this clock; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// The token of this payload by HMAC-SHA512, signed now and good for so long, or for ever. What cannot be JSON is sealed as `null`.
    #[must_use]
    pub fn seal(&self, payload: &impl Serialize, life: Option<Duration>) -> String {
        let now = self.clock.wall().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let header = match life {
            Some(life) => json!({ "alg": "HS512", "iat": now, "exp": now.saturating_add(life.as_secs()) }),
            None => json!({ "alg": "HS512" }),
        };
        let payload = serde_json::to_vec(payload).unwrap_or_else(|_| b"null".to_vec());
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(payload));
        let mac = self.secrets.first().map(|secret| MacHash::Sha512.mac(secret.expose(), &[text.as_bytes()]));
        format!("{text}.{}", Written::Url.write(&mac.unwrap_or_default()))
    }

    fn judge(&self, token: &[u8]) -> Option<Answer<P>> {
        let (signed, mac) = cut_last(token, b".")?;
        let (header, payload) = cut_last(signed, b".")?;
        let header: Map<String, Value> = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        let hash = match header.get("alg")?.as_str()? {
            "HS256" => MacHash::Sha256,
            "HS512" => MacHash::Sha512,
            _ => return None,
        };
        let good = |secret: &Secret| {
            !secret.expose().is_empty() && Written::Url.equals(&hash.mac(secret.expose(), &[signed]), mac)
        };
        if header.contains_key("crit") || !self.secrets.iter().any(good) {
            return None;
        }
        let now = self.clock.wall();
        let (issued, ends) = (moment(&header, "iat")?, moment(&header, "exp")?);
        if issued.is_some_and(|issued| now.checked_add(AHEAD).is_some_and(|latest| issued > latest)) {
            return None;
        }
        // As itsdangerous counts, in whole seconds: it is still good in the second of its end.
        let ends = ends.map(|end| end.checked_add(Duration::from_secs(1)));
        let ends = ends.flatten();
        if ends.is_some_and(|end| end <= now) {
            return None;
        }
        let payload = Document::read(&URL_SAFE_NO_PAD.decode(payload).ok()?)?;
        Some(match ((self.principal)(&payload), ends) {
            (Answer::Verified(verified), Some(end)) => verified.ending_at(end).into(),
            (answer, _) => answer,
        })
    }
}

/// A time in a header, if there is one; `None` if it is there and no time.
fn moment(header: &Map<String, Value>, name: &str) -> Option<Option<SystemTime>> {
    let Some(member) = header.get(name) else { return Some(None) };
    let since = Duration::from_secs(member.as_u64()?);
    Some(Some(SystemTime::UNIX_EPOCH.checked_add(since)?))
}

#[async_trait]
impl<P: Send + Sync + 'static> Verify<TokenCredential> for ItsdangerousJws<P> {
    type Principal = P;

    fn verify_now(&self, credential: &TokenCredential) -> Option<Answer<P>> {
        Some(self.judge(credential.token().expose()).unwrap_or(Answer::Refused))
    }

    async fn verify(&self, credential: TokenCredential) -> Answer<P> {
        self.judge(credential.token().expose()).unwrap_or(Answer::Refused)
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.clock)
    }
}

impl<P> fmt::Debug for ItsdangerousJws<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ItsdangerousJws(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{principal::Verified, testing::ManualClock};

    const NOW: u64 = 1_700_000_000;
    const TIMED: &str = "eyJhbGciOiJIUzUxMiIsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjoxNzAwMDAwNjAwfQ.eyJpZCI6NX0.3Ry0wCMUrTfFNIDzCH_YYwIs9gCexZBZihcazqFbS19Ydrn9ZnA_BujJ1xnCNKDF9_vr8qdRGOkL_bOUGXU5Xw";

    fn tokens(now: u64) -> ItsdangerousJws<u64> {
        let tokens = ItsdangerousJws::signed_by(Secret::new("secret-key"), |payload| match payload.member("id") {
            Some(id) => Verified::new(id).into(),
            None => Answer::Refused,
        });
        tokens.timed_by(Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(now))))
    }

    fn admits(token: &str, now: u64) -> bool {
        matches!(tokens(now).judge(token.as_bytes()), Some(Answer::Verified(verified)) if *verified.principal() == 5)
    }

    fn signed(header: &str, payload: &str, hash: MacHash) -> String {
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
        format!("{text}.{}", Written::Url.write(&hash.mac(b"secret-key", &[text.as_bytes()])))
    }

    #[test]
    fn what_itsdangerous_signs_is_read_and_made() {
        for token in [
            "eyJhbGciOiJIUzUxMiJ9.eyJpZCI6NX0.mtg10vKA-MkwxPoabnEDzGnlHlESgYZefNvhTITB-kWvAAblmw8DghugSQNjK6ImfJhaAYhwrEqQEBMzQjk6VQ",
            "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6NX0.chbMQgR6avCeLVAcZWimoVOlH2V5KLBqNzVZQFeM7S4",
            TIMED,
        ] {
            assert!(admits(token, NOW), "{token}");
        }
        assert!(admits(&tokens(NOW).seal(&json!({ "id": 5 }), Some(Duration::from_secs(600))), NOW + 600));
        assert!(admits(&tokens(NOW).seal(&json!({ "id": 5 }), None), NOW * 2));
    }

    #[test]
    fn the_times_of_the_header_count() {
        for (now, good) in [(NOW, true), (NOW + 600, true), (NOW + 601, false), (NOW - 60, true), (NOW - 61, false)] {
            assert_eq!(admits(TIMED, now), good, "{now}");
        }
        for (header, good) in [
            (r#"{"alg":"HS256","exp":1700000000}"#, true),
            (r#"{"alg":"HS256","exp":1699999999}"#, false),
            (r#"{"alg":"HS256","exp":"1700000600"}"#, false),
            (r#"{"alg":"HS256","exp":null}"#, false),
            (r#"{"alg":"HS256","iat":-1}"#, false),
        ] {
            assert_eq!(admits(&signed(header, r#"{"id":5}"#, MacHash::Sha256), NOW), good, "{header}");
        }
    }

    #[test]
    fn neither_algorithm_nor_spelling_is_the_tokens_to_choose() {
        let payload = r#"{"id":5}"#;
        for (header, hash, good) in [
            (r#"{"alg":"HS256"}"#, MacHash::Sha256, true),
            (r#"{"alg":"HS512"}"#, MacHash::Sha512, true),
            (r#"{"alg":"HS256"}"#, MacHash::Sha512, false),
            (r#"{"alg":"HS384"}"#, MacHash::Sha256, false),
            (r#"{"alg":"hs256"}"#, MacHash::Sha256, false),
            (r#"{"alg":"none"}"#, MacHash::Sha256, false),
            (r#"{"alg":"HS256","crit":["exp"]}"#, MacHash::Sha256, false),
            ("{}", MacHash::Sha256, false),
            ("[]", MacHash::Sha256, false),
        ] {
            assert_eq!(admits(&signed(header, payload, hash), NOW), good, "{header}");
        }
        let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(payload));
        for token in
            [unsigned, String::new(), "..".into(), format!("{TIMED}="), TIMED[1..].to_owned(), format!("{TIMED}.")]
        {
            assert!(!admits(&token, NOW), "{token}");
        }
        for payload in ["5", r#"{"id":"5"}"#, r#"{"id":6}"#, "{}", "", "null"] {
            assert!(!admits(&signed(r#"{"alg":"HS256"}"#, payload, MacHash::Sha256), NOW), "{payload}");
        }
        let empty: ItsdangerousJws<u64> = ItsdangerousJws::signed_by(Secret::new(""), |_| Verified::new(5).into());
        assert!(empty.judge(empty.seal(&json!({}), None).as_bytes()).is_none(), "the empty secret is everybody's");
    }
}
