//! What an application keeps for us, and how we ask for it: a trait a store, and stores in memory.

mod api_key;
mod bound_key;
mod count;
mod device_session;
mod directory;
mod memory;
mod outbox;
mod password;
mod refresh_token;
mod replay;
mod revocation;
mod secret;
mod session;

pub use self::{
    api_key::{ApiKeyRecord, ApiKeyStore},
    bound_key::{BoundKeyRecord, BoundKeyStore, KeySender},
    count::{COUNTS_OUT_OF_ORDER, CountStore},
    device_session::{DeviceSessionRecord, DeviceSessionStore},
    directory::Directory,
    memory::{
        MemoryApiKeys, MemoryBoundKeys, MemoryCounts, MemoryDeviceSessions, MemoryOutbox, MemoryReplay, MemorySecrets,
        MemorySessions, MemoryTokens,
    },
    outbox::{Announcement, Outbox, OutboxPage, Voided},
    password::{FoundBy, PasswordStore, StoredHash, StoredPassword},
    refresh_token::{FamilyRecord, RefreshStore, Rotated, Rotation},
    replay::{First, ReplayStore},
    revocation::{RevocationStore, Standing, SubjectFloor},
    secret::{SecretStore, StoredSecret},
    session::{SessionRecord, SessionStore},
};
