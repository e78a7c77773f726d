//! Hawk's own vectors, and what others let through.

use std::time::{Duration, UNIX_EPOCH};

use base64::engine::general_purpose::URL_SAFE_NO_PAD as URL_SAFE;

use super::*;
use crate::{
    Gate, Verified,
    adapter::Verdict,
    response::Rejection,
    store::{MemoryReplay, MemorySecrets, StoredSecret},
    testing::{ManualClock, PlainHead},
    verifier::{Secrets, SignedBy},
};

const ID: &str = "dh37fgj492je";
const TIME: u64 = 1_353_832_234;
const TARGET: &str = "/resource/1?b=1&a=2";

fn key() -> Secret {
    Secret::new("werxhqb98rpaxn39848xrunpaw3489ruxnpa98w4rxn")
}

struct House {
    gate: Gate<&'static str>,
    clock: Arc<ManualClock>,
    replay: Arc<MemoryReplay>,
}

fn house() -> House {
    let clock = Arc::new(ManualClock::at(UNIX_EPOCH + Duration::from_secs(TIME)));
    let replay = Arc::new(MemoryReplay::default().timed_by(clock.clone()));
    let known = MemorySecrets::new().with(ID, StoredSecret::new(key(), Verified::new("emma")));
    let verifier = SignedBy::secrets(Secrets::in_store(known).without_throttle());
    let gate = Gate::in_realm("house")
        .accept(Hawk::new(replay.clone()).timed_by(clock.clone()), verifier.clone())
        .accept(Bewit::new().timed_by(clock.clone()).called("bewit"), verifier)
        .timed_by(clock.clone())
        .build()
        .unwrap();
    House { gate, clock, replay }
}

impl House {
    fn shared_clock(&self) -> SharedClock {
        self.clock.clone()
    }

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

fn request(method: &str, target: &str) -> PlainHead {
    PlainHead::new(method, target).with("host", "example.com:8000")
}

fn example() -> HawkRequest {
    HawkRequest::to("Example.com", 8000).asking("GET", TARGET).with_nonce("j4h3g2").with_ext("some-app-ext-data")
}

#[test]
fn the_vectors_hold() {
    let clock: SharedClock = house().clock;
    let made = example().authorization(ID, &key(), &clock);
    assert!(made.contains("mac=\"6R4rV5iE+NPoym+WwjeHzjAGXUtLNIxmo1vpMofpLAE=\""), "{made}");
    assert_eq!(
        payload_hash(b"Text/Plain; x=y", b"Thank you for flying Hawk"),
        "Yi9LfIIFRtBEPt74PVmbTF/xVAwPn7ub15ePICfgnuY="
    );
    let told = Hawk::new(Arc::new(MemoryReplay::default())).timed_by(clock).time_told(&key());
    let challenge = Challenge::new("Hawk").without_realm().advised(&told);
    let expected =
        "Hawk ts=\"1353832234\", tsm=\"2mw1eh/qXzl0wJZ/E6XvBhRMEJN7L3j8AyMA8eItEb0=\", error=\"Stale timestamp\"";
    assert_eq!(challenge.to_string(), expected);
}

#[tokio::test]
async fn whatever_is_changed_is_refused_and_what_is_right_passes_once() {
    let house = house();
    let good = example().authorization(ID, &key(), &house.shared_clock());
    let changes: [(&str, &str, &str); 16] = [
        ("another key id", ID, "dh37fgj492jf"),
        ("another time", "1353832234", "1353832235"),
        ("a time that is none", "1353832234", "+1353832234"),
        ("another nonce", "j4h3g2", "j4h3g3"),
        ("other data", "some-app", "other-app"),
        ("no data", ", ext=\"some-app-ext-data\"", ""),
        ("a hash that was not signed", ", mac", ", hash=\"x\", mac"),
        ("an app that was not signed", ", mac", ", app=\"x\", mac"),
        ("a delegate of no app", ", mac", ", dlg=\"x\", mac"),
        ("an unknown name", ", mac", ", more=\"x\", mac"),
        ("twice", ", mac", ", nonce=\"j4h3g2\", mac"),
        ("another MAC", "LAE=\"", "LAA=\""),
        ("a MAC in another spelling", "LAE=\"", "LAF=\""),
        ("a MAC without its padding", "LAE=\"", "LAE\""),
        ("no MAC", ", mac", ", mac2"),
        ("no nonce", ", nonce=\"j4h3g2\"", ""),
    ];
    for (what, from, to) in changes {
        let sent = good.replacen(from, to, 1);
        assert_ne!(sent, good, "{what}");
        let refused = house.asks(request("GET", TARGET).with("authorization", &sent)).await.expect_err(what);
        assert_eq!((refused.status(), refused.challenges()[0].to_string().as_str()), (401, "Hawk"), "{what}");
    }
    let other = |head: PlainHead| house.status(head.with("authorization", &good));
    assert_eq!(other(request("POST", TARGET)).await, 401);
    assert_eq!(other(request("GET", "/resource/1?a=2&b=1")).await, 401);
    for host in ["example.com", "example.com:8001", "example.org:8000", "", ":8000"] {
        assert_eq!(other(PlainHead::get(TARGET).with("host", host)).await, 401, "{host}");
    }
    assert_eq!(other(PlainHead::get(TARGET).with("host", "example.com:+8000")).await, 400, "no host at all");
    assert_eq!(house.replay.held(), 0, "nothing of it is remembered");
    assert_eq!(other(PlainHead::get(TARGET).with("host", "EXAMPLE.com:8000")).await, 200);
    assert_eq!(other(request("GET", TARGET)).await, 401, "a copy");
    let next =
        example().with_nonce("j4h3g3").with_app("app", "friend").authorization(ID, &key(), &house.shared_clock());
    assert_eq!(house.status(request("GET", TARGET).with("authorization", next)).await, 200);
}

#[tokio::test]
async fn only_who_holds_the_key_is_told_the_time() {
    let house = house();
    let early = example().authorization(ID, &key(), &house.shared_clock());
    house.clock.advance(Duration::from_secs(61));
    let refused = house.asks(request("GET", TARGET).with("authorization", &early)).await.unwrap_err();
    assert!(refused.challenges()[0].to_string().starts_with("Hawk ts=\"1353832295\", tsm=\""));
    let wrong = example().authorization(ID, &Secret::new("another key"), &house.shared_clock());
    let wrong = wrong.replace("1353832295", "1353832234");
    let refused = house.asks(request("GET", TARGET).with("authorization", wrong)).await.unwrap_err();
    assert_eq!(refused.challenges()[0].to_string(), "Hawk");
    house.clock.set_wall(UNIX_EPOCH + Duration::from_secs(TIME + 60));
    assert_eq!(house.status(request("GET", TARGET).with("authorization", &early)).await, 200);
    house.clock.set_wall(UNIX_EPOCH + Duration::from_secs(TIME - 60));
    let late = HawkRequest::to("example.com", 8000).asking("GET", "/").authorization(
        ID,
        &key(),
        &(Arc::new(ManualClock::at(UNIX_EPOCH + Duration::from_secs(TIME))) as SharedClock),
    );
    assert_eq!(house.status(request("GET", "/").with("authorization", late)).await, 200);
}

#[tokio::test]
async fn a_body_counts_and_must_be_signed() {
    let house = house();
    let signed = |nonce: &str| {
        let request = HawkRequest::to("example.com", 8000).asking("POST", "/").with_nonce(nonce);
        request.with_body("text/plain", b"Thank you").authorization(ID, &key(), &house.shared_clock())
    };
    let sent = |nonce: &str, content_type: &str, body: &str| {
        let head = request("POST", "/").with("authorization", signed(nonce)).with("content-type", content_type);
        house.status(head.with_body(body))
    };
    assert_eq!(sent("1", "text/plain", "Thank yoU").await, 401);
    assert_eq!(sent("1", "text/html", "Thank you").await, 401);
    assert_eq!(sent("1", "TEXT/plain ; charset=utf-8", "Thank you").await, 200);
    assert_eq!(sent("2", "text/plain", "").await, 401);
    let unsigned = |length: Option<&str>, body: &[u8]| {
        let request_of = HawkRequest::to("example.com", 8000).asking("POST", "/");
        let head =
            request("POST", "/").with("authorization", request_of.authorization(ID, &key(), &house.shared_clock()));
        let head = length.into_iter().fold(head, |head, length| head.with("content-length", length));
        house.status(head.with_body(body))
    };
    assert_eq!(unsigned(Some("9"), b"Thank you").await, 401);
    assert_eq!(unsigned(None, b"Thank you").await, 401);
    assert_eq!(unsigned(Some("0"), b"").await, 200);
    let long = vec![b'x'; 64 * 1024 + 1];
    assert_eq!(unsigned(Some("65537"), &long).await, 401, "not read");
    let of_long = HawkRequest::to("example.com", 8000).asking("POST", "/").with_body("", &long);
    let of_long = of_long.authorization(ID, &key(), &house.shared_clock());
    assert_eq!(house.status(request("POST", "/").with("authorization", &of_long).with_body(&long)).await, 413);
    let wrong = of_long.replace(ID, "another");
    assert_eq!(house.status(request("POST", "/").with("authorization", wrong).with_body(&long)).await, 401);
}

#[tokio::test]
async fn the_server_shows_that_it_knows_the_key() {
    let house = house();
    let good = example().authorization(ID, &key(), &house.shared_clock());
    let head = request("GET", TARGET).with("authorization", good).received_by(&house.gate);
    assert!(matches!(head.verdict_at(&house.gate).await, Verdict::Admitted(_)));
    let text = "hawk.1.response\n1353832234\nj4h3g2\nGET\n/resource/1?b=1&a=2\nexample.com\n8000\n\n\n";
    let proof = format!("Hawk mac=\"{}\"", STANDARD.encode(hmac_sha256(key().expose(), text.as_bytes())));
    let marks = head.exchange().unwrap().marks();
    assert_eq!(marks.fields().collect::<Vec<_>>(), [("server-authorization", proof.as_str())]);
}

#[tokio::test]
async fn a_bewit_is_good_for_one_link_until_its_end() {
    let house = house();
    let ends = UNIX_EPOCH + Duration::from_secs(TIME + 10);
    let bewit = HawkRequest::to("example.com", 8000).asking("GET", TARGET).with_ext("e").bewit(ID, &key(), ends);
    let places = [
        format!("{TARGET}&bewit={bewit}"),
        format!("/resource/1?bewit={bewit}&b=1&a=2"),
        format!("/resource/1?b=1&bewit={bewit}&a=2"),
    ];
    for target in &places {
        assert_eq!(house.status(request("GET", target)).await, 200, "{target}");
        assert_eq!(house.status(request("HEAD", target)).await, 200, "as often as one likes");
        assert_eq!(house.status(request("POST", target)).await, 401);
        let beside = request("GET", target).with("authorization", "Basic YTpi");
        assert_eq!(house.status(beside).await, 400);
    }
    let good = &places[0];
    for (what, target) in [
        ("another path", good.replace("/1?", "/2?")),
        ("another query", good.replace("b=1", "b=2")),
        ("another order", format!("/resource/1?a=2&b=1&bewit={bewit}")),
        ("half of the padding", format!("{good}=")),
        ("cut", good[..good.len() - 1].to_owned()),
        ("nothing", format!("{TARGET}&bewit=")),
        ("text", format!("{TARGET}&bewit={}", URL_SAFE.encode("a\\1\\b"))),
    ] {
        assert_eq!(house.status(request("GET", &target)).await, 401, "{what}");
    }
    assert_eq!(house.status(request("GET", &format!("{good}&bewit={bewit}"))).await, 400, "twice");
    assert_eq!(house.status(PlainHead::get(good).with("host", "example.com")).await, 401, "another port");
    house.clock.advance(Duration::from_secs(10));
    assert_eq!(house.status(request("GET", good)).await, 401, "over");
}
