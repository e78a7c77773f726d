//! The older scheme of Amazon: HMAC-SHA1 over method, `Content-MD5`, `Content-Type`, date, `x-amz-*` fields and path.
//!
//! It stands in `Authorization: AWS KEY:signature`, with `Date` or `x-amz-date` at most 900 seconds off; or in the query as `AWSAccessKeyId`, `Expires`
//! and `Signature`. It covers no query but the sub-resources, so that any other parameter is refused; and a body by its `Content-MD5` alone,
//! without which there can be none. What changes something passes once.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use countersign::{
    Extract, RequestView, Secret,
    clock::SharedClock,
    credential::{Confirm, Confirmation, Confirming, Covered, Covers, Occurrences, Raw, after_keyword},
    principal::{Binding, Proof},
    request::{Field, field},
    response::Challenge,
    store::ReplayStore,
    verifier::Signed,
};
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use percent_encoding::percent_decode_str;
use sha1::Sha1;

use crate::Fault;

/// How far a client's clock may be from ours.
const LEEWAY: u64 = 900;

/// What of a query is covered.
const SUB_RESOURCES: [&str; 6] = ["acl", "location", "logging", "torrent", "uploads", "versioning"];

/// `Authorization: AWS …`, or its three parameters.
pub(crate) struct AmazonV2 {
    date: Field,
    amazon_date: Field,
    content_md5: Field,
    replay: Arc<dyn ReplayStore>,
    clock: SharedClock,
}

/// A request of which all is in order but the signature, which is not verified.
#[derive(Clone)]
pub(crate) struct AmazonRequest {
    id: String,
    signature: Vec<u8>,
    text: String,
    ends: SystemTime,
    repeats: bool,
    content_md5: Option<String>,
}

impl AmazonV2 {
    pub(crate) fn new(replay: Arc<dyn ReplayStore>, clock: SharedClock) -> Result<Self, Fault> {
        let (date, amazon_date, content_md5) = ("Date".parse()?, "x-amz-date".parse()?, "Content-MD5".parse()?);
        Ok(Self { date, amazon_date, content_md5, replay, clock })
    }

    /// A link to this path, for the page.
    pub(crate) fn link(path: &str, id: &str, key: &Secret, ends: SystemTime) -> String {
        let ends = ends.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let signature = STANDARD.encode(signature(key, &format!("GET\n\n\n{ends}\n{path}")));
        let signature = percent_encoding::utf8_percent_encode(&signature, percent_encoding::NON_ALPHANUMERIC);
        format!("{path}?AWSAccessKeyId={id}&Expires={ends}&Signature={signature}")
    }

    fn now(&self) -> u64 {
        self.clock.wall().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    fn request_of(&self, raw: Raw<'_>) -> Option<AmazonRequest> {
        let covered = raw.covered();
        let target = covered.target()?;
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let query = Query::read(query)?;
        let now = self.now();
        let (id, signature, date, last) = match query.signed {
            None => {
                let (id, signature) = std::str::from_utf8(raw.whole()).ok()?.split_once(':')?;
                let (line, time) = self.dated(covered)?;
                if time.abs_diff(now) > LEEWAY {
                    return None;
                }
                (id.to_owned(), signature.to_owned(), line, time.checked_add(LEEWAY)?)
            }
            Some((id, expires, signature)) => {
                let digits = (1..=12).contains(&expires.len()) && expires.bytes().all(|byte| byte.is_ascii_digit());
                let last: u64 = expires.parse().ok().filter(|last| digits && *last >= now)?;
                (id, signature, expires, last)
            }
        };
        let content_md5 = at_most_once(covered, &self.content_md5)?;
        let content_type = at_most_once(covered, &field::CONTENT_TYPE)?;
        let method = covered.method()?;
        let text = format!(
            "{method}\n{}\n{}\n{date}\n{}{path}{}",
            content_md5.unwrap_or_default(),
            content_type.unwrap_or_default(),
            amazon_fields(covered)?,
            query.sub_resources,
        );
        Some(AmazonRequest {
            id,
            signature: STANDARD.decode(signature).ok()?,
            text,
            // The last second counts as a whole.
            ends: UNIX_EPOCH.checked_add(Duration::from_secs(last.checked_add(1)?))?,
            repeats: matches!(method, "GET" | "HEAD"),
            content_md5: content_md5.map(str::to_owned),
        })
    }

    /// The date's line, which is empty where `x-amz-date` stands among the fields, and the time.
    fn dated(&self, covered: &Covered) -> Option<(String, u64)> {
        let date = at_most_once(covered, &self.date)?;
        let (line, sent) = match at_most_once(covered, &self.amazon_date)? {
            Some(sent) => ("", sent),
            None => (date?, date?),
        };
        let time = jiff::fmt::rfc2822::parse(sent).ok()?.timestamp();
        Some((line.to_owned(), u64::try_from(time.as_second()).ok()?))
    }
}

/// What stands in a query, if all of it is covered.
#[derive(Default)]
struct Query {
    /// Key, end and signature.
    signed: Option<(String, String, String)>,
    sub_resources: String,
}

impl Query {
    fn read(query: Option<&str>) -> Option<Self> {
        let (mut known, mut sub_resources) = ([None, None, None], Vec::new());
        for pair in query.into_iter().flat_map(|query| query.split('&')) {
            let (name, value) = pair.split_once('=').map_or((pair, None), |(name, value)| (name, Some(value)));
            let decoded = |value: Option<&str>| Some(percent_decode_str(value?).decode_utf8().ok()?.into_owned());
            match ["AWSAccessKeyId", "Expires", "Signature"].iter().position(|known| *known == name) {
                Some(place) => {
                    let place = known.get_mut(place)?;
                    if place.replace(decoded(value)?).is_some() {
                        return None;
                    }
                }
                None if SUB_RESOURCES.contains(&name) => sub_resources.push((name, pair)),
                // It would be covered by nothing.
                None => return None,
            }
        }
        sub_resources.sort_unstable();
        if sub_resources.windows(2).any(|pair| matches!(pair, [(one, _), (next, _)] if one == next)) {
            return None;
        }
        let signed = match known {
            [Some(id), Some(expires), Some(signature)] => Some((id, expires, signature)),
            [None, None, None] => None,
            _ => return None,
        };
        let joined = sub_resources.iter().map(|(_, pair)| *pair).collect::<Vec<_>>().join("&");
        Some(Self { signed, sub_resources: if joined.is_empty() { joined } else { format!("?{joined}") } })
    }
}

/// The value of a field that may stand once; `None` in place of it if it stands twice, or is no text.
fn at_most_once<'c>(covered: &'c Covered, field: &Field) -> Option<Option<&'c str>> {
    let mut values = covered.field(field)?;
    match (values.next(), values.next()) {
        (None, _) => Some(None),
        (Some(value), None) => Some(Some(std::str::from_utf8(value).ok()?)),
        _ => None,
    }
}

/// A line for each `x-amz-*` field that was sent, in order of the names.
fn amazon_fields(covered: &Covered) -> Option<String> {
    let mut names: Vec<&str> = covered.field_names()?.filter(|name| name.starts_with("x-amz-")).collect();
    names.sort_unstable();
    names.dedup();
    let line = |name: &str| {
        let field: Field = name.parse().ok()?;
        let values: Option<Vec<&str>> = covered.field(&field)?.map(|value| std::str::from_utf8(value).ok()).collect();
        Some(format!("{name}:{}\n", values?.join(",")))
    };
    names.into_iter().map(line).collect()
}

fn signature(key: &Secret, text: &str) -> Vec<u8> {
    let mac = Hmac::<Sha1>::new_from_slice(key.expose()).map(|mac| mac.chain_update(text).finalize());
    mac.map(|mac| mac.into_bytes().to_vec()).unwrap_or_default()
}

impl Signed for AmazonRequest {
    fn signer(&self) -> &str {
        &self.id
    }

    fn is_by(&self, secret: &Secret) -> bool {
        Secret::new(signature(secret, &self.text)).matches(&self.signature)
    }

    fn binding(&self, _: Secret) -> Binding {
        Binding::Proof(Proof::of(self.clone()))
    }
}

/// The signatures in the query, as sent.
fn signatures<'h>(request: &RequestView<'h>) -> impl Iterator<Item = &'h str> {
    let pairs = request.query().into_iter().flat_map(|query| query.split('&'));
    pairs.filter_map(|pair| pair.strip_prefix("Signature="))
}

impl Confirm for AmazonV2 {
    fn confirm(&self, binding: &Binding, request: &RequestView<'_>) -> Confirming {
        let fits = |signed: &&AmazonRequest| match (request.body(), &signed.content_md5) {
            (Some(body), Some(digest)) => *digest == STANDARD.encode(Md5::digest(body)),
            (Some(body), None) => body.is_empty(),
            (None, _) => false,
        };
        let Some(signed) = binding.proof::<AmazonRequest>().filter(fits) else {
            return Box::pin(async { Confirmation::not_shown() });
        };
        if signed.repeats {
            return Box::pin(async { Confirmation::shown() });
        }
        let (replay, scope) = (Arc::clone(&self.replay), format!("amazon-v2 {}", signed.id));
        let (signature, until) = (signed.signature.clone(), signed.ends);
        Box::pin(async move { replay.first(&scope, &signature, until).await.confirmation() })
    }

    // A body without a digest is refused unread, where the head says that there is one.
    fn needs_body(&self, binding: &Binding, request: &RequestView<'_>) -> bool {
        let length = request.field(&field::CONTENT_LENGTH, 0).is_some_and(|length| length != b"0");
        let states_body = length || request.field(&field::TRANSFER_ENCODING, 0).is_some();
        binding.proof::<AmazonRequest>().is_some_and(|signed| signed.content_md5.is_some() || !states_body)
    }
}

impl Extract for AmazonV2 {
    type Credential = AmazonRequest;

    fn scheme(&self) -> &str {
        "amazon-v2"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        after_keyword("AWS", request).for_each(|raw| occurrences.add(raw));
        signatures(request).for_each(|raw| occurrences.add(raw.as_bytes()));
    }

    fn stands_in_query(&self, request: &RequestView<'_>) -> bool {
        signatures(request).next().is_some()
    }

    fn covers(&self) -> Vec<Covers> {
        vec![Covers::Method, Covers::Target, Covers::Fields, Covers::FieldNames, Covers::Body]
    }

    fn read(&self, raw: Raw<'_>) -> Option<AmazonRequest> {
        self.request_of(raw)
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.clock)
    }

    fn confirm(&self) -> Option<&dyn Confirm> {
        Some(self)
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("AWS")]
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::AUTHORIZATION.clone()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_the_old_articles_hold() {
        let key = Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        for (path, expected) in [
            ("/johnsmith/photos/puppy.jpg", "bWq2s1WEIj+Ydj0vQ697zp+IXMU="),
            ("/awsexamplebucket1/photos/puppy.jpg", "qgk2+6Sv9/oM7G3qLEjTH1a1l1g="),
        ] {
            let text = format!("GET\n\n\nTue, 27 Mar 2007 19:36:42 +0000\n{path}");
            assert_eq!(STANDARD.encode(signature(&key, &text)), expected, "{path}");
        }
    }

    #[test]
    fn a_query_holds_what_is_covered_and_nothing_else() {
        for (query, expected) in [
            (None, Some("")),
            (Some("acl"), Some("?acl")),
            (Some("versioning&acl"), Some("?acl&versioning")),
            (Some("acl=x"), Some("?acl=x")),
            (Some(""), None),
            (Some("acl&acl"), None),
            (Some("acl&prefix=x"), None),
            (Some("ACL"), None),
            (Some("%61cl"), None),
            (Some("AWSAccessKeyId=a&Expires=1"), None),
            (Some("AWSAccessKeyId=a&Expires=1&Signature=b&acl"), Some("?acl")),
            (Some("AWSAccessKeyId=a&Expires=1&Expires=2&Signature=b"), None),
        ] {
            let read = Query::read(query).map(|query| query.sub_resources);
            assert_eq!(read.as_deref(), expected, "{query:?}");
        }
    }
}
