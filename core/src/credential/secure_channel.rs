//! Kinds whose credentials must not travel in the clear, and what is done when one did: [`Voiding`].
//!
//! Refusing such a credential is not enough. Whoever listens has it by now, and will send it over TLS next. So a kind says that it
//! [needs a secure channel](super::Extract::needs_secure_channel), and what a guard then finds of it on another is never verified: the kind is
//! [told](super::Extract::seen_in_the_clear), so that it can void the secret, and the client gets 403 once that is done. A store that does not
//! answer makes it 503, since the secret may still be good.
//!
//! This comes before all else that a guard decides: it holds beside other credentials, for callers that may be nobody, and for what is known already.
//!
//! # Example
//! ```
//! use std::sync::Arc;
//! use countersign::{
//!     Extract, RequestView,
//!     credential::{Occurrences, Raw, TokenCredential, Voiding, after_keyword},
//!     request::{Field, field}, response::Challenge,
//! };
//! # #[derive(Default)] struct Store;
//! # impl Store { async fn forget(&self, _: TokenCredential) -> Result<(), countersign::Unavailable> { Ok(()) } }
//!
//! struct SecureToken { store: Arc<Store> }
//!
//! impl Extract for SecureToken {
//! #   type Credential = TokenCredential;
//! #   fn scheme(&self) -> &str { "secure" }
//! #   fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
//! #       after_keyword("Secure", request).for_each(|raw| occurrences.add(raw));
//! #   }
//! #   fn read(&self, raw: Raw<'_>) -> Option<TokenCredential> { TokenCredential::read(raw.whole()) }
//! #   fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> { vec![Challenge::new("Secure")] }
//! #   fn fields(&self) -> Vec<Field> { vec![field::AUTHORIZATION.clone()] }
//!     // … and
//!     fn needs_secure_channel(&self) -> bool {
//!         true
//!     }
//!
//!     fn seen_in_the_clear(&self, token: TokenCredential) -> Option<Voiding> {
//!         let store = Arc::clone(&self.store);
//!         Some(Box::pin(async move { store.forget(token).await }))
//!     }
//! }
//! # assert!(SecureToken { store: Arc::default() }.needs_secure_channel());
//! ```
//!
//! # Deployment
//! Behind a proxy that ends TLS, the proxy must be [trusted](crate::gate::GateBuilder::behind); else every request comes in the clear, and every secret is
//! voided. A kind whose credential a browser keeps, such as a cookie, is told of nothing while the cookie is `Secure`: that it came in the clear
//! means that somebody else sent it.
//!
//! # What it does not do
//! It does not verify what it voids: anybody may send made-up secrets in the clear, and each that is well formed is looked for in the store.
//! What a gate does so at once is bounded as all its [shielded](crate::Grant::shielded) work is, with a share for each address.

use std::{future::Future, pin::Pin};

use crate::unavailable::Unavailable;

/// What is done because a secret was seen in the clear. It runs to its end, also if the client goes away, and the refusal waits for it.
pub type Voiding = Pin<Box<dyn Future<Output = Result<(), Unavailable>> + Send>>;
