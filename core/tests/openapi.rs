//! The document of an app with what its guards ask for: a validator finds it good, and utoipa reads it.
//!
//! The validator is installed into `.tools` of the repository, which git ignores, unless it is there already.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use countersign::{
    ApiKey, Basic, Bearer, Gate, QueryParam, Verified,
    gate::policy::{any_of, role, scope},
    route::OpenApi,
    verifier::{PasswordTable, TokenTable},
};
use serde_json::{Value, json};
use utoipa::openapi::{
    InfoBuilder, OpenApiBuilder, PathItem, PathsBuilder, ResponseBuilder,
    path::{HttpMethod, OperationBuilder},
};

const VALIDATOR: &str = "openapi-spec-validator==0.9.0";

/// Python with the validator.
fn python() -> PathBuf {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(".tools/openapi");
    let python = home.join("bin/python");
    if !home.join("ready").exists() {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&home).status().unwrap();
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", VALIDATOR];
        let installed = Command::new(&python).args(pip).status().unwrap();
        assert!(made.success() && installed.success());
        fs::write(home.join("ready"), "").unwrap();
    }
    python
}

/// What the validator says of a document; nothing is good.
fn faults_of(name: &str, document: &str) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, document).unwrap();
    let ran = Command::new(python()).args(["-m", "openapi_spec_validator"]).arg(&path).output().unwrap();
    if ran.status.success() {
        String::new()
    } else {
        String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr)
    }
}

fn guards() -> OpenApi {
    let tokens = || TokenTable::new().with("a-long-random-token", Verified::new("emily"));
    let gate: Gate<&str> = Gate::in_realm("people")
        .accept(Basic, PasswordTable::new().with("emily", "s3cret", Verified::new("emily")))
        .accept(Bearer, tokens())
        .accept(QueryParam::named("access_token"), tokens())
        .accept(ApiKey::in_header("X-API-Key"), tokens())
        .build()
        .unwrap();
    let mut document = OpenApi::default();
    let _ = document.guarded("GET /me", &gate);
    let _ = document.guarded("GET /", &gate.or_anonymous());
    let _ = document.guarded("PUT /reports/{id}", &gate.require(any_of((scope("reports:write"), role("admin")))));
    let _ = document.guarded("GET /files/{*rest}", &gate.only(["query"]).unwrap());
    document.public("GET /health");
    document
}

#[test]
fn a_validator_finds_the_document_good() {
    assert_eq!(faults_of("alone.json", &guards().to_json("people", "1")), "");
    for version in ["3.0.3", "3.1.0"] {
        let own = json!({
            "openapi": version,
            "info": { "title": "people", "version": "1" },
            "paths": { "/reports/{id}": { "put": { "operationId": "replace", "responses": { "204": { "description": "done" } } } } }
        });
        // By itself it is not, for want of the parameter of its path.
        assert_ne!(faults_of("own.json", &own.to_string()), "");
        assert_eq!(faults_of("merged.json", &guards().merged_into(&own.to_string()).unwrap()), "", "{version}");
    }
}

#[test]
fn utoipa_reads_its_own_document_again() {
    let put = OperationBuilder::new().response("204", ResponseBuilder::new().description("done").build()).build();
    let paths = PathsBuilder::new().path("/reports/{id}", PathItem::new(HttpMethod::Put, put)).build();
    let own = OpenApiBuilder::new().info(InfoBuilder::new().title("people").version("1").build()).paths(paths).build();
    let merged = guards().merged_into(&own.to_json().unwrap()).unwrap();

    let read: utoipa::openapi::OpenApi = serde_json::from_str(&merged).unwrap();
    let schemes = &read.components.as_ref().unwrap().security_schemes;
    assert_eq!(schemes.keys().map(String::as_str).collect::<Vec<_>>(), ["api-key", "basic", "bearer", "query"]);
    let put = read.paths.paths["/reports/{id}"].put.as_ref().unwrap();
    assert_eq!(put.security.as_ref().map(Vec::len), Some(4));
    assert!(["204", "401", "403", "503"].iter().all(|status| put.responses.responses.contains_key(*status)));

    let written: Value = serde_json::from_str(&read.to_json().unwrap()).unwrap();
    assert_eq!(
        written["paths"]["/me"]["get"]["security"],
        serde_json::from_str::<Value>(&merged).unwrap()["paths"]["/me"]["get"]["security"]
    );
}
