//! A policy that has to ask somebody: [`asks`].
//!
//! # Example
//! ```
//! use countersign::{
//!     Unavailable,
//!     gate::policy::{Asked, any_of, asks, role},
//! };
//!
//! struct Friends;
//! impl Friends {
//!     async fn are(&self, _: Option<String>, _: Option<String>) -> Result<bool, Unavailable> {
//!         Ok(true)
//!     }
//! }
//!
//! // gate.require(admins_and_friends(friends)) on "/users/{name}"
//! fn admins_and_friends(friends: std::sync::Arc<Friends>) -> impl countersign::Policy<String> {
//!     any_of((
//!         role("admin"),
//!         asks(["name"], move |asked: Asked<String>| {
//!             let friends = friends.clone();
//!             async move {
//!                 let caller = asked.grant().subject().map(str::to_owned);
//!                 friends.are(caller, asked.parameter("name").map(str::to_owned)).await
//!             }
//!         }),
//!     ))
//! }
//! ```

use std::{fmt, future::Future};

use super::{
    grant::Grant,
    policy::{Asking, Decision, Policy},
};
use crate::{request::RequestView, unavailable::Unavailable};

/// Whoever may by what this finds out, such as in a database: `Ok(false)` is 403, an error is 503. It is asked last, when everything
/// that can be judged on the spot has been, and for ten seconds at most.
///
/// `parameters` are the path parameters that it is shown. On a route that lacks one nobody passes: it answers 500 and says so in the log.
#[must_use]
pub fn asks<P, F, A, const N: usize>(parameters: [&'static str; N], ask: F) -> Asks<F>
where
    F: Fn(Asked<P>) -> A + Send + Sync + 'static,
    A: Future<Output = Result<bool, Unavailable>> + Send + 'static,
{
    Asks { parameters: parameters.into(), ask }
}

/// See [`asks`].
pub struct Asks<F> {
    parameters: Box<[&'static str]>,
    ask: F,
}

/// What a policy that asks is shown. Owns all of it.
pub struct Asked<P> {
    grant: Grant<P>,
    method: Box<str>,
    parameters: Box<[(&'static str, Box<str>)]>,
}

impl<P> Asked<P> {
    /// Who it is. Not admitted yet: to be judged, and not to be handed on.
    #[must_use]
    pub fn grant(&self) -> &Grant<P> {
        &self.grant
    }

    /// The method of the request.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// One of the named path parameters, percent-decoded; `None` if it was not named to [`asks`].
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| &**value)
    }
}

impl<P, F, A> Policy<P> for Asks<F>
where
    P: Send + Sync + 'static,
    F: Fn(Asked<P>) -> A + Send + Sync + 'static,
    A: Future<Output = Result<bool, Unavailable>> + Send + 'static,
{
    fn judge(&self, _: &Grant<P>, request: &RequestView<'_>) -> Decision {
        for name in &self.parameters {
            match request.parameter(name) {
                None => {
                    return Decision::Misconfigured(format!(
                        "asks([{name:?}], …) stands on a route without such a path parameter"
                    ));
                }
                // What could not be decoded names nobody.
                Some(value) if value.contains(char::REPLACEMENT_CHARACTER) => return Decision::Deny,
                Some(_) => {}
            }
        }
        Decision::Ask
    }

    fn ask(&self, grant: &Grant<P>, request: &RequestView<'_>) -> Option<Asking> {
        let parameter = |name: &&'static str| Some((*name, request.parameter(name)?.into()));
        let asked = Asked {
            grant: grant.clone(),
            method: request.method().into(),
            parameters: self.parameters.iter().filter_map(parameter).collect(),
        };
        let answer = (self.ask)(asked);
        Some(Box::pin(async move { answer.await.map(Decision::when) }))
    }

    fn describe(&self) -> String {
        format!("what `{}` finds out", std::any::type_name::<F>())
    }
}

impl<F> fmt::Debug for Asks<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asks").field("parameters", &self.parameters).finish_non_exhaustive()
    }
}

impl<P> fmt::Debug for Asked<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("grant", &self.grant).field("method", &self.method).finish_non_exhaustive()
    }
}
