//! Countersign in an actix-web app: who is asking, and may they?

use std::error::Error;

use actix_web::{App, HttpResponse, HttpServer, web};
use countersign::{
    Basic, Bearer, Gate, Verified,
    gate::policy::scope,
    verifier::{PasswordTable, TokenTable},
};
use countersign_actix_web::{GateExt, Granted, Visitor};

#[derive(Clone)]
struct User {
    name: String,
}

fn emily() -> Verified<User> {
    Verified::new(User { name: "emily".to_owned() })
}

async fn me(me: Granted<User>) -> String {
    me.name.clone()
}

async fn home(visitor: Visitor<User>) -> String {
    format!("hello, {}", visitor.grant().map_or("stranger", |me| &me.name))
}

async fn create(me: Granted<User>) -> HttpResponse {
    HttpResponse::Created().content_type("text/plain; charset=utf-8").body(format!("report by {}", me.name))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let writes = "reports:write".parse()?;
    let gate = Gate::in_realm("people")
        .accept(Basic, PasswordTable::new().with("emily", "s3cret", emily()))
        .accept(Bearer, TokenTable::new().with("a-long-random-token", emily().with_scopes(writes)))
        .build()?;

    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let server = HttpServer::new(move || {
        App::new()
            .route("/", web::get().to(home))
            .route("/me", web::get().to(me))
            .service(
                web::resource("/reports")
                    .route(web::post().to(create).wrap(gate.require(scope("reports:write")).enforce())),
            )
            .wrap(gate.attach())
    });
    server.bind(address)?.run().await?;
    Ok(())
}
