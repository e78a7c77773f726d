//! A kind that covers its request and, where it says so, the body: [`Covering`].

use std::sync::Arc;

use countersign::{
    Answer, Extract, RequestView, Verified, Verify, async_trait,
    credential::{Confirm, Confirmation, Confirming, Covered, Covers, Occurrences, Raw, after_keyword},
    principal::{Binding, Proof},
    request::{Field, field},
    response::Challenge,
};

use super::{
    ledger::Ledger,
    people::{Person, emily},
};

/// `Authorization: Covering <name>;<what>=<value>;…`. Anybody can write one: it signs nothing, and shows what a signature would be shown.
///
/// `target` must be the target of the request, `names` the names of its fields, sorted and each once, `body` the length of its body and the sum of the
/// body's bytes, with a dot between. There is no way to ask for it.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a kind of the tests")]
pub struct Covering;

/// What a request is said to be, and what it is.
#[derive(Debug)]
pub struct Said {
    name: String,
    holds: bool,
    body: Option<String>,
}

impl Covering {
    /// The value of the field for this name and this body.
    #[must_use]
    pub fn credential(name: &str, body: &[u8]) -> String {
        format!("Covering {name};body={}", digest(body))
    }
}

/// The length of a body, and the sum of its bytes.
fn digest(body: &[u8]) -> String {
    format!("{}.{}", body.len(), body.iter().map(|byte| u64::from(*byte)).sum::<u64>())
}

impl Said {
    /// Who it names, if that is whom this knows and the request is what was said; the body is to be confirmed.
    pub fn answer<P>(&self, known: impl FnOnce(&str) -> Option<Verified<P>>) -> Answer<P> {
        match (known(&self.name).filter(|_| self.holds), &self.body) {
            (Some(known), Some(body)) => known.bound_to(Binding::Proof(Proof::of(body.clone()))).into(),
            (Some(known), None) => known.into(),
            (None, _) => Answer::Refused,
        }
    }
}

impl Extract for Covering {
    type Credential = Said;

    fn scheme(&self) -> &str {
        "covering"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        after_keyword("Covering", request).for_each(|raw| occurrences.add(raw));
    }

    fn covers(&self) -> Vec<Covers> {
        vec![Covers::Target, Covers::FieldNames, Covers::Body]
    }

    fn read(&self, raw: Raw<'_>) -> Option<Said> {
        let mut parts = std::str::from_utf8(raw.whole()).ok()?.split(';');
        let mut said = Said { name: parts.next()?.to_owned(), holds: true, body: None };
        for part in parts {
            match part.split_once('=')? {
                ("target", target) => said.holds &= raw.covered().target() == Some(target),
                ("names", names) => said.holds &= names_of(raw.covered())? == names,
                ("body", body) => said.body = Some(body.to_owned()),
                _ => return None,
            }
        }
        Some(said)
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        Vec::new()
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::AUTHORIZATION.clone()]
    }

    fn confirm(&self) -> Option<&dyn Confirm> {
        Some(self)
    }
}

fn names_of(covered: &Covered) -> Option<String> {
    let mut names: Vec<&str> = covered.field_names()?.collect();
    names.sort_unstable();
    names.dedup();
    Some(names.join(","))
}

impl Confirm for Covering {
    fn confirm(&self, binding: &Binding, request: &RequestView<'_>) -> Confirming {
        let is = request.body().map(digest);
        let shown = is.is_some() && is.as_ref() == binding.proof::<String>();
        Box::pin(async move { if shown { Confirmation::shown() } else { Confirmation::not_shown() } })
    }

    fn needs_body(&self, _: &Binding, _: &RequestView<'_>) -> bool {
        true
    }
}

/// Knows emily.
pub(super) struct Coverage {
    ledger: Arc<Ledger>,
}

impl Coverage {
    pub(super) fn new(ledger: Arc<Ledger>) -> Self {
        Self { ledger }
    }
}

#[async_trait]
impl Verify<Said> for Coverage {
    type Principal = Person;

    fn verify_now(&self, said: &Said) -> Option<Answer<Person>> {
        self.ledger.verified("covering");
        Some(said.answer(|name| (name == "emily").then(emily)))
    }

    async fn verify(&self, _: Said) -> Answer<Person> {
        Answer::Refused
    }
}
