//! Setting a gate up, once.

use std::{
    fmt,
    marker::PhantomData,
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    Demands, Gate, Shared,
    realm::{PageOf, Realm, Totals},
    refusal::{faults_of_challenges, opens_dialogs},
    scheme::{Accepted, Scheme},
    tasks::Tasks,
};
use crate::{
    cache::CredentialCache,
    clock::{SharedClock, SystemClock, agree},
    credential::{Covers, Extract, Rank},
    observe::audit::{Audit, AuditEvent},
    request::{
        LONGEST_BODY, Proxies, Wants,
        field::is_short_token,
        origin::{Origin, TrustedOrigins},
    },
    response::{Page, Rejection},
    throttle::Throttle,
    verifier::Verify,
};

/// The longest credential that is looked at unless an app says otherwise, in bytes as sent.
const LONGEST_CREDENTIAL: usize = 8 * 1024;

/// What an app may choose as the longest.
const CREDENTIALS: RangeInclusive<usize> = 1024..=64 * 1024;

/// The numbers of the gates that were built.
static NUMBERS: AtomicU64 = AtomicU64::new(0);

/// A gate that is being set up. Nothing is checked before [`build`](Self::build), which names every fault at once.
#[must_use]
pub struct GateBuilder<P> {
    realm: String,
    schemes: Vec<Box<dyn Scheme<P>>>,
    clock: Option<SharedClock>,
    /// Those of the parts, each under the name by which a fault speaks of it.
    clocks: Vec<(String, SharedClock)>,
    cache: Option<CredentialCache>,
    proxies: Proxies,
    trusted_origins: Vec<String>,
    page: Option<PageOf>,
    audit: Option<Audit>,
    sign_in: Option<String>,
    preferring: Vec<String>,
    longest_credential: usize,
    longest_body: usize,
    describes: bool,
    tells_subjects: bool,
    of: PhantomData<fn() -> P>,
}

/// Everything that is wrong with a gate, one sentence each.
#[derive(Clone, PartialEq, Eq)]
pub struct BuildError(Vec<String>);

impl BuildError {
    /// The sentences.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the gate cannot be built: {}", self.0.join("; "))
    }
}

impl std::error::Error for BuildError {}

crate::sentence::prints_its_sentence!(BuildError);

impl<P: Send + Sync + 'static> GateBuilder<P> {
    pub(super) fn new(realm: &str) -> Self {
        Self {
            realm: realm.to_owned(),
            schemes: Vec::new(),
            clock: None,
            clocks: Vec::new(),
            cache: None,
            proxies: Proxies::default(),
            trusted_origins: Vec::new(),
            page: None,
            audit: None,
            sign_in: None,
            preferring: Vec::new(),
            longest_credential: LONGEST_CREDENTIAL,
            longest_body: LONGEST_BODY,
            describes: true,
            tells_subjects: false,
            of: PhantomData,
        }
    }

    /// Takes credentials of this kind, decided by this verifier. The order is that of challenges.
    pub fn accept<E, V>(mut self, kind: E, verifier: V) -> Self
    where
        E: Extract,
        V: Verify<E::Credential, Principal = P>,
    {
        let terms = verifier.terms();
        let parts = [
            ("kind", kind.clock()),
            ("verifier", verifier.clock()),
            ("throttle", terms.throttle.as_ref().map(Throttle::clock)),
        ];
        for (part, clock) in parts {
            self.clocks.extend(clock.map(|clock| (format!("the {part} of {:?}", kind.scheme()), Arc::clone(clock))));
        }
        self.schemes.push(Box::new(Accepted::new(kind, verifier)));
        self
    }

    /// Takes these peers' word for the client's address, scheme and host. Without it nobody's. A clone that was kept
    /// [changes](crate::request::Proxies::replace_with) them while the service runs.
    pub fn behind(mut self, proxies: Proxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// Lets pages of these origins act with what browsers send by themselves, cookies and Basic: see [`origin`](crate::request::origin). Each is
    /// scheme, host and port, and nothing else, such as `https://app.example.com`. Called again, it adds to them. One over plain `http`
    /// lets act whoever can change what travels there.
    pub fn trusting_origins<'a>(mut self, origins: impl IntoIterator<Item = &'a str>) -> Self {
        self.trusted_origins.extend(origins.into_iter().map(str::to_owned));
        self
    }

    /// Own pages for refusals, in one place: the gate's, and those of endpoints, of which the sentence is what the rejection
    /// displays. `None` leaves the JSON. Status and header fields stay what they are.
    pub fn refusals(mut self, page: impl Fn(&Rejection, Wants) -> Option<Page> + Send + Sync + 'static) -> Self {
        self.page = Some(Box::new(page));
        self
    }

    /// Tells of each admission and each refusal: see [`audit`](crate::observe::audit). A panic in it is the request's.
    pub fn audited_by(mut self, audit: impl Fn(&AuditEvent<'_>) + Send + Sync + 'static) -> Self {
        self.audit = Some(Arc::new(audit));
        self
    }

    /// Sends a browser that is not signed in to this path instead of a 401, with `?next=` and where it wanted to go: GET and HEAD
    /// on routes that take a cookie, unless it sent a wrong explicit credential. The path begins with one slash.
    ///
    /// Guard the page itself with [`or_anonymous_clearing_cookies`](crate::Gate::or_anonymous_clearing_cookies): a guard that refuses a dead cookie there
    /// sends the browser from the page to the page.
    pub fn sign_in_at(mut self, path: &str) -> Self {
        self.sign_in = Some(path.to_owned());
        self
    }

    /// Looks at credentials of up to so many bytes, as sent, instead of 8 KiB: from 1 KiB to 64 KiB. Tickets of Kerberos and tokens of some directories
    /// are longer than 8 KiB. What is longer is 431, undecoded.
    ///
    /// The server must take heads of that length, and so must the proxies in front of it; common ones take 8 to 16 KiB.
    pub fn credentials_up_to(mut self, bytes: usize) -> Self {
        self.longest_credential = bytes;
        self
    }

    /// Remembers in this cache what verifiers that allow it have said. Gates may share one: they never share answers.
    pub fn cached(mut self, cache: CredentialCache) -> Self {
        self.cache = Some(cache);
        self
    }

    /// Of cookies of these schemes, or others that [come along](crate::credential::Rank::Ambient), lets the first in this order count where a request brings
    /// several that the guard takes. Without it, and beside one that is not named here, they are an ambiguity: 400. What is preferred decides,
    /// right or wrong: a wrong one is refused, though a good one stands behind it.
    ///
    /// Whoever can set a cookie of a preferred name, such as a sibling domain, can put its own in front of the others: prefer those with `__Host-`.
    pub fn preferring<'a>(mut self, schemes: impl IntoIterator<Item = &'a str>) -> Self {
        self.preferring.extend(schemes.into_iter().map(str::to_owned));
        self
    }

    /// Reads bodies of up to so many bytes, in place of 64 KiB, where a credential [covers](crate::credential::covers) them; a longer one is 413. Each
    /// is held in memory while it is judged, for a client whose credential was found good.
    pub fn covering_bodies_up_to(mut self, bytes: usize) -> Self {
        self.longest_body = bytes;
        self
    }

    /// Leaves `error_description` out of challenges: they have `error`, and nothing that a person would read.
    pub fn with_bare_challenges(mut self) -> Self {
        self.describes = false;
        self
    }

    /// Writes the [subject](crate::Grant::subject) of whom it admits into the gate's span `admit`, and into the span that surrounds it, such as
    /// that of `tower_http::trace`, if it was made with an empty field `subject`: then each line about the request says who sent it. Not unless
    /// this is said, since names are personal and logs are kept.
    ///
    /// ```
    /// # fn gate(gate: countersign::gate::GateBuilder<String>) -> countersign::gate::GateBuilder<String> {
    /// // TraceLayer::new_for_http().make_span_with(|_: &Request<_>| info_span!("request", subject = tracing::field::Empty))
    /// gate.telling_subjects()
    /// # }
    /// ```
    pub fn telling_subjects(mut self) -> Self {
        self.tells_subjects = true;
        self
    }

    /// Takes time from this clock; without it from the cache's, or from the system's. All parts must go by the same, each told so with a
    /// `timed_by` of its own.
    pub fn timed_by(mut self, clock: SharedClock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The gate. Build it in the runtime that outlives the server, such as that of `main`: what must run to its end
    /// ([`Grant::shielded`](crate::Grant::shielded)) runs there when a worker of the server ends before.
    ///
    /// # Errors
    /// When it could not work; all reasons at once.
    pub fn build(self) -> Result<Gate<P>, BuildError> {
        let mut faults = Vec::new();
        let realm = &self.realm;
        if realm.is_empty() || !realm.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            faults.push(format!(
                "the realm {realm:?} cannot be quoted in a challenge; use printable ASCII, at least one character"
            ));
        }
        if !CREDENTIALS.contains(&self.longest_credential) {
            faults.push(format!(
                "credentials of up to {} bytes cannot be looked at; choose from {} to {}",
                self.longest_credential,
                CREDENTIALS.start(),
                CREDENTIALS.end()
            ));
        }
        if self.schemes.is_empty() {
            faults.push(
                "no scheme is accepted, so nobody could ever be admitted; add .accept(Bearer, …) or another".to_owned(),
            );
        }
        for (place, scheme) in self.schemes.iter().enumerate() {
            let mut of_scheme = scheme.check(self.cache.as_ref());
            if of_scheme.is_empty() {
                of_scheme = faults_of_challenges(&**scheme);
            }
            faults.append(&mut of_scheme);
            if scheme.covers().contains(&Covers::Body) && scheme.confirm().is_none() {
                faults.push(format!(
                    "the scheme {:?} covers the body, and has nothing that would judge it: give the kind a `confirm`",
                    scheme.name()
                ));
            }
            if !is_short_token(scheme.name()) {
                faults.push(format!(
                    "{:?} cannot be the name of a scheme: it must be a token of at most 64 bytes",
                    scheme.name()
                ));
            }
            if self.schemes.iter().take(place).any(|earlier| earlier.name() == scheme.name()) {
                faults.push(format!(
                    "the scheme {:?} is accepted twice; combine its verifiers, or name one differently, with .called(\"…\")",
                    scheme.name()
                ));
            }
        }
        let mut preferring = Vec::new();
        for name in &self.preferring {
            match self.schemes.iter().position(|scheme| scheme.name() == name) {
                None => faults.push(format!("the scheme {name:?} is preferred and not accepted")),
                Some(place) if preferring.contains(&place) => {
                    faults.push(format!(
                        "the scheme {name:?} is preferred twice; name it once, in the order that counts"
                    ));
                }
                Some(place) => preferring.push(place),
            }
        }
        for scheme in preferring.iter().filter_map(|place| self.schemes.get(*place)) {
            if scheme.rank() != Rank::Ambient {
                faults.push(format!(
                    "the scheme {:?} cannot be preferred: two credentials that were sent on purpose are an ambiguity, and what comes last comes last",
                    scheme.name()
                ));
            }
        }
        let mut origins = TrustedOrigins::default();
        for text in &self.trusted_origins {
            match Origin::parse(text) {
                Ok(origin) => origins.add(origin),
                Err(error) => faults.push(format!("a trusted origin cannot be read: {error}")),
            }
        }
        if let Some(path) = self
            .sign_in
            .as_ref()
            .filter(|path| crate::request::path::same_site_path(path) != **path || path.contains(['?', '#']))
        {
            faults.push(format!("{path:?} is no path to sign in at; begin it with one slash, without query"));
        }
        if self.sign_in.is_some() && !self.schemes.iter().any(|scheme| scheme.rank() == Rank::Ambient) {
            faults.push(
                "a page to sign in at is named and nobody would be sent there, since no scheme takes a cookie; accept one, or leave .sign_in_at(…) out".to_owned(),
            );
        }
        let cached_clock = self.cache.as_ref().map(CredentialCache::clock);
        let clock = self.clock.as_ref().or(cached_clock).map_or_else(SystemClock::shared, Arc::clone);
        let parts = self.clocks.iter().map(|(part, clock)| (part.as_str(), clock));
        for (part, its) in parts.chain(cached_clock.map(|clock| ("the cache", clock))) {
            if !agree(its, &clock) {
                faults.push(format!(
                    "{part} goes by another clock than the gate; make one, and give it to both with .timed_by(clock.clone())"
                ));
            }
        }
        if !faults.is_empty() {
            return Err(BuildError(faults));
        }

        let names = self.schemes.iter().map(|scheme| scheme.shared_name()).collect();
        let cache = self.cache.unwrap_or_else(|| CredentialCache::off(clock.clone()));
        let key = |scheme: &dyn Scheme<P>| cache.scheme_key(&self.realm, scheme.name(), scheme.number(), 0);
        let keys = self.schemes.iter().map(|scheme| key(&**scheme)).collect();
        let opens_dialogs = || self.schemes.iter().any(|scheme| opens_dialogs(&**scheme));
        let minds_wants = self.page.is_some() || self.sign_in.is_some() || opens_dialogs();
        let realm = Realm {
            name: self.realm,
            scheme_names: names,
            clock,
            cache,
            proxies: self.proxies,
            origins,
            page: self.page,
            audit: self.audit,
            sign_in: self.sign_in,
            minds_wants,
            describes: self.describes,
            tells_subjects: self.tells_subjects,
            totals: Totals::default(),
            tasks: Tasks::new(),
        };
        let takes: Vec<usize> = (0..self.schemes.len()).collect();
        let shared = Shared {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            realm: Arc::new(realm),
            schemes: self.schemes,
            keys,
            preferring,
            longest_credential: self.longest_credential,
            longest_body: self.longest_body,
            #[cfg(all(any(test, feature = "test-util"), debug_assertions))]
            posed: Default::default(),
        };
        let reads = shared.fields_read(&takes);
        let shared = Arc::new(shared);
        Ok(Gate {
            shared: Arc::clone(&shared),
            demands: Arc::new(Demands { shared, takes, policy: None, scopes: None, reads, usual: Default::default() }),
            typed: None,
            anonymous: false,
            clears_cookies: false,
            uncached: false,
            admitted: None,
            outer: None,
        })
    }
}

impl<P> fmt::Debug for GateBuilder<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.schemes.iter().map(|scheme| scheme.name()).collect();
        f.debug_struct("GateBuilder").field("realm", &self.realm).field("schemes", &names).finish_non_exhaustive()
    }
}
