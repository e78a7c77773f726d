//! Mutated tokens, judged by us and by jsonwebtoken's `decode`: the two must agree, but where we are stricter on purpose.
//!
//! `JWT_TOKENS=1000000 cargo test --release -p countersign --test jwt oracle` runs the long form. `JWT_SEED` repeats a run.

use countersign::{jose::JwtAlgorithm, verifier::jwt::JwtVerifier};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use crate::workshop::*;

/// SplitMix64: the same run for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }
}

/// A token's parts before they are signed, and whether we refuse what the oracle may let pass.
struct Draft {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    /// Written behind the claims as they are.
    more_claims: String,
    stricter: bool,
}

struct Both {
    algorithm: JwtAlgorithm,
    ours: JwtVerifier<()>,
    key: DecodingKey,
    validation: Validation,
}

impl Both {
    fn of(algorithm: JwtAlgorithm) -> Self {
        let workshop = workshop();
        let theirs: Algorithm = algorithm.name().parse().unwrap();
        let public = workshop.public_pem(algorithm);
        let key = match algorithm.name() {
            "EdDSA" => DecodingKey::from_ed_pem(public.as_bytes()).unwrap(),
            "ES256" | "ES384" => DecodingKey::from_ec_pem(public.as_bytes()).unwrap(),
            name if name.starts_with("HS") => DecodingKey::from_secret(SECRET),
            _ => DecodingKey::from_rsa_pem(public.as_bytes()).unwrap(),
        };
        let mut validation = Validation::new(theirs);
        validation.leeway = 30;
        validation.validate_nbf = true;
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&["people", "people-admin"]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        let issuer = issuer([workshop.key(algorithm).with_id("a")]).audience("people-admin");
        Self {
            algorithm,
            ours: JwtVerifier::trusting(issuer).principal_by(|_, verified| verified.into()).unwrap(),
            key,
            validation,
        }
    }

    fn oracle(&self, token: &str) -> bool {
        jsonwebtoken::decode::<IgnoredAny>(token, &self.key, &self.validation).is_ok()
    }
}

fn draft(algorithm: JwtAlgorithm, now: u64) -> Draft {
    let header = json!({ "typ": "JWT", "alg": algorithm.name(), "kid": "a" });
    let claims = json!({ "iss": ISSUER, "aud": "people", "sub": "emily", "exp": now + 600, "nbf": now - 60, "iat": now - 60,
        "jti": "t-1", "scope": "reports:read" });
    Draft {
        header: header.as_object().unwrap().clone(),
        claims: claims.as_object().unwrap().clone(),
        more_claims: String::new(),
        stricter: false,
    }
}

/// What the oracle takes and we refuse is marked; all else must be judged alike.
fn change(draft: &mut Draft, random: &mut Random, now: u64) {
    let odd =
        [json!(null), json!(true), json!(7), json!("x"), json!([]), json!({}), json!(["x"]), json!(1.5), json!("")];
    let value = random.of(&odd);
    match random.below(24) {
        0 => {
            draft.claims.remove(random.of(&["iss", "aud", "exp", "nbf", "sub", "iat", "jti", "scope"]));
        }
        1 => {
            draft.claims.insert("exp".into(), random.of(&odd));
        }
        2 => {
            draft.claims.insert("nbf".into(), random.of(&odd));
        }
        3 => {
            let times =
                [json!(now + 900), json!(now - 900), json!(now as f64 + 900.5), json!(now as f64 - 900.5), json!(1e10)];
            draft.claims.insert(random.of(&["exp", "nbf"]).into(), random.of(&times));
        }
        4 => {
            let (time, name) =
                (random.of(&[json!(-1), json!(-1.5), json!(1e19), json!(1e300)]), random.of(&["exp", "nbf"]));
            draft.claims.insert(name.into(), time);
            // Their end of time is later than ours.
            draft.stricter |= name == "exp";
        }
        5 => {
            // A list that holds the issuer, and what else is no string.
            draft.claims.insert("iss".into(), random.of(&[json!([ISSUER]), json!(["x", ISSUER]), value]));
            draft.stricter = true;
        }
        6 => {
            let near = ["", "https://issuer.exampl", "https://issuer.example/", "HTTPS://ISSUER.EXAMPLE", ISSUER];
            draft.claims.insert("iss".into(), json!(random.of(&near)));
        }
        7 => {
            let audiences = [
                json!("people"),
                json!("people-admin"),
                json!("peopl"),
                json!(["x", "people"]),
                json!(["people", "people-admin"]),
                json!(["people", "people"]),
                json!(["x"]),
                json!([]),
            ];
            draft.claims.insert("aud".into(), random.of(&audiences));
        }
        8 => {
            draft
                .claims
                .insert("aud".into(), random.of(&[json!(null), json!(7), json!({}), json!([7]), json!(["people", 7])]));
        }
        9 => {
            let name = random.of(&["sub", "jti", "iat", "scope"]);
            draft.stricter |= match (name, &value) {
                ("jti" | "scope", Value::String(_)) => false,
                ("sub", Value::String(text)) => text.is_empty(),
                ("iat", Value::Number(_)) => false,
                _ => true,
            };
            // Changed again, it may be good again: then the first mark does not count. Not worth telling apart.
            draft.claims.insert(name.into(), value);
        }
        10 => {
            draft.claims.insert(random.of(&["role", "Exp", "iss ", "ISS", ""]).into(), value);
        }
        11 => {
            let (name, good) = random.of(&[
                ("iss", true),
                ("exp", true),
                ("aud", true),
                ("sub", true),
                ("jti", false),
                ("role", false),
            ]);
            let written = draft.claims.entry(name).or_insert(json!(1)).to_string();
            draft.more_claims = format!(",\"{name}\":{written}");
            // They find the registered names twice, we find all.
            draft.stricter |= !good || name != "iss";
        }
        12 => {
            draft.more_claims =
                random.of(&[",", "}", ",\"x\":", ",\"x\":01", ",\"x\":\"\u{1}\"", ",\"x\":1e999"]).into()
        }
        13 => {
            draft.more_claims =
                random.of(&[" ", "\r\n\t", ",\"x\":\"\\u00e9\\n\"", ",\"x\":\"\\ud83d\\ude00é\""]).into()
        }
        14 => {
            draft.header.insert(
                "crit".into(),
                random.of(&[json!(["exp"]), json!(["b64"]), json!([]), json!(null), json!("x")]),
            );
            draft.stricter = true;
        }
        15 => {
            draft
                .header
                .insert("typ".into(), random.of(&[json!("logout+jwt"), json!("x"), json!(""), json!(null), json!(7)]));
            draft.stricter = true;
        }
        16 => {
            draft.header.insert("typ".into(), random.of(&[json!("jwt"), json!("at+jwt"), json!("application/JWT")]));
        }
        17 => {
            draft.header.insert("kid".into(), random.of(&[json!("b"), json!(""), json!(null), json!(7), json!(["a"])]));
            draft.stricter = true;
        }
        18 => {
            draft.header.remove(random.of(&["typ", "alg", "kid"]));
        }
        19 => {
            let mut names: Vec<_> = ALGORITHMS.iter().map(|algorithm| json!(algorithm.name())).collect();
            names.extend([
                json!("none"),
                json!("None"),
                json!(""),
                json!(null),
                json!(0),
                json!("es256"),
                json!("ES512"),
            ]);
            draft.header.insert("alg".into(), random.of(&names));
        }
        20 => {
            let name = random.of(&["jku", "x5u", "cty", "nonce", "url"]);
            draft.header.insert(name.into(), json!("https://attacker.example"));
        }
        21 => {
            let jwk = workshop().jwk(random.of(&ALGORITHMS));
            draft.header.insert("jwk".into(), jwk);
        }
        22 => {
            draft.header.insert("b64".into(), random.of(&[json!(true), json!(false)]));
        }
        _ => {}
    }
}

fn write(draft: &Draft) -> (String, String) {
    let claims = serde_json::to_string(&draft.claims).unwrap();
    let claims = format!("{}{}}}", claims.strip_suffix('}').unwrap(), draft.more_claims);
    (serde_json::to_string(&draft.header).unwrap(), claims)
}

/// Damage to what is signed already.
fn damage(token: &str, random: &mut Random) -> String {
    let mut bytes = token.as_bytes().to_vec();
    let place = random.below(bytes.len());
    match random.below(8) {
        0 => bytes[place] = random.of(b"ABCDwxyz0189-_.=~+/"),
        1 => bytes[place] ^= 1 << random.below(7),
        2 => bytes.truncate(place),
        3 => bytes.insert(place, random.of(b"A.=-")),
        4 => drop(bytes.remove(place)),
        5 => bytes.extend(random.of(&[&b"="[..], b".", b"A", b".A"])),
        6 => {
            let mut parts: Vec<_> = token.split('.').collect();
            let (one, other) = (random.below(parts.len()), random.below(parts.len()));
            parts.swap(one, other);
            return parts.join(".");
        }
        _ => return token.split('.').rev().collect::<Vec<_>>().join("."),
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn run(tokens: usize, seed: u64) -> [usize; 3] {
    let mut random = Random(seed);
    let judges: Vec<_> = ALGORITHMS.into_iter().map(Both::of).collect();
    let (rsa, quick): (Vec<_>, Vec<_>) = judges.iter().partition(|both| "RP".contains(&both.algorithm.name()[..1]));
    let (mut both_accept, mut both_refuse, mut stricter) = (0, 0, 0);
    for round in 0..tokens {
        let now = now();
        // RSA signs slowly, and differs in nothing but the signature.
        let both = if random.below(16) == 0 { random.of(&rsa) } else { random.of(&quick) };
        let mut draft = draft(both.algorithm, now);
        for _ in 0..random.below(4) {
            change(&mut draft, &mut random, now);
        }
        let (header, claims) = write(&draft);
        let signs = if random.below(8) == 0 { random.of(&quick).algorithm } else { both.algorithm };
        let mut token = workshop().token(signs, &header, &claims);
        if random.below(3) == 0 {
            token = damage(&token, &mut random);
        }
        let (ours, theirs) = (accepts(&both.ours, &token), both.oracle(&token));
        let told = || {
            format!(
                "seed {seed}, round {round}, {}: ours {ours}, theirs {theirs}\n{header}\n{claims}\n{token}",
                both.algorithm
            )
        };
        match (ours, theirs) {
            (true, true) => both_accept += 1,
            (false, false) => both_refuse += 1,
            (false, true) if draft.stricter => stricter += 1,
            _ => panic!("{}", told()),
        }
    }
    [both_accept, both_refuse, stricter]
}

#[test]
#[expect(clippy::print_stdout, reason = "people read what the long form counted")]
fn the_oracle_agrees_but_where_we_are_stricter() {
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let tokens = usize::try_from(number("JWT_TOKENS", 20_000)).unwrap();
    let counts = run(tokens, number("JWT_SEED", 0x00C0_FFEE));
    // A run that never accepts, never refuses, or never meets a difference would prove nothing.
    assert!(counts.iter().all(|count| *count > tokens / 100), "accepted, refused, stricter: {counts:?}");
    println!("accepted by both, refused by both, refused by us alone: {counts:?}");
}
