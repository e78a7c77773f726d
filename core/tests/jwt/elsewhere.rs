//! Tokens of PyJWT and of `jose` on Node verify here, and ours verify there, for every algorithm.
//!
//! Both are installed into `.tools` of the repository, which git ignores, unless they are there already.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use countersign::{
    Secret,
    jose::{JwtAlgorithm, JwtKey, JwtSigner, KeySet},
    verifier::jwt::{JwtVerifier, TrustedIssuer},
};
use serde_json::{Value, json};

use crate::workshop::*;

const PYJWT: [&str; 2] = ["PyJWT==2.15.1", "cryptography==50.0.2"];
const JOSE: &str = "jose@6.2.18";

fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(".tools")
}

fn run(command: &mut Command, input: &str) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?} fails");
    String::from_utf8(output.stdout).unwrap()
}

/// What we sign with each algorithm, and what is needed to verify it.
fn ours() -> Value {
    let signers = ALGORITHMS.map(|algorithm| {
        let signer = match algorithm.name() {
            name if name.starts_with("HS") => JwtSigner::secret(algorithm, &Secret::new(SECRET)).unwrap(),
            name if name.starts_with("RS") || name.starts_with("PS") => {
                JwtSigner::pem_with(algorithm, &workshop().private_pem(algorithm)).unwrap()
            }
            _ => JwtSigner::pem(&workshop().private_pem(algorithm)).unwrap(),
        };
        let claims = json!({ "iss": ISSUER, "aud": "people", "sub": "emily", "exp": now() + 600, "jti": "ä\"\\" });
        let set: Value = serde_json::from_str(&signer.jwks_json()).unwrap();
        json!({ "alg": algorithm.name(), "token": signer.sign(&claims).unwrap(), "jwks": set })
    });
    json!({ "secret": b64(SECRET), "tokens": signers, "exp": now() + 600 })
}

/// Verifies `[{alg, token, jwk | pem}]` of another library, and refuses each with another signature.
fn judge(theirs: &str) {
    let theirs: Vec<Value> = serde_json::from_str(theirs).unwrap();
    assert_eq!(theirs.len(), ALGORITHMS.len());
    for (made, algorithm) in theirs.iter().zip(ALGORITHMS) {
        assert_eq!(made["alg"], algorithm.name());
        let keys = match (&made["pem"], &made["jwk"]) {
            (Value::String(pem), _) => vec![JwtKey::pem(algorithm, pem).unwrap()],
            (_, Value::Object(_)) if algorithm.name().starts_with("HS") => {
                vec![JwtKey::jwk(&made["jwk"].to_string()).unwrap()]
            }
            (_, jwk @ Value::Object(_)) => {
                let set = KeySet::parse(&json!({ "keys": [jwk] }).to_string()).unwrap();
                assert_eq!(set.skipped(), [], "{jwk}");
                let trusted = TrustedIssuer::named(ISSUER).audience("people").keys(set);
                let verifier = JwtVerifier::trusting(trusted).principal::<Value>().unwrap();
                assert!(accepts(&verifier, made["token"].as_str().unwrap()), "{algorithm}");
                vec![JwtKey::jwk(&jwk.to_string()).unwrap()]
            }
            _ => panic!("neither PEM nor JWK: {made}"),
        };
        let verifier = JwtVerifier::trusting(issuer(keys)).principal::<Value>().unwrap();
        let token = made["token"].as_str().unwrap();
        let verified = accepted(&verifier, token).unwrap_or_else(|| panic!("{algorithm}: {token}"));
        assert_eq!(verified.subject(), Some("emily"));
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let forged: String = signature.chars().rev().collect();
        assert!(!accepts(&verifier, &format!("{signed}.{forged}")), "{algorithm}");
    }
    assert!(theirs.iter().any(|made| made["alg"] == JwtAlgorithm::EdDsa.name()));
}

#[test]
fn pyjwt_and_we_read_each_other() {
    let home = tools().join("pyjwt");
    let python = home.join("bin/python");
    if !home.join("ready").exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&home), "");
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PYJWT), "");
        std::fs::write(home.join("ready"), "").unwrap();
    }
    judge(&run(Command::new(&python).arg("-c").arg(include_str!("elsewhere.py")), &ours().to_string()));
}

#[test]
fn jose_and_we_read_each_other() {
    let home = tools().join("jose");
    if !home.join("node_modules/jose/package.json").exists() {
        std::fs::create_dir_all(&home).unwrap();
        run(Command::new("npm").args(["install", "--silent", "--no-save", "--prefix"]).arg(&home).arg(JOSE), "");
    }
    let script = ["--input-type=module", "-e", include_str!("elsewhere.mjs")];
    judge(&run(Command::new("node").args(script).current_dir(&home), &ours().to_string()));
}
