//! An app's own page for a refusal: [`Page`].

use std::fmt;

/// An app's own page in place of the JSON of a refusal: a type and bytes, and nothing else to get wrong.
#[derive(Clone)]
pub struct Page {
    pub(super) content_type: Box<str>,
    pub(super) body: Vec<u8>,
}

impl Page {
    /// A page of this `Content-Type`.
    #[must_use]
    pub fn new(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { content_type: content_type.into(), body: body.into() }
    }

    /// A page of HTML in UTF-8.
    #[must_use]
    pub fn html(body: impl Into<Vec<u8>>) -> Self {
        Self::new("text/html; charset=utf-8", body)
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").field("content_type", &self.content_type).finish_non_exhaustive()
    }
}
