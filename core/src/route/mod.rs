//! Routes: what is closed by default, and a table of routes and their guards.

pub mod closed;
pub mod table;

pub use self::{
    closed::{BadPrefix, Closed},
    table::RouteTable,
};
