//! The client that comes with the library, over real sockets.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    thread,
};

use countersign::{
    Verify,
    jose::JwtSigner,
    verifier::{
        jwt::JwtVerifier,
        remote::{RemoteIssuer, RemoteSetupError, WebClient},
    },
};
use serde_json::{Value, json};

use crate::issuer::{fresh, people, read, said, set_of};

/// A server of raw answers: what to say to a path. It ends with the test.
fn serve(answers: impl Fn(SocketAddr, &str) -> String + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).unwrap();
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            // Whoever has read enough hangs up.
            let _ = stream.write_all(answers(address, &path).as_bytes());
        }
    });
    address
}

fn json_of(value: &Value) -> String {
    let body = value.to_string();
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn name_of(address: SocketAddr) -> String {
    format!("http://{address}")
}

fn document(address: SocketAddr, keys: &str) -> String {
    json_of(&json!({ "issuer": name_of(address), "jwks_uri": keys }))
}

fn token(signer: &JwtSigner, address: SocketAddr) -> String {
    let exp = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + 600;
    signer.sign(&json!({ "iss": name_of(address), "aud": "people", "sub": "emily", "exp": exp })).unwrap()
}

async fn says(address: SocketAddr, signer: &JwtSigner) -> (&'static str, String) {
    let issuer = RemoteIssuer::named(&name_of(address)).start().unwrap();
    let verifier = JwtVerifier::trusting(people(&issuer)).principal_by(|_, verified| verified.into()).unwrap();
    let answer = verifier.verify(read(&token(signer, address))).await;
    (said::<()>(&answer), issuer.health().error.unwrap_or_default())
}

#[tokio::test]
async fn keys_are_fetched_by_the_document() {
    let signer = fresh();
    let set = set_of(&[&signer]);
    let address = serve(move |address, path| match path {
        "/.well-known/openid-configuration" => document(address, &format!("http://{address}/keys")),
        "/keys" => json_of(&set),
        _ => panic!("{path} is asked for"),
    });
    assert_eq!(says(address, &signer).await, ("verified", String::new()));
}

#[tokio::test]
async fn no_redirect_is_followed_no_body_without_end_is_read_and_no_length_is_believed_j14() {
    let signer = fresh();
    let good = set_of(&[&signer]);
    let elsewhere = serve(move |_, _| json_of(&good));
    let redirect = format!(
        "HTTP/1.1 302 Found\r\nLocation: http://{elsewhere}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";
    let endless = format!("{head}\r\n{{\"keys\":[\"{}", "a".repeat(8 << 20));
    let lying = format!("{head}Content-Length: 1000\r\n\r\n{{\"keys\":[]}}");
    let chunks = format!("{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n");
    for (keys, why) in [
        (redirect, "it answers 302"),
        (endless, "it answers with too much"),
        (lying, "error"),
        (chunks, "error"),
        ("HTTP/1.1 200 OK\r\n".to_owned(), "error"),
        ("no HTTP at all\r\n\r\n".to_owned(), "error"),
    ] {
        let address = serve(move |address, path| match path {
            "/keys" => keys.clone(),
            _ => document(address, &format!("http://{address}/keys")),
        });
        let (said, error) = says(address, &signer).await;
        assert_eq!(said, "no answer", "{why}");
        assert!(error.contains(why), "{why}: {error}");
    }
}

#[tokio::test]
async fn an_issuer_is_called_over_tls_or_on_this_machine_alone() {
    for name in ["http://issuer.example", "http://10.0.0.1", "issuer.example", "https://issuer.example?a=b", ""] {
        let error = RemoteIssuer::named(name).start().unwrap_err();
        assert!(matches!(error, RemoteSetupError::Issuer { .. }), "{name}: {error}");
    }
    let keys = RemoteIssuer::named("https://issuer.example").keys_at("http://10.0.0.1/keys").start().unwrap_err();
    assert!(matches!(keys, RemoteSetupError::Keys { .. }), "{keys}");
    for roots in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(WebClient::trusting_only(roots).is_err(), "{roots}");
    }
}
