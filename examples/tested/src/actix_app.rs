//! The app in actix-web.

use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    web,
};
use countersign::mint::session::Sessions;
use countersign_actix_web::{ClientInfo, GateExt, Granted, Refused, Written};

use crate::{Gates, User};

/// Where a provider sends a browser back whose user it has verified: here that is always emily.
async fn callback(sessions: web::Data<Sessions<User>>, from: ClientInfo) -> Result<Written, Refused> {
    Ok(sessions.begin("emily", &from).await?.going_to("/me").into())
}

async fn me(me: Granted<User>) -> String {
    me.name.clone()
}

/// All of it.
pub fn app(
    gates: Gates,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    App::new()
        .app_data(web::Data::new(gates.sessions))
        .route("/me", web::get().to(me))
        .route("/callback", web::get().to(callback))
        .route("/salaries", web::get().to(|| async { "the salaries" }).wrap(gates.admins.enforce()))
        .route("/password", web::post().to(|| async { "changed" }).wrap(gates.just_signed_in.enforce()))
        .wrap(gates.all.attach())
}
