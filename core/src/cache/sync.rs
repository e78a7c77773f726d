//! The primitives that revocation and the table of flights are built on, in one place.
//!
//! `tests/loom_revocation.rs` compiles the files that use them a second time, with loom's types under the same names.

pub(super) use std::sync::{
    Arc, Mutex, RwLock,
    atomic::{AtomicU64, Ordering},
};
