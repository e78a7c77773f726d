//! What a verifier says: [`Answer`], and what it knows of a caller: [`Verified`].

use std::{
    error::Error,
    fmt,
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// A verifier's answer to one credential.
#[derive(Debug)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "yes, no, and no answer are all there is")]
pub enum Answer<P> {
    /// The credential is good.
    Verified(Verified<P>),
    /// It is not. Deliberately without a reason: unknown and wrong must read alike.
    Refused,
    /// It could not be found out.
    Unavailable(Unavailable),
}

impl<P> From<Verified<P>> for Answer<P> {
    fn from(verified: Verified<P>) -> Self {
        Self::Verified(verified)
    }
}

impl<P> Answer<P> {
    /// The answer of a look-up: found, not there, or failed.
    pub fn of_lookup<E: Into<Box<dyn Error + Send + Sync>>>(found: Result<Option<Verified<P>>, E>) -> Self {
        match found {
            Ok(Some(verified)) => Self::Verified(verified),
            Ok(None) => Self::Refused,
            Err(error) => Self::Unavailable(Unavailable::because(error)),
        }
    }

    /// The same answer about another view of the principal.
    pub fn map<Q>(self, change: impl FnOnce(P) -> Q) -> Answer<Q> {
        match self {
            Self::Verified(verified) => Answer::Verified(verified.map(change)),
            Self::Refused => Answer::Refused,
            Self::Unavailable(source) => Answer::Unavailable(source),
        }
    }
}

/// Why a verifier has no answer. It goes to the log, never to the client. Cheap to clone.
#[derive(Clone)]
pub struct Unavailable {
    source: Arc<dyn Error + Send + Sync>,
    retry_after: Option<Duration>,
}

impl Unavailable {
    /// For this reason; text will do.
    #[must_use]
    pub fn because(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: Arc::from(source.into()), retry_after: None }
    }

    /// Because there is more to do than can be done at once, and it is worth asking again after so long.
    #[must_use]
    pub fn busy(retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..Self::because("the verifier is busy") }
    }

    /// When it is worth asking again, if the verifier knows.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Debug for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unavailable({})", self.source)
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl Error for Unavailable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

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

/// A set of scopes (RFC 6749 §3.3), in the order they were given.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Scopes(Arc<[Box<str>]>);

impl Scopes {
    /// Reads `a b c`; `None` if a character is not allowed in a scope. Empty text is the empty set.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::of(text.split(' ').filter(|scope| !scope.is_empty()))
    }

    /// These scopes; `None` if one of them is empty or holds a character that is not allowed. What stands twice counts once.
    #[must_use]
    pub fn of<'a>(scopes: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut kept: Vec<Box<str>> = Vec::new();
        for scope in scopes {
            if !is_scope(scope) {
                return None;
            }
            if !kept.iter().any(|known| **known == *scope) {
                kept.push(scope.into());
            }
        }
        Some(Self(kept.into()))
    }

    /// Whether this scope is in the set. Scopes are compared by bytes.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|known| **known == *scope)
    }

    /// Whether every scope of the other set is in this one.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        other.iter().all(|scope| self.contains(scope))
    }

    /// The scopes that both sets hold, in the order of this one.
    #[must_use]
    pub fn both(&self, other: &Self) -> Self {
        Self(self.0.iter().filter(|scope| other.contains(scope)).cloned().collect())
    }

    /// The scopes, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(|scope| &**scope)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter()).finish()
    }
}

/// One scope: printable ASCII without blank, quote and backslash (RFC 6749 §3.3).
pub(crate) fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

/// A name under which verified credentials can be revoked: 128 bits of a hash over kind and name, the same in every process.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Handle(u128);

/// What a [`Handle`] names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandleKind {
    /// Everything of one subject.
    Subject,
    /// One token.
    Token,
    /// One session.
    Session,
    /// One API key.
    Key,
    /// All tokens that came of one sign-in.
    Family,
}

impl Handle {
    /// A handle of this kind and name.
    #[must_use]
    pub fn of(kind: HandleKind, name: &str) -> Self {
        let label = match kind {
            HandleKind::Subject => "subject",
            HandleKind::Token => "token",
            HandleKind::Session => "session",
            HandleKind::Key => "key",
            HandleKind::Family => "family",
        };
        let mut hasher = blake3::Hasher::new_derive_key("countersign handle v1");
        hasher.update(label.as_bytes()).update(b":").update(name.as_bytes());
        let mut id = [0; 16];
        hasher.finalize_xof().fill(&mut id);
        Self(u128::from_le_bytes(id))
    }

    /// Everything of the subject of this name.
    #[must_use]
    pub fn subject(name: &str) -> Self {
        Self::of(HandleKind::Subject, name)
    }

    /// The handle of these bits, as [`to_bits`](Self::to_bits) gave them: for messages between copies of a service.
    #[must_use]
    pub fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// The bits of the handle.
    #[must_use]
    pub fn to_bits(self) -> u128 {
        self.0
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({:032x})", self.0)
    }
}

/// What a request must show beside the credential itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Binding {
    /// Nothing: a bearer credential.
    #[default]
    Nothing,
    /// Possession of the key with this thumbprint (RFC 7638, SHA-256).
    KeyThumbprint([u8; 32]),
    /// The client certificate with this SHA-256 thumbprint (RFC 8705).
    Certificate([u8; 32]),
    /// A sender from this network.
    AddressPrefix {
        /// Any address of the network.
        network: IpAddr,
        /// How many leading bits count.
        bits: u8,
    },
    /// The same `User-Agent`, byte for byte.
    Agent(Box<str>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_hold_what_rfc_6749_allows() {
        for (text, expected) in
            [("a b", Some("a b")), ("", Some("")), ("a  b a", Some("a b")), ("a\"b", None), ("a\tb", None), ("ä", None)]
        {
            assert_eq!(Scopes::parse(text).map(|scopes| scopes.to_string()).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn the_earliest_end_counts() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(Verified::new(()).not_after(at(9)).not_after(at(5)).not_after(at(7)).ends(), Some(at(5)));
    }

    #[test]
    fn handles_differ_by_kind_and_name() {
        let handles = [
            Handle::subject("a"),
            Handle::subject("b"),
            Handle::of(HandleKind::Key, "a"),
            Handle::of(HandleKind::Token, "a"),
        ];
        for (index, handle) in handles.iter().enumerate() {
            assert!(handles.iter().skip(index + 1).all(|other| other != handle));
        }
    }
}
