//! Tokens from their issue to their end: had anew, given back, revoked by subject, and judged when they are used.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod families;
mod refreshed;
mod revoked;

use std::{path::PathBuf, process::Command, thread, time::Duration};

use countersign_conformance::wire::{Connection, Request, Response};
use people_tests::{FRAMEWORKS, Postgres, Service, Talk, basic, everywhere, json};
use serde_json::{Value, json as document};

/// Every copy signs with these.
const SECRET: &str = "Es7QbFSvyDvLD5oM0R4kuLrKnqDcUb1I0Qy3j9h4DnE\n";

fn emily() -> String {
    basic("emily", "emily:s3cret")
}

fn emma() -> String {
    basic("emma", "pässwörd-emma")
}

fn jacob() -> String {
    basic("jacob", "jacob-is-admin")
}

fn with(request: Request, authorization: &str) -> Request {
    request.with("Authorization", authorization)
}

fn me(token: &str) -> Request {
    with(Request::get("/me"), &format!("Bearer {token}"))
}

/// An access token and a refresh token.
#[derive(Debug, Clone)]
struct Pair {
    access: String,
    refresh: String,
    scope: String,
}

impl Pair {
    fn of(response: &Response) -> Self {
        assert_eq!(response.field("cache-control"), Some("no-store"));
        let answer = json(response);
        let members: Vec<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["access_token", "expires_in", "refresh_token", "scope", "token_type"]);
        assert_eq!((&answer["token_type"], &answer["expires_in"]), (&"Bearer".into(), &600.into()));
        let text = |member: &str| answer[member].as_str().unwrap().to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token"), scope: text("scope") }
    }

    fn give_back(&self) -> Request {
        with(Request::new("DELETE", "/tokens"), &format!("Bearer {}", self.access))
    }
}

fn issue(talk: &mut Talk, authorization: &str) -> Pair {
    Pair::of(&talk.expect(200, &with(Request::post("/tokens"), authorization)))
}

fn issue_for(talk: &mut Talk, authorization: &str, scope: &str) -> Pair {
    let wish = document!({ "scope": scope }).to_string();
    Pair::of(&talk.expect(200, &with(Request::post("/tokens"), authorization).with_json(&wish)))
}

fn refreshing(refresh: &str) -> Request {
    Request::post("/tokens/refresh").with_json(&document!({ "refresh_token": refresh }).to_string())
}

fn refresh(talk: &mut Talk, token: &str) -> Pair {
    Pair::of(&talk.expect(200, &refreshing(token)))
}

/// 400, `invalid_grant`, and no challenge.
fn is_no_grant(talk: &mut Talk, token: &str) {
    let response = talk.expect(400, &refreshing(token));
    assert_eq!(json(&response)["error"], "invalid_grant");
    assert_eq!(response.field("content-type"), Some("application/problem+json"));
    assert_eq!(response.fields("www-authenticate").count(), 0);
    assert_eq!(response.field("cache-control"), Some("no-store"));
}

fn is_void(talk: &mut Talk, access: &str) {
    let refused = talk.expect(401, &me(access));
    assert_eq!(json(&refused)["error"], "invalid_token");
}

/// A folder of this test's own, gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn of(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("people-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn database(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn signing_key(&self) -> String {
        let pem = Command::new("openssl").args(["genpkey", "-algorithm", "ed25519"]).output().unwrap();
        self.file("signing.pem", std::str::from_utf8(&pem.stdout).unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn while_the_database_is_gone_nothing_is_spent_and_nobody_gets_in() {
    let postgres = Postgres::start();
    for framework in FRAMEWORKS {
        let mut talk = Talk::with(Service::start(framework, &["--database", &postgres.url(), "--cache-ttl", "0"]));
        let pair = issue(&mut talk, &emily());
        postgres.end();
        for request in [
            refreshing(&pair.refresh),
            me(&pair.access),
            pair.give_back(),
            with(Request::new("DELETE", "/users/emily/tokens"), &emily()),
            with(Request::post("/tokens"), &emily()),
        ] {
            let response = talk.expect(503, &request);
            assert!(response.field("retry-after").is_some());
            assert_eq!(response.fields("www-authenticate").count(), 0);
        }
        postgres.begin();
        talk.expect(200, &me(&pair.access));
        refresh(&mut talk, &pair.refresh);
    }
}

#[test]
fn scopes_and_roles_are_judged_when_a_key_or_token_is_used() {
    let folder = Folder::of("promotion");
    for framework in FRAMEWORKS {
        let file = folder.database(framework);
        let flags = ["--database", &format!("sqlite:{file}"), "--cache-ttl", "0"];
        let mut talk = Talk::with(Service::start(framework, &flags));
        let become_ = |name: &str, roles: &str| {
            let change = "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\n\
                          c.execute('UPDATE users SET roles = ? WHERE name = ?', sys.argv[2:])\nc.commit()";
            assert!(Command::new("python3").args(["-c", change, &file, roles, name]).status().unwrap().success());
        };
        let key =
            |talk: &mut Talk, wish: Value| talk.key(&emily(), &wish.to_string())["key"].as_str().unwrap().to_owned();
        let (unnamed, narrow, nothing) = (
            key(&mut talk, document!({"name": "unnamed"})),
            key(&mut talk, document!({"name": "narrow", "scopes": ["reports:read"]})),
            key(&mut talk, document!({"name": "nothing", "scopes": []})),
        );
        let token = issue(&mut talk, &emily());
        let named = issue_for(&mut talk, &emily(), "reports:read");
        // Roles and scopes of each: of keys without names, for one scope, for none; of tokens without names, for one scope.
        let shown = |talk: &mut Talk| {
            let credentials = [
                ("X-API-Key", unnamed.clone()),
                ("X-API-Key", narrow.clone()),
                ("X-API-Key", nothing.clone()),
                ("Authorization", format!("Bearer {}", token.access)),
                ("Authorization", format!("Bearer {}", named.access)),
            ];
            credentials.map(|(field, value)| {
                let caller = json(&talk.expect(200, &Request::get("/me").with(field, value)));
                let text = |member: &str| {
                    let items = caller[member].as_array().unwrap().iter();
                    items.map(|item| item.as_str().unwrap()).collect::<Vec<_>>().join(" ")
                };
                format!("{}; {}", text("roles"), text("scopes"))
            })
        };
        let member = "member; reports:read";
        assert_eq!(shown(&mut talk), [member, member, "; ", member, member], "{framework}");
        become_("emily", "member admin");
        let narrowed = "; reports:read";
        assert_eq!(
            shown(&mut talk),
            ["member admin; reports:read reports:write", narrowed, "; ", "member admin; reports:read", narrowed],
            "{framework}"
        );
        talk.expect(403, &Request::get("/admin/stats").with("X-API-Key", &narrow));
        talk.expect(403, &Request::get("/reports").with("X-API-Key", &nothing));
        talk.expect(403, &Request::get("/admin/stats").with("X-API-Key", &nothing));
        talk.expect(200, &Request::get("/admin/stats").with("X-API-Key", &unnamed));
        let next = refresh(&mut talk, &token.refresh);
        assert_eq!(next.scope, "reports:read", "a family has what it was begun with");
        let listed = json(&talk.expect(200, &with(Request::get("/keys"), &emily())));
        let scopes = listed["keys"].as_array().unwrap().iter().map(|key| &key["scopes"]).collect::<Vec<_>>();
        assert_eq!(
            scopes,
            [&document!(["reports:read", "reports:write"]), &document!(["reports:read"]), &document!([])],
            "{framework}"
        );
        become_("emily", "");
        // Of nothing, one scope is all; and none is never all.
        assert_eq!(shown(&mut talk), ["; "; 5], "{framework}");
        talk.expect(403, &with(Request::get("/reports"), &format!("Bearer {}", token.access)));
        assert_eq!(refresh(&mut talk, &next.refresh).scope, "");
        become_("emily", "guest");
        assert_eq!(shown(&mut talk)[2], "; ", "{framework}: no scope and no role");
        become_("emily", "member");
        assert_eq!(shown(&mut talk), [member, member, "; ", member, member], "{framework}");
    }
}
