//! What a verifier knows of a caller: [`Verified`].

use std::{
    fmt,
    num::NonZeroU64,
    time::{Duration, SystemTime},
};

use super::{Authentication, Binding, Handle, Scopes};

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
    /// In seconds since 1970.
    names_end: Option<NonZeroU64>,
    handles: Vec<Handle>,
    own_handle: Option<Handle>,
    issued: Option<SystemTime>,
    generation: Option<u64>,
    binding: Binding,
    limited: bool,
    kept_for: Option<Duration>,
    /// Apart, since most have nothing of it, and answers are moved about.
    more: Option<Box<More>>,
}

/// What is known of few credentials.
#[derive(Clone, Default)]
struct More {
    authentication: Option<Authentication>,
    credential_id: Option<Box<str>>,
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
            names_end: None,
            handles: Vec::new(),
            own_handle: None,
            issued: None,
            generation: None,
            binding: Binding::Nothing,
            limited: false,
            kept_for: None,
            more: None,
        }
    }

    /// Names the subject. `subject_is` compares it, and everything that was verified for it can be revoked by it.
    pub fn with_subject(mut self, subject: impl AsRef<str>) -> Self {
        let subject = subject.as_ref();
        self.handles.push(Handle::subject(subject));
        self.subject = Some(subject.into());
        self
    }

    /// What the credential may be used for.
    pub fn with_scopes(mut self, scopes: Scopes) -> Self {
        self.scopes = scopes;
        self
    }

    /// What the caller is, in the application's words.
    pub fn with_roles<R: AsRef<str>>(mut self, roles: impl IntoIterator<Item = R>) -> Self {
        self.roles = roles.into_iter().map(|role| role.as_ref().into()).collect();
        self
    }

    /// The moment from which this no longer holds (exclusive). Of several, the earliest counts.
    pub fn ending_at(mut self, end: SystemTime) -> Self {
        self.ends = Some(self.ends.map_or(end, |earlier| earlier.min(end)));
        self
    }

    /// The end that the credential names itself, to the second, where it is let in for a little longer because clocks differ: what to show to people.
    pub fn naming_its_end(mut self, end: SystemTime) -> Self {
        let seconds = end.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        self.names_end = NonZeroU64::new(seconds);
        self
    }

    /// With the end of another, if that is earlier, and with the end that it names.
    pub(crate) fn limited_like<Q>(mut self, other: &Verified<Q>) -> Self {
        self.names_end = other.names_end;
        match other.ends {
            Some(end) => self.ending_at(end),
            None => self,
        }
    }

    /// A name under which this can be revoked, beside that of the subject. Said twice, it counts once.
    pub fn revocable_by(mut self, handle: Handle) -> Self {
        if !self.handles.contains(&handle) {
            self.handles.push(handle);
        }
        self
    }

    /// The name of this very credential, or of all that came of its sign-in: revocable by it too, and what its holder ends by giving the
    /// credential back. Of several, the last counts.
    pub fn with_own_handle(mut self, handle: Handle) -> Self {
        self.own_handle = Some(handle);
        self.revocable_by(handle)
    }

    /// When the credential was issued, as its issuer says.
    pub fn issued_at(mut self, time: SystemTime) -> Self {
        self.issued = Some(time);
        self
    }

    /// In which generation of its subject the credential was issued: see [`SubjectFloor`](crate::store::SubjectFloor). What is handed out
    /// to its holder is of the same generation, so that revoking the subject voids both.
    pub fn in_generation(mut self, generation: u64) -> Self {
        self.generation = Some(generation);
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

    /// When the person behind this last proved who they are, by a password or its like: `auth_time` of OpenID Connect. For
    /// policies such as [`signed_in_within`](crate::gate::policy::signed_in_within).
    pub fn authenticated_at(mut self, time: SystemTime) -> Self {
        let more = self.more.get_or_insert_default();
        more.authentication = Some(more.authentication.take().unwrap_or_default().at(time));
        self
    }

    /// By which its owner speaks of the credential, such as the id of a session or of a key in a list. Of no use as a credential.
    pub fn with_credential_id(mut self, id: impl Into<Box<str>>) -> Self {
        self.more.get_or_insert_default().credential_id = Some(id.into());
        self
    }

    /// What a request must show beside the credential.
    pub fn bound_to(mut self, binding: Binding) -> Self {
        self.binding = binding;
        self
    }

    /// What a request must show as well. What is required already stays required.
    pub fn bound_to_also(mut self, binding: Binding) -> Self {
        self.binding = self.binding.and(binding);
        self
    }

    /// How and when the caller signed in, as far as it is known: for [`step_up`](crate::gate::policy::step_up).
    pub fn authenticated(mut self, how: Authentication) -> Self {
        self.more.get_or_insert_default().authentication = Some(how);
        self
    }

    /// How and when the caller signed in, if it is known.
    pub fn authentication(&self) -> Option<&Authentication> {
        self.more.as_ref()?.authentication.as_ref()
    }

    /// The same caller by a credential that was issued for these scopes, **by name**: it holds those of them that the caller still has.
    ///
    /// Roles come along only if the scopes cover all that the caller has, as it is now, and never with none. So a credential for some of
    /// a caller's scopes has no roles, and one for all of them loses its roles when the caller is promoted.
    pub fn narrowed_to(mut self, named: &Scopes) -> Self {
        if named.is_empty() || !named.covers(&self.scopes) {
            self.roles = Box::default();
        }
        self.limited_to(named)
    }

    /// The same caller by a credential for which no scopes were named when these were all that the caller had: it holds those of them that
    /// the caller still has, and all roles.
    pub fn limited_to(mut self, issued: &Scopes) -> Self {
        self.scopes = issued.both(&self.scopes);
        self.limited = true;
        self
    }

    /// Whether the credential holds what it was issued for, rather than all that its owner has. What it hands on holds no more.
    pub(crate) fn is_limited(&self) -> bool {
        self.limited
    }

    /// The same about another view of the principal.
    pub fn map<Q>(self, change: impl FnOnce(P) -> Q) -> Verified<Q> {
        Verified {
            principal: change(self.principal),
            subject: self.subject,
            scopes: self.scopes,
            roles: self.roles,
            ends: self.ends,
            names_end: self.names_end,
            handles: self.handles,
            own_handle: self.own_handle,
            issued: self.issued,
            generation: self.generation,
            binding: self.binding,
            limited: self.limited,
            kept_for: self.kept_for,
            more: self.more,
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

    /// The end that the credential names, or that it has: never later than [`ends`](Self::ends), and earlier where clocks may differ.
    pub fn named_end(&self) -> Option<SystemTime> {
        let named = self.names_end.and_then(|end| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(end.get())));
        match (named, self.ends) {
            (Some(named), Some(ends)) => Some(named.min(ends)),
            (named, ends) => named.or(ends),
        }
    }

    /// Everything this can be revoked by.
    pub fn handles(&self) -> &[Handle] {
        &self.handles
    }

    /// The name of this very credential, if it has one: see [`with_own_handle`](Self::with_own_handle).
    pub fn own_handle(&self) -> Option<Handle> {
        self.own_handle
    }

    /// When it was issued, if its issuer says so.
    pub fn issued(&self) -> Option<SystemTime> {
        self.issued
    }

    /// In which generation of its subject it was issued, if that is known.
    pub fn generation(&self) -> Option<u64> {
        self.generation
    }

    /// By which its owner speaks of the credential, if it has an id.
    pub fn credential_id(&self) -> Option<&str> {
        self.more.as_ref()?.credential_id.as_deref()
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

    #[test]
    fn scopes_and_roles_are_judged_by_what_the_owner_has_now() {
        let scopes = |text: &str| text.parse::<Scopes>().unwrap();
        // Named at issue, what the owner has now, what is held, whether roles come along.
        let rows = [
            ("read", "read", "read", true),
            ("read", "read write", "read", false),
            ("read write", "read", "read", true),
            ("read write", "read write", "read write", true),
            ("write", "read", "", false),
            ("", "read", "", false),
            ("", "", "", false),
            ("read", "", "", true),
        ];
        for (named, has, held, with_roles) in rows {
            let owner = || Verified::new(()).with_scopes(scopes(has)).with_roles(["admin"]);
            let named = scopes(named);
            let verified = owner().narrowed_to(&named);
            assert_eq!(
                (verified.scopes().to_string().as_str(), verified.roles().len()),
                (held, usize::from(with_roles))
            );
            let unnamed = owner().limited_to(&named);
            assert_eq!((unnamed.scopes().to_string().as_str(), unnamed.roles().len()), (held, 1), "{named} {has}");
            assert!(verified.is_limited() && unnamed.is_limited() && !owner().is_limited());
        }
    }
}
