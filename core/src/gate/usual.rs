//! The refusals that a gate sends to many, each made once: [`Usual`].
//!
//! What a refusal says to somebody without a credential is the same for the next one, unless a kind asks each in another way, as with a nonce: by
//! [`asks_alike`](crate::credential::Extract::asks_alike) a kind says that it does not.

use std::sync::OnceLock;

use super::scheme::Scheme;
use crate::{request::RequestView, response::Rejection};

/// The refusals that one gate has made so far of those that are the same for everybody.
#[derive(Default)]
pub(super) struct Usual(OnceLock<Kinds>);

struct Kinds {
    /// Whether each scheme asks everybody alike.
    are_alike: bool,
    /// For nobody's credential, and then for the wrong one of each scheme: in the clear and not, to scripts and others.
    made: Box<[OnceLock<Rejection>]>,
}

/// How many there are for each: the channel is secure or not, a script asks or not.
const WAYS: usize = 4;

impl Usual {
    /// Where the refusal is kept, or is to be kept once it is made: that of a wrong credential of the scheme in this place, or of none. `None` if
    /// it is for this request alone.
    pub(super) fn place<P>(
        &self,
        schemes: &[Box<dyn Scheme<P>>],
        takes: &[usize],
        refused: Option<usize>,
        request: &RequestView<'_>,
        minds_wants: bool,
    ) -> Option<&OnceLock<Rejection>> {
        let kinds = self.0.get_or_init(|| Kinds::of(schemes, takes));
        if !kinds.are_alike {
            return None;
        }
        let to_script = minds_wants && request.is_by_script();
        let way = usize::from(request.is_secure()) * 2 + usize::from(to_script);
        kinds.made.get(refused.map_or(0, |place| place + 1) * WAYS + way)
    }
}

impl Kinds {
    fn of<P>(schemes: &[Box<dyn Scheme<P>>], takes: &[usize]) -> Self {
        let mut taken = takes.iter().filter_map(|place| schemes.get(*place));
        let are_alike = taken.all(|scheme| scheme.asks_alike());
        Self { are_alike, made: (0..(schemes.len() + 1) * WAYS).map(|_| OnceLock::new()).collect() }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::{
        Answer, Basic, Bearer, Gate, KeyRing, SignedCookie, Verified,
        adapter::{Admission, Verdict},
        credential::{BasicCredential, CookieCredential, Extract, Occurrences, Raw},
        request::{Field, RequestView},
        response::{Challenge, Rejection},
        testing::PlainHead,
        verifier::{TokenTable, verify_now_with},
    };

    fn gate() -> Gate<&'static str> {
        let ring = KeyRing::random();
        let (by_name, by_cookie) = (
            verify_now_with(|_: &BasicCredential| Answer::Refused),
            verify_now_with(|_: &CookieCredential| Answer::Refused),
        );
        Gate::in_realm("people")
            .accept(Basic, by_name)
            .accept(Bearer, TokenTable::new().with("t", Verified::new("emily")))
            .accept(SignedCookie::named("session", ring), by_cookie)
            .build()
            .unwrap()
    }

    fn refused(gate: &Gate<&'static str>, head: PlainHead) -> Rejection {
        match head.received_by(gate).at(gate) {
            Admission::Decided(Verdict::Rejected(rejection)) => rejection,
            _ => panic!("it is refused at once"),
        }
    }

    #[test]
    fn what_was_made_for_one_says_to_the_next_what_a_new_gate_says() {
        let shared = gate();
        let credentials = [None, Some("Bearer wrong"), Some("Basic ZW1pbHk6d3Jvbmc="), Some("Basic ?")];
        for turn in 0..2 {
            for credential in credentials {
                for (secure, script) in [(false, false), (false, true), (true, false), (true, true)] {
                    let head = || {
                        let head = PlainHead::get("/");
                        let head = if secure { head.over_tls() } else { head };
                        let head = if script { head.with("sec-fetch-mode", "cors") } else { head };
                        credential.into_iter().fold(head, |head, sent| head.with("authorization", sent))
                    };
                    let (ours, new) = (refused(&shared, head()), refused(&gate(), head()));
                    assert_eq!(ours.reply(), new.reply(), "{turn} {credential:?} {secure} {script}");
                }
            }
        }
    }

    #[test]
    fn a_reply_is_made_once_and_anew_for_what_is_changed() {
        let gate = gate();
        let (mut first, second) = (refused(&gate, PlainHead::get("/")), refused(&gate, PlainHead::get("/me")));
        let made = |rejection: &Rejection| rejection.native(|reply| Arc::new(reply.clone())).cloned();
        assert!(Arc::ptr_eq(&made(&first).unwrap(), &made(&second).unwrap()));
        first.parts().challenges.clear();
        assert!(made(&first).is_none());
        assert_eq!(first.reply().fields().filter(|(name, _)| *name == "www-authenticate").count(), 0);
        assert_eq!(second.reply().fields().filter(|(name, _)| *name == "www-authenticate").count(), 3);
    }

    /// Asks each in another way, and says so or not.
    struct Counting(std::sync::atomic::AtomicU32);

    impl Extract for Counting {
        type Credential = ();

        fn scheme(&self) -> &str {
            "counting"
        }

        fn locate<'h>(&'h self, _: &RequestView<'h>, _: &mut Occurrences<'h>) {}

        fn read(&self, _: Raw<'_>) -> Option<()> {
            None
        }

        fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
            let nonce = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            vec![Challenge::new("Counting").with("nonce", nonce.to_string())]
        }

        fn fields(&self) -> Vec<Field> {
            Vec::new()
        }
    }

    #[test]
    fn who_asks_each_in_another_way_is_asked_each_time() {
        let nobody = verify_now_with(|_: &()| Answer::<&str>::Refused);
        let gate = Gate::in_realm("people").accept(Counting(0.into()), nobody).build().unwrap();
        let nonce = || refused(&gate, PlainHead::get("/")).challenges()[0].to_string();
        assert_ne!(nonce(), nonce());
    }
}
