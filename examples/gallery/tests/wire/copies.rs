//! Two copies on one Redis: what passed once at one does not pass at the other, and what one hands out is good at both.

use std::time::SystemTime;

use countersign::{
    Secret,
    clock::{SharedClock, SystemClock},
    credential::{
        digest::DigestAlgorithm,
        signed_request::{
            hawk::HawkRequest,
            oauth1::{OAuth1, OAuth1Signer},
            sigv4::SigV4Signer,
            wsse::Wsse,
        },
    },
};
use countersign_conformance::{RedisServer, wire::Request};
use serde_json::json;

use crate::{
    device_bound, oidc,
    proof::by_dpop,
    service::{Gallery, caller},
    signed::digest,
    terms::{basic, member},
    tokens::{ClientKey, access_token},
};

const HOST: &str = "conformance.example";
const FORM: &str = "application/x-www-form-urlencoded";

fn two() -> (RedisServer, [Gallery; 2]) {
    let server = RedisServer::start();
    let copies = [(); 2].map(|()| Gallery::start(&["--shared", &server.url()]));
    (server, copies)
}

fn hawk() -> Request {
    let key = Secret::new("werxhqb98rpaxn39848xrunpaw3489ruxnpa98w4rxn");
    let signed =
        HawkRequest::to(HOST, 80).asking("GET", "/hawk").authorization("dh37fgj492je", &key, &SystemClock::shared());
    Request::get("/hawk").with("Authorization", signed)
}

#[test]
fn what_passed_at_one_copy_does_not_pass_at_the_other() {
    let (_server, [one, other]) = two();
    let clock: SharedClock = SystemClock::shared();
    let wsse = || {
        let token = Wsse::token("bob", &Secret::new("taadtaadpstcsm"), &clock);
        Request::get("/wsse").with("Authorization", "WSSE profile=\"UsernameToken\"").with("X-WSSE", token)
    };
    let oauth = || {
        let signer =
            OAuth1Signer::new("dpf43f3p2l4k3l03", OAuth1::key(&Secret::new("kd94hf93k423kf44"), &Secret::new("")));
        let signed = signer.authorization_of_form("POST", &format!("http://{HOST}/oauth1"), b"b=c", &clock);
        Request::post("/oauth1").with("Authorization", signed).with_body(FORM, "b=c")
    };
    let sigv4 = || {
        let key = Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        let signer = SigV4Signer::new("AKIDEXAMPLE", key, "us-east-1", "service");
        let now = SystemTime::now();
        let (signed, date) = signer.authorization("POST", "/sigv4", HOST, b"body", now);
        Request::post("/sigv4").with("Authorization", signed).with("x-amz-date", date).with_body("text/plain", "body")
    };
    let key = ClientKey::new();
    let token = access_token(&json!({ "cnf": { "jkt": key.thumbprint() } }));
    let dpop = || {
        let proof = key.proof("GET", &format!("http://{HOST}/dpop"), &token, &json!({}));
        by_dpop("GET", "/dpop", &token, &proof)
    };
    let requests: [(&str, &dyn Fn() -> Request); 5] =
        [("hawk", &hawk), ("wsse", &wsse), ("oauth1", &oauth), ("sigv4", &sigv4), ("dpop", &dpop)];
    for (what, request) in requests {
        let request = request();
        one.expect(200, &request);
        for copy in [&other, &one] {
            assert_eq!(copy.ask(&request).status(), 401, "{what}");
        }
    }
    for (what, request) in &requests[..1] {
        let request = request();
        other.expect(200, &request);
        assert_eq!(one.ask(&request).status(), 401, "{what}");
    }

    // A nonce of one is good at the other, and each count of it passes once.
    let answer = digest(&one, "/digest/sha-256", DigestAlgorithm::Sha256, "Mufasa");
    let counted = |count| {
        let sent = answer.clone().counted(count);
        let sent = sent.authorization("GET", "/digest/sha-256", &Secret::new("Circle of Life"));
        Request::get("/digest/sha-256").with("Authorization", sent)
    };
    other.expect(200, &counted(2));
    one.expect(401, &counted(2));
    one.expect(200, &counted(1));
    other.expect(401, &counted(1));

    // And so is one of DPoP.
    let proof = key.proof("GET", &format!("http://{HOST}/dpop/nonce"), &token, &json!({}));
    let asked = one.expect(401, &by_dpop("GET", "/dpop/nonce", &token, &proof));
    let nonce = asked.field("dpop-nonce").unwrap();
    let proof = key.proof("GET", &format!("http://{HOST}/dpop/nonce"), &token, &json!({ "nonce": nonce }));
    other.expect(200, &by_dpop("GET", "/dpop/nonce", &token, &proof));
    one.expect(401, &by_dpop("GET", "/dpop/nonce", &token, &proof));
}

#[test]
fn what_one_copy_hands_out_is_good_and_void_at_both() {
    let (_server, [one, other]) = two();
    let sign_in = Request::post("/auth-key/authenticate").with_body(FORM, "username=alice&password=secret");
    let key = member(&one.expect(200, &sign_in), "auth_key");
    let by_key = |method| Request::new(method, "/auth-key").with("Auth-Key", &key);
    assert_eq!(caller(&other.expect(200, &by_key("GET")))["name"], "alice");
    other.expect(401, &by_key("GET").with("User-Agent", "a thief"));
    one.expect(200, &by_key("GET"));
    other.expect(204, &by_key("DELETE"));
    one.expect(401, &by_key("GET"));

    let issue = Request::post("/transient/tokens").with("Authorization", basic("alice", "secret"));
    let token = member(&one.expect(200, &issue), "token");
    let by_token = |method| Request::new(method, "/transient").with("Authorization", format!("Bearer {token}"));
    assert_eq!(caller(&other.expect(200, &by_token("GET")))["name"], "alice");
    other.expect(204, &by_token("DELETE"));
    one.expect(401, &by_token("GET"));

    let published = [&one, &other].map(|copy| copy.expect(200, &Request::get("/jwe/jwks.json")).text());
    assert_eq!(published[0], published[1], "what is sealed to a key of one is opened by the other");

    let (device, begun) = (ClientKey::new(), device_bound::sign_in(&one));
    let proof = device_bound::registration(&device, &begun);
    let session = device_bound::bound(&device_bound::register(&other, &begun, &proof));
    assert_eq!(device_bound::register(&one, &begun, &proof).status(), 401, "once a session");
    assert!(device_bound::is_let_in(&one, &session.cookie));
    one.expect(204, &Request::new("DELETE", "/dbsc").with("Cookie", &session.cookie));
    assert!(!device_bound::is_let_in(&other, &session.cookie));

    let cookies = ["s-1", "s-2"].map(|session| oidc::sign_in(&one, "emma", session));
    assert!(cookies.iter().all(|cookie| oidc::is_signed_in(&other, cookie)));
    assert_eq!(oidc::log_out(&other, "j-1", &json!({ "sid": "s-1" })).status(), 200);
    assert_eq!(cookies.each_ref().map(|cookie| oidc::is_signed_in(&one, cookie)), [false, true]);
    assert_eq!(oidc::log_out(&one, "j-1", &json!({ "sid": "s-2" })).status(), 400, "once, wherever");
}

#[test]
fn while_redis_is_gone_nobody_passes_and_nobody_is_refused() {
    let (server, [one, other]) = two();
    one.expect(200, &hawk());
    let token = device_bound::sign_in(&one);
    for round in 0..2 {
        if round == 0 {
            server.kill()
        } else {
            server.pause()
        }
        for request in [hawk(), Request::get("/oidc").with("Cookie", "oidc_session=x"), Request::get("/")] {
            let response = other.ask(&request);
            if response.status() != 503 {
                // What needs no Redis, or is refused without it.
                assert!(!request.bytes().starts_with(b"GET /hawk"), "{}", response.text());
                continue;
            }
            let wait: u32 = response.field("retry-after").unwrap().parse().unwrap();
            assert!(wait > 0 && response.fields("www-authenticate").next().is_none());
        }
        one.expect(200, &Request::get("/"));
        if round == 0 {
            server.begin()
        } else {
            server.resume()
        }
        // The first to come may find the old connection.
        let _ = other.ask(&hawk());
        other.expect(200, &hawk());
    }
    let key = ClientKey::new();
    let bound = device_bound::register(&other, &token, &device_bound::registration(&key, &token));
    assert_eq!(bound.status(), 200, "what was acknowledged is not lost: {}", bound.text());
}
