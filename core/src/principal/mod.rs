//! Who a caller is, and what limits that: [`Verified`].

mod authentication;
mod binding;
mod handle;
mod scopes;
mod verified;

#[cfg(feature = "jwt")]
pub(crate) use self::handle::HandlesOf;
pub use self::{
    authentication::Authentication,
    binding::{Binding, Proof},
    handle::{Handle, HandleKind},
    scopes::{BadScopes, Scopes},
    verified::Verified,
};
