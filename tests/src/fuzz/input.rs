//! Bytes as a target takes them apart, and numbers that a seed draws.

use countersign::Secret;

/// What is left of the bytes.
pub(super) struct Input<'d>(&'d [u8]);

impl<'d> Input<'d> {
    pub(super) fn of(bytes: &'d [u8]) -> Self {
        Self(bytes)
    }

    /// The next byte; zero where there is none.
    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A number below this one.
    pub(super) fn below(&mut self, most: usize) -> usize {
        usize::from(self.byte()) % most
    }

    /// As many bytes as the next one says, as far as they are there.
    pub(super) fn some(&mut self) -> &'d [u8] {
        let length = usize::from(self.byte()).min(self.0.len());
        let (some, rest) = self.0.split_at(length);
        self.0 = rest;
        some
    }

    /// All that is left.
    pub(super) fn rest(self) -> &'d [u8] {
        self.0
    }
}

/// Numbers that follow from a seed (SplitMix64).
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn of(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let drawn = mixed ^ (mixed >> 31);
        usize::try_from(drawn % u64::try_from(most.max(1)).unwrap_or(1)).unwrap_or_default()
    }
}

/// Text, whatever the bytes are: each that is no printable ASCII is left out.
pub(super) fn printable(bytes: &[u8]) -> String {
    bytes.iter().filter(|byte| byte.is_ascii_graphic()).map(|byte| char::from(*byte)).collect()
}

/// What may stand in a field: no line end and no NUL, and no blanks around.
pub(super) fn field_value(bytes: &[u8]) -> Vec<u8> {
    let value: Vec<u8> = bytes.iter().copied().filter(|byte| !matches!(byte, b'\0' | b'\r' | b'\n')).collect();
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let begin = value.iter().position(|byte| !blank(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !blank(byte)).map_or(begin, |last| last + 1);
    value[begin..end].to_vec()
}

/// A secret of so many bytes that do not repeat themselves.
pub(super) fn secret_of(length: u8, first: u8) -> Secret {
    Secret::new((0..length).map(|nth| first.wrapping_add(nth.wrapping_mul(37))).collect::<Vec<_>>())
}
