//! Bodies that a credential covers: [`Covered`].

use std::{fmt, ops::Deref};

use countersign::{
    adapter::{Admission, Exchange, Guard, Verdict},
    gate::{Demand, policy::Anyone},
    request::LONGEST_BODY,
    response::Rejection,
};
use rocket::{
    Data, Request,
    data::{FromData, Outcome},
};

use crate::{
    body,
    granted::{Granted, guard_by},
    head::RocketHead,
    memory::Memory,
    refused::Refused,
};

/// Somebody whom the gate admitted, by a credential that may [cover](countersign::credential::covers) the body, and the body.
///
/// Rocket lets nobody but itself make the data that a handler gets. So [`enforce`](crate::GateExt::enforce) only looks at such a body, as far as Rocket
/// keeps what was looked at: one of more than 512 bytes is 413 there. A route that takes longer ones asks for this in place of its data, without
/// `enforce`:
/// ```
/// # use countersign_rocket::Covered;
/// # use rocket::post;
/// #[post("/orders", data = "<order>")]
/// fn create(order: Covered<String>) -> String {
///     format!("{} bytes by {}", order.body().len(), order.granted().principal())
/// }
/// ```
/// Derefs to the [`Granted`]. A body that nothing covers is read after the decision, up to 64 KiB.
pub struct Covered<P, D = Anyone> {
    granted: Granted<P, D>,
    body: Vec<u8>,
}

impl<P, D> Covered<P, D> {
    /// Who it is.
    #[must_use]
    pub fn granted(&self) -> &Granted<P, D> {
        &self.granted
    }

    /// The whole body, as it came.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The whole body, to keep.
    #[must_use]
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }
}

impl<P, D> Deref for Covered<P, D> {
    type Target = Granted<P, D>;

    fn deref(&self) -> &Granted<P, D> {
        &self.granted
    }
}

impl<P, D> fmt::Debug for Covered<P, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Covered").field("granted", &self.granted).field("length", &self.body.len()).finish()
    }
}

#[rocket::async_trait]
impl<'r, P, D> FromData<'r> for Covered<P, D>
where
    P: Send + Sync + 'static,
    D: Demand<P>,
{
    type Error = Refused;

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r, Self, Refused> {
        let Some(guard) = guard_by(Guard::for_somebody::<D>, request) else { return refuse(Refused::without_gate()) };
        let refused = |rejection: Rejection| refuse(Refused::new(rejection, Memory::of(request)));
        let exchange = Memory::of(request).exchange();
        let (mut data, mut whole) = (Some(data), None::<Vec<u8>>);
        let mut admission = guard.admit(&RocketHead::of(request), exchange.as_ref());
        let verdict = loop {
            admission = match admission {
                Admission::Decided(verdict) => break verdict,
                Admission::Pending(pending) => {
                    guard.conclude(pending.await, &RocketHead::of(request), exchange.as_ref())
                }
                Admission::Body(unread) => {
                    // Where the credential stands in it, and something was waited for since, it is shown again.
                    let read = match (data.take(), whole.take()) {
                        (Some(data), _) => body::read(request, data, unread.longest()).await,
                        (None, Some(whole)) => Ok(whole),
                        (None, None) => break guard.cannot_read(unread, &RocketHead::of(request), exchange.as_ref()),
                    };
                    let shown = read.as_deref().map_err(|why| *why);
                    let next = guard.conclude_with_body(unread, shown, &RocketHead::of(request), exchange.as_ref());
                    whole = read.ok();
                    next
                }
            };
        };
        let grant = match guard.granted(verdict) {
            Ok(grant) => grant,
            Err(rejection) => return refused(rejection),
        };
        let body = match (whole, data) {
            (Some(body), _) => body,
            (None, Some(data)) => match body::read(request, data, LONGEST_BODY).await {
                Ok(body) => body,
                Err(why) => return refused(guard.refuse_body(why, &RocketHead::of(request), exchange.as_ref())),
            },
            (None, None) => Vec::new(),
        };
        Outcome::Success(Self { granted: Granted::new(grant, request), body })
    }
}

fn refuse<'r, T>(refused: Refused) -> Outcome<'r, T, Refused> {
    Outcome::Error((refused.status(), refused))
}

/// Asks a guard in front of a route about a request, and lets it look at a body.
pub(crate) async fn verdict_with<P: Send + Sync + 'static>(
    guard: &Guard<P>,
    request: &Request<'_>,
    data: &mut Data<'_>,
) -> Verdict<P> {
    let exchange: Option<Exchange> = Memory::of(request).exchange();
    let mut admission = guard.admit(&RocketHead::of(request), exchange.as_ref());
    loop {
        admission = match admission {
            Admission::Decided(verdict) => return verdict,
            Admission::Pending(pending) => guard.conclude(pending.await, &RocketHead::of(request), exchange.as_ref()),
            Admission::Body(unread) => {
                let body = body::look(request, data, unread.longest()).await;
                guard.conclude_with_body(unread, body, &RocketHead::of(request), exchange.as_ref())
            }
        };
    }
}
