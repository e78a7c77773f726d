//! What a known caller may.

use crate::{
    credentials::basic,
    expectation::{ALL, Refusal},
    lab::Lab,
    wire::Request,
};

fn get(route: &str, token: &str) -> Request {
    Request::get(route).with("Authorization", format!("Bearer {token}"))
}

pub(crate) fn a_scope_opens_its_route(lab: &Lab) {
    let post = |token: &str| {
        Request::post("/reports").with("Authorization", format!("Bearer {token}")).with_json(r#"{"title":"rain"}"#)
    };
    lab.ask(post("emily-writes")).admitted(r#""rain" by emily"#).verifying(&["bearer"]);
    lab.ask(post("emily-reads")).refused(&Refusal::missing_scope("reports:write")).verifying(&["bearer"]);
    lab.ask(post("jacob-no-scopes")).refused(&Refusal::missing_scope("reports:write"));
}

pub(crate) fn a_role_opens_its_route(lab: &Lab) {
    lab.ask(get("/admin", "jacob-admin")).admitted("this is /admin");
    lab.ask(Request::get("/admin").with("Authorization", basic("jacob", "jacob-is-admin"))).admitted("this is /admin");
    lab.ask(get("/admin", "emily-reads")).refused(&Refusal::forbidden());
}

pub(crate) fn any_of_two_will_do(lab: &Lab) {
    for token in ["jacob-admin", "jacob-no-scopes", "emily-writes"] {
        lab.ask(get("/either", token)).admitted("this is /either");
    }
    lab.ask(get("/either", "emily-reads")).refused(&Refusal::forbidden());
}

pub(crate) fn all_of_two_must_hold(lab: &Lab) {
    lab.ask(get("/both", "jacob-admin")).admitted("this is /both");
    lab.ask(get("/both", "emily-writes")).refused(&Refusal::forbidden());
    lab.ask(get("/both", "jacob-no-scopes")).refused(&Refusal::missing_scope("reports:write"));
}

pub(crate) fn the_subject_opens_what_is_theirs(lab: &Lab) {
    lab.ask(get("/users/emily", "emily-reads")).admitted("this is /users/{name}");
    lab.ask(get("/users/emma", "emma-reads")).admitted("this is /users/{name}");
    lab.ask(get("/users/emma", "emily-reads")).refused(&Refusal::forbidden());
    lab.ask(get("/users/emily", "jacob-admin")).refused(&Refusal::forbidden());
}

pub(crate) fn a_subject_is_compared_exactly(lab: &Lab) {
    for name in ["Emily", "EMILY", "emil", "emilyy", "emily.", "*", "emily%00", "emily%20", "%20emily"] {
        lab.ask(get(&format!("/users/{name}"), "emily-reads")).refused(&Refusal::forbidden());
    }
}

pub(crate) fn a_subject_is_compared_with_the_decoded_parameter(lab: &Lab) {
    lab.ask(get("/users/em%69ly", "emily-reads")).admitted("this is /users/{name}");
    lab.ask(get("/users/emily%2F", "emily-reads")).refused(&Refusal::forbidden());
    lab.ask(get("/users/em%2569ly", "emily-reads")).refused(&Refusal::forbidden());
    lab.ask(Request::get("/users/j%C3%BCrgen").with("Authorization", basic("jürgen", "grüße")))
        .admitted("this is /users/{name}");
}

pub(crate) fn a_policy_of_the_app_sees_the_head(lab: &Lab) {
    lab.ask(get("/door", "emily-reads").with("X-Door", "open")).admitted("this is /door");
    lab.ask(get("/door", "emily-reads").with("X-Door", "shut")).refused(&Refusal::forbidden());
    lab.ask(get("/door", "emily-reads")).refused(&Refusal::forbidden());
    lab.ask(Request::get("/door").with("X-Door", "open")).refused(&Refusal::unasked(&ALL));
}

pub(crate) fn a_demand_by_type_opens_its_route(lab: &Lab) {
    lab.ask(get("/demand", "emily-writes"))
        .admitted("emily by bearer; scopes reports:read reports:write; roles none; ends never");
    lab.ask(get("/demand", "emily-reads")).refused(&Refusal::missing_scope("reports:write"));
    lab.ask(Request::get("/demand")).refused(&Refusal::unasked(&ALL));
}

pub(crate) fn a_demand_by_type_lets_a_visitor_be_nobody(lab: &Lab) {
    lab.ask(Request::get("/visitor-demand")).admitted("nobody");
    lab.ask(get("/visitor-demand", "emily-writes"))
        .admitted("emily by bearer; scopes reports:read reports:write; roles none; ends never");
    lab.ask(get("/visitor-demand", "emily-reads")).refused(&Refusal::missing_scope("reports:write"));
    lab.ask(get("/visitor-demand", "nonsense")).refused(&Refusal::wrong_token(&ALL));
}

pub(crate) fn a_policy_on_a_parameter_that_is_not_there_is_a_fault(lab: &Lab) {
    for token in ["emily-writes", "jacob-admin", "slow-yes"] {
        lab.ask(get("/fault/emily", token)).refused(&Refusal::fault());
    }
    lab.still_serves();
}

pub(crate) fn a_fault_is_not_told_to_strangers(lab: &Lab) {
    lab.ask(Request::get("/fault/emily")).refused(&Refusal::unasked(&ALL));
    lab.ask(get("/fault/emily", "nonsense")).refused(&Refusal::wrong_token(&ALL));
}

pub(crate) fn a_handler_may_allow_by_itself(lab: &Lab) {
    lab.ask(get("/allow-if/yes", "emily-reads"))
        .admitted("emily by bearer; scopes reports:read; roles member; ends never");
    let by_handler = lab.ask(get("/allow-if/no", "emily-reads")).refused(&Refusal::forbidden());
    let by_policy = lab.ask(get("/admin", "emily-reads")).refused(&Refusal::forbidden());
    assert_eq!(by_handler.response().body(), by_policy.response().body());
    // Let in by a key, refused by the handler: still not to be stored.
    lab.ask(Request::get("/allow-if/no").with("X-API-Key", "emily-reads")).refused(&Refusal::forbidden());
}

pub(crate) fn a_handler_that_allows_by_itself_asks_strangers_first(lab: &Lab) {
    for answer in ["yes", "no"] {
        lab.ask(Request::get(&format!("/allow-if/{answer}"))).refused(&Refusal::unasked(&ALL));
    }
}

pub(crate) fn a_policy_is_asked_after_the_verifier(lab: &Lab) {
    for route in ["/admin", "/users/emma", "/demand"] {
        lab.ask(get(route, "nonsense")).refused(&Refusal::wrong_token(&ALL));
        lab.ask(get(route, "slow-no")).refused(&Refusal::wrong_token(&ALL));
        lab.ask(get(route, "emily-ended")).refused(&Refusal::wrong_token(&ALL));
    }
    lab.ask(get("/admin", "slow-yes")).refused(&Refusal::forbidden());
}

pub(crate) fn a_policy_that_asks_is_waited_for(lab: &Lab) {
    for token in ["emily-reads", "slow-yes"] {
        lab.ask(get("/asked/yes", token)).admitted("this is /asked/{answer}").verifying(&["bearer"]);
        lab.ask(get("/asked/no", token)).refused(&Refusal::forbidden()).verifying(&["bearer"]);
        lab.ask(get("/asked/outage", token)).refused(&Refusal::unavailable()).verifying(&["bearer"]);
    }
    for answer in ["yes", "outage"] {
        lab.ask(Request::get(&format!("/asked/{answer}"))).refused(&Refusal::unasked(&ALL));
        lab.ask(get(&format!("/asked/{answer}"), "slow-no")).refused(&Refusal::wrong_token(&ALL));
    }
}

pub(crate) fn a_handler_may_ask_again(lab: &Lab) {
    let emily = |scheme: &str| format!("emily by {scheme}; scopes reports:read; roles member; ends never");
    lab.ask(get("/ask-again/nothing", "emily-reads")).admitted(&emily("bearer"));
    lab.ask(get("/ask-again/revoked", "emily-reads")).refused(&Refusal::wrong_token(&ALL));
    lab.ask(get("/ask-again/revoked", "slow-yes")).refused(&Refusal::wrong_token(&ALL));
    lab.ask(Request::get("/ask-again/revoked").with("X-API-Key", "emily-reads")).refused(&Refusal::wrong(&ALL));
    // What is verified anew is good anew.
    lab.ask(get("/ask-again/nothing", "emily-reads")).admitted(&emily("bearer")).verifying(&["bearer"]);
}
