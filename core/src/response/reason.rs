//! Why a request was not admitted, in the words that a client may know: [`Reason`].

/// Why a request was not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// A credential is longer than the gate reads: 431.
    TooLarge,
    /// A body that the credential covers is longer than the gate reads: 413.
    BodyTooLong,
    /// A body that the credential covers comes too slowly: 408.
    BodyTooSlow,
    /// A body that the credential covers ended before it was whole: 400, `invalid_request`.
    BodyBrokenOff,
    /// Two credentials, or one twice: 400, `invalid_request`.
    Ambiguous,
    /// The host is named twice, or in a form that is none: 400, `invalid_request`.
    BadHost,
    /// None of the schemes was used: 401.
    NoCredential,
    /// The credential is malformed, wrong, expired, revoked, or not confirmed: 401.
    BadCredential,
    /// Too many wrong passwords: 429.
    TooManyTries,
    /// The verifier could not find out: 503.
    Unavailable,
    /// A credential that needs a secure channel came in the clear, and is void where its kind can void it: 403.
    InTheClear,
    /// A good cookie on a request that another site made: 403.
    CrossSite,
    /// A policy does not permit it: 403.
    Forbidden,
    /// The caller signed in too weakly, or too long ago, for this: 401, `insufficient_user_authentication` (RFC 9470).
    WeakSignIn,
    /// The credential was not issued with the scope it takes: 403, `insufficient_scope`.
    MissingScope,
    /// The app is set up wrongly: 500. The log says what to do.
    Misconfigured,
    /// An endpoint cannot do what the request says, whoever sent it: 400, 404, 408, 409, 413 or 415, as
    /// [`Rejection::status`](super::Rejection::status) says. It is shown to pages, and counted nowhere.
    Request,
}

impl Reason {
    /// The status code.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Ambiguous | Self::BadHost | Self::BodyBrokenOff | Self::Request => 400,
            Self::NoCredential | Self::BadCredential | Self::WeakSignIn => 401,
            Self::InTheClear | Self::CrossSite | Self::Forbidden | Self::MissingScope => 403,
            Self::BodyTooSlow => 408,
            Self::BodyTooLong => 413,
            Self::TooManyTries => 429,
            Self::TooLarge => 431,
            Self::Misconfigured => 500,
            Self::Unavailable => 503,
        }
    }

    /// A short name that never changes, for counters and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::BodyTooLong => "body_too_long",
            Self::BodyTooSlow => "body_too_slow",
            Self::BodyBrokenOff => "body_broken_off",
            Self::Ambiguous => "ambiguous",
            Self::BadHost => "bad_host",
            Self::NoCredential => "no_credential",
            Self::BadCredential => "bad_credential",
            Self::TooManyTries => "too_many_tries",
            Self::Unavailable => "unavailable",
            Self::InTheClear => "in_the_clear",
            Self::CrossSite => "cross_site",
            Self::Forbidden => "forbidden",
            Self::WeakSignIn => "weak_sign_in",
            Self::MissingScope => "missing_scope",
            Self::Request => "request",
            Self::Misconfigured => "misconfigured",
        }
    }

    /// Where it stands among [all](Self::ALL); beyond them, if it is not counted.
    pub(crate) fn place(self) -> usize {
        self as usize
    }

    /// Every reason that is counted.
    pub(crate) const ALL: [Self; 16] = [
        Self::TooLarge,
        Self::BodyTooLong,
        Self::BodyTooSlow,
        Self::BodyBrokenOff,
        Self::Ambiguous,
        Self::BadHost,
        Self::NoCredential,
        Self::BadCredential,
        Self::TooManyTries,
        Self::Unavailable,
        Self::InTheClear,
        Self::CrossSite,
        Self::Forbidden,
        Self::WeakSignIn,
        Self::MissingScope,
        Self::Misconfigured,
    ];

    pub(super) fn detail(self) -> &'static str {
        match self {
            Self::TooLarge => "The credential is too long.",
            Self::BodyTooLong => "The body is longer than what is verified.",
            Self::BodyTooSlow => "The body comes too slowly.",
            Self::BodyBrokenOff => "The body ended before it was whole.",
            Self::Ambiguous => "The request holds more than one credential; send one, once.",
            Self::BadHost => "The request names its host twice, or in a form that is none.",
            Self::NoCredential => "This takes a credential.",
            Self::BadCredential => "The credential is not valid.",
            Self::TooManyTries => "Too many attempts; try again later.",
            Self::Unavailable => "The credential cannot be verified at the moment; try again later.",
            Self::InTheClear => "The credential takes a secure channel, and came over another.",
            Self::CrossSite => "The request was made by another site.",
            Self::Forbidden => "The caller may not do this.",
            Self::WeakSignIn => "This takes a stronger or a more recent sign-in.",
            Self::MissingScope => "The credential was not issued for this.",
            Self::Request => "The request cannot be answered.",
            Self::Misconfigured => "The service is set up wrongly.",
        }
    }

    pub(super) fn oauth_error(self) -> Option<&'static str> {
        match self {
            Self::Ambiguous | Self::BadHost | Self::BodyBrokenOff => Some("invalid_request"),
            Self::WeakSignIn => Some("insufficient_user_authentication"),
            Self::MissingScope => Some("insufficient_scope"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_that_is_counted_has_its_place() {
        for (place, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason.place(), place, "{}", reason.name());
        }
        assert_eq!(Reason::Request.place(), Reason::ALL.len());
    }
}
