//! Which guard stands before which route, and that none is passed by another way. (F1 to F4)

use crate::{
    credentials::{basic, session},
    expectation::{ALL, BASIC, Refusal, WITHOUT_BASIC},
    harness::Quirk,
    lab::Lab,
    wire::Request,
};

const EMILY: &str = "emily by bearer; scopes reports:read; roles member; ends never";

fn get(route: &str, token: &str) -> Request {
    Request::get(route).with("Authorization", format!("Bearer {token}"))
}

pub(crate) fn an_unknown_path_is_404_for_strangers(lab: &Lab) {
    for path in ["/nothing", "/me/nothing", "/users", "/users/a/b"] {
        lab.ask(Request::get(path)).left_to_the_framework(&[404]);
        lab.ask(get(path, "nonsense")).left_to_the_framework(&[404]);
        lab.ask(Request::get(path).with("X-API-Key", "a").with("X-API-Key", "b")).left_to_the_framework(&[404]);
    }
}

pub(crate) fn another_method_is_refused_before_the_guard(lab: &Lab) {
    let status = if lab.meets(Quirk::HasNo405) { 404 } else { 405 };
    for (method, path) in [("DELETE", "/me"), ("PUT", "/enforced"), ("GET", "/reports"), ("GET", "/upload")] {
        lab.ask(Request::new(method, path)).left_to_the_framework(&[status]);
        lab.ask(Request::new(method, path).with("Authorization", "Bearer nonsense")).left_to_the_framework(&[status]);
        lab.ask(Request::new(method, path).with("Authorization", "Bearer emily-writes"))
            .left_to_the_framework(&[status]);
    }
}

pub(crate) fn a_form_does_not_choose_the_method_around_a_guard(lab: &Lab) {
    let form = |body: &str| Request::post("/me").with_body("application/x-www-form-urlencoded", body);
    let status = if lab.meets(Quirk::HasNo405) { 404 } else { 405 };
    if lab.meets(Quirk::FormsOverrideTheMethod) {
        lab.ask(form("_method=GET&a=b")).refused(&Refusal::unasked(&ALL));
    } else {
        lab.ask(form("_method=GET&a=b")).left_to_the_framework(&[status]);
    }
    lab.ask(form("a=b&_method=GET")).left_to_the_framework(&[status]);
}

pub(crate) fn no_spelling_of_a_path_opens_its_route(lab: &Lab) {
    for path in [
        "/ME",
        "//me",
        "/me/",
        "/me//",
        "/./me",
        "/open/../me",
        "/me/.",
        "/%6De",
        "/me%2F",
        "/%2Fme",
        "/me;a=b",
        "/me%00",
        "/me%3Fa",
        "/open/..%2fme",
        "/open%2F..%2Fme",
        "/\\me",
        "/me#a",
        "/closed//a",
        "/closed/./a",
        "/closed/public/../a",
        "/closed/public/%2e%2e/a",
        "/closed/public/..%2Fa",
        "/closed/a/",
        "/Closed/a",
        "/closed/%61",
        "/%63losed/a",
        "/closed/public/%73ecret",
        "/closed/public//secret",
        "/closed/public/secret/",
        "/%63losed/public/secret",
    ] {
        let reply = lab.ask(Request::get(path));
        assert!(
            reply.handlers.iter().all(|route| route == "/closed/public/{page}" || route == "/open"),
            "{path} reached {:?}",
            reply.handlers
        );
        if let Ok(response) = &reply.outcome {
            assert!((200..500).contains(&response.status()), "{path}: {}", response.status());
        }
    }
    lab.still_serves();
}

pub(crate) fn a_closed_path_is_closed(lab: &Lab) {
    lab.ask(Request::get("/closed/a")).refused(&Refusal::unasked(&ALL));
    lab.ask(get("/closed/a", "nonsense")).refused(&Refusal::wrong_token(&ALL));
    lab.ask(get("/closed/a", "slow-no")).refused(&Refusal::wrong_token(&ALL));
    lab.ask(get("/closed/a", "outage")).refused(&Refusal::unavailable());
}

pub(crate) fn a_closed_path_is_open_to_a_known_caller(lab: &Lab) {
    lab.ask(get("/closed/a", "emily-reads")).admitted("this is /closed/a");
    lab.ask(get("/closed/a", "slow-yes")).admitted("this is /closed/a");
    lab.ask(get("/closed/public/secret", "emily-reads")).admitted("this is /closed/public/secret");
}

pub(crate) fn a_closed_path_has_an_open_exception(lab: &Lab) {
    lab.ask(Request::get("/closed/public/front")).admitted("this is /closed/public/{page}");
    lab.ask(get("/closed/public/front", "nonsense")).admitted("this is /closed/public/{page}").without_verifying();
    lab.ask(Request::get("/closed/public/front?a=/closed/a")).admitted("this is /closed/public/{page}");
}

pub(crate) fn an_exception_is_a_pattern_and_not_a_prefix(lab: &Lab) {
    lab.ask(Request::get("/closed/public/secret")).refused(&Refusal::unasked(&ALL));
    lab.ask(Request::get("/closed/public/secret?page=front")).refused(&Refusal::unasked(&ALL));
    lab.ask(Request::get("/closed/a?x=/closed/public/front")).refused(&Refusal::unasked(&ALL));
}

pub(crate) fn nothing_below_a_closed_path_is_not_found_by_strangers(lab: &Lab) {
    for path in ["/closed/nothing", "/closed/public/a/b"] {
        let reply = lab.ask(Request::get(path));
        assert!(matches!(reply.response().status(), 401 | 404), "{reply:?}");
        assert!(reply.handlers.is_empty(), "{reply:?}");
    }
}

pub(crate) fn several_closed_paths_add_up(lab: &Lab) {
    for route in ["/closed/a", "/sign-in/a"] {
        lab.ask(Request::get(route)).refused(&Refusal::unasked(&ALL));
        lab.ask(get(route, "nonsense")).refused(&Refusal::wrong_token(&ALL));
        lab.ask(get(route, "emily-reads")).admitted(&format!("this is {route}"));
    }
}

pub(crate) fn the_page_to_sign_in_at_is_open_below_a_closed_path(lab: &Lab) {
    let page = |target: &str| Request::get(target).with("Accept", "text/html");
    lab.ask(page("/closed/a")).sent_to("/sign-in?next=/closed/a");
    lab.ask(page("/sign-in?next=/closed/a")).admitted("this is /sign-in").without_verifying();
    lab.ask(page("/sign-in").with("Cookie", "session=nonsense")).admitted("this is /sign-in").without_verifying();
    lab.ask(page("/sign-in/a")).sent_to("/sign-in?next=/sign-in/a");
}

pub(crate) fn a_preflight_that_anybody_can_forge_opens_no_closed_path(lab: &Lab) {
    let preflight = || {
        Request::new("OPTIONS", "/closed/any")
            .with("Origin", "https://friend.example")
            .with("Access-Control-Request-Method", "GET")
            .with("Access-Control-Request-Headers", "authorization")
    };
    lab.ask(preflight()).refused(&Refusal::unasked(&ALL));
    lab.ask(preflight().with("Sec-Fetch-Mode", "cors")).refused(&Refusal::unasked(&WITHOUT_BASIC));
    lab.ask(preflight().with("Authorization", "Bearer nonsense")).refused(&Refusal::wrong_token(&ALL));
    lab.ask(preflight().with("Authorization", "Bearer emily-reads")).admitted("this is /closed/any");
    for method in ["GET", "POST", "DELETE", "OPTIONS"] {
        lab.ask(Request::new(method, "/closed/any")).refused(&Refusal::unasked(&ALL));
    }
}

pub(crate) fn a_second_guard_verifies_nothing_again(lab: &Lab) {
    lab.ask(get("/twice", "emily-reads")).admitted(EMILY).verifying(&["bearer"]);
    lab.ask(get("/twice", "slow-yes")).admitted(EMILY).verifying(&["bearer"]);
    lab.ask(Request::get("/twice").with("Authorization", basic("emily", "emily:s3cret")))
        .admitted("emily by basic; scopes reports:read; roles member; ends never")
        .verifying(&["basic"]);
    lab.ask(Request::get("/twice").with("X-API-Key", "nonsense"))
        .refused(&Refusal::wrong(&ALL))
        .verifying(&["api-key"]);
    lab.ask(get("/twice", "outage")).refused(&Refusal::unavailable()).verifying(&["bearer"]);
}

pub(crate) fn an_answer_for_one_scheme_opens_no_route_of_another(lab: &Lab) {
    lab.ask(Request::get("/basic-then-any").with("Authorization", basic("emily", "emily:s3cret")))
        .admitted("emily by basic; scopes reports:read; roles member; ends never")
        .verifying(&["basic"]);
    lab.ask(get("/basic-then-any", "emily-reads")).refused(&Refusal::unasked(&[BASIC])).without_verifying();
    // The guard in the signature takes what the route takes: a key counts as absent for both.
    lab.ask(
        Request::get("/basic-then-any")
            .with("Authorization", basic("emily", "emily:s3cret"))
            .with("X-API-Key", "nonsense"),
    )
    .admitted("emily by basic; scopes reports:read; roles member; ends never")
    .verifying(&["basic"]);
    lab.ask(Request::get("/basic-then-any")).refused(&Refusal::unasked(&[BASIC]));
    // The key that names emily is not the token of the same text.
    lab.ask(Request::get("/only-bearer").with("Authorization", "Token emily-reads"))
        .refused(&Refusal::unasked(&[crate::expectation::BEARER]));
}

pub(crate) fn a_guard_for_anybody_does_not_open_one_for_somebody(lab: &Lab) {
    lab.ask(Request::get("/anonymous-then-granted")).refused(&Refusal::unasked(&ALL));
    lab.ask(get("/anonymous-then-granted", "emily-reads")).admitted(EMILY).verifying(&["bearer"]);
}

pub(crate) fn a_guard_further_in_sees_whom_the_one_further_out_saw_or_nobody(lab: &Lab) {
    let route = "/any-then-cookie";
    let cookie = || format!("session={}", session());
    lab.ask(Request::get(route)).refused(&Refusal::unasked(&ALL));
    lab.ask(Request::get(route).with("Cookie", cookie()))
        .admitted("emily by cookie; scopes reports:read reports:write; roles member; ends 1800003600");
    for token in ["emily-reads", "slow-yes"] {
        // The cookie did not count further out, and does not come to count further in.
        lab.ask(get(route, token).with("Cookie", cookie())).admitted("nobody").verifying(&["bearer"]);
        lab.ask(get(route, token)).admitted("nobody").verifying(&["bearer"]);
    }
}

pub(crate) fn an_option_swallows_no_refusal_f4(lab: &Lab) {
    if lab.meets(Quirk::OptionDoesNotCompile) {
        lab.ask(Request::get("/optional")).left_to_the_framework(&[404]);
    } else {
        nothing_is_swallowed_at(lab, "/optional");
    }
}

pub(crate) fn a_result_swallows_no_refusal_f4(lab: &Lab) {
    nothing_is_swallowed_at(lab, "/result");
}

/// The handler runs, since the framework hands it a refusal as a value; all that an adapter can do is to answer in its place.
fn nothing_is_swallowed_at(lab: &Lab, route: &str) {
    lab.ask(get(route, "emily-reads")).admitted(EMILY);
    for (request, refusal) in [
        (Request::get(route), Refusal::unasked(&ALL)),
        (get(route, "nonsense"), Refusal::wrong_token(&ALL)),
        (get(route, "slow-no"), Refusal::wrong_token(&ALL)),
        (get(route, "outage"), Refusal::unavailable()),
        (get(route, "emily-reads").with("X-API-Key", "a"), Refusal::ambiguous()),
    ] {
        let mut reply = lab.ask(request);
        assert_eq!(std::mem::take(&mut reply.handlers), [route]);
        reply.refused(&refusal);
    }
}

pub(crate) fn a_service_is_polled_ready_f1(lab: &Lab) {
    for token in ["emily-reads", "slow-yes", "emily-reads"] {
        lab.ask(get("/ready", token)).admitted("this is /ready");
    }
    lab.ask(Request::get("/ready")).refused(&Refusal::unasked(&ALL));
}
