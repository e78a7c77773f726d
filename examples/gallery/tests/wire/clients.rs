//! Clients of others that show what they have: the library `dpop` on Node, Python's own TLS with PyJWT, and Chromium with a key of its own. The first two
//! are installed into `.tools` of the repository, which git ignores, unless they are there already.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{service::Gallery, tls::Tls};

const DPOP: [&str; 2] = ["dpop@2.1.2", "jose@6.2.18"];
const PYJWT: [&str; 2] = ["PyJWT==2.15.1", "cryptography==50.0.2"];

fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools")
}

fn run(command: &mut Command, input: &str) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?} fails");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_library_dpop_shows_its_key() {
    let home = tools().join("dpop");
    if !home.join("node_modules/dpop/package.json").exists() {
        std::fs::create_dir_all(&home).unwrap();
        run(Command::new("npm").args(["install", "--silent", "--no-save", "--prefix"]).arg(&home).args(DPOP), "");
    }
    let gallery = Gallery::start(&[]);
    let script = ["--input-type=module", "-e", include_str!("../strangers/dpop.mjs")];
    let answers = run(Command::new("node").args(script).arg(gallery.site()).current_dir(&home), "");
    // Once, and no more; a nonce is asked for; once with it.
    let expected = json!([200, 401, 401, 200, 401]);
    assert_eq!(serde_json::from_str::<Value>(&answers).unwrap(), json!({ "ES256": expected, "Ed25519": expected }));
}

#[test]
fn python_shows_its_certificate() {
    let home = tools().join("pyjwt");
    let python = home.join("bin/python");
    if !home.join("ready").exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&home), "");
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PYJWT), "");
        std::fs::write(home.join("ready"), "").unwrap();
    }
    let tls = Tls::new();
    let gallery = Gallery::start(&tls.flags());
    let [ca, certificate, key] = tls.client_files(&tls.client("a client", &["emma@gallery.example"]));
    let told = json!({ "port": gallery.tls().port(), "ca": ca, "certificate": certificate, "key": key });
    let said = run(Command::new(&python).arg("-c").arg(include_str!("../strangers/tls.py")), &told.to_string());
    assert_eq!(said, "done\n");
}

#[test]
fn chromium_keeps_a_session_bound_to_a_key_of_its_own() {
    let tls = Tls::new();
    let gallery = Gallery::start(&tls.flags());
    let [ca, ..] = tls.client_files(&tls.client("nobody", &[]));
    let told = json!({ "port": gallery.tls().port(), "ca": ca });
    let script = ["-c", include_str!("../strangers/device.py")];
    assert_eq!(run(Command::new("python3").args(script), &told.to_string()), "done\n");
}
