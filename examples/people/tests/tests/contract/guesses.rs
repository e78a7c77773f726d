//! Guessing at passwords: who is slowed down by it, and who is not.

use std::thread;

use countersign_conformance::wire::Connection;

use super::*;

/// How a trusted proxy says who sent a request.
type From = fn(Request, &str) -> Request;

/// Both families of fields, each with what the service is told about it.
const FAMILIES: [(&[&str], From); 2] = [
    (&["--trust-proxy", "127.0.0.1"], |request, address| request.with("X-Forwarded-For", address)),
    (&["--trust-proxy", "127.0.0.1", "--proxy-header", "forwarded"], |request, address| {
        let address = if address.contains(':') { format!("\"[{address}]\"") } else { address.to_owned() };
        request.with("Forwarded", format!("for={address}"))
    }),
];

/// What this name and this password are answered from this address, by Basic.
fn try_from(talk: &mut Talk, from: From, address: &str, name: &str, password: &str) -> u16 {
    let request = from(get_as("/me", &basic(name, password)), address);
    talk.ask_unrecorded(&format!("{name} from {address}"), &request).status()
}

/// What the sign-in form answers them.
fn sign_in_from(talk: &mut Talk, from: From, address: &str, name: &str, password: &str) -> u16 {
    let body = serde_json::json!({ "username": name, "password": password }).to_string();
    let request = from(Request::post("/session").with_json(&body), address);
    talk.ask_unrecorded(&format!("{name} from {address}"), &request).status()
}

#[test]
fn five_wrong_tries_are_counted_for_a_name_from_an_address() {
    for (flags, from) in FAMILIES {
        everywhere_with(flags, |talk| {
            for nth in 1..=5 {
                let tried = if nth % 2 == 0 { sign_in_from } else { try_from };
                assert_eq!(tried(talk, from, "192.0.2.1", "emily", "wrong"), 401, "{nth}");
            }
            assert_eq!(try_from(talk, from, "192.0.2.1", "emily", "wrong"), 429);
            assert_eq!(try_from(talk, from, "192.0.2.1", "emily", "emily:s3cret"), 429);
            assert_eq!(sign_in_from(talk, from, "192.0.2.1", "emily", "emily:s3cret"), 429);
            // Neither the name elsewhere nor another name there.
            assert_eq!(try_from(talk, from, "192.0.2.2", "emily", "emily:s3cret"), 200);
            assert_eq!(sign_in_from(talk, from, "192.0.2.2", "emily", "emily:s3cret"), 204);
            assert_eq!(try_from(talk, from, "192.0.2.1", "emma", "pässwörd-emma"), 200);
            assert_eq!(sign_in_from(talk, from, "192.0.2.1", "jacob", "jacob-is-admin"), 204);
            // What is remembered passes the same count.
            assert_eq!(try_from(talk, from, "192.0.2.1", "emily", "emily:s3cret"), 429);
        });
    }
}

#[test]
fn fifty_wrong_tries_are_counted_for_an_address_whatever_the_names() {
    for (flags, from) in FAMILIES {
        everywhere_with(flags, |talk| {
            for nth in 0..50 {
                let name = format!("nobody-{}", nth / 4);
                assert_eq!(try_from(talk, from, "192.0.2.1", &name, "wrong"), 401, "{nth}");
            }
            for (name, password) in [("nobody-50", "wrong"), ("emily", "emily:s3cret"), ("emma", "pässwörd-emma")] {
                assert_eq!(try_from(talk, from, "192.0.2.1", name, password), 429, "{name}");
                assert_eq!(sign_in_from(talk, from, "192.0.2.1", name, password), 429, "{name}");
            }
            assert_eq!(try_from(talk, from, "192.0.2.2", "emily", "emily:s3cret"), 200);
        });
    }
}

#[test]
fn an_ipv6_caller_is_counted_by_the_network_of_its_64_bits() {
    for (flags, from) in FAMILIES {
        everywhere_with(flags, |talk| {
            for own in ["1", "2", "ffff:ffff:ffff:ffff", "a:b:c:d", "0:0:7:0"] {
                let address = if own.matches(':').count() == 3 {
                    format!("2001:db8:0:1:{own}")
                } else {
                    format!("2001:db8:0:1::{own}")
                };
                assert_eq!(try_from(talk, from, &address, "emily", "wrong"), 401, "{address}");
            }
            assert_eq!(try_from(talk, from, "2001:db8:0:1::99", "emily", "emily:s3cret"), 429);
            assert_eq!(try_from(talk, from, "2001:db8:0:2::1", "emily", "emily:s3cret"), 200);
            assert_eq!(try_from(talk, from, "2001:db8:0:1::1", "emma", "pässwörd-emma"), 200);
            for nth in 0..50 {
                let (address, name) = (format!("2001:db8:1:1::{nth:x}"), format!("nobody-{nth}"));
                assert_eq!(try_from(talk, from, &address, &name, "wrong"), 401, "{nth}");
            }
            assert_eq!(try_from(talk, from, "2001:db8:1:1::99", "jacob", "jacob-is-admin"), 429);
            assert_eq!(try_from(talk, from, "2001:db8:1:2::99", "jacob", "jacob-is-admin"), 200);
            // One address of IPv4, in either form.
            for nth in 1..=5 {
                let address = if nth % 2 == 0 { "192.0.2.9" } else { "::ffff:192.0.2.9" };
                assert_eq!(try_from(talk, from, address, "jacob", "wrong"), 401, "{nth}");
            }
            assert_eq!(try_from(talk, from, "192.0.2.9", "jacob", "jacob-is-admin"), 429);
            assert_eq!(try_from(talk, from, "::ffff:192.0.2.9", "jacob", "jacob-is-admin"), 429);
            assert_eq!(try_from(talk, from, "::ffff:192.0.2.10", "jacob", "jacob-is-admin"), 200);
        });
    }
}

#[test]
fn whoever_guesses_at_a_name_from_everywhere_keeps_nobody_out_where_they_signed_in() {
    let [(flags, from), _] = FAMILIES;
    everywhere_with(flags, |talk| {
        assert_eq!(sign_in_from(talk, from, "198.51.100.1", "emily", "emily:s3cret"), 204);
        for nth in 0..100 {
            let address = format!("192.0.2.{}", nth / 4);
            assert_eq!(try_from(talk, from, &address, "emily", "wrong"), 401, "{nth}");
        }
        let began = std::time::Instant::now();
        let looked_at =
            (100..140).filter(|nth| try_from(talk, from, &format!("192.0.2.{nth}"), "emily", "wrong") == 401).count();
        let seconds = began.elapsed().as_secs();
        assert!(looked_at as u64 <= seconds + 2, "one a second: {looked_at} in {seconds} s");
        // Known from there; and no other name is held up anywhere.
        assert_eq!(sign_in_from(talk, from, "198.51.100.1", "emily", "emily:s3cret"), 204);
        assert_eq!(try_from(talk, from, "198.51.100.1", "emily", "emily:s3cret"), 200);
        assert_eq!(try_from(talk, from, "192.0.2.1", "emma", "pässwörd-emma"), 200);
        assert_eq!(try_from(talk, from, "198.51.100.2", "jacob", "jacob-is-admin"), 200);
    });
}

#[test]
fn a_name_is_counted_under_one_spelling() {
    let [(flags, from), _] = FAMILIES;
    everywhere_with(flags, |talk| {
        for name in ["emily", "EMILY", "eMiLy", "ｅｍｉｌｙ", "ＥＭＩＬＹ"] {
            assert_eq!(try_from(talk, from, "192.0.2.1", name, "wrong"), 401, "{name}");
        }
        for name in ["emily", "Emily", "ｅmily"] {
            assert_eq!(try_from(talk, from, "192.0.2.1", name, "emily:s3cret"), 429, "{name}");
            assert_eq!(sign_in_from(talk, from, "192.0.2.1", name, "emily:s3cret"), 429, "{name}");
        }
        assert_eq!(try_from(talk, from, "192.0.2.2", "emily", "emily:s3cret"), 200);
    });
}

#[test]
fn a_password_that_is_too_long_counts_for_its_address_alone() {
    let [(flags, from), _] = FAMILIES;
    let password = "x".repeat(1_025);
    everywhere_with(flags, |talk| {
        for nth in 0..50 {
            let tried = if nth % 2 == 0 { sign_in_from } else { try_from };
            assert_eq!(tried(talk, from, "192.0.2.1", "emily", &password), 401, "{nth}");
        }
        for name in ["emily", "emma", "nobody"] {
            assert_eq!(try_from(talk, from, "192.0.2.1", name, &password), 429, "{name}");
        }
        assert_eq!(try_from(talk, from, "192.0.2.1", "jacob", "jacob-is-admin"), 429);
        // From elsewhere, not one of the hundred tries of the name is used up.
        for nth in 0..99 {
            let address = format!("192.0.2.{}", 2 + nth / 4);
            assert_eq!(try_from(talk, from, &address, "emily", "wrong"), 401, "{nth}");
        }
        assert_eq!(try_from(talk, from, "198.51.100.1", "emily", "emily:s3cret"), 200);
    });
}

#[test]
fn tries_in_parallel_are_counted_exactly() {
    let [(flags, from), _] = FAMILIES;
    everywhere_with(flags, |talk| {
        let address = talk.service().address();
        // By how many names and from how many addresses forty tries are made, and how many of them are looked at.
        for (names, addresses, looked_at) in [(1, 1, 5), (40, 1, 40), (1, 40, 40), (8, 1, 10)] {
            let ask = |nth: usize| {
                // The last row is what is left to the second one's address.
                let (name, host) = (format!("name-{names}-{}", nth % names), nth % addresses);
                let network = if names > 1 { 1 } else { 1 + addresses };
                let request =
                    from(get_as("/me", &basic(&name, &format!("wrong-{nth}"))), &format!("10.0.{network}.{host}"));
                let mut connection = Connection::open(address).unwrap();
                connection.say(&request.bytes());
                connection.answer(&request).unwrap().status()
            };
            let statuses: Vec<u16> = thread::scope(|scope| {
                let tries: Vec<_> = (0..40).map(|nth| scope.spawn(move || ask(nth))).collect();
                tries.into_iter().map(|one| one.join().unwrap()).collect()
            });
            let of = |status: u16| statuses.iter().filter(|other| **other == status).count();
            assert_eq!((of(401), of(429)), (looked_at, 40 - looked_at), "{names} names, {addresses} addresses");
        }
    });
}
