//! A server of MCP (the protocol by which agents call tools), found by the SDK's client: from a 401 to an answer.
//!
//! The client knows the server's address alone. The refusal leads it to the metadata, that to an issuer (`oidc-provider`, which has never
//! heard of it), where it registers, somebody signs in, and it gets a token for this server.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{
    path::{Path, PathBuf},
    process::{Command as Program, Stdio},
    time::Duration,
};

use axum::{Json, Router, http::StatusCode, response::IntoResponse, routing::post};
use countersign::{
    CredentialCache, Gate, credential::ProtectedResource, gate::policy::scope, verifier::jwt::JwtVerifier,
    verifier::remote::RemoteIssuer,
};
use countersign_axum::{GateExt, Granted, endpoint};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
    time::timeout,
};

#[derive(Debug, Clone, Deserialize)]
struct Caller {
    sub: String,
}

/// As much of MCP as it takes: who calls is a tool.
async fn mcp(me: Granted<Caller>, Json(message): Json<Value>) -> axum::response::Response {
    let result = match message["method"].as_str().unwrap_or_default() {
        "initialize" => json!({
            "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "people", "version": "1.0.0" },
        }),
        "tools/call" => json!({ "content": [{ "type": "text", "text": me.sub }] }),
        _ => return StatusCode::ACCEPTED.into_response(),
    };
    Json(json!({ "jsonrpc": "2.0", "id": message["id"], "result": result })).into_response()
}

/// An npm package, where `.ci/test` puts it, or else put there now.
fn node_package(folder: &str, package: &str) -> PathBuf {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools").join(folder);
    let (name, _) = package.rsplit_once('@').unwrap();
    if !home.join("node_modules").join(name).join("package.json").exists() {
        std::fs::create_dir_all(&home).unwrap();
        let install = ["install", "--silent", "--no-save", "--no-audit", "--no-fund", "--prefix"];
        assert!(Program::new("npm").args(install).arg(&home).arg(package).status().unwrap().success());
    }
    home
}

async fn node(home: &Path, script: &str, input: &str) -> Child {
    let mut command = Command::new("node");
    command.args(["--input-type=module", "-e", script]).current_dir(home).kill_on_drop(true);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
    child
}

/// The provider, and its name.
async fn provider() -> (Child, String) {
    let home = node_package("oidc", "oidc-provider@9.13.3");
    let script = include_str!("../../../../core/tests/remote/provider.mjs");
    let settings = r#"{"port":0,"make":["RS256"],"people":true}"#;
    let mut child = node(&home, script, settings).await;
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let issuer = timeout(Duration::from_secs(60), lines.next_line()).await.unwrap().unwrap().expect("it starts");
    (child, issuer)
}

#[tokio::test]
async fn a_client_of_mcp_goes_from_a_401_to_an_answer_knowing_nothing_but_the_address() {
    let (_provider, issuer) = provider().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/mcp", listener.local_addr().unwrap());
    let resource = ProtectedResource::at(&address).unwrap();

    let cache = CredentialCache::default();
    let trusted = RemoteIssuer::named(&issuer).revoking(&cache).start().unwrap();
    let tokens = JwtVerifier::trusting(trusted.trusted().audience(resource.address())).access_tokens();
    let gate = Gate::in_realm("tools").accept(resource.bearer(), tokens.principal::<Caller>().unwrap());
    let gate = gate.cached(cache).build().unwrap();
    let reads = gate.require(scope("reports:read"));
    let metadata = resource.enforced_by([&reads]).unwrap();
    let app = Router::new()
        .route("/mcp", post(mcp).route_layer(reads.enforce()))
        .route(metadata.path(), endpoint(metadata.endpoint(&gate)))
        .layer(gate.attach())
        .with_state(gate.clone());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });

    let home = node_package("mcp", "@modelcontextprotocol/sdk@1.32.2");
    let client = node(&home, include_str!("client.mjs"), &address).await;
    let ended = timeout(Duration::from_secs(60), client.wait_with_output()).await.expect("in time").unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let said: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(
        (&said["told"], &said["resource"], &said["scope"]),
        (&json!("emily"), &json!(address), &json!("reports:read"))
    );
    let asked: Vec<&str> = said["asked"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(asked[..2], ["POST /mcp 401", "GET /.well-known/oauth-protected-resource/mcp 200"], "{asked:?}");
    for step in ["POST /reg 201", "POST /token 200", "POST /mcp 200"] {
        assert!(asked.contains(&step), "{asked:?}");
    }
    assert_eq!(asked.iter().filter(|step| step.ends_with(" 401")).count(), 1, "{asked:?}");
}
