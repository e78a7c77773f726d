//! What browsers send by themselves, and whose page made them.

use super::connections::upgrade;
use crate::{
    credentials::{basic, session},
    expectation::{ALL, Refusal},
    harness::Quirk,
    lab::Lab,
    service::TRUSTED_ORIGIN,
    wire::Request,
};

const REPORT: &str = r#"{"title":"rain"}"#;
const SAME: (&str, &str) = ("Sec-Fetch-Site", "same-origin");
const CROSS: (&str, &str) = ("Sec-Fetch-Site", "cross-site");

/// Who may write reports, by each kind that browsers send by themselves; and what the handler then says.
fn writers() -> [(&'static str, String, &'static str); 2] {
    [
        ("Authorization", basic("jacob", "jacob-is-admin"), r#""rain" by jacob"#),
        ("Cookie", format!("session={}", session()), r#""rain" by emily"#),
    ]
}

fn with(request: Request, fields: &[(&str, &str)]) -> Request {
    fields.iter().fold(request, |request, (name, value)| request.with(name, value))
}

fn report(fields: &[(&str, &str)]) -> Request {
    with(Request::post("/reports"), fields).with_json(REPORT)
}

pub(crate) fn another_site_cannot_act_by_a_name_and_a_password(lab: &Lab) {
    let jacob = ("Authorization", &*basic("jacob", "jacob-is-admin"));
    lab.ask(report(&[jacob])).admitted(r#""rain" by jacob"#);
    for field in [SAME, ("Sec-Fetch-Site", "none"), ("Origin", "http://conformance.example")] {
        lab.ask(report(&[jacob, field])).admitted(r#""rain" by jacob"#);
    }
    for field in [
        CROSS,
        ("Sec-Fetch-Site", "same-site"),
        ("Origin", "http://other.example"),
        ("Origin", "http://conformance.example:81"),
        ("Origin", "null"),
    ] {
        lab.ask(report(&[jacob, field])).refused(&Refusal::forbidden());
    }
    for field in [SAME, ("Origin", "http://conformance.example")] {
        lab.ask(report(&[jacob, field, field])).refused(&Refusal::forbidden());
    }
}

pub(crate) fn another_site_may_look_by_a_name_and_a_password(lab: &Lab) {
    let jacob = basic("jacob", "jacob-is-admin");
    for (method, body) in [("GET", "this is /enforced"), ("HEAD", "")] {
        lab.ask(with(Request::new(method, "/enforced"), &[("Authorization", &*jacob), CROSS])).admitted(body);
    }
}

pub(crate) fn another_site_is_refused_after_a_wrong_password_and_before_a_missing_scope(lab: &Lab) {
    let emily = ("Authorization", &*basic("emily", "emily:s3cret"));
    let wrong = ("Authorization", &*basic("emily", "wrong"));
    lab.ask(report(&[wrong, CROSS])).refused(&Refusal::wrong(&ALL));
    lab.ask(report(&[CROSS])).refused(&Refusal::unasked(&ALL));
    lab.ask(report(&[emily, CROSS])).refused(&Refusal::forbidden());
    lab.ask(report(&[emily, SAME])).refused(&Refusal::missing_scope("reports:write"));
}

pub(crate) fn a_page_that_withholds_its_origin_may_act_on_its_own_site(lab: &Lab) {
    for (place, value, says) in writers() {
        let caller = (place, &*value);
        for site in [SAME, ("Sec-Fetch-Site", "none")] {
            lab.ask(report(&[caller, site, ("Origin", "null")])).admitted(says);
        }
        lab.ask(report(&[caller, CROSS, ("Origin", "null")])).refused(&Refusal::forbidden());
        lab.ask(report(&[caller, SAME, ("Origin", "null"), ("Origin", "null")])).refused(&Refusal::forbidden());
    }
}

pub(crate) fn a_trusted_origin_may_act(lab: &Lab) {
    for (place, value, says) in writers() {
        let caller = (place, &*value);
        let trusted = ("Origin", TRUSTED_ORIGIN);
        for fields in [&[caller, trusted][..], &[caller, trusted, CROSS], &[caller, trusted, SAME]] {
            lab.ask(report(fields)).admitted(says);
        }
        for origin in [
            "http://trusted.example",
            "https://trusted.example:444",
            "https://trusted.example/",
            "https://sub.trusted.example",
            "https://trusted.example.other.example",
        ] {
            lab.ask(report(&[caller, ("Origin", origin), CROSS])).refused(&Refusal::forbidden());
        }
        for fields in [&[caller, trusted, trusted][..], &[caller, trusted, CROSS, CROSS]] {
            lab.ask(report(fields)).refused(&Refusal::forbidden());
        }
    }
}

pub(crate) fn another_site_opens_no_websocket_by_what_a_browser_sends(lab: &Lab) {
    for (place, value, _) in writers() {
        let caller = (place, &*value);
        for field in [CROSS, ("Origin", "http://other.example")] {
            lab.ask(with(upgrade(), &[caller, field])).refused(&Refusal::forbidden());
        }
        for fields in [&[caller, SAME][..], &[caller, CROSS, ("Origin", TRUSTED_ORIGIN)]] {
            assert_eq!(lab.ask(with(upgrade(), fields)).response().status(), 101, "{fields:?}");
        }
    }
    let token = with(upgrade(), &[("Authorization", "Bearer emily-reads"), CROSS]);
    assert_eq!(lab.ask(token).response().status(), 101, "a token is sent on purpose");
}

/// Where a framework makes a `POST` a GET because a form says so, guards must still see what was sent.
pub(crate) fn another_site_does_not_pass_by_a_form_that_names_a_method(lab: &Lab) {
    let form = |fields: &[(&str, &str)], body: &str| {
        with(Request::post("/enforced"), fields).with_body("application/x-www-form-urlencoded", body)
    };
    let status = if lab.meets(Quirk::HasNo405) { 404 } else { 405 };
    for (place, value, _) in writers() {
        let caller = (place, &*value);
        for body in ["_method=GET", "_method=get&a=b", "&_method=GET"] {
            let (cross, same) = (lab.ask(form(&[caller, CROSS], body)), lab.ask(form(&[caller, SAME], body)));
            if !lab.meets(Quirk::FormsOverrideTheMethod) {
                cross.left_to_the_framework(&[status]);
                same.left_to_the_framework(&[status]);
                continue;
            }
            assert_eq!((cross.response().status(), cross.handlers.len()), (403, 0), "{body}: {cross:?}");
            assert_eq!(same.response().status(), 200, "{body}: {same:?}");
        }
    }
}

pub(crate) fn an_absolute_target_says_which_host_is_asked(lab: &Lab) {
    let drops = lab.meets(Quirk::DropsTheHostOfTargets);
    for (place, value, says) in writers() {
        let ask = |target: &str, origin| {
            with(Request::post(target), &[(place, &*value), ("Origin", origin)]).with_json(REPORT)
        };
        // `Host` is conformance.example.
        for (origin, passes) in [("http://target.example", !drops), ("http://conformance.example", drops)] {
            let reply = lab.ask(ask("http://target.example/reports", origin));
            if passes {
                reply.admitted(says);
            } else {
                reply.refused(&Refusal::forbidden());
            }
        }
        lab.ask(ask("http://conformance.example/reports", "http://conformance.example")).admitted(says);
    }
}

pub(crate) fn a_host_that_is_not_named_once_is_nobodys_origin(lab: &Lab) {
    for (place, value, _) in writers() {
        let fields = [(place, &*value), ("Origin", "http://conformance.example")];
        for host in ["conformance.example", "other.example"] {
            lab.ask(report(&fields).with("Host", host)).unreadable();
            lab.ask(report(&fields).without_host().with("Host", host).with("Host", "conformance.example")).unreadable();
        }
        lab.ask(report(&fields).without_host()).unreadable();
        lab.ask(report(&fields).in_http_1_0()).refused(&Refusal::forbidden());
        lab.ask(report(&fields).without_host().with("Host", "")).unreadable();
    }
    lab.still_serves();
}
