//! The document of an app with what its guards ask for: a validator finds it good, and utoipa reads it.
//!
//! The validator is installed into `.tools` of the repository, which git ignores, unless it is there already.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use countersign::{
    ApiKey, Basic, Bearer, CredentialCache, Gate, JwtSigner, KeyRing, QueryParam, Reply, SignedCookie, Unavailable,
    Verified, async_trait,
    credential::{ProtectedResource, SignedLink},
    gate::policy::{any_of, role, scope},
    mint::{
        access_token::{AccessTokens, TokenEndpoints},
        api_key::{ApiKeyEndpoints, ApiKeys},
        link::{LinkEndpoints, Links},
        refresh_token::{RefreshEndpoints, RefreshTokens},
        revocation::Revocation,
        session::{SessionEndpoints, Sessions},
        sign_in::SignIn,
        transient_token::TransientTokens,
    },
    route::OpenApi,
    store::{Directory, MemoryApiKeys, MemorySessions, MemoryTokens},
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

struct Everybody;

#[async_trait]
impl Directory<String> for Everybody {
    async fn find(&self, subject: &str) -> Result<Option<Verified<String>>, Unavailable> {
        Ok(Some(Verified::new(subject.to_owned()).with_subject(subject)))
    }
}

/// Endpoints, as an app mounts them.
fn endpoints() -> OpenApi {
    let (directory, cache) = (Arc::new(Everybody), CredentialCache::default());
    let (sessions, tokens) = (Arc::new(MemorySessions::default()), Arc::new(MemoryTokens::default()));
    let passwords = Arc::new(PasswordTable::new().with("emily", "s3cret", Verified::new("emily".to_owned())));
    let ring = KeyRing::random();
    let kept = Sessions::new(sessions.clone(), directory.clone())
        .by(SignedCookie::named("session", ring.clone()))
        .revoking(&cache);
    let access = AccessTokens::issued_by("people", JwtSigner::fresh().unwrap());
    let access = access.for_audience("people", directory.clone()).unwrap();
    let refresh = RefreshTokens::new("pplr_".parse().unwrap(), access.clone(), tokens.clone());
    let keys = ApiKeys::new("ppl_".parse().unwrap(), Arc::new(MemoryApiKeys::default()), directory.clone());
    let links = Links::signed_by(SignedLink::in_parameter("link", ring.clone()), directory.clone());
    let reports = ProtectedResource::at("https://people.example/reports").unwrap();
    let gate = Gate::in_realm("people")
        .accept(Basic, Arc::clone(&passwords))
        .accept(Bearer, access.clone())
        .accept(kept.cookie(), kept.clone())
        .cached(cache.clone())
        .build()
        .unwrap();
    let table = TokenTable::new().with("a-long-random-token", Verified::new("emily".to_owned()));
    let reports = reports.authorization_server("https://issuer.example");
    let of_reports = Gate::in_realm("people").accept(reports.bearer(), table).build().unwrap();
    let metadata = reports.enforced_by([&of_reports]).unwrap();

    let mut document = OpenApi::default();
    let session = SessionEndpoints::new(kept, &gate);
    let revocation = Revocation::recorded_in(tokens.clone(), directory, &cache);
    let (refresh, keys) = (RefreshEndpoints::new(refresh), ApiKeyEndpoints::new(keys));
    let transient = TransientTokens::signed_by(ring, tokens, |_: &str| None::<Verified<String>>);
    for (pattern, endpoint) in [
        ("/session", session.sign_in(Arc::clone(&passwords))),
        ("/session", session.reload()),
        ("/session", session.sign_out()),
        ("/session/end", session.end()),
        ("/sessions", session.list(&gate)),
        ("/sessions", session.end_all(&gate)),
        ("/sessions/end", session.end_all_by_form(&gate)),
        ("/sessions/{id}", session.end_one(&gate)),
        ("/sessions/<id>/end", session.end_one_by_form(&gate)),
        ("/tokens", refresh.issue(&gate)),
        ("/tokens", revocation.of_token(&gate.only(["bearer"]).unwrap())),
        ("/tokens/refresh", refresh.refresh(&gate)),
        ("/users/{name}/tokens", revocation.of_subject(&gate.require(role("admin")))),
        ("/short", TokenEndpoints::new(access).issue(&gate)),
        ("/.well-known/jwks.json", refresh.keys(&gate)),
        ("/keys", keys.create(&gate)),
        ("/keys", keys.list(&gate)),
        ("/keys/{id}", keys.delete(&gate)),
        ("/photos/{id}/link", LinkEndpoints::new(links).create(&gate, |_| None)),
        ("/transient", transient.issue(&gate)),
        ("/own", SignIn::at(&gate).then(passwords, |_| async { Ok(Reply::new(204)) })),
        (metadata.path(), metadata.endpoint(&gate)),
    ] {
        let method = endpoint.method();
        assert_eq!(document.mounted(pattern, endpoint).method(), method, "it is handed back");
    }
    document
}

#[test]
fn an_endpoint_says_what_it_takes_and_answers() {
    let text = endpoints().to_json("people", "1");
    assert_eq!(faults_of("endpoints.json", &text), "");
    let old = r#"{"openapi":"3.0.3","info":{"title":"people","version":"1"},"paths":{}}"#;
    assert_eq!(faults_of("old-endpoints.json", &endpoints().merged_into(old).unwrap()), "");
    // utoipa reads it, and writes the same.
    let read: utoipa::openapi::OpenApi = serde_json::from_str(&text).unwrap();
    let written: Value = serde_json::from_str(&read.to_json().unwrap()).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(written["paths"]["/keys"]["post"]["requestBody"], document["paths"]["/keys"]["post"]["requestBody"]);

    for (path, method, statuses, security) in [
        ("/session", "post", "204 303 400 401 403 408 413 415 429 503", 0),
        ("/session", "get", "303 400", 0),
        ("/session", "delete", "204 400 401 403 431 503", 1),
        ("/sessions", "get", "200 400 401 403 431 503", 3),
        ("/sessions/{id}", "delete", "204 400 401 403 404 431 503", 3),
        ("/tokens", "post", "200 400 401 403 408 413 415 431 503", 3),
        ("/tokens", "delete", "204 400 401 431 503", 1),
        ("/tokens/refresh", "post", "200 400 408 413 415 503", 0),
        ("/users/{name}/tokens", "delete", "204 400 401 403 404 431 503", 3),
        ("/.well-known/jwks.json", "get", "200 400", 0),
        ("/keys", "post", "201 400 401 403 408 409 413 415 431 503", 3),
        ("/photos/{id}/link", "post", "200 400 401 403 404 408 413 415 431 503", 3),
        ("/own", "post", "200 400 401 403 408 413 415 429 503", 0),
        ("/.well-known/oauth-protected-resource/reports", "get", "200 400", 0),
    ] {
        let operation = &document["paths"][path][method];
        let responses = operation["responses"].as_object().unwrap();
        assert_eq!(responses.keys().cloned().collect::<Vec<_>>().join(" "), statuses, "{method} {path}");
        assert_eq!(operation["security"].as_array().unwrap().len(), security, "{method} {path}");
        assert!(operation["summary"].is_string(), "{method} {path}");
        assert!(responses["400"]["content"]["application/problem+json"].is_object(), "{method} {path}");
    }
    let keys = &document["paths"]["/keys"];
    let scopes = &keys["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]["scopes"];
    assert_eq!(*scopes, json!({ "type": ["array", "null"], "items": { "type": "string" } }));
    let sign_in = &document["paths"]["/session"]["post"]["requestBody"]["content"];
    assert!(sign_in["application/json"].is_object() && sign_in["application/x-www-form-urlencoded"].is_object());
}

#[test]
fn what_the_app_says_of_an_endpoint_stays() {
    let own = json!({
        "openapi": "3.0.3",
        "info": { "title": "people", "version": "1" },
        "paths": { "/keys": { "post": { "summary": "mine", "responses": { "409": { "description": "mine too" } } } } }
    });
    let merged: Value = serde_json::from_str(&endpoints().merged_into(&own.to_string()).unwrap()).unwrap();
    let create = &merged["paths"]["/keys"]["post"];
    assert_eq!((&create["summary"], &create["responses"]["409"]["description"]), (&json!("mine"), &json!("mine too")));
    assert!(create["responses"]["201"].is_object() && create["requestBody"].is_object(), "{create}");
    let scopes = &create["requestBody"]["content"]["application/json"]["schema"]["properties"]["scopes"];
    assert_eq!(*scopes, json!({ "type": "array", "nullable": true, "items": { "type": "string" } }), "3.0 has no null");
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
