//! A token in a WebSocket subprotocol, for pages: a browser lets them set no header of a handshake but `Sec-WebSocket-Protocol`.
//!
//! The page asks for the subprotocols that it speaks, and for one more, which is a prefix and the token in unpadded base64url. It is the way
//! of [Kubernetes](Subprotocol::as_kubernetes):
//! ```js
//! new WebSocket(url, ["chat.v1", "base64url.bearer.authorization.k8s.io." + base64url(token)])
//! ```
//!
//! - Counts on WebSocket handshakes alone: GET with `Upgrade: websocket`. Elsewhere it is absent.
//! - It is taken out of `Sec-WebSocket-Protocol` before the application sees it, whatever the request is and whoever sent it, so that it
//!   reaches neither handlers nor their logs, and is never the subprotocol that is chosen.
//! - One more subprotocol must be asked for: browsers give up on an answer that chooses none, and there must be one to choose.
//!   Without it the credential is malformed, as it is for Kubernetes.
//!
//! # Example
//! ```
//! use countersign::{Bearer, Gate, Verified, credential::Subprotocol, verifier::TokenTable};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let tokens = || TokenTable::new().with("a-long-random-token", Verified::new("emily"));
//! let gate = Gate::in_realm("chat")
//!     .accept(Bearer, tokens())
//!     .accept(Subprotocol::as_kubernetes(), tokens())
//!     .build()?;
//! # let _ = gate;
//! # Ok(()) }
//! ```
//!
//! # What it does not do
//! It chooses no subprotocol: the application does, of those that are left. Handshakes over HTTP/2 and HTTP/3 (extended `CONNECT`) are not
//! looked at.
//!
//! # Deployment
//! Proxies in front may write the field to their logs: give such tokens a short life.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::{Extract, Occurrences, Raw, TokenCredential};
use crate::{
    request::{
        Field, RequestView,
        field::{is_short_token, is_token_byte},
        origin::opens_a_websocket,
    },
    response::Challenge,
};

/// A token in a WebSocket subprotocol. See the [module](self).
#[derive(Debug, Clone)]
pub struct Subprotocol {
    prefix: Box<str>,
    any_shape: bool,
}

impl Subprotocol {
    /// The subprotocol `base64url.bearer.authorization.k8s.io.` and the token, as clients of Kubernetes send it.
    #[must_use]
    pub fn as_kubernetes() -> Self {
        Self::beginning("base64url.bearer.authorization.k8s.io.")
    }

    /// A subprotocol that begins so, and goes on with the token. Case counts.
    #[must_use]
    pub fn beginning(prefix: &str) -> Self {
        Self { prefix: prefix.into(), any_shape: false }
    }

    /// Reads tokens of a shape that an app already has, `:` and `|` included: printable ASCII without blanks, in base64url.
    #[must_use]
    pub fn of_any_shape(mut self) -> Self {
        self.any_shape = true;
        self
    }
}

impl Extract for Subprotocol {
    type Credential = TokenCredential;

    fn scheme(&self) -> &str {
        "subprotocol"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        if request.method() != "GET" || !opens_a_websocket(request) {
            return;
        }
        let Some(exchange) = request.exchange() else { return };
        let has_others = exchange.has_other_subprotocols();
        for raw in exchange.taken_subprotocols(&self.prefix) {
            occurrences.add(if has_others { raw } else { b"" });
        }
    }

    fn read(&self, raw: Raw<'_>) -> Option<TokenCredential> {
        let token = Zeroizing::new(URL_SAFE_NO_PAD.decode(raw.whole()).ok()?);
        TokenCredential::read_as(self.any_shape, &token)
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Bearer")]
    }

    fn asks_alike(&self) -> bool {
        true
    }

    /// None: no cache keeps what answers a handshake.
    fn fields(&self) -> Vec<Field> {
        Vec::new()
    }

    fn subprotocol(&self) -> Option<&str> {
        Some(&self.prefix)
    }

    fn check(&self) -> Vec<String> {
        if is_short_token(&self.prefix) && self.prefix.bytes().all(is_token_byte) {
            Vec::new()
        } else {
            vec![format!(
                "{:?} cannot begin a subprotocol of tokens: it must be 1 to 64 letters, digits and characters of !#$%&'*+-.^_`|~",
                self.prefix
            )]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Gate, testing::PlainHead, verifier::TokenTable};

    const PREFIX: &str = "base64url.bearer.authorization.k8s.io.";

    /// What is left of the fields, and what is found: `malformed`, a token, or how many there are.
    fn found(head: PlainHead, protocols: &[&str]) -> (Vec<String>, String) {
        let gate = Gate::in_realm("r").accept(Subprotocol::as_kubernetes(), TokenTable::<()>::new()).build().unwrap();
        let head = protocols.iter().fold(head, |head, value| head.with("sec-websocket-protocol", value));
        let head = head.received_by(&gate);
        let kind = Subprotocol::as_kubernetes();
        let mut occurrences = Occurrences::default();
        kind.locate(&head.view(), &mut occurrences);
        let found = match (occurrences.count(), occurrences.only().map(|raw| kind.read(raw))) {
            (_, Some(Some(credential))) => String::from_utf8(credential.token().expose().to_vec()).unwrap(),
            (_, Some(None)) => "malformed".to_owned(),
            (count, None) => count.to_string(),
        };
        let field = "sec-websocket-protocol".parse().unwrap();
        let left = head.view().fields(&field).map(|value| String::from_utf8_lossy(value).into_owned()).collect();
        (left, found)
    }

    #[test]
    fn it_is_found_in_a_handshake_and_taken_out_of_every_request() {
        let handshake = || PlainHead::get("/").with("upgrade", "websocket").with("connection", "Upgrade");
        let token = format!("{PREFIX}YWJj");
        for (protocols, left, expected) in [
            (vec!["chat".to_owned(), token.clone()], vec!["chat"], "abc"),
            (vec![format!("{token}, chat")], vec!["chat"], "abc"),
            (vec![format!("a,{token} , b"), "c".to_owned()], vec!["a, b, c"], "abc"),
            (vec![format!("chat, {token}, {token}")], vec!["chat"], "2"),
            (vec![token.clone(), format!("chat, {token}")], vec!["chat"], "2"),
            (vec![format!("chat, {PREFIX}")], vec!["chat"], "malformed"),
            (vec![format!("chat, {PREFIX}YWJj=")], vec!["chat"], "malformed"),
            (vec![format!("chat, {PREFIX}YWJ")], vec!["chat"], "malformed"),
            (vec![format!("chat, {PREFIX}YSBi")], vec!["chat"], "malformed"),
            (vec![format!("chat, {PREFIX}-_-_")], vec!["chat"], "malformed"),
            // Nothing is left to choose.
            (vec![token.clone()], vec![], "malformed"),
            (vec![format!(", {token},")], vec![], "malformed"),
            // Another prefix is the app's.
            (
                vec![format!("chat, {}YWJj", PREFIX.to_uppercase())],
                vec!["chat, BASE64URL.BEARER.AUTHORIZATION.K8S.IO.YWJj"],
                "0",
            ),
            (vec![format!("chat, x{token}")], vec!["chat, xbase64url.bearer.authorization.k8s.io.YWJj"], "0"),
            (vec!["chat, , v2".to_owned()], vec!["chat, , v2"], "0"),
        ] {
            let protocols: Vec<&str> = protocols.iter().map(String::as_str).collect();
            assert_eq!(
                found(handshake(), &protocols),
                (left.iter().map(|left| (*left).to_owned()).collect(), expected.to_owned()),
                "{protocols:?}"
            );
            // Where nobody opens a WebSocket it is absent, and goes all the same.
            for head in [PlainHead::get("/"), PlainHead::new("POST", "/").with("upgrade", "websocket")] {
                let (taken, found) = found(head, &protocols);
                assert_eq!((taken.len(), found.as_str()), (left.len(), "0"), "{protocols:?}");
            }
        }
    }

    #[test]
    fn a_prefix_is_a_short_token() {
        for (prefix, fits) in
            [(PREFIX, true), ("token-", true), ("", false), ("a b", false), ("a,b", false), ("\u{e4}", false)]
        {
            assert_eq!(Subprotocol::beginning(prefix).check().is_empty(), fits, "{prefix:?}");
        }
        assert!(!Subprotocol::beginning(&"x".repeat(65)).check().is_empty());
    }
}
