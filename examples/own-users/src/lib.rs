//! An app with its own table of users: sign-up, sign-in, a change of password that ends every session, keys, and its own error page.

mod cors;
mod users;

use std::{error::Error, sync::Arc};

use axum::{
    Form, Router,
    extract::{FromRef, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use countersign::{
    ApiKey, Basic, CredentialCache, Gate, KeyRing, Page, SignedCookie,
    credential::BasicCredential,
    mint::{
        api_key::{ApiKeys, NewApiKey},
        session::{SessionEndpoints, Sessions},
    },
    secret::Secret,
    store::{MemoryApiKeys, MemorySessions},
    verifier::{HashError, Passwords},
};
use countersign_axum::{ClientInfo, GateExt, Granted, Refused, Written, endpoint};
use serde::Deserialize;

pub use self::users::{User, Users};

#[derive(Clone)]
struct App {
    gate: Gate<User>,
    users: Users,
    passwords: Arc<Passwords<Users>>,
    sessions: Sessions<User>,
    keys: ApiKeys<User>,
}

impl FromRef<App> for Gate<User> {
    fn from_ref(app: &App) -> Self {
        app.gate.clone()
    }
}

/// The whole app, with the users of this database.
///
/// # Errors
/// When the database cannot be reached, or the gate could not work.
pub async fn app(database: &str) -> Result<Router, Box<dyn Error>> {
    let users = Users::open(database).await?;
    let directory = Arc::new(users.clone());
    let cache = CredentialCache::default();
    let passwords = Arc::new(Passwords::in_store(users.clone()));
    // Sessions and keys that outlive a restart are kept in stores of the app's own, and the ring is read from a file.
    let sessions = Sessions::new(Arc::new(MemorySessions::default()), directory.clone())
        .by(SignedCookie::named("session", KeyRing::random()))
        .revoking(&cache);
    let keys = ApiKeys::new("own_".parse()?, Arc::new(MemoryApiKeys::default()), directory).revoking(&cache);
    let gate = Gate::in_realm("own users")
        .accept(Basic, Arc::clone(&passwords))
        .accept(sessions.cookie(), sessions.clone())
        .accept(ApiKey::in_header("x-api-key"), keys.clone())
        .cached(cache)
        .trusting_origins([cors::PAGE])
        .refusals(|refusal, wants| wants.html.then(|| Page::html(format!("<h1>No: {refusal}</h1>"))))
        .build()?;
    let by_person = gate.only(["basic", "cookie"])?;
    let endpoints = SessionEndpoints::new(sessions.clone(), &gate);
    Ok(Router::new()
        .route("/me", get(me))
        .route("/sign-up", post(sign_up))
        .route("/session", endpoint(endpoints.sign_in(Arc::clone(&passwords))).merge(endpoint(endpoints.sign_out())))
        .route("/password", post(change_password).route_layer(by_person.enforce()))
        .route("/sign-out-everywhere", endpoint(endpoints.end_all_by_form(&by_person)))
        .route("/keys", post(make_key).route_layer(by_person.enforce()))
        .layer(gate.attach())
        .layer(cors::cors())
        .with_state(App { gate, users, passwords, sessions, keys }))
}

#[derive(Deserialize)]
struct SignUp {
    name: String,
    password: String,
}

#[derive(Deserialize)]
struct Change {
    old: String,
    new: String,
}

async fn me(me: Granted<User>) -> String {
    me.name.clone()
}

/// Makes a user, and signs them in. No other site's page can do that to a visitor.
async fn sign_up(State(app): State<App>, from: ClientInfo, Form(form): Form<SignUp>) -> Result<Response, Refused> {
    app.gate.from_own_site(&*from)?;
    let hash = match app.passwords.hash(&Secret::new(form.password)).await {
        Ok(hash) => hash,
        Err(HashError::Unavailable(busy)) => return Err(busy.into()),
        Err(too_long) => return Ok((StatusCode::BAD_REQUEST, too_long.to_string()).into_response()),
    };
    if form.name.is_empty() || form.name.chars().any(char::is_control) || !app.users.add(&form.name, &hash).await? {
        return Ok((StatusCode::CONFLICT, "the name is taken, or is none").into_response());
    }
    Ok(Written::from(app.sessions.begin(&form.name, &from).await?.going_to("/me")).into_response())
}

/// The old password is verified as at a sign-in, throttle and all. Behind the change every session ends, and this browser gets a new one.
async fn change_password(
    State(app): State<App>,
    me: Granted<User>,
    from: ClientInfo,
    Form(form): Form<Change>,
) -> Result<Response, Refused> {
    app.gate.verify(&Basic, BasicCredential::new(&*me.name, form.old.as_str()), &from).await?;
    let hash = match app.passwords.hash(&Secret::new(form.new)).await {
        Ok(hash) => hash,
        Err(HashError::Unavailable(busy)) => return Err(busy.into()),
        Err(too_long) => return Ok((StatusCode::BAD_REQUEST, too_long.to_string()).into_response()),
    };
    let (users, sessions, name) = (app.users.clone(), app.sessions.clone(), me.name.clone());
    // To its end, whoever hangs up: the table first, then what was verified by the old password.
    let changed = async move {
        users.change(&name, &hash).await?;
        sessions.end_all_of(&name).await
    };
    me.shielded(changed).await??;
    Ok(Written::from(app.sessions.begin(&me.name, &from).await?).into_response())
}

/// A key for this user's scripts, shown once.
async fn make_key(State(app): State<App>, me: Granted<User>) -> Result<Response, Refused> {
    let Ok(wanted) = NewApiKey::named("made by hand") else { return Ok(StatusCode::BAD_REQUEST.into_response()) };
    let Some(key) = app.keys.create(&me.name, wanted).await? else { return Ok(StatusCode::NOT_FOUND.into_response()) };
    // Its maker may have been signed out meanwhile.
    if let Err(refused) = me.ask_again() {
        app.keys.delete(&me.name, key.id()).await?;
        return Err(refused);
    }
    Ok((StatusCode::CREATED, [("cache-control", "no-store")], key.reveal().to_owned()).into_response())
}
