//! Message signatures (RFC 9421), and the agents that sign by them.

use std::sync::Arc;

use axum::Router;
use base64::{Engine, engine::general_purpose::STANDARD};
use countersign::{
    JwtSigner, Secret,
    credential::signed_request::{
        message_signature::{MessageKeys, MessageSignature, MessageSigner},
        web_bot_auth::{AgentSigner, Agents, WebBotAuth},
    },
    jose::{JwtAlgorithm, JwtKey},
};

use super::TEST_KEY_RSA_PSS;
use crate::{
    Fault,
    exhibit::{Exhibit, Room},
    gallery::{GET, GET_AND_POST, Gallery, shows_caller},
    users::{Caller, named, verified},
};

/// The keys of RFC 9421 B.1: everybody has the private ones.
const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}"#;
const ED25519_PRIVATE: &str = concat!(
    "-----BEGIN PRIVATE KEY-----\n",
    "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n",
    "-----END PRIVATE KEY-----\n",
);
const P256: &str = concat!(
    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf\n",
    "w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==\n-----END PUBLIC KEY-----\n",
);
const SHARED: &str = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";

/// The one agent that is known.
const AGENT: &str = "https://signature-agent.test";

pub(super) fn room(gallery: &Gallery) -> Result<Room, Fault> {
    let clock = gallery.clock();
    let kind =
        MessageSignature::new("gallery", gallery.stores().replay("message-signature")).timed_by(Arc::clone(clock));
    let routes = shows_caller("/message-signature", GET_AND_POST, &gallery.gate(kind, keys()?)?);
    let url = format!("{}/message-signature", gallery.site());
    let secret = Secret::new(STANDARD.decode(SHARED)?);
    let signer = MessageSigner::new("test-shared-secret", JwtSigner::secret(JwtAlgorithm::Hs256, &secret)?);
    let signed = signer.with_tag("gallery").sign("GET", &url, clock).ok_or("the page's own signature")?;
    let room = Room::empty().with(
        routes,
        Exhibit {
            path: "/message-signature",
            title: "HTTP message signatures",
            what: "A signature over the components of the request that its field names, by a key of nearly any kind.",
            choose: "for requests between services that must be signed today.",
            avoid: "without saying what must be covered: a signature over little is worth little.",
            line: format!("curl -H 'Signature-Input: {}' -H 'Signature: {}' {url}", signed.input, signed.signature),
        },
    );
    agents(gallery, room)
}

fn agents(gallery: &Gallery, room: Room) -> Result<Room, Fault> {
    let kind = WebBotAuth::new().timed_by(Arc::clone(gallery.clock()));
    let agents = Agents::new().with(AGENT, JwtKey::jwk(ED25519)?, verified(AGENT))?;
    let url = format!("{}/web-bot-auth", gallery.site());
    let signer = AgentSigner::new(AGENT, JwtSigner::pem(ED25519_PRIVATE)?);
    let signed = signer.sign(&url, gallery.clock()).ok_or("the page's own signature")?;
    let routes: Router = shows_caller("/web-bot-auth", GET, &gallery.gate(kind, agents)?);
    Ok(room.with(
        routes,
        Exhibit {
            path: "/web-bot-auth",
            title: "Web Bot Auth",
            what: "Message signatures by which a crawler says whose it is.",
            choose: "to tell crawlers that you know from those that only say so.",
            avoid: "for what changes something: it covers neither method nor body.",
            line: format!(
                "curl -H 'Signature-Agent: {}' -H 'Signature-Input: {}' -H 'Signature: {}' {url}",
                signed.agent, signed.input, signed.signature
            ),
        },
    ))
}

fn keys() -> Result<MessageKeys<Caller>, Fault> {
    let emma = || named("emma").ok_or("emma is a user");
    let rsa = format!("-----BEGIN PUBLIC KEY-----\n{TEST_KEY_RSA_PSS}\n-----END PUBLIC KEY-----\n");
    let shared = JwtKey::secret(JwtAlgorithm::Hs256, &Secret::new(STANDARD.decode(SHARED)?))?;
    let keys = MessageKeys::new()
        .with("test-key-ed25519", JwtKey::jwk(ED25519)?, emma()?)?
        .with("test-key-ecc-p256", JwtKey::pem(JwtAlgorithm::Es256, P256)?, emma()?)?
        .with("test-key-rsa-pss", JwtKey::pem(JwtAlgorithm::Ps512, &rsa)?, emma()?)?
        .with("test-shared-secret", shared, emma()?)?;
    Ok(keys)
}
