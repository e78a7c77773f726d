//! No answer is not "no".

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    expectation::{ALL, Refusal},
    lab::Lab,
    wire::Request,
};

const EMILY: &str = "emily by bearer; scopes reports:read; roles member; ends never";

fn get(route: &str, token: &str) -> Request {
    Request::get(route).with("Authorization", format!("Bearer {token}"))
}

pub(crate) fn an_outage_is_503_h9(lab: &Lab) {
    for route in ["/me", "/enforced", "/twice"] {
        lab.ask(get(route, "outage")).refused(&Refusal::unavailable()).verifying(&["bearer"]);
        lab.ask(Request::get(route).with("X-API-Key", "outage"))
            .refused(&Refusal::unavailable())
            .verifying(&["api-key"]);
    }
}

pub(crate) fn an_outage_is_503_for_a_visitor_h9(lab: &Lab) {
    for route in ["/visitor", "/anonymous", "/visitor-demand"] {
        lab.ask(get(route, "outage")).refused(&Refusal::unavailable());
        lab.ask(get(route, "slow-outage")).refused(&Refusal::unavailable());
    }
}

pub(crate) fn an_outage_is_503_before_any_policy_h9(lab: &Lab) {
    for route in ["/admin", "/users/emma", "/fault/emily", "/demand", "/allow-if/no"] {
        lab.ask(get(route, "outage")).refused(&Refusal::unavailable());
    }
}

pub(crate) fn a_late_outage_is_503_h9(lab: &Lab) {
    for route in ["/me", "/enforced"] {
        lab.ask(get(route, "slow-outage")).refused(&Refusal::unavailable());
    }
}

pub(crate) fn an_outage_is_not_remembered_h9(lab: &Lab) {
    let mut line = lab.line();
    line.ask(&get("/me", "outage")).refused(&Refusal::unavailable()).verifying(&["bearer"]);
    line.ask(&get("/me", "outage")).refused(&Refusal::unavailable()).verifying(&["bearer"]);
    line.ask(&get("/me", "emily-reads")).admitted(EMILY);
}

pub(crate) fn a_verifier_that_panics_is_503_once(lab: &Lab) {
    for route in ["/me", "/enforced", "/visitor"] {
        lab.ask(get(route, "panic")).refused(&Refusal::unavailable());
        lab.still_serves();
    }
}

pub(crate) fn a_verifier_that_panics_late_is_503_once(lab: &Lab) {
    for route in ["/me", "/enforced", "/visitor"] {
        lab.ask(get(route, "slow-panic")).refused(&Refusal::unavailable());
        lab.still_serves();
    }
}

pub(crate) fn a_bound_grant_that_nothing_confirms_is_refused(lab: &Lab) {
    for route in ["/me", "/enforced", "/visitor"] {
        lab.ask(get(route, "emily-bound")).refused(&Refusal::wrong_token(&ALL)).verifying(&["bearer"]);
        lab.ask(Request::get(route).with("X-API-Key", "emily-bound"))
            .refused(&Refusal::wrong(&ALL))
            .verifying(&["api-key"]);
    }
}

pub(crate) fn a_grant_bound_to_an_address_is_admitted_from_there_alone(lab: &Lab) {
    for route in ["/me", "/enforced"] {
        let here = lab.ask(get(route, "emily-here"));
        assert_eq!(here.response().status(), 200, "{here:?}");
        lab.ask(get(route, "emily-elsewhere")).refused(&Refusal::wrong_token(&ALL));
        // What a header claims is nobody's address.
        lab.ask(get(route, "emily-elsewhere").with("X-Forwarded-For", "192.0.2.1").with("Forwarded", "for=192.0.2.1"))
            .refused(&Refusal::wrong_token(&ALL));
    }
}

pub(crate) fn a_grant_bound_to_an_agent_is_admitted_with_it_alone(lab: &Lab) {
    let ask = |agent: &str| lab.ask(get("/me", "emily-by-agent").with("User-Agent", agent));
    ask("agent/1").admitted(EMILY);
    ask("Agent/1").refused(&Refusal::wrong_token(&ALL));
    lab.ask(get("/me", "emily-by-agent")).refused(&Refusal::wrong_token(&ALL));
}

pub(crate) fn a_grant_that_is_confirmed_late_is_admitted_then_alone(lab: &Lab) {
    let emily = "emily by query; scopes reports:read; roles member; ends never";
    for (route, body) in [("/me", emily), ("/visitor", emily), ("/enforced", "this is /enforced"), ("/twice", emily)] {
        for token in ["emily-bound", "slow-bound"] {
            let ask = || Request::get(&format!("{route}?access_token={token}"));
            lab.ask(ask().with("X-Proof", "good"))
                .admitted(body)
                .verifying(&["query"])
                .with_field("authentication-info", Some("proof=good"));
            lab.ask(ask())
                .refused(&Refusal::wrong_token(&ALL))
                .verifying(&["query"])
                .with_field("authentication-info", None);
            lab.ask(ask().with("X-Proof", "outage")).refused(&Refusal::unavailable()).verifying(&["query"]);
        }
    }
}

pub(crate) fn what_is_revoked_before_it_is_used_is_begun_again(lab: &Lab) {
    let ask = |proof: &str| Request::get("/me?access_token=emily-bound").with("X-Proof", proof);
    // The proof is asked for once in a request, and what it was beside is verified anew.
    lab.ask(ask("revoked"))
        .admitted("emily by query; scopes reports:read; roles member; ends never")
        .verifying(&["query", "query"]);
    lab.ask(ask("good")).admitted("emily by query; scopes reports:read; roles member; ends never");
}

pub(crate) fn a_slow_yes_is_a_yes(lab: &Lab) {
    lab.ask(get("/me", "slow-yes")).admitted(EMILY).verifying(&["bearer"]);
    lab.ask(get("/enforced", "slow-yes")).admitted("this is /enforced").verifying(&["bearer"]);
    lab.ask(get("/twice", "slow-yes")).admitted(EMILY).verifying(&["bearer"]);
    lab.ask(get("/users/emily", "slow-yes")).admitted("this is /users/{name}").verifying(&["bearer"]);
}

pub(crate) fn who_leaves_while_something_is_changed_has_changed_it(lab: &Lab) {
    let request = || Request::post("/leaving").with_json(r#"{"username":"emily","password":"emily:s3cret"}"#);
    lab.go_on();
    let stays = lab.ask(request());
    assert_eq!(
        (stays.response().status(), stays.handlers.as_slice()),
        (204, &["/leaving begins", "/leaving ends"].map(str::to_owned)[..])
    );
    let soon = |what: &str| {
        let since = Instant::now();
        while !lab.handlers().iter().any(|handler| handler == what) {
            assert!(since.elapsed() < Duration::from_secs(8), "{what} never");
            thread::sleep(Duration::from_millis(2));
        }
    };
    for _ in 0..5 {
        let mut connection = lab.connect();
        connection.say(&request().bytes());
        soon("/leaving begins");
        connection.reset();
        // As long as a framework takes to see it, and to drop what it did for the client; nothing tells when it has.
        thread::sleep(Duration::from_millis(50));
        lab.go_on();
        soon("/leaving ends");
    }
}

pub(crate) fn a_client_that_leaves_meanwhile_harms_nobody(lab: &Lab) {
    for _ in 0..20 {
        let mut connection = lab.connect();
        connection.say(&get("/me", "slow-yes").bytes());
        drop(connection);
    }
    for token in ["slow-yes", "emily-reads"] {
        let reply = lab.ask(get("/me", token));
        assert_eq!((reply.response().status(), reply.response().text()), (200, EMILY.to_owned()));
    }
}
