//! What holds for every route: starting, stopping, and what there is not.

use crate::{
    service::{Gallery, failing},
    tls::Tls,
};
use std::process::Command;

use countersign_conformance::wire::Request;

#[test]
fn the_front_page_is_for_everybody() {
    let gallery = Gallery::start(&[]);
    let page = gallery.expect(200, &Request::get("/"));
    assert_eq!(page.field("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.text().contains("Mufasa") && page.text().contains("Circle of Life"));
    assert_eq!(gallery.expect(200, &Request::new("HEAD", "/")).body(), b"");
    assert!(gallery.stop().success());
}

#[test]
fn an_unknown_path_and_another_method_are_problems_and_pages_for_browsers() {
    let gallery = Gallery::start(&[]);
    let rows = [(Request::get("/nowhere"), 404), (Request::post("/"), 405), (Request::new("DELETE", "/nowhere"), 404)];
    for (request, status) in rows {
        let problem = gallery.expect(status, &request);
        assert_eq!(problem.field("content-type"), Some("application/problem+json"));
        assert!(problem.text().contains(&format!("\"status\":{status}")), "{}", problem.text());
        let page = gallery.expect(status, &request.clone().with("Accept", "text/html"));
        assert_eq!(page.field("content-type"), Some("text/html; charset=utf-8"));
        let script = request.with("Accept", "text/html").with("Sec-Fetch-Mode", "cors");
        assert_eq!(gallery.expect(status, &script).field("content-type"), Some("application/problem+json"));
    }
    assert_eq!(gallery.expect(405, &Request::post("/")).members("allow"), ["get", "head"]);
}

#[test]
fn what_keeps_it_from_starting_is_one_line_and_exit_code_2() {
    let (missing, empty) = ("/nowhere/certificate.pem", "/dev/null");
    for flags in [
        &["--unknown"][..],
        &["--listen", "nowhere"],
        &["--listen", "192.0.2.1:1"],
        &["--listen-tls", "127.0.0.1:0"],
        &["--listen-tls", "127.0.0.1:0", "--certificate", missing, "--private-key", missing],
        &["--listen-tls", "127.0.0.1:0", "--certificate", empty, "--private-key", empty],
        &["--nonce-life", "0"],
        &["--clock-offset", "yesterday"],
        &["--shared", "http://127.0.0.1"],
        &["--shared", "redis://127.0.0.1:1"],
    ] {
        let (code, said) = failing(flags);
        assert_eq!((code, said.lines().count()), (Some(2), 1), "{flags:?}: {said}");
    }
}

#[test]
fn each_line_works_when_it_is_pasted() {
    let tls = Tls::new();
    let gallery = Gallery::start(&tls.flags());
    let (page, lines) = (gallery.expect(200, &Request::get("/")).text(), gallery.pasted());
    for route in [
        "/digest/md5",
        "/digest/md5-sess",
        "/digest/sha-256",
        "/digest/sha-256-sess",
        "/digest/sha-512-256",
        "/digest/sha-512-256-sess",
        "/sigv4/{*rest}",
        "/amazon-v2/{*rest}",
        "/oauth1/{*rest}",
        "/couchdb/_session",
        "/jwe/jwks.json",
        "/two-token/sign-in",
        "/two-token/act",
        "/auth-key/authenticate",
        "/transient/tokens",
        "/oidc/sign-in",
        "/dbsc/sign-in",
        "/dbsc/register",
        "/dbsc/refresh",
    ] {
        assert!(lines.iter().any(|(path, _)| path == route), "{route}");
    }
    assert!(lines.len() > 55);
    for (path, line) in lines {
        assert!(page.contains(&format!("<code>{path}</code>")), "{path}");
        // Nobody but whoever started the gallery has a client CA.
        if matches!(&*path, "/certificate" | "/bound") {
            continue;
        }
        let said = Command::new("bash").args(["-c", &line]).output().unwrap();
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let good = match &*path {
            "/.well-known/oauth-protected-resource/mcp" => said.contains("\"resource\":\"http://"),
            "/backchannel-logout" | "/dbsc/refresh" => said.starts_with("HTTP/1.1 200 "),
            "/two-token/sign-in" | "/oidc/sign-in" | "/dbsc/sign-in" => said.starts_with("HTTP/1.1 204 "),
            "/couchdb/_session" => said.contains("\"ok\":true") && said.contains("\"name\":\"root\""),
            "/jwe/jwks.json" => said.starts_with("{\"keys\":["),
            "/auth-key/authenticate" => said.contains("\"auth_key\":\""),
            "/transient/tokens" => said.contains("\"token\":\""),
            "/dbsc/register" => said.contains("\"session_identifier\":\""),
            _ => said.starts_with("{\"caller\":{") && said.contains("\"name\":\""),
        };
        assert!(good, "{path}: {line}: {said}");
    }
}
