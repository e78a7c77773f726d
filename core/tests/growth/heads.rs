//! What every guard reads of a head, and a sign-in of a body.

use super::*;

/// A gate that takes a credential of every place, behind a proxy whose word it takes.
pub(crate) fn gate(headers: ProxyHeaders) -> (Gate<String>, SessionEndpoints<String>) {
    let cookie = SignedCookie::named("session", keys());
    let sessions = Sessions::new(Arc::new(MemorySessions::default()), Arc::new(Anybody)).by(cookie.clone());
    let gate = Gate::in_realm("people")
        .accept(Basic, PasswordTable::new())
        .accept(Bearer, TokenTable::new())
        .accept(QueryParam::named("access_token"), TokenTable::new())
        .accept(ApiKey::in_header("x-api-key"), TokenTable::new())
        .accept(cookie, sessions.clone())
        .behind(Proxies::trusting(["10.0.0.0/8"]).unwrap().reading(headers))
        .build()
        .unwrap();
    (gate.clone(), SessionEndpoints::new(sessions, &gate))
}

pub(crate) fn many_fields(name: &str, value: &str, times: usize) -> PlainHead {
    let head = PlainHead::get("/").from([10, 0, 0, 1].into());
    (0..times).fold(head, |head, _| head.with(name, value))
}

fn head(what: &'static str, headers: ProxyHeaders, make: fn(usize) -> PlainHead) -> Row {
    read_at(what, move || gate(headers).0, make).beginning_with(256)
}

fn sign_in(gate: &Gate<String>) -> Endpoint<String> {
    let sessions = Sessions::new(Arc::new(MemorySessions::default()), Arc::new(Anybody));
    let sessions = sessions.by(SignedCookie::named("session", keys()));
    SessionEndpoints::new(sessions, gate).sign_in(Arc::new(PasswordTable::<String>::new()))
}

/// A sign-in looks first at the site whose page asked.
fn asked_by(what: &'static str, field: fn(usize) -> (&'static str, String)) -> Row {
    let request = move |pieces| {
        let (name, value) = field(pieces);
        (PlainHead::new("POST", "/session").with("host", "a.example").with(name, value), String::new())
    };
    read_by(what, || gate(ProxyHeaders::XForwarded).0, sign_in, request).beginning_with(256)
}

fn body(what: &'static str, kind: &'static str, piece: &'static str) -> Row {
    let request = move |pieces| (PlainHead::new("POST", "/session").with("content-type", kind), piece.repeat(pieces));
    read_by(what, || gate(ProxyHeaders::XForwarded).0, sign_in, request).beginning_with(256)
}

fn scopes(what: &'static str, distinct: bool) -> Row {
    row(what, move |pieces| {
        let text: String = (0..pieces).map(|number| format!("s{} ", if distinct { number } else { 0 })).collect();
        Box::new(move || drop(black_box(text.parse::<Scopes>())))
    })
}

/// A name is counted under one spelling, whatever it is made of.
fn spelling(what: &'static str, piece: &'static str) -> Row {
    row(what, move |pieces| {
        let (throttle, name) = (Throttle::new(&ThrottleLimits::default()), piece.repeat(pieces));
        Box::new(move || _ = black_box(throttle.account(&name)))
    })
}

pub(crate) fn of_every_caller() -> Vec<Row> {
    let (x, forwarded) = (ProxyHeaders::XForwarded, ProxyHeaders::Forwarded);
    vec![
        head("cookie fields", x, |n| many_fields("cookie", "a=b", n)),
        head("session cookies", x, |n| many_fields("cookie", "session=b", n)),
        head("cookies in a field", x, |n| many_fields("cookie", &"a=b; ".repeat(n), 1)),
        head("semicolons", x, |n| many_fields("cookie", &";".repeat(n), 1)),
        head("a query", x, |n| PlainHead::get(&format!("/?{}", "a=%41&".repeat(n)))),
        head("credentials in a query", x, |n| PlainHead::get(&format!("/?{}", "access_token=a&".repeat(n)))),
        head("authorization fields", x, |n| many_fields("authorization", "Basic YTpi", n)),
        head("spaces", x, |n| many_fields("authorization", &format!("Bearer {}", " ".repeat(n)), 1)),
        head("keys", x, |n| many_fields("x-api-key", "ppl_a", n)),
        head("accept", x, |n| many_fields("accept", &"text/html;q=0.5;a=b, ".repeat(n), 1)),
        head("accept fields", x, |n| many_fields("accept", "text/html;q=0.5", n)),
        head("addresses", x, |n| many_fields("x-forwarded-for", &"10.1.1.1, ".repeat(n), 1)),
        head("address fields", x, |n| many_fields("x-forwarded-for", "10.1.1.1", n)),
        head("protocols", x, |n| many_fields("x-forwarded-proto", &"https, ".repeat(n), 1)),
        head("protocols beside addresses", x, |n| {
            many_fields("x-forwarded-proto", &"https, ".repeat(n), 1).with("x-forwarded-for", "10.1.1.1, ".repeat(n))
        }),
        head("forwarded", forwarded, |n| many_fields("forwarded", &"for=10.1.1.1;proto=https, ".repeat(n), 1)),
        head("forwarded fields", forwarded, |n| many_fields("forwarded", "for=10.1.1.1", n)),
        head("parameters of forwarded", forwarded, |n| many_fields("forwarded", &"a=b;".repeat(n), 1)),
        head("quotes", forwarded, |n| many_fields("forwarded", &"\"".repeat(n), 1)),
        head("backslashes", forwarded, |n| many_fields("forwarded", &format!("a=\"{}", "\\\"".repeat(n)), 1)),
        head("origins", x, |n| many_fields("origin", "https://a.example", n)),
        asked_by("an origin", |n| ("origin", format!("https://{}", "a.".repeat(n)))),
        asked_by("a site", |n| ("sec-fetch-site", "same-origin".repeat(n))),
        head("hosts", x, |n| many_fields("host", "a.example", n)),
        head("a host", x, |n| many_fields("host", &"a.".repeat(n), 1)),
        head("agents", x, |n| many_fields("user-agent", "a", n)),
        body("a form", "application/x-www-form-urlencoded", "a=%41&"),
        body("a form of one name", "application/x-www-form-urlencoded", "username=a&"),
        body("nested json", "application/json", "{\"a\":"),
        body("nested lists of json", "application/json", "["),
        body("a string of json", "application/json", "\"\\u0041"),
        scopes("scopes", true),
        scopes("one scope again and again", false),
        spelling("a name", "Å"),
        spelling("marks that combine", "\u{301}\u{316}"),
        spelling("what is long when it is composed", "\u{FDFA}"),
    ]
}
