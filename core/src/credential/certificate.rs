//! A client's certificate (mutual TLS), shown when the connection was made.
//!
//! Who it names stands in its alternative names (SAN), never in its common name, and never in a header: the handshake found the certificate good,
//! and nothing else says so. Where a name is taken from it, it must hold exactly one of that kind.
//!
//! - It stands on the [connection](super::On::Connection), counts where the request carries nothing else that the guard takes, and is sent by a
//!   browser by itself, so that the [cross-site rule](crate::request::origin) applies.
//! - A token that is [bound](crate::principal::Binding::Certificate) to a certificate (RFC 8705) needs no more than its own kind: the gate holds the
//!   thumbprint against the certificate of the connection, for each request.
//!
//! # Example
//! ```
//! use countersign::{
//!     Answer, Gate, Verified,
//!     adapter::{Admission, Verdict},
//!     credential::{Certificate, CertificateCredential},
//!     testing::PlainHead,
//!     verifier::verify_now_with,
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let staff =
//!     verify_now_with(|certificate: &CertificateCredential| match certificate.only_email() {
//!         Some("emma@people.example") => Verified::new("emma").into(),
//!         _ => Answer::Refused,
//!     });
//! let gate = Gate::in_realm("people").accept(Certificate, staff).build()?;
//!
//! let claimed = PlainHead::get("/").over_tls().with("client-cert", ":MIIB…:").received_by(&gate);
//! let Admission::Decided(Verdict::Rejected(rejection)) = claimed.at(&gate) else {
//!     panic!("a header is no certificate")
//! };
//! assert_eq!(rejection.challenges()[0].to_string(), r#"Certificate realm="people""#);
//! # Ok(()) }
//! ```
//!
//! # What it does not do
//! It judges neither who issued the certificate nor whether it has ended: the TLS of the server does, by the authorities that the app names to it. Name
//! those alone that issue certificates for your clients. It asks no list of withdrawn ones.
//!
//! # Deployment
//! The app itself must end TLS: a proxy in front shows its own connection. How the certificate reaches the gate is said by each adapter. A resumed
//! session brings the certificate of its first handshake along, though it may have ended since: let the server resume none, or keep tickets short.

use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::{Extract, Occurrences, On, Raw};
use crate::{
    request::{Field, RequestView},
    response::Challenge,
};

/// The client's certificate as a credential. See the [module](self).
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "used as a value; there is nothing to set")]
pub struct Certificate;

/// What a certificate says that the handshake found good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateCredential {
    thumbprint: [u8; 32],
    emails: Vec<Box<str>>,
    dns_names: Vec<Box<str>>,
    uris: Vec<Box<str>>,
}

impl CertificateCredential {
    /// Reads a certificate in DER; `None` if it is malformed.
    #[must_use]
    pub fn read(der: &[u8]) -> Option<Self> {
        let (rest, certificate) = X509Certificate::from_der(der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let mut read =
            Self { thumbprint: thumbprint(der), emails: Vec::new(), dns_names: Vec::new(), uris: Vec::new() };
        // An extension that comes twice is an error here.
        let names = certificate.subject_alternative_name().ok()?;
        for name in names.into_iter().flat_map(|names| &names.value.general_names) {
            match name {
                GeneralName::RFC822Name(email) => read.emails.push((*email).into()),
                GeneralName::DNSName(name) => read.dns_names.push((*name).into()),
                GeneralName::URI(uri) => read.uris.push((*uri).into()),
                GeneralName::Invalid(..) => return None,
                _ => {}
            }
        }
        Some(read)
    }

    /// The e-mail address among the alternative names, if there is exactly one.
    #[must_use]
    pub fn only_email(&self) -> Option<&str> {
        only(&self.emails)
    }

    /// The DNS name among them, if there is exactly one.
    #[must_use]
    pub fn only_dns_name(&self) -> Option<&str> {
        only(&self.dns_names)
    }

    /// The URI among them, if there is exactly one, such as a SPIFFE id.
    #[must_use]
    pub fn only_uri(&self) -> Option<&str> {
        only(&self.uris)
    }

    /// The SHA-256 of the certificate, as `x5t#S256` holds it (RFC 8705 §3.1).
    #[must_use]
    pub fn thumbprint(&self) -> [u8; 32] {
        self.thumbprint
    }
}

/// The SHA-256 of a certificate in DER: what a [`Binding::Certificate`](crate::principal::Binding::Certificate) holds, and `x5t#S256` in base64url
/// (RFC 8705 §3.1).
#[must_use]
pub fn thumbprint(der: &[u8]) -> [u8; 32] {
    Sha256::digest(der).into()
}

fn only(names: &[Box<str>]) -> Option<&str> {
    match names {
        [name] => Some(name),
        _ => None,
    }
}

impl Extract for Certificate {
    type Credential = CertificateCredential;

    fn scheme(&self) -> &str {
        "certificate"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        request.certificate().into_iter().for_each(|raw| occurrences.add(raw));
    }

    fn read(&self, raw: Raw<'_>) -> Option<CertificateCredential> {
        CertificateCredential::read(raw.whole())
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Certificate")]
    }

    fn asks_alike(&self) -> bool {
        true
    }

    fn fields(&self) -> Vec<Field> {
        Vec::new()
    }

    fn on(&self) -> On {
        On::Connection
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType, string::Ia5String};

    use super::*;
    use crate::{
        Answer, Bearer, Gate, Verified,
        adapter::{Admission, Verdict},
        principal::Binding,
        testing::PlainHead,
        verifier::{TokenTable, verify_now_with},
    };

    fn certificate(common_name: &str, names: &[SanType]) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.subject_alt_names = names.to_vec();
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn email(text: &str) -> SanType {
        SanType::Rfc822Name(Ia5String::try_from(text).unwrap())
    }

    fn dns(text: &str) -> SanType {
        SanType::DnsName(Ia5String::try_from(text).unwrap())
    }

    #[test]
    fn a_name_counts_if_it_is_the_only_one_of_its_kind_and_no_common_name_does() {
        let emma = "emma@people.example";
        let rows: [(&str, Vec<SanType>, Option<&str>); 6] = [
            ("somebody", vec![email(emma)], Some(emma)),
            ("somebody", vec![email(emma), dns("people.example")], Some(emma)),
            ("somebody", vec![email(emma), email("emily@people.example")], None),
            ("somebody", vec![email(emma), email(emma)], None),
            (emma, vec![dns(emma)], None),
            (emma, vec![], None),
        ];
        for (common_name, names, expected) in rows {
            let read = CertificateCredential::read(&certificate(common_name, &names)).unwrap();
            assert_eq!(read.only_email(), expected, "{names:?}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_malformed() {
        let good = certificate("c", &[]);
        for cut in [0, 1, good.len() / 2, good.len() - 1] {
            assert_eq!(CertificateCredential::read(&good[..cut]), None, "{cut}");
        }
        assert_eq!(CertificateCredential::read(&[&good[..], b"\0"].concat()), None);
    }

    fn status(gate: &Gate<()>, head: PlainHead) -> u16 {
        match head.received_by(gate).at(gate) {
            Admission::Decided(Verdict::Admitted(_)) => 200,
            Admission::Decided(Verdict::Rejected(rejection)) => rejection.status(),
            _ => panic!("decided"),
        }
    }

    #[test]
    fn a_bound_token_is_good_on_the_connection_of_its_certificate_alone() {
        let (own, other) = (certificate("c", &[]), certificate("c", &[]));
        let emma = Verified::new(()).bound_to(Binding::Certificate(thumbprint(&own)));
        let gate = Gate::in_realm("r").accept(Bearer, TokenTable::new().with("token", emma)).build().unwrap();
        let head = || PlainHead::get("/").over_tls().with("authorization", "Bearer token");
        assert_eq!(status(&gate, head().with_certificate(&own)), 200);
        assert_eq!(status(&gate, head().with_certificate(&other)), 401);
        assert_eq!(status(&gate, head()), 401);
        assert_eq!(status(&gate, head().with("client-cert", &own)), 401);
    }

    #[test]
    fn a_certificate_counts_where_nothing_else_does() {
        let emma = certificate("c", &[email("emma@people.example")]);
        let by_certificate = verify_now_with(|certificate: &CertificateCredential| match certificate.only_email() {
            Some("emma@people.example") => Verified::new(()).into(),
            _ => Answer::refused("the certificate is none that is known here"),
        });
        let gate = Gate::in_realm("r")
            .accept(Bearer, TokenTable::new().with("token", Verified::new(())))
            .accept(Certificate, by_certificate)
            .build()
            .unwrap();
        let head = || PlainHead::get("/").over_tls().with_certificate(&emma);
        assert_eq!(status(&gate, head()), 200);
        assert_eq!(status(&gate, head().with("authorization", "Bearer token")), 200);
        assert_eq!(status(&gate, head().with("authorization", "Bearer wrong")), 401, "what is wrong is not made good");
        assert_eq!(
            status(&gate, PlainHead::get("/").over_tls().with_certificate(certificate("emma@people.example", &[]))),
            401
        );
        let from_elsewhere =
            PlainHead::new("POST", "/").over_tls().with_certificate(&emma).with("sec-fetch-site", "cross-site");
        assert_eq!(status(&gate, from_elsewhere), 403);
    }
}
