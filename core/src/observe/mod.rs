//! What an operator sees of a gate: each decision, for a record.

pub mod audit;

pub use self::audit::AuditEvent;
