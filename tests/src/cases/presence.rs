//! Who is there: a credential, none, or one that the route does not take.

use crate::{
    credentials::basic,
    expectation::{ALL, BASIC, BEARER, KEY, Refusal},
    lab::Lab,
    wire::Request,
};

pub(crate) fn an_open_route_looks_at_no_credential(lab: &Lab) {
    let open = || Request::get("/open");
    for request in [
        open(),
        open().with("Authorization", "Bearer emily-reads"),
        open().with("Authorization", "Bearer nonsense"),
        open().with("Authorization", "Bearer outage"),
        open().with("Authorization", "Basic nonsense").with("Authorization", "Basic nonsense"),
        open().with("X-API-Key", "x".repeat(9000)),
    ] {
        lab.ask(request).admitted("this is /open").without_verifying();
    }
}

pub(crate) fn nobody_is_asked_for_every_scheme_in_order_h6_h7(lab: &Lab) {
    for route in ["/me", "/enforced", "/demand", "/twice", "/users/emily", "/admin", "/stream"] {
        lab.ask(Request::get(route)).refused(&Refusal::unasked(&ALL)).without_verifying();
    }
}

pub(crate) fn a_name_and_its_password_are_admitted(lab: &Lab) {
    lab.ask(Request::get("/me").with("Authorization", basic("emily", "emily:s3cret")))
        .admitted("emily by basic; scopes reports:read; roles member; ends never")
        .verifying(&["basic"]);
    lab.ask(Request::get("/enforced").with("Authorization", basic("jacob", "jacob-is-admin")))
        .admitted("this is /enforced")
        .verifying(&["basic"]);
    lab.ask(Request::get("/me").with("Authorization", basic("jacob", "jacob-is-admin")))
        .admitted("jacob by basic; scopes reports:read reports:write; roles member admin; ends never");
}

pub(crate) fn a_bearer_token_is_admitted(lab: &Lab) {
    lab.ask(Request::get("/me").with("Authorization", "Bearer emily-writes"))
        .admitted("emily by bearer; scopes reports:read reports:write; roles none; ends never")
        .verifying(&["bearer"]);
    lab.ask(Request::get("/enforced").with("Authorization", "Bearer emily-writes"))
        .admitted("this is /enforced")
        .verifying(&["bearer"]);
}

pub(crate) fn a_key_in_its_header_is_admitted(lab: &Lab) {
    lab.ask(Request::get("/me").with("X-API-Key", "emily-reads"))
        .admitted("emily by api-key; scopes reports:read; roles member; ends never")
        .verifying(&["api-key"]);
    lab.ask(Request::get("/enforced").with("X-API-Key", "emily-reads"))
        .admitted("this is /enforced")
        .verifying(&["api-key"]);
}

pub(crate) fn a_key_behind_its_keyword_is_admitted(lab: &Lab) {
    lab.ask(Request::get("/me").with("Authorization", "Token emily-reads"))
        .admitted("emily by api-key; scopes reports:read; roles member; ends never")
        .verifying(&["api-key"]);
}

pub(crate) fn an_unknown_scheme_counts_as_absent_h8(lab: &Lab) {
    for value in ["Mutual username=\"emily\"", "Negotiate YII=", "Bearerx emily-reads", "Basi emily", "emily-reads"] {
        lab.ask(Request::get("/me").with("Authorization", value)).refused(&Refusal::unasked(&ALL)).without_verifying();
        lab.ask(Request::get("/visitor").with("Authorization", value)).admitted("nobody");
    }
}

pub(crate) fn an_unknown_scheme_hides_no_good_key_h8(lab: &Lab) {
    lab.ask(Request::get("/me").with("Authorization", "Mutual username=\"emily\"").with("X-API-Key", "emily-reads"))
        .admitted("emily by api-key; scopes reports:read; roles member; ends never")
        .verifying(&["api-key"]);
}

pub(crate) fn an_empty_authorization_counts_as_absent(lab: &Lab) {
    for line in ["Authorization:", "Authorization: ", "Authorization: \t "] {
        lab.ask(Request::get("/me").with_line(line)).refused(&Refusal::unasked(&ALL));
        lab.ask(Request::get("/visitor").with_line(line)).admitted("nobody");
    }
}

pub(crate) fn a_keyword_alone_is_a_wrong_credential_h3(lab: &Lab) {
    for route in ["/me", "/visitor"] {
        lab.ask(Request::get(route).with("Authorization", "Bearer"))
            .refused(&Refusal::wrong_token(&ALL))
            .without_verifying();
        for value in ["Basic", "Token"] {
            lab.ask(Request::get(route).with("Authorization", value))
                .refused(&Refusal::wrong(&ALL))
                .without_verifying();
        }
    }
}

pub(crate) fn a_kind_that_the_route_does_not_take_counts_as_absent(lab: &Lab) {
    let cases = [
        ("/only-basic", "Authorization", "Bearer emily-reads", BASIC),
        ("/only-basic", "Authorization", "Bearer nonsense", BASIC),
        ("/only-basic", "X-API-Key", "nonsense", BASIC),
        ("/only-bearer", "Authorization", "Basic nonsense", BEARER),
        ("/only-bearer", "Authorization", "Token emily-reads", BEARER),
        ("/only-bearer", "X-API-Key", "outage", BEARER),
        ("/only-key", "Authorization", "Bearer emily-reads", KEY),
        ("/only-key", "Authorization", "Bearer panic", KEY),
    ];
    for (route, field, value, challenge) in cases {
        lab.ask(Request::get(route).with(field, value)).refused(&Refusal::unasked(&[challenge])).without_verifying();
    }
}

pub(crate) fn only_the_kind_that_the_route_takes_is_admitted(lab: &Lab) {
    lab.ask(Request::get("/only-basic").with("Authorization", basic("emily", "emily:s3cret")))
        .admitted("this is /only-basic")
        .verifying(&["basic"]);
    lab.ask(Request::get("/only-bearer").with("Authorization", "Bearer emily-reads"))
        .admitted("this is /only-bearer")
        .verifying(&["bearer"]);
    lab.ask(Request::get("/only-key").with("X-API-Key", "emily-reads"))
        .admitted("this is /only-key")
        .verifying(&["api-key"]);
    lab.ask(Request::get("/only-key").with("Authorization", "Token emily-reads"))
        .admitted("this is /only-key")
        .verifying(&["api-key"]);
}

pub(crate) fn a_visitor_may_be_nobody(lab: &Lab) {
    lab.ask(Request::get("/visitor")).admitted("nobody").without_verifying();
    lab.ask(Request::get("/visitor").with("Authorization", "Bearer emily-reads"))
        .admitted("emily by bearer; scopes reports:read; roles member; ends never");
    lab.ask(Request::get("/anonymous")).admitted("this is /anonymous").without_verifying();
}

pub(crate) fn a_visitor_with_a_wrong_credential_is_refused_h8(lab: &Lab) {
    let exchange = || Request::get("/visitor");
    lab.ask(exchange().with("Authorization", "Bearer nonsense")).refused(&Refusal::wrong_token(&ALL));
    lab.ask(exchange().with("Authorization", basic("emily", "wrong"))).refused(&Refusal::wrong(&ALL));
    lab.ask(exchange().with("X-API-Key", "nonsense")).refused(&Refusal::wrong(&ALL));
}

pub(crate) fn a_guard_that_lets_anonymous_callers_in_refuses_wrong_ones_h8(lab: &Lab) {
    lab.ask(Request::get("/anonymous").with("Authorization", "Bearer nonsense")).refused(&Refusal::wrong_token(&ALL));
    lab.ask(Request::get("/anonymous").with("Authorization", "Bearer outage")).refused(&Refusal::unavailable());
}

pub(crate) fn the_end_of_a_credential_is_told(lab: &Lab) {
    lab.ask(Request::get("/me").with("Authorization", "Bearer emily-until-2100"))
        .admitted("emily by bearer; scopes reports:read; roles member; ends 4102444800");
}

pub(crate) fn an_ended_credential_is_refused(lab: &Lab) {
    for route in ["/me", "/enforced", "/visitor"] {
        lab.ask(Request::get(route).with("Authorization", "Bearer emily-ended")).refused(&Refusal::wrong_token(&ALL));
        lab.ask(Request::get(route).with("X-API-Key", "emily-ended")).refused(&Refusal::wrong(&ALL));
    }
}

pub(crate) fn head_is_answered_like_get(lab: &Lab) {
    for route in ["/me", "/enforced"] {
        lab.ask(Request::new("HEAD", route)).refused(&Refusal::unasked(&ALL));
        lab.ask(Request::new("HEAD", route).with("Authorization", "Bearer emily-reads")).admitted("");
    }
}

pub(crate) fn http_1_0_is_answered(lab: &Lab) {
    lab.ask(Request::get("/me").in_http_1_0()).refused(&Refusal::unasked(&ALL));
    lab.ask(Request::get("/me").in_http_1_0().with("Authorization", "Bearer emily-reads"))
        .admitted("emily by bearer; scopes reports:read; roles member; ends never");
}

pub(crate) fn an_absolute_target_is_the_same_route(lab: &Lab) {
    let target = "http://conformance.example/me";
    lab.ask(Request::get(target)).refused(&Refusal::unasked(&ALL));
    lab.ask(Request::get(target).with("Authorization", "Bearer emily-reads"))
        .admitted("emily by bearer; scopes reports:read; roles member; ends never");
}

pub(crate) fn a_parameter_of_another_name_is_no_credential(lab: &Lab) {
    lab.ask(Request::get("/me?token=emily-reads&Access_Token=emily-reads")).refused(&Refusal::unasked(&ALL));
    lab.ask(Request::get("/me?token=nonsense").with("Authorization", "Bearer emily-reads"))
        .admitted("emily by bearer; scopes reports:read; roles member; ends never");
}
