//! What the guards of a resource enforce, as its metadata says it (RFC 9728).

use std::fmt;

use serde_json::{Map, Value};

use super::{Gate, refusal::NOBODY, scheme::Scheme};
use crate::{credential::ProtectedResource, request::RequestView, response::Reply};

/// The metadata of a [`ProtectedResource`], as [its guards](ProtectedResource::enforced_by) enforce it.
#[derive(Debug, Clone)]
#[must_use]
pub struct ResourceMetadata {
    path: Box<str>,
    document: Reply,
}

/// A resource whose metadata would say what its guards do not do.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("the metadata of {resource:?} cannot be made: {}", faults.join("; "))]
pub struct NotAsEnforced {
    resource: Box<str>,
    faults: Vec<String>,
}

crate::sentence::prints_its_sentence!(NotAsEnforced);

impl ProtectedResource {
    /// Its metadata, out of what these guards enforce, which are all that stand in front of it: the issuers whose tokens their verifiers take, the
    /// scopes that their policies ask for, and the ways by which they take a token. What only the app can know is declared beside it:
    /// [issuers](Self::authorization_server) behind a verifier that names none, such as a closure, and [scopes](Self::scopes) of demands that stand in a
    /// handler's signature.
    ///
    /// # Errors
    /// When a client that went by it would be refused, or was never led to it: a guard takes no [`bearer`](Self::bearer) of this resource, or tokens that are for
    /// somebody else, or tells another scope than it asks for; an issuer is declared that no guard trusts, or none is known. All reasons at once.
    pub fn enforced_by<'g, P: Send + Sync + 'static>(
        &self,
        guards: impl IntoIterator<Item = &'g Gate<P>>,
    ) -> Result<ResourceMetadata, NotAsEnforced> {
        let mut found = Found::default();
        guards.into_iter().for_each(|guard| found.add(guard, self));
        let Found { mut servers, mut scopes, methods, mut faults } = found;
        if methods.is_empty() && faults.is_empty() {
            faults.push("no guard was named".to_owned());
        }
        let enforced = !servers.is_empty();
        for declared in self.declared_servers() {
            match servers.iter().any(|server| *server == **declared) {
                true => {}
                false if enforced => faults.push(format!("no guard trusts the authorization server {declared:?}")),
                false => servers.push(declared.to_string()),
            }
        }
        if servers.is_empty() && faults.is_empty() {
            faults.push("no verifier says who issues the tokens; name them, by .authorization_server(…)".to_owned());
        }
        self.declared_scopes().iter().for_each(|scope| add(&mut scopes, scope));
        if !faults.is_empty() {
            return Err(NotAsEnforced { resource: self.address().into(), faults });
        }
        let mut document = Map::new();
        document.insert("resource".to_owned(), self.address().into());
        document.insert("authorization_servers".to_owned(), servers.into());
        document.insert("bearer_methods_supported".to_owned(), methods.into());
        if !scopes.is_empty() {
            document.insert("scopes_supported".to_owned(), scopes.into());
        }
        if let Some(name) = self.declared_name() {
            document.insert("resource_name".to_owned(), name.into());
        }
        Ok(ResourceMetadata { path: self.metadata_path().into(), document: Reply::json(200, &Value::from(document)) })
    }
}

impl ResourceMetadata {
    /// Where it is: the path for a route.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// It, for anybody who asks: `application/json`.
    pub fn reply(&self) -> Reply {
        self.document.clone()
    }

    /// `GET` of it, for anybody, to be mounted by an adapter at its [path](Self::path).
    #[cfg(feature = "mint")]
    #[must_use]
    pub fn endpoint<P: Send + Sync + 'static>(&self, gate: &Gate<P>) -> crate::mint::endpoint::Endpoint<P> {
        use crate::mint::endpoint::{
            Endpoint, Work,
            described::{Answered, Described, Member, Shape},
        };

        const PUBLISHED: &[Answered] = &[Answered::json(200, "The metadata.", &[Member::of("resource", Shape::Text)])];

        let document = self.reply();
        let described = Described::new("GET", "What this service takes, and of whom (RFC 9728).");
        Endpoint::new(described.at_once().answering(PUBLISHED), gate.realm(), None, move |_, _| {
            let document = document.clone();
            Ok(Work::reading(move |_| async move { document }))
        })
    }
}

/// What was found at the guards so far.
#[derive(Default)]
struct Found {
    servers: Vec<String>,
    scopes: Vec<String>,
    methods: Vec<&'static str>,
    faults: Vec<String>,
}

impl Found {
    fn add<P: Send + Sync + 'static>(&mut self, guard: &Gate<P>, resource: &ProtectedResource) {
        let asked = guard.demands.scopes.as_deref();
        let mut leads_here = false;
        for scheme in guard.demands.takes.iter().filter_map(|place| guard.shared.schemes.get(*place)) {
            let Some(Told { leads_to, scope }) = told(&**scheme) else {
                // The one other way by which a token may come.
                if scheme.parameter() == Some("access_token") {
                    self.take("query", &**scheme, resource);
                }
                continue;
            };
            if leads_to != resource.metadata_address() {
                continue;
            }
            leads_here = true;
            self.take("header", &**scheme, resource);
            if let (Some(scope), Some(asked)) = (&scope, asked)
                && scope != asked
            {
                self.fault(format!(
                    "a guard tells clients to ask for the scope {scope:?}, and asks for {asked:?} itself"
                ));
            }
            scope.iter().flat_map(|scope| scope.split(' ')).for_each(|scope| add(&mut self.scopes, scope));
        }
        if !leads_here {
            let summary = guard.summary();
            self.fault(format!("a guard that takes {summary} leads nobody here; accept this resource's .bearer()"));
        }
        asked.into_iter().flat_map(|asked| asked.split(' ')).for_each(|scope| add(&mut self.scopes, scope));
    }

    fn take<P>(&mut self, method: &'static str, scheme: &dyn Scheme<P>, resource: &ProtectedResource) {
        if !self.methods.contains(&method) {
            self.methods.push(method);
        }
        for issued in scheme.issuers() {
            if !issued.to.is_empty() && !issued.to.iter().any(|audience| **audience == *resource.address()) {
                let (by, name) = (&issued.by, scheme.name());
                self.fault(format!(
                    "the verifier of {name:?} refuses tokens of {by:?} that are for this resource; add .audience(resource.address())"
                ));
            }
            add(&mut self.servers, &issued.by);
        }
    }

    fn fault(&mut self, fault: String) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }
}

fn add(texts: &mut Vec<String>, text: &str) {
    if !texts.iter().any(|known| known == text) {
        texts.push(text.to_owned());
    }
}

/// What a client without a token is told.
struct Told {
    leads_to: String,
    scope: Option<String>,
}

fn told<P>(scheme: &dyn Scheme<P>) -> Option<Told> {
    let challenges = scheme.challenges(&RequestView::direct(&NOBODY));
    let mut leading = challenges.iter().filter(|challenge| challenge.is_bearer());
    leading.find_map(|challenge| {
        let leads_to = challenge.value("resource_metadata")?.to_owned();
        Some(Told { leads_to, scope: challenge.value("scope").map(str::to_owned) })
    })
}

impl fmt::Display for ResourceMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        credential::TokenCredential,
        credential::{Bearer, QueryParam},
        gate::policy::{all_of, any_of, role, scope},
        principal::Verified,
        verifier::{Answer, Terms, TokenTable, Verify},
    };

    const ISSUER: &str = "https://issuer.example";

    /// Takes tokens of the issuer for these.
    struct Tokens(&'static [&'static str]);

    #[crate::async_trait]
    impl Verify<TokenCredential> for Tokens {
        type Principal = &'static str;

        async fn verify(&self, _: TokenCredential) -> Answer<&'static str> {
            Answer::Refused
        }

        fn terms(&self) -> Terms {
            Terms::new().of_issuer(ISSUER, self.0.iter().copied())
        }
    }

    fn reports() -> ProtectedResource {
        ProtectedResource::at("https://api.example/reports").unwrap()
    }

    const OURS: &[&str] = &["https://other.example", "https://api.example/reports"];

    fn document(metadata: &ResourceMetadata) -> Value {
        serde_json::from_slice(metadata.reply().body()).unwrap()
    }

    #[test]
    fn the_document_says_what_the_guards_enforce() {
        let gate = Gate::in_realm("reports")
            .accept(reports().bearer(), Tokens(OURS))
            .accept(QueryParam::named("access_token"), Tokens(OURS))
            .build()
            .unwrap();
        let reads = gate.require(scope("r")).require(role("staff"));
        let writes = gate.require(all_of((scope("r"), any_of((role("admin"), scope("w"), scope("x"))))));
        let metadata = reports().named("Reports").scopes(["typed"]).enforced_by([&reads, &writes]).unwrap();
        assert_eq!(metadata.path(), "/.well-known/oauth-protected-resource/reports");
        assert_eq!(
            document(&metadata),
            serde_json::json!({
                "resource": "https://api.example/reports",
                "authorization_servers": [ISSUER],
                "bearer_methods_supported": ["header", "query"],
                "scopes_supported": ["r", "w", "typed"],
                "resource_name": "Reports",
            })
        );
        let by_hand = Gate::in_realm("reports")
            .accept(reports().bearer(), TokenTable::new().with("a-token", Verified::new("emily")));
        let metadata = reports().authorization_server("https://b").enforced_by([&by_hand.build().unwrap()]).unwrap();
        assert_eq!(
            document(&metadata),
            serde_json::json!({
                "resource": "https://api.example/reports",
                "authorization_servers": ["https://b"],
                "bearer_methods_supported": ["header"],
            })
        );
    }

    #[test]
    fn what_the_guards_do_not_do_is_not_said() {
        let gate = |kind, audiences| Gate::in_realm("reports").accept(kind, Tokens(audiences)).build().unwrap();
        let ours = || reports().bearer();
        let sentence =
            |resource: ProtectedResource, guards: &[Gate<_>]| resource.enforced_by(guards).unwrap_err().to_string();
        let below = reports().below("/a").unwrap();
        for (resource, guard, why) in [
            (
                reports(),
                gate(ours(), &["https://other.example"]),
                "refuses tokens of \"https://issuer.example\" that are for",
            ),
            (reports(), gate(below.bearer(), OURS), "leads nobody here"),
            (below, gate(ours(), OURS), "leads nobody here"),
            (
                reports().authorization_server("https://b"),
                gate(ours(), OURS),
                "no guard trusts the authorization server \"https://b\"",
            ),
            (
                reports(),
                gate(ours().for_scope("w"), OURS).require(scope("r")),
                "ask for the scope \"w\", and asks for \"r\" itself",
            ),
        ] {
            let said = sentence(resource, &[gate(ours(), OURS), guard]);
            assert!(said.contains(why), "{why} is not in {said}");
        }
        assert!(sentence(reports(), &[]).ends_with(": no guard was named"));
        let plain = Gate::in_realm("a").accept(Bearer, Tokens(OURS)).build().unwrap();
        assert!(sentence(reports(), &[plain]).contains("a guard that takes bearer leads nobody here"));
        let unnamed = TokenTable::new().with("a-token", Verified::new("emily"));
        let unnamed = Gate::in_realm("a").accept(ours(), unnamed).build().unwrap();
        assert!(sentence(reports(), &[unnamed]).contains("no verifier says who issues the tokens"));
    }
}
