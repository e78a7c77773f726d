//! What Flask, Django, itsdangerous, Rails, Express, cookie-session, jose and Auth.js make is let in here, and what is made here they read.
//!
//! They are installed into `.tools` of the repository, which git ignores, unless they are there already. Rails is the system's own
//! (`ruby-actionpack` of Debian), which `.ci/test` installs.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, SystemTime},
};

use countersign::{
    Secret,
    credential::cookie::foreign::{AuthJs, CookieSession, DjangoCookie, DjangoSession, Express, Itsdangerous, Rails},
    jose::jwe::{JweEncryption, JweKey},
};
use countersign_conformance::wire::Request;
use serde_json::{Value, json};

use crate::service::{Gallery, name};

const PYTHON: [&str; 3] = ["Flask==3.1.3", "Django==5.2.19", "itsdangerous==2.2.0"];
const PYTHON_OLD: &str = "itsdangerous==1.1.0";
const NODE: [&str; 6] = [
    "express-session@1.19.0",
    "cookie-signature@1.2.2",
    "cookie-session@2.1.1",
    "keygrip@1.1.0",
    "jose@6.2.18",
    "@auth/core@0.41.3",
];

fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools")
}

fn here(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire").join(file)
}

fn run(command: &mut Command, input: &str) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?} fails");
    String::from_utf8(output.stdout).unwrap()
}

fn python() -> PathBuf {
    let home = tools().join("values");
    let python = home.join("bin/python");
    if !home.join("ready").exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&home), "");
        run(
            Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PYTHON),
            "",
        );
        let old = tools().join("itsdangerous-1.1");
        run(
            Command::new(&python)
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"])
                .arg(old)
                .arg(PYTHON_OLD),
            "",
        );
        std::fs::write(home.join("ready"), "").unwrap();
    }
    python
}

fn node() -> PathBuf {
    let home = tools().join("values-node");
    if !home.join("node_modules").exists() {
        let install = ["install", "--no-audit", "--no-fund", "--silent", "--prefix"];
        run(Command::new("npm").args(install).arg(&home).args(NODE), "");
    }
    home
}

/// Sends what others made, `[{path, name, cookie | bearer}]`: without a name it is to be refused.
fn judge(gallery: &Gallery, made: &str) {
    let made: Vec<Value> = serde_json::from_str(made).unwrap();
    assert!(made.len() > 5);
    for (nth, made) in made.iter().enumerate() {
        let path = made["path"].as_str().unwrap();
        let request = match (&made["cookie"], &made["bearer"]) {
            (Value::String(cookie), _) => Request::get(path).with("Cookie", cookie),
            (_, Value::String(token)) => Request::get(path).with("Authorization", format!("Bearer {token}")),
            _ => panic!("neither: {made}"),
        };
        let response = gallery.ask(&request);
        match &made["name"] {
            Value::String(expected) => assert_eq!(&name(&response), expected, "{nth}: {made}"),
            _ => {
                assert_eq!(response.status(), 401, "{nth}: {made}");
                let wrong = response.field("www-authenticate").unwrap().contains("error=\"invalid_token\"");
                assert_eq!(wrong, made["bearer"].is_string(), "{made}");
            }
        }
    }
}

#[test]
fn flask_and_django_and_the_gallery_read_each_other() {
    let gallery = Gallery::start(&[]);
    let (secret, now) = (Secret::new("secret-key"), SystemTime::now());
    let session = json!({ "user_id": 7 });
    let ours = json!({
        "flask": Itsdangerous::flask_session(secret.clone()).seal(&session, now),
        "django": DjangoSession::signed_by(secret.clone()).seal(&session, now),
        "django_cookie": DjangoCookie::signed_by(secret).seal("sid", "emma", now),
    });
    judge(&gallery, &run(Command::new(python()).arg(here("strangers.py")).arg("now"), &ours.to_string()));
}

#[test]
fn tokens_of_an_older_itsdangerous_are_read() {
    let gallery = Gallery::start(&[]);
    let python = python();
    let mut old = Command::new(python);
    old.env("PYTHONPATH", tools().join("itsdangerous-1.1")).arg(here("strangers.py")).arg("1.1");
    judge(&gallery, &run(&mut old, ""));
}

#[test]
fn rails_and_the_gallery_read_each_other() {
    let gallery = Gallery::start(&[]);
    let rails = Rails::by_key_base(&Secret::new("0123456789abcdef0123456789abcdef"));
    let ends = Some(SystemTime::now() + Duration::from_secs(60));
    let ours = json!({
        "rails": rails.seal("user_id", &7, ends),
        "rails_older": rails.making_older().seal("user_id", &7, None),
    });
    judge(&gallery, &run(Command::new("ruby").arg(here("strangers.rb")), &ours.to_string()));
}

#[test]
fn express_jose_and_auth_js_and_the_gallery_read_each_other() {
    let gallery = Gallery::start(&[]);
    let ends = SystemTime::now() + Duration::from_secs(60);
    let auth = AuthJs::sealed_by(Secret::new("correct horse battery staple correct horse"));
    let shared = JweKey::direct(JweEncryption::A256Gcm, &Secret::new((0..=31).collect::<Vec<u8>>())).unwrap();
    let ours = json!({
        "express": Express::signed_by(Secret::new("keyboard cat")).seal("s3ss10n-id-0001"),
        "cookie_session": CookieSession::signed_by(Secret::new("key2")).seal("session", &json!({ "user": "emma" })),
        "auth_js": auth.seal("authjs.session-token", json!({ "sub": "5" }), ends),
        "jwe": shared.seal(json!({ "sub": "emma" }).to_string().as_bytes(), false),
    });
    let site = format!("http://{}", gallery.address());
    let made = run(Command::new("node").arg(here("strangers.mjs")).arg(node()).arg(site), &ours.to_string());
    judge(&gallery, &made);
}
