//! Clients without a browser of their own (RFC 8628): they show a short code, and somebody who is signed in here says yes to it elsewhere.
//!
//! - A client learns a long code, which it keeps, and a short one, which it shows. Whoever has the long one gets the tokens.
//! - A code is good for ten minutes and for one answer. Whoever asks too often is told to slow down.
//! - The short code is eight letters without vowels: 34 bits, to be guessed within ten minutes by whoever is signed in.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use axum::{body::Bytes, extract::State};
use countersign::{
    Reply, Scopes,
    secret::{TokenDigest, TokenPrefix},
};
use countersign_axum::Written;
use serde_json::json;

use crate::{
    App,
    token::{CLIENT, Form, error, json_reply},
};

pub(crate) const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

const LIFE: Duration = Duration::from_secs(600);
const INTERVAL: Duration = Duration::from_secs(1);
/// How many wait at most: anybody can begin.
const MOST: usize = 10_000;
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// Who waits for an answer.
#[derive(Default)]
pub(crate) struct Devices(Mutex<HashMap<TokenDigest, Waiting>>);

struct Waiting {
    shown: String,
    scopes: Scopes,
    ends: Instant,
    asked: Option<Instant>,
    answer: Option<Answer>,
}

/// What somebody said to a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes(String),
    No,
}

/// A client begins: `client_id`, and `scope` if it knows what it wants.
pub(crate) async fn begin(State(app): State<App>, body: Bytes) -> Written {
    let begun = Form::read(&body).and_then(|form| {
        if form.only("client_id")? != Some(CLIENT) {
            return Err(error("invalid_client"));
        }
        let scopes = form.only("scope")?.unwrap_or_default().parse().map_err(|_| error("invalid_scope"))?;
        app.devices.add(scopes, Instant::now())
    });
    let (code, shown) = match begun {
        Ok(codes) => codes,
        Err(reply) => return reply.into(),
    };
    let answer = json!({
        "device_code": code,
        "user_code": shown,
        "verification_uri": format!("{}/device", app.issuer),
        "verification_uri_complete": format!("{}/device?user_code={shown}", app.issuer),
        "expires_in": LIFE.as_secs(),
        "interval": INTERVAL.as_secs(),
    });
    json_reply(200, &answer).into()
}

fn prefix() -> Result<TokenPrefix, Reply> {
    "device_".parse().map_err(|_| error("server_error"))
}

/// Eight letters, each as likely as any other.
fn short_code() -> Option<String> {
    let mut code = String::new();
    while code.len() < 9 {
        let mut random = [0; 16];
        getrandom::fill(&mut random).ok()?;
        for byte in random.into_iter().filter(|byte| *byte < 240) {
            match code.len() {
                4 => code.push('-'),
                9 => break,
                _ => {}
            }
            code.push(char::from(*LETTERS.get(usize::from(byte) % LETTERS.len())?));
        }
    }
    Some(code)
}

impl Devices {
    fn add(&self, scopes: Scopes, now: Instant) -> Result<(String, String), Reply> {
        let (code, shown) = (prefix()?.mint(), short_code().ok_or_else(|| error("server_error"))?);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, waiting| now < waiting.ends);
        if all.len() >= MOST {
            return Err(error("temporarily_unavailable").status_is(503));
        }
        let waiting = Waiting { shown: shown.clone(), scopes, ends: now + LIFE, asked: None, answer: None };
        all.insert(code.digest(), waiting);
        Ok((code.reveal().to_owned(), shown))
    }

    /// What the code that somebody was shown asks for, while it waits for an answer.
    pub(crate) fn asks_for(&self, shown: &str) -> Option<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let mut waiting = all.values().filter(|waiting| now < waiting.ends && waiting.answer.is_none());
        waiting.find(|waiting| waiting.shown == shown).map(|waiting| waiting.scopes.to_string())
    }

    /// Keeps the first answer; whether it was one.
    pub(crate) fn answer(&self, shown: &str, answer: Answer) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let mut waiting = all.values_mut().filter(|waiting| now < waiting.ends && waiting.answer.is_none());
        waiting.find(|waiting| waiting.shown == shown).map(|waiting| waiting.answer = Some(answer)).is_some()
    }

    /// Whose tokens, and for what, whoever has this code may have: once.
    ///
    /// # Errors
    /// What RFC 8628 §3.5 has for it.
    pub(crate) fn take(&self, code: &str) -> Result<(String, Scopes), Reply> {
        let digest = prefix()?.digest(code.as_bytes()).ok_or_else(|| error("invalid_grant"))?;
        let (mut all, now) = (self.0.lock().unwrap_or_else(PoisonError::into_inner), Instant::now());
        let waiting = all.get_mut(&digest).ok_or_else(|| error("invalid_grant"))?;
        if waiting.ends <= now {
            all.remove(&digest);
            return Err(error("expired_token"));
        }
        // Half of the interval is given, for what a network makes of it.
        let hurries = waiting.asked.is_some_and(|asked| now < asked + INTERVAL / 2);
        waiting.asked = Some(now);
        match &waiting.answer {
            _ if hurries => Err(error("slow_down")),
            None => Err(error("authorization_pending")),
            Some(Answer::No) => Err(error("access_denied")),
            Some(Answer::Yes(subject)) => {
                let taken = (subject.clone(), waiting.scopes.clone());
                all.remove(&digest);
                Ok(taken)
            }
        }
    }
}
