//! Which addresses may be called: those that an application or a trusted issuer wrote down, over TLS.

use reqwest::Url;

/// An address that may be called.
#[derive(Debug, Clone)]
pub(super) struct Address(Url);

impl Address {
    /// Reads an issuer's name as an address (OpenID Connect Discovery §2, RFC 8414 §2), or says what is wrong with it.
    pub(super) fn of_issuer(text: &str) -> Result<Self, &'static str> {
        let address = Self::read(text)?;
        match address.0.query() {
            None => Ok(address),
            Some(_) => Err("it has a query"),
        }
    }

    /// Reads any other address: `https`, or `http` to this very machine.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        // A parser for browsers forgives these; two parsers might then see two addresses.
        if text.bytes().any(|byte| byte <= b' ' || byte == b'\\' || byte >= 0x7F) {
            return Err("it holds characters that no address may hold");
        }
        let whole = text.split_once("://").is_some_and(|(_, rest)| !rest.is_empty() && !rest.starts_with('/'));
        let url = Url::parse(text).ok().filter(|_| whole).ok_or("it is no URL such as https://issuer.example")?;
        let address = Self(url);
        let url = &address.0;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it names a user");
        }
        if url.fragment().is_some() {
            return Err("it has a fragment");
        }
        match url.scheme() {
            "https" if url.has_host() => Ok(address),
            "http" if address.is_on_loopback() => Ok(address),
            "http" => Err("it must be https, or http on a loopback address"),
            _ => Err("it is no URL such as https://issuer.example"),
        }
    }

    /// An address that an issuer of this address wrote down. One that is called over TLS sends nobody to this very machine.
    pub(super) fn read_from(&self, text: &str) -> Result<Self, &'static str> {
        let address = Self::read(text)?;
        match address.is_plain() && !self.is_plain() {
            true => Err("it is not https"),
            false => Ok(address),
        }
    }

    /// Without TLS, and so on this very machine.
    pub(super) fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }

    pub(super) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Where an OpenID issuer describes itself: below its path.
    pub(super) fn openid_document(&self) -> String {
        let text = self.0.as_str();
        format!("{}/.well-known/openid-configuration", text.strip_suffix('/').unwrap_or(text))
    }

    /// Where an OAuth server does: between host and path.
    pub(super) fn oauth_document(&self) -> String {
        let path = self.0.path();
        let path = path.strip_suffix('/').unwrap_or(path);
        let mut url = self.0.clone();
        url.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
        url.into()
    }

    fn is_on_loopback(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        host == "localhost" || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_called_over_tls_or_on_this_machine() {
        for (text, good) in [
            ("https://issuer.example", true),
            ("https://issuer.example/", true),
            ("https://issuer.example:8443/realms/a", true),
            ("http://127.0.0.1:9000", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:9000/a", true),
            ("http://localhost:9000", true),
            ("http://issuer.example", false),
            ("http://localhost.issuer.example", false),
            ("http://127.0.0.1.issuer.example", false),
            ("http://0.0.0.0:9000", false),
            ("http://10.0.0.1", false),
            ("http://[::ffff:10.0.0.1]", false),
            ("https://issuer.example?a=b", false),
            ("https://issuer.example?", false),
            ("https://issuer.example#a", false),
            ("https://emily@issuer.example", false),
            ("https://emily:a@issuer.example", false),
            ("https://issuer.example\\@other.example", false),
            (" https://issuer.example", false),
            ("https://issuer.example\n", false),
            ("https://", false),
            ("https:issuer", false),
            ("https:///issuer.example", false),
            ("ftp://issuer.example", false),
            ("file:///etc/passwd", false),
            ("issuer.example", false),
            ("people", false),
            ("", false),
        ] {
            assert_eq!(Address::of_issuer(text).is_ok(), good, "{text}");
        }
    }

    #[test]
    fn documents_stand_where_the_specifications_say() {
        for (issuer, openid, oauth) in [
            (
                "https://a.example",
                "https://a.example/.well-known/openid-configuration",
                "https://a.example/.well-known/oauth-authorization-server",
            ),
            (
                "https://a.example/",
                "https://a.example/.well-known/openid-configuration",
                "https://a.example/.well-known/oauth-authorization-server",
            ),
            (
                "https://a.example/realms/b",
                "https://a.example/realms/b/.well-known/openid-configuration",
                "https://a.example/.well-known/oauth-authorization-server/realms/b",
            ),
            (
                "https://a.example/b/",
                "https://a.example/b/.well-known/openid-configuration",
                "https://a.example/.well-known/oauth-authorization-server/b",
            ),
        ] {
            let address = Address::of_issuer(issuer).unwrap();
            assert_eq!((address.openid_document().as_str(), address.oauth_document().as_str()), (openid, oauth));
        }
    }

    #[test]
    fn an_issuer_over_tls_sends_nobody_to_this_machine() {
        let far = Address::of_issuer("https://a.example").unwrap();
        let near = Address::of_issuer("http://127.0.0.1:1").unwrap();
        for (issuer, keys, good) in [
            (&far, "https://keys.example/jwks", true),
            (&far, "http://127.0.0.1/jwks", false),
            (&far, "http://localhost/jwks", false),
            (&far, "/jwks", false),
            (&near, "http://127.0.0.1:2/jwks", true),
            (&near, "https://keys.example/jwks", true),
            (&near, "http://keys.example/jwks", false),
        ] {
            assert_eq!(issuer.read_from(keys).is_ok(), good, "{issuer:?} {keys}");
        }
    }
}
