//! What is special about axum: nesting, patterns, path parameters, and what stays closed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{FromRef, OriginalUri, Path, Query},
    routing::{get, post},
};
use countersign::{Bearer, Gate, QueryParam, Verified, demand, gate::policy::subject_is, verifier::TokenTable};
use countersign_axum::{GateExt, Granted, Refused, Visitor};
use http::{Request, Uri};
use tower::ServiceExt;

type Person = &'static str;

fn gate() -> Gate<Person> {
    let tokens = || {
        TokenTable::new()
            .with("emily", Verified::new("emily").with_subject("emily"))
            .with("é", Verified::new("é").with_subject("é"))
    };
    Gate::in_realm("people")
        .accept(Bearer, tokens())
        .accept(QueryParam::named("access_token"), tokens())
        .build()
        .unwrap()
}

async fn ask(app: &Router, method: &str, uri: &str, token: Option<&str>) -> (u16, String) {
    let request = Request::builder().method(method).uri(uri);
    let request = match token {
        Some(token) => request.header("authorization", format!("Bearer {token}")),
        None => request,
    };
    let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 1 << 16).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

demand!(Oneself: subject_is("name"));

#[tokio::test]
async fn path_parameters_are_known_below_the_router() {
    let gate = gate();
    let own = || gate.require(subject_is("name")).enforce();
    let nested = Router::new().route("/{name}/nested", get(|| async { "nested" }).route_layer(own()));
    let app: Router = Router::new()
        .route("/users/{name}", get(|| async { "layer" }).route_layer(own()))
        .route("/typed/{name}", get(|_: Granted<Person, Oneself>| async { "typed" }))
        .route("/whole/{name}", get(|| async { "whole" }))
        .route("/none", get(|| async { "none" }).route_layer(own()))
        .route_layer(gate.enforce())
        .nest("/in", nested)
        .layer(gate.attach())
        .with_state(gate.clone());
    for (uri, status) in [
        ("/users/emily", 200),
        ("/users/%65mily", 200),
        ("/users/emma", 403),
        ("/users/Emily", 403),
        ("/typed/emily", 200),
        ("/typed/emma", 403),
        ("/in/emily/nested", 200),
        ("/in/emma/nested", 403),
        ("/none", 500),
        ("/nowhere", 404),
    ] {
        assert_eq!(ask(&app, "GET", uri, Some("emily")).await.0, status, "{uri}");
    }
    assert_eq!(ask(&app, "POST", "/users/emily", Some("emily")).await.0, 405);
    assert_eq!(ask(&app, "GET", "/nowhere", None).await.0, 404, "F2: a guard does not turn 404 into 401");
}

#[tokio::test]
async fn no_uri_shows_a_credential_to_the_app() {
    let show = |original: OriginalUri, uri: Uri, Query(query): Query<Vec<(String, String)>>, _: Granted<Person>| async move {
        format!("{} {uri} {query:?}", original.0)
    };
    let gate = gate();
    let inner: Router<Gate<Person>> = Router::new().route("/show", get(show));
    let app: Router = Router::new().nest("/in", inner).layer(gate.attach()).with_state(gate.clone());
    let (status, body) = ask(&app, "GET", "/in/show?access_token=emily&a=1", None).await;
    assert_eq!((status, body.as_str()), (200, "/in/show?a=1 /show?a=1 [(\"a\", \"1\")]"));
}

#[tokio::test]
async fn what_is_closed_opens_by_pattern_alone() {
    let gate = gate();
    let app: Router = Router::new()
        .route("/api/health", get(|| async { "healthy" }))
        .route("/api/users/{name}", get(|| async { "user" }))
        .route("/api/public/{name}", get(|| async { "public" }))
        .route("/apiary", get(|| async { "apiary" }))
        .fallback(|| async { "fallback" })
        .layer(gate.attach().closed_below("/api/").except(["/api/health", "/api/public/{name}"]))
        .with_state(gate.clone());
    for (uri, status) in [
        ("/api/health", 200),
        ("/api/health?x=/api/public/a", 200),
        ("/api/public/x", 200),
        ("/api/users/emily", 401),
        ("/api/users/health", 401),
        ("/api/users/emily?next=/api/health", 401),
        ("/api/users/%2e%2e%2fhealth", 401),
        ("/api", 401),
        ("/api/", 401),
        ("/api/health/", 401),
        ("/api/nowhere", 401),
        ("//api/users/emily", 401),
        ("/./api", 401),
        ("/%61pi/nowhere", 401),
        ("/elsewhere/%2e%2e/api", 401),
        ("/apiary", 200),
        ("/apiary/%zz/%", 200),
        ("/elsewhere", 200),
    ] {
        assert_eq!(ask(&app, "GET", uri, None).await.0, status, "{uri}");
        assert_eq!(ask(&app, "GET", uri, Some("emily")).await.0, 200, "{uri}");
        assert_eq!(ask(&app, "GET", uri, Some("wrong")).await.0, status, "{uri}");
    }
}

#[tokio::test]
async fn a_parameter_that_is_not_utf_8_is_nobody_and_no_fault() {
    let gate = gate();
    let may = gate.require(subject_is("name"));
    let app: Router = Router::new()
        .route("/users/{name}", get(|| async { "in" }).route_layer(may.enforce()))
        .route("/other/{other}", get(|| async { "in" }).route_layer(may.enforce()))
        .layer(gate.attach());
    for (uri, status) in
        [("/users/emily", 200), ("/users/%FF", 403), ("/users/%EF%BF%BD", 403), ("/other/%FF", 500), ("/other/a", 500)]
    {
        assert_eq!(ask(&app, "GET", uri, Some("emily")).await.0, status, "{uri}");
    }
}

#[derive(Clone)]
struct App {
    gate: Gate<Person>,
}

impl FromRef<App> for Gate<Person> {
    fn from_ref(app: &App) -> Self {
        app.gate.clone()
    }
}

#[tokio::test]
async fn a_guard_in_a_signature_takes_what_the_route_takes() {
    let gate = gate();
    let bearer = gate.only(["bearer"]).unwrap();
    let swallow = |me: Result<Granted<Person>, Refused>| async move { me.map_or("nobody", |me| **me) };
    let app: Router = Router::new()
        .route("/only", get(|me: Granted<Person>| async move { me.scheme().to_owned() }).route_layer(bearer.enforce()))
        .route("/visitor", get(|me: Visitor<Person>| async move { me.grant().map_or("nobody", |me| **me) }))
        .route("/swallow", get(swallow))
        .route(
            "/users/{name}",
            post(|me: Granted<Person>, Path(name): Path<String>| async move {
                me.allow_if(name == **me)?;
                Ok::<_, Refused>("done")
            }),
        )
        .layer(gate.attach())
        .with_state(App { gate });
    for (method, uri, token, status, body) in [
        ("GET", "/only?access_token=emily", Some("emily"), 200, "bearer"),
        ("GET", "/visitor?access_token=emily", Some("emily"), 400, "invalid_request"),
        ("GET", "/visitor", None, 200, "nobody"),
        ("GET", "/visitor", Some("wrong"), 401, "not valid"),
        ("GET", "/swallow", Some("emily"), 200, "emily"),
        ("GET", "/swallow", Some("wrong"), 401, "not valid"),
        ("GET", "/swallow", None, 401, "takes a credential"),
        ("POST", "/users/emily", Some("emily"), 200, "done"),
        ("POST", "/users/emma", Some("emily"), 403, "may not"),
    ] {
        let (seen, text) = ask(&app, method, uri, token).await;
        assert!(seen == status && text.contains(body), "{method} {uri} {token:?}: {seen} {text}");
    }
}
