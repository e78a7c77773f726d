//! What a browser sends by itself, and whose page had it send that.

use super::*;

#[test]
fn a_browser_is_sent_to_sign_in_and_keeps_where_it_was_going() {
    let page = |target: &str| PlainHead::get(target).with("accept", "text/html");
    let rejection = refused(&sessions(), page("/reports?page=2&x=%20"));
    let location = rejection.reply().fields().find(|(name, _)| *name == "location").map(|(_, value)| value.to_owned());
    assert_eq!((rejection.status(), location.as_deref()), (303, Some("/?next=/reports%3Fpage%3D2%26x%3D%2520")));
    assert_eq!(refused(&sessions(), page("/").with("authorization", "Bearer wrong")).status(), 401);
    assert_eq!(refused(&sessions(), PlainHead::new("POST", "/").with("accept", "text/html")).status(), 401);
    assert_eq!(refused(&sessions(), PlainHead::get("/")).status(), 401);
    assert_eq!(refused(&sessions().only(["bearer"]).unwrap(), page("/")).status(), 401);
}

#[test]
fn the_page_to_sign_in_at_sends_no_browser_round_in_a_circle() {
    // RFC 9110 §15.4: a client should detect a cycle; most give up after twenty times.
    for (target, location) in [
        ("/", Some("/?next=/")),
        ("/?a=b", Some("/?next=/")),
        ("/?next=/", None),
        ("/?a=b&next=/me", None),
        ("/me", Some("/?next=/me")),
    ] {
        let head = PlainHead::get(target).with("accept", "text/html").with("cookie", "session=ended");
        let reply = refused(&sessions().or_anonymous(), head).reply();
        let field = |name| reply.fields().find(|(known, _)| *known == name).map(|(_, value)| value.to_owned());
        assert_eq!(field("location").as_deref(), location, "{target}");
        assert_eq!(reply.status(), if location.is_some() { 303 } else { 401 }, "{target}");
        assert!(field("set-cookie").is_some_and(|set| set.ends_with("Max-Age=0")), "{target}");
    }
}

#[test]
fn another_site_opens_no_socket_by_a_cookie() {
    let keys = KeyRing::random();
    let cookie = SignedCookie::named("session", keys);
    let sealed = cookie.seal(b"emily", SystemTime::now() + Duration::from_secs(60));
    let verifier = verify_now_with(|_: &CookieCredential| Answer::from(Verified::new("emily").with_subject("emily")));
    let gate = Gate::in_realm("people").accept(cookie, verifier).build().unwrap();
    for (upgrade, site, admitted) in [
        (Some("websocket"), "cross-site", false),
        (Some("h2c, WebSocket"), "same-site", false),
        (Some("websocket"), "same-origin", true),
        (Some("h2c"), "cross-site", true),
        (None, "cross-site", true),
    ] {
        let head = with(&[("cookie", &format!("session={sealed}")), ("sec-fetch-site", site)]);
        let head = upgrade.into_iter().fold(head, |head, upgrade| head.with("upgrade", upgrade));
        assert_eq!(matches!(decided(&gate, head), Verdict::Admitted(_)), admitted, "{upgrade:?} {site}");
    }
}

#[test]
fn another_site_acts_by_nothing_that_a_browser_sends_by_itself() {
    const BASIC: (&str, &str) = ("authorization", "Basic ZW1pbHk6czNjcmV0");
    let passwords = PasswordTable::new().with("emily", "s3cret", Verified::new("emily").with_subject("emily"));
    let builder = Gate::in_realm("people").accept(Basic, passwords).accept(Bearer, tokens());
    let gate = builder.trusting_origins(["https://App.Example:443"]).build().unwrap();
    let ask = |gate: &Gate<Person>, method: &str, fields: &[(&str, &str)]| {
        let head = PlainHead::new(method, "/").with("host", "here.example");
        match decided(gate, fields.iter().fold(head, |head, (name, value)| head.with(name, value))) {
            Verdict::Rejected(rejection) => Some(rejection.reason()),
            Verdict::Admitted(_) | Verdict::Anonymous => None,
        }
    };
    let (cross, same) = (("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-origin"));
    let app = ("origin", "https://app.example");
    for (method, fields, refused) in [
        ("POST", &[BASIC, cross][..], Some(Reason::CrossSite)),
        ("DELETE", &[BASIC, cross], Some(Reason::CrossSite)),
        ("POST", &[BASIC, ("sec-fetch-site", "same-site")], Some(Reason::CrossSite)),
        ("POST", &[BASIC, ("origin", "http://elsewhere.example")], Some(Reason::CrossSite)),
        ("POST", &[BASIC, ("origin", "http://here.example")], None),
        ("POST", &[BASIC, same, ("origin", "null")], None),
        ("POST", &[BASIC, cross, app], None),
        ("POST", &[BASIC, cross, app, app], Some(Reason::CrossSite)),
        ("POST", &[BASIC], None),
        ("GET", &[BASIC, cross], None),
        ("GET", &[BASIC, cross, ("upgrade", "websocket")], Some(Reason::CrossSite)),
        ("GET", &[BASIC, cross, app, ("upgrade", "websocket")], None),
        ("POST", &[("authorization", "Bearer emily-token"), cross], None),
        // Who it is comes before whose page it was, and that before what they may.
        ("POST", &[cross], Some(Reason::NoCredential)),
        ("POST", &[("authorization", "Basic ZW1pbHk6d3Jvbmc="), cross], Some(Reason::BadCredential)),
    ] {
        assert_eq!(ask(&gate, method, fields), refused, "{method} {fields:?}");
        let anonymous = refused.filter(|reason| *reason != Reason::NoCredential);
        assert_eq!(ask(&gate.or_anonymous(), method, fields), anonymous, "{method} {fields:?}, or nobody");
    }
    let for_admins = gate.require(role("admin"));
    assert_eq!(ask(&for_admins, "POST", &[BASIC, cross]), Some(Reason::CrossSite));
    assert_eq!(ask(&for_admins, "POST", &[BASIC, same]), Some(Reason::Forbidden));
}

#[test]
fn a_sign_in_page_takes_a_refused_cookie_for_nobody_and_clears_it() {
    let gate = sessions().or_anonymous_clearing_cookies();
    let with = |fields: &[(&str, &str)]| with(fields).received_by(&gate);
    let cleared =
        |head: &PlainHead| head.finished().values("set-cookie").filter(|value| value.starts_with("session=;")).count();
    let head = with(&[("cookie", "session=garbage")]);
    for _ in 0..2 {
        assert!(matches!(head.at(&gate), Admission::Decided(Verdict::Anonymous)));
        assert_eq!(cleared(&head), 1, "once, however many guards there are");
    }
    let long = format!("session={}", "a".repeat(9000));
    for cookie in ["session=a; session=b", &long, "session="] {
        let head = with(&[("cookie", cookie)]);
        assert!(matches!(head.at(&gate), Admission::Decided(Verdict::Anonymous)));
        assert_eq!(cleared(&head), 1);
    }
    let twice = ("authorization", "Bearer wrong");
    for (fields, reason) in [(&[twice][..], Reason::BadCredential), (&[twice, twice], Reason::Ambiguous)] {
        let head = with(fields);
        let Admission::Decided(Verdict::Rejected(rejection)) = head.at(&gate) else { panic!("{fields:?}") };
        assert_eq!((rejection.reason(), cleared(&head)), (reason, 0), "{fields:?}");
    }
    // Where nothing explicit is taken, it is not looked at.
    let by_cookie = gate.only(["cookie"]).unwrap();
    let head = with(&[twice, twice, ("cookie", "session=garbage")]);
    assert!(matches!(head.at(&by_cookie), Admission::Decided(Verdict::Anonymous)));
    assert_eq!(cleared(&head), 1);
    assert_eq!(demanded::<Anyone>(&gate, with(&[("cookie", "session=garbage")])), Err(Reason::BadCredential));
}
