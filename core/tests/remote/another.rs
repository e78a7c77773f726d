//! A second provider that others wrote (`oauth2-mock-server`): found by its document, believed by its keys.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use countersign::{
    Answer, Verify,
    verifier::{jwt::JwtVerifier, remote::RemoteIssuer},
};
use serde_json::Value;

use crate::issuer::{read, said};

const PACKAGE: &str = "oauth2-mock-server@8.2.3";

/// It names the audience that its tests want, and signs with the key that it made last.
const SCRIPT: &str = r#"
import { OAuth2Server } from "oauth2-mock-server";
const server = new OAuth2Server();
await server.issuer.keys.generate("PS256");
await server.issuer.keys.generate("ES384");
await server.start(0, "127.0.0.1");
server.issuer.url = `http://127.0.0.1:${server.address().port}`;
server.service.on("beforeTokenSigning", (token) => Object.assign(token.payload, { aud: "people", sub: "emily" }));
process.stdout.write(`${server.issuer.url}\n`);
"#;

struct Provider(Child, String);

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn provider() -> Provider {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(".tools/oauth2-mock");
    if !home.join("node_modules/oauth2-mock-server/package.json").exists() {
        std::fs::create_dir_all(&home).unwrap();
        let install = ["install", "--silent", "--no-save", "--no-audit", "--no-fund", "--prefix"];
        assert!(Command::new("npm").args(install).arg(&home).arg(PACKAGE).status().unwrap().success());
    }
    let mut node = Command::new("node");
    let node = node.args(["--input-type=module", "-e", SCRIPT]).current_dir(home);
    let mut child = node.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let issuer = lines.find(|line| line.starts_with("http://")).unwrap();
    Provider(child, issuer)
}

fn token(provider: &Provider) -> String {
    let form = "grant_type=client_credentials&scope=reports%3Aread";
    let mut curl = Command::new("curl");
    let curl = curl.args(["--silent", "--fail", "--max-time", "10", "--data", form]);
    let told = curl.arg(format!("{}/token", provider.1)).output().unwrap();
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    told["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_second_provider_of_others_is_trusted_by_the_same_two_lines() {
    let provider = provider();
    let issuer = RemoteIssuer::named(&provider.1).start().unwrap();
    issuer.asked().await;
    assert_eq!(issuer.health().keys, 2, "{:?}", issuer.health());
    let verifier =
        |audience: &str| JwtVerifier::trusting(issuer.trusted().audience(audience)).principal::<Value>().unwrap();
    let tokens = [token(&provider), token(&provider)];
    for token in &tokens {
        let Answer::Verified(verified) = verifier("people").verify(read(token)).await else { panic!("{token}") };
        assert_eq!((verified.subject(), verified.scopes().to_string().as_str()), (Some("emily"), "reports:read"));
        assert_eq!(said(&verifier("other").verify(read(token)).await), "refused");
    }
    // Known keys go on without it.
    drop(provider);
    assert_eq!(said(&verifier("people").verify(read(&tokens[0])).await), "verified");
}
