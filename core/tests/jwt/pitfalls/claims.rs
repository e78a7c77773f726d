//! What a token must say, and of which type.

use super::*;

#[test]
fn j1_what_is_configured_is_required() {
    let verifier = hs256();
    assert!(accepts(&verifier, &token(&good_claims().to_string())));
    for name in ["iss", "aud", "exp"] {
        assert!(!accepts(&verifier, &token(&claims_without(name))), "{name}");
    }
    assert!(accepts(&verifier, &token(&claims_without("sub"))), "nobody asked for a subject");
    // Whoever forgets the audience is told at start-up, and not by the first token of another service.
    let forgotten = TrustedIssuer::named(ISSUER).key(workshop().key(HS256));
    let error = JwtVerifier::trusting(forgotten.clone()).principal::<Value>().err();
    assert_eq!(error, Some(JwtSetupError::NoAudience { issuer: ISSUER.into() }));
    let any = at_now(JwtVerifier::trusting(forgotten.any_audience())).principal::<Value>().unwrap();
    assert!(accepts(&any, &token(&claims_without("aud"))) && accepts(&any, &token(&claims_with("aud", json!("x")))));
    assert!(!accepts(&any, &token(&claims_with("aud", json!(7)))));
}

#[test]
fn j2_j3_a_registered_claim_of_the_wrong_type_is_refused() {
    // CVE-2026-25537
    let verifier = hs256();
    let odd = [json!(null), json!(true), json!({}), json!([]), json!(""), json!("1700000600"), json!(-1), json!(1e300)];
    for name in ["exp", "nbf", "iss", "aud", "iat", "sub", "jti", "scope", "scp"] {
        for value in &odd {
            let fits = match name {
                "jti" => value.is_string(),
                "sub" => value.is_string() && *value != json!(""),
                "scope" | "scp" => value.is_string() || *value == json!([]),
                _ => false,
            };
            let token = token(&claims_with(name, value.clone()));
            assert_eq!(accepts(&verifier, &token), fits, "{name} {value}");
        }
    }
    for iss in [json!([ISSUER]), json!([ISSUER, "other"]), json!({ "0": ISSUER })] {
        assert!(!accepts(&verifier, &token(&claims_with("iss", iss.clone()))), "{iss}");
    }
    for (aud, good) in [
        (json!("people"), true),
        (json!(["people"]), true),
        (json!(["other", "people"]), true),
        (json!(["other"]), false),
        (json!("People"), false),
        (json!("people "), false),
        (json!("people/admin"), false),
        (json!(["people", 7]), false),
        (json!([["people"]]), false),
        (json!({ "people": true }), false),
    ] {
        assert_eq!(accepts(&verifier, &token(&claims_with("aud", aud.clone()))), good, "{aud}");
    }
    for claims in
        ["[]", "null", "7", "\"\"", "", "{", "{}x", "[1700000600,0,\"emily\",\"https://issuer.example\",\"people\"]"]
    {
        assert!(!accepts(&verifier, &token(claims)), "{claims:?}");
    }
}

#[test]
fn an_issuer_is_itself_and_no_part_of_it() {
    // CVE-2024-53861: substrings.
    let verifier = hs256();
    for iss in [
        "",
        "h",
        "https://issuer.exampl",
        "https://issuer.example/",
        "HTTPS://issuer.example",
        "https://issuer.example,x",
    ] {
        assert!(!accepts(&verifier, &token(&claims_with("iss", json!(iss)))), "{iss}");
    }
}

#[test]
fn j4_both_times_are_checked_with_half_a_minute_of_leeway() {
    let verifier = hs256();
    for (name, value, good) in [
        ("exp", json!(NOW - 29), true),
        ("exp", json!(NOW - 30), false),
        ("exp", json!(NOW - 31), false),
        ("exp", json!(0), false),
        ("exp", json!(NOW as f64 - 29.5), true),
        ("exp", json!(NOW as f64 + 0.25), true),
        ("exp", json!(1e11), true),
        ("exp", json!(u64::MAX), false),
        ("nbf", json!(NOW + 30), true),
        ("nbf", json!(NOW + 31), false),
        ("nbf", json!(NOW as f64 + 30.5), false),
        ("nbf", json!(0), true),
        ("nbf", json!(u64::MAX), false),
        ("iat", json!(NOW + 3600), true),
    ] {
        assert_eq!(accepts(&verifier, &token(&claims_with(name, value.clone()))), good, "{name} {value}");
    }
    let strict = at_now(JwtVerifier::trusting(issuer([workshop().key(HS256)])).leeway(Duration::ZERO));
    let strict = strict.principal::<Value>().unwrap();
    for (exp, good) in [(NOW + 1, true), (NOW, false)] {
        assert_eq!(accepts(&strict, &token(&claims_with("exp", json!(exp)))), good, "{exp}");
    }
    for leeway in [Duration::MAX, Duration::from_secs(u64::MAX / 2), Duration::from_secs(1_000_000_000_000)] {
        let lenient = at_now(JwtVerifier::trusting(issuer([workshop().key(HS256)])).leeway(leeway));
        let lenient = lenient.principal::<Value>().unwrap();
        for exp in [NOW + 1, NOW - 1, 1] {
            assert!(accepts(&lenient, &token(&claims_with("exp", json!(exp)))), "{exp} {leeway:?}");
        }
    }
}

#[test]
fn a_grant_ends_when_its_token_would_be_refused() {
    let token = token(&good_claims().to_string());
    let ends = accepted(&hs256(), &token).unwrap().ends().unwrap();
    assert_eq!(ends, at(NOW + 630), "exp and the leeway");
    for (now, good) in [(ends - Duration::from_secs(1), true), (ends, false)] {
        let builder = JwtVerifier::trusting(issuer([workshop().key(HS256)])).timed_by(Arc::new(ManualClock::at(now)));
        assert_eq!(accepts(&builder.principal::<Value>().unwrap(), &token), good, "{now:?}");
    }
    // A principal's function cannot put it off.
    let later = at_now(JwtVerifier::trusting(issuer([workshop().key(HS256)])))
        .principal_by(|_, _| countersign::Verified::new(()).ending_at(at(NOW * 2)).into())
        .unwrap();
    assert_eq!(accepted(&later, &token).unwrap().ends(), Some(ends));
}

#[test]
fn what_names_nobody_is_of_whom_has_no_name() {
    let ours = JwtSigner::fresh().unwrap();
    let secret = Secret::new(SECRET);
    let shared = JwtSigner::secret(HS256, &secret).unwrap();
    let nobody = TrustedIssuer::unnamed().audience("people").key(JwtKey::secret(HS256, &secret).unwrap());
    let both =
        at_now(JwtVerifier::trusting(ours.trusted("https://ours.example").audience("people")).and_trusting(nobody));
    let both = both.principal::<Value>().unwrap();
    let signed = |signer: &JwtSigner, more: &str| {
        let claims = format!(r#"{{"aud":"people","exp":{}{more}}}"#, NOW + 60);
        signer.sign(&serde_json::from_str::<Value>(&claims).unwrap()).unwrap()
    };
    for (signer, more, good) in [
        (&shared, "", true),
        (&ours, r#","iss":"https://ours.example""#, true),
        (&ours, "", false),
        (&shared, r#","iss":"https://ours.example""#, false),
        (&shared, r#","iss":"https://other.example""#, false),
        (&shared, r#","iss":"""#, false),
        (&shared, r#","iss":null"#, false),
        (&shared, r#","iss":["https://ours.example"]"#, false),
    ] {
        assert_eq!(accepts(&both, &signed(signer, more)), good, "{signer:?} {more}");
    }
    // Once under each reading of a name that stands there twice: the text is signed as it is.
    for claims in [r#""iss":"https://other.example","iss":"https://ours.example""#, r#""iss":"a","iss":"a""#] {
        let claims = format!(r#"{{{claims},"aud":"people","exp":{}}}"#, NOW + 60);
        let token = workshop().token(HS256, &header_of(HS256), &claims);
        assert!(!accepts(&both, &token), "{token}");
    }
}

fn numbered(scopes: usize) -> Vec<String> {
    (0..scopes).map(|number| format!("s{number}")).collect()
}

#[test]
fn scopes_come_of_the_claim_that_is_there() {
    let rows: [(Option<&str>, Value, Option<&str>); 29] = [
        (None, json!({}), Some("")),
        (None, json!({ "scope": "a b" }), Some("a b")),
        (None, json!({ "scope": "" }), Some("")),
        (None, json!({ "scope": ["openid", "api1"] }), Some("openid api1")),
        (None, json!({ "scope": [] }), Some("")),
        (None, json!({ "scope": ["a b"] }), None),
        (None, json!({ "scope": ["a", ""] }), None),
        (None, json!({ "scope": ["a", 7] }), None),
        (None, json!({ "scope": [["a"]] }), None),
        (None, json!({ "scope": { "a": true } }), None),
        (None, json!({ "scope": null, "scp": "a" }), None),
        (None, json!({ "scope": numbered(129) }), None),
        (None, json!({ "scope": ["a"], "scp": ["b"] }), Some("a")),
        (None, json!({ "scope": "a\"b" }), None),
        (None, json!({ "scope": format!("{}a", "a ".repeat(200)) }), Some("a")),
        (None, json!({ "scope": numbered(129).join(" ") }), None),
        (None, json!({ "scp": numbered(129) }), None),
        (None, json!({ "scp": "a b" }), Some("a b")),
        (None, json!({ "scp": ["a", "b"] }), Some("a b")),
        (None, json!({ "scp": ["a b"] }), None),
        (None, json!({ "scp": ["a", 7] }), None),
        (None, json!({ "scope": "a", "scp": ["b"] }), Some("a")),
        (None, json!({ "permissions": ["a"] }), Some("")),
        (Some("permissions"), json!({ "permissions": ["a", "b"] }), Some("a b")),
        (Some("permissions"), json!({ "permissions": "a b" }), Some("a b")),
        (Some("permissions"), json!({ "permissions": 7 }), None),
        (Some("permissions"), json!({ "scope": "a", "scp": "b" }), Some("")),
        (Some("scope"), json!({ "scope": ["a", "b"] }), Some("a b")),
        (Some("scp"), json!({ "scp": ["a"], "scope": "b" }), Some("a")),
    ];
    for (named, more, expected) in rows {
        let mut claims = good_claims();
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let builder = at_now(JwtVerifier::trusting(issuer([workshop().key(HS256)])));
        let builder = named.into_iter().fold(builder, JwtVerifierBuilder::scopes_from);
        let verified = accepted(&builder.principal::<Value>().unwrap(), &token(&claims.to_string()));
        let scopes = verified.map(|verified| verified.scopes().to_string());
        assert_eq!(scopes.as_deref(), expected, "{named:?} {more}");
    }
}

#[test]
fn a_grant_is_revocable_by_subject_and_token() {
    let verified = accepted(&hs256(), &token(&claims_with("jti", json!("t-1")))).unwrap();
    assert_eq!(verified.subject(), Some("emily"));
    let expected = [
        Handle::subject("emily"),
        Handle::subject_of(ISSUER, "emily"),
        Handle::of(HandleKind::Token, "t-1"),
        Handle::token_of(ISSUER, "t-1"),
        Handle::issuer(ISSUER),
    ];
    assert_eq!(verified.handles(), expected);
}

#[test]
fn the_application_makes_the_principal_and_may_refuse() {
    #[derive(serde::Deserialize)]
    struct Caller {
        sub: String,
        level: u8,
    }
    let builder = || at_now(JwtVerifier::trusting(issuer([workshop().key(HS256)])));
    let typed = builder().principal::<Caller>().unwrap();
    let caller = accepted(&typed, &token(&claims_with("level", json!(3)))).unwrap();
    assert_eq!((caller.principal().sub.as_str(), caller.principal().level), ("emily", 3));
    assert!(!accepts(&typed, &token(&claims_with("level", json!(300)))), "what makes no principal is refused");

    let by_hand = builder()
        .principal_by(|claims, verified| match claims.get::<Option<u8>>("level") {
            Ok(Some(Some(level))) if level > 1 => verified.map(|()| level).with_roles(["member"]).into(),
            Ok(_) => Answer::Refused,
            Err(_) => Answer::Unavailable(countersign::Unavailable::because("ill-typed")),
        })
        .unwrap();
    let verified = accepted(&by_hand, &token(&claims_with("level", json!(2)))).unwrap();
    assert_eq!((*verified.principal(), verified.roles().len()), (2, 1));
    assert_eq!(verified.subject(), Some("emily"), "what was known stays");
    for level in [json!(1), json!(null)] {
        assert!(!accepts(&by_hand, &token(&claims_with("level", level))));
    }
}
