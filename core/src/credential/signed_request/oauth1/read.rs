//! A signed request, read: [`OAuth1Credential`].

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    Accepted, LEEWAY,
    base::{self, Method, form_pairs, is_ours},
    is_form, sha1, sha256,
};
use crate::{
    credential::{
        Covered, Raw,
        parameters::{MALFORMED, Parameters},
        signed_request::{NO_HOST, host_and_port, number},
    },
    observe::why::{OrSay, off_by},
    principal::{Binding, Proof},
    request::{field, query::percent_decoded},
    secret::Secret,
    verifier::Signed,
};

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// A request with all that it must say; its signature is not verified.
#[derive(Clone)]
pub struct OAuth1Credential {
    pub(super) signer: String,
    pub(super) time: u64,
    pub(super) nonce: String,
    method: Method,
    signature: Vec<u8>,
    body_hash: Option<String>,
    http_method: String,
    uri: String,
    /// What is signed, without what a form adds.
    parameters: Pairs,
    place: Place,
    is_form: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Field,
    Query,
    Form,
}

/// What a body is for a signature.
pub(super) enum Body {
    Fits,
    Unfit,
    /// It holds parameters of the protocol, which stand elsewhere already.
    HoldsAnother,
}

impl OAuth1Credential {
    pub(super) fn read(raw: Raw<'_>, now: u64) -> Option<Self> {
        let covered = raw.covered();
        let target = covered.target()?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let of_query: Pairs = form_pairs(query.as_bytes()).collect();
        let (place, parameters) = match covered.body() {
            Some(body) if raw.whole().is_empty() && !of_query.iter().any(|(name, _)| is_ours(name)) => {
                (Place::Form, of_query.into_iter().chain(form_pairs(body)).collect())
            }
            _ if of_query.iter().any(|(name, _)| is_ours(name)) => (Place::Query, of_query),
            _ => {
                (Place::Field, of_query.into_iter().chain(of_field(raw.whole()).or_say(MALFORMED)?).collect::<Pairs>())
            }
        };
        let one = |wanted: &str| one_of(&parameters, wanted).or_say_so(|| format!("{wanted} comes twice"));
        let text = |wanted: &str| {
            let found = one(wanted)?.filter(|value| !value.is_empty());
            found.and_then(|value| std::str::from_utf8(value).ok()).or_say_so(|| format!("{wanted} is missing"))
        };
        let method = Method::named(text("oauth_signature_method")?.as_bytes())
            .or_say("it is signed by no oauth_signature_method that is taken")?;
        let time = number(text("oauth_timestamp")?).or_say("oauth_timestamp is no number")?;
        (time.abs_diff(now) <= LEEWAY).or_say_so(|| off_by(time, now))?;
        one("oauth_version")?.is_none_or(|version| version == b"1.0").or_say("oauth_version is not 1.0")?;
        let token = one("oauth_token")?.filter(|token| !token.is_empty()).map(std::str::from_utf8).transpose().ok()?;
        let body_hash = match one("oauth_body_hash")? {
            Some(hash) => Some(String::from_utf8(hash.to_vec()).ok()?),
            None => None,
        };
        Some(Self {
            signer: base::signer(method.family(), text("oauth_consumer_key")?, token),
            time,
            nonce: text("oauth_nonce")?.to_owned(),
            method,
            signature: STANDARD.decode(text("oauth_signature")?).ok().or_say("oauth_signature is no base64")?,
            body_hash,
            http_method: covered.method()?.to_owned(),
            uri: uri(covered, path).or_say(NO_HOST)?,
            is_form: content_type(covered)?.is_some_and(is_form),
            parameters: parameters.into_iter().filter(|(name, _)| name != b"oauth_signature").collect(),
            place,
        })
    }

    pub(super) fn is_in_form(&self) -> bool {
        self.place == Place::Form
    }

    /// Whether a form is signed that was not read yet.
    fn lacks_form(&self) -> bool {
        self.is_form && self.place != Place::Form
    }

    pub(super) fn needs_body(&self, states_body: bool) -> bool {
        match self.place {
            Place::Form => false,
            // A body that is not signed is refused unread, where the head says that there is one.
            _ => self.is_form || self.body_hash.is_some() || !states_body,
        }
    }

    pub(super) fn judge_body(&self, key: &Secret, body: Option<&[u8]>) -> Body {
        let fits = match body {
            // It was read with the credential.
            _ if self.place == Place::Form => self.body_hash.is_none(),
            None => false,
            Some(form) if self.is_form => {
                let form: Pairs = form_pairs(form).collect();
                if form.iter().any(|(name, _)| is_ours(name)) {
                    return Body::HoldsAnother;
                }
                self.body_hash.is_none() && self.is_signed_with(&form, key)
            }
            Some(body) => match &self.body_hash {
                Some(hash) => {
                    let by_method = self.method.is_by_sha256() && *hash == STANDARD.encode(sha256(body));
                    by_method || *hash == STANDARD.encode(sha1(body))
                }
                None => body.is_empty(),
            },
        };
        if fits { Body::Fits } else { Body::Unfit }
    }

    fn is_signed_with(&self, form: &Pairs, key: &Secret) -> bool {
        let text = base::text(&self.http_method, &self.uri, self.parameters.iter().chain(form));
        self.method.verifies(key, &text, &self.signature)
    }
}

/// The value of a parameter that stands once; `None` in place of it if it stands twice.
fn one_of<'p>(parameters: &'p Pairs, wanted: &str) -> Option<Option<&'p [u8]>> {
    let mut found = parameters.iter().filter(|(name, _)| name == wanted.as_bytes()).map(|(_, value)| value.as_slice());
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => None,
        (found, _) => Some(found),
    }
}

/// The parameters of `Authorization` but the realm: percent-encoded, in which a plus is a plus (§3.5.1).
fn of_field(raw: &[u8]) -> Option<Pairs> {
    let parameters = Parameters::read_in_case(raw)?;
    let pairs = parameters.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("realm"));
    pairs
        .map(|(name, value)| Some((percent_decoded(name), percent_decoded(std::str::from_utf8(value).ok()?))))
        .collect()
}

/// The base string URI (§3.4.1.2).
fn uri(covered: &Covered, path: &str) -> Option<String> {
    let scheme = covered.uri_scheme()?;
    let (host, port) = host_and_port(covered)?;
    let is_default = matches!((scheme, port), ("http", 80) | ("https", 443));
    let port = if is_default { String::new() } else { format!(":{port}") };
    Some(format!("{scheme}://{host}{port}{path}"))
}

fn content_type(covered: &Covered) -> Option<Option<&[u8]>> {
    let mut values = covered.field(&field::CONTENT_TYPE)?;
    match (values.next(), values.next()) {
        (Some(_), Some(_)) => None,
        (value, _) => Some(value),
    }
}

impl Signed for OAuth1Credential {
    fn signer(&self) -> &str {
        &self.signer
    }

    // Where a form is signed that was not read yet, only that can tell.
    fn is_by(&self, secret: &Secret) -> bool {
        self.lacks_form() || self.is_signed_with(&Vec::new(), secret)
    }

    fn binding(&self, key: Secret) -> Binding {
        Binding::Proof(Proof::of(Accepted { credential: self.clone(), key }))
    }
}

impl fmt::Debug for OAuth1Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OAuth1Credential(..)")
    }
}
