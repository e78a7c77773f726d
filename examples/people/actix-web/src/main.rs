//! The people service on actix-web: how Countersign is added to an app of this framework.

mod answer;

use std::{net::SocketAddr, process::ExitCode};

use actix_web::{
    App, HttpRequest, HttpServer,
    middleware::from_fn,
    web::{self, Data, Payload, ServiceConfig},
};
use countersign::{
    Gate,
    gate::{
        UnknownScheme,
        policy::{any_of, role, scope, subject_is},
    },
    route::OpenApi,
};
use countersign_actix_web::{GateExt, Granted, Refused, Visitor, Written, endpoint};
use people_shared::{Fault, NewReport, PATIENCE, People, Program, User, run};

use self::answer::{as_page, at, fields, get, json, named, no_such_path};

/// The gates of routes that take some of the schemes alone.
#[derive(Clone)]
struct Gates {
    page: Gate<User>,
    person: Gate<User>,
    owner: Gate<User>,
    token: Gate<User>,
    of_scheme: Vec<(&'static str, Gate<User>)>,
}

impl Gates {
    fn of(gate: &Gate<User>) -> Result<Self, UnknownScheme> {
        Ok(Self {
            page: gate.only(["cookie"])?.or_anonymous_clearing_cookies(),
            person: gate.only(["basic", "cookie"])?,
            owner: gate.only(["basic", "bearer", "cookie"])?,
            token: gate.only(["bearer"])?,
            of_scheme: ["basic", "bearer", "query", "cookie", "api-key"]
                .into_iter()
                .map(|scheme| Ok((scheme, gate.only([scheme])?)))
                .collect::<Result<_, UnknownScheme>>()?,
        })
    }
}

/// The routes, each with its guard, and the same in the document.
fn routes(app: &mut ServiceConfig, people: &People, gates: &Gates, document: &mut OpenApi) {
    let gate = people.gate();
    let (sessions, tokens, keys, revocation) = (people.sessions(), people.tokens(), people.keys(), people.revocation());
    let myself = any_of((role("admin"), subject_is("name")));
    let post = web::post;
    document.public("GET /health");
    document.demanded("GET /whoami", &gate.or_anonymous());
    document.demanded("GET /me", gate);
    document.demanded("GET /users/{name}", gate);
    document.public("GET /metrics");
    let mut guard = |route: &str, gate: &Gate<User>| document.guarded(route, gate).enforce();

    app.service(at("/", "GET,HEAD", [get().to(home).wrap(guard("GET /", &gates.page))]))
        .service(at("/health", "GET,HEAD", [get().to(health)]))
        .service(at("/whoami", "GET,HEAD", [get().to(who_am_i)]))
        .service(at("/me", "GET,HEAD", [get().to(me)]));
    for (scheme, gate) in &gates.of_scheme {
        let path = format!("/me/{scheme}");
        app.service(at(&path, "GET,HEAD", [get().to(me).wrap(guard(&format!("GET {path}"), gate))]));
    }
    app.service(at("/users/{name}", "GET,HEAD", [get().to(user)]))
        .service(at(
            "/users/{name}/invite/{other}",
            "POST",
            [post().to(invite).wrap(guard("POST /users/{name}/invite/{other}", &gate.require(myself.clone())))],
        ))
        .service(at(
            "/admin/stats",
            "GET,HEAD",
            [get().to(statistics).wrap(guard("GET /admin/stats", &gate.require(role("admin"))))],
        ))
        .service(at(
            "/reports",
            "GET,HEAD,POST",
            [
                get().to(reports).wrap(guard("GET /reports", &gate.require(scope("reports:read")))),
                post().to(add_report).wrap(guard("POST /reports", &gate.require(scope("reports:write")))),
            ],
        ))
        .service(at("/photos/{id}", "GET,HEAD", [get().to(photo).wrap(guard("GET /photos/{id}", people.photo_gate()))]))
        .service(at("/metrics", "GET,HEAD", [get().to(metrics)]));
    for (path, allowed, made) in [
        ("/tokens", "POST,DELETE", vec![tokens.issue(&gates.person), revocation.of_token(&gates.token)]),
        ("/tokens/refresh", "POST", vec![tokens.refresh(gate)]),
        ("/users/{name}/tokens", "DELETE", vec![revocation.of_subject(&gate.require(myself))]),
        ("/session", "GET,HEAD,POST,DELETE", vec![people.sign_in(), sessions.reload(), sessions.sign_out()]),
        ("/session/end", "POST", vec![sessions.end()]),
        ("/sessions", "GET,HEAD", vec![sessions.list(&gates.owner)]),
        ("/sessions/{id}", "DELETE", vec![sessions.end_one(&gates.owner)]),
        ("/sessions/{id}/end", "POST", vec![sessions.end_one_by_form(&gates.owner)]),
        ("/keys", "POST,GET,HEAD", vec![keys.create(&gates.person), keys.list(&gates.owner)]),
        ("/keys/{id}", "DELETE", vec![keys.delete(&gates.owner)]),
        ("/photos/{id}/link", "POST", vec![people.link()]),
        ("/.well-known/jwks.json", "GET,HEAD", vec![tokens.keys(gate)]),
    ] {
        let made = made.into_iter().map(|made| endpoint(document.mounted(path, made)));
        app.service(at(path, allowed, made));
    }
}

async fn home(visitor: Visitor<User>, people: Data<People>, request: HttpRequest) -> Written {
    people.home(visitor.grant(), Some(request.query_string())).await.into()
}

async fn health(people: Data<People>) -> Written {
    people.health().into()
}

async fn who_am_i(visitor: Visitor<User>, people: Data<People>) -> Written {
    people.who_am_i(visitor.grant()).into()
}

async fn me(me: Granted<User>, people: Data<People>) -> Written {
    people.me(&me).into()
}

async fn user(me: Granted<User>, people: Data<People>, request: HttpRequest) -> Result<Written, Refused> {
    let found = people.user(named(&request, "name").as_deref()).await;
    me.allow_if(found.may_be_seen_by(&me))?;
    Ok(found.shown().into())
}

async fn invite(me: Granted<User>, people: Data<People>, request: HttpRequest) -> Written {
    people.invite(&me, named(&request, "name").as_deref(), named(&request, "other").as_deref()).await.into()
}

async fn statistics(people: Data<People>) -> Written {
    people.statistics().into()
}

async fn reports(people: Data<People>) -> Written {
    people.reports().await.into()
}

async fn add_report(
    me: Granted<User>,
    people: Data<People>,
    request: HttpRequest,
    body: Payload,
) -> Result<Written, Refused> {
    let report = match json::<NewReport>(&request, body).await {
        Ok(report) => report,
        Err(refused) => return Ok(refused.into()),
    };
    me.ask_again()?;
    Ok(people.add_report(&me, report).await.into())
}

async fn photo(people: Data<People>, request: HttpRequest) -> Written {
    people.photo(named(&request, "id").as_deref()).into()
}

async fn metrics(people: Data<People>) -> Written {
    people.metrics().into()
}

async fn serve(people: People, address: SocketAddr, program: Program) -> Result<(), Fault> {
    // Made here and not in the closure below, which runs once a worker.
    let gates = Gates::of(people.gate())?;
    let mut document = OpenApi::default();
    let _ = App::new().configure(|app| routes(app, &people, &gates, &mut document));
    if program.printed(&document)? {
        return Ok(());
    }
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::new(people.clone()))
            .configure(|app| routes(app, &people, &gates, &mut OpenApi::default()))
            .default_service(web::to(no_such_path))
            .wrap(from_fn(as_page))
            .wrap(fields())
            .wrap(people.gate().attach())
    });
    let server = server.disable_signals().shutdown_timeout(PATIENCE.as_secs()).bind(address)?;
    let bound = server.addrs().first().copied();
    let running = server.run();
    let handle = running.handle();
    program.announce(bound.unwrap_or(address));
    tokio::select! {
        served = running => served?,
        () = async { program.stopped().await; handle.stop(true).await } => {}
    }
    Ok(())
}

#[actix_web::main]
async fn main() -> ExitCode {
    run(serve).await
}
