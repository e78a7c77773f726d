//! Tokens from their issue to their end: had anew, given back, revoked by subject, and judged when they are used.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

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
fn a_refresh_token_is_spent_by_its_use_and_has_a_successor() {
    everywhere(|talk| {
        let first = issue(talk, &jacob());
        assert_eq!(first.scope, "reports:read reports:write");
        assert!(first.refresh.starts_with("pplr_") && first.refresh.len() == 5 + 43 + 6, "{}", first.refresh);
        let mut pair = first.clone();
        for _ in 0..5 {
            let next = refresh(talk, &pair.refresh);
            assert!(next.refresh != pair.refresh && next.access != pair.access);
            assert_eq!(next.scope, "reports:read reports:write");
            talk.expect(200, &me(&next.access));
            talk.expect(200, &with(Request::get("/admin/stats"), &format!("Bearer {}", next.access)));
            pair = next;
        }
        talk.expect(200, &me(&first.access));
        let other = issue(talk, &jacob());

        // A spent one voids the family, with the access tokens that came of it, and nothing else.
        is_no_grant(talk, &first.refresh);
        is_no_grant(talk, &pair.refresh);
        for access in [&first.access, &pair.access] {
            is_void(talk, access);
            let in_query = Request::get(&format!("/me?access_token={access}"));
            assert_eq!(talk.ask("in the query", &in_query).status(), 401);
        }
        talk.expect(200, &me(&other.access));
        refresh(talk, &other.refresh);
        talk.expect(200, &with(Request::get("/me"), &jacob()));
    });
}

#[test]
fn a_session_has_tokens_too_and_narrowed_ones_stay_so() {
    everywhere(|talk| {
        let session = talk.session("emily", "emily:s3cret");
        let pair = Pair::of(&talk.expect(200, &Request::post("/tokens").with("Cookie", &session)));
        assert_eq!(refresh(talk, &pair.refresh).scope, "reports:read");
        // The tokens outlive the session that had them.
        talk.expect(204, &Request::new("DELETE", "/session").with("Cookie", &session));
        talk.expect(200, &me(&pair.access));

        let narrow = issue_for(talk, &jacob(), "reports:write");
        let next = refresh(talk, &narrow.refresh);
        assert_eq!(next.scope, "reports:write");
        let caller = json(&talk.expect(200, &me(&next.access)));
        assert_eq!((&caller["roles"], &caller["scopes"]), (&document!([]), &document!(["reports:write"])));
        talk.expect(403, &with(Request::get("/admin/stats"), &format!("Bearer {}", next.access)));
        // More than the family has cannot be had by asking for it.
        let wish = document!({ "refresh_token": next.refresh, "scope": "reports:read reports:write" }).to_string();
        let asked = Pair::of(&talk.expect(200, &Request::post("/tokens/refresh").with_json(&wish)));
        assert_eq!(asked.scope, "reports:write");
    });
}

#[test]
fn what_is_no_refresh_token_is_refused() {
    everywhere(|talk| {
        let pair = issue(talk, &emily());
        let key = talk.key(&emily(), r#"{"name":"mine"}"#)["key"].as_str().unwrap().to_owned();
        let mut typo = pair.refresh.clone();
        typo.replace_range(10..11, if &typo[10..11] == "A" { "B" } else { "A" });
        for token in [
            "",
            "pplr_",
            "x",
            "pplr_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            &pair.access,
            &key,
            &typo,
            &pair.refresh[1..],
            &format!("{} ", pair.refresh),
            &pair.refresh.to_uppercase(),
            "\0",
            "\u{e4}\u{1f600}",
            &"x".repeat(60_000),
        ] {
            is_no_grant(talk, token);
        }
        for body in [
            "",
            "{",
            "{}",
            "[]",
            "null",
            r#"{"refresh_token":7}"#,
            r#"{"refresh_token":null}"#,
            r#"{"refresh_token":["x"]}"#,
            r#"{"refresh_token":"a","refresh_token":"b"}"#,
            r#"["pplr_x"]"#,
        ] {
            let response = talk.expect(400, &Request::post("/tokens/refresh").with_json(body));
            assert_eq!(json(&response)["error"], "invalid_request", "{body}");
        }
        for content_type in ["text/plain", "application/x-www-form-urlencoded"] {
            let form = format!("grant_type=refresh_token&refresh_token={}", pair.refresh);
            talk.expect(415, &Request::post("/tokens/refresh").with_body(content_type, form));
        }
        talk.expect(415, &Request::post("/tokens/refresh"));
        let long = document!({ "refresh_token": "x".repeat(70_000) }).to_string();
        talk.expect(413, &Request::post("/tokens/refresh").with_json(&long));
        let status = if talk.service().is_rocket() { 404 } else { 405 };
        for (method, path) in [
            ("GET", "/tokens/refresh"),
            ("GET", "/tokens"),
            ("PUT", "/tokens"),
            ("GET", "/users/emily/tokens"),
            ("POST", "/users/emily/tokens"),
        ] {
            assert_eq!(talk.ask_unrecorded(path, &Request::new(method, path)).status(), status, "{method} {path}");
        }

        // No other credential is looked at, however many there are, and none of this has spent anything.
        let odd = refreshing(&pair.refresh)
            .with("Authorization", "Basic !!")
            .with("Authorization", "Bearer x")
            .with("X-API-Key", "x")
            .with("Cookie", "session=x; session=y")
            .with("Origin", "https://other.example");
        let next = Pair::of(&talk.expect(200, &odd));
        talk.expect(200, &me(&next.access));
        refresh(talk, &next.refresh);
    });
}

#[test]
fn who_gives_a_token_back_ends_its_family() {
    everywhere(|talk| {
        let first = issue(talk, &emily());
        let next = refresh(talk, &first.refresh);
        let (other, emmas) = (issue(talk, &emily()), issue(talk, &emma()));
        for request in [Request::new("DELETE", "/tokens"), with(Request::new("DELETE", "/tokens"), &emily())] {
            let refused = talk.expect(401, &request);
            assert_eq!(refused.fields("www-authenticate").collect::<Vec<_>>(), [r#"Bearer realm="people""#]);
        }
        let in_query = Request::new("DELETE", &format!("/tokens?access_token={}", first.access));
        assert_eq!(talk.ask("in the query", &in_query).status(), 401);
        talk.expect(200, &me(&next.access));

        let answer = talk.expect(204, &next.give_back());
        assert_eq!(answer.body(), b"");
        is_void(talk, &next.access);
        is_void(talk, &first.access);
        is_no_grant(talk, &next.refresh);
        let again = talk.expect(401, &next.give_back());
        assert_eq!(json(&again)["error"], "invalid_token");
        for pair in [&other, &emmas] {
            talk.expect(200, &me(&pair.access));
            refresh(talk, &pair.refresh);
        }
    });
}

#[test]
fn revoking_a_subject_voids_all_that_it_was_given_but_its_keys() {
    everywhere(|talk| {
        for by in [emily(), jacob()] {
            let session = talk.session("emily", "emily:s3cret");
            let key = talk.key(&emily(), r#"{"name":"mine"}"#)["key"].as_str().unwrap().to_owned();
            let first = issue(talk, &emily());
            let (next, narrow) = (refresh(talk, &first.refresh), issue_for(talk, &emily(), "reports:read"));
            let by_session = Pair::of(&talk.expect(200, &Request::post("/tokens").with("Cookie", &session)));
            let (emmas, emmas_session) = (issue(talk, &emma()), talk.session("emma", "pässwörd-emma"));
            for pair in [&first, &next, &narrow, &by_session] {
                talk.expect(200, &me(&pair.access));
            }
            talk.expect(200, &Request::get("/me").with("Cookie", &session));

            // Who may not, may not, whether there is such a user or none.
            for name in ["emily", "nobody", "EMILY"] {
                talk.expect(403, &with(Request::new("DELETE", &format!("/users/{name}/tokens")), &emma()));
                talk.expect(401, &Request::new("DELETE", &format!("/users/{name}/tokens")));
            }
            talk.expect(200, &me(&first.access));

            let revoke = with(Request::new("DELETE", "/users/emily/tokens"), &by);
            assert_eq!(talk.expect(204, &revoke).body(), b"");
            for pair in [&first, &next, &narrow, &by_session] {
                is_void(talk, &pair.access);
                is_no_grant(talk, &pair.refresh);
            }
            let refused = talk.expect(401, &Request::get("/me").with("Cookie", &session));
            assert!(refused.field("set-cookie").unwrap().contains("Max-Age=0"));
            talk.expect(200, &Request::get("/me").with("X-API-Key", &key));
            talk.expect(200, &with(Request::get("/me"), &emily()));
            talk.expect(200, &me(&emmas.access));
            talk.expect(200, &Request::get("/me").with("Cookie", &emmas_session));
            refresh(talk, &emmas.refresh);

            // Who signs in again in the same second is in.
            let again = issue(talk, &emily());
            talk.expect(200, &me(&again.access));
            let next = refresh(talk, &again.refresh);
            talk.expect(200, &me(&next.access));
            let session = talk.session("emily", "emily:s3cret");
            talk.expect(200, &Request::get("/me").with("Cookie", &session));
        }
        for name in ["nobody", "EMILY", "emily%20", "emi%00ly", "emi%0Aly", "%F0%9F%98%80"] {
            talk.expect(404, &with(Request::new("DELETE", &format!("/users/{name}/tokens")), &jacob()));
        }
    });
}

#[test]
fn a_subject_revokes_itself_by_whatever_it_came_with() {
    everywhere(|talk| {
        let session = talk.session("emily", "emily:s3cret");
        let revoke = || Request::new("DELETE", "/users/emily/tokens");
        let elsewhere = revoke().with("Cookie", &session).with("Sec-Fetch-Site", "cross-site");
        talk.expect(403, &elsewhere);
        talk.expect(200, &Request::get("/me").with("Cookie", &session));
        talk.expect(204, &revoke().with("Cookie", &session));
        talk.expect(401, &Request::get("/me").with("Cookie", &session));
        talk.expect(401, &revoke().with("Cookie", &session));

        let pair = issue(talk, &emily());
        talk.expect(204, &with(revoke(), &format!("Bearer {}", pair.access)));
        is_void(talk, &pair.access);
        let key = talk.key(&emily(), r#"{"name":"mine"}"#)["key"].as_str().unwrap().to_owned();
        let pair = issue(talk, &emily());
        talk.expect(204, &revoke().with("X-API-Key", &key));
        is_void(talk, &pair.access);
        talk.expect(204, &revoke().with("X-API-Key", &key));
    });
}

#[test]
fn one_user_holds_twenty_families_and_the_oldest_makes_way() {
    everywhere(|talk| {
        let emmas = issue(talk, &emma());
        let mut pairs: Vec<Pair> = (0..20).map(|_| issue(talk, &emily())).collect();
        // Use makes none younger.
        pairs[0] = refresh(talk, &pairs[0].refresh);
        for pair in &mut pairs {
            *pair = refresh(talk, &pair.refresh);
        }
        pairs.push(issue(talk, &emily()));
        is_no_grant(talk, &pairs[0].refresh);
        for pair in &mut pairs[1..] {
            *pair = refresh(talk, &pair.refresh);
        }
        // Who gave one back makes room.
        talk.expect(204, &pairs[5].give_back());
        issue(talk, &emily());
        refresh(talk, &pairs[1].refresh);
        refresh(talk, &emmas.refresh);
    });
}

#[test]
fn of_several_that_bring_one_refresh_token_at_once_one_is_answered_and_the_family_is_void() {
    let postgres = Postgres::start();
    let folder = Folder::of("at-once");
    for framework in FRAMEWORKS {
        let file = format!("sqlite:{}", folder.database(framework));
        for database in ["sqlite::memory:", &file, &postgres.url()] {
            let mut talk = Talk::with(Service::start(framework, &["--database", database]));
            for _ in 0..12 {
                let pair = issue(&mut talk, &emily());
                let (address, request) = (talk.service().address(), refreshing(&pair.refresh));
                let asking: Vec<_> = (0..6)
                    .map(|_| {
                        let request = request.clone();
                        thread::spawn(move || {
                            let mut connection = Connection::open(address).unwrap();
                            connection.say(&request.bytes());
                            connection.answer(&request).unwrap()
                        })
                    })
                    .collect();
                let answers: Vec<Response> = asking.into_iter().map(|asking| asking.join().unwrap()).collect();
                let good: Vec<Pair> = answers.iter().filter(|answer| answer.status() == 200).map(Pair::of).collect();
                let told: Vec<u16> = answers.iter().map(Response::status).collect();
                assert_eq!(good.len(), 1, "{framework} {database}: {told:?}");
                assert!(told.iter().all(|status| matches!(status, 200 | 400)), "{framework} {database}: {told:?}");
                is_no_grant(&mut talk, &good[0].refresh);
                is_void(&mut talk, &good[0].access);
                is_void(&mut talk, &pair.access);
            }
        }
    }
}

#[test]
fn families_that_are_begun_at_once_are_counted_exactly() {
    let postgres = Postgres::start();
    let folder = Folder::of("begun-at-once");
    for database in [format!("sqlite:{}", folder.database("people.db")), postgres.url()] {
        let mut talk = Talk::with(Service::start("axum", &["--database", &database]));
        let (address, request) = (talk.service().address(), with(Request::post("/tokens"), &emily()));
        let asking: Vec<_> = (0..40)
            .map(|_| {
                let request = request.clone();
                thread::spawn(move || {
                    let mut connection = Connection::open(address).unwrap();
                    connection.say(&request.bytes());
                    connection.answer(&request).unwrap()
                })
            })
            .collect();
        let pairs: Vec<Pair> = asking.into_iter().map(|asking| Pair::of(&asking.join().unwrap())).collect();
        let good = pairs.iter().filter(|pair| talk.ask("anew", &refreshing(&pair.refresh)).status() == 200).count();
        assert_eq!(good, 20, "{database}");
    }
}

#[test]
fn copies_on_one_database_share_what_is_spent_and_void() {
    let postgres = Postgres::start();
    let folder = Folder::of("copies");
    let (secrets, signing) = (folder.file("secrets", SECRET), folder.signing_key());
    for database in [format!("sqlite:{}", folder.database("people.db")), postgres.url()] {
        let flags = ["--database", &database, "--secret-file", &secrets, "--signing-key", &signing];
        // What a copy remembers is told to others by a bus; these ask each time.
        let uncached = [&flags[..], &["--cache-ttl", "0"]].concat();
        let mut talks = FRAMEWORKS.map(|framework| Talk::with(Service::start(framework, &uncached)));
        for turn in 0..3 {
            talks.rotate_left(turn);
            let [one, other, third] = &mut talks;
            let first = issue(one, &emily());
            other.expect(200, &me(&first.access));
            let next = refresh(other, &first.refresh);
            third.expect(200, &me(&next.access));
            is_no_grant(third, &first.refresh);
            for talk in [one, other, third] {
                is_void(talk, &next.access);
                is_no_grant(talk, &next.refresh);
            }
            let [one, other, third] = &mut talks;
            let pair = issue(one, &emily());
            other.expect(204, &pair.give_back());
            is_void(third, &pair.access);
            is_no_grant(one, &pair.refresh);

            let (pair, session) = (issue(one, &emily()), one.session("emily", "emily:s3cret"));
            other.expect(204, &with(Request::new("DELETE", "/users/emily/tokens"), &jacob()));
            for talk in [one, other, third] {
                is_void(talk, &pair.access);
                talk.expect(401, &Request::get("/me").with("Cookie", &session));
            }
            let [one, other, _] = &mut talks;
            let again = issue(one, &emily());
            other.expect(200, &me(&again.access));
            refresh(other, &again.refresh);
        }
    }
}

#[test]
fn a_body_that_comes_after_the_subject_was_revoked_makes_no_tokens() {
    everywhere(|talk| {
        let blanks = " ".repeat(2048);
        let address = talk.service().address();
        for wait in [true, false] {
            let stolen = talk.session("emily", "emily:s3cret");
            let request = Request::post("/tokens").with("Cookie", &stolen).with_json(&format!("   {blanks}{{}}"));
            let bytes = request.bytes();
            let (now, later) = bytes.split_at(bytes.len() - 2);
            let mut connection = Connection::open(address).unwrap();
            connection.say(now);
            // The service must have let the head in before anything is revoked; nothing tells when it has.
            thread::sleep(Duration::from_millis(150));
            if wait {
                talk.expect(204, &with(Request::new("DELETE", "/users/emily/tokens"), &emily()));
            }
            connection.say(later);
            let status = connection.answer(&request).unwrap().status();
            assert_eq!(status, if wait { 401 } else { 200 });
        }
    });
}

#[test]
fn a_stolen_session_that_asks_for_tokens_while_its_owner_revokes_has_none_in_the_end() {
    for framework in FRAMEWORKS {
        let mut talk = Talk::with(Service::start(framework, &[]));
        for _ in 0..8 {
            let stolen = talk.session("emily", "emily:s3cret");
            let (address, asked) = (talk.service().address(), Request::post("/tokens").with("Cookie", &stolen));
            let thieves: Vec<_> = (0..4)
                .map(|_| {
                    let asked = asked.clone();
                    thread::spawn(move || {
                        let mut had = Vec::new();
                        for _ in 0..40 {
                            let mut connection = Connection::open(address).unwrap();
                            connection.say(&asked.bytes());
                            match connection.answer(&asked).unwrap() {
                                answer if answer.status() == 200 => had.push(Pair::of(&answer)),
                                answer => {
                                    assert_eq!(answer.status(), 401);
                                    break;
                                }
                            }
                        }
                        had
                    })
                })
                .collect();
            talk.expect(204, &with(Request::new("DELETE", "/users/emily/tokens"), &emily()));
            for thief in thieves {
                for pair in thief.join().unwrap() {
                    is_void(&mut talk, &pair.access);
                    is_no_grant(&mut talk, &pair.refresh);
                }
            }
        }
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

#[test]
fn a_restart_forgets_nothing_that_was_revoked() {
    let folder = Folder::of("restart-tokens");
    let (secrets, signing) = (folder.file("secrets", SECRET), folder.signing_key());
    let database = format!("sqlite:{}", folder.database("people.db"));
    let flags = ["--database", &database, "--secret-file", &secrets, "--signing-key", &signing];
    let mut talk = Talk::with(Service::start("axum", &flags));
    let (back, emmas, kept) = (issue(&mut talk, &emily()), issue(&mut talk, &emma()), issue(&mut talk, &emily()));
    talk.expect(204, &back.give_back());
    talk.expect(204, &with(Request::new("DELETE", "/users/emma/tokens"), &emma()));
    drop(talk);
    for framework in ["actix-web", "rocket"] {
        let mut talk = Talk::with(Service::start(framework, &flags));
        for pair in [&back, &emmas] {
            is_void(&mut talk, &pair.access);
            is_no_grant(&mut talk, &pair.refresh);
        }
        talk.expect(200, &me(&kept.access));
    }
}
