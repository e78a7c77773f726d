//! Countersign's stores in Redis, so that several copies of a service behave as one.
//!
//! [`Redis`] is the connection; each store is made of a clone of it.
//!
//! | store | keeps |
//! |---|---|
//! | [`RedisSessions`] | sessions |
//! | [`RedisTokens`] | families of refresh tokens, and what is void |
//! | [`RedisApiKeys`] | API keys |
//! | [`RedisReplay`], [`RedisCounts`] | what may pass once, and has |
//! | [`RedisBoundKeys`], [`RedisDeviceSessions`] | keys and sessions that are bound to who sends them |
//! | [`RedisTries`] | wrong passwords, for a throttle that [counts with others](countersign::throttle::Throttle::counting_with) |
//! | [`RedisOutbox`] | what other copies must forget; [`RedisBus`] tells them at once |
//!
//! Whatever has to be one step is a script, which Redis runs as one. What has ended is dropped by Redis.
//!
//! # Example
//! ```no_run
//! use countersign::store::{First, ReplayStore};
//! use countersign_redis::{Redis, RedisReplay};
//! use std::time::{Duration, SystemTime};
//!
//! # #[tokio::main] async fn main() -> Result<(), countersign::Unavailable> {
//! let redis = Redis::open("redis://127.0.0.1/").await?;
//! let replay = RedisReplay::new(&redis, "hawk");
//! let until = SystemTime::now() + Duration::from_secs(60);
//! assert!(matches!(replay.first("dh37fgj492je", b"j4h3g2", until).await, First::New)); // on one copy
//! assert!(matches!(replay.first("dh37fgj492je", b"j4h3g2", until).await, First::Seen)); // on any other
//! # Ok(()) }
//! ```
//!
//! Copies follow each other like this:
//! ```no_run
//! # use std::sync::Arc;
//! use countersign::{CredentialCache, cache::copies::Copies};
//! use countersign_redis::{Redis, RedisBus, RedisOutbox};
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let cache = CredentialCache::default();
//! let redis = Redis::open("redis://127.0.0.1/").await?;
//! let following = Copies::sharing(Arc::new(RedisOutbox::new(&redis)))
//!     .woken_by(Arc::new(RedisBus::new(&redis)))
//!     .follow(&cache)?; // keep it as long as the cache
//! # drop(following); Ok(()) }
//! ```
//!
//! # Deployment
//! - **Nothing may be evicted**: `maxmemory-policy noeviction`, which is the default. What is evicted is a session that is lost, or a
//!   revocation.
//! - What is not on the server's disk is gone with it: `appendonly yes` with `appendfsync always` keeps all that was acknowledged,
//!   `everysec` all but the last second.
//! - A server that loses its data loses what is void with it: a token that was revoked and verifies by itself is good again until it ends.
//! - A replica may lack what was acknowledged, so that a failover may lose it.
//! - Names of users are part of keys; tokens and nonces are there as digests only.
//! - All keys of a service are in one slot of a cluster.

// Where the documentation is built for everybody, each item says which feature brings it.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod api_key;
mod bound_key;
mod bus;
mod call;
mod connection;
mod device_session;
mod fields;
mod hex;
mod outbox;
mod replay;
mod script;
mod session;
mod token;
mod tries;

pub use self::{
    api_key::RedisApiKeys,
    bound_key::RedisBoundKeys,
    bus::RedisBus,
    connection::Redis,
    device_session::RedisDeviceSessions,
    outbox::RedisOutbox,
    replay::{RedisCounts, RedisReplay},
    session::RedisSessions,
    token::RedisTokens,
    tries::RedisTries,
};
