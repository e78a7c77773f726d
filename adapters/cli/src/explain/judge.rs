//! What a thing is held against: keys, and what else was said on the command line.

use std::{cell::Cell, path::Path, sync::Arc, time::SystemTime};

use countersign::{
    Answer, Extract, KeyRing, SignedCookie, Verified, Verify,
    clock::SharedClock,
    credential::TokenCredential,
    jose::{JwtAlgorithm, JwtKey, KeySet},
    verifier::jwt::{JwtVerifier, TrustedIssuer},
};
use serde_json::Value;

use crate::{
    arguments::ExplainArguments, fault::Fault, input, moment::StoppedClock, overheard::overheard, report::Report,
    signing_key,
};

/// Keys, and the time. It notes whether it was asked: keys that judge nothing are a mistake of whoever gave them.
pub(super) struct Judge {
    keys: Vec<JwtKey>,
    ring: Option<KeyRing>,
    wish: ExplainArguments,
    now: SystemTime,
    asked_of_tokens: Cell<bool>,
    asked_of_cookies: Cell<bool>,
}

impl Judge {
    pub(super) fn new(wish: ExplainArguments) -> Result<Self, Fault> {
        let mut keys = Vec::new();
        for path in wish.jwks.iter().chain(&wish.key) {
            keys.extend(keys_in(path, wish.alg)?);
        }
        let ring = match &wish.key_ring {
            Some(path) => Some(KeyRing::parse(&input::file(path)?).map_err(|error| Fault::of_file(path, error))?),
            None => None,
        };
        let now = wish.at.unwrap_or_else(SystemTime::now);
        Ok(Self { keys, ring, wish, now, asked_of_tokens: Cell::new(false), asked_of_cookies: Cell::new(false) })
    }

    pub(super) fn now(&self) -> SystemTime {
        self.now
    }

    pub(super) fn algorithm(&self) -> Option<JwtAlgorithm> {
        self.wish.alg
    }

    pub(super) fn cookie_name(&self) -> Option<&str> {
        self.wish.name.as_deref()
    }

    pub(super) fn ring(&self) -> Option<&KeyRing> {
        self.ring.as_ref()
    }

    /// # Errors
    /// When there are keys of a kind that does not go with what was explained.
    pub(super) fn must_have_been_asked(&self) -> Result<(), Fault> {
        if !self.keys.is_empty() && !self.asked_of_tokens.get() {
            return Err(Fault::new("this is no signed token, and --jwks and --key judge nothing else"));
        }
        if self.ring.is_some() && !self.asked_of_cookies.get() {
            return Err(Fault::new("this is no sealed cookie, and --key-ring judges nothing else"));
        }
        Ok(())
    }

    /// Whether a verifier with these keys accepts the token, and why not.
    pub(super) fn judge_token(&self, report: Report, token: &str) -> Result<Report, Fault> {
        if self.keys.is_empty() {
            return Ok(report.with("signature", "not checked: --jwks or --key names the keys"));
        }
        self.asked_of_tokens.set(true);
        let issuer = self.wish.issuer.as_deref().map_or_else(TrustedIssuer::unnamed, TrustedIssuer::named);
        let issuer = match self.wish.audience.as_slice() {
            [] => issuer.any_audience(),
            names => names.iter().fold(issuer, |issuer, name| issuer.audience(name)),
        };
        let issuer = self.keys.iter().cloned().fold(issuer, TrustedIssuer::key);
        let builder = JwtVerifier::trusting(issuer).timed_by(self.clock());
        let builder = match self.wish.types.as_slice() {
            [] => builder,
            types => builder.types(types.iter().map(String::as_str)),
        };
        let verifier = builder.principal::<Value>()?;
        let (answer, why) = overheard(|| {
            let credential = TokenCredential::read(token.as_bytes());
            credential.and_then(|credential| verifier.verify_now(&credential))
        });
        match answer {
            Some(Answer::Verified(verified)) => Ok(accepted(report, &verified)),
            Some(Answer::Unavailable(source)) => Err(source.into()),
            Some(Answer::Refused | Answer::Unjudged) | None => Ok(refused(report, why)),
        }
    }

    /// Whether a cookie of this name opens by the ring, and why not.
    pub(super) fn judge_cookie(&self, report: Report, name: Option<&str>, sealed: &str) -> Result<Report, Fault> {
        let Some(ring) = &self.ring else {
            return Ok(report.with("mac", "not checked: --key-ring names the keys"));
        };
        self.asked_of_cookies.set(true);
        let name = self.cookie_name().or(name).ok_or_else(|| {
            Fault::new("the MAC of a cookie covers its name: say --name, or give the whole line `Cookie: name=value`")
        })?;
        let cookie =
            SignedCookie::named(bare(name), ring.clone()).for_purpose(&self.wish.purpose).timed_by(self.clock());
        let (read, why) = overheard(|| cookie.read(sealed.as_bytes().into()));
        Ok(match read {
            Some(_) => report.with("accepted", true),
            None => refused(report, why),
        })
    }

    fn clock(&self) -> SharedClock {
        Arc::new(StoppedClock(self.now))
    }
}

/// A cookie's name without what is put in front of it over TLS.
pub(super) fn bare(name: &str) -> &str {
    ["__Host-", "__Secure-"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

fn accepted(report: Report, verified: &Verified<Value>) -> Report {
    let scopes: Vec<_> = verified.scopes().iter().map(ToString::to_string).collect();
    report
        .with("accepted", true)
        .with("leeway", "30 s, for clocks that differ")
        .with_any("grants_subject", verified.subject())
        .with("grants_scopes", scopes)
}

fn refused(report: Report, why: Vec<String>) -> Report {
    let why = if why.is_empty() { vec!["it cannot be read".to_owned()] } else { why };
    report.with("accepted", false).with("why", why).refused()
}

/// The keys of a file: a set, a JWK, a PEM, or a secret.
fn keys_in(path: &Path, algorithm: Option<JwtAlgorithm>) -> Result<Vec<JwtKey>, Fault> {
    let text = input::file(path)?;
    read_keys(&text, algorithm).map_err(|why| Fault::of_file(path, why))
}

fn read_keys(text: &str, algorithm: Option<JwtAlgorithm>) -> Result<Vec<JwtKey>, String> {
    if let Some(algorithm) = algorithm.filter(|algorithm| signing_key::takes_a_secret(*algorithm)) {
        if text.trim_start().starts_with('{') {
            return one(JwtKey::jwk(text));
        }
        return one(JwtKey::secret(algorithm, &signing_key::secret_in(text)));
    }
    if text.contains("-----BEGIN ") {
        return keys_of_pem(text, algorithm);
    }
    if !text.trim_start().starts_with('{') {
        return Err(
            "it is neither a PEM nor a JWK nor a set of them; a secret needs --alg HS256, HS384 or HS512".to_owned()
        );
    }
    let rsa = algorithm.unwrap_or(JwtAlgorithm::Rs256);
    let rsa = if rsa.name().starts_with(['R', 'P']) { rsa } else { JwtAlgorithm::Rs256 };
    let is_set = serde_json::from_str::<Value>(text).is_ok_and(|value| value.get("keys").is_some());
    if !is_set {
        return one(JwtKey::jwk_with(rsa, text));
    }
    let set = KeySet::parse_with(rsa, text).map_err(|error| error.to_string())?;
    match set.skipped().first() {
        Some(skipped) if set.is_empty() => {
            Err(format!("none of its keys can be used; of the first, {}", skipped.why()))
        }
        _ if set.is_empty() => Err("the set holds no key".to_owned()),
        _ => Ok(set.keys().to_vec()),
    }
}

/// A private PEM is that of a signer, with the older keys behind it; a public one names its kind, and so which algorithms it is for.
fn keys_of_pem(text: &str, algorithm: Option<JwtAlgorithm>) -> Result<Vec<JwtKey>, String> {
    if text.contains("PRIVATE KEY-----") {
        let signer = signing_key::signer(algorithm, text).map_err(|error| error.to_string())?;
        return KeySet::parse(&signer.jwks_json()).map(|set| set.keys().to_vec()).map_err(|error| error.to_string());
    }
    one(public_key(text, algorithm))
}

/// The public key of a PEM, for the algorithm that is named, or else for the first that its kind goes with.
pub(super) fn public_key(
    text: &str,
    algorithm: Option<JwtAlgorithm>,
) -> Result<JwtKey, countersign::jose::JwtSetupError> {
    const NATURAL: [JwtAlgorithm; 6] = [
        JwtAlgorithm::EdDsa,
        JwtAlgorithm::Es256,
        JwtAlgorithm::Es384,
        JwtAlgorithm::Ps384,
        JwtAlgorithm::Ps512,
        JwtAlgorithm::Ps256,
    ];
    if let Some(algorithm) = algorithm {
        return JwtKey::pem(algorithm, text);
    }
    // A plain RSA key goes with RS256 and with PS256, and is for the first unless somebody says otherwise.
    JwtKey::pem(JwtAlgorithm::Rs256, text)
        .or_else(|error| NATURAL.into_iter().find_map(|algorithm| JwtKey::pem(algorithm, text).ok()).ok_or(error))
}

fn one(key: Result<JwtKey, countersign::jose::JwtSetupError>) -> Result<Vec<JwtKey>, String> {
    key.map(|key| vec![key]).map_err(|error| error.to_string())
}
