//! Which of a request's credentials counts.

use super::Gate;
use crate::{
    credential::{Nature, Occurrences},
    request::{Occurrence, RequestView, field},
};

/// The longest credential that is looked at, in bytes as sent.
const LONGEST_CREDENTIAL: usize = 8 * 1024;

/// One credential of a request, chosen and not read yet.
pub(super) enum Choice<'h> {
    Nothing,
    One { place: usize, found: Occurrences<'h> },
    TooLarge,
    Ambiguous,
}

impl<P: Send + Sync + 'static> Gate<P> {
    /// Finds the one credential that counts.
    pub(super) fn choose<'h>(&'h self, takes: &[usize], request: &RequestView<'h>) -> Choice<'h> {
        let (mut explicit, mut ambient) = (Choice::Nothing, Choice::Nothing);
        let (mut too_large, mut cookie_too_large) = (false, false);
        for &place in takes.iter().filter(|place| self.admitted.is_none_or(|admitted| admitted == **place)) {
            let Some(scheme) = self.shared.schemes.get(place) else { continue };
            let mut occurrences = Occurrences::default();
            scheme.locate(request, &mut occurrences);
            if occurrences.count() == 0 {
                continue;
            }
            let large = occurrences.longest() > LONGEST_CREDENTIAL;
            let (choice, any_large) = match scheme.nature() {
                Nature::Explicit => (&mut explicit, &mut too_large),
                Nature::Ambient => (&mut ambient, &mut cookie_too_large),
            };
            *any_large |= large;
            *choice = match (&*choice, occurrences.count()) {
                (Choice::Nothing, 1) => Choice::One { place, found: occurrences },
                _ => Choice::Ambiguous,
            };
        }
        let doubled = matches!(request.only(&field::AUTHORIZATION), Occurrence::Repeated);
        match explicit {
            _ if too_large => Choice::TooLarge,
            _ if doubled => Choice::Ambiguous,
            Choice::Nothing if cookie_too_large => Choice::TooLarge,
            Choice::Nothing => ambient,
            explicit => explicit,
        }
    }

    /// The schemes that this guard takes: the gate's, narrowed by a typed demand.
    pub(super) fn taken_schemes(&self) -> Result<std::borrow::Cow<'_, [usize]>, String> {
        if self.demands.takes.is_empty() {
            return Err("a guard stands on a route that takes none of its schemes".to_owned());
        }
        let Some((name, wanted)) = self.typed.as_ref().and_then(|typed| Some((typed.name, typed.schemes?))) else {
            return Ok(self.demands.takes.as_slice().into());
        };
        let takes: Vec<usize> = self
            .demands
            .takes
            .iter()
            .copied()
            .filter(|place| wanted.iter().any(|wanted| self.shared.named(*place, wanted)))
            .collect();
        match wanted.iter().find(|wanted| !(0..self.shared.schemes.len()).any(|place| self.shared.named(place, wanted)))
        {
            Some(unknown) => {
                Err(format!("the demand {name} names the scheme {unknown:?}, which the gate does not have"))
            }
            None if takes.is_empty() => {
                Err(format!("the demand {name} stands on a route that takes none of its schemes"))
            }
            None => Ok(takes.into()),
        }
    }
}
