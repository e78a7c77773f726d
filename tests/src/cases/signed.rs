//! Requests that are signed, by the library's own kinds: let in once, with the body that was signed, and by no copy.

use std::sync::Arc;

use countersign::{
    Secret,
    clock::SharedClock,
    credential::{
        digest::DigestClient,
        signed_request::{
            hawk::HawkRequest,
            oauth1::{OAuth1, OAuth1Signer},
            sigv4::SigV4Signer,
        },
    },
    testing::ManualClock,
};

use crate::{
    expectation::{ALL, Refusal},
    lab::Lab,
    service::{EMILYS_KEY, digest, flask, now},
    wire::Request,
};

const HOST: &str = "conformance.example";
const BODY: &str = "rain\r\n\0end";

/// SHA-1 of the body, by openssl, in base64.
const BODY_HASH: &str = "2fX/e42e4dC8lbJKB2bOwhJ56SA=";

fn clock() -> SharedClock {
    Arc::new(ManualClock::at(now()))
}

fn key() -> Secret {
    Secret::new(EMILYS_KEY)
}

/// Asks with a body that was not signed, then with the one that was, and then once more.
fn passes_once(lab: &Lab, request: &Request) {
    lab.ask(request.clone().with_body("text/plain", "sun")).refused(&Refusal::wrong(&ALL));
    lab.ask(request.clone().with_body("text/plain", BODY)).admitted(&format!("{BODY:?} by emily"));
    lab.ask(request.clone().with_body("text/plain", BODY)).refused(&Refusal::wrong(&ALL));
}

fn signed(authorization: &str) -> Request {
    Request::post("/covered?a=b%20c").with("Authorization", authorization)
}

pub(crate) fn hawk_passes_once(lab: &Lab) {
    let request = HawkRequest::to(HOST, 80).asking("POST", "/covered?a=b%20c").with_body("text/plain", BODY.as_bytes());
    let request = request.with_nonce("1");
    passes_once(lab, &signed(&request.authorization("emily", &key(), &clock())));
}

pub(crate) fn an_amazon_signature_passes_once(lab: &Lab) {
    let signer = SigV4Signer::new("emily", key(), "us-east-1", "service");
    let (authorization, date) = signer.authorization("POST", "/covered?a=b%20c", HOST, BODY.as_bytes(), now());
    passes_once(lab, &signed(&authorization).with("X-Amz-Date", date));
}

pub(crate) fn oauth_1_passes_once(lab: &Lab) {
    let signer = OAuth1Signer::new("emily", OAuth1::key(&key(), &Secret::new("")));
    let signer = signer.with("oauth_body_hash", BODY_HASH).with_nonce("1");
    let authorization = signer.authorization("POST", &format!("http://{HOST}/covered?a=b%20c"), &clock());
    passes_once(lab, &signed(&authorization));
}

/// A nonce of the cases, handed out when they play. Its random part is what makes it a literal.
const NONCE: &str = "iPh-qIru.AAABoxhcUAAAAQIDBAUGBwgJCgsMDQ4P3-_vz4d8uC8UngGdpKuWWLeHPD_aYnkRUZZXTT8fkX8";

pub(crate) fn an_answer_of_digest_passes_once(lab: &Lab) {
    let answer =
        DigestClient::named("emily").answer("people", NONCE).with_opaque(digest(&clock()).opaque()).with_cnonce("1");
    passes_once(lab, &signed(&answer.authorization_of_body("POST", "/covered?a=b%20c", BODY.as_bytes(), &key())));
}

pub(crate) fn a_message_signature_passes_once(lab: &Lab) {
    // HMAC-SHA256, by Python.
    let request = Request::post("/covered?a=b%20c")
        .with("Content-Digest", "sha-256=:vct9ZzCwaw7/Ikma6npd/kaiCc3PTMqTB8+XTirguII=:")
        .with(
            "Signature-Input",
            r#"sig=("@method" "@target-uri" "content-digest");created=1800000000;keyid="emily";nonce="1""#,
        )
        .with("Signature", "sig=:/eHLfalvFOpo96lCs9UjimSbHmeNmBN1Fz8aE5sV8N0=:");
    passes_once(lab, &request);
}

const EMILY: &str = "scopes reports:read; roles member; ends";

/// Asks with what is wrong, then with what is right, and then once more.
fn passes_once_without_a_body(lab: &Lab, wrong: &Request, right: &Request, scheme: &str) {
    lab.ask(wrong.clone()).refused(&Refusal::wrong(&ALL));
    lab.ask(right.clone()).admitted(&format!("emily by {scheme}; {EMILY} never"));
    lab.ask(right.clone()).refused(&Refusal::wrong(&ALL));
}

pub(crate) fn a_token_of_wsse_passes_once(lab: &Lab) {
    // SHA-1 over nonce, time and key, by Python.
    let token = r#"UsernameToken Username="emily", PasswordDigest="WayNdenXXOTPR68j0G1cvssP2XY=", Nonce="AQIDBAUGBwgJCgsMDQ4P", Created="2027-01-15T08:00:00Z""#;
    let with =
        |token: &str| Request::get("/me").with("Authorization", "WSSE profile=\"UsernameToken\"").with("X-WSSE", token);
    passes_once_without_a_body(lab, &with(&token.replace("08:00:00", "08:00:01")), &with(token), "wsse");
}

/// Proofs by `test-key-ed25519` of RFC 9421 for `/me` and for `/anonymous`, with the same id, by Python.
const PROOF: &str = concat!(
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVkRFNBIiwiandrIjp7ImNydiI6IkVkMjU1MTkiLCJrdHkiOiJPS1AiLCJ4IjoiSnJRTGo1UF84OWlYRVM5LX",
    "ZGZ3JJeTI5Y2xGOUNDX29QUHN3M2M1RDBicyJ9fQ.eyJqdGkiOiIxIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cDovL2NvbmZvcm1hbmNlLmV4YW1wbGUvb",
    "WUiLCJpYXQiOjE4MDAwMDAwMDAsImF0aCI6ImxkZEYxMS1RSDYxaThDbHVpNlpPVEhRcFM2dXE0UnA3MmJLSGVhcF9qSDQifQ.9rEhGSucmop5NaqcdOvw",
    "iHUMnaNZaMgrPDGJBOeEWjOun8g94WTMC4iloywq-JzqYtQJdlIUx7MkFLNwjgtvCw",
);
const PROOF_FOR_ELSEWHERE: &str = concat!(
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVkRFNBIiwiandrIjp7ImNydiI6IkVkMjU1MTkiLCJrdHkiOiJPS1AiLCJ4IjoiSnJRTGo1UF84OWlYRVM5LX",
    "ZGZ3JJeTI5Y2xGOUNDX29QUHN3M2M1RDBicyJ9fQ.eyJqdGkiOiIxIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cDovL2NvbmZvcm1hbmNlLmV4YW1wbGUvY",
    "W5vbnltb3VzIiwiaWF0IjoxODAwMDAwMDAwLCJhdGgiOiJsZGRGMTEtUUg2MWk4Q2x1aTZaT1RIUXBTNnVxNFJwNzJiS0hlYXBfakg0In0.9igXnjuF9NK",
    "7jYtI4X2Miyzki85yzt3rEGT7B3zRAHRKNBfvRg9Q1d7560G6KbV5BRKy9bVNXujJkz3p7w8ZCg",
);

pub(crate) fn a_token_with_proof_passes_once(lab: &Lab) {
    let with = |proof: &str| Request::get("/me").with("Authorization", "DPoP emily-with-a-key").with("DPoP", proof);
    passes_once_without_a_body(lab, &with(PROOF_FOR_ELSEWHERE), &with(PROOF), "dpop");
    lab.ask(Request::get("/me").with("Authorization", "DPoP emily-with-a-key")).refused(&Refusal::wrong(&ALL));
}

pub(crate) fn a_cookie_of_flask_is_admitted(lab: &Lab) {
    let value = flask().seal(&serde_json::json!({ "user_id": 5 }), now());
    let with = |value: &str| Request::get("/me").with("Cookie", format!("flask={value}"));
    lab.ask(with(&value)).admitted(&format!("emily by flask; {EMILY} 1802678401"));
    lab.ask(with(&value[1..])).refused(&Refusal::wrong(&ALL));
    lab.ask(with(&format!("{value}; flask={value}"))).refused(&Refusal::ambiguous());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::unasked::nonces;

    #[test]
    fn the_nonce_of_the_cases_is_live_when_they_play() {
        let known = nonces(&clock()).known(NONCE.as_bytes());
        assert!(known.is_some_and(|known| known.is_live), "this one is: {}", nonces(&clock()).hand_out());
    }
}
