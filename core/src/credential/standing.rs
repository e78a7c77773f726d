//! How a kind stands: who sends it ([`Sender`]), on what it stands ([`On`]), and how it counts beside others ([`Rank`]).
//!
//! | | who sends it | on what | rank |
//! |---|---|---|---|
//! | a token, a key, a signature | a client, on purpose | the request | explicit |
//! | `Basic` | a browser, by itself | the request | explicit |
//! | a cookie | a browser, by itself | the request | ambient |
//! | a client certificate | a browser, by itself | the connection | fallback |
//!
//! The [cross-site rule](crate::request::origin) goes by the first. The limit of 8 KiB is for what stands on the request.
//!
//! # Why
//! A token that is [bound](crate::principal::Binding::Certificate) to a certificate comes with that certificate on its connection (RFC 8705), and so does
//! whatever else a client sends that has one. If the certificate were a credential like others, each such request would bring two, which is an
//! ambiguity. So it counts by itself only where the request carries nothing else that the guard takes.

/// Who decides that a credential is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "on purpose or by itself: there is no third")]
pub enum Sender {
    /// A client, on purpose: it shows that the client meant this request.
    Client,
    /// A browser, by itself, to whatever page asks it to: a cookie, a certificate, or a name and password that were typed into its dialog. It
    /// shows who sits there, and nothing of who asked; the [cross-site rule](crate::request::origin) applies to it.
    Browser,
}

/// On what a credential stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a request comes over a connection: there is no third")]
pub enum On {
    /// The request: it is sent with each.
    Request,
    /// The connection: it was shown when that was made, and counts for all that comes over it.
    Connection,
}

/// How a credential counts beside others in the same request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "it counts, gives way, or comes last")]
pub enum Rank {
    /// It counts. Two of these in a request are an ambiguity.
    Explicit,
    /// It comes along, as a cookie does. Beside an explicit credential it is not looked at. Two of these are an ambiguity as well, unless the
    /// gate [prefers](crate::gate::GateBuilder::preferring) one.
    Ambient,
    /// It is there anyway, as a certificate is. It counts where the request carries nothing else that the guard takes, not even something wrong.
    /// Beside others it is no ambiguity; of two of these, the first in the gate's order counts.
    Fallback,
}
