//! Too long, too many, and what is no HTTP at all.

use crate::{
    expectation::{ALL, BASIC, Refusal},
    lab::Lab,
    wire::Request,
};

const LIMIT: usize = 8 * 1024;

fn me(authorization: &str) -> Request {
    Request::get("/me").with("Authorization", authorization)
}

pub(crate) fn a_credential_of_8_kib_is_looked_at(lab: &Lab) {
    let longest = "x".repeat(LIMIT);
    lab.ask(me(&format!("Bearer {longest}"))).refused(&Refusal::wrong_token(&ALL)).verifying(&["bearer"]);
    lab.ask(Request::get("/me").with("X-API-Key", &longest)).refused(&Refusal::wrong(&ALL)).verifying(&["api-key"]);
    // Blanks are not the credential.
    lab.ask(me(&format!("Bearer {}{longest}", " ".repeat(100)))).refused(&Refusal::wrong_token(&ALL));
}

pub(crate) fn a_credential_of_a_byte_more_is_refused(lab: &Lab) {
    let long = "x".repeat(LIMIT + 1);
    for request in [
        me(&format!("Bearer {long}")),
        me(&format!("Basic {long}")),
        me(&format!("Token {long}")),
        Request::get("/me").with("X-API-Key", &long),
        Request::get("/enforced").with("X-API-Key", &long),
    ] {
        lab.ask(request).refused(&Refusal::too_long()).without_verifying();
    }
}

pub(crate) fn a_gate_may_be_told_to_look_at_longer_ones(lab: &Lab) {
    let token = |length: usize| format!("person-{}", "x".repeat(length - "person-".len()));
    for length in [LIMIT, LIMIT + 1, 64 * 1024] {
        lab.ask(Request::get("/long").with("Authorization", format!("Bearer {}", token(length))))
            .admitted("this is /long")
            .verifying(&["bearer"]);
        lab.ask(Request::get("/long").with("X-API-Key", token(length))).admitted("this is /long");
    }
    lab.ask(Request::get("/long").with("Authorization", format!("Bearer {}", token(64 * 1024 + 1))))
        .refused(&Refusal::too_long())
        .without_verifying();
}

pub(crate) fn a_long_credential_of_a_kind_not_taken_is_absent(lab: &Lab) {
    let long = "x".repeat(LIMIT + 1);
    lab.ask(Request::get("/only-basic").with("Authorization", format!("Bearer {long}")))
        .refused(&Refusal::unasked(&[BASIC]));
    lab.ask(me(&format!("Mutual {long}"))).refused(&Refusal::unasked(&ALL));
    lab.ask(Request::get("/only-bearer").with("Authorization", "Bearer emily-reads").with("X-API-Key", &long))
        .admitted("this is /only-bearer");
}

pub(crate) fn a_long_credential_is_refused_before_an_ambiguity(lab: &Lab) {
    let long = "x".repeat(LIMIT + 1);
    lab.ask(me(&format!("Bearer {long}")).with("X-API-Key", "emily-reads"))
        .refused(&Refusal::too_long())
        .without_verifying();
    lab.ask(Request::get("/me").with("X-API-Key", "emily-reads").with("X-API-Key", &long))
        .refused(&Refusal::too_long())
        .without_verifying();
}

pub(crate) fn a_visitor_with_a_long_credential_is_refused(lab: &Lab) {
    let long = "x".repeat(LIMIT + 1);
    for route in ["/visitor", "/anonymous"] {
        lab.ask(Request::get(route).with("Authorization", format!("Bearer {long}"))).refused(&Refusal::too_long());
    }
}

pub(crate) fn a_head_of_a_megabyte_harms_nobody(lab: &Lab) {
    lab.ask(me(&format!("Bearer {}", "x".repeat(1 << 20)))).unreadable();
    lab.still_serves();
}

pub(crate) fn a_target_of_a_megabyte_harms_nobody(lab: &Lab) {
    lab.ask(Request::get(&format!("/me?{}", "x".repeat(1 << 20))).with("Authorization", "Bearer emily-reads"))
        .unreadable();
    lab.still_serves();
}

pub(crate) fn a_thousand_fields_harm_nobody(lab: &Lab) {
    let request = (0..1000).fold(me("Bearer emily-reads"), |request, nth| request.with(&format!("X-{nth}"), "x"));
    lab.ask(request).unreadable();
    lab.still_serves();
}

pub(crate) fn a_folded_line_is_never_half_read(lab: &Lab) {
    for fold in [" emily-reads", "\temily-reads", " Bearer emily-reads"] {
        lab.ask(me("Bearer").with_line(fold)).unreadable();
    }
    lab.ask(Request::get("/me").with("Accept", "*/*").with_line(" Authorization: Bearer emily-reads")).unreadable();
    lab.still_serves();
}

pub(crate) fn bytes_that_no_field_may_hold_reach_no_handler(lab: &Lab) {
    for line in [
        &b"Authorization: Bearer emily-reads\0"[..],
        b"Authorization: Bearer\0emily-reads",
        b"Authorization: Bearer emily-reads\x01",
        b"Authorization : Bearer emily-reads",
        b"Author\xefzation: Bearer emily-reads",
        b"Authorization Bearer emily-reads",
        b": Bearer emily-reads",
    ] {
        lab.ask(Request::get("/me").with_line(line)).unreadable();
    }
    lab.still_serves();
}

pub(crate) fn a_request_line_that_is_none_reaches_no_handler(lab: &Lab) {
    for line in ["GET  /me HTTP/1.1", "GET /me", "GET /me HTTP/9.9", "G@T /me HTTP/1.1", "/me HTTP/1.1"] {
        let mut connection = lab.line();
        let bytes = format!("{line}\r\nHost: x\r\nAuthorization: Bearer emily-reads\r\n\r\n");
        connection.say(bytes.as_bytes());
        connection.connection().finish();
        connection.hear(&Request::get("/me").with_line(line)).unreadable();
    }
    lab.still_serves();
}

pub(crate) fn two_lengths_of_a_body_reach_no_handler(lab: &Lab) {
    let post = || Request::post("/reports").with("Authorization", "Bearer emily-writes").with_json(r#"{"title":"x"}"#);
    lab.ask(post().with("Content-Length", "5")).unreadable();
    lab.still_serves();
}
