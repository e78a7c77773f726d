//! Names and passwords in the header.

use std::{error::Error, net::SocketAddr};

use actix_web::{dev::ServiceRequest, web};
use actix_web_httpauth::{
    extractors::{AuthenticationError, basic::BasicAuth, basic::Config},
    middleware::HttpAuthentication,
};
use axum::{
    Router,
    http::{StatusCode, header::WWW_AUTHENTICATE},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use axum_extra::{
    TypedHeader,
    headers::{Authorization, authorization::Basic as SentBasic},
};
use countersign::{
    Basic, Gate, Unavailable, Verified, async_trait,
    store::{PasswordStore, StoredPassword},
    verifier::Passwords,
};
use countersign_axum::{GateExt, Granted, Visitor};
use tokio::runtime::Runtime;

use crate::{Table, server, version, wire::Ask};

const RIGHT: &str = "Basic ZW1tYTpzM2NyZXQ="; // emma:s3cret
const WRONG: &str = "Basic ZW1tYTp3cm9uZw=="; // emma:wrong

/// The right one, as a table of users has it.
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$egCZe/Ig3e+IZt1XrbgERw$OCHUP7qL8oe36p0Z7L1xwq24lJzcX2v392mfISnE5YI";

struct Users;

#[async_trait]
impl PasswordStore for Users {
    type Principal = String;

    async fn find(&self, name: &str) -> Result<Option<StoredPassword<String>>, Unavailable> {
        let stored = || StoredPassword::new(HASH, Verified::new(name.to_owned()).with_subject(name));
        Ok((name == "emma").then(stored))
    }
}

fn fits(name: &str, password: Option<&str>) -> bool {
    name == "emma" && password == Some("s3cret")
}

async fn judge(request: ServiceRequest, sent: BasicAuth) -> Result<ServiceRequest, (actix_web::Error, ServiceRequest)> {
    match fits(sent.user_id(), sent.password()) {
        true => Ok(request),
        false => Err((AuthenticationError::from(Config::default()).into(), request)),
    }
}

fn httpauth(config: &mut web::ServiceConfig) {
    let guarded = HttpAuthentication::basic(judge);
    let visitor = |sent: Option<BasicAuth>| async move {
        if sent.is_some_and(|sent| fits(sent.user_id(), sent.password())) { "emma" } else { "stranger" }
    };
    config
        .service(web::resource("/required").route(web::get().to(|| async { "emma" })).wrap(guarded.clone()))
        .service(web::resource("/change").route(web::post().to(|| async { "changed" })).wrap(guarded))
        .route("/optional", web::get().to(visitor));
}

type Sent = TypedHeader<Authorization<SentBasic>>;

fn extra() -> Router {
    let answer = |sent: Sent| match fits(sent.username(), Some(sent.password())) {
        true => "emma".into_response(),
        false => (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Basic")]).into_response(),
    };
    let visitor = |sent: Option<Sent>| async move {
        if sent.is_some_and(|sent| fits(sent.username(), Some(sent.password()))) { "emma" } else { "stranger" }
    };
    Router::new()
        .route("/required", get(move |sent: Sent| async move { answer(sent) }))
        .route("/change", post(move |sent: Sent| async move { Response::into_response(answer(sent)) }))
        .route("/optional", get(visitor))
}

#[expect(deprecated, reason = "it is what this library has")]
fn tower_http() -> Router {
    use tower_http::validate_request::ValidateRequestHeaderLayer;
    Router::new()
        .route("/required", get(|| async { "emma" }))
        .route("/change", post(|| async { "changed" }))
        .route_layer(ValidateRequestHeaderLayer::basic("emma", "s3cret"))
}

fn ours() -> Result<Router, Box<dyn Error>> {
    let gate = Gate::in_realm("compare").accept(Basic, Passwords::in_store(Users)).build()?;
    let visitor = |visitor: Visitor<String>| async move { visitor.grant().map_or("stranger", |_| "emma") };
    Ok(Router::new()
        .route("/required", get(|_: Granted<String>| async { "emma" }))
        .route("/change", post(|| async { "changed" }).route_layer(gate.enforce()))
        .route("/optional", get(visitor))
        .layer(gate.attach())
        .with_state(gate))
}

/// Asks each of them.
pub(crate) fn table(runtime: &Runtime) -> Result<Table, Box<dyn Error>> {
    let apps = [
        (version("actix-web-httpauth"), server::actix(httpauth)?),
        (version("axum-extra") + ", `TypedHeader`", server::axum(runtime, extra())?),
        (version("tower-http") + ", `basic`", server::axum(runtime, tower_http())?),
        ("Countersign".to_owned(), server::axum(runtime, ours()?)?),
    ];
    let required = || Ask::new("GET", "/required");
    let sent = |value: &str| required().with("authorization", value);
    let mut rows = vec![
        ("no credential", required()),
        ("the right one", sent(RIGHT)),
        ("a wrong password", sent(WRONG)),
        ("the scheme in small letters (RFC 9110 §11.1: names have no case)", sent("basic ZW1tYTpzM2NyZXQ=")),
        ("two spaces behind the scheme (RFC 9110 §11.4: one or more)", sent("Basic  ZW1tYTpzM2NyZXQ=")),
        ("base64 without its padding", sent("Basic ZW1tYTpzM2NyZXQ")),
        ("no base64", sent("Basic !")),
        ("no colon in it", sent("Basic ZW1tYQ==")),
        ("no credential behind the scheme", sent("Basic")),
        ("two fields, the right one first", sent(RIGHT).with("authorization", WRONG)),
        ("two fields, the right one last", sent(WRONG).with("authorization", RIGHT)),
        ("a credential of 64 KiB", sent(&format!("Basic {}", "A".repeat(65_536)))),
        ("HEAD without a credential", Ask::new("HEAD", "/required")),
        ("OPTIONS without a credential", Ask::new("OPTIONS", "/required")),
        (
            "a good credential on a POST from another site's page",
            Ask::new("POST", "/change").with("authorization", RIGHT).from_elsewhere(),
        ),
        (
            "what cannot be read, where a visitor may come",
            Ask::new("GET", "/optional").with("authorization", "Basic !"),
        ),
    ]
    .into_iter()
    .map(|(what, ask)| (what.to_owned(), apps.iter().map(|(_, address)| told(&ask, *address)).collect()))
    .collect::<Vec<(String, Vec<String>)>>();
    let sixth = |address: SocketAddr| {
        (0..5).for_each(|_| drop(sent(WRONG).of(address)));
        sent(RIGHT).of(address).told()
    };
    let held_up = apps.iter().map(|(_, address)| sixth(*address)).collect();
    rows.push(("the right password after five wrong ones, of this minute and address".to_owned(), held_up));
    Ok(Table {
        title: "Names and passwords (Basic)",
        about: "`/optional` is a handler with an optional extractor; what cannot be read reaches it as absent where it says *stranger*.",
        peers: apps.into_iter().map(|(name, _)| name).collect(),
        rows,
    })
}

/// `tower-http` has no route for visitors: there it is not asked.
fn told(ask: &Ask, address: SocketAddr) -> String {
    match ask.of(address) {
        answer if answer.status == 404 => "–".to_owned(),
        answer => answer.told(),
    }
}
