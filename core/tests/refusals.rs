//! What an operator reads when somebody is refused: why, and nothing that a stranger or a secret could put there.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod log;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use countersign::{
    ApiKey, Basic, Bearer, Gate, KeyRing, Secret, SignedCookie, Unavailable, Verified,
    adapter::Verdict,
    async_trait,
    gate::policy::{any_of, permits, role, scope},
    jose::JwtSigner,
    mint::{api_key::ApiKeys, session::Sessions},
    store::{Directory, MemoryApiKeys, MemorySessions},
    testing::PlainHead,
    verifier::{PasswordTable, jwt::JwtVerifier},
};
use serde_json::json;

use self::log::Log;

struct Everybody;

#[async_trait]
impl Directory<String> for Everybody {
    async fn find(&self, subject: &str) -> Result<Option<Verified<String>>, Unavailable> {
        Ok(Some(Verified::new(subject.to_owned()).with_subject(subject)))
    }
}

/// What stands in the log at DEBUG when this is asked of the gate.
async fn read(gate: &Gate<String>, head: PlainHead) -> String {
    let log = Log::at(tracing::Level::DEBUG);
    let verdict = head.received_by(gate).verdict_at(gate).await;
    assert!(matches!(verdict, Verdict::Rejected(_)), "admitted");
    log.text()
}

fn basic(name: &str, password: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

#[tokio::test]
async fn each_refusal_says_why() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let (signer, other) = (JwtSigner::fresh().unwrap(), JwtSigner::fresh().unwrap().with_id("k\n7"));
    let jwt = JwtVerifier::trusting(signer.trusted("https://issuer.example").audience("people"))
        .principal_by(|claims, verified| verified.map(|()| claims.subject().unwrap_or("?").to_owned()).into())
        .unwrap();
    let emily = || Verified::new("emily".to_owned()).with_subject("emily").with_roles(["member"]);
    let cookie = SignedCookie::named("session", KeyRing::random());
    let sessions = Sessions::new(Arc::new(MemorySessions::default()), Arc::new(Everybody)).by(cookie.clone());
    let keys = ApiKeys::new("ppl_".parse().unwrap(), Arc::new(MemoryApiKeys::default()), Arc::new(Everybody));
    let unknown = "ppl_".parse::<countersign::secret::TokenPrefix>().unwrap().mint();
    let gate = Gate::in_realm("people")
        .accept(Basic, PasswordTable::new().with("emily", "s3cret-pw", emily()))
        .accept(Bearer, jwt)
        .accept(ApiKey::in_header("x-api-key"), keys)
        .accept(sessions.cookie(), sessions)
        .build()
        .unwrap();
    let token = |claims: serde_json::Value| {
        let mut all = json!({ "iss": "https://issuer.example", "aud": "people", "sub": "emily", "exp": now + 600 });
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        format!("Bearer {}", signer.sign(&all).unwrap())
    };
    let sealed = |value: &[u8], ends: u64| {
        format!("session={}", cookie.seal(value, SystemTime::UNIX_EPOCH + Duration::from_secs(ends)))
    };
    let foreign =
        SignedCookie::named("session", KeyRing::random()).seal(b"x", SystemTime::now() + Duration::from_secs(60));
    let get = || PlainHead::get("/");
    let auth = |value: String| get().with("authorization", value);
    let rows: Vec<(PlainHead, &str, &str)> = vec![
        (get(), "no_credential", "there is none of the kinds that are taken"),
        (auth(basic("emily", "wrong-s3cret")), "bad_credential", "the table has no such name, or another password"),
        (auth("Basic !".into()), "bad_credential", "a credential was not read"),
        (auth(format!("Bearer {}", "x".repeat(9000))), "too_large", "it is longer than 8192 bytes"),
        (auth(token(json!({ "aud": "oth\ner" }))), "bad_credential", r#"its \"aud\" names \"oth\\ner\""#),
        (auth(token(json!({ "exp": now - 100 }))), "bad_credential", r#"its \"exp\" was 10"#),
        (auth(token(json!({ "nbf": now + 500 }))), "bad_credential", r#"its \"nbf\" is in "#),
        (
            auth(token(json!({ "iss": "https://evil.example" }))),
            "bad_credential",
            r#"its \"iss\" names \"https://evil.example\", and its issuer is \"https://issuer.example\""#,
        ),
        (
            auth(format!("Bearer {}", other.sign(&json!({})).unwrap())),
            "bad_credential",
            r#"its issuer has no key "k\n7" for EdDSA"#,
        ),
        (get().with("x-api-key", "ppl_made-up"), "bad_credential", "its checksum is wrong"),
        (get().with("x-api-key", unknown.reveal()), "bad_credential", "there is no such key"),
        (get().with("cookie", sealed(b"x", now - 40)), "bad_credential", "it ended 4"),
        (get().with("cookie", sealed(b"x", now + 40)), "bad_credential", "there is no such session, or it has ended"),
        (
            get().with("cookie", format!("session={foreign}")),
            "bad_credential",
            "its MAC is wrong, or of a key that is not in the ring",
        ),
        (
            auth(basic("emily", "s3cret-pw")).with("x-api-key", "a"),
            "ambiguous",
            "there is more than one: 1 basic, 1 api-key, in 1 fields `Authorization`",
        ),
        (
            PlainHead::new("POST", "/")
                .with("authorization", basic("emily", "s3cret-pw"))
                .with("host", "a.example")
                .with("origin", "https://evil.example\x1b[31m"),
            "cross_site",
            r#"`Sec-Fetch-Site` says nothing, `Origin` \"https://evil.example\\x1b[31m\", and the host is \"a.example\""#,
        ),
    ];
    let mut wrong = Vec::new();
    for (head, reason, why) in rows {
        let log = read(&gate, head).await;
        if !log.contains(&format!("reason=\"{reason}\"")) || !log.contains(why) {
            wrong.push(format!("{reason}: {why} is not in\n{log}"));
        }
        // No line that a stranger began, and no secret.
        if let Some(line) = log.lines().find(|line| !line.contains(" DEBUG ") || !line.contains("countersign")) {
            wrong.push(format!("{why}: {line:?} is a line of\n{log}"));
        }
        for secret in ["s3cret", "ppl_made-up", unknown.reveal(), &*foreign, "eyJ", "\x1b"] {
            if log.contains(secret) {
                wrong.push(format!("{why}: {secret} stands in\n{log}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_policy_that_says_no_says_what_it_asks_for() {
    let emily = Verified::new("emily".to_owned()).with_roles(["member"]).with_scopes("reports:read".parse().unwrap());
    let gate = Gate::in_realm("people")
        .accept(Bearer, countersign::verifier::TokenTable::new().with("a-long-random-token", emily))
        .build()
        .unwrap();
    let has = "the caller has the roles [\"member\"] and the scopes {\"reports:read\"}".replace('"', "\\\"");
    for (gate, asked) in [
        (gate.require(role("admin")), "the role \"admin\""),
        (gate.require(scope("reports:write")), "the scope \"reports:write\""),
        (gate.require(any_of((role("admin"), scope("a")))), "(the role \"admin\" or the scope \"a\")"),
        (gate.require(permits(|_: &countersign::Grant<String>, _: &_| false)), "what the closure `refusals::"),
    ] {
        let log = read(&gate, PlainHead::get("/").with("authorization", "Bearer a-long-random-token")).await;
        assert!(log.contains(&asked.replace('"', "\\\"")) && log.contains(&has), "{asked}:\n{log}");
    }
}

#[tokio::test]
async fn a_proxy_that_was_forgotten_is_named_once() {
    let known = countersign::verifier::TokenTable::new().with("a-long-random-token", Verified::new("emily".to_owned()));
    let gate = Gate::in_realm("people").accept(Bearer, known).build().unwrap();
    let head = || PlainHead::get("/").from("203.0.113.9".parse().unwrap()).with("x-forwarded-for", "192.0.2.1");
    let first = read(&gate, head()).await;
    for piece in [" WARN ", "x-forwarded-for was sent by a peer that is no trusted proxy", "203.0.113.9"] {
        assert!(first.contains(piece), "{piece}: {first}");
    }
    assert!(!read(&gate, head()).await.contains("WARN"));
}

/// The table of `observe` and the names in the source are the same.
#[test]
fn each_counter_stands_in_the_table() {
    fn sources(folder: &std::path::Path, text: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, text);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                text.push_str(&std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut text = String::new();
    sources(&root, &mut text);
    let names = |text: &str, before: &str, after: char| {
        let found = text.match_indices(before).filter_map(|(at, _)| {
            let name: String = text[at + before.len() - "countersign_".len()..]
                .chars()
                .take_while(|c| c.is_ascii_lowercase() || *c == '_')
                .collect();
            text[at + before.len() - "countersign_".len() + name.len()..].starts_with(after).then_some(name)
        });
        found.collect::<std::collections::BTreeSet<_>>()
    };
    let table = std::fs::read_to_string(root.join("observe/mod.rs")).unwrap();
    let documented = names(&table, "//! | `countersign_", '`');
    assert_eq!(documented, names(&text, "!(\"countersign_", '"'));
    assert!(documented.len() > 10, "{documented:?}");
}

/// Whoever returns an error from `main` reads its `Debug`: no public error derives it but those that no set-up returns.
#[test]
fn no_error_of_set_up_prints_its_fields() {
    fn errors(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                errors(&path, found);
                continue;
            }
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            for derive in text.split("#[derive(").skip(1) {
                let (traits, item) = derive.split_once(")]").unwrap();
                let derives = |name: &str| traits.split(',').any(|one| one.trim().rsplit(':').next() == Some(name));
                if !derives("Error") || !derives("Debug") {
                    continue;
                }
                let item =
                    item.split("\npub ").nth(1).filter(|_| !item.split("\npub ").next().unwrap().contains("\nstruct"));
                if let Some(name) = item.and_then(|item| item.split([' ', '(', ';', '<']).nth(1)) {
                    found.push(name.to_owned());
                }
            }
        }
    }
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["src", "../adapters/redis/src", "../adapters/sqlx/src", "../adapters/tower/src"] {
        errors(&root.join(folder), &mut found);
    }
    found.sort();
    // What is said of one request, of one stored hash, of one claim.
    assert_eq!(found, ["HashFault", "IllTypedClaim", "Unreadable"]);
}

#[test]
fn a_main_that_returns_an_error_of_set_up_prints_a_sentence() {
    let printed: Vec<String> = vec![
        format!("{:?}", Gate::<String>::in_realm("").build().unwrap_err()),
        format!("{:?}", countersign::request::Proxies::trusting(["10.0.0.0/33"]).unwrap_err()),
        format!("{:?}", countersign::request::Origin::parse("https://a.example/").unwrap_err()),
        format!("{:?}", KeyRing::parse("").unwrap_err()),
        format!("{:?}", countersign::verifier::HashError::TooLong),
        format!("{:?}", Unavailable::because("the store of sessions is away")),
        format!("{:?}", countersign::mint::session::DataError::Conflict),
        format!("{:?}", countersign::cache::copies::CannotFollow::NoRuntime),
        format!("{:?}", "a b".parse::<countersign::secret::TokenPrefix>().unwrap_err()),
        format!("{:?}", "X Y".parse::<countersign::request::Field>().unwrap_err()),
        format!("{:?}", "a\"b".parse::<countersign::Scopes>().unwrap_err()),
        format!(
            "{:?}",
            countersign::jose::JwtKey::secret(countersign::jose::JwtAlgorithm::Hs256, &Secret::new("x")).unwrap_err()
        ),
    ];
    for text in printed {
        assert!(text.split(' ').count() > 4 && !text.contains("Error(") && !text.contains(" {"), "{text}");
    }
}

#[tokio::test]
async fn spans_say_who_it_is_where_the_app_wants_that_and_nowhere_else() {
    let slow = || {
        countersign::verifier::verify_with(|_: countersign::credential::TokenCredential| async move {
            tokio::task::yield_now().await;
            countersign::Answer::from(Verified::new("emily".to_owned()).with_subject("emily\n\x1b"))
        })
    };
    let at_once =
        || PasswordTable::new().with("emma", "s3cret-pw", Verified::new("emma".to_owned()).with_subject("emma"));
    let built = || Gate::in_realm("people").accept(Basic, at_once()).accept(Bearer, slow());
    for (gate, tells) in [(built().telling_subjects(), true), (built(), false)] {
        let gate = gate.build().unwrap();
        for (sent, subject) in [(basic("emma", "s3cret-pw"), "emma"), ("Bearer t".to_owned(), "emily\n\x1b")] {
            for level in [tracing::Level::DEBUG, tracing::Level::INFO] {
                let log = Log::at(level);
                let around = tracing::info_span!("request", subject = tracing::field::Empty);
                let head = PlainHead::get("/").with("authorization", &*sent).received_by(&gate);
                // Two guards, and one word of it.
                for _ in 0..2 {
                    let verdict = tracing::Instrument::instrument(head.verdict_at(&gate), around.clone()).await;
                    assert!(matches!(verdict, Verdict::Admitted(_)));
                }
                around.in_scope(|| tracing::info!("handled"));
                let text = log.text();
                let handled = text.lines().last().unwrap();
                assert_eq!(handled.contains(&format!("request{{subject={subject:?}}}")), tells, "{text}");
                assert!(tells || !text.contains("subject=\""), "{text}");
            }
        }
    }
}
