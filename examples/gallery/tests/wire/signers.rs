//! Clients of others that sign their requests, from the registry, ask the gallery: whom it lets in, and that it does so once.
//!
//! They are installed into `.tools` of the repository, which git ignores, unless they are there already.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::service::Gallery;

const PYTHON: [&str; 7] = [
    "requests==2.34.2",
    "mohawk==1.1.0",
    "botocore==1.44.8",
    "oauthlib==4.0.1",
    "PyJWT==2.15.1",
    "http-message-signatures==3.0.0",
    "cryptography==50.0.2",
];
const NODE: [&str; 2] = ["hawk@9.0.2", "wsse@6.0.0"];

fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools")
}

fn here(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire").join(file)
}

fn python() -> PathBuf {
    let home = tools().join("signed");
    let python = home.join("bin/python");
    if !home.join("ready").exists() {
        lines(Command::new("python3").args(["-m", "venv"]).arg(&home));
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        lines(Command::new(&python).args(install).args(PYTHON));
        fs::write(home.join("ready"), "").unwrap();
    }
    python
}

fn node_modules() -> PathBuf {
    let home = tools().join("signed-node");
    if !home.join("node_modules/wsse").exists() {
        let install = ["install", "--no-audit", "--no-fund", "--silent", "--prefix"];
        lines(Command::new("npm").args(install).arg(&home).args(NODE));
    }
    home.join("node_modules").canonicalize().unwrap()
}

/// What a program prints, line by line.
fn lines(command: &mut Command) -> Vec<String> {
    let output = command.output().expect("it runs");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    said.lines().map(str::to_owned).collect()
}

#[test]
fn clients_in_python_are_let_in() {
    let gallery = Gallery::start(&[]);
    let said = lines(Command::new(python()).arg(here("signers.py")).arg(gallery.site()));
    let mut expected: Vec<String> = Vec::new();
    for path in ["/digest", "/digest/md5", "/digest/md5-sess", "/digest/sha-256"] {
        let rows = ["", " again", " post"].map(|what| format!("requests {path}{what} 200 Mufasa"));
        expected.extend(rows.into_iter().chain([format!("requests {path} wrong 401 -")]));
    }
    for method in ["GET", "POST"] {
        expected.extend([format!("mohawk {method} 200 emma"), format!("mohawk {method} again 401 -")]);
    }
    expected.extend(["mohawk skewed 401 Hawk ts", "mohawk bewit 200 emma"].map(str::to_owned));
    expected.extend(["GET", "POST", "PUT", "DELETE"].map(|method| format!("botocore {method} 200 emily")));
    expected.extend(["GET", "DELETE"].map(|method| format!("botocore presigned {method} 200 emily")));
    for who in ["emily", "emma", "bob", "jacob"] {
        for method in ["HMAC-SHA1", "HMAC-SHA256"] {
            let places = ["AUTH_HEADER", "QUERY", "BODY"];
            expected.extend(places.map(|place| format!("oauthlib {who} {method} {place} 200 {who}")));
        }
    }
    expected.extend(["RSA-SHA1", "RSA-SHA256"].map(|method| format!("oauthlib {method} 200 alice")));
    expected.push("oauthlib json 200 emily".to_owned());
    for key in ["test-shared-secret", "test-key-ed25519", "test-key-ecc-p256", "test-key-rsa-pss"] {
        expected.push(format!("http-message-signatures {key} 200 emma"));
        expected.push(format!("http-message-signatures {key} again 401 -"));
    }
    assert_eq!(said, expected);
}

#[test]
fn the_client_of_hawk_is_let_in_and_believes_the_answer() {
    let gallery = Gallery::start(&[]);
    let said = lines(Command::new("node").arg(here("signers.mjs")).arg(gallery.site()).arg(node_modules()));
    assert_eq!(
        said,
        ["hawk GET 200 emma", "hawk POST 200 emma", "hawk stale 401 Stale timestamp", "hawk bewit 200 emma"]
    );
}

#[test]
fn a_client_of_wsse_is_let_in_once_by_the_dialect_that_it_speaks() {
    let gallery = Gallery::start(&[]);
    let said = lines(Command::new("node").arg(here("wsse.mjs")).arg(gallery.site()).arg(node_modules()));
    let spoken = [("/wsse", true), ("/wsse/text", false)].into_iter().flat_map(|(path, encoded)| {
        let other = if encoded { "/wsse/text" } else { "/wsse" };
        [
            format!("wsse {other} 401 -"),
            format!("wsse {path} 200 bob"),
            format!("wsse {path} again 401 -"),
            format!("wsse {path} wrong 401 -"),
            format!("wsse {path} an hour ago 401 -"),
        ]
    });
    assert_eq!(said, spoken.collect::<Vec<_>>());
}

#[test]
fn curl_answers_each_challenge_of_digest_that_it_knows() {
    let gallery = Gallery::start(&[]);
    let curl = |path: &str, user: &str, more: &[&str]| {
        let mut command = Command::new("curl");
        command.args([
            "--silent",
            "--digest",
            "--user",
            user,
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code}\n",
        ]);
        lines(command.args(more).arg(format!("{}{path}", gallery.site())))
    };
    for path in
        ["/digest", "/digest/md5", "/digest/md5-sess", "/digest/sha-256", "/digest/sha-256-sess", "/digest?a=b%20c"]
    {
        assert_eq!(curl(path, "Mufasa:Circle of Life", &[]), ["200"], "{path}");
        assert_eq!(curl(path, "Mufasa:circle of life", &[]), ["401"], "{path}");
        assert_eq!(curl(path, "Jäsøn Doe:Secret, or not?", &["--data", "body"]), ["200"], "{path}");
    }
}
