//! The document that the services print is valid, the same for all three, and says what they do: schemathesis, which makes requests out
//! of it, finds nothing.
//!
//! Both tools are installed into `.tools` of the repository, which git ignores, unless they are there already.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use countersign_conformance::wire::Request;
use people_tests::{FRAMEWORKS, Service, binary, everywhere_with};
use serde_json::{Value, json};

/// A sign-in that fails a thousand times is what schemathesis is for; how many are too many, others test.
const CONFIG: &str = "[throttle]\nper_name_and_address = 1000000\nper_name = 1000000\nper_address = 1000000\n";

/// The schema of what `GET /health` answers.
const HEALTH: &str = "/paths/~1health/get/responses/200/content/application~1json/schema";

/// A tool of Python's registry, in a place of its own.
fn tool(place: &str, package: &str, program: &str) -> PathBuf {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3).unwrap().join(".tools").join(place);
    if !home.join("ready").exists() {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&home).status().unwrap();
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", package];
        let installed = Command::new(home.join("bin/python")).args(pip).status().unwrap();
        assert!(made.success() && installed.success(), "{package}");
        fs::write(home.join("ready"), "").unwrap();
    }
    home.join("bin").join(program)
}

/// A file of this run's own.
fn file(name: &str, text: &str) -> PathBuf {
    let path = env::temp_dir().join(format!("people-openapi-{}-{name}", std::process::id()));
    fs::write(&path, text).unwrap();
    path
}

fn printed(framework: &str) -> String {
    let output = Command::new(binary(framework)).arg("--openapi").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{framework}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn document() -> Value {
    serde_json::from_str(&printed(FRAMEWORKS[0])).unwrap()
}

/// What schemathesis finds, made of this document and sent to this service as an admin.
fn found(service: &Service, document: &Value, flags: &[&str]) -> Result<String, String> {
    let path = file("st.json", &document.to_string());
    let run = Command::new(tool("schemathesis", "schemathesis==4.32.5", "st"))
        .current_dir(env::temp_dir())
        .arg("run")
        .arg(&path)
        .args(["--url", &format!("http://{}", service.address()), "--auth", "jacob:jacob-is-admin"])
        .args(["--max-examples", "12", "--generation-deterministic", "--no-color"])
        .args(["--phases", "examples,coverage,fuzzing", "--continue-on-failure", "--warnings", "off"])
        .args(flags)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    if run.status.success() { Ok(text) } else { Err(text) }
}

#[test]
fn all_three_print_one_valid_document() {
    let texts = FRAMEWORKS.map(printed);
    for (framework, text) in FRAMEWORKS.iter().zip(&texts) {
        assert_eq!(*text, texts[0], "{framework} differs from {}", FRAMEWORKS[0]);
    }
    let python = tool("openapi", "openapi-spec-validator==0.9.0", "python");
    let valid = |document: &Value| {
        let path = file("valid.json", &document.to_string());
        Command::new(&python).args(["-m", "openapi_spec_validator"]).arg(path).output().unwrap()
    };
    let mut document: Value = serde_json::from_str(&texts[0]).unwrap();
    let said = valid(&document);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
    document["paths"]["/keys"]["post"]["responses"] = json!([]);
    assert!(!valid(&document).status.success(), "it looks");
}

#[test]
fn every_route_takes_what_the_document_says() {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 27, "{:?}", paths.keys().collect::<Vec<_>>());
    everywhere_with(&[], |talk| {
        for (path, operations) in paths {
            for (method, operation) in operations.as_object().unwrap() {
                let target = path.replace("{name}", "emily").replace("{other}", "emma").replace("{id}", "1");
                let request = Request::new(&method.to_uppercase(), &target);
                let response = talk.ask_unrecorded(path, &request);
                let schemes = operation["security"].as_array().unwrap();
                let is_open = schemes.is_empty() || schemes.contains(&json!({}));
                let (status, framework) = (response.status(), talk.service().framework());
                assert!(
                    operation["responses"][status.to_string()].is_object(),
                    "{framework} {method} {path}: {status}"
                );
                assert_eq!(status == 401, !is_open, "{framework} {method} {path}: {status}");
                assert!(operation["summary"].is_string(), "{method} {path}");
            }
        }
    });
}

#[test]
fn schemathesis_finds_nothing() {
    let config = file("people.toml", CONFIG);
    let service = Service::start(FRAMEWORKS[0], &["--config", config.to_str().unwrap()]);
    let document = document();
    // What a valid body asks for, such as scopes, may be more than the caller has.
    let checks = ["--exclude-checks", "positive_data_acceptance"];
    if let Err(text) = found(&service, &document, &checks) {
        panic!("{text}");
    }

    // And it would: by a wrong status, by a member that is not there, by a route that is open and should not be.
    for (path, pointer, value) in [
        ("/me", "/paths/~1me/get/responses", json!({ "204": { "description": "wrong" } })),
        ("/health", HEALTH, json!({ "type": "object", "required": ["nothing"] })),
        ("/health", "/paths/~1health/get/security", json!([{ "basic": [] }])),
    ] {
        let mut wrong = document.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        let said = found(&service, &wrong, &[&checks[..], &["--include-path", path]].concat());
        assert!(said.is_err(), "{pointer}: {said:?}");
    }
}
