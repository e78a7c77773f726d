//! Waking other copies by the notifications of PostgreSQL: [`PgBus`].

use std::fmt;

use countersign::{
    Unavailable, async_trait,
    cache::copies::{Bus, Heard, Listening},
};
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};

use crate::PREFIX;

/// A [`Bus`] over `LISTEN` and `NOTIFY`, for copies that share a database and no Redis.
///
/// A notification is empty and says *read the outbox*. It is sent apart from the transaction of the change, at most once in 20 ms for each
/// copy, because PostgreSQL lets transactions that notify commit one after the other.
///
/// It holds one connection of its own to listen on, and one to notify by, beside the app's pool. A pooler in front that hands a connection from
/// client to client (PgBouncer by transaction) carries no notifications: connect past it.
pub struct PgBus {
    options: PgConnectOptions,
    notifying: PgPool,
    channel: String,
}

struct Line {
    listener: PgListener,
}

impl PgBus {
    /// A bus in the database of this pool.
    #[must_use]
    pub fn on(pool: &PgPool) -> Self {
        Self::connecting_with((*pool.connect_options()).clone())
    }

    /// A bus in the database that these options lead to.
    #[must_use]
    pub fn connecting_with(options: PgConnectOptions) -> Self {
        let notifying = one_connection().connect_lazy_with(options.clone());
        Self { options, notifying, channel: format!("{PREFIX}outbox") }
    }

    /// Listens for copies whose tables have this prefix.
    #[must_use]
    pub fn prefixed(mut self, prefix: &str) -> Self {
        self.channel = format!("{prefix}outbox");
        self
    }
}

fn one_connection() -> PgPoolOptions {
    PgPoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None)
}

#[async_trait]
impl Bus for PgBus {
    async fn wake(&self) -> Result<(), Unavailable> {
        let notify = sqlx::query("SELECT pg_notify($1, '')").bind(&self.channel);
        notify.execute(&self.notifying).await.map(drop).map_err(Unavailable::because)
    }

    async fn listen(&self) -> Result<Box<dyn Listening>, Unavailable> {
        let listen = async {
            // A pool of its own for each line, so that one that hangs keeps no other from being begun.
            let pool = one_connection().connect_with(self.options.clone()).await?;
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.eager_reconnect(false);
            listener.listen(&self.channel).await?;
            Ok::<_, sqlx::Error>(listener)
        };
        Ok(Box::new(Line { listener: listen.await.map_err(Unavailable::because)? }))
    }
}

#[async_trait]
impl Listening for Line {
    async fn next(&mut self) -> Result<Heard, Unavailable> {
        match self.listener.try_recv().await.map_err(Unavailable::because)? {
            Some(_) => Ok(Heard::Wake),
            None => Err(Unavailable::because("the connection was lost")),
        }
    }

    async fn beat(&mut self) -> Result<(), Unavailable> {
        let beat = sqlx::query("SELECT 1").execute(&mut self.listener).await;
        beat.map(drop).map_err(Unavailable::because)
    }
}

impl fmt::Debug for PgBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgBus").field("channel", &self.channel).finish_non_exhaustive()
    }
}
