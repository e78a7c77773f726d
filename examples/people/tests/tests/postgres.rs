//! The same service on PostgreSQL: Debian's `postgresql` must be installed, or these tests fail.

use countersign_conformance::wire::Request;
use people_tests::{FRAMEWORKS, Postgres, Service, Talk, basic, json};

#[test]
fn copies_on_one_database_share_users_sessions_keys_and_reports() {
    let postgres = Postgres::start();
    let url = postgres.url();
    let secrets = std::env::temp_dir().join(format!("people-secrets-{}", std::process::id()));
    std::fs::write(&secrets, "Es7QbFSvyDvLD5oM0R4kuLrKnqDcUb1I0Qy3j9h4DnE\n").unwrap();
    let flags = ["--database", &url, "--secret-file", secrets.to_str().unwrap()];
    // All at once, so that each may find a table missing.
    let starting = FRAMEWORKS.map(|framework| {
        let flags = flags.map(str::to_owned);
        std::thread::spawn(move || Service::start(framework, &flags.each_ref().map(String::as_str)))
    });
    let mut talks = starting.map(|starting| Talk::with(starting.join().unwrap()));
    let (emily, jacob) = (basic("emily", "emily:s3cret"), basic("jacob", "jacob-is-admin"));
    let [first, others @ ..] = &mut talks;

    let session = first.session("emma", "pässwörd-emma");
    let key = first.key(&emily, r#"{"name":"mine","expires_in":60}"#);
    let key = key.get("key").unwrap().as_str().unwrap();
    first.expect(201, &Request::post("/reports").with("Authorization", &jacob).with_json(r#"{"title":"Größe"}"#));
    first.expect(201, &Request::post("/users/emily/invite/jacob").with("Authorization", &emily));
    for talk in others {
        talk.expect(200, &Request::get("/me").with("Cookie", &session));
        talk.expect(200, &Request::get("/me").with("X-API-Key", key));
        let reports = talk.expect(200, &Request::get("/reports").with("Authorization", &emily));
        assert_eq!(reports.text(), r#"{"reports":[{"id":1,"title":"Größe"}]}"#);
        talk.expect(409, &Request::post("/users/emily/invite/jacob").with("Authorization", &emily));
        talk.expect(404, &Request::get("/users/no%00body").with("Authorization", &jacob));
        talk.expect(401, &Request::get("/me").with("Authorization", basic("no\u{1}body", "x")));
        let keys = json(&talk.expect(200, &Request::get("/keys").with("Authorization", &emily)));
        assert_eq!(keys.get("keys").unwrap().as_array().unwrap().len(), 1);
    }
    let _ = std::fs::remove_file(secrets);
}

#[test]
fn a_database_that_is_gone_is_no_refusal_and_nobody_gets_in() {
    let postgres = Postgres::start();
    for framework in FRAMEWORKS {
        let mut talk = Talk::with(Service::start(framework, &["--database", &postgres.url(), "--cache-ttl", "0"]));
        let emily = basic("emily", "emily:s3cret");
        let session = talk.session("emily", "emily:s3cret");
        let made = talk.key(&emily, r#"{"name":"mine"}"#);
        let key = made.get("key").unwrap().as_str().unwrap().to_owned();
        postgres.end();
        for request in [
            Request::get("/me").with("Authorization", &emily),
            Request::get("/whoami").with("X-API-Key", &key),
            Request::get("/").with("Cookie", &session),
            Request::post("/session").with_json(r#"{"username":"emily","password":"emily:s3cret"}"#),
        ] {
            let response = talk.expect(503, &request);
            let wait: u32 = response.field("retry-after").unwrap().parse().unwrap();
            assert!(wait > 0 && response.fields("www-authenticate").next().is_none());
            assert!(response.fields("set-cookie").next().is_none(), "an outage clears no cookie");
        }
        talk.expect(200, &Request::get("/health"));
        talk.expect(200, &Request::get("/whoami"));
        postgres.begin();
        talk.expect(200, &Request::get("/me").with("Cookie", &session));
        talk.expect(200, &Request::get("/me").with("Authorization", &emily));
    }
}
