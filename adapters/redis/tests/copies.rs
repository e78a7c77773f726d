//! Copies of a service on one server: what is revoked on one is forgotten by the other, and wrong passwords count together.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests: they fail by panicking, helpers too")]

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use countersign::{
    CredentialCache, Handle,
    cache::copies::{Bus, Copies, Following, Heard},
    store::{Announcement, Outbox, OutboxPage, RevocationStore, Voided},
    throttle::{Account, CannotEnter, Throttle, ThrottleLimits},
};
use countersign_conformance::RedisServer;
use countersign_redis::{Redis, RedisBus, RedisOutbox, RedisTokens, RedisTries};

struct Copy {
    redis: Redis,
    cache: CredentialCache,
    following: Following,
}

impl Copy {
    async fn of(server: &RedisServer) -> Self {
        let redis = Redis::open(&server.url()).await.unwrap();
        let cache = CredentialCache::default();
        let copies = Copies::sharing(Arc::new(RedisOutbox::new(&redis))).woken_by(Arc::new(RedisBus::new(&redis)));
        let following = copies.follow(&cache).unwrap();
        following.settled().await;
        until("in touch", || following.is_in_touch()).await;
        Self { redis, cache, following }
    }

    fn revocations(&self) -> u64 {
        self.cache.counts().revocations
    }
}

async fn until(what: &str, holds: impl Fn() -> bool) -> Duration {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    since.elapsed()
}

#[tokio::test]
async fn the_outbox_numbers_its_rows_without_a_gap_and_keeps_the_last() {
    let server = RedisServer::start();
    let redis = Redis::open(&server.url()).await.unwrap();
    let (outbox, tokens) = (RedisOutbox::new(&redis), RedisTokens::new(&redis));
    assert_eq!(outbox.since(0, 10).await.unwrap(), OutboxPage::default());
    let mut line = RedisBus::new(&redis).listen().await.unwrap();
    let lost = Handle::token_of("https://issuer.example", "t-1");
    tokens.revoke(lost, SystemTime::now()).await.unwrap();
    outbox.announce(&[Voided::Everything, Voided::Handle(Handle::subject("emma"))]).await.unwrap();
    let rows: Vec<_> = [Voided::Handle(lost), Voided::Everything, Voided::Handle(Handle::subject("emma"))]
        .into_iter()
        .zip(1..)
        .map(|(voided, number)| Announcement { number, voided })
        .collect();
    for (cursor, most, from, to) in
        [(0, 10, 0, 3), (0, 2, 0, 2), (1, 10, 1, 3), (3, 10, 3, 3), (9, 10, 3, 3), (u64::MAX, 0, 3, 3)]
    {
        let page = outbox.since(cursor, most).await.unwrap();
        assert_eq!(page, OutboxPage { newest: 3, rows: rows[from..to].to_vec() }, "{cursor} {most}");
    }
    for row in &rows {
        assert_eq!(line.next().await.unwrap(), Heard::Rows(vec![*row]));
    }
    line.beat().await.unwrap();
    let later = SystemTime::now() + Duration::from_secs(60);
    assert_eq!(outbox.purge(SystemTime::now() - Duration::from_secs(60), 10).await.unwrap(), 0);
    assert_eq!(outbox.purge(later, 10).await.unwrap(), 2, "the last one stays");
    outbox.announce(&[Voided::Everything]).await.unwrap();
    assert_eq!(outbox.since(3, 10).await.unwrap().rows[0].number, 4);

    let other = RedisBus::for_outbox(&redis, "database");
    let mut line = other.listen().await.unwrap();
    other.wake().await.unwrap();
    assert_eq!(line.next().await.unwrap(), Heard::Wake);
    server.kill();
    assert!(line.next().await.is_err());
}

#[tokio::test]
async fn what_is_revoked_on_one_copy_is_forgotten_by_the_other_at_once() {
    let server = RedisServer::start();
    let (one, other) = (Copy::of(&server).await, Copy::of(&server).await);
    let tokens = RedisTokens::new(&one.redis);
    let mut waits = Vec::new();
    for number in 0..200 {
        let before = other.revocations();
        let since = Instant::now();
        tokens.revoke_subject(&format!("emily {number}"), SystemTime::now()).await.unwrap();
        until("told", || other.revocations() > before).await;
        waits.push(since.elapsed());
    }
    waits.sort_unstable();
    let (median, last) = (waits[waits.len() / 2], waits[waits.len() * 99 / 100]);
    assert!(median < Duration::from_millis(100) && last < Duration::from_secs(1), "{median:?} {last:?}");
}

#[tokio::test]
async fn a_server_that_is_cut_off_is_noticed_and_everything_forgotten() {
    let server = RedisServer::start();
    let (one, other) = (Copy::of(&server).await, Copy::of(&server).await);
    type Act = fn(&RedisServer);
    let rows: [(Act, Act); 2] = [(RedisServer::kill, RedisServer::begin), (RedisServer::pause, RedisServer::resume)];
    for (cut, goes_on) in rows {
        let before = other.revocations();
        cut(&server);
        let noticed = until("noticed", || !other.following.is_in_touch()).await;
        assert!(noticed <= Duration::from_millis(2_500), "{noticed:?}");
        until("forgotten", || other.revocations() > before).await;
        assert!(one.redis.agreed_secret("x").await.is_err());
        let lost = other.revocations();
        goes_on(&server);
        until("again", || other.following.is_in_touch() && one.following.is_in_touch()).await;
        assert!(other.revocations() > lost, "what was verified meanwhile is forgotten");
        let before = other.revocations();
        RedisTokens::new(&one.redis).revoke_subject("emma", SystemTime::now()).await.unwrap();
        until("told again", || other.revocations() > before).await;
    }
}

fn throttle(redis: &Redis) -> Throttle {
    Throttle::counting_with(&ThrottleLimits::default(), Arc::new(RedisTries::new(redis)))
}

fn at(last: u8) -> Option<IpAddr> {
    Some([192, 0, 2, last].into())
}

async fn copies(server: &RedisServer) -> [Throttle; 2] {
    let (one, other) = (Redis::open(&server.url()).await.unwrap(), Redis::open(&server.url()).await.unwrap());
    [throttle(&one), throttle(&other)]
}

/// As many at once as are wrong; how many were verified.
async fn wrong(copies: &[Throttle; 2], name: &str, address: Option<IpAddr>, tries: usize) -> u32 {
    let verified = Arc::new(AtomicU32::new(0));
    let trying: Vec<_> = (0..tries)
        .map(|number| {
            let (throttle, verified) = (copies[number % 2].clone(), Arc::clone(&verified));
            let account = throttle.account(name);
            tokio::spawn(async move {
                if let Ok(one) = throttle.enter(account, address).await {
                    verified.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    one.refused();
                }
            })
        })
        .collect();
    for one in trying {
        one.await.unwrap();
    }
    verified.load(Ordering::Relaxed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_wrong_passwords_are_five_over_all_copies() {
    let server = RedisServer::start();
    let copies = copies(&server).await;
    for round in 0..5 {
        assert_eq!(wrong(&copies, &format!("emily {round}"), at(round), 60).await, 5, "round {round}");
    }
    let [one, other] = &copies;
    let emily = one.account("emily 0");
    for throttle in [one, other] {
        let left = until("told", || throttle.locked_now(emily, at(0)).is_err()).await;
        assert!(left < Duration::from_secs(2), "{left:?}");
        assert!(
            matches!(throttle.enter(emily, at(0)).await, Err(CannotEnter::Later(later)) if later.whole_seconds() > 50)
        );
        assert!(throttle.locked_now(emily, at(9)).is_ok());
        throttle.enter(emily, at(9)).await.unwrap().succeeded();
    }
    // Fifty of an address, whatever the names.
    let mut verified = 0;
    for name in 0..15 {
        verified += wrong(&copies, &format!("emma {name}"), at(77), 6).await;
    }
    assert_eq!(verified, 50);
    assert!(one.enter(Account::of_no_name(), at(77)).await.is_err());
    assert!(one.enter(Account::of_no_name(), at(78)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_is_guessed_at_from_everywhere_is_tried_once_a_second_and_where_it_is_known() {
    let server = RedisServer::start();
    let copies = copies(&server).await;
    let [one, other] = &copies;
    let emily = one.account("emily");
    // Known where she signed in at the other copy.
    other.enter(emily, at(200)).await.unwrap().succeeded();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut verified = 0;
    for address in 1..30 {
        verified += wrong(&copies, "emily", at(address), 4).await;
    }
    assert!((100..=110).contains(&verified), "{verified}");
    assert!(matches!(one.enter(emily, at(150)).await, Err(CannotEnter::Later(later)) if later.whole_seconds() == 1));
    for _ in 0..3 {
        drop(one.enter(emily, at(200)).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    drop(one.enter(emily, at(150)).await.unwrap());
    assert!(other.enter(emily, at(151)).await.is_err(), "one in a second, wherever");
}

#[tokio::test]
async fn without_redis_nobody_is_tried() {
    let server = RedisServer::start();
    let [one, other] = copies(&server).await;
    let emily = one.account("emily");
    one.enter(emily, at(1)).await.unwrap().refused();
    server.pause();
    assert!(matches!(one.enter(emily, at(1)).await, Err(CannotEnter::Unavailable(_))));
    server.resume();
    let again = until_entered(&one, emily).await;
    drop(again);
    server.kill();
    assert!(matches!(other.enter(emily, at(1)).await, Err(CannotEnter::Unavailable(_))));
    server.begin();
    // What was counted is still counted, and every place was given back or counts.
    drop(until_entered(&other, emily).await);
}

async fn until_entered(throttle: &Throttle, account: Account) -> countersign::throttle::Try {
    let since = Instant::now();
    loop {
        match throttle.enter(account, at(1)).await {
            Ok(one) => return one,
            Err(why) => assert!(since.elapsed() < Duration::from_secs(20), "{why}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
