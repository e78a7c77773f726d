//! A request made by hand: [`PlainHead`].

use std::{borrow::Cow, collections::BTreeMap, net::IpAddr};

use crate::{
    adapter::{Admission, Finished, Guard, Verdict, finish, receive},
    gate::Gate,
    request::{Exchange, Field, Proxies, RequestHead, RequestView, Unreadable, field::SEC_WEBSOCKET_PROTOCOL},
    testing::PlainResponse,
};

/// A request head that is written down.
#[derive(Debug)]
pub struct PlainHead {
    method: String,
    path: String,
    query: Option<String>,
    fields: Vec<(String, Vec<u8>)>,
    /// Where among the fields those of a name stand, as in the maps of frameworks.
    places: BTreeMap<String, Vec<usize>>,
    parameters: Vec<(String, String)>,
    peer: Option<IpAddr>,
    secure: bool,
    certificate: Option<Vec<u8>>,
    body: Vec<u8>,
    exchange: Option<Exchange>,
}

impl PlainHead {
    /// A request of any method. A question mark in `target` divides path and query.
    #[must_use]
    pub fn new(method: &str, target: &str) -> Self {
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query.to_owned())));
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query,
            fields: Vec::new(),
            places: BTreeMap::new(),
            parameters: Vec::new(),
            peer: None,
            secure: false,
            certificate: None,
            body: Vec::new(),
            exchange: None,
        }
    }

    /// A GET request.
    #[must_use]
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// Adds a field behind those that are there.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.add(name.to_ascii_lowercase(), value.as_ref().to_vec());
        self
    }

    fn add(&mut self, name: String, value: Vec<u8>) {
        self.places.entry(name.clone()).or_default().push(self.fields.len());
        self.fields.push((name, value));
    }

    fn values(&self, name: &Field) -> impl Iterator<Item = &[u8]> {
        let places = self.places.get(name.name()).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|place| Some(self.fields.get(*place)?.1.as_slice()))
    }

    /// Sets a path parameter.
    #[must_use]
    pub fn with_parameter(mut self, name: &str, value: &str) -> Self {
        self.parameters.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the address of the peer.
    #[must_use]
    pub fn from(mut self, peer: IpAddr) -> Self {
        self.peer = Some(peer);
        self
    }

    /// Says that the connection is over TLS.
    #[must_use]
    pub fn over_tls(mut self) -> Self {
        self.secure = true;
        self
    }

    /// Shows a certificate, DER, as a TLS handshake found it good.
    #[must_use]
    pub fn with_certificate(mut self, der: impl AsRef<[u8]>) -> Self {
        self.certificate = Some(der.as_ref().to_vec());
        self
    }

    /// Sets the body, for credentials that cover it.
    #[must_use]
    pub fn with_body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// Does what the attached part of an adapter does: begins an exchange, and takes credentials out of the query and of the subprotocols.
    #[must_use]
    pub fn received_by<P: Send + Sync + 'static>(mut self, gate: &Gate<P>) -> Self {
        let received = receive(gate, &self, self.exchange.as_ref());
        if let Some(left) = received.query {
            self.query = left;
        }
        if let Some(left) = received.subprotocols {
            self.places.clear();
            for (name, value) in std::mem::take(&mut self.fields) {
                if name != SEC_WEBSOCKET_PROTOCOL.name() {
                    self.add(name, value);
                }
            }
            if !left.is_empty() {
                self.add(SEC_WEBSOCKET_PROTOCOL.name().to_owned(), left);
            }
        }
        self.exchange = Some(received.exchange);
        self
    }

    /// What [`received_by`](Self::received_by) began, if it did.
    #[must_use]
    pub fn exchange(&self) -> Option<&Exchange> {
        self.exchange.as_ref()
    }

    /// What the attached part of an adapter writes into the header of an answer to it, where the app wrote nothing. Nothing if no exchange
    /// began.
    #[must_use]
    pub fn finished(&self) -> PlainResponse {
        let mut response = PlainResponse::default();
        if let Some(exchange) = &self.exchange {
            finish(exchange, &mut response);
        }
        response
    }

    /// As kinds of credential and policies are shown it, by a gate that takes no proxy's word.
    #[must_use]
    pub fn view(&self) -> RequestView<'_> {
        RequestView::new(self, self.exchange(), &Proxies::default())
    }

    /// As an adapter's guard in front of a route asks this gate.
    pub fn at<P: Send + Sync + 'static>(&self, gate: &Gate<P>) -> Admission<P> {
        Guard::in_front(gate).admit(self, self.exchange())
    }

    /// As an adapter's guard in front of a route asks this gate, and waits.
    pub async fn verdict_at<P: Send + Sync + 'static>(&self, gate: &Gate<P>) -> Verdict<P> {
        let mut admission = self.at(gate);
        loop {
            match admission {
                Admission::Decided(verdict) => return verdict,
                Admission::Pending(pending) => admission = self.concluded_at(gate, pending.await),
                Admission::Body(unread) => {
                    let body =
                        if self.body.len() > unread.longest() { Err(Unreadable::TooLong) } else { Ok(&*self.body) };
                    admission = Guard::in_front(gate).conclude_with_body(unread, body, self, self.exchange());
                }
            }
        }
    }

    /// As an adapter's guard goes on, after the wait.
    pub fn concluded_at<P: Send + Sync + 'static>(&self, gate: &Gate<P>, finished: Finished<P>) -> Admission<P> {
        Guard::in_front(gate).conclude(finished, self, self.exchange())
    }
}

impl RequestHead for PlainHead {
    fn method(&self) -> &str {
        &self.method
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    fn field(&self, name: &Field, nth: usize) -> Option<&[u8]> {
        self.values(name).nth(nth)
    }

    fn each_value<'h>(&'h self, name: &Field, show: &mut dyn FnMut(&'h [u8])) {
        self.values(name).for_each(show);
    }

    fn each_field_name(&self, show: &mut dyn FnMut(&str)) {
        self.fields.iter().for_each(|(name, _)| show(name));
    }

    fn certificate(&self) -> Option<&[u8]> {
        self.certificate.as_deref()
    }

    fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| Cow::Borrowed(value.as_str()))
    }

    fn peer(&self) -> Option<IpAddr> {
        self.peer
    }

    fn is_secure(&self) -> bool {
        self.secure
    }
}
