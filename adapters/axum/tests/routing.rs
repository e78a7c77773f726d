//! What is special about axum: nesting, patterns, path parameters, and what stays closed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{FromRef, OriginalUri, Path, Query},
    routing::{any, get, post},
};
use countersign::{
    Answer, Bearer, Gate, KeyRing, QueryParam, SignedCookie, Verified,
    credential::CookieCredential,
    demand,
    gate::policy::subject_is,
    verifier::{TokenTable, verify_with},
};
use countersign_axum::{GateExt, Granted, Refused, Visitor};
use http::{HeaderValue, Method, Request, Uri, header};
use tower::ServiceExt;
use tower_http::cors::CorsLayer;

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
        .layer(gate.attach().closed_below("/api/").unwrap().except(["/api/health", "/api/public/{name}"]))
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
async fn below_a_nested_router_a_closed_path_counts_whole_and_from_there() {
    let gate = gate();
    for (prefix, closed) in [("/v1/api", true), ("/api", true), ("/v1", true), ("/", true), ("/v1/apis", false)] {
        let inner = Router::new()
            .route("/api/salaries", get(|| async { "salaries" }))
            .route("/api/health", get(|| async { "health" }))
            .fallback(|| async { "fallback" })
            .layer(gate.attach().closed_below(prefix).unwrap().except(["/v1/api/health"]));
        let app: Router = Router::new().nest("/v1", inner).with_state(gate.clone());
        let refused = if closed { 401 } else { 200 };
        assert_eq!(ask(&app, "GET", "/v1/api/salaries", None).await.0, refused, "{prefix}");
        assert_eq!(ask(&app, "GET", "/v1/api/nothing", None).await.0, refused, "{prefix}");
        assert_eq!(ask(&app, "GET", "/v1/api/salaries", Some("emily")).await.0, 200, "{prefix}");
        assert_eq!(ask(&app, "GET", "/v1/api/health", None).await.0, 200, "{prefix}");
    }
}

/// As the documentation of `closed_below` says: a layer covers what was there when it was added.
#[tokio::test]
async fn what_is_added_behind_the_layer_is_open_and_guards_there_say_so() {
    let gate = gate();
    let attach = || gate.attach().closed_below("/api").unwrap();
    let late = |router: Router<Gate<Person>>| {
        router
            .route("/api/late", get(|| async { "late" }))
            .route("/api/guarded", get(|_: Granted<Person>| async { "guarded" }))
            .fallback(|| async { "fallback" })
    };
    let early = || Router::new().route("/api/early", get(|| async { "early" }));
    let last: Router = late(early()).layer(attach()).with_state(gate.clone());
    let first: Router = late(early().layer(attach())).with_state(gate.clone());
    for (uri, added_last, added_first) in
        [("/api/early", 401, 401), ("/api/late", 401, 200), ("/api/guarded", 401, 500), ("/api/nothing", 401, 200)]
    {
        assert_eq!(ask(&last, "GET", uri, None).await.0, added_last, "{uri}");
        assert_eq!(ask(&first, "GET", uri, None).await.0, added_first, "{uri}");
    }
}

#[tokio::test]
async fn a_cors_layer_stands_outside_of_what_is_closed() {
    let gate = gate();
    let cors = || {
        CorsLayer::new()
            .allow_origin(HeaderValue::from_static("https://friend.example"))
            .allow_methods([Method::GET])
            .allow_headers([header::AUTHORIZATION])
    };
    let attach = || gate.attach().closed_below("/api").unwrap();
    let routes = || Router::new().route("/api/any", any(|| async { "in" }));
    let outside: Router = routes().layer(attach()).layer(cors()).with_state(gate.clone());
    let inside: Router = routes().layer(cors()).layer(attach()).with_state(gate.clone());
    let request = |method: &str, token: Option<&str>| {
        let request = Request::builder()
            .method(method)
            .uri("/api/any")
            .header("origin", "https://friend.example")
            .header("access-control-request-method", "GET");
        let request = token.into_iter().fold(request, |request, token| request.header("authorization", token));
        request.body(Body::empty()).unwrap()
    };
    for (app, method, token, status, has_fields) in [
        (&outside, "OPTIONS", None, 200, true),
        (&outside, "GET", None, 401, true),
        (&outside, "GET", Some("Bearer emily"), 200, true),
        // Inside, a preflight is refused like any request without a credential, and a browser is not told why.
        (&inside, "OPTIONS", None, 401, false),
        (&inside, "GET", None, 401, false),
        (&inside, "GET", Some("Bearer emily"), 200, true),
    ] {
        let response = app.clone().oneshot(request(method, token)).await.unwrap();
        let seen = (response.status().as_u16(), response.headers().contains_key("access-control-allow-origin"));
        assert_eq!(seen, (status, has_fields), "{method} {token:?}");
        let body = to_bytes(response.into_body(), 1 << 16).await.unwrap();
        assert_eq!(body == "in", status == 200 && method == "GET", "{method} {token:?}");
    }
}

#[tokio::test]
async fn where_everything_is_closed_a_browser_can_still_sign_in() {
    let tokens = TokenTable::new().with("emily", Verified::new("emily"));
    let cookie = SignedCookie::named("session", KeyRing::random());
    let gate = Gate::in_realm("people")
        .accept(Bearer, tokens)
        .accept(cookie, verify_with(|_: CookieCredential| async { Answer::<Person>::Refused }))
        .sign_in_at("/login")
        .build()
        .unwrap();
    let app: Router = Router::new()
        .route("/login", get(|_: Visitor<Person>| async { "sign in" }))
        .route("/home", get(|| async { "home" }))
        .layer(gate.attach().closed_below("/").unwrap())
        .with_state(gate);
    let browse = |uri: &str| Request::get(uri).header("accept", "text/html").body(Body::empty()).unwrap();
    let sent = app.clone().oneshot(browse("/home")).await.unwrap();
    let location = sent.headers().get("location").unwrap().to_str().unwrap().to_owned();
    assert_eq!((sent.status().as_u16(), location.as_str()), (303, "/login?next=/home"));
    assert_eq!(app.clone().oneshot(browse(&location)).await.unwrap().status(), 200);
    // With a cookie that has ended: once more without it, and in no circle where a browser keeps it.
    for (uri, status, location) in [("/login", 303, Some("/login?next=/")), ("/login?next=/", 401, None)] {
        let mut request = browse(uri);
        request.headers_mut().insert("cookie", "session=ended".parse().unwrap());
        let response = app.clone().oneshot(request).await.unwrap();
        let field = |name| response.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!((response.status().as_u16(), field("location")), (status, location));
        assert!(field("set-cookie").is_some_and(|set| set.starts_with("session=;")), "{uri}");
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
