//! Before: sign-in, sign-out and two guarded pages, by axum-login over tower-sessions.

use argon2::{Argon2, PasswordVerifier};
use axum::{
    Form, Router,
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use axum_login::{AuthManagerLayerBuilder, AuthUser, AuthnBackend, login_required};
use serde::Deserialize;
use tokio::task::{JoinError, spawn_blocking};
use tower_sessions::{SessionManagerLayer, SessionStore};

use crate::{FORM, User, Users};

type AuthSession = axum_login::AuthSession<Users>;

/// What the form posts.
#[derive(Debug, Clone, Deserialize)]
pub struct Credentials {
    username: String,
    password: String,
}

impl AuthUser for User {
    type Id = String;

    fn id(&self) -> String {
        self.name.clone()
    }

    fn session_auth_hash(&self) -> &[u8] {
        self.hash.as_bytes()
    }
}

impl AuthnBackend for Users {
    type User = User;
    type Credentials = Credentials;
    type Error = JoinError;

    async fn authenticate(&self, sent: Credentials) -> Result<Option<User>, JoinError> {
        let user = self.find(&sent.username);
        let fits = move |user: &User| Argon2::default().verify_password(sent.password.as_bytes(), user.hash.as_str());
        spawn_blocking(move || user.filter(|user| fits(user).is_ok())).await
    }

    async fn get_user(&self, name: &String) -> Result<Option<User>, JoinError> {
        Ok(self.find(name))
    }
}

async fn home(session: AuthSession) -> String {
    format!("hello, {}", session.user.map_or("stranger".to_owned(), |user| user.name))
}

async fn me(session: AuthSession) -> Result<String, StatusCode> {
    session.user.map(|user| user.name).ok_or(StatusCode::UNAUTHORIZED)
}

async fn sign_in(mut session: AuthSession, Form(sent): Form<Credentials>) -> Response {
    let user = match session.authenticate(sent).await {
        Ok(Some(user)) => user,
        Ok(None) => return (StatusCode::UNAUTHORIZED, Html(FORM)).into_response(),
        Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    match session.login(&user).await {
        Ok(()) => Redirect::to("/").into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn sign_out(mut session: AuthSession) -> Response {
    match session.logout().await {
        Ok(_) => Redirect::to("/").into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// All of it.
pub fn app<S: SessionStore + Clone>(users: Users, store: S) -> Router {
    let layer = AuthManagerLayerBuilder::new(users, SessionManagerLayer::new(store)).build();
    Router::new()
        .route("/me", get(me))
        .route("/sign-out", post(sign_out))
        .route_layer(login_required!(Users, login_url = "/sign-in"))
        .route("/", get(home))
        .route("/sign-in", get(|| async { Html(FORM) }).post(sign_in))
        .layer(layer)
}
