//! The service of the conformance crate on a real actix-web server.

use std::{convert::Infallible, error::Error, sync::mpsc, thread};

use actix_cors::Cors;
use actix_web::{
    App, HttpMessage, HttpRequest, HttpResponse, HttpServer, Route, error::ErrorBadRequest, guard, http::header, web,
};
use actix_ws::Message;
use countersign_actix_web::{GateExt, Granted, Refused, Visitor, endpoint};
use countersign_conformance::{
    Harness, Quirk, Running, Service,
    service::{Asks, BySession, CHUNKS, GeneratedRoute, LIMIT, ORIGIN, Person, Report, WritesReports},
    tls::Tls,
};
use futures_util::{StreamExt, TryStreamExt, stream};

pub(crate) struct ActixWeb;

impl Harness for ActixWeb {
    const NAME: &'static str = "actix-web";
    const QUIRKS: &'static [Quirk] = &[Quirk::DropsTrailers, Quirk::ContinuesUnasked];

    fn start(service: Service) -> Result<Running, Box<dyn Error>> {
        serve(service, None)
    }
}

/// Starts the service; over TLS, and with HTTP/2 there, if so.
pub(crate) fn serve(service: Service, tls: Option<&Tls>) -> Result<Running, Box<dyn Error>> {
    let configuration = tls.map(Tls::server_config);
    let (started, start) = mpsc::channel();
    let attach = service.gate_of("/closed").attach().closed_below("/closed")?.closed_below("/sign-in")?;
    let attach = attach.except(["/closed/public/{page}"]);
    thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = move || {
                let service = service.clone();
                App::new()
                    .app_data(web::Data::new(service.clone()))
                    .configure(|config| routes(config, &service))
                    .wrap(attach.clone())
            };
            let server = HttpServer::new(app).workers(1).disable_signals().shutdown_timeout(0);
            let bound = match configuration {
                None => server.bind("127.0.0.1:0"),
                Some(configuration) => server.bind_rustls_0_23("127.0.0.1:0", configuration),
            };
            match bound.map(|server| (server.addrs(), server)) {
                Ok((addresses, server)) => {
                    let server = server.run();
                    let _ = started.send(Ok((addresses, server.handle())));
                    let _ = server.await;
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                }
            }
        });
    });
    let (addresses, handle) = start.recv()??;
    let address = *addresses.first().ok_or("the server listens nowhere")?;
    // The handle tells the server, which need not be waited for.
    Ok(Running::at(address, move || drop(handle.stop(false))))
}

type State = web::Data<Service>;

/// GET, and HEAD as well.
fn get() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

fn routes(config: &mut web::ServiceConfig, service: &Service) {
    let ran = |route: &'static str| get().to(move |service: State| async move { service.ran(route) });
    let granted = |route: &'static str| {
        get().to(move |service: State, me: Granted<Person>| async move { service.granted(route, me.grant()) })
    };
    let visitor = |route: &'static str| {
        get().to(move |service: State, visitor: Visitor<Person>| async move { service.visitor(route, visitor.grant()) })
    };
    let with = |name: header::HeaderName, value: &'static str, route: &'static str| {
        get().to(move |service: State, me: Granted<Person>| {
            let name = name.clone();
            async move { text().insert_header((name, value)).body(service.granted(route, me.grant())) }
        })
    };
    let enforced = |inner: Route, route: &str| inner.wrap(service.gate_of(route).enforce());
    let mut at = |path: &str, route: Route| {
        config.service(web::resource(path).route(route));
    };

    at("/open", ran("/open"));
    at("/subprotocols", get().to(subprotocols));
    at("/me", granted("/me"));
    at("/visitor", visitor("/visitor"));
    at("/optional", get().to(optional));
    at("/result", get().to(result));
    at("/demand", get().to(demand));
    at("/visitor-demand", get().to(visitor_demand));
    for route in ["/anonymous-then-granted", "/twice", "/basic-then-any"] {
        at(route, enforced(granted(route), route));
    }
    for route in [
        "/enforced",
        "/anonymous",
        "/only-basic",
        "/only-bearer",
        "/only-key",
        "/users/{name}",
        "/long",
        "/resource",
        "/resource/below",
        "/admin",
        "/either",
        "/both",
        "/door",
        "/fault/{name}",
        "/asked/{answer}",
        "/ready",
    ] {
        at(route, enforced(ran(route), route));
    }
    for route in service.generated() {
        // What wraps last is outermost.
        let guards = route.guards.iter().rev();
        at(&route.path, guards.fold(asking(route), |handler, guard| handler.wrap(guard.enforce())));
    }
    at("/leaving", endpoint(service.leaving()));
    for (path, mounted) in service.endpoints() {
        at(path, endpoint(mounted));
    }
    for route in service.opened() {
        at(route, enforced(ran(route), route));
    }
    at("/covered", enforced(web::post().to(covered), "/covered"));
    at("/reports", enforced(web::post().to(report), "/reports"));
    at("/allow-if/{answer}", get().to(allow_if));
    at("/ask-again/{meanwhile}", get().to(ask_again));
    at("/any-then-cookie", enforced(enforced(get().to(left_by_guards), "/any-then-cookie"), "/enforced"));
    at("/closed/any", web::to(|service: State| async move { service.ran("/closed/any") }));
    for route in ["/closed/a", "/closed/public/secret", "/closed/public/{page}", "/sign-in", "/sign-in/a"] {
        at(route, ran(route));
    }
    at("/slow", enforced(web::post().to(slow), "/slow"));
    at("/stream", enforced(get().to(stream_out), "/stream"));
    at("/upload", enforced(web::post().to(upload), "/upload"));
    at("/ws", enforced(web::get().to(websocket), "/ws"));
    at("/own-cache-control", with(header::CACHE_CONTROL, "max-age=60", "/own-cache-control"));
    at("/own-cookie", enforced(get().to(own_cookie), "/own-cookie"));
    at("/own-vary", with(header::VARY, "Accept-Language", "/own-vary"));

    config
        .service(web::resource("/uri").route(get().to(uri)).route(web::post().to(uri)))
        .service(
            web::resource("/limited")
                .app_data(web::PayloadConfig::new(LIMIT))
                .route(enforced(web::post().to(limited), "/limited")),
        )
        .service(
            web::scope("/cors")
                .service(web::resource("/me").route(granted("/cors/me")))
                .service(web::resource("/enforced").route(enforced(ran("/cors/enforced"), "/cors/enforced")))
                .wrap(
                    Cors::default()
                        .allowed_origin(ORIGIN)
                        .allowed_methods(["GET"])
                        .allowed_header(header::AUTHORIZATION)
                        .block_on_origin_mismatch(false),
                ),
        );
}

/// The handler of a generated route.
fn asking(route: &GeneratedRoute) -> Route {
    let path = route.path.clone();
    macro_rules! asks {
        ($what:ty, $asked:ident => $whom:expr) => {
            get().to(move |service: State, $asked: $what| {
                let path = path.clone();
                async move { service.saw(&path, $whom) }
            })
        };
    }
    match route.asks {
        Asks::WhatIsLeft => get().to(move |service: State, request: HttpRequest| {
            let path = path.clone();
            async move { service.saw(&path, request.extensions().get()) }
        }),
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

fn text() -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.content_type("text/plain; charset=utf-8");
    response
}

async fn uri(service: State, request: HttpRequest) -> String {
    let routed = request.match_info().as_str();
    let routed = match request.uri().query() {
        Some(query) => format!("{routed}?{query}"),
        None => routed.to_owned(),
    };
    service.uri(&[request.uri().to_string(), routed])
}

async fn own_cookie(service: State) -> HttpResponse {
    text().insert_header((header::SET_COOKIE, "theme=dark")).body(service.ran("/own-cookie"))
}

async fn subprotocols(service: State, request: HttpRequest) -> String {
    let value = request.headers().get(header::SEC_WEBSOCKET_PROTOCOL);
    service.subprotocols(value.and_then(|value| value.to_str().ok()))
}

async fn optional(service: State, me: Option<Granted<Person>>) -> String {
    service.visitor("/optional", me.as_ref().map(Granted::grant))
}

async fn result(service: State, me: Result<Granted<Person>, Refused>) -> String {
    service.visitor("/result", me.ok().as_ref().map(Granted::grant))
}

async fn demand(service: State, me: Granted<Person, WritesReports>) -> String {
    service.granted("/demand", me.grant())
}

async fn visitor_demand(service: State, visitor: Visitor<Person, WritesReports>) -> String {
    service.visitor("/visitor-demand", visitor.grant())
}

async fn report(service: State, me: Granted<Person>, report: web::Json<Report>) -> String {
    service.report(me.grant(), &report)
}

async fn slow(service: State, _: web::Json<Report>) -> String {
    service.ran("/slow")
}

async fn allow_if(service: State, me: Granted<Person>, answer: web::Path<String>) -> Result<String, Refused> {
    me.allow_if(*answer == "yes")?;
    Ok(service.granted("/allow-if/{answer}", me.grant()))
}

async fn ask_again(service: State, me: Granted<Person>, meanwhile: web::Path<String>) -> Result<String, Refused> {
    service.pass_time(&meanwhile, me.grant());
    me.ask_again()?;
    Ok(service.granted("/ask-again/{meanwhile}", me.grant()))
}

async fn left_by_guards(service: State, request: HttpRequest) -> String {
    service.visitor("/any-then-cookie", request.extensions().get())
}

async fn stream_out(service: State) -> HttpResponse {
    let first = service.ran("/stream");
    let chunks = std::iter::once(first).chain(CHUNKS.map(str::to_owned));
    text().streaming(stream::iter(chunks.map(|chunk| Ok::<_, Infallible>(web::Bytes::from(chunk)))))
}

async fn upload(service: State, mut body: web::Payload) -> actix_web::Result<String> {
    let mut bytes = 0;
    while let Some(chunk) = body.try_next().await.map_err(ErrorBadRequest)? {
        bytes += chunk.len();
    }
    Ok(service.uploaded("/upload", bytes))
}

async fn covered(service: State, me: Granted<Person>, body: web::Bytes) -> String {
    service.covered(me.grant(), &body)
}

async fn limited(service: State, body: web::Bytes) -> String {
    service.uploaded("/limited", body.len())
}

async fn websocket(service: State, request: HttpRequest, body: web::Payload) -> actix_web::Result<HttpResponse> {
    let _ = service.ran("/ws");
    let (response, mut session, mut messages) = actix_ws::handle(&request, body)?;
    actix_web::rt::spawn(async move {
        while let Some(Ok(message)) = messages.next().await {
            if let Message::Text(text) = message
                && session.text(text).await.is_err()
            {
                return;
            }
        }
    });
    Ok(response)
}
