//! After: the same by a gate, whose endpoints sign in and out.

use std::{error::Error, sync::Arc};

use axum::{Router, extract::FromRef, middleware::from_fn_with_state, response::Html, routing::get};
use countersign::{
    Basic, CredentialCache, Gate, KeyRing, Page, SignedCookie, Unavailable, Verified, async_trait,
    mint::session::{SessionEndpoints, Sessions},
    store::{Directory, MemorySessions, PasswordStore, StoredPassword},
    verifier::Passwords,
};
use countersign_axum::{GateExt, Granted, Visitor, endpoint};
use tower_sessions::SessionStore;

use crate::{
    FORM, User, Users,
    carried_over::{Earlier, carry_over},
};

#[async_trait]
impl PasswordStore for Users {
    type Principal = User;

    async fn find(&self, name: &str) -> Result<Option<StoredPassword<User>>, Unavailable> {
        let stored = |user: User| StoredPassword::new(user.hash.clone(), Verified::new(user).with_subject(name));
        Ok(self.find(name).map(stored))
    }
}

#[async_trait]
impl Directory<User> for Users {
    async fn find(&self, name: &str) -> Result<Option<Verified<User>>, Unavailable> {
        Ok(self.find(name).map(|user| Verified::new(user).with_subject(name)))
    }
}

#[derive(Clone)]
struct App {
    gate: Gate<User>,
}

impl FromRef<App> for Gate<User> {
    fn from_ref(app: &App) -> Self {
        app.gate.clone()
    }
}

async fn home(visitor: Visitor<User>) -> String {
    format!("hello, {}", visitor.grant().map_or("stranger", |me| &me.name))
}

async fn me(me: Granted<User>) -> String {
    me.name.clone()
}

/// All of it. `store` is the one of before, for who is signed in there still.
///
/// # Errors
/// When the gate could not work.
pub fn app<S: SessionStore + Clone>(users: Users, store: S) -> Result<Router, Box<dyn Error>> {
    let cache = CredentialCache::default();
    let passwords = Arc::new(Passwords::in_store(users.clone()));
    let sessions = Sessions::new(Arc::new(MemorySessions::default()), Arc::new(users.clone()))
        .by(SignedCookie::named("session", KeyRing::random()))
        .revoking(&cache);
    let gate = Gate::in_realm("people")
        .accept(Basic, Arc::clone(&passwords))
        .accept(sessions.cookie(), sessions.clone())
        .cached(cache)
        .sign_in_at("/sign-in")
        .build()?
        .only(["cookie"])?;
    let endpoints = SessionEndpoints::new(sessions.clone(), &gate).showing(|_, _| Some(Page::html(FORM)));
    let earlier = Earlier::new(users, store, sessions);
    Ok(Router::new()
        .route("/me", get(me))
        .route("/sign-out", endpoint(endpoints.end()))
        .route("/", get(home))
        .route("/sign-in", get(|| async { Html(FORM) }).merge(endpoint(endpoints.sign_in(passwords))))
        .layer(from_fn_with_state(earlier, carry_over))
        .layer(gate.attach())
        .with_state(App { gate }))
}
