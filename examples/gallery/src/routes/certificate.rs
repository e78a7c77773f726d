//! Client certificates, and tokens that are bound to them.

use axum::{Extension, Router, routing::on};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign::{
    Answer, Bearer, Extract,
    credential::{Certificate, CertificateCredential, certificate::thumbprint},
    principal::Binding,
    verifier::verify_now_with,
};
use countersign_axum::{GateExt, Granted};
use countersign_tower::PeerCertificate;

use crate::{
    Fault,
    access::{AUDIENCE, tokens_that},
    answer::{Written, caller_with},
    exhibit::{Exhibit, Room},
    gallery::{GET, Gallery, behind, shows_caller},
    users::{Caller, named},
};

/// What stands behind the names of users in certificates.
const DOMAIN: &str = "gallery.example";

/// The routes of this group.
pub(crate) fn room(gallery: &Gallery) -> Result<Room, Fault> {
    let of_user = verify_now_with(|certificate: &CertificateCredential| {
        match certificate.only_email().and_then(name_of).and_then(named) {
            Some(verified) => verified.into(),
            None => Answer::Refused,
        }
    });
    let gate = gallery.gate(Certificate, of_user)?;
    let shown = on(GET, |me: Granted<Caller>, Extension(certificate): Extension<PeerCertificate>| async move {
        let thumbprint = URL_SAFE_NO_PAD.encode(thumbprint(&certificate.0));
        Written::from(caller_with(&me, [("thumbprint", thumbprint.into())]))
    });
    let certificates = behind(&gate, Router::new().route("/certificate", shown.route_layer(gate.enforce())));

    let tokens = tokens_that(gallery, AUDIENCE, |_, verified| *verified.binding() != Binding::Nothing)?;
    let bound = gallery.gate(Bearer.called("bound"), tokens)?;
    let site = gallery.secure_site().unwrap_or_else(|| "https://127.0.0.1:3443".to_owned());
    let room = Room::empty().with(
        certificates,
        Exhibit {
            path: "/certificate",
            title: "A client's certificate",
            what: "TLS itself shows who the client is: its certificate names one e-mail address.",
            choose: "between machines that have certificates anyway, or for staff whose devices are managed.",
            avoid: "behind a proxy that ends TLS, and for people who choose their own browsers.",
            line: format!("curl -s --insecure --cert emma.pem --key emma.key {site}/certificate  # by your client CA, for emma@gallery.example"),
        },
    );
    Ok(room.with(
        shows_caller("/bound", GET, &bound),
        Exhibit {
            path: "/bound",
            title: "A token that is bound to a certificate",
            what: "An access token that counts on connections of its holder's certificate alone (RFC 8705).",
            choose: "where clients of an API have certificates: a token that leaks is worth nothing.",
            avoid: "for browsers, which cannot choose the certificate by the token.",
            line: format!("curl -s --insecure --cert emma.pem --key emma.key -H \"Authorization: Bearer $TOKEN\" {site}/bound  # with its thumbprint in cnf"),
        },
    ))
}

/// The user of an address, if it is one of ours.
fn name_of(email: &str) -> Option<&str> {
    let (name, domain) = email.rsplit_once('@')?;
    (domain.eq_ignore_ascii_case(DOMAIN) && !name.contains('@')).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_all_that_stands_in_front_of_the_domain() {
        for (email, name) in [
            ("emma@gallery.example", Some("emma")),
            ("emma@Gallery.Example", Some("emma")),
            ("Emma@gallery.example", Some("Emma")),
            ("emma@gallery.example.org", None),
            ("emma@x.gallery.example", None),
            ("emma@evil.example@gallery.example", None),
            ("emma", None),
        ] {
            assert_eq!(name_of(email), name, "{email}");
        }
    }
}
