//! What a refusal tells the client to do.

use crate::{
    credentials::basic,
    expectation::{ALL, BASIC, BEARER, KEY, Refusal, WITHOUT_BASIC},
    lab::Lab,
    wire::Request,
};

pub(crate) fn a_wrong_token_is_told_so_h7(lab: &Lab) {
    for route in ["/me", "/enforced", "/demand", "/anonymous"] {
        let reply =
            lab.ask(Request::get(route).with("Authorization", "Bearer nonsense")).refused(&Refusal::wrong_token(&ALL));
        let described = reply.response().fields("www-authenticate").any(|value| value.contains("error_description=\""));
        assert!(described, "RFC 6750 §3: a developer is told what is wrong");
    }
    lab.ask(Request::get("/only-bearer").with("Authorization", "Bearer nonsense"))
        .refused(&Refusal::wrong_token(&[BEARER]));
}

pub(crate) fn a_wrong_password_is_told_no_error_h7(lab: &Lab) {
    lab.ask(Request::get("/me").with("Authorization", basic("emily", "wrong"))).refused(&Refusal::wrong(&ALL));
    lab.ask(Request::get("/only-basic").with("Authorization", basic("emily", "wrong")))
        .refused(&Refusal::wrong(&[BASIC]));
}

pub(crate) fn a_wrong_key_is_told_no_error_h7(lab: &Lab) {
    for (field, value) in [("X-API-Key", "nonsense"), ("Authorization", "Token nonsense")] {
        lab.ask(Request::get("/me").with(field, value)).refused(&Refusal::wrong(&ALL));
        lab.ask(Request::get("/only-key").with(field, value)).refused(&Refusal::wrong(&[KEY]));
    }
}

pub(crate) fn a_missing_scope_is_named_h7(lab: &Lab) {
    lab.ask(Request::get("/demand").with("Authorization", "Bearer emily-reads"))
        .refused(&Refusal::missing_scope("reports:write"));
    lab.ask(Request::get("/demand").with("Authorization", basic("emily", "emily:s3cret")))
        .refused(&Refusal::missing_scope("reports:write"));
    lab.ask(Request::post("/reports").with("X-API-Key", "emily-reads").with_json(r#"{"title":"x"}"#))
        .refused(&Refusal::missing_scope("reports:write"));
}

pub(crate) fn a_missing_role_is_not(lab: &Lab) {
    lab.ask(Request::get("/admin").with("Authorization", "Bearer emily-writes")).refused(&Refusal::forbidden());
}

pub(crate) fn a_script_is_not_asked_for_a_password(lab: &Lab) {
    for (field, value) in [
        ("X-Requested-With", "XMLHttpRequest"),
        ("Sec-Fetch-Mode", "cors"),
        ("Sec-Fetch-Mode", "same-origin"),
        ("Sec-Fetch-Mode", "no-cors"),
    ] {
        for route in ["/me", "/enforced"] {
            lab.ask(Request::get(route).with(field, value)).refused(&Refusal::unasked(&WITHOUT_BASIC));
        }
        lab.ask(Request::get("/me").with(field, value).with("Authorization", basic("emily", "wrong")))
            .refused(&Refusal::wrong(&WITHOUT_BASIC));
    }
}

pub(crate) fn a_script_is_asked_for_a_password_where_nothing_else_is_left(lab: &Lab) {
    lab.ask(Request::get("/only-basic").with("Sec-Fetch-Mode", "cors")).refused(&Refusal::unasked(&[BASIC]));
}

pub(crate) fn a_page_that_is_opened_is_asked_for_a_password(lab: &Lab) {
    lab.ask(Request::get("/me").with("Sec-Fetch-Mode", "navigate")).refused(&Refusal::unasked(&ALL));
}

pub(crate) fn every_scheme_has_a_field_of_its_own_h6(lab: &Lab) {
    let reply = lab.ask(Request::get("/me")).refused(&Refusal::unasked(&ALL));
    assert_eq!(reply.response().fields("www-authenticate").collect::<Vec<_>>(), ALL);
}

pub(crate) fn a_page_of_the_app_changes_neither_status_nor_challenges(lab: &Lab) {
    let html = |request: Request| request.with("Accept", "text/html");
    for (request, status, challenges) in [
        (Request::get("/me").with("Authorization", "Bearer nonsense"), 401, ALL.len()),
        (Request::post("/reports").with_json("{}"), 401, ALL.len()),
        (Request::get("/admin").with("Authorization", "Bearer emily-reads"), 403, 0),
        (Request::get("/me").with("Authorization", "Bearer outage"), 503, 0),
        (Request::get("/me").with("X-API-Key", "a").with("X-API-Key", "b"), 400, 1),
    ] {
        let reply = lab.ask(html(request)).paged(status);
        assert_eq!(reply.response().fields("www-authenticate").count(), challenges);
    }
}
