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
use percent_encoding::percent_decode_str;

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
            Poll::Ready(Err(_)) => {
                let path = Self::original_uri(extensions).map_or("", Uri::path);
                Self::pattern(extensions).and_then(|pattern| sent(pattern, path, name))
            }
            _ => None,
        }
    }
}

/// What stands in this path for a parameter of the pattern, `{name}` or `{*name}`, decoded; U+FFFD for what is not UTF-8, or cannot be told from
/// what surrounds it.
fn sent(pattern: &str, path: &str, name: &str) -> Option<String> {
    let parameter = |segment: &str| {
        let inner = segment.split_once('{')?.1.split_once('}')?.0;
        Some(inner.strip_prefix('*').unwrap_or(inner) == name)
    };
    let (place, segment) = pattern.split('/').enumerate().find(|(_, segment)| parameter(segment) == Some(true))?;
    let value = match segment.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
        Some(inner) if inner.starts_with('*') => path.splitn(place + 1, '/').nth(place),
        Some(_) => path.split('/').nth(place),
        None => None,
    };
    let decoded = value.map(|value| percent_decode_str(value).decode_utf8_lossy().into_owned());
    Some(decoded.unwrap_or_else(|| char::REPLACEMENT_CHARACTER.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_beside_one_that_is_no_text_is_what_was_sent() {
        let rows = [
            ("/users/{name}/invite/{other}", "/users/em%20ma/invite/%ff", "name", Some("em ma")),
            ("/users/{name}/invite/{other}", "/users/emma/invite/%ff", "other", Some("\u{fffd}")),
            ("/users/{name}/invite/{other}", "/users/emma/invite/%ff", "nobody", None),
            ("/files/{id}/{*rest}", "/files/7/a/%fe/b", "rest", Some("a/\u{fffd}/b")),
            ("/files/{id}/{*rest}", "/files/7/a/%fe/b", "id", Some("7")),
            ("/files/{id}.png/{other}", "/files/7.png/%ff", "id", Some("\u{fffd}")),
        ];
        for (pattern, path, name, expected) in rows {
            assert_eq!(sent(pattern, path, name).as_deref(), expected, "{pattern} {path} {name}");
        }
    }
}
