//! Who a caller is, and what limits that: [`Verified`].

mod binding;
mod handle;
mod scopes;
mod verified;

pub use self::{
    binding::Binding,
    handle::{Handle, HandleKind},
    scopes::{BadScopes, Scopes},
    verified::Verified,
};
