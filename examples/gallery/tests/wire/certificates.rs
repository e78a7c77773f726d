//! What a client's certificate opens, and what is bound to it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign::credential::certificate::thumbprint;
use countersign_conformance::wire::Request;
use serde_json::json;

use crate::{
    service::{Gallery, caller},
    tls::{Tls, ask_as},
    tokens::access_token,
};

#[test]
fn a_certificate_names_whom_its_only_address_names() {
    let tls = Tls::new();
    let gallery = Gallery::start(&tls.flags());
    let emma = tls.client("emily", &["emma@gallery.example"]);
    let response = ask_as(&gallery, &tls, Some(&emma), &Request::get("/certificate"));
    let own = URL_SAFE_NO_PAD.encode(thumbprint(emma.der()));
    assert_eq!(caller(&response), json!({ "name": "emma", "scheme": "certificate", "thumbprint": own }));
    let rows = [
        ("a name alone", Some(tls.client("emma@gallery.example", &[]))),
        ("two addresses", Some(tls.client("emma", &["emma@gallery.example", "emily@gallery.example"]))),
        ("another domain", Some(tls.client("emma", &["emma@other.example"]))),
        ("nobody", Some(tls.client("emma", &["nobody@gallery.example"]))),
        ("no certificate", None),
    ];
    for (what, shown) in rows {
        let request = Request::get("/certificate").with("Client-Cert", ":AAAA:");
        let request = request.with("X-SSL-Client-S-DN", "emailAddress=emma@gallery.example");
        let response = ask_as(&gallery, &tls, shown.as_ref(), &request);
        assert_eq!(response.status(), 401, "{what}");
        assert_eq!(response.field("www-authenticate"), Some("Certificate realm=\"gallery\""), "{what}");
    }
}

#[test]
fn a_bound_token_is_good_on_its_own_connection_alone() {
    let tls = Tls::new();
    let gallery = Gallery::start(&tls.flags());
    let (own, other) = (tls.client("a", &[]), tls.client("b", &[]));
    let bound_to = |der: &[u8]| {
        let token = access_token(&json!({ "cnf": { "x5t#S256": URL_SAFE_NO_PAD.encode(thumbprint(der)) } }));
        Request::get("/bound").with("Authorization", format!("Bearer {token}"))
    };
    let free = Request::get("/bound").with("Authorization", format!("Bearer {}", access_token(&json!({}))));
    let rows = [
        ("its own", Some(&own), bound_to(own.der()), 200),
        ("another", Some(&other), bound_to(own.der()), 401),
        ("none", None, bound_to(own.der()), 401),
        ("that of the authority", Some(&own), bound_to(tls.client_authority()), 401),
        ("bound to nothing", Some(&own), free, 401),
    ];
    for (what, shown, request, status) in rows {
        let response = ask_as(&gallery, &tls, shown, &request);
        assert_eq!(response.status(), status, "{what}: {}", response.text());
        let told = (status == 401).then_some("Bearer realm=\"gallery\", error=\"invalid_token\"");
        assert_eq!(response.field("www-authenticate"), told, "{what}");
    }
    // In the clear there is no certificate.
    assert_eq!(gallery.ask(&bound_to(own.der())).status(), 401);
}
