//! What is answered: a whole [`Reply`], the [`Challenge`]s of a 401, and the [`Rejection`] of whoever was not admitted.

pub mod challenge;
mod page;
mod problem;
mod reason;
pub mod rejection;
pub mod reply;

pub use self::{challenge::Challenge, page::Page, reason::Reason, rejection::Rejection, reply::Reply};
