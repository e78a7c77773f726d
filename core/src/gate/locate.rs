//! Which of a request's credentials counts.
//!
//! An explicit one; where there is none, an ambient one; where there is none either, one that comes last. A rank of which there is something
//! decides, right or wrong: what is wrong is refused, and never makes room for the next. Two of a rank are an ambiguity, but that the gate may prefer
//! one ambient kind to another, and that of those that come last the first counts.
//!
//! A secret that must not travel in the clear and does goes before them all: whatever else the request brings, it must be voided.

use super::{Gate, scheme::Scheme};
use crate::{
    credential::{Occurrences, On, Rank},
    request::{Occurrence, RequestView, field},
};

/// One credential of a request, chosen and not read yet.
pub(super) enum Choice<'h> {
    Nothing,
    One { place: usize, found: Occurrences<'h>, in_the_clear: bool },
    TooLarge,
    Ambiguous,
}

/// Whether what was found of this scheme must not travel in the clear, and does.
fn is_in_the_clear<P>(scheme: &dyn Scheme<P>, found: &Occurrences<'_>, request: &RequestView<'_>) -> bool {
    let secret = || found.first().is_none_or(|raw| !scheme.bears_the_clear(raw));
    scheme.needs_secure_channel() && !request.is_secure() && secret()
}

/// What was found of one rank.
struct Found<'h> {
    choice: Choice<'h>,
    too_large: bool,
    /// How far in front the gate prefers it, if it says so.
    preference: Option<usize>,
}

impl<'h> Found<'h> {
    const NOTHING: Self = Self { choice: Choice::Nothing, too_large: false, preference: None };

    fn one(place: usize, occurrences: Occurrences<'h>, too_large: bool, preference: Option<usize>) -> Self {
        let choice = match occurrences.count() {
            1 => Choice::One { place, found: occurrences, in_the_clear: false },
            _ => Choice::Ambiguous,
        };
        Self { choice, too_large, preference }
    }

    /// Of this and another of the same rank, the one that the gate prefers; else nobody may choose.
    fn beside(self, other: Self) -> Self {
        match (&self.choice, self.preference, other.preference) {
            (Choice::Nothing, ..) => other,
            (_, Some(ours), Some(theirs)) => {
                if ours <= theirs {
                    self
                } else {
                    other
                }
            }
            _ => Self { choice: Choice::Ambiguous, too_large: self.too_large || other.too_large, preference: None },
        }
    }

    /// Whether something was found of which none can count.
    fn is_no_choice(&self) -> bool {
        self.too_large || matches!(self.choice, Choice::Ambiguous)
    }

    /// This, or the next rank where there is nothing of it.
    fn or(self, next: Self) -> Choice<'h> {
        match self.choice {
            _ if self.too_large => Choice::TooLarge,
            Choice::Nothing if next.too_large => Choice::TooLarge,
            Choice::Nothing => next.choice,
            choice => choice,
        }
    }
}

impl<P: Send + Sync + 'static> Gate<P> {
    /// Finds the one credential that counts.
    pub(super) fn choose<'h>(&'h self, takes: &[usize], request: &RequestView<'h>) -> Choice<'h> {
        let (mut explicit, mut ambient, mut fallback) = (Found::NOTHING, Found::NOTHING, Found::NOTHING);
        for &place in takes.iter().filter(|place| self.admitted.is_none_or(|admitted| admitted == **place)) {
            let Some(scheme) = self.shared.schemes.get(place) else { continue };
            let mut occurrences = Occurrences::default();
            scheme.locate(request, &mut occurrences);
            if occurrences.count() == 0 {
                continue;
            }
            let too_large = scheme.on() == On::Request && occurrences.longest() > self.shared.longest_credential;
            if occurrences.count() == 1 && !too_large && is_in_the_clear(&**scheme, &occurrences, request) {
                return Choice::One { place, found: occurrences, in_the_clear: true };
            }
            // Of those that come last, the first in the gate's order is preferred.
            let (found, preference) = match scheme.rank() {
                Rank::Explicit => (&mut explicit, None),
                Rank::Ambient => (&mut ambient, self.shared.preference(place)),
                Rank::Fallback => (&mut fallback, Some(place)),
            };
            let one = Found::one(place, occurrences, too_large, preference);
            *found = std::mem::replace(found, Found::NOTHING).beside(one);
        }
        let nothing_explicit = matches!(explicit.choice, Choice::Nothing);
        if self.forgives_cookies() && nothing_explicit && ambient.is_no_choice() {
            self.clear_cookies(takes, request);
            ambient = Found::NOTHING;
        }
        let looks_at_others = !self.forgives_cookies() || self.takes_explicit(takes);
        let doubled = looks_at_others && matches!(request.only(&field::AUTHORIZATION), Occurrence::Repeated);
        if doubled && !explicit.too_large {
            return Choice::Ambiguous;
        }
        let by_itself = Found { choice: ambient.or(fallback), ..Found::NOTHING };
        explicit.or(by_itself)
    }

    /// Whether a bad cookie counts as none.
    pub(super) fn forgives_cookies(&self) -> bool {
        self.anonymous && self.clears_cookies
    }

    fn takes_explicit(&self, takes: &[usize]) -> bool {
        takes.iter().filter_map(|place| self.shared.schemes.get(*place)).any(|scheme| scheme.rank() == Rank::Explicit)
    }

    /// Has the browser forget the cookies of these schemes that it sent.
    fn clear_cookies(&self, takes: &[usize], request: &RequestView<'_>) {
        for scheme in takes.iter().filter_map(|place| self.shared.schemes.get(*place)) {
            let mut occurrences = Occurrences::default();
            scheme.locate(request, &mut occurrences);
            if scheme.rank() == Rank::Ambient
                && occurrences.count() > 0
                && let (Some(exchange), Some(clear)) = (request.exchange(), scheme.clear(request))
            {
                exchange.mark_cleared(clear);
            }
        }
    }
}
