//! Tokens as known providers make them, by their shape: what a preset takes of each, and what it refuses.

use countersign::{
    jose::JwtAlgorithm,
    verifier::jwt::{JwtVerifier, JwtVerifierBuilder, TrustedIssuer},
};
use serde_json::{Value, json};

use crate::workshop::*;

const CLIENT: &str = "6731de76-14a6-49ae-97bc-6eba6914391e";

/// A provider: its preset, and a token of it.
struct Made {
    name: &'static str,
    issuer: &'static str,
    audience: Option<&'static str>,
    preset: fn(JwtVerifierBuilder) -> JwtVerifierBuilder,
    header: Value,
    claims: Value,
    scopes: &'static str,
    roles: &'static [&'static str],
}

fn rfc_9068() -> Made {
    // RFC 9068 §2.2, its example with what our tests need.
    Made {
        name: "RFC 9068",
        issuer: "https://authorization-server.example.com/",
        audience: Some("https://rs.example.com/"),
        preset: JwtVerifierBuilder::access_tokens,
        header: json!({ "typ": "at+JWT", "alg": "RS256", "kid": "RjEwOwOA" }),
        claims: json!({
            "iss": "https://authorization-server.example.com/", "sub": "5ba552d67", "aud": "https://rs.example.com/",
            "exp": NOW + 600, "iat": NOW, "jti": "dbe39bf3a3ba4238a513f51d6e1691c4", "client_id": "s6BhdRkqt3",
            "scope": "openid profile reademail",
        }),
        scopes: "openid profile reademail",
        roles: &[],
    }
}

fn openid() -> Made {
    // OpenID Connect Core §2, its example.
    Made {
        name: "OpenID",
        issuer: "https://server.example.com",
        audience: Some("s6BhdRkqt3"),
        preset: |builder| builder.id_tokens_for("s6BhdRkqt3"),
        header: json!({ "alg": "RS256", "kid": "1e9gdk7" }),
        claims: json!({
            "iss": "https://server.example.com", "sub": "24400320", "aud": "s6BhdRkqt3", "nonce": "n-0S6_WzA2Mj",
            "exp": NOW + 600, "iat": NOW, "auth_time": NOW - 1, "acr": "urn:mace:incommon:iap:silver",
        }),
        scopes: "",
        roles: &[],
    }
}

fn keycloak() -> Made {
    Made {
        name: "Keycloak",
        issuer: "https://sso.example/realms/people",
        audience: Some("people"),
        preset: JwtVerifierBuilder::of_keycloak,
        header: json!({ "alg": "RS256", "typ": "JWT", "kid": "FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE" }),
        claims: json!({
            "exp": NOW + 300, "iat": NOW, "auth_time": NOW - 40, "jti": "onrtac:4b6a8a2e-54ba-5a8a-0b6c-2b9b0f0a1c3d",
            "iss": "https://sso.example/realms/people", "aud": ["people", "account"],
            "sub": "7c1f3bd2-6d5e-4a57-9c1e-0e6f5a7d9b21", "typ": "Bearer", "azp": "web",
            "sid": "3d0f5c1a-9b2c-4d8e-8f1a-6b7c8d9e0f12", "acr": "1", "allowed-origins": ["https://app.example"],
            "realm_access": { "roles": ["default-roles-people", "offline_access", "admin"] },
            "resource_access": { "account": { "roles": ["manage-account", "view-profile"] } },
            "scope": "openid email profile", "email_verified": true, "name": "Emily", "preferred_username": "emily",
            "email": "emily@people.example",
        }),
        scopes: "openid email profile",
        roles: &["default-roles-people", "offline_access", "admin"],
    }
}

fn entra() -> Made {
    Made {
        name: "Entra",
        issuer: "https://login.microsoftonline.com/fa15d692-e9c7-4460-a743-29f2956fd429/v2.0",
        audience: Some(CLIENT),
        preset: JwtVerifierBuilder::of_entra,
        header: json!({ "typ": "JWT", "alg": "RS256", "kid": "T1St-dLTvyWRgxB_676u8krXS-I" }),
        claims: json!({
            "aud": CLIENT, "iss": "https://login.microsoftonline.com/fa15d692-e9c7-4460-a743-29f2956fd429/v2.0",
            "iat": NOW, "nbf": NOW, "exp": NOW + 5000, "aio": "AXQAi/8TAAAA", "azp": CLIENT, "azpacr": "0",
            "name": "Emily", "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474", "preferred_username": "emily@people.example",
            "rh": "0.ARoAktYV", "roles": ["Reports.Reader"], "scp": "access_as_user reports.read",
            "sub": "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ", "tid": "fa15d692-e9c7-4460-a743-29f2956fd429",
            "uti": "fqiBqXLPj0eQa82S-IYFAA", "ver": "2.0",
        }),
        scopes: "access_as_user reports.read",
        roles: &["Reports.Reader"],
    }
}

fn auth0() -> Made {
    Made {
        name: "Auth0",
        issuer: "https://people.eu.auth0.com/",
        audience: Some("https://api.people.example"),
        preset: JwtVerifierBuilder::of_auth0,
        header: json!({ "alg": "RS256", "typ": "JWT", "kid": "NkJCQzIyQzRBMEU4NjhGNUU4MzU4RkY0M0ZDQzkwOUQ0Q0VGNUMwQg" }),
        claims: json!({
            "iss": "https://people.eu.auth0.com/", "sub": "auth0|507f1f77bcf86cd799439020",
            "aud": ["https://api.people.example", "https://people.eu.auth0.com/userinfo"],
            "iat": NOW, "exp": NOW + 86_400, "scope": "openid profile email", "azp": "my_client_id",
            "permissions": ["read:reports", "write:reports"],
        }),
        scopes: "read:reports write:reports",
        roles: &[],
    }
}

fn cognito() -> Made {
    Made {
        name: "Cognito",
        issuer: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_example",
        audience: None,
        preset: |builder| builder.of_cognito("1h57kf5cpq17m0eml12EXAMPLE"),
        header: json!({ "kid": "1234example=", "alg": "RS256" }),
        claims: json!({
            "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "device_key": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
            "cognito:groups": ["admin"], "token_use": "access", "scope": "aws.cognito.signin.user.admin",
            "auth_time": NOW - 1, "iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_example",
            "exp": NOW + 3600, "iat": NOW, "jti": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
            "client_id": "1h57kf5cpq17m0eml12EXAMPLE", "username": "emily",
        }),
        scopes: "aws.cognito.signin.user.admin",
        roles: &["admin"],
    }
}

impl Made {
    fn verifier(&self) -> JwtVerifier<Value> {
        let issuer = TrustedIssuer::named(self.issuer).key(workshop().key(JwtAlgorithm::Rs256));
        let issuer = match self.audience {
            Some(audience) => issuer.audience(audience),
            None => issuer.any_audience(),
        };
        at_now((self.preset)(JwtVerifier::trusting(issuer))).principal().unwrap()
    }

    fn token(&self, header: &Value, claims: &Value) -> String {
        workshop().token(JwtAlgorithm::Rs256, &header.to_string(), &claims.to_string())
    }
}

#[test]
fn a_preset_takes_the_names_of_its_provider() {
    for made in [rfc_9068(), openid(), keycloak(), entra(), auth0(), cognito()] {
        let verified = accepted(&made.verifier(), &made.token(&made.header, &made.claims));
        let verified = verified.unwrap_or_else(|| panic!("{}", made.name));
        assert_eq!(verified.subject(), made.claims["sub"].as_str(), "{}", made.name);
        assert_eq!(verified.scopes().to_string(), made.scopes, "{}", made.name);
        assert_eq!(verified.roles().iter().map(|role| &**role).collect::<Vec<_>>(), made.roles, "{}", made.name);
    }
}

#[test]
fn a_preset_refuses_what_is_no_token_of_its_kind() {
    let rows: [(Made, &str, Value); 22] = [
        (rfc_9068(), "client_id", Value::Null),
        (rfc_9068(), "jti", Value::Null),
        (rfc_9068(), "iat", Value::Null),
        (rfc_9068(), "sub", Value::Null),
        (openid(), "iat", Value::Null),
        (openid(), "events", json!({ "http://schemas.openid.net/event/backchannel-logout": {} })),
        (openid(), "azp", json!("another client")),
        (openid(), "azp", json!(7)),
        (openid(), "aud", json!(["s6BhdRkqt3", "another client"])),
        (openid(), "aud", json!("another client")),
        (keycloak(), "typ", json!("ID")),
        (keycloak(), "typ", json!("Refresh")),
        (keycloak(), "typ", Value::Null),
        (keycloak(), "realm_access", json!({ "roles": "admin" })),
        (keycloak(), "realm_access", json!({ "roles": ["admin", 7] })),
        (keycloak(), "realm_access", json!(["admin"])),
        (keycloak(), "aud", json!("account")),
        (entra(), "tid", Value::Null),
        (entra(), "roles", json!({ "admin": true })),
        (auth0(), "permissions", json!(7)),
        (cognito(), "token_use", json!("id")),
        (cognito(), "client_id", json!("another client")),
    ];
    for (made, name, value) in rows {
        let mut claims = made.claims.clone();
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value,
        }
        let token = made.token(&made.header, &claims);
        assert!(!accepts(&made.verifier(), &token), "{} {name}: {claims}", made.name);
    }
    // The type of the one is not that of the other.
    for (made, typ) in [
        (rfc_9068(), json!("JWT")),
        (rfc_9068(), Value::Null),
        (openid(), json!("at+jwt")),
        (openid(), json!("logout+jwt")),
    ] {
        let mut header = made.header.clone();
        header["typ"] = typ;
        if header["typ"].is_null() {
            header.as_object_mut().unwrap().remove("typ");
        }
        assert!(!accepts(&made.verifier(), &made.token(&header, &made.claims)), "{} {header}", made.name);
    }
}

#[test]
fn what_is_not_there_gives_nothing_and_refuses_nobody() {
    for (made, name) in [
        (rfc_9068(), "scope"),
        (keycloak(), "realm_access"),
        (keycloak(), "scope"),
        (entra(), "roles"),
        (entra(), "scp"),
        (auth0(), "permissions"),
        (cognito(), "cognito:groups"),
    ] {
        let mut claims = made.claims.clone();
        claims.as_object_mut().unwrap().remove(name);
        let verified = accepted(&made.verifier(), &made.token(&made.header, &claims)).unwrap();
        assert!(verified.scopes().is_empty() || verified.roles().is_empty(), "{} {name}", made.name);
    }
    let mut several = openid();
    several.claims["aud"] = json!(["s6BhdRkqt3", "another client"]);
    several.claims["azp"] = json!("s6BhdRkqt3");
    assert!(accepts(&several.verifier(), &several.token(&several.header, &several.claims)));
}

#[test]
fn a_tenants_issuer_is_found_by_name_and_never_otherwise() {
    let key = || workshop().key(JwtAlgorithm::EdDsa);
    let of = move |name: &str| TrustedIssuer::named(name).audience("people").key(key());
    let verifier = at_now(JwtVerifier::trusting_whom(move |name| match name {
        "https://a.example" => Some(of("https://a.example")),
        "https://b.example" => Some(of("https://b.example")),
        // What an application should not do: it has no effect.
        "https://c.example" => Some(of("https://a.example")),
        "https://d.example" => Some(TrustedIssuer::named("https://d.example").key(key())),
        "https://e.example" => Some(TrustedIssuer::unnamed().any_audience().key(key())),
        _ => None,
    }))
    .principal::<Value>()
    .unwrap();
    let header = header_of(JwtAlgorithm::EdDsa);
    for (issuer, good) in [
        (json!("https://a.example"), true),
        (json!("https://b.example"), true),
        (json!("https://c.example"), false),
        (json!("https://d.example"), false),
        (json!("https://e.example"), false),
        (json!("https://f.example"), false),
        (json!(["https://a.example"]), false),
        (Value::Null, false),
    ] {
        let token = workshop().token(JwtAlgorithm::EdDsa, &header, &claims_with("iss", issuer.clone()));
        assert_eq!(accepts(&verifier, &token), good, "{issuer}");
    }
    assert!(!accepts(&verifier, &workshop().token(JwtAlgorithm::EdDsa, &header, &claims_without("iss"))));
}
