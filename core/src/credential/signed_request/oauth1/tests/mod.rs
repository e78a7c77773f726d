//! RFC 5849's own examples, and what others let through.

#[cfg(feature = "jwt")]
mod rsa;

use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::{
    Bearer, Gate, Verified,
    adapter::Verdict,
    response::Rejection,
    store::{MemoryReplay, MemorySecrets, StoredSecret},
    testing::{ManualClock, PlainHead},
    verifier::{Secrets, SignedBy, TokenTable},
};

const TIME: u64 = 1_700_000_000;
const CONSUMER: &str = "dpf43f3p2l4k3l03";
const TOKEN: &str = "nnch734d00sl2jdk";
const FORM: &str = "application/x-www-form-urlencoded";

fn at(seconds: u64) -> SharedClock {
    Arc::new(ManualClock::at(UNIX_EPOCH + Duration::from_secs(seconds)))
}

fn key_of(consumer: &str, token: &str) -> Secret {
    OAuth1::key(&Secret::new(consumer), &Secret::new(token))
}

fn key() -> Secret {
    key_of("kd94hf93k423kf44", "pfkkdhi9sl3r4s00")
}

fn signer() -> OAuth1Signer {
    OAuth1Signer::new(CONSUMER, key()).with_token(TOKEN)
}

struct House {
    gate: Gate<&'static str>,
    replay: Arc<MemoryReplay>,
}

fn house_at(time: u64) -> House {
    let stored = |key: Secret, who| StoredSecret::new(key, Verified::new(who));
    let known = MemorySecrets::new()
        .with(&OAuth1::signer(CONSUMER, Some(TOKEN)), stored(key(), "emma"))
        .with(&OAuth1::signer(CONSUMER, None), stored(key_of("kd94hf93k423kf44", ""), "emily"))
        .with(&OAuth1::signer("0685bd9184jfhq22", None), stored(key_of("s&cr=t%2F +ü", ""), "bob"));
    house_of(known, time)
}

fn house_of(known: MemorySecrets<&'static str>, time: u64) -> House {
    let clock = at(time);
    let replay = Arc::new(MemoryReplay::default().timed_by(clock.clone()));
    let verifier = SignedBy::secrets(Secrets::in_store(known).without_throttle());
    let kind = OAuth1::new(replay.clone()).timed_by(clock.clone());
    let gate = Gate::in_realm("house").accept(kind, verifier).timed_by(clock).build().unwrap();
    House { gate, replay }
}

fn house() -> House {
    house_at(TIME)
}

impl House {
    async fn asks(&self, head: PlainHead) -> Result<&'static str, Rejection> {
        match head.received_by(&self.gate).verdict_at(&self.gate).await {
            Verdict::Admitted(grant) => Ok(*grant),
            Verdict::Rejected(rejection) => Err(rejection),
            Verdict::Anonymous => unreachable!("nobody in particular"),
        }
    }

    async fn status(&self, head: PlainHead) -> u16 {
        self.asks(head).await.err().map_or(200, |rejection| rejection.status())
    }
}

fn get(target: &str, authorization: &str) -> PlainHead {
    PlainHead::get(target).with("host", "example.com").with("authorization", authorization)
}

#[test]
fn the_base_string_and_the_signatures_of_the_rfc_hold() {
    let pair = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
    let of_field = [
        ("oauth_consumer_key", CONSUMER),
        ("oauth_token", TOKEN),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "7d8f3e4a"),
    ];
    let of_field = of_field.map(|(name, value)| pair(name, value));
    let query: Vec<_> = base::form_pairs(b"b5=%3D%253D&a3=a&c%40=&a2=r%20b").collect();
    let form: Vec<_> = base::form_pairs(b"c2&a3=2+q").collect();
    let all: Vec<_> = of_field.iter().chain(&query).chain(&form).cloned().collect();
    let text = base::text("post", "http://example.com/oauth1", all.iter());
    let expected = "POST&http%3A%2F%2Fexample.com%2Foauth1&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3Ddpf43f3p2l4k3l03%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dnnch734d00sl2jdk";
    assert_eq!(text, expected);
    use base64::{Engine, engine::general_purpose::STANDARD};
    assert_eq!(STANDARD.encode(base::Method::HmacSha1.mac(&key(), &text)), "yewu4vELRjC3pP3als/ht8y999o=");
    // The request for the photo of §1.2.
    let photo = "http://photos.example.net/photos?file=vacation.jpg&size=original";
    let made = signer().with_nonce("chapoH").authorization("GET", photo, &at(137_131_202));
    assert!(made.contains("oauth_signature=\"MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D\""), "{made}");
}

#[tokio::test]
async fn right_requests_pass_once_by_consumer_token_time_and_nonce() {
    let house = house();
    let url = "http://example.com/oauth1?a=1+2&b=%2B";
    let made = |signer: OAuth1Signer| signer.with_nonce("n").authorization("GET", url, &at(TIME));
    let two_legged = || OAuth1Signer::new(CONSUMER, key_of("kd94hf93k423kf44", ""));
    let other = || OAuth1Signer::new("0685bd9184jfhq22", key_of("s&cr=t%2F +ü", ""));
    for (who, authorization) in
        [("emma", made(signer())), ("emily", made(two_legged())), ("bob", made(other().by_sha256()))]
    {
        assert_eq!(house.asks(get("/oauth1?b=%2b&a=1%202", &authorization)).await.unwrap(), who);
        assert_eq!(house.status(get("/oauth1?a=1+2&b=%2B", &authorization)).await, 401, "a copy for {who}");
    }
    assert_eq!(house.replay.held(), 3);
    let empty = OAuth1Signer::new(CONSUMER, key_of("kd94hf93k423kf44", "")).with_token("");
    let empty = empty.with_nonce("m").authorization("GET", url, &at(TIME));
    assert_eq!(house.asks(get("/oauth1?a=1+2&b=%2B", &empty)).await.unwrap(), "emily", "an empty token is none");
}

#[tokio::test]
async fn whatever_is_changed_is_refused() {
    let house = house();
    let good = signer().authorization("GET", "http://example.com/oauth1?a=1", &at(TIME));
    let rows = [
        ("HMAC-SHA1", "HMAC-SHA256"),
        ("HMAC-SHA1", "PLAINTEXT"),
        ("HMAC-SHA1", "RSA-SHA1"),
        ("HMAC-SHA1", "hmac-sha1"),
        (CONSUMER, "0685bd9184jfhq22"),
        (TOKEN, "another"),
        ("\"1700000000\"", "\"1700000001\""),
        ("\"1700000000\"", "\"now\""),
        ("oauth_nonce=\"", "oauth_nonce=\"x"),
        ("oauth_nonce=\"", "oauth_nonce=\"\", x=\""),
        ("oauth_nonce", "x"),
        ("oauth_signature=\"", "oauth_signature=\"A"),
        ("oauth_signature=", "x="),
        ("oauth_signature_method", "oauth_method"),
        ("oauth_timestamp", "oauth_time"),
        ("oauth_consumer_key", "oauth_key"),
        ("OAuth ", "OAuth x=\"1\", "),
        ("OAuth ", "OAuth oauth_version=\"1.0\", "),
        ("OAuth ", "OAuth oauth%5Fnonce=\"2\", "),
        ("OAuth ", "OAuth oauth_body_hash=\"x\", "),
    ];
    for (from, to) in rows {
        let sent = good.replacen(from, to, 1);
        assert_ne!(sent, good, "{from}");
        assert_eq!(house.status(get("/oauth1?a=1", &sent)).await, 401, "{to}");
    }
    for target in ["/oauth1", "/oauth1?a=2", "/oauth1?a=1&b=2", "/oauth2?a=1", "/oauth1?A=1", "/oauth1/?a=1"] {
        assert_eq!(house.status(get(target, &good)).await, 401, "{target}");
    }
    assert_eq!(house.status(get("/oauth1?a=1&oauth_x=1", &good)).await, 400, "in two places");
    let head = PlainHead::new("POST", "/oauth1?a=1").with("host", "example.com").with("authorization", &good);
    assert_eq!(house.status(head).await, 401, "another method");
    let (front, _) = good.split_once("oauth_signature=\"").unwrap();
    let plain = format!("{front}oauth_signature=\"kd94hf93k423kf44%26pfkkdhi9sl3r4s00\"");
    for method in ["PLAINTEXT", "HMAC-SHA1"] {
        let sent = plain.replace("HMAC-SHA1", method);
        assert_eq!(house.status(get("/oauth1?a=1", &sent)).await, 401, "the key itself, as {method}");
    }
    // A plus is a plus in the field, and a space in the query alone.
    let of_space = signer().with_nonce("a b").authorization("GET", "http://example.com/oauth1?a=1", &at(TIME));
    assert_eq!(house.status(get("/oauth1?a=1", &of_space.replace("a%20b", "a+b"))).await, 401);
    for (host, status) in [("example.org", 401), ("example.com:8080", 401), ("x@example.com", 400)] {
        let head = PlainHead::get("/oauth1?a=1").with("host", host).with("authorization", &good);
        assert_eq!(house.status(head).await, status, "{host}");
    }
    assert_eq!(house.replay.held(), 0, "nothing of it is remembered");
    let realm = good.replace("OAuth ", "OAuth realm=\"whatever\", ");
    let head = PlainHead::get("/oauth1?a=1").with("host", "EXAMPLE.com:80").with("authorization", realm);
    assert_eq!(house.status(head).await, 200, "realm, the host's case and the default port count for nothing");
    let versioned = signer().with("oauth_version", "1.0").authorization("GET", "http://example.com/", &at(TIME));
    assert_eq!(house.status(get("/", &versioned)).await, 200);
    let versioned = signer().with("oauth_version", "1.1").authorization("GET", "http://example.com/", &at(TIME));
    assert_eq!(house.status(get("/", &versioned)).await, 401);
    // A realm of the query is a parameter like any other.
    let with_realm = signer().authorization("GET", "http://example.com/?realm=x", &at(TIME));
    assert_eq!(house.status(get("/?realm=y", &with_realm)).await, 401);
    assert_eq!(house.status(get("/", &with_realm)).await, 401);
    assert_eq!(house.status(get("/?realm=x", &with_realm)).await, 200);
}

#[tokio::test]
async fn a_time_is_near() {
    let made = signer().authorization("GET", "http://example.com/", &at(TIME));
    for (moved, status) in [(300, 200), (301, 401), (-300, 200), (-301, 401)] {
        let house = house_at(TIME.checked_add_signed(moved).unwrap());
        assert_eq!(house.status(get("/", &made)).await, status, "{moved}");
    }
}

#[tokio::test]
async fn a_form_is_signed_and_any_other_body_is_hashed() {
    let house = house();
    let url = "http://example.com/oauth1";
    let post = |content_type: &str, authorization: &str, body: &str| {
        let head = PlainHead::new("POST", "/oauth1").with("host", "example.com").with("authorization", authorization);
        house.status(head.with("content-type", content_type).with_body(body))
    };
    let form = || signer().authorization_of_form("POST", url, b"c2&a3=2+q", &at(TIME));
    assert_eq!(post(FORM, &form(), "c2=&a3=2%20q").await, 200);
    assert_eq!(post("Application/X-WWW-Form-Urlencoded; charset=utf-8", &form(), "c2&a3=2+q").await, 200);
    assert_eq!(post(FORM, &form(), "c2&a3=2+r").await, 401);
    assert_eq!(post(FORM, &form(), "").await, 401);
    assert_eq!(post("text/plain", &form(), "c2&a3=2+q").await, 401);
    assert_eq!(post(FORM, &form(), "c2&a3=2+q&oauth_x=1").await, 400, "in two places");
    let plain = || signer().authorization("POST", url, &at(TIME));
    assert_eq!(post("application/json", &plain(), "{}").await, 401, "no hash");
    assert_eq!(post("application/json", &plain(), "").await, 200);
    use base64::{Engine, engine::general_purpose::STANDARD};
    let hashed = |hash: &[u8]| signer().with("oauth_body_hash", &STANDARD.encode(hash));
    let by_sha1 = || hashed(&sha1(b"{}")).authorization("POST", url, &at(TIME));
    assert_eq!(post("application/json", &by_sha1(), "{ }").await, 401);
    assert_eq!(post("application/json", &by_sha1(), "{}").await, 200);
    let by_sha256 = hashed(&sha256(b"{}"));
    let wrong_hash = by_sha256.clone().authorization("POST", url, &at(TIME));
    assert_eq!(post("application/json", &wrong_hash, "{}").await, 401);
    let right_hash = by_sha256.by_sha256().authorization("POST", url, &at(TIME));
    assert_eq!(post("application/json", &right_hash, "{}").await, 200);
    let form_with_hash = hashed(&sha1(b"a=1")).authorization_of_form("POST", url, b"a=1", &at(TIME));
    assert_eq!(post(FORM, &form_with_hash, "a=1").await, 401);
    let long = "x".repeat(64 * 1024 + 1);
    let of_long = hashed(&sha1(long.as_bytes())).authorization("POST", url, &at(TIME));
    assert_eq!(post("text/plain", &of_long, &long).await, 413);
    assert_eq!(post("text/plain", &of_long.replace(CONSUMER, "another"), &long).await, 401);
    let of_form = signer().authorization_of_form("POST", url, long.as_bytes(), &at(TIME));
    assert_eq!(post(FORM, &of_form, &long).await, 413);
    assert_eq!(post(FORM, &of_form.replace(CONSUMER, "another"), &long).await, 401);
}

/// Moves the parameters of a field into a form.
fn as_form(authorization: &str) -> String {
    let parameters = authorization.strip_prefix("OAuth ").unwrap();
    parameters.split(", ").map(|pair| pair.replace('"', "")).collect::<Vec<_>>().join("&")
}

#[tokio::test]
async fn parameters_stand_in_the_query_or_the_form_too() {
    let house = house();
    let query = as_form(&signer().authorization("GET", "http://example.com/oauth1?a=1", &at(TIME)));
    let head = PlainHead::get(&format!("/oauth1?a=1&{query}")).with("host", "example.com").received_by(&house.gate);
    assert!(matches!(head.verdict_at(&house.gate).await, Verdict::Admitted(_)));
    let marks = head.exchange().unwrap().marks();
    assert!(marks.is_private() && marks.no_referrer());
    drop(marks);
    assert_eq!(house.status(PlainHead::get(&format!("/oauth1?a=1&{query}")).with("host", "example.com")).await, 401);

    let post = |target: &str, body: &str| {
        let head = PlainHead::new("POST", target).with("host", "example.com").with("content-type", FORM);
        head.with_body(body)
    };
    let made = |body: &[u8]| {
        as_form(&signer().authorization_of_form("POST", "http://example.com/oauth1?b=2", body, &at(TIME)))
    };
    assert_eq!(house.status(post("/oauth1?b=2", &format!("a=1&{}", made(b"a=1")))).await, 200);
    assert_eq!(house.status(post("/oauth1?b=2", &format!("a=2&{}", made(b"a=1")))).await, 401);
    assert_eq!(house.status(post("/oauth1?b=3", &format!("a=1&{}", made(b"a=1")))).await, 401);
    assert_eq!(house.status(post("/oauth1", "a=1")).await, 401);
    assert_eq!(house.status(post("/oauth1", "")).await, 401);
    let twice = made(b"a=1");
    assert_eq!(house.status(post("/oauth1?b=2", &format!("a=1&{twice}&oauth_nonce=x"))).await, 401);
    assert_eq!(house.status(post("/oauth1?b=2&oauth_nonce=x", &format!("a=1&{twice}"))).await, 400);
    let beside = post("/oauth1?b=2", &format!("a=1&{twice}")).with("authorization", "OAuth oauth_nonce=\"x\"");
    assert_eq!(house.status(beside).await, 400);
    assert_eq!(house.status(post("/oauth1?oauth_nonce=x", "a=1")).await, 401, "not whole");
    let json = post("/oauth1?b=2", &format!("a=1&{}", made(b"a=1")));
    assert_eq!(house.status(json.with("content-type", FORM)).await, 401, "two types");
}

#[tokio::test]
async fn a_credential_over_the_limit_is_refused_wherever_it_stands() {
    let house = house();
    let made = as_form(&signer().authorization_of_form("POST", "http://example.com/oauth1", b"", &at(TIME)));
    let long = |name: &str, length: usize| format!("{made}&{name}={}", "%41".repeat(length / 3));
    for (sent, status) in [
        (made.clone(), 200),
        (long("oauth_signature", 9_000), 431),
        (long("oauth%5Fsignature", 9_000), 431),
        (long("oauth_more", 9_000), 431),
        (long("oauth_signature", 8_000), 401),
        (long("more", 9_000), 401),
    ] {
        let head = PlainHead::new("POST", "/oauth1").with("host", "example.com").with("content-type", FORM);
        assert_eq!(house.status(head.with_body(&sent)).await, status, "in a form: {}", &sent[..40]);
        let head = PlainHead::new("POST", &format!("/oauth1?{sent}")).with("host", "example.com");
        assert_eq!(house.status(head).await, status.max(401), "in the query: {}", &sent[..40]);
    }
}

#[tokio::test]
async fn a_form_counts_as_a_credential_unless_it_is_told_not_to() {
    for (takes_forms, expected) in [(true, [400, 400, 401]), (false, [200, 401, 401])] {
        let kind = OAuth1::new(Arc::new(MemoryReplay::default()));
        let kind = if takes_forms { kind } else { kind.without_forms() };
        let none = SignedBy::secrets(Secrets::in_store(MemorySecrets::new()).without_throttle());
        let tokens = TokenTable::new().with("good", Verified::new("emily"));
        let gate = Gate::in_realm("house").accept(kind, none).accept(Bearer, tokens).build().unwrap();
        let post = |token: Option<&str>| {
            let head = PlainHead::new("POST", "/").with("content-type", FORM).with_body("a=1");
            token.into_iter().fold(head, |head, token| head.with("authorization", format!("Bearer {token}")))
        };
        for (token, expected) in [Some("good"), Some("bad"), None].into_iter().zip(expected) {
            let status = match post(token).received_by(&gate).verdict_at(&gate).await {
                Verdict::Rejected(rejection) => rejection.status(),
                _ => 200,
            };
            assert_eq!(status, expected, "{takes_forms} {token:?}");
        }
    }
}
