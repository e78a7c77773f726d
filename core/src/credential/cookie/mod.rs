//! Cookies, one file a kind.

#[cfg(feature = "foreign-cookies")]
pub mod foreign;
pub mod signed;

pub use self::signed::{CookieCredential, SameSite, SignedCookie};
