//! The short cookie: the session's id, sealed, for minutes.

use std::{fmt, sync::Arc, time::SystemTime};

use async_trait::async_trait;

use super::{DeviceSessions, Rules, handle};
use crate::{
    clock::SharedClock,
    credential::{
        Extract, Nonces, Occurrences, Rank, Raw, Sender,
        cookie::{challenge, fault_of_name},
    },
    request::{Field, RequestView, field},
    response::Challenge,
    unavailable::Unavailable,
    verifier::{Answer, Verify},
};

/// The cookie of a session that is bound to a device. See the [module](super).
pub struct DeviceCookie {
    rules: Arc<Rules>,
}

/// A session whose device has shown lately that it holds its key.
#[derive(Clone)]
pub struct DeviceCookieCredential {
    pub(super) id: Box<str>,
    ends: SystemTime,
}

impl DeviceCookie {
    pub(super) fn of(rules: Arc<Rules>) -> Self {
        Self { rules }
    }
}

fn nonces(rules: &Rules) -> Nonces {
    rules.nonces("cookie of a bound session").living(rules.short)
}

/// The value of a cookie that begins to count now.
pub(super) fn value(rules: &Rules, id: &str) -> String {
    format!("{id}~{}", nonces(rules).hand_out_to(id))
}

impl Extract for DeviceCookie {
    type Credential = DeviceCookieCredential;

    fn scheme(&self) -> &str {
        "device-bound"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        request.each_cookie(&self.rules.bound, &mut |raw| occurrences.add(raw));
    }

    fn read(&self, raw: Raw<'_>) -> Option<DeviceCookieCredential> {
        let (id, sealed) = std::str::from_utf8(raw.whole()).ok()?.split_once('~')?;
        let ends = nonces(&self.rules).end_of(id, sealed.as_bytes())?;
        Some(DeviceCookieCredential { id: id.into(), ends })
    }

    fn ends(&self, credential: &DeviceCookieCredential) -> Option<SystemTime> {
        Some(credential.ends)
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.rules.clock)
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![challenge(&self.rules.bound)]
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::COOKIE.clone()]
    }

    fn rank(&self) -> Rank {
        Rank::Ambient
    }

    fn sender(&self) -> Sender {
        Sender::Browser
    }

    fn check(&self) -> Vec<String> {
        let rules = &self.rules;
        let names = [&rules.first, &rules.bound];
        let mut faults: Vec<String> = names.into_iter().filter_map(|name| fault_of_name(name)).collect();
        if rules.first == rules.bound {
            faults.push(format!("two cookies of a device-bound session cannot both be {:?}", rules.first));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        if !rules.path.starts_with('/') || rules.path.ends_with('/') || !rules.path.bytes().all(plain) {
            faults.push(format!(
                "{:?} cannot be a path below which sessions count; write one such as /account",
                rules.path
            ));
        }
        faults
    }
}

impl<P: Send + Sync + 'static> DeviceSessions<P> {
    async fn look_up(&self, credential: &DeviceCookieCredential) -> Result<Answer<P>, Unavailable> {
        let Some(record) = self.find(&credential.id).await?.filter(|record| record.key.is_some()) else {
            return Ok(Answer::refused("there is no such session, or it has ended"));
        };
        let Some(verified) = self.directory.find(&record.subject).await? else {
            return Ok(Answer::refused("the directory does not know its subject"));
        };
        Ok(verified.ending_at(record.ends.min(credential.ends)).revocable_by(handle(&credential.id)).into())
    }
}

/// The store is asked for each request: a session that is over opens nothing from then on.
#[async_trait]
impl<P: Send + Sync + 'static> Verify<DeviceCookieCredential> for DeviceSessions<P> {
    type Principal = P;

    async fn verify(&self, credential: DeviceCookieCredential) -> Answer<P> {
        self.look_up(&credential).await.unwrap_or_else(Answer::Unavailable)
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.rules.clock)
    }
}

impl fmt::Debug for DeviceCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceCookie").field("name", &self.rules.bound).finish_non_exhaustive()
    }
}

impl fmt::Debug for DeviceCookieCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceCookieCredential").field("ends", &self.ends).finish_non_exhaustive()
    }
}
