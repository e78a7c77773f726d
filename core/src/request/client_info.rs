//! Who sent a request, for what outlives it: [`ClientInfo`].

use std::{borrow::Cow, fmt, net::IpAddr};

use super::{Field, Occurrence, RequestHead, RequestView, Wants, field};
#[cfg(feature = "mint")]
use crate::observe::audit::About;
use crate::{observe::span::request_id_of, secret::Secret};

/// Address, agent, channel and cookies of whoever sent a request, owned: for an app that verifies a credential by itself, or begins a
/// session, when the request is no longer at hand.
#[derive(Clone)]
pub struct ClientInfo {
    address: Option<IpAddr>,
    agent: Option<Box<[u8]>>,
    secure: bool,
    wants: Wants,
    cookies: Vec<Secret>,
    path: Box<str>,
    request_id: Option<Box<str>>,
    /// By which it is told whose page made the request; of a field that comes twice both.
    origin: Vec<(&'static Field, Box<[u8]>)>,
}

impl ClientInfo {
    pub(crate) fn of(request: &RequestView<'_>) -> Self {
        let agent = match request.only(&field::USER_AGENT) {
            Occurrence::Once(agent) => Some(agent.into()),
            Occurrence::Absent | Occurrence::Repeated => None,
        };
        Self {
            address: request.address(),
            agent,
            secure: request.is_secure(),
            wants: request.wants(),
            cookies: request.fields(&field::COOKIE).map(Secret::new).collect(),
            path: request.path().into(),
            request_id: request_id_of(request).map(Into::into),
            origin: origin_of(request),
        }
    }

    /// What is told of a decision about this client.
    #[cfg(feature = "mint")]
    pub(crate) fn about<'a>(&'a self, scheme: &'a str, subject: Option<&'a str>) -> About<'a> {
        About {
            scheme: Some(scheme),
            subject,
            address: self.address,
            method: Some("POST"),
            path: Some(&*self.path).filter(|path| !path.is_empty()),
            request_id: self.request_id.as_deref(),
            agent: self.agent(),
            ..About::default()
        }
    }

    /// The client's address, as far as it can be trusted.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// What `User-Agent` said, if it said one thing; what is not UTF-8 is shown as U+FFFD.
    #[must_use]
    pub fn agent(&self) -> Option<Cow<'_, str>> {
        self.agent.as_deref().map(String::from_utf8_lossy)
    }

    /// Whether the client's side of the channel was over TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// What kind of answer the client can use.
    #[must_use]
    pub fn wants(&self) -> Wants {
        self.wants
    }
}

fn origin_of(request: &RequestView<'_>) -> Vec<(&'static Field, Box<[u8]>)> {
    // Two are as many as make it ambiguous. The host is what the client asked for, behind proxies.
    let sent = |name: &'static Field| request.fields(name).take(2).map(move |value| (name, Box::from(value)));
    let host = request.host().map(|host| (&field::HOST, Box::from(host)));
    sent(&field::ORIGIN).chain(sent(&field::SEC_FETCH_SITE)).chain(host).collect()
}

/// As much of a head as is left of it: enough to tell [whose page](crate::Gate::from_own_site) made the request.
impl RequestHead for ClientInfo {
    fn method(&self) -> &str {
        ""
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn query(&self) -> Option<&str> {
        None
    }

    fn field(&self, name: &Field, nth: usize) -> Option<&[u8]> {
        if *name == field::COOKIE {
            self.cookies.get(nth).map(Secret::expose)
        } else if *name == field::USER_AGENT && nth == 0 {
            self.agent.as_deref()
        } else if *name == field::X_REQUEST_ID && nth == 0 {
            self.request_id.as_deref().map(str::as_bytes)
        } else {
            self.origin.iter().filter(|(known, _)| *known == name).nth(nth).map(|(_, value)| &**value)
        }
    }

    fn each_value<'h>(&'h self, name: &Field, show: &mut dyn FnMut(&'h [u8])) {
        if *name == field::COOKIE {
            self.cookies.iter().map(Secret::expose).for_each(show);
        } else {
            (0..2).map_while(|nth| self.field(name, nth)).for_each(show);
        }
    }

    fn each_field_name(&self, _: &mut dyn FnMut(&str)) {}

    fn parameter(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn peer(&self) -> Option<IpAddr> {
        self.address
    }

    fn is_secure(&self) -> bool {
        self.secure
    }
}

impl fmt::Debug for ClientInfo {
    /// Leaves the cookies out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientInfo")
            .field("address", &self.address)
            .field("agent", &self.agent())
            .field("secure", &self.secure)
            .finish_non_exhaustive()
    }
}
