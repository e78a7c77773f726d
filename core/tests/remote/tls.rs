//! The client that comes with the library, over TLS: whom it believes to be the issuer.

use std::{net::SocketAddr, sync::Arc};

use countersign::{
    Verify,
    jose::JwtSigner,
    verifier::{
        jwt::JwtVerifier,
        remote::{RemoteIssuer, WebClient},
    },
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
};

use crate::issuer::{fresh, people, read, said, set_of};

/// A certificate authority.
fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut parameters = CertificateParams::new([]).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

/// What a server shows.
struct Shown {
    name: &'static str,
    has_ended: bool,
}

/// Serves the document of an issuer and its keys over TLS, until the test ends.
async fn serve(authority: &CertifiedIssuer<'static, KeyPair>, shown: &Shown, keys: Value) -> SocketAddr {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new([shown.name.to_owned()]).unwrap();
    if shown.has_ended {
        (parameters.not_before, parameters.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2020, 2, 1));
    }
    let certificate = parameters.signed_by(&key, authority).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let configuration = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let configuration = configuration.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key);
    let acceptor = TlsAcceptor::from(Arc::new(configuration.unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let name = name_of(address);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that does not believe the certificate hangs up.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let body = match head.starts_with(b"GET /keys ") {
                true => keys.to_string(),
                false => json!({ "issuer": name, "jwks_uri": format!("{name}/keys") }).to_string(),
            };
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length:";
            stream.write_all(format!("{head} {}\r\n\r\n{body}", body.len()).as_bytes()).await.unwrap();
            let _ = stream.shutdown().await;
        }
    });
    address
}

fn name_of(address: SocketAddr) -> String {
    format!("https://localhost:{}", address.port())
}

/// What is said of a token of this issuer by who asks it through this client, and why.
async fn says(address: SocketAddr, signer: &JwtSigner, client: WebClient) -> (&'static str, String) {
    let issuer = RemoteIssuer::named(&name_of(address)).through(client).start().unwrap();
    let verifier = JwtVerifier::trusting(people(&issuer)).principal_by(|_, verified| verified.into()).unwrap();
    let exp = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + 600;
    let claims = json!({ "iss": name_of(address), "aud": "people", "sub": "emily", "exp": exp });
    let answer = verifier.verify(read(&signer.sign(&claims).unwrap())).await;
    (said::<()>(&answer), issuer.health().error.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_is_who_has_a_certificate_for_its_name_by_a_root_that_is_trusted() {
    let (ours, another) = (authority(), authority());
    let good = Shown { name: "localhost", has_ended: false };
    let signer = fresh();
    for (shown, root, expected) in [
        (&good, Some(&ours), "verified"),
        (&good, Some(&another), "no answer"),
        (&good, None, "no answer"),
        (&Shown { name: "issuer.example", has_ended: false }, Some(&ours), "no answer"),
        (&Shown { name: "localhost", has_ended: true }, Some(&ours), "no answer"),
    ] {
        let address = serve(&ours, shown, set_of(&[&signer])).await;
        let client = match root {
            Some(root) => WebClient::trusting_only(&root.pem()).unwrap(),
            // Whom the operating system trusts, which is nobody of this test.
            None => WebClient::new().unwrap(),
        };
        let (said, why) = says(address, &signer, client).await;
        assert_eq!(said, expected, "{} {}: {why}", shown.name, shown.has_ended);
        assert_eq!(why.contains("certificate"), expected == "no answer", "{why}");
    }
}
