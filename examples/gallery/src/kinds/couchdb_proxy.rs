//! CouchDB's proxy authentication: a proxy that has signed somebody in says who it is, and proves with a token that it may say so.
//!
//! `X-Auth-CouchDB-UserName` is the name, and `X-Auth-CouchDB-Token` its HMAC in hex, by SHA-256 or SHA-1. Only what comes from the proxy's
//! own address counts: whoever has seen a token once could send it for ever. **`X-Auth-CouchDB-Roles` is covered by nothing, and is not read.**

use std::net::{IpAddr, Ipv4Addr};

use countersign::{
    Extract, RequestView, Secret,
    credential::{Occurrences, Raw},
    request::{Field, field::BadField},
    response::Challenge,
};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

/// Where the proxy stands.
const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Two fields of a proxy.
pub(crate) struct CouchDbProxy {
    user: Field,
    token: Field,
}

/// What a proxy says, until it is shown that it may.
pub(crate) struct Proxied {
    user: String,
    token: Secret,
}

impl CouchDbProxy {
    pub(crate) fn new() -> Result<Self, BadField> {
        Ok(Self { user: "X-Auth-CouchDB-UserName".parse()?, token: "X-Auth-CouchDB-Token".parse()? })
    }
}

impl Proxied {
    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    /// Whether who holds this secret says so; in constant time.
    pub(crate) fn is_by(&self, secret: &[u8]) -> bool {
        let token = self.token.expose();
        match token.len() {
            20 => Hmac::<Sha1>::new_from_slice(secret)
                .is_ok_and(|mac| mac.chain_update(&self.user).verify_slice(token).is_ok()),
            32 => Hmac::<Sha256>::new_from_slice(secret)
                .is_ok_and(|mac| mac.chain_update(&self.user).verify_slice(token).is_ok()),
            _ => false,
        }
    }
}

/// The token of a name, as a proxy makes it.
pub(crate) fn token_of(user: &str, secret: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret).map(|mac| mac.chain_update(user).finalize().into_bytes());
    mac.map_or_else(|_| String::new(), |mac| mac.iter().map(|byte| format!("{byte:02x}")).collect())
}

impl Extract for CouchDbProxy {
    type Credential = Proxied;

    fn scheme(&self) -> &str {
        "couchdb-proxy"
    }

    // Both fields are one credential. From anywhere else they count as absent.
    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        if request.address().map(|address| address.to_canonical()) != Some(PROXY) {
            return;
        }
        request.fields(&self.user).for_each(|raw| occurrences.add_part(0, raw));
        request.fields(&self.token).for_each(|raw| occurrences.add_part(1, raw));
    }

    fn read(&self, raw: Raw<'_>) -> Option<Proxied> {
        let user = std::str::from_utf8(raw.part(0)?).ok().filter(|user| !user.is_empty())?;
        let token = raw.part(1)?;
        let digit = |byte: &u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let (pairs, rest) = token.as_chunks::<2>();
        let bytes: Option<Vec<u8>> = pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect();
        rest.is_empty().then_some(Proxied { user: user.to_owned(), token: Secret::new(bytes?) })
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("CouchDB-Proxy")]
    }

    fn fields(&self) -> Vec<Field> {
        vec![self.user.clone(), self.token.clone()]
    }
}

#[cfg(test)]
mod tests {
    use countersign::testing::PlainHead;

    use super::*;

    const SECRET: &[u8] = b"the_secret";
    const SHA256: &str = "3f0786e96b20b0102b77f1a49c041be6977cfb3bf78c41a12adc121cd9b4e68a";
    const SHA1: &str = "22047ebd7c4ec67dfbcbad7213a693249dbfbf86";

    fn user(fields: &[(&str, &str)], from: &str) -> Option<String> {
        let kind = CouchDbProxy::new().unwrap();
        let head = PlainHead::get("/").from(from.parse().unwrap());
        let head = fields.iter().fold(head, |head, (name, value)| head.with(name, value));
        let (view, mut occurrences) = (head.view(), Occurrences::default());
        kind.locate(&view, &mut occurrences);
        let proxied = kind.read(occurrences.only()?)?;
        proxied.is_by(SECRET).then(|| proxied.user().to_owned())
    }

    #[test]
    fn a_token_of_either_hash_shows_that_the_proxy_says_so() {
        let (name, token) = ("x-auth-couchdb-username", "x-auth-couchdb-token");
        assert_eq!(token_of("foo", SECRET), SHA256);
        let upper = SHA256.to_uppercase();
        type Row<'r> = (&'r [(&'r str, &'r str)], &'r str, bool);
        let rows: [Row<'_>; 11] = [
            (&[(name, "foo"), (token, SHA256)], "127.0.0.1", true),
            (&[(name, "foo"), (token, SHA1)], "127.0.0.1", true),
            (&[(name, "foo"), (token, SHA256)], "::ffff:127.0.0.1", true),
            (&[(name, "foo"), (token, SHA256)], "127.0.0.2", false),
            (&[(name, "foo"), (token, SHA256)], "::1", false),
            (&[(name, "bar"), (token, SHA256)], "127.0.0.1", false),
            (&[(name, "foo"), (token, &upper)], "127.0.0.1", false),
            (&[(name, "foo"), (token, "")], "127.0.0.1", false),
            (&[(name, "foo")], "127.0.0.1", false),
            (&[(token, SHA256)], "127.0.0.1", false),
            (&[(name, "foo"), (name, "foo"), (token, SHA256)], "127.0.0.1", false),
        ];
        for (fields, from, good) in rows {
            assert_eq!(user(fields, from).as_deref(), good.then_some("foo"), "{fields:?} {from}");
        }
    }
}
