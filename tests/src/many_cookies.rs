//! Cookies in fields of their own, as HTTP/2 lets clients send them (RFC 9113 §8.2.3), asked by curl.
//!
//! An adapter starts a server of its framework that speaks HTTP/2, with [`gate`] enforced in front of `GET /me`, whose handler answers with the
//! principal and with how many `Cookie` fields there are, as in `emily, 3`. Then [`they_are_served_or_refused_alike`] asks it.

use std::{net::SocketAddr, process::Command};

use countersign::{
    Answer, Bearer, Gate, Verified, credential::CookieCredential, verifier::TokenTable, verifier::verify_now_with,
};

use crate::{
    credentials::session,
    service::{clock, cookie_named},
};

/// A gate that knows one session, and one token.
///
/// # Panics
/// When the gate cannot be built.
#[must_use]
pub fn gate() -> Gate<String> {
    let sessions = verify_now_with(|cookie: &CookieCredential| match cookie.value().matches(b"emily-session") {
        true => Verified::new("emily".to_owned()).into(),
        false => Answer::Refused,
    });
    Gate::in_realm("people")
        .accept(cookie_named("session"), sessions)
        .accept(Bearer, TokenTable::new().with("emmas-long-random-token", Verified::new("emma".to_owned())))
        .timed_by(clock())
        .build()
        .expect("a gate")
}

/// Asks with few and with hundreds of `Cookie` fields: see the [module](self). `secure` over TLS, else in the clear with prior knowledge.
///
/// # Panics
/// When an answer is another than it must be.
pub fn they_are_served_or_refused_alike(address: SocketAddr, secure: bool) {
    // Over TLS the name says so, and no other counts.
    let name = if secure { "__Host-session" } else { "session" };
    let right = || format!("{name}={}", session());
    let wrong = || format!("{name}=b");
    let of_others = |count: usize| vec!["a=b".to_owned(); count];
    for others in [0, 1, 400] {
        let with = |before: &[String], behind: &[String]| [before, &of_others(others), behind].concat();
        let seen = |name: &str, more: usize| (200, format!("{name}, {}", others + more));
        let token = Some("emmas-long-random-token");
        let rows = [
            (with(&[], &[right()]), None, Some(seen("emily", 1))),
            (with(&[right()], &[]), None, Some(seen("emily", 1))),
            (with(&[right()], &[]), token, Some(seen("emma", 1))),
            (with(&[right()], &[right()]), None, None),
            (with(&[wrong()], &[right()]), None, None),
            (with(&[wrong()], &[]), None, None),
            (with(&[], &[]), None, None),
            (with(&[], &[]), Some("nonsense"), None),
            (vec![wrong(); others + 1], None, None),
        ];
        for (number, (cookies, token, expected)) in rows.into_iter().enumerate() {
            let refusal = match (number, others) {
                (3 | 4, _) | (8, 1..) => 400,
                _ => 401,
            };
            let (status, text) = ask(address, secure, &cookies, token);
            let seen = (status, if expected.is_some() { text } else { String::new() });
            assert_eq!(seen, expected.unwrap_or((refusal, String::new())), "row {number}, beside {others} others");
        }
    }
}

fn ask(address: SocketAddr, secure: bool, cookies: &[String], token: Option<&str>) -> (u16, String) {
    let mut curl = Command::new("curl");
    match secure {
        true => curl.args(["--http2", "--insecure"]).arg(format!("https://{address}/me")),
        false => curl.arg("--http2-prior-knowledge").arg(format!("http://{address}/me")),
    };
    curl.args(["--silent", "--show-error", "--max-time", "30", "--noproxy", "*"]);
    curl.args(["--write-out", "\n%{http_version} %{http_code}"]);
    cookies.iter().for_each(|cookie| _ = curl.args(["--header", &format!("Cookie: {cookie}")]));
    token.iter().for_each(|token| _ = curl.args(["--header", &format!("Authorization: Bearer {token}")]));
    let said = curl.output().expect("curl is installed");
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let (body, told) = text.rsplit_once('\n').unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&said.stderr)));
    match told.split_once(' ') {
        Some(("2", status)) => (status.parse().expect("a status"), body.to_owned()),
        _ => panic!("{told}: {}", String::from_utf8_lossy(&said.stderr)),
    }
}
