//! Two resources with metadata (RFC 9728), one below the other, each of which takes tokens that are for it alone.

use std::time::{Duration, SystemTime};

use countersign::{
    Answer, Gate, JwtSigner, Secret,
    credential::ProtectedResource,
    gate::{ResourceMetadata, policy::scope},
    jose::JwtAlgorithm,
    verifier::jwt::JwtVerifier,
};
use serde_json::{Value, json};

use super::{
    Person,
    gate::{clock, now},
};

/// Who issues the tokens.
pub(crate) const ISSUER: &str = "https://issuer.example";

/// Where the resource is that the other one is below.
pub(crate) const RESOURCE: &str = "https://people.example/resource";

/// The guards of both, and what they say of themselves.
#[derive(Debug, Clone)]
pub(super) struct Resources {
    pub(super) top: Gate<Person>,
    pub(super) below: Gate<Person>,
    pub(super) metadata: [ResourceMetadata; 2],
}

impl Resources {
    pub(super) fn new() -> Self {
        let top = ProtectedResource::at(RESOURCE).expect("an address");
        let below = top.below("/below").expect("an address").named("What is below");
        let reads = gate(&top).require(scope("reports:read"));
        let writes = gate(&below).require(scope("reports:write"));
        let of_both = [top.enforced_by([&reads]), below.enforced_by([&writes])];
        Self { top: reads, below: writes, metadata: of_both.map(|metadata| metadata.expect("it is as enforced")) }
    }
}

fn gate(resource: &ProtectedResource) -> Gate<Person> {
    let issuer = signer().trusted(ISSUER).audience(resource.address());
    let tokens = JwtVerifier::trusting(issuer).timed_by(clock());
    let tokens = tokens.principal_by(|claims, known| match claims.subject() {
        Some(name) => known.map(|()| Person::called(name)).into(),
        None => Answer::Refused,
    });
    let tokens = tokens.expect("an issuer with a key");
    let gate = Gate::in_realm("people").accept(resource.bearer(), tokens).timed_by(clock()).build();
    gate.expect("the gate of the cases can be built")
}

/// What it signs with.
pub(super) fn signer() -> JwtSigner {
    let secret = Secret::new("the issuer of the cases signs by it, and nobody else does");
    JwtSigner::secret(JwtAlgorithm::Hs256, &secret).expect("the secret is long enough")
}

/// A token of emily's for the resource of this address. Always the same, since transcripts are compared.
pub(crate) fn emilys_token_for(address: &str, scope: &str) -> String {
    let ends = (now() + Duration::from_secs(600)).duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let claims = json!({ "iss": ISSUER, "sub": "emily", "aud": address, "scope": scope, "exp": ends.as_secs() });
    issuers_token(&claims)
}

/// A token of the issuer with these claims.
pub(crate) fn issuers_token(claims: &Value) -> String {
    signer().sign(claims).expect("claims can be signed")
}
