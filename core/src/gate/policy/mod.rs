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

mod combined;
mod ready;

use std::{future::Future, pin::Pin, sync::Arc};

pub use self::{
    combined::{AllOf, AnyOf, all_of, any_of},
    ready::{
        Anybody, HasRole, HasScope, Permits, SignedInWithin, SubjectIs, known, permits, role, scope, signed_in_within,
        subject_is,
    },
};
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

    /// The scopes that a client without a token does well to ask for: what a challenge with
    /// [metadata](crate::credential::ProtectedResource) tells it, and the metadata itself. None, unless this says otherwise.
    fn scopes(&self) -> Vec<String> {
        Vec::new()
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
    Misconfigured(String),
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

    fn scopes(&self) -> Vec<String> {
        (**self).scopes()
    }
}
