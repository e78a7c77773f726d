//! Connections over TLS, and what a gate makes of the certificates that clients show there.
//!
//! An adapter starts a server of its framework that ends TLS: with the [server's](Tls::server) certificate, asking for those of [`Tls::clients`]
//! without demanding them, and with [`gate`] enforced in front of `GET /me` and `POST /me`, whose handlers answer with the principal. Then
//! [`certificates_count_by_their_connection`] shows that the certificate of the connection reaches the gate, and nothing else does.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
};

use countersign::{
    Answer, Bearer, Gate, Verified,
    credential::{Certificate, CertificateCredential, certificate::thumbprint},
    principal::Binding,
    verifier::{TokenTable, verify_now_with},
};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType, date_time_ymd, string::Ia5String,
};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName},
    server::WebPkiClientVerifier,
};

use crate::wire::{Request, Response};

/// Who issues certificates.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
}

/// A certificate and its key.
#[derive(Debug)]
pub struct Identity {
    certificate: CertificateDer<'static>,
    pem: String,
    key_pem: String,
    key: PrivateKeyDer<'static>,
}

/// A server's certificate, and who issues those of clients.
#[derive(Debug)]
pub struct Tls {
    servers: Authority,
    clients: Authority,
    server: Identity,
}

impl Authority {
    /// One of this name, with a key of its own.
    ///
    /// # Panics
    /// When no certificate can be made.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self { certificate: certificate.der().clone(), pem: certificate.pem(), issuer: Issuer::new(params, key) }
    }

    /// Its certificate, DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.certificate
    }

    /// Its certificate, PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate of these names for this purpose; one that has ended long ago, if so.
    ///
    /// # Panics
    /// When a name is none.
    pub fn issue(&self, names: &[&str], purpose: ExtendedKeyUsagePurpose, ended: bool) -> Identity {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        self.issue_by(CertificateParams::new(names).expect("names"), purpose, ended)
    }

    fn issue_by(&self, mut params: CertificateParams, purpose: ExtendedKeyUsagePurpose, ended: bool) -> Identity {
        params.extended_key_usages = vec![purpose];
        if ended {
            params.not_before = date_time_ymd(2000, 1, 1);
            params.not_after = date_time_ymd(2001, 1, 1);
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Identity {
            certificate: certificate.der().clone(),
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        }
    }
}

impl Identity {
    /// The certificate, DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.certificate
    }

    /// The certificate, PEM.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The key, PEM.
    #[must_use]
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }
}

impl Default for Tls {
    fn default() -> Self {
        let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
        let server = servers.issue(&["localhost"], ExtendedKeyUsagePurpose::ServerAuth, false);
        Self { servers, clients, server }
    }
}

impl Tls {
    /// Who issues the certificates of servers.
    #[must_use]
    pub fn servers(&self) -> &Authority {
        &self.servers
    }

    /// Who issues those of clients.
    #[must_use]
    pub fn clients(&self) -> &Authority {
        &self.clients
    }

    /// The certificate of the server, for `localhost`.
    #[must_use]
    pub fn server(&self) -> &Identity {
        &self.server
    }

    /// A certificate for a client of this common name and these e-mail addresses.
    ///
    /// # Panics
    /// When an address is no ASCII.
    pub fn client(&self, common_name: &str, emails: &[&str]) -> Identity {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, common_name);
        let email = |email: &&str| SanType::Rfc822Name(Ia5String::try_from(*email).expect("ASCII"));
        params.subject_alt_names = emails.iter().map(email).collect();
        self.clients.issue_by(params, ExtendedKeyUsagePurpose::ClientAuth, false)
    }

    /// What a server is configured with that takes a rustls configuration.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn server_config(&self) -> ServerConfig {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(self.clients.certificate.clone()).expect("a certificate");
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_client_cert_verifier(verifier.allow_unauthenticated().build().expect("a verifier"))
            .with_single_cert(vec![self.server.certificate.clone()], self.server.key.clone_key())
            .expect("a certificate and its key")
    }

    /// What a client is configured with that shows this certificate.
    pub(crate) fn client_config(&self, shows: Option<&Identity>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.servers.certificate.clone()).expect("a certificate");
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        match shows {
            Some(identity) => builder
                .with_client_auth_cert(vec![identity.certificate.clone()], identity.key.clone_key())
                .expect("a certificate and its key"),
            None => builder.with_no_client_auth(),
        }
    }

    /// Asks over a connection of its own, with this certificate; `None` if there is no connection.
    ///
    /// # Panics
    /// When the server does not listen.
    pub fn ask(&self, address: SocketAddr, shows: Option<&Identity>, request: &Request) -> Option<Response> {
        let closing = request.clone().with("Connection", "close");
        let configuration = self.client_config(shows);
        let name = ServerName::try_from("localhost").expect("a name");
        let connection = ClientConnection::new(Arc::new(configuration), name).expect("a client");
        let mut stream = StreamOwned::new(connection, TcpStream::connect(address).expect("the server listens"));
        stream.write_all(&closing.bytes()).ok()?;
        let mut answer = Vec::new();
        // Some servers close the connection without the word that TLS has for it.
        let _ = stream.read_to_end(&mut answer);
        (!answer.is_empty()).then(|| Response::of_bytes(&answer, &closing))
    }
}

/// A gate that knows whoever shows a certificate for `NAME@people.example`, and two tokens: `free`, and `bound` to the certificate of `bound`.
///
/// # Panics
/// When the gate cannot be built.
#[must_use]
pub fn gate(bound: &Identity) -> Gate<String> {
    let by_certificate = verify_now_with(|certificate: &CertificateCredential| {
        match certificate.only_email().and_then(|email| email.strip_suffix("@people.example")) {
            Some(name) => Verified::new(name.to_owned()).into(),
            None => Answer::Refused,
        }
    });
    let to_certificate = Binding::Certificate(thumbprint(bound.der()));
    let tokens = TokenTable::new()
        .with("free", Verified::new("free".to_owned()))
        .with("bound", Verified::new("bound".to_owned()).bound_to(to_certificate));
    Gate::in_realm("people").accept(Bearer, tokens).accept(Certificate, by_certificate).build().expect("a gate")
}

/// Shows that a server knows its clients by their connections: see the [module](self). `own` is the certificate that the gate was made with.
///
/// # Panics
/// When it does not.
pub fn certificates_count_by_their_connection(address: SocketAddr, tls: &Tls, own: &Identity) {
    let named = |common_name, emails: &[&str]| Some(tls.client(common_name, emails));
    let emma = named("emily", &["emma@people.example"]);
    let (nobody, strangers) = (tls.client("emma@people.example", &[]), Authority::new("clients"));
    let get = || Request::get("/me");
    let claimed = || get().with("Client-Cert", ":AAAA:").with("X-SSL-Client-S-DN", "emailAddress=emma@people.example");
    let token = |token: &str| get().with("Authorization", format!("Bearer {token}"));
    let from = |site| Request::post("/me").with("Sec-Fetch-Site", site).with("Content-Length", "0");
    let rows = [
        ("one for emma", emma.as_ref(), get(), Some("emma")),
        ("a common name alone", Some(&nobody), get(), None),
        ("two addresses", named("c", &["emma@people.example", "emily@people.example"]).as_ref(), get(), None),
        ("another domain", named("c", &["emma@other.example"]).as_ref(), get(), None),
        ("none", None, get(), None),
        ("none, and one in fields", None, claimed(), None),
        ("a nobody's, and one in fields", Some(&nobody), claimed(), None),
        ("its own behind a bound token", Some(own), token("bound"), Some("bound")),
        ("another behind a bound token", emma.as_ref(), token("bound"), None),
        ("none behind a bound token", None, token("bound"), None),
        ("any beside a token", emma.as_ref(), token("free"), Some("free")),
        ("any beside a wrong token", emma.as_ref(), token("wrong"), None),
        ("one for emma, from the same site", emma.as_ref(), from("same-origin"), Some("emma")),
    ]
    .map(|(what, shown, request, who)| (what, tls.ask(address, shown, &request).expect("a connection"), who));
    for (what, response, who) in rows {
        assert_eq!(response.status(), if who.is_some() { 200 } else { 401 }, "{what}: {}", response.text());
        match who {
            Some(who) => assert_eq!(response.text(), who, "{what}"),
            None => assert!(
                response.fields("www-authenticate").any(|challenge| challenge == "Certificate realm=\"people\""),
                "{what}"
            ),
        }
    }
    let cross = tls.ask(address, emma.as_ref(), &from("cross-site")).expect("a connection");
    assert_eq!(cross.status(), 403, "a browser shows certificates by itself");

    // The handshake judges: what is shown here is no client's, has ended, or is a stranger's.
    let bad = [
        tls.clients.issue(&["emma"], ExtendedKeyUsagePurpose::ServerAuth, false),
        tls.clients.issue(&["emma"], ExtendedKeyUsagePurpose::ClientAuth, true),
        strangers.issue(&["emma"], ExtendedKeyUsagePurpose::ClientAuth, false),
    ];
    for shown in &bad {
        assert!(tls.ask(address, Some(shown), &token("free")).is_none(), "{shown:?}");
    }
}
