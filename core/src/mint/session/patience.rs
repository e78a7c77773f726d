//! How long a store of sessions is waited for: [`in_time`].

use std::future::Future;

use crate::{gate::PATIENCE, unavailable::Unavailable};

/// A store that does not answer is no answer.
pub(super) async fn in_time<T>(asked: impl Future<Output = Result<T, Unavailable>>) -> Result<T, Unavailable> {
    tokio::time::timeout(PATIENCE, asked)
        .await
        .unwrap_or_else(|_| Err(Unavailable::because("the store of sessions does not answer")))
}
