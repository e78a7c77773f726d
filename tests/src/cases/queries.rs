//! A token in the query: admitted, and gone before the app sees it.

use crate::{
    expectation::{ALL, Refusal},
    lab::Lab,
    wire::Request,
};

const EMILY: &str = "emily by query; scopes reports:read; roles member; ends never";

pub(crate) fn a_token_in_the_query_is_admitted(lab: &Lab) {
    for target in ["/me?access_token=emily-reads", "/me?a=b&access_token=emily-reads&c=d"] {
        lab.ask(Request::get(target))
            .admitted(EMILY)
            .verifying(&["query"])
            .with_field("cache-control", Some("private"))
            .with_field("referrer-policy", Some("no-referrer"));
    }
    lab.ask(Request::get("/enforced?access_token=emily-reads")).admitted("this is /enforced").verifying(&["query"]);
}

pub(crate) fn a_token_in_the_query_counts_on_get_and_head_alone(lab: &Lab) {
    lab.ask(Request::new("HEAD", "/me?access_token=emily-reads")).admitted("");
    lab.ask(Request::post("/reports?access_token=emily-writes").with_json(r#"{"title":"rain"}"#))
        .refused(&Refusal::unasked(&ALL))
        .without_verifying();
}

pub(crate) fn a_token_in_the_query_is_named_and_sent_percent_encoded(lab: &Lab) {
    for target in
        ["/me?access%5Ftoken=emily-reads", "/me?access_token=emily%2Dreads", "/me?&&access_token=emily-reads&"]
    {
        lab.ask(Request::get(target)).admitted(EMILY);
    }
    for target in ["/me?Access_Token=emily-reads", "/me?xaccess_token=emily-reads", "/me?a=access_token=emily-reads"] {
        lab.ask(Request::get(target)).refused(&Refusal::unasked(&ALL));
    }
}

pub(crate) fn a_token_in_the_query_and_in_a_field_is_refused(lab: &Lab) {
    lab.ask(Request::get("/me?access_token=emily-reads&access_token=emily-reads"))
        .refused(&Refusal::ambiguous())
        .without_verifying();
    lab.ask(Request::get("/me?access_token=emily-reads&access%5ftoken=nonsense")).refused(&Refusal::ambiguous());
    lab.ask(Request::get("/me?access_token=emily-reads").with("Authorization", "Bearer emily-reads"))
        .refused(&Refusal::ambiguous())
        .without_verifying();
    lab.ask(Request::get("/visitor?access_token=emily-reads").with("X-API-Key", "emily-reads"))
        .refused(&Refusal::ambiguous());
    lab.ask(Request::get("/only-bearer?access_token=nonsense").with("Authorization", "Bearer emily-reads"))
        .admitted("this is /only-bearer");
}

pub(crate) fn a_wrong_token_in_the_query_is_refused(lab: &Lab) {
    for target in ["/me?access_token=nonsense", "/me?access_token=", "/me?access_token", "/me?access_token=a+b"] {
        lab.ask(Request::get(target)).refused(&Refusal::wrong_token(&ALL));
    }
    lab.ask(Request::get("/visitor?access_token=nonsense")).refused(&Refusal::wrong_token(&ALL));
    lab.ask(Request::get(&format!("/me?access_token={}", "x".repeat(8 * 1024 + 1)))).refused(&Refusal::too_long());
}

pub(crate) fn a_token_in_the_query_is_taken_out_of_the_uri(lab: &Lab) {
    for (target, seen) in [
        ("/uri?access_token=emily-reads", "/uri"),
        ("/uri?access_token=nonsense", "/uri"),
        ("/uri?a=b&access_token=emily-reads", "/uri?a=b"),
        ("/uri?access_token=emily-reads&a=b&c=%20d", "/uri?a=b&c=%20d"),
        ("/uri?a=b&access%5Ftoken=emily-reads&access_token=x&c", "/uri?a=b&c"),
    ] {
        lab.ask(Request::get(target)).admitted(seen);
        lab.ask(Request::post(target).with_body("text/plain", "x")).admitted(seen);
    }
}

pub(crate) fn a_query_without_a_token_is_left_as_it_is(lab: &Lab) {
    for target in ["/uri", "/uri?", "/uri?a=b", "/uri?&&a=%61&a=b&", "/uri?token=x"] {
        lab.ask(Request::get(target)).admitted(target);
    }
}
