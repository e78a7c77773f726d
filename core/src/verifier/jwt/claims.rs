//! The claims of a token whose signature is good.

use std::{
    borrow::Cow,
    collections::HashSet,
    fmt,
    time::{Duration, SystemTime},
};

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor},
};
use serde_json::Value;
use thiserror::Error;

use super::confirmation::Confirmation;
use crate::{
    clock::later,
    jose::text::{NumericDate, Text, Texts},
    principal::{Authentication, Binding, Scopes},
};

/// The claims of a verified token: the registered ones by name, all others by [`get`](Self::get) or into a type of the
/// application's by [`parse`](Self::parse).
///
/// What stands in a registered claim has the type of RFC 7519 §4.1, and no name stands there twice; a token of which that is
/// not so was refused.
pub struct Claims<'t> {
    json: &'t str,
    registered: Registered<'t>,
    scopes: Scopes,
}

/// A claim is there and is not what it was asked for as. It quotes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a claim of the token is not of the expected type")]
#[non_exhaustive]
pub struct IllTypedClaim;

#[derive(Default)]
pub(super) struct Registered<'t> {
    pub(super) iss: Option<Cow<'t, str>>,
    pub(super) sub: Option<Cow<'t, str>>,
    pub(super) jti: Option<Cow<'t, str>>,
    pub(super) aud: Option<Texts<'t>>,
    pub(super) exp: Option<NumericDate>,
    pub(super) nbf: Option<NumericDate>,
    pub(super) iat: Option<NumericDate>,
    scope: Option<Texts<'t>>,
    scp: Option<Texts<'t>>,
    named_scope: Option<Texts<'t>>,
    /// What the token is bound to (`cnf`).
    pub(super) binding: Binding,
    acr: Option<Box<str>>,
    auth_time: Option<Duration>,
}

impl<'t> Claims<'t> {
    /// Reads a JSON object; `None` if it is none, a registered claim is ill-typed, a name stands there twice, or scopes are
    /// none. `scope_claim` is the one that an application named instead of `scope` and `scp`.
    pub(in crate::verifier) fn read(json: &'t str, scope_claim: Option<&str>) -> Option<Self> {
        let mut reader = serde_json::Deserializer::from_str(json);
        let registered = Everything { scope_claim }.deserialize(&mut reader).ok()?;
        reader.end().ok()?;
        let scopes = match scope_claim {
            Some(_) => registered.named_scope.as_ref(),
            None => registered.scope.as_ref().or(registered.scp.as_ref()),
        };
        let scopes = scopes.map_or(Some(Scopes::default()), scopes_of)?;
        Some(Self { json, registered, scopes })
    }

    pub(super) fn registered(&self) -> &Registered<'t> {
        &self.registered
    }

    /// Who issued the token (`iss`).
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.registered.iss.as_deref()
    }

    /// Whom it is about (`sub`); never empty.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.registered.sub.as_deref()
    }

    /// Its own id (`jti`).
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.registered.jti.as_deref()
    }

    /// Whom it is for (`aud`), in its order.
    pub fn audiences(&self) -> impl Iterator<Item = &str> {
        self.registered.aud.iter().flat_map(Texts::iter)
    }

    /// When it ends (`exp`), without leeway.
    #[must_use]
    pub fn ends(&self) -> Option<SystemTime> {
        moment(self.registered.exp)
    }

    /// When it was issued (`iat`), as the issuer says; nothing is refused for it.
    #[must_use]
    pub fn issued(&self) -> Option<SystemTime> {
        moment(self.registered.iat)
    }

    /// Its scopes.
    #[must_use]
    pub fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    /// How and when the subject signed in (`acr`, `auth_time`), if the token says anything of it. What is not a string, or no moment, says
    /// nothing.
    #[must_use]
    pub fn authentication(&self) -> Option<Authentication> {
        let (context, time) = (self.registered.acr.as_deref(), self.registered.auth_time);
        let time = time.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
        let known = context.into_iter().fold(Authentication::default(), Authentication::in_context);
        let known = time.into_iter().fold(known, Authentication::at);
        (known != Authentication::default()).then_some(known)
    }

    /// The claim of this name, if it is there.
    ///
    /// # Errors
    /// When it is there and cannot be read as a `T`.
    pub fn get<T: Deserialize<'t>>(&self, name: &str) -> Result<Option<T>, IllTypedClaim> {
        let mut reader = serde_json::Deserializer::from_str(self.json);
        One { name, found: None }.deserialize(&mut reader).map_err(|_| IllTypedClaim)
    }

    /// All claims as a value of the application's.
    ///
    /// # Errors
    /// When they cannot be read as a `T`.
    pub fn parse<T: Deserialize<'t>>(&self) -> Result<T, IllTypedClaim> {
        serde_json::from_str(self.json).map_err(|_| IllTypedClaim)
    }
}

impl fmt::Debug for Claims<'_> {
    /// Leaves all out but the end: the rest is about people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims").field("ends", &self.ends()).finish_non_exhaustive()
    }
}

pub(super) fn moment(date: Option<NumericDate>) -> Option<SystemTime> {
    date.and_then(|date| SystemTime::UNIX_EPOCH.checked_add(date.0))
}

pub(super) fn moment_after(date: Option<NumericDate>, leeway: Duration) -> Option<SystemTime> {
    moment(date).map(|moment| later(moment, leeway).max(moment))
}

/// The `iss` of claims that are not believed yet, to find the issuer's keys by. Nothing else is read.
pub(super) fn peek_issuer(json: &str) -> Option<Cow<'_, str>> {
    let mut reader = serde_json::Deserializer::from_str(json);
    One::<Text<'_>> { name: "iss", found: None }.deserialize(&mut reader).ok()?.map(|issuer| issuer.0)
}

/// Text is split at blanks; each entry of a list is one scope.
fn scopes_of(texts: &Texts<'_>) -> Option<Scopes> {
    match texts {
        Texts::One(text) => text.parse().ok(),
        Texts::Many(_) => Scopes::of(texts.iter()).ok(),
    }
}

/// Reads the registered claims and sees to it that no name stands there twice.
struct Everything<'s> {
    scope_claim: Option<&'s str>,
}

/// Reads the claim of one name, which must not stand there twice.
struct One<'n, T> {
    name: &'n str,
    found: Option<T>,
}

impl<'de> DeserializeSeed<'de> for Everything<'_> {
    type Value = Registered<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Registered<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Everything<'_> {
    type Value = Registered<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("claims")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Registered<'de>, A::Error> {
        let mut registered = Registered::default();
        let (mut seen, mut names) = (0_u16, Names::default());
        while let Some(Text(name)) = map.next_key()? {
            // Each name that is known has a bit, and costs no look at a list.
            let bit: u16 = match &*name {
                "iss" => {
                    registered.iss = Some(map.next_value::<Text<'de>>()?.0);
                    1
                }
                "sub" => {
                    registered.sub = Some(map.next_value::<Text<'de>>()?.0);
                    1 << 1
                }
                "jti" => {
                    registered.jti = Some(map.next_value::<Text<'de>>()?.0);
                    1 << 2
                }
                "aud" => {
                    registered.aud = Some(map.next_value()?);
                    1 << 3
                }
                "exp" => {
                    registered.exp = Some(map.next_value()?);
                    1 << 4
                }
                "nbf" => {
                    registered.nbf = Some(map.next_value()?);
                    1 << 5
                }
                "iat" => {
                    registered.iat = Some(map.next_value()?);
                    1 << 6
                }
                "cnf" => {
                    registered.binding = map.next_value::<Confirmation>()?.0;
                    1 << 7
                }
                "acr" => {
                    registered.acr = map.next_value::<Value>()?.as_str().map(Into::into);
                    1 << 8
                }
                "auth_time" => {
                    let seconds = map.next_value::<Value>()?.as_f64();
                    registered.auth_time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                    1 << 9
                }
                named if Some(named) == self.scope_claim => {
                    registered.named_scope = Some(map.next_value()?);
                    1 << 10
                }
                "scope" => {
                    registered.scope = Some(map.next_value()?);
                    1 << 11
                }
                "scp" => {
                    registered.scp = Some(map.next_value()?);
                    1 << 12
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    0
                }
            };
            let is_new = if bit == 0 { names.add(name) } else { seen & bit == 0 };
            if !is_new {
                return Err(A::Error::custom("a claim stands there twice"));
            }
            seen |= bit;
        }
        if registered.sub.as_deref() == Some("") {
            return Err(A::Error::custom("an empty subject"));
        }
        Ok(registered)
    }
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for One<'_, T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for One<'_, T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("claims")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Option<T>, A::Error> {
        while let Some(Text(name)) = map.next_key()? {
            if *name != *self.name {
                map.next_value::<IgnoredAny>()?;
            } else if self.found.replace(map.next_value()?).is_some() {
                return Err(A::Error::custom("a claim stands there twice"));
            }
        }
        Ok(self.found)
    }
}

/// The names seen so far: a list while it is short, so that an honest token costs one allocation here.
#[derive(Default)]
struct Names<'t> {
    few: Vec<Cow<'t, str>>,
    many: HashSet<Cow<'t, str>>,
}

impl<'t> Names<'t> {
    const FEW: usize = 32;

    /// Whether it is new.
    fn add(&mut self, name: Cow<'t, str>) -> bool {
        if self.few.contains(&name) {
            return false;
        }
        if self.few.len() < Self::FEW {
            if self.few.capacity() == 0 {
                self.few.reserve(Self::FEW / 2);
            }
            self.few.push(name);
            return true;
        }
        self.many.insert(name)
    }
}
