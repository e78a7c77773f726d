//! All that Countersign may know of a request: its head, read in place.
//!
//! An adapter wraps what its framework has as a [`RequestHead`]; nothing is copied and no framework's type is named.
//! Bytes stay bytes: a field's value need not be UTF-8, and every occurrence of a field is visible, because the
//! difference between one `Authorization` field and two is the difference between an answer and a refusal.
//!
//! A [`Field`] is a header name that is made once, at start-up, and looked up many times. It keeps the framework's own
//! form of the name, so that a look-up neither parses nor allocates.

mod body;
pub mod client;
mod client_info;
pub mod exchange;
pub mod field;
mod forwarded;
mod head;
pub(crate) mod host;
pub mod origin;
pub mod path;
pub(crate) mod query;
mod view;
mod wants;

pub use self::{
    body::{LONGEST_BODY, Unreadable, read_whole},
    client::{BadNetwork, Proxies, ProxyHeaders},
    client_info::ClientInfo,
    exchange::Exchange,
    field::{BadField, Field},
    head::{Occurrence, RequestHead},
    origin::{BadOrigin, Origin},
    view::RequestView,
    wants::Wants,
};
