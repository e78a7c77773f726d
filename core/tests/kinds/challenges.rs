//! How a kind asks.

use super::*;

/// Asks as Digest and Hawk do, with a number as nonce.
struct Asks {
    challenges: fn(nonce: usize) -> Vec<Challenge>,
    asked: AtomicUsize,
}

impl Extract for Asks {
    type Credential = TokenCredential;

    fn scheme(&self) -> &str {
        "asks"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        after_keyword("Asks", request).for_each(|raw| occurrences.add(raw));
    }

    fn read(&self, raw: Raw<'_>) -> Option<TokenCredential> {
        TokenCredential::read(raw.whole())
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        (self.challenges)(self.asked.fetch_add(1, Ordering::Relaxed))
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::AUTHORIZATION.clone()]
    }
}

fn asking(challenges: fn(usize) -> Vec<Challenge>) -> Result<Gate<Person>, BuildError> {
    let asks = Asks { challenges, asked: AtomicUsize::new(0) };
    Gate::in_realm("r").accept(Bearer, token("t", "emily")).accept(asks, token("t", "emily")).build()
}

#[test]
fn a_kind_asks_in_several_ways_and_anew_each_time() {
    let gate = asking(|nonce| {
        let digest = |algorithm: &str| Challenge::new("Digest").with_token("algorithm", algorithm);
        let nonce = nonce.to_string();
        vec![
            digest("SHA-256").with("nonce", &*nonce),
            digest("MD5").with("nonce", &*nonce),
            Challenge::new("Hawk").without_realm(),
        ]
    })
    .unwrap();
    // Four times while it is built: over TLS and not, for what is no challenge and for what opens a dialog.
    for nonce in 4..7 {
        let written = |head: PlainHead| match decided(&gate, head) {
            Verdict::Rejected(rejection) => rejection.challenges().iter().map(Challenge::to_string).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            written(with(&[("authorization", "Asks wrong")])),
            [
                "Bearer realm=\"r\"".to_owned(),
                format!("Digest realm=\"r\", algorithm=SHA-256, nonce=\"{nonce}\""),
                format!("Digest realm=\"r\", algorithm=MD5, nonce=\"{nonce}\""),
                "Hawk".to_owned(),
            ]
        );
    }
}

#[test]
fn what_is_no_challenge_is_said_at_start() {
    assert!(asking(|_| Vec::new()).is_ok(), "there may be no way to ask");
    for challenges in [
        (|_| vec![Challenge::new("two words")]) as fn(usize) -> Vec<Challenge>,
        |_| vec![Challenge::new("X"), Challenge::new("X").with("a b", "c")],
        |_| vec![Challenge::new("X").with_token("algorithm", "SHA 256")],
        |_| vec![Challenge::new("X").with("realm", "mine")],
    ] {
        let faults = asking(challenges).unwrap_err();
        assert!(faults.to_string().contains("the scheme \"asks\" has a challenge"), "{faults}");
        assert_eq!(faults.iter().count(), 1, "{faults}");
    }
}
