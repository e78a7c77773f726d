//! The sizes that the page about copies reckons with, measured at a real server.

#![expect(clippy::unwrap_used, reason = "tests: they fail by panicking, helpers too")]

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

use countersign::{
    Handle, JwtSigner, KeyRing, SignedCookie, Unavailable, Verified, async_trait,
    cache::copies::Bus,
    mint::{access_token::AccessTokens, refresh_token::RefreshTokens, session::Sessions},
    request::ClientInfo,
    store::{Directory, Outbox, Voided},
    testing::PlainHead,
};
use countersign_conformance::{
    RedisServer,
    told::{holds, told},
};
use countersign_redis::{Redis, RedisBus, RedisOutbox, RedisSessions, RedisTokens};

const PAGE: &str = include_str!("../../../core/src/manual/copies.md");

struct Everybody;

#[async_trait]
impl Directory<String> for Everybody {
    async fn find(&self, subject: &str) -> Result<Option<Verified<String>>, Unavailable> {
        let scopes = "reports:read reports:write".parse().map_err(Unavailable::because)?;
        Ok(Some(Verified::new(subject.to_owned()).with_subject(subject).with_scopes(scopes)))
    }
}

/// What a section of `INFO` says of this.
fn info(server: &RedisServer, section: &str, name: &str) -> f64 {
    let said = server.say(&["INFO", section]);
    let line = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap().trim().parse().unwrap()
}

/// How much of the server's memory each of so many takes.
async fn memory_of_each<F: Future>(server: &RedisServer, times: u32, make: impl Fn(u32) -> F) -> f64 {
    let before = info(server, "memory", "used_memory_dataset");
    for number in 0..times {
        make(number).await;
    }
    (info(server, "memory", "used_memory_dataset") - before) / f64::from(times)
}

fn voided(number: u32) -> Voided {
    Voided::Handle(Handle::subject(&format!("emily {number}")))
}

/// A browser, which says at length who it is.
fn browser() -> ClientInfo {
    let agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
    PlainHead::get("/").with("user-agent", agent).from([192, 0, 2, 1].into()).view().client_info()
}

#[tokio::test]
async fn a_row_and_its_message_are_as_large_as_the_page_tells() {
    let server = RedisServer::start();
    let redis = Redis::open(&server.url()).await.unwrap();
    let outbox = RedisOutbox::new(&redis);
    // As a service's that has run for a while: the number of a row has seven digits.
    server.say(&["XADD", "{countersign}:outbox:rows", "1000000-0", "voided", "x", "at", "1"]);
    let row = memory_of_each(&server, 200, |number| {
        let voided: Vec<_> = (0..100).map(|row| voided(number * 100 + row)).collect();
        let outbox = &outbox;
        async move { outbox.announce(&voided).await.unwrap() }
    })
    .await
        / 100.0;
    assert_eq!(outbox.since(1_020_000, 0).await.unwrap().newest, 1_020_000, "rows follow the one that was put there");
    holds("a row", told(PAGE, "rows | *r* a second, of ", " bytes in Redis"), row);

    // One who listens, byte by byte.
    let mut listening = TcpStream::connect(server.url().trim_start_matches("redis://")).unwrap();
    listening.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    listening.write_all(b"SUBSCRIBE {countersign}:outbox:news\r\n").unwrap();
    let mut said = [0; 4096];
    let confirmed = listening.read(&mut said).unwrap();
    assert!(said[..confirmed].starts_with(b"*3\r\n$9\r\nsubscribe\r\n"), "it listens");
    outbox.announce(&[voided(0)]).await.unwrap();
    let mut bytes = 0;
    while let Ok(more @ 1..) = listening.read(&mut said) {
        bytes += more;
    }
    holds("a message", told(PAGE, "a message of Redis with its row is ", " bytes"), bytes as f64);
}

#[tokio::test]
async fn an_idle_copy_sends_and_is_sent_as_much_as_the_page_tells() {
    const LOOKS: u32 = 500;
    let server = RedisServer::start();
    let redis = Redis::open(&server.url()).await.unwrap();
    let outbox = RedisOutbox::new(&redis);
    outbox.announce(&[voided(0)]).await.unwrap();
    let mut line = RedisBus::new(&redis).listen().await.unwrap();
    outbox.since(1, 1000).await.unwrap();
    let traffic = || ["total_net_input_bytes", "total_net_output_bytes"].map(|name| info(&server, "stats", name));
    let before = traffic();
    // What asking costs is asked for a second time.
    let asking = traffic();
    for _ in 0..LOOKS {
        outbox.since(1, 1000).await.unwrap();
        line.beat().await.unwrap();
    }
    let after = traffic();
    let [from, back] =
        [0, 1].map(|way| ((after[way] - asking[way]) - (asking[way] - before[way])) * 2.0 / f64::from(LOOKS));
    holds("from each idle copy", told(PAGE, "over Redis | ", " bytes a second from each idle copy"), from);
    holds("back to it", told(PAGE, " bytes a second from each idle copy, and ", " back"), back);
}

#[tokio::test]
async fn a_session_and_a_family_are_as_large_as_the_page_tells() {
    let server = RedisServer::start();
    let redis = Redis::open(&server.url()).await.unwrap();
    let cookie = SignedCookie::named("session", KeyRing::random());
    let sessions = Sessions::new(Arc::new(RedisSessions::new(&redis)), Arc::new(Everybody)).by(cookie);
    let access = AccessTokens::issued_by("https://people", JwtSigner::fresh().unwrap())
        .for_audience("people", Arc::new(Everybody))
        .unwrap();
    let tokens = RefreshTokens::new("pplr_".parse().unwrap(), access, Arc::new(RedisTokens::new(&redis)));
    let from = browser();
    let session = memory_of_each(&server, 2_000, |number| {
        let (sessions, from) = (&sessions, &from);
        async move { sessions.begin(&format!("emily {number}"), from).await.unwrap() }
    })
    .await;
    holds("a session", told(PAGE, "a session is ", " KB in Redis") * 1000.0, session);
    let family = memory_of_each(&server, 2_000, |number| {
        let (tokens, from) = (&tokens, &from);
        async move { tokens.begin(&format!("emma {number}"), None, from).await.unwrap().unwrap() }
    })
    .await;
    holds("a family", told(PAGE, "a family of refresh tokens ", " KB") * 1000.0, family);
}
