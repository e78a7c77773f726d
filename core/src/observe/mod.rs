//! What an operator sees of a gate: each decision, for a record.

pub mod audit;
pub(crate) mod meter;

pub use self::audit::AuditEvent;
