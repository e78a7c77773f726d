//! For the first weeks: whoever axum-login signed in stays signed in. Take this out when its last session has ended.
//!
//! A request with the cookie of tower-sessions and without a new one gets a session of its own, if the record names a user whose hash is
//! still the one with which they signed in. The old record ends a minute later, so that requests that come together all get in. A record
//! that names nobody, such as one with a basket in it, is left alone.

use std::time::{Duration, SystemTime};

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue,
        header::{CACHE_CONTROL, COOKIE, SET_COOKIE},
    },
    middleware::Next,
    response::Response,
};
use countersign::{Unavailable, mint::session::Sessions};
use countersign_axum::{ClientInfo, Refused};
use serde::Deserialize;
use subtle::ConstantTimeEq;
use tower_sessions::{SessionStore, session::Id};

use crate::{User, Users};

/// Under which name tower-sessions set its cookie; `id`, unless the app said otherwise.
const COOKIE_NAME: &str = "id";

/// The cookie of now, without TLS and over it.
const NEW_NAMES: [&str; 2] = ["session", "__Host-session"];

/// How long the old record is still good for requests that are on their way.
const OVERLAP: Duration = Duration::from_secs(60);

/// What axum-login keeps of a session.
#[derive(Deserialize)]
struct SignedIn {
    user_id: String,
    auth_hash: Vec<u8>,
}

/// The sessions of before, and those of now. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Earlier<S> {
    users: Users,
    store: S,
    sessions: Sessions<User>,
}

impl<S: SessionStore> Earlier<S> {
    /// Of these users, from this store into these sessions.
    pub fn new(users: Users, store: S, sessions: Sessions<User>) -> Self {
        Self { users, store, sessions }
    }

    /// Who is signed in by this record, which ends soon.
    async fn take(&self, id: Id) -> Result<Option<User>, Unavailable> {
        let Some(mut record) = self.store.load(&id).await.map_err(Unavailable::because)? else { return Ok(None) };
        let signed_in = record.data.get("axum-login.data").and_then(|data| SignedIn::deserialize(data).ok());
        let Some(signed_in) = signed_in.filter(|_| record.expiry_date > SystemTime::now()) else { return Ok(None) };
        let is_same = |user: &User| bool::from(user.hash.as_bytes().ct_eq(&signed_in.auth_hash));
        let Some(user) = self.users.find(&signed_in.user_id).filter(is_same) else { return Ok(None) };
        record.expiry_date = record.expiry_date.min((SystemTime::now() + OVERLAP).into());
        self.store.save(&record).await.map_err(Unavailable::because)?;
        Ok(Some(user))
    }
}

/// A layer inside `attach`.
///
/// # Errors
/// When a store does not answer: 503, and whoever is signed in stays so.
pub async fn carry_over<S: SessionStore + Clone>(
    State(earlier): State<Earlier<S>>,
    from: ClientInfo,
    mut request: Request,
    next: Next,
) -> Result<Response, Refused> {
    let known = NEW_NAMES.iter().find_map(|name| cookie(request.headers(), name));
    let id = cookie(request.headers(), COOKIE_NAME).and_then(|id| id.parse().ok());
    let (None, Some(id)) = (known, id) else { return Ok(next.run(request).await) };
    let Some(user) = earlier.take(id).await? else { return Ok(next.run(request).await) };
    let begun = earlier.sessions.carry_over(&user.name, &from, SystemTime::UNIX_EPOCH).await?;
    // The rest of the app sees the cookie as if it had been sent.
    let pair = begun.set_cookie().split(';').next().unwrap_or_default();
    if let Ok(pair) = HeaderValue::from_str(pair) {
        request.headers_mut().append(COOKIE, pair);
    }
    let mut response = next.run(request).await;
    let mut set = vec![format!("{COOKIE_NAME}=; Path=/; Max-Age=0")];
    if response.headers().get_all(SET_COOKIE).into_iter().any(is_of_a_session) {
        // It signed in or out: nothing of before is good any more.
        earlier.store.delete(&id).await.map_err(Unavailable::because)?;
    } else {
        set.push(begun.set_cookie().to_owned());
    }
    for value in set {
        response.headers_mut().extend(HeaderValue::from_str(&value).map(|value| (SET_COOKIE, value)));
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn is_of_a_session(set: &HeaderValue) -> bool {
    NEW_NAMES.iter().any(|name| set.as_bytes().strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"=")))
}

/// The value of the cookie of this name, if it was sent.
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(known, _)| *known == name).map(|(_, value)| value).next()
}
