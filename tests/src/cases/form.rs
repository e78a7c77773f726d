//! How a credential is spelt.

use crate::{
    credentials::{base64, basic, basic_of},
    expectation::{ALL, Refusal},
    harness::Quirk,
    lab::Lab,
    wire::Request,
};

const EMILY_BY_BASIC: &str = "emily by basic; scopes reports:read; roles member; ends never";
const EMILY_BY_BEARER: &str = "emily by bearer; scopes reports:read; roles member; ends never";
const EMILY_BY_KEY: &str = "emily by api-key; scopes reports:read; roles member; ends never";

fn me(authorization: impl AsRef<[u8]>) -> Request {
    Request::get("/me").with("Authorization", authorization)
}

pub(crate) fn a_scheme_is_named_in_any_case_h1(lab: &Lab) {
    for keyword in ["bearer", "BEARER", "bEaReR"] {
        lab.ask(me(format!("{keyword} emily-reads"))).admitted(EMILY_BY_BEARER);
    }
    let pair = base64(b"emily:emily:s3cret");
    for keyword in ["basic", "BASIC", "bASIC"] {
        lab.ask(me(format!("{keyword} {pair}"))).admitted(EMILY_BY_BASIC);
    }
    for keyword in ["token", "TOKEN"] {
        lab.ask(me(format!("{keyword} emily-reads"))).admitted(EMILY_BY_KEY);
    }
}

pub(crate) fn spaces_before_a_credential_do_not_matter_h1(lab: &Lab) {
    for spaces in ["  ", "     "] {
        lab.ask(me(format!("Bearer{spaces}emily-reads"))).admitted(EMILY_BY_BEARER);
        lab.ask(me(format!("Basic{spaces}{}", base64(b"emily:emily:s3cret")))).admitted(EMILY_BY_BASIC);
        lab.ask(me(format!("Token{spaces}emily-reads"))).admitted(EMILY_BY_KEY);
    }
}

/// RFC 9110 §11.4 has spaces there and nothing else. It is no unknown scheme either, which would count as absent.
pub(crate) fn a_tab_before_a_credential_is_malformed(lab: &Lab) {
    for blanks in ["\t", " \t", "\t ", " \t "] {
        for route in ["/me", "/visitor"] {
            let ask = |credential: String| lab.ask(Request::get(route).with("Authorization", credential));
            ask(format!("Bearer{blanks}emily-reads")).refused(&Refusal::wrong_token(&ALL)).without_verifying();
            ask(format!("Basic{blanks}{}", base64(b"emily:emily:s3cret")))
                .refused(&Refusal::wrong(&ALL))
                .without_verifying();
            ask(format!("Token{blanks}emily-reads")).refused(&Refusal::wrong(&ALL)).without_verifying();
        }
    }
}

pub(crate) fn blanks_around_a_field_do_not_matter_h1(lab: &Lab) {
    for line in [
        "Authorization:Bearer emily-reads",
        "Authorization:   Bearer emily-reads",
        "Authorization:\tBearer emily-reads",
        "Authorization: Bearer emily-reads  ",
        "Authorization: Bearer emily-reads\t",
    ] {
        lab.ask(Request::get("/me").with_line(line)).admitted(EMILY_BY_BEARER);
    }
    for line in ["X-API-Key:emily-reads", "X-API-Key: \t emily-reads \t"] {
        lab.ask(Request::get("/me").with_line(line)).admitted(EMILY_BY_KEY);
    }
}

pub(crate) fn a_field_is_named_in_any_case_h1(lab: &Lab) {
    for name in ["authorization", "AUTHORIZATION", "aUTHORIZATION"] {
        lab.ask(Request::get("/me").with(name, "Bearer emily-reads")).admitted(EMILY_BY_BEARER);
    }
    for name in ["x-api-key", "X-API-KEY", "x-Api-kEy"] {
        lab.ask(Request::get("/me").with(name, "emily-reads")).admitted(EMILY_BY_KEY);
    }
}

pub(crate) fn base64_is_strict_h4(lab: &Lab) {
    // `door:` and an empty password; the right spelling is ZG9vcjo=
    lab.ask(me("Basic ZG9vcjo=")).admitted("door by basic; scopes none; roles none; ends never");
    for text in
        ["ZG9vcjo", "ZG9vcjo==", "ZG9vcjp=", "ZG9v cjo=", "ZG9vcjo=x", "ZG9vcjo=,", "ZG9vcjo_", "=ZG9vcjo", "%5A"]
    {
        lab.ask(me(format!("Basic {text}"))).refused(&Refusal::wrong(&ALL)).without_verifying();
    }
}

pub(crate) fn a_name_without_a_colon_is_malformed_h4(lab: &Lab) {
    for name in ["door", "emily", ""] {
        lab.ask(me(basic_of(name.as_bytes()))).refused(&Refusal::wrong(&ALL)).without_verifying();
    }
}

pub(crate) fn an_empty_password_is_a_password_h4(lab: &Lab) {
    lab.ask(me(basic("door", ""))).admitted("door by basic; scopes none; roles none; ends never");
    lab.ask(me(basic("emily", ""))).refused(&Refusal::wrong(&ALL)).verifying(&["basic"]);
}

pub(crate) fn an_empty_name_is_nobody_h4(lab: &Lab) {
    for pair in [":", ":emily:s3cret", "::"] {
        lab.ask(me(basic_of(pair.as_bytes()))).refused(&Refusal::wrong(&ALL));
    }
}

pub(crate) fn the_first_colon_divides_h4(lab: &Lab) {
    lab.ask(me(basic_of(b"emily:emily:s3cret"))).admitted(EMILY_BY_BASIC);
    for pair in ["emily:s3cret", "emily:emily", "emily:emily:s3cret:"] {
        lab.ask(me(basic_of(pair.as_bytes()))).refused(&Refusal::wrong(&ALL));
    }
}

pub(crate) fn names_and_passwords_are_utf_8_h4(lab: &Lab) {
    lab.ask(Request::get("/enforced").with("Authorization", basic("jürgen", "grüße"))).admitted("this is /enforced");
    lab.ask(me(basic("emma", "pässwörd-emma")))
        .admitted("emma by basic; scopes reports:read; roles member; ends never");
    // The same name and password in ISO-8859-1, and with its letters decomposed.
    for pair in [&b"emma:p\xe4ssw\xf6rd-emma"[..], "emma:pa\u{308}sswo\u{308}rd-emma".as_bytes(), b"emma:p?ssw?rd-emma"]
    {
        lab.ask(me(basic_of(pair))).refused(&Refusal::wrong(&ALL));
    }
}

pub(crate) fn control_characters_are_malformed_h4(lab: &Lab) {
    for pair in [&b"door:\0"[..], b"door:\n", b"door\r:", b"door:\x7f", b"\tdoor:", "door:\u{80}".as_bytes()] {
        lab.ask(me(basic_of(pair))).refused(&Refusal::wrong(&ALL)).without_verifying();
    }
}

pub(crate) fn a_keyword_is_stripped_once_h5(lab: &Lab) {
    lab.ask(me("Bearer Bearer emily-reads")).refused(&Refusal::wrong_token(&ALL)).without_verifying();
    lab.ask(me("Token Bearer emily-reads")).refused(&Refusal::wrong(&ALL)).without_verifying();
    lab.ask(Request::get("/me").with("X-API-Key", "Token emily-reads"))
        .refused(&Refusal::wrong(&ALL))
        .without_verifying();
    // A token may look like a keyword.
    lab.ask(me("Bearer Bearer")).refused(&Refusal::wrong_token(&ALL)).verifying(&["bearer"]);
}

pub(crate) fn a_token_with_odd_characters_is_malformed_h3(lab: &Lab) {
    for token in
        ["emily-reads x", "a b c", "emily-reads,", "\"emily-reads\"", "a=b", "=", "emily-reads;", "emily%2Dreads"]
    {
        lab.ask(me(format!("Bearer {token}"))).refused(&Refusal::wrong_token(&ALL)).without_verifying();
        lab.ask(Request::get("/me").with("X-API-Key", token)).refused(&Refusal::wrong(&ALL)).without_verifying();
    }
}

pub(crate) fn a_token_that_is_not_utf_8_is_malformed_h3(lab: &Lab) {
    let refusal =
        if lab.meets(Quirk::DropsFieldsThatAreNotUtf8) { Refusal::unasked(&ALL) } else { Refusal::wrong_token(&ALL) };
    lab.ask(me(b"Bearer emily-reads\xff")).refused(&refusal).without_verifying();
    lab.ask(me(b"Bearer \xc3\x28")).refused(&refusal).without_verifying();
    lab.ask(me(b"Basic ZG9vcjo=\xff")).refused(&Refusal::wrong(&ALL)).without_verifying();
    // UTF-8, and no token all the same: it arrives everywhere.
    lab.ask(me("Bearer emily-reäds")).refused(&Refusal::wrong_token(&ALL)).without_verifying();
}

pub(crate) fn a_visitor_with_a_token_that_is_not_utf_8_is_refused_h3(lab: &Lab) {
    let reply = lab.ask(Request::get("/visitor").with("Authorization", b"Bearer emily-reads\xff"));
    if lab.meets(Quirk::DropsFieldsThatAreNotUtf8) {
        reply.admitted("nobody");
    } else {
        reply.refused(&Refusal::wrong_token(&ALL));
    }
}

pub(crate) fn a_key_that_is_not_utf_8_is_malformed_h3(lab: &Lab) {
    lab.ask(Request::get("/me").with("X-API-Key", b"emily-reads\xff"))
        .refused(&Refusal::wrong(&ALL))
        .without_verifying();
    let reply = lab.ask(Request::get("/visitor").with("X-API-Key", b"\xff"));
    if lab.meets(Quirk::DropsFieldsThatAreNotUtf8) {
        reply.admitted("nobody");
    } else {
        reply.refused(&Refusal::wrong(&ALL));
    }
}

pub(crate) fn another_field_that_is_not_utf_8_hides_nothing(lab: &Lab) {
    lab.ask(me("Bearer emily-reads").with("User-Agent", b"\xff\xfe").with("Cookie", b"a=\xff; b=c"))
        .admitted(EMILY_BY_BEARER);
}

pub(crate) fn two_credentials_in_one_field_are_malformed(lab: &Lab) {
    lab.ask(me("Bearer emily-reads, Bearer emily-reads")).refused(&Refusal::wrong_token(&ALL)).without_verifying();
    lab.ask(me("Basic ZG9vcjo=, Bearer emily-reads")).refused(&Refusal::wrong(&ALL)).without_verifying();
}

pub(crate) fn an_empty_key_is_malformed(lab: &Lab) {
    for line in ["X-API-Key:", "X-API-Key: "] {
        for route in ["/me", "/visitor"] {
            lab.ask(Request::get(route).with_line(line)).refused(&Refusal::wrong(&ALL)).without_verifying();
        }
    }
}

pub(crate) fn an_unknown_name_reads_like_a_wrong_password(lab: &Lab) {
    let ask = |name| lab.ask(me(basic(name, "wrong"))).refused(&Refusal::wrong(&ALL));
    let (known, unknown) = (ask("emily"), ask("nobody-of-this-name"));
    assert_eq!(known.response().body(), unknown.response().body());
    let malformed = lab.ask(me("Basic nonsense"));
    assert_eq!(known.response().body(), malformed.response().body());
}

pub(crate) fn similar_tokens_are_not_the_token(lab: &Lab) {
    for token in ["emily-read", "emily-readss", "Emily-reads", "emily-reads=", "EMILY-READS"] {
        lab.ask(me(format!("Bearer {token}"))).refused(&Refusal::wrong_token(&ALL)).verifying(&["bearer"]);
    }
}

pub(crate) fn a_host_that_is_named_twice_is_refused(lab: &Lab) {
    for route in GUARDED {
        for host in ["conformance.example", "other.example", ""] {
            lab.ask(bearer(route).with("Host", host)).left_to_the_framework(&[400]).without_verifying();
            lab.ask(bearer(route).without_host().with("Host", host).with("Host", "conformance.example"))
                .left_to_the_framework(&[400])
                .without_verifying();
        }
        lab.ask(Request::get(route).with("Host", "conformance.example")).left_to_the_framework(&[400]);
    }
    lab.still_serves();
}

pub(crate) fn a_host_that_is_none_is_refused(lab: &Lab) {
    for route in GUARDED {
        for host in
            ["a b", "a/b", "http://conformance.example", "emily@conformance.example", "a:b", "a:1:1", "[::1", "a%zz"]
        {
            lab.ask(bearer(route).without_host().with("Host", host)).left_to_the_framework(&[400]).without_verifying();
        }
    }
    lab.still_serves();
}

/// Routes that somebody guards, for whomever.
const GUARDED: [&str; 3] = ["/me", "/enforced", "/visitor"];

fn bearer(route: &str) -> Request {
    Request::get(route).with("Authorization", "Bearer emily-reads")
}
