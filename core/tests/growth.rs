//! What it costs when there is more of something: never more than that much more, and nothing where it is somebody else's.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    borrow::Cow,
    cell::Cell,
    hint::black_box,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use countersign::{
    ApiKey, Basic, Bearer, Gate, KeyRing, QueryParam, Reply, Scopes, SignedCookie, Verified,
    adapter::{Guard, RequestHead, receive},
    mint::{
        session::{SessionEndpoints, Sessions},
        sign_in::SignIn,
    },
    request::{Field, Proxies, ProxyHeaders},
    secret::TokenDigest,
    store::{ApiKeyRecord, ApiKeyStore, Directory, MemoryApiKeys, MemorySessions, SessionRecord, SessionStore},
    testing::PlainHead,
    throttle::{Throttle, Try},
    verifier::{PasswordTable, TokenTable},
};

/// What the cheapest of many runs takes: what the machine does beside it makes runs dearer and none cheaper.
fn cheapest<T>(mut prepare: impl FnMut() -> T, mut run: impl FnMut(T)) -> Duration {
    let once = |_| {
        let prepared = prepare();
        let started = Instant::now();
        run(black_box(prepared));
        started.elapsed()
    };
    (0..25).map(once).min().unwrap()
}

/// Stores in memory never wait.
fn now<F: Future>(future: F) -> F::Output {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

fn digest(owner: usize, number: usize) -> TokenDigest {
    TokenDigest::of(format!("{owner} {number}").as_bytes())
}

fn end() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(60)
}

fn session(owner: usize) -> SessionRecord {
    SessionRecord {
        id: "a session".into(),
        subject: owner.to_string().into(),
        generation: 0,
        created: SystemTime::UNIX_EPOCH,
        authenticated: SystemTime::UNIX_EPOCH,
        used: SystemTime::UNIX_EPOCH,
        idle: Duration::from_secs(60),
        ends: end(),
        address: None,
        agent: None,
        data: None,
        revision: 0,
    }
}

fn key(owner: usize, number: usize) -> ApiKeyRecord {
    ApiKeyRecord {
        id: number.to_string().into(),
        subject: owner.to_string().into(),
        name: "a key".into(),
        visible: "ppl_".into(),
        scopes: "reports:read".parse().unwrap(),
        all_scopes: true,
        created: SystemTime::UNIX_EPOCH,
        ends: Some(end()),
        used: None,
    }
}

#[test]
fn what_one_owner_asks_of_a_store_in_memory_costs_nothing_for_the_others() {
    let (few, many) = (500, 100_000);
    type Cost = Box<dyn Fn(usize) -> Duration>;
    let sessions = |others: usize| {
        let store = MemorySessions::default();
        (1..=others).for_each(|owner| drop(now(store.insert(digest(owner, 0), session(owner), 1000)).unwrap()));
        store
    };
    let keys = |others: usize| {
        let store = MemoryApiKeys::default();
        (1..=others).for_each(|owner| now(store.insert(digest(owner, 0), key(owner, owner))).unwrap());
        (0..8).for_each(|number| now(store.insert(digest(0, number), key(0, number))).unwrap());
        store
    };
    let rows: [(&str, Cost); 5] = [
        (
            "ending all sessions",
            Box::new(move |others| {
                let store = sessions(others);
                let begin =
                    || (0..8).for_each(|number| drop(now(store.insert(digest(0, number), session(0), 1000)).unwrap()));
                cheapest(begin, |()| now(store.remove_all_of("0")).unwrap())
            }),
        ),
        (
            "beginning a session",
            Box::new(move |others| {
                let store = sessions(others);
                let end = || now(store.remove(digest(0, 0))).unwrap();
                cheapest(end, |()| drop(now(store.insert(digest(0, 0), session(0), 1000)).unwrap()))
            }),
        ),
        (
            "listing keys",
            Box::new(move |others| {
                let store = keys(others);
                cheapest(|| (), |()| assert_eq!(now(store.list("0")).unwrap().len(), 8))
            }),
        ),
        (
            "counting keys",
            Box::new(move |others| {
                let store = keys(others);
                cheapest(|| (), |()| assert_eq!(now(store.count("0")).unwrap(), 8))
            }),
        ),
        (
            "removing a key",
            Box::new(move |others| {
                let store = keys(others);
                let make = || now(store.insert(digest(0, 7), key(0, 7))).unwrap();
                cheapest(make, |()| assert!(now(store.remove("0", "7")).unwrap()))
            }),
        ),
    ];
    for (what, cost) in rows {
        let (few, many) = (cost(few), cost(many));
        // Two hundred times as many others; caches of the processor may be missed more often.
        assert!(many < few * 10 + Duration::from_micros(20), "{what}: {few:?} with few others, {many:?} with many");
    }
}

#[test]
fn full_tables_of_the_throttle_cost_what_empty_ones_do() {
    let wrong = |throttle: &Throttle, number: u32| {
        // Spread over all the networks there are, so that no table of networks has room either.
        let address = Ipv4Addr::from_bits(number.wrapping_mul(0x9E37_79B1));
        throttle.enter_now(throttle.account(&number.to_string()), Some(address.into())).map(Try::refused).is_ok()
    };
    let cost = |throttle: &Throttle| {
        let mut number = u32::MAX;
        cheapest(
            || (),
            |()| {
                for _ in 0..20 {
                    number -= 1;
                    wrong(throttle, number);
                }
            },
        )
    };
    let (empty, full) = (Throttle::default(), Throttle::default());
    let verified = (0..150_000).filter(|number| wrong(&full, *number)).count();
    assert!(full.rows() > 5 * 32_768 && verified == 150_000, "{} rows, {verified} verified", full.rows());
    let (empty, full) = (cost(&empty), cost(&full));
    assert!(full < empty * 5, "{empty:?} with empty tables, {full:?} with full ones");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

struct Nobody;

#[countersign::async_trait]
impl Directory<String> for Nobody {
    async fn find(&self, _: &str) -> Result<Option<Verified<String>>, countersign::Unavailable> {
        Ok(None)
    }
}

/// A gate that takes a credential of every place, behind a proxy whose word it takes.
fn gate(headers: ProxyHeaders) -> (Gate<String>, SessionEndpoints<String>) {
    let cookie = SignedCookie::named("session", KeyRing::random());
    let sessions = Sessions::new(Arc::new(MemorySessions::default()), Arc::new(Nobody)).by(cookie.clone());
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

fn many_fields(name: &str, value: &str, times: usize) -> PlainHead {
    let head = PlainHead::get("/").from([10, 0, 0, 1].into());
    (0..times).fold(head, |head, _| head.with(name, value))
}

/// What a reader does with so many pieces, each of the same length.
type Reader = (&'static str, Box<dyn Fn(usize) -> Duration>);

/// Reads a head as a guard does, challenges and all.
fn head(what: &'static str, headers: ProxyHeaders, make: fn(usize) -> PlainHead) -> Reader {
    let read = move |pieces: usize| {
        let ((gate, _), runtime) = (gate(headers), runtime());
        let made = || make(pieces);
        cheapest(made, |head| {
            drop(black_box(runtime.block_on(head.received_by(&gate).verdict_at(&gate))));
        })
    };
    (what, Box::new(read))
}

/// Reads the body of a sign-in.
fn body(what: &'static str, kind: &'static str, piece: &'static str) -> Reader {
    let read = move |pieces: usize| {
        let ((gate, endpoints), runtime) = (gate(ProxyHeaders::default()), runtime());
        let sign_in = endpoints.sign_in(Arc::new(PasswordTable::<String>::new()));
        let body = piece.repeat(pieces);
        cheapest(
            || body.clone().into_bytes(),
            |body| {
                let head = PlainHead::new("POST", "/session").with("content-type", kind).received_by(&gate);
                let Ok(work) = sign_in.prepare(&head, head.exchange(), None) else { panic!("refused") };
                drop(black_box(runtime.block_on(work.run(body))));
            },
        )
    };
    (what, Box::new(read))
}

/// Reads the body of a sign-in whose fields have names of the app's own.
fn members(what: &'static str) -> Reader {
    let read = move |pieces: usize| {
        let ((gate, _), runtime) = (gate(ProxyHeaders::default()), runtime());
        let sign_in = SignIn::at(&gate).then(Arc::new(PasswordTable::new()), |_| async { Ok(Reply::new(204)) });
        let members: Vec<String> = (0..pieces).map(|number| format!("\"{number}\":0")).collect();
        let body = format!("{{{}}}", members.join(","));
        cheapest(
            || body.clone().into_bytes(),
            |body| {
                let head = PlainHead::new("POST", "/").with("content-type", "application/json").received_by(&gate);
                let Ok(work) = sign_in.prepare(&head, head.exchange(), None) else { panic!("refused") };
                drop(black_box(runtime.block_on(work.run(body))));
            },
        )
    };
    (what, Box::new(read))
}

fn scopes(what: &'static str, distinct: bool) -> Reader {
    let read = move |pieces: usize| {
        let text: String = (0..pieces).map(|number| format!("s{} ", if distinct { number } else { 0 })).collect();
        cheapest(|| (), |()| drop(black_box(text.parse::<Scopes>())))
    };
    (what, Box::new(read))
}

#[test]
fn what_is_read_of_a_caller_costs_as_much_more_as_there_is_more_of_it() {
    let (x, forwarded) = (ProxyHeaders::XForwarded, ProxyHeaders::Forwarded);
    let rows = [
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
        head("forwarded", forwarded, |n| many_fields("forwarded", &"for=10.1.1.1;proto=https, ".repeat(n), 1)),
        head("forwarded fields", forwarded, |n| many_fields("forwarded", "for=10.1.1.1", n)),
        head("parameters of forwarded", forwarded, |n| many_fields("forwarded", &"a=b;".repeat(n), 1)),
        head("quotes", forwarded, |n| many_fields("forwarded", &"\"".repeat(n), 1)),
        head("backslashes", forwarded, |n| many_fields("forwarded", &format!("a=\"{}", "\\\"".repeat(n)), 1)),
        head("origins", x, |n| many_fields("origin", "https://a.example", n)),
        body("a form", "application/x-www-form-urlencoded", "a=%41&"),
        body("a form of one name", "application/x-www-form-urlencoded", "username=a&"),
        body("json", "application/json", "{\"a\":"),
        members("members of json"),
        scopes("scopes", true),
        scopes("one scope again and again", false),
    ];
    for (what, read) in rows {
        let (few, many) = (read(256), read(256 * 32));
        // 32 times as much: what is linear costs some 32 times as much, a few times more where it leaves the processor's caches, and what is
        // quadratic a thousand times.
        assert!(many < few * 32 * 6 + Duration::from_micros(50), "{what}: {few:?} for few, {many:?} for many");
    }
}

/// A head that counts how far its fields are walked: to find the nth of a name takes as many steps, as in the maps of frameworks.
struct Counting {
    head: PlainHead,
    fields: usize,
    steps: Cell<usize>,
}

impl Counting {
    fn walk(&self, steps: usize) {
        self.steps.set(self.steps.get() + steps);
    }
}

impl RequestHead for Counting {
    fn method(&self) -> &str {
        self.head.method()
    }

    fn path(&self) -> &str {
        self.head.path()
    }

    fn query(&self) -> Option<&str> {
        self.head.query()
    }

    fn field(&self, name: &Field, nth: usize) -> Option<&[u8]> {
        self.walk(nth + 1);
        self.head.field(name, nth)
    }

    fn each_value<'h>(&'h self, name: &Field, show: &mut dyn FnMut(&'h [u8])) {
        self.head.each_value(name, &mut |value| {
            self.walk(1);
            show(value);
        });
    }

    fn each_field_name(&self, show: &mut dyn FnMut(&str)) {
        self.walk(self.fields);
        self.head.each_field_name(show);
    }

    fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        self.head.parameter(name)
    }

    fn peer(&self) -> Option<IpAddr> {
        self.head.peer()
    }

    fn is_secure(&self) -> bool {
        self.head.is_secure()
    }
}

#[test]
fn however_many_fields_there_are_each_is_walked_past_a_few_times_at_most() {
    let names = ["cookie", "authorization", "x-api-key", "accept", "x-forwarded-for", "x-forwarded-proto", "forwarded"];
    let names =
        names.into_iter().chain(["x-forwarded-host", "origin", "sec-fetch-site", "upgrade", "host", "user-agent"]);
    let values = ["a=b", "session=b", "Bearer a", "10.1.1.1", "https", "for=10.1.1.1;proto=https", "text/html"];
    let values = values.into_iter().chain(["websocket", "https://a.example"]);
    for (name, value) in names.flat_map(|name| values.clone().map(move |value| (name, value))) {
        for headers in [ProxyHeaders::XForwarded, ProxyHeaders::Forwarded] {
            let (gate, _) = gate(headers);
            let steps = |fields: usize| {
                let head = many_fields(name, value, fields).received_by(&gate);
                let counting = Counting { head, fields, steps: Cell::new(0) };
                drop(black_box(Guard::in_front(&gate).admit(&counting, counting.head.exchange())));
                drop(black_box(receive(&gate, &counting, None)));
                counting.steps.get()
            };
            let fields = 4096;
            let (none, many) = (steps(1), steps(fields));
            assert!(many <= none + 16 * fields, "{name}: {value}: {none} steps for one field, {many} for {fields}");
        }
    }
}
