//! Signed links: a URL that opens one path for whoever has it, in the name of who made it, until it ends.
//!
//! - A [link](crate::credential::signed_link) names its subject, and in which generation of that subject it was made. It is void from the moment the
//!   subject is [revoked](crate::mint::revocation::Revocation), if these links are [recorded](Links::recorded_in), and when there is no such subject
//!   any more.
//! - It brings neither scopes nor roles along, whoever made it: it opens its path, and says in whose name.
//! - Nothing is stored for a link, and no cache keeps an answer to one.
//!
//! # Example
//! ```
//! # use std::sync::Arc;
//! use countersign::{
//!     Gate, KeyRing,
//!     credential::SignedLink,
//!     mint::{
//!         endpoint::Endpoint,
//!         link::{LinkEndpoints, Links},
//!     },
//!     store::RevocationStore,
//! };
//! # use countersign::{Basic, store::Directory, verifier::PasswordTable};
//!
//! # fn mount(keys: KeyRing, directory: Arc<dyn Directory<String>>, store: Arc<dyn RevocationStore>, passwords: PasswordTable<String>)
//! #     -> Result<(Gate<String>, Endpoint<String>), Box<dyn std::error::Error>> {
//! let links =
//!     Links::signed_by(SignedLink::in_parameter("link", keys), directory).recorded_in(store);
//! let gate = Gate::in_realm("people")
//!     .accept(Basic, passwords)
//!     .accept(links.kind(), links.clone())
//!     .build()?;
//! // POST /photos/{id}/link; and GET /photos/{id} stands behind a gate that takes the scheme "link"
//! let by_person = gate.only(["basic"])?;
//! let create = LinkEndpoints::new(links).create(&by_person, |request| {
//!     let id = request.parameter("id")?;
//!     (*id == *"1").then(|| format!("/photos/{id}"))
//! });
//! # Ok((gate, create)) }
//! ```

mod endpoint;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

pub use self::endpoint::LinkEndpoints;
use crate::{
    clock::{SharedClock, later},
    credential::{Extract, LinkCredential, SignedLink},
    principal::Scopes,
    store::{Directory, RevocationStore},
    unavailable::Unavailable,
    verifier::{Answer, Verify},
};

/// Makes and verifies signed links. Cheap to clone. See the [module](self).
pub struct Links<P> {
    kind: SignedLink,
    directory: Arc<dyn Directory<P>>,
    record: Option<Arc<dyn RevocationStore>>,
}

impl<P: Send + Sync + 'static> Links<P> {
    /// Links of this kind, in the name of subjects that this directory knows.
    #[must_use]
    pub fn signed_by(kind: SignedLink, directory: Arc<dyn Directory<P>>) -> Self {
        Self { kind, directory, record: None }
    }

    /// The same links, which ask this store whether their subject was revoked since. While it has no answer, none is let in.
    #[must_use]
    pub fn recorded_in(mut self, store: Arc<dyn RevocationStore>) -> Self {
        self.record = Some(store);
        self
    }

    /// Their kind of credential, for [`accept`](crate::gate::GateBuilder::accept).
    #[must_use]
    pub fn kind(&self) -> SignedLink {
        self.kind.clone()
    }

    /// A link by which this target, a path and perhaps a query, can be asked with this method in the name of this subject, until `ends`;
    /// `None` if the target can be none.
    ///
    /// Where what the subject may changes meanwhile, ask for that behind this call, and hand the link over only then:
    /// [`ask_again`](crate::Grant::ask_again).
    ///
    /// # Errors
    /// When the store has no answer.
    pub async fn make(
        &self,
        subject: &str,
        method: &str,
        target: &str,
        ends: SystemTime,
    ) -> Result<Option<String>, Unavailable> {
        let generation = self.generation_of(subject).await?;
        Ok(self.sealed(subject, generation, method, target, ends))
    }

    async fn generation_of(&self, subject: &str) -> Result<u64, Unavailable> {
        match &self.record {
            Some(record) => Ok(record.standing(subject, &[]).await?.floor.generation),
            None => Ok(0),
        }
    }

    fn sealed(&self, subject: &str, generation: u64, method: &str, target: &str, ends: SystemTime) -> Option<String> {
        let since = ends.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
        let value = serde_json::json!([subject, generation, u64::try_from(since).unwrap_or(u64::MAX)]).to_string();
        // The seal counts whole seconds; the exact end stands in the value.
        self.kind.seal(method, target, value.as_bytes(), later(ends, Duration::from_secs(1)))
    }

    async fn look_up(&self, credential: &LinkCredential) -> Result<Answer<P>, Unavailable> {
        let Ok((subject, generation, ends)) = serde_json::from_slice::<(String, u64, u64)>(credential.value().expose())
        else {
            return Ok(Answer::refused("the link holds nothing that can be read"));
        };
        let ends = later(SystemTime::UNIX_EPOCH, Duration::from_millis(ends));
        if let Some(record) = &self.record
            && record.standing(&subject, &[]).await?.floor.voids_generation(generation)
        {
            return Ok(Answer::refused("its subject was revoked since it was made"));
        }
        let Some(owner) = self.directory.find(&subject).await? else {
            return Ok(Answer::refused("the directory does not know its subject"));
        };
        let no_roles: [&str; 0] = [];
        Ok(owner.with_scopes(Scopes::default()).with_roles(no_roles).ending_at(ends).into())
    }
}

#[async_trait]
impl<P: Send + Sync + 'static> Verify<LinkCredential> for Links<P> {
    type Principal = P;

    async fn verify(&self, credential: LinkCredential) -> Answer<P> {
        self.look_up(&credential).await.unwrap_or_else(Answer::Unavailable)
    }

    fn clock(&self) -> Option<&SharedClock> {
        self.kind.clock()
    }
}

impl<P> Clone for Links<P> {
    fn clone(&self) -> Self {
        Self { kind: self.kind.clone(), directory: Arc::clone(&self.directory), record: self.record.clone() }
    }
}

impl<P> fmt::Debug for Links<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Links").field("kind", &self.kind).finish_non_exhaustive()
    }
}
