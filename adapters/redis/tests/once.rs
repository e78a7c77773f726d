//! What may pass once: Redis says what memory says, at every moment, and on every copy.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use countersign::{
    store::{CountStore, First, MemoryCounts, MemoryReplay, ReplayStore},
    testing::ManualClock,
};
use countersign_conformance::RedisServer;
use countersign_redis::{Redis, RedisCounts, RedisReplay};

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn said(first: &First) -> String {
    match first {
        First::New => "new".into(),
        First::Seen => "seen".into(),
        First::Full { retry_after } => format!("full {}", retry_after.as_secs()),
        First::Unavailable(source) => format!("unavailable {}", source.retry_after().unwrap_or_default().as_secs()),
    }
}

/// The same numbers in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

#[tokio::test]
async fn redis_says_what_memory_says() {
    let server = RedisServer::start();
    let (one, other) = (Redis::open(&server.url()).await.unwrap(), Redis::open(&server.url()).await.unwrap());
    let clock = Arc::new(ManualClock::at(at(1_000)));
    let memory = MemoryReplay::holding(12).share(5).timed_by(clock.clone());
    let copies = [one, other].map(|redis| RedisReplay::new(&redis, "a").holding(12).share(5).timed_by(clock.clone()));
    let (mut numbers, mut now, mut tally) = (Numbers(7), 1_000, std::collections::BTreeMap::<String, u32>::new());
    for step in 0..3_000 {
        now += numbers.below(3);
        clock.set_wall(at(now));
        let (scope, key) = (numbers.below(4).to_string(), numbers.below(9).to_be_bytes());
        // The end belongs to the key, as it does to a credential that comes again.
        let until = at(now - now % 40 + numbers.below(2) * 40 + 10);
        let expected = said(&memory.first(&scope, &key, until).await);
        let first = said(&copies[step % 2].first(&scope, &key, until).await);
        assert_eq!(first, expected, "step {step}: {scope} {key:?} at {now} until {until:?}");
        *tally.entry(expected.split(' ').next().unwrap().into()).or_default() += 1;
    }
    assert!(tally["new"] > 100 && tally["seen"] > 100 && tally["full"] > 20, "{tally:?}");
}

#[tokio::test]
async fn redis_counts_as_memory_does() {
    let server = RedisServer::start();
    let redis = Redis::open(&server.url()).await.unwrap();
    let clock = Arc::new(ManualClock::at(at(1_000)));
    let memory = MemoryCounts::holding(6).timed_by(clock.clone());
    let copies = [0, 1].map(|_| RedisCounts::new(&redis, "a").holding(6).timed_by(clock.clone()));
    let (mut numbers, mut now) = (Numbers(11), 1_000);
    for step in 0..3_000 {
        now += numbers.below(2);
        clock.set_wall(at(now));
        // A nonce has one end.
        let end = now - now % 40 + 40;
        let (key, count) = ((end * 8 + numbers.below(8)).to_be_bytes(), numbers.below(200) as u32);
        let until = at(end);
        let expected = said(&memory.first("s", &key, count, until).await);
        assert_eq!(said(&copies[step % 2].first("s", &key, count, until).await), expected, "step {step}");
    }
    for (count, passes) in [(u32::MAX, true), (u32::MAX, false), (u32::MAX - 64, true), (u32::MAX - 65, false)] {
        let first = RedisCounts::new(&redis, "b").timed_by(clock.clone()).first("s", b"n", count, at(now + 1)).await;
        assert_eq!(matches!(first, First::New), passes, "{count}: {first:?}");
    }
}

#[tokio::test]
async fn of_many_at_once_one_passes_whatever_copy_they_ask() {
    let server = RedisServer::start();
    let (one, other) = (Redis::open(&server.url()).await.unwrap(), Redis::open(&server.url()).await.unwrap());
    let until = SystemTime::now() + Duration::from_secs(60);
    for round in 0..20_u32 {
        let asking: Vec<_> = (0..40)
            .map(|number| {
                let redis = if number % 2 == 0 { &one } else { &other };
                let replay = RedisReplay::new(redis, "a");
                tokio::spawn(async move { replay.first("s", &round.to_be_bytes(), until).await })
            })
            .collect();
        let mut passed = 0;
        for asked in asking {
            passed += u32::from(matches!(asked.await.unwrap(), First::New));
        }
        assert_eq!(passed, 1, "round {round}");
    }
    let names = ["a", "b"].map(|name| RedisReplay::new(&one, name));
    assert!(matches!(names[0].first("s", b"n", until).await, First::New));
    assert!(matches!(names[1].first("s", b"n", until).await, First::New), "another name");
}

#[tokio::test]
async fn what_is_lost_or_may_be_is_never_new() {
    let server = RedisServer::start();
    let redis = Redis::open(&server.url()).await.unwrap();
    let clock = Arc::new(ManualClock::at(at(1_000)));
    let replay = RedisReplay::new(&redis, "a").timed_by(clock.clone());
    assert!(matches!(replay.first("s", b"1", at(1_060)).await, First::New));
    // An hour ahead, and back again.
    clock.set_wall(at(4_600));
    assert!(matches!(replay.first("s", b"2", at(4_660)).await, First::New));
    clock.set_wall(at(1_010));
    for key in [b"1", b"3"] {
        let first = replay.first("s", key, at(1_060)).await;
        assert_eq!(said(&first), "unavailable 50");
    }
    assert!(matches!(replay.first("s", b"4", at(1_061)).await, First::New));
    // The whole of it dropped.
    server.say(&["DEL", "{countersign}:once:a:"]);
    assert!(matches!(replay.first("s", b"4", at(1_061)).await, First::Unavailable(_)));
    assert!(matches!(replay.first("s", b"4", at(4_661)).await, First::New));

    server.kill();
    assert!(matches!(replay.first("s", b"5", at(4_661)).await, First::Unavailable(_)));
    server.begin();
    let mut first = replay.first("s", b"4", at(4_661)).await;
    if let First::Unavailable(_) = first {
        first = replay.first("s", b"4", at(4_661)).await;
    }
    assert!(matches!(first, First::Seen), "{first:?}");
    server.pause();
    assert!(matches!(replay.first("s", b"6", at(4_661)).await, First::Unavailable(_)));
    server.resume();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!matches!(replay.first("s", b"7", at(4_661)).await, First::Unavailable(_)));
}
