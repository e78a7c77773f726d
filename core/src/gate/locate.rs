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
    request::RequestView,
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
#[derive(Clone, Copy)]
struct Found {
    which: Which,
    too_large: bool,
    /// How far in front the gate prefers it, if it says so.
    preference: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Nothing,
    /// That of the scheme in this place.
    One(usize),
    Several,
}

impl Found {
    const NOTHING: Self = Self { which: Which::Nothing, too_large: false, preference: None };

    /// Of this and another of the same rank, the one that the gate prefers; else nobody may choose.
    fn beside(self, other: Self) -> Self {
        match (self.which, self.preference, other.preference) {
            (Which::Nothing, ..) => other,
            (_, Some(ours), Some(theirs)) => {
                if ours <= theirs {
                    self
                } else {
                    other
                }
            }
            _ => Self { which: Which::Several, too_large: self.too_large || other.too_large, preference: None },
        }
    }

    /// Whether something was found of which none can count.
    fn is_no_choice(&self) -> bool {
        self.too_large || self.which == Which::Several
    }
}

/// What counts of these, the first rank first: too large a credential, or one, or several.
fn first_of(ranks: [Found; 3]) -> Found {
    let counts = |found: &Found| found.too_large || found.which != Which::Nothing;
    ranks.into_iter().find(counts).unwrap_or(Found::NOTHING)
}

impl<P: Send + Sync + 'static> Gate<P> {
    /// Finds the one credential that counts.
    pub(super) fn choose<'h>(&'h self, takes: &[usize], request: &RequestView<'h>) -> Choice<'h> {
        let (mut explicit, mut ambient, mut fallback) = (Found::NOTHING, Found::NOTHING, Found::NOTHING);
        // There is seldom more than one; should another count in the end, it is looked for again.
        let mut first: Option<(usize, Occurrences<'h>)> = None;
        let places = takes.iter().filter(|place| self.admitted.is_none_or(|admitted| admitted == **place));
        let schemes = places.filter_map(|place| Some((*place, self.shared.schemes.get(*place)?)));
        let comes_first = |scheme: &dyn Scheme<P>| scheme.rank() == Rank::Explicit || scheme.needs_secure_channel();
        for first_turn in [true, false] {
            // Nothing else is looked for beside what was sent on purpose.
            if !first_turn && explicit.which != Which::Nothing {
                break;
            }
            for (place, scheme) in schemes.clone().filter(|(_, scheme)| comes_first(&***scheme) == first_turn) {
                let mut occurrences = Occurrences::default();
                scheme.locate(request, &mut occurrences);
                if occurrences.count() == 0 {
                    continue;
                }
                let too_large = scheme.on() == On::Request && occurrences.longest() > self.shared.longest_credential;
                let which = if occurrences.count() == 1 { Which::One(place) } else { Which::Several };
                if which == Which::One(place) && !too_large && is_in_the_clear(&**scheme, &occurrences, request) {
                    return Choice::One { place, found: occurrences, in_the_clear: true };
                }
                // Of those that come last, the first in the gate's order is preferred.
                let (found, preference) = match scheme.rank() {
                    Rank::Explicit => (&mut explicit, None),
                    Rank::Ambient => (&mut ambient, self.shared.preference(place)),
                    Rank::Fallback => (&mut fallback, Some(place)),
                };
                *found = found.beside(Found { which, too_large, preference });
                first.get_or_insert((place, occurrences));
            }
        }
        if self.forgives_cookies() && explicit.which == Which::Nothing && ambient.is_no_choice() {
            self.clear_cookies(takes, request);
            ambient = Found::NOTHING;
        }
        let looks_at_others = !self.forgives_cookies() || self.takes_explicit(takes);
        let doubled = looks_at_others && request.repeats_authorization();
        if doubled && !explicit.too_large {
            return Choice::Ambiguous;
        }
        match first_of([explicit, ambient, fallback]) {
            found if found.too_large => Choice::TooLarge,
            Found { which: Which::Nothing, .. } => Choice::Nothing,
            Found { which: Which::Several, .. } => Choice::Ambiguous,
            Found { which: Which::One(place), .. } => {
                let found = first.filter(|(located, _)| *located == place).map(|(_, found)| found);
                let found = found.unwrap_or_else(|| self.located(place, request));
                Choice::One { place, found, in_the_clear: false }
            }
        }
    }

    fn located<'h>(&'h self, place: usize, request: &RequestView<'h>) -> Occurrences<'h> {
        let mut occurrences = Occurrences::default();
        self.shared.schemes.get(place).into_iter().for_each(|scheme| scheme.locate(request, &mut occurrences));
        occurrences
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
