//! What is special about actix-web: wraps and their order, path parameters, patterns before and after routing, swallowed
//! refusals. Over real sockets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    future::{Future, ready},
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    task::{Context, Poll, Waker},
    thread,
};

use actix_cors::Cors;
use actix_web::{
    App, Error, FromRequest, HttpRequest, HttpResponse, HttpServer,
    dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform},
    error::ErrorImATeapot,
    guard,
    middleware::{DefaultHeaders, NormalizePath, TrailingSlash, from_fn},
    test::TestRequest,
    web,
};
use countersign::{
    Answer, Basic, Bearer, Gate, KeyRing, Page, QueryParam, SignedCookie, Unavailable, Verified, async_trait,
    credential::{CookieCredential, TokenCredential},
    demand,
    gate::policy::subject_is,
    mint::api_key::{ApiKeyEndpoints, ApiKeys},
    store::MemoryApiKeys,
    verifier::{PasswordTable, TokenTable, verify_with},
};
use countersign_actix_web::{GateExt, Granted, Refused, Visitor, endpoint};

type Person = &'static str;

fn gate() -> Gate<Person> {
    let tokens = || {
        TokenTable::new()
            .with("emily", Verified::new("emily").with_subject("emily"))
            .with("slash", Verified::new("slash").with_subject("a/b"))
    };
    Gate::in_realm("people")
        .accept(Bearer, tokens())
        .accept(QueryParam::named("access_token"), tokens())
        .build()
        .unwrap()
}

/// A real server of this app.
macro_rules! serve {
    ($app:expr) => {{
        let app = $app;
        let (started, start) = mpsc::channel();
        thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
                started.send(server.addrs()[0]).unwrap();
                server.run().await.unwrap();
            })
        });
        start.recv().unwrap()
    }};
}

/// Status, fields in lower case, and body.
fn send(server: SocketAddr, request: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_ascii_lowercase(), body.to_owned())
}

fn ask(server: SocketAddr, method: &str, target: &str, token: Option<&str>) -> (u16, String, String) {
    let credential = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    send(server, &format!("{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{credential}\r\n"))
}

fn status(server: SocketAddr, target: &str, token: Option<&str>) -> u16 {
    ask(server, "GET", target, token).0
}

demand!(Oneself: subject_is("name"));

#[test]
fn path_parameters_are_known_where_the_documentation_says() {
    let gate = gate();
    let server = serve!(move || {
        let own = || gate.require(subject_is("name")).enforce();
        let say = || web::get().to(|| async { "in" });
        App::new()
            .service(web::resource("/route/{name}").route(say().wrap(own())))
            .service(web::resource("/resource/{name}").route(say()).wrap(own()))
            .service(web::scope("/scope/{name}").service(web::resource("/a").route(say())).wrap(own()))
            .service(web::scope("/late").service(web::resource("/{name}").route(say())).wrap(own()))
            .service(web::scope("/in/{name}").service(web::resource("/a/{other}").route(say().wrap(own()))))
            .route("/typed/{name}", web::get().to(|_: Granted<Person, Oneself>| async { "in" }))
            .service(web::resource("/none").route(say().wrap(own())))
            .wrap(gate.attach())
    });
    for (target, token, expected) in [
        ("/route/emily", "emily", 200),
        ("/route/%65mily", "emily", 200),
        ("/route/emma", "emily", 403),
        ("/route/Emily", "emily", 403),
        ("/route/a%2Fb", "slash", 200),
        ("/route/a%252Fb", "slash", 403),
        ("/resource/emily", "emily", 200),
        ("/resource/emma", "emily", 403),
        ("/scope/emily/a", "emily", 200),
        ("/scope/emma/a", "emily", 403),
        ("/late/emily", "emily", 500),
        ("/in/emily/a/emma", "emily", 200),
        ("/in/emma/a/emily", "emily", 403),
        ("/typed/emily", "emily", 200),
        ("/typed/emma", "emily", 403),
        ("/none", "emily", 500),
        ("/nowhere", "emily", 404),
    ] {
        assert_eq!(status(server, target, Some(token)), expected, "{target} {token}");
    }
    assert_eq!(ask(server, "POST", "/route/emily", Some("emily")).0, 405);
    assert_eq!(status(server, "/nowhere", None), 404);
}

#[test]
fn what_is_closed_opens_by_pattern_alone() {
    let gate = gate();
    let server = serve!(move || {
        let say = |text: &'static str| web::get().to(move || async move { text });
        App::new()
            .service(web::resource("/api/health").route(say("health")))
            .service(web::resource("/api/public/secret").route(say("secret")))
            .service(web::resource("/api/public/{page}").route(say("public")))
            .service(web::resource("/api/files/hidden").route(say("hidden")))
            .service(web::resource("/api/files/{tail:.*}").route(say("files")))
            .service(web::resource("/api/twins/").route(say("twin")))
            .service(web::resource("/api/twins").route(say("other twin")))
            .service(web::scope("/api/scope").service(web::resource("/open").route(say("open"))))
            .service(web::resource("/{any}/below").route(say("below")))
            .service(web::resource("/apiary").route(say("apiary")))
            .default_service(web::to(|| async { "default" }))
            .wrap(NormalizePath::new(TrailingSlash::MergeOnly))
            .wrap(gate.attach().closed_below("/api/").unwrap().except([
                "/api/health",
                "/api/public/{page}",
                "/api/files/{tail:.*}",
                "/api/twins",
                "/api/scope/open",
            ]))
    });
    for (target, stranger) in [
        ("/api/health", Some("health")),
        ("/api/%68ealth", Some("health")),
        ("/api/health?x=/api/public/a", Some("health")),
        ("/api/public/x", Some("public")),
        ("/api/public/%2e%2e", Some("public")),
        ("/api/scope/open", Some("open")),
        ("/api/files/a", Some("files")),
        ("/api/files/a/b", Some("files")),
        ("/apiary", Some("apiary")),
        ("/elsewhere", Some("default")),
        ("/a/below", Some("below")),
        // one of a name that another of its spellings would reach
        ("/api/files/hidden", None),
        ("/api/files//hidden", None),
        ("/api//files/hidden", None),
        ("/api/files/%68idden", None),
        ("/api/twins", None),
        ("/api/twins/", None),
        ("/api/public/secret", None),
        ("/api/public/%73ecret", None),
        ("/%61pi/public/secret", None),
        ("//api/public/secret", None),
        ("/elsewhere/../api/public/secret", None),
        ("/elsewhere/%2e%2e/api/public/x", None),
        ("/./api", None),
        ("/api//public//secret", None),
        ("/api/below", None),
        ("/api", None),
        ("/api/", None),
        ("/api/health/", None),
        ("/api/health/x", None),
        ("/api/scope", None),
        ("/api/scope/other", None),
        ("/api/nowhere?/api/health", None),
        ("/api/public/a/b", None),
    ] {
        let (code, _, body) = ask(server, "GET", target, None);
        match stranger {
            Some(text) => assert_eq!((code, &*body), (200, text), "{target}"),
            None => assert_eq!(code, 401, "{target}: {body}"),
        }
        let wrong = status(server, target, Some("wrong"));
        assert_eq!(wrong, if stranger.is_some() { 200 } else { 401 }, "{target}");
        assert!(matches!(status(server, target, Some("emily")), 200 | 404), "{target}");
    }
}

#[test]
fn around_a_scope_a_closed_path_counts_whole_and_from_there() {
    for (prefix, closed) in [("/v1/api", true), ("/api", true), ("/v1", true), ("/", true), ("/v1/apis", false)] {
        let gate = gate();
        let server = serve!(move || {
            let say = |text: &'static str| web::get().to(move || async move { text });
            App::new().service(
                web::scope("/v1")
                    .service(web::resource("/api/salaries").route(say("salaries")))
                    .service(web::resource("/api/health").route(say("health")))
                    .default_service(web::to(|| async { "default" }))
                    .wrap(gate.attach().closed_below(prefix).unwrap().except(["/v1/api/health"])),
            )
        });
        let refused = if closed { 401 } else { 200 };
        assert_eq!(status(server, "/v1/api/salaries", None), refused, "{prefix}");
        assert_eq!(status(server, "/v1/api/nothing", None), refused, "{prefix}");
        assert_eq!(status(server, "/v1/api/salaries", Some("emily")), 200, "{prefix}");
        assert_eq!(status(server, "/v1/api/health", None), 200, "{prefix}");
    }
}

#[test]
fn a_cors_wrap_stands_outside_of_what_is_closed() {
    fn cors() -> Cors {
        Cors::default()
            .allowed_origin("https://friend.example")
            .allowed_methods(["GET"])
            .allowed_header("authorization")
            .block_on_origin_mismatch(false)
    }
    let any = || {
        web::resource("/api/any")
            .route(web::to(|| async { HttpResponse::Ok().insert_header(("vary", "accept-language")).body("in") }))
    };
    let attach = |gate: &Gate<Person>| gate.attach().closed_below("/api").unwrap();
    let gate = gate();
    let of = gate.clone();
    let outside = serve!(move || App::new().service(any()).wrap(attach(&of)).wrap(cors()));
    let inside = serve!(move || App::new().service(any()).wrap(cors()).wrap(attach(&gate)));
    for (server, method, token, code, has_fields) in [
        (outside, "OPTIONS", None, 200, true),
        (outside, "GET", None, 401, true),
        (outside, "GET", Some("emily"), 200, true),
        // Inside, a preflight is refused like any request without a credential, and a browser is not told why.
        (inside, "OPTIONS", None, 401, false),
        (inside, "GET", None, 401, false),
        (inside, "GET", Some("emily"), 200, true),
    ] {
        let credential = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let request = format!(
            "{method} /api/any HTTP/1.1\r\nHost: x\r\nConnection: close\r\nOrigin: https://friend.example\r\n\
             Access-Control-Request-Method: GET\r\n{credential}\r\n"
        );
        let (seen, head, body) = send(server, &request);
        assert_eq!((seen, head.contains("access-control-allow-origin")), (code, has_fields), "{method} {token:?}");
        assert_eq!(body == "in", code == 200 && method == "GET", "{method} {token:?}: {body}");
        // Nothing that an answer varies by is lost, in whatever order the wraps stand.
        if method == "GET" {
            let vary: String = head.lines().filter(|line| line.starts_with("vary:")).collect();
            assert!(vary.contains("authorization") && (code == 401 || vary.contains("accept-language")), "{head}");
        }
    }
}

#[test]
fn where_everything_is_closed_a_browser_can_still_sign_in() {
    let tokens = TokenTable::new().with("emily", Verified::new("emily"));
    let gate = Gate::in_realm("people")
        .accept(Bearer, tokens)
        .accept(
            SignedCookie::named("session", KeyRing::random()),
            verify_with(|_: CookieCredential| async { Answer::<Person>::Refused }),
        )
        .sign_in_at("/login")
        .build()
        .unwrap();
    let server = serve!(move || {
        App::new()
            .route("/login", web::get().to(|| async { "sign in" }))
            .route("/home", web::get().to(|| async { "home" }))
            .wrap(gate.attach().closed_below("/").unwrap())
    });
    let browse = |target: &str| {
        send(server, &format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: text/html\r\n\r\n"))
    };
    let (code, head, _) = browse("/home");
    assert!(code == 303 && head.contains("location: /login?next=/home\r\n"), "{head}");
    assert_eq!(browse("/login?next=/home").0, 200);
}

#[test]
fn what_the_router_reaches_past_an_exception_is_withheld() {
    let gate = gate();
    let server = serve!(move || {
        App::new()
            .service(
                web::resource("/api/{page}")
                    .guard(guard::Header("x-page", "yes"))
                    .route(web::to(|| async { "a page" })),
            )
            .service(web::resource("/api/admin").route(web::to(|| async { "the keys" })))
            .wrap(gate.attach().closed_below("/api").unwrap().except(["/api/{page}"]))
    });
    let with_field = "GET /api/admin HTTP/1.1\r\nHost: x\r\nConnection: close\r\nx-page: yes\r\n\r\n";
    assert_eq!(send(server, with_field).2, "a page");
    let (code, _, body) = ask(server, "GET", "/api/admin", None);
    assert_eq!(code, 500);
    assert!(!body.contains("keys"), "{body}");
}

#[test]
fn a_swallowed_refusal_is_answered() {
    let gate = gate();
    let server = serve!(move || {
        App::new()
            .route(
                "/optional",
                web::get().to(|me: Option<Granted<Person>>| async move { me.map_or("nobody", |me| **me) }),
            )
            .route("/two", web::get().to(|_: Option<Granted<Person>>, me: Granted<Person>| async move { **me }))
            .route(
                "/own-error",
                web::get().to(|me: Result<Granted<Person>, Refused>| async move {
                    me.map(|me| **me).map_err(ErrorImATeapot)
                }),
            )
            .route("/handed-on", web::get().to(|me: Result<Granted<Person>, Refused>| async move { me.map(|me| **me) }))
            .route(
                "/visitor",
                web::get().to(|me: Visitor<Person>| async move { me.grant().map_or("nobody", |me| **me) }),
            )
            .wrap(gate.attach())
    });
    for (target, token, code, text) in [
        ("/optional", Some("emily"), 200, "emily"),
        ("/optional", Some("wrong"), 401, "not valid"),
        ("/optional", None, 401, "takes a credential"),
        ("/two", None, 401, "takes a credential"),
        ("/own-error", Some("wrong"), 401, "not valid"),
        ("/handed-on", Some("wrong"), 401, "not valid"),
        ("/visitor", None, 200, "nobody"),
        ("/visitor", Some("wrong"), 401, "not valid"),
    ] {
        let (seen, head, body) = ask(server, "GET", target, token);
        assert!(seen == code && body.contains(text), "{target} {token:?}: {seen} {body}");
        assert_eq!(head.matches("www-authenticate:").count(), usize::from(code == 401), "{target}: {head}");
    }
}

#[test]
fn a_guard_without_an_attached_gate_is_a_fault() {
    let gate = gate();
    let server = serve!(move || {
        App::new()
            .route("/granted", web::get().to(|_: Granted<Person>| async { "in" }))
            .route("/visitor", web::get().to(|_: Visitor<Person>| async { "in" }))
            .service(web::resource("/enforced").route(web::get().to(|| async { "in" }).wrap(gate.enforce())))
            .service(
                web::scope("/of-another")
                    .service(web::resource("/principal").route(web::get().to(|_: Granted<String>| async { "in" })))
                    .wrap(gate.attach()),
            )
    });
    for target in ["/granted", "/visitor", "/enforced", "/of-another/principal"] {
        let (code, head, _) = ask(server, "GET", target, Some("emily"));
        assert!(code == 500 && head.contains("application/problem+json"), "{target}: {code}");
    }
}

#[test]
fn the_nearest_gate_is_asked_and_the_uri_is_cleaned_by_each() {
    let outer = gate();
    let inner = Gate::in_realm("inside")
        .accept(QueryParam::named("key"), TokenTable::new().with("jacob", Verified::new("jacob")))
        .build()
        .unwrap();
    let show = |request: HttpRequest, query: web::Query<Vec<(String, String)>>, me: Granted<Person>| async move {
        format!("{} {} {} {}", request.uri(), request.match_info().as_str(), query.len(), **me)
    };
    let server = serve!(move || {
        App::new()
            .service(web::scope("/in").route("/show", web::get().to(show)).wrap(inner.attach()))
            .route("/show", web::get().to(show))
            .wrap(outer.attach())
    });
    for (target, body) in [
        ("/show?a=1&access_token=emily&key=jacob", "/show?a=1&key=jacob /show 2 emily"),
        ("/show?access_token=emily", "/show /show 0 emily"),
        ("/in/show?key=jacob&a=1&access_token=emily", "/in/show?a=1 /in/show 1 jacob"),
    ] {
        assert_eq!(ask(server, "GET", target, None).2, body);
    }
}

#[test]
fn wraps_further_out_see_refusals_h10() {
    let gate = gate();
    let server = serve!(move || {
        let cors = || Cors::default().allowed_origin("https://friend.example").allowed_methods(["GET"]);
        App::new()
            .service(
                web::resource("/inside")
                    .route(web::get().to(|_: Granted<Person>| async { "in" }).wrap(gate.enforce()))
                    .wrap(cors()),
            )
            .service(web::resource("/failing").route(web::get().to(|| async { "in" })).wrap(from_fn(
                |mut request: ServiceRequest, _: actix_web::middleware::Next<_>| async move {
                    request.extract::<Granted<Person>>().await?;
                    Err::<ServiceResponse, Error>(ErrorImATeapot("failed"))
                },
            )))
            .wrap(gate.attach())
            .wrap(DefaultHeaders::new().add(("x-outer", "seen")))
    });
    for (target, token, code) in [
        ("/inside", None, 401),
        ("/inside", Some("emily"), 200),
        ("/failing", None, 401),
        ("/failing", Some("emily"), 418),
    ] {
        let credential = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let (seen, head, _) = send(
            server,
            &format!(
                "GET {target} HTTP/1.1\r\nHost: x\r\nOrigin: https://friend.example\r\nConnection: close\r\n{credential}\r\n"
            ),
        );
        assert_eq!(seen, code, "{target}");
        assert!(head.contains("authorization"), "what was read is named in Vary, also beside an error: {head}");
        if target == "/inside" {
            assert!(head.contains("x-outer: seen"), "{head}");
            assert!(head.contains("access-control-allow-origin: https://friend.example"), "{head}");
        }
    }
    let preflight = "OPTIONS /inside HTTP/1.1\r\nHost: x\r\nOrigin: https://friend.example\r\n\
        Access-Control-Request-Method: GET\r\nConnection: close\r\n\r\n";
    assert_eq!(send(server, preflight).0, 200);
}

#[test]
fn a_body_is_not_read_while_a_verifier_is_waited_for_h11() {
    let gate: Gate<Person> = Gate::in_realm("people")
        .accept(Bearer, verify_with(|_: TokenCredential| async { Answer::Unavailable(Unavailable::because("away")) }))
        .refusals(|rejection, _| Some(Page::html(format!("<p>{}", rejection.status()))))
        .build()
        .unwrap();
    let read = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&read);
    let server = serve!(move || {
        let read = Arc::clone(&read);
        App::new()
            .service(web::resource("/").route(web::post().to(|_: web::Json<u8>| async { "in" }).wrap(gate.enforce())))
            .app_data(web::JsonConfig::default().error_handler(move |error, _| {
                read.store(true, Ordering::SeqCst);
                error.into()
            }))
            .wrap(gate.attach())
    });
    let request = "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\nContent-Type: application/json\r\n\
        Content-Length: 1\r\nConnection: close\r\n\r\n{";
    let (code, head, body) = send(server, request);
    assert_eq!((code, &*body), (503, "<p>503"));
    assert!(head.contains("retry-after") && head.contains("text/html"), "an own page keeps the fields: {head}");
    assert!(!seen.load(Ordering::SeqCst));
}

struct People;

#[async_trait]
impl countersign::store::Directory<Person> for People {
    async fn find(&self, subject: &str) -> Result<Option<Verified<Person>>, Unavailable> {
        Ok((subject == "emily").then(|| Verified::new("emily").with_subject("emily")))
    }
}

#[test]
fn endpoints_are_mounted_behind_their_gates() {
    let keys = ApiKeys::new("ppl_".parse().unwrap(), Arc::new(MemoryApiKeys::default()), Arc::new(People));
    let emily = Verified::new("emily").with_subject("emily");
    let gate =
        Gate::in_realm("people").accept(Basic, PasswordTable::new().with("emily", "s3cret", emily)).build().unwrap();
    let keys = Arc::new(ApiKeyEndpoints::new(keys));
    let server = serve!(move || {
        App::new()
            .service(web::resource("/keys").route(endpoint(keys.create(&gate))).route(endpoint(keys.list(&gate))))
            .service(web::resource("/keys/{id}").route(endpoint(keys.delete(&gate))))
            .wrap(gate.attach())
    });
    let say = |method: &str, target: &str, credential: &str, body: &str, length: usize| {
        send(
            server,
            &format!(
                "{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{credential}Content-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
            ),
        )
    };
    let emily = "Authorization: Basic ZW1pbHk6czNjcmV0\r\n";
    let body = r#"{"name":"ci"}"#;
    assert_eq!(say("POST", "/keys", "", body, body.len()).0, 401);
    assert_eq!(say("POST", "/keys", emily, body, body.len()).0, 201);
    assert_eq!(say("GET", "/keys", emily, "", 0).0, 200);
    assert_eq!(say("DELETE", "/keys/nothing", emily, "", 0).0, 404);
    let long = "x".repeat(64 * 1024 + 1);
    assert_eq!(say("POST", "/keys", emily, &long, long.len()).0, 413);
}

/// F1: readiness is the inner service's to give.
#[test]
fn readiness_is_asked_of_the_inner_service_f1() {
    struct Unready(Arc<AtomicUsize>);
    impl Service<ServiceRequest> for Unready {
        type Response = ServiceResponse;
        type Error = Error;
        type Future = std::future::Ready<Result<ServiceResponse, Error>>;

        fn poll_ready(&self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
            match self.0.fetch_add(1, Ordering::SeqCst) {
                0 => Poll::Pending,
                1 => Poll::Ready(Ok(())),
                _ => Poll::Ready(Err(ErrorImATeapot("broken"))),
            }
        }

        fn call(&self, request: ServiceRequest) -> Self::Future {
            ready(Ok(request.into_response(HttpResponse::Ok().finish())))
        }
    }
    fn polls<S: Service<ServiceRequest, Error = Error>>(service: &S) -> Vec<&'static str> {
        let mut context = Context::from_waker(Waker::noop());
        (0..3)
            .map(|_| match service.poll_ready(&mut context) {
                Poll::Pending => "pending",
                Poll::Ready(Ok(())) => "ready",
                Poll::Ready(Err(_)) => "broken",
            })
            .collect()
    }
    fn done<F: Future>(future: F) -> F::Output {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => output,
            Poll::Pending => unreachable!("a wrap is made at once"),
        }
    }
    let gate = gate();
    let expected = ["pending", "ready", "broken"];
    assert_eq!(polls(&done(gate.attach().new_transform(Unready(Arc::default()))).unwrap()), expected);
    assert_eq!(polls(&done(gate.enforce().new_transform(Unready(Arc::default()))).unwrap()), expected);
}

#[actix_web::test]
async fn no_borrow_of_the_extensions_is_held_while_waiting_f3() {
    let gate: Gate<Person> = Gate::in_realm("people")
        .accept(
            Bearer,
            verify_with(|_: TokenCredential| async {
                tokio::task::yield_now().await;
                Verified::new("emily").into()
            }),
        )
        .build()
        .unwrap();
    let inner = actix_web::dev::fn_service(|request: ServiceRequest| async move {
        let (request, _) = request.into_parts();
        let extracting = Granted::<Person>::from_request(&request, &mut Payload::None);
        // Panics if a borrow is held.
        actix_web::HttpMessage::extensions_mut(&request).insert(1_u8);
        let me = extracting.await?;
        let body = (**me).to_owned();
        Ok(ServiceResponse::new(request, HttpResponse::Ok().body(body)))
    });
    let inner = actix_web::dev::ServiceFactory::new_service(&inner, ()).await.unwrap();
    let service = gate.attach().new_transform(inner).await.unwrap();
    let request = TestRequest::get().insert_header(("authorization", "Bearer t")).to_srv_request();
    let response = service.call(request).await.unwrap();
    assert_eq!(response.status(), 200);
}
