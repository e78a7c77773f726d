//! What each service makes of bodies that come late, and of clients that leave half way.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    thread,
    time::Duration,
};

use countersign_conformance::wire::{Connection, Request};
use people_tests::{FRAMEWORKS, Service, Talk, basic, everywhere, json};

fn delete(target: &str, cookie: &str) -> Request {
    Request::new("DELETE", target).with("Cookie", cookie)
}

/// Sends the head and the first bytes of a body, runs `meanwhile`, and sends the rest.
fn late(talk: &mut Talk, target: &str, cookie: &str, body: &str, meanwhile: impl FnOnce(&mut Talk)) -> (u16, String) {
    let request = Request::post(target).with("Cookie", cookie).with_json(body);
    let bytes = request.bytes();
    let (first, rest) = bytes.split_at(bytes.len() - body.len() + 3);
    let mut connection = Connection::open(talk.service().address()).unwrap();
    connection.say(first);
    // The service must have read the head, and let it in, before anything is revoked; nothing tells when it has.
    thread::sleep(Duration::from_millis(150));
    meanwhile(talk);
    connection.say(rest);
    let response = connection.answer(&request).unwrap();
    (response.status(), response.text())
}

#[test]
fn a_body_that_comes_after_the_owner_signed_out_makes_nothing() {
    everywhere(|talk| {
        // Rocket waits for half a KiB of a body before anything of ours sees the request.
        let blanks = " ".repeat(2048);
        for (target, body) in [
            ("/keys", format!("{{\"na{blanks}")),
            ("/keys", format!("   {blanks}{{\"name\":\"loot\"}}")),
            ("/tokens", format!("   {blanks}{{}}")),
        ] {
            let stolen = talk.session("emily", "emily:s3cret");
            let sign_out = |talk: &mut Talk| {
                talk.expect(204, &delete("/session", &stolen));
                talk.expect(401, &Request::get("/me").with("Cookie", &stolen));
            };
            let (status, text) = late(talk, target, &stolen, &body, sign_out);
            assert_eq!(status, 401, "{target}: {text}");
        }
        let admin = talk.session("jacob", "jacob-is-admin");
        let sign_out = |talk: &mut Talk| drop(talk.expect(204, &delete("/session", &admin)));
        let (status, text) = late(talk, "/reports", &admin, &format!("   {blanks}{{\"title\":\"loot\"}}"), sign_out);
        assert_eq!(status, 401, "{text}");

        let emily = basic("emily", "emily:s3cret");
        let keys = json(&talk.expect(200, &Request::get("/keys").with("Authorization", &emily)));
        assert_eq!(keys.get("keys").unwrap().as_array().unwrap().len(), 0);
        let reports = talk.expect(200, &Request::get("/reports").with("Authorization", &emily));
        assert_eq!(reports.text(), r#"{"reports":[]}"#);
    });
}

#[test]
fn a_body_that_comes_late_from_who_is_still_signed_in_is_taken() {
    everywhere(|talk| {
        let session = talk.session("emily", "emily:s3cret");
        let body = format!("   {}{{\"name\":\"mine\"}}", " ".repeat(2048));
        assert_eq!(late(talk, "/keys", &session, &body, |_| {}).0, 201);
    });
}

#[test]
fn a_body_that_breaks_off_makes_nothing_even_if_what_came_is_whole_by_itself() {
    everywhere(|talk| {
        let session = talk.session("emily", "emily:s3cret");
        for (target, sent, announced) in [("/keys", r#"{"name":"k"}"#, 90), ("/tokens", "", 60)] {
            let mut stream = TcpStream::connect(talk.service().address()).unwrap();
            write!(
                stream,
                "POST {target} HTTP/1.1\r\nHost: a\r\nCookie: {session}\r\nContent-Type: application/json\r\n\
                 Content-Length: {announced}\r\n\r\n{sent}"
            )
            .unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{target}: {answer}");
        }
        // In chunks, of which one is none: near the beginning, where Rocket looks at every body, and behind it.
        for (target, piece) in [
            ("/keys", r#"{"name":"k"}"#.to_owned()),
            ("/keys", r#"{"name":"a longer name"}"#.to_owned()),
            ("/keys", format!(r#"{{"name":"k"}}{}"#, " ".repeat(2048))),
            ("/tokens", String::new()),
            ("/tokens", "{}".to_owned()),
        ] {
            let first = if piece.is_empty() { String::new() } else { format!("{:x}\r\n{piece}\r\n", piece.len()) };
            for (broken, finish) in [("zz\r\n\r\n", false), ("5\r\nabc", true), ("", true)] {
                let mut stream = TcpStream::connect(talk.service().address()).unwrap();
                write!(
                    stream,
                    "POST {target} HTTP/1.1\r\nHost: a\r\nCookie: {session}\r\nContent-Type: application/json\r\n\
                     Transfer-Encoding: chunked\r\n\r\n{first}{broken}"
                )
                .unwrap();
                if finish {
                    stream.shutdown(Shutdown::Write).unwrap();
                }
                let mut answer = String::new();
                let _ = stream.read_to_string(&mut answer);
                assert!(
                    answer.is_empty() || answer.starts_with("HTTP/1.1 400"),
                    "{}: {target} {piece:?} {broken:?}: {answer}",
                    talk.service().framework()
                );
            }
        }
        let keys = json(&talk.expect(200, &Request::get("/keys").with("Cookie", &session)));
        assert_eq!(keys.get("keys").unwrap().as_array().unwrap().len(), 0);
    });
}

/// Sends a request, and resets the connection after so many microseconds, as a tab that is closed does.
fn reset_after(service: &Service, request: &Request, microseconds: u64) {
    let mut stream = TcpStream::connect(service.address()).unwrap();
    stream.write_all(&request.bytes()).unwrap();
    thread::sleep(Duration::from_micros(microseconds));
    // A close without lingering is a reset.
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
}

#[test]
fn a_client_that_resets_its_connection_does_not_harm_the_database_in_memory() {
    for framework in FRAMEWORKS {
        let mut talk = Talk::with(Service::start(framework, &[]));
        let session = talk.session("emily", "emily:s3cret");
        for round in 0..200 {
            let key = Request::post("/keys").with("Cookie", &session).with_json(r#"{"name":"mine"}"#);
            let sign_in = Request::post("/session").with_json(r#"{"username":"emma","password":"pässwörd-emma"}"#);
            for request in [key, sign_in] {
                reset_after(talk.service(), &request, 20 * round);
            }
        }
        let again = talk.session("emily", "emily:s3cret");
        assert!(!again.is_empty(), "the tables are still there");
        talk.expect(200, &Request::get("/keys").with("Cookie", &again));
    }
}

#[test]
fn who_resets_the_connection_while_signing_out_is_signed_out_in_the_cache_or_not_at_all() {
    let folder = std::env::temp_dir().join(format!("people-late-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let secrets = folder.join("secrets");
    std::fs::write(&secrets, "Es7QbFSvyDvLD5oM0R4kuLrKnqDcUb1I0Qy3j9h4DnE\n").unwrap();
    for framework in FRAMEWORKS {
        let database = format!("sqlite:{}", folder.join(framework).display());
        let flags = ["--database", &database, "--secret-file", secrets.to_str().unwrap()];
        let mut caching = Talk::with(Service::start(framework, &flags));
        // Asks the store each time, and so tells whether it has ended a session.
        let mut asking = Talk::with(Service::start(framework, &[&flags[..], &["--cache-ttl", "0"]].concat()));
        let mut ended = 0;
        for round in 0..150 {
            let session = caching.session("emily", "emily:s3cret");
            let me = Request::get("/me").with("Cookie", &session);
            caching.expect(200, &me);
            reset_after(caching.service(), &delete("/session", &session), 20 * round);
            // Whatever runs has run to its end by then.
            thread::sleep(Duration::from_millis(20));
            if asking.ask_unrecorded("me", &me).status() == 401 {
                ended += 1;
                assert_eq!(caching.ask_unrecorded("me", &me).status(), 401, "{framework}, round {round}");
            }
        }
        assert!(ended > 0, "{framework}: no request came through before its connection was reset");
    }
    let _ = std::fs::remove_dir_all(folder);
}

/// What is begun, left after some time, and must then be there wholly or not at all.
type Leaving = fn(&mut Talk, u64) -> Halves;

/// Whether what was to end still passes: in one place, and in another.
struct Halves(bool, bool);

fn passes(talk: &mut Talk, request: &Request) -> bool {
    let status = talk.ask_unrecorded("whether it passes", request).status();
    assert!(matches!(status, 200 | 400 | 401), "{status}");
    status == 200
}

fn bearer(method: &str, target: &str, token: &str) -> Request {
    Request::new(method, target).with("Authorization", format!("Bearer {token}"))
}

fn tokens(talk: &mut Talk, session: &str) -> (String, Request) {
    let issued = json(&talk.expect(200, &Request::post("/tokens").with("Cookie", session)));
    let text = |member: &str| issued[member].as_str().unwrap().to_owned();
    let access = text("access_token");
    // Known to the cache from now on.
    talk.expect(200, &bearer("GET", "/me", &access));
    let refresh = Request::post("/tokens/refresh");
    (access, refresh.with_json(&format!(r#"{{"refresh_token":"{}"}}"#, text("refresh_token"))))
}

/// Leaves, and waits until what runs has run to its end.
fn leave(talk: &mut Talk, request: &Request, microseconds: u64) {
    reset_after(talk.service(), request, microseconds);
    thread::sleep(Duration::from_millis(15));
}

fn gives_a_token_back(talk: &mut Talk, microseconds: u64) -> Halves {
    let session = talk.session("emily", "emily:s3cret");
    let (access, refresh) = tokens(talk, &session);
    leave(talk, &bearer("DELETE", "/tokens", &access), microseconds);
    Halves(passes(talk, &bearer("GET", "/me", &access)), passes(talk, &refresh))
}

fn voids_everything_of_a_user(talk: &mut Talk, microseconds: u64) -> Halves {
    let session = talk.session("emma", "pässwörd-emma");
    let (access, _) = tokens(talk, &session);
    leave(talk, &delete("/users/emma/tokens", &session), microseconds);
    let me = Request::get("/me").with("Cookie", &session);
    Halves(passes(talk, &me), passes(talk, &bearer("GET", "/me", &access)))
}

fn turns_a_refresh_token(talk: &mut Talk, microseconds: u64) -> Halves {
    let session = talk.session("emily", "emily:s3cret");
    let (_, refresh) = tokens(talk, &session);
    leave(talk, &refresh, microseconds);
    // Spent or not: it passes once at the most, and the service lives.
    let (first, second) = (passes(talk, &refresh), passes(talk, &refresh));
    Halves(first && second, false)
}

fn ends_a_key(talk: &mut Talk, microseconds: u64) -> Halves {
    let session = talk.session("emily", "emily:s3cret");
    let made = json(&talk.expect(201, &Request::post("/keys").with("Cookie", &session).with_json(r#"{"name":"k"}"#)));
    let by_key = Request::get("/me").with("X-API-Key", made["key"].as_str().unwrap());
    talk.expect(200, &by_key);
    let id = made["id"].as_str().unwrap();
    leave(talk, &delete(&format!("/keys/{id}"), &session), microseconds);
    let listed = talk.expect(200, &Request::get("/keys").with("Cookie", &session)).text().contains(id);
    let halves = Halves(passes(talk, &by_key), listed);
    if listed {
        talk.expect(204, &delete(&format!("/keys/{id}"), &session));
    }
    halves
}

fn ends_a_device(talk: &mut Talk, microseconds: u64) -> Halves {
    let (session, other) = (talk.session("emily", "emily:s3cret"), talk.session("emily", "emily:s3cret"));
    let by_other = Request::get("/me").with("Cookie", &other);
    talk.expect(200, &by_other);
    let devices = json(&talk.expect(200, &Request::get("/sessions").with("Cookie", &other)));
    let current = devices["sessions"].as_array().unwrap().iter().find(|device| device["current"] == true);
    let id = current.unwrap()["id"].as_str().unwrap();
    leave(talk, &delete(&format!("/sessions/{id}"), &session), microseconds);
    let listed = talk.expect(200, &Request::get("/sessions").with("Cookie", &session)).text().contains(id);
    Halves(passes(talk, &by_other), listed)
}

#[test]
fn whoever_leaves_at_any_moment_leaves_nothing_half_done() {
    let rows: [(&str, Leaving); 5] = [
        ("DELETE /tokens", gives_a_token_back),
        ("DELETE /users/{name}/tokens", voids_everything_of_a_user),
        ("POST /tokens/refresh", turns_a_refresh_token),
        ("DELETE /keys/{id}", ends_a_key),
        ("DELETE /sessions/{id}", ends_a_device),
    ];
    for framework in FRAMEWORKS {
        let mut talk = Talk::with(Service::start(framework, &[]));
        for (what, leaving) in rows {
            for round in 0..12 {
                let Halves(one, other) = leaving(&mut talk, 250 * round);
                assert_eq!(one, other, "{framework}: {what}, left after {} µs", 250 * round);
            }
        }
        talk.session("jacob", "jacob-is-admin");
    }
}
