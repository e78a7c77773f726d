//! What an answer carries because a guard looked at the request.

use crate::{
    credentials::basic,
    expectation::{ALL, Refusal},
    lab::Lab,
    service::ORIGIN,
    wire::Request,
};

const EMILY: &str = "emily by bearer; scopes reports:read; roles member; ends never";
const EMILY_BY_KEY: &str = "emily by api-key; scopes reports:read; roles member; ends never";

/// The fields that the gate of the cases reads.
const READ: [&str; 3] = ["authorization", "cookie", "x-api-key"];

fn emily(route: &str) -> Request {
    Request::get(route).with("Authorization", "Bearer emily-reads")
}

pub(crate) fn a_key_makes_the_answer_private_h10(lab: &Lab) {
    lab.ask(Request::get("/me").with("X-API-Key", "emily-reads"))
        .admitted(EMILY_BY_KEY)
        .with_field("cache-control", Some("private"))
        .varying_by(&READ);
    lab.ask(Request::get("/only-key").with("X-API-Key", "emily-reads"))
        .admitted("this is /only-key")
        .with_field("cache-control", Some("private"))
        .varying_by(&["authorization", "x-api-key"]);
}

pub(crate) fn a_name_or_token_makes_the_answer_vary_h10(lab: &Lab) {
    // A shared cache keeps answers to Authorization to itself anyway (RFC 9111 §3.5).
    lab.ask(emily("/me")).admitted(EMILY).with_field("cache-control", None).varying_by(&READ);
    lab.ask(Request::get("/only-basic").with("Authorization", basic("emily", "emily:s3cret")))
        .admitted("this is /only-basic")
        .with_field("cache-control", None)
        .varying_by(&["authorization"]);
}

pub(crate) fn an_optional_answer_varies_though_nobody_asked_h10(lab: &Lab) {
    for (route, body) in [("/visitor", "nobody"), ("/anonymous", "this is /anonymous")] {
        lab.ask(Request::get(route)).admitted(body).with_field("cache-control", None).varying_by(&READ);
    }
}

pub(crate) fn an_open_answer_is_left_alone(lab: &Lab) {
    lab.ask(emily("/open"))
        .admitted("this is /open")
        .with_field("cache-control", None)
        .with_field("referrer-policy", None)
        .varying_by(&[]);
}

pub(crate) fn a_cache_control_of_the_app_is_kept_h10(lab: &Lab) {
    let route = "/own-cache-control";
    for (request, body) in [(emily(route), EMILY), (Request::get(route).with("X-API-Key", "emily-reads"), EMILY_BY_KEY)]
    {
        lab.ask(request).admitted(body).with_field("cache-control", Some("max-age=60")).varying_by(&READ);
    }
}

pub(crate) fn a_vary_of_the_app_is_kept_h10(lab: &Lab) {
    lab.ask(emily("/own-vary")).admitted(EMILY).varying_by(&[
        "accept-language",
        "authorization",
        "cookie",
        "x-api-key",
    ]);
}

pub(crate) fn a_cookie_of_the_app_is_kept_beside_one_that_is_cleared(lab: &Lab) {
    for cookie in ["session=nonsense", "session=a; session=b"] {
        let reply = lab.ask(Request::get("/own-cookie").with("Cookie", cookie)).admitted("this is /own-cookie");
        let mut set: Vec<_> = reply.response().fields("set-cookie").collect();
        set.sort_unstable();
        let cleared = "session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0";
        assert_eq!(set, [cleared, "theme=dark"], "{cookie}");
    }
    let reply = lab.ask(Request::get("/own-cookie")).admitted("this is /own-cookie");
    assert_eq!(reply.response().fields("set-cookie").collect::<Vec<_>>(), ["theme=dark"]);
}

pub(crate) fn a_refusal_is_not_stored_h10(lab: &Lab) {
    for route in ["/own-cache-control", "/own-vary", "/stream"] {
        lab.ask(Request::get(route)).refused(&Refusal::unasked(&ALL)).with_field("cache-control", Some("no-store"));
    }
}

pub(crate) fn a_preflight_passes_without_a_credential_h10(lab: &Lab) {
    for route in ["/cors/me", "/cors/enforced"] {
        let reply = lab.ask(
            Request::new("OPTIONS", route)
                .with("Origin", ORIGIN)
                .with("Access-Control-Request-Method", "GET")
                .with("Access-Control-Request-Headers", "authorization"),
        );
        assert!(matches!(reply.response().status(), 200 | 204), "{reply:?}");
        assert!(reply.handlers.is_empty(), "{reply:?}");
        let reply = reply.with_field("access-control-allow-origin", Some(ORIGIN));
        assert_eq!(reply.response().members("access-control-allow-headers"), ["authorization"]);
    }
}

pub(crate) fn a_refusal_keeps_its_cors_headers_h10(lab: &Lab) {
    for route in ["/cors/me", "/cors/enforced"] {
        let ask =
            |credential: &str| lab.ask(Request::get(route).with("Origin", ORIGIN).with("Authorization", credential));
        ask("").refused(&Refusal::unasked(&ALL)).with_field("access-control-allow-origin", Some(ORIGIN));
        ask("Bearer nonsense")
            .refused(&Refusal::wrong_token(&ALL))
            .with_field("access-control-allow-origin", Some(ORIGIN));
        ask("Bearer slow-no")
            .refused(&Refusal::wrong_token(&ALL))
            .with_field("access-control-allow-origin", Some(ORIGIN));
        ask("Bearer outage").refused(&Refusal::unavailable()).with_field("access-control-allow-origin", Some(ORIGIN));
    }
}

pub(crate) fn an_admission_keeps_its_cors_headers_h10(lab: &Lab) {
    lab.ask(emily("/cors/me").with("Origin", ORIGIN))
        .admitted(EMILY)
        .with_field("access-control-allow-origin", Some(ORIGIN));
    lab.ask(emily("/cors/enforced").with("Origin", ORIGIN))
        .admitted("this is /cors/enforced")
        .with_field("access-control-allow-origin", Some(ORIGIN));
}

pub(crate) fn another_origin_gets_no_cors_headers_h10(lab: &Lab) {
    // A framework may refuse another origin by itself, or answer without the header: the browser then hides the answer.
    for request in [emily("/cors/me"), Request::get("/cors/me")] {
        let reply = lab.ask(request.with("Origin", "https://stranger.example"));
        assert!(matches!(reply.response().status(), 200 | 400 | 401 | 403), "{reply:?}");
        let allowed = reply.response().field("access-control-allow-origin");
        assert!(allowed.is_none_or(|origin| origin == ORIGIN), "{reply:?}");
    }
}
