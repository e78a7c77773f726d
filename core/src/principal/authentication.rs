//! How and when a caller signed in: [`Authentication`].

use std::time::SystemTime;

/// How and when a caller signed in, as far as whoever let them in says so: `acr` and `auth_time` of OpenID Connect.
///
/// # Example
/// ```
/// use std::time::SystemTime;
/// use countersign::principal::Authentication;
///
/// let now = SystemTime::now();
/// let how = Authentication::default().in_context("urn:example:mfa").at(now);
/// assert_eq!((how.context(), how.time()), (Some("urn:example:mfa"), Some(now)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Authentication {
    context: Option<Box<str>>,
    time: Option<SystemTime>,
}

impl Authentication {
    /// In this authentication context class (`acr`): a name for how strong it was.
    #[must_use]
    pub fn in_context(mut self, name: &str) -> Self {
        self.context = Some(name.into());
        self
    }

    /// At this moment (`auth_time`).
    #[must_use]
    pub fn at(mut self, time: SystemTime) -> Self {
        self.time = Some(time);
        self
    }

    /// The authentication context class, if it was said.
    #[must_use]
    pub fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// When it was, if it was said.
    #[must_use]
    pub fn time(&self) -> Option<SystemTime> {
        self.time
    }
}
