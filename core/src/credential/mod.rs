//! The kinds of credential, one file each, and [`Extract`], by which an application adds its own.
//!
//! Extracting has two steps, so that a cached credential costs neither decoding nor an allocation. First the kind says
//! where its raw bytes stand in the request: none, one, or several places, without judging. The gate settles what that means
//! (twice is 400, too long is 431) and looks the bytes up. Only what is not known yet is read: decoded, and checked for form.
//!
//! # What it does not do
//! Whether a well-formed credential is good is a [`Verify`](crate::Verify)'s business.

pub mod api_key;
pub mod basic;
pub mod bearer;
pub mod called;
#[cfg(feature = "certificate")]
pub mod certificate;
mod confirm;
pub mod cookie;
pub mod covers;
#[cfg(feature = "digest")]
pub mod digest;
#[cfg(feature = "jwt")]
pub mod dpop;
pub mod nonces;
pub mod occurrences;
pub mod parameters;
pub mod query_param;
pub mod resource;
pub mod secure_channel;
pub mod signed_link;
#[cfg(feature = "signed-requests")]
pub mod signed_request;
pub mod standing;
pub mod subprotocol;

use std::time::SystemTime;

#[cfg(feature = "certificate")]
pub use self::certificate::{Certificate, CertificateCredential};
#[cfg(feature = "jwt")]
pub use self::dpop::{BoundTokenCredential, Dpop, DpopKey, KeyBound};
pub use self::{
    api_key::ApiKey,
    basic::{Basic, BasicCredential},
    bearer::{Bearer, BearerLike, TokenCredential},
    called::Called,
    confirm::{Confirm, Confirmation, Confirming},
    cookie::{CookieCredential, SameSite, SignedCookie},
    covers::{Covered, Covers},
    nonces::Nonces,
    occurrences::{Occurrences, Raw},
    query_param::QueryParam,
    resource::{ProtectedResource, ResourceBearer},
    secure_channel::Voiding,
    signed_link::{LinkCredential, SignedLink},
    standing::{On, Rank, Sender},
    subprotocol::Subprotocol,
};
use crate::{
    clock::SharedClock,
    request::{Field, RequestView, field},
    response::Challenge,
};

/// A kind of credential: where it stands in a request, how it is read, and how a client is asked for it.
pub trait Extract: Send + Sync + 'static {
    /// What reading yields and a verifier is given.
    type Credential: Send + 'static;

    /// The name by which `only` and a grant speak of this kind, such as `basic`: a token of at most 64 bytes.
    fn scheme(&self) -> &str;

    /// Reports each occurrence of the raw credential: what follows the keyword, the value of the header, the cookie or
    /// the parameter, as sent and without blanks around it; one that is made of several parts, [part by part](occurrences). No
    /// copy, no judgement: an empty one is reported too.
    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>);

    /// What it covers of the request beside its own bytes, such as the method and the target that it signs. What is said of such a
    /// credential is [for its request alone](covers).
    fn covers(&self) -> Vec<Covers> {
        Vec::new()
    }

    /// Whether the credential of this request stands in its body, so that there is nothing to read without: then [`locate`](Self::locate) reports
    /// where it would be, the guard reads the body first, and [`read`](Self::read) is [shown it](Covered::body). For kinds that
    /// [cover](Self::covers) the [body](Covers::Body), such as OAuth 1.0 with its parameters in a form.
    fn stands_in_body(&self, request: &RequestView<'_>) -> bool {
        let _ = request;
        false
    }

    /// Whether it, or a part of it, stands in the query of this request and stays there, because what is signed must arrive as it was sent. The response
    /// then keeps it from the next site and from shared caches, as it does for what [is taken out](Self::parameter).
    fn stands_in_query(&self, request: &RequestView<'_>) -> bool {
        let _ = request;
        false
    }

    /// Reads the raw bytes; `None` if they are malformed. Must depend on nothing but the bytes, on [what they
    /// cover](Raw::covered), and on a clock, for signed values, since what came of them may be remembered.
    fn read(&self, raw: Raw<'_>) -> Option<Self::Credential>;

    /// When the credential itself says that it ends. No answer about it is kept for longer.
    fn ends(&self, credential: &Self::Credential) -> Option<SystemTime> {
        let _ = credential;
        None
    }

    /// The clock by which [`read`](Self::read) tells what has ended, if it does. [`build`](crate::gate::GateBuilder::build) names a
    /// kind whose clock is not the gate's.
    fn clock(&self) -> Option<&SharedClock> {
        None
    }

    /// How a 401 asks for it, the best way first; none if there is no way to ask. The gate adds the realm, unless a challenge goes
    /// [without](Challenge::without_realm).
    ///
    /// Asked for each refusal, so that each can hold a nonce of its own. [`build`](crate::gate::GateBuilder::build) asks too, for a request of which
    /// nothing is known, and names what is no challenge.
    fn challenges(&self, request: &RequestView<'_>) -> Vec<Challenge>;

    /// Fields of a 401 that say how to ask, beside the challenges, such as `Accept-Signature` (RFC 9421 §5). Names are in lower case.
    fn challenge_fields(&self, request: &RequestView<'_>) -> Vec<(&'static str, String)> {
        let _ = request;
        Vec::new()
    }

    /// Whether [`challenges`](Self::challenges) and [`challenge_fields`](Self::challenge_fields) say the same each time, but for what follows from
    /// whether the [channel is secure](RequestView::is_secure). A gate then makes a refusal once and sends it to many, which costs a fraction. Not
    /// unless this says so, since a nonce is new each time.
    fn asks_alike(&self) -> bool {
        false
    }

    /// The header fields that [`locate`](Self::locate) reads, for `Vary`.
    fn fields(&self) -> Vec<Field>;

    /// On what it stands: the request, unless this says otherwise.
    fn on(&self) -> On {
        On::Request
    }

    /// How it counts beside other credentials. Unless this says otherwise, what stands on the request is explicit, and what stands on the
    /// connection comes last.
    fn rank(&self) -> Rank {
        match self.on() {
            On::Request => Rank::Explicit,
            On::Connection => Rank::Fallback,
        }
    }

    /// Who sends it. Unless this says otherwise, a client sends what is explicit, and a browser all else.
    fn sender(&self) -> Sender {
        match self.rank() {
            Rank::Explicit => Sender::Client,
            Rank::Ambient | Rank::Fallback => Sender::Browser,
        }
    }

    /// Whether it must not travel in the clear. One that does is refused with 403, and [never verified](secure_channel).
    fn needs_secure_channel(&self) -> bool {
        false
    }

    /// Whether this one may travel in the clear all the same, where a kind that [needs a secure channel](Self::needs_secure_channel) is made of several
    /// parts and the secret one is not among them. None may, unless this says otherwise.
    fn bears_the_clear(&self, raw: Raw<'_>) -> bool {
        let _ = raw;
        false
    }

    /// What must be done because this, which [needs a secure channel](Self::needs_secure_channel), came over another: whoever listens has it.
    /// Nothing, unless this says otherwise.
    fn seen_in_the_clear(&self, credential: Self::Credential) -> Option<Voiding> {
        drop(credential);
        None
    }

    /// The query parameter that carries it, which is taken out of the URI before the application sees it.
    fn parameter(&self) -> Option<&str> {
        None
    }

    /// The beginning of the WebSocket subprotocol that carries it, which is taken out of `Sec-WebSocket-Protocol` before the application
    /// sees it: see [`subprotocol`].
    fn subprotocol(&self) -> Option<&str> {
        None
    }

    /// A `Set-Cookie` value that makes a browser forget a refused one.
    fn clear(&self, request: &RequestView<'_>) -> Option<String> {
        let _ = request;
        None
    }

    /// What judges whether a request shows what a grant is [bound to](crate::principal::Binding), for bindings that take more than a look.
    /// Without it (as here) a grant that is bound so is refused.
    fn confirm(&self) -> Option<&dyn Confirm> {
        None
    }

    /// What is wrong with the way this kind was set up; [`build`](crate::gate::GateBuilder::build) reports it and does not start.
    fn check(&self) -> Vec<String> {
        Vec::new()
    }

    /// The same kind under another name, so that one gate can take two of a kind: see [`called`].
    #[must_use]
    fn called(self, name: &str) -> Called<Self>
    where
        Self: Sized,
    {
        Called::new(name, self)
    }
}

/// What follows `keyword` in each `Authorization` field (RFC 9110 §11.4: the keyword in any case, then spaces).
///
/// A keyword without anything behind it is reported as empty. A tab is no space: one in front of the credential is reported as part of
/// it, and no kind reads it.
pub fn after_keyword<'h>(keyword: &'h str, request: &RequestView<'h>) -> impl Iterator<Item = &'h [u8]> + use<'h> {
    request.fields(&field::AUTHORIZATION).filter_map(move |value| behind(keyword, value))
}

/// Reports each of them: [`after_keyword`] without anywhere to put the fields.
pub(crate) fn add_after_keyword<'h>(keyword: &str, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
    request.each_authorization(&mut |value| {
        if let Some(raw) = behind(keyword, value) {
            occurrences.add(raw);
        }
    });
}

/// What stands in this value behind the keyword, if it is that one.
fn behind<'h>(keyword: &str, value: &'h [u8]) -> Option<&'h [u8]> {
    let (sent, rest) = value.split_at_checked(keyword.len())?;
    let ends_here = rest.first().is_none_or(|byte| matches!(byte, b' ' | b'\t'));
    (ends_here && sent.eq_ignore_ascii_case(keyword.as_bytes())).then(|| without_spaces(rest))
}

/// Without the spaces in front, and without the blanks behind, which belong to the field (RFC 9110 §5.5).
fn without_spaces(mut rest: &[u8]) -> &[u8] {
    while let [b' ', more @ ..] | [more @ .., b' ' | b'\t'] = rest {
        rest = more;
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::PlainHead;

    #[test]
    fn what_follows_the_keyword_is_the_credential() {
        // H1: case and blanks; H5: the keyword is stripped once.
        let rows: [(&[u8], Option<&[u8]>); 13] = [
            (b"Bearer abc", Some(b"abc")),
            (b"bEARER abc", Some(b"abc")),
            (b"Bearer    abc", Some(b"abc")),
            (b"Bearer\tabc", Some(b"\tabc")),
            (b"Bearer \tabc", Some(b"\tabc")),
            (b"Bearer abc \t", Some(b"abc")),
            (b"Bearer Bearer abc", Some(b"Bearer abc")),
            (b"Bearer", Some(b"")),
            (b"Bearer ", Some(b"")),
            (b"Bearerabc", None),
            (b"Bear", None),
            (b"Basic abc", None),
            (b"Bearer \xff", Some(b"\xff")),
        ];
        for (value, expected) in rows {
            let head = PlainHead::get("/").with("authorization", value);
            assert_eq!(after_keyword("Bearer", &head.view()).next(), expected, "{value:?}");
        }
    }
}
