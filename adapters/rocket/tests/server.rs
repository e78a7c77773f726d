//! What is special about Rocket, over a real socket: catchers, forwards, what a handler wrote beside a refusal, addresses, path
//! parameters, several gates, endpoints.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::{
    net::SocketAddr,
    sync::{Arc, mpsc},
    thread,
};

use countersign::{
    Answer, ApiKey, Bearer, Extract, Gate, Grant, QueryParam, RequestView, Unavailable, Verified, async_trait,
    credential::{Confirm, Confirmation, Confirming, Covers, Occurrences, Raw, after_keyword},
    demand,
    gate::policy::{permits, subject_is},
    mint::api_key::{ApiKeyEndpoints, ApiKeys},
    principal::{Binding, Proof},
    request::{Field, field},
    response::Challenge,
    store::{Directory, MemoryApiKeys},
    verifier::{TokenTable, verify_now_with},
};
use countersign_conformance::wire::{Connection, Request, Response};
use countersign_rocket::{Covered, GateExt, Granted, Refused, Visitor, endpoint};
use rocket::{
    Build, Config, Rocket, Shutdown, catch, catchers,
    fairing::AdHoc,
    get,
    http::{Cookie, CookieJar, Header, Status, uri::Origin},
    post,
    response::Redirect,
    routes,
};

type Person = String;

/// A server until it is dropped.
struct Server {
    address: SocketAddr,
    shutdown: Shutdown,
}

impl Server {
    fn of(rocket: Rocket<Build>) -> Self {
        let (tell, told) = mpsc::channel();
        let config = Config::figment()
            .merge(("port", 0))
            .merge(("log_level", "off"))
            .merge(("shutdown.ctrlc", false))
            .merge(("shutdown.signals", [""; 0]))
            .merge(("shutdown.grace", 0))
            .merge(("shutdown.mercy", 0));
        let rocket = rocket.configure(config).attach(AdHoc::on_liftoff("started", move |rocket| {
            let address = SocketAddr::from((rocket.config().address, rocket.config().port));
            let _ = tell.send((address, rocket.shutdown()));
            Box::pin(async {})
        }));
        thread::spawn(move || rocket::execute(rocket.launch()).map(|_| ()).map_err(|error| error.to_string()));
        let (address, shutdown) = told.recv().expect("it launches");
        Self { address, shutdown }
    }

    #[expect(clippy::needless_pass_by_value, reason = "a request is written where it is asked")]
    fn ask(&self, request: Request) -> Response {
        let mut connection = Connection::open(self.address).expect("it listens");
        connection.say(&request.bytes());
        connection.answer(&request).expect("it answers")
    }

    fn get(&self, target: &str) -> (u16, String) {
        let response = self.ask(Request::get(target));
        (response.status(), response.text())
    }

    fn get_as(&self, token: &str, target: &str) -> (u16, String) {
        let response = self.ask(Request::get(target).with("Authorization", format!("Bearer {token}")));
        (response.status(), response.text())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.clone().notify();
    }
}

fn person(name: &str) -> Verified<Person> {
    Verified::new(name.to_owned()).with_subject(name)
}

fn tokens() -> TokenTable<Person> {
    TokenTable::new().with("emily", person("emily")).with("cafe", person("café"))
}

fn gate() -> Gate<Person> {
    Gate::in_realm("people")
        .accept(Bearer, tokens())
        .accept(ApiKey::in_header("X-API-Key"), tokens())
        .accept(QueryParam::named("access_token"), tokens())
        .build()
        .expect("a gate")
}

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

#[get("/here")]
async fn here() -> &'static str {
    "here"
}

#[test]
fn the_callers_address_is_the_connections_own() {
    let gate = gate();
    let near = permits(|_: &Grant<Person>, request: &RequestView<'_>| {
        request.address().is_some_and(|peer| peer.is_loopback())
    });
    let server =
        Server::of(rocket::build().attach(gate.attach()).mount("/", gate.require(near).enforce(routes![here])));
    // Rocket's `ip_header` is X-Real-IP unless it is configured otherwise, and `client_ip()` believes it.
    let request = |address| Request::get("/here").with("Authorization", "Bearer emily").with("X-Real-IP", address);
    assert_eq!(server.ask(request("203.0.113.7")).status(), 200);
    let far = permits(|_: &Grant<Person>, request: &RequestView<'_>| {
        request.address().is_some_and(|peer| !peer.is_loopback())
    });
    let server = Server::of(rocket::build().attach(gate.attach()).mount("/", gate.require(far).enforce(routes![here])));
    assert_eq!(server.ask(request("203.0.113.7")).status(), 403);
}

demand!(Oneself: subject_is("name"));

#[get("/typed/<name>")]
async fn typed(name: &str, _me: Granted<Person, Oneself>) -> String {
    name.to_owned()
}

#[get("/<name>/wrapped")]
async fn wrapped(name: &str) -> String {
    name.to_owned()
}

#[get("/trailing/<name..>")]
async fn trailing(name: std::path::PathBuf) -> String {
    name.display().to_string()
}

#[get("/query?<name>")]
async fn query(name: &str) -> String {
    name.to_owned()
}

#[test]
fn a_path_parameter_is_the_one_that_the_handler_gets() {
    let gate = gate();
    let own = gate.require(subject_is("name"));
    let server = Server::of(
        rocket::build()
            .attach(gate.attach())
            .mount("/base/of/three", own.enforce(routes![wrapped, query]))
            .mount("/rest", own.enforce(routes![trailing]))
            .mount("/", routes![typed]),
    );
    for (token, target, status) in [
        ("emily", "/typed/emily", 200),
        ("emily", "/typed/%65mily", 200),
        ("emily", "/typed/Emily", 403),
        ("emily", "/typed/emily%00", 403),
        ("emily", "/typed/emily?name=emily", 200),
        ("emily", "/typed/emma?name=emily", 403),
        ("cafe", "/typed/caf%C3%A9", 200),
        ("cafe", "/typed/caf%E9", 403),
        ("emily", "/base/of/three/emily/wrapped", 200),
        ("emily", "/base/of/three/emma/wrapped", 403),
        ("emily", "/rest/trailing/emily", 500),
        ("emily", "/base/of/three/query?name=emily", 500),
    ] {
        assert_eq!(server.get_as(token, target).0, status, "{token} {target}");
    }
}

#[derive(Debug, Clone)]
struct Machine;

#[get("/both")]
async fn both(visitor: Visitor<Person>, machine: Visitor<Machine>, uri: &Origin<'_>) -> String {
    format!("{} {} {uri}", visitor.grant().is_some(), machine.grant().is_some())
}

#[test]
fn two_gates_of_different_callers_each_clean_the_uri() {
    let machines = Gate::in_realm("machines")
        .accept(QueryParam::named("machine"), TokenTable::new().with("lathe", Verified::new(Machine)))
        .build()
        .expect("a gate");
    let server =
        Server::of(rocket::build().attach(gate().attach()).attach(machines.attach()).mount("/", routes![both]));
    for (target, seen) in [
        ("/both?a=1", "false false /both?a=1"),
        ("/both?access_token=emily&a=1", "true false /both?a=1"),
        ("/both?machine=lathe", "false true /both"),
        ("/both?machine=lathe&access_token=emily", "true true /both"),
    ] {
        assert_eq!(server.get(target), (200, seen.to_owned()), "{target}");
    }
    assert_eq!(server.get("/both?machine=saw").0, 401);
    assert_eq!(server.get("/both?access_token=emma&machine=lathe").0, 401);
}

struct People;

#[async_trait]
impl Directory<Person> for People {
    async fn find(&self, subject: &str) -> Result<Option<Verified<Person>>, Unavailable> {
        Ok(Some(person(subject)))
    }
}

#[post("/form", data = "<body>")]
async fn form(body: String) -> String {
    body
}

#[test]
fn endpoints_are_mounted_with_a_line() {
    let gate = gate();
    let prefix = "ppl_".parse().expect("a prefix");
    let keys = ApiKeyEndpoints::new(ApiKeys::new(prefix, Arc::new(MemoryApiKeys::default()), Arc::new(People)));
    let server = Server::of(
        rocket::build()
            .attach(gate.attach().closed_below("/").expect("a path begins so"))
            .mount("/", endpoint("/keys", keys.create(&gate)))
            .mount("/", endpoint("/keys", keys.list(&gate)))
            .mount("/", endpoint("/keys/<id>", keys.delete(&gate)))
            .mount("/", gate.enforce(routes![form])),
    );
    let create = |body: &str| Request::post("/keys").with("Authorization", "Bearer emily").with_json(body);
    assert_eq!(server.ask(Request::post("/keys").with_json(r#"{"name":"a"}"#)).status(), 401);
    assert_eq!(server.ask(create(&format!(r#"{{"name":"{}"}}"#, "x".repeat(64 * 1024)))).status(), 413);
    assert_eq!(server.ask(create("{")).status(), 400);
    let made = server.ask(create(r#"{"name":"a"}"#));
    assert_eq!(made.status(), 201, "{}", made.text());
    let id = made.text().split(r#""id":""#).nth(1).and_then(|rest| rest.split('"').next()).expect("an id").to_owned();
    assert!(server.get_as("emily", "/keys").1.contains(&id));
    let delete = || Request::new("DELETE", &format!("/keys/{id}")).with("Authorization", "Bearer emily");
    assert_eq!(server.ask(delete()).status(), 204);
    assert_eq!(server.ask(delete()).status(), 404);
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

/// A kind whose credentials say what the body is: `Authorization: Written <body>`.
struct Written;

impl Extract for Written {
    type Credential = String;

    fn scheme(&self) -> &str {
        "written"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        after_keyword("Written", request).for_each(|raw| occurrences.add(raw));
    }

    fn covers(&self) -> Vec<Covers> {
        vec![Covers::Body]
    }

    fn read(&self, raw: Raw<'_>) -> Option<String> {
        String::from_utf8(raw.whole().to_vec()).ok()
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Written")]
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::AUTHORIZATION.clone()]
    }

    fn confirm(&self) -> Option<&dyn Confirm> {
        Some(self)
    }
}

impl Confirm for Written {
    fn confirm(&self, binding: &Binding, request: &RequestView<'_>) -> Confirming {
        let shown = binding.proof::<String>().is_some_and(|text| Some(text.as_bytes()) == request.body());
        Box::pin(async move { if shown { Confirmation::shown() } else { Confirmation::not_shown() } })
    }

    fn needs_body(&self, _: &Binding, _: &RequestView<'_>) -> bool {
        true
    }
}

#[post("/covered", data = "<body>")]
fn covered(body: Covered<Person>) -> String {
    let name = body.granted().principal().clone();
    format!("{} bytes by {name}", body.into_body().len())
}

#[post("/peeked", data = "<body>")]
fn peeked(body: String) -> String {
    format!("{} bytes", body.into_bytes().len())
}

#[test]
fn a_covered_body_is_looked_at_by_enforce_and_read_by_a_data_guard() {
    let verifier = verify_now_with(|text: &String| match text.as_str() {
        "nobody" => Answer::Refused,
        text => Verified::new("emily".to_owned()).bound_to(Binding::Proof(Proof::of(text.to_owned()))).into(),
    });
    let tokens = TokenTable::new().with("good", Verified::new("emma".to_owned()));
    let gate = Gate::in_realm("people").accept(Written, verifier).accept(Bearer, tokens).build().expect("a gate");
    let server = Server::of(
        rocket::build().attach(gate.attach()).mount("/", routes![covered]).mount("/", gate.enforce(routes![peeked])),
    );
    let ask = |route: &str, credential: &str, body: &str| {
        let request = Request::post(route).with("Authorization", credential).with_body("text/plain", body);
        let response = server.ask(request);
        (response.status(), if response.status() == 200 { response.text() } else { String::new() })
    };
    let (longest, longer) = ("x".repeat(512), "x".repeat(513));
    let kept = |text: &str| (200, text.to_owned());
    let refused = |status: u16| (status, String::new());
    assert_eq!(ask("/covered", "Written rain", "rain"), kept("4 bytes by emily"));
    assert_eq!(ask("/covered", &format!("Written {longer}"), &longer), kept("513 bytes by emily"));
    assert_eq!(ask("/covered", "Written rain", "sun"), refused(401));
    assert_eq!(ask("/covered", "Written nobody", "nobody"), refused(401));
    assert_eq!(ask("/covered", "Bearer good", &longer), kept("513 bytes by emma"), "nothing covers it");
    assert_eq!(ask("/covered", "Bearer good", &"x".repeat(64 * 1024 + 1)), refused(413));
    assert_eq!(ask("/covered", "Bearer bad", "rain"), refused(401));
    assert_eq!(ask("/peeked", "Written rain", "rain"), kept("4 bytes"));
    assert_eq!(ask("/peeked", &format!("Written {longest}"), &longest), kept("512 bytes"));
    assert_eq!(ask("/peeked", &format!("Written {longer}"), &longer), refused(413), "Rocket shows no more");
    assert_eq!(ask("/peeked", "Bearer good", &longer), kept("513 bytes"));
    assert_eq!(ask("/peeked", "Written rain", "sun"), refused(401));
}
