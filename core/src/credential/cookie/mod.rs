//! Cookies, one file a kind.

#[cfg(feature = "foreign-cookies")]
pub mod foreign;
mod jar;
pub mod signed;

#[cfg(all(feature = "jwt", feature = "mint"))]
pub(crate) use self::jar::LONGEST_AGE;
pub use self::{
    jar::SameSite,
    signed::{CookieCredential, SignedCookie},
};
use crate::{request::field::is_short_token, response::Challenge};

/// How a client is asked for the cookie of this name.
pub(crate) fn challenge(name: &str) -> Challenge {
    Challenge::new("Cookie").with("cookie-name", name)
}

/// What is wrong with this as the name of a cookie, if anything is.
pub(crate) fn fault_of_name(name: &str) -> Option<String> {
    let fault = || format!("{name:?} cannot be the name of a cookie: it must be a token of at most 64 bytes");
    (!is_short_token(name)).then(fault)
}
