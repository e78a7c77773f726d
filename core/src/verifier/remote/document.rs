//! What an issuer says of itself (OpenID Connect Discovery §3, RFC 8414 §2), as far as it is used here.

use serde::Deserialize;

use super::{HttpClient, HttpRequest, address::Address};
use crate::unavailable::Unavailable;

/// The longest document: those of the large providers have 2 to 8 KiB.
const LONGEST: usize = 64 << 10;

#[derive(Deserialize)]
struct Written {
    issuer: String,
    jwks_uri: String,
}

/// Asks the issuer where its keys are. What it says counts only if it names itself as it was named to us, byte for byte.
pub(super) async fn address_of_keys(
    client: &dyn HttpClient,
    issuer: &str,
    address: &Address,
) -> Result<Address, Unavailable> {
    let failed = |why: Unavailable| Unavailable::because(format!("its document: {why}"));
    let response = client.send(HttpRequest::get(&address.openid_document(), LONGEST)).await.map_err(failed)?;
    let read = match response.json(LONGEST) {
        Ok(json) => read(json, issuer, address),
        // Servers of OAuth that know nothing of OpenID have theirs elsewhere.
        Err(why) => {
            let other = client.send(HttpRequest::get(&address.oauth_document(), LONGEST)).await.map_err(failed)?;
            let json = other.json(LONGEST).map_err(|_| failed(why))?;
            read(json, issuer, address)
        }
    };
    read.map_err(|why| failed(Unavailable::because(why)))
}

fn read(json: &[u8], issuer: &str, address: &Address) -> Result<Address, &'static str> {
    let written: Written = serde_json::from_slice(json).map_err(|_| "it names no issuer, or no place of its keys")?;
    if written.issuer != issuer {
        return Err("it names another issuer");
    }
    address.read_from(&written.jwks_uri).map_err(|_| "it has its keys where nobody may be asked for them")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_counts_if_it_names_its_issuer_byte_for_byte() {
        let address = Address::of_issuer("https://a.example").unwrap();
        for (json, good) in [
            (r#"{"issuer":"https://a.example","jwks_uri":"https://a.example/k"}"#, true),
            (r#"{"issuer":"https://a.example","jwks_uri":"https://b.example/k","more":[{}]}"#, true),
            (r#"{"issuer":"https://a.example/","jwks_uri":"https://a.example/k"}"#, false),
            (r#"{"issuer":"HTTPS://a.example","jwks_uri":"https://a.example/k"}"#, false),
            (r#"{"issuer":"https://a.example.evil.example","jwks_uri":"https://a.example/k"}"#, false),
            (r#"{"issuer":["https://a.example"],"jwks_uri":"https://a.example/k"}"#, false),
            (r#"{"issuer":"https://a.example"}"#, false),
            (r#"{"jwks_uri":"https://a.example/k"}"#, false),
            (r#"{"issuer":"https://a.example","jwks_uri":"http://a.example/k"}"#, false),
            (r#"{"issuer":"https://a.example","jwks_uri":"file:///k"}"#, false),
            (r#"{"issuer":"https://a.example","jwks_uri":7}"#, false),
            (r#"{"issuer":"https://a.example","issuer":"https://b.example","jwks_uri":"https://a.example/k"}"#, false),
            ("[]", false),
            ("{", false),
            ("", false),
        ] {
            assert_eq!(read(json.as_bytes(), "https://a.example", &address).is_ok(), good, "{json}");
        }
    }
}
