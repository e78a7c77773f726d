//! CouchDB's two ways: its session cookie, read and made, and the word of a proxy.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::Request,
    routing::{MethodFilter, on},
};
use countersign::{
    Answer, Extract, Reply, Secret,
    clock::SharedClock,
    credential::cookie::foreign::{CouchDb, ForeignCookie},
    mint::sign_in::{SignIn, SignedIn},
    store::{MemorySecrets, StoredSecret},
    verifier::{CouchDbSessions, verify_now_with},
};
use countersign_axum::{Axum, GateExt, Granted, endpoint};
use countersign_tower::HttpHead;
use serde_json::json;

use crate::{
    Fault,
    answer::{self, Written as Reply200},
    exhibit::{Exhibit, Room},
    gallery::{GET, Gallery, behind, shows_caller},
    kinds::couchdb_proxy::{CouchDbProxy, Proxied, token_of},
    users::{self, Caller, named},
};

const COOKIE: &str = "AuthSession";
const SECRET: &str = "92de07df7e7a3fe14808cef90a7cc0d9";
const PROXY_SECRET: &[u8] = b"the_secret";

/// The salts that others sign with too. Everybody else has one of this copy's own.
const SALTS: [(&str, &str); 2] =
    [("root", "3b8d0b0b0b2f4a7cbe8e2a4f4d7b1c2e"), ("emma", "00000000000000000000000000000007")];

/// The sessions, and all that it takes to hand one out.
struct Sessions {
    format: CouchDb,
    verifier: CouchDbSessions<MemorySecrets<Caller>>,
    clock: SharedClock,
}

impl Sessions {
    /// A fresh cookie for this user, if it is one.
    async fn cookie(&self, user: &str) -> Result<Option<String>, countersign::Unavailable> {
        let text = self.verifier.begin(&self.format, user, self.clock.wall()).await?;
        Ok(text.map(|text| format!("{COOKIE}={text}; Path=/; HttpOnly; SameSite=Lax")))
    }

    /// Whether a session that ends then is a tenth or more through its life.
    fn is_aged(&self, ends: Option<std::time::SystemTime>) -> bool {
        let left = ends.and_then(|end| end.duration_since(self.clock.wall()).ok()).unwrap_or_default();
        left <= self.format.life().mul_f64(0.9)
    }
}

/// The routes of this group.
pub(crate) fn room(gallery: &Gallery) -> Result<Room, Fault> {
    proxy(gallery, session(gallery)?)
}

fn session(gallery: &Gallery) -> Result<Room, Fault> {
    let mut salts = MemorySecrets::new();
    for (_, name, _) in users::all() {
        let shared = SALTS.iter().find(|(known, _)| *known == name).map(|(_, salt)| Secret::new(*salt));
        let salt = shared.map_or_else(random_salt, Ok)?;
        let verified = named(name).ok_or("a user is none")?;
        salts = salts.with(name, StoredSecret::new(salt, verified));
    }
    let format = CouchDb::lasting(Duration::from_secs(600));
    let verifier = CouchDbSessions::signed_by(Secret::new(SECRET), salts);
    let sessions = Arc::new(Sessions { format: format.clone(), verifier, clock: gallery.clock().clone() });

    let kind = ForeignCookie::named(COOKIE, format).timed_by(gallery.clock().clone()).called("couchdb");
    let gate = gallery.gate(kind, Verifies(Arc::clone(&sessions)))?;
    let shown = {
        let sessions = Arc::clone(&sessions);
        on(GET, move |me: Granted<Caller>| {
            let sessions = Arc::clone(&sessions);
            async move { Reply200::from(show(&sessions, me).await) }
        })
    };
    let begins = {
        let sessions = Arc::clone(&sessions);
        SignIn::at(&gate).fields("name", "password").then(
            Arc::new(users::passwords(gallery.clock())),
            move |me: SignedIn<Caller>| {
                let sessions = Arc::clone(&sessions);
                async move {
                    let name = me.principal().name();
                    let cookie = sessions.cookie(name).await?;
                    let reply = answer::json(&json!({ "ok": true, "name": name, "roles": [] }));
                    Ok(cookie.into_iter().fold(reply, |reply, cookie| reply.with("set-cookie", cookie)))
                }
            },
        )
    };
    let ends = {
        let gate = gate.clone();
        on(MethodFilter::DELETE, move |request: Request| async move {
            Reply200::from(match gate.from_own_site(&HttpHead::<Axum>::of(&request)) {
                Ok(()) => forgotten(),
                Err(refusal) => refusal.reply(),
            })
        })
    };
    let routes = behind(
        &gate,
        Router::new()
            .route("/couchdb", shown.route_layer(gate.enforce()))
            .route("/couchdb/_session", endpoint(begins).merge(ends)),
    );
    let (site, jar) = (gallery.site(), gallery.jar("couchdb"));
    let room = Room::empty().with(
        routes,
        Exhibit {
            path: "/couchdb",
            title: "CouchDB's session",
            what: "A name, a time and a MAC by the server's secret and the user's salt. A cookie of some age gets a fresh one.",
            choose: "beside a CouchDB, so that one sign-in serves both.",
            avoid: "where signing out must end a session: a copy of the cookie goes on for ten minutes.",
            line: format!(
                "curl -s -o {jar}.out -c {jar} -d name=root -d password=password {site}/couchdb/_session && curl -b {jar} {site}/couchdb"
            ),
        },
    );
    Ok(room
        .and_a_line("/couchdb/_session", format!("curl -s -d name=root -d password=password {site}/couchdb/_session")))
}

/// The end of a session: CouchDB keeps none, so that the browser forgets its cookie and that is all.
fn forgotten() -> Reply {
    let reply = answer::json(&json!({ "ok": true })).with("cache-control", "no-store");
    reply.with("set-cookie", format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"))
}

async fn show(sessions: &Sessions, me: Granted<Caller>) -> Reply {
    let reply = answer::caller(&me);
    if !sessions.is_aged(me.ends()) {
        return reply;
    }
    match sessions.cookie(me.name()).await {
        Ok(cookie) => cookie.into_iter().fold(reply, |reply, cookie| reply.with("set-cookie", cookie)),
        // The old one is still good.
        Err(_) => reply,
    }
}

/// The verifier, shared with who makes sessions.
struct Verifies(Arc<Sessions>);

type Session =
    countersign::credential::cookie::foreign::OpenedCookie<countersign::credential::cookie::foreign::CouchDbSession>;

#[countersign::async_trait]
impl countersign::Verify<Session> for Verifies {
    type Principal = Caller;

    async fn verify(&self, session: Session) -> Answer<Caller> {
        self.0.verifier.verify(session).await
    }
}

/// 16 random bytes in hex.
fn random_salt() -> Result<Secret, Fault> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
}

fn proxy(gallery: &Gallery, room: Room) -> Result<Room, Fault> {
    let verifier =
        verify_now_with(|proxied: &Proxied| match named(proxied.user()).filter(|_| proxied.is_by(PROXY_SECRET)) {
            Some(verified) => verified.into(),
            None => Answer::Refused,
        });
    let routes = shows_caller("/couchdb-proxy", GET, &gallery.gate(CouchDbProxy::new()?, verifier)?);
    let (site, token) = (gallery.site(), token_of("emma", PROXY_SECRET));
    Ok(room.with(
        routes,
        Exhibit {
            path: "/couchdb-proxy",
            title: "CouchDB's proxy authentication",
            what: "A proxy that has signed somebody in says who it is, with a MAC of the name. Only the proxy's address is listened to.",
            choose: "behind a proxy that already speaks it to a CouchDB.",
            avoid: "otherwise: the token is the same for ever, and covers neither request nor roles.",
            line: format!("curl -H 'X-Auth-CouchDB-UserName: emma' -H 'X-Auth-CouchDB-Token: {token}' {site}/couchdb-proxy"),
        },
    ))
}
