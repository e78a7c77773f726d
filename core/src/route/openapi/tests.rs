//! What is written into documents.

use super::{operation::path_of, *};
use crate::{
    ApiKey, Basic, Bearer, KeyRing, QueryParam, SignedCookie, Verified,
    credential::CookieCredential,
    gate::policy::{all_of, role, scope},
    verifier::{Answer, PasswordTable, TokenTable, verify_now_with},
};

fn gate() -> Gate<&'static str> {
    let tokens = || TokenTable::new().with("a-long-random-token", Verified::new("emily"));
    let sessions = verify_now_with(|_: &CookieCredential| Answer::<&'static str>::Refused);
    Gate::in_realm("people")
        .accept(Basic, PasswordTable::new().with("emily", "s3cret", Verified::new("emily")))
        .accept(Bearer, tokens())
        .accept(QueryParam::named("access_token"), tokens())
        .accept(ApiKey::in_header("X-API-Key").or_keyword("Token"), tokens())
        .accept(SignedCookie::named("session", KeyRing::random()), sessions)
        .build()
        .unwrap()
}

fn document() -> OpenApi {
    let gate = gate();
    let mut document = OpenApi::default();
    let _ = document.guarded("GET /me", &gate);
    let _ = document.guarded("GET /", &gate.or_anonymous());
    let may = all_of((scope("reports:write"), role("editor")));
    let _ = document.guarded("PUT /reports/{id}", &gate.only(["bearer"]).unwrap().require(may));
    document.public("GET /health");
    document
}

#[test]
fn every_kind_is_a_scheme_and_every_route_says_which_it_takes() {
    let json: Value = serde_json::from_str(&document().to_json("people", "1")).unwrap();
    let schemes = json!({
        "basic": { "type": "http", "scheme": "basic" },
        "bearer": { "type": "http", "scheme": "bearer" },
        "query": { "type": "apiKey", "in": "query", "name": "access_token" },
        "api-key": { "type": "apiKey", "in": "header", "name": "x-api-key" },
        "cookie": { "type": "apiKey", "in": "cookie", "name": "__Host-session" },
    });
    assert_eq!(json["components"]["securitySchemes"], schemes);
    let all = json!([{ "basic": [] }, { "bearer": [] }, { "query": [] }, { "api-key": [] }, { "cookie": [] }]);
    assert_eq!(json["paths"]["/me"]["get"]["security"], all);
    assert_eq!(json["paths"]["/"]["get"]["security"][0], json!({}), "nobody may come");
    let put = &json["paths"]["/reports/{id}"]["put"];
    assert_eq!(put["security"], json!([{ "bearer": [] }]));
    assert_eq!(put["parameters"][0]["name"], "id");
    let statuses = |operation: &Value| operation["responses"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(statuses(put), ["400", "401", "403", "431", "503"]);
    assert_eq!(statuses(&json["paths"]["/health"]["get"]), ["default"]);
    assert_eq!(json["paths"]["/health"]["get"]["security"], json!([]));
    assert!(put["responses"]["403"]["description"].as_str().unwrap().contains("reports:write"), "{put}");
    assert!(put["responses"]["401"]["headers"]["WWW-Authenticate"].is_object(), "{put}");
}

#[test]
fn what_the_app_says_itself_stays() {
    let own = json!({
        "openapi": "3.0.3",
        "info": { "title": "people", "version": "1" },
        "paths": {
            "/me": { "get": { "summary": "who", "responses": { "200": { "description": "you" }, "401": { "description": "mine" } } } },
            "/reports/{id}": {
                "put": {
                    "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } }],
                    "responses": { "204": { "description": "done" } }
                },
                "delete": { "responses": { "204": { "description": "gone" } } }
            }
        },
        "components": { "schemas": { "Report": { "type": "object" } }, "securitySchemes": { "basic": { "type": "http", "scheme": "basic", "description": "mine" } } }
    });
    let whole: Value = serde_json::from_str(&document().merged_into(&own.to_string()).unwrap()).unwrap();
    let me = &whole["paths"]["/me"]["get"];
    assert_eq!((&me["summary"], &me["responses"]["401"]["description"]), (&json!("who"), &json!("mine")));
    assert!(me["responses"]["503"].is_object() && me["security"].is_array(), "{me}");
    let put = &whole["paths"]["/reports/{id}"]["put"];
    assert_eq!(put["parameters"], own["paths"]["/reports/{id}"]["put"]["parameters"], "no parameter twice");
    assert_eq!(whole["paths"]["/reports/{id}"]["delete"], own["paths"]["/reports/{id}"]["delete"]);
    assert_eq!(whole["components"]["securitySchemes"]["basic"]["description"], "mine");
    assert!(
        whole["components"]["schemas"]["Report"].is_object() && whole["components"]["schemas"][PROBLEM].is_object()
    );
}

#[test]
fn what_is_no_document_is_refused() {
    for text in [
        "",
        "[]",
        "{}",
        r#"{"swagger":"2.0","paths":{}}"#,
        r#"{"openapi":"3.1.0","paths":[]}"#,
        r#"{"openapi":"3.1.0","components":7}"#,
    ] {
        assert_eq!(document().merged_into(text), Err(NotOpenApi), "{text}");
    }
}

#[test]
fn patterns_of_every_framework_are_paths() {
    for (pattern, path, names) in [
        ("/users/{name}/keys/{id}", "/users/{name}/keys/{id}", vec!["name", "id"]),
        ("/users/{name:[a-z]+}", "/users/{name}", vec!["name"]),
        ("/files/{*rest}", "/files/{rest}", vec!["rest"]),
        ("/users/<name>", "/users/{name}", vec!["name"]),
        ("/files/<rest..>", "/files/{rest}", vec!["rest"]),
        ("/search?<text>", "/search", vec![]),
        ("/", "/", vec![]),
    ] {
        assert_eq!(path_of(pattern), (path.to_owned(), names.into_iter().map(str::to_owned).collect()), "{pattern}");
    }
}
