//! What is answered: a whole [`Reply`], the [`Challenge`]s of a 401, and the [`Rejection`] of whoever was not admitted.

mod advice;
pub mod challenge;
mod field_value;
mod page;
mod problem;
mod reason;
pub mod rejection;
pub mod reply;

pub use self::{
    advice::Advice,
    challenge::Challenge,
    field_value::FieldValue,
    page::Page,
    reason::Reason,
    rejection::Rejection,
    reply::{Reply, ReplyField},
};
