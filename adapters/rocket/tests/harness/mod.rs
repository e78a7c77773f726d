//! The service of the conformance crate on a real Rocket server.

use std::{convert::Infallible, error::Error, sync::mpsc, thread};

use countersign::route::BadPrefix;
use countersign_conformance::{
    Harness, Quirk, Running, Service,
    service::{Asks, BySession, CHUNKS, LIMIT, ORIGIN, Person, Report, WritesReports},
};
use countersign_rocket::{GateExt, Granted, Refused, Visitor, endpoint, public};
use rocket::{
    Build, Config, Data, Request, Rocket, Route, State,
    data::{Capped, ToByteUnit},
    fairing::AdHoc,
    figment::Figment,
    futures::{SinkExt, StreamExt},
    get,
    http::{Header, Method, Status, uri::Origin},
    options, post,
    request::{FromRequest, Outcome},
    response::{Responder, stream::TextStream},
    route, routes,
    serde::json::Json,
};
use rocket_ws::{Channel, Message, WebSocket};
use tokio::io::AsyncReadExt;

pub(crate) struct OnRocket;

impl Harness for OnRocket {
    const NAME: &'static str = "rocket";
    const QUIRKS: &'static [Quirk] = &[
        Quirk::DropsFieldsThatAreNotUtf8,
        Quirk::HasNo405,
        Quirk::FormsOverrideTheMethod,
        Quirk::DropsTheHostOfTargets,
        Quirk::DropsTrailers,
        Quirk::ContinuesUnasked,
        Quirk::WaitsForBodies,
        Quirk::EndsBrokenBodies,
    ];

    /// Rocket prints every request at DEBUG as it arrives, and an unknown method's at WARN, before a fairing can clean it.
    const PRINTING_TARGETS: &'static [&'static str] = &["rocket::server"];

    fn start(service: Service) -> Result<Running, Box<dyn Error>> {
        serve(service, config())
    }
}

/// Starts the service as it is configured.
pub(crate) fn serve(service: Service, config: Figment) -> Result<Running, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (tell, told) = mpsc::channel();
    let started = AdHoc::on_liftoff("started", move |rocket| {
        let config = rocket.config();
        let _ = tell.send(((config.address, config.port), rocket.shutdown()));
        Box::pin(async {})
    });
    let rocket = rocket(service, config)?.attach(started);
    let ended = thread::spawn(move || {
        let result = runtime.block_on(rocket.launch()).map(|_| ()).map_err(|error| format!("{:?}", error.kind()));
        runtime.shutdown_background();
        result
    });
    match told.recv() {
        Ok((address, shutdown)) => Ok(Running::at(address.into(), move || shutdown.notify())),
        Err(_) => Err(format!("{:?}", ended.join()).into()),
    }
}

pub(crate) fn config() -> Figment {
    Config::figment()
        .merge(("port", 0))
        .merge(("log_level", "off"))
        .merge(("limits.bytes", LIMIT))
        .merge(("shutdown.ctrlc", false))
        .merge(("shutdown.signals", [""; 0]))
        .merge(("shutdown.grace", 0))
        .merge(("shutdown.mercy", 0))
}

fn rocket(service: Service, config: Figment) -> Result<Rocket<Build>, BadPrefix> {
    let enforced = |name: &str, routes: Vec<Route>| service.gate_of(name).enforce(routes);
    let attach = service.gate().attach().closed_below("/closed")?.closed_below("/sign-in")?;
    let mut rocket = rocket::custom(config)
        .attach(attach)
        .attach(AdHoc::on_response("CORS below /cors", |request, response| {
            Box::pin(async move {
                let ours = request.uri().path().as_str().starts_with("/cors/");
                if ours && request.headers().get_one("origin") == Some(ORIGIN) {
                    response.set_header(Header::new("access-control-allow-origin", ORIGIN));
                    if request.method() == Method::Options {
                        response.set_header(Header::new("access-control-allow-headers", "authorization"));
                    }
                }
            })
        }))
        .mount(
            "/",
            routes![
                open,
                uri,
                post_uri,
                subprotocols,
                me,
                visitor,
                optional,
                result,
                demand,
                visitor_demand,
                allow_if,
                ask_again
            ],
        )
        .mount("/", routes![own_cache_control, own_vary, cors_me, preflight])
        .mount("/", enforced("/anonymous-then-granted", routes![anonymous_then_granted]))
        .mount("/", enforced("/own-cookie", routes![own_cookie]))
        .mount("/", enforced("/twice", routes![twice]))
        .mount("/", enforced("/basic-then-any", routes![basic_then_any]))
        .mount("/", enforced("/enforced", enforced("/any-then-cookie", routes![any_then_cookie])))
        .mount("/", endpoint("/leaving", service.leaving()))
        .mount("/", enforced("/covered", routes![covered]))
        .mount("/", enforced("/reports", routes![report]))
        .mount("/", enforced("/slow", routes![slow]))
        .mount("/", enforced("/stream", routes![stream]))
        .mount("/", enforced("/upload", routes![upload]))
        .mount("/", enforced("/limited", routes![limited]))
        .mount("/", enforced("/ws", routes![ws]))
        .mount("/", enforced("/users/{name}", vec![Ran::at("/users/<name>", "/users/{name}")]))
        .mount("/", enforced("/asked/{answer}", vec![Ran::at("/asked/<answer>", "/asked/{answer}")]))
        .mount("/", enforced("/fault/{name}", vec![Ran::at("/fault/<name>", "/fault/{name}")]))
        .mount("/", enforced("/closed", vec![Ran::at("/closed/a", "/closed/a")]))
        .mount("/", enforced("/closed", vec![Ran::at("/closed/public/secret", "/closed/public/secret")]))
        .mount("/", public(vec![Ran::at("/closed/public/<page>", "/closed/public/{page}")]))
        // Neither enforced nor public: the gate sends browsers there.
        .mount("/", vec![Ran::at("/sign-in", "/sign-in")])
        .mount("/", enforced("/closed", vec![Ran::at("/sign-in/a", "/sign-in/a")]));
    for (path, mounted) in service.endpoints() {
        rocket = rocket.mount("/", endpoint(path, mounted));
    }
    for route in service.opened() {
        rocket = rocket.mount("/", enforced(route, vec![Ran::at(route, route)]));
    }
    for route in service.generated() {
        let asking = vec![Route::new(Method::Get, &route.path, Asking(route.path.clone(), route.asks))];
        // What enforces last is outermost.
        rocket = rocket.mount("/", route.guards.iter().rev().fold(asking, |routes, guard| guard.enforce(routes)));
    }
    for method in [Method::Get, Method::Post, Method::Delete, Method::Options] {
        rocket = rocket.mount("/", enforced("/closed", vec![Route::new(method, "/closed/any", Ran("/closed/any"))]));
    }
    for name in [
        "/enforced",
        "/anonymous",
        "/only-basic",
        "/only-bearer",
        "/only-key",
        "/long",
        "/resource",
        "/resource/below",
        "/admin",
        "/either",
        "/both",
        "/door",
        "/ready",
        "/cors/enforced",
    ] {
        rocket = rocket.mount("/", enforced(name, vec![Ran::at(name, name)]));
    }
    Ok(rocket.manage(service))
}

/// A handler that asks for nobody.
#[derive(Clone)]
struct Ran(&'static str);

impl Ran {
    fn at(pattern: &str, name: &'static str) -> Route {
        Route::new(Method::Get, pattern, Self(name))
    }
}

#[rocket::async_trait]
impl route::Handler for Ran {
    async fn handle<'r>(&self, request: &'r Request<'_>, _: Data<'r>) -> route::Outcome<'r> {
        let Some(service) = request.rocket().state::<Service>() else {
            return route::Outcome::error(Status::InternalServerError);
        };
        route::Outcome::from(request, service.ran(self.0))
    }
}

/// The handler of a generated route.
#[derive(Clone)]
struct Asking(String, Asks);

#[rocket::async_trait]
impl route::Handler for Asking {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> route::Outcome<'r> {
        let Some(service) = request.rocket().state::<Service>() else {
            return route::Outcome::error(Status::InternalServerError);
        };
        // As what `#[get]` makes of a signature.
        macro_rules! asks {
            ($what:ty, $asked:ident => $whom:expr) => {
                match request.guard::<$what>().await {
                    Outcome::Success($asked) => route::Outcome::from(request, service.saw(&self.0, $whom)),
                    Outcome::Error((status, _)) => route::Outcome::error(status),
                    Outcome::Forward(status) => route::Outcome::forward(data, status),
                }
            };
        }
        match self.1 {
            Asks::Granted => asks!(Granted<Person>, me => Some(me.grant())),
            Asks::GrantedBySession => {
                asks!(Granted<Person, BySession>, me => Some(me.grant()))
            }
            Asks::GrantedWriting => {
                asks!(Granted<Person, WritesReports>, me => Some(me.grant()))
            }
            Asks::WhatIsLeft | Asks::Visitor => asks!(Visitor<Person>, visitor => visitor.grant()),
            Asks::VisitorBySession => {
                asks!(Visitor<Person, BySession>, visitor => visitor.grant())
            }
            _ => unreachable!("a generated route asks for nothing else"),
        }
    }
}

type App = State<Service>;

#[get("/open")]
async fn open(app: &App) -> String {
    app.ran("/open")
}

#[get("/uri")]
async fn uri(app: &App, uri: &Origin<'_>) -> String {
    app.uri(&[uri.to_string()])
}

#[post("/uri")]
async fn post_uri(app: &App, uri: &Origin<'_>) -> String {
    app.uri(&[uri.to_string()])
}

struct Asked<'r>(Option<&'r str>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Asked<'r> {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Infallible> {
        Outcome::Success(Self(request.headers().get_one("sec-websocket-protocol")))
    }
}

#[get("/subprotocols")]
async fn subprotocols(app: &App, asked: Asked<'_>) -> String {
    app.subprotocols(asked.0)
}

#[get("/me")]
async fn me(app: &App, me: Granted<Person>) -> String {
    app.granted("/me", me.grant())
}

#[get("/visitor")]
async fn visitor(app: &App, visitor: Visitor<Person>) -> String {
    app.visitor("/visitor", visitor.grant())
}

#[get("/optional")]
async fn optional(app: &App, me: Option<Granted<Person>>) -> String {
    app.visitor("/optional", me.as_ref().map(Granted::grant))
}

#[get("/result")]
async fn result(app: &App, me: Result<Granted<Person>, Refused>) -> String {
    app.visitor("/result", me.as_ref().ok().map(Granted::grant))
}

#[get("/demand")]
async fn demand(app: &App, me: Granted<Person, WritesReports>) -> String {
    app.granted("/demand", me.grant())
}

#[get("/visitor-demand")]
async fn visitor_demand(app: &App, visitor: Visitor<Person, WritesReports>) -> String {
    app.visitor("/visitor-demand", visitor.grant())
}

#[get("/allow-if/<answer>")]
async fn allow_if(app: &App, me: Granted<Person>, answer: &str) -> Result<String, Refused> {
    me.allow_if(answer == "yes")?;
    Ok(app.granted("/allow-if/{answer}", me.grant()))
}

#[get("/ask-again/<meanwhile>")]
async fn ask_again(app: &App, me: Granted<Person>, meanwhile: &str) -> Result<String, Refused> {
    app.pass_time(meanwhile, me.grant());
    me.ask_again()?;
    Ok(app.granted("/ask-again/{meanwhile}", me.grant()))
}

#[get("/any-then-cookie")]
async fn any_then_cookie(app: &App, visitor: Visitor<Person>) -> String {
    app.visitor("/any-then-cookie", visitor.grant())
}

#[get("/anonymous-then-granted")]
async fn anonymous_then_granted(app: &App, me: Granted<Person>) -> String {
    app.granted("/anonymous-then-granted", me.grant())
}

#[get("/twice")]
async fn twice(app: &App, me: Granted<Person>) -> String {
    app.granted("/twice", me.grant())
}

#[get("/basic-then-any")]
async fn basic_then_any(app: &App, me: Granted<Person>) -> String {
    app.granted("/basic-then-any", me.grant())
}

#[get("/cors/me")]
async fn cors_me(app: &App, me: Granted<Person>) -> String {
    app.granted("/cors/me", me.grant())
}

#[options("/cors/<_>")]
async fn preflight() -> Status {
    Status::NoContent
}

#[derive(Responder)]
struct WithField(String, Header<'static>);

#[get("/own-cache-control")]
async fn own_cache_control(app: &App, me: Granted<Person>) -> WithField {
    WithField(app.granted("/own-cache-control", me.grant()), Header::new("cache-control", "max-age=60"))
}

#[get("/own-cookie")]
async fn own_cookie(app: &App) -> WithField {
    WithField(app.ran("/own-cookie"), Header::new("set-cookie", "theme=dark"))
}

#[get("/own-vary")]
async fn own_vary(app: &App, me: Granted<Person>) -> WithField {
    WithField(app.granted("/own-vary", me.grant()), Header::new("vary", "Accept-Language"))
}

/// Rocket reads JSON whatever a request says that it is.
struct SaysJson;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for SaysJson {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        match request.content_type() {
            Some(said) if said.is_json() => Outcome::Success(Self),
            _ => Outcome::Error((Status::UnsupportedMediaType, ())),
        }
    }
}

#[post("/reports", data = "<report>")]
async fn report(app: &App, me: Granted<Person>, _json: SaysJson, report: Json<Report>) -> String {
    app.report(me.grant(), &report)
}

#[post("/slow", data = "<_report>")]
async fn slow(app: &App, _json: SaysJson, _report: Json<Report>) -> String {
    app.ran("/slow")
}

#[get("/stream")]
async fn stream(app: &App) -> TextStream![String] {
    let first = app.ran("/stream");
    TextStream! {
        yield first;
        for chunk in CHUNKS {
            yield chunk.to_owned();
        }
    }
}

#[post("/upload", data = "<data>")]
async fn upload(app: &App, data: Data<'_>) -> Result<String, Status> {
    let (mut stream, mut buffer, mut bytes) = (data.open(4.mebibytes()), vec![0; 1 << 16], 0);
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) => return Ok(app.uploaded("/upload", bytes)),
            Ok(read) => bytes += read,
            Err(_) => return Err(Status::BadRequest),
        }
    }
}

#[post("/covered", data = "<body>")]
async fn covered(app: &App, me: Granted<Person>, body: Vec<u8>) -> String {
    app.covered(me.grant(), &body)
}

#[post("/limited", data = "<body>")]
async fn limited(app: &App, body: Capped<Vec<u8>>) -> Result<String, Status> {
    if body.is_complete() { Ok(app.uploaded("/limited", body.len())) } else { Err(Status::PayloadTooLarge) }
}

#[get("/ws")]
async fn ws(app: &App, ws: WebSocket) -> Channel<'static> {
    let _ = app.ran("/ws");
    ws.channel(|mut socket| {
        Box::pin(async move {
            while let Some(Ok(message)) = socket.next().await {
                if matches!(message, Message::Text(_)) {
                    socket.send(message).await?;
                }
            }
            Ok(())
        })
    })
}
