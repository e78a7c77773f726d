//! Where the services under test keep what they hand out.

use std::env;

use countersign_conformance::RedisServer;

use crate::{Postgres, service::FRAMEWORKS};

/// What `PEOPLE_STORE` in the environment names: nothing, `postgres` or `redis`.
///
/// Without it every framework's service is tested, each with a database in memory. With it one framework's is, because what differs is the
/// store's alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Own,
    Postgres,
    Redis,
}

/// A store with nothing in it, gone when this is dropped.
pub(crate) enum Started {
    Own,
    Postgres(Postgres),
    Redis(RedisServer),
}

impl Store {
    /// # Panics
    /// When the environment names another.
    pub(crate) fn chosen() -> Self {
        match env::var("PEOPLE_STORE").as_deref() {
            Err(_) | Ok("") => Self::Own,
            Ok("postgres") => Self::Postgres,
            Ok("redis") => Self::Redis,
            Ok(other) => panic!("PEOPLE_STORE is postgres, redis or nothing, and not {other:?}"),
        }
    }

    pub(crate) fn frameworks(self) -> &'static [&'static str] {
        let [_, second, third] = &FRAMEWORKS;
        match self {
            Self::Own => &FRAMEWORKS,
            Self::Postgres => std::slice::from_ref(second),
            Self::Redis => std::slice::from_ref(third),
        }
    }

    pub(crate) fn start(self) -> Started {
        match self {
            Self::Own => Started::Own,
            Self::Postgres => Started::Postgres(Postgres::start()),
            Self::Redis => Started::Redis(RedisServer::start()),
        }
    }
}

impl Started {
    /// What a service is told of it.
    pub(crate) fn flags(&self) -> Vec<String> {
        match self {
            Self::Own => Vec::new(),
            Self::Postgres(server) => vec!["--database".to_owned(), server.url()],
            Self::Redis(server) => vec!["--shared".to_owned(), server.url()],
        }
    }
}
