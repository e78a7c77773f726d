//! Which of a request's credentials counts, and how a refusal asks for one.

use super::*;

#[test]
fn every_scheme_admits_by_its_own_place() {
    let rows: [(&[(&str, &str)], &str); 5] = [
        (&[("authorization", "Basic ZW1pbHk6czNjcmV0")], "basic"),
        (&[("authorization", "Bearer emily-token")], "bearer"),
        (&[("x-api-key", "emily-token")], "api-key"),
        (&[("authorization", "token emily-token")], "api-key"),
        (&[("authorization", "Unknown x"), ("x-api-key", "emily-token")], "api-key"),
    ];
    for (fields, scheme) in rows {
        match decided(&gate(), with(fields)) {
            Verdict::Admitted(grant) => assert_eq!((grant.scheme(), *grant), (scheme, "emily"), "{fields:?}"),
            other => panic!("{fields:?}: {other:?}"),
        }
    }
    match decided(&gate(), PlainHead::get("/me?access_token=emily-token")) {
        Verdict::Admitted(grant) => assert_eq!(grant.scheme(), "query"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_wrong_credential_is_not_anonymous() {
    // H8
    let open = gate().or_anonymous();
    assert!(matches!(decided(&open, with(&[])), Verdict::Anonymous));
    assert!(matches!(decided(&open, with(&[("authorization", "Unknown x")])), Verdict::Anonymous));
    for value in ["Bearer wrong", "Basic !", "Bearer", "Basic ZW1pbHk6d3Jvbmc="] {
        assert_eq!(refused(&open, with(&[("authorization", value)])).status(), 401, "{value}");
    }
}

#[test]
fn schemes_that_are_not_taken_count_as_absent() {
    let basic = gate().only(["basic"]).unwrap();
    let both = with(&[("authorization", "Basic ZW1pbHk6czNjcmV0"), ("x-api-key", "emily-token")]);
    assert!(matches!(decided(&basic, both), Verdict::Admitted(_)));
    assert_eq!(refused(&basic, with(&[("x-api-key", "emily-token")])).reason(), Reason::NoCredential);
    assert!(gate().only(["cokie"]).is_err());
    assert!(gate().only([]).is_err());
}

#[test]
fn challenges_stand_in_the_order_of_the_gate_and_errors_at_bearer_alone() {
    let written = |rejection: &Rejection| rejection.challenges().iter().map(Challenge::to_string).collect::<Vec<_>>();
    let plain = [
        "Basic realm=\"people\", charset=\"UTF-8\"",
        "Bearer realm=\"people\"",
        "ApiKey realm=\"people\", header=\"X-API-Key\"",
    ];
    assert_eq!(written(&refused(&gate(), with(&[]))), plain);
    assert_eq!(written(&refused(&gate(), with(&[("authorization", "Basic ZW1pbHk6eA==")]))), plain);
    let wrong_token = written(&refused(&gate(), with(&[("authorization", "Bearer wrong")])));
    assert!(
        wrong_token[1].starts_with("Bearer realm=\"people\", error=\"invalid_token\", error_description="),
        "{wrong_token:?}"
    );
    let wrong_query = written(&refused(&gate(), PlainHead::get("/?access_token=wrong")));
    assert_eq!(wrong_query, wrong_token);
    assert_eq!(written(&refused(&gate().only(["query"]).unwrap(), with(&[]))), ["Bearer realm=\"people\""]);
    let ambiguous = refused(&gate(), with(&[("authorization", "a"), ("authorization", "b")]));
    assert_eq!(written(&ambiguous), ["Bearer realm=\"people\", error=\"invalid_request\""]);
    assert_eq!(written(&refused(&gate(), with(&[("sec-fetch-mode", "cors")]))), plain[1..]);
    assert_eq!(written(&refused(&gate().only(["basic"]).unwrap(), with(&[("sec-fetch-mode", "cors")]))), plain[..1]);
}

#[test]
fn a_cookie_is_not_looked_at_beside_an_explicit_credential() {
    let refused_cookie = ("cookie", "session=garbage");
    let beside = with(&[refused_cookie, ("authorization", "Bearer emily-token")]);
    assert!(matches!(decided(&sessions(), beside), Verdict::Admitted(_)));
    let doubled = with(&[("cookie", "session=a; session=b"), ("authorization", "Bearer emily-token")]);
    assert!(matches!(decided(&sessions(), doubled), Verdict::Admitted(_)));
    // C2
    assert_eq!(refused(&sessions(), with(&[("cookie", "session=a; session=b")])).reason(), Reason::Ambiguous);
    let rejection = refused(&sessions().or_anonymous(), with(&[refused_cookie]));
    let cleared =
        rejection.reply().fields().any(|(name, value)| name == "set-cookie" && value.starts_with("session=;"));
    assert!(rejection.status() == 401 && cleared, "{:?}", rejection.reply());
}

/// A kind of credential as an app would write it: public items alone.
struct Badge(Field);

impl Extract for Badge {
    type Credential = u32;

    fn scheme(&self) -> &str {
        "badge"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        request.fields(&self.0).for_each(|raw| occurrences.add(raw));
    }

    fn read(&self, raw: Raw<'_>) -> Option<u32> {
        std::str::from_utf8(raw.whole()).ok()?.parse().ok()
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Badge")]
    }

    fn fields(&self) -> Vec<Field> {
        vec![self.0.clone()]
    }

    fn rank(&self) -> Rank {
        Rank::Explicit
    }
}

#[test]
fn an_app_adds_its_own_kind() {
    let verifier =
        verify_now_with(|number: &u32| if *number == 7 { Verified::new("guard").into() } else { Answer::Refused });
    let gate = Gate::in_realm("house").accept(Badge("X-Badge".parse().unwrap()), verifier).build().unwrap();
    assert!(matches!(decided(&gate, with(&[("x-badge", "7")])), Verdict::Admitted(_)));
    for value in ["8", "", "seven", "7 7"] {
        assert_eq!(refused(&gate, with(&[("x-badge", value)])).reason(), Reason::BadCredential, "{value:?}");
    }
    assert_eq!(refused(&gate, with(&[])).challenges()[0].to_string(), "Badge realm=\"house\"");
}

#[test]
fn a_gate_looks_at_credentials_of_a_length_that_makes_sense() {
    for (bytes, fits) in
        [(0, false), (1023, false), (1024, true), (8192, true), (65_536, true), (65_537, false), (usize::MAX, false)]
    {
        let built = people().accept(Bearer, tokens()).credentials_up_to(bytes).build();
        let Ok(gate) = built else {
            assert!(!fits, "{bytes}");
            assert!(built.unwrap_err().to_string().contains("choose from 1024 to 65536"), "{bytes}");
            continue;
        };
        assert!(fits, "{bytes}");
        for (length, status) in [(bytes, 401), (bytes + 1, 431)] {
            let head = PlainHead::get("/").with("authorization", format!("Bearer {}", "x".repeat(length)));
            assert_eq!(refused(&gate, head).status(), status, "{bytes}");
        }
    }
}
