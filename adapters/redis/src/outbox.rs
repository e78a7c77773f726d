//! What other copies must forget, in Redis: the last two keys of each script that makes something void.

use crate::{Redis, call::Call};

/// The same call of a script that announces.
pub(crate) fn announcing(redis: &Redis, call: Call) -> Call {
    call.and_on([redis.key("outbox", "rows"), redis.key("outbox", "news")])
}
