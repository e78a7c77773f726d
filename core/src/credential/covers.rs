//! What a credential covers of its request beside its own bytes: [`Covers`], declared by the kind, and [`Covered`], what it is shown.
//!
//! A signature over a request is good for that request and no other. So what it covers is part of the credential: the kind
//! [declares](super::Extract::covers) it, and when it [reads](super::Extract::read) the raw credential it is shown exactly that, as a copy
//! taken while the request was at hand. What it did not declare it does not see.
//!
//! An answer to such a credential is for its request alone. The gate neither looks it up nor keeps it, lets no other request join its
//! verification, and never verifies it a second time: if it was revoked meanwhile, the answer is 503. Guards of one gate in one
//! request share it. What can be remembered is the look-up of the key behind it, by the verifier.
//!
//! # Example
//! ```
//! use countersign::{credential::{Covered, Covers, Raw}, testing::PlainHead};
//!
//! fn covers() -> Vec<Covers> {
//!     vec![Covers::Method, Covers::Target]
//! }
//!
//! fn signed_text(raw: Raw<'_>) -> Option<String> {
//!     Some(format!("{}\n{}", raw.covered().method()?, raw.covered().target()?))
//! }
//!
//! let covered = Covered::of(&PlainHead::new("PUT", "/a%20b?x=1").view(), &covers());
//! let raw = Raw::from(b"c2lnbmF0dXJl").covering(&covered);
//! assert_eq!(signed_text(raw).as_deref(), Some("PUT\n/a%20b?x=1"));
//! assert!(raw.covered().authority().is_none(), "it was not declared");
//! ```
//!
//! # Bodies
//! Nothing of a body is read for a credential that its head condemns. So a kind that covers the body [says so](Covers::Body), its verifier
//! decides by the head, and hands what it takes to judge the body over as a [`Binding::Proof`](crate::principal::Binding::Proof). Then the guard
//! reads the body, up to a [bound](crate::gate::GateBuilder::covering_bodies_up_to), else 413, and the kind's [`Confirm`](super::Confirm) judges it. The
//! handler gets the same bytes. Guards that cannot read a body answer 500, and say in the log which guard can: `enforce`.
//!
//! # What it does not do
//! It does not see that a credential is used once: as long as a signature is good, whoever has seen the request can send it again. That is the
//! verifier's business, by a time and a nonce that the signature covers.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
    net::IpAddr,
};

use crate::{
    request::{Field, RequestView},
    secret::Secret,
};

/// Something of a request that a credential covers beside its own bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Covers {
    /// The method.
    Method,
    /// The target as the client sent it, path and query, also where a credential was taken out of it since.
    Target,
    /// The host, and the port if there is one, that the client asked: `Host`, or `:authority`.
    Authority,
    /// The client's address, as far as it can be trusted.
    Address,
    /// `http` or `https`: how the client's side of the channel is.
    UriScheme,
    /// Each value of this field.
    Field(Field),
    /// The names of all fields: so that none can be added which should have been covered.
    FieldNames,
    /// Each value of every field whose name has at most 64 bytes: for kinds whose clients choose what they sign.
    Fields,
    /// The certificate of the client, where the app itself ends TLS.
    Certificate,
    /// The body. It is not shown to [`read`](super::Extract::read), which must find the head good as far as that goes without, but to the
    /// kind's [`Confirm`](super::Confirm), if that [needs it](super::Confirm::needs_body): unless the credential itself
    /// [stands in it](super::Extract::stands_in_body).
    Body,
}

/// What a kind declared to cover, copied from one request. See the [module](self).
#[derive(Clone, Default)]
pub struct Covered {
    method: Option<Box<str>>,
    target: Option<Secret>,
    authority: Option<Box<[u8]>>,
    address: Option<IpAddr>,
    uri_scheme: Option<&'static str>,
    /// By name, however many there are.
    fields: BTreeMap<Box<str>, Vec<Secret>>,
    all_fields: bool,
    field_names: Option<Vec<Box<str>>>,
    certificate: Option<Box<[u8]>>,
    body: Option<Secret>,
}

/// For credentials that cover nothing.
pub(super) static NOTHING: Covered = Covered {
    method: None,
    target: None,
    authority: None,
    address: None,
    uri_scheme: None,
    fields: BTreeMap::new(),
    all_fields: false,
    field_names: None,
    certificate: None,
    body: None,
};

impl Covered {
    /// What of this request is covered: for gates, and for tests of kinds.
    #[must_use]
    pub fn of(request: &RequestView<'_>, covers: &[Covers]) -> Self {
        let mut covered = Self::default();
        for covers in covers {
            match covers {
                Covers::Method => covered.method = Some(request.method().into()),
                Covers::Target => covered.target = Some(Secret::new(&*request.target())),
                Covers::Authority => covered.authority = request.host().map(Box::from),
                Covers::Address => covered.address = request.address(),
                Covers::UriScheme => covered.uri_scheme = Some(if request.is_secure() { "https" } else { "http" }),
                Covers::Field(field) => covered.take_field(request, field),
                Covers::Fields => {
                    covered.all_fields = true;
                    let mut sent: Vec<Field> = Vec::new();
                    request.each_field_name(&mut |name| sent.extend(name.parse().ok()));
                    sent.iter().for_each(|field| covered.take_field(request, field));
                }
                Covers::FieldNames => {
                    let names = covered.field_names.insert(Vec::new());
                    request.each_field_name(&mut |name| names.push(name.to_ascii_lowercase().into()));
                }
                Covers::Certificate => covered.certificate = request.certificate().map(Box::from),
                Covers::Body => covered.body = request.body().map(Secret::new),
            }
        }
        covered
    }

    /// What a client is about to send, for what signs it.
    #[cfg(feature = "message-signatures")]
    pub(super) fn written(
        method: &str,
        (uri_scheme, authority, target): (&'static str, &str, &str),
        fields: &[(&str, &str)],
    ) -> Self {
        let fields = fields.iter().map(|(name, value)| (name.to_ascii_lowercase().into(), vec![Secret::new(*value)]));
        Self {
            method: Some(method.into()),
            target: Some(Secret::new(target)),
            authority: Some(authority.as_bytes().into()),
            uri_scheme: Some(uri_scheme),
            fields: fields.collect(),
            all_fields: true,
            ..Self::default()
        }
    }

    fn take_field(&mut self, request: &RequestView<'_>, field: &Field) {
        if let Entry::Vacant(place) = self.fields.entry(field.name().into()) {
            place.insert(request.fields(field).map(Secret::new).collect());
        }
    }

    /// The method, as sent. `None` if it was not declared.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        self.method.as_deref()
    }

    /// Path and query, as the client sent them. `None` if it was not declared.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.target.as_ref().and_then(|target| std::str::from_utf8(target.expose()).ok())
    }

    /// The host that the client asked, with its port, as sent. `None` if it was not declared, or not named once.
    #[must_use]
    pub fn authority(&self) -> Option<&[u8]> {
        self.authority.as_deref()
    }

    /// The client's address. `None` if it was not declared, or is not known.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// `http` or `https`. `None` if it was not declared.
    #[must_use]
    pub fn uri_scheme(&self) -> Option<&'static str> {
        self.uri_scheme
    }

    /// All values of a field, in the order of arrival, without the blanks around them. `None` if it was not declared: a field that is
    /// declared and was not sent has no values.
    #[must_use]
    pub fn field(&self, field: &Field) -> Option<impl ExactSizeIterator<Item = &[u8]>> {
        let known = self.fields.get(field.name()).map(Vec::as_slice);
        let values = known.or_else(|| self.all_fields.then_some(&[]))?;
        Some(values.iter().map(Secret::expose))
    }

    /// The names of all fields in lower case, in any order; a name may come more than once. `None` if they were not declared.
    #[must_use]
    pub fn field_names(&self) -> Option<impl ExactSizeIterator<Item = &str>> {
        Some(self.field_names.as_ref()?.iter().map(|name| &**name))
    }

    /// The body, if the credential [stands in it](super::Extract::stands_in_body).
    #[must_use]
    pub fn body(&self) -> Option<&[u8]> {
        self.body.as_ref().map(Secret::expose)
    }

    /// The client's certificate, DER. `None` if it was not declared, or none was shown.
    #[must_use]
    pub fn certificate(&self) -> Option<&[u8]> {
        self.certificate.as_deref()
    }
}

impl fmt::Debug for Covered {
    /// Leaves target and fields out: they may hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Covered").field("method", &self.method).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Gate, QueryParam, testing::PlainHead, verifier::TokenTable};

    fn all(date: &Field) -> Vec<Covers> {
        vec![
            Covers::Method,
            Covers::Target,
            Covers::Authority,
            Covers::Address,
            Covers::UriScheme,
            Covers::Field(date.clone()),
            Covers::FieldNames,
            Covers::Certificate,
        ]
    }

    #[test]
    fn what_is_declared_is_shown_as_it_was_sent_and_nothing_else() {
        let (date, other): (Field, Field) = ("x-date".parse().unwrap(), "x-other".parse().unwrap());
        let head = PlainHead::new("pUT", "/a%2Fb//?q=%zz&q")
            .with("host", "EXAMPLE.org:8080")
            .with("X-Date", "1")
            .with("x-date", "\u{ff}")
            .with("x-other", "y")
            .with_certificate(b"der")
            .from(IpAddr::from([192, 0, 2, 1]))
            .over_tls();
        let covered = Covered::of(&head.view(), &all(&date));
        assert_eq!((covered.method(), covered.target()), (Some("pUT"), Some("/a%2Fb//?q=%zz&q")));
        assert_eq!((covered.authority(), covered.uri_scheme()), (Some(&b"EXAMPLE.org:8080"[..]), Some("https")));
        assert_eq!(covered.field(&date).unwrap().collect::<Vec<_>>(), [&b"1"[..], "\u{ff}".as_bytes()]);
        assert!(covered.field(&other).is_none(), "not declared");
        assert_eq!(covered.field_names().unwrap().collect::<Vec<_>>(), ["host", "x-date", "x-date", "x-other"]);
        assert_eq!(covered.certificate(), Some(&b"der"[..]));
        assert_eq!(covered.address(), Some(IpAddr::from([192, 0, 2, 1])));

        let every = Covered::of(&head.view(), &[Covers::Field(date.clone()), Covers::Fields]);
        for (name, count) in [("host", 1), ("x-date", 2), ("x-other", 1), ("x-never", 0)] {
            assert_eq!(every.field(&name.parse().unwrap()).unwrap().len(), count, "{name}");
        }

        for nothing in [&Covered::of(&head.view(), &[]), &NOTHING] {
            assert_eq!((nothing.method(), nothing.target(), nothing.uri_scheme()), (None, None, None));
            assert_eq!(nothing.address(), None);
            assert!(nothing.authority().is_none() && nothing.certificate().is_none());
            assert!(nothing.field(&date).is_none() && nothing.field_names().is_none());
        }
        let bare = Covered::of(&PlainHead::get("/").view(), &all(&date));
        assert_eq!((bare.target(), bare.uri_scheme(), bare.authority()), (Some("/"), Some("http"), None));
        assert_eq!(bare.field(&date).unwrap().len(), 0, "declared, and not sent");
    }

    #[test]
    fn the_target_is_that_of_before_credentials_were_taken_out() {
        let taking =
            |name: &str| Gate::in_realm("r").accept(QueryParam::named(name), TokenTable::<()>::new()).build().unwrap();
        let (outer, inner) = (taking("access_token"), taking("ticket"));
        let sent = "/a?x=1&access_token=t&ticket=u";
        let head = PlainHead::get(sent).received_by(&outer).received_by(&inner);
        assert_eq!(head.view().query(), Some("x=1"));
        assert_eq!(Covered::of(&head.view(), &[Covers::Target]).target(), Some(sent));
        // Where nothing was taken out, what is there is what was sent.
        let head = PlainHead::get("/a?x=1").received_by(&outer);
        assert_eq!(Covered::of(&head.view(), &[Covers::Target]).target(), Some("/a?x=1"));
    }

    #[test]
    fn nothing_secret_prints() {
        let head = PlainHead::get("/?access_token=secret");
        let printed = format!("{:?}", Covered::of(&head.view(), &[Covers::Method, Covers::Target]));
        assert_eq!(printed, "Covered { method: Some(\"GET\"), .. }");
    }
}
