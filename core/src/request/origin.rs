//! The cross-site rule: whether the page of another site made a request.

use super::{Occurrence, RequestHead, field};

/// Whether another site made this request (EXAMPLE: Fetch Metadata first, `Origin` where a browser sends none).
///
/// Same-origin, and what a person typed or bookmarked, pass. A header sent twice, and `Origin: null`, do not.
pub(crate) fn is_cross_site(head: &dyn RequestHead) -> bool {
    let origin = head.only(&field::ORIGIN);
    match (head.only(&field::SEC_FETCH_SITE), origin) {
        (Occurrence::Repeated, _) | (_, Occurrence::Repeated) | (_, Occurrence::Once(b"null")) => true,
        (Occurrence::Once(site), _) => !matches!(site, b"same-origin" | b"none"),
        (Occurrence::Absent, Occurrence::Absent) => false,
        (Occurrence::Absent, Occurrence::Once(origin)) => {
            !head.host().is_some_and(|host| names_host(origin, host, head.is_secure()))
        }
    }
}

/// Whether an origin has this host and port; a port that is the scheme's own may be left out on either side.
///
/// A host without a port has that of TLS where the request is known to have come over it. Elsewhere a proxy that nobody declared may
/// have ended TLS, and the origin's own is meant.
fn names_host(origin: &[u8], host: &[u8], secure: bool) -> bool {
    let (authority, own_port): (&[u8], &[u8]) =
        match (origin.strip_prefix(b"https://"), origin.strip_prefix(b"http://")) {
            (Some(authority), _) => (authority, b":443"),
            (_, Some(authority)) => (authority, b":80"),
            _ => return false,
        };
    let host_port = if secure { b":443" } else { own_port };
    let whole = |authority: &[u8], port: &[u8]| {
        let colon = authority.iter().rposition(|byte| *byte == b':');
        let has_port = colon > authority.iter().rposition(|byte| *byte == b']');
        let mut whole = authority.to_ascii_lowercase();
        whole.extend_from_slice(if has_port { b"" } else { port });
        whole
    };
    !authority.is_empty() && whole(authority, own_port) == whole(host, host_port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::PlainHead;

    #[test]
    fn another_site_is_told_by_metadata_first() {
        let rows: [(&[(&str, &str)], bool); 16] = [
            (&[], false),
            (&[("sec-fetch-site", "same-origin")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "same-site")], true),
            (&[("sec-fetch-site", "cross-site")], true),
            (&[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "same-origin"), ("origin", "null")], true),
            (&[("sec-fetch-site", "same-origin"), ("origin", "https://elsewhere")], false),
            (&[("origin", "http://a.example")], false),
            (&[("origin", "http://a.example:80")], false),
            (&[("origin", "HTTP://a.example")], true),
            (&[("origin", "http://A.EXAMPLE")], false),
            (&[("origin", "http://a.example:8080")], true),
            (&[("origin", "http://b.example")], true),
            (&[("origin", "null")], true),
            (&[("origin", "http://a.example"), ("origin", "http://a.example")], true),
        ];
        for (fields, cross) in rows {
            let head = fields
                .iter()
                .fold(PlainHead::new("POST", "/").with("host", "a.example"), |head, (n, v)| head.with(n, v));
            assert_eq!(is_cross_site(&head), cross, "{fields:?}");
        }
    }

    #[test]
    fn an_origin_is_compared_with_its_port() {
        for (origin, host, secure, cross) in [
            ("https://a.example", "a.example", true, false),
            ("https://a.example", "a.example:443", true, false),
            ("https://a.example:443", "a.example", true, false),
            ("https://a.example:8443", "a.example:8443", true, false),
            // A proxy that nobody declared has ended TLS.
            ("https://a.example", "a.example", false, false),
            // Whoever can answer for the plain site must not act for those of the other.
            ("http://a.example", "a.example", true, true),
            ("http://a.example:443", "a.example", true, false),
            ("http://a.example:80", "a.example:443", true, true),
            ("https://a.example:80", "a.example", true, true),
            ("http://[::1]:3000", "[::1]:3000", false, false),
            ("http://[::1]", "[::1]:80", false, false),
            ("http://[::1]", "[::2]", false, true),
            ("http://", "", false, true),
            ("ftp://a.example", "a.example", false, true),
        ] {
            let head = PlainHead::new("POST", "/").with("host", host).with("origin", origin);
            let head = if secure { head.over_tls() } else { head };
            assert_eq!(is_cross_site(&head), cross, "{origin} at {host}, TLS: {secure}");
        }
    }
}
