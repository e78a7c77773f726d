//! Requests and responses made by hand, a clock that stands still, and being somebody without signing in: for tests of an app, and of
//! credentials, policies and gates that need no framework.
//!
//! # Example
//! ```
//! use countersign::{adapter::RequestHead, testing::PlainHead};
//!
//! let head = PlainHead::get("/me").with("authorization", b"Bearer abc");
//! assert_eq!(head.path(), "/me");
//! ```

mod clock;
#[cfg(debug_assertions)]
mod credential;
mod head;
mod response;

#[cfg(debug_assertions)]
pub use self::credential::{credential, grant, grant_of};
pub use self::{clock::ManualClock, head::PlainHead, response::PlainResponse};
