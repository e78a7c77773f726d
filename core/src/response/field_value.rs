//! The value of a response's field that is made once and written many times: [`FieldValue`].

use std::{any::Any, fmt, sync::OnceLock};

/// The value of a response's field, made once and written many times: printable ASCII.
pub struct FieldValue {
    text: Box<str>,
    native: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl FieldValue {
    pub(crate) fn new(text: impl Into<Box<str>>) -> Self {
        Self { text: text.into(), native: OnceLock::new() }
    }

    /// The value.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The framework's own form of the value, made when it is first written and kept.
    ///
    /// One form is kept. Where two frameworks share a process, the second gets `None` and writes the [text](Self::text), which is slower and
    /// no different otherwise.
    pub fn native<N: Any + Send + Sync>(&self, make: impl FnOnce(&str) -> N) -> Option<&N> {
        self.native.get_or_init(|| Box::new(make(&self.text))).downcast_ref()
    }
}

impl fmt::Debug for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FieldValue").field(&self.text).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_is_made_once_and_no_other() {
        let value = FieldValue::new("authorization");
        assert_eq!(value.native(str::len), Some(&13));
        assert_eq!(value.native(|_| -> usize { panic!("it is made") }), Some(&13));
        assert_eq!(value.native(str::to_owned), None);
        assert_eq!(value.text(), "authorization");
    }
}
