//! A signature and what it covers, read: [`SigV4Credential`].

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{
    ALGORITHM, Accepted, LEEWAY, SIGNATURE, SigV4, UNSIGNED,
    canonical::{self, Canonical, Scope},
};
use crate::{
    credential::{
        Covered, Raw,
        signed_request::{hex, number, once, same, sha256, too_old_from},
    },
    observe::why::{OrSay, apart, off_by, quoted},
    principal::{Binding, Proof},
    request::{Field, field, query::percent_decoded},
    secret::Secret,
    verifier::Signed,
};

/// The longest that a presigned link is good: a week.
const LONGEST_LIFE: u64 = 604_800;

/// A request of which all is in order but the signature, which is not verified.
#[derive(Clone)]
pub struct SigV4Credential {
    pub(super) id: String,
    pub(super) signature: String,
    pub(super) ends: SystemTime,
    scope: Scope,
    request: Canonical,
    /// The hash of the body that the request declares, if it does.
    declared: Option<String>,
    is_presigned: bool,
}

/// Where the signature stands, and what stands beside it.
struct Sent {
    credential: String,
    signed_names: String,
    signature: String,
    /// Of a presigned one: its date, and how long it is good.
    presigned: Option<(String, u64)>,
}

impl SigV4Credential {
    pub(super) fn read(kind: &SigV4, raw: Raw<'_>) -> Option<Self> {
        let covered = raw.covered();
        let target = covered.target()?;
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let sent = match one_of(query, SIGNATURE) {
            Some(_) => {
                Sent::in_query(query).or_say("a parameter of its link is missing, comes twice, or is out of bounds")
            }
            None => std::str::from_utf8(raw.whole())
                .ok()
                .and_then(Sent::in_field)
                .or_say("it is not Credential, SignedHeaders and Signature, each once"),
        }?;
        let names: Vec<&str> = sent.signed_names.split(';').collect();
        let is_sorted = names.iter().zip(names.iter().skip(1)).all(|(one, next)| one < next);
        let amazon = covered.field_names()?.filter(|name| name.starts_with("x-amz-"));
        let is_signed = |name: &str| names.binary_search(&name).is_ok();
        is_sorted.or_say("its SignedHeaders are not in order, or one comes twice")?;
        is_signed("host").or_say("its SignedHeaders lack host")?;
        let unsigned = amazon.into_iter().find(|name| !is_signed(name));
        unsigned.is_none().or_say_so(|| {
            format!("its SignedHeaders lack {}, which was sent", quoted(unsigned.unwrap_or("").as_bytes()))
        })?;
        let dated = match &sent.presigned {
            Some((date, _)) => basic_time(date).map(|seconds| (date.clone(), seconds, None)),
            None => dated(covered),
        };
        let (time, seconds, date_field) = dated.or_say("its date is missing, or cannot be read")?;
        date_field.is_none_or(is_signed).or_say("its SignedHeaders lack its date")?;
        let now = super::super::seconds(&kind.clock);
        let ends = match sent.presigned {
            Some((_, life)) => UNIX_EPOCH.checked_add(Duration::from_secs(seconds.checked_add(life)?))?,
            None => too_old_from(seconds, LEEWAY),
        };
        let early = if sent.presigned.is_some() { 0 } else { LEEWAY };
        (seconds <= now.saturating_add(early)).or_say_so(|| off_by(seconds, now))?;
        (ends > kind.clock.wall()).or_say_so(|| match sent.presigned {
            Some(_) => format!("it ended {}", apart(ends, kind.clock.wall())),
            None => off_by(seconds, now),
        })?;
        let scope = Scope { time, region: kind.region.to_string(), service: kind.service.to_string() };
        let (id, of_scope) = sent.credential.split_once('/').unwrap_or(("", ""));
        (!id.is_empty() && of_scope == scope.text())
            .or_say_so(|| format!("its scope is {}, and ours is {:?}", quoted(of_scope.as_bytes()), scope.text()))?;
        let value_of = |name: &&str| {
            let value = field_value(covered, name);
            Some((
                (*name).to_owned(),
                value.or_say_so(|| format!("it signs {}, which was not sent", quoted(name.as_bytes())))?,
            ))
        };
        let fields = names.iter().map(value_of).collect::<Option<_>>()?;
        Some(Self {
            id: id.to_owned(),
            signature: sent.signature,
            ends,
            scope,
            request: Canonical {
                method: covered.method()?.to_owned(),
                path: canonical::path(path),
                query: canonical::query(query, SIGNATURE),
                fields,
            },
            declared: match covered.field(&content_hash()?)?.len() {
                0 => None,
                _ => Some(once(covered, &content_hash()?)?.to_owned()),
            },
            is_presigned: sent.presigned.is_some(),
        })
    }

    pub(super) fn method(&self) -> &str {
        &self.request.method
    }

    /// Whether nothing of a body is signed: presigned GET and HEAD, which then must have none.
    pub(super) fn is_of_no_body(&self) -> bool {
        self.is_presigned && matches!(self.method(), "GET" | "HEAD")
    }

    /// Whether this key signed this body, whose hash this is.
    pub(super) fn fits(&self, key: &Secret, body: &[u8], hash: &str) -> bool {
        if self.is_of_no_body() && !body.is_empty() {
            return false;
        }
        match &self.declared {
            // The verifier has found the signature over what is declared good.
            Some(declared) => declared == hash || (self.is_of_no_body() && declared == UNSIGNED),
            None if self.is_of_no_body() => true,
            None => self.is_signed(hash, key),
        }
    }

    fn is_signed(&self, body_hash: &str, key: &Secret) -> bool {
        same(self.request.signature(body_hash, &self.scope, key).as_bytes(), self.signature.as_bytes())
    }
}

impl Signed for SigV4Credential {
    fn signer(&self) -> &str {
        &self.id
    }

    // Where no hash of the body is declared, only the body can tell.
    fn is_by(&self, secret: &Secret) -> bool {
        match &self.declared {
            Some(declared) if declared == UNSIGNED && !self.is_of_no_body() => false,
            Some(declared) => self.is_signed(declared, secret),
            None if self.is_of_no_body() => {
                let of_nothing = self.is_signed(&hex(&sha256(b"")), secret);
                self.is_signed(UNSIGNED, secret) | of_nothing
            }
            None => true,
        }
    }

    fn binding(&self, key: Secret) -> Binding {
        Binding::Proof(Proof::of(Accepted { credential: self.clone(), key }))
    }
}

impl Sent {
    /// `Credential=…, SignedHeaders=…, Signature=…`, each once, in any order.
    fn in_field(text: &str) -> Option<Self> {
        let [mut credential, mut signed_names, mut signature] = [None, None, None];
        for pair in text.split(',') {
            let (name, value) = pair.trim_matches([' ', '\t']).split_once('=')?;
            let place = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed_names,
                "Signature" => &mut signature,
                _ => return None,
            };
            if place.replace(value.to_owned()).is_some() {
                return None;
            }
        }
        let (credential, signed_names, signature) = (credential?, signed_names?, signature?);
        Some(Self { credential, signed_names, signature, presigned: None })
    }

    fn in_query(query: Option<&str>) -> Option<Self> {
        let one = |name: &str| one_of(query, name).and_then(|value| String::from_utf8(percent_decoded(value)).ok());
        let life = number(&one("X-Amz-Expires")?).filter(|life| (1..=LONGEST_LIFE).contains(life))?;
        if one("X-Amz-Algorithm")? != ALGORITHM {
            return None;
        }
        Some(Self {
            credential: one("X-Amz-Credential")?,
            signed_names: one("X-Amz-SignedHeaders")?,
            signature: one(SIGNATURE)?,
            presigned: Some((one("X-Amz-Date")?, life)),
        })
    }
}

/// The value of a parameter that stands once.
fn one_of<'q>(query: Option<&'q str>, wanted: &str) -> Option<&'q str> {
    let mut found = canonical::pairs(query).filter(|(name, _)| percent_decoded(name) == wanted.as_bytes());
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Some(value),
        _ => None,
    }
}

fn content_hash() -> Option<Field> {
    "x-amz-content-sha256".parse().ok()
}

/// The date that is used, in Unix seconds too, and the field that holds it.
fn dated(covered: &Covered) -> Option<(String, u64, Option<&'static str>)> {
    const OURS: &str = "x-amz-date";
    let ours: Field = OURS.parse().ok()?;
    if super::super::is_sent(covered, &ours) {
        let date = once(covered, &ours)?;
        return Some((date.to_owned(), basic_time(date)?, Some(OURS)));
    }
    let date = once(covered, &field::DATE)?;
    if let Some(seconds) = basic_time(date) {
        return Some((date.to_owned(), seconds, Some("date")));
    }
    let time = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    let basic = time.strftime("%Y%m%dT%H%M%SZ").to_string();
    Some((basic, u64::try_from(time.as_second()).ok()?, Some("date")))
}

/// `20150830T123600Z` in Unix seconds.
fn basic_time(text: &str) -> Option<u64> {
    let fits = text.len() == 16
        && text.bytes().zip(*b"ddddddddTddddddZ").all(|(byte, shape)| match shape {
            b'd' => byte.is_ascii_digit(),
            shape => byte == shape,
        });
    let part = |from: usize, to: usize| text.get(from..to).filter(|_| fits);
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(9, 11)?, part(11, 13)?, part(13, 15)?);
    let time: jiff::Timestamp = format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z").parse().ok()?;
    u64::try_from(time.as_second()).ok()
}

/// What was sent under a signed name, in canonical form; `None` if nothing was.
fn field_value(covered: &Covered, name: &str) -> Option<String> {
    if name == "host" {
        return canonical::value(std::iter::once(covered.authority()?));
    }
    let is_lower = name.bytes().all(|byte| !byte.is_ascii_uppercase());
    let field: Field = name.parse().ok().filter(|_| is_lower)?;
    let values = covered.field(&field)?;
    if values.len() == 0 { None } else { canonical::value(values) }
}

impl fmt::Debug for SigV4Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigV4Credential(..)")
    }
}
