//! How it stands with what a service leans on, as one value: [`Health`].
//!
//! It asks nobody: it holds what is known already, so that it is cheap and never waits.
//!
//! # Example
//! ```
//! use countersign::{Reply, Unavailable, cache::copies::Following, observe::Health};
//!
//! /// `GET /health/parts`, behind `gate.require(role("admin"))`.
//! fn health(following: &Following, database: Result<(), Unavailable>) -> Reply {
//!     let health = Health::default()
//!         .copies(following)
//!         .part("database", database.map_err(|error| error.to_string()));
//!     // The same with `.issuer(&issuer)` for each issuer elsewhere.
//!     health.reply()
//! }
//! ```
//!
//! # Deployment
//! It is for people and alarms. Do not let an orchestrator end or pass over a copy because of it: a copy that is out of touch, or whose issuer is
//! down, answers what it can, and 503 for the rest, and all copies would be gone at once. What it says names the parts of a service: show it
//! to operators alone.

use serde_json::{Value, json};

#[cfg(feature = "remote")]
use crate::verifier::remote::RemoteIssuer;
use crate::{cache::copies::Following, response::Reply};

/// How it stands with what a service leans on. See the [module](self).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Health {
    parts: Vec<(String, Result<(), String>)>,
}

impl Health {
    /// Whether this copy hears of what others revoke.
    #[must_use]
    pub fn copies(self, following: &Following) -> Self {
        let why = || "it does not hear of what other copies revoke; what it remembers is asked for again".to_owned();
        self.part("copies", following.is_in_touch().then_some(()).ok_or_else(why))
    }

    /// Whether this issuer's tokens can be verified.
    #[cfg(feature = "remote")]
    #[must_use]
    pub fn issuer(self, issuer: &RemoteIssuer) -> Self {
        let health = issuer.health();
        let why = || health.error.clone().unwrap_or_else(|| "it has given no key that can be used".to_owned());
        let state = (health.keys > 0).then_some(()).ok_or_else(why);
        self.part(&format!("issuer {}", health.issuer), state)
    }

    /// How it stands with something of the app's own.
    #[must_use]
    pub fn part(mut self, name: &str, state: Result<(), String>) -> Self {
        self.parts.push((name.to_owned(), state));
        self
    }

    /// Whether all is well.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.parts.iter().all(|(_, state)| state.is_ok())
    }

    /// Each part by its name, and what is wrong with it.
    pub fn parts(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.parts.iter().map(|(name, state)| (name.as_str(), state.as_ref().err().map(String::as_str)))
    }

    /// 200 `{"status","parts":[{"name","good","why"}]}`, not to be stored. `status` is `ok` where all is well,
    /// else `impaired`; the status code is 200 all the same, because the
    /// service answers.
    pub fn reply(&self) -> Reply {
        let parts: Vec<Value> =
            self.parts().map(|(name, why)| json!({ "name": name, "good": why.is_none(), "why": why })).collect();
        let status = if self.is_good() { "ok" } else { "impaired" };
        Reply::json(200, &json!({ "status": status, "parts": parts })).with("cache-control", "no-store")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_part_that_is_not_well_is_enough_and_says_why() {
        let health = Health::default();
        assert!(health.is_good() && health.parts().next().is_none());
        let good = health.part("database", Ok(()));
        let bad = good.clone().part("mail", Err("nobody listens".to_owned()));
        assert_eq!((good.is_good(), bad.is_good()), (true, false));
        assert_eq!(bad.parts().collect::<Vec<_>>(), [("database", None), ("mail", Some("nobody listens"))]);
        let reply = bad.reply();
        let body: Value = serde_json::from_slice(reply.body()).unwrap();
        let parts = json!([
            { "name": "database", "good": true, "why": null },
            { "name": "mail", "good": false, "why": "nobody listens" },
        ]);
        assert_eq!((reply.status(), body), (200, json!({ "status": "impaired", "parts": parts })));
    }

    #[cfg(feature = "remote")]
    #[tokio::test]
    async fn an_issuer_without_keys_is_not_well() {
        // Nobody listens there.
        let issuer = RemoteIssuer::named("http://127.0.0.1:1").start().unwrap();
        issuer.asked().await;
        let health = Health::default().issuer(&issuer);
        let (name, why) = health.parts().next().unwrap();
        assert!(!health.is_good() && name == "issuer http://127.0.0.1:1" && why.is_some(), "{health:?}");
    }
}
