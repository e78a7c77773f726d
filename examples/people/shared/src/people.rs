//! The service itself: its gate, and what each route answers.

use std::{sync::Arc, time::Duration};

use countersign::{
    ApiKey, Basic, Bearer, CredentialCache, Gate, Grant, Page, QueryParam, Reply, Unavailable,
    cache::copies::Following,
    credential::SignedLink,
    mint::{
        access_token::AccessTokens,
        api_key::{ApiKeyEndpoints, ApiKeys},
        endpoint::Endpoint,
        link::{LinkEndpoints, Links},
        refresh_token::{RefreshEndpoints, RefreshTokens},
        revocation::Revocation,
        session::{SessionEndpoints, Sessions},
    },
    request::Origin,
    secret::BadTokenPrefix,
    store::ApiKeyStore,
    verifier::Passwords,
};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::{
    Database, Found, Options, answer, body,
    caller::{Caller, User, WhoAmI},
    database::{Invited, can_be_text},
    keys::{key_ring, signer},
    next::next_of,
    page::{self, SignedIn},
    photos::photo,
    statistics::{Statistics, prometheus},
    stores::Stores,
    strangers::Strangers,
};

/// What `POST /reports` takes.
#[derive(Debug, Deserialize)]
#[non_exhaustive]
pub struct NewReport {
    title: String,
}

/// How long the start waits for what other copies have to say.
const SETTLING: Duration = Duration::from_secs(2);

/// What every route takes that names no scheme.
const SCHEMES: [&str; 5] = ["basic", "bearer", "query", "cookie", "api-key"];

/// The service. Cheap to clone: what is made once at start-up is shared by all clones.
#[derive(Clone)]
pub struct People {
    gate: Gate<User>,
    photo_gate: Gate<User>,
    cache: CredentialCache,
    database: Database,
    stored_keys: Arc<dyn ApiKeyStore>,
    /// Where there are other copies.
    following: Option<Arc<Following>>,
    passwords: Arc<Passwords<Database>>,
    devices: Sessions<User>,
    sessions: Arc<SessionEndpoints<User>>,
    tokens: Arc<RefreshEndpoints<User>>,
    revocation: Revocation<User>,
    keys: Arc<ApiKeyEndpoints<User>>,
    strangers: Strangers,
    links: Links<User>,
}

impl People {
    /// Opens the database and builds the gate.
    ///
    /// # Errors
    /// When something cannot be read, reached or built; one line says which and why.
    pub async fn open(options: &Options) -> Result<Self, String> {
        let (ring, signer) = (key_ring(options)?, signer(options)?);
        let cost = options.passwords.cost;
        let hash = |password: &str| cost.hash_now(&countersign::Secret::new(password));
        let database = Database::open(&options.database, hash).await?;
        let directory = Arc::new(database.clone());
        let stores = Stores::open(options, &database).await?;

        let cache = CredentialCache::with(options.cache.clone());
        let following = stores.follow(&cache)?.map(Arc::new);
        if let Some(following) = &following {
            // What is verified before would be verified once more.
            let _ = timeout(SETTLING, following.settled()).await;
        }
        let sessions = Sessions::new(stores.sessions.clone(), directory.clone())
            .by(options.cookie.cookie(ring.clone()))
            .recorded_in(stores.revoked())
            .revoking(&cache);
        let sessions = options.sessions.rule(sessions);
        let prefix = |text: &str| text.parse().map_err(|error: BadTokenPrefix| error.to_string());
        let keys = ApiKeys::new(prefix("ppl_")?, stores.keys.clone(), directory.clone());
        let tokens = AccessTokens::issued_by("people", signer).for_audience("people", directory.clone());
        let tokens = tokens.map_err(|error| error.to_string())?;
        let refresh = RefreshTokens::new(prefix("pplr_")?, tokens, stores.tokens.clone());
        let tokens = refresh.access_tokens().clone();
        let links =
            Links::signed_by(SignedLink::in_parameter("link", ring), directory.clone()).recorded_in(stores.revoked());
        // The sign-in form and Basic count wrong passwords together: they are one verifier.
        let passwords = options.passwords.in_store(database.clone()).throttled_by(stores.throttle.clone());
        let passwords = Arc::new(passwords);
        let revocation =
            Revocation::recorded_in(stores.revoked(), directory, &cache).ending_sessions_in(stores.sessions.clone());
        let strangers = Strangers::start(options, &cache)?;
        let all_tokens = strangers.and(tokens.clone(), &database, stores.revoked())?;

        let photo_gate = Gate::in_realm("people")
            .accept(Basic, Arc::clone(&passwords))
            .accept(Bearer, Arc::clone(&all_tokens))
            .accept(QueryParam::named("access_token"), all_tokens)
            .accept(sessions.cookie(), sessions.clone())
            .accept(ApiKey::in_header("X-API-Key").or_keyword("Token"), keys.clone())
            .accept(links.kind(), links.clone())
            .cached(cache.clone())
            .behind(options.proxies.clone())
            .trusting_origins(options.trusted_origins.iter().map(Origin::as_str))
            .sign_in_at("/")
            .build()
            .map_err(|faults| faults.to_string())?;
        // A link opens its photo, and is nothing to any other route.
        let gate = photo_gate.only(SCHEMES).map_err(|unknown| unknown.to_string())?;

        let endpoints = SessionEndpoints::new(sessions.clone(), &gate)
            .showing(|rejection, entered| page::not_signed_in(rejection.reason(), entered).map(Page::html));
        Ok(Self {
            gate,
            photo_gate,
            cache,
            database,
            stored_keys: stores.keys,
            following,
            passwords,
            devices: sessions,
            sessions: Arc::new(endpoints),
            tokens: Arc::new(RefreshEndpoints::new(refresh)),
            revocation,
            keys: Arc::new(ApiKeyEndpoints::new(keys)),
            strangers,
            links,
        })
    }

    /// The gate that takes every scheme but signed links.
    #[must_use]
    pub fn gate(&self) -> &Gate<User> {
        &self.gate
    }

    /// Makes the endpoints that list and end sessions; [`sign_in`](Self::sign_in) begins them.
    #[must_use]
    pub fn sessions(&self) -> &SessionEndpoints<User> {
        &self.sessions
    }

    /// `POST /session`.
    #[must_use]
    pub fn sign_in(&self) -> Endpoint<User> {
        self.sessions.sign_in(Arc::clone(&self.passwords))
    }

    /// Makes the endpoints of `/tokens` that hand out, and the one of their keys.
    #[must_use]
    pub fn tokens(&self) -> &RefreshEndpoints<User> {
        &self.tokens
    }

    /// Makes the endpoints that take back.
    #[must_use]
    pub fn revocation(&self) -> &Revocation<User> {
        &self.revocation
    }

    /// Makes the endpoints of `/keys`.
    #[must_use]
    pub fn keys(&self) -> &ApiKeyEndpoints<User> {
        &self.keys
    }

    /// The gate that takes signed links too.
    #[must_use]
    pub fn photo_gate(&self) -> &Gate<User> {
        &self.photo_gate
    }

    /// `POST /photos/{id}/link`.
    #[must_use]
    pub fn link(&self) -> Endpoint<User> {
        LinkEndpoints::new(self.links.clone()).create(&self.gate, |request| {
            let id = request.parameter("id")?;
            photo(&id).map(|_| format!("/photos/{id}"))
        })
    }

    /// Waits for what runs to its end, and closes the database. For after the server.
    pub async fn close(&self) {
        self.gate.drained().await;
        self.database.close().await;
    }

    /// `GET /`, with its query.
    pub async fn home(&self, caller: Option<&Grant<User>>, query: Option<&str>) -> Reply {
        let next = next_of(query);
        let Some(caller) = caller else { return page::page(None, &next) };
        let subject = caller.name();
        match (self.devices.list(subject).await, self.stored_keys.list(subject).await) {
            (Ok(devices), Ok(keys)) => page::page(Some(&SignedIn { caller, devices: &devices, keys: &keys }), &next),
            (Err(source), _) | (_, Err(source)) => answer::unavailable(&source),
        }
    }

    /// `GET /health`.
    pub fn health(&self) -> Reply {
        #[derive(Serialize)]
        struct Health {
            status: &'static str,
        }
        answer::json(200, &Health { status: "ok" })
    }

    /// `GET /whoami`.
    pub fn who_am_i(&self, caller: Option<&Grant<User>>) -> Reply {
        answer::json(200, &WhoAmI { caller: caller.map(Caller::of) })
    }

    /// `GET /me` and those below it.
    pub fn me(&self, caller: &Grant<User>) -> Reply {
        answer::json(200, &Caller::of(caller))
    }

    /// Looks a user up. Whether the caller may see them is the handler's to ask. `None` is a name that cannot be read.
    pub async fn user(&self, name: Option<&str>) -> Found {
        match name {
            Some(name) => self.database.person(name).await,
            None => Found(Ok(None)),
        }
    }

    /// `POST /users/{name}/invite/{other}`.
    pub async fn invite(&self, caller: &Grant<User>, from: Option<&str>, to: Option<&str>) -> Reply {
        #[derive(Serialize)]
        struct Invitation<'n> {
            from: &'n str,
            to: &'n str,
        }
        let (Some(from), Some(to)) = (from, to) else { return no_such_user() };
        let (database, pair) = (self.database.clone(), (from.to_owned(), to.to_owned()));
        match done(caller.shielded(async move { database.invite(&pair.0, &pair.1).await }).await) {
            Ok(Invited::Now) => answer::json(201, &Invitation { from, to }),
            Ok(Invited::Unknown) => no_such_user(),
            Ok(Invited::Already) => Reply::problem(409, "They are friends already, or the invitation stands.", None),
            Err(unavailable) => unavailable,
        }
    }

    /// `GET /admin/stats`.
    pub fn statistics(&self) -> Reply {
        answer::json(200, &Statistics::of(&self.gate.counts(), self.cache.counts()))
    }

    /// `GET /metrics`.
    pub fn metrics(&self) -> Reply {
        let in_touch = self.following.as_ref().map(|following| following.is_in_touch());
        let text = prometheus(&self.gate.counts(), self.cache.counts(), &self.strangers.health(), in_touch);
        Reply::new(200).with_body("text/plain; version=0.0.4; charset=utf-8", text)
    }

    /// `GET /reports`.
    pub async fn reports(&self) -> Reply {
        #[derive(Serialize)]
        struct Reports<R> {
            reports: R,
        }
        match self.database.reports().await {
            Ok(reports) => answer::json(200, &Reports { reports }),
            Err(error) => answer::unavailable(&error),
        }
    }

    /// `POST /reports`.
    pub async fn add_report(&self, caller: &Grant<User>, report: NewReport) -> Reply {
        if !can_be_text(&report.title) {
            return body::malformed();
        }
        let database = self.database.clone();
        match done(caller.shielded(async move { database.add_report(&report.title).await }).await) {
            Ok(report) => answer::json(201, &report),
            Err(unavailable) => unavailable,
        }
    }

    /// `GET /photos/{id}`.
    pub fn photo(&self, id: Option<&str>) -> Reply {
        match id.and_then(photo) {
            Some(bytes) => Reply::new(200).with_body("image/png", bytes),
            None => Reply::problem(404, "There is no such photo.", None),
        }
    }
}

impl std::fmt::Debug for People {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("People").field("gate", &self.gate).finish_non_exhaustive()
    }
}

/// What the database did, or 503: it has no answer, or the work was not taken on.
fn done<T>(work: Result<Result<T, sqlx::Error>, Unavailable>) -> Result<T, Reply> {
    match work {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(answer::unavailable(&error)),
        Err(error) => Err(answer::unavailable(&error)),
    }
}

fn no_such_user() -> Reply {
    Reply::problem(404, "There is no such user.", None)
}
