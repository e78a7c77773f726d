//! Who sent a request, as a handler's argument: [`ClientInfo`].

use std::{
    future::{Ready, ready},
    ops::Deref,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use countersign::{adapter::client_info, request};

use crate::{
    head::{ActixHead, exchange_of},
    refused::Refused,
};

/// Who sent a request: address, agent, channel and earlier cookies, as the attached gate sees them. For handlers that begin or end a session
/// by themselves. Derefs to the core's [`ClientInfo`](request::ClientInfo).
///
/// ```
/// use actix_web::web::Data;
/// use countersign::mint::session::Sessions;
/// use countersign_actix_web::{ClientInfo, Refused, Written};
///
/// # struct App { sessions: Sessions<String> }
/// # impl App { async fn user_of(&self, code: &str) -> Result<String, countersign::Unavailable> { Ok(code.to_owned()) } }
/// async fn callback(from: ClientInfo, app: Data<App>, code: String) -> Result<Written, Refused> {
///     let user = app.user_of(&code).await?;
///     Ok(app.sessions.begin(&user, &from).await?.going_to("/app").into())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct ClientInfo(request::ClientInfo);

impl Deref for ClientInfo {
    type Target = request::ClientInfo;

    fn deref(&self) -> &request::ClientInfo {
        &self.0
    }
}

impl FromRequest for ClientInfo {
    type Error = Refused;
    type Future = Ready<Result<Self, Refused>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let from = client_info(&ActixHead::of(request), exchange_of(request).as_ref());
        ready(from.map(Self).map_err(|rejection| Refused::at(request, rejection)))
    }
}
