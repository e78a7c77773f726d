//! Sealed tokens, whole and broken.

use super::*;

const CLAIMS: &[u8] = br#"{"sub":"emma"}"#;

fn shared(encryption: JweEncryption) -> JweKey {
    let length = u8::try_from(encryption.key_length()).unwrap();
    JweKey::direct(encryption, &Secret::new((0..length).collect::<Vec<u8>>())).unwrap()
}

/// A token of this header, whose key both sides share.
fn sealed_with(header: &Value, encryption: JweEncryption) -> String {
    let Kind::Direct(_, key) = shared(encryption).kind else { panic!("shared") };
    let header = URL_SAFE_NO_PAD.encode(header.to_string());
    let sealed = encryption.seal(&key, header.as_bytes(), CLAIMS).unwrap();
    let [vector, text, tag] = [sealed.vector, sealed.text, sealed.tag].map(|part| URL_SAFE_NO_PAD.encode(part));
    format!("{header}..{vector}.{text}.{tag}")
}

/// The token with another part of this number.
fn with_part(token: &str, nth: usize, change: impl Fn(Vec<u8>) -> Vec<u8>) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts[nth] = URL_SAFE_NO_PAD.encode(change(URL_SAFE_NO_PAD.decode(&parts[nth]).unwrap()));
    parts.join(".")
}

#[test]
fn what_is_sealed_to_a_key_is_opened_by_it_alone() {
    let kinds: [fn() -> JweKey; 5] = [
        || shared(JweEncryption::A256Gcm),
        || shared(JweEncryption::A128CbcHs256),
        || shared(JweEncryption::A256CbcHs512),
        || JweKey::fresh_p256().unwrap(),
        || JweKey::fresh_rsa().unwrap(),
    ];
    for (place, make) in kinds.iter().enumerate() {
        let key = make();
        let (token, nested) = (key.seal(CLAIMS, false).unwrap(), key.seal(CLAIMS, true).unwrap());
        let keys = JweKeys::of(key);
        let opened = keys.open(token.as_bytes()).expect("its own key");
        assert!(opened.content().matches(CLAIMS) && !opened.is_nested());
        assert_eq!(opened.is_by_a_shared_key(), place < 3);
        assert!(keys.open(nested.as_bytes()).unwrap().is_nested());
        for (other, make) in kinds.iter().enumerate().filter(|(other, _)| place > 2 || *other != place) {
            assert!(JweKeys::of(make()).open(token.as_bytes()).is_none(), "{place} by {other}");
        }
        let jwks: Value = serde_json::from_str(&keys.jwks_json()).unwrap();
        assert_eq!(jwks["keys"].as_array().unwrap().len(), usize::from(place > 2));
        assert!(!keys.jwks_json().contains("\"d\""));
    }
}

#[test]
fn every_part_counts() {
    for key in [
        shared(JweEncryption::A256Gcm),
        shared(JweEncryption::A128CbcHs256),
        JweKey::fresh_p256().unwrap(),
        JweKey::fresh_rsa().unwrap(),
    ] {
        let token = key.seal(CLAIMS, false).unwrap();
        let keys = JweKeys::of(key);
        for nth in 0..5 {
            let length = URL_SAFE_NO_PAD.decode(token.split('.').nth(nth).unwrap()).unwrap().len();
            for at in 0..length {
                let changed = with_part(&token, nth, |mut part| {
                    part[at] ^= 1;
                    part
                });
                assert!(keys.open(changed.as_bytes()).is_none(), "part {nth} byte {at}");
            }
            let longer = with_part(&token, nth, |part| [&part[..], b"\0"].concat());
            assert!(keys.open(longer.as_bytes()).is_none(), "part {nth} longer");
            if length > 0 {
                let shorter = with_part(&token, nth, |part| part[..part.len() - 1].to_vec());
                assert!(keys.open(shorter.as_bytes()).is_none(), "part {nth} shorter");
            }
        }
        for text in [
            String::new(),
            "....".into(),
            format!("{token}."),
            format!("{token}="),
            token[1..].to_owned(),
            "a".repeat(99_999),
        ] {
            assert!(keys.open(text.as_bytes()).is_none());
        }
    }
}

#[test]
fn a_tag_or_vector_of_another_length_is_refused() {
    for encryption in [JweEncryption::A256Gcm, JweEncryption::A128CbcHs256, JweEncryption::A256CbcHs512] {
        let keys = JweKeys::of(shared(encryption));
        let token = shared(encryption).seal(CLAIMS, false).unwrap();
        for nth in [2, 4] {
            for length in [0, 1, 4, 8, 11, 13, 15, 17, 33] {
                let cut = with_part(&token, nth, |part| part.into_iter().chain([0; 64]).take(length).collect());
                assert!(keys.open(cut.as_bytes()).is_none(), "{encryption:?} {nth} {length}");
            }
        }
    }
}

#[test]
fn the_header_does_not_choose_beyond_the_key() {
    let keys = JweKeys::of(shared(JweEncryption::A256Gcm));
    let gcm = |header: &Value| keys.open(sealed_with(header, JweEncryption::A256Gcm).as_bytes()).is_some();
    for (header, good) in [
        (json!({ "alg": "dir", "enc": "A256GCM" }), true),
        (json!({ "alg": "dir", "enc": "A256GCM", "kid": "any" }), true),
        (json!({ "alg": "dir", "enc": "A256GCM", "p2c": 2_147_483_648_u32 }), true),
        (json!({ "alg": "dir", "enc": "A256GCM", "zip": "DEF" }), false),
        (json!({ "alg": "dir", "enc": "A256GCM", "zip": null }), false),
        (json!({ "alg": "dir", "enc": "A256GCM", "crit": ["exp"] }), false),
        (json!({ "alg": "dir", "enc": "A256GCM", "kid": 7 }), false),
        (json!({ "alg": "dir", "enc": "A128CBC-HS256" }), false),
        (json!({ "alg": "dir" }), false),
        (json!({ "enc": "A256GCM" }), false),
        (json!({ "alg": "DIR", "enc": "A256GCM" }), false),
        (json!({ "alg": "RSA1_5", "enc": "A256GCM" }), false),
        (json!({ "alg": "RSA-OAEP", "enc": "A256GCM" }), false),
        (json!({ "alg": "A256KW", "enc": "A256GCM" }), false),
        (json!({ "alg": "PBES2-HS256+A128KW", "enc": "A256GCM", "p2c": 2_147_483_648_u32, "p2s": "AAAA" }), false),
        (json!(["dir", "A256GCM"]), false),
    ] {
        assert_eq!(gcm(&header), good, "{header}");
    }
    let with_key =
        with_part(&sealed_with(&json!({ "alg": "dir", "enc": "A256GCM" }), JweEncryption::A256Gcm), 1, |_| vec![0; 8]);
    assert!(keys.open(with_key.as_bytes()).is_none(), "a key part beside a shared key");
    for (key, good) in [(31, false), (32, true), (33, false)] {
        assert_eq!(JweKey::direct(JweEncryption::A256Gcm, &Secret::new(vec![7; key])).is_ok(), good);
    }
}

/// A token sealed to this P-256 key, whose content is encrypted so.
fn sealed_to(key: &JweKey, encryption: JweEncryption) -> String {
    let Kind::Agreement(agreement) = &key.kind else { panic!("a P-256 key") };
    let content_key = encryption.fresh_key().unwrap();
    let (point, wrapped) = agreement.wrap(&content_key).unwrap();
    let header = json!({ "alg": "ECDH-ES+A256KW", "enc": encryption.name(), "epk": point }).to_string();
    let header = URL_SAFE_NO_PAD.encode(header);
    let sealed = encryption.seal(&content_key, header.as_bytes(), CLAIMS).unwrap();
    let parts = [&wrapped, &sealed.vector, &sealed.text, &sealed.tag].map(|part| URL_SAFE_NO_PAD.encode(part));
    format!("{header}.{}", parts.join("."))
}

#[test]
fn a_key_takes_the_encryptions_that_it_is_told_to() {
    use JweEncryption::{A128CbcHs256, A256CbcHs512, A256Gcm};
    let rows: [(&[JweEncryption], [bool; 3]); 4] = [
        (&[A256Gcm, A128CbcHs256, A256CbcHs512], [true, true, true]),
        (&[A256Gcm, A128CbcHs256], [true, true, false]),
        (&[A256CbcHs512], [false, false, true]),
        (&[], [false, false, false]),
    ];
    let der = JweKey::generate_p256().unwrap();
    for (taken, expected) in rows {
        let key = JweKey::pkcs8(&der).unwrap().taking(taken);
        let tokens = [A256Gcm, A128CbcHs256, A256CbcHs512].map(|encryption| sealed_to(&key, encryption));
        let keys = JweKeys::of(key);
        assert_eq!(tokens.map(|token| keys.open(token.as_bytes()).is_some()), expected, "{taken:?}");
    }
    assert!(
        JweKeys::of(shared(A256Gcm).taking(&[A128CbcHs256]))
            .open(sealed_with(&json!({ "alg": "dir", "enc": "A128CBC-HS256" }), A128CbcHs256).as_bytes())
            .is_none(),
        "a shared key is for its own encryption"
    );
}

#[test]
fn a_key_is_told_by_its_name_where_several_fit() {
    let key = |id: Option<&str>| {
        let key = shared(JweEncryption::A256Gcm);
        id.map_or_else(|| shared(JweEncryption::A256Gcm), |id| key.with_id(id))
    };
    let token = |id: Option<&str>| key(id).seal(CLAIMS, false).unwrap();
    let two = JweKeys::of(key(Some("a"))).and(key(Some("b")));
    let one = JweKeys::of(key(Some("a")));
    for (keys, id, good) in [
        (&two, Some("a"), true),
        (&two, Some("c"), false),
        (&two, None, false),
        (&one, None, true),
        (&one, Some("b"), false),
    ] {
        assert_eq!(keys.open(token(id).as_bytes()).is_some(), good, "{id:?}");
    }
}

#[test]
fn an_ephemeral_key_is_a_point_of_the_curve_or_nothing() {
    let key = JweKey::fresh_p256().unwrap();
    let token = key.seal(CLAIMS, false).unwrap();
    let keys = JweKeys::of(key);
    let with_epk = |change: &dyn Fn(&mut Value)| {
        let changed = with_part(&token, 0, |header| {
            let mut header: Value = serde_json::from_slice(&header).unwrap();
            change(&mut header);
            header.to_string().into_bytes()
        });
        keys.open(changed.as_bytes()).is_some()
    };
    let zeros = URL_SAFE_NO_PAD.encode([0; 32]);
    assert!(!with_epk(&|header| header["epk"]["x"] = zeros.clone().into()), "not on the curve");
    assert!(!with_epk(&|header| {
        header["epk"]["x"] = zeros.clone().into();
        header["epk"]["y"] = zeros.clone().into();
    }));
    assert!(!with_epk(&|header| header["epk"]["crv"] = "P-384".into()));
    assert!(!with_epk(&|header| header["epk"]["kty"] = "OKP".into()));
    assert!(!with_epk(&|header| header["epk"] = Value::Null));
    assert!(!with_epk(&|header| header["epk"]["x"] = "AA".into()));
    assert!(!with_epk(&|header| header["apu"] = "=".into()));
}

/// Whoever asks often learns nothing of what is inside a wrapped key: not whether its padding is right, nor whether it is a key.
#[test]
fn a_key_that_cannot_be_decrypted_takes_as_long_as_one_that_can() {
    use std::time::{Duration, Instant};

    let key = JweKey::fresh_rsa().unwrap();
    let Kind::Rsa(rsa) = &key.kind else { panic!("an RSA key") };
    let token = key.seal(CLAIMS, false).unwrap();
    let wrapping = |content_key: &[u8]| with_part(&token, 1, |_| rsa.wrap(content_key).unwrap());
    let tokens = [
        (
            "a wrong padding",
            with_part(&token, 1, |mut wrapped| {
                // The last byte: what is no smaller than the modulus is refused unlooked at, which everybody can tell.
                wrapped[255] ^= 1;
                wrapped
            }),
        ),
        ("another key", wrapping(&[7; 32])),
        ("no key, too short", wrapping(&[7; 16])),
        ("no key, too long", wrapping(&[7; 64])),
        (
            "a wrong tag",
            with_part(&token, 4, |mut tag| {
                tag[0] ^= 1;
                tag
            }),
        ),
    ];
    let keys = JweKeys::of(key);
    let mut fastest = tokens.each_ref().map(|_| Duration::MAX);
    // The fastest of many, taken in turns, is what the work takes without what else the machine does.
    for _ in 0..200 {
        for ((what, token), fastest) in tokens.iter().zip(&mut fastest) {
            let begun = Instant::now();
            assert!(keys.open(token.as_bytes()).is_none(), "{what}");
            *fastest = begun.elapsed().min(*fastest);
        }
    }
    let (least, most) = (fastest.iter().min().unwrap(), fastest.iter().max().unwrap());
    assert!(most.as_secs_f64() / least.as_secs_f64() < 1.15, "{fastest:?}");
}

#[test]
fn nothing_of_a_key_or_a_content_prints() {
    let key = JweKey::direct(JweEncryption::A256Gcm, &Secret::new(*b"0123456789abcdef0123456789abcdef")).unwrap();
    let opened = JweKeys::of(shared(JweEncryption::A256Gcm))
        .open(shared(JweEncryption::A256Gcm).seal(b"secret", false).unwrap().as_bytes());
    let printed = format!("{key:?} {opened:?}");
    assert!(!printed.contains("0123") && !printed.contains("48, 49") && !printed.contains("secret"), "{printed}");
}
