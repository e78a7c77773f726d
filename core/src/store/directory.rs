//! Whom a subject's name stands for: [`Directory`].

use async_trait::async_trait;

use crate::{principal::Verified, unavailable::Unavailable};

/// The application's users, as sessions, keys and tokens need them: by the subject's name, and as they are now.
#[async_trait]
pub trait Directory<P>: Send + Sync + 'static {
    /// This subject with all roles and scopes, named as the subject; `None` if there is none who may sign in.
    ///
    /// # Errors
    /// When it cannot be found out. Never because the name is unknown.
    async fn find(&self, subject: &str) -> Result<Option<Verified<P>>, Unavailable>;
}
