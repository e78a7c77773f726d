//! Who a caller is, and what limits that: [`Verified`].

mod binding;
mod handle;
mod scopes;
mod verified;

#[cfg(feature = "jwt")]
pub(crate) use self::handle::HandlesOf;
pub use self::{
    binding::{Binding, Proof},
    handle::{Handle, HandleKind},
    scopes::{BadScopes, Scopes},
    verified::Verified,
};
