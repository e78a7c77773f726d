//! Two copies of each service, on one Redis or on one database: what one hands out or takes back, and who guesses at it, the other knows.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{
    env, fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use countersign_conformance::{RedisServer, wire::Request};
use people_tests::{FRAMEWORKS, Postgres, Service, Talk, basic, json};
use serde_json::Value;

/// The files that copies share, gone when this is dropped.
struct Files(PathBuf);

impl Files {
    fn of(test: &str) -> Self {
        let folder = env::temp_dir().join(format!("people-copies-{test}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("secrets"), "Es7QbFSvyDvLD5oM0R4kuLrKnqDcUb1I0Qy3j9h4DnE\n").unwrap();
        let key = folder.join("key.pem");
        let made = Command::new("openssl").args(["genpkey", "-algorithm", "ed25519", "-out"]).arg(&key).status();
        assert!(made.unwrap().success());
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// Two copies with these flags besides.
    fn two(&self, framework: &'static str, flags: &[&str]) -> [Talk; 2] {
        let (secrets, key) = (self.path("secrets"), self.path("key.pem"));
        let all = [&["--secret-file", &secrets, "--signing-key", &key], flags].concat();
        [(); 2].map(|()| Talk::with(Service::start(framework, &all)))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn by(authorization: &str) -> Request {
    Request::get("/me").with("Authorization", authorization)
}

fn by_cookie(cookie: &str) -> Request {
    Request::get("/me").with("Cookie", cookie)
}

/// Asks until the answer is this one, for a second at most.
fn soon(talk: &mut Talk, status: u16, request: &Request) {
    let since = Instant::now();
    while talk.ask_unrecorded("soon", request).status() != status {
        assert!(since.elapsed() < Duration::from_secs(1), "{}: {status}", talk.service().framework());
        thread::sleep(Duration::from_millis(5));
    }
    talk.expect(status, request);
}

fn tokens(talk: &mut Talk, authorization: &str) -> Value {
    json(&talk.expect(200, &Request::post("/tokens").with("Authorization", authorization)))
}

fn bearer(tokens: &Value) -> String {
    format!("Bearer {}", tokens["access_token"].as_str().unwrap())
}

fn refresh(tokens: &Value) -> Request {
    Request::post("/tokens/refresh")
        .with_json(&serde_json::json!({ "refresh_token": tokens["refresh_token"] }).to_string())
}

/// What holds of two copies, whatever their database is.
fn converse(one: &mut Talk, other: &mut Talk) {
    let (emily, jacob) = (basic("emily", "emily:s3cret"), basic("jacob", "jacob-is-admin"));

    // A session, and its end.
    let session = one.session("emily", "emily:s3cret");
    other.expect(200, &by_cookie(&session));
    let listed = json(&other.expect(200, &Request::get("/sessions").with("Cookie", &session)));
    let id = listed["sessions"][0]["id"].as_str().unwrap();
    assert_eq!(listed["sessions"][0]["current"], true);
    other.expect(404, &Request::new("DELETE", &format!("/sessions/{id}")).with("Authorization", &jacob));
    one.expect(204, &Request::new("DELETE", &format!("/sessions/{id}")).with("Cookie", &session));
    one.expect(401, &by_cookie(&session));
    soon(other, 401, &by_cookie(&session));
    let session = other.session("emily", "emily:s3cret");
    one.expect(200, &by_cookie(&session));
    other.expect(204, &Request::new("DELETE", "/session").with("Cookie", &session));
    soon(one, 401, &by_cookie(&session));

    // A token, and its end.
    let first = tokens(one, &emily);
    other.expect(200, &by(&bearer(&first)));
    one.expect(204, &Request::new("DELETE", "/tokens").with("Authorization", bearer(&first)));
    one.expect(401, &by(&bearer(&first)));
    soon(other, 401, &by(&bearer(&first)));
    other.expect(400, &refresh(&first));

    // A refresh token, spent at one and brought to the other.
    let first = tokens(one, &emily);
    let second = json(&other.expect(200, &refresh(&first)));
    one.expect(200, &by(&bearer(&second)));
    let spent = one.expect(400, &refresh(&first));
    assert_eq!(json(&spent)["error"], "invalid_grant");
    for copy in [&mut *one, &mut *other] {
        soon(copy, 401, &by(&bearer(&second)));
        copy.expect(400, &refresh(&second));
    }

    // A key, and its end.
    let made = one.key(&emily, r#"{"name":"mine"}"#);
    let key = Request::get("/me").with("X-API-Key", made["key"].as_str().unwrap());
    for copy in [&mut *one, &mut *other] {
        copy.expect(200, &key);
    }
    let listed = json(&other.expect(200, &Request::get("/keys").with("Authorization", &emily)));
    assert_eq!(listed["keys"].as_array().unwrap().len(), 1);
    let id = made["id"].as_str().unwrap();
    other.expect(204, &Request::new("DELETE", &format!("/keys/{id}")).with("Authorization", &emily));
    other.expect(401, &key);
    soon(one, 401, &key);

    // All that somebody was given.
    let (session, token) = (one.session("emily", "emily:s3cret"), tokens(one, &emily));
    let link =
        json(&one.expect(
            200,
            &Request::post("/photos/1/link").with("Authorization", &emily).with_json(r#"{"expires_in":60}"#),
        ));
    let link = Request::get(
        link["url"].as_str().unwrap().split_once("/photos").map(|(_, rest)| format!("/photos{rest}")).unwrap().as_str(),
    );
    for copy in [&mut *one, &mut *other] {
        copy.expect(200, &by_cookie(&session));
        copy.expect(200, &by(&bearer(&token)));
        copy.expect(200, &link);
    }
    one.expect(204, &Request::new("DELETE", "/users/emily/tokens").with("Authorization", &jacob));
    for copy in [&mut *one, &mut *other] {
        soon(copy, 401, &by_cookie(&session));
        soon(copy, 401, &by(&bearer(&token)));
        soon(copy, 401, &link);
        copy.expect(400, &refresh(&token));
    }
    let session = other.session("emily", "emily:s3cret");
    one.expect(200, &by_cookie(&session));
    let token = tokens(one, &emily);
    other.expect(200, &by(&bearer(&token)));
}

/// Five wrong passwords, wherever they come, in the form or by Basic.
fn guess(one: &mut Talk, other: &mut Talk) {
    let emily = basic("emily", "emily:s3cret");
    let wrong = basic("emma", "wrong");
    let form = Request::post("/session").with_json(r#"{"username":"emma","password":"wrong too"}"#);
    one.expect(401, &by(&wrong));
    other.expect(401, &by(&wrong));
    one.expect(401, &form);
    other.expect(401, &form);
    one.expect(401, &by(&wrong));
    for copy in [&mut *other, &mut *one] {
        for request in [by(&basic("emma", "pässwörd-emma")), form.clone()] {
            let refused = copy.expect(429, &request);
            let wait: u32 = refused.field("retry-after").unwrap().parse().unwrap();
            assert!((1..=60).contains(&wait), "{wait}");
        }
        copy.expect(200, &by(&emily));
    }
}

#[test]
fn copies_with_a_database_each_share_what_is_in_redis() {
    let files = Files::of("memory");
    for framework in FRAMEWORKS {
        let redis = RedisServer::start();
        let [mut one, mut other] = files.two(framework, &["--shared", &redis.url()]);
        converse(&mut one, &mut other);
        guess(&mut one, &mut other);
        let metrics = one.expect(200, &Request::get("/metrics"));
        assert!(metrics.text().contains("\ncountersign_copies_in_touch 1\n"), "{}", metrics.text());
    }
}

#[test]
fn copies_on_one_database_share_redis_too() {
    let (files, postgres) = (Files::of("postgres"), Postgres::start());
    for framework in FRAMEWORKS {
        let redis = RedisServer::start();
        let flags = ["--shared", &redis.url(), "--database", &postgres.url()];
        let [mut one, mut other] = files.two(framework, &flags);
        converse(&mut one, &mut other);
        guess(&mut one, &mut other);
    }
}

#[test]
fn copies_on_one_postgresql_need_no_redis() {
    let (files, postgres) = (Files::of("alone"), Postgres::start());
    for framework in FRAMEWORKS {
        let [mut one, mut other] = files.two(framework, &["--database", &postgres.url()]);
        converse(&mut one, &mut other);
        let metrics = one.expect(200, &Request::get("/metrics"));
        assert!(metrics.text().contains("\ncountersign_copies_in_touch 1\n"), "{}", metrics.text());
    }
}

#[test]
fn copies_on_one_file_forget_at_their_next_look() {
    let files = Files::of("file");
    let database = format!("sqlite:{}", files.path("people.sqlite"));
    let [mut one, mut other] = files.two("axum", &["--database", &database]);
    converse(&mut one, &mut other);
}

fn openssl(folder: &Path, arguments: &str) {
    let done = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn copies_speak_tls_to_redis() {
    let files = Files::of("tls");
    let folder = files.0.clone();
    openssl(&folder, "req -x509 -newkey ed25519 -nodes -days 2 -keyout ca.key -out ca.pem -subj /CN=authority");
    openssl(&folder, "req -newkey ed25519 -nodes -keyout server.key -out server.csr -subj /CN=redis");
    fs::write(folder.join("names"), "subjectAltName=DNS:localhost").unwrap();
    let signed =
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem";
    openssl(&folder, signed);
    let redis = RedisServer::with_tls(&folder.join("server.pem"), &folder.join("server.key"), &folder.join("ca.pem"));
    let (secrets, key, trusted) = (files.path("secrets"), files.path("key.pem"), files.path("ca.pem"));
    let url = redis.tls_url("localhost");
    let flags = ["--secret-file", &secrets, "--signing-key", &key, "--shared", &url];
    let [mut one, mut other] =
        [(); 2].map(|()| Talk::with(Service::start_in("axum", &flags, &[("SSL_CERT_FILE", &trusted)])));
    let session = one.session("emily", "emily:s3cret");
    other.expect(200, &by_cookie(&session));
    one.expect(204, &Request::new("DELETE", "/session").with("Cookie", &session));
    soon(&mut other, 401, &by_cookie(&session));
}

/// How many sign-outs are timed: `PEOPLE_SIGN_OUTS=1000` in the environment is the long form.
fn sign_outs() -> usize {
    env::var("PEOPLE_SIGN_OUTS").map_or(120, |text| text.parse().unwrap())
}

#[test]
fn a_sign_out_reaches_the_other_copy_on_one_postgresql_in_a_tenth_of_a_second() {
    let (files, postgres) = (Files::of("latency"), Postgres::start());
    a_sign_out_reaches_the_other("PostgreSQL", files.two("axum", &["--database", &postgres.url()]));
}

#[test]
fn a_sign_out_reaches_the_other_copy_on_one_redis_in_a_tenth_of_a_second() {
    let (files, redis) = (Files::of("latency-redis"), RedisServer::start());
    a_sign_out_reaches_the_other("Redis", files.two("axum", &["--shared", &redis.url()]));
}

#[expect(clippy::print_stdout, reason = "the figures are what whoever runs it looks for")]
fn a_sign_out_reaches_the_other(store: &str, [mut one, mut other]: [Talk; 2]) {
    let busy = Arc::new(AtomicBool::new(true));
    // Others work meanwhile, on both.
    let load: Vec<_> = [one.service().address(), other.service().address()]
        .into_iter()
        .map(|address| {
            let busy = busy.clone();
            thread::spawn(move || {
                let request = by(&basic("emma", "pässwörd-emma")).bytes();
                while busy.load(Ordering::Relaxed) {
                    let mut stream = TcpStream::connect(address).unwrap();
                    stream.write_all(&request).unwrap();
                    let _ = stream.read(&mut [0; 4096]);
                    thread::sleep(Duration::from_millis(2));
                }
            })
        })
        .collect();
    let count = sign_outs();
    let mut took: Vec<_> = (0..count)
        .map(|_| {
            let session = one.session("emily", "emily:s3cret");
            other.expect(200, &by_cookie(&session));
            one.expect(204, &Request::new("DELETE", "/session").with("Cookie", &session));
            let since = Instant::now();
            while other.ask_unrecorded("signed out", &by_cookie(&session)).status() != 401 {
                assert!(since.elapsed() < Duration::from_secs(2));
            }
            since.elapsed()
        })
        .collect();
    busy.store(false, Ordering::Relaxed);
    load.into_iter().for_each(|load| load.join().unwrap());
    took.sort_unstable();
    let (median, late) = (took[count / 2], took[count * 99 / 100]);
    println!("{store}, {count} sign-outs: {median:?} at the median, {late:?} at the 99th percentile");
    assert!(median < Duration::from_millis(100) && late < Duration::from_secs(1), "{median:?}, {late:?}");
}

#[test]
fn whoever_is_killed_in_between_leaves_no_copy_behind() {
    let (files, postgres) = (Files::of("killed"), Postgres::start());
    let [mut cold, mut warm] = files.two("axum", &["--database", &postgres.url(), "--cache-ttl", "600"]);
    let mut gone = 0;
    for round in 0..24 {
        let [killed, _] = files.two("axum", &["--database", &postgres.url()]);
        let session = warm.session("emily", "emily:s3cret");
        warm.expect(200, &by_cookie(&session));
        let sign_out = Request::new("DELETE", "/session").with("Cookie", &session).bytes();
        let mut stream = TcpStream::connect(killed.service().address()).unwrap();
        stream.write_all(&sign_out).unwrap();
        // At every moment of the way, before the store's change and behind it.
        thread::sleep(Duration::from_micros(500 * round));
        killed.service().signal("KILL");
        thread::sleep(Duration::from_secs(1));
        let stands = cold.ask_unrecorded("looks it up", &by_cookie(&session)).status();
        let known = warm.ask_unrecorded("knew it", &by_cookie(&session)).status();
        assert_eq!(known, stands, "round {round}");
        gone += usize::from(stands == 401);
    }
    assert!((1..=24).contains(&gone), "some were killed behind the change: {gone}");
}

#[test]
fn while_redis_is_gone_nobody_gets_in_and_nobody_is_refused() {
    let files = Files::of("outage");
    for framework in FRAMEWORKS {
        let redis = RedisServer::start();
        let [mut one, mut other] = files.two(framework, &["--shared", &redis.url()]);
        let emily = basic("emily", "emily:s3cret");
        let (session, token) = (one.session("emily", "emily:s3cret"), tokens(&mut one, &emily));
        let made = one.key(&emily, r#"{"name":"mine"}"#);
        let requests = [
            by_cookie(&session),
            by(&bearer(&token)),
            by(&emily),
            by(&basic("emma", "pässwörd-emma")),
            by(&basic("emma", "wrong")),
            Request::get("/whoami").with("X-API-Key", made["key"].as_str().unwrap()),
            Request::get("/").with("Cookie", &session),
            Request::post("/session").with_json(r#"{"username":"emily","password":"emily:s3cret"}"#),
            refresh(&token),
        ];
        other.expect(200, &requests[0]);
        for is_dead in [true, false] {
            if is_dead {
                redis.kill()
            } else {
                redis.pause()
            }
            // What is remembered may be used until it is noticed.
            thread::sleep(Duration::from_secs(2));
            // A server that is stopped where it is takes a second for each.
            let asked = if is_dead { &requests[..] } else { &requests[..3] };
            for copy in [&mut one, &mut other] {
                for request in asked {
                    let response = copy.ask_unrecorded("without Redis", request);
                    assert_eq!(
                        response.status(),
                        503,
                        "{framework}: {}\n{}",
                        String::from_utf8_lossy(&request.bytes()),
                        response.text()
                    );
                    let wait: u32 = response.field("retry-after").unwrap().parse().unwrap();
                    assert!(wait > 0 && response.fields("www-authenticate").next().is_none());
                    assert!(response.fields("set-cookie").next().is_none(), "an outage clears no cookie");
                }
                copy.expect(200, &Request::get("/health"));
                copy.expect(200, &Request::get("/whoami"));
                let metrics = copy.ask_unrecorded("out of touch", &Request::get("/metrics"));
                assert!(metrics.text().contains("\ncountersign_copies_in_touch 0\n"), "{}", metrics.text());
            }
            if is_dead {
                redis.begin()
            } else {
                redis.resume()
            }
            thread::sleep(Duration::from_secs(1));
            for copy in [&mut one, &mut other] {
                copy.expect(200, &requests[0]);
                copy.expect(200, &requests[1]);
                copy.expect(200, &requests[2]);
                copy.expect(200, &requests[5]);
            }
        }
        one.expect(200, &refresh(&token));
    }
}
