//! Connections over TLS, with and without a certificate of the client's.

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use countersign_conformance::{
    tls::{self, Authority, Identity},
    wire::{Request, Response},
};
use rcgen::ExtendedKeyUsagePurpose;

use crate::service::Gallery;

fn file(name: &str, text: &str) -> PathBuf {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let nth = MADE.fetch_add(1, Ordering::Relaxed);
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{nth}-{name}.pem", std::process::id()));
    fs::write(&path, text).unwrap();
    path
}

/// A server's certificate, and who issues those of clients, in files for the gallery.
pub(crate) struct Tls {
    made: tls::Tls,
    files: [PathBuf; 3],
}

impl Tls {
    pub(crate) fn new() -> Self {
        let made = tls::Tls::default();
        let server = made.server();
        let files = [file("server", server.pem()), file("key", server.key_pem()), file("ca", made.clients().pem())];
        Self { made, files }
    }

    /// The flags of a gallery that listens with it.
    pub(crate) fn flags(&self) -> Vec<&str> {
        let [certificate, key, ca] = self.files.each_ref().map(|path| path.to_str().unwrap());
        vec!["--listen-tls", "127.0.0.1:0", "--certificate", certificate, "--private-key", key, "--client-ca", ca]
    }

    /// A certificate for a client of this common name and these e-mail addresses.
    pub(crate) fn client(&self, common_name: &str, emails: &[&str]) -> Identity {
        self.made.client(common_name, emails)
    }

    /// The certificate of who issues those of clients.
    pub(crate) fn client_authority(&self) -> &[u8] {
        self.made.clients().der()
    }

    /// Files for a client: whom it trusts, its certificate, its key.
    pub(crate) fn client_files(&self, identity: &Identity) -> [PathBuf; 3] {
        let trusted = file("trusted", self.made.servers().pem());
        [trusted, file("client", identity.pem()), file("client-key", identity.key_pem())]
    }
}

/// Asks over a connection of its own with TLS, with this certificate.
pub(crate) fn ask_as(gallery: &Gallery, tls: &Tls, shows: Option<&Identity>, request: &Request) -> Response {
    tls.made.ask(gallery.tls(), shows, request).expect("a connection")
}

/// Asks over a connection of its own with TLS, without a certificate.
pub(crate) fn ask_over_tls(gallery: &Gallery, tls: &Tls, request: &Request) -> Response {
    ask_as(gallery, tls, None, request)
}

#[test]
fn a_certificate_is_asked_for_and_judged_and_not_demanded() {
    let (tls, strangers) = (Tls::new(), Authority::new("strangers"));
    let (clients, flags) = (tls.made.clients(), tls.flags());
    let gallery = Gallery::start(&flags);
    let status = |gallery: &Gallery, shown: Option<&Identity>| {
        tls.made.ask(gallery.tls(), shown, &Request::get("/")).map(|answer| answer.status())
    };
    let client = |ended| clients.issue(&["emma"], ExtendedKeyUsagePurpose::ClientAuth, ended);
    let rows = [
        ("none", None, true),
        ("one for clients", Some(client(false)), true),
        ("one that has ended", Some(client(true)), false),
        ("one for servers", Some(clients.issue(&["emma"], ExtendedKeyUsagePurpose::ServerAuth, false)), false),
        ("a stranger's", Some(strangers.issue(&["emma"], ExtendedKeyUsagePurpose::ClientAuth, false)), false),
    ];
    for (what, shown, good) in rows {
        assert_eq!(status(&gallery, shown.as_ref()), good.then_some(200), "{what}");
    }
    // The clock of the gallery says when a certificate has ended.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed();
    let summer_of_2000 = (962_409_600 - now).to_string();
    let then = [&flags[..], &["--clock-offset", &summer_of_2000]].concat();
    let gallery = Gallery::start(&then);
    assert_eq!(status(&gallery, Some(&client(true))), Some(200));
}
