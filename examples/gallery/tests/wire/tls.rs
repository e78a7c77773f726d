//! Connections over TLS, with and without a certificate of the client's.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use crate::service::Gallery;
use countersign_conformance::wire::{Request, Response};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType, date_time_ymd, string::Ia5String,
};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName},
};

/// Who issues certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    pem: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate: certificate.der().clone(), pem: certificate.pem(), issuer: Issuer::new(params, key) }
    }

    fn issue(&self, names: &[&str], purpose: ExtendedKeyUsagePurpose, ended: bool) -> Identity {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        self.issue_by(CertificateParams::new(names).unwrap(), purpose, ended)
    }

    fn issue_by(&self, mut params: CertificateParams, purpose: ExtendedKeyUsagePurpose, ended: bool) -> Identity {
        params.extended_key_usages = vec![purpose];
        if ended {
            params.not_before = date_time_ymd(2000, 1, 1);
            params.not_after = date_time_ymd(2001, 1, 1);
        }
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Identity {
            certificate: certificate.der().clone(),
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        }
    }
}

/// A certificate and its key.
pub(crate) struct Identity {
    certificate: CertificateDer<'static>,
    pem: String,
    key_pem: String,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    pub(crate) fn der(&self) -> &[u8] {
        &self.certificate
    }
}

fn file(name: &str, text: &str) -> PathBuf {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let nth = MADE.fetch_add(1, Ordering::Relaxed);
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{nth}-{name}.pem", std::process::id()));
    fs::write(&path, text).unwrap();
    path
}

/// A server's certificate, and who issues those of clients.
pub(crate) struct Tls {
    servers: Authority,
    clients: Authority,
    files: [PathBuf; 3],
}

impl Tls {
    pub(crate) fn new() -> Self {
        let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
        let server = servers.issue(&["localhost"], ExtendedKeyUsagePurpose::ServerAuth, false);
        let files = [file("server", &server.pem), file("key", &server.key_pem), file("ca", &clients.pem)];
        Self { servers, clients, files }
    }

    /// The flags of a gallery that listens with it.
    pub(crate) fn flags(&self) -> Vec<&str> {
        let [certificate, key, ca] = self.files.each_ref().map(|path| path.to_str().unwrap());
        vec!["--listen-tls", "127.0.0.1:0", "--certificate", certificate, "--private-key", key, "--client-ca", ca]
    }
}

impl Tls {
    /// A certificate for a client of this common name and these e-mail addresses.
    pub(crate) fn client(&self, common_name: &str, emails: &[&str]) -> Identity {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.subject_alt_names =
            emails.iter().map(|email| SanType::Rfc822Name(Ia5String::try_from(*email).unwrap())).collect();
        self.clients.issue_by(params, ExtendedKeyUsagePurpose::ClientAuth, false)
    }

    /// The certificate of who issues those of clients.
    pub(crate) fn client_authority(&self) -> &[u8] {
        &self.clients.certificate
    }

    /// Files for a client: whom it trusts, its certificate, its key.
    pub(crate) fn client_files(&self, identity: &Identity) -> [PathBuf; 3] {
        [file("trusted", &self.servers.pem), file("client", &identity.pem), file("client-key", &identity.key_pem)]
    }
}

/// Asks over a connection of its own with TLS, with this certificate.
pub(crate) fn ask_as(gallery: &Gallery, tls: &Tls, shows: Option<&Identity>, request: &Request) -> Response {
    let closing = request.clone().with("Connection", "close");
    let answer = exchange(gallery, &tls.servers, shows, &closing.bytes()).expect("a connection");
    Response::of_bytes(&answer, &closing)
}

/// The bytes that come back to a client that shows this; `None` if there is no connection.
fn exchange(gallery: &Gallery, trusts: &Authority, shows: Option<&Identity>, sent: &[u8]) -> Option<Vec<u8>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusts.certificate.clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let configuration = match shows {
        Some(identity) => {
            builder.with_client_auth_cert(vec![identity.certificate.clone()], identity.key.clone_key()).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(configuration), name).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(gallery.tls()).unwrap());
    stream.write_all(sent).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(answer)
}

/// Asks over a connection of its own with TLS, without a certificate.
pub(crate) fn ask_over_tls(gallery: &Gallery, tls: &Tls, request: &Request) -> Response {
    ask_as(gallery, tls, None, request)
}

/// What the front page answers a client that shows this; `None` if there is no connection.
fn ask(gallery: &Gallery, trusts: &Authority, shows: Option<&Identity>) -> Option<String> {
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    exchange(gallery, trusts, shows, request).map(|answer| String::from_utf8(answer).unwrap())
}

#[test]
fn a_certificate_is_asked_for_and_judged_and_not_demanded() {
    let (tls, strangers) = (Tls::new(), Authority::new("strangers"));
    let (servers, clients, flags) = (&tls.servers, &tls.clients, tls.flags());
    let gallery = Gallery::start(&flags);
    let client = |ended| clients.issue(&["emma"], ExtendedKeyUsagePurpose::ClientAuth, ended);
    let rows = [
        ("none", None, true),
        ("one for clients", Some(client(false)), true),
        ("one that has ended", Some(client(true)), false),
        ("one for servers", Some(clients.issue(&["emma"], ExtendedKeyUsagePurpose::ServerAuth, false)), false),
        ("a stranger's", Some(strangers.issue(&["emma"], ExtendedKeyUsagePurpose::ClientAuth, false)), false),
    ];
    for (what, shown, good) in rows {
        let answer = ask(&gallery, servers, shown.as_ref());
        assert_eq!(
            answer.as_ref().is_some_and(|answer| answer.starts_with("HTTP/1.1 200 ")),
            good,
            "{what}: {answer:?}"
        );
    }
    // The clock of the gallery says when a certificate has ended.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed();
    let summer_of_2000 = (962_409_600 - now).to_string();
    let then = [&flags[..], &["--clock-offset", &summer_of_2000]].concat();
    let gallery = Gallery::start(&then);
    assert!(ask(&gallery, servers, Some(&client(true))).is_some_and(|answer| answer.starts_with("HTTP/1.1 200 ")));
}
