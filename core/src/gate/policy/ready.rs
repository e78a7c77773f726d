//! Policies that are ready to be named: by scope, by role, by who it is, by when they signed in, by a closure.

use std::{borrow::Cow, time::Duration};

use super::{Decision, Policy};
use crate::{gate::grant::Grant, principal::Scopes, request::RequestView};

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

    fn scopes(&self) -> Vec<String> {
        vec![self.0.to_string()]
    }

    fn judge(&self, grant: &Grant<P>, _: &RequestView<'_>) -> Decision {
        if grant.scopes().contains(&self.0) {
            return Decision::Permit;
        }
        match Scopes::of([&*self.0]) {
            Ok(missing) => Decision::MissingScopes(missing),
            Err(_) => {
                Decision::Misconfigured(format!("{:?} is not a scope (RFC 6749 §3.3), so nobody can hold it", self.0))
            }
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
            None => Decision::Misconfigured(format!(
                "subject_is({:?}) stands on a route without such a path parameter",
                self.0
            )),
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
