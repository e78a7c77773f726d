//! The cases, by what they are about.

mod api_keys;
mod bus;
mod departures;
mod outbox;
mod pauses;
mod replay;
mod restarts;
mod sessions;
mod tokens;

use std::sync::Arc;

use super::{Case, StoreHarness};

type Harness = Arc<dyn StoreHarness>;

/// One part of the table, from the list that the tests are made of.
#[doc(hidden)]
#[macro_export]
macro_rules! __store_table {
    ([] $group:ident: $($case:ident)*) => {
        [$((stringify!($group), stringify!($case), (|harness| Box::pin($group::$case(harness))) as Case)),*]
    };
}

/// Every case: its group, its name, and what it does.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str, Case)> {
    crate::__store_cases! { sessions __store_table [] }
        .into_iter()
        .chain(crate::__store_cases! { api_keys __store_table [] })
        .chain(crate::__store_cases! { tokens __store_table [] })
        .chain(crate::__store_cases! { replay __store_table [] })
        .chain(crate::__store_cases! { departures __store_table [] })
        .chain(crate::__store_cases! { outbox __store_table [] })
        .chain(crate::__store_cases! { bus __store_table [] })
        .chain(crate::__store_cases! { pauses __store_table [] })
        .chain(crate::__store_cases! { restarts __store_table [] })
}

/// Does this many times at once, each with its number, and gives what came of each.
async fn at_once<T, F>(times: u64, work: impl Fn(u64) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut tasks = tokio::task::JoinSet::new();
    (0..times).for_each(|number| _ = tasks.spawn(work(number)));
    tasks.join_all().await
}
