//! The address that a proof is for, in one spelling (RFC 3986 §6.2.2 and §6.2.3).

/// Scheme, host and path of an address, normalised: without query and fragment, which a proof does not cover (RFC 9449 §4.3).
///
/// Scheme and host in lower case, the scheme's own port left out, an empty path `/`, percent-encodings in upper case, unreserved characters
/// decoded, dot segments removed. A slash at the end stays, and `%2F` is no slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    secure: bool,
    host: String,
    port: u16,
    path: String,
}

impl Target {
    /// Of an address, as a proof names it; `None` if it is none, is not of `http` or `https`, or names a user.
    pub(super) fn of_address(address: &str) -> Option<Self> {
        let (scheme, rest) = address.split_once(':')?;
        let secure = match scheme {
            _ if scheme.eq_ignore_ascii_case("https") => true,
            _ if scheme.eq_ignore_ascii_case("http") => false,
            _ => return None,
        };
        let rest = rest.strip_prefix("//")?;
        let rest = match rest.split_once('#') {
            Some((before, fragment)) if is_spelt(fragment, "/?") => before,
            Some(_) => return None,
            None => rest,
        };
        let rest = match rest.split_once('?') {
            Some((before, query)) if is_spelt(query, "/?") => before,
            Some(_) => return None,
            None => rest,
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        Self::of_parts(secure, authority, path)
    }

    /// Of a request that came over TLS or not, for this host and path.
    pub(super) fn of_parts(secure: bool, authority: &str, path: &str) -> Option<Self> {
        let (host, port) =
            match authority.rfind(':').filter(|colon| !authority.get(*colon..).unwrap_or("").contains(']')) {
                Some(colon) => (authority.get(..colon)?, authority.get(colon + 1..)?),
                None => (authority, ""),
            };
        let port = match port {
            "" if secure => 443,
            "" => 80,
            port if port.bytes().all(|byte| byte.is_ascii_digit()) => port.parse().ok()?,
            _ => return None,
        };
        let path = if is_spelt(path, "/") { without_dot_segments(&normalised(path)?) } else { return None };
        Some(Self { secure, host: host_of(host)?, port, path })
    }
}

/// A name, an IPv4 address, or an IPv6 address in brackets. No user in front of it, because `@` is no part of a name.
fn host_of(text: &str) -> Option<String> {
    if let Some(inner) = text.strip_prefix('[') {
        let address: std::net::Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
        return Some(format!("[{address}]"));
    }
    let is_name = !text.is_empty() && !text.contains([':', '@', '/']) && is_spelt(text, "");
    if is_name { normalised(text).map(|host| host.to_ascii_lowercase()) } else { None }
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Whether there is nothing in it but what RFC 3986 lets stand in a path segment, percent-encodings among it, and these.
fn is_spelt(text: &str, more: &str) -> bool {
    text.bytes().all(|byte| is_unreserved(byte) || b"!$&'()*+,;=:@%".contains(&byte) || more.as_bytes().contains(&byte))
}

/// Percent-encodings in one spelling; `None` if a `%` begins none.
fn normalised(text: &str) -> Option<String> {
    let mut spelt = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, encoded)) = rest.split_once('%') {
        spelt.push_str(before);
        let digits = encoded.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        match u8::from_str_radix(digits, 16).ok()? {
            byte if is_unreserved(byte) => spelt.push(char::from(byte)),
            byte => spelt.push_str(&format!("%{byte:02X}")),
        }
        rest = encoded.get(2..)?;
    }
    spelt.push_str(rest);
    Some(spelt)
}

/// RFC 3986 §5.2.4, for a path that begins with a slash or is empty.
fn without_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            segment => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_one_address_is_spelt_as_one() {
        let one = Target::of_parts(true, "api.example", "/a/b~c").unwrap();
        for address in [
            "https://api.example/a/b~c",
            "HTTPS://API.Example/a/b~c",
            "https://api.example:443/a/b~c",
            "https://api.example:/a/b~c",
            "https://api.example/a/b~c?q=1&r=/?",
            "https://api.example/a/b~c#f?",
            "https://api.example/a/b~c?#",
            "https://api.example/%61/b%7ec",
            "https://api.example/x/../a/./b%7Ec",
            "https://api.example/x/%2E%2e/a/%2e/b~c",
            "https://api.example/../a/b~c",
            "https://a%70i.example/a/b~c",
        ] {
            assert_eq!(Target::of_address(address), Some(one.clone()), "{address}");
        }
    }

    #[test]
    fn what_is_another_address_is_spelt_as_another() {
        let one = Target::of_parts(true, "api.example", "/a/b").unwrap();
        for address in [
            "http://api.example/a/b",
            "http://api.example:443/a/b",
            "https://api.example:444/a/b",
            "https://api.example./a/b",
            "https://xapi.example/a/b",
            "https://api.example/a/b/",
            "https://api.example/a/b/.",
            "https://api.example/a/b/..",
            "https://api.example/a",
            "https://api.example/a/bc",
            "https://api.example/A/b",
            "https://api.example/a%2Fb",
            "https://api.example//a/b",
            "https://api.example/a//b",
            "https://api.example/a/b%20",
        ] {
            let other = Target::of_address(address);
            assert!(other.is_some() && other != Some(one.clone()), "{address}: {other:?}");
        }
        assert_eq!(Target::of_address("https://e/a%2fb"), Target::of_address("https://e/a%2Fb"));
        assert_eq!(Target::of_address("https://e"), Target::of_parts(true, "E:443", "/"));
        assert_eq!(Target::of_address("http://[2001:DB8::0:1]:80/"), Target::of_parts(false, "[2001:db8::1]", "/"));
        assert_eq!(Target::of_address("https://e/a/"), Target::of_address("https://e/a/."));
    }

    #[test]
    fn what_is_no_address_is_none() {
        for address in [
            "",
            "/a",
            "//e/a",
            "e/a",
            "ftp://e/a",
            "https:/e/a",
            "https:e/a",
            "https:///a",
            "https://user@e/a",
            "https://user:pw@e/a",
            "https://@e/a",
            "https://e:x/a",
            "https://e:65536/a",
            "https://e:+1/a",
            "https://e:1:2/a",
            "https://[::1/a",
            "https://[zz]/a",
            "https://e/a b",
            "https://e/\u{e4}",
            "https://e/%",
            "https://e/%2",
            "https://e/%zz",
            "https://e/%+1",
            "https://e/a\\b",
            "https://e/<",
            "https://e/a?b c",
            "https://e/a#b#c",
            " https://e/a",
            "https://e/a\n",
        ] {
            assert_eq!(Target::of_address(address), None, "{address:?}");
        }
    }
}
