//! What tokens look like that others make: profiles of specifications, and names of claims as known providers have them.
//!
//! A preset fills in names and nothing else: issuer, audience and keys are the application's to say, and every rule of the
//! [module](super) holds.
//!
//! | preset | scopes | roles | only tokens with |
//! |---|---|---|---|
//! | [`access_tokens`](JwtVerifierBuilder::access_tokens) (RFC 9068) | `scope` | | `typ` `at+jwt`; `sub`, `client_id`, `iat`, `jti` |
//! | [`id_tokens_for`](JwtVerifierBuilder::id_tokens_for) (OpenID Connect) | | | `sub`, `iat`; no `events`; `azp`, if it is there or there are several audiences, the client |
//! | [`of_keycloak`](JwtVerifierBuilder::of_keycloak) | `scope` | `realm_access.roles` | `typ` (the claim) `Bearer` |
//! | [`of_entra`](JwtVerifierBuilder::of_entra) | `scp` | `roles` | `oid`, `tid` |
//! | [`of_auth0`](JwtVerifierBuilder::of_auth0) | `permissions` | | `azp` |
//! | [`of_cognito`](JwtVerifierBuilder::of_cognito) | `scope` | `cognito:groups` | `token_use` `access`, and `client_id` the client |
//!
//! # Example
//! ```
//! use countersign::{
//!     Answer,
//!     jose::JwtSigner,
//!     verifier::jwt::{JwtVerifier, TrustedIssuer},
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let keycloak = || JwtSigner::fresh().map(|signer| signer.trusted("https://sso.example/realms/people"));
//! let verifier = JwtVerifier::trusting(keycloak()?.audience("people"))
//!     .of_keycloak()
//!     .principal_by(|claims, verified| match claims.get::<String>("preferred_username") {
//!         Ok(Some(name)) => verified.map(|()| name).into(),
//!         _ => Answer::Refused,
//!     })?;
//! # let _ = verifier; Ok(()) }
//! ```
//!
//! # What it does not do
//! It does not compare the `nonce` of an ID token, which is the sign-in's to know: `claims.get("nonce")`.

use std::borrow::Cow;

use serde_json::Value;

use super::{Claims, JwtVerifierBuilder};

/// What a token must say beside what every token must.
#[derive(Debug, Clone, Default)]
pub(super) struct Profile {
    roles: Option<Box<[Box<str>]>>,
    there: Vec<Box<str>>,
    absent: Vec<Box<str>>,
    equal: Vec<(Box<str>, Box<str>)>,
    authorized: Option<Box<str>>,
}

impl JwtVerifierBuilder {
    /// Takes roles from this claim, or from a member within it: `["realm_access", "roles"]`. A token without it has none.
    pub fn roles_from<'a>(mut self, path: impl IntoIterator<Item = &'a str>) -> Self {
        self.rules.profile.roles = Some(path.into_iter().map(Into::into).collect());
        self
    }

    /// Refuses tokens that lack one of these claims.
    pub fn requiring<'a>(mut self, claims: impl IntoIterator<Item = &'a str>) -> Self {
        self.rules.profile.there.extend(claims.into_iter().map(Box::from));
        self
    }

    /// Refuses tokens in which this claim is not this string.
    pub fn requiring_that(mut self, claim: &str, is: &str) -> Self {
        self.rules.profile.equal.push((claim.into(), is.into()));
        self
    }

    /// Access tokens of RFC 9068, and no others.
    pub fn access_tokens(self) -> Self {
        self.types(["at+jwt"]).scopes_from("scope").requiring(["sub", "client_id", "iat", "jti"])
    }

    /// ID tokens of OpenID Connect that were made for this client (§3.1.3.7). They say who signed in, and are no access tokens: take them
    /// where somebody signs in, never at an API.
    pub fn id_tokens_for(mut self, client: &str) -> Self {
        self.rules.profile.authorized = Some(client.into());
        self.rules.profile.absent.push("events".into());
        self.types_or_none(["jwt"]).requiring(["sub", "iat"])
    }

    /// Access tokens of Keycloak. Its audience has to be mapped: without a mapper `aud` is `account`, or is not there.
    pub fn of_keycloak(self) -> Self {
        self.scopes_from("scope").roles_from(["realm_access", "roles"]).requiring_that("typ", "Bearer")
    }

    /// Access tokens of Microsoft Entra ID, for one tenant. The issuer is `https://login.microsoftonline.com/{tenant}/v2.0`, the audience the
    /// application's id.
    pub fn of_entra(self) -> Self {
        self.scopes_from("scp").roles_from(["roles"]).requiring(["oid", "tid"])
    }

    /// Access tokens of Auth0, with its permissions (RBAC) as scopes. The issuer ends with a slash.
    pub fn of_auth0(self) -> Self {
        self.scopes_from("permissions").requiring(["azp"])
    }

    /// Access tokens of Amazon Cognito, made for this client. They have no `aud`: the issuer takes
    /// [`any_audience`](super::TrustedIssuer::any_audience).
    pub fn of_cognito(self, client: &str) -> Self {
        self.scopes_from("scope")
            .roles_from(["cognito:groups"])
            .requiring_that("token_use", "access")
            .requiring_that("client_id", client)
    }
}

impl Profile {
    /// The roles of these claims, if they are as they must be; else what is wrong.
    pub(super) fn roles_of(&self, claims: &Claims<'_>) -> Result<Option<Vec<Box<str>>>, &'static str> {
        let is_there = |name: &str| claims.get::<Value>(name).ok().flatten().is_some_and(|value| !value.is_null());
        if !self.there.iter().all(|name| is_there(name)) {
            return Err("it lacks a claim that is required");
        }
        if self.absent.iter().any(|name| claims.get::<Value>(name) != Ok(None)) {
            return Err("it has a claim that tokens of its kind do not have");
        }
        let is = |name: &str, value: &str| {
            claims.get::<Cow<'_, str>>(name).ok().flatten().is_some_and(|found| *found == *value)
        };
        if !self.equal.iter().all(|(name, value)| is(name, value)) {
            return Err("a claim does not say what is required");
        }
        if let Some(client) = &self.authorized {
            let several = claims.audiences().count() > 1;
            if !is("azp", client) && (several || claims.get::<Value>("azp") != Ok(None)) {
                return Err("its \"azp\" is not the client");
            }
        }
        match &self.roles {
            None => Ok(None),
            Some(path) => roles_at(path, claims).ok_or("its roles are no list of strings").map(Some),
        }
    }
}

/// `None` if what is there is no list of strings.
fn roles_at(path: &[Box<str>], claims: &Claims<'_>) -> Option<Vec<Box<str>>> {
    let Some((first, within)) = path.split_first() else { return Some(Vec::new()) };
    let Some(mut value) = claims.get::<Value>(first).ok()? else { return Some(Vec::new()) };
    for name in within {
        match value.as_object_mut()?.remove(&**name) {
            Some(member) => value = member,
            None => return Some(Vec::new()),
        }
    }
    value.as_array()?.iter().map(|role| role.as_str().map(Box::from)).collect()
}
