//! `--config FILE`, as an operator meets it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    env, fs,
    path::PathBuf,
    process::{Command, Output},
};

use countersign_conformance::wire::Request;
use people_tests::{FRAMEWORKS, Service, Talk, basic, binary};

/// A file, gone when it is dropped.
struct File(PathBuf);

impl File {
    fn of(name: &str, text: &str) -> Self {
        let path = env::temp_dir().join(format!("people-config-{}-{name}.toml", std::process::id()));
        fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

const FILE: &str = r#"
listen = "127.0.0.1:1"
audience = "mail"
trusted_origins = ["https://app.example"]

[throttle]
per_name_and_address = 2

[proxies]
trust = ["127.0.0.1"]
headers = "forwarded"

[sessions]
idle = "45m"
longest = "45m"

[cookie]
name = "mine"
"#;

fn wrong(talk: &mut Talk, client: &str) -> u16 {
    let request = Request::get("/me").with("Authorization", basic("emily", "wrong"));
    talk.ask_unrecorded("wrong", &request.with("Forwarded", format!("for={client}"))).status()
}

#[test]
fn a_file_counts_the_environment_over_it_and_flags_over_both() {
    let file = File::of("good", FILE);
    for framework in FRAMEWORKS {
        // `listen` of the file is what `--listen` of the test overrides: nobody may listen at port 1.
        let mut talk = Talk::with(Service::start(framework, &["--config", file.path()]));
        assert_eq!([(); 3].map(|()| wrong(&mut talk, "192.0.2.1")), [401, 401, 429], "{framework}: the budget");
        assert_eq!(wrong(&mut talk, "192.0.2.2"), 401, "{framework}: another address, by the proxy's word");
        let form = r#"{"username":"emma","password":"pässwörd-emma"}"#;
        let sign_in = Request::post("/session").with_json(form).with("Origin", "https://app.example");
        let response = talk.ask_unrecorded("sign in", &sign_in);
        let cookie = response.field("set-cookie").unwrap_or_default();
        assert!(cookie.starts_with("mine=") && cookie.contains("Max-Age=2700"), "{framework}: {cookie}");

        let flags = ["--config", file.path(), "--proxy-header", "x-forwarded"];
        let environment = [("PEOPLE_THROTTLE__PER_NAME_AND_ADDRESS", "3"), ("PEOPLE_COOKIE__NAME", "theirs")];
        let mut talk = Talk::with(Service::start_in(framework, &flags, &environment));
        assert_eq!([(); 4].map(|()| wrong(&mut talk, "192.0.2.1")), [401, 401, 401, 429], "{framework}: environment");
        assert_eq!(wrong(&mut talk, "192.0.2.2"), 429, "{framework}: the flag reads another family");
        let response = talk.ask_unrecorded("sign in", &sign_in);
        let cookie = response.field("set-cookie").unwrap_or_default();
        assert!(cookie.starts_with("theirs="), "{framework}: {cookie}");
    }
}

/// Starts, and must not.
fn refused(framework: &str, file: &str, environment: &[(&str, &str)]) -> (Output, String) {
    let mut command = Command::new(binary(framework));
    command.args(["--listen", "127.0.0.1:0", "--config", file]).envs(environment.iter().copied());
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    (output, said)
}

#[test]
fn every_fault_is_named_at_once_with_its_place_and_without_secrets() {
    let faulty = "listen = 5\ndatabase = [\"postgres://people:s3cr3t@db/people\"]\n\n[cache]\nbytes = \"64MB\"\n\
                  entires = 1\n\n[sessions]\nidle = 30\n\n[proxies]\ntrust = [\"10.0.0.0/33\"]\n\n[cahce]\nbytes = 1\n";
    let file = File::of("bad", faulty);
    let environment = [("PEOPLE_THROTTLE__WINDOW", "s3cr3t"), ("PEOPLE_COOKIE__NAEM", "s3cr3t")];
    for framework in FRAMEWORKS {
        let (output, said) = refused(framework, file.path(), &environment);
        assert_eq!(output.status.code(), Some(2), "{framework}: {said}");
        assert!(output.stdout.is_empty() && said.lines().count() == 1, "{framework}: {said}");
        for named in [
            ".toml:1: listen: ",
            ".toml:2: database: ",
            ".toml:5: cache.bytes: ",
            ".toml:6: cache.entires: ",
            ".toml:9: sessions.idle: ",
            ".toml:12: proxies.trust[0]: ",
            ".toml:14: cahce: ",
            "PEOPLE_THROTTLE__WINDOW",
            "PEOPLE_COOKIE__NAEM",
        ] {
            assert!(said.contains(named), "{framework}: {named}: {said}");
        }
        assert!(!said.contains("s3cr3t"), "{framework}: {said}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_one_line_too() {
    let broken = File::of("broken", "audience = \"people\"\ndatabase = \"postgres://people:s3cr3t@db/people\n");
    let twice = File::of("twice", "shared = \"redis://:s3cr3t@a\"\nshared = \"redis://:s3cr3t@b\"\n");
    for (path, named) in [(broken.path(), ".toml:2"), (twice.path(), ".toml:2"), ("/nowhere/people.toml", "/nowhere/")]
    {
        let (output, said) = refused(FRAMEWORKS[0], path, &[]);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.lines().count() == 1 && said.contains(named) && !said.contains("s3cr3t"), "{said}");
    }
}
