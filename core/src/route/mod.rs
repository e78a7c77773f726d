//! Routes: what is closed by default, a table of routes and their guards, and the same for an OpenAPI document.

pub mod closed;
#[cfg(feature = "openapi")]
pub mod openapi;
pub mod table;

#[cfg(feature = "openapi")]
pub use self::openapi::{NotOpenApi, OpenApi};
pub use self::{
    closed::{BadPrefix, Closed},
    table::RouteTable,
};
