//! What a client answers to a challenge of Digest, read: [`DigestCredential`].

use std::{fmt, time::SystemTime};

use super::{Accepted, Digest, DigestAlgorithm};
use crate::{
    credential::{
        Raw,
        nonces::Known,
        parameters::{MALFORMED, Parameters},
    },
    observe::why::{OrSay, quoted},
    principal::{Binding, Proof},
    secret::Secret,
    verifier::Signed,
};

/// The parameters that count. Others are covered by nothing, and are ignored as RFC 7616 §3.4 asks for.
const REQUIRED: [&str; 8] = ["realm", "nonce", "uri", "response", "opaque", "algorithm", "qop", "nc"];

/// An answer that fits one of our challenges, with its target, and is not verified.
#[derive(Clone)]
pub struct DigestCredential {
    /// Under what the store is asked.
    signer: String,
    /// As it is hashed, where it came as it is.
    name: Option<String>,
    pub(super) realm: Box<str>,
    pub(super) algorithm: DigestAlgorithm,
    holds_hashes: bool,
    pub(super) method: String,
    pub(super) uri: String,
    pub(super) nonce: String,
    pub(super) nonce_ends: SystemTime,
    pub(super) is_live: bool,
    pub(super) nc: String,
    pub(super) count: u32,
    pub(super) cnonce: String,
    pub(super) with_body: bool,
    response: Secret,
}

/// Whether the answer is for another target than this: nothing else can be said of it then.
pub(super) fn names_another_target(raw: &[u8], target: &str) -> bool {
    Parameters::read(raw).is_some_and(|parameters| parameters.get("uri").is_some_and(|uri| uri != target.as_bytes()))
}

/// Under what a hashed name is looked up.
pub(super) fn hashed(algorithm: DigestAlgorithm, hash: &str) -> String {
    format!("userhash:{}:{hash}", algorithm.name())
}

impl DigestCredential {
    /// What was sent, if it answers a challenge of this kind; `None` if it is malformed, or answers none.
    pub(super) fn read(kind: &Digest, raw: Raw<'_>) -> Option<Self> {
        let parameters = Parameters::read(raw.whole()).or_say(MALFORMED)?;
        let [realm, nonce, uri, response, opaque, algorithm, qop, nc] = texts(&parameters)?;
        let cnonce = parameters.text("cnonce").filter(|text| !text.is_empty() && is_printable(text));
        let cnonce = cnonce.or_say("its cnonce is missing")?;
        // In any case, as the grammar of RFC 2617 has it and other servers do: it is the name of ours that is hashed with.
        let asked = |name: &str| kind.algorithms.iter().find(|known| known.name().eq_ignore_ascii_case(name));
        let algorithm = *asked(algorithm)
            .or_say_so(|| format!("it is by {}, which was not asked for", quoted(algorithm.as_bytes())))?;
        let with_body = match qop {
            "auth" => false,
            "auth-int" => true,
            _ => return None.or_say_so(|| format!("its qop is {}", quoted(qop.as_bytes()))),
        };
        let is_count = nc.len() == 8 && nc.bytes().all(|byte| byte.is_ascii_hexdigit());
        let count = u32::from_str_radix(nc, 16).ok().filter(|count| is_count && *count > 0);
        let count = count.or_say("its nc is no count of eight hex digits")?;
        let covered = raw.covered();
        (realm == &*kind.realm).or_say_so(|| format!("its realm is {}", quoted(realm.as_bytes())))?;
        (opaque == &*kind.opaque).or_say("its opaque is not what was handed out")?;
        (covered.target()? == uri).or_say("it is for another target")?;
        let known = kind.nonces.known(nonce.as_bytes());
        let Known { ends, is_live, .. } =
            known.or_say("its nonce was not handed out here, or by a key that is not in the ring")?;
        let (signer, name) = who(kind, algorithm, &parameters)
            .or_say("its username is missing, or written in a way that is not taken")?;
        Some(Self {
            signer,
            name,
            realm: realm.into(),
            algorithm,
            holds_hashes: kind.holds_hashes,
            method: covered.method()?.to_owned(),
            uri: uri.to_owned(),
            nonce: nonce.to_owned(),
            nonce_ends: ends,
            is_live,
            nc: nc.to_owned(),
            count,
            cnonce: cnonce.to_owned(),
            with_body,
            response: Secret::new(response),
        })
    }

    /// The response by this key: to the client's answer, and with an empty method the server's own.
    pub(super) fn response_by(&self, key: &Secret, method: &str, qop: &str, body: Option<&[u8]>) -> String {
        let (method, uri) = (method.as_bytes(), self.uri.as_bytes());
        let request = match body {
            Some(body) => self.algorithm.hash(&[method, uri, self.algorithm.hash(&[body]).as_bytes()]),
            None => self.algorithm.hash(&[method, uri]),
        };
        let (nonce, nc, cnonce) = (self.nonce.as_bytes(), self.nc.as_bytes(), self.cnonce.as_bytes());
        self.algorithm.hash(&[key.expose(), nonce, nc, cnonce, qop.as_bytes(), request.as_bytes()])
    }

    /// Whether the answer is right by this key, with this body where it is covered.
    pub(super) fn is_right(&self, key: &Secret, body: Option<&[u8]>) -> bool {
        let qop = if self.with_body { "auth-int" } else { "auth" };
        self.response.matches(self.response_by(key, &self.method, qop, body).as_bytes())
    }

    /// The key by what the store holds: of names that came hashed it holds name and password, as they are hashed.
    fn key(&self, stored: &Secret) -> Secret {
        let stored = stored.expose();
        let plain = match &self.name {
            _ if self.holds_hashes => String::from_utf8_lossy(stored).into_owned(),
            Some(name) => self.algorithm.hash(&[name.as_bytes(), self.realm.as_bytes(), stored]),
            None => {
                let colon = stored.iter().position(|byte| *byte == b':').unwrap_or(stored.len());
                let (name, password) = stored.split_at_checked(colon).unwrap_or_default();
                let password = password.strip_prefix(b":").unwrap_or_default();
                self.algorithm.hash(&[name, self.realm.as_bytes(), password])
            }
        };
        Secret::new(match self.algorithm.is_session() {
            true => self.algorithm.hash(&[plain.as_bytes(), self.nonce.as_bytes(), self.cnonce.as_bytes()]),
            false => plain,
        })
    }
}

impl Signed for DigestCredential {
    fn signer(&self) -> &str {
        &self.signer
    }

    // With `auth-int` only the body can tell.
    fn is_by(&self, secret: &Secret) -> bool {
        let key = self.key(secret);
        self.with_body || self.is_right(&key, None)
    }

    fn binding(&self, secret: Secret) -> Binding {
        Binding::Proof(Proof::of(Accepted { key: self.key(&secret), credential: self.clone() }))
    }
}

impl fmt::Debug for DigestCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestCredential(..)")
    }
}

fn texts(parameters: &Parameters) -> Option<[&str; 8]> {
    let mut texts = [""; 8];
    for (text, name) in texts.iter_mut().zip(REQUIRED) {
        *text = parameters.text(name).or_say_so(|| format!("its {name} is missing"))?;
    }
    Some(texts)
}

/// Under what the store is asked, and the name as it is hashed, if it came as it is (§3.4, §3.4.4).
fn who(kind: &Digest, algorithm: DigestAlgorithm, parameters: &Parameters) -> Option<(String, Option<String>)> {
    let is_hashed = match parameters.text("userhash") {
        None if parameters.get("userhash").is_some() => return None,
        None | Some("false") => false,
        Some("true") => kind.user_hash,
        Some(_) => return None,
    };
    let asked_for_hash = parameters.text("userhash") == Some("true");
    let name = match (parameters.get("username"), parameters.get("username*")) {
        (Some(_), None) => parameters.text("username")?.to_owned(),
        (None, Some(encoded)) if !asked_for_hash => extended(encoded)?,
        _ => return None,
    };
    if name.is_empty() || name.contains(':') || name.chars().any(char::is_control) || is_hashed != asked_for_hash {
        return None;
    }
    Some(if is_hashed { (hashed(algorithm, &name), None) } else { (name.clone(), Some(name)) })
}

/// RFC 8187 §3.2: the charset, which must be UTF-8, a language, and the percent-encoded text.
fn extended(value: &[u8]) -> Option<String> {
    let mut parts = std::str::from_utf8(value).ok()?.splitn(3, '\'');
    let (charset, _, text) = (parts.next()?, parts.next()?, parts.next()?);
    let (mut rest, mut decoded) = (text.as_bytes(), Vec::new());
    while let [byte, behind @ ..] = rest {
        let (byte, behind) = match (byte, behind) {
            (b'%', [high, low, behind @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                (digit(high)? << 4 | digit(low)?, behind)
            }
            (byte, behind) if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(byte) => (*byte, behind),
            _ => return None,
        };
        decoded.push(byte);
        rest = behind;
    }
    if charset.eq_ignore_ascii_case("UTF-8") { String::from_utf8(decoded).ok() } else { None }
}

fn is_printable(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}
