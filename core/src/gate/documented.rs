//! What a gate asks for, for documents about an app: how each scheme is sent, and what may be answered.

use super::{Gate, refusal::NOBODY};
use crate::{
    credential::{On, Sender},
    request::{RequestView, field},
};

/// What a gate asks for.
#[derive(Debug)]
pub(crate) struct Documented {
    pub(crate) schemes: Vec<(Box<str>, Sent)>,
    /// Whether it lets callers without a credential in.
    pub(crate) anonymous: bool,
    /// What its policy asks for, in a few words.
    pub(crate) policy: Option<String>,
    /// Whether wrong tries are counted.
    pub(crate) throttled: bool,
    /// Whether a page of another site may be refused.
    pub(crate) cross_site: bool,
}

/// How a credential is sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// In `Authorization`, behind this keyword.
    Authorization(String),
    Header(String),
    Cookie(String),
    Query(String),
    Certificate,
}

impl<P: Send + Sync + 'static> Gate<P> {
    /// What it asks of a client that comes over TLS.
    pub(crate) fn documented(&self) -> Documented {
        let taken = || self.demands.takes.iter().filter_map(|place| self.shared.schemes.get(*place));
        Documented {
            schemes: taken().map(|scheme| (scheme.name().into(), sent(&**scheme))).collect(),
            anonymous: self.anonymous,
            policy: self.demands.policy.as_ref().map(|policy| policy.describe()),
            throttled: taken().any(|scheme| scheme.throttle().is_some()),
            cross_site: taken().any(|scheme| scheme.sender() == Sender::Browser),
        }
    }
}

/// By what the kind says of itself: no kind is named here.
fn sent<P>(scheme: &dyn super::scheme::Scheme<P>) -> Sent {
    let view = RequestView::direct(&NOBODY);
    if scheme.on() == On::Connection {
        return Sent::Certificate;
    }
    let fields = scheme.fields();
    match (fields.first(), scheme.parameter(), scheme.subprotocol()) {
        (Some(first), _, _) if *first == field::AUTHORIZATION => {
            let keyword = scheme.challenges(&view).first().map(|challenge| challenge.scheme().to_ascii_lowercase());
            Sent::Authorization(keyword.unwrap_or_else(|| scheme.name().to_owned()))
        }
        (Some(first), _, _) if *first == field::COOKIE => {
            let cleared = scheme.clear(&view);
            let name = cleared.as_deref().and_then(|cookie| cookie.split_once('=')).map(|(name, _)| name.to_owned());
            Sent::Cookie(name.unwrap_or_else(|| scheme.name().to_owned()))
        }
        (Some(first), _, _) => Sent::Header(first.name().to_owned()),
        (None, Some(parameter), _) => Sent::Query(parameter.to_owned()),
        (None, None, Some(_)) => Sent::Header(field::SEC_WEBSOCKET_PROTOCOL.name().to_owned()),
        (None, None, None) => Sent::Header(scheme.name().to_owned()),
    }
}
