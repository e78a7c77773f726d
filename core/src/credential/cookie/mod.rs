//! Cookies, one file a kind.

#[cfg(feature = "foreign-cookies")]
pub mod foreign;
mod jar;
pub mod signed;

#[cfg(feature = "mint")]
pub(crate) use self::jar::LONGEST_AGE;
pub use self::{
    jar::SameSite,
    signed::{CookieCredential, SignedCookie},
};
