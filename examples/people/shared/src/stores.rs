//! Where sessions, tokens, keys and wrong passwords are kept: in the database and this process, or in Redis, where all copies of the
//! service find them: [`Stores`].

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use countersign::{
    CredentialCache, Unavailable, async_trait,
    cache::copies::{Copies, Following},
    secret::TokenDigest,
    store::{ApiKeyRecord, ApiKeyStore, Outbox, RefreshStore, RevocationStore, SessionStore, Voided},
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
}

impl Stores {
    /// As the options say.
    ///
    /// # Errors
    /// When Redis is wanted and cannot be reached; one line says so.
    pub(crate) async fn open(options: &Options, database: &Database) -> Result<Self, String> {
        match &options.shared {
            Some(url) => Self::shared(url, database).await,
            None => Ok(Self::in_database(database)),
        }
    }

    fn in_database(database: &Database) -> Self {
        let database = Arc::new(database.clone());
        Self {
            sessions: database.clone(),
            tokens: database.clone(),
            keys: database,
            throttle: Throttle::default(),
            redis: None,
        }
    }

    async fn shared(url: &str, database: &Database) -> Result<Self, String> {
        let unreachable = |source: Unavailable| format!("--shared: Redis cannot be used: {source}");
        let redis = Redis::open(url).await.map_err(unreachable)?.below(WORD);
        // A database in memory is this copy's alone, and a key of it would be worth nothing elsewhere.
        let keys: Arc<dyn ApiKeyStore> = match database.is_in_memory() {
            true => Arc::new(RedisApiKeys::new(&redis)),
            false => Arc::new(AnnouncedKeys { keys: Arc::new(database.clone()), outbox: RedisOutbox::new(&redis) }),
        };
        let tries = Arc::new(RedisTries::new(&redis));
        Ok(Self {
            sessions: Arc::new(RedisSessions::new(&redis)),
            tokens: Arc::new(RedisTokens::new(&redis)),
            keys,
            throttle: Throttle::counting_with(&ThrottleLimits::default(), tries),
            redis: Some(redis),
        })
    }

    /// What is revoked, by subject and by handle.
    pub(crate) fn revoked(&self) -> Arc<dyn RevocationStore> {
        self.tokens.clone()
    }

    /// Lets this cache forget what other copies revoke, where there are any.
    pub(crate) fn follow(&self, cache: &CredentialCache) -> Result<Option<Following>, String> {
        let Some(redis) = &self.redis else { return Ok(None) };
        let copies = Copies::sharing(Arc::new(RedisOutbox::new(redis)))
            .woken_by(Arc::new(RedisBus::new(redis)))
            .every(EVERY)
            .out_of_touch_after(OUT_OF_TOUCH)
            // Whoever cannot be asked then answers nobody.
            .life_out_of_touch(Duration::ZERO);
        copies.follow(cache).map(Some).map_err(|error| error.to_string())
    }
}

/// Keys in the database, of whose end the other copies are told over Redis.
struct AnnouncedKeys {
    keys: Arc<dyn ApiKeyStore>,
    outbox: RedisOutbox,
}

#[async_trait]
impl ApiKeyStore for AnnouncedKeys {
    async fn insert(&self, digest: TokenDigest, record: ApiKeyRecord) -> Result<(), Unavailable> {
        self.keys.insert(digest, record).await
    }

    async fn find(&self, digest: TokenDigest) -> Result<Option<ApiKeyRecord>, Unavailable> {
        self.keys.find(digest).await
    }

    async fn list(&self, subject: &str) -> Result<Vec<ApiKeyRecord>, Unavailable> {
        self.keys.list(subject).await
    }

    async fn count(&self, subject: &str) -> Result<usize, Unavailable> {
        self.keys.count(subject).await
    }

    async fn remove(&self, subject: &str, id: &str) -> Result<bool, Unavailable> {
        let voided = [Voided::Handle(ApiKeyRecord::handle_of(id))];
        // Before, so that a key which cannot be announced stays; and afterwards, for copies that looked it up in between.
        self.outbox.announce(&voided).await?;
        let removed = self.keys.remove(subject, id).await?;
        if removed {
            self.outbox.announce(&voided).await?;
        }
        Ok(removed)
    }

    async fn touch(&self, digest: TokenDigest, used: SystemTime) -> Result<(), Unavailable> {
        self.keys.touch(digest, used).await
    }
}
