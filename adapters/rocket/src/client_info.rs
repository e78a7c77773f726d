//! Who sent a request, as a handler's argument: [`ClientInfo`].

use std::ops::Deref;

use countersign::{adapter::client_info, request};
use rocket::{
    Request,
    request::{FromRequest, Outcome},
};

use crate::{head::RocketHead, memory::Memory, refused::Refused};

/// Who sent a request: address, agent, channel and earlier cookies, as the attached gate sees them. For handlers that begin or end a session
/// by themselves. Derefs to the core's [`ClientInfo`](request::ClientInfo).
///
/// ```
/// use countersign::mint::session::Sessions;
/// use countersign_rocket::{ClientInfo, Refused, Written};
/// use rocket::{State, get};
///
/// # struct App { sessions: Sessions<String> }
/// # impl App { async fn user_of(&self, code: &str) -> Result<String, countersign::Unavailable> { Ok(code.to_owned()) } }
/// #[get("/callback?<code>")]
/// async fn callback(from: ClientInfo, app: &State<App>, code: &str) -> Result<Written, Refused> {
///     let user = app.user_of(code).await?;
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

#[rocket::async_trait]
impl<'r> FromRequest<'r> for ClientInfo {
    type Error = Refused;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Refused> {
        let memory = Memory::of(request);
        match client_info(&RocketHead::of(request), memory.exchange().as_ref()) {
            Ok(from) => Outcome::Success(Self(from)),
            Err(rejection) => {
                let refused = Refused::new(rejection, memory);
                Outcome::Error((refused.status(), refused))
            }
        }
    }
}
