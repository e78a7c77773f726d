//! Routes behind a gate.

use countersign::{Gate, adapter::Guard};
use rocket::{
    Data, Request, Route,
    route::{Handler, Outcome},
};

use crate::{covered::verdict_with, memory::Memory, respond::respond, routes::Mark};

/// A route's handler behind a gate.
struct Enforced<P> {
    guard: Guard<P>,
    inner: Box<dyn Handler>,
}

impl<P> Clone for Enforced<P> {
    fn clone(&self) -> Self {
        Self { guard: self.guard.clone(), inner: self.inner.clone() }
    }
}

/// The same routes, behind this gate.
pub(crate) fn enforce<P: Send + Sync + 'static>(gate: &Gate<P>, routes: impl Into<Vec<Route>>) -> Vec<Route> {
    let mark = Mark::Enforced(gate.summary());
    let behind = |mut route: Route| {
        route.handler = Box::new(Enforced { guard: Guard::in_front(gate), inner: route.handler });
        mark.put_on(&mut route);
        route
    };
    routes.into().into_iter().map(behind).collect()
}

/// Names these routes public: [`closed_below`](crate::Attach::closed_below) leaves them open. Their own guards stand.
pub fn public(routes: impl Into<Vec<Route>>) -> Vec<Route> {
    let mut routes = routes.into();
    for route in &mut routes {
        Mark::Public.put_on(route);
    }
    routes
}

#[rocket::async_trait]
impl<P: Send + Sync + 'static> Handler for Enforced<P> {
    async fn handle<'r>(&self, request: &'r Request<'_>, mut data: Data<'r>) -> Outcome<'r> {
        let grant = match self.guard.visitor(verdict_with(&self.guard, request, &mut data).await) {
            Ok(grant) => grant,
            // A response and no `Forward`, which would let a route of weaker guards answer.
            Err(rejection) => return Outcome::Success(respond(rejection.reply())),
        };
        let exchange = Memory::of(request).exchange();
        if let Some(exchange) = &exchange {
            self.guard.put_in_force(exchange, grant.as_ref());
        }
        let outcome = self.inner.handle(request, data).await;
        if let (Outcome::Forward(_), Some(exchange)) = (&outcome, &exchange) {
            // Another route answers: its guards take what it takes, and nothing from this one.
            self.guard.take_out_of_force(exchange);
        }
        outcome
    }
}
