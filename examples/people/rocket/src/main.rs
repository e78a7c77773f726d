//! The people service on Rocket: how Countersign is added to an app of this framework.

mod answer;
mod running;

use std::{net::SocketAddr, process::ExitCode};

use countersign::{
    gate::policy::{any_of, role, scope, subject_is},
    route::OpenApi,
};
use countersign_rocket::{GateExt, Granted, Refused, Visitor, Written, endpoint};
use people_shared::{Fault, NewReport, PATIENCE, People, Program, User, run};
use rocket::{
    Build, Config, Rocket, State, catchers,
    config::{Ident, LogLevel, Shutdown},
    fairing::AdHoc,
    get, post, routes,
    shield::Shield,
};

use self::{
    answer::{AsWritten, Dressed, Json, Query, otherwise},
    running::Running,
};

/// The routes, each with its guard, and the same in the document.
fn app(rocket: Rocket<Build>, people: &People, document: &mut OpenApi) -> Result<Rocket<Build>, Fault> {
    let gate = people.gate();
    let (sessions, tokens, keys, revocation) = (people.sessions(), people.tokens(), people.keys(), people.revocation());
    let myself = any_of((role("admin"), subject_is("name")));
    let page = gate.only(["cookie"])?.or_anonymous_clearing_cookies();
    let by_person = gate.only(["basic", "cookie"])?;
    let by_owner = gate.only(["basic", "bearer", "cookie"])?;

    document.public("GET /health");
    document.demanded("GET /whoami", &gate.or_anonymous());
    document.demanded("GET /me", gate);
    document.demanded("GET /users/<name>", gate);
    document.public("GET /metrics");

    let mut rocket = rocket
        .attach(gate.attach())
        .attach(AsWritten)
        .attach(Dressed)
        .attach(Shield::new())
        .manage(people.clone())
        .mount("/", routes![health, who_am_i, me, user, metrics])
        .register("/", catchers![otherwise]);
    for (route, handlers, guard) in [
        ("GET /", routes![home], page),
        ("GET /photos/<id>", routes![photo], people.photo_gate().clone()),
        ("POST /users/<name>/invite/<other>", routes![invite], gate.require(myself.clone())),
        ("GET /admin/stats", routes![statistics], gate.require(role("admin"))),
        ("GET /reports", routes![reports], gate.require(scope("reports:read"))),
        ("POST /reports", routes![add_report], gate.require(scope("reports:write"))),
    ] {
        rocket = rocket.mount("/", document.guarded(route, &guard).enforce(handlers));
    }
    for (path, made) in [
        ("/tokens", tokens.issue(&by_person)),
        ("/tokens", revocation.of_token(&gate.only(["bearer"])?)),
        ("/tokens/refresh", tokens.refresh(gate)),
        ("/users/<name>/tokens", revocation.of_subject(&gate.require(myself))),
        ("/session", people.sign_in()),
        ("/session", sessions.reload()),
        ("/session", sessions.sign_out()),
        ("/session/end", sessions.end()),
        ("/sessions", sessions.list(&by_owner)),
        ("/sessions/<id>", sessions.end_one(&by_owner)),
        ("/sessions/<id>/end", sessions.end_one_by_form(&by_owner)),
        ("/keys", keys.create(&by_person)),
        ("/keys", keys.list(&by_owner)),
        ("/keys/<id>", keys.delete(&by_owner)),
        ("/photos/<id>/link", people.link()),
        ("/.well-known/jwks.json", tokens.keys(gate)),
    ] {
        rocket = rocket.mount("/", endpoint(path, document.mounted(path, made)));
    }
    for scheme in ["basic", "bearer", "query", "cookie", "api-key"] {
        let guard = document.guarded(&format!("GET /me/{scheme}"), &gate.only([scheme])?);
        rocket = rocket.mount(format!("/me/{scheme}"), guard.enforce(routes![me_alone]));
    }
    Ok(rocket)
}

#[get("/")]
async fn home(visitor: Visitor<User>, query: Query<'_>, people: &State<People>) -> Written {
    people.home(visitor.grant(), query.0).await.into()
}

#[get("/health")]
async fn health(people: &State<People>) -> Written {
    people.health().into()
}

#[get("/whoami")]
async fn who_am_i(visitor: Visitor<User>, people: &State<People>) -> Written {
    people.who_am_i(visitor.grant()).into()
}

#[get("/me")]
async fn me(me: Granted<User>, people: &State<People>) -> Written {
    people.me(&me).into()
}

/// Mounted below `/me`, once for each scheme.
#[get("/")]
async fn me_alone(me: Granted<User>, people: &State<People>) -> Written {
    people.me(&me).into()
}

#[get("/users/<name>")]
async fn user(me: Granted<User>, name: &str, people: &State<People>) -> Result<Written, Refused> {
    let found = people.user(Some(name)).await;
    me.allow_if(found.may_be_seen_by(&me))?;
    Ok(found.shown().into())
}

#[post("/users/<name>/invite/<other>")]
async fn invite(me: Granted<User>, name: &str, other: &str, people: &State<People>) -> Written {
    people.invite(&me, Some(name), Some(other)).await.into()
}

#[get("/admin/stats")]
async fn statistics(people: &State<People>) -> Written {
    people.statistics().into()
}

#[get("/reports")]
async fn reports(people: &State<People>) -> Written {
    people.reports().await.into()
}

#[post("/reports", data = "<report>")]
async fn add_report(me: Granted<User>, report: Json<NewReport>, people: &State<People>) -> Result<Written, Refused> {
    let report = match report.0 {
        Ok(report) => report,
        Err(refused) => return Ok(refused.into()),
    };
    me.ask_again()?;
    Ok(people.add_report(&me, report).await.into())
}

#[get("/photos/<id>")]
async fn photo(id: &str, people: &State<People>) -> Written {
    people.photo(Some(id)).into()
}

#[get("/metrics")]
async fn metrics(people: &State<People>) -> Written {
    people.metrics().into()
}

/// Rocket's own log is off: it prints, at WARN, a request of an unknown method with its query. Signals are [`run`]'s business.
fn config(address: SocketAddr) -> Config {
    let patience = u32::try_from(PATIENCE.as_secs()).unwrap_or(u32::MAX);
    let shutdown =
        Shutdown { ctrlc: false, signals: [].into(), grace: patience, mercy: 1, force: false, ..Shutdown::default() };
    Config {
        address: address.ip(),
        port: address.port(),
        ident: Ident::none(),
        log_level: LogLevel::Off,
        shutdown,
        ..Config::release_default()
    }
}

async fn serve(people: People, address: SocketAddr, program: Program) -> Result<(), Fault> {
    let stopping = program.clone();
    let announcing = AdHoc::on_liftoff("announcement", move |rocket| {
        let bound = SocketAddr::new(rocket.config().address, rocket.config().port);
        Box::pin(async move { program.announce(bound) })
    });
    let (running, mut document) = (Running::default(), OpenApi::default());
    let rocket = app(rocket::custom(config(address)).attach(running.clone()), &people, &mut document)?;
    if stopping.printed(&document)? {
        return Ok(());
    }
    let rocket = rocket.attach(announcing);
    let rocket = rocket.ignite().await?;
    let shutdown = rocket.shutdown();
    rocket::tokio::select! {
        launched = rocket.launch() => drop(launched?),
        () = async { stopping.stopped().await; shutdown.notify(); running.none().await } => {}
    }
    Ok(())
}

#[rocket::main]
async fn main() -> ExitCode {
    run(serve).await
}
