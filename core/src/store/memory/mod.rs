//! Stores in this process: gone with it, and shared with no copy.

mod api_key;
mod bound_key;
mod by_owner;
mod count;
mod device_session;
mod outbox;
mod replay;
mod secret;
mod session;
mod token;

pub use self::{
    api_key::MemoryApiKeys, bound_key::MemoryBoundKeys, count::MemoryCounts, device_session::MemoryDeviceSessions,
    outbox::MemoryOutbox, replay::MemoryReplay, secret::MemorySecrets, session::MemorySessions, token::MemoryTokens,
};
