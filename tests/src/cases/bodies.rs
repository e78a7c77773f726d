//! A guard decides before a body is read.

use std::time::{Duration, Instant};

use crate::{
    expectation::{ALL, Refusal},
    harness::Quirk,
    lab::{Lab, Reply},
    service::{CHUNKS, LIMIT},
    wire::Request,
};

fn post(route: &str, token: &str) -> Request {
    Request::post(route).with("Authorization", format!("Bearer {token}"))
}

const RAIN: &str = r#"{"title":"rain"}"#;

/// Asks with a body that is announced and never comes; its first 14 bytes do where a framework waits for them, which is all
/// that it may wait for.
pub(super) fn announced<'l>(lab: &'l Lab, request: &Request) -> Reply<'l> {
    let request = request.clone().with_json(RAIN).without_its_body();
    let mut line = lab.line();
    line.say(&request.bytes());
    if lab.meets(Quirk::WaitsForBodies) {
        line.say(&RAIN.as_bytes()[..14]);
    }
    line.hear(&request)
}

/// Bodies that no handler of a report can read.
const BAD_BODIES: [(&str, &str); 4] = [
    ("application/json", "{"),
    ("application/json", r#"{"text":"rain"}"#),
    ("application/json", ""),
    ("text/plain", r#"{"title":"rain"}"#),
];

/// What frameworks say to those.
const BAD_BODY: [u16; 4] = [400, 404, 415, 422];

pub(crate) fn a_good_body_of_a_good_caller_is_read(lab: &Lab) {
    lab.ask(post("/reports", "emily-writes").with_json(r#"{"title":"rain"}"#))
        .admitted(r#""rain" by emily"#)
        .verifying(&["bearer"]);
    lab.ask(post("/slow", "slow-yes").with_json(r#"{"title":"rain"}"#)).admitted("this is /slow");
}

pub(crate) fn a_bad_body_of_a_good_caller_is_the_frameworks(lab: &Lab) {
    for (content_type, body) in BAD_BODIES {
        lab.ask(post("/reports", "emily-writes").with_body(content_type, body)).left_to_the_framework(&BAD_BODY);
    }
}

pub(crate) fn a_bad_body_of_a_stranger_is_not_read_h11(lab: &Lab) {
    for (content_type, body) in BAD_BODIES {
        lab.ask(Request::post("/reports").with_body(content_type, body)).refused(&Refusal::unasked(&ALL));
        lab.ask(post("/reports", "nonsense").with_body(content_type, body)).refused(&Refusal::wrong_token(&ALL));
    }
}

pub(crate) fn a_bad_body_without_the_scope_is_not_read_h11(lab: &Lab) {
    for (content_type, body) in BAD_BODIES {
        lab.ask(post("/reports", "emily-reads").with_body(content_type, body))
            .refused(&Refusal::missing_scope("reports:write"));
    }
}

pub(crate) fn a_bad_body_beside_a_slow_verifier_is_not_read_h11(lab: &Lab) {
    for (content_type, body) in BAD_BODIES {
        lab.ask(post("/slow", "slow-no").with_body(content_type, body)).refused(&Refusal::wrong_token(&ALL));
        lab.ask(post("/reports", "slow-no").with_body(content_type, body)).refused(&Refusal::wrong_token(&ALL));
        lab.ask(post("/slow", "slow-outage").with_body(content_type, body)).refused(&Refusal::unavailable());
    }
}

pub(crate) fn a_bad_body_in_an_outage_is_not_read_h11(lab: &Lab) {
    for (content_type, body) in BAD_BODIES {
        lab.ask(post("/reports", "outage").with_body(content_type, body)).refused(&Refusal::unavailable());
        lab.ask(post("/reports", "emily-writes").with("X-API-Key", "a").with_body(content_type, body))
            .refused(&Refusal::ambiguous());
    }
}

pub(crate) fn a_body_that_never_comes_is_not_waited_for_h11(lab: &Lab) {
    for route in ["/reports", "/upload", "/limited", "/slow"] {
        announced(lab, &Request::post(route)).refused(&Refusal::unasked(&ALL));
        announced(lab, &post(route, "slow-no")).refused(&Refusal::wrong_token(&ALL));
    }
}

pub(crate) fn a_body_is_not_asked_for_from_a_stranger_h11(lab: &Lab) {
    let request = Request::post("/reports").with("Expect", "100-continue");
    let reply = announced(lab, &request).refused(&Refusal::unasked(&ALL));
    let asked: &[u16] = if lab.meets(Quirk::ContinuesUnasked) { &[100] } else { &[] };
    assert_eq!(reply.response().interim(), asked);

    let mut line = lab.line();
    let known = request.with_json(RAIN).with("Authorization", "Bearer emily-writes");
    line.say(&known.clone().without_its_body().bytes());
    // A client waits for 100 here; this one does not, and is understood all the same.
    line.say(RAIN.as_bytes());
    line.hear(&known).admitted(r#""rain" by emily"#);
}

pub(crate) fn a_refused_body_is_not_the_next_request(lab: &Lab) {
    let hidden = b"GET /me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer emily-reads\r\n\r\n";
    for request in [
        Request::post("/reports").with_body("application/json", hidden),
        Request::post("/upload").with_chunks("application/octet-stream", &[hidden]),
        Request::post("/slow").with("Authorization", "Bearer slow-no").with_body("application/json", hidden),
    ] {
        let mut line = lab.line();
        let first = line.ask(&request);
        assert_eq!(first.response().status(), 401);
        let next = Request::get("/visitor").with("Connection", "close");
        line.say(&next.bytes());
        // The connection may be closed, or serve the next request: never the one in the body.
        match line.connection().answer(&next) {
            Ok(response) => assert_eq!(response.text(), "nobody"),
            Err(failure) => assert!(matches!(failure, crate::wire::Failure::Closed), "{failure}"),
        }
        assert!(line.connection().is_closed_by_server());
        let ran = lab.handlers();
        assert!(ran.is_empty() || ran == ["/visitor"], "{ran:?}");
    }
}

pub(crate) fn a_limit_of_the_framework_holds(lab: &Lab) {
    lab.ask(post("/limited", "emily-reads").with_body("application/octet-stream", "x".repeat(LIMIT)))
        .admitted("1024 bytes");
    lab.ask(post("/limited", "emily-reads").with_body("application/octet-stream", "x".repeat(LIMIT + 1)))
        .left_to_the_framework(&[413]);
}

pub(crate) fn a_limit_of_the_framework_is_not_told_to_strangers(lab: &Lab) {
    lab.ask(Request::post("/limited").with_body("application/octet-stream", "x".repeat(LIMIT + 1)))
        .refused(&Refusal::unasked(&ALL));
}

pub(crate) fn a_streamed_body_arrives(lab: &Lab) {
    lab.ask(post("/upload", "emily-reads").with_body("application/octet-stream", "x".repeat(1 << 20)))
        .admitted("1048576 bytes");
    lab.ask(post("/upload", "slow-yes").with_body("application/octet-stream", "x".repeat(1 << 16)))
        .admitted("65536 bytes");
    lab.ask(post("/upload", "emily-reads").with_body("application/octet-stream", "")).admitted("0 bytes");
}

pub(crate) fn a_body_in_chunks_arrives(lab: &Lab) {
    lab.ask(post("/upload", "emily-reads").with_chunks("application/octet-stream", &[b"abc", b"de", b"f"]))
        .admitted("6 bytes");
    lab.ask(post("/reports", "emily-writes").with_chunks("application/json", &[br#"{"title""#, br#":"rain"}"#]))
        .admitted(r#""rain" by emily"#);
}

pub(crate) fn a_streamed_body_of_a_stranger_is_refused_at_once(lab: &Lab) {
    let request = Request::post("/upload").with("Content-Length", (1 << 30).to_string());
    let mut line = lab.line();
    line.say(&request.bytes());
    line.say(&[b'x'; 1024]);
    line.hear(&request).refused(&Refusal::unasked(&ALL));
}

/// Whoever was refused may go on sending: nobody listens, and the connection ends.
pub(crate) fn a_body_without_end_is_not_read_on(lab: &Lab) {
    for request in [
        Request::post("/upload").with("Transfer-Encoding", "chunked"),
        post("/upload", "slow-no").with("Transfer-Encoding", "chunked"),
        // The handler answers by itself, without having asked for the body.
        post("/uri", "emily-reads").with("Transfer-Encoding", "chunked"),
        Request::post("/upload").with("Content-Length", (1_u64 << 40).to_string()),
    ] {
        let mut line = lab.line();
        line.say(&request.bytes());
        line.say(b"10\r\n0123456789abcdef\r\n");
        let status = line.hear(&request).response().status();
        assert!(matches!(status, 200 | 400 | 401), "{status}");
        let chunk = [b"8000\r\n".as_slice(), &[b'x'; 0x8000], b"\r\n"].concat();
        let began = Instant::now();
        while line.connection().takes(&chunk) {
            assert!(began.elapsed() < Duration::from_secs(30), "it is read on and on");
        }
    }
    lab.still_serves();
}

pub(crate) fn a_streamed_answer_arrives(lab: &Lab) {
    let expected = format!("this is /stream{}", CHUNKS.concat());
    lab.ask(Request::get("/stream").with("Authorization", "Bearer emily-reads")).admitted(&expected);
    lab.ask(Request::get("/stream").with("Authorization", "Bearer slow-yes")).admitted(&expected);
}

pub(crate) fn a_streamed_answer_is_refused_like_any_other(lab: &Lab) {
    lab.ask(Request::get("/stream")).refused(&Refusal::unasked(&ALL));
    lab.ask(Request::get("/stream").with("Authorization", "Bearer nonsense")).refused(&Refusal::wrong_token(&ALL));
}
