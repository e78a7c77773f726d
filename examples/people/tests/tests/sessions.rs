//! The devices on which somebody is signed in, and what a browser is shown, line by line, held with each framework's service and compared.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{thread, time::Duration};

use countersign_conformance::wire::{Request, Response};
use people_tests::{FRAMEWORKS, Postgres, Service, Talk, basic, everywhere, everywhere_with, json};
use serde_json::Value;

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn emily() -> String {
    basic("emily", "emily:s3cret")
}

fn emma() -> String {
    basic("emma", "pässwörd-emma")
}

fn by(cookie: &str) -> impl Fn(&str) -> Request {
    move |target| Request::get(target).with("Cookie", cookie)
}

fn sessions(response: &Response) -> Vec<Value> {
    assert_eq!(response.field("content-type"), Some("application/json"));
    json(response)["sessions"].as_array().unwrap().clone()
}

/// Signs emily in by this agent.
fn device(talk: &mut Talk, agent: &str) -> String {
    let body = r#"{"username":"emily","password":"emily:s3cret"}"#;
    let response = talk.expect(204, &Request::post("/session").with("User-Agent", agent).with_json(body));
    response.field("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

fn id(session: &Value) -> &str {
    session["id"].as_str().unwrap()
}

fn end(id: &str) -> Request {
    Request::new("DELETE", &format!("/sessions/{id}"))
}

fn end_by_form(id: &str) -> Request {
    Request::post(&format!("/sessions/{id}/end")).with_body("application/x-www-form-urlencoded", "")
}

#[test]
fn my_devices_are_listed_newest_first() {
    everywhere(|talk| {
        let first = device(talk, "Telephone \"1\" <b>");
        let nameless = talk.session("emily", "emily:s3cret");
        let newest = device(talk, "Tablet");
        talk.session("emma", "pässwörd-emma");

        let listed = talk.expect(200, &by(&first)("/sessions"));
        assert_eq!(listed.field("cache-control"), Some("no-store"));
        assert!(listed.members("vary").contains(&"cookie".to_owned()));
        let mine = sessions(&listed);
        let agents: Vec<_> = mine.iter().map(|session| session["agent"].as_str()).collect();
        assert_eq!(agents, [Some("Tablet"), None, Some("Telephone \"1\" <b>")]);
        let current: Vec<_> = mine.iter().map(|session| session["current"].as_bool().unwrap()).collect();
        assert_eq!(current, [false, false, true]);
        for session in &mine {
            let members: Vec<_> = session.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(members, ["address", "agent", "created_at", "current", "expires_at", "id", "last_used_at"]);
            assert_eq!(session["address"], "127.0.0.1");
            for time in ["created_at", "last_used_at", "expires_at"] {
                let time = session[time].as_str().unwrap();
                assert!(time.len() == 20 && time.ends_with('Z'), "{time}");
            }
            assert!(session["expires_at"].as_str() > session["created_at"].as_str());
            assert_eq!(session["created_at"], session["last_used_at"]);
        }
        let me = json(&talk.expect(200, &by(&first)("/me")));
        assert_eq!(me["expires_at"], mine[2]["expires_at"]);

        // By whatever else the route takes, none of them is the current one.
        let token = json(&talk.expect(200, &Request::post("/tokens").with("Authorization", emily())));
        let token = format!("Bearer {}", token["access_token"].as_str().unwrap());
        for authorization in [emily(), token.clone()] {
            let others = sessions(&talk.expect(200, &Request::get("/sessions").with("Authorization", authorization)));
            assert!(others.iter().all(|session| session["current"] == false) && others.len() == 3);
        }
        let beside = Request::get("/sessions").with("Authorization", emily()).with("Cookie", &newest);
        assert!(sessions(&talk.expect(200, &beside)).iter().all(|session| session["current"] == false));
        assert_eq!(talk.expect(200, &Request::new("HEAD", "/sessions").with("Cookie", &first)).body(), b"");
        assert_eq!(sessions(&talk.expect(200, &by(&nameless)("/sessions")))[1]["current"], true);
        assert_eq!(sessions(&talk.expect(200, &Request::get("/sessions").with("Authorization", emma()))).len(), 1);

        // Neither a key nor a token in the query.
        let key = talk.key(&emily(), r#"{"name":"k"}"#)["key"].as_str().unwrap().to_owned();
        let refused = talk.expect(401, &Request::get("/sessions").with("X-API-Key", &key));
        let challenges: Vec<_> =
            refused.fields("www-authenticate").map(|challenge| challenge.split(' ').next().unwrap()).collect();
        assert_eq!(challenges, ["Basic", "Bearer", "Cookie"]);
        let in_query = format!("/sessions?access_token={}", token.trim_start_matches("Bearer "));
        assert_eq!(talk.ask("a token in the query", &Request::get(&in_query)).status(), 401);
        talk.expect(401, &Request::get("/sessions"));

        // An id opens nothing.
        for session in &mine {
            for value in [id(session).to_owned(), format!("1.{}", id(session))] {
                let refused = talk.ask("an id as a cookie", &by(&format!("session={value}"))("/me"));
                assert_eq!(refused.status(), 401);
            }
            assert!([&first, &nameless, &newest].iter().all(|cookie| !cookie.contains(id(session))));
        }
    });
}

#[test]
fn a_device_is_ended_by_its_id_by_its_owner_alone() {
    everywhere(|talk| {
        let mine = device(talk, "mine");
        let stolen = device(talk, "stolen");
        let last = device(talk, "last");
        let listed = sessions(&talk.expect(200, &by(&mine)("/sessions")));
        talk.expect(200, &by(&stolen)("/me"));
        let [last_id, stolen_id, my_id] = [id(&listed[0]), id(&listed[1]), id(&listed[2])];

        let ended = |talk: &mut Talk, what: &str, request: &Request| {
            let response = talk.ask(what, request);
            if response.status() == 404 {
                assert_eq!(response.field("content-type"), Some("application/problem+json"));
            }
            response.status()
        };
        assert_eq!(ended(talk, "another's", &end(stolen_id).with("Authorization", emma())), 404);
        assert_eq!(ended(talk, "another's, by a form", &end_by_form(stolen_id).with("Authorization", emma())), 404);
        for unknown in ["nothing", "%00", "%FF", "%20", "a%2Fb"] {
            let response = talk.ask_unrecorded(unknown, &end(unknown).with("Authorization", emily()));
            assert_eq!(response.status(), 404, "{unknown}");
        }
        assert_eq!(ended(talk, "nobody", &end(stolen_id)), 401);
        let foreign = end(stolen_id).with("Cookie", &mine).with("Sec-Fetch-Site", "cross-site");
        assert_eq!(ended(talk, "another site", &foreign), 403);
        let foreign = end_by_form(stolen_id).with("Cookie", &mine).with("Origin", "http://evil.example");
        assert_eq!(ended(talk, "another site's form", &foreign), 403);
        talk.expect(200, &by(&stolen)("/me"));

        let response = talk.ask("ended", &end(stolen_id).with("Cookie", &mine));
        assert_eq!((response.status(), response.body()), (204, &b""[..]));
        talk.expect(401, &by(&stolen)("/me"));
        assert_eq!(ended(talk, "again", &end(stolen_id).with("Cookie", &mine)), 404);

        let response = talk.ask("by a form", &end_by_form(last_id).with("Authorization", emily()));
        assert_eq!((response.status(), response.field("location")), (303, Some("/")));
        talk.expect(401, &by(&last)("/me"));
        assert_eq!(ended(talk, "again, by a form", &end_by_form(last_id).with("Cookie", &mine)), 404);

        // One's own.
        assert_eq!(sessions(&talk.expect(200, &by(&mine)("/sessions"))).len(), 1);
        assert_eq!(ended(talk, "one's own", &end(my_id).with("Cookie", &mine)), 204);
        talk.expect(401, &by(&mine)("/me"));
        assert!(sessions(&talk.expect(200, &Request::get("/sessions").with("Authorization", emily()))).is_empty());
    });
}

#[test]
fn a_device_is_ended_by_a_token_too() {
    everywhere(|talk| {
        let stolen = device(talk, "stolen");
        let token = json(&talk.expect(200, &Request::post("/tokens").with("Authorization", emily())));
        let token = format!("Bearer {}", token["access_token"].as_str().unwrap());
        let listed = sessions(&talk.expect(200, &Request::get("/sessions").with("Authorization", &token)));
        // A page elsewhere cannot send a token by itself.
        let request = end(id(&listed[0])).with("Authorization", &token).with("Sec-Fetch-Site", "cross-site");
        assert_eq!(talk.ask("by a token", &request).status(), 204);
        talk.expect(401, &by(&stolen)("/me"));
    });
}

#[test]
fn signing_in_again_on_a_device_ends_its_session_and_signing_out_takes_it_off_the_list() {
    everywhere_with(&["--cache-ttl", "0"], |talk| {
        let first = talk.session("emily", "emily:s3cret");
        let body = r#"{"username":"emily","password":"emily:s3cret"}"#;
        let again = talk.expect(204, &Request::post("/session").with("Cookie", &first).with_json(body));
        let second = again.field("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let listed = sessions(&talk.expect(200, &by(&second)("/sessions")));
        assert_eq!((listed.len(), &listed[0]["current"]), (1, &true.into()));
        talk.expect(204, &Request::new("DELETE", "/session").with("Cookie", &second));
        assert!(sessions(&talk.expect(200, &Request::get("/sessions").with("Authorization", emily()))).is_empty());
    });
}

#[test]
fn a_trusted_proxy_says_from_where_one_signed_in() {
    everywhere_with(&["--trust-proxy", "127.0.0.0/8"], |talk| {
        let body = r#"{"username":"emily","password":"emily:s3cret"}"#;
        for (address, shown) in
            [("192.0.2.7", "192.0.2.7"), ("2001:DB8::7", "2001:db8::7"), ("::ffff:192.0.2.8", "192.0.2.8")]
        {
            talk.expect(204, &Request::post("/session").with("X-Forwarded-For", address).with_json(body));
            let listed = sessions(&talk.expect(200, &Request::get("/sessions").with("Authorization", emily())));
            assert_eq!(listed[0]["address"], shown);
        }
    });
}

#[test]
fn whoever_reloads_a_failed_sign_in_is_sent_to_the_page() {
    everywhere(|talk| {
        for request in [
            Request::get("/session"),
            Request::new("HEAD", "/session"),
            Request::get("/session").with("Accept", BROWSER),
            Request::get("/session").with("Authorization", "Basic !!").with("Cookie", "session=dead"),
        ] {
            let response = talk.ask("reloaded", &request);
            assert_eq!((response.status(), response.field("location")), (303, Some("/")));
            assert_eq!(response.field("set-cookie"), None, "nothing of it is looked at");
        }
    });
}

fn is_page(response: &Response, detail: &str) {
    let text = response.text();
    assert_eq!(response.field("content-type"), Some("text/html; charset=utf-8"), "{text}");
    assert_eq!(response.field("cache-control"), Some("no-store"), "{text}");
    assert!(response.field("content-security-policy").is_some());
    assert!(text.starts_with("<!doctype html>") && text.contains(detail), "{text}");
}

#[test]
fn a_browser_is_shown_each_refusal_as_a_page_of_the_same_status_and_fields() {
    everywhere(|talk| {
        let rocket = talk.service().is_rocket();
        let session = talk.session("emily", "emily:s3cret");
        let admin = basic("jacob", "jacob-is-admin");
        let long = "a".repeat(8 * 1024 + 1);
        let rows = [
            ("404", 404, Request::get("/nowhere"), "There is nothing under this path."),
            ("404 of a photo", 404, by(&session)("/photos/9"), "There is no such photo."),
            (
                "404 of a user",
                404,
                Request::get("/users/nobody").with("Authorization", &admin),
                "There is no such user.",
            ),
            ("404 of a key", 404, Request::new("DELETE", "/keys/x").with("Cookie", &session), "There is no such key."),
            ("404 of a session", 404, end_by_form("x").with("Cookie", &session), "There is no such session."),
            (
                "409",
                409,
                Request::post("/users/emily/invite/emma").with("Cookie", &session),
                "They are friends already",
            ),
            ("403", 403, by(&session)("/admin/stats"), "The caller may not do this."),
            ("403 of a scope", 403, Request::post("/reports").with("Cookie", &session), "was not issued for this"),
            (
                "403 of another site",
                403,
                Request::post("/users/emily/invite/jacob")
                    .with("Cookie", &session)
                    .with("Sec-Fetch-Site", "cross-site"),
                "The request was made by another site.",
            ),
            (
                "403 of another site's sign-in",
                403,
                Request::post("/session").with("Sec-Fetch-Site", "cross-site"),
                "The request was made by another site.",
            ),
            ("400", 400, by(&format!("{session}; {session}"))("/me"), "more than one credential"),
            ("431", 431, by(&format!("session={long}"))("/me"), "too long"),
            ("401 of a password", 401, Request::get("/me").with("Authorization", basic("emily", "no")), "is not valid"),
            ("401 of a form", 401, Request::post("/reports"), "This takes a credential."),
            ("415", 415, Request::post("/session").with_body("text/plain", "x"), "Send a form"),
            ("415 of a report", 415, Request::post("/reports").with("Authorization", &admin), "Send JSON"),
            (
                "400 of a report",
                400,
                Request::post("/reports").with("Authorization", &admin).with_json("{"),
                "cannot be read",
            ),
            (
                "413",
                413,
                Request::post("/session").with_json(&" ".repeat(64 * 1024 + 1)),
                "The body is longer than 64 KiB.",
            ),
        ];
        for (what, status, request, detail) in rows {
            let plain = talk.ask_unrecorded(what, &request);
            assert_eq!(plain.status(), status, "{what}: {}", plain.text());
            assert_eq!(plain.field("content-type"), Some("application/problem+json"), "{what}");
            for script in [("Sec-Fetch-Mode", "cors"), ("X-Requested-With", "XMLHttpRequest")] {
                let asked = request.clone().with("Accept", BROWSER).with(script.0, script.1);
                let response = talk.ask_unrecorded(what, &asked);
                let kind = response.field("content-type");
                assert_eq!((response.status(), kind), (status, Some("application/problem+json")), "{what}: {script:?}");
            }
            for mode in [None, Some("navigate")] {
                let asked = mode.iter().fold(request.clone().with("Accept", BROWSER), |request, mode| {
                    request.with("Sec-Fetch-Mode", mode)
                });
                let page = talk.ask(what, &asked);
                assert_eq!(page.status(), status, "{what}: {}", page.text());
                is_page(&page, detail);
                let kept = |response: &Response| {
                    let mut fields: Vec<_> = response
                        .all_fields()
                        .filter(|(name, _)| !matches!(name.as_str(), "content-type" | "content-length" | "date"))
                        .map(|(name, value)| format!("{name}: {value}"))
                        .collect();
                    fields.sort();
                    fields
                };
                assert_eq!(kept(&page), kept(&plain), "{what}");
            }
        }
        let other_method = Request::new("PUT", "/me").with("Accept", BROWSER);
        let response = talk.ask_unrecorded("another method", &other_method);
        assert_eq!(response.status(), if rocket { 404 } else { 405 });
        is_page(&response, if rocket { "There is nothing under this path." } else { "This path has no such method." });
        assert_eq!(response.field("allow").is_some(), !rocket);
        let head = talk.ask("HEAD", &Request::new("HEAD", "/nowhere").with("Accept", BROWSER));
        assert_eq!((head.status(), head.field("content-type")), (404, Some("text/html; charset=utf-8")));
    });
}

#[test]
fn a_wrong_password_shows_the_page_with_a_message_and_the_name_kept() {
    everywhere(|talk| {
        let form = |body: &str| {
            Request::post("/session").with("Accept", BROWSER).with_body("application/x-www-form-urlencoded", body)
        };
        let wrong = talk.expect(401, &form("username=em%22%3E%3Cb%3E&password=s3cret-typo&next=/me"));
        is_page(&wrong, "That name and password do not go together.");
        let text = wrong.text();
        assert!(text.contains("name=\"username\" value=\"em&quot;&gt;&lt;b&gt;\""), "{text}");
        assert!(text.contains("name=\"next\" value=\"/me\"") && !text.contains("s3cret-typo"), "{text}");
        let challenges: Vec<_> = wrong.fields("www-authenticate").collect();
        assert_eq!(challenges, [r#"Cookie realm="people", cookie-name="session""#]);
        // A script is answered as anybody else.
        let script = talk.expect(401, &form("username=emily&password=no").with("Sec-Fetch-Mode", "cors"));
        assert_eq!(script.field("content-type"), Some("application/problem+json"));
        let script = talk.expect(204, &form("username=emily&password=emily%3As3cret").with("Sec-Fetch-Mode", "cors"));
        assert!(script.field("location").is_none());
        for _ in 0..4 {
            talk.expect(401, &form("username=emily&password=no"));
        }
        let throttled = talk.ask_unrecorded("throttled", &form("username=emily&password=emily%3As3cret"));
        assert_eq!(throttled.status(), 429);
        is_page(&throttled, "Too many attempts.");
        assert!(throttled.text().contains("value=\"emily\"") && throttled.field("retry-after").is_some());
    });
}

#[test]
fn the_page_never_redirects_and_never_refuses() {
    everywhere(|talk| {
        let session = talk.session("emily", "emily:s3cret");
        let clears = |response: &Response| {
            response.fields("set-cookie").filter(|cookie| cookie.starts_with("session=;")).count()
        };
        let long = format!("session={}", "a".repeat(9 * 1024));
        for (what, cookie) in [
            ("garbage", "session=dead"),
            ("empty", "session="),
            ("doubled", &format!("{session}; {session}")),
            ("too long", &long),
            ("tampered", &format!("{session}x")),
        ] {
            for accept in [BROWSER, "application/json"] {
                let page = talk.ask(what, &by(cookie)("/").with("Accept", accept));
                assert_eq!((page.status(), clears(&page)), (200, 1), "{what}");
                assert!(page.text().contains("Sign in to see who you are"), "{what}");
            }
        }
        // Whatever else a request carries.
        let odd = [
            by(&session)("/").with("Authorization", "Basic !!"),
            by(&session)("/").with("Authorization", "a").with("Authorization", "b"),
            by(&session)("/").with("X-API-Key", "x").with("X-API-Key", "y"),
            by(&session)("/?access_token=x&access_token=y"),
            by(&session)("/").with("Sec-Fetch-Site", "cross-site"),
        ];
        for (number, request) in odd.iter().enumerate() {
            let page = talk.ask(&format!("odd {number}"), request);
            assert_eq!((page.status(), clears(&page)), (200, 0), "{number}");
            assert!(page.text().contains("Hello, emily"), "{number}: {}", page.text());
        }
        let nobody = talk.expect(200, &Request::get("/").with("Authorization", emily()));
        assert!(nobody.text().contains("Sign in to see who you are"));
        assert_eq!(talk.expect(200, &Request::new("HEAD", "/").with("Cookie", &session)).body(), b"");
    });
}

#[test]
fn the_page_shows_devices_with_a_button_each_and_keys() {
    everywhere(|talk| {
        let other = device(talk, "<Tele>phone");
        let session = talk.session("emily", "emily:s3cret");
        let key = talk.key(&emily(), r#"{"name":"back<up>"}"#);
        let listed = sessions(&talk.expect(200, &by(&session)("/sessions")));
        let page = talk.expect(200, &by(&session)("/")).text();
        for session in &listed {
            assert!(page.contains(&format!("action=\"/sessions/{}/end\"", id(session))), "{page}");
        }
        assert!(page.contains("&lt;Tele&gt;phone") && page.contains("back&lt;up&gt;"), "{page}");
        assert!(page.matches("(this one)").count() == 1 && page.contains(key["prefix"].as_str().unwrap_or("ppl_")));
        assert!(!page.contains(key["key"].as_str().unwrap()), "a key is shown once");
        let browser = end_by_form(id(&listed[1])).with("Cookie", &session).with("Accept", BROWSER);
        assert_eq!(talk.ask("a button", &browser).status(), 303);
        talk.expect(401, &by(&other)("/me"));
        assert!(!talk.expect(200, &by(&session)("/")).text().contains("&lt;Tele&gt;phone"));
    });
}

#[test]
fn copies_on_one_postgresql_see_each_others_devices_and_none_that_ended() {
    let postgres = Postgres::start();
    let secrets = std::env::temp_dir().join(format!("people-devices-{}", std::process::id()));
    std::fs::write(&secrets, "Es7QbFSvyDvLD5oM0R4kuLrKnqDcUb1I0Qy3j9h4DnE\n").unwrap();
    let url = postgres.url();
    // Without a cache each copy asks the database.
    let flags = ["--database", &url, "--secret-file", secrets.to_str().unwrap(), "--cache-ttl", "0"];
    let mut talks = FRAMEWORKS.map(|framework| Talk::with(Service::start(framework, &flags)));
    let cookies: Vec<String> = talks.iter_mut().map(|talk| device(talk, "agent")).collect();
    for talk in &mut talks {
        let listed = sessions(&talk.expect(200, &by(&cookies[0])("/sessions")));
        let current: Vec<_> = listed.iter().map(|session| session["current"].as_bool().unwrap()).collect();
        assert_eq!(current, [false, false, true]);
    }
    let listed = sessions(&talks[1].expect(200, &by(&cookies[1])("/sessions")));
    let ended = talks[1].ask("ended", &end(id(&listed[2])).with("Cookie", &cookies[1]));
    assert_eq!(ended.status(), 204);
    for talk in &mut talks {
        talk.expect(401, &by(&cookies[0])("/me"));
        assert_eq!(sessions(&talk.expect(200, &by(&cookies[1])("/sessions"))).len(), 2);
        let again = talk.ask_unrecorded("again", &end(id(&listed[2])).with("Cookie", &cookies[1]));
        assert_eq!(again.status(), 404);
        let odd = talk.ask_unrecorded("odd", &end("%00").with("Cookie", &cookies[1]));
        assert_eq!(odd.status(), 404);
    }
    let _ = std::fs::remove_file(secrets);
}

#[test]
fn many_who_sign_in_at_once_all_have_their_session() {
    for framework in FRAMEWORKS {
        let service = Service::start(framework, &[]);
        let address = service.address();
        let signing_in: Vec<_> = (0..8)
            .map(|_| {
                thread::spawn(move || {
                    let request =
                        Request::post("/session").with_json(r#"{"username":"emily","password":"emily:s3cret"}"#);
                    let mut connection = countersign_conformance::wire::Connection::open(address).unwrap();
                    connection.say(&request.bytes());
                    connection.answer(&request).unwrap().status()
                })
            })
            .collect();
        assert!(signing_in.into_iter().all(|status| status.join().unwrap() == 204), "{framework}");
        thread::sleep(Duration::from_millis(10));
        let mut talk = Talk::with(service);
        let listed = talk.expect(200, &Request::get("/sessions").with("Authorization", emily()));
        assert_eq!(sessions(&listed).len(), 8);
    }
}
