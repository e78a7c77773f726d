//! The connection to a server: [`Redis`].

use std::{fmt, sync::Arc, time::Duration};

use countersign::{Secret, Unavailable};
use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, IntoConnectionInfo, ProtocolVersion, PushInfo, RedisError,
    Script,
    aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection},
};

use tokio::sync::mpsc::UnboundedSender;

use crate::call::Call;

/// A connection to a Redis server (6.2 or newer, or Valkey), which all stores of a service share. Cheap to clone.
///
/// A connection that is lost is made anew by itself. Until it stands again, and whenever the server takes longer than
/// [a second](Self::waiting), what is asked has no answer ([`Unavailable`]), and what was under way may have been done or not.
///
/// Everything is kept under keys that begin with `{countersign}:`, or [another word](Self::below). The braces are Redis's own: they keep all
/// of it in one slot, so that the scripts work on a cluster too.
#[derive(Clone)]
pub struct Redis {
    client: Client,
    manager: ConnectionManager,
    word: Arc<str>,
    patience: Duration,
}

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(1);

impl Redis {
    /// Connects to the server of this URL: `redis://[user:password@]host[:port][/database]`, `rediss://…` with TLS (feature `tls`), or
    /// `redis+unix:///path`.
    ///
    /// # Errors
    /// When the URL cannot be read, or the server cannot be reached. No password is in the sentence.
    pub async fn open(url: &str) -> Result<Self, Unavailable> {
        // What the crate says of a URL could quote it.
        let info = url.into_connection_info().map_err(|_| Unavailable::because(BadUrl))?;
        // The third version of the protocol tells of a lost connection at once.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        #[cfg(feature = "tls")]
        if matches!(info.addr(), redis::ConnectionAddr::TcpTls { .. }) {
            choose_cryptography();
        }
        let client = Client::open(info.set_redis_settings(settings)).map_err(Unavailable::because)?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(None);
        let connecting = ConnectionManager::new_with_config(client.clone(), config);
        let manager = match tokio::time::timeout(PATIENCE * 3, connecting).await {
            Ok(connected) => connected.map_err(Unavailable::because)?,
            Err(_) => return Err(Unavailable::because(TooSlow)),
        };
        let redis = Self { client, manager, word: "countersign".into(), patience: PATIENCE };
        redis.warn_of_eviction().await;
        Ok(redis)
    }

    /// A server that makes room by itself forgets revocations. Some hosts do not say what theirs does.
    async fn warn_of_eviction(&self) {
        let said: Result<String, _> = self.ask(redis::cmd("INFO").arg("memory")).await;
        let said = said.unwrap_or_default();
        let policy = said.lines().find_map(|line| line.strip_prefix("maxmemory_policy:")).map(str::trim);
        if policy.is_some_and(|policy| policy != "noeviction") {
            tracing::warn!(
                target: "countersign",
                "Redis forgets what it has no room for, revocations among it: set maxmemory-policy to noeviction"
            );
        }
    }

    /// Keeps everything under another word: for services that share a server and nothing else.
    #[must_use]
    pub fn below(mut self, word: &str) -> Self {
        self.word = word.replace(['{', '}'], "").into();
        self
    }

    /// Waits so long for an answer of the server, rather than a second.
    #[must_use]
    pub fn waiting(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// A secret of 32 random bytes under this name, which all copies of a service share: whoever asks first makes it. For what copies must
    /// know again of each other, such as nonces, and need not know after the server lost its data.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn agreed_secret(&self, name: &str) -> Result<Secret, Unavailable> {
        let random = || {
            let mut fresh = [0; 32];
            getrandom::fill(&mut fresh).map_err(Unavailable::because)?;
            Ok(Secret::new(fresh))
        };
        self.agreed(name, random).await
    }

    /// Like [`agreed_secret`](Self::agreed_secret), of whatever form this makes, such as a private key. Whoever reads the server's data has
    /// it.
    ///
    /// # Errors
    /// When the server cannot be reached, and what the making says.
    pub async fn agreed(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<Secret, Unavailable>,
    ) -> Result<Secret, Unavailable> {
        let key = self.key("secret", name);
        let held: Option<Vec<u8>> = self.ask(redis::cmd("GET").arg(&key)).await?;
        if let Some(held) = held {
            return Ok(Secret::new(held));
        }
        let _: Option<String> = self.ask(redis::cmd("SET").arg(&key).arg(make()?.expose()).arg("NX")).await?;
        let agreed: Vec<u8> = self.ask(redis::cmd("GET").arg(&key)).await?;
        Ok(Secret::new(agreed))
    }

    /// The key of this name.
    pub(crate) fn key(&self, kind: &str, name: &str) -> String {
        format!("{{{}}}:{kind}:{name}", self.word)
    }

    /// What all keys of this kind begin with.
    pub(crate) fn keys_of(&self, kind: &str) -> String {
        self.key(kind, "")
    }

    /// A connection of its own, which tells what comes over it unasked.
    pub(crate) async fn apart(&self, told: UnboundedSender<PushInfo>) -> Result<MultiplexedConnection, Unavailable> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(None)
            .set_push_sender(told);
        self.in_time(self.client.get_multiplexed_async_connection_with_config(&config)).await
    }

    /// Sends a command.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Unavailable> {
        self.in_time(async {
            let mut manager = self.manager.clone();
            match command.query_async(&mut manager).await {
                Err(error) if was_not_sent(&error) => command.query_async(&mut manager).await,
                answered => answered,
            }
        })
        .await
    }

    /// Runs a script: one step, which nobody sees half of.
    pub(crate) async fn run<T: FromRedisValue>(&self, script: &Script, call: &Call) -> Result<T, Unavailable> {
        self.in_time(async {
            let mut manager = self.manager.clone();
            match call.of(script).invoke_async(&mut manager).await {
                Err(error) if was_not_sent(&error) => call.of(script).invoke_async(&mut manager).await,
                answered => answered,
            }
        })
        .await
    }

    pub(crate) async fn in_time<T>(
        &self,
        asked: impl Future<Output = Result<T, RedisError>>,
    ) -> Result<T, Unavailable> {
        match tokio::time::timeout(self.patience, asked).await {
            Ok(answered) => answered.map_err(Unavailable::because),
            Err(_) => Err(Unavailable::because(TooSlow)),
        }
    }
}

/// TLS needs to be told whose cryptography it takes where a program has two. Whoever chose before has chosen.
#[cfg(feature = "tls")]
fn choose_cryptography() {
    use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
    if CryptoProvider::get_default().is_none() {
        // Another thread may have been sooner; then there is one too.
        let _ = aws_lc_rs::default_provider().install_default();
    }
}

/// Whether nobody listened: a connection that was made since is tried then, and nothing is done twice.
fn was_not_sent(error: &RedisError) -> bool {
    error.is_connection_refusal()
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").field("word", &self.word).finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("not the URL of a Redis server; write redis://host, redis://host:6379/0 or rediss://user:password@host")]
struct BadUrl;

#[derive(Debug, thiserror::Error)]
#[error("the Redis server does not answer in time")]
struct TooSlow;
