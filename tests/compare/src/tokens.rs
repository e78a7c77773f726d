//! Signed tokens (JWT) by a shared secret.

use std::{
    error::Error,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jwt_authorizer::{IntoLayer, JwtAuthorizer, JwtClaims, Validation};
use moving_extractor::{AUDIENCE, ISSUER, after, before};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::runtime::Runtime;

use crate::{Table, server, version, wire::Ask};

const SECRET: &str = "q7Jx2mZp0vRk8sYw4nLd6cTg1bHf9eUa";

#[derive(Debug, Clone, Deserialize)]
struct Caller {
    sub: String,
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A token of emily's that lives for ten minutes, with these members of header and claims in place of its own; without those that are null.
fn token(header: Value, claims: Value) -> String {
    let with = |mut whole: Value, changed: Value| {
        for (name, value) in changed.as_object().into_iter().flatten() {
            match value {
                Value::Null => drop(whole.as_object_mut().and_then(|whole| whole.remove(name))),
                value => whole[name] = value.clone(),
            }
        }
        URL_SAFE_NO_PAD.encode(whole.to_string())
    };
    let usual =
        json!({ "sub": "emily", "iss": ISSUER, "aud": AUDIENCE, "exp": seconds() + 600, "scope": "reports:write" });
    let unsigned = header["alg"] == "none";
    let text = format!("{}.{}", with(json!({ "alg": "HS256", "typ": "JWT" }), header), with(usual, claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length is good");
    mac.update(text.as_bytes());
    let signature = if unsigned { String::new() } else { URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()) };
    format!("{text}.{signature}")
}

async fn authorizer() -> Result<axum07::Router, Box<dyn Error>> {
    let validation = Validation::new().iss(&[ISSUER]).aud(&[AUDIENCE]);
    let authorizer = JwtAuthorizer::<Caller>::from_secret(SECRET).validation(validation).build().await?;
    let me = |JwtClaims(me): JwtClaims<Caller>| async move { me.sub };
    Ok(axum07::Router::new().route("/me", axum07::routing::get(me)).layer(authorizer.into_layer()))
}

/// Asks each of them.
pub(crate) fn table(runtime: &Runtime) -> Result<Table, Box<dyn Error>> {
    let apps = [
        (format!("by hand over {}", version("jsonwebtoken")), server::axum(runtime, before::app(SECRET.as_bytes()))?),
        (version("jwt-authorizer"), server::axum07(runtime, runtime.block_on(authorizer())?)?),
        ("Countersign".to_owned(), server::axum(runtime, after::app(SECRET.as_bytes())?)?),
    ];
    let me = || Ask::new("GET", "/me");
    let sent = |header: Value, claims: Value| me().with("authorization", format!("Bearer {}", token(header, claims)));
    let claims = |claims: Value| sent(json!({}), claims);
    let good = || format!("Bearer {}", token(json!({}), json!({})));
    let soon = seconds();
    let rows = [
        ("no token", me()),
        ("a good one", claims(json!({}))),
        ("another signature", me().with("authorization", format!("{}x", good()))),
        ("`alg: none`, and no signature", sent(json!({ "alg": "none" }), json!({}))),
        ("expired a second ago", claims(json!({ "exp": soon - 1 }))),
        ("expired 45 seconds ago", claims(json!({ "exp": soon - 45 }))),
        ("expired two minutes ago", claims(json!({ "exp": soon - 120 }))),
        ("no `exp`", claims(json!({ "exp": null }))),
        ("`nbf` in an hour", claims(json!({ "nbf": soon + 3600 }))),
        ("another `iss`", claims(json!({ "iss": "https://evil.example" }))),
        ("no `iss`, though one is configured", claims(json!({ "iss": null }))),
        ("another `aud`", claims(json!({ "aud": "another" }))),
        ("no `aud`, though one is configured", claims(json!({ "aud": null }))),
        ("`crit` with what nobody knows (RFC 7515 §4.1.11: refuse)", sent(json!({ "crit": ["x"], "x": 1 }), json!({}))),
        (
            "`typ` of another kind of token (`logout+jwt`, RFC 8725 §3.11)",
            sent(json!({ "typ": "logout+jwt" }), json!({})),
        ),
        ("the scheme in small letters", me().with("authorization", good().replace("Bearer", "bearer"))),
        ("two fields, both good", me().with("authorization", good()).with("authorization", good())),
        ("two fields, the right one first", me().with("authorization", good()).with("authorization", "Bearer a.b.c")),
        ("no token behind the scheme", me().with("authorization", "Bearer")),
        ("a token of 64 KiB", me().with("authorization", format!("Bearer {}", "a".repeat(65_536)))),
        ("HEAD without a token", Ask::new("HEAD", "/me")),
    ];
    let answers = |ask: &Ask| apps.iter().map(|(_, address)| ask.of(*address).told()).collect();
    let rows = rows.iter().map(|(what, ask)| ((*what).to_owned(), answers(ask))).collect();
    Ok(Table {
        title: "Signed tokens (Bearer, HS256)",
        about: "Issuer and audience are configured in all three, and nothing else is. The extractor by hand is that of [moving over](crate::manual::moving).",
        peers: apps.iter().map(|(name, _)| name.clone()).collect(),
        rows,
    })
}
