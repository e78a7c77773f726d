//! As much of DER (X.690) as it takes to find a key in what it is wrapped in. What the key's numbers are worth is judged elsewhere.

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BITS: u8 = 0x03;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const OBJECT: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
/// `[0]`, explicitly tagged.
pub(super) const CONTEXT_0: u8 = 0xA0;

/// Elements that stand one behind the other.
#[derive(Clone, Copy)]
pub(super) struct Elements<'d>(&'d [u8]);

/// One element: its tag, and what is in it.
#[derive(Clone, Copy)]
pub(super) struct Element<'d> {
    pub(super) tag: u8,
    pub(super) content: &'d [u8],
}

impl<'d> Elements<'d> {
    pub(super) fn of(der: &'d [u8]) -> Self {
        Self(der)
    }

    /// The elements of a sequence, whatever stands behind it.
    pub(super) fn of_sequence(der: &'d [u8]) -> Option<Self> {
        Self(der).take(SEQUENCE).map(Self)
    }

    /// The next element.
    pub(super) fn next(&mut self) -> Option<Element<'d>> {
        let (tag, rest) = self.0.split_first()?;
        // Tags of several bytes stand in no key.
        if tag & 0x1F == 0x1F {
            return None;
        }
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match usize::from(*first) {
            short @ 0..=0x7F => (short, rest),
            long @ 0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(long - 0x80)?;
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(Element { tag: *tag, content })
    }

    /// What is in the next element, which must have this tag.
    pub(super) fn take(&mut self, tag: u8) -> Option<&'d [u8]> {
        self.next().filter(|element| element.tag == tag).map(|element| element.content)
    }

    /// What is in the next element if it has this tag; else it stays the next.
    pub(super) fn take_if(&mut self, tag: u8) -> Option<&'d [u8]> {
        let mut ahead = *self;
        let content = ahead.take(tag)?;
        *self = ahead;
        Some(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_whole_or_none() {
        let long = [[0x04, 0x82, 0x01, 0x00].as_slice(), &[7; 256]].concat();
        let none: Option<(u8, usize)> = None;
        let rows: [(&[u8], _); 12] = [
            (&[0x05, 0x00], Some((0x05, 0))),
            (&[0x02, 0x01, 0x07, 0xFF], Some((0x02, 1))),
            (&long, Some((0x04, 256))),
            (&[0x04, 0x81, 0x01, 0x07], Some((0x04, 1))),
            (&long[..200], none),
            (&[], none),
            (&[0x02], none),
            (&[0x02, 0x02, 0x07], none),
            (&[0x30, 0x80, 0x00, 0x00], none),
            (&[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], none),
            (&[0x30, 0x88, 0, 0, 0, 0, 0, 0, 0, 1, 7], none),
            (&[0x1F, 0x81, 0x01, 0x07], none),
        ];
        for (der, expected) in rows {
            let found = Elements::of(der).next().map(|element| (element.tag, element.content.len()));
            assert_eq!(found, expected, "{der:?}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_taken() {
        let mut elements = Elements::of(&[0x02, 0x01, 0x07, 0x05, 0x00]);
        assert_eq!((elements.take_if(CONTEXT_0), elements.take_if(INTEGER)), (None, Some([7].as_slice())));
        assert_eq!((elements.take(SEQUENCE), elements.take(0x05)), (None, None));
    }
}
