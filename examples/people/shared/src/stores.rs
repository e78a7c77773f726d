//! Where sessions, tokens, keys and wrong passwords are kept: in the database and this process, or in Redis, where all copies of the
//! service find them: [`Stores`].

use std::{sync::Arc, time::Duration};

use countersign::{
    CredentialCache, Unavailable,
    cache::copies::{Copies, Following},
    store::{ApiKeyStore, RefreshStore, RevocationStore, SessionStore},
    throttle::{Throttle, ThrottleLimits},
};
use countersign_redis::{Redis, RedisApiKeys, RedisBus, RedisOutbox, RedisSessions, RedisTokens, RedisTries};

use crate::{Database, Options};

/// What our keys in Redis begin with.
const WORD: &str = "people";

/// How often a copy looks what others revoked, and for how long it takes itself for up to date without an answer.
const EVERY: Duration = Duration::from_millis(250);
const OUT_OF_TOUCH: Duration = Duration::from_secs(1);

/// The stores.
pub(crate) struct Stores {
    pub(crate) sessions: Arc<dyn SessionStore>,
    pub(crate) tokens: Arc<dyn RefreshStore>,
    pub(crate) keys: Arc<dyn ApiKeyStore>,
    pub(crate) throttle: Throttle,
    redis: Option<Redis>,
    database: Database,
}

impl Stores {
    /// As the options say.
    ///
    /// # Errors
    /// When Redis is wanted and cannot be reached; one line says so.
    pub(crate) async fn open(options: &Options, database: &Database) -> Result<Self, String> {
        match &options.shared {
            Some(url) => Self::shared(url, database, &options.throttle).await,
            None => Ok(Self::in_database(database, &options.throttle)),
        }
    }

    fn in_database(database: &Database, limits: &ThrottleLimits) -> Self {
        let stores = database.stores();
        Self {
            sessions: stores.clone(),
            tokens: stores.clone(),
            keys: stores,
            throttle: Throttle::new(limits),
            redis: None,
            database: database.clone(),
        }
    }

    async fn shared(url: &str, database: &Database, limits: &ThrottleLimits) -> Result<Self, String> {
        let unreachable = |source: Unavailable| format!("--shared: Redis cannot be used: {source}");
        let redis = Redis::open(url).await.map_err(unreachable)?.below(WORD);
        // A database in memory is this copy's alone, and a key of it would be worth nothing elsewhere.
        let keys: Arc<dyn ApiKeyStore> = match database.is_in_memory() {
            true => Arc::new(RedisApiKeys::new(&redis)),
            false => database.stores(),
        };
        let tries = Arc::new(RedisTries::new(&redis));
        Ok(Self {
            sessions: Arc::new(RedisSessions::new(&redis)),
            tokens: Arc::new(RedisTokens::new(&redis)),
            keys,
            throttle: Throttle::counting_with(limits, tries),
            redis: Some(redis),
            database: database.clone(),
        })
    }

    /// What is revoked, by subject and by handle.
    pub(crate) fn revoked(&self) -> Arc<dyn RevocationStore> {
        self.tokens.clone()
    }

    /// Lets this cache forget what other copies revoke, where there are any.
    pub(crate) fn follow(&self, cache: &CredentialCache) -> Result<Option<Following>, String> {
        let copies = match &self.redis {
            Some(redis) => {
                let copies = Copies::sharing(Arc::new(RedisOutbox::new(redis)))
                    .woken_by(Arc::new(RedisBus::new(redis)))
                    .every(EVERY)
                    .out_of_touch_after(OUT_OF_TOUCH)
                    // Whoever cannot be asked then answers nobody.
                    .life_out_of_touch(Duration::ZERO);
                // The keys are in the database, unless that is this copy's alone.
                if self.database.is_in_memory() { copies } else { copies.and_sharing(self.database.stores()) }
            }
            None if self.database.is_in_memory() => return Ok(None),
            None => Copies::sharing(self.database.stores()),
        };
        let copies = match self.database.bus() {
            Some(bus) => copies.woken_by(bus),
            None => copies,
        };
        copies.follow(cache).map(Some).map_err(|error| error.to_string())
    }
}
