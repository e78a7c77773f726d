//! Credentials that cover their request, and its body.

use super::bodies::announced;
use crate::{
    expectation::{ALL, Refusal},
    harness::Quirk,
    lab::Lab,
    service::Covering,
    wire::Request,
};

const EMILY: &str = "emily by covering; scopes reports:read; roles member; ends never";

/// The longest body that the gate of the cases reads for a credential.
const LONGEST: usize = 400;

fn covering(request: Request, what: &str) -> Request {
    request.with("Authorization", format!("Covering emily{what}"))
}

/// A request whose body is to be this.
fn signed(body: &str) -> Request {
    Request::post("/covered").with("Authorization", Covering::credential("emily", body.as_bytes()))
}

/// A request with this body, covered as this.
fn covered(body: &str, as_this: &str) -> Request {
    signed(as_this).with_body("text/plain", body)
}

pub(crate) fn a_body_that_is_covered_is_handed_on_as_it_came(lab: &Lab) {
    for body in ["rain", "", "line\r\n\0end"] {
        lab.ask(covered(body, body)).admitted(&format!("{body:?} by emily")).verifying(&["covering"]);
    }
    lab.ask(signed("rain").with_chunks("text/plain", &[b"ra", b"i", b"n"])).admitted(r#""rain" by emily"#);
}

pub(crate) fn a_body_that_nothing_covers_is_left_alone(lab: &Lab) {
    let long = "x".repeat(LONGEST + 1);
    lab.ask(covering(Request::post("/covered"), "").with_body("text/plain", &long))
        .admitted(&format!("{long:?} by emily"));
}

pub(crate) fn trailers_pass_beside_no_covered_body(lab: &Lab) {
    let request = signed("rain").with_chunks("text/plain", &[b"ra", b"in"]).with_trailer("X-Uncovered: 1");
    if lab.meets(Quirk::DropsTrailers) {
        lab.ask(request).admitted(r#""rain" by emily"#);
    } else {
        lab.ask(request).refused(&Refusal::broken_off());
    }
}

pub(crate) fn another_body_than_the_covered_one_is_refused(lab: &Lab) {
    for body in ["sun", "rain ", "", "niar!"] {
        lab.ask(covered(body, "rain")).refused(&Refusal::wrong(&ALL)).verifying(&["covering"]);
    }
}

pub(crate) fn a_covered_body_is_read_up_to_a_bound(lab: &Lab) {
    let (longest, longer) = ("x".repeat(LONGEST), "x".repeat(LONGEST + 1));
    lab.ask(covered(&longest, &longest)).admitted(&format!("{longest:?} by emily"));
    lab.ask(covered(&longer, &longer)).refused(&Refusal::too_long_a_body());
}

pub(crate) fn a_body_is_not_read_for_a_head_that_is_wrong(lab: &Lab) {
    let wrong = Request::post("/covered").with("Authorization", "Covering nobody;body=4.430");
    announced(lab, &wrong).refused(&Refusal::wrong(&ALL));
    let elsewhere = covering(Request::post("/covered"), ";target=/elsewhere;body=4.430");
    announced(lab, &elsewhere).refused(&Refusal::wrong(&ALL));
}

pub(crate) fn a_guard_that_cannot_read_a_covered_body_is_a_fault(lab: &Lab) {
    for route in ["/me", "/visitor"] {
        lab.ask(covering(Request::get(route), ";body=0.0")).refused(&Refusal::fault()).verifying(&["covering"]);
        lab.ask(covering(Request::get(route), "")).admitted(EMILY);
    }
}

pub(crate) fn the_target_is_covered_as_it_was_sent(lab: &Lab) {
    for target in ["/me", "/me?", "/me?a=%2F&&b=+", "/users/%65mily?x=%7e"] {
        let request = covering(Request::get(target), &format!(";target={target}"));
        let expected = if target.starts_with("/users") { "this is /users/{name}" } else { EMILY };
        lab.ask(request).admitted(expected);
        let other = covering(Request::get(target), &format!(";target={target}&x"));
        lab.ask(other).refused(&Refusal::wrong(&ALL));
    }
}

pub(crate) fn the_names_of_all_fields_are_covered(lab: &Lab) {
    let request = || Request::get("/me").with("X-Odd", "1").with("x-odd", "2");
    lab.ask(covering(request(), ";names=authorization,host,x-odd")).admitted(EMILY);
    for names in ["authorization,host", "authorization,host,x-more,x-odd", ""] {
        lab.ask(covering(request(), &format!(";names={names}"))).refused(&Refusal::wrong(&ALL));
    }
}
