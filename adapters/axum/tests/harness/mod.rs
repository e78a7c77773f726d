//! The service of the conformance crate on a real axum server.

use std::{
    convert::Infallible,
    error::Error,
    future::{Ready, ready},
    net::SocketAddr,
    task::{Context, Poll},
    thread,
};

use axum::{
    Extension, Json, Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, FromRef, OriginalUri, Path, Request, State, WebSocketUpgrade, ws::Message},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, any, get, get_service, post},
};
use countersign::{Gate, Grant, route::BadPrefix};
use countersign_axum::{GateExt, Granted, Refused, Visitor, endpoint};
use countersign_conformance::{
    Harness, Quirk, Running, Service,
    service::{Asks, BySession, CHUNKS, GeneratedRoute, LIMIT, ORIGIN, Person, Report, WritesReports},
};
use futures_util::{TryStreamExt, stream};
use tower::{Layer, Service as TowerService};
use tower_http::cors::CorsLayer;

pub(crate) struct Axum;

impl Harness for Axum {
    const NAME: &'static str = "axum";
    const QUIRKS: &'static [Quirk] = &[Quirk::OptionDoesNotCompile];

    fn start(service: Service) -> Result<Running, Box<dyn Error>> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let app = routes(&service)?.into_make_service_with_connect_info::<SocketAddr>();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = axum::serve(listener, app).into_future() => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        });
        Ok(Running::at(address, move || drop(stop)))
    }
}

#[derive(Clone)]
struct App(Service);

impl FromRef<App> for Gate<Person> {
    fn from_ref(app: &App) -> Self {
        app.0.gate()
    }
}

pub(crate) fn routes(service: &Service) -> Result<Router, BadPrefix> {
    let enforced = |route: &'static str, gate: &str| {
        let ran = move |State(App(service)): State<App>| async move { service.ran(route) };
        get(ran).route_layer(service.gate_of(gate).enforce())
    };
    let same = |route: &'static str| enforced(route, route);
    let open = |route: &'static str| get(move |State(App(service)): State<App>| async move { service.ran(route) });
    let granted = |route: &'static str| {
        get(
            move |State(App(service)): State<App>, me: Granted<Person>| async move { service.granted(route, me.grant()) },
        )
    };
    let visitor = |route: &'static str| {
        get(move |State(App(service)): State<App>, visitor: Visitor<Person>| async move {
            service.visitor(route, visitor.grant())
        })
    };
    let with = |name: HeaderName, value: &'static str, route: &'static str| {
        get(move |State(App(service)): State<App>, me: Granted<Person>| async move {
            ([(name, value)], service.granted(route, me.grant()))
        })
    };
    let cors = CorsLayer::new()
        .allow_origin(HeaderValue::from_static(ORIGIN))
        .allow_methods([Method::GET])
        .allow_headers([header::AUTHORIZATION]);

    let generated = service.generated().iter().fold(Router::new(), |app, route| {
        let (path, guards) = (route.path.clone(), route.guards.iter().rev());
        // What is added last is outermost.
        let handler = guards.fold(asking(route), |handler, guard| handler.route_layer(guard.enforce()));
        app.route(&path, handler)
    });
    let opened = service.opened().into_iter().fold(Router::new(), |app, route| app.route(route, same(route)));
    let endpoints = service.endpoints().into_iter();
    let endpoints = endpoints.fold(Router::new(), |app, (path, mounted)| app.route(path, endpoint(mounted)));
    let attach = service.gate_of("/closed").attach().closed_below("/closed")?.closed_below("/sign-in")?;
    let app = Router::new()
        .route("/open", open("/open"))
        .route("/uri", get(uri).post(uri))
        .route("/subprotocols", get(subprotocols))
        .route("/enforced", same("/enforced"))
        .route("/me", granted("/me"))
        .route("/visitor", visitor("/visitor"))
        .route("/result", get(result))
        .route("/demand", get(demand))
        .route("/visitor-demand", get(visitor_demand))
        .route("/anonymous", same("/anonymous"))
        .route(
            "/anonymous-then-granted",
            granted("/anonymous-then-granted").route_layer(service.gate_of("/anonymous-then-granted").enforce()),
        )
        .route("/twice", granted("/twice").route_layer(service.gate_of("/twice").enforce()))
        .route("/basic-then-any", granted("/basic-then-any").route_layer(service.gate_of("/basic-then-any").enforce()))
        .route(
            "/any-then-cookie",
            get(left_by_guards)
                .route_layer(service.gate_of("/any-then-cookie").enforce())
                .route_layer(service.gate_of("/enforced").enforce()),
        )
        .route("/only-basic", same("/only-basic"))
        .route("/only-bearer", same("/only-bearer"))
        .route("/only-key", same("/only-key"))
        .route("/reports", post(report).route_layer(service.gate_of("/reports").enforce()))
        .route("/leaving", endpoint(service.leaving()))
        .route("/covered", post(covered).route_layer(service.gate_of("/covered").enforce()))
        .route("/users/{name}", same("/users/{name}"))
        .route("/long", same("/long"))
        .route("/resource", same("/resource"))
        .route("/resource/below", same("/resource/below"))
        .route("/admin", same("/admin"))
        .route("/either", same("/either"))
        .route("/both", same("/both"))
        .route("/door", same("/door"))
        .route("/fault/{name}", same("/fault/{name}"))
        .route("/asked/{answer}", same("/asked/{answer}"))
        .route("/allow-if/{answer}", get(allow_if))
        .route("/ask-again/{meanwhile}", get(ask_again))
        .route("/closed/a", open("/closed/a"))
        .route("/closed/public/secret", open("/closed/public/secret"))
        .route("/closed/public/{page}", open("/closed/public/{page}"))
        .route("/closed/any", any(move |State(App(service)): State<App>| async move { service.ran("/closed/any") }))
        .route("/sign-in", open("/sign-in"))
        .route("/sign-in/a", open("/sign-in/a"))
        .route("/slow", post(slow).route_layer(service.gate_of("/slow").enforce()))
        .route("/stream", get(stream_out).route_layer(service.gate_of("/stream").enforce()))
        .route("/upload", post(upload).route_layer(service.gate_of("/upload").enforce()))
        .route(
            "/limited",
            post(limited).layer(DefaultBodyLimit::max(LIMIT)).route_layer(service.gate_of("/limited").enforce()),
        )
        .route("/ws", get(websocket).route_layer(service.gate_of("/ws").enforce()))
        .route("/own-cache-control", with(header::CACHE_CONTROL, "max-age=60", "/own-cache-control"))
        .route("/own-vary", with(header::VARY, "Accept-Language", "/own-vary"))
        .route("/own-cookie", get(own_cookie).route_layer(service.gate_of("/own-cookie").enforce()))
        .route(
            "/ready",
            get_service(service.gate_of("/ready").enforce().layer(Readied { service: service.clone(), ready: false })),
        )
        .nest(
            "/cors",
            Router::new().route("/me", granted("/cors/me")).route("/enforced", same("/cors/enforced")).layer(cors),
        )
        .merge(generated)
        .merge(opened)
        .merge(endpoints)
        .layer(attach.except(["/closed/public/{page}"]))
        .with_state(App(service.clone()));
    Ok(app)
}

/// The handler of a generated route.
fn asking(route: &GeneratedRoute) -> MethodRouter<App> {
    let path = route.path.clone();
    macro_rules! asks {
        ($what:ty, $asked:ident => $whom:expr) => {
            get(move |State(App(service)): State<App>, $asked: $what| async move { service.saw(&path, $whom) })
        };
    }
    match route.asks {
        Asks::WhatIsLeft => {
            asks!(Option<Extension<Grant<Person>>>, left => left.as_deref())
        }
        Asks::Granted => asks!(Granted<Person>, me => Some(me.grant())),
        Asks::GrantedBySession => asks!(Granted<Person, BySession>, me => Some(me.grant())),
        Asks::GrantedWriting => {
            asks!(Granted<Person, WritesReports>, me => Some(me.grant()))
        }
        Asks::Visitor => asks!(Visitor<Person>, visitor => visitor.grant()),
        Asks::VisitorBySession => asks!(Visitor<Person, BySession>, visitor => visitor.grant()),
        _ => unreachable!("a generated route asks for nothing else"),
    }
}

async fn uri(State(App(service)): State<App>, uri: Uri, OriginalUri(original): OriginalUri) -> String {
    service.uri(&[uri.to_string(), original.to_string()])
}

async fn subprotocols(State(App(service)): State<App>, fields: HeaderMap) -> String {
    service.subprotocols(fields.get(header::SEC_WEBSOCKET_PROTOCOL).and_then(|value| value.to_str().ok()))
}

async fn result(State(App(service)): State<App>, me: Result<Granted<Person>, Refused>) -> String {
    service.visitor("/result", me.ok().as_ref().map(Granted::grant))
}

async fn demand(State(App(service)): State<App>, me: Granted<Person, WritesReports>) -> String {
    service.granted("/demand", me.grant())
}

async fn visitor_demand(State(App(service)): State<App>, visitor: Visitor<Person, WritesReports>) -> String {
    service.visitor("/visitor-demand", visitor.grant())
}

async fn report(State(App(service)): State<App>, me: Granted<Person>, Json(report): Json<Report>) -> String {
    service.report(me.grant(), &report)
}

async fn slow(State(App(service)): State<App>, Json(_): Json<Report>) -> String {
    service.ran("/slow")
}

async fn allow_if(
    State(App(service)): State<App>,
    me: Granted<Person>,
    Path(answer): Path<String>,
) -> Result<String, Refused> {
    me.allow_if(answer == "yes")?;
    Ok(service.granted("/allow-if/{answer}", me.grant()))
}

async fn ask_again(
    State(App(service)): State<App>,
    me: Granted<Person>,
    Path(meanwhile): Path<String>,
) -> Result<String, Refused> {
    service.pass_time(&meanwhile, me.grant());
    me.ask_again()?;
    Ok(service.granted("/ask-again/{meanwhile}", me.grant()))
}

async fn left_by_guards(State(App(service)): State<App>, grant: Option<Extension<Grant<Person>>>) -> String {
    service.visitor("/any-then-cookie", grant.as_deref())
}

async fn own_cookie(State(App(service)): State<App>) -> impl IntoResponse {
    ([(header::SET_COOKIE, "theme=dark")], service.ran("/own-cookie"))
}

async fn stream_out(State(App(service)): State<App>) -> impl IntoResponse {
    let first = service.ran("/stream");
    let chunks = std::iter::once(first).chain(CHUNKS.map(str::to_owned));
    let body = Body::from_stream(stream::iter(chunks.map(Ok::<_, Infallible>)));
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], body)
}

async fn upload(State(App(service)): State<App>, body: Body) -> Result<String, StatusCode> {
    let mut bytes = 0;
    let mut stream = body.into_data_stream();
    while let Some(chunk) = stream.try_next().await.map_err(|_| StatusCode::BAD_REQUEST)? {
        bytes += chunk.len();
    }
    Ok(service.uploaded("/upload", bytes))
}

async fn covered(State(App(service)): State<App>, me: Granted<Person>, body: Bytes) -> String {
    service.covered(me.grant(), &body)
}

async fn limited(State(App(service)): State<App>, body: Bytes) -> String {
    service.uploaded("/limited", body.len())
}

async fn websocket(State(App(service)): State<App>, upgrade: WebSocketUpgrade) -> Response {
    let _ = service.ran("/ws");
    upgrade.on_upgrade(|mut socket| async move {
        while let Some(Ok(message)) = socket.recv().await {
            if matches!(message, Message::Text(_)) && socket.send(message).await.is_err() {
                return;
            }
        }
    })
}

/// A service with tower's contract: it may be called once it was polled ready, and a clone has to be polled anew.
struct Readied {
    service: Service,
    ready: bool,
}

impl Clone for Readied {
    fn clone(&self) -> Self {
        Self { service: self.service.clone(), ready: false }
    }
}

impl TowerService<Request> for Readied {
    type Response = Response;
    type Error = Infallible;
    type Future = Ready<Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request) -> Self::Future {
        let ready_before = std::mem::take(&mut self.ready);
        let response = if ready_before {
            self.service.ran("/ready").into_response()
        } else {
            (StatusCode::INTERNAL_SERVER_ERROR, "called without having been polled ready").into_response()
        };
        ready(Ok(response))
    }
}
