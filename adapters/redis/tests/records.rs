//! Sessions, families, keys: Redis does what memory does, step by step.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests: they fail by panicking, helpers too")]

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::{Duration, SystemTime},
};

use countersign::{
    Handle,
    secret::TokenDigest,
    store::{
        ApiKeyRecord, ApiKeyStore, BoundKeyRecord, BoundKeyStore, DeviceSessionRecord, DeviceSessionStore,
        FamilyRecord, KeySender, MemoryApiKeys, MemoryBoundKeys, MemoryDeviceSessions, MemorySessions, MemoryTokens,
        RefreshStore, RevocationStore, Rotation, SessionRecord, SessionStore,
    },
    testing::ManualClock,
};
use countersign_conformance::RedisServer;
use countersign_redis::{Redis, RedisApiKeys, RedisBoundKeys, RedisDeviceSessions, RedisSessions, RedisTokens};

const SUBJECTS: [&str; 3] = ["emily", "emma", "Jäsøn \"{}\" Doe"];

/// Long ago for Redis, whose own clock must not matter.
fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn digest(number: u64) -> TokenDigest {
    TokenDigest::of(&number.to_le_bytes())
}

fn address(last: u64) -> Option<IpAddr> {
    (last > 0).then(|| Ipv4Addr::new(10, 0, 0, last as u8).into())
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

    fn subject(&mut self) -> &'static str {
        SUBJECTS[self.below(3) as usize]
    }
}

async fn redis() -> (RedisServer, Redis) {
    let server = RedisServer::start();
    let redis = Redis::open(&server.url()).await.unwrap();
    (server, redis)
}

fn session(number: u64, subject: &str, numbers: &mut Numbers) -> SessionRecord {
    SessionRecord {
        id: format!("id {number}").into(),
        subject: subject.into(),
        generation: number % 5,
        created: at(number),
        authenticated: at(number) + Duration::from_nanos(123_456_789),
        used: at(number),
        idle: Duration::from_millis(1_500),
        ends: at(number + 100_000),
        address: address(numbers.below(3)),
        agent: (numbers.below(2) > 0).then(|| "curl/8 \u{1f980} \r\n".into()),
        data: None,
        revision: 0,
    }
}

#[tokio::test]
async fn sessions_are_kept_as_memory_keeps_them() {
    let (_server, redis) = redis().await;
    let (memory, stored, mut numbers) = (MemorySessions::default(), RedisSessions::new(&redis), Numbers(3));
    let stores: [&dyn SessionStore; 2] = [&memory, &stored];
    for number in 0..600 {
        let (subject, known, step) = (numbers.subject(), numbers.below(number + 1), numbers.below(14));
        let record = session(number, subject, &mut numbers);
        let id = format!("id {known}");
        let revision = numbers.below(3);
        let mut said = Vec::new();
        for store in stores {
            said.push(match step {
                0..6 => format!("{:?}", store.insert(digest(number), record.clone(), 6).await.unwrap()),
                6 => format!("{:?}", store.touch(digest(known), at(number + 7)).await.unwrap()),
                7 => format!("{:?}", store.write(subject, &id, "{\"a\":1}", revision).await.unwrap()),
                8 => format!("{:?}", store.remove(digest(known)).await.unwrap()),
                9 => format!("{:?}", store.remove_of(subject, &id).await.unwrap()),
                10 if number % 5 == 0 => format!("{:?}", store.remove_all_of(subject).await.unwrap()),
                _ => format!("{:?}", store.find_of(subject, &id).await.unwrap()),
            });
            said.push(format!("{:?}", store.find(digest(known)).await.unwrap()));
            said.push(format!("{:?}", store.list(subject).await.unwrap()));
        }
        let (memory, redis) = said.split_at(3);
        assert_eq!(redis, memory, "step {number}: {step}");
    }
}

fn family(number: u64, subject: &str, numbers: &mut Numbers) -> FamilyRecord {
    FamilyRecord {
        id: format!("f{number}").into(),
        subject: subject.into(),
        generation: numbers.below(4),
        scopes: "a b".parse().unwrap(),
        all_scopes: numbers.below(2) > 0,
        current: digest(number),
        previous: None,
        created: at(number),
        used: at(number),
        ends: at(number + 40),
        address: address(numbers.below(3)),
        agent: (numbers.below(2) > 0).then(|| "curl/8".into()),
    }
}

#[tokio::test]
async fn families_and_revocations_are_kept_as_memory_keeps_them() {
    let (_server, redis) = redis().await;
    let clock = Arc::new(ManualClock::at(at(0)));
    let (memory, mut numbers) = (MemoryTokens::default(), Numbers(5));
    let stored = RedisTokens::new(&redis).timed_by(clock.clone());
    let stores: [&dyn RefreshStore; 2] = [&memory, &stored];
    let (mut tally, mut lately) = (std::collections::BTreeMap::<String, u32>::new(), Vec::new());
    for number in 0..900 {
        clock.set_wall(at(number));
        let (subject, step) = (numbers.subject(), numbers.below(12));
        let mut begun = family(number, subject, &mut numbers);
        // Most of them of the generation that their subject is in, and most questions of those that were begun lately.
        let floor = memory.standing(subject, &[]).await.unwrap().floor.generation;
        begun.generation = floor.saturating_sub(numbers.below(8) / 7);
        if step < 4 {
            lately.push(number);
        }
        let known = lately.iter().rev().nth(numbers.below(4) as usize).copied().unwrap_or_default();
        let id = format!("f{known}");
        // Among them tokens that are good, were used, or never were.
        let found = memory.find(&id, at(number)).await.unwrap();
        let current = found.as_ref().map_or(digest(known), |family| family.current);
        let previous = found.as_ref().and_then(|family| family.previous).unwrap_or(digest(known));
        let again = numbers.below(4) > 0;
        let rotation = Rotation {
            id: id.clone().into(),
            spent: [current, previous, previous, digest(9_999)][numbers.below(4) as usize],
            successor: if again { current } else { digest(10_000 + number) },
            now: at(number),
            ends: at(number + 40),
            address: found.as_ref().map_or(address(1), |family| family.address).filter(|_| numbers.below(4) > 0),
            agent: (numbers.below(2) > 0).then(|| "other".into()),
            forgiven: Duration::from_secs(numbers.below(3) * 20),
            void_until: at(number + 600_000),
        };
        // A token is not its own successor.
        let rotation = if rotation.spent == rotation.successor {
            Rotation { successor: digest(20_000 + number), ..rotation }
        } else {
            rotation
        };
        let handles = [FamilyRecord::handle_of(&id), Handle::subject("nobody")];
        let mut said = Vec::new();
        for store in stores {
            said.push(match step {
                0..4 => format!("{:?}", store.begin(begun.clone(), 5).await.unwrap()),
                4..9 => format!("{:?}", store.rotate(rotation.clone()).await.unwrap()),
                9 => format!("{:?}", store.revoke(handles[0], at(number + 600_000)).await.unwrap()),
                10 if number % 7 == 0 => format!("{:?}", store.revoke_subject(subject, at(number)).await.unwrap()),
                _ => format!("{:?}", store.find(&id, at(number)).await.unwrap()),
            });
            said.push(format!("{:?}", store.find(&id, at(number)).await.unwrap()));
            said.push(format!("{:?}", store.list(subject, at(number)).await.unwrap()));
            said.push(format!("{:?}", store.standing(subject, &handles).await.unwrap()));
            said.push(format!("{:?}", store.standing(subject, &[]).await.unwrap()));
        }
        let (memory, redis) = said.split_at(5);
        assert_eq!(redis, memory, "step {number}: {step} {rotation:?}");
        *tally.entry(memory[0].split(' ').next().unwrap().into()).or_default() += 1;
    }
    assert!(["Now", "Again", "Reused", "Unknown"].iter().all(|said| tally.contains_key(*said)), "{tally:?}");
}

#[tokio::test]
async fn of_two_at_once_one_gets_the_successor_and_the_family_is_void() {
    let (server, redis) = redis().await;
    let other = Redis::open(&server.url()).await.unwrap();
    for round in 0..200_u64 {
        let now = SystemTime::now();
        let mut begun = family(round, "emily", &mut Numbers(round + 1));
        (begun.generation, begun.created, begun.used, begun.ends) = (0, now, now, now + Duration::from_secs(60));
        RedisTokens::new(&redis).begin(begun.clone(), 20).await.unwrap();
        let turning: Vec<_> = (0..4)
            .map(|number| {
                let store = RedisTokens::new(if number % 2 == 0 { &redis } else { &other });
                let rotation = Rotation {
                    id: begun.id.clone(),
                    spent: begun.current,
                    successor: digest(1_000_000 + round * 4 + number),
                    now,
                    ends: begun.ends,
                    address: None,
                    agent: None,
                    forgiven: Duration::ZERO,
                    void_until: begun.ends,
                };
                tokio::spawn(async move { store.rotate(rotation).await.unwrap() })
            })
            .collect();
        let mut said = Vec::new();
        for turned in turning {
            said.push(format!("{:?}", turned.await.unwrap()));
        }
        said.sort();
        assert_eq!(said, ["Now", "Reused", "Unknown", "Unknown"]);
        let standing = RedisTokens::new(&other).standing("emily", &[begun.handle()]).await.unwrap();
        assert!(standing.revoked);
    }
}

#[tokio::test]
async fn keys_are_kept_as_memory_keeps_them() {
    let (_server, redis) = redis().await;
    let (memory, stored, mut numbers) = (MemoryApiKeys::default(), RedisApiKeys::new(&redis), Numbers(9));
    let stores: [&dyn ApiKeyStore; 2] = [&memory, &stored];
    for number in 0..300 {
        let (subject, known, step) = (numbers.subject(), numbers.below(number + 1), numbers.below(6));
        let record = ApiKeyRecord {
            id: format!("k{number}").into(),
            subject: subject.into(),
            name: "a \"key\"".into(),
            visible: "ppl_abcd".into(),
            scopes: "a".parse().unwrap(),
            all_scopes: numbers.below(2) > 0,
            created: at(number),
            ends: (numbers.below(2) > 0).then(|| at(number + 1)),
            used: None,
        };
        let mut said = Vec::new();
        for store in stores {
            said.push(match step {
                0..3 => format!("{:?}", store.insert(digest(number), record.clone()).await.unwrap()),
                3 => format!("{:?}", store.remove(subject, &format!("k{known}")).await.unwrap()),
                _ => format!("{:?}", store.touch(digest(known), at(1_000 - known)).await.unwrap()),
            });
            said.push(format!("{:?}", store.find(digest(known)).await.unwrap()));
            said.push(format!("{:?}", store.list(subject).await.unwrap()));
            said.push(format!("{:?}", store.count(subject).await.unwrap()));
        }
        let (memory, redis) = said.split_at(4);
        assert_eq!(redis, memory, "step {number}: {step}");
    }
}

#[tokio::test]
async fn bound_keys_and_devices_are_kept_as_memory_keeps_them() {
    let (_server, redis) = redis().await;
    let (memory, stored, mut numbers) = (MemoryBoundKeys::default(), RedisBoundKeys::new(&redis), Numbers(13));
    let stores: [&dyn BoundKeyStore; 2] = [&memory, &stored];
    for number in 0..400 {
        let (subject, known, step) = (numbers.subject(), number - numbers.below(number.min(9) + 1), numbers.below(4));
        let mut sender = || KeySender {
            address: address(numbers.below(2)),
            agent: (numbers.below(2) > 0).then(|| b"\xff\0agent".as_slice().into()),
        };
        let record = BoundKeyRecord {
            subject: subject.into(),
            sender: sender(),
            idle_ends: at(number + 5_000),
            ends: at(number + 12_000),
        };
        let (by, now) = (sender(), at(number + [0, 0, 0, 5_000][(number % 4) as usize]));
        let mut said = Vec::new();
        for store in stores {
            said.push(match step {
                0..2 => format!("{:?}", store.insert(digest(number), record.clone(), at(number)).await.unwrap()),
                2 => format!("{:?}", store.use_now(digest(known), &by, now, Duration::from_secs(4_000)).await.unwrap()),
                _ if number % 3 == 0 => format!("{:?}", store.remove(digest(known)).await.unwrap()),
                _ => String::new(),
            });
        }
        assert_eq!(said[1], said[0], "step {number}: {step}");
    }
    let share = KeySender { address: None, agent: None };
    for number in 0..70 {
        let record = BoundKeyRecord {
            subject: "x".into(),
            sender: share.clone(),
            idle_ends: at(50_000 + number),
            ends: at(90_000),
        };
        stored.insert(digest(500_000 + number), record, at(40_000)).await.unwrap();
    }
    for (number, there) in [(0, false), (5, false), (6, true), (69, true)] {
        let found = stored.use_now(digest(500_000 + number), &share, at(40_000), Duration::from_secs(1)).await.unwrap();
        assert_eq!(found.is_some(), there, "{number}");
    }

    let (memory, stored) = (MemoryDeviceSessions::default(), RedisDeviceSessions::new(&redis));
    let stores: [&dyn DeviceSessionStore; 2] = [&memory, &stored];
    for number in 0..200 {
        let (known, step) = (numbers.below(20).to_string(), numbers.below(5));
        let record = DeviceSessionRecord { subject: "emma".into(), ends: at(number + 100_000), key: None };
        let mut said = Vec::new();
        for store in stores {
            said.push(match step {
                0..2 => format!("{:?}", store.insert(&known, record.clone(), at(number)).await.unwrap()),
                2..4 => format!("{:?}", store.bind(&known, "{}").await.unwrap()),
                _ => format!("{:?}", store.remove(&known).await.unwrap()),
            });
            said.push(format!("{:?}", store.find(&known).await.unwrap()));
        }
        let (memory, redis) = said.split_at(2);
        assert_eq!(redis, memory, "step {number}: {step}");
    }
    // Of more than 64 the one that ends first makes way, and nobody else's.
    for store in stores {
        let of = |subject: &str, ends| DeviceSessionRecord { subject: subject.into(), ends: at(ends), key: None };
        store.insert("jacob's", of("jacob", 200_000), at(1)).await.unwrap();
        for number in 0..70 {
            store.insert(&format!("b{number}"), of("bob", 300_000 + number), at(1)).await.unwrap();
        }
        for (id, there) in [("b0", false), ("b5", false), ("b6", true), ("b69", true), ("jacob's", true)] {
            assert_eq!(store.find(id).await.unwrap().is_some(), there, "{id}");
        }
    }
}

#[tokio::test]
async fn a_bound_key_may_be_idle_for_ever() {
    let (_server, redis) = redis().await;
    let (memory, stored) = (MemoryBoundKeys::default(), RedisBoundKeys::new(&redis));
    let stores: [&dyn BoundKeyStore; 2] = [&memory, &stored];
    let sender = KeySender { address: None, agent: None };
    for store in stores {
        let (idle_ends, ends) = (at(10), at(1_000));
        let record = BoundKeyRecord { subject: "emma".into(), sender: sender.clone(), idle_ends, ends };
        store.insert(digest(1), record, at(1)).await.unwrap();
        for now in [2, 999] {
            assert!(store.use_now(digest(1), &sender, at(now), Duration::MAX).await.unwrap().is_some(), "{now}");
        }
        assert!(store.use_now(digest(1), &sender, at(1_000), Duration::MAX).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn what_has_ended_is_dropped_by_redis() {
    let (server, redis) = redis().await;
    let sessions = RedisSessions::new(&redis);
    let mut record = session(1, "emily", &mut Numbers(1));
    record.ends = record.used + Duration::from_millis(30);
    sessions.insert(digest(1), record, 5).await.unwrap();
    let devices = RedisDeviceSessions::new(&redis);
    let short = DeviceSessionRecord { subject: "emma".into(), ends: at(7) + Duration::from_millis(30), key: None };
    devices.insert("d", short, at(7)).await.unwrap();
    assert!(!server.say(&["KEYS", "*session*"]).starts_with("*0"));
    // Redis's own clock is the only one here.
    let since = std::time::Instant::now();
    while !server.say(&["KEYS", "*:session*:*"]).starts_with("*0") || devices.find("d").await.unwrap().is_some() {
        assert!(since.elapsed() < Duration::from_secs(10), "{}", server.say(&["KEYS", "*"]));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(sessions.list("emily").await.unwrap(), []);
}
