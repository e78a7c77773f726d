//! Requests made by hand and a clock that stands still, for tests of credentials, policies and gates that need no framework.
//!
//! # Example
//! ```
//! use countersign::{adapter::RequestHead, testing::PlainHead};
//!
//! let head = PlainHead::get("/me").with("authorization", b"Bearer abc");
//! assert_eq!(head.path(), "/me");
//! ```

mod clock;
mod head;

pub use self::{clock::ManualClock, head::PlainHead};
