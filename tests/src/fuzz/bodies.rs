//! Bodies of requests that sign in and that make keys: whoever is let in wrote the name and the password there, and what is made is what was
//! asked for.

use std::sync::Arc;

use countersign::{
    Basic, Gate, KeyRing, Reply, SignedCookie, Unavailable, Verified,
    adapter::Verdict,
    async_trait,
    mint::{
        api_key::{ApiKeyEndpoints, ApiKeys},
        endpoint::Endpoint,
        session::{SessionEndpoints, Sessions},
    },
    store::{Directory, MemoryApiKeys, MemorySessions},
    testing::PlainHead,
    verifier::PasswordTable,
};
use serde_json::Value;

use super::input::Input;
use crate::credentials::basic;

/// A body behind a byte that says which endpoint reads it: forms and JSON that sign in, and JSON that makes a key.
pub(super) const SEEDS: &[&[u8]] = &[
    b"\x00username=emily&password=s3cret",
    b"\x00password=s3%63ret&a=b&&username=%65mily",
    b"\x00username=emily&password=s3cret&next=/reports&remember=on",
    b"\x00username=emily&username=emily&password=s3cret",
    b"\x00username=emily+&password=%zz%",
    b"\x00username=emily&password=%ff",
    b"\x01{\"username\":\"emily\",\"password\":\"s3cret\"}",
    b"\x01 {\"password\":\"\\u0073\\u0033cret\",\"x\":[1,{}],\"username\":\"emily\"} ",
    b"\x01{\"username\":\"emily\",\"password\":\"s3cret\",\"password\":\"b\"}",
    b"\x01[\"emily\",\"s3cret\"]",
    b"\x01{\"username\":[\"emily\"],\"password\":null,\"remember\":true}",
    b"\x02{\"name\":\"backup\",\"scopes\":[\"reports:read\"]}",
    b"\x02{\"name\":\"all\",\"expires_in\":60}",
    b"\x02{\"name\":\"x\",\"scopes\":[\"reports:write\",\"admin\"],\"expires_in\":-1}",
    b"\x02{\"name\":\"x\",\"scopes\":\"reports:read\",\"expires_in\":1e99}",
];

struct Emily;

#[async_trait]
impl Directory<&'static str> for Emily {
    async fn find(&self, subject: &str) -> Result<Option<Verified<&'static str>>, Unavailable> {
        Ok((subject == "emily").then(emily))
    }
}

fn emily() -> Verified<&'static str> {
    Verified::new("emily").with_subject("emily").with_scopes("reports:read reports:write".parse().expect("scopes"))
}

fn passwords() -> PasswordTable<&'static str> {
    PasswordTable::new().with("emily", "s3cret", emily())
}

/// As an adapter calls an endpoint.
fn call(gate: &Gate<&'static str>, endpoint: &Endpoint<&'static str>, head: PlainHead, body: &[u8]) -> Reply {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    }
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let head = head.received_by(gate);
            let grant = match endpoint.gate() {
                Some(gate) => match head.verdict_at(gate).await {
                    Verdict::Admitted(grant) => Some(grant),
                    other => panic!("the password is right: {other:?}"),
                },
                None => None,
            };
            match endpoint.prepare(&head, head.exchange(), grant) {
                Ok(work) => work.run(body.to_vec()).await,
                Err(reply) => reply,
            }
        })
    })
}

pub(super) fn bodies(bytes: &[u8]) {
    let mut input = Input::of(bytes);
    let which = input.below(3);
    let body = input.rest();
    let sessions = Sessions::new(Arc::new(MemorySessions::default()), Arc::new(Emily))
        .by(SignedCookie::named("session", KeyRing::of([super::input::secret_of(32, 3)]).expect("a ring")));
    let gate = Gate::in_realm("people")
        .accept(Basic, passwords())
        .accept(sessions.cookie(), sessions.clone())
        .build()
        .expect("a gate that can be built");
    let head = |media: &str| PlainHead::new("POST", "/").with("content-type", media);
    let sign_in = |media: &str, body: &[u8]| {
        let endpoint = SessionEndpoints::new(sessions.clone(), &gate).sign_in(Arc::new(passwords()));
        let reply = call(&gate, &endpoint, head(media), body);
        assert!(reply.status() < 500, "a client caused {}", reply.status());
        let begun = reply.fields().any(|(name, value)| name == "set-cookie" && value.starts_with("session="));
        assert_eq!(begun, reply.status() < 400, "{}", reply.status());
        begun
    };
    match which {
        0 => {
            let media = "application/x-www-form-urlencoded";
            let is_in = sign_in(media, body);
            let of = |name: &str| {
                let mut of = pairs(body).filter(|(known, _)| known == name.as_bytes()).map(|(_, value)| value);
                (of.next(), of.next())
            };
            let right =
                of("username") == (Some(b"emily".to_vec()), None) && of("password") == (Some(b"s3cret".to_vec()), None);
            assert!(right || !is_in, "nobody wrote that: {}", body.escape_ascii());
            let plain = ["next", "remember"].iter().all(|name| of(name) == (None, None));
            assert!(is_in || !(right && plain), "it is a form: {}", body.escape_ascii());
        }
        1 => {
            let is_in = sign_in("application/json", body);
            let read = serde_json::from_slice::<Value>(body).ok().filter(Value::is_object);
            let right = read.as_ref().is_some_and(|read| read["username"] == "emily" && read["password"] == "s3cret");
            assert!(right || !is_in, "nobody wrote that: {}", body.escape_ascii());
            // Written anew it says each member once.
            if let Some(read) = read.filter(|read| read.get("next").is_none() && read.get("remember").is_none()) {
                assert_eq!(sign_in("application/json", read.to_string().as_bytes()), right, "{read}");
            }
        }
        _ => {
            let keys =
                ApiKeys::new("ppl_".parse().expect("a prefix"), Arc::new(MemoryApiKeys::default()), Arc::new(Emily));
            let endpoint = ApiKeyEndpoints::new(keys).create(&gate.only(["basic"]).expect("a scheme of the gate"));
            let head = head("application/json").with("authorization", basic("emily", "s3cret"));
            let reply = call(&gate, &endpoint, head, body);
            assert!(reply.status() < 500, "a client caused {}", reply.status());
            if reply.status() == 201 {
                let asked: Value = serde_json::from_slice(body).expect("it was read as JSON");
                let made: Value = serde_json::from_slice(reply.body()).expect("it is JSON");
                assert_eq!(made["name"], asked["name"]);
                let scopes = made["scopes"].as_array().expect("a list");
                assert!(scopes.iter().all(|scope| scope == "reports:read" || scope == "reports:write"), "{made}");
                if let Some(narrowed) = asked["scopes"].as_array() {
                    assert!(scopes.iter().all(|scope| narrowed.contains(scope)), "{made} of {asked}");
                }
                assert!(asked["expires_in"].is_null() || made["expires_at"].is_string(), "{made} of {asked}");
            }
        }
    }
}

/// The pairs of a form (URL Standard §5.1), written apart from the core's.
fn pairs(body: &[u8]) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=');
        let (name, value) = equals.map_or((pair, &b""[..]), |at| (&pair[..at], &pair[at + 1..]));
        (decoded(name), decoded(value))
    })
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let digit = |at: usize| text.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut bytes, mut at) = (Vec::new(), 0);
    while at < text.len() {
        match (text[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).expect("two digits"));
                at += 2;
            }
            (b'+', ..) => bytes.push(b' '),
            (byte, ..) => bytes.push(byte),
        }
        at += 1;
    }
    bytes
}
