//! Being somebody in a test: a request that is let in as whom the test names, and a grant for a function that takes one.
//!
//! A test of a route mostly asks what the route does for emily who is an admin, and not how emily signs in. [`credential`] makes a field for
//! the test's request, by which the app's own gate lets it in as whom the test names, as if a credential of that scheme had been verified. The
//! routes stay as they are, `gate.only(["cookie"])` and policies included: a route that does not take the scheme finds nothing, and one
//! whose policy says no refuses with 403. The cross-site rule, the end, step-up and what is revoked meanwhile count as ever.
//!
//! - The field holds 32 random bytes that this gate was told of in this process. Nobody else's field opens anything.
//! - **It cannot be left on.** The calls are there with the feature `test-util` and in builds with debug assertions alone: a release build that
//!   names them does not compile, and a gate in one does not look at the field.
//! - Whatever else the request carries is not looked at.
//!
//! # Example
//! ```
//! use countersign::{
//!     Bearer, Gate, Verified,
//!     adapter::Verdict,
//!     gate::policy::role,
//!     testing::{self, PlainHead},
//!     verifier::TokenTable,
//! };
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // the app's own gate, and a route's
//! let gate = Gate::in_realm("people").accept(Bearer, TokenTable::<String>::new()).build()?;
//! let admins = gate.require(role("admin"));
//!
//! let emily = Verified::new("emily".to_owned()).with_subject("emily").with_roles(["admin"]);
//! let (name, value) = testing::credential(&gate, "bearer", emily)?;
//! let head = PlainHead::get("/admin").with(name, value).received_by(&gate);
//! assert!(matches!(head.verdict_at(&admins).await, Verdict::Admitted(me) if *me == "emily"));
//! # Ok(()) }
//! ```
//! In a framework's own test client the field is set like any other; the [how-to](crate::manual::howto#testing-a-handler) has all three.

use crate::{
    credential::{Bearer, Extract, TokenCredential},
    gate::{Gate, Grant, UnknownScheme, posed::FIELD},
    principal::Verified,
    verifier::{Answer, verify_now_with},
};

/// The name and the value of a field by which this gate lets a request in as whom this names, wherever it takes this scheme.
///
/// Scopes, roles and the time of sign-in are those of `verified`; so are its end, and what it is bound to, which the request must then show.
///
/// # Errors
/// When the gate has no such scheme.
pub fn credential<P: Send + Sync + 'static>(
    gate: &Gate<P>,
    scheme: &str,
    verified: Verified<P>,
) -> Result<(&'static str, String), UnknownScheme> {
    Ok((FIELD, gate.pose(scheme, verified)?))
}

/// A grant for whom this names, of a gate that nothing else has: for a function that takes `&Grant<User>`.
///
/// ```
/// use countersign::{Grant, Verified, testing};
///
/// fn greet(me: &Grant<String>) -> String {
///     format!("hello, {}", **me)
/// }
/// let emily = testing::grant(
///     Verified::new("emily".to_owned()).with_subject("emily").with_roles(["admin"]),
/// );
/// assert_eq!((greet(&emily).as_str(), emily.scheme()), ("hello, emily", "test"));
/// ```
///
/// # Panics
/// When what it names has ended already.
#[must_use]
pub fn grant<P: Send + Sync + 'static>(verified: Verified<P>) -> Grant<P> {
    let nobody = verify_now_with(|_: &TokenCredential| Answer::<P>::Refused);
    let gate = Gate::in_realm("test").accept(Bearer.called("test"), nobody).build();
    #[expect(clippy::unwrap_used, reason = "the gate is written here, and can be built")]
    let gate = gate.unwrap();
    grant_of(&gate, "test", verified)
}

/// A grant for whom this names, as this gate gives it by this scheme: for what asks the grant again, or ends what it was given for.
///
/// # Panics
/// When the gate has no such scheme, or what it names has ended already.
#[must_use]
pub fn grant_of<P: Send + Sync + 'static>(gate: &Gate<P>, scheme: &str, verified: Verified<P>) -> Grant<P> {
    match gate.grant_for_test(scheme, verified) {
        Ok(Some(grant)) => grant,
        #[expect(clippy::panic, reason = "a test fails by panicking")]
        Ok(None) => panic!("who is to be granted something has ended already"),
        #[expect(clippy::panic, reason = "a test fails by panicking")]
        Err(unknown) => panic!("{unknown}"),
    }
}
