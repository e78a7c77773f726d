//! Where the ids of tokens are remembered that were voided before their end: [`VoidStore`].

use std::time::SystemTime;

use async_trait::async_trait;

use crate::unavailable::Unavailable;

/// Remembers what is void until it would have ended by itself.
#[async_trait]
pub trait VoidStore: Send + Sync + 'static {
    /// Remembers this id until then.
    ///
    /// # Errors
    /// When the store cannot be reached, or is full.
    async fn void(&self, id: [u8; 16], until: SystemTime) -> Result<(), Unavailable>;

    /// Whether this id was voided.
    ///
    /// # Errors
    /// When the store cannot be reached.
    async fn is_void(&self, id: [u8; 16]) -> Result<bool, Unavailable>;
}
