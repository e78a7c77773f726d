//! Sessions that an issuer of ID tokens ends: back-channel logout.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{Router, extract::Request, routing::post};
use countersign::{
    Answer, Extract, Gate, Reply, Unavailable, Verify,
    clock::SharedClock,
    credential::{Occurrences, Rank, Raw, TokenCredential},
    mint::back_channel::{BackChannelLogout, EndSessions},
    principal::Binding,
    request::{Field, RequestView, field},
    response::Challenge,
    secret::TokenPrefix,
    store::{SessionRecord, SessionStore},
    verifier::jwt::{JwtVerifier, Logout, LogoutTokens},
};
use countersign_axum::{Axum, endpoint, read_body};
use countersign_tower::HttpHead;
use serde_json::{Value, json};

use crate::{
    Fault,
    access::{issuer, token},
    answer,
    exhibit::{Exhibit, Room},
    gallery::{GET, Gallery, behind, shows_caller},
    users::{self, Caller, named},
};

const CLIENT: &str = "gallery-client";
const COOKIE: &str = "oidc_session";
/// How long a session lasts.
const LIFE: Duration = Duration::from_secs(12 * 60 * 60);
/// How many a user has at most.
const MOST: usize = 1_000;

/// A session's cookie: a random text, which the store alone knows.
#[derive(Debug, Clone, Copy)]
struct SessionCookie;

impl Extract for SessionCookie {
    type Credential = TokenCredential;

    fn scheme(&self) -> &str {
        "oidc"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        request.cookies(COOKIE).for_each(|raw| occurrences.add(raw));
    }

    fn read(&self, raw: Raw<'_>) -> Option<TokenCredential> {
        TokenCredential::read(raw.whole())
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Cookie").with("cookie-name", COOKIE)]
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::COOKIE.clone()]
    }

    fn rank(&self) -> Rank {
        Rank::Ambient
    }
}

/// The sessions, with what their ID tokens said in the data of each.
struct Sessions {
    store: Arc<dyn SessionStore>,
    prefix: TokenPrefix,
    clock: SharedClock,
}

impl Sessions {
    /// Begins a session; its cookie.
    async fn begin(&self, subject: &str, session: &str) -> Result<String, Unavailable> {
        let (now, minted) = (self.clock.wall(), self.prefix.mint());
        let record = SessionRecord {
            id: minted.digest().to_hex().into(),
            subject: subject.into(),
            generation: 0,
            created: now,
            authenticated: now,
            used: now,
            idle: LIFE,
            ends: now + LIFE,
            address: None,
            agent: None,
            data: Some(session.into()),
            revision: 0,
        };
        self.store.insert(minted.digest(), record, MOST).await?;
        Ok(format!("{COOKIE}={}; HttpOnly; SameSite=Lax; Path=/; Max-Age={}", minted.reveal(), LIFE.as_secs()))
    }

    async fn found(&self, credential: &TokenCredential) -> Result<Answer<Caller>, Unavailable> {
        let Some(digest) = self.prefix.digest(credential.token().expose()) else { return Ok(Answer::Refused) };
        let live = self.store.find(digest).await?.filter(|session| self.clock.wall() < session.ends);
        Ok(match live.and_then(|session| Some((named(&session.subject)?, session.ends))) {
            Some((verified, ends)) => verified.ending_at(ends).into(),
            None => Answer::Refused,
        })
    }
}

#[countersign::async_trait]
impl EndSessions for Sessions {
    async fn end(&self, logout: &Logout) -> Result<(), Unavailable> {
        // An issuer may name the session alone, and the users are few.
        for (_, name, _) in users::all() {
            for session in self.store.list(name).await? {
                if logout.ends(name, session.data.as_deref()) {
                    self.store.remove_of(name, &session.id).await?;
                }
            }
        }
        Ok(())
    }
}

/// Asked for each request: what is ended is over.
#[countersign::async_trait]
impl Verify<TokenCredential> for Sessions {
    type Principal = Caller;

    async fn verify(&self, credential: TokenCredential) -> Answer<Caller> {
        self.found(&credential).await.unwrap_or_else(Answer::Unavailable)
    }
}

/// What an ID token says.
struct IdToken {
    subject: Box<str>,
    session: Box<str>,
}

/// Takes ID tokens for this client that name a user and a session. A logout token has `events`, and is none.
fn id_tokens(gallery: &Gallery) -> Result<JwtVerifier<IdToken>, Fault> {
    let verifier = JwtVerifier::trusting(issuer(CLIENT)?).timed_by(gallery.clock().clone());
    Ok(verifier.principal_by(|claims, verified| {
        let session = claims.get::<String>("sid").ok().flatten().filter(|session| !session.is_empty());
        let is_no_event = claims.get::<Value>("events").is_ok_and(|events| events.is_none());
        match (claims.subject().filter(|name| named(name).is_some()), session) {
            (Some(subject), Some(session)) if is_no_event && *verified.binding() == Binding::Nothing => {
                let (subject, session) = (subject.into(), session.into());
                verified.map(|()| IdToken { subject, session }).into()
            }
            _ => Answer::Refused,
        }
    })?)
}

/// The routes of this group.
pub(crate) fn room(gallery: &Gallery) -> Result<Room, Fault> {
    let clock = gallery.clock();
    let sessions =
        Arc::new(Sessions { store: gallery.stores().sessions("oidc"), prefix: "oidc_".parse()?, clock: clock.clone() });
    let logout =
        LogoutTokens::of(issuer(CLIENT)?, gallery.stores().replay("backchannel-logout"))?.timed_by(clock.clone());
    let logout = BackChannelLogout::new(logout, Arc::clone(&sessions) as _);
    let gate = gallery.gate(SessionCookie, Arc::clone(&sessions))?;
    let id_tokens = Arc::new(id_tokens(gallery)?);
    let signs_in = {
        let (gate, sessions) = (gate.clone(), Arc::clone(&sessions));
        post(move |request: Request| async move {
            let answered = sign_in(request, gate, sessions, id_tokens).await;
            answer::Written::from(answered.unwrap_or_else(|refusal| refusal))
        })
    };
    let routes =
        Router::new().route("/oidc/sign-in", signs_in).route("/backchannel-logout", endpoint(logout.endpoint(&gate)));
    let id_token = token(gallery, CLIENT, &json!({ "sid": "s-1" }))?;
    let now = clock.wall().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let event = "http://schemas.openid.net/event/backchannel-logout";
    let ending = json!({ "sid": "s-1", "jti": "a-logout-token", "iat": now, "events": { event: {} } });
    let logout_token = token(gallery, CLIENT, &ending)?;
    let (site, jar) = (gallery.site(), gallery.jar("oidc"));
    let room = Room::empty().with(
        shows_caller("/oidc", GET, &gate),
        Exhibit {
            path: "/oidc",
            title: "A session by an ID token",
            what: "An issuer says who somebody is; the session here keeps under which name the issuer knows it.",
            choose: "where people sign in once for many services.",
            avoid: "with the ID token itself as the cookie: nobody could end it.",
            line: format!(
                "curl -s -c {jar} -d id_token={id_token} {site}/oidc/sign-in && curl -s -b {jar} {site}/oidc"
            ),
        },
    );
    let room = room.and_a_line("/oidc/sign-in", format!("curl -s -i -d id_token={id_token} {site}/oidc/sign-in"));
    Ok(room.with(
        behind(&gate, routes),
        Exhibit {
            path: "/backchannel-logout",
            title: "Its end, by the issuer's word",
            what: "The issuer posts a logout token, and the answer says that the sessions are over (OpenID Connect Back-Channel Logout).",
            choose: "beside every such session.",
            avoid: "as the only end: an issuer can be down.",
            line: format!("curl -s -i -d logout_token={logout_token} {site}/backchannel-logout  # once"),
        },
    ))
}

/// Begins a session by a form with an ID token.
async fn sign_in(
    request: Request,
    gate: Gate<Caller>,
    sessions: Arc<Sessions>,
    id_tokens: Arc<JwtVerifier<IdToken>>,
) -> Result<Reply, Reply> {
    let (parts, body) = request.into_parts();
    gate.from_own_site(&HttpHead::<Axum>::of_parts(&parts)).map_err(|refusal| refusal.reply())?;
    let media = parts.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !media.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Reply::problem(415, "Send a form with id_token.", None));
    }
    let body = read_body(body).await?;
    let mut sent = form_urlencoded::parse(&body).filter(|(name, _)| name == "id_token");
    let (Some((_, token)), None) = (sent.next(), sent.next()) else {
        return Err(Reply::problem(400, "Send one id_token.", Some("invalid_request")));
    };
    let known = TokenCredential::read(token.as_bytes()).and_then(|credential| id_tokens.verify_now(&credential));
    let Some(Answer::Verified(verified)) = known else {
        return Err(gate.not_good(&HttpHead::<Axum>::of_parts(&parts)).reply());
    };
    let IdToken { subject, session } = verified.principal();
    match sessions.begin(subject, session).await {
        Ok(cookie) => Ok(Reply::new(204).with("cache-control", "no-store").with("set-cookie", cookie)),
        Err(source) => {
            tracing::warn!("a session could not be kept: {source}");
            Err(Reply::problem(503, "Nobody can sign in now.", None).with("retry-after", "5"))
        }
    }
}
