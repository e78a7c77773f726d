//! Header names that are made once and looked up many times: [`Field`], and the fields that every gate may read.

use std::{
    any::Any,
    fmt,
    str::FromStr,
    sync::{Arc, OnceLock},
};

/// A header name, made once and looked up many times: a token (RFC 9110 §5.1) of at most 64 bytes, in any case. Cheap to clone.
///
/// # Example
/// ```
/// use countersign::request::Field;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let field: Field = "X-API-Key".parse()?;
/// assert_eq!(field.name(), "x-api-key");
/// assert!("X API Key".parse::<Field>().is_err());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Field(Inner);

#[derive(Clone)]
enum Inner {
    Constant(&'static Constant),
    Named(Arc<Name>),
}

struct Name {
    lower: Box<str>,
    native: OnceLock<Box<dyn Any + Send + Sync>>,
}

/// Text that is no header's name.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no header's name; write 1 to 64 letters, digits and characters of !#$%&'*+-.^_`|~, such as X-API-Key"
)]
pub struct BadField(String);

crate::sentence::prints_its_sentence!(BadField);

/// A field that this crate reads, as a constant. See the [module](self).
#[derive(Debug)]
pub struct Constant {
    lower: &'static str,
    native: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl Field {
    /// The name in lower case.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.0 {
            Inner::Constant(known) => known.lower,
            Inner::Named(name) => &name.lower,
        }
    }

    /// The framework's own form of the name, made at the first look-up and kept.
    ///
    /// One form is kept per field. Where two frameworks share a process, the second gets `None` and looks up by
    /// [`name`](Self::name), which is slower and no different otherwise.
    pub fn native<N: Any + Send + Sync>(&self, make: impl FnOnce(&str) -> N) -> Option<&N> {
        let native = match &self.0 {
            Inner::Constant(known) => &known.native,
            Inner::Named(name) => &name.native,
        };
        native.get_or_init(|| Box::new(make(self.name()))).downcast_ref()
    }
}

impl FromStr for Field {
    type Err = BadField;

    fn from_str(name: &str) -> Result<Self, BadField> {
        if !is_short_token(name) {
            return Err(BadField(name.to_owned()));
        }
        let name = Name { lower: name.to_ascii_lowercase().into(), native: OnceLock::new() };
        Ok(Self(Inner::Named(Arc::new(name))))
    }
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Field {}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Field").field(&self.name()).finish()
    }
}

/// The bytes of a token (RFC 9110 §5.6.2).
pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A token that fits a name: of a field, a cookie, a scheme.
pub(crate) fn is_short_token(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(is_token_byte)
}

/// Blanks are SP and HTAB (RFC 9110 §5.6.3) and nothing else.
pub(crate) fn trim_blanks(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

macro_rules! known {
    ($($(#[$doc:meta])* $name:ident = $lower:literal;)*) => { $(
        $(#[$doc])*
        pub static $name: Field = {
            static CONSTANT: Constant = Constant { lower: $lower, native: OnceLock::new() };
            Field(Inner::Constant(&CONSTANT))
        };
    )* };
}

known! {
    /// What the client prefers to be answered with (RFC 9110 §12.5.1).
    ACCEPT = "accept";
    /// The client's credential (RFC 9110 §11.6.2).
    AUTHORIZATION = "authorization";
    /// Digests of a body (RFC 9530).
    CONTENT_DIGEST = "content-digest";
    /// How long a body is (RFC 9110 §8.6).
    CONTENT_LENGTH = "content-length";
    /// What a body says it is (RFC 9110 §8.3).
    CONTENT_TYPE = "content-type";
    /// RFC 6265bis §5.8.4.
    COOKIE = "cookie";
    /// When a message was made (RFC 9110 §6.6.1).
    DATE = "date";
    /// A proof of possession (RFC 9449).
    DPOP = "dpop";
    /// RFC 7239.
    FORWARDED = "forwarded";
    /// The host that the client asked (RFC 9110 §7.2).
    HOST = "host";
    /// The origin that caused the request (RFC 6454 §7).
    ORIGIN = "origin";
    /// Fetch Metadata: how the request was made.
    SEC_FETCH_MODE = "sec-fetch-mode";
    /// Fetch Metadata: how far the site that made it is from ours.
    SEC_FETCH_SITE = "sec-fetch-site";
    /// The subprotocols that the client of a WebSocket speaks (RFC 6455 §11.3.4).
    SEC_WEBSOCKET_PROTOCOL = "sec-websocket-protocol";
    /// Signatures (RFC 9421 §4.2).
    SIGNATURE = "signature";
    /// Whose agent signs (Web Bot Auth).
    SIGNATURE_AGENT = "signature-agent";
    /// What signatures cover (RFC 9421 §4.1).
    SIGNATURE_INPUT = "signature-input";
    /// How a body is sent whose length is not known before (RFC 9112 §6.1).
    TRANSFER_ENCODING = "transfer-encoding";
    /// To which protocol the client wants to change (RFC 9110 §7.8).
    UPGRADE = "upgrade";
    /// RFC 9110 §10.1.5.
    USER_AGENT = "user-agent";
    /// The de facto name of a request in logs.
    X_REQUEST_ID = "x-request-id";
    /// The de facto chain of addresses that proxies write.
    X_FORWARDED_FOR = "x-forwarded-for";
    /// The host as the outermost proxy saw it.
    X_FORWARDED_HOST = "x-forwarded-host";
    /// The scheme as the outermost proxy saw it.
    X_FORWARDED_PROTO = "x-forwarded-proto";
    /// What scripts' libraries send to say that they are scripts.
    X_REQUESTED_WITH = "x-requested-with";
    /// The token of WSSE.
    X_WSSE = "x-wsse";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_a_short_token() {
        for (name, fits) in
            [("X-API-Key", true), ("a", true), ("", false), ("x key", false), ("x:", false), ("ü", false)]
        {
            assert_eq!(name.parse::<Field>().is_ok(), fits, "{name:?}");
        }
        assert!("x".repeat(65).parse::<Field>().is_err());
        assert_eq!(
            "x:".parse::<Field>().unwrap_err().to_string(),
            "\"x:\" is no header's name; write 1 to 64 letters, digits and characters of !#$%&'*+-.^_`|~, such as X-API-Key"
        );
    }
}
