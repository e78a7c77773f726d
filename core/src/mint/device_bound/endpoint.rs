//! Registering a key, showing it again, and signing out.

use std::sync::{Arc, LazyLock};

use serde_json::json;

use super::{AUTHORIZATION, DeviceSessions, REFRESH, REGISTRATION, Rules, handle, id_of, proof};
use crate::{
    cache::CredentialCache,
    credential::{Extract, Occurrences},
    gate::{Gate, Realm},
    jose::JwtKey,
    mint::endpoint::{
        Endpoint, Work,
        described::{Answered, Described, Member, Shape},
        unavailable,
    },
    observe::audit::About,
    request::{Field, RequestView, Wants},
    response::{Challenge, Reason, Rejection, Reply},
    store::{DeviceSessionRecord, First},
    unavailable::Unavailable,
};

/// Bare, though the draft says that it is a string.
static RESPONSE: LazyLock<Option<Field>> = LazyLock::new(|| "secure-session-response".parse().ok());
static ID: LazyLock<Option<Field>> = LazyLock::new(|| "sec-secure-session-id".parse().ok());

/// Who is refused, with the sentence for the log.
struct Refused(&'static str);

impl<P: Send + Sync + 'static> DeviceSessions<P> {
    /// Binds a session to the key of a device: `POST`, once a session. The gate lends it its realm.
    #[must_use]
    pub fn register(&self, gate: &Gate<P>) -> Endpoint<P> {
        let (this, realm) = (self.clone(), Arc::clone(gate.realm()));
        let described = Described::new("POST", "Binds the session to the key of a device (DBSC).");
        Endpoint::new(described.answering(BOUND).refusing(REFUSED), &Arc::clone(&realm), None, move |request, _| {
            let wants = request.wants();
            if realm.origins().another_site_made(request) {
                return Err(realm.refuse_page_of(request).reply());
            }
            let mut tokens = request.cookies(&this.rules.first);
            let token = match (tokens.next(), tokens.next()) {
                (Some(_), Some(_)) => return Err(realm.refuse(Reason::Ambiguous, wants).reply()),
                (token, _) => token.map(id_of),
            };
            let proof = sent(request, &RESPONSE);
            let (this, realm) = (this.clone(), Arc::clone(&realm));
            Ok(Work::changing(request, &Arc::clone(&realm), move |_| async move {
                match this.bind(token, proof).await {
                    Ok(Ok(reply)) => reply,
                    Ok(Err(refused)) => this.refuse(&refused, &realm, wants),
                    Err(source) => unavailable(&realm, &source, wants),
                }
            }))
        })
    }

    async fn bind(
        &self,
        id: Option<String>,
        proof: Result<Option<String>, ()>,
    ) -> Result<Result<Reply, Refused>, Unavailable> {
        let Some(id) = id else { return Ok(Err(Refused("there is no cookie that registers"))) };
        let Some(record) = self.find(&id).await? else { return Ok(Err(Refused("the session is unknown or over"))) };
        if record.key.is_some() {
            return Ok(Err(Refused("the session has a key")));
        }
        let Some((key, said)) = proof.ok().flatten().and_then(|proof| proof::of_new_key(&proof)) else {
            return Ok(Err(Refused("there is no good proof")));
        };
        let rules = &*self.rules;
        let is_ours = |purpose, text: &str| rules.nonces(purpose).end_of(&id, text.as_bytes()).is_some();
        let authorized = said.authorization.is_some_and(|authorization| is_ours(AUTHORIZATION, &authorization));
        if !is_ours(REGISTRATION, &said.jti) || !authorized {
            return Ok(Err(Refused("the challenge or the authorization is old, or of another session")));
        }
        let Some(key) = key.to_json() else { return Ok(Err(Refused("the key cannot be kept"))) };
        if !self.store.bind(&id, &key).await? {
            return Ok(Err(Refused("the session has a key")));
        }
        let reply = Reply::json(200, &rules.instructions(&id)).with("cache-control", "no-store");
        Ok(Ok(rules.renewed(reply, &id, &record)))
    }

    /// Renews the short cookie: `POST`. The gate lends it its realm.
    #[must_use]
    pub fn refresh(&self, gate: &Gate<P>) -> Endpoint<P> {
        let (this, realm) = (self.clone(), Arc::clone(gate.realm()));
        let described = Described::new("POST", "Renews the short cookie by the key of the device (DBSC).");
        Endpoint::new(described.answering(RENEWED).refusing(REFUSED), &Arc::clone(&realm), None, move |request, _| {
            let wants = request.wants();
            if realm.origins().another_site_made(request) {
                return Err(realm.refuse_page_of(request).reply());
            }
            let (id, proof) = (sent(request, &ID), sent(request, &RESPONSE));
            let (this, realm) = (this.clone(), Arc::clone(&realm));
            Ok(Work::changing(request, &Arc::clone(&realm), move |_| async move {
                match this.renew(id, proof).await {
                    Ok(Ok(reply)) => reply,
                    Ok(Err(refused)) => this.refuse(&refused, &realm, wants),
                    Err(source) => unavailable(&realm, &source, wants),
                }
            }))
        })
    }

    async fn renew(
        &self,
        id: Result<Option<String>, ()>,
        proof: Result<Option<String>, ()>,
    ) -> Result<Result<Reply, Refused>, Unavailable> {
        let rules = &*self.rules;
        let Ok(Some(id)) = id else { return Ok(Err(Refused("no session is named"))) };
        let Some(record) = self.find(&id).await? else { return Ok(Err(Refused("the session is unknown or over"))) };
        let Some(key) = record.key.as_deref().and_then(|key| JwtKey::jwk(key).ok()) else {
            return Ok(Err(Refused("the session has no key")));
        };
        let proof = match proof {
            Ok(Some(proof)) => proof,
            Ok(None) => return Ok(Ok(rules.ask_again(&id))),
            Err(()) => return Ok(Err(Refused("there are two proofs, or something that is none"))),
        };
        let Some(said) = proof::of_known_key(&proof, &key) else {
            return Ok(Err(Refused("the session's key did not sign the proof")));
        };
        let Some(until) = rules.nonces(REFRESH).end_of(&id, said.jti.as_bytes()) else {
            return Ok(Ok(rules.ask_again(&id)));
        };
        match self.replay.first(&format!("device-bound {id}"), said.jti.as_bytes(), until).await {
            First::New => {}
            First::Seen => return Ok(Ok(rules.ask_again(&id))),
            nothing => return nothing.passes().map(|_| Err(Refused("nothing is known of the challenge"))),
        }
        // Who signed out meanwhile gets no cookie.
        if self.find(&id).await?.is_none() {
            return Ok(Err(Refused("the session is over")));
        }
        let reply = Reply::new(200).with("cache-control", "no-store");
        Ok(Ok(rules.renewed(reply, &id, &record)))
    }

    /// Ends the caller's session: `DELETE`, answers 204. The gate must take the short [cookie](Self::cookie).
    #[must_use]
    pub fn sign_out(&self, gate: &Gate<P>) -> Endpoint<P> {
        let (this, realm) = (self.clone(), Arc::clone(gate.realm()));
        let described = Described::new("DELETE", "Signs out: ends the session and its key.").answering(SIGNED_OUT);
        Endpoint::new(described, &Arc::clone(&realm), Some(gate.clone().known_callers()), move |request, _| {
            let (wants, cookie) = (request.wants(), this.cookie());
            let mut occurrences = Occurrences::default();
            cookie.locate(request, &mut occurrences);
            let session = occurrences.only().and_then(|raw| cookie.read(raw)).map(|credential| credential.id);
            let (this, realm) = (this.clone(), Arc::clone(&realm));
            Ok(Work::changing(request, &Arc::clone(&realm), move |_| async move {
                // A cookie that ended since the gate read it still names its session no more: its owner signs out by the next one.
                if let Some(id) = session
                    && let Err(source) = this.end(&id, realm.cache()).await
                {
                    return unavailable(&realm, &source, wants);
                }
                let rules = &*this.rules;
                let reply = Reply::new(204).with("cache-control", "no-store");
                [&rules.first, &rules.bound].into_iter().fold(reply, |reply, name| {
                    reply.with("set-cookie", rules.set_cookie(name, "", std::time::Duration::ZERO))
                })
            }))
        })
    }

    /// Ends the session, in the store and then in the cache.
    async fn end(&self, id: &str, cache: &CredentialCache) -> Result<(), Unavailable> {
        let _revoked = cache.revoked_afterwards(handle(id));
        self.store.remove(id).await
    }

    /// 401: the browser gives the session up.
    fn refuse(&self, refused: &Refused, realm: &Realm, wants: Wants) -> Reply {
        tracing::debug!(target: "countersign", why = refused.0, "a device-bound session was refused");
        let challenge = Challenge::new("Cookie").with("realm", realm.name()).with("cookie-name", &*self.rules.first);
        let mut rejection = Rejection::new(Reason::BadCredential);
        rejection.parts().challenges = vec![challenge];
        let about = About { scheme: Some("device-bound"), method: Some("POST"), ..About::default() };
        realm.finish(rejection, || wants, about).reply()
    }
}

impl Rules {
    /// By which the browser keeps the session up.
    fn instructions(&self, id: &str) -> serde_json::Value {
        json!({
            "session_identifier": id,
            "refresh_url": format!("{}/refresh", self.path),
            "scope": { "include_site": false },
            "credentials": [{ "type": "cookie", "name": self.bound, "attributes": self.attributes() }],
        })
    }

    /// With the short cookie, and a challenge for the next time.
    fn renewed(&self, reply: Reply, id: &str, record: &DeviceSessionRecord) -> Reply {
        reply
            .with("set-cookie", self.short_cookie(id, record.ends))
            .with("secure-session-challenge", self.challenge(id))
    }

    /// 403: the browser signs this one.
    fn ask_again(&self, id: &str) -> Reply {
        Reply::problem(403, "Sign the challenge.", None).with("secure-session-challenge", self.challenge(id))
    }
}

const BOUND: &[Answered] = &[Answered::json(
    200,
    "How the session is kept up.",
    &[
        Member::of("session_identifier", Shape::Text),
        Member::of("refresh_url", Shape::Text),
        Member::of("scope", Shape::Whatever),
        Member::of("credentials", Shape::Each(&Shape::Whatever)),
    ],
)
.with_fields(&["Secure-Session-Challenge", "Set-Cookie"])];
const RENEWED: &[Answered] =
    &[Answered::empty(200, "The short cookie.").with_fields(&["Secure-Session-Challenge", "Set-Cookie"])];
const SIGNED_OUT: &[Answered] = &[Answered::empty(204, "The session is over.").with_fields(&["Set-Cookie"])];
const REFUSED: &[(u16, &str)] = &[
    (401, "The browser gives the session up."),
    (403, "A page of another site asked, or there is a challenge to sign."),
];

fn sent(request: &RequestView<'_>, field: &Option<Field>) -> Result<Option<String>, ()> {
    field.as_ref().map_or(Err(()), |field| proof::text_of(request, field))
}
