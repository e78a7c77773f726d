//! A policy that asks for a stronger or a more recent sign-in: [`step_up`] (RFC 9470).
//!
//! A caller who signed in too weakly or too long ago is known, and may come back: 401, and the challenge says what to ask the
//! authorization server for. 403 would end it.
//!
//! # Example
//! ```
//! use countersign::{
//!     Bearer, Gate, Verified,
//!     adapter::{Admission, Verdict},
//!     gate::policy::step_up,
//!     principal::Authentication,
//!     testing::PlainHead,
//!     verifier::TokenTable,
//! };
//! use std::time::{Duration, SystemTime};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let strong = Authentication::default().in_context("urn:example:mfa").at(SystemTime::now());
//! let tokens = TokenTable::new()
//!     .with("emily-signed-in-strongly", Verified::new("emily").authenticated(strong))
//!     .with("emma-signed-in-somehow", Verified::new("emma"));
//! let gate = Gate::in_realm("bank").accept(Bearer, tokens).build()?;
//! let transfers =
//!     gate.require(step_up().context("urn:example:mfa").within(Duration::from_secs(300)));
//!
//! let ask = |token| {
//!     PlainHead::get("/").with("authorization", format!("Bearer {token}")).received_by(&gate)
//! };
//! assert!(matches!(
//!     ask("emily-signed-in-strongly").at(&transfers),
//!     Admission::Decided(Verdict::Admitted(_))
//! ));
//! let Admission::Decided(Verdict::Rejected(rejection)) =
//!     ask("emma-signed-in-somehow").at(&transfers)
//! else {
//!     panic!("let in")
//! };
//! let challenge = rejection.challenges()[0].to_string();
//! assert!(
//!     challenge.contains(r#"error="insufficient_user_authentication""#)
//!         && challenge.contains(r#"max_age="300""#)
//! );
//! # Ok(()) }
//! ```
//!
//! # What it does not do
//! It believes what the verifier says of the sign-in. A verifier that says nothing, as for keys and passwords, lets nobody through here.
//! A context is compared by bytes: none is stronger than another but by being named.

use std::time::Duration;

use super::{
    grant::Grant,
    policy::{Decision, Policy},
};
use crate::{request::RequestView, response::Advice};

/// Whoever signed in as this then asks for. Alone it asks for nothing but that something is known of the sign-in.
pub fn step_up() -> StepUp {
    StepUp::default()
}

/// See [`step_up`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use]
pub struct StepUp {
    contexts: Vec<Box<str>>,
    within: Option<Duration>,
}

impl StepUp {
    /// In this authentication context class (`acr`). Said again, one of them, the preferred one first.
    pub fn context(mut self, name: &str) -> Self {
        self.contexts.push(name.into());
        self
    }

    /// At most so long ago, in whole seconds (`auth_time`). A sign-in that lies ahead is none: it would stay recent for too long.
    pub fn within(mut self, age: Duration) -> Self {
        self.within = Some(age);
        self
    }

    /// What the client is told to ask for.
    pub(super) fn advice(&self) -> Advice {
        let mut advice = Advice::new()
            .with_parameter("error", "insufficient_user_authentication")
            .with_parameter("error_description", "This takes a stronger or a more recent sign-in");
        if !self.contexts.is_empty() {
            advice = advice.with_parameter("acr_values", self.contexts.join(" "));
        }
        if let Some(age) = self.within {
            advice = advice.with_parameter("max_age", age.as_secs().to_string());
        }
        advice
    }

    fn is_met<P>(&self, grant: &Grant<P>) -> bool {
        let Some(how) = grant.known.verified().authentication() else { return false };
        let in_context = self.contexts.is_empty()
            || how.context().is_some_and(|said| self.contexts.iter().any(|context| **context == *said));
        let in_time = self.within.is_none_or(|within| {
            // A moment ahead has no age.
            let age = how.time().and_then(|time| grant.realm.clock().wall().duration_since(time).ok());
            age.is_some_and(|age| age.as_secs() <= within.as_secs())
        });
        in_context && in_time
    }
}

impl<P> Policy<P> for StepUp {
    fn judge(&self, grant: &Grant<P>, _: &RequestView<'_>) -> Decision {
        if self.is_met(grant) { Decision::Permit } else { Decision::StepUp(self.clone()) }
    }

    fn describe(&self) -> String {
        "a stronger or a more recent sign-in".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::SystemTime};

    use super::*;
    use crate::{
        Bearer, Gate, Verified,
        adapter::{Admission, Verdict},
        gate::policy::{all_of, any_of, role, scope},
        principal::Authentication,
        testing::{ManualClock, PlainHead},
        verifier::TokenTable,
    };

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn refusal(how: Option<Authentication>, policy: impl Policy<()>) -> Option<(u16, String)> {
        let emily = how.into_iter().fold(Verified::new(()), Verified::authenticated);
        let gate = Gate::in_realm("r")
            .accept(Bearer, TokenTable::new().with("token", emily))
            .timed_by(Arc::new(ManualClock::at(at(1_000))))
            .build()
            .unwrap()
            .require(policy);
        let head = PlainHead::get("/").with("authorization", "Bearer token").received_by(&gate);
        match head.at(&gate) {
            Admission::Decided(Verdict::Admitted(_)) => None,
            Admission::Decided(Verdict::Rejected(no)) => {
                Some((no.status(), no.challenges().iter().map(ToString::to_string).collect()))
            }
            _ => panic!("decided"),
        }
    }

    #[test]
    fn only_what_is_strong_and_recent_enough_passes() {
        let strong = || Authentication::default().in_context("mfa");
        let rows = [
            (None, false),
            (Some(Authentication::default()), false),
            (Some(strong()), false),
            (Some(Authentication::default().at(at(1_000))), false),
            (Some(strong().at(at(1_000))), true),
            (Some(strong().at(at(700))), true),
            (Some(strong().at(at(699))), false),
            (Some(strong().at(at(1_001))), false),
            (Some(Authentication::default().in_context("mfa ").at(at(900))), false),
            (Some(Authentication::default().in_context("hwk").at(at(900))), true),
        ];
        for (how, passes) in rows {
            let policy = step_up().context("mfa").context("hwk").within(Duration::from_secs(300));
            let told = "Bearer realm=\"r\", error=\"insufficient_user_authentication\", error_description=\"This takes a stronger or a more \
                        recent sign-in\", acr_values=\"mfa hwk\", max_age=\"300\"";
            let expected = if passes { None } else { Some((401, told.to_owned())) };
            assert_eq!(refusal(how.clone(), policy), expected, "{how:?}");
        }
    }

    #[test]
    fn beside_other_policies_it_is_the_way_that_is_shown() {
        let status = |policy: Box<dyn Fn() -> Option<(u16, String)>>| policy().map(|(status, _)| status);
        let strong = || step_up().context("mfa");
        assert_eq!(status(Box::new(move || refusal(None, any_of((role("admin"), strong()))))), Some(401));
        assert_eq!(status(Box::new(move || refusal(None, any_of((strong(), scope("a")))))), Some(401));
        assert_eq!(status(Box::new(move || refusal(None, any_of((strong(), role("admin")))))), Some(401));
        assert_eq!(status(Box::new(move || refusal(None, all_of((role("admin"), strong()))))), Some(403));
    }
}
