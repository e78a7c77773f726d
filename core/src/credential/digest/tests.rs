//! The vectors of RFC 7616, and what others let through.

use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use super::*;
use crate::{
    Gate, KeyRing, Secret, Verified,
    adapter::Verdict,
    response::Rejection,
    store::{MemoryCounts, MemorySecrets, StoredSecret},
    testing::{ManualClock, PlainHead},
    verifier::{Secrets, SignedBy},
};

const PASSWORD: &str = "Circle of Life";

struct House {
    gate: Gate<&'static str>,
    clock: Arc<ManualClock>,
    nonces: Nonces,
    counts: Arc<MemoryCounts>,
    opaque: String,
}

fn house_of(change: impl FnOnce(Digest) -> Digest) -> House {
    let clock = Arc::new(ManualClock::at(UNIX_EPOCH + Duration::from_secs(1_700_000_000)));
    let nonces = Nonces::of("digest", KeyRing::random()).timed_by(clock.clone());
    let counts = Arc::new(MemoryCounts::default().timed_by(clock.clone()));
    let kind =
        Digest::in_realm("house", nonces.clone(), counts.clone()).by([DigestAlgorithm::Sha256, DigestAlgorithm::Md5]);
    let kind = change(kind);
    let opaque = kind.opaque().to_owned();
    let stored = |secret: &str, who| StoredSecret::new(Secret::new(secret), Verified::new(who));
    let hashed = Digest::hashed_name(DigestAlgorithm::Sha256, "house", "Jäsøn Doe");
    let known = MemorySecrets::new()
        .with("Mufasa", stored(PASSWORD, "Mufasa"))
        .with("a, \"b\"", stored(PASSWORD, "quoted"))
        .with("Jäsøn Doe", stored("Secret, or not?", "Jäsøn"))
        .with("nobody", stored("", "nobody"))
        .with(&hashed, stored("Jäsøn Doe:Secret, or not?", "Jäsøn"));
    let gate = Gate::in_realm("house")
        .accept(kind, SignedBy::secrets(Secrets::in_store(known).without_throttle()))
        .timed_by(clock.clone())
        .build()
        .unwrap();
    House { gate, clock, nonces, counts, opaque }
}

fn house() -> House {
    house_of(|kind| kind)
}

impl House {
    fn answer(&self, name: &str) -> DigestAnswer {
        DigestClient::named(name).answer("house", &self.nonces.hand_out()).with_opaque(&self.opaque)
    }

    async fn asks(
        &self,
        method: &str,
        target: &str,
        authorization: &str,
        body: &[u8],
    ) -> Result<&'static str, Rejection> {
        let head = PlainHead::new(method, target).with("authorization", authorization).with_body(body);
        match head.received_by(&self.gate).verdict_at(&self.gate).await {
            Verdict::Admitted(grant) => Ok(*grant),
            Verdict::Rejected(rejection) => Err(rejection),
            Verdict::Anonymous => unreachable!("nobody in particular"),
        }
    }

    async fn status(&self, authorization: &str) -> u16 {
        self.asks("GET", "/a?b", authorization, b"").await.err().map_or(200, |rejection| rejection.status())
    }
}

fn challenges(rejection: &Rejection) -> Vec<String> {
    rejection.challenges().iter().map(ToString::to_string).collect()
}

fn password() -> Secret {
    Secret::new(PASSWORD)
}

#[test]
fn the_vectors_of_the_rfcs_hold() {
    let rfc_7616 = ("7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ");
    let rows = [
        (DigestAlgorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
        (DigestAlgorithm::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        (DigestAlgorithm::Sha256Sess, "2fd51b3a77ad75bad6afad6003e818d767133c46d9e2749e7f5232ae1ea3efd7"),
        (DigestAlgorithm::Sha512_256, "430d05014cecc49cab6fbe03176d41a1da86cbfe24a16580e22aaad928d960d0"),
    ];
    for (algorithm, response) in rows {
        let made = DigestClient::named("Mufasa")
            .answer("http-auth@example.org", rfc_7616.0)
            .with_cnonce(rfc_7616.1)
            .by(algorithm)
            .authorization("GET", "/dir/index.html", &password());
        assert!(made.contains(&format!("response=\"{response}\"")), "{algorithm:?}");
    }
    let made = DigestClient::named("Mufasa")
        .answer("testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093")
        .with_cnonce("0a4f113b")
        .by(DigestAlgorithm::Md5)
        .authorization("GET", "/dir/index.html", &Secret::new("Circle Of Life"));
    assert!(made.contains("response=\"6629fae49393a05397450978507c4ef1\""));
    let hashed = Digest::hashed_name(DigestAlgorithm::Sha512_256, "api@example.org", "Jäsøn Doe");
    assert_eq!(hashed, "userhash:SHA-512-256:793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b");
}

#[tokio::test]
async fn each_challenge_has_a_field_of_its_own_the_strongest_first() {
    let house = house();
    let refused = house.asks("GET", "/", "Bearer x", b"").await.unwrap_err();
    let said = challenges(&refused);
    assert_eq!(said.len(), 2);
    for (said, algorithm) in said.iter().zip(["SHA-256", "MD5"]) {
        let begins = format!("Digest realm=\"house\", qop=\"auth, auth-int\", algorithm={algorithm}, nonce=\"");
        assert!(said.starts_with(&begins) && said.ends_with(", charset=UTF-8") && !said.contains("stale"), "{said}");
    }
}

fn parameter(authorization: &str, name: &str) -> String {
    let (_, rest) = authorization.split_once(&format!(" {name}=\"")).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn right_answers_pass_by_each_algorithm() {
    use DigestAlgorithm::{Md5, Md5Sess, Sha256, Sha256Sess, Sha512_256, Sha512_256Sess};
    for algorithm in [Md5, Md5Sess, Sha256, Sha256Sess, Sha512_256, Sha512_256Sess] {
        let house = house_of(|kind| kind.by([algorithm]));
        let answer = house.answer("Mufasa").by(algorithm);
        assert_eq!(house.status(&answer.authorization("GET", "/a?b", &password())).await, 200, "{algorithm:?}");
        // Not the key of the first nonce, and not another algorithm than was offered.
        let other = house.answer("Mufasa").by(if algorithm == Md5 { Sha256 } else { Md5 });
        assert_eq!(house.status(&other.authorization("GET", "/a?b", &password())).await, 401, "{algorithm:?}");
        // The key of a session is made of the nonce that is sent, and not kept from an earlier one.
        let spent = parameter(&answer.authorization("GET", "/a?b", &password()), "nonce");
        let fresh = house.answer("Mufasa").by(algorithm).with_cnonce("c").authorization("GET", "/a?b", &password());
        let hash = |parts: &[&str]| algorithm.hash(&parts.iter().map(|part| part.as_bytes()).collect::<Vec<_>>());
        let key = |nonce: &str| match algorithm {
            Md5 | Sha256 | Sha512_256 => hash(&["Mufasa", "house", PASSWORD]),
            _ => hash(&[&hash(&["Mufasa", "house", PASSWORD]), nonce, "c"]),
        };
        let nonce = parameter(&fresh, "nonce");
        let response = |key: &str| hash(&[key, &nonce, "00000001", "c", "auth", &hash(&["GET", "/a?b"])]);
        let sent = parameter(&fresh, "response");
        assert_eq!(sent, response(&key(&nonce)), "{algorithm:?}");
        if key(&spent) != key(&nonce) {
            let by_the_kept_key = fresh.replace(&sent, &response(&key(&spent)));
            assert_eq!(house.status(&by_the_kept_key).await, 401, "{algorithm:?}");
        }
        assert_eq!(house.status(&fresh).await, 200, "{algorithm:?}");
        let body = answer.clone().counted(2).authorization_of_body("POST", "/a", b"\xffbytes", &password());
        assert_eq!(house.asks("POST", "/a", &body, b"\xffbytes").await.unwrap(), "Mufasa");
        for (count, name) in [(3, algorithm.name().to_lowercase()), (4, algorithm.name().to_uppercase())] {
            let sent = answer.clone().counted(count).authorization("GET", "/a?b", &password());
            let sent = sent.replace(algorithm.name(), &name);
            assert_eq!(house.status(&sent).await, 200, "{name}");
        }
    }
}

#[tokio::test]
async fn whatever_is_changed_is_refused() {
    let house = house();
    let good = || house.answer("Mufasa").authorization("GET", "/a?b", &password());
    assert_eq!(house.status(&good()).await, 200);
    let rows: [(&str, &str, &str, u16); 27] = [
        ("another method", "", "", 401),
        ("another target", "uri=\"/a?b\"", "uri=\"/a\"", 400),
        ("the whole URL", "uri=\"/a?b\"", "uri=\"http://house/a?b\"", 400),
        ("another realm", "realm=\"house\"", "realm=\"mouse\"", 401),
        ("another opaque", "opaque=\"", "opaque=\"x", 401),
        ("no opaque", ", opaque", ", opaque2", 401),
        ("another nonce", "nonce=\"", "nonce=\"x", 401),
        ("no algorithm", "algorithm=SHA-256, ", "", 401),
        ("another algorithm", "algorithm=SHA-256", "algorithm=MD5", 401),
        ("one that was not offered", "algorithm=SHA-256", "algorithm=SHA-512-256", 401),
        ("no qop", "qop=auth, ", "", 401),
        ("an unknown qop", "qop=auth,", "qop=auth-conf,", 401),
        ("the body's qop", "qop=auth,", "qop=auth-int,", 401),
        ("no count", "nc=00000001, ", "", 401),
        ("another count", "nc=00000001", "nc=00000002", 401),
        ("no count at all", "nc=00000001", "nc=00000000", 401),
        ("a short count", "nc=00000001", "nc=1", 401),
        ("a signed count", "nc=00000001", "nc=\"+0000001\"", 401),
        ("no client's nonce", "cnonce=", "cnonce2=", 401),
        ("another client's nonce", "cnonce=\"", "cnonce=\"x", 401),
        ("another response", "response=\"", "response=\"x", 401),
        ("no response", "response=", "response2=", 401),
        ("another name", "Mufasa", "mufasa", 401),
        ("a name of the empty secret", "Mufasa", "nobody", 401),
        ("no name", "username=\"Mufasa\", ", "", 401),
        ("twice", "nc=00000001", "nc=00000001, nc=00000001", 401),
        ("a hash of the name where none is offered", "nc=00000001", "nc=00000001, userhash=true", 401),
    ];
    for (what, from, to, status) in rows {
        let answer = match from {
            "" => house.answer("Mufasa").authorization("POST", "/a?b", &password()),
            _ => good().replacen(from, to, 1),
        };
        let refused = house.asks("GET", "/a?b", &answer, b"").await.expect_err(what);
        assert_eq!(refused.status(), status, "{what}");
        assert!(challenges(&refused).iter().all(|said| !said.contains("stale")), "{what}");
    }
    for name in ["nobody", "unknown"] {
        let empty = house.answer(name).authorization("GET", "/a?b", &Secret::new(""));
        assert_eq!(house.status(&empty).await, 401, "{name} has no secret");
    }
    let upper = good().replace("response=\"", "response=\"\u{0}");
    let (front, response) = upper.split_once('\u{0}').unwrap();
    assert_eq!(house.status(&format!("{front}{}", response.to_uppercase())).await, 401, "one spelling");
    // Right but for what is not ours: whoever believes the client's word lets these in.
    let client = || DigestClient::named("Mufasa");
    let of_others = Nonces::of("digest", KeyRing::random()).timed_by(house.clock.clone()).hand_out();
    let hash =
        |parts: &[&str]| DigestAlgorithm::Sha256.hash(&parts.iter().map(|part| part.as_bytes()).collect::<Vec<_>>());
    let nonce = house.nonces.hand_out();
    let of_old = hash(&[&hash(&["Mufasa", "house", PASSWORD]), &nonce, &hash(&["GET", "/a?b"])]);
    let (realm, opaque) = ("realm=\"house\"", format!("opaque=\"{}\"", house.opaque));
    let made = |answer: DigestAnswer, target: &str| {
        answer.with_opaque(&house.opaque).authorization("GET", target, &password())
    };
    for (what, sent, status) in [
        ("a nonce of its own", made(client().answer("house", "of-my-own"), "/a?b"), 401),
        ("a nonce of another server", made(client().answer("house", &of_others), "/a?b"), 401),
        ("a realm of its own", made(client().answer("mouse", &nonce), "/a?b"), 401),
        ("for another target", made(client().answer("house", &nonce), "/a"), 400),
        ("for a target of another spelling", made(client().answer("house", &nonce), "/%61?b"), 400),
        (
            "as RFC 2069 has it",
            format!(
                "Digest username=\"Mufasa\", {realm}, nonce=\"{nonce}\", uri=\"/a?b\", algorithm=SHA-256, response=\"{of_old}\", {opaque}"
            ),
            401,
        ),
    ] {
        assert_eq!(house.status(&sent).await, status, "{what}");
    }
    assert_eq!(house.counts.held(), 1, "the right one's nonce, and nothing of what was refused");
    assert_eq!(house.status(&made(client().answer("house", &nonce), "/a?b")).await, 200);
}

#[tokio::test]
async fn a_count_passes_once_near_the_highest_and_is_never_called_stale() {
    let house = house();
    let answer = house.answer("Mufasa");
    for (count, status) in [(1, 200), (1, 401), (70, 200), (3, 401), (6, 200), (6, 401), (5, 401)] {
        let sent = answer.clone().counted(count).authorization("GET", "/a?b", &password());
        let outcome = house.asks("GET", "/a?b", &sent, b"").await;
        assert_eq!(outcome.as_ref().err().map_or(200, Rejection::status), status, "{count}");
        assert!(outcome.err().iter().flat_map(challenges).all(|said| !said.contains("stale")));
    }
    // What was refused before has spent nothing.
    let wrong = answer.clone().counted(71).authorization("GET", "/a?b", &Secret::new("wrong"));
    assert_eq!(house.status(&wrong).await, 401);
    assert_eq!(house.status(&answer.counted(71).authorization("GET", "/a?b", &password())).await, 200);
    assert_eq!(house.counts.held(), 1);
}

#[tokio::test]
async fn only_a_right_answer_learns_that_its_nonce_is_stale() {
    let house = house();
    let answer = house.answer("Mufasa");
    house.clock.advance(Duration::from_secs(300));
    for (secret, is_told) in [(PASSWORD, true), ("wrong", false)] {
        let sent = answer.authorization("GET", "/a?b", &Secret::new(secret));
        let refused = house.asks("GET", "/a?b", &sent, b"").await.unwrap_err();
        let said = challenges(&refused);
        assert_eq!((refused.status(), said.len()), (401, 2));
        assert!(said.iter().all(|said| said.contains(", stale=true") == is_told), "{said:?}");
        assert!(said.iter().all(|said| !said.contains("stale=\"")), "a token");
    }
    let body = answer.authorization_of_body("POST", "/a?b", b"x", &password());
    for (sent, is_told) in [(&b"x"[..], true), (b"y", false)] {
        let refused = house.asks("POST", "/a?b", &body, sent).await.unwrap_err();
        assert_eq!(challenges(&refused).iter().all(|said| said.contains("stale=true")), is_told);
    }
    assert_eq!(house.counts.held(), 0, "what is stale is not counted");
}

#[tokio::test]
async fn the_counts_of_a_nonce_are_remembered_for_its_life() {
    let house = house();
    let answer = house.answer("Mufasa");
    let first = answer.authorization("GET", "/a?b", &password());
    let wrong = answer.authorization("GET", "/a?b", &Secret::new("wrong"));
    for (seconds, sent, status, held) in
        [(0, &wrong, 401, 0), (0, &first, 200, 1), (299, &first, 401, 1), (0, &wrong, 401, 1)]
    {
        house.clock.advance(Duration::from_secs(seconds));
        assert_eq!(house.status(sent).await, status);
        assert_eq!(house.counts.held(), held);
    }
    // Past it the nonce is stale, and makes way when the next one comes.
    house.clock.advance(Duration::from_secs(1));
    let stale = house.asks("GET", "/a?b", &first, b"").await.unwrap_err();
    assert!(challenges(&stale).iter().all(|said| said.contains("stale=true")));
    let next = house.answer("Mufasa").authorization("GET", "/a?b", &password());
    assert_eq!(house.status(&next).await, 200);
    assert_eq!(house.counts.held(), 1);
}

#[tokio::test]
async fn a_covered_body_counts_byte_for_byte_and_is_read_for_nothing_else() {
    let house = house();
    let sent = house.answer("Mufasa").authorization_of_body("POST", "/a", b"body", &password());
    assert_eq!(house.asks("POST", "/a", &sent, b"bodY").await.unwrap_err().status(), 401);
    assert_eq!(house.asks("POST", "/a", &sent, b"body").await.unwrap(), "Mufasa");
    let as_auth = house.answer("Mufasa").authorization_of_body("POST", "/a", b"", &password());
    let as_auth = as_auth.replace("qop=auth-int", "qop=auth");
    assert_eq!(house.asks("POST", "/a", &as_auth, b"").await.unwrap_err().status(), 401);
    let long = vec![b'x'; 64 * 1024 + 1];
    let right = house.answer("Mufasa").authorization_of_body("POST", "/a", &long, &password());
    assert_eq!(house.asks("POST", "/a", &right, &long).await.unwrap_err().status(), 413);
    for wrong in [right.replace("Mufasa", "mufasa"), right.replace("nonce=\"", "nonce=\"x")] {
        assert_eq!(house.asks("POST", "/a", &wrong, &long).await.unwrap_err().status(), 401);
    }
    let uncovered = house.answer("Mufasa").authorization("POST", "/a", &password());
    assert_eq!(house.asks("POST", "/a", &uncovered, &long).await.unwrap(), "Mufasa");
}

#[tokio::test]
async fn names_come_quoted_extended_and_hashed() {
    let house = house_of(|kind| kind.by([DigestAlgorithm::Sha256]).with_user_hash());
    let secret = Secret::new("Secret, or not?");
    let of_jason = || house.answer("Jäsøn Doe").authorization("GET", "/a?b", &secret);
    let quoted = house.answer("a, \"b\"").authorization("GET", "/a?b", &password());
    assert_eq!(house.asks("GET", "/a?b", &quoted, b"").await.unwrap(), "quoted");
    let hash = DigestAlgorithm::Sha256.hash(&["Jäsøn Doe".as_bytes(), b"house"]);
    let plain = "username=\"Jäsøn Doe\"";
    for (named, status) in [
        (plain.to_owned(), 200),
        ("username*=UTF-8''J%C3%A4s%C3%B8n%20Doe".to_owned(), 200),
        ("username*=utf-8'de'J%c3%a4s%c3%b8n%20Doe".to_owned(), 200),
        ("username*=ISO-8859-1''J%E4s%F8n%20Doe".to_owned(), 401),
        ("username*=UTF-8''J%E4s%F8n%20Doe".to_owned(), 401),
        ("username*=\"UTF-8''J%C3%A4s%C3%B8n Doe\"".to_owned(), 401),
        ("username*=J%C3%A4s%C3%B8n%20Doe".to_owned(), 401),
        (format!("{plain}, username*=UTF-8''J%C3%A4s%C3%B8n%20Doe"), 401),
        (format!("username=\"{hash}\", userhash=true"), 200),
        (format!("username=\"{hash}\", userhash=false"), 401),
        (format!("username=\"{hash}\""), 401),
        (format!("username=\"userhash:SHA-256:{hash}\""), 401),
        (format!("{plain}, userhash=true"), 401),
        (format!("{plain}, userhash=false"), 200),
        (format!("{plain}, userhash=maybe"), 401),
        ("username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, userhash=true".to_owned(), 401),
    ] {
        assert_eq!(house.status(&of_jason().replace(plain, &named)).await, status, "{named}");
    }
}

#[tokio::test]
async fn the_server_proves_that_it_knows_the_password_too() {
    let house = house();
    let answer = house.answer("Mufasa").with_cnonce("a\"b\\c");
    let sent = answer.authorization("GET", "/a?b", &password());
    let head = PlainHead::get("/a?b").with("authorization", sent.clone()).received_by(&house.gate);
    assert!(matches!(head.verdict_at(&house.gate).await, Verdict::Admitted(_)));
    // As RFC 7616 §3.5 computes it: the method is empty.
    let hash = |parts: &[&str]| {
        let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
        DigestAlgorithm::Sha256.hash(&parts)
    };
    let nonce = sent.split("nonce=\"").nth(1).unwrap().split('"').next().unwrap();
    let key = hash(&["Mufasa", "house", PASSWORD]);
    let proof = hash(&[&key, nonce, "00000001", "a\"b\\c", "auth", &hash(&["", "/a?b"])]);
    let field = format!("qop=auth, rspauth=\"{proof}\", cnonce=\"a\\\"b\\\\c\", nc=00000001");
    let fields: Vec<_> =
        head.exchange().unwrap().marks().fields().map(|(name, value)| (name, value.to_owned())).collect();
    assert_eq!(fields, [("authentication-info", field)]);
}

#[tokio::test]
async fn a_store_may_hold_hashes_of_one_realm() {
    let clock = Arc::new(ManualClock::at(UNIX_EPOCH + Duration::from_secs(1_700_000_000)));
    let nonces = Nonces::of("digest", KeyRing::random()).timed_by(clock.clone());
    let counts = || Arc::new(MemoryCounts::default().timed_by(clock.clone()));
    let kind = || Digest::in_realm("house", nonces.clone(), counts()).holding_hashes();
    let hash = Digest::hash(DigestAlgorithm::Sha256, "house", "Mufasa", &password());
    let known = || MemorySecrets::new().with("Mufasa", StoredSecret::new(hash.clone(), Verified::new("Mufasa")));
    let verifier = || SignedBy::secrets(Secrets::in_store(known()).without_throttle());
    let gate = Gate::in_realm("house").accept(kind(), verifier()).timed_by(clock.clone()).build().unwrap();
    let answer = DigestClient::named("Mufasa").answer("house", &nonces.hand_out()).with_opaque(kind().opaque());
    let head = PlainHead::get("/").with("authorization", answer.authorization("GET", "/", &password()));
    assert!(matches!(head.received_by(&gate).verdict_at(&gate).await, Verdict::Admitted(_)));
    for (algorithms, fault) in [
        (vec![], "Digest without an algorithm"),
        (vec![DigestAlgorithm::Md5, DigestAlgorithm::Sha256], "Digest by several hashes"),
    ] {
        let built = Gate::in_realm("house").accept(kind().by(algorithms), verifier()).timed_by(clock.clone()).build();
        assert!(built.unwrap_err().to_string().contains(fault));
    }
}
