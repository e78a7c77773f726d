//! What axum knows of a request.

use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
    pin::pin,
    task::{Context, Poll, Waker},
};

use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath, OriginalUri, RawPathParams};
use countersign_tower::{Framework, NoFramework};
use http::{Extensions, Request, Uri};

/// Path parameters, the matched pattern, the URI before nesting, and the peer of `ConnectInfo`.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a name for a framework")]
pub struct Axum;

impl Framework for Axum {
    fn peer(extensions: &Extensions) -> Option<IpAddr> {
        let connected = extensions.get::<ConnectInfo<SocketAddr>>().map(|connected| connected.0.ip());
        connected.or_else(|| NoFramework::peer(extensions))
    }

    fn is_secure(extensions: &Extensions) -> bool {
        NoFramework::is_secure(extensions)
    }

    fn original_uri(extensions: &Extensions) -> Option<&Uri> {
        extensions.get::<OriginalUri>().map(|original| &original.0)
    }

    fn original_uri_mut(extensions: &mut Extensions) -> Option<&mut Uri> {
        extensions.get_mut::<OriginalUri>().map(|original| &mut original.0)
    }

    fn pattern(extensions: &Extensions) -> Option<&str> {
        extensions.get::<MatchedPath>().map(MatchedPath::as_str)
    }

    fn parameter(extensions: &Extensions, name: &str) -> Option<String> {
        // axum shows parameters to extractors alone; this one never waits. Only a policy that names a parameter comes here.
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.extensions = extensions.clone();
        let extraction = pin!(RawPathParams::from_request_parts(&mut parts, &()));
        match extraction.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(parameters)) => {
                parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
            }
            // axum shows no parameter of a path in which one is not UTF-8, nor their names.
            Poll::Ready(Err(_)) if Self::pattern(extensions).is_some_and(|pattern| names(pattern, name)) => {
                Some(char::REPLACEMENT_CHARACTER.to_string())
            }
            _ => None,
        }
    }
}

/// Whether this route has such a parameter: `{name}` or `{*name}`.
fn names(pattern: &str, name: &str) -> bool {
    let parameter = |segment: &str| {
        let inner = segment.split_once('{')?.1.split_once('}')?.0;
        Some(inner.strip_prefix('*').unwrap_or(inner) == name)
    };
    pattern.split('/').any(|segment| parameter(segment) == Some(true))
}
