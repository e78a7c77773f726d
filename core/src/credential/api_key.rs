//! A key in a header of its own, and optionally behind a keyword in `Authorization`.
//!
//! An app that already has keys of another shape says [`of_any_shape`](ApiKey::of_any_shape).
//!
//! Both places are one scheme: a request that uses both has sent two credentials. The key has the form of a `b64token`, like a
//! bearer token, so the same verifiers serve both.
//!
//! # Example
//! ```
//! use countersign::{ApiKey, Extract};
//!
//! let key = ApiKey::in_header("X-API-Key").or_keyword("Token");
//! assert_eq!(key.scheme(), "api-key");
//! ```

use super::{Extract, Occurrences, Raw, TokenCredential, add_after_keyword};
use crate::{
    request::{
        Field, RequestView,
        field::{self, is_token_byte},
    },
    response::Challenge,
};

/// A key in a named header. See the [module](self).
#[derive(Debug, Clone)]
pub struct ApiKey {
    written: Box<str>,
    field: Option<Field>,
    keyword: Option<Box<str>>,
    any_shape: bool,
}

impl ApiKey {
    /// A key in the header of this name. The challenge spells it as it is spelt here.
    #[must_use]
    pub fn in_header(name: &str) -> Self {
        Self { written: name.into(), field: name.parse().ok(), keyword: None, any_shape: false }
    }

    /// Takes `Authorization: <keyword> <key>` as well.
    #[must_use]
    pub fn or_keyword(mut self, keyword: &str) -> Self {
        self.keyword = Some(keyword.into());
        self
    }

    /// Reads keys of a shape that an app already has, `:` and `|` included: printable ASCII without blanks.
    #[must_use]
    pub fn of_any_shape(mut self) -> Self {
        self.any_shape = true;
        self
    }
}

impl Extract for ApiKey {
    type Credential = TokenCredential;

    fn scheme(&self) -> &str {
        "api-key"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        if let Some(field) = &self.field {
            request.each_value(field, &mut |raw| occurrences.add(raw));
        }
        if let Some(keyword) = &self.keyword {
            add_after_keyword(keyword, request, occurrences);
        }
    }

    fn read(&self, raw: Raw<'_>) -> Option<TokenCredential> {
        TokenCredential::read_as(self.any_shape, raw.whole())
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("ApiKey").with("header", &*self.written)]
    }

    fn asks_alike(&self) -> bool {
        true
    }

    fn fields(&self) -> Vec<Field> {
        let keyword = self.keyword.as_ref().map(|_| field::AUTHORIZATION.clone());
        self.field.iter().cloned().chain(keyword).collect()
    }

    fn check(&self) -> Vec<String> {
        let mut faults = Vec::new();
        match &self.field {
            None => faults.push(format!(
                "{:?} cannot be a header of API keys: it must be a token of at most 64 bytes",
                self.written
            )),
            Some(name) if *name == field::AUTHORIZATION || *name == field::COOKIE => {
                faults.push(format!("{:?} cannot be a header of API keys: other schemes read it", self.written));
            }
            Some(_) => {}
        }
        if let Some(keyword) =
            self.keyword.as_ref().filter(|keyword| keyword.is_empty() || !keyword.bytes().all(is_token_byte))
        {
            faults.push(format!("{keyword:?} cannot be an authentication scheme: it must be a token"));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::PlainHead;

    #[test]
    fn both_places_are_one_scheme() {
        let kind = ApiKey::in_header("X-API-Key").or_keyword("Token");
        type Row<'r> = (&'r [(&'r str, &'r [u8])], usize);
        let rows: [Row<'_>; 5] = [
            (&[], 0),
            (&[("x-api-key", b"a")], 1),
            (&[("authorization", b"token a")], 1),
            (&[("x-api-key", b"a"), ("authorization", b"Token a")], 2),
            (&[("x-api-key", b"a"), ("x-api-key", b"a")], 2),
        ];
        for (fields, count) in rows {
            let head = fields.iter().fold(PlainHead::get("/"), |head, (name, value)| head.with(name, value));
            let mut occurrences = Occurrences::default();
            kind.locate(&head.view(), &mut occurrences);
            assert_eq!(occurrences.count(), count, "{fields:?}");
        }
    }
}
