//! What a verifier is put together with at a gate: [`Company`].

use std::{any::Any, fmt};

use crate::credential::TokenCredential;

/// The kind of credential in front of a verifier, and the cache behind it, for a verifier that has to know them.
pub struct Company<'g> {
    parts: Vec<&'g dyn Any>,
    reads: &'g Reads<'g>,
}

/// What the kind reads of bytes, if it can.
pub(crate) type Reads<'g> = dyn Fn(&[u8]) -> Option<Box<dyn Any>> + 'g;

/// A token that is no `b64token`, and how it is sent: as it is, in a query, in base64url.
const ODD_TOKEN: &[u8] = b"17|a:b";
const AS_SENT: [&[u8]; 3] = [ODD_TOKEN, b"17%7Ca%3Ab", b"MTd8YTpi"];

impl<'g> Company<'g> {
    pub(crate) fn of(parts: impl IntoIterator<Item = &'g dyn Any>, reads: &'g Reads<'g>) -> Self {
        Self { parts: parts.into_iter().collect(), reads }
    }

    /// A fault if the kind refuses unread what is no `b64token`, where tokens of any shape are verified behind it.
    pub(crate) fn fault_of_any_shape(&self) -> Option<String> {
        let carries = AS_SENT
            .iter()
            .filter_map(|sent| (self.reads)(sent))
            .any(|read| read.downcast_ref::<TokenCredential>().is_none_or(|token| token.token().matches(ODD_TOKEN)));
        (!carries).then(|| {
            "tokens of any shape are verified behind a kind that refuses those with `:` or `|` unread; write it with of_any_shape, too, \
             as in Bearer::of_any_shape() and ApiKey::in_header(…).of_any_shape()"
                .to_owned()
        })
    }

    /// The part of this type: of a kind such as [`SignedCookie`](crate::SignedCookie) if that is the verifier's, and
    /// [`CredentialCache`](crate::CredentialCache) if the gate was given one.
    #[must_use]
    pub fn part<T: Any>(&self) -> Option<&'g T> {
        self.parts.iter().find_map(|part| part.downcast_ref())
    }
}

impl fmt::Debug for Company<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Company").field("parts", &self.parts.len()).finish()
    }
}
