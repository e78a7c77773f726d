//! What it costs when there is more of something: never more than that much more, and nothing where it is somebody else's.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    hint::black_box,
    net::Ipv4Addr,
    time::{Duration, Instant, SystemTime},
};

use countersign::{
    secret::TokenDigest,
    store::{ApiKeyRecord, ApiKeyStore, MemoryApiKeys, MemorySessions, SessionRecord, SessionStore},
    throttle::{Throttle, Try},
};

/// What the cheapest of many runs takes: what the machine does beside it makes runs dearer and none cheaper.
fn cheapest<T>(mut prepare: impl FnMut() -> T, mut run: impl FnMut(T)) -> Duration {
    let once = |_| {
        let prepared = prepare();
        let started = Instant::now();
        run(black_box(prepared));
        started.elapsed()
    };
    (0..60).map(once).min().unwrap()
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
