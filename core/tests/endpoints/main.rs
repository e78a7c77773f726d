//! Signing in and out, and keys, without a framework.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod hooks;
mod keys;
mod pages;
mod sessions;
#[cfg(feature = "jwt")]
mod tokens;

use std::{sync::Arc, time::SystemTime};

use countersign::{
    Answer, ApiKey, Basic, Gate, Grant, KeyRing, Page, Reply, SignedCookie, Unavailable, Verified,
    adapter::Guard,
    async_trait,
    credential::BasicCredential,
    mint::{
        api_key::{ApiKeyEndpoints, ApiKeys},
        endpoint::Endpoint,
        session::{SessionEndpoints, Sessions},
    },
    secret::TokenDigest,
    store::{ApiKeyRecord, ApiKeyStore, Directory, MemoryApiKeys, MemorySessions},
    testing::PlainHead,
    verifier::{PasswordTable, verify_with},
};
use serde_json::{Value, json};

struct People;

fn person(name: &str) -> Verified<String> {
    let scopes = "reports:read reports:write".parse().unwrap();
    Verified::new(name.to_owned()).with_subject(name).with_scopes(scopes).with_roles(["member"])
}

#[async_trait]
impl Directory<String> for People {
    async fn find(&self, subject: &str) -> Result<Option<Verified<String>>, Unavailable> {
        match subject {
            "emily" | "emma" => Ok(Some(person(subject))),
            "outage" => Err(Unavailable::because("away")),
            _ => Ok(None),
        }
    }
}

struct Service {
    gate: Gate<String>,
    door: Sessions<String>,
    sessions: SessionEndpoints<String>,
    keys: ApiKeyEndpoints<String>,
    passwords: Arc<PasswordTable<String>>,
}

fn service() -> Service {
    let passwords =
        || PasswordTable::new().with("emily", "s3cret", person("emily")).with("emma", "emma's", person("emma"));
    let sessions = Sessions::new(Arc::new(MemorySessions::default()), Arc::new(People))
        .by(SignedCookie::named("session", KeyRing::random()));
    let keys = ApiKeys::new("ppl_".parse().unwrap(), Arc::new(MemoryApiKeys::default()), Arc::new(People));
    let gate = Gate::in_realm("people")
        .accept(Basic, passwords())
        .accept(sessions.cookie(), sessions.clone())
        .accept(ApiKey::in_header("X-API-Key"), keys.clone())
        .trusting_origins(["https://app.example"])
        .build()
        .unwrap();
    Service {
        door: sessions.clone(),
        sessions: SessionEndpoints::new(sessions, &gate),
        keys: ApiKeyEndpoints::new(keys).at_most(3),
        passwords: Arc::new(passwords()),
        gate,
    }
}

async fn admit(gate: &Gate<String>, head: &PlainHead) -> Result<Grant<String>, Reply> {
    Guard::in_front(gate).granted(head.verdict_at(gate).await).map_err(|rejection| rejection.reply())
}

impl Service {
    /// As an adapter does it.
    async fn call(&self, endpoint: &Endpoint<String>, head: PlainHead, body: &str) -> Reply {
        let head = head.received_by(&self.gate);
        let grant = match endpoint.gate() {
            Some(gate) => match admit(gate, &head).await {
                Ok(grant) => Some(grant),
                Err(reply) => return reply,
            },
            None => None,
        };
        match endpoint.prepare(&head, head.exchange(), grant) {
            Ok(work) => work.run(body.as_bytes().to_vec()).await,
            Err(reply) => reply,
        }
    }

    async fn sign_in(&self, head: PlainHead, body: &str) -> Reply {
        self.call(&self.sessions.sign_in(Arc::clone(&self.passwords)), head, body).await
    }

    /// The cookie of a new session.
    async fn session(&self, name: &str) -> String {
        let password = if name == "emily" { "s3cret" } else { "emma's" };
        pair(&self.sign_in(form(), &format!("username={name}&password={password}")).await)
    }

    fn renamed(
        &self,
        change: impl FnOnce(SessionEndpoints<String>) -> SessionEndpoints<String>,
    ) -> SessionEndpoints<String> {
        change(SessionEndpoints::new(self.door.clone(), &self.gate))
    }

    async fn caller(&self, head: PlainHead) -> Result<Grant<String>, u16> {
        admit(&self.gate, &head.received_by(&self.gate)).await.map_err(|reply| reply.status())
    }
}

fn form() -> PlainHead {
    PlainHead::new("POST", "/session").with("content-type", "application/x-www-form-urlencoded")
}

fn json_head(method: &str) -> PlainHead {
    PlainHead::new(method, "/").with("content-type", "application/json")
}

/// More scopes than a set holds, in as many bytes as a body may have.
fn far_too_many_scopes() -> Vec<String> {
    (0..9_000).map(|number| format!("s{number}")).collect()
}

fn field<'r>(reply: &'r Reply, name: &str) -> Option<&'r str> {
    reply.fields().find(|(known, _)| *known == name).map(|(_, value)| value)
}

fn document(reply: &Reply) -> Value {
    serde_json::from_slice(reply.body()).unwrap()
}

/// The pair to send back, of a `Set-Cookie` value.
fn pair(reply: &Reply) -> String {
    field(reply, "set-cookie").unwrap().split(';').next().unwrap().to_owned()
}
