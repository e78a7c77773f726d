//! What a verifier knows of a caller: [`Verified`].

use std::{fmt, time::SystemTime};

use super::{Binding, Handle, Scopes};

/// Who a good credential names, and what limits it.
///
/// # Example
/// ```
/// use countersign::{Scopes, Verified};
///
/// let verified = Verified::new("Emily").subject("emily").scopes(Scopes::parse("reports:read").unwrap());
/// assert!(verified.granted_scopes().contains("reports:read"));
/// ```
#[must_use]
#[derive(Clone)]
pub struct Verified<P> {
    principal: P,
    subject: Option<Box<str>>,
    scopes: Scopes,
    roles: Box<[Box<str>]>,
    not_after: Option<SystemTime>,
    handles: Vec<Handle>,
    bound_to: Binding,
    narrowed: bool,
}

impl<P> Verified<P> {
    /// A caller without scopes, roles, end or name.
    pub fn new(principal: P) -> Self {
        Self {
            principal,
            subject: None,
            scopes: Scopes::default(),
            roles: Box::default(),
            not_after: None,
            handles: Vec::new(),
            bound_to: Binding::Nothing,
            narrowed: false,
        }
    }

    /// Names the subject. `subject_is` compares it, and everything that was verified for it can be revoked by it.
    pub fn subject(mut self, subject: impl Into<Box<str>>) -> Self {
        let subject = subject.into();
        self.handles.push(Handle::subject(&subject));
        self.subject = Some(subject);
        self
    }

    /// What the credential may be used for.
    pub fn scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = scopes;
        self
    }

    /// What the caller is, in the application's words.
    pub fn roles<R: Into<Box<str>>>(mut self, roles: impl IntoIterator<Item = R>) -> Self {
        self.roles = roles.into_iter().map(Into::into).collect();
        self
    }

    /// The moment from which this no longer holds (exclusive). Of several, the earliest counts.
    pub fn not_after(mut self, end: SystemTime) -> Self {
        self.not_after = Some(self.not_after.map_or(end, |earlier| earlier.min(end)));
        self
    }

    /// A name under which this can be revoked, beside that of the subject.
    pub fn revocable_by(mut self, handle: Handle) -> Self {
        self.handles.push(handle);
        self
    }

    /// What a request must show beside the credential.
    pub fn bound_to(mut self, binding: Binding) -> Self {
        self.bound_to = binding;
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
            not_after: self.not_after,
            handles: self.handles,
            bound_to: self.bound_to,
            narrowed: self.narrowed,
        }
    }

    /// Who it is.
    pub fn principal(&self) -> &P {
        &self.principal
    }

    /// The name of the subject, if the verifier gave one.
    pub fn subject_name(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// The scopes.
    pub fn granted_scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// The roles, in the verifier's order.
    pub fn granted_roles(&self) -> &[Box<str>] {
        &self.roles
    }

    /// The end, if there is one.
    pub fn ends(&self) -> Option<SystemTime> {
        self.not_after
    }

    /// Everything this can be revoked by.
    pub fn handles(&self) -> &[Handle] {
        &self.handles
    }

    /// What it is bound to.
    pub fn binding(&self) -> &Binding {
        &self.bound_to
    }
}

impl<P> fmt::Debug for Verified<P> {
    /// Leaves the principal out: it is the application's, and may hold what must not be printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified")
            .field("subject", &self.subject)
            .field("scopes", &self.scopes)
            .field("roles", &self.roles)
            .field("not_after", &self.not_after)
            .field("bound_to", &self.bound_to)
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
        assert_eq!(Verified::new(()).not_after(at(9)).not_after(at(5)).not_after(at(7)).ends(), Some(at(5)));
    }
}
