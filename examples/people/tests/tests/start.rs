//! Starting and stopping, as a newcomer and an operator meet them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    env, fs,
    net::TcpListener,
    path::PathBuf,
    process::{Command, Output},
    time::Duration,
};

use countersign_conformance::wire::{Connection, Request};
use people_tests::{FRAMEWORKS, Service, Talk, basic, binary, everywhere_with, json};

const EMILY: &str = r#"{"username":"emily","password":"emily:s3cret"}"#;

/// A folder of this test's own, gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn of(test: &str) -> Self {
        let path = env::temp_dir().join(format!("people-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn try_start(framework: &str, flags: &[&str]) -> Output {
    Command::new(binary(framework)).args(flags).output().unwrap()
}

#[test]
fn every_printed_line_works_when_pasted() {
    for framework in FRAMEWORKS {
        let service = Service::start(framework, &[]);
        let printed = service.printed().join("\n");
        for name in ["emily:s3cret", "pässwörd-emma", "jacob-is-admin"] {
            assert!(printed.contains(name), "{printed}");
        }
        let mut schemes = Vec::new();
        for line in service.printed().iter().filter(|line| line.starts_with("curl ")) {
            let pasted = Command::new("sh").args(["-c", line]).output().unwrap();
            let text = String::from_utf8(pasted.stdout).unwrap();
            assert!(pasted.status.success() && text.starts_with("{\"name\":\"em"), "{framework}: {line}: {text}");
            let document: serde_json::Value = serde_json::from_str(&text).unwrap();
            schemes.push(document["scheme"].as_str().unwrap().to_owned());
        }
        assert_eq!(schemes, ["basic", "bearer", "query", "cookie", "api-key"]);
    }
}

#[test]
fn what_keeps_it_from_starting_is_one_line_and_exit_code_2() {
    let folder = Folder::of("refusals");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let short = folder.file("short", "AAECAwQFBgcICQ\n");
    let zero = folder.file("zero", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
    let empty = folder.file("empty", "# nothing\n");
    let rows: [(&[&str], &str); 25] = [
        (&["--nothing"], "--nothing"),
        (&["nothing"], "nothing"),
        (&["--listen", "nowhere"], "--listen"),
        (&["--listen"], "--listen"),
        (&["--listen", &taken], &taken),
        (&["--database", "mysql://x"], "--database"),
        (&["--shared", "mysql://x"], "--shared"),
        (&["--shared", "redis://127.0.0.1:1"], "--shared"),
        (&["--shared", "redis://:s3cr3t@127.0.0.1:1"], "--shared"),
        (&["--database", "postgres://127.0.0.1:1/people"], "database"),
        (&["--database", "sqlite:/nowhere/at/all/people.db"], "database"),
        (&["--secret-file", "/nowhere/keys"], "--secret-file"),
        (&["--secret-file", &short], "32"),
        (&["--secret-file", &zero], "--secret-file"),
        (&["--secret-file", &empty], "--secret-file"),
        (&["--signing-key", &short], "--signing-key"),
        (&["--trust-proxy", "10.0.0.0/33"], "--trust-proxy"),
        (&["--trusted-origin", "app.example"], "--trusted-origin"),
        (&["--trusted-origin", "https://app.example/"], "--trusted-origin"),
        (&["--trusted-origin", "https://a.example", "--trusted-origin", "null"], "--trusted-origin"),
        (&["--cache-ttl", "soon"], "--cache-ttl"),
        (&["--issuer", "http://issuer.example"], "--issuer"),
        (&["--issuer", "issuer.example"], "--issuer"),
        (&["--issuer", "http://127.0.0.1:1", "--issuer", "http://127.0.0.1:1"], "--issuer"),
        (&["--audience", ""], "--audience"),
    ];
    for framework in FRAMEWORKS {
        for (flags, named) in rows {
            let flags: Vec<&str> = if flags.contains(&"--listen") {
                flags.to_vec()
            } else {
                [&["--listen", "127.0.0.1:0"], flags].concat()
            };
            let output = try_start(framework, &flags);
            let said = String::from_utf8(output.stderr).unwrap();
            let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("people: ")).collect();
            assert_eq!(output.status.code(), Some(2), "{framework} {flags:?}: {said}");
            assert!(lines.len() == 1 && lines[0].contains(named), "{framework} {flags:?}: {said}");
            assert!(output.stdout.is_empty(), "it never listened: {framework} {flags:?}");
        }
    }
}

#[test]
fn a_running_request_is_finished_and_then_it_ends_well() {
    for framework in FRAMEWORKS {
        for signal in ["TERM", "INT"] {
            let service = Service::start(framework, &[]);
            let address = service.address();
            let mut idle = Connection::open(address).unwrap();
            idle.say(&Request::get("/health").bytes());
            idle.answer(&Request::get("/health")).unwrap();
            // A report whose body is still on its way when the signal comes.
            let body = r#"{"title":"late"}"#;
            let whole =
                Request::post("/reports").with("Authorization", basic("jacob", "jacob-is-admin")).with_json(body);
            let mut slow = Connection::open(address).unwrap();
            let bytes = whole.bytes();
            let (now, later) = bytes.split_at(bytes.len() - 5);
            slow.say(now);
            // Long enough for the server to have begun with it; nothing depends on more.
            std::thread::sleep(Duration::from_millis(300));
            service.signal(signal);
            std::thread::sleep(Duration::from_millis(300));
            slow.say(later);
            let answer = slow.answer(&whole);
            assert_eq!(
                answer.map(|answer| answer.status()).map_err(|failure| failure.to_string()),
                Ok(201),
                "{framework} {signal}"
            );
            drop(idle);
            drop(slow);
            let mut service = service;
            assert_eq!(service.ended().code(), Some(0), "{framework} {signal}");
        }
    }
}

#[test]
fn keys_that_are_given_outlive_a_restart() {
    let folder = Folder::of("restart");
    let database = format!("sqlite:{}", folder.0.join("people.db").display());
    let old = "Es7QbFSvyDvLD5oM0R4kuLrKnqDcUb1I0Qy3j9h4DnE";
    let secrets = folder.file("secrets", &format!("{old}\n"));
    let rotated = folder.file("rotated", &format!("9nGWZ1mYwzjR0sK3v7xQe5uT2bHcLdPfA8iJoXrVgEk\n{old}\n"));
    let pem =
        Command::new("openssl").args(["genpkey", "-algorithm", "ed25519"]).output().expect("openssl is installed");
    let signing = folder.file("signing.pem", std::str::from_utf8(&pem.stdout).unwrap());
    let mut kept: Option<(String, String, String)> = None;
    for (framework, file) in [("axum", &secrets), ("actix-web", &rotated), ("rocket", &rotated)] {
        let flags = ["--database", &database, "--secret-file", file, "--signing-key", &signing];
        let mut talk = Talk::with(Service::start(framework, &flags));
        let credentials = kept.take().unwrap_or_else(|| {
            let session = talk.session("emily", "emily:s3cret");
            let emily = basic("emily", "emily:s3cret");
            let key = talk.key(&emily, r#"{"name":"kept"}"#)["key"].as_str().unwrap().to_owned();
            let token = json(&talk.expect(200, &Request::post("/tokens").with("Authorization", emily)));
            (session, key, format!("Bearer {}", token["access_token"].as_str().unwrap()))
        });
        let (session, key, token) = &credentials;
        talk.expect(200, &Request::get("/me").with("Cookie", session));
        talk.expect(200, &Request::get("/me").with("X-API-Key", key));
        talk.expect(200, &Request::get("/me").with("Authorization", token));
        kept = Some(credentials);
    }
    // Without the files nothing of it is good, but what the database knows.
    let mut talk = Talk::with(Service::start("axum", &["--database", &database]));
    let (session, key, token) = kept.unwrap();
    talk.expect(401, &Request::get("/me").with("Cookie", &session));
    talk.expect(401, &Request::get("/me").with("Authorization", &token));
    talk.expect(200, &Request::get("/me").with("X-API-Key", &key));
}

#[test]
fn nothing_that_was_sent_is_in_the_log() {
    for framework in FRAMEWORKS {
        let mut talk = Talk::with(Service::start(framework, &[]));
        let emily = basic("emily", "emily:s3cret");
        let token = json(&talk.expect(200, &Request::post("/tokens").with("Authorization", &emily)))["access_token"]
            .as_str()
            .unwrap()
            .to_owned();
        for (method, target) in
            [("GET", "/me"), ("POST", "/reports"), ("BREW", "/me"), ("GET", "/nowhere"), ("GET", "/users/%FF")]
        {
            let request =
                Request::new(method, &format!("{target}?access_token={token}")).with("Authorization", "Basic secret");
            let _ = talk.ask_unrecorded("leak", &request);
        }
        talk.expect(401, &Request::post("/session").with_json(r#"{"username":"emily","password":"my-own-secret"}"#));
        talk.expect(204, &Request::post("/session").with_json(EMILY));
        let (status, log) = talk.into_service().stop("TERM");
        assert!(status.success());
        for secret in [&token[..40], "my-own-secret", "emily:s3cret", "Basic secret", "access_token="] {
            assert!(!log.contains(secret), "{framework}: {log}");
        }
        assert!(log.contains("--password-cost fast") && log.contains("--secret-file"), "{framework}: {log}");
    }
}

#[test]
fn a_file_holds_users_friends_and_reports() {
    let folder = Folder::of("file");
    let flags = ["--database", &format!("sqlite:{}", folder.0.join("people.db").display())];
    for (round, framework) in FRAMEWORKS.into_iter().enumerate() {
        let mut talk = Talk::with(Service::start(framework, &flags));
        let jacob = basic("jacob", "jacob-is-admin");
        let listed = json(&talk.expect(200, &Request::get("/reports").with("Authorization", &jacob)));
        assert_eq!(listed["reports"].as_array().unwrap().len(), round);
        talk.expect(201, &Request::post("/reports").with("Authorization", &jacob).with_json(r#"{"title":"kept"}"#));
    }
    everywhere_with(&[], |talk| drop(talk.expect(200, &Request::get("/health"))));
}
