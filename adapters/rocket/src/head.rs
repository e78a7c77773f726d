//! A request's head, read in place.

use std::{borrow::Cow, fmt, net::IpAddr, sync::OnceLock};

use countersign::{adapter::RequestHead, request::Field};
use rocket::Request;

use crate::memory::Memory;

/// The head of a Rocket request.
pub struct RocketHead<'r> {
    request: &'r Request<'r>,
    /// What Rocket takes for the host: `:authority` of HTTP/2, else `Host`.
    authority: OnceLock<Option<String>>,
    /// What the client showed in the handshake.
    #[cfg(feature = "mtls")]
    certificate: OnceLock<Option<&'r [u8]>>,
}

impl<'r> RocketHead<'r> {
    /// Of this request.
    #[must_use]
    pub fn of(request: &'r Request<'_>) -> Self {
        Self {
            request,
            authority: OnceLock::new(),
            #[cfg(feature = "mtls")]
            certificate: OnceLock::new(),
        }
    }
}

impl RequestHead for RocketHead<'_> {
    fn method(&self) -> &str {
        if Memory::of(self.request).is_a_post() { "POST" } else { self.request.method().as_str() }
    }

    fn path(&self) -> &str {
        self.request.uri().path().as_str()
    }

    fn query(&self) -> Option<&str> {
        self.request.uri().query().map(|query| query.as_str())
    }

    fn field(&self, name: &Field, nth: usize) -> Option<&[u8]> {
        self.request.headers().get(name.name()).nth(nth).map(str::as_bytes)
    }

    fn each_value<'h>(&'h self, name: &Field, show: &mut dyn FnMut(&'h [u8])) {
        self.request.headers().get(name.name()).map(str::as_bytes).for_each(show);
    }

    fn each_field_name(&self, show: &mut dyn FnMut(&str)) {
        self.request.headers().iter().for_each(|header| show(header.name.as_str()));
    }

    fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        let route = self.request.route()?;
        let place = route.uri.unmounted_origin.path().raw_segments().position(|segment| {
            segment.as_str().strip_prefix('<').and_then(|segment| segment.strip_suffix('>')) == Some(name)
        })?;
        self.request.param::<&str>(place)?.ok().map(Cow::Borrowed)
    }

    fn peer(&self) -> Option<IpAddr> {
        self.request.remote().map(|remote| remote.ip())
    }

    fn is_secure(&self) -> bool {
        self.request.rocket().config().tls_enabled()
    }

    #[cfg(feature = "mtls")]
    fn certificate(&self) -> Option<&[u8]> {
        *self.certificate.get_or_init(|| shown_by(self.request))
    }

    fn host(&self) -> Option<&[u8]> {
        let mut named = self.request.headers().get("host");
        let (named, again) = (named.next(), named.next());
        if again.is_some() {
            return None;
        }
        let authority = self.authority.get_or_init(|| self.request.host().map(ToString::to_string));
        authority.as_deref().or(named).map(str::as_bytes)
    }
}

/// The certificate of a client, the leaf alone, as Rocket's own guard hands it out. That guard waits for nothing; should it ever, there is none.
#[cfg(feature = "mtls")]
fn shown_by<'r>(request: &'r Request<'r>) -> Option<&'r [u8]> {
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use rocket::{mtls::Certificate, outcome::Outcome};

    let guard = pin!(request.guard::<Certificate<'_>>());
    match guard.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Outcome::Success(certificate)) => Some(certificate.as_bytes()),
        _ => None,
    }
}

impl fmt::Debug for RocketHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RocketHead").field("method", &self.request.method()).finish_non_exhaustive()
    }
}
