//! Nonces that a server hands out and recognises without having kept them: a MAC over their purpose and time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{KeyRing, seal::Seal};
use crate::clock::SharedClock;

/// Nonces of one purpose, each good for the same time.
#[derive(Debug, Clone)]
pub(crate) struct Nonces {
    pub(crate) purpose: &'static str,
    pub(crate) keys: KeyRing,
    pub(crate) life: Duration,
    pub(crate) clock: SharedClock,
}

impl Nonces {
    /// A new one, for `whom`: nobody in particular, or a name that must be the same when it comes back.
    pub(crate) fn fresh(&self, whom: &str) -> String {
        let now = self.clock.wall();
        // To the nanosecond inside; the seal's own end is to the second, and never before.
        let exactly = since_1970(now).as_nanos().to_be_bytes();
        self.seal(whom).seal(&exactly, now, now + self.life + Duration::from_secs(1))
    }

    /// When it ends, if it is ours, for this purpose and `whom`, and has not ended.
    pub(crate) fn end_of(&self, nonce: &[u8], whom: &str) -> Option<SystemTime> {
        let now = self.clock.wall();
        let opened = self.seal(whom).open(nonce, now)?;
        let nanoseconds = u128::from_be_bytes(opened.value.expose().try_into().ok()?);
        let made = UNIX_EPOCH.checked_add(Duration::from_nanos(u64::try_from(nanoseconds).ok()?))?;
        let end = made.checked_add(self.life)?;
        (now < end).then_some(end)
    }

    fn seal<'s>(&'s self, whom: &'s str) -> Seal<'s> {
        Seal { name: whom, purpose: self.purpose, keys: &self.keys }
    }
}

fn since_1970(time: SystemTime) -> Duration {
    time.duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::ManualClock;

    #[test]
    fn a_nonce_is_good_for_its_purpose_its_holder_and_its_time() {
        let clock = Arc::new(ManualClock::at(UNIX_EPOCH + Duration::from_millis(1_700_000_000_900)));
        let keys = KeyRing::random();
        let of = |purpose, keys: &KeyRing| Nonces {
            purpose,
            keys: keys.clone(),
            life: Duration::from_secs(2),
            clock: clock.clone(),
        };
        let nonces = of("nonce of a test", &keys);
        let nonce = nonces.fresh("emma");
        let is_good = |nonces: &Nonces, nonce: &str, whom: &str| nonces.end_of(nonce.as_bytes(), whom).is_some();
        assert!(is_good(&nonces, &nonce, "emma"));
        assert!(!is_good(&nonces, &nonce, "emily") && !is_good(&nonces, &nonce, ""));
        assert!(!is_good(&of("another purpose", &keys), &nonce, "emma"));
        assert!(!is_good(&of("nonce of a test", &KeyRing::random()), &nonce, "emma"));
        for made_up in ["", "1", "1.2.3.4.5.6", &nonce[1..], &format!("{nonce}A")] {
            assert!(!is_good(&nonces, made_up, "emma"), "{made_up}");
        }
        clock.advance(Duration::from_millis(1_999));
        assert!(is_good(&nonces, &nonce, "emma"));
        clock.advance(Duration::from_millis(1));
        assert!(!is_good(&nonces, &nonce, "emma"));
    }
}
