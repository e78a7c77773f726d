//! How a gate refuses a request.

use std::{borrow::Cow, sync::OnceLock, time::Duration};

use super::{
    Demands, Shared,
    grant::{Admitted, Refuses},
    scheme::Scheme,
    usual::Usual,
};
use crate::{
    credential::Rank,
    observe::{
        audit::{About, Docket},
        span,
        why::is_only_logged,
    },
    principal::Scopes,
    request::{Field, RequestHead, RequestView, Wants},
    response::{Advice, Challenge, Reason, Rejection},
    unavailable::{RETRY_AFTER_OUTAGE, Unavailable},
};

/// Refuses one request at one gate.
pub(super) struct Refusing<'g, P> {
    pub(super) shared: &'g Shared<P>,
    pub(super) takes: &'g [usize],
    /// What the policy asks for.
    pub(super) scopes: Option<&'g str>,
    /// What this gate says to everybody, if it is the gate's to say.
    pub(super) usual: Option<&'g Usual>,
    pub(super) request: &'g RequestView<'g>,
    pub(super) scheme: Option<&'g str>,
    pub(super) subject: Option<&'g str>,
    /// Why, for the log.
    pub(super) why: Option<Cow<'g, str>>,
    /// What the client wants, where its request is not at hand any more.
    pub(super) late: Option<Late>,
}

/// What is left of a request whose grant is refused later.
#[derive(Clone)]
pub(super) struct Late {
    wants: Wants,
    docket: Option<Docket>,
}

impl<'g, P> Refusing<'g, P> {
    /// The same, with a sentence for the log.
    pub(super) fn saying(&self, why: impl Into<Cow<'g, str>>) -> Self {
        Self { why: Some(why.into()), late: self.late.clone(), ..*self }
    }

    pub(super) fn because(&self, reason: Reason) -> Rejection {
        self.finish(Rejection::new(reason))
    }

    pub(super) fn fault(&self, sentence: &str) -> Rejection {
        self.shared.realm.fault(sentence, self.wants())
    }

    pub(super) fn unavailable(&self, retry_after: Option<Duration>) -> Rejection {
        self.later(Reason::Unavailable, retry_after.unwrap_or(RETRY_AFTER_OUTAGE))
    }

    /// What could not be found out, and why, for the log.
    pub(super) fn no_answer(&self, who: &str, source: &Unavailable) -> Rejection {
        tracing::warn!(
            target: "countersign",
            scheme = self.scheme,
            path = self.late.is_none().then(|| span::path_of(self.request)),
            request_id = span::request_id_of(self.request),
            "{who} has no answer: {source}"
        );
        self.saying(format!("{who} has no answer")).unavailable(source.retry_after())
    }

    pub(super) fn later(&self, reason: Reason, retry_after: Duration) -> Rejection {
        let mut rejection = Rejection::new(reason);
        rejection.parts().retry_after = Some(retry_after);
        self.finish(rejection)
    }

    /// 400: no other challenge helps a client that sends too much.
    pub(super) fn ambiguous(&self) -> Rejection {
        let mut rejection = Rejection::new(Reason::Ambiguous);
        let told = self.challenges().into_iter().find(|(_, challenge)| challenge.takes_errors());
        rejection.parts().challenges =
            told.map(|(_, challenge)| challenge.with("error", "invalid_request")).into_iter().collect();
        self.finish(rejection)
    }

    pub(super) fn missing_scopes(&self, scopes: Scopes) -> Rejection {
        let mut rejection = Rejection::new(Reason::MissingScope);
        let parts = rejection.parts();
        let told = self.challenges().into_iter().find(|(_, challenge)| challenge.takes_errors());
        let missing =
            Advice::new().with_parameter("error", "insufficient_scope").with_parameter("scope", scopes.to_string());
        parts.challenges = told.map(|(_, challenge)| challenge.advised(&missing)).into_iter().collect();
        parts.missing = Some(scopes);
        self.finish(rejection)
    }

    /// 401 for somebody who is known and has to sign in again, or the way to the sign-in page for who came by cookie.
    pub(super) fn weak_sign_in(&self, needs: &Advice) -> Rejection {
        let mut rejection = Rejection::new(Reason::WeakSignIn);
        let parts = rejection.parts();
        let by_cookie = self
            .takes
            .iter()
            .filter_map(|place| self.shared.schemes.get(*place))
            .any(|scheme| scheme.rank() == Rank::Ambient && Some(scheme.name()) == self.scheme);
        parts.sign_in = if by_cookie { self.way_to_sign_in() } else { None };
        let told = |challenge: Challenge| if challenge.takes_errors() { challenge.advised(needs) } else { challenge };
        parts.challenges = self.challenges().into_iter().map(|(_, challenge)| told(challenge)).collect();
        self.finish(rejection)
    }

    /// 401, or the way to the sign-in page. `refused` is the scheme whose credential was wrong, if there was one.
    pub(super) fn unknown_caller(&self, refused: Option<usize>, advice: Option<&Advice>) -> Rejection {
        let place = if advice.is_none() { self.usual_place(refused) } else { None };
        let rejection = match place {
            Some(place) => place.get_or_init(|| self.asking(refused, None).for_many()).clone(),
            None => self.asking(refused, advice),
        };
        self.finish(rejection)
    }

    /// Where this refusal is kept for everybody, if it is the same for everybody.
    fn usual_place(&self, refused: Option<usize>) -> Option<&OnceLock<Rejection>> {
        let usual = self.usual?;
        // A cookie is cleared as it came, and a browser is sent to sign in from where it is.
        let scheme = refused.and_then(|place| self.shared.schemes.get(place));
        let is_cleared = scheme.is_some_and(|scheme| scheme.rank() == Rank::Ambient);
        if is_cleared || self.shared.realm.sends_to_sign_in() && self.wants().html {
            return None;
        }
        usual.place(&self.shared.schemes, self.takes, refused, self.request, self.shared.realm.minds_wants)
    }

    fn asking(&self, refused: Option<usize>, advice: Option<&Advice>) -> Rejection {
        let reason = if refused.is_some() { Reason::BadCredential } else { Reason::NoCredential };
        let mut rejection = Rejection::new(reason);
        let parts = rejection.parts();
        let scheme = refused.and_then(|place| self.shared.schemes.get(place));
        let ambient = scheme.filter(|scheme| scheme.rank() == Rank::Ambient);
        parts.clear_cookies = ambient.and_then(|scheme| scheme.clear(self.request)).into_iter().collect();
        if scheme.is_none() || ambient.is_some() {
            parts.sign_in = self.way_to_sign_in();
        }
        let challenges = self.challenges();
        let told = challenges.iter().find(|(place, challenge)| Some(*place) == refused && challenge.takes_errors());
        let told = told.map(|(_, challenge)| challenge.scheme().to_owned());
        let error = advice.and_then(|advice| advice.parameter("error").map(str::to_owned));
        parts.error = match (&told, error) {
            (Some(_), Some(error)) => Some(error.into()),
            (Some(_), None) => Some("invalid_token".into()),
            (None, _) => None,
        };
        parts.challenges = self.written(challenges, told.as_deref(), refused.zip(advice));
        let takes = self.takes.iter().filter_map(|place| self.shared.schemes.get(*place));
        let asking = takes.flat_map(|scheme| scheme.challenge_fields(self.request));
        parts.fields = asking.chain(advice.into_iter().flat_map(|advice| advice.fields.clone())).collect();
        rejection
    }

    /// The challenges of a 401 where no credential was wrong.
    pub(super) fn asked(&self) -> Vec<Challenge> {
        self.written(self.challenges(), None, None)
    }

    fn written(
        &self,
        asked: Vec<(usize, Challenge)>,
        told: Option<&str>,
        advice: Option<(usize, &Advice)>,
    ) -> Vec<Challenge> {
        const DESCRIPTION: &str = "The access token is malformed, unknown, expired or revoked";
        let says_another = advice.is_some_and(|(_, advice)| advice.parameter("error").is_some());
        let mut challenges: Vec<Challenge> = Vec::new();
        for (place, challenge) in asked {
            let is_told = told.is_some_and(|scheme| challenge.scheme().eq_ignore_ascii_case(scheme));
            let challenge = match is_told && !says_another {
                true if challenge.is_bearer() && self.shared.realm.describes => {
                    challenge.with_fixed("error", "invalid_token").with_fixed("error_description", DESCRIPTION)
                }
                true => challenge.with_fixed("error", "invalid_token"),
                false => challenge,
            };
            let challenge = match advice {
                Some((refused, advice)) if refused == place => challenge.advised(advice),
                _ => challenge,
            };
            if !challenges.contains(&challenge) {
                challenges.push(challenge);
            }
        }
        // A browser answers a Basic challenge with a dialog, also when a script asked.
        if self.wants().script && challenges.iter().any(|challenge| !is_basic(challenge)) {
            challenges.retain(|challenge| !is_basic(challenge));
        }
        challenges
    }

    /// How each scheme that would have been taken asks, in the gate's order. Made once for a refusal, since a challenge may hold a nonce.
    fn challenges(&self) -> Vec<(usize, Challenge)> {
        let realm = self.shared.realm.name();
        let of = |place: usize| {
            let challenges = self.shared.schemes.get(place).map(|scheme| scheme.challenges(self.request));
            challenges.unwrap_or_default().into_iter().map(move |challenge| {
                // A client that is told where to get a token is told for what.
                let told = challenge.value("resource_metadata").is_some() && challenge.value("scope").is_none();
                let scopes = self.scopes.filter(|_| told);
                let challenge = challenge.in_realm(realm);
                (place, scopes.into_iter().fold(challenge, |challenge, scopes| challenge.with("scope", scopes)))
            })
        };
        self.takes.iter().copied().flat_map(of).collect()
    }

    fn way_to_sign_in(&self) -> Option<String> {
        let page = self.shared.realm.sign_in.as_ref()?;
        let loads_a_page = self.wants().html && matches!(self.request.method(), "GET" | "HEAD");
        let by_cookie = self
            .takes
            .iter()
            .filter_map(|place| self.shared.schemes.get(*place))
            .any(|scheme| scheme.rank() == Rank::Ambient);
        let target = self.request.exchange()?.target()?;
        if !loads_a_page || !by_cookie {
            return None;
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if path != page {
            return Some(format!("{page}?next={}", percent_encoded(target)));
        }
        // The page itself, with a cookie that the refusal clears: once more without it, and never again where a browser keeps it all the same.
        let was_sent = query.split('&').any(|pair| pair.split('=').next() == Some("next"));
        (!was_sent).then(|| format!("{page}?next=/"))
    }

    fn wants(&self) -> Wants {
        self.late.as_ref().map_or_else(|| self.request.wants(), |late| late.wants)
    }

    pub(super) fn about(&self) -> About<'_> {
        let known = About {
            scheme: self.scheme,
            subject: self.subject,
            address: self.request.address(),
            method: self.late.is_none().then(|| self.request.method()).filter(|method| !method.is_empty()),
            request: (self.late.is_none() && is_only_logged()).then(|| span::named(self.request)),
            why: self.why.as_deref().map(Cow::Borrowed),
            ..About::default()
        };
        match (self.shared.realm.audit(), &self.late) {
            (Some(audit), None) => {
                let About { path, request_id, agent, docket, .. } = About::of_request(self.request, audit);
                About { path, request_id, agent, docket, ..known }
            }
            (Some(_), Some(late)) => About { docket: late.docket.clone(), ..known },
            (None, _) => known,
        }
    }

    fn finish(&self, rejection: Rejection) -> Rejection {
        self.shared.realm.finish(rejection, || self.wants(), self.about())
    }
}

impl<P: Send + Sync + 'static> Refuses for Demands<P> {
    fn no_longer(&self, by: &Admitted<'_>) -> Rejection {
        let Admitted { scheme, subject, wants, secure, docket } = by.clone();

        let gone = Gone { secure };
        let request = &RequestView::new(&gone, None, self.shared.realm.proxies());
        let (shared, takes) = (&*self.shared, self.takes.as_slice());
        let refusing = Refusing {
            shared,
            takes,
            scopes: self.scopes.as_deref(),
            usual: None,
            request,
            scheme: Some(scheme),
            subject,
            why: Some("it has ended or was revoked since it was let in".into()),
            late: Some(Late { wants, docket }),
        };
        refusing.unknown_caller((0..shared.schemes.len()).find(|place| shared.named(*place, scheme)), None)
    }
}

/// What is wrong with the challenges of a scheme, over TLS and not, whatever the request is.
pub(super) fn faults_of_challenges<P>(scheme: &dyn Scheme<P>) -> Vec<String> {
    let mut faults = Vec::new();
    for secure in [false, true] {
        let challenges = scheme.challenges(&RequestView::direct(&Gone { secure }));
        let of_one = challenges.into_iter().flat_map(|challenge| challenge.in_realm("realm").check());
        for fault in of_one {
            let fault = format!("the scheme {:?} has {fault}", scheme.name());
            if !faults.contains(&fault) {
                faults.push(fault);
            }
        }
    }
    faults
}

/// Whether this scheme asks in a way that a browser answers with a dialog, so that a script is asked in another.
pub(super) fn opens_dialogs<P>(scheme: &dyn Scheme<P>) -> bool {
    let asked = |secure| scheme.challenges(&RequestView::direct(&Gone { secure }));
    [false, true].into_iter().flat_map(asked).any(|challenge| is_basic(&challenge))
}

/// A request over TLS in which nothing stands.
pub(super) const NOBODY: Gone = Gone { secure: true };

/// A request of which nothing is left but how it came.
pub(super) struct Gone {
    secure: bool,
}

impl RequestHead for Gone {
    fn method(&self) -> &str {
        ""
    }

    fn path(&self) -> &str {
        ""
    }

    fn query(&self) -> Option<&str> {
        None
    }

    fn field(&self, _: &Field, _: usize) -> Option<&[u8]> {
        None
    }

    fn each_value<'h>(&'h self, _: &Field, _: &mut dyn FnMut(&'h [u8])) {}

    fn each_field_name(&self, _: &mut dyn FnMut(&str)) {}

    fn parameter(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn peer(&self) -> Option<std::net::IpAddr> {
        None
    }

    fn is_secure(&self) -> bool {
        self.secure
    }
}

fn is_basic(challenge: &Challenge) -> bool {
    challenge.scheme().eq_ignore_ascii_case("Basic")
}

/// Everything but unreserved characters is encoded (RFC 3986 §2.3).
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                encoded.push(char::from(byte))
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
