//! Mutated requests, from a seed: nothing is a 5xx, and nobody gets in who did not show a credential that was issued.
//!
//! `PEOPLE_FUZZ=100000` sends more than the usual number; `PEOPLE_FUZZ_SEED` another sequence.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, env};

use countersign_conformance::wire::{Connection, Failure, Request, Response};
use people_tests::{FRAMEWORKS, Service, basic, json};

/// SplitMix64: small, seeded, and good enough to choose by.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn one<'t, T: ?Sized>(&mut self, of: &[&'t T]) -> &'t T {
        of[self.below(of.len())]
    }
}

/// What was issued, and to whom: the only texts that may let anybody in.
struct Issued {
    good: Vec<(&'static str, String, &'static str)>,
}

fn ask(service: &Service, request: &Request) -> Result<Response, Failure> {
    let mut connection = Connection::open(service.address()).unwrap();
    connection.say(&request.bytes());
    connection.answer(request)
}

fn issue(service: &Service) -> Issued {
    let emily = basic("emily", "emily:s3cret");
    let get = |request: Request| ask(service, &request).unwrap();
    let token =
        json(&get(Request::post("/tokens").with("Authorization", &emily)))["access_token"].as_str().unwrap().to_owned();
    let made = get(Request::post("/keys").with("Authorization", &emily).with_json(r#"{"name":"f"}"#));
    let key = json(&made)["key"].as_str().unwrap().to_owned();
    let sign_in = Request::post("/session").with_json(r#"{"username":"emily","password":"emily:s3cret"}"#);
    let session = get(sign_in).field("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    Issued {
        good: vec![
            ("Authorization", emily, "basic"),
            ("Authorization", format!("Bearer {token}"), "bearer"),
            ("Authorization", format!("Token {key}"), "api-key"),
            ("X-API-Key", key, "api-key"),
            ("Cookie", session, "cookie"),
            ("access_token", token, "query"),
        ],
    }
}

/// One byte changed, dropped, doubled or put in, or the text cut; never the text itself.
fn mutated(dice: &mut Dice, text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    let place = dice.below(bytes.len());
    match dice.below(6) {
        0 => bytes[place] ^= 1 << dice.below(7),
        1 => drop(bytes.remove(place)),
        2 => bytes.insert(place, bytes[place]),
        3 => bytes.insert(place, *dice.one(&[&b'.', &b'=', &b'%', &b'+', &0x80, &b'"', &b',', &b' '])),
        4 => bytes.truncate(place.max(1)),
        _ => bytes.extend_from_slice(dice.one(&[".", "=", "A", "AA==", " x", "\u{e4}", ", Basic x"]).as_bytes()),
    }
    for byte in &mut bytes {
        // What ends a line would make another field of it.
        if matches!(*byte, b'\r' | b'\n' | 0) {
            *byte = b'?';
        }
    }
    bytes
}

/// Schemes are matched without case, and blanks around a credential and around a cookie's name mean nothing.
fn is_another_spelling(value: &[u8], of: &str) -> bool {
    let plain = |bytes: &[u8]| bytes.iter().copied().filter(|byte| *byte != b' ').collect::<Vec<u8>>();
    let (value, of_value) = (plain(value), plain(of.as_bytes()));
    let keyword = of.find([' ', '=']).unwrap_or(0);
    value.len() == of_value.len()
        && value[..keyword].eq_ignore_ascii_case(&of_value[..keyword])
        && value[keyword..] == of_value[keyword..]
}

struct Sent {
    request: Request,
    /// Whether a credential as it was issued is in it.
    good: bool,
}

fn request(dice: &mut Dice, issued: &Issued) -> Sent {
    const METHODS: [&str; 9] = ["GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];
    const PATHS: [&str; 24] = [
        "/",
        "/health",
        "/whoami",
        "/me",
        "/me/basic",
        "/me/bearer",
        "/me/query",
        "/me/cookie",
        "/me/api-key",
        "/users/emily",
        "/users/%65mma",
        "/users/%FF",
        "/users/a%2Fb",
        "/users/%00",
        "/users/emily/invite/jacob",
        "/users/%FF/invite/%FE",
        "/admin/stats",
        "/reports",
        "/tokens",
        "/session",
        "/session/end",
        "/keys",
        "/keys/x",
        "/photos/1",
    ];
    const BODIES: [&str; 10] = [
        "",
        "{}",
        "[]",
        "{\"title\":\"x\"}",
        "{\"title\":\"\\ud800\"}",
        "{\"name\":\"x\",\"scopes\":[\"reports:read\"]}",
        "{\"scope\":\"reports:read\"}",
        "username=emily&password=x&next=//evil",
        "\u{0}\u{1}",
        "{\"username\":\"a\",\"password\":\"b\"",
    ];
    let path = dice.one(&PATHS);
    let mut target = path.to_owned();
    let (mut fields, mut good) = (Vec::<(&str, Vec<u8>)>::new(), false);
    for _ in 0..dice.below(3) {
        let (place, text, scheme) = &issued.good[dice.below(issued.good.len())];
        // A wrong password now and then would lock the name out.
        let keep = dice.below(4) == 0;
        let value = if keep { text.clone().into_bytes() } else { mutated(dice, text) };
        if !keep && *scheme == "basic" {
            continue;
        }
        good |= keep || is_another_spelling(&value, text);
        if *scheme == "query" {
            let value: String = value
                .iter()
                .map(|byte| if byte.is_ascii_graphic() && !b"#\"<>".contains(byte) { char::from(*byte) } else { '+' })
                .collect();
            target.push(if target.contains('?') { '&' } else { '?' });
            target.push_str(&format!("access_token={value}"));
        } else {
            fields.push((place, value));
        }
    }
    let mut request = Request::new(dice.one(&METHODS), &target);
    for (name, value) in fields {
        request = request.with(name, value);
    }
    if dice.below(3) == 0 {
        let (name, value) = *dice.one(&[
            &("Sec-Fetch-Site", "cross-site"),
            &("Origin", "null"),
            &("Accept", "text/html"),
            &("Sec-Fetch-Mode", "cors"),
            &("X-Forwarded-Proto", "https"),
            &("Cookie", "a=b; session"),
            &("Authorization", "Negotiate x"),
            &("Cookie", "session=\"\""),
            &("Content-Type", "application/json"),
            &("X-HTTP-Method-Override", "DELETE"),
        ]);
        request = request.with(name, value);
    }
    if dice.below(2) == 0 {
        let kind = dice.one(&[
            "application/json",
            "application/x-www-form-urlencoded",
            "text/plain",
            "",
            "application/json; charset=x",
        ]);
        request = request.with_body(kind, dice.one(&BODIES));
    }
    Sent { request, good }
}

/// Whether the answer shows that somebody was let in.
fn let_in(response: &Response) -> bool {
    if response.field("set-cookie").is_some_and(|cookie| !cookie.contains("Max-Age=0")) {
        return true;
    }
    let names_somebody = |text: &str| {
        text.contains("\"name\":\"emily\"") || text.contains("Hello, emily") || text.contains("access_token\":")
    };
    matches!(response.status(), 200..=299) && names_somebody(&response.text())
}

#[test]
fn nothing_is_a_5xx_and_nobody_gets_in_who_should_not() {
    let count: usize = env::var("PEOPLE_FUZZ").map_or(3_000, |count| count.parse().unwrap());
    let seed: u64 = env::var("PEOPLE_FUZZ_SEED").map_or(20_261_125, |seed| seed.parse().unwrap());
    for framework in FRAMEWORKS {
        let service = Service::start(framework, &[]);
        let issued = issue(&service);
        let mut dice = Dice(seed);
        let mut seen = BTreeMap::<u16, usize>::new();
        let (mut alive, mut admitted) = (issue(&service), 0);
        for number in 0..count {
            if number % 500 == 499 {
                // A session or key may have been ended by what was sent.
                alive = issue(&service);
            }
            let Sent { request, good } = request(&mut dice, if dice_is_even(number) { &alive } else { &issued });
            let shown = || format!("{framework}, seed {seed}, number {number}: {}", request.bytes().escape_ascii());
            match ask(&service, &request) {
                Ok(response) => {
                    *seen.entry(response.status()).or_default() += 1;
                    assert!(response.status() < 500, "{} {}\n{}", response.status(), shown(), response.text());
                    assert!(
                        good || !let_in(&response),
                        "let in: {} {}\n{}",
                        response.status(),
                        shown(),
                        response.text()
                    );
                    admitted += usize::from(let_in(&response));
                }
                // A server may hang up on what is no HTTP; it must go on living, as the next request shows.
                Err(Failure::Closed) => {}
                Err(failure) => panic!("{failure}: {}", shown()),
            }
        }
        assert!(
            admitted > 0 && [200, 400, 401].iter().all(|status| seen.contains_key(status)),
            "{framework}: {seen:?}"
        );
    }
}

fn dice_is_even(number: usize) -> bool {
    number.is_multiple_of(2)
}
