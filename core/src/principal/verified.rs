//! What a verifier knows of a caller: [`Verified`].

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use super::{Binding, Handle, Scopes};

/// Who a good credential names, and what limits it.
///
/// # Example
/// ```
/// use countersign::Verified;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let verified = Verified::new("Emily").with_subject("emily").with_scopes("reports:read".parse()?);
/// assert!(verified.scopes().contains("reports:read"));
/// # Ok(()) }
/// ```
#[must_use]
#[derive(Clone)]
pub struct Verified<P> {
    principal: P,
    subject: Option<Box<str>>,
    scopes: Scopes,
    roles: Box<[Box<str>]>,
    ends: Option<SystemTime>,
    handles: Vec<Handle>,
    binding: Binding,
    narrowed: bool,
    kept_for: Option<Duration>,
}

impl<P> Verified<P> {
    /// A caller without scopes, roles, end or name.
    pub fn new(principal: P) -> Self {
        Self {
            principal,
            subject: None,
            scopes: Scopes::default(),
            roles: Box::default(),
            ends: None,
            handles: Vec::new(),
            binding: Binding::Nothing,
            narrowed: false,
            kept_for: None,
        }
    }

    /// Names the subject. `subject_is` compares it, and everything that was verified for it can be revoked by it.
    pub fn with_subject(mut self, subject: impl Into<Box<str>>) -> Self {
        let subject = subject.into();
        self.handles.push(Handle::subject(&subject));
        self.subject = Some(subject);
        self
    }

    /// What the credential may be used for.
    pub fn with_scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = scopes;
        self
    }

    /// What the caller is, in the application's words.
    pub fn with_roles<R: Into<Box<str>>>(mut self, roles: impl IntoIterator<Item = R>) -> Self {
        self.roles = roles.into_iter().map(Into::into).collect();
        self
    }

    /// The moment from which this no longer holds (exclusive). Of several, the earliest counts.
    pub fn ending_at(mut self, end: SystemTime) -> Self {
        self.ends = Some(self.ends.map_or(end, |earlier| earlier.min(end)));
        self
    }

    /// A name under which this can be revoked, beside that of the subject. Said twice, it counts once.
    pub fn revocable_by(mut self, handle: Handle) -> Self {
        if !self.handles.contains(&handle) {
            self.handles.push(handle);
        }
        self
    }

    /// With room for so many handles, so that they are allocated at once.
    #[cfg(feature = "jwt")]
    pub(crate) fn with_room_for(mut self, handles: usize) -> Self {
        self.handles.reserve_exact(handles);
        self
    }

    /// The longest that a cache may reuse this without asking the verifier again, where its [terms](crate::verifier::Terms) let it be kept.
    /// Of several, the shortest counts.
    pub fn kept_for(mut self, life: Duration) -> Self {
        self.kept_for = Some(self.kept_for.map_or(life, |shorter| shorter.min(life)));
        self
    }

    pub(crate) fn life(&self) -> Option<Duration> {
        self.kept_for
    }

    /// What a request must show beside the credential.
    pub fn bound_to(mut self, binding: Binding) -> Self {
        self.binding = binding;
        self
    }

    /// The same caller by a credential that was issued for these scopes alone: it holds those of them that the caller still has.
    ///
    /// Roles come only with a credential that was issued for `all` that its owner had.
    pub fn narrowed_to(mut self, issued: &Scopes, all: bool) -> Self {
        self.scopes = issued.both(&self.scopes);
        if !all {
            self.roles = Box::default();
            self.narrowed = true;
        }
        self
    }

    /// Whether the credential was issued for less than its owner had.
    pub(crate) fn is_narrowed(&self) -> bool {
        self.narrowed
    }

    /// The same about another view of the principal.
    pub fn map<Q>(self, change: impl FnOnce(P) -> Q) -> Verified<Q> {
        Verified {
            principal: change(self.principal),
            subject: self.subject,
            scopes: self.scopes,
            roles: self.roles,
            ends: self.ends,
            handles: self.handles,
            binding: self.binding,
            narrowed: self.narrowed,
            kept_for: self.kept_for,
        }
    }

    /// Who it is.
    pub fn principal(&self) -> &P {
        &self.principal
    }

    /// The name of the subject, if the verifier gave one.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// The scopes.
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// The roles, in the verifier's order.
    pub fn roles(&self) -> &[Box<str>] {
        &self.roles
    }

    /// The end, if there is one.
    pub fn ends(&self) -> Option<SystemTime> {
        self.ends
    }

    /// Everything this can be revoked by.
    pub fn handles(&self) -> &[Handle] {
        &self.handles
    }

    /// What it is bound to.
    pub fn binding(&self) -> &Binding {
        &self.binding
    }
}

impl<P> fmt::Debug for Verified<P> {
    /// Leaves the principal out: it is the application's, and may hold what must not be printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("subject", &self.subject)
            .field("scopes", &self.scopes)
            .field("roles", &self.roles)
            .field("ends", &self.ends)
            .field("binding", &self.binding)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_earliest_end_counts() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(Verified::new(()).ending_at(at(9)).ending_at(at(5)).ending_at(at(7)).ends(), Some(at(5)));
    }
}
