//! Tokens of others behind `Bearer`: those of itsdangerous and buddy, and sealed ones.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{Router, routing::get};
use countersign::{
    Answer, Bearer, Extract, Reply, Secret,
    credential::cookie::foreign::Document,
    jose::jwe::{JweEncryption, JweKey, JweKeys},
    verifier::{ItsdangerousJws, SealedJwt},
};
use serde_json::json;

use crate::{
    Fault, access,
    answer::Written,
    exhibit::{Exhibit, Room},
    gallery::{GET, Gallery, shows_caller},
    kinds::buddy::BuddyOr,
    users::numbered,
};

/// The routes of this group.
pub(crate) fn room(gallery: &Gallery) -> Result<Room, Fault> {
    sealed(gallery, itsdangerous(gallery)?)
}

fn itsdangerous(gallery: &Gallery) -> Result<Room, Fault> {
    let secret = || Secret::new("secret-key");
    let of_payload = |payload: &Document| match payload.member("id").and_then(numbered) {
        Some(verified) => verified.into(),
        None => Answer::Refused,
    };
    let tokens = ItsdangerousJws::signed_by(secret(), of_payload).timed_by(Arc::clone(gallery.clock()));
    let token = tokens.seal(&json!({ "id": 7 }), Some(Duration::from_secs(86_400)));
    let verifier = BuddyOr {
        secret: secret(),
        clock: Arc::clone(gallery.clock()),
        principal: |claims| numbered(claims.get("id")?.as_u64()?),
        other: tokens,
    };
    let gate = gallery.gate(Bearer.called("itsdangerous"), verifier)?;
    Ok(Room::empty().with(
        shows_caller("/itsdangerous", GET, &gate),
        Exhibit {
            path: "/itsdangerous",
            title: "Tokens of itsdangerous 1.1, and of buddy",
            what: "A JWS that looks like a JWT and is none: itsdangerous writes its end into the header.",
            choose: "for tokens that an old Flask or Clojure service has handed out.",
            avoid: "for new ones: itsdangerous itself dropped them.",
            line: format!("curl -H 'Authorization: Bearer {token}' {}/itsdangerous", gallery.site()),
        },
    ))
}

fn sealed(gallery: &Gallery, room: Room) -> Result<Room, Fault> {
    let shared = JweKey::direct(JweEncryption::A256Gcm, &Secret::new((0..=31).collect::<Vec<u8>>()))?;
    let ends = gallery.clock().wall().duration_since(SystemTime::UNIX_EPOCH)?.as_secs() + 86_400;
    let claims = json!({ "sub": "emma", "exp": ends }).to_string();
    let token = shared.seal(claims.as_bytes(), false).ok_or("there is no randomness")?;
    let taken = [JweEncryption::A256Gcm, JweEncryption::A128CbcHs256];
    let [elliptic, rsa] = gallery.sealing_keys()?.map(|key| key.taking(&taken));
    let keys = JweKeys::of(shared).and(elliptic).and(rsa);
    let jwks = keys.jwks_json();
    let verifier = SealedJwt::opened_by(keys, access::tokens(gallery, "gallery")?).with_claims_by_shared_keys();
    let gate = gallery.gate(Bearer.called("jwe"), verifier)?;
    let published = get(move || {
        let jwks = jwks.clone();
        async move { Written::from(Reply::new(200).with_body("application/json", jwks)) }
    });
    let routes = shows_caller("/jwe", GET, &gate).merge(Router::new().route("/jwe/jwks.json", published));
    let room = room.with(
        routes,
        Exhibit {
            path: "/jwe",
            title: "Sealed tokens (JWE)",
            what: "A token that only its receiver can read. By a shared key its claims count; sealed to a public key, only what is signed inside.",
            choose: "when a token passes through hands that must not read it.",
            avoid: "in place of a signature: anybody can seal to a public key.",
            line: format!("curl -H 'Authorization: Bearer {token}' {}/jwe", gallery.site()),
        },
    );
    Ok(room.and_a_line("/jwe/jwks.json", format!("curl -s {}/jwe/jwks.json", gallery.site())))
}
