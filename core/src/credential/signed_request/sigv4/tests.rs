//! AWS's own vector, and what others let through.

use std::time::{Duration, UNIX_EPOCH};

use super::{
    canonical::{Canonical, Scope},
    *,
};
use crate::{
    Gate, Verified,
    adapter::Verdict,
    store::{MemoryReplay, MemorySecrets, StoredSecret},
    testing::{ManualClock, PlainHead},
    verifier::{Secrets, SignedBy},
};

const HOST: &str = "example.amazonaws.com";
/// 2015-08-30T12:36:00Z
const TIME: u64 = 1_440_938_160;

fn key() -> Secret {
    Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn signer() -> SigV4Signer {
    SigV4Signer::new("AKIDEXAMPLE", key(), "us-east-1", "service")
}

struct House {
    gate: Gate<&'static str>,
    clock: Arc<ManualClock>,
    replay: Arc<MemoryReplay>,
}

fn house() -> House {
    let clock = Arc::new(ManualClock::at(at(TIME)));
    let replay = Arc::new(MemoryReplay::default().timed_by(clock.clone()));
    let known = MemorySecrets::new().with("AKIDEXAMPLE", StoredSecret::new(key(), Verified::new("emily")));
    let verifier = SignedBy::secrets(Secrets::in_store(known).without_throttle());
    let kind = SigV4::of("us-east-1", "service", replay.clone()).timed_by(clock.clone());
    let gate = Gate::in_realm("house").accept(kind, verifier).timed_by(clock.clone()).build().unwrap();
    House { gate, clock, replay }
}

impl House {
    async fn status(&self, head: PlainHead) -> u16 {
        match head.received_by(&self.gate).verdict_at(&self.gate).await {
            Verdict::Admitted(_) => 200,
            Verdict::Rejected(rejection) => rejection.status(),
            Verdict::Anonymous => unreachable!("nobody in particular"),
        }
    }
}

fn signed(method: &str, target: &str, body: &[u8]) -> PlainHead {
    let (authorization, date) = signer().authorization(method, target, HOST, body, at(TIME));
    sent(method, target, &authorization, &date).with_body(body)
}

fn sent(method: &str, target: &str, authorization: &str, date: &str) -> PlainHead {
    let head = PlainHead::new(method, target).with("host", HOST).with("x-amz-date", date);
    head.with("authorization", authorization)
}

/// Signs these fields, whose names are in order, with a body of this hash.
fn of_fields(method: &str, target: &str, fields: &[(&str, &str)], hash: &str) -> String {
    let scope = Scope { time: "20150830T123600Z".into(), region: "us-east-1".into(), service: "service".into() };
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let request = Canonical {
        method: method.to_owned(),
        path: canonical::path(path),
        query: canonical::query(query, ""),
        fields: fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    };
    let signature = request.signature(hash, &scope, &key());
    format!(
        "{ALGORITHM} Credential=AKIDEXAMPLE/{}, SignedHeaders={}, Signature={signature}",
        scope.text(),
        request.signed_names()
    )
}

#[test]
fn the_vector_of_its_test_suite_holds() {
    let made = signer().authorization("GET", "/", HOST, b"", at(TIME));
    let signature = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    let expected = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature={signature}"
    );
    assert_eq!(made, (expected, "20150830T123600Z".to_owned()));
    let fields = [("host", HOST), ("x-amz-date", "20150830T123600Z")];
    let request = Canonical {
        method: "GET".into(),
        path: "/".into(),
        query: String::new(),
        fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    };
    let hash = hex(&sha256(request.text(&hex(&sha256(b""))).as_bytes()));
    assert_eq!(hash, "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63");
}

#[test]
fn paths_and_queries_have_one_form() {
    for (sent, expected) in [
        ("/", "/"),
        ("", "/"),
        ("//", "/"),
        ("/./a//b/../c/", "/a/c/"),
        ("/..", "/"),
        ("/a/..", "/"),
        ("/a%20b", "/a%2520b"),
        ("/a b/~-_.", "/a%20b/~-_."),
        ("/a:b@c", "/a%3Ab%40c"),
    ] {
        assert_eq!(canonical::path(sent), expected, "{sent}");
    }
    for (sent, expected) in [
        ("b=2&a=1", "a=1&b=2"),
        ("a=2&a=1&a", "a=&a=1&a=2"),
        ("a=%2f%7e", "a=%2F~"),
        ("a=1+1&b=1%201&c=1%2B1", "a=1%2B1&b=1%201&c=1%2B1"),
        ("a==&&b", "a=%3D&b="),
        ("A=1&a=2&B=3", "A=1&B=3&a=2"),
        ("X-Amz-Signature=x&a=1&X-Amz-%53ignature=y", "a=1"),
    ] {
        assert_eq!(canonical::query(Some(sent), SIGNATURE), expected, "{sent}");
    }
    assert_eq!(canonical::query(None, SIGNATURE), "");
    let values: [&[u8]; 2] = [b"  a   b \t c ", b"d"];
    assert_eq!(canonical::value(values.into_iter()).unwrap(), "a b c,d");
}

#[tokio::test]
async fn whatever_is_changed_is_refused() {
    let house = house();
    let target = "/a?x=1&y=2";
    assert_eq!(house.status(signed("GET", target, b"")).await, 200);
    assert_eq!(house.status(signed("GET", target, b"")).await, 200, "GET may come again");
    let (good, date) = signer().authorization("GET", target, HOST, b"", at(TIME));
    let status = async |method: &str, target: &str, authorization: &str| {
        house.status(sent(method, target, authorization, &date)).await
    };
    assert_eq!(status("GET", "/./a//?y=2&x=1".trim(), &good).await, 401);
    assert_eq!(status("GET", "/./a?y=2&x=1", &good).await, 200, "the same in its one form");
    assert_eq!(status("HEAD", target, &good).await, 401);
    for other in ["/a?x=1", "/a?x=1&y=3", "/b?x=1&y=2", "/a?x=1&y=2&y=2", "/A?x=1&y=2"] {
        assert_eq!(status("GET", other, &good).await, 401, "{other}");
    }
    for (from, to) in [
        ("AKIDEXAMPLE", "AKIDEXAMPLF"),
        ("20150830", "20150831"),
        ("us-east-1", "us-east-2"),
        ("/service/", "/servicf/"),
        ("aws4_request", "aws4"),
        ("host;x-amz-date", "x-amz-date"),
        ("host;x-amz-date", "host"),
        ("host;x-amz-date", "x-amz-date;host"),
        ("host;x-amz-date", "host;host;x-amz-date"),
        ("host;x-amz-date", "host;x-absent;x-amz-date"),
        ("host;x-amz-date", "Host;x-amz-date"),
        ("Signature=", "Signature=0"),
        (", Signature", ", Signature=x, Signature"),
        (", Signature", ", More=x, Signature"),
        ("SignedHeaders=", "Signed="),
    ] {
        assert_eq!(status("GET", target, &good.replacen(from, to, 1)).await, 401, "{to}");
    }
    let (front, signature) = good.split_once("Signature=").unwrap();
    let upper = format!("{front}Signature={}", signature.to_uppercase());
    assert_eq!(status("GET", target, &upper).await, 401, "one spelling");
    let more = sent("GET", target, &good, &date).with("X-Amz-Target", "x");
    assert_eq!(house.status(more).await, 401, "every x-amz-* is signed");
    let other_host = PlainHead::get(target).with("host", "other.example").with("x-amz-date", &date);
    assert_eq!(house.status(other_host.with("authorization", &good)).await, 401);
    let doubled = sent("GET", target, &good, &date).with("x-amz-date", &date);
    assert_eq!(house.status(doubled).await, 401);
}

/// Each of these is signed rightly, over what it says.
#[tokio::test]
async fn what_is_signed_over_too_little_or_out_of_order_is_refused() {
    let (house, date) = (house(), "20150830T123600Z");
    let (host, dated) = (("host", HOST), ("x-amz-date", date));
    let rows: [(&[(&str, &str)], u16); 7] = [
        (&[host, dated], 200),
        (&[dated], 401),
        (&[host], 401),
        (&[host, host, dated], 401),
        (&[dated, host], 401),
        (&[host, ("x-absent", ""), dated], 401),
        (&[("Host", HOST), dated], 401),
    ];
    for (fields, status) in rows {
        let made = of_fields("GET", "/", fields, &hex(&sha256(b"")));
        assert_eq!(house.status(sent("GET", "/", &made, date)).await, status, "{fields:?}");
    }
}

/// The same of links: signed with this algorithm, life and list of names.
#[tokio::test]
async fn a_link_that_is_signed_rightly_must_say_what_links_say() {
    let house = house();
    let scope = Scope { time: "20150830T123600Z".into(), region: "us-east-1".into(), service: "service".into() };
    let hosted: &[(&str, &str)] = &[("host", HOST)];
    for (algorithm, expires, fields, status) in [
        (ALGORITHM, "60", hosted, 200),
        (ALGORITHM, "sixty", hosted, 401),
        (ALGORITHM, "-60", hosted, 401),
        (ALGORITHM, "%2B60", hosted, 401),
        (ALGORITHM, "6e1", hosted, 401),
        (ALGORITHM, "60.0", hosted, 401),
        (ALGORITHM, "", hosted, 401),
        (ALGORITHM, "18446744073709551615", hosted, 401),
        ("AWS4-HMAC-SHA1", "60", hosted, 401),
        (ALGORITHM, "60", &[], 401),
    ] {
        let credential = format!("AKIDEXAMPLE/{}", scope.text()).replace('/', "%2F");
        let names = fields.iter().map(|(name, _)| *name).collect::<String>();
        let query = format!(
            "X-Amz-Algorithm={algorithm}&X-Amz-Credential={credential}&X-Amz-Date={}&X-Amz-Expires={expires}&X-Amz-SignedHeaders={names}",
            scope.time
        );
        let request = Canonical {
            method: "GET".into(),
            path: "/".into(),
            query: canonical::query(Some(&query), SIGNATURE),
            fields: fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        };
        let signature = request.signature(UNSIGNED, &scope, &key());
        let target = format!("/?{query}&{SIGNATURE}={signature}");
        assert_eq!(house.status(PlainHead::get(&target).with("host", HOST)).await, status, "{query}");
    }
}

#[tokio::test]
async fn a_date_is_near_and_stands_where_it_is_signed() {
    for (moved, status) in [(900, 200), (901, 401), (-900, 200), (-901, 401)] {
        let house = house();
        house.clock.set_wall(at(TIME.checked_add_signed(moved).unwrap()));
        assert_eq!(house.status(signed("GET", "/", b"")).await, status, "{moved}");
    }
    let house = house();
    let nothing = hex(&sha256(b""));
    for (date, status) in [("Sun, 30 Aug 2015 12:36:00 GMT", 200), ("20150830T123600Z", 200), ("yesterday", 401)] {
        let made = of_fields("GET", "/", &[("date", date), ("host", HOST)], &nothing);
        let head = PlainHead::get("/").with("host", HOST).with("date", date).with("authorization", made);
        assert_eq!(house.status(head).await, status, "{date}");
    }
    let unsigned = of_fields("GET", "/", &[("host", HOST)], &nothing);
    let head = PlainHead::get("/").with("host", HOST).with("date", "20150830T123600Z").with("authorization", unsigned);
    assert_eq!(house.status(head).await, 401);
}

#[tokio::test]
async fn a_body_is_its_own_and_what_changes_something_passes_once() {
    let house = house();
    assert_eq!(house.status(signed("POST", "/", b"body").with_body("bodY")).await, 401);
    assert_eq!(house.replay.held(), 0);
    assert_eq!(house.status(signed("POST", "/", b"body")).await, 200);
    assert_eq!(house.status(signed("POST", "/", b"body")).await, 401, "a copy");
    let declared = |hash: &str, body: &[u8]| {
        let date = "20150830T123600Z";
        let fields = [("host", HOST), ("x-amz-content-sha256", hash), ("x-amz-date", date)];
        let made = of_fields("PUT", "/", &fields, hash);
        sent("PUT", "/", &made, date).with("x-amz-content-sha256", hash).with_body(body)
    };
    let own = hex(&sha256(b"body"));
    assert_eq!(house.status(declared(&own, b"another")).await, 401);
    assert_eq!(house.status(declared(UNSIGNED, b"body")).await, 401);
    assert_eq!(house.status(declared("", b"")).await, 401);
    assert_eq!(house.status(declared(&own, b"body")).await, 200);
    let long = vec![b'x'; 64 * 1024 + 1];
    assert_eq!(house.status(declared(&hex(&sha256(&long)), &long)).await, 413);
    let other = of_fields("PUT", "/", &[("host", HOST)], &own);
    let wrong = sent("PUT", "/", &other, "20150830T123600Z").with_body(&long);
    assert_eq!(house.status(wrong).await, 401, "not read");
}

#[tokio::test]
async fn a_link_is_good_from_its_date_to_its_end() {
    let house = house();
    let link = signer().presigned("GET", "/a?x=1", HOST, 60, at(TIME));
    let get = |target: &str| PlainHead::get(target).with("host", HOST);
    for (moved, status) in [(-1, 401), (0, 200), (59, 200), (60, 401)] {
        house.clock.set_wall(at(TIME.checked_add_signed(moved).unwrap()));
        assert_eq!(house.status(get(&link)).await, status, "{moved}");
    }
    house.clock.set_wall(at(TIME));
    assert_eq!(house.status(get(&link).with_body("body")).await, 401, "it covers no body");
    assert_eq!(house.status(get(&link).with_body(vec![b'x'; 70_000]).with("content-length", "70000")).await, 401);
    for (from, to) in [
        ("x=1", "x=2"),
        ("Expires=60", "Expires=61"),
        ("Expires=60", "Expires=-60"),
        ("Expires=60", "Expires=sixty"),
        ("Expires=60", "Expires=60&X-Amz-Expires=60"),
        ("&X-Amz-Expires=60", ""),
        ("Algorithm=AWS4-HMAC-SHA256", "Algorithm=AWS4-HMAC-SHA1"),
        ("SignedHeaders=host", "SignedHeaders="),
    ] {
        assert_eq!(house.status(get(&link.replacen(from, to, 1))).await, 401, "{to}");
    }
    for life in [0, 604_801] {
        assert_eq!(house.status(get(&signer().presigned("GET", "/", HOST, life, at(TIME)))).await, 401, "{life}");
    }
    assert_eq!(house.status(get(&signer().presigned("GET", "/", HOST, 604_800, at(TIME)))).await, 200);
    let (authorization, date) = signer().authorization("GET", &link, HOST, b"", at(TIME));
    assert_eq!(house.status(sent("GET", &link, &authorization, &date)).await, 400, "two");
    let signature = link.split_once("X-Amz-Signature=").unwrap().1;
    assert_eq!(house.status(get(&format!("{link}&X-Amz-Signature={signature}"))).await, 400, "twice");
    let delete = signer().presigned("DELETE", "/a", HOST, 60, at(TIME));
    let head = || PlainHead::new("DELETE", &delete).with("host", HOST);
    assert_eq!(house.status(head().with_body("body")).await, 401);
    assert_eq!(house.status(head()).await, 200);
    assert_eq!(house.status(head()).await, 401, "once");
}
