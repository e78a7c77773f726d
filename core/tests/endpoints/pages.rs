//! Refusals as pages of the app.

use super::*;

#[tokio::test]
async fn an_app_has_a_page_for_the_refusals_of_endpoints_too() {
    let sessions = Sessions::new(Arc::new(MemorySessions::default()), Arc::new(People))
        .by(SignedCookie::named("session", KeyRing::random()));
    let gate = Gate::in_realm("people")
        .accept(sessions.cookie(), sessions.clone())
        .accept(Basic, PasswordTable::new().with("emily", "s3cret", person("emily")))
        .refusals(|rejection, wants| wants.html.then(|| Page::html(format!("<p>{}: {rejection}", rejection.status()))))
        .build()
        .unwrap();
    let endpoints = SessionEndpoints::new(sessions, &gate);
    let passwords = Arc::new(PasswordTable::new().with("emily", "s3cret", person("emily")));
    let sign_in = endpoints.sign_in(passwords);
    let too_long = Reply::problem(413, "The body is longer than 64 KiB.", None);
    for (accept, kind) in [("text/html", "text/html; charset=utf-8"), ("*/*", "application/problem+json")] {
        let begun = |head: PlainHead| {
            let head = head.with("accept", accept).received_by(&gate);
            sign_in.prepare(&head, head.exchange(), None)
        };
        let Err(unsupported) = begun(PlainHead::new("POST", "/session")) else { panic!("taken") };
        let malformed = begun(form()).unwrap().run(b"username=emily".to_vec()).await;
        let late = begun(form()).unwrap().refused(too_long.clone());
        let Err(foreign) = begun(form().with("sec-fetch-site", "cross-site")) else { panic!("taken") };
        for (reply, status, text) in [
            (&unsupported, 415, "Send a form"),
            (&malformed, 400, "cannot be read"),
            (&late, 413, "longer than 64 KiB"),
            (&foreign, 403, "made by another site"),
        ] {
            let fields: Vec<_> = reply.fields().filter(|(name, _)| *name == "content-type").collect();
            assert_eq!((reply.status(), fields), (status, vec![("content-type", kind)]));
            assert_eq!(field(reply, "cache-control"), Some("no-store"));
            let body = std::str::from_utf8(reply.body()).unwrap();
            assert!(body.contains(text) && body.starts_with("<p>") == (accept == "text/html"), "{body}");
        }
    }
    let counts = gate.counts();
    assert_eq!(counts.rejections, 2, "the gate's own: another site's sign-in, twice");
}

#[tokio::test]
async fn the_page_to_sign_in_at_is_asked_for_every_refusal_of_a_sign_in() {
    let sessions = Sessions::new(Arc::new(MemorySessions::default()), Arc::new(People))
        .by(SignedCookie::named("session", KeyRing::random()));
    let gate = Gate::in_realm("people").accept(sessions.cookie(), sessions.clone()).build().unwrap();
    let passwords = verify_with(|credential: BasicCredential| async move {
        match credential.name() {
            "outage" => Answer::<String>::Unavailable(Unavailable::because("no database")),
            _ => Answer::Refused,
        }
    });
    let sign_in = SessionEndpoints::new(sessions, &gate)
        .showing(|rejection, entered| {
            Some(Page::html(format!("<p>{}: {} to {}", rejection.status(), entered.username, entered.next)))
        })
        .sign_in(Arc::new(passwords));
    for (body, site, status, shown) in [
        ("username=emily&password=no&next=/me", "same-origin", 401, "<p>401: emily to /me"),
        ("username=outage&password=no", "same-origin", 503, "<p>503: outage to /"),
        // Its body was not looked at.
        ("username=emily&password=no&next=/me", "cross-site", 403, "<p>403:  to /"),
    ] {
        for (accept, page) in [("text/html", true), ("application/json", false)] {
            let head = form().with("accept", accept).with("sec-fetch-site", site).received_by(&gate);
            let reply = match sign_in.prepare(&head, head.exchange(), None) {
                Ok(work) => work.run(body.into()).await,
                Err(reply) => reply,
            };
            let text = std::str::from_utf8(reply.body()).unwrap();
            assert_eq!((reply.status(), text == shown), (status, page), "{body}: {text}");
        }
    }
}
