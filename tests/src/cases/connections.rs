//! Connections that carry more than one request, or less than a whole one, or no longer HTTP.

use std::thread;

use crate::{
    credentials::{base64url, basic},
    expectation::{ALL, Refusal},
    harness::Quirk,
    lab::Lab,
    wire::{Connection, Failure, Request},
};

const EMILY: &str = "emily by bearer; scopes reports:read; roles member; ends never";

fn emily() -> Request {
    Request::get("/me").with("Authorization", "Bearer emily-reads")
}

pub(crate) fn a_connection_remembers_nobody(lab: &Lab) {
    let mut line = lab.line();
    line.ask(&emily()).admitted(EMILY).verifying(&["bearer"]);
    line.ask(&Request::get("/me")).refused(&Refusal::unasked(&ALL));
    line.ask(&Request::get("/visitor")).admitted("nobody");
    line.ask(&emily()).admitted(EMILY).verifying(&["bearer"]);
    line.ask(&Request::get("/me").with("Authorization", "Bearer nonsense")).refused(&Refusal::wrong_token(&ALL));
    line.ask(&Request::get("/me").with("Authorization", basic("emily", "emily:s3cret")))
        .admitted("emily by basic; scopes reports:read; roles member; ends never");
}

pub(crate) fn requests_in_one_breath_are_answered_each_for_itself(lab: &Lab) {
    let requests = [emily(), Request::get("/me"), Request::get("/visitor"), emily()];
    let bytes: Vec<u8> = requests.iter().flat_map(Request::bytes).collect();
    let mut line = lab.line();
    line.say(&bytes);
    let mut told = Vec::new();
    for request in &requests {
        let response = line.connection().answer(request).expect("each is answered");
        told.push((response.status(), response.text()));
    }
    assert_eq!(told[0], (200, EMILY.to_owned()));
    assert_eq!(told[1].0, 401);
    assert_eq!(told[2], (200, "nobody".to_owned()));
    assert_eq!(told[3], (200, EMILY.to_owned()));
    assert_eq!(lab.handlers(), ["/me", "/visitor", "/me"]);
}

pub(crate) fn half_a_connection_is_enough_for_an_answer(lab: &Lab) {
    let mut line = lab.line();
    line.say(&emily().with("Connection", "close").bytes());
    line.hear(&emily()).admitted(EMILY);
    assert!(line.connection().is_closed_by_server());
}

pub(crate) fn a_head_in_single_bytes_is_read_like_any_other(lab: &Lab) {
    let mut line = lab.line();
    for byte in emily().bytes() {
        line.say(&[byte]);
    }
    line.hear(&emily()).admitted(EMILY);
}

pub(crate) fn callers_at_the_same_time_are_not_mixed_up(lab: &Lab) {
    let address = lab.address();
    let callers: Vec<_> = (0..16)
        .map(|caller| {
            thread::spawn(move || {
                let mut connection = Connection::open(address).expect("the server listens");
                for turn in 0..8 {
                    let name = format!("person-{caller}-{turn}");
                    let request = Request::get(if turn % 2 == 0 { "/me" } else { "/twice" })
                        .with("Authorization", format!("Bearer {name}"));
                    connection.say(&request.bytes());
                    let response = connection.answer(&request).expect("each is answered");
                    let expected = format!("{caller}-{turn} by bearer; scopes none; roles none; ends never");
                    assert_eq!((response.status(), response.text()), (200, expected));
                }
            })
        })
        .collect();
    for caller in callers {
        caller.join().expect("each caller gets their own answers");
    }
}

/// The example of RFC 6455 §1.3.
pub(super) fn upgrade() -> Request {
    Request::get("/ws")
        .with("Connection", "Upgrade")
        .with("Upgrade", "websocket")
        .with("Sec-WebSocket-Version", "13")
        .with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
}

pub(crate) fn a_websocket_opens_for_a_known_caller(lab: &Lab) {
    for token in ["emily-reads", "slow-yes"] {
        let request = upgrade().with("Authorization", format!("Bearer {token}"));
        let mut line = lab.line();
        let reply = line.ask(&request);
        assert_eq!(reply.response().status(), 101);
        assert_eq!(reply.response().field("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        // RFC 6455 §5.7: a masked text message "Hello", and the same unmasked.
        line.say(&[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
        let echo = line.connection().exactly(7).expect("it is echoed");
        assert_eq!(echo, [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]);
    }
}

pub(crate) fn a_websocket_does_not_open_for_a_stranger(lab: &Lab) {
    lab.ask(upgrade()).refused(&Refusal::unasked(&ALL));
}

pub(crate) fn a_websocket_does_not_open_for_a_wrong_credential(lab: &Lab) {
    lab.ask(upgrade().with("Authorization", "Bearer nonsense")).refused(&Refusal::wrong_token(&ALL));
    lab.ask(upgrade().with("Authorization", "Bearer slow-no")).refused(&Refusal::wrong_token(&ALL));
    lab.ask(upgrade().with("Authorization", "Bearer outage")).refused(&Refusal::unavailable());
}

/// A subprotocol that carries this token, as clients of Kubernetes send it.
fn carrying(token: &str) -> String {
    format!("base64url.bearer.authorization.k8s.io.{}", base64url(token.as_bytes()))
}

fn asking(protocols: impl AsRef<[u8]>) -> Request {
    upgrade().with("Sec-WebSocket-Protocol", protocols)
}

pub(crate) fn a_websocket_opens_by_a_token_in_a_subprotocol(lab: &Lab) {
    for token in ["emily-reads", "slow-yes"] {
        for protocols in [format!("chat, {}", carrying(token)), format!("{},chat", carrying(token))] {
            // Sent on purpose: another site's page may open it.
            for site in ["same-origin", "cross-site"] {
                let reply = lab.ask(asking(&protocols).with("Sec-Fetch-Site", site)).verifying(&["subprotocol"]);
                assert_eq!(reply.response().status(), 101, "{reply:?}");
            }
        }
    }
    let two_fields = asking("chat").with("Sec-WebSocket-Protocol", carrying("emily-reads"));
    assert_eq!(lab.ask(two_fields).response().status(), 101);
}

pub(crate) fn a_token_in_a_subprotocol_that_cannot_count_opens_no_websocket(lab: &Lab) {
    let good = carrying("emily-reads");
    for wrong in ["nonsense", "slow-no"] {
        lab.ask(asking(format!("chat, {}", carrying(wrong)))).refused(&Refusal::wrong_token(&ALL));
    }
    lab.ask(asking(format!("chat, {}", carrying("outage")))).refused(&Refusal::unavailable());
    for malformed in [
        // Nothing is left that could be chosen.
        good.clone(),
        format!("chat, {good}="),
        format!("chat, {}", carrying("two tokens")),
        "chat, base64url.bearer.authorization.k8s.io.".to_owned(),
    ] {
        lab.ask(asking(malformed)).refused(&Refusal::wrong_token(&ALL)).without_verifying();
    }
    for ambiguous in [
        asking(format!("chat, {good}, {good}")),
        asking(format!("chat, {good}")).with("Sec-WebSocket-Protocol", &good),
        asking(format!("chat, {good}")).with("Authorization", "Bearer emily-reads"),
        asking(format!("chat, {good}")).with("X-API-Key", "emily-reads"),
    ] {
        lab.ask(ambiguous).refused(&Refusal::ambiguous()).without_verifying();
    }
    lab.ask(asking(format!("chat, {}", "x".repeat(8 * 1024)))).refused(&Refusal::unasked(&ALL));
    lab.ask(asking(format!("chat, {}", carrying(&"x".repeat(8 * 1024))))).refused(&Refusal::too_long());
    // It counts on handshakes alone, and where it is taken.
    let elsewhere = |route: &str| Request::get(route).with("Sec-WebSocket-Protocol", format!("chat, {good}"));
    lab.ask(elsewhere("/me")).refused(&Refusal::unasked(&ALL));
    lab.ask(elsewhere("/visitor")).admitted("nobody");
    lab.ask(elsewhere("/only-key").with("Upgrade", "websocket").with("Connection", "Upgrade"))
        .refused(&Refusal::unasked(&[crate::expectation::KEY]));
}

pub(crate) fn a_token_in_a_subprotocol_is_taken_out_of_every_request(lab: &Lab) {
    for (sent, seen) in [
        (format!("chat, {}", carrying("emily-reads")), "chat"),
        (format!("{}, chat ,v2", carrying("nonsense")), "chat, v2"),
        (carrying("emily-reads"), ""),
        ("chat ,v2".to_owned(), "chat ,v2"),
    ] {
        lab.ask(Request::get("/subprotocols").with("Sec-WebSocket-Protocol", sent))
            .admitted(&format!("asked for: {seen}"));
    }
}

/// How many there are who take their time; fewer than a machine lets a process have open.
const SLOW: usize = 100;

pub(crate) fn heads_that_never_end_keep_nobody_else_waiting(lab: &Lab) {
    let bytes = emily().bytes();
    let slow: Vec<_> = (0..SLOW)
        .map(|number| {
            let mut connection = lab.connect();
            connection.say(&bytes[..number % bytes.len()]);
            connection
        })
        .collect();
    lab.still_serves();
    // Whoever is slow is served in the end.
    for (number, mut connection) in slow.into_iter().enumerate() {
        connection.say(&bytes[number % bytes.len()..]);
        assert_eq!(
            connection.answer(&emily()).map(|response| response.text()).ok().as_deref(),
            Some(EMILY),
            "{number}"
        );
    }
    assert_eq!(lab.handlers().len(), SLOW);
}

pub(crate) fn bodies_that_never_end_keep_nobody_else_waiting(lab: &Lab) {
    let rain = r#"{"title":"rain"}"#;
    let request = |route| Request::post(route).with("Authorization", "Bearer emily-writes").with_json(rain);
    let slow: Vec<_> = (0..SLOW)
        .map(|number| {
            let asked = request(["/reports", "/upload", "/limited", "/slow"][number % 4]).without_its_body();
            let mut connection = lab.connect();
            connection.say(&asked.bytes());
            connection.say(&rain.as_bytes()[..number % rain.len()]);
            connection
        })
        .collect();
    lab.still_serves();
    for (number, mut connection) in slow.into_iter().enumerate() {
        connection.say(&rain.as_bytes()[number % rain.len()..]);
        let text = connection.answer(&request("/reports")).map(|response| response.text());
        let expected = [r#""rain" by emily"#, "16 bytes", "16 bytes", "this is /slow"][number % 4];
        assert_eq!(text.ok().as_deref(), Some(expected), "{number}");
    }
    assert_eq!(lab.handlers().len(), SLOW);
}

pub(crate) fn who_has_said_all_there_is_hears_the_answer(lab: &Lab) {
    for request in [
        emily(),
        Request::get("/twice").with("Authorization", "Bearer slow-yes"),
        Request::post("/upload").with("Authorization", "Bearer emily-writes").with_body("text/plain", "abc"),
        Request::get("/me").with("Authorization", "Bearer slow-no"),
    ] {
        let mut line = lab.line();
        line.say(&request.with("Connection", "close").bytes());
        line.connection().finish();
        // A server may take that for a client that left; it must not answer another's question then.
        match line.connection().answer(&emily()) {
            Ok(response) => assert!(matches!(response.status(), 200 | 401), "{response:?}"),
            Err(Failure::Closed) => {}
            Err(other) => panic!("{other}"),
        }
    }
    // A request that is cut off is none.
    lab.handlers();
    let bytes =
        Request::post("/upload").with("Authorization", "Bearer emily-writes").with_body("text/plain", "abc").bytes();
    for length in [10, bytes.len() - 8, bytes.len() - 1] {
        let mut line = lab.line();
        line.say(&bytes[..length]);
        line.connection().finish();
        let answer = line.connection().answer(&emily()).map(|response| (response.status(), response.text()));
        if length + 1 == bytes.len() && lab.meets(Quirk::EndsBrokenBodies) {
            assert_eq!(answer.ok(), Some((200, "2 bytes".to_owned())));
            assert_eq!(lab.handlers(), ["/upload"]);
            continue;
        }
        assert!(!matches!(&answer, Ok((200, _))), "{length}: {answer:?}");
        assert_eq!(lab.handlers().len(), 0, "{length}");
    }
    lab.still_serves();
}
