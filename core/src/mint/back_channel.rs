//! Ending sessions because their issuer says so: OpenID Connect Back-Channel Logout 1.0.
//!
//! The issuer posts a [logout token](crate::verifier::jwt::LogoutTokens), and the answer says that the sessions which it names are over, not that they will be:
//! 200, empty, once the store and the gate's cache are done, also where there was none. Anything wrong is 400 with `error` and `error_description` (§2.8); a
//! store without an answer is 503, so that the issuer tries again, with the same token if it likes.
//!
//! # Example
//! ```
//! use countersign::verifier::jwt::{Logout, LogoutTokens};
//! use countersign::{
//!     Gate, Unavailable,
//!     mint::{
//!         back_channel::{BackChannelLogout, EndSessions},
//!         endpoint::Endpoint,
//!     },
//! };
//! use std::sync::Arc;
//! # struct Store; impl Store { async fn forget(&self, _: impl Fn(&str, &str) -> bool) -> Result<(), Unavailable> { Ok(()) } }
//!
//! struct Sessions(Store);
//!
//! #[countersign::async_trait]
//! impl EndSessions for Sessions {
//!     async fn end(&self, logout: &Logout) -> Result<(), Unavailable> {
//!         // … of which each knows its subject and the `sid` of its ID token; then what a cache remembers of them is revoked
//!         self.0.forget(|subject, sid| logout.ends(subject, Some(sid))).await
//!     }
//! }
//!
//! fn endpoint(tokens: LogoutTokens, sessions: Sessions, gate: &Gate<String>) -> Endpoint<String> {
//!     BackChannelLogout::new(tokens, Arc::new(sessions)).endpoint(gate)
//! }
//! ```
//!
//! # What it does not do
//! It begins no session and reads no ID token: whoever does keeps `iss`, `sub` and `sid` beside the session.
//!
//! # Deployment
//! The issuer calls from its own machines, without cookies and not from a browser: a proxy that asks everybody to sign in, or lets in known addresses
//! alone, must let this path through, and hand the body on. Issuers give up after some seconds, so that ending many sessions must be quick. Copies
//! need one store of sessions and one [`ReplayStore`](crate::store::ReplayStore), and [hear](crate::cache::copies) of each other what is revoked: else a session
//! that one has ended lives on in the cache of another. `iat` counts, so that the clock must be that of the issuer to within the window.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use serde_json::json;

use super::endpoint::{
    Endpoint, Work,
    body::{self, BodyType},
    described::{Answered, Described, Member, Shape},
    unavailable,
};
use crate::{
    cache::CredentialCache,
    credential::TokenCredential,
    gate::Gate,
    principal::Handle,
    response::Reply,
    unavailable::Unavailable,
    verifier::jwt::{Logout, LogoutTokens},
};

/// Ends the sessions that an issuer names.
#[async_trait]
pub trait EndSessions: Send + Sync + 'static {
    /// Ends them all, in the store and then in the cache. That there is none is no error.
    ///
    /// # Errors
    /// When a store cannot be reached: they may still be good.
    async fn end(&self, logout: &Logout) -> Result<(), Unavailable>;
}

/// Makes the endpoint to which an issuer posts. Cheap to clone. See the [module](self).
#[derive(Clone)]
pub struct BackChannelLogout {
    tokens: Arc<LogoutTokens>,
    sessions: Arc<dyn EndSessions>,
}

impl BackChannelLogout {
    /// Ends these sessions by these tokens.
    #[must_use]
    pub fn new(tokens: LogoutTokens, sessions: Arc<dyn EndSessions>) -> Self {
        Self { tokens: Arc::new(tokens), sessions }
    }

    /// The endpoint: `POST`, a form with `logout_token`. It asks no gate; this one lends it its realm.
    #[must_use]
    pub fn endpoint<P: Send + Sync + 'static>(&self, gate: &Gate<P>) -> Endpoint<P> {
        let (this, realm) = (self.clone(), Arc::clone(gate.realm()));
        let described =
            Described::new("POST", "Ends the sessions that an issuer names (OpenID Connect Back-Channel Logout).")
                .taking_a_form(&[Member::of("logout_token", Shape::Text)])
                .answering(ENDED);
        Endpoint::new(described, &Arc::clone(&realm), None, move |request, _| {
            let wants = request.wants();
            if BodyType::of(request) != BodyType::Form {
                return Err(refused("Send a form with logout_token."));
            }
            let (this, realm) = (this.clone(), Arc::clone(&realm));
            Ok(Work::changing(request, &Arc::clone(&realm), move |body| async move {
                match this.run(&body, realm.cache()).await {
                    Ok(reply) => reply,
                    Err(source) => unavailable(&realm, &source, wants),
                }
            }))
        })
    }

    async fn run(&self, body: &[u8], cache: &CredentialCache) -> Result<Reply, Unavailable> {
        let token = body::form(body, ["logout_token"]).ok().and_then(|[token]| token);
        let credential = token.as_deref().and_then(|token| TokenCredential::read(token.as_bytes()));
        let Some(credential) = credential else { return Ok(refused("Send one logout_token.")) };
        let Some(ending) = self.tokens.begin(&credential).await? else {
            return Ok(refused("The logout token is not valid."));
        };
        // Where it fails the token is good for another try.
        let logout = ending.logout();
        self.sessions.end(logout).await?;
        if let Some(subject) = logout.subject() {
            // What the issuer once said of their tokens, it is asked again.
            cache.revoke(Handle::subject_of(logout.issuer(), subject));
        }
        self.tokens.done(ending).await;
        Ok(Reply::new(200).with("cache-control", "no-store"))
    }
}

const ENDED: &[Answered] = &[
    Answered::empty(200, "The sessions are over."),
    Answered::json(
        400,
        "The logout token is not good.",
        &[Member::of("error", Shape::Text), Member::of("error_description", Shape::Text)],
    ),
];

fn refused(description: &str) -> Reply {
    let document = json!({ "error": "invalid_request", "error_description": description });
    Reply::json(400, &document).with("cache-control", "no-store")
}

impl fmt::Debug for BackChannelLogout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackChannelLogout").field("tokens", &self.tokens).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::SystemTime,
    };

    use super::*;
    use crate::{Bearer, jose::JwtSigner, store::MemoryReplay, testing::PlainHead, verifier::TokenTable};

    const ISSUER: &str = "https://issuer.example";

    /// Sessions in a store that is down for so many calls.
    struct Sessions {
        down: AtomicUsize,
        ended: AtomicUsize,
    }

    #[async_trait]
    impl EndSessions for Sessions {
        async fn end(&self, _: &Logout) -> Result<(), Unavailable> {
            let down = self.down.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
            if down {
                return Err(Unavailable::because("the store is down"));
            }
            self.ended.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_logout_that_could_not_be_done_may_come_again_and_one_that_was_may_not() {
        let signer = JwtSigner::fresh().unwrap();
        let tokens = LogoutTokens::of(signer.trusted(ISSUER).audience("app"), Arc::new(MemoryReplay::default()));
        let sessions = Arc::new(Sessions { down: AtomicUsize::new(0), ended: AtomicUsize::new(0) });
        let logout = BackChannelLogout::new(tokens.unwrap(), Arc::clone(&sessions) as _);
        let cache = CredentialCache::default();
        let gate =
            Gate::in_realm("r").accept(Bearer, TokenTable::<String>::new()).cached(cache.clone()).build().unwrap();
        let endpoint = logout.endpoint(&gate);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        for (id, down, statuses, ended) in [
            ("a", 0, [200, 400, 400, 400, 400, 400], 1),
            ("b", 1, [503, 200, 400, 400, 400, 400], 1),
            ("c", 2, [503, 503, 200, 400, 400, 400], 1),
            ("d", 3, [503, 503, 503, 200, 400, 400], 1),
            ("e", 9, [503, 503, 503, 503, 400, 400], 0),
        ] {
            sessions.down.store(down, Ordering::SeqCst);
            sessions.ended.store(0, Ordering::SeqCst);
            let revoked = cache.counts().revocations;
            let token = signer.sign(&json!({
                "iss": ISSUER, "aud": "app", "sub": "emily", "iat": now, "exp": now + 120, "jti": id,
                "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
            }));
            let body = format!("logout_token={}", token.unwrap());
            for status in statuses {
                let head = PlainHead::new("POST", "/").with("content-type", "application/x-www-form-urlencoded");
                let reply = endpoint.prepare(&head, None, None).unwrap().run(body.clone().into_bytes()).await;
                assert_eq!(reply.status(), status, "{id}");
            }
            assert_eq!(sessions.ended.load(Ordering::SeqCst), ended, "{id}");
            assert_eq!(cache.counts().revocations - revoked, ended as u64, "{id}: what is remembered of the subject");
        }
    }
}
