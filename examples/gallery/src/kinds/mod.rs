//! Kinds and verifiers of the gallery's own, by public items alone: how an app adds what the library has not.

pub(crate) mod amazon_v2;
pub(crate) mod buddy;
pub(crate) mod couchdb_proxy;
pub(crate) mod wsse_text;
