//! What a kind finds of itself in a request: [`Occurrences`], and [`Raw`], the one credential that counts.
//!
//! Most credentials stand in one place. Some are made of parts that stand apart: a cookie and the cookie with its signature, the chunks
//! of a value too long for one cookie, two header fields. Each part is reported by its number, and they are one credential: it is looked
//! up, measured and read as a whole. A part that comes twice is like a credential that comes twice: nobody may choose between them, and
//! the gate answers 400.
//!
//! # Example
//! ```
//! use countersign::{RequestView, credential::{Occurrences, Raw}, testing::PlainHead};
//!
//! fn locate<'h>(request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
//!     request.cookies("session").for_each(|raw| occurrences.add_part(0, raw));
//!     request.cookies("session.sig").for_each(|raw| occurrences.add_part(1, raw));
//! }
//!
//! fn read(raw: Raw<'_>) -> Option<(&[u8], &[u8])> {
//!     Some((raw.part(0)?, raw.part(1)?))
//! }
//!
//! let head = PlainHead::get("/").with("cookie", "session=abc; session.sig=def");
//! let mut occurrences = Occurrences::default();
//! locate(&head.view(), &mut occurrences);
//! assert_eq!(read(occurrences.only().unwrap()), Some((&b"abc"[..], &b"def"[..])));
//!
//! let head = PlainHead::get("/").with("cookie", "session=abc; session=abc; session.sig=def");
//! let mut occurrences = Occurrences::default();
//! locate(&head.view(), &mut occurrences);
//! assert!(occurrences.only().is_none(), "which of the two is meant?");
//! ```
//!
//! # Why
//! Up to four parts lie in place, so that finding them allocates nothing where a known credential is admitted.

use std::fmt;

use super::covers::{Covered, NOTHING};

/// How many parts lie in place.
const IN_PLACE: usize = 4;

/// How many parts a credential has at most: one bit each says whether it was found.
const MOST_PARTS: usize = 64;

/// Where a kind of credential stands in one request. See the [module](self).
#[derive(Default)]
pub struct Occurrences<'h> {
    few: [&'h [u8]; IN_PLACE],
    /// All parts, once they are more than lie in place.
    many: Vec<&'h [u8]>,
    count: usize,
    /// Which of the parts were found, by bit; a part before these that was not is empty.
    found: u64,
    doubles: usize,
    /// The length of all parts, or of the longest that came again.
    longest: usize,
}

impl<'h> Occurrences<'h> {
    /// Reports one occurrence of a credential that stands in one place.
    pub fn add(&mut self, raw: &'h [u8]) {
        self.add_part(0, raw);
    }

    /// Reports a part of a credential that has several, counted from 0. One that is missing before another is empty. More than 64 parts are
    /// too long for any gate.
    pub fn add_part(&mut self, nth: usize, raw: &'h [u8]) {
        if nth >= MOST_PARTS {
            self.longest = usize::MAX;
        } else if self.found & (1 << nth) == 0 {
            self.found |= 1 << nth;
            self.set(nth, raw);
            let whole = self.parts().iter().map(|part| part.len()).sum();
            self.longest = self.longest.max(whole);
        } else {
            self.doubles += 1;
            self.longest = self.longest.max(raw.len());
        }
    }

    /// Says that something as long as this stands where it cannot be reported, such as in a body that is not there whenever the request is looked
    /// at: what is found must be the same each time.
    #[cfg(feature = "signed-requests")]
    pub(crate) fn measure(&mut self, length: usize) {
        self.longest = self.longest.max(length);
    }

    /// Says that what was found contradicts the request, such as a signature that names another target: nobody may choose which of the two is
    /// meant, and the gate answers 400, as it does for two credentials.
    pub fn contradict(&mut self) {
        self.doubles += 1;
    }

    /// The first occurrence.
    #[must_use]
    pub fn first(&self) -> Option<Raw<'_>> {
        let (first, more) = self.parts().split_first()?;
        Some(Raw { first, more, covered: &NOTHING })
    }

    /// The credential, if there is one and no more.
    #[must_use]
    pub fn only(&self) -> Option<Raw<'_>> {
        self.first().filter(|_| self.count() == 1)
    }

    /// How many there are. A part that comes again counts as a credential that does.
    #[must_use]
    pub fn count(&self) -> usize {
        if self.found == 0 { 0 } else { 1 + self.doubles }
    }

    /// The length of the longest: of all its parts together.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.longest
    }

    fn parts(&self) -> &[&'h [u8]] {
        if self.many.is_empty() { self.few.get(..self.count).unwrap_or_default() } else { &self.many }
    }

    fn set(&mut self, nth: usize, raw: &'h [u8]) {
        let count = self.count.max(nth + 1);
        if count > IN_PLACE {
            if self.many.is_empty() {
                self.many.extend_from_slice(&self.few);
            }
            self.many.resize(count, &[]);
        }
        self.count = count;
        let parts: &mut [&'h [u8]] = if self.many.is_empty() { &mut self.few } else { &mut self.many };
        if let Some(part) = parts.get_mut(nth) {
            *part = raw;
        }
    }
}

impl fmt::Debug for Occurrences<'_> {
    /// Leaves out what was found: these are credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Occurrences").field("count", &self.count()).finish_non_exhaustive()
    }
}

/// One credential of a request, as sent and not read yet: one part or several. See the [module](self).
#[derive(Clone, Copy)]
pub struct Raw<'r> {
    first: &'r [u8],
    more: &'r [&'r [u8]],
    covered: &'r Covered,
}

impl<'r> Raw<'r> {
    /// A credential of these parts; without any, one empty part.
    #[must_use]
    pub fn of_parts(parts: &'r [&'r [u8]]) -> Self {
        let (first, more) = parts.split_first().map_or((&[][..], &[][..]), |(first, more)| (*first, more));
        Self { first, more, covered: &NOTHING }
    }

    /// The whole of a credential that stands in one place; the first part of any other.
    #[must_use]
    pub fn whole(&self) -> &'r [u8] {
        self.first
    }

    /// The part of this number, counted from 0, if any from there on was found.
    #[must_use]
    pub fn part(&self, nth: usize) -> Option<&'r [u8]> {
        match nth.checked_sub(1) {
            None => Some(self.first),
            Some(nth) => self.more.get(nth).copied(),
        }
    }

    /// Every part, in order; at least one.
    pub fn parts(&self) -> impl Iterator<Item = &'r [u8]> + use<'r> {
        std::iter::once(self.first).chain(self.more.iter().copied())
    }

    /// What the kind declared to [cover](super::Extract::covers) of the request.
    #[must_use]
    pub fn covered(&self) -> &'r Covered {
        self.covered
    }

    /// The same credential, covering this.
    #[must_use]
    pub fn covering(self, covered: &'r Covered) -> Self {
        Self { covered, ..self }
    }

    /// The parts behind the first.
    pub(crate) fn more(&self) -> &'r [&'r [u8]] {
        self.more
    }
}

/// A credential that stands in one place.
impl<'r> From<&'r [u8]> for Raw<'r> {
    fn from(whole: &'r [u8]) -> Self {
        Self { first: whole, more: &[], covered: &NOTHING }
    }
}

/// A credential that stands in one place.
impl<'r, const N: usize> From<&'r [u8; N]> for Raw<'r> {
    fn from(whole: &'r [u8; N]) -> Self {
        Self::from(whole.as_slice())
    }
}

impl fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Raw(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_in_any_order_and_twice_is_twice() {
        type Row<'r> = (&'r [(usize, &'r [u8])], &'r [&'r [u8]], usize, usize);
        let rows: [Row<'_>; 10] = [
            (&[], &[], 0, 0),
            (&[(0, b"")], &[b""], 1, 0),
            (&[(0, b"ab")], &[b"ab"], 1, 2),
            (&[(0, b"ab"), (0, b"cde")], &[b"ab"], 2, 3),
            (&[(0, b"ab"), (1, b"c")], &[b"ab", b"c"], 1, 3),
            (&[(1, b"c"), (0, b"ab")], &[b"ab", b"c"], 1, 3),
            (&[(0, b"ab"), (1, b"c"), (1, b"c")], &[b"ab", b"c"], 2, 3),
            (&[(1, b"c")], &[b"", b"c"], 1, 1),
            (&[(2, b"c"), (0, b""), (0, b"")], &[b"", b"", b"c"], 2, 1),
            (
                &[(5, b"f"), (0, b"a"), (1, b"b"), (2, b"c"), (3, b"d"), (4, b"e")],
                &[b"a", b"b", b"c", b"d", b"e", b"f"],
                1,
                6,
            ),
        ];
        for (added, parts, count, longest) in rows {
            let mut occurrences = Occurrences::default();
            added.iter().for_each(|(nth, raw)| occurrences.add_part(*nth, raw));
            let seen: Vec<_> = occurrences.first().into_iter().flat_map(|raw| raw.parts()).collect();
            assert_eq!((seen.as_slice(), occurrences.count(), occurrences.longest()), (parts, count, longest));
            assert_eq!(occurrences.only().is_some(), count == 1, "{added:?}");
            let by_number: Vec<_> = (0..parts.len()).filter_map(|nth| occurrences.first()?.part(nth)).collect();
            assert_eq!(by_number, parts, "{added:?}");
            assert!(occurrences.first().is_none_or(|raw| raw.part(parts.len()).is_none()));
        }
    }

    #[test]
    fn there_are_bounds_to_parts_and_to_their_length() {
        let mut occurrences = Occurrences::default();
        (0..MOST_PARTS).for_each(|nth| occurrences.add_part(nth, b"x"));
        assert_eq!((occurrences.count(), occurrences.longest()), (1, MOST_PARTS));
        occurrences.add_part(MOST_PARTS, b"x");
        assert_eq!((occurrences.count(), occurrences.longest()), (1, usize::MAX));
    }

    #[test]
    fn nothing_of_it_is_printed() {
        let mut occurrences = Occurrences::default();
        occurrences.add(b"secret");
        let printed = format!("{occurrences:?} {:?}", occurrences.first().unwrap());
        assert_eq!(printed, "Occurrences { count: 1, .. } Raw(..)");
    }
}
