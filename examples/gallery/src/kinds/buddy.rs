//! Tokens of buddy, the Clojure library: a JWS by HMAC with a shared secret, whose times stand among the claims.
//!
//! itsdangerous writes its times into the header, so a token whose header holds any is left to it.

use std::time::{Duration, SystemTime};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign::{Answer, Secret, Verified, Verify, clock::SharedClock, credential::TokenCredential};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value};
use sha2::{Sha256, Sha512};

/// How far the clock of who signs may be ahead of ours.
const AHEAD: Duration = Duration::from_secs(60);

/// Takes tokens of buddy, and hands all others to another verifier.
pub(crate) struct BuddyOr<V, P> {
    pub(crate) secret: Secret,
    pub(crate) clock: SharedClock,
    pub(crate) principal: fn(&Map<String, Value>) -> Option<Verified<P>>,
    pub(crate) other: V,
}

type Object = Map<String, Value>;

/// The header of a token, if it is buddy's by its form.
fn header_of_buddy(token: &[u8]) -> Option<Object> {
    let header = token.split(|byte| *byte == b'.').next()?;
    let header: Object = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    (!header.contains_key("iat") && !header.contains_key("exp")).then_some(header)
}

fn is_signed(hash: &str, secret: &Secret, signed: &[u8], signature: &[u8]) -> bool {
    let secret = secret.expose();
    match hash {
        "HS256" => Hmac::<Sha256>::new_from_slice(secret)
            .is_ok_and(|mac| mac.chain_update(signed).verify_slice(signature).is_ok()),
        "HS512" => Hmac::<Sha512>::new_from_slice(secret)
            .is_ok_and(|mac| mac.chain_update(signed).verify_slice(signature).is_ok()),
        _ => false,
    }
}

impl<V, P> BuddyOr<V, P> {
    fn judge(&self, header: &Object, token: &[u8]) -> Option<Verified<P>> {
        let mut parts = token.rsplitn(2, |byte| *byte == b'.');
        let (signature, signed) = (parts.next()?, parts.next()?);
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let known = !header.contains_key("crit");
        if !known || !is_signed(header.get("alg")?.as_str()?, &self.secret, signed, &signature) {
            return None;
        }
        let mut parts = signed.split(|byte| *byte == b'.');
        let (_, claims, None) = (parts.next()?, parts.next()?, parts.next()) else { return None };
        let claims: Object = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        let now = self.clock.wall();
        let latest = now.checked_add(AHEAD)?;
        if moment(&claims, "iat")?.is_some_and(|issued| issued > latest)
            || moment(&claims, "nbf")?.is_some_and(|begins| begins > now)
        {
            return None;
        }
        let verified = (self.principal)(&claims)?;
        match moment(&claims, "exp")? {
            Some(end) if end <= now => None,
            Some(end) => Some(verified.ending_at(end)),
            None => Some(verified),
        }
    }
}

/// A claim that is a time in seconds, if there is one; `None` if it is there and no time.
fn moment(claims: &Object, name: &str) -> Option<Option<SystemTime>> {
    let Some(claim) = claims.get(name) else { return Some(None) };
    Some(Some(SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(claim.as_u64()?))?))
}

#[countersign::async_trait]
impl<V, P> Verify<TokenCredential> for BuddyOr<V, P>
where
    V: Verify<TokenCredential, Principal = P>,
    P: Send + Sync + 'static,
{
    type Principal = P;

    fn verify_now(&self, credential: &TokenCredential) -> Option<Answer<P>> {
        let token = credential.token().expose();
        match header_of_buddy(token) {
            Some(header) => Some(self.judge(&header, token).map_or(Answer::Refused, Answer::from)),
            None => self.other.verify_now(credential),
        }
    }

    async fn verify(&self, credential: TokenCredential) -> Answer<P> {
        match self.verify_now(&credential) {
            Some(answer) => answer,
            None => self.other.verify(credential).await,
        }
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.clock)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use countersign::{testing::ManualClock, verifier::verify_now_with};

    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn token(header: &str, claims: &str) -> String {
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let mac = Hmac::<Sha256>::new_from_slice(b"secret-key").unwrap().chain_update(&text).finalize().into_bytes();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac))
    }

    fn admits(token: &str) -> bool {
        let verifier = BuddyOr {
            secret: Secret::new("secret-key"),
            clock: Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW))),
            principal: |claims| claims.get("id")?.as_u64().map(Verified::new),
            other: verify_now_with(|_: &TokenCredential| Answer::Refused),
        };
        let credential = TokenCredential::read(token.as_bytes()).unwrap();
        matches!(verifier.verify_now(&credential), Some(Answer::Verified(verified)) if *verified.principal() == 5)
    }

    #[test]
    fn its_times_are_among_the_claims() {
        let header = r#"{"alg":"HS256","typ":"JWS"}"#;
        assert!(admits("eyJhbGciOiJIUzI1NiJ9.eyJpZCI6NX0.chbMQgR6avCeLVAcZWimoVOlH2V5KLBqNzVZQFeM7S4"));
        for (claims, good) in [
            (r#"{"id":5}"#, true),
            (r#"{"id":5,"exp":1700000001}"#, true),
            (r#"{"id":5,"exp":1700000000}"#, false),
            (r#"{"id":5,"exp":"1700000001"}"#, false),
            (r#"{"id":5,"nbf":1700000001}"#, false),
            (r#"{"id":5,"iat":1700000060}"#, true),
            (r#"{"id":5,"iat":1700000061}"#, false),
            (r#"{"id":6}"#, false),
            ("5", false),
        ] {
            assert_eq!(admits(&token(header, claims)), good, "{claims}");
        }
        for header in [
            r#"{"alg":"HS512"}"#,
            r#"{"alg":"none"}"#,
            r#"{"alg":"HS256","crit":[]}"#,
            r#"{"alg":"HS256","exp":1700000001}"#,
            "{}",
        ] {
            assert!(!admits(&token(header, r#"{"id":5}"#)), "{header}");
        }
        assert!(!admits(&format!("{}.eyJpZCI6NX0.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#))));
    }
}
