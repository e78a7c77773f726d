//! Cookies, one file a kind.

pub mod signed;

pub use self::signed::{CookieCredential, SignedCookie};
