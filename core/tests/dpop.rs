//! Proofs of possession (RFC 9449), each wrong in one way.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{
    digest, hmac, rand,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    },
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use countersign::{
    Bearer, Gate, JwtSigner, KeyRing, Secret, Verified,
    adapter::Verdict,
    clock::SharedClock,
    credential::{Dpop, DpopKey, KeyBound, Nonces},
    jose::{JwtAlgorithm, JwtKey},
    principal::Binding,
    response::Rejection,
    store::MemoryReplay,
    testing::{ManualClock, PlainHead},
    verifier::TokenTable,
};
use serde_json::{Value, json};

const NOW: u64 = 1_700_000_000;
const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
const ATH: &str = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo";

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Keys of both kinds.
struct Keys {
    p256: EcdsaKeyPair,
    ed: Ed25519KeyPair,
}

impl Keys {
    fn new() -> Self {
        let p256 = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { p256, ed: Ed25519KeyPair::generate().unwrap() }
    }

    fn jwk(&self) -> Value {
        let point = self.p256.public_key().as_ref();
        json!({ "kty": "EC", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..]) })
    }

    fn ed_jwk(&self) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(self.ed.public_key().as_ref()) })
    }

    fn sign(&self, algorithm: &str, text: &[u8]) -> Vec<u8> {
        match algorithm {
            "ES256" => self.p256.sign(&rand::SystemRandom::new(), text).unwrap().as_ref().to_vec(),
            "EdDSA" | "Ed25519" => self.ed.sign(text).as_ref().to_vec(),
            "none" => Vec::new(),
            // The public key's text as a secret.
            _ => {
                let secret = serde_json::to_vec(&self.jwk()).unwrap();
                hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), text).as_ref().to_vec()
            }
        }
    }

    fn proof(&self, header: &Value, claims: &Value) -> String {
        let text = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        let signature = self.sign(header["alg"].as_str().unwrap_or_default(), text.as_bytes());
        format!("{text}.{}", b64(signature))
    }
}

fn thumbprint(jwk: &Value) -> [u8; 32] {
    let text = JwtKey::jwk(&jwk.to_string()).unwrap().thumbprint().unwrap();
    URL_SAFE_NO_PAD.decode(text).unwrap().try_into().unwrap()
}

fn header(jwk: &Value) -> Value {
    json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk })
}

fn claims(id: &str) -> Value {
    json!({ "jti": id, "htm": "GET", "htu": "https://api.example/a", "iat": NOW, "ath": ATH })
}

struct Service {
    keys: Keys,
    clock: Arc<ManualClock>,
    gate: Gate<&'static str>,
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn service(change: impl FnOnce(Dpop) -> Dpop) -> Service {
    let (keys, clock) = (Keys::new(), Arc::new(ManualClock::at(at(NOW))));
    let bound =
        |jwk: &Value| Verified::new("emma").with_subject("emma").bound_to(Binding::KeyThumbprint(thumbprint(jwk)));
    let tokens = TokenTable::new()
        .with(TOKEN, bound(&keys.jwk()))
        .with("of-the-other-key", bound(&keys.ed_jwk()))
        .with("bound-to-nothing", Verified::new("emily"))
        .with("bound-to-a-certificate", Verified::new("emily").bound_to(Binding::Certificate([7; 32])));
    let tokens = Arc::new(tokens);
    let replay = Arc::new(MemoryReplay::default().timed_by(clock.clone()));
    let dpop = change(Dpop::remembered_in(replay).timed_by(clock.clone()));
    let gate =
        Gate::in_realm("r").accept(dpop, KeyBound(tokens.clone())).accept(Bearer, tokens).timed_by(clock.clone());
    Service { keys, clock, gate: gate.build().unwrap() }
}

fn sent(token: &str, proofs: &[&str]) -> PlainHead {
    let head =
        PlainHead::get("/a?b=c").over_tls().with("host", "api.example").with("authorization", format!("DPoP {token}"));
    proofs.iter().fold(head, |head, proof| head.with("dpop", proof))
}

impl Service {
    async fn ask(&self, head: PlainHead) -> Result<Vec<(&'static str, String)>, Rejection> {
        let head = head.received_by(&self.gate);
        match head.verdict_at(&self.gate).await {
            Verdict::Admitted(_) => Ok(head.finished().fields().to_vec()),
            Verdict::Rejected(rejection) => Err(rejection),
            Verdict::Anonymous => panic!("anonymous"),
        }
    }

    /// `error` of the DPoP challenge; none if it was let in.
    async fn error(&self, head: PlainHead) -> Option<String> {
        let rejection = self.ask(head).await.err()?;
        assert_eq!(rejection.status(), 401);
        let challenge =
            rejection.challenges().iter().find(|challenge| challenge.scheme() == "DPoP").unwrap().to_string();
        let begins = "DPoP realm=\"r\", algs=\"ES256 Ed25519 EdDSA\"";
        let rest = challenge.strip_prefix(begins).unwrap();
        let error = rest.strip_prefix(", error=\"").and_then(|rest| rest.strip_suffix('"'));
        Some(error.unwrap_or(rest).to_owned())
    }
}

#[tokio::test]
async fn a_good_proof_passes_once_by_either_kind_of_key() {
    let service = service(|dpop| dpop);
    let keys = &service.keys;
    let proof = keys.proof(&header(&keys.jwk()), &claims("1"));
    assert_eq!(service.error(sent(TOKEN, &[&proof])).await, None);
    assert_eq!(service.error(sent(TOKEN, &[&proof])).await.as_deref(), Some("invalid_dpop_proof"));
    let ath = b64(digest::digest(&digest::SHA256, b"of-the-other-key"));
    for (id, alg) in [("1", "EdDSA"), ("2", "Ed25519")] {
        let header = json!({ "typ": "dpop+jwt", "alg": alg, "jwk": keys.ed_jwk() });
        let mut claims = claims(id);
        claims["ath"] = json!(ath);
        let proof = keys.proof(&header, &claims);
        // The same id by another key is another one.
        assert_eq!(service.error(sent("of-the-other-key", &[&proof])).await, None, "{alg}");
    }
}

#[tokio::test]
async fn a_proof_that_is_wrong_in_one_thing_is_refused() {
    let service = service(|dpop| dpop);
    let keys = &service.keys;
    type Change = fn(&Keys, &mut Value, &mut Value);
    let rows: Vec<(&str, Change)> = vec![
        ("another type", |_, header, _| header["typ"] = json!("JWT")),
        ("no type", |_, header, _| drop(header.as_object_mut().unwrap().remove("typ"))),
        ("no key", |_, header, _| drop(header.as_object_mut().unwrap().remove("jwk"))),
        ("a private key", |_, header, _| header["jwk"]["d"] = json!("AAAA")),
        ("a private key of nothing", |_, header, _| header["jwk"]["d"] = json!(null)),
        ("none", |_, header, _| header["alg"] = json!("none")),
        ("a secret made of the key", |_, header, _| header["alg"] = json!("HS256")),
        ("a symmetric key", |_, header, _| {
            *header = json!({ "typ": "dpop+jwt", "alg": "HS256", "jwk": { "kty": "oct", "alg": "HS256", "k": b64([7; 32]) } });
        }),
        ("the key's other algorithm", |_, header, _| header["alg"] = json!("ES384")),
        ("an extension", |_, header, _| header["crit"] = json!(["b64"])),
        ("a key for sealing", |_, header, _| header["jwk"]["use"] = json!("enc")),
        ("another method", |_, _, claims| claims["htm"] = json!("POST")),
        ("the method in lower case", |_, _, claims| claims["htm"] = json!("get")),
        ("another path", |_, _, claims| claims["htu"] = json!("https://api.example/ab")),
        ("the beginning of the path", |_, _, claims| claims["htu"] = json!("https://api.example/")),
        ("another scheme", |_, _, claims| claims["htu"] = json!("http://api.example/a")),
        ("another host", |_, _, claims| claims["htu"] = json!("https://api.example.org/a")),
        ("a user", |_, _, claims| claims["htu"] = json!("https://api.example@evil.example/a")),
        ("an address in a list", |_, _, claims| claims["htu"] = json!(["https://api.example/a"])),
        ("another token", |_, _, claims| claims["ath"] = json!(b64([7; 32]))),
        ("no token", |_, _, claims| drop(claims.as_object_mut().unwrap().remove("ath"))),
        ("no id", |_, _, claims| drop(claims.as_object_mut().unwrap().remove("jti"))),
        ("an empty id", |_, _, claims| claims["jti"] = json!("")),
        ("a number for an id", |_, _, claims| claims["jti"] = json!(1)),
        ("no time", |_, _, claims| drop(claims.as_object_mut().unwrap().remove("iat"))),
        ("too long ago", |_, _, claims| claims["iat"] = json!(NOW - 61)),
        ("too far ahead", |_, _, claims| claims["iat"] = json!(NOW + 61)),
        ("a time in text", |_, _, claims| claims["iat"] = json!(NOW.to_string())),
        ("over", |_, _, claims| claims["exp"] = json!(NOW)),
        ("a nonce of nobody", |_, _, claims| claims["nonce"] = json!("made up")),
    ];
    for (what, change) in rows {
        let (mut header, mut claims) = (header(&keys.jwk()), claims(what));
        change(keys, &mut header, &mut claims);
        let proof = keys.proof(&header, &claims);
        assert_eq!(service.error(sent(TOKEN, &[&proof])).await.as_deref(), Some("invalid_dpop_proof"), "{what}");
    }
    let good = keys.proof(&header(&keys.jwk()), &claims("good"));
    let other = keys.proof(&header(&keys.jwk()), &claims("other"));
    let (text, signature) = good.rsplit_once('.').unwrap();
    let asn1 =
        EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_ASN1_SIGNING, keys.p256.to_pkcs8v1().unwrap().as_ref());
    let der = asn1.unwrap().sign(&rand::SystemRandom::new(), text.as_bytes()).unwrap();
    let twice = |claims: &str| {
        let text = format!("{}.{}", b64(header(&keys.jwk()).to_string()), b64(claims));
        format!("{text}.{}", b64(keys.sign("ES256", text.as_bytes())))
    };
    let doubled = claims("x").to_string().replacen('{', "{\"htm\":\"POST\",", 1);
    let rows: Vec<(&str, Vec<String>)> = vec![
        ("none at all", vec![]),
        ("two", vec![good.clone(), other]),
        ("the same twice", vec![good.clone(), good.clone()]),
        ("an empty one", vec![String::new()]),
        ("none that is a token", vec!["a.b.c".into()]),
        ("a signature in DER", vec![format!("{text}.{}", b64(der.as_ref()))]),
        ("a signature with padding", vec![format!("{text}.{signature}==")]),
        ("no signature", vec![format!("{text}.")]),
        ("a claim twice", vec![twice(&doubled)]),
        ("claims in a list", vec![twice("[\"1\",\"GET\",\"https://api.example/a\",1700000000,\"x\"]")]),
        ("too long", vec![format!("{text}.{}", "A".repeat(9_000))]),
    ];
    for (what, proofs) in rows {
        let proofs: Vec<&str> = proofs.iter().map(String::as_str).collect();
        assert_eq!(service.error(sent(TOKEN, &proofs)).await.as_deref(), Some("invalid_dpop_proof"), "{what}");
    }
    // Nothing of all this has spent the id.
    assert_eq!(service.error(sent(TOKEN, &[&good])).await, None);
}

#[tokio::test]
async fn a_token_is_refused_by_its_own_name() {
    let service = service(|dpop| dpop);
    let keys = &service.keys;
    let of = |token: &str, jwk: &Value, alg: &str| {
        let mut claims = claims(token);
        claims["ath"] = json!(b64(digest::digest(&digest::SHA256, token.as_bytes())));
        keys.proof(&json!({ "typ": "dpop+jwt", "alg": alg, "jwk": jwk }), &claims)
    };
    for token in ["unknown", "bound-to-nothing", "bound-to-a-certificate", "of-the-other-key"] {
        let proof = of(token, &keys.jwk(), "ES256");
        assert_eq!(service.error(sent(token, &[&proof])).await.as_deref(), Some("invalid_token"), "{token}");
    }
    let bearer = PlainHead::get("/a").over_tls().with("authorization", format!("Bearer {TOKEN}"));
    let proof = of(TOKEN, &keys.jwk(), "ES256");
    let rejection = service.ask(bearer.with("host", "api.example").with("dpop", proof)).await.unwrap_err();
    let told: Vec<_> = rejection.challenges().iter().map(ToString::to_string).collect();
    assert!(
        !told[0].contains("error") && told[1].starts_with("Bearer realm=\"r\", error=\"invalid_token\""),
        "{told:?}"
    );
    let nothing = service.ask(PlainHead::get("/a").over_tls()).await.unwrap_err();
    assert!(nothing.challenges().iter().all(|challenge| !challenge.to_string().contains("error")));
}

#[tokio::test]
async fn an_id_is_kept_until_its_own_proof_is_too_old() {
    let service = service(|dpop| dpop);
    let keys = &service.keys;
    let mut ahead = claims("ahead");
    ahead["iat"] = json!(NOW + 60);
    let proof = keys.proof(&header(&keys.jwk()), &ahead);
    assert_eq!(service.error(sent(TOKEN, &[&proof])).await, None);
    for _ in 0..3 {
        service.clock.advance(Duration::from_secs(40));
        // 120 s later it would still pass, if it were forgotten.
        assert_eq!(service.error(sent(TOKEN, &[&proof])).await.as_deref(), Some("invalid_dpop_proof"));
    }
}

#[tokio::test]
async fn of_two_at_once_one_passes() {
    let service = service(|dpop| dpop);
    let proof = service.keys.proof(&header(&service.keys.jwk()), &claims("1"));
    let (one, two) = tokio::join!(service.error(sent(TOKEN, &[&proof])), service.error(sent(TOKEN, &[&proof])));
    assert_eq!(usize::from(one.is_none()) + usize::from(two.is_none()), 1);
}

#[tokio::test]
async fn a_nonce_is_asked_for_and_renewed_before_it_ends() {
    let ring = KeyRing::random();
    let service = service(|dpop| dpop.with_nonces(ring, Duration::from_secs(300)).needing_nonces());
    let keys = &service.keys;
    let with = |id: &str, nonce: Option<&str>, now: u64| {
        let mut claims = claims(id);
        claims["iat"] = json!(now);
        nonce.into_iter().for_each(|nonce| claims["nonce"] = json!(nonce));
        keys.proof(&header(&keys.jwk()), &claims)
    };
    let asked = |rejection: &Rejection| {
        let reply = rejection.reply();
        let told = reply.fields().find(|(name, _)| *name == "www-authenticate").unwrap().1.to_owned();
        assert!(told.contains("error=\"use_dpop_nonce\""), "{told}");
        reply.fields().find(|(name, _)| *name == "dpop-nonce").unwrap().1.to_owned()
    };
    let nonce = asked(&service.ask(sent(TOKEN, &[&with("1", None, NOW)])).await.unwrap_err());
    asked(&service.ask(sent(TOKEN, &[&with("1", Some("made-up"), NOW)])).await.unwrap_err());
    let fresh = |fields: &[(&'static str, String)]| {
        fields.iter().find(|(name, _)| *name == "dpop-nonce").map(|(_, value)| value.clone())
    };
    let fields = service.ask(sent(TOKEN, &[&with("1", Some(&nonce), NOW)])).await.unwrap();
    assert_eq!(fresh(&fields), None, "it has long to live");
    service.clock.advance(Duration::from_secs(241));
    let fields = service.ask(sent(TOKEN, &[&with("2", Some(&nonce), NOW + 241)])).await.unwrap();
    let next = fresh(&fields).unwrap();
    service.clock.advance(Duration::from_secs(59));
    asked(&service.ask(sent(TOKEN, &[&with("3", Some(&nonce), NOW + 300)])).await.unwrap_err());
    assert!(service.ask(sent(TOKEN, &[&with("3", Some(&next), NOW + 300)])).await.is_ok());
    // What is wrong otherwise is told first.
    assert_eq!(service.error(sent(TOKEN, &["a.b.c"])).await.as_deref(), Some("invalid_dpop_proof"));
}

#[test]
fn proofs_that_need_nonces_that_nobody_hands_out_cannot_be_built() {
    let dpop = Dpop::remembered_in(Arc::new(MemoryReplay::default())).needing_nonces();
    let faults = Gate::in_realm("r").accept(dpop, KeyBound(TokenTable::<()>::new())).build().unwrap_err();
    assert!(faults.to_string().contains("with_nonces"), "{faults}");
}

/// The examples of RFC 9449, in figures 12 and 13, by the key of its figure 2, at their time.
#[tokio::test]
async fn the_example_of_the_specification_passes_at_its_time() {
    let proof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
    let key = URL_SAFE_NO_PAD.decode("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I").unwrap();
    let emma = Verified::new("emma").bound_to(Binding::KeyThumbprint(key.try_into().unwrap()));
    let clock = Arc::new(ManualClock::at(at(1_562_262_618)));
    let replay = Arc::new(MemoryReplay::default().timed_by(clock.clone()));
    let dpop = Dpop::remembered_in(replay).timed_by(clock.clone());
    let gate = Gate::in_realm("r").accept(dpop, KeyBound(TokenTable::new().with(TOKEN, emma))).timed_by(clock);
    let gate = gate.build().unwrap();
    let head = PlainHead::get("/protectedresource").over_tls().with("host", "resource.example.org");
    let head = head.with("authorization", format!("DPoP {TOKEN}")).with("dpop", proof).received_by(&gate);
    assert!(matches!(head.verdict_at(&gate).await, Verdict::Admitted(_)));
}

#[tokio::test]
async fn what_a_client_makes_here_passes_once() {
    let pem =
        |der: &[u8]| format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der));
    let p256 = JwtSigner::pem(&pem(Keys::new().p256.to_pkcs8v1().unwrap().as_ref())).unwrap();
    for signer in [JwtSigner::fresh().unwrap(), p256] {
        let key = DpopKey::of(&signer).unwrap();
        let clock: SharedClock = Arc::new(ManualClock::at(at(NOW)));
        let tokens = TokenTable::new().with(TOKEN, Verified::new("emma").bound_to(key.binding()));
        let replay = Arc::new(MemoryReplay::default().timed_by(clock.clone()));
        let nonces = Nonces::of("dpop nonce", keys()).timed_by(clock.clone());
        let dpop = Dpop::remembered_in(replay).timed_by(clock.clone()).with_nonces(keys(), Duration::from_secs(300));
        let gate = Gate::in_realm("r").accept(dpop.needing_nonces(), KeyBound(tokens)).timed_by(clock.clone());
        let gate = gate.build().unwrap();
        let passes = async |proof: &str| {
            let verdict = sent(TOKEN, &[proof]).received_by(&gate).verdict_at(&gate).await;
            matches!(verdict, Verdict::Admitted(_))
        };
        let made = |method: &str, token: &str, nonce: Option<&str>| {
            key.proof(method, "https://api.example/a?query#fragment", token, nonce, &clock)
        };
        let nonce = nonces.hand_out();
        let good = made("GET", TOKEN, Some(&nonce));
        assert!(passes(&good).await);
        for proof in [good, made("GET", TOKEN, None), made("POST", TOKEN, Some(&nonce)), made("GET", "x", Some(&nonce))]
        {
            assert!(!passes(&proof).await);
        }
        // Keys that the signer has later sign nothing of this client's.
        signer.replace_with(&JwtSigner::fresh().unwrap());
        assert!(passes(&made("GET", TOKEN, Some(&nonce))).await);
    }
    let secret = JwtSigner::secret(JwtAlgorithm::Hs256, &Secret::new("0123456789abcdef0123456789abcdef")).unwrap();
    assert!(DpopKey::of(&secret).is_none());
}

fn keys() -> KeyRing {
    KeyRing::parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap()
}
