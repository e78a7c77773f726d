//! What is special about actix-web: wraps and their order, path parameters, patterns before and after routing, swallowed
//! refusals. Over real sockets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod closed;
mod wraps;

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
pub(crate) use serve;

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
            .service(web::scope("/account").service(web::resource("/machine-keys").route(endpoint(
                keys.create(&gate).after(|done, reply| async move { reply.with_member("owner", done.subject()) }),
            ))))
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
    // Alone, under another name, below a prefix, and with a field of the app's own.
    let renamed = say("POST", "/account/machine-keys", emily, body, body.len());
    assert!(renamed.0 == 201 && renamed.2.contains(r#""owner":"emily""#), "{renamed:?}");
    assert_eq!(say("GET", "/keys", emily, "", 0).0, 200);
    assert_eq!(say("DELETE", "/keys/nothing", emily, "", 0).0, 404);
    let long = "x".repeat(64 * 1024 + 1);
    assert_eq!(say("POST", "/keys", emily, &long, long.len()).0, 413);
}
