//! CouchDB's sessions, verified and begun: [`CouchDbSessions`].
//!
//! A session is signed with the server's secret and the salt of its user; the salts are looked up in a [`SecretStore`]. Whether there is
//! such a user does not show: what stands in for an unknown one's salt takes as long.
//!
//! # Example
//! ```
//! use countersign::{
//!     Answer, Extract, Secret, Verified, Verify,
//!     credential::cookie::foreign::{CouchDb, ForeignCookie},
//!     store::{MemorySecrets, StoredSecret},
//!     verifier::CouchDbSessions,
//! };
//! use std::time::{Duration, SystemTime};
//!
//! # #[tokio::main] async fn main() {
//! let salt = Secret::new("3b8d0b0b0b2f4a7cbe8e2a4f4d7b1c2e");
//! let salts = MemorySecrets::new().with("root", StoredSecret::new(salt, Verified::new("root")));
//! let format = CouchDb::lasting(Duration::from_secs(600));
//! let sessions =
//!     CouchDbSessions::signed_by(Secret::new("92de07df7e7a3fe14808cef90a7cc0d9"), salts);
//! let cookie = ForeignCookie::named("AuthSession", format.clone());
//!
//! let sealed = sessions.begin(&format, "root", SystemTime::now()).await.unwrap().unwrap();
//! let opened = cookie.read(sealed.as_bytes().into()).unwrap();
//! assert!(matches!(sessions.verify(opened).await, Answer::Verified(_)));
//! assert!(sessions.begin(&format, "nobody", SystemTime::now()).await.unwrap().is_none());
//! # }
//! ```
//!
//! # What it does not do
//! It asks for no password, and hands out no roles: whoever begins a session has asked, and what a user may is the app's to say. CouchDB ends all sessions
//! of a user by another salt, and so does this, once the store has it.

use std::{fmt, time::SystemTime};

use async_trait::async_trait;

use super::{Answer, Secrets, Terms, Verify};
use crate::{
    credential::cookie::foreign::{CouchDb, CouchDbSession, OpenedCookie},
    secret::Secret,
    store::SecretStore,
    unavailable::Unavailable,
};

/// Verifies CouchDB's sessions, and begins them. See the [module](self).
pub struct CouchDbSessions<S> {
    secret: Secret,
    salts: Secrets<S>,
}

impl<S: SecretStore> CouchDbSessions<S> {
    /// Sessions signed with this secret (`chttpd_auth/secret`) and the salts in this store.
    #[must_use]
    pub fn signed_by(secret: Secret, salts: S) -> Self {
        Self { secret, salts: Secrets::in_store(salts).without_throttle() }
    }

    /// The text of a session of this user, signed now; `None` if there is no such user, or it has no salt.
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn begin(&self, format: &CouchDb, user: &str, now: SystemTime) -> Result<Option<String>, Unavailable> {
        let salt = self.salts.claimant(user).await?.proved(|_| true);
        Ok(salt.map(|(_, salt)| format.seal(user, &self.secret, &salt, now)))
    }
}

#[async_trait]
impl<S: SecretStore> Verify<OpenedCookie<CouchDbSession>> for CouchDbSessions<S> {
    type Principal = S::Principal;

    async fn verify(&self, cookie: OpenedCookie<CouchDbSession>) -> Answer<S::Principal> {
        let session = cookie.value();
        match self.salts.claimant(session.user()).await {
            Ok(claimant) => match claimant.proved(|salt| session.is_by(&self.secret, salt)) {
                Some((verified, _)) => verified.into(),
                None => Answer::refused("its signature is wrong, or its name is not known"),
            },
            Err(source) => Answer::Unavailable(source),
        }
    }

    fn terms(&self) -> Terms {
        self.salts.terms()
    }
}

impl<S> fmt::Debug for CouchDbSessions<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CouchDbSessions(..)")
    }
}
