//! What is known of an issuer's keys at a moment, and what follows from that. Nothing here waits.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    jose::KeySet,
    principal::Handle,
    unavailable::Unavailable,
    verifier::jwt::{IssuerKeys, Missing},
};

/// The shortest time between two times that an issuer is asked because of requests, however many there are.
pub(super) const PAUSE: Duration = Duration::from_secs(3);

/// How long the keys of an issuer are good.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lives {
    /// After so long they are asked for again, unless the issuer says sooner.
    pub(super) renewed: Duration,
    /// So long they count while the issuer cannot be asked.
    pub(super) kept: Duration,
}

/// The shortest time after which an issuer's keys are asked for again, whatever it says.
const SOONEST: Duration = Duration::from_secs(30);
/// The longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What is known. Moments are on the clock that nobody sets.
#[derive(Debug)]
pub(super) struct State {
    known: Option<Known>,
    /// When the issuer was last asked, by the calendar.
    tried: Option<SystemTime>,
    /// When that was over.
    ended: Option<Duration>,
    runs: bool,
    /// When it is asked again, if nobody wants it sooner.
    due: Duration,
    failures: u32,
    why: Option<Unavailable>,
}

#[derive(Debug)]
struct Known {
    keys: Arc<IssuerKeys>,
    skipped: usize,
    since: Duration,
    at: SystemTime,
}

impl State {
    /// Nothing is known, and it is time to ask.
    pub(super) fn new(now: Duration) -> Self {
        Self { known: None, tried: None, ended: None, runs: false, due: now, failures: 0, why: None }
    }

    /// The keys, if they are not too old to count.
    pub(super) fn keys(&self, now: Duration, lives: Lives) -> Option<&Arc<IssuerKeys>> {
        self.known.as_ref().filter(|known| now.saturating_sub(known.since) < lives.kept).map(|known| &known.keys)
    }

    /// What a token by a key that is not there is to be told; `None` if it can wait for news.
    pub(super) fn missing(&self, now: Duration) -> Option<Missing> {
        let ended = self.ended.filter(|ended| !self.runs && now.saturating_sub(*ended) < PAUSE)?;
        Some(self.told((ended + PAUSE).saturating_sub(now)))
    }

    /// What a token is told that waited for news.
    pub(super) fn told(&self, retry_after: Duration) -> Missing {
        match &self.why {
            None => Missing::NotThere,
            Some(why) => Missing::Unknown(why.clone().retrying_after(retry_after)),
        }
    }

    /// Begins to ask the issuer, if it is time, or `wanted` and not too soon.
    pub(super) fn begin(&mut self, now: Duration, wall: SystemTime, wanted: bool) -> bool {
        let begins = now >= self.due || (wanted && self.missing(now).is_none());
        if begins {
            (self.tried, self.runs) = (Some(wall), true);
        }
        begins
    }

    /// The issuer has answered: what is withdrawn, by the handle of each key that is no longer there as it was.
    pub(super) fn succeed(
        &mut self,
        (keys, set): (IssuerKeys, &KeySet),
        (now, wall): (Duration, SystemTime),
        next: Duration,
    ) -> Vec<Handle> {
        let withdrawn = self.known.as_ref().map_or_else(Vec::new, |known| withdrawn(&known.keys, &keys));
        self.known = Some(Known { keys: Arc::new(keys), skipped: set.skipped().len(), since: now, at: wall });
        (self.runs, self.ended, self.failures, self.why) = (false, Some(now), 0, None);
        self.due = now.saturating_add(next);
        withdrawn
    }

    /// The issuer has not.
    pub(super) fn fail(&mut self, now: Duration, why: Unavailable) {
        let pause = Duration::from_secs(1 << self.failures.min(6)).min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        (self.runs, self.ended, self.why) = (false, Some(now), Some(why));
        self.due = now.saturating_add(pause);
    }

    /// Forgets keys that are too old, and says by what they could be revoked.
    pub(super) fn forget(&mut self, now: Duration, lives: Lives) -> Vec<Handle> {
        match self.keys(now, lives) {
            Some(_) => Vec::new(),
            None => self.known.take().map_or_else(Vec::new, |known| known.keys.handles().collect()),
        }
    }

    /// As an operator sees it.
    pub(super) fn health(&self, issuer: &str, now: (Duration, SystemTime), lives: Lives) -> IssuerHealth {
        let usable = self.keys(now.0, lives);
        IssuerHealth {
            issuer: issuer.to_owned(),
            keys: usable.map_or(0, |keys| keys.iter().len()),
            skipped: self.known.as_ref().map_or(0, |known| known.skipped),
            fetched: self.known.as_ref().map(|known| known.at),
            tried: self.tried,
            next: now.1.checked_add(self.due.saturating_sub(now.0)).unwrap_or(now.1),
            failures: self.failures,
            error: self.why.as_ref().map(ToString::to_string),
        }
    }
}

/// How it stands with an issuer, for an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssuerHealth {
    /// Its name.
    pub issuer: String,
    /// How many keys verify tokens now.
    pub keys: usize,
    /// How many of its set could not be used.
    pub skipped: usize,
    /// When it last gave its keys; `None` if it never has, or too long ago to count.
    pub fetched: Option<SystemTime>,
    /// When it was last asked.
    pub tried: Option<SystemTime>,
    /// When it will be asked again, if no request wants it sooner.
    pub next: SystemTime,
    /// How often it failed since it last gave its keys.
    pub failures: u32,
    /// What was wrong the last time, if something was.
    pub error: Option<String>,
}

/// The keys of the old set that the new one has not, or has for another algorithm or under another id.
fn withdrawn(old: &IssuerKeys, new: &IssuerKeys) -> Vec<Handle> {
    let stays = |handle: &Handle| {
        let as_in = |keys: &IssuerKeys| -> Vec<_> {
            let of_handle = keys.iter().filter(|own| own.handle() == Some(*handle));
            of_handle.map(|own| (own.key().algorithm(), own.key().id().map(str::to_owned))).collect()
        };
        let there = as_in(new);
        as_in(old).iter().all(|use_| there.contains(use_))
    };
    old.handles().filter(|handle| !stays(handle)).collect()
}

/// After how long a set is asked for again: as its `Cache-Control` says, within bounds; without one after `usual`.
pub(super) fn life_of(cache_control: Option<&str>, usual: Duration) -> Duration {
    let soonest = SOONEST.min(usual);
    let directives = || cache_control.unwrap_or_default().split(',').map(|text| text.trim().to_ascii_lowercase());
    if directives().any(|directive| directive == "no-store" || directive == "no-cache") {
        return soonest;
    }
    let max_age = directives().find_map(|directive| directive.strip_prefix("max-age=")?.parse::<u64>().ok());
    max_age.map_or(usual, |seconds| Duration::from_secs(seconds).clamp(soonest, usual))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVES: Lives = Lives { renewed: Duration::from_secs(300), kept: Duration::from_secs(600) };
    const AN_OKP: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo""#;
    const ANOTHER: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"PLAWAUUlH7U7yoVUrRIbQ4iOZ3Y2C0dOeIaL7zYEp9w""#;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn keys(jwks: &[String]) -> (IssuerKeys, KeySet) {
        let set = KeySet::parse(&format!(r#"{{"keys":[{}]}}"#, jwks.join(","))).unwrap();
        let mut keys = IssuerKeys::of("https://a.example");
        set.clone().into_keys().into_iter().for_each(|key| keys.add(key));
        (keys, set)
    }

    #[test]
    fn what_is_said_of_a_set_counts_within_bounds() {
        for (said, expected) in [
            (None, 300),
            (Some(""), 300),
            (Some("public"), 300),
            (Some("max-age=60"), 60),
            (Some("public, Max-Age=120, must-revalidate"), 120),
            (Some("max-age=0"), 30),
            (Some("max-age=86400"), 300),
            (Some("max-age=99999999999999999999999"), 300),
            (Some("max-age=-1"), 300),
            (Some("no-store"), 30),
            (Some("max-age=200, no-cache"), 30),
            (Some("s-maxage=60"), 300),
        ] {
            assert_eq!(life_of(said, seconds(300)), seconds(expected), "{said:?}");
        }
        assert_eq!(life_of(Some("max-age=0"), seconds(5)), seconds(5));
    }

    #[test]
    fn requests_ask_again_after_a_pause_and_the_service_by_itself_when_it_is_due() {
        let wall = SystemTime::UNIX_EPOCH;
        let mut state = State::new(seconds(0));
        assert!(state.missing(seconds(0)).is_none());
        assert!(state.begin(seconds(0), wall, false));
        // Whoever comes while it is asked waits for the answer.
        assert!(state.missing(seconds(0)).is_none());
        let (ours, set) = keys(&[format!("{AN_OKP}}}")]);
        assert_eq!(state.succeed((ours, &set), (seconds(0), wall), seconds(300)), []);
        for (now, asks) in [(0, false), (1, false), (2, false), (3, true), (299, true)] {
            assert_eq!(state.missing(seconds(now)).is_none(), asks, "{now}");
            assert!(!State { due: seconds(300), ..copy(&state) }.begin(seconds(now), wall, false), "{now}");
            assert_eq!(copy(&state).begin(seconds(now), wall, true), asks, "{now}");
        }
        assert!(matches!(state.missing(seconds(2)), Some(Missing::NotThere)));
        assert!(state.begin(seconds(300), wall, false));
    }

    fn copy(state: &State) -> State {
        State { known: None, why: state.why.clone(), ..*state }
    }

    #[test]
    fn failures_are_told_apart_and_come_slower_and_slower() {
        let wall = SystemTime::UNIX_EPOCH;
        let (mut state, mut now) = (State::new(seconds(0)), seconds(0));
        for pause in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            assert!(state.begin(now, wall, false));
            state.fail(now, Unavailable::because("down"));
            let Some(Missing::Unknown(why)) = state.missing(now) else { panic!("it is known that nothing is known") };
            assert_eq!(why.retry_after(), Some(PAUSE));
            assert!(!state.begin(now + seconds(pause) - seconds(1), wall, false), "{pause}");
            now += seconds(pause);
        }
        assert!(state.begin(now, wall, false));
    }

    #[test]
    fn the_last_good_set_is_kept_up_to_its_bound_and_then_forgotten_by_its_handles() {
        let wall = SystemTime::UNIX_EPOCH;
        let mut state = State::new(seconds(0));
        assert!(state.begin(seconds(0), wall, false));
        let (ours, set) = keys(&[format!("{AN_OKP}}}"), format!("{ANOTHER}}}")]);
        let all: Vec<_> = ours.handles().collect();
        state.succeed((ours, &set), (seconds(0), wall), seconds(300));
        assert!(state.begin(seconds(300), wall, false));
        state.fail(seconds(300), Unavailable::because("down"));
        assert!(state.keys(seconds(599), LIVES).is_some());
        assert_eq!(state.forget(seconds(599), LIVES), []);
        assert!(state.keys(seconds(600), LIVES).is_none());
        assert_eq!(state.health("a", (seconds(600), wall), LIVES).keys, 0);
        assert_eq!(state.forget(seconds(600), LIVES), all);
        assert_eq!(state.forget(seconds(600), LIVES), []);
    }

    #[test]
    fn a_key_is_withdrawn_when_it_is_not_there_as_it_was() {
        let named = |key: &str, id: &str| format!(r#"{key},"kid":"{id}"}}"#);
        let (old, _) = keys(&[named(AN_OKP, "1"), named(ANOTHER, "2")]);
        let of = |key: &str| keys(&[named(key, "x")]).0.handles().collect::<Vec<_>>();
        for (new, expected) in [
            (vec![named(AN_OKP, "1"), named(ANOTHER, "2")], vec![]),
            (vec![named(ANOTHER, "2"), named(AN_OKP, "1"), named(AN_OKP, "3")], vec![]),
            (vec![named(ANOTHER, "2")], of(AN_OKP)),
            (vec![named(ANOTHER, "2"), named(AN_OKP, "3")], of(AN_OKP)),
            (vec![named(AN_OKP, "2"), named(ANOTHER, "1")], [of(AN_OKP), of(ANOTHER)].concat()),
            (vec![], [of(AN_OKP), of(ANOTHER)].concat()),
        ] {
            assert_eq!(withdrawn(&old, &keys(&new).0), expected, "{new:?}");
        }
    }
}
