//! What launches, and what does not.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::time::Duration;

use countersign::{
    Answer, Bearer, Gate, KeyRing, SignedCookie, Verified,
    credential::CookieCredential,
    verifier::{TokenTable, verify_now_with, verify_with},
};
use countersign_rocket::{GateExt, Granted, Visitor, public, route_table};
use rocket::{
    Build, Config, Rocket, Route, error::ErrorKind, fairing::AdHoc, get, http::Header, local::asynchronous::Client,
    routes, tokio::time::timeout,
};

type Person = &'static str;

fn gate() -> Gate<Person> {
    let tokens = TokenTable::new().with("emily", Verified::new("emily"));
    Gate::in_realm("people").accept(Bearer, tokens).build().expect("a gate")
}

#[get("/salaries")]
async fn salaries() -> &'static str {
    "salaries"
}

#[get("/pages/<_>")]
async fn page() -> &'static str {
    "page"
}

#[get("/<_>/salaries", rank = 5)]
async fn any_base() -> &'static str {
    "any base"
}

#[get("/<_..>", rank = 9)]
async fn everything() -> &'static str {
    "everything"
}

#[get("/me")]
async fn me(me: Granted<Person>) -> &'static str {
    **me
}

#[get("/visitor")]
async fn visitor(_visitor: Visitor<Person>) -> &'static str {
    "visitor"
}

/// The names of fairings that failed, or what else stopped the launch.
async fn launch(rocket: Rocket<Build>) -> Result<(), String> {
    match Client::untracked(rocket).await {
        Ok(_) => Ok(()),
        Err(error) => Err(match error.kind() {
            ErrorKind::FailedFairings(infos) => infos.iter().map(|info| info.name).collect::<Vec<_>>().join(", "),
            ErrorKind::SentinelAborts(_) => "sentinel".to_owned(),
            other => format!("{other:?}"),
        }),
    }
}

fn quiet() -> Rocket<Build> {
    rocket::custom(Config::figment().merge(("log_level", "off")).merge(("port", 0)))
}

#[rocket::async_test]
async fn a_route_below_a_closed_path_is_enforced_or_named_public() {
    let gate = gate();
    let stopped = || Err("Countersign".to_owned());
    let rows: [(&str, Vec<Route>, Result<(), String>); 12] = [
        ("/api", routes![salaries], stopped()),
        ("/api/deep/down", routes![salaries], stopped()),
        ("/api", routes![me], stopped()),
        ("/", routes![any_base], stopped()),
        ("/", routes![everything], stopped()),
        ("/api", gate.enforce(routes![salaries, page]), Ok(())),
        ("/api", public(routes![salaries]), Ok(())),
        ("/", public(routes![everything]), Ok(())),
        ("/api", routes![page], Ok(())),
        ("/api/more", routes![page], stopped()),
        ("/apis", routes![salaries], Ok(())),
        ("/", routes![salaries, me], Ok(())),
    ];
    for (base, routes, expected) in rows {
        let shown = format!("{base} {routes:?}");
        let closed = gate.attach().closed_below("/api").expect("a path begins so").except(["/api/pages/<_>"]);
        assert_eq!(launch(quiet().attach(closed).mount(base, routes)).await, expected, "{shown}");
    }
    let all = || quiet().attach(gate.attach().closed_below("/").expect("a path begins so"));
    assert_eq!(launch(all().mount("/", routes![salaries])).await, stopped());
    for base in ["/api", "/admin"] {
        let both = gate.attach().closed_below("/api").and_then(|attach| attach.closed_below("/admin"));
        let rocket = quiet().attach(both.expect("paths begin so")).mount(base, routes![salaries]);
        assert_eq!(launch(rocket).await, stopped(), "{base}: several prefixes add up");
    }
    // The page to which browsers are sent is open, and what stands below it is not.
    let nobody = verify_now_with(|_: &CookieCredential| Answer::<&str>::Refused);
    let cookie = SignedCookie::named("session", KeyRing::random());
    let sends = Gate::in_realm("people").accept(cookie, nobody).sign_in_at("/salaries").build();
    let sends = sends.expect("a gate");
    let all = || quiet().attach(sends.attach().closed_below("/").expect("a path begins so"));
    assert_eq!(launch(all().mount("/", routes![salaries])).await, Ok(()));
    assert_eq!(launch(all().mount("/salaries", routes![salaries])).await, stopped());
}

#[rocket::async_test]
async fn a_mark_that_is_taken_off_is_no_mark() {
    let gate = gate();
    let mut routes = gate.enforce(routes![salaries]);
    routes[0].name = Some("salaries".into());
    let rocket = quiet().attach(gate.attach().closed_below("/api").expect("a path begins so")).mount("/api", routes);
    assert_eq!(launch(rocket).await, Err("Countersign".to_owned()));
}

#[rocket::async_test]
async fn a_route_that_is_mounted_late_ends_the_server_before_it_serves() {
    let late = AdHoc::on_ignite("late", |rocket| Box::pin(async { rocket.mount("/api", routes![salaries]) }));
    let rocket = quiet()
        .configure(Config::figment().merge(("log_level", "off")).merge(("port", 0)).merge(("shutdown.grace", 0)))
        .attach(gate().attach().closed_below("/api").expect("a path begins so"))
        .attach(late);
    let ended = timeout(Duration::from_secs(60), rocket.launch()).await;
    assert!(matches!(ended, Ok(Ok(_))), "it would serve for ever");
}

#[rocket::async_test]
async fn a_guard_without_its_gate_does_not_launch() {
    for (routes, attached, expected) in [
        (routes![me], false, Err("sentinel".to_owned())),
        (routes![visitor], false, Err("sentinel".to_owned())),
        (routes![me, visitor], true, Ok(())),
        (routes![salaries], false, Ok(())),
    ] {
        let shown = format!("{routes:?}");
        let rocket = quiet().mount("/", routes);
        let rocket = if attached { rocket.attach(gate().attach()) } else { rocket };
        assert_eq!(launch(rocket).await, expected, "{shown}");
    }
}

#[rocket::async_test]
async fn a_second_gate_of_the_same_callers_does_not_launch() {
    let rocket = quiet().attach(gate().attach()).attach(gate().attach());
    assert_eq!(launch(rocket).await, Err("Countersign".to_owned()));
}

#[test]
fn the_table_says_what_stands_before_each_route() {
    let gate = gate();
    let rocket = quiet()
        .mount("/", routes![me])
        .mount("/api", gate.or_anonymous().enforce(routes![page]))
        .mount("/api", public(routes![salaries]));
    let expected =
        "GET /api/pages/<_>  bearer, or nobody\nGET /api/salaries   public\nGET /me             by its handler\n";
    assert_eq!(route_table(&rocket).to_string(), expected);
}

#[rocket::async_test]
async fn the_page_to_sign_in_at_sends_no_browser_round_in_a_circle() {
    let cookie = SignedCookie::named("session", KeyRing::random());
    let gate = Gate::in_realm("people")
        .accept(cookie, verify_with(|_: CookieCredential| async { Answer::<Person>::Refused }))
        .sign_in_at("/visitor")
        .build()
        .expect("a gate");
    let rocket = quiet().attach(gate.attach()).mount("/", routes![me, visitor]);
    let client = Client::untracked(rocket).await.expect("it launches");
    // A cookie that has ended: once more without it, and in no circle where a browser keeps it all the same.
    for (target, cookie, status, location) in [
        ("/me", true, 303, Some("/visitor?next=/me")),
        ("/visitor?next=/me", false, 200, None),
        ("/visitor", true, 303, Some("/visitor?next=/")),
        ("/visitor?next=/", true, 401, None),
    ] {
        let mut request = client.get(target).header(Header::new("accept", "text/html"));
        if cookie {
            request = request.header(Header::new("cookie", "session=ended"));
        }
        let response = request.dispatch().await;
        let seen = (response.status().code, response.headers().get_one("location"));
        assert_eq!(seen, (status, location), "{target}");
        let cleared = response.headers().get_one("set-cookie").is_some_and(|set| set.starts_with("session=;"));
        assert_eq!(cleared, cookie, "{target}");
    }
}
