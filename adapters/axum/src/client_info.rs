//! Who sent a request, as a handler's argument: [`ClientInfo`].

use std::ops::Deref;

use axum::extract::FromRequestParts;
use countersign::{adapter::client_info, request};
use countersign_tower::HttpHead;
use http::request::Parts;

use crate::{framework::Axum, refused::Refused};

/// Who sent a request: address, agent, channel and earlier cookies, as the attached gate sees them. For handlers that begin or end a session
/// by themselves. Derefs to the core's [`ClientInfo`](request::ClientInfo).
///
/// ```
/// use countersign::mint::session::Sessions;
/// use countersign_axum::{ClientInfo, Refused, Written};
///
/// # struct App { sessions: Sessions<String> }
/// # impl App { async fn user_of(&self, code: &str) -> Result<String, countersign::Unavailable> { Ok(code.to_owned()) } }
/// async fn callback(from: ClientInfo, app: App, code: String) -> Result<Written, Refused> {
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

impl<S: Send + Sync> FromRequestParts<S> for ClientInfo {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let exchange = parts.extensions.get();
        let from = client_info(&HttpHead::<Axum>::of_parts(parts), exchange);
        from.map(Self).map_err(|rejection| Refused::new(rejection, exchange))
    }
}
