//! The app in Rocket.

use countersign::mint::session::Sessions;
use countersign_rocket::{ClientInfo, GateExt, Granted, Refused, Written};
use rocket::{Build, Rocket, State, get, post, routes};

use crate::{Gates, User};

/// Where a provider sends a browser back whose user it has verified: here that is always emily.
#[get("/callback")]
async fn callback(sessions: &State<Sessions<User>>, from: ClientInfo) -> Result<Written, Refused> {
    Ok(sessions.begin("emily", &from).await?.going_to("/me").into())
}

#[get("/me")]
async fn me(me: Granted<User>) -> String {
    me.name.clone()
}

#[get("/salaries")]
async fn salaries() -> &'static str {
    "the salaries"
}

#[post("/password")]
async fn password() -> &'static str {
    "changed"
}

/// All of it.
#[must_use]
pub fn app(gates: &Gates) -> Rocket<Build> {
    rocket::build()
        .attach(gates.all.attach())
        .manage(gates.sessions.clone())
        .mount("/", routes![me, callback])
        .mount("/", gates.admins.enforce(routes![salaries]))
        .mount("/", gates.just_signed_in.enforce(routes![password]))
}
