//! Which of two kinds counts.

use super::*;

#[test]
fn of_two_cookies_the_one_that_the_gate_prefers_counts() {
    let long = "x".repeat(8 * 1024 + 1);
    let gate = |preferring: &[&str]| {
        Gate::in_realm("r")
            .accept(Bearer, token("t", "by token"))
            .accept(cookie("session"), always("emily"))
            .accept(cookie("staff").called("staff"), always("the staff"))
            .accept(cookie("third").called("third"), always("the third"))
            .preferring(preferring.iter().copied())
            .build()
            .unwrap()
    };
    let (session, staff, third) = (sent("session"), sent("staff"), sent("third"));
    let lines = |cookies: &[&str]| cookies.join("; ");
    let both = lines(&[&session, &staff]);
    let rows: [(&[&str], String, Answered); 13] = [
        (&[], both.clone(), Err(Reason::Ambiguous)),
        (&["staff"], both.clone(), Err(Reason::Ambiguous)),
        (&["staff", "cookie"], both.clone(), by("the staff", "staff")),
        (&["cookie", "staff"], both.clone(), by("emily", "cookie")),
        (&["staff", "cookie"], session.clone(), by("emily", "cookie")),
        (&["staff", "cookie"], lines(&[&session, &staff, &third]), Err(Reason::Ambiguous)),
        (&["third", "staff"], lines(&[&session, &staff, &third]), Err(Reason::Ambiguous)),
        (&["third", "staff", "cookie"], lines(&[&session, &staff, &third]), by("the third", "third")),
        // What is preferred decides, right or wrong.
        (&["staff", "cookie"], lines(&[&session, "staff=wrong"]), Err(Reason::BadCredential)),
        (&["staff", "cookie"], lines(&[&session, &staff, &staff]), Err(Reason::Ambiguous)),
        (&["staff", "cookie"], lines(&[&session, &format!("staff={long}")]), Err(Reason::TooLarge)),
        (&["cookie", "staff"], lines(&[&session, &format!("staff={long}")]), by("emily", "cookie")),
        (&["cookie", "staff"], lines(&[&session, &staff, &staff]), by("emily", "cookie")),
    ];
    for (preferring, line, expected) in rows {
        let head = with(&[("cookie", &line)]);
        assert_eq!(answer(&gate(preferring), head), expected, "{preferring:?} {line:.60}");
        let beside = with(&[("cookie", &line), ("authorization", "Bearer t")]);
        assert_eq!(answer(&gate(preferring), beside), by("by token", "bearer"), "{preferring:?}");
    }
    let narrowed = gate(&["staff", "cookie"]).only(["cookie", "bearer"]).unwrap();
    assert_eq!(answer(&narrowed, with(&[("cookie", &both)])), by("emily", "cookie"));
}

#[test]
fn what_cannot_be_preferred_is_said_at_start() {
    let rows: [(&[&str], &str); 3] = [
        (&["staff"], "\"staff\" is preferred and not accepted"),
        (&["cookie", "cookie"], "preferred twice"),
        (&["bearer", "cookie"], "\"bearer\" cannot be preferred"),
    ];
    for (preferring, sentence) in rows {
        let gate = Gate::in_realm("r").accept(Bearer, token("t", "emily")).accept(cookie("a"), always("emily"));
        let faults = gate.preferring(preferring.iter().copied()).build().unwrap_err();
        assert!(faults.to_string().contains(sentence) && faults.iter().count() == 1, "{faults}");
    }
}

/// A client's certificate.
struct Certificate;

impl Extract for Certificate {
    type Credential = Vec<u8>;

    fn scheme(&self) -> &str {
        "certificate"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        request.certificate().into_iter().for_each(|raw| occurrences.add(raw));
    }

    fn read(&self, raw: Raw<'_>) -> Option<Vec<u8>> {
        Some(raw.whole().to_vec())
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Certificate")]
    }

    fn fields(&self) -> Vec<Field> {
        Vec::new()
    }

    fn on(&self) -> On {
        On::Connection
    }
}

#[test]
fn a_certificate_counts_where_the_request_carries_nothing_else() {
    let good = |der: &Vec<u8>| if der.starts_with(b"emma") { Verified::new("emma").into() } else { Answer::Refused };
    let gate = Gate::in_realm("r")
        .accept(Certificate, verify_now_with(good))
        .accept(Certificate.called("another"), verify_now_with(good))
        .accept(Bearer, token("t", "emily"))
        .accept(cookie("session"), always("emily"))
        .build()
        .unwrap();
    let session = sent("session");
    let long = format!("emma{}", "x".repeat(9000));
    type Row<'r> = (&'r [(&'r str, &'r str)], &'r str, Answered);
    let rows: [Row<'_>; 10] = [
        (&[], "emma", by("emma", "certificate")),
        (&[], "other", Err(Reason::BadCredential)),
        (&[], &long, by("emma", "certificate")),
        (&[("authorization", "Unknown x")], "emma", by("emma", "certificate")),
        (&[("authorization", "Bearer t")], "emma", by("emily", "bearer")),
        (&[("authorization", "Bearer wrong")], "emma", Err(Reason::BadCredential)),
        (&[("cookie", &session)], "emma", by("emily", "cookie")),
        (&[("cookie", "session=wrong")], "emma", Err(Reason::BadCredential)),
        (&[("cookie", "session=a; session=b")], "emma", Err(Reason::Ambiguous)),
        (&[("authorization", "Bearer t"), ("authorization", "Unknown x")], "emma", Err(Reason::Ambiguous)),
    ];
    for (fields, certificate, expected) in rows {
        assert_eq!(answer(&gate, with(fields).with_certificate(certificate)), expected, "{fields:?} {certificate:.9}");
    }
    let by_certificate = gate.only(["another"]).unwrap();
    let head = with(&[("authorization", "Bearer t")]).with_certificate("emma");
    assert_eq!(answer(&by_certificate, head), by("emma", "another"), "what is not taken counts as absent");
    // A browser shows it by itself, so that another site's page must not act with it.
    let post = PlainHead::new("POST", "/").with_certificate("emma").with("sec-fetch-site", "cross-site");
    assert_eq!(answer(&gate, post), Err(Reason::CrossSite));
    assert_eq!(answer(&gate, PlainHead::get("/")), Err(Reason::NoCredential));
}
