//! Signing in and out.

use super::*;

#[tokio::test]
async fn a_session_begins_lives_and_is_void_wherever_it_is_kept() {
    let service = service();
    let reply = service.sign_in(form(), "username=emily&password=s3cret&next=/me").await;
    assert_eq!((reply.status(), field(&reply, "cache-control")), (204, Some("no-store")));
    let attributes = field(&reply, "set-cookie").unwrap();
    assert!(attributes.ends_with("; HttpOnly; SameSite=Lax; Path=/; Max-Age=43200"), "{attributes}");
    let session = pair(&reply);
    for _ in 0..2 {
        let grant = service.caller(PlainHead::get("/").with("cookie", &session)).await.unwrap();
        assert_eq!((grant.scheme(), grant.subject(), grant.ends().is_some()), ("cookie", Some("emily"), true));
    }
    let out = service
        .call(&service.sessions.sign_out(), PlainHead::new("DELETE", "/session").with("cookie", &session), "")
        .await;
    assert_eq!(
        (out.status(), field(&out, "set-cookie")),
        (204, Some("session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"))
    );
    assert_eq!(
        service.caller(PlainHead::get("/").with("cookie", &session)).await.unwrap_err(),
        401,
        "also from the cache"
    );
}

#[tokio::test]
async fn every_sign_in_makes_a_fresh_session_and_ends_the_one_before() {
    // C7
    let service = service();
    let first = pair(&service.sign_in(form(), "username=emily&password=s3cret").await);
    let second = pair(&service.sign_in(form().with("cookie", &first), "username=emily&password=s3cret").await);
    assert_ne!(first, second);
    assert_eq!(service.caller(PlainHead::get("/").with("cookie", first)).await.unwrap_err(), 401);
    assert!(service.caller(PlainHead::get("/").with("cookie", second)).await.is_ok());
}

#[tokio::test]
async fn signing_in_is_refused_alike_for_unknown_and_wrong() {
    let service = service();
    for body in ["username=emily&password=wrong", "username=nobody&password=s3cret", "username=&password="] {
        let reply = service.sign_in(form(), body).await;
        assert_eq!(reply.status(), 401);
        assert_eq!(field(&reply, "www-authenticate"), Some("Cookie realm=\"people\", cookie-name=\"session\""));
        assert!(field(&reply, "set-cookie").is_none());
    }
}

#[tokio::test]
async fn a_browser_is_sent_on_and_others_are_not() {
    let service = service();
    let browser = || form().with("accept", "text/html");
    for (next, location) in
        [("&next=%2Freports%3Fx", "/reports?x"), ("", "/"), ("&next=%2F%2Fevil", "/"), ("&next=https://evil", "/")]
    {
        let reply = service.sign_in(browser(), &format!("username=emily&password=s3cret{next}")).await;
        assert_eq!((reply.status(), field(&reply, "location")), (303, Some(location)), "C10 {next}");
    }
    let json = service.sign_in(json_head("POST"), r#"{"username":"emily","password":"s3cret"}"#).await;
    assert_eq!(json.status(), 204);
}

#[tokio::test]
async fn another_site_can_neither_sign_in_nor_out() {
    let service = service();
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil"), ("origin", "null")] {
        let reply =
            service.sign_in(form().with("host", "here").with(name, value), "username=emily&password=s3cret").await;
        assert_eq!(reply.status(), 403, "{name}: {value}");
    }
    for fields in [
        &[("sec-fetch-site", "same-origin"), ("origin", "null")][..],
        &[("sec-fetch-site", "cross-site"), ("origin", "https://app.example")],
    ] {
        let head = fields.iter().fold(form(), |head, (name, value)| head.with(name, value));
        assert_eq!(service.sign_in(head, "username=emily&password=s3cret").await.status(), 204, "{fields:?}");
    }
    // Before anything of the body is looked at, its type included.
    let unread = PlainHead::new("POST", "/session").with("sec-fetch-site", "cross-site");
    assert_eq!(service.sign_in(unread, "").await.status(), 403);
    let session = pair(&service.sign_in(form(), "username=emily&password=s3cret").await);
    let end = PlainHead::new("POST", "/session/end").with("cookie", &session).with("sec-fetch-site", "cross-site");
    assert_eq!(service.call(&service.sessions.end(), end, "").await.status(), 403);
    let end = PlainHead::new("POST", "/session/end").with("cookie", &session).with("sec-fetch-site", "same-origin");
    let ended = service.call(&service.sessions.end(), end, "").await;
    assert_eq!((ended.status(), field(&ended, "location")), (303, Some("/")));
}

#[tokio::test]
async fn bodies_are_read_strictly() {
    let service = service();
    for (head, body, status) in [
        (form(), "username=emily", 400),
        (form(), "username=emily&username=emma&password=x", 400),
        (form(), "username=%FF&password=x", 400),
        (json_head("POST"), "{", 400),
        (json_head("POST"), r#"{"username":"emily"}"#, 400),
        (json_head("POST"), r#"{"username":"emily","password":7}"#, 400),
        (json_head("POST"), r#"{"username":"emily","username":"emma","password":"x"}"#, 400),
        (PlainHead::new("POST", "/session"), "{}", 415),
        (PlainHead::new("POST", "/session").with("content-type", "text/plain"), "{}", 415),
    ] {
        assert_eq!(service.sign_in(head, body).await.status(), status, "{body}");
    }
}

#[tokio::test]
async fn a_form_has_the_names_that_a_page_gave_it() {
    let service = service();
    let renamed = service
        .renamed(|endpoints| endpoints.fields("email", "passphrase").next_field("return_to").remember_field("keep_me"));
    let sign_in = renamed.sign_in(Arc::clone(&service.passwords));
    let browser = || form().with("accept", "text/html");
    for (head, body, status, location) in [
        (browser(), "email=emily&passphrase=s3cret&return_to=/me&keep_me=on", 303, Some("/me")),
        (browser(), "email=emily&passphrase=s3cret&next=/me", 303, Some("/")),
        (browser(), "username=emily&password=s3cret", 400, None),
        (browser(), "email=emily&passphrase=wrong&return_to=/me", 401, None),
        (browser(), "email=emily&email=emily&passphrase=s3cret", 400, None),
        (json_head("POST"), r#"{"email":"emily","passphrase":"s3cret","return_to":"/me","keep_me":true}"#, 204, None),
        (json_head("POST"), r#"{"email":"emily","passphrase":"s3cret","keep_me":"on"}"#, 400, None),
        (json_head("POST"), r#"{"email":"emily","passphrase":"s3cret","email":"emma"}"#, 400, None),
        (json_head("POST"), r#"{"email":"emily","passphrase":"s3cret","else":1,"else":2}"#, 204, None),
        (json_head("POST"), r#"{"username":"emily","password":"s3cret"}"#, 400, None),
    ] {
        let reply = service.call(&sign_in, head, body).await;
        assert_eq!((reply.status(), field(&reply, "location")), (status, location), "{body}");
    }
    // One name for two things says nothing, and lets nobody in.
    let torn = service.renamed(|endpoints| endpoints.fields("name", "name"));
    let sign_in = torn.sign_in(Arc::clone(&service.passwords));
    assert_eq!(service.call(&sign_in, form(), "name=emily&name=s3cret").await.status(), 500);
}

#[tokio::test]
async fn who_ends_all_sessions_is_signed_out_everywhere() {
    let service = service();
    let [phone, laptop] = [service.session("emily").await, service.session("emily").await];
    let emmas = service.session("emma").await;
    let (all, by_form) = (service.sessions.end_all(&service.gate), service.sessions.end_all_by_form(&service.gate));
    assert_eq!((all.method(), by_form.method()), ("DELETE", "POST"));
    let with =
        |method: &str, cookie: &str| PlainHead::new(method, "/sessions").with("host", "here").with("cookie", cookie);

    // Neither a stranger, nor another site's page, nor who proves nothing.
    assert_eq!(service.call(&all, PlainHead::new("DELETE", "/sessions"), "").await.status(), 401);
    for endpoint in [&all, &by_form] {
        for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil")] {
            let head = with(endpoint.method(), &phone).with(name, value);
            assert_eq!(service.call(endpoint, head, "").await.status(), 403, "{name}");
        }
    }
    for cookie in [&phone, &laptop, &emmas] {
        assert!(service.caller(PlainHead::get("/").with("cookie", cookie)).await.is_ok(), "and is in the cache");
    }

    let out = service.call(&all, with("DELETE", &phone), "").await;
    let clear = "session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0";
    assert_eq!((out.status(), field(&out, "set-cookie")), (204, Some(clear)));
    assert_eq!(field(&out, "cache-control"), Some("no-store"));
    for (cookie, stands) in [(&phone, false), (&laptop, false), (&emmas, true)] {
        assert_eq!(service.caller(PlainHead::get("/").with("cookie", cookie)).await.is_ok(), stands);
    }
    // By any credential that the gate takes, and by a form.
    let again = service.session("emily").await;
    let by_basic = with("POST", "").with("authorization", "Basic ZW1pbHk6czNjcmV0");
    let out = service.call(&by_form, by_basic, "").await;
    assert_eq!((out.status(), field(&out, "location"), field(&out, "set-cookie")), (303, Some("/"), Some(clear)));
    assert_eq!(service.caller(PlainHead::get("/").with("cookie", again)).await.unwrap_err(), 401);
}
