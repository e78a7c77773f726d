//! The cases that every store of Countersign passes, one `#[test]` each, against the real server, with its failures.
//!
//! A store, ours or a stranger's, implements [`StoreHarness`], which starts a server with nothing in it, and names in
//! [`store_suite!`](crate::store_suite) what it has:
//!
//! ```ignore
//! countersign_conformance::store_suite!(MyStores: sessions, api_keys, tokens, replay, departures, outbox, bus, pauses, restarts);
//! ```
//!
//! | group | what it is about |
//! |---|---|
//! | `sessions`, `api_keys`, `tokens`, `replay` | what the trait of that store says, alone and with many callers at once |
//! | `departures` | endpoints with sessions, keys and tokens in it, dropped at each of their waits: what was begun is done whole |
//! | `outbox` | what is announced, in one step with the change, under numbers without a gap |
//! | `bus` | that a wake-up is heard, also after the line was cut |
//! | `pauses` | a server that answers nobody: no answer meanwhile, recovery by itself |
//! | `restarts` | a server that is killed, also under load: nothing lost that was acknowledged, recovery by itself |

mod cases;
pub(crate) mod samples;

use std::{future::Future, pin::Pin, sync::Arc};

use countersign::{
    async_trait,
    cache::copies::Bus,
    store::{ApiKeyStore, Outbox, RefreshStore, ReplayStore, SessionStore},
};

use crate::server::Server;

/// A store under test, with nothing in it. What it holds is gone when it is dropped.
#[async_trait]
pub trait StoreHarness: Send + Sync + 'static {
    /// Starts it.
    async fn start() -> Self
    where
        Self: Sized;

    /// What a copy of a service would open: stores that share everything with those that were opened before, over connections of their own.
    async fn copy(&self) -> Stores;

    /// The server, for the groups `pauses` and `restarts`.
    fn server(&self) -> &dyn Server {
        panic!("the store names no server, so that its failures cannot be tested")
    }
}

/// What a store has. What it has not is left out, and the groups about it are not named.
#[derive(Clone, Default)]
#[expect(clippy::exhaustive_structs, reason = "harnesses are written by hand, and may say ..Stores::default()")]
pub struct Stores {
    /// Sessions.
    pub sessions: Option<Arc<dyn SessionStore>>,
    /// API keys.
    pub api_keys: Option<Arc<dyn ApiKeyStore>>,
    /// Families of refresh tokens, and what is void.
    pub tokens: Option<Arc<dyn RefreshStore>>,
    /// Nonces, with room for [`REPLAY_ROOM`] in all and [`REPLAY_SHARE`] of each scope.
    pub replay: Option<Arc<dyn ReplayStore>>,
    /// Announcements of all of these.
    pub outbox: Option<Arc<dyn Outbox>>,
    /// How copies wake each other.
    pub bus: Option<Arc<dyn Bus>>,
}

/// For how many nonces a harness gives its store room.
pub const REPLAY_ROOM: usize = 400;

/// And for how many of each scope.
pub const REPLAY_SHARE: usize = 100;

impl Stores {
    pub(crate) fn sessions(&self) -> &dyn SessionStore {
        &**self.sessions.as_ref().expect("the harness has sessions")
    }

    pub(crate) fn api_keys(&self) -> &dyn ApiKeyStore {
        &**self.api_keys.as_ref().expect("the harness has API keys")
    }

    pub(crate) fn tokens(&self) -> &dyn RefreshStore {
        &**self.tokens.as_ref().expect("the harness has tokens")
    }

    pub(crate) fn replay(&self) -> &dyn ReplayStore {
        &**self.replay.as_ref().expect("the harness has a replay store")
    }

    pub(crate) fn outbox(&self) -> &dyn Outbox {
        &**self.outbox.as_ref().expect("the harness has an outbox")
    }

    pub(crate) fn bus(&self) -> &dyn Bus {
        &**self.bus.as_ref().expect("the harness has a bus")
    }
}

impl std::fmt::Debug for Stores {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stores(..)")
    }
}

pub(crate) type Running = Pin<Box<dyn Future<Output = ()> + Send>>;
pub(crate) type Case = fn(Arc<dyn StoreHarness>) -> Running;

/// Runs one case against a store; what [`store_suite!`](crate::store_suite) expands to calls it.
///
/// # Panics
/// When the store does not pass it.
#[doc(hidden)]
pub fn run<H: StoreHarness>(group: &str, case: &str) {
    let known = cases::all().find(|(known_group, known_case, _)| (*known_group, *known_case) == (group, case));
    let (_, _, body) = known.expect("the suite names cases of this crate");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    runtime.expect("a runtime starts").block_on(async {
        let harness: Arc<dyn StoreHarness> = Arc::new(H::start().await);
        body(harness).await;
    });
}

/// Expands to one `#[test]` for each case of the groups that are named, in modules named after them.
#[macro_export]
macro_rules! store_suite {
    ($harness:ty: $($group:ident),+ $(,)?) => { $(
        mod $group {
            use super::*;
            $crate::__store_cases! { $group __store_tests [$harness] }
        }
    )+ };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __store_tests {
    ([$harness:ty] $group:ident: $($case:ident)*) => { $(
        #[test]
        fn $case() {
            $crate::stores::run::<$harness>(stringify!($group), stringify!($case));
        }
    )* };
}

/// The cases of a group, for whom it is handed to: one list for the tests and for the table.
#[doc(hidden)]
#[macro_export]
macro_rules! __store_cases {
    (sessions $then:ident [$($more:tt)*]) => { $crate::$then! { [$($more)*] sessions:
        what_is_kept_is_found_as_it_was
        those_that_came_first_make_way
        many_that_begin_at_once_are_never_more_than_may_be
        a_use_moves_on_and_never_back
        the_second_of_two_writers_is_told_of_the_first
        what_is_removed_is_gone_on_every_copy
        a_name_that_nobody_can_have_is_nobody
    } };
    (api_keys $then:ident [$($more:tt)*]) => { $crate::$then! { [$($more)*] api_keys:
        what_is_kept_is_found_as_it_was
        keys_are_listed_and_counted_by_owner
        only_its_owner_removes_a_key
        a_use_moves_on_and_never_back
    } };
    (tokens $then:ident [$($more:tt)*]) => { $crate::$then! { [$($more)*] tokens:
        what_is_kept_is_found_as_it_was
        a_floor_rises_and_never_falls
        each_of_many_revocations_at_once_counts
        a_handle_is_void_until_its_latest_end
        what_has_ended_goes_in_small_steps
        the_oldest_families_make_way
        many_that_begin_at_once_are_never_more_than_may_be
        a_token_is_spent_once_and_a_second_use_voids_its_family
        a_lost_answer_is_forgiven_once_it_is_asked_for
        a_family_is_void_with_its_subject_and_by_its_handle
        no_family_ever_has_two_live_successors
        nobody_is_turned_past_a_revocation
    } };
    (replay $then:ident [$($more:tt)*]) => { $crate::$then! { [$($more)*] replay:
        what_came_once_does_not_pass_again
        of_many_at_once_one_passes
        what_has_ended_is_never_new
        a_full_scope_hurts_itself_alone
    } };
    (departures $then:ident [$($more:tt)*]) => { $crate::$then! { [$($more)*] departures:
        who_leaves_a_sign_in_has_one_session_and_not_the_earlier_one
        who_leaves_a_sign_out_is_signed_out
        who_leaves_while_a_key_is_made_or_ended_has_made_or_ended_it
        who_leaves_a_refresh_has_spent_the_token
        who_leaves_a_revocation_has_revoked
    } };
    (outbox $then:ident [$($more:tt)*]) => { $crate::$then! { [$($more)*] outbox:
        each_change_is_announced_and_nothing_else
        who_sees_a_change_finds_its_row
        numbers_leave_out_none_however_many_write_at_once
        pages_follow_each_other
        the_counter_outlives_its_rows
        a_copy_has_read_its_own_rows_when_a_call_returns
    } };
    (bus $then:ident [$($more:tt)*]) => { $crate::$then! { [$($more)*] bus:
        a_copy_that_is_woken_hears_it
        a_revocation_here_is_forgotten_there
    } };
    (pauses $then:ident [$($more:tt)*]) => { $crate::$then! { [$($more)*] pauses:
        a_server_that_is_silent_is_no_answer_and_is_found_again
    } };
    (restarts $then:ident [$($more:tt)*]) => { $crate::$then! { [$($more)*] restarts:
        a_server_that_is_gone_is_no_answer_and_is_found_again
        nothing_is_lost_that_was_acknowledged
        a_bus_is_heard_again_after_its_server_came_back
    } };
}
