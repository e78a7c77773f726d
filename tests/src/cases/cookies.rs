//! A credential that a browser sends by itself: the session cookie. (C1 to C5)

use std::thread;

use crate::{
    credentials::{basic, ended_session, session, session_signed_as},
    expectation::{ALL, Refusal, WITHOUT_BASIC},
    lab::Lab,
    wire::{Connection, Request},
};

const EMILY: &str = "emily by cookie; scopes reports:read reports:write; roles member; ends 1800003600";

fn cookie(value: &str) -> String {
    format!("session={value}")
}

fn report(value: &str) -> Request {
    Request::post("/reports").with("Cookie", cookie(value)).with_json(r#"{"title":"rain"}"#)
}

pub(crate) fn a_session_is_admitted(lab: &Lab) {
    lab.ask(Request::get("/me").with("Cookie", cookie(&session())))
        .admitted(EMILY)
        .verifying(&["cookie"])
        .with_field("cache-control", Some("private"));
    lab.ask(Request::get("/me").with("Cookie", format!("a=b; session={}; c=d", session()))).admitted(EMILY);
    lab.ask(Request::get("/enforced").with("Cookie", cookie(&session()))).admitted("this is /enforced");
}

pub(crate) fn a_session_is_looked_up_once(lab: &Lab) {
    let me = || Request::get("/me").with("Cookie", cookie(&session()));
    lab.ask(me()).admitted(EMILY).verifying(&["cookie"]);
    lab.ask(me()).admitted(EMILY).without_verifying();
    lab.ask(Request::get("/twice").with("Cookie", cookie(&session()))).admitted(EMILY).without_verifying();
    // What is remembered is who it is, never that they may.
    lab.ask(Request::get("/admin").with("Cookie", cookie(&session())))
        .refused(&Refusal::forbidden())
        .without_verifying();
}

pub(crate) fn a_session_is_looked_up_once_for_many_at_once(lab: &Lab) {
    let address = lab.address();
    let callers: Vec<_> = (0..16)
        .map(|_| {
            thread::spawn(move || {
                let request = Request::get("/enforced").with("Cookie", cookie(&session()));
                let mut connection = Connection::open(address).expect("the server listens");
                connection.say(&request.bytes());
                connection.answer(&request).expect("each is answered").status()
            })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.join().expect("each is answered"), 200);
    }
    assert_eq!(lab.verifications(), ["cookie"]);
}

pub(crate) fn a_session_beside_an_explicit_credential_is_not_looked_at(lab: &Lab) {
    let me = || Request::get("/me").with("Authorization", "Bearer emma-reads");
    for value in [session(), "nonsense".to_owned(), "x".repeat(9000)] {
        lab.ask(me().with("Cookie", cookie(&value)))
            .admitted("emma by bearer; scopes reports:read; roles member; ends never")
            .verifying(&["bearer"]);
    }
    lab.ask(me().with("Cookie", "session=a; session=b"))
        .admitted("emma by bearer; scopes reports:read; roles member; ends never");
    lab.ask(Request::get("/me").with("Cookie", cookie(&session())).with("Authorization", "Bearer nonsense"))
        .refused(&Refusal::wrong_token(&ALL))
        .with_field("set-cookie", None);
}

pub(crate) fn a_session_twice_is_refused_c2(lab: &Lab) {
    let value = session();
    for line in [format!("session={value}; session={value}"), format!("session=; session={value}")] {
        lab.ask(Request::get("/me").with("Cookie", line)).refused(&Refusal::ambiguous()).without_verifying();
    }
    lab.ask(Request::get("/visitor").with("Cookie", cookie(&value)).with("Cookie", cookie(&value)))
        .refused(&Refusal::ambiguous())
        .without_verifying();
}

pub(crate) fn a_refused_session_is_cleared(lab: &Lab) {
    for route in ["/me", "/visitor", "/enforced"] {
        for value in ["nonsense", "1.2.3.4.5.6", ""] {
            let reply = lab.ask(Request::get(route).with("Cookie", cookie(value))).refused(&Refusal::wrong(&ALL));
            let clears = reply.response().field("set-cookie").is_some_and(|line| {
                line.starts_with("session=;") && line.contains("Max-Age=0") && line.contains("Path=/")
            });
            assert!(clears, "{reply:?}");
        }
    }
}

pub(crate) fn a_cookie_of_a_sibling_hides_nothing_c5(lab: &Lab) {
    let mut line = b"odd=\xe4\xff; ".to_vec();
    line.extend_from_slice(cookie(&session()).as_bytes());
    let reply = lab.ask(Request::get("/me").with("Cookie", line));
    if lab.meets(crate::Quirk::DropsFieldsThatAreNotUtf8) {
        reply.refused(&Refusal::unasked(&ALL));
    } else {
        reply.admitted(EMILY);
    }
    lab.ask(Request::get("/me").with("Cookie", format!("odd=ä; =; ;;x; {}", cookie(&session())))).admitted(EMILY);
}

pub(crate) fn a_value_that_was_signed_for_another_cookie_is_refused_c1(lab: &Lab) {
    lab.ask(Request::get("/me").with("Cookie", cookie(&session_signed_as("another"))))
        .refused(&Refusal::wrong(&ALL))
        .without_verifying();
}

pub(crate) fn an_altered_session_is_refused(lab: &Lab) {
    let good = session();
    let (start, end) = (&good[..good.len() - 1], &good[good.len() - 1..]);
    for value in [start.to_owned(), format!("{start}{}", if end == "A" { "Q" } else { "A" }), format!("{good}A")] {
        lab.ask(Request::get("/me").with("Cookie", cookie(&value))).refused(&Refusal::wrong(&ALL)).without_verifying();
    }
}

pub(crate) fn an_ended_session_is_refused_c3(lab: &Lab) {
    lab.ask(Request::get("/me").with("Cookie", cookie(&ended_session())))
        .refused(&Refusal::wrong(&ALL))
        .without_verifying();
}

pub(crate) fn another_site_cannot_act_for_a_session(lab: &Lab) {
    lab.ask(report(&session())).admitted(r#""rain" by emily"#);
    for (field, value) in
        [("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "none"), ("Origin", "http://conformance.example")]
    {
        lab.ask(report(&session()).with(field, value)).admitted(r#""rain" by emily"#);
    }
    for (field, value) in [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Origin", "http://other.example"),
        ("Origin", "http://conformance.example.other.example"),
        ("Origin", "http://conformance.example:81"),
        ("Origin", "null"),
    ] {
        lab.ask(report(&session()).with(field, value)).refused(&Refusal::forbidden());
    }
}

pub(crate) fn a_site_that_cannot_be_told_cannot_act_for_a_session(lab: &Lab) {
    for (field, value) in [("Sec-Fetch-Site", "same-origin"), ("Origin", "http://conformance.example")] {
        lab.ask(report(&session()).with(field, value).with(field, value)).refused(&Refusal::forbidden());
    }
    lab.ask(report(&session()).with("Sec-Fetch-Site", "cross-site").with("Origin", "http://conformance.example"))
        .refused(&Refusal::forbidden());
}

pub(crate) fn another_site_may_look(lab: &Lab) {
    for method in ["GET", "HEAD"] {
        let body = if method == "GET" { EMILY } else { "" };
        lab.ask(Request::new(method, "/me").with("Cookie", cookie(&session())).with("Sec-Fetch-Site", "cross-site"))
            .admitted(body);
    }
}

pub(crate) fn another_site_may_act_with_an_explicit_credential(lab: &Lab) {
    lab.ask(report(&session()).with("Authorization", "Bearer emily-writes").with("Sec-Fetch-Site", "cross-site"))
        .admitted(r#""rain" by emily"#)
        .verifying(&["bearer"]);
}

pub(crate) fn a_browser_is_sent_to_sign_in(lab: &Lab) {
    let exchange = |target: &str| Request::get(target).with("Accept", "text/html,*/*;q=0.8");
    lab.ask(exchange("/me")).sent_to("/sign-in?next=/me");
    lab.ask(exchange("/me?a=b&c=%20")).sent_to("/sign-in?next=/me%3Fa%3Db%26c%3D%2520");
    lab.ask(exchange("/enforced").with("Sec-Fetch-Mode", "navigate")).sent_to("/sign-in?next=/enforced");
    lab.ask(exchange("/me").with("Cookie", "session=nonsense")).sent_to("/sign-in?next=/me");
    // A route that takes no session has nobody to send there; nor has one that changes something.
    lab.ask(exchange("/only-bearer")).paged(401);
    lab.ask(Request::post("/reports").with("Accept", "text/html").with_json("{}")).paged(401);
}

pub(crate) fn a_browser_with_a_wrong_password_is_not_sent_to_sign_in(lab: &Lab) {
    lab.ask(Request::get("/me").with("Accept", "text/html").with("Authorization", basic("emily", "wrong"))).paged(401);
}

pub(crate) fn a_script_that_prefers_html_is_neither_sent_to_sign_in_nor_shown_a_page(lab: &Lab) {
    let without_basic = Refusal::unasked(&WITHOUT_BASIC);
    for (field, value) in [
        ("Sec-Fetch-Mode", "cors"),
        ("Sec-Fetch-Mode", "same-origin"),
        ("Sec-Fetch-Mode", "no-cors"),
        ("X-Requested-With", "XMLHttpRequest"),
        ("x-requested-with", "xmlhttprequest"),
    ] {
        let ask = |route: &str| Request::get(route).with("Accept", "text/html,*/*;q=0.8").with(field, value);
        lab.ask(ask("/me")).refused(&without_basic);
        lab.ask(ask("/enforced")).refused(&without_basic);
        lab.ask(ask("/enforced").with("Sec-Fetch-Mode", "navigate")).refused(&without_basic);
        lab.ask(ask("/me").with("Cookie", "session=nonsense")).refused(&Refusal::wrong(&WITHOUT_BASIC));
    }
    let navigates = Request::get("/me").with("Accept", "text/html").with("X-Requested-With", "com.example.browser");
    lab.ask(navigates.with("Sec-Fetch-Mode", "navigate")).sent_to("/sign-in?next=/me");
}

pub(crate) fn a_session_of_more_than_8_kib_is_refused(lab: &Lab) {
    lab.ask(Request::get("/me").with("Cookie", cookie(&"x".repeat(8 * 1024 + 1))))
        .refused(&Refusal::too_long())
        .without_verifying();
}

pub(crate) fn a_session_for_tls_is_nothing_without(lab: &Lab) {
    lab.ask(Request::get("/me").with("Cookie", format!("__Host-session={}", session())))
        .refused(&Refusal::unasked(&ALL))
        .without_verifying();
    lab.ask(Request::get("/me").with("Cookie", cookie(&session())).with("X-Forwarded-Proto", "https")).admitted(EMILY);
}
