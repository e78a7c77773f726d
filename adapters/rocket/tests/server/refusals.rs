//! Catchers, forwards, and what a handler wrote beside a refusal.

use super::*;

#[get("/me")]
async fn me(me: Granted<Person>) -> String {
    me.principal().clone()
}

#[get("/swallowed")]
async fn swallowed(me: Option<Granted<Person>>, cookies: &CookieJar<'_>) -> Redirect {
    cookies.add(Cookie::new("guest", if me.is_some() { "no" } else { "yes" }));
    Redirect::to("/elsewhere")
}

#[get("/answered")]
async fn answered(me: Result<Granted<Person>, Refused>) -> Result<String, Refused> {
    me.map(|me| me.principal().clone())
}

#[get("/dropped")]
async fn dropped(me: Granted<Person>) -> &'static str {
    match me.allow_if(false) {
        Ok(()) => "allowed",
        Err(_) => "a secret all the same",
    }
}

#[catch(401)]
async fn unauthorized() -> (Status, &'static str) {
    (Status::Unauthorized, "the app's own words")
}

#[catch(default)]
async fn teapot(_: Status, _: &rocket::Request<'_>) -> (Status, &'static str) {
    (Status::ImATeapot, "always a teapot")
}

#[test]
fn no_catcher_answers_in_place_of_a_refusal() {
    for rocket in [
        rocket::build(),
        rocket::build().register("/", catchers![unauthorized]),
        rocket::build().register("/", catchers![teapot]),
    ] {
        let server = Server::of(rocket.attach(gate().attach()).mount("/", routes![me]));
        let response = server.ask(Request::get("/me"));
        assert_eq!(response.status(), 401);
        let challenges: Vec<_> = response.fields("www-authenticate").collect();
        assert_eq!(challenges, [r#"Bearer realm="people""#, r#"ApiKey realm="people", header="X-API-Key""#]);
        assert_eq!(response.field("content-type"), Some("application/problem+json"));
        assert_eq!(response.field("content-length"), Some(response.body().len().to_string().as_str()));
        assert_eq!(server.get_as("emily", "/me"), (200, "emily".to_owned()));
    }
}

#[test]
fn nothing_that_a_handler_wrote_beside_a_refusal_leaves() {
    let server = Server::of(rocket::build().attach(gate().attach()).mount("/", routes![swallowed, answered, dropped]));
    let response = server.ask(Request::get("/swallowed"));
    assert_eq!((response.status(), response.field("location"), response.field("set-cookie")), (401, None, None));
    assert_eq!(response.field("x-content-type-options"), Some("nosniff"), "Shield's fields stay");
    assert_eq!(response.field("server"), Some("Rocket"));
    assert_eq!(server.get_as("emily", "/swallowed").0, 303);

    assert_eq!(server.get_as("emily", "/answered"), (200, "emily".to_owned()));
    let response = server.ask(Request::get("/answered"));
    assert_eq!((response.status(), response.fields("www-authenticate").count()), (401, 2));

    assert_eq!(server.get_as("emily", "/dropped").0, 403);
}

#[get("/page", rank = 1)]
async fn strict() -> &'static str {
    "strict"
}

#[get("/page", rank = 2)]
async fn weak() -> &'static str {
    "weak"
}

#[get("/strict/<number>", rank = 1)]
async fn a_number(number: u8) -> String {
    number.to_string()
}

#[get("/strict/<_>", rank = 2)]
async fn a_word(me: Granted<Person>) -> String {
    format!("{} by {}", **me, me.scheme())
}

#[get("/guarded", rank = 1)]
async fn guarded(_me: Granted<Person>) -> &'static str {
    "guarded"
}

#[get("/guarded", rank = 2)]
async fn unguarded() -> &'static str {
    "unguarded"
}

#[test]
fn a_refusal_forwards_to_no_weaker_route() {
    let gate = gate();
    let bearer = gate.only(["bearer"]).expect("a scheme");
    let server = Server::of(
        rocket::build()
            .attach(gate.attach())
            .mount("/", gate.enforce(routes![strict]))
            .mount("/", bearer.enforce(routes![a_number]))
            .mount("/", routes![weak, a_word, guarded, unguarded]),
    );
    assert_eq!(server.get("/page").0, 401);
    assert_eq!(server.get_as("emily", "/page"), (200, "strict".to_owned()));
    assert_eq!(server.get("/guarded").0, 401);
    assert_eq!(server.get_as("nonsense", "/guarded").0, 401);
    // A handler that forwards leaves the next route its own guards.
    assert_eq!(server.get_as("emily", "/strict/7"), (200, "7".to_owned()));
    assert_eq!(server.get_as("emily", "/strict/word"), (200, "emily by bearer".to_owned()));
    assert_eq!(server.ask(Request::get("/strict/word").with("X-API-Key", "emily")).status(), 401);
}

#[test]
fn a_field_of_a_fairing_behind_ours_stands_on_refusals_too_h10() {
    let added = AdHoc::on_response("adds a field", |_, response| {
        Box::pin(async move {
            response.set_header(Header::new("access-control-allow-origin", "*"));
        })
    });
    let server = Server::of(rocket::build().attach(gate().attach()).attach(added).mount("/", routes![me]));
    let response = server.ask(Request::get("/me"));
    assert_eq!((response.status(), response.field("access-control-allow-origin")), (401, Some("*")));
}
