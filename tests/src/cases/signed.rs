//! Requests that are signed, by the library's own kinds: let in once, with the body that was signed, and by no copy.

use std::sync::Arc;

use countersign::{
    Secret,
    clock::SharedClock,
    credential::signed_request::{
        hawk::HawkRequest,
        oauth1::{OAuth1, OAuth1Signer},
        sigv4::SigV4Signer,
    },
    testing::ManualClock,
};

use crate::{
    expectation::{ALL, Refusal},
    lab::Lab,
    service::{EMILYS_KEY, now},
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
    let request = HawkRequest::new("POST", "/covered?a=b%20c", HOST, 80).with_body("text/plain", BODY.as_bytes());
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
