//! What holding a password against a stored hash says.

/// Bytes of a stored hash; a shorter one could be met by chance.
pub(super) const OUTPUTS: std::ops::RangeInclusive<usize> = 16..=64;

/// Whether a password is that of a hash, and whether finding out took any work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Judged {
    pub(super) matches: bool,
    pub(super) worked: bool,
}

impl Judged {
    pub(super) fn at_a_cost(matches: bool) -> Self {
        Self { matches, worked: true }
    }

    #[cfg(feature = "legacy-passwords")]
    pub(super) fn at_no_cost(matches: bool) -> Self {
        Self { matches, worked: false }
    }
}
