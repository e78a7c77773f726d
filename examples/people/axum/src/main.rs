//! The people service on axum: how Countersign is added to an app of this framework.

mod answer;
mod serve;

use std::{net::SocketAddr, process::ExitCode};

use axum::{
    Router,
    extract::{FromRef, RawQuery, State},
    middleware::from_fn,
    routing::{get, post},
};
use countersign::{
    Gate,
    gate::{
        UnknownScheme,
        policy::{any_of, role, scope, subject_is},
    },
    route::OpenApi,
};
use countersign_axum::{GateExt, Granted, Refused, Visitor, Written, endpoint};
use people_shared::{Fault, NewReport, PATIENCE, People, Program, User, run};
use tokio::net::TcpListener;

use self::answer::{Json, Named, completed, no_such_method, no_such_path};

#[derive(Clone)]
struct App {
    people: People,
}

impl FromRef<App> for Gate<User> {
    fn from_ref(app: &App) -> Self {
        app.people.gate().clone()
    }
}

/// The routes, each with its guard, and the same in the document.
fn routes(people: &People, document: &mut OpenApi) -> Result<Router<App>, UnknownScheme> {
    let gate = people.gate();
    let (sessions, tokens, keys, revocation) = (people.sessions(), people.tokens(), people.keys(), people.revocation());
    let myself = any_of((role("admin"), subject_is("name")));
    let by_person = gate.only(["basic", "cookie"])?;
    let by_owner = gate.only(["basic", "bearer", "cookie"])?;

    let page = gate.only(["cookie"])?.or_anonymous_clearing_cookies();
    document.public("GET /health");
    document.demanded("GET /whoami", &gate.or_anonymous());
    document.demanded("GET /me", gate);
    document.demanded("GET /users/{name}", gate);
    document.public("GET /metrics");

    let mut router = Router::new()
        .route("/", get(home).route_layer(document.guarded("GET /", &page).enforce()))
        .route("/health", get(health))
        .route("/whoami", get(who_am_i))
        .route("/me", get(me))
        .route("/users/{name}", get(user))
        .route("/metrics", get(metrics));
    for scheme in ["basic", "bearer", "query", "cookie", "api-key"] {
        let guard = document.guarded(&format!("GET /me/{scheme}"), &gate.only([scheme])?);
        router = router.route(&format!("/me/{scheme}"), get(me).route_layer(guard.enforce()));
    }
    for (route, handler, guard) in [
        ("POST /users/{name}/invite/{other}", post(invite), gate.require(myself.clone())),
        ("GET /admin/stats", get(statistics), gate.require(role("admin"))),
        ("GET /reports", get(reports), gate.require(scope("reports:read"))),
        ("POST /reports", post(add_report), gate.require(scope("reports:write"))),
        ("GET /photos/{id}", get(photo), people.photo_gate().clone()),
    ] {
        let path = route.split_once(' ').map_or(route, |(_, path)| path);
        router = router.route(path, handler.route_layer(document.guarded(route, &guard).enforce()));
    }
    for (path, made) in [
        ("/tokens", tokens.issue(&by_person)),
        ("/tokens", revocation.of_token(&gate.only(["bearer"])?)),
        ("/tokens/refresh", tokens.refresh(gate)),
        ("/users/{name}/tokens", revocation.of_subject(&gate.require(myself))),
        ("/session", people.sign_in()),
        ("/session", sessions.reload()),
        ("/session", sessions.sign_out()),
        ("/session/end", sessions.end()),
        ("/sessions", sessions.list(&by_owner)),
        ("/sessions/{id}", sessions.end_one(&by_owner)),
        ("/sessions/{id}/end", sessions.end_one_by_form(&by_owner)),
        ("/keys", keys.create(&by_person)),
        ("/keys", keys.list(&by_owner)),
        ("/keys/{id}", keys.delete(&by_owner)),
        ("/photos/{id}/link", people.link()),
        ("/.well-known/jwks.json", tokens.keys(gate)),
    ] {
        router = router.route(path, endpoint(document.mounted(path, made)));
    }
    Ok(router
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn(completed))
        .layer(gate.attach()))
}

async fn home(visitor: Visitor<User>, State(app): State<App>, RawQuery(query): RawQuery) -> Written {
    app.people.home(visitor.grant(), query.as_deref()).await.into()
}

async fn health(State(app): State<App>) -> Written {
    app.people.health().into()
}

async fn who_am_i(visitor: Visitor<User>, State(app): State<App>) -> Written {
    app.people.who_am_i(visitor.grant()).into()
}

async fn me(me: Granted<User>, State(app): State<App>) -> Written {
    app.people.me(&me).into()
}

async fn user(me: Granted<User>, State(app): State<App>, Named([name]): Named<1>) -> Result<Written, Refused> {
    let found = app.people.user(name.as_deref()).await;
    me.allow_if(found.may_be_seen_by(&me))?;
    Ok(found.shown().into())
}

async fn invite(me: Granted<User>, State(app): State<App>, Named([name, other]): Named<2>) -> Written {
    app.people.invite(&me, name.as_deref(), other.as_deref()).await.into()
}

async fn statistics(State(app): State<App>) -> Written {
    app.people.statistics().into()
}

async fn reports(State(app): State<App>) -> Written {
    app.people.reports().await.into()
}

async fn add_report(
    me: Granted<User>,
    State(app): State<App>,
    Json(report): Json<NewReport>,
) -> Result<Written, Refused> {
    me.ask_again()?;
    Ok(app.people.add_report(&me, report).await.into())
}

async fn photo(State(app): State<App>, Named([id]): Named<1>) -> Written {
    app.people.photo(id.as_deref()).into()
}

async fn metrics(State(app): State<App>) -> Written {
    app.people.metrics().into()
}

async fn serve(people: People, address: SocketAddr, program: Program) -> Result<(), Fault> {
    let mut document = OpenApi::default();
    let app = routes(&people, &mut document)?;
    if program.printed(&document)? {
        return Ok(());
    }
    let app = app.with_state(App { people });
    let listener = TcpListener::bind(address).await?;
    program.announce(listener.local_addr()?);
    tokio::select! {
        () = serve::serve(listener, app, program.stopped()) => Ok(()),
        () = async { program.stopped().await; tokio::time::sleep(PATIENCE).await } => Ok(()),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    run(serve).await
}
