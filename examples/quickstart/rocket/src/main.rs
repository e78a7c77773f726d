//! Countersign in a Rocket app: who is asking, and may they?

use std::{error::Error, net::SocketAddr};

use countersign::{
    Basic, Bearer, Gate, Verified,
    gate::policy::scope,
    verifier::{PasswordTable, TokenTable},
};
use countersign_rocket::{GateExt, Granted, Visitor};
use rocket::{Config, get, http::Status, post, routes};

#[derive(Clone)]
struct User {
    name: String,
}

fn emily() -> Verified<User> {
    Verified::new(User { name: "emily".to_owned() })
}

#[get("/me")]
async fn me(me: Granted<User>) -> String {
    me.name.clone()
}

#[get("/")]
async fn home(visitor: Visitor<User>) -> String {
    format!("hello, {}", visitor.grant().map_or("stranger", |me| &me.name))
}

#[post("/reports")]
async fn create(me: Granted<User>) -> (Status, String) {
    (Status::Created, format!("report by {}", me.name))
}

#[rocket::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let writes = "reports:write".parse()?;
    let gate = Gate::in_realm("people")
        .accept(Basic, PasswordTable::new().with("emily", "s3cret", emily()))
        .accept(Bearer, TokenTable::new().with("a-long-random-token", emily().with_scopes(writes)))
        .build()?;

    let address: SocketAddr = std::env::args().nth(1).as_deref().unwrap_or("127.0.0.1:3000").parse()?;
    let config = Config::figment().merge(("address", address.ip())).merge(("port", address.port()));
    rocket::custom(config)
        .attach(gate.attach())
        .mount("/", routes![me, home])
        .mount("/", gate.require(scope("reports:write")).enforce(routes![create]))
        .launch()
        .await?;
    Ok(())
}
