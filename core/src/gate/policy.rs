//! Whether a known caller may: policies as values, demands as types.
//!
//! A policy judges a [`Grant`] and the request. It computes and never waits, but for [`asks`], which may ask a database; so may a
//! handler, with [`Grant::allow_if`]. Policies are judged at each request, cached or not.
//!
//! # Example
//! ```
//! use countersign::{demand, gate::policy::{all_of, any_of, permits, role, scope, subject_is}};
//!
//! // as a value, for one route:  gate.require(may_edit())
//! fn may_edit() -> impl countersign::Policy<String> {
//!     any_of((role("admin"), all_of((scope("pages:write"), subject_is("owner")))))
//! }
//! // as a closure
//! fn long_names() -> impl countersign::Policy<String> {
//!     permits(|caller: &countersign::Grant<String>, _head| caller.len() > 3)
//! }
//! // as a type, for guards in a handler's signature:  Granted<User, WritesPages>
//! demand!(WritesPages: scope("pages:write"));
//! ```
//!
//! # What it does not do
//! It does not say who the caller is, and it cannot admit anybody whom no verifier has named.

use std::{borrow::Cow, future::Future, pin::Pin, sync::Arc, time::Duration};

use super::grant::Grant;
pub use super::{
    asks::{Asked, Asks, asks},
    step_up::{StepUp, step_up},
};
use crate::{principal::Scopes, request::RequestView, unavailable::Unavailable};

/// A condition on a caller and a request.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no policy for callers of type `{P}`",
    label = "no policy",
    note = "for the name of a role write `role(\"admin\")`, for a scope `scope(\"reports:write\")`, for a closure `permits(|grant, request| …)`"
)]
pub trait Policy<P>: Send + Sync + 'static {
    /// Whether this caller may do this.
    fn judge(&self, grant: &Grant<P>, request: &RequestView<'_>) -> Decision;

    /// Asks whoever knows, if [`judge`](Self::judge) says [`Decision::Ask`]. What it returns owns what it needs.
    fn ask(&self, grant: &Grant<P>, request: &RequestView<'_>) -> Option<Asking> {
        let _ = (grant, request);
        None
    }

    /// What it asks for, in a few words, for whoever reads in the log why somebody was refused. Nothing of a caller or a request.
    fn describe(&self) -> String {
        "a policy of the app's own".to_owned()
    }
}

/// A policy that asks.
pub type Asking = Pin<Box<dyn Future<Output = Result<Decision, Unavailable>> + Send>>;

/// What a policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Decision {
    /// The caller may.
    Permit,
    /// The caller may not: 403.
    Deny,
    /// The caller may not, for want of these scopes: 403 with `insufficient_scope` (RFC 6750 §3.1).
    MissingScopes(Scopes),
    /// The caller has to sign in more strongly or again, as this says: 401 with `insufficient_user_authentication` (RFC 9470).
    StepUp(StepUp),
    /// Somebody has to be asked: see [`Policy::ask`].
    Ask,
    /// The policy cannot judge, because it was put where it does not fit: 500, and this sentence in the log.
    Fault(String),
}

impl Decision {
    /// Permit if `condition` holds, else deny.
    pub fn when(condition: bool) -> Self {
        if condition { Self::Permit } else { Self::Deny }
    }
}

/// A policy as a type, for guards that stand in a handler's signature. Made by [`demand!`](crate::demand).
pub trait Demand<P>: Send + Sync + 'static {
    /// The schemes that the guard takes; `None` for all of the gate.
    const SCHEMES: Option<&'static [&'static str]> = None;

    /// Whether this caller may do this.
    fn judge(grant: &Grant<P>, request: &RequestView<'_>) -> Decision;
}

/// No demand beyond being known: what `Granted<P>` asks for.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "a name for nothing has nothing to add")]
pub struct Anyone;

impl<P> Demand<P> for Anyone {
    fn judge(_: &Grant<P>, _: &RequestView<'_>) -> Decision {
        Decision::Permit
    }
}

/// Names a policy as a type: `demand!(pub WritesReports: scope("reports:write"));`
///
/// With `only`, the guard takes these schemes alone: `demand!(BySession: only ["cookie"]);`,
/// `demand!(EditsBySession: only ["cookie"], scope("pages:write"));`. The policy is an expression that is evaluated each
/// time it judges: keep it to `scope`, `role`, `subject_is` and their combinations, which cost nothing to make.
#[macro_export]
macro_rules! demand {
    ($(#[$doc:meta])* $vis:vis $name:ident: only [$($scheme:literal),+ $(,)?]) => {
        $crate::demand!(@declare [$(#[$doc])*] $vis $name, [::core::option::Option::Some(&[$($scheme),+])], $crate::gate::policy::known());
    };
    ($(#[$doc:meta])* $vis:vis $name:ident: only [$($scheme:literal),+ $(,)?], $policy:expr) => {
        $crate::demand!(@declare [$(#[$doc])*] $vis $name, [::core::option::Option::Some(&[$($scheme),+])], $policy);
    };
    ($(#[$doc:meta])* $vis:vis $name:ident: $policy:expr) => {
        $crate::demand!(@declare [$(#[$doc])*] $vis $name, [::core::option::Option::None], $policy);
    };
    (@declare [$($doc:tt)*] $vis:vis $name:ident, [$schemes:expr], $policy:expr) => {
        $($doc)*
        #[derive(Debug, Clone, Copy)]
        #[non_exhaustive]
        $vis struct $name;

        impl<P: 'static> $crate::gate::policy::Demand<P> for $name {
            const SCHEMES: ::core::option::Option<&'static [&'static str]> = $schemes;

            fn judge(grant: &$crate::Grant<P>, request: &$crate::RequestView<'_>) -> $crate::gate::policy::Decision {
                $crate::gate::policy::Policy::judge(&$policy, grant, request)
            }
        }
    };
}

/// Anybody who is known.
#[must_use]
pub fn known() -> Anybody {
    Anybody(())
}

/// Whoever's credential was issued with this scope.
///
/// A scope that RFC 6749 §3.3 does not allow is held by nobody.
#[must_use]
pub fn scope(name: impl Into<Cow<'static, str>>) -> HasScope {
    HasScope(name.into())
}

/// Whoever has this role.
#[must_use]
pub fn role(name: impl Into<Cow<'static, str>>) -> HasRole {
    HasRole(name.into())
}

/// Whoever is the subject that the path parameter of this name holds, byte for byte after percent-decoding.
///
/// On a route without such a parameter nobody passes: it answers 500 and says so in the log.
#[must_use]
pub fn subject_is(parameter: &'static str) -> SubjectIs {
    SubjectIs(parameter)
}

/// Whoever has proved within this time who they are, by a password or its like: for what a session that was left open must not do. Where
/// the verifier does not [know](crate::Verified::authenticated_at) when that was, nobody passes.
#[must_use]
pub fn signed_in_within(time: Duration) -> SignedInWithin {
    SignedInWithin(time)
}

/// Whoever satisfies one of these policies, a tuple of up to six. A fault in one of them counts as a fault of all, unless an
/// earlier one permits.
#[must_use]
pub fn any_of<T>(policies: T) -> AnyOf<T> {
    AnyOf(policies)
}

/// Whoever satisfies all of these policies, a tuple of up to six.
#[must_use]
pub fn all_of<T>(policies: T) -> AllOf<T> {
    AllOf(policies)
}

/// Whoever satisfies this closure.
pub fn permits<P, F>(condition: F) -> Permits<F>
where
    F: Fn(&Grant<P>, &RequestView<'_>) -> bool + Send + Sync + 'static,
{
    Permits(condition)
}

/// See [`known`].
#[derive(Debug, Clone, Copy)]
pub struct Anybody(());

/// See [`scope`].
#[derive(Debug, Clone)]
pub struct HasScope(Cow<'static, str>);

/// See [`role`].
#[derive(Debug, Clone)]
pub struct HasRole(Cow<'static, str>);

/// See [`subject_is`].
#[derive(Debug, Clone, Copy)]
pub struct SubjectIs(&'static str);

/// See [`signed_in_within`].
#[derive(Debug, Clone, Copy)]
pub struct SignedInWithin(Duration);

/// See [`any_of`].
#[derive(Debug, Clone, Copy)]
pub struct AnyOf<T>(T);

/// See [`all_of`].
#[derive(Debug, Clone, Copy)]
pub struct AllOf<T>(T);

/// See [`permits`].
#[derive(Debug, Clone, Copy)]
pub struct Permits<F>(F);

impl<P> Policy<P> for Anybody {
    fn judge(&self, _: &Grant<P>, _: &RequestView<'_>) -> Decision {
        Decision::Permit
    }

    fn describe(&self) -> String {
        "somebody who is known".to_owned()
    }
}

impl<P> Policy<P> for HasScope {
    fn describe(&self) -> String {
        format!("the scope {:?}", self.0)
    }

    fn judge(&self, grant: &Grant<P>, _: &RequestView<'_>) -> Decision {
        if grant.scopes().contains(&self.0) {
            return Decision::Permit;
        }
        match Scopes::of([&*self.0]) {
            Ok(missing) => Decision::MissingScopes(missing),
            Err(_) => Decision::Fault(format!("{:?} is not a scope (RFC 6749 §3.3), so nobody can hold it", self.0)),
        }
    }
}

impl<P> Policy<P> for HasRole {
    fn describe(&self) -> String {
        format!("the role {:?}", self.0)
    }

    fn judge(&self, grant: &Grant<P>, _: &RequestView<'_>) -> Decision {
        Decision::when(grant.roles().iter().any(|role| **role == *self.0))
    }
}

impl<P> Policy<P> for SubjectIs {
    fn describe(&self) -> String {
        format!("the subject that the path parameter {:?} names", self.0)
    }

    fn judge(&self, grant: &Grant<P>, request: &RequestView<'_>) -> Decision {
        match request.parameter(self.0) {
            // What could not be decoded names nobody, whatever a subject is called.
            Some(named) if named.contains(char::REPLACEMENT_CHARACTER) => Decision::Deny,
            Some(named) => Decision::when(grant.subject().is_some_and(|subject| *subject == *named)),
            None => {
                Decision::Fault(format!("subject_is({:?}) stands on a route without such a path parameter", self.0))
            }
        }
    }
}

impl<P> Policy<P> for SignedInWithin {
    fn describe(&self) -> String {
        format!("a sign-in within {} s", self.0.as_secs())
    }

    fn judge(&self, grant: &Grant<P>, _: &RequestView<'_>) -> Decision {
        let now = grant.realm.clock().wall();
        // A clock that was set back makes it lie ahead.
        let since = |time| now.duration_since(time).unwrap_or_default();
        Decision::when(grant.authenticated().is_some_and(|time| since(time) < self.0))
    }
}

impl<P, F> Policy<P> for Permits<F>
where
    F: Fn(&Grant<P>, &RequestView<'_>) -> bool + Send + Sync + 'static,
{
    fn judge(&self, grant: &Grant<P>, request: &RequestView<'_>) -> Decision {
        Decision::when((self.0)(grant, request))
    }

    fn describe(&self) -> String {
        format!("what the closure `{}` permits", std::any::type_name::<F>())
    }
}

impl<P: 'static> Policy<P> for Arc<dyn Policy<P>> {
    fn judge(&self, grant: &Grant<P>, request: &RequestView<'_>) -> Decision {
        (**self).judge(grant, request)
    }

    fn ask(&self, grant: &Grant<P>, request: &RequestView<'_>) -> Option<Asking> {
        (**self).ask(grant, request)
    }

    fn describe(&self) -> String {
        (**self).describe()
    }
}

/// The first of all decisions that is neither a permit nor open; else open, if one is.
fn first_objection(decisions: impl IntoIterator<Item = Decision>) -> Decision {
    let mut open = Decision::Permit;
    for decision in decisions {
        match decision {
            Decision::Permit => {}
            Decision::Ask => open = Decision::Ask,
            objection => return objection,
        }
    }
    open
}

/// A permit if there is one before any fault; else the fault; else open, if one is; else a stronger sign-in, which would help; else the
/// missing scopes if scopes are all that is missing.
fn first_permit(decisions: impl IntoIterator<Item = Decision>) -> Decision {
    let mut objection = None;
    for decision in decisions {
        match (decision, &objection) {
            (settled @ (Decision::Permit | Decision::Fault(_)), _) => return settled,
            (open @ Decision::Ask, _) => objection = Some(open),
            (first, None) => objection = Some(first),
            (_, Some(Decision::Ask | Decision::StepUp(_))) | (Decision::MissingScopes(_), Some(_)) => {}
            (other, Some(_)) => objection = Some(other),
        }
    }
    objection.unwrap_or(Decision::Deny)
}

/// Asks those that are open, one after the other, until `settles` says that one of them settles it. `of` makes one decision of what is
/// known by then.
fn ask_each<P: 'static>(
    policies: &[&dyn Policy<P>],
    grant: &Grant<P>,
    request: &RequestView<'_>,
    settles: fn(&Decision) -> bool,
    of: fn(Vec<Decision>) -> Decision,
) -> Option<Asking> {
    let mut known = Vec::new();
    let mut open = Vec::new();
    for policy in policies {
        match policy.judge(grant, request) {
            Decision::Ask => open.push(policy.ask(grant, request)?),
            decision => known.push(decision),
        }
    }
    Some(Box::pin(async move {
        for asking in open {
            let decision = asking.await?;
            if settles(&decision) {
                return Ok(decision);
            }
            known.push(decision);
        }
        Ok(of(known))
    }))
}

fn described<P: 'static>(policies: &[&dyn Policy<P>], between: &str) -> String {
    let all: Vec<_> = policies.iter().map(|policy| policy.describe()).collect();
    format!("({})", all.join(between))
}

macro_rules! combinations {
    ($(($($policy:ident)+))+) => { $(
        #[expect(non_snake_case, reason = "type and value of a tuple's member share a name")]
        impl<Principal: 'static, $($policy: Policy<Principal>),+> Policy<Principal> for AllOf<($($policy,)+)> {
            fn judge(&self, grant: &Grant<Principal>, request: &RequestView<'_>) -> Decision {
                let ($($policy,)+) = &self.0;
                let all: &[&dyn Policy<Principal>] = &[$($policy),+];
                first_objection(all.iter().map(|policy| policy.judge(grant, request)))
            }

            fn ask(&self, grant: &Grant<Principal>, request: &RequestView<'_>) -> Option<Asking> {
                let ($($policy,)+) = &self.0;
                ask_each(&[$($policy),+], grant, request, |decision| *decision != Decision::Permit, first_objection)
            }

            fn describe(&self) -> String {
                let ($($policy,)+) = &self.0;
                described(&[$($policy),+], " and ")
            }
        }

        #[expect(non_snake_case, reason = "type and value of a tuple's member share a name")]
        impl<Principal: 'static, $($policy: Policy<Principal>),+> Policy<Principal> for AnyOf<($($policy,)+)> {
            fn judge(&self, grant: &Grant<Principal>, request: &RequestView<'_>) -> Decision {
                let ($($policy,)+) = &self.0;
                let all: &[&dyn Policy<Principal>] = &[$($policy),+];
                first_permit(all.iter().map(|policy| policy.judge(grant, request)))
            }

            fn ask(&self, grant: &Grant<Principal>, request: &RequestView<'_>) -> Option<Asking> {
                let ($($policy,)+) = &self.0;
                ask_each(&[$($policy),+], grant, request, |decision| *decision == Decision::Permit, first_permit)
            }

            fn describe(&self) -> String {
                let ($($policy,)+) = &self.0;
                described(&[$($policy),+], " or ")
            }
        }
    )+ };
}

combinations! { (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) }

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(name: &str) -> Decision {
        Decision::MissingScopes(Scopes::of([name]).unwrap())
    }

    #[test]
    fn all_report_the_first_objection() {
        let fault = Decision::Fault("x".into());
        for (decisions, expected) in [
            (vec![Decision::Permit, Decision::Permit], Decision::Permit),
            (vec![Decision::Permit, Decision::Deny, missing("a")], Decision::Deny),
            (vec![missing("a"), Decision::Deny], missing("a")),
            (vec![Decision::Permit, fault.clone()], fault.clone()),
            (vec![Decision::Ask, Decision::Permit], Decision::Ask),
            (vec![Decision::Ask, Decision::Deny], Decision::Deny),
        ] {
            assert_eq!(first_objection(decisions.clone()), expected, "{decisions:?}");
        }
    }

    #[test]
    fn any_needs_one_permit_and_hides_no_fault() {
        let fault = Decision::Fault("x".into());
        for (decisions, expected) in [
            (vec![Decision::Deny, Decision::Permit], Decision::Permit),
            (vec![Decision::Permit, fault.clone()], Decision::Permit),
            (vec![fault.clone(), Decision::Permit], fault.clone()),
            (vec![Decision::Deny, fault.clone()], fault.clone()),
            (vec![missing("a"), missing("b")], missing("a")),
            (vec![missing("a"), Decision::Deny], Decision::Deny),
            (vec![Decision::Deny, missing("a")], Decision::Deny),
        ] {
            assert_eq!(first_permit(decisions.clone()), expected, "{decisions:?}");
        }
    }
}
