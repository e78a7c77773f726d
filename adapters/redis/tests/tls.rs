//! A connection over TLS: `rediss://`.

#![expect(clippy::unwrap_used, reason = "tests: they fail by panicking, helpers too")]
#![cfg(feature = "tls")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use countersign_conformance::RedisServer;
use countersign_redis::Redis;

/// Where the second half of the test finds the server.
const URL: &str = "COUNTERSIGN_REDIS_TLS_URL";

fn openssl(folder: &Path, arguments: &str) {
    let done = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn certificate(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let subject = "req -x509 -newkey ed25519 -nodes -days 2 -keyout ca.key -out ca.pem -subj /CN=authority";
    openssl(folder, subject);
    openssl(folder, "req -newkey ed25519 -nodes -keyout server.key -out server.csr -subj /CN=redis");
    fs::write(folder.join("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1").unwrap();
    openssl(
        folder,
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem",
    );
}

/// The system's trust is read from the environment once in a process, so that the client is a process of its own: this test, once more.
fn as_another_process(url: &str, trusted: &PathBuf) -> bool {
    let again = Command::new(env::current_exe().unwrap())
        .args(["--exact", "who_is_not_trusted_is_not_spoken_to", "--nocapture"])
        .env(URL, url)
        .env("SSL_CERT_FILE", trusted)
        .output()
        .unwrap();
    again.status.success()
}

#[test]
fn who_is_not_trusted_is_not_spoken_to() {
    if let Ok(url) = env::var(URL) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let opened = runtime.block_on(async { Redis::open(&url).await?.agreed_secret("tls").await });
        assert_eq!(opened.unwrap().expose().len(), 32);
        return;
    }
    let folder = env::temp_dir().join(format!("countersign-redis-tls-{}", std::process::id()));
    certificate(&folder);
    let other = folder.join("other");
    certificate(&other);
    let server = RedisServer::with_tls(&folder.join("server.pem"), &folder.join("server.key"), &folder.join("ca.pem"));
    for (url, trusted, speaks) in [
        (server.tls_url("localhost"), folder.join("ca.pem"), true),
        (server.tls_url("127.0.0.1"), folder.join("ca.pem"), true),
        (server.tls_url("127.0.0.1"), other.join("ca.pem"), false),
        (server.tls_url("127.0.0.2"), folder.join("ca.pem"), false),
    ] {
        assert_eq!(as_another_process(&url, &trusted), speaks, "{url} {}", trusted.display());
    }
    fs::remove_dir_all(folder).unwrap();
}
