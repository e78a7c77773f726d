//! The whole gate: requests made of good, wrong, odd and doubled credentials in any order, against a model of who is let in.
//!
//! What must hold: nobody is let in without a credential that the model calls good, whoever is let in is its owner, and a cache changes no answer.

use std::time::{Duration, SystemTime};

use countersign::{
    Answer, ApiKey, Basic, Bearer, CredentialCache, Gate, KeyRing, QueryParam, SignedCookie, Verified,
    adapter::{Admission, Verdict},
    credential::CookieCredential,
    testing::PlainHead,
    verifier::{PasswordTable, TokenTable, verify_now_with},
};

use super::input::{Input, printable, secret_of};
use crate::credentials::basic_of;

/// Pairs of a place and what stands there, behind a first byte that says which guard and method.
pub(super) const SEEDS: &[&[u8]] = &[
    b"\x00\x00\x00",
    b"\x00\x01\x00",
    b"\x00\x02\x00\x03\x00",
    b"\x01\x03\x00",
    b"\x02\x04\x00\x04\x01",
    b"\x03\x00\x01\x01\x00",
    b"\x04\x04\x00\x00\x02\x02\x03abc",
    b"\x05\x05\x00\x01\x02\x03x y",
];

type Person = &'static str;

/// What the model makes of a request.
#[derive(Debug, PartialEq, Eq)]
enum Expected {
    In(Person, &'static str),
    Anonymous,
    Status(u16),
}

/// A credential that was put in.
struct Piece {
    scheme: &'static str,
    /// Whose it is, if it is good.
    owner: Option<Person>,
    is_cookie: bool,
}

struct Lab {
    plain: Gate<Person>,
    cached: Gate<Person>,
    cookie: SignedCookie,
}

fn lab() -> Lab {
    let cookie = SignedCookie::named("session", KeyRing::of([secret_of(32, 3)]).expect("a ring"));
    let built = |cache: Option<CredentialCache>| {
        let known = |credential: &CookieCredential| match credential.value().matches(b"emma-session") {
            true => Answer::from(Verified::new("emma")),
            false => Answer::Refused,
        };
        let builder = Gate::in_realm("people")
            .accept(Basic, PasswordTable::new().with("emily", "s3cret", Verified::new("emily")))
            .accept(Bearer, TokenTable::new().with("jacobs-token", Verified::new("jacob")))
            .accept(cookie.clone(), verify_now_with(known))
            .accept(QueryParam::named("access_token"), TokenTable::new().with("jacobs-token", Verified::new("jacob")))
            .accept(ApiKey::in_header("X-API-Key"), TokenTable::new().with("root-key", Verified::new("root")));
        let builder = match cache {
            Some(cache) => builder.cached(cache),
            None => builder,
        };
        builder.build().expect("a gate that can be built")
    };
    Lab { plain: built(None), cached: built(Some(CredentialCache::default())), cookie }
}

thread_local! {
    static LAB: Lab = lab();
}

const METHODS: [&str; 4] = ["GET", "HEAD", "POST", "DELETE"];
const NARROWED: [&[&str]; 4] = [&["bearer", "query"], &["cookie"], &["basic", "api-key"], &["query"]];

pub(super) fn gate(bytes: &[u8]) {
    LAB.with(|lab| {
        let mut input = Input::of(bytes);
        let first = input.byte();
        let method = METHODS[usize::from(first % 4)];
        let is_optional = first & 4 != 0;
        let only = (first & 8 != 0).then(|| NARROWED[usize::from(first >> 4) % NARROWED.len()]);
        let (head, pieces, authorizations) = request(lab, method, &mut input);
        let expected = expected(method, is_optional, only, &pieces, authorizations);
        let narrowed = |gate: &Gate<Person>| {
            let gate = if is_optional { gate.or_anonymous() } else { gate.clone() };
            only.map_or(gate.clone(), |schemes| gate.only(schemes.iter().copied()).expect("schemes of the gate"))
        };
        for (what, gate) in [("plain", &lab.plain), ("cached", &lab.cached), ("cached again", &lab.cached)] {
            let head = head().received_by(gate);
            let answer = match head.at(&narrowed(gate)) {
                Admission::Decided(Verdict::Admitted(grant)) => {
                    let scheme = ["basic", "bearer", "cookie", "query", "api-key"];
                    let scheme = scheme.into_iter().find(|name| *name == grant.scheme()).expect("one of them");
                    Expected::In(*grant, scheme)
                }
                Admission::Decided(Verdict::Anonymous) => Expected::Anonymous,
                Admission::Decided(Verdict::Rejected(rejection)) => Expected::Status(rejection.status()),
                Admission::Pending(_) | Admission::Body(_) => panic!("nothing here waits"),
            };
            assert_eq!(answer, expected, "{what}: {head:?}");
        }
    });
}

type Head = Box<dyn Fn() -> PlainHead>;

fn request(lab: &Lab, method: &'static str, input: &mut Input<'_>) -> (Head, Vec<Piece>, usize) {
    let (mut fields, mut query, mut pieces) = (Vec::<(&str, String)>::new(), Vec::new(), Vec::new());
    let mut authorizations = 0;
    while !input.is_empty() && pieces.len() < 6 {
        let (place, kind) = (input.below(7), input.below(4));
        let mut authorize = |value: String| {
            authorizations += 1;
            fields.push(("authorization", value));
        };
        let is_good = kind == 0;
        match place {
            0 => {
                let text: Vec<u8> = match kind {
                    0 => b"emily:s3cret".to_vec(),
                    1 => b"emily:wrong".to_vec(),
                    2 => input.some().to_vec(),
                    _ => b"no colon".to_vec(),
                };
                let owner = (text == b"emily:s3cret").then_some("emily");
                authorize(basic_of(&text));
                pieces.push(Piece { scheme: "basic", owner, is_cookie: false });
            }
            1 => {
                let token = if is_good { "jacobs-token".to_owned() } else { printable(input.some()) };
                let owner = (token == "jacobs-token").then_some("jacob");
                authorize(format!("Bearer {token}"));
                pieces.push(Piece { scheme: "bearer", owner, is_cookie: false });
            }
            2 => {
                let key = if is_good { "root-key".to_owned() } else { printable(input.some()) };
                let owner = (key == "root-key").then_some("root");
                fields.push(("x-api-key", key));
                pieces.push(Piece { scheme: "api-key", owner, is_cookie: false });
            }
            3 => {
                let token = if is_good {
                    "jacobs-token".to_owned()
                } else {
                    printable(input.some()).replace(['&', '%', '+', '#', '?'], "")
                };
                let owner = (token == "jacobs-token").then_some("jacob");
                query.push(format!("access_token={token}"));
                pieces.push(Piece { scheme: "query", owner, is_cookie: false });
            }
            4 => {
                let ends = SystemTime::now() + Duration::from_secs(3600);
                let (value, owner) = match kind {
                    0 => (lab.cookie.seal(b"emma-session", ends), Some("emma")),
                    1 => (lab.cookie.seal(b"another", ends), None),
                    2 => (lab.cookie.seal(b"emma-session", SystemTime::UNIX_EPOCH), None),
                    _ => (printable(input.some()).replace([';', '"'], ""), None),
                };
                fields.push(("cookie", format!("a=b; session={value}; c")));
                pieces.push(Piece { scheme: "cookie", owner, is_cookie: true });
            }
            5 => authorize(format!("Unknown {}", printable(input.some()))),
            _ => {
                // What is nobody's credential changes nothing.
                fields.push(("x-other", printable(input.some())));
                query.push("b=1".to_owned());
            }
        }
    }
    let target = if query.is_empty() { "/".to_owned() } else { format!("/?{}", query.join("&")) };
    let head =
        move || fields.iter().fold(PlainHead::new(method, &target), |head, (name, value)| head.with(name, value));
    (Box::new(head), pieces, authorizations)
}

fn expected(
    method: &str,
    is_optional: bool,
    only: Option<&[&str]>,
    pieces: &[Piece],
    authorizations: usize,
) -> Expected {
    if authorizations > 1 {
        return Expected::Status(400);
    }
    let counts = |piece: &&Piece| {
        let taken = only.is_none_or(|schemes| schemes.contains(&piece.scheme));
        taken && (piece.scheme != "query" || matches!(method, "GET" | "HEAD"))
    };
    let of = |cookies: bool| pieces.iter().filter(counts).filter(move |piece| piece.is_cookie == cookies);
    let explicit: Vec<_> = of(false).collect();
    let chosen = if explicit.is_empty() { of(true).collect() } else { explicit };
    match chosen[..] {
        [] if is_optional => Expected::Anonymous,
        [] => Expected::Status(401),
        [piece] => piece.owner.map_or(Expected::Status(401), |owner| Expected::In(owner, piece.scheme)),
        [..] => Expected::Status(400),
    }
}
