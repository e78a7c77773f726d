//! What somebody asks of a table costs nothing for all the others in it.

use super::*;

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

/// With sessions of so many others.
fn sessions(others: usize) -> MemorySessions {
    let store = MemorySessions::default();
    (1..=others).for_each(|owner| drop(now(store.insert(digest(owner, 0), session(owner), 1000)).unwrap()));
    store
}

/// With keys of so many others, and eight of one's own.
fn keys(others: usize) -> MemoryApiKeys {
    let store = MemoryApiKeys::default();
    (1..=others).for_each(|owner| now(store.insert(digest(owner, 0), key(owner, owner))).unwrap());
    (0..8).for_each(|number| now(store.insert(digest(0, number), key(0, number))).unwrap());
    store
}

#[test]
fn what_one_owner_asks_of_a_store_in_memory_costs_nothing_for_the_others() {
    let rows = vec![
        row("ending all sessions", |others| {
            let store = sessions(others);
            (0..8).for_each(|number| drop(now(store.insert(digest(0, number), session(0), 1000)).unwrap()));
            Box::new(move || now(store.remove_all_of("0")).unwrap())
        }),
        row("beginning a session", |others| {
            let store = sessions(others);
            // Room that a table makes from time to time is made before.
            drop(now(store.insert(digest(0, 1), session(0), 1000)).unwrap());
            Box::new(move || drop(now(store.insert(digest(0, 0), session(0), 1000)).unwrap()))
        }),
        row("listing keys", |others| {
            let store = keys(others);
            Box::new(move || assert_eq!(now(store.list("0")).unwrap().len(), 8))
        }),
        row("counting keys", |others| {
            let store = keys(others);
            Box::new(move || assert_eq!(now(store.count("0")).unwrap(), 8))
        }),
        row("removing a key", |others| {
            let store = keys(others);
            Box::new(move || assert!(now(store.remove("0", "7")).unwrap()))
        }),
    ];
    let test = "stores::what_one_owner_asks_of_a_store_in_memory_costs_nothing_for_the_others";
    for Counted { what, few, many } in count(test, rows) {
        // 32 times as many others: trees are a little deeper.
        assert!(many < few * 2, "{what}: {few} instructions with few others, {many} with many");
    }
}

fn wrong(throttle: &Throttle, number: u32) -> bool {
    // Spread over all the networks there are, so that no table of networks has room either.
    let address = Ipv4Addr::from_bits(number.wrapping_mul(0x9E37_79B1));
    throttle.enter_now(throttle.account(&number.to_string()), Some(address.into())).map(Try::refused).is_ok()
}

#[test]
fn full_tables_of_the_throttle_cost_what_empty_ones_do() {
    let limits = ThrottleLimits::default().rows(256);
    let rows = vec![row("twenty tries", move |tries| {
        let throttle = Throttle::new(&limits);
        let verified = (0..u32::try_from(tries).unwrap()).filter(|number| wrong(&throttle, *number)).count();
        assert_eq!(verified, tries);
        assert!(tries < 2000 || throttle.rows() > 5 * 256, "{} rows", throttle.rows());
        Box::new(move || (0..20).for_each(|number| _ = wrong(&throttle, u32::MAX - number)))
    })];
    for Counted { what, few, many } in count("stores::full_tables_of_the_throttle_cost_what_empty_ones_do", rows) {
        assert!(many < few * 3, "{what}: {few} instructions with empty tables, {many} with full ones");
    }
}
