//! What an application keeps for us, and how we ask for it: a trait a store, and stores in memory.

mod api_key;
mod directory;
mod memory;
mod password;
mod replay;
mod secret;
mod session;

pub use self::{
    api_key::{ApiKeyRecord, ApiKeyStore},
    directory::Directory,
    memory::{MemoryApiKeys, MemoryReplay, MemorySecrets, MemorySessions},
    password::{FoundBy, PasswordStore, StoreError, StoredHash, StoredPassword},
    replay::{First, ReplayStore},
    secret::{SecretStore, StoredSecret},
    session::{SessionRecord, SessionStore},
};
