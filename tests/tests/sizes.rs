//! What a remembered answer takes of a process's memory, which the page of defaults tells.

use std::hint::black_box;

use countersign::{
    Answer, Bearer, CredentialCache, Gate, Verified,
    adapter::{Admission, Verdict},
    credential::TokenCredential,
    testing::PlainHead,
    verifier::{Kept, Terms, Verify},
};
use countersign_conformance::told::{holds, told};

const PAGE: &str = include_str!("../../core/src/manual/defaults.md");

/// Finds whoever brings a number good, as a service's tokens are: a name, two scopes and a role.
struct Numbers;

#[countersign::async_trait]
impl Verify<TokenCredential> for Numbers {
    type Principal = String;

    async fn verify(&self, credential: TokenCredential) -> Answer<String> {
        self.verify_now(&credential).unwrap_or(Answer::Refused)
    }

    fn verify_now(&self, credential: &TokenCredential) -> Option<Answer<String>> {
        let name = format!("emily {}", std::str::from_utf8(credential.token().expose()).ok()?);
        let scopes = "reports:read reports:write".parse().ok()?;
        Some(Verified::new(name.clone()).with_subject(name).with_scopes(scopes).with_roles(["member"]).into())
    }

    fn terms(&self) -> Terms {
        Terms::new().kept(Kept::Always)
    }
}

#[test]
fn a_remembered_answer_takes_what_the_page_tells() {
    const ENTRIES: usize = 60_000;
    let cache = CredentialCache::default();
    let gate = Gate::in_realm("people").accept(Bearer, Numbers).cached(cache.clone()).build().unwrap();
    let admit = |number: usize| {
        let head = PlainHead::get("/").with("authorization", format!("Bearer {number:032}")).received_by(&gate);
        assert!(matches!(head.at(&gate), Admission::Decided(Verdict::Admitted(_))));
    };
    // What there is of it in any case: tables, a few of everything.
    (0..100).for_each(admit);
    let taken = allocation_counter::measure(|| (100..ENTRIES + 100).for_each(|number| admit(black_box(number))));
    assert_eq!(cache.counts().entries, ENTRIES as u64 + 100, "nothing was evicted meanwhile");
    let each = taken.bytes_current as f64 / ENTRIES as f64;
    holds("an answer", told(PAGE, "| Some ", " bytes each"), each);
}
