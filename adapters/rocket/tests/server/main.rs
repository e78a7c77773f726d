//! What is special about Rocket, over a real socket: catchers, forwards, what a handler wrote beside a refusal, addresses, path
//! parameters, several gates, endpoints.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod covered;
mod refusals;

use std::{
    net::SocketAddr,
    sync::{Arc, mpsc},
    thread,
};

use countersign::{
    ApiKey, Bearer, Gate, Grant, QueryParam, RequestView, Unavailable, Verified, async_trait, demand,
    gate::policy::{permits, subject_is},
    mint::api_key::{ApiKeyEndpoints, ApiKeys},
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
    let renamed = keys.create(&gate).after(|done, reply| async move { reply.with_member("owner", done.subject()) });
    let server = Server::of(
        rocket::build()
            .attach(gate.attach().closed_below("/").expect("a path begins so"))
            .mount("/", endpoint("/keys", keys.create(&gate)))
            .mount("/", endpoint("/keys", keys.list(&gate)))
            .mount("/", endpoint("/keys/<id>", keys.delete(&gate)))
            .mount("/account", endpoint("/machine-keys", renamed))
            .mount("/", gate.enforce(routes![form])),
    );
    let create = |body: &str| Request::post("/keys").with("Authorization", "Bearer emily").with_json(body);
    assert_eq!(server.ask(Request::post("/keys").with_json(r#"{"name":"a"}"#)).status(), 401);
    assert_eq!(server.ask(create(&format!(r#"{{"name":"{}"}}"#, "x".repeat(64 * 1024)))).status(), 413);
    assert_eq!(server.ask(create("{")).status(), 400);
    let made = server.ask(create(r#"{"name":"a"}"#));
    assert_eq!(made.status(), 201, "{}", made.text());
    // In chunks that break off where Rocket looks at every body, or behind that; neither is a whole body.
    for piece in
        [String::new(), "{}".to_owned(), r#"{"name":"b"}"#.to_owned(), format!(r#"{{"name":"b"}}{}"#, " ".repeat(600))]
    {
        let first = if piece.is_empty() { String::new() } else { format!("{:x}\r\n{piece}\r\n", piece.len()) };
        let request = Request::post("/keys")
            .with("Authorization", "Bearer emily")
            .with("Content-Type", "application/json")
            .with("Transfer-Encoding", "chunked");
        let mut connection = Connection::open(server.address).expect("it listens");
        connection.say(&request.bytes());
        connection.say(format!("{first}no length\r\n\r\n").as_bytes());
        assert_eq!(connection.answer(&request).expect("it answers").status(), 400, "{piece}");
    }
    // Alone, under another name, below a prefix, and with a field of the app's own.
    let renamed = Request::post("/account/machine-keys").with("Authorization", "Bearer emily");
    let renamed = server.ask(renamed.with_json(r#"{"name":"b"}"#));
    assert!(renamed.status() == 201 && renamed.text().contains(r#""owner":"emily""#), "{}", renamed.text());
    let id = made.text().split(r#""id":""#).nth(1).and_then(|rest| rest.split('"').next()).expect("an id").to_owned();
    assert!(server.get_as("emily", "/keys").1.contains(&id));
    let delete = || Request::new("DELETE", &format!("/keys/{id}")).with("Authorization", "Bearer emily");
    assert_eq!(server.ask(delete()).status(), 204);
    assert_eq!(server.ask(delete()).status(), 404);
}
