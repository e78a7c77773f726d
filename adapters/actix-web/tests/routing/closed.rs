//! What is closed below a path, and what opens it.

use super::*;

#[test]
fn what_is_closed_opens_by_pattern_alone() {
    let gate = gate();
    let server = serve!(move || {
        let say = |text: &'static str| web::get().to(move || async move { text });
        App::new()
            .service(web::resource("/api/health").route(say("health")))
            .service(web::resource("/api/public/secret").route(say("secret")))
            .service(web::resource("/api/public/{page}").route(say("public")))
            .service(web::resource("/api/files/hidden").route(say("hidden")))
            .service(web::resource("/api/files/{tail:.*}").route(say("files")))
            .service(web::resource("/api/twins/").route(say("twin")))
            .service(web::resource("/api/twins").route(say("other twin")))
            .service(web::scope("/api/scope").service(web::resource("/open").route(say("open"))))
            .service(web::resource("/{any}/below").route(say("below")))
            .service(web::resource("/apiary").route(say("apiary")))
            .default_service(web::to(|| async { "default" }))
            .wrap(NormalizePath::new(TrailingSlash::MergeOnly))
            .wrap(gate.attach().closed_below("/api/").unwrap().except([
                "/api/health",
                "/api/public/{page}",
                "/api/files/{tail:.*}",
                "/api/twins",
                "/api/scope/open",
            ]))
    });
    for (target, stranger) in [
        ("/api/health", Some("health")),
        ("/api/%68ealth", Some("health")),
        ("/api/health?x=/api/public/a", Some("health")),
        ("/api/public/x", Some("public")),
        ("/api/public/%2e%2e", Some("public")),
        ("/api/scope/open", Some("open")),
        ("/api/files/a", Some("files")),
        ("/api/files/a/b", Some("files")),
        ("/apiary", Some("apiary")),
        ("/elsewhere", Some("default")),
        ("/a/below", Some("below")),
        // one of a name that another of its spellings would reach
        ("/api/files/hidden", None),
        ("/api/files//hidden", None),
        ("/api//files/hidden", None),
        ("/api/files/%68idden", None),
        ("/api/twins", None),
        ("/api/twins/", None),
        ("/api/public/secret", None),
        ("/api/public/%73ecret", None),
        ("/%61pi/public/secret", None),
        ("//api/public/secret", None),
        ("/elsewhere/../api/public/secret", None),
        ("/elsewhere/%2e%2e/api/public/x", None),
        ("/./api", None),
        ("/api//public//secret", None),
        ("/api/below", None),
        ("/api", None),
        ("/api/", None),
        ("/api/health/", None),
        ("/api/health/x", None),
        ("/api/scope", None),
        ("/api/scope/other", None),
        ("/api/nowhere?/api/health", None),
        ("/api/public/a/b", None),
    ] {
        let (code, _, body) = ask(server, "GET", target, None);
        match stranger {
            Some(text) => assert_eq!((code, &*body), (200, text), "{target}"),
            None => assert_eq!(code, 401, "{target}: {body}"),
        }
        let wrong = status(server, target, Some("wrong"));
        assert_eq!(wrong, if stranger.is_some() { 200 } else { 401 }, "{target}");
        assert!(matches!(status(server, target, Some("emily")), 200 | 404), "{target}");
    }
}

#[test]
fn around_a_scope_a_closed_path_counts_whole_and_from_there() {
    for (prefix, closed) in [("/v1/api", true), ("/api", true), ("/v1", true), ("/", true), ("/v1/apis", false)] {
        let gate = gate();
        let server = serve!(move || {
            let say = |text: &'static str| web::get().to(move || async move { text });
            App::new().service(
                web::scope("/v1")
                    .service(web::resource("/api/salaries").route(say("salaries")))
                    .service(web::resource("/api/health").route(say("health")))
                    .default_service(web::to(|| async { "default" }))
                    .wrap(gate.attach().closed_below(prefix).unwrap().except(["/v1/api/health"])),
            )
        });
        let refused = if closed { 401 } else { 200 };
        assert_eq!(status(server, "/v1/api/salaries", None), refused, "{prefix}");
        assert_eq!(status(server, "/v1/api/nothing", None), refused, "{prefix}");
        assert_eq!(status(server, "/v1/api/salaries", Some("emily")), 200, "{prefix}");
        assert_eq!(status(server, "/v1/api/health", None), 200, "{prefix}");
    }
}

#[test]
fn a_cors_wrap_stands_outside_of_what_is_closed() {
    fn cors() -> Cors {
        Cors::default()
            .allowed_origin("https://friend.example")
            .allowed_methods(["GET"])
            .allowed_header("authorization")
            .block_on_origin_mismatch(false)
    }
    let any = || {
        web::resource("/api/any")
            .route(web::to(|| async { HttpResponse::Ok().insert_header(("vary", "accept-language")).body("in") }))
    };
    let attach = |gate: &Gate<Person>| gate.attach().closed_below("/api").unwrap();
    let gate = gate();
    let of = gate.clone();
    let outside = serve!(move || App::new().service(any()).wrap(attach(&of)).wrap(cors()));
    let inside = serve!(move || App::new().service(any()).wrap(cors()).wrap(attach(&gate)));
    for (server, method, token, code, has_fields) in [
        (outside, "OPTIONS", None, 200, true),
        (outside, "GET", None, 401, true),
        (outside, "GET", Some("emily"), 200, true),
        // Inside, a preflight is refused like any request without a credential, and a browser is not told why.
        (inside, "OPTIONS", None, 401, false),
        (inside, "GET", None, 401, false),
        (inside, "GET", Some("emily"), 200, true),
    ] {
        let credential = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let request = format!(
            "{method} /api/any HTTP/1.1\r\nHost: x\r\nConnection: close\r\nOrigin: https://friend.example\r\n\
             Access-Control-Request-Method: GET\r\n{credential}\r\n"
        );
        let (seen, head, body) = send(server, &request);
        assert_eq!((seen, head.contains("access-control-allow-origin")), (code, has_fields), "{method} {token:?}");
        assert_eq!(body == "in", code == 200 && method == "GET", "{method} {token:?}: {body}");
        // Nothing that an answer varies by is lost, in whatever order the wraps stand.
        if method == "GET" {
            let vary: String = head.lines().filter(|line| line.starts_with("vary:")).collect();
            assert!(vary.contains("authorization") && (code == 401 || vary.contains("accept-language")), "{head}");
        }
    }
}

#[test]
fn where_everything_is_closed_a_browser_can_still_sign_in() {
    let tokens = TokenTable::new().with("emily", Verified::new("emily"));
    let gate = Gate::in_realm("people")
        .accept(Bearer, tokens)
        .accept(
            SignedCookie::named("session", KeyRing::random()),
            verify_with(|_: CookieCredential| async { Answer::<Person>::Refused }),
        )
        .sign_in_at("/login")
        .build()
        .unwrap();
    let server = serve!(move || {
        App::new()
            .route("/login", web::get().to(|_: Visitor<Person>| async { "sign in" }))
            .route("/home", web::get().to(|| async { "home" }))
            .wrap(gate.attach().closed_below("/").unwrap())
    });
    let browse_with = |target: &str, more: &str| {
        let fields = format!("Host: x\r\nConnection: close\r\nAccept: text/html\r\n{more}");
        send(server, &format!("GET {target} HTTP/1.1\r\n{fields}\r\n"))
    };
    let browse = |target: &str| browse_with(target, "");
    let (code, head, _) = browse("/home");
    assert!(code == 303 && head.contains("location: /login?next=/home\r\n"), "{head}");
    assert_eq!(browse("/login?next=/home").0, 200);
    // With a cookie that has ended: once more without it, and in no circle where a browser keeps it.
    for (target, status, sends) in [("/login", 303, true), ("/login?next=/", 401, false)] {
        let (code, head, _) = browse_with(target, "Cookie: session=ended\r\n");
        assert!(code == status && head.contains("location: /login?next=/\r\n") == sends, "{head}");
        assert!(head.contains("set-cookie: session=;"), "{head}");
    }
}

#[test]
fn what_the_router_reaches_past_an_exception_is_withheld() {
    let gate = gate();
    let server = serve!(move || {
        App::new()
            .service(
                web::resource("/api/{page}")
                    .guard(guard::Header("x-page", "yes"))
                    .route(web::to(|| async { "a page" })),
            )
            .service(web::resource("/api/admin").route(web::to(|| async { "the keys" })))
            .wrap(gate.attach().closed_below("/api").unwrap().except(["/api/{page}"]))
    });
    let with_field = "GET /api/admin HTTP/1.1\r\nHost: x\r\nConnection: close\r\nx-page: yes\r\n\r\n";
    assert_eq!(send(server, with_field).2, "a page");
    let (code, _, body) = ask(server, "GET", "/api/admin", None);
    assert_eq!(code, 500);
    assert!(!body.contains("keys"), "{body}");
}
