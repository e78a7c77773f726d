//! A link that is good until its end for whoever has it: [`Bewit`].

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD},
};

use super::{Artifacts, covered, number, same};
use crate::{
    clock::{SharedClock, SystemClock},
    credential::{Covers, Extract, Occurrences, Raw},
    observe::why::{OrSay, apart},
    request::{Field, RequestView, field, query},
    response::Challenge,
    secret::Secret,
    verifier::Signed,
};

const PARAMETER: &str = "bewit";

/// `?bewit=…` of Hawk: for GET and HEAD of one URL, until the end that is signed, as often as one likes. It is taken out of the URI before the
/// app sees it. Beside an `Authorization` it is refused with 400, as Hawk asks for.
pub struct Bewit {
    clock: SharedClock,
}

/// What was signed, and its MAC.
pub struct BewitCredential {
    id: String,
    mac: Vec<u8>,
    signed: Artifacts,
    ends: SystemTime,
}

impl Bewit {
    /// By the system's clock.
    #[must_use]
    pub fn new() -> Self {
        Self { clock: SystemClock::shared() }
    }

    /// Takes time from this clock; without it from the system's.
    #[must_use]
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }
}

impl Default for Bewit {
    fn default() -> Self {
        Self::new()
    }
}

impl BewitCredential {
    fn read(raw: Raw<'_>, now: SystemTime) -> Option<Self> {
        // Hawk writes no padding; clients in other languages do.
        let bytes = URL_SAFE_NO_PAD.decode(raw.whole()).or_else(|_| URL_SAFE.decode(raw.whole()));
        let text = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let text = text.or_say("it is no text in base64url")?;
        let mut parts = text.split('\\');
        let four = (|| Some((parts.next()?, parts.next()?, parts.next()?, parts.next()?)))();
        let (id, end, mac, ext) = four.or_say("it has not the four parts of a bewit")?;
        let ends = number(end).and_then(|end| UNIX_EPOCH.checked_add(Duration::from_secs(end)));
        let ends = ends.or_say("its end is no number")?;
        let (method, target, host, port) = covered(raw.covered())?;
        (ends > now).or_say_so(|| format!("it ended {}", apart(ends, now)))?;
        matches!(&*method, "GET" | "HEAD").or_say("it is for GET and HEAD alone")?;
        (parts.next().is_none() && !id.is_empty()).or_say("it has not the four parts of a bewit")?;
        let (path, sent) = target.split_once('?')?;
        let (left, _) = query::take(sent, &[PARAMETER])?;
        let resource = if left.is_empty() { path.to_owned() } else { format!("{path}?{left}") };
        let (time, ext) = (end.to_owned(), ext.to_owned());
        let signed = Artifacts { time, method: "GET".to_owned(), resource, host, port, ext, ..Artifacts::default() };
        Some(Self { id: id.to_owned(), mac: STANDARD.decode(mac).ok()?, signed, ends })
    }
}

/// Makes the parameter's value.
pub(super) fn made(signed: &Artifacts, id: &str, key: &Secret) -> String {
    let mac = STANDARD.encode(signed.mac("bewit", key));
    URL_SAFE_NO_PAD.encode(format!("{id}\\{}\\{mac}\\{}", signed.time, signed.ext))
}

impl Signed for BewitCredential {
    fn signer(&self) -> &str {
        &self.id
    }

    fn is_by(&self, secret: &Secret) -> bool {
        same(&self.signed.mac("bewit", secret), &self.mac)
    }
}

impl Extract for Bewit {
    type Credential = BewitCredential;

    fn scheme(&self) -> &str {
        "hawk"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        request.taken(PARAMETER).for_each(|raw| occurrences.add(raw));
        if occurrences.count() > 0 && request.field(&field::AUTHORIZATION, 0).is_some() {
            occurrences.contradict();
        }
    }

    fn covers(&self) -> Vec<Covers> {
        vec![Covers::Method, Covers::Target, Covers::Authority, Covers::UriScheme]
    }

    fn read(&self, raw: Raw<'_>) -> Option<BewitCredential> {
        BewitCredential::read(raw, self.clock.wall())
    }

    fn ends(&self, credential: &BewitCredential) -> Option<SystemTime> {
        Some(credential.ends)
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.clock)
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Hawk").without_realm()]
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::AUTHORIZATION.clone()]
    }

    fn parameter(&self) -> Option<&str> {
        Some(PARAMETER)
    }
}

impl fmt::Debug for Bewit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bewit(..)")
    }
}

impl fmt::Debug for BewitCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BewitCredential(..)")
    }
}
