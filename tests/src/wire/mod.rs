//! A client that says exactly what it is told to say, and a parser that forgives nothing.
//!
//! No HTTP library stands between a case and the socket: what a library would tidy up (a doubled field, odd blanks, bytes
//! that are not UTF-8) is what the cases are about, and what a library would overlook in an answer is a fault.

mod connection;
mod names;
mod request;
mod response;

pub use self::{
    connection::{Connection, Failure},
    request::Request,
    response::Response,
};
pub(crate) use self::{names::Names, request::readable};
