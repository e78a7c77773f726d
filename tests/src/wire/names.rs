//! Names for what is different each time: [`Names`].

use std::cell::RefCell;

/// What random texts are called in a transcript, so that it is the same each time.
#[derive(Debug, Default)]
pub(crate) struct Names(RefCell<Vec<(Vec<u8>, &'static str)>>);

impl Names {
    /// From here on this text is called so.
    pub(crate) fn call(&self, text: &str, name: &'static str) {
        self.0.borrow_mut().push((text.into(), name));
    }

    /// The same bytes, with names in place of what has one; of a text that begins like another, the longer.
    pub(crate) fn written_into(&self, bytes: &[u8]) -> Vec<u8> {
        let known = self.0.borrow();
        let (mut written, mut rest) = (Vec::with_capacity(bytes.len()), bytes);
        while let [first, others @ ..] = rest {
            match known.iter().filter(|(text, _)| rest.starts_with(text)).max_by_key(|(text, _)| text.len()) {
                Some((text, name)) => {
                    written.extend_from_slice(format!("{{{name}}}").as_bytes());
                    rest = &rest[text.len()..];
                }
                None => {
                    written.push(*first);
                    rest = others;
                }
            }
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_wherever_its_text_stood() {
        let names = Names::default();
        assert_eq!(names.written_into(b"a k1"), b"a k1");
        names.call("k1", "key");
        names.call("k12", "longer");
        names.call("\u{e9}", "e");
        assert_eq!(names.written_into("k1, ak1k1b k12k\u{e9}".as_bytes()), b"{key}, a{key}{key}b {longer}k{e}");
    }
}
