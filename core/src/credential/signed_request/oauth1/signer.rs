//! Requests signed as OAuth 1.0 has it, made: [`OAuth1Signer`].

use std::fmt;
#[cfg(feature = "jwt")]
use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    base::{self, Method, encoded, form_pairs},
    seconds,
};
use crate::{
    clock::SharedClock,
    secret::{Secret, random::random_bytes},
};

/// Signs requests as a client does: for tests, and for services that are clients themselves.
#[derive(Clone)]
#[must_use]
pub struct OAuth1Signer {
    consumer: String,
    token: Option<String>,
    key: Key,
    method: Method,
    nonce: Option<String>,
    more: Vec<(String, String)>,
}

/// What signs.
#[derive(Clone)]
enum Key {
    Secret(Secret),
    #[cfg(feature = "jwt")]
    Rsa(Arc<aws_lc_rs::signature::RsaKeyPair>),
}

impl Key {
    /// The signature of a base string. One that a key refuses to make is empty, and good nowhere.
    fn sign(&self, method: Method, text: &str) -> Vec<u8> {
        match self {
            Self::Secret(key) => method.mac(key, text),
            #[cfg(feature = "jwt")]
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                let random = aws_lc_rs::rand::SystemRandom::new();
                let by = &aws_lc_rs::signature::RSA_PKCS1_SHA256;
                key.sign(by, &random, text.as_bytes(), &mut signature).map(|()| signature).unwrap_or_default()
            }
        }
    }
}

impl OAuth1Signer {
    /// As this consumer, by a [`key`](super::OAuth1::key), by HMAC-SHA1.
    pub fn new(consumer: &str, key: Secret) -> Self {
        Self::by(consumer, Key::Secret(key), Method::HmacSha1)
    }

    /// As this consumer, by RSA-SHA256 with the private key of a PEM text, PKCS#8 or PKCS#1, of at least 2048 bits. Its public half is what a
    /// store has for the [signer](super::OAuth1::rsa_signer).
    ///
    /// RSA-SHA1 is taken from old clients, and made by nobody here: the cryptography under this library signs no SHA-1 by RSA any more.
    ///
    /// # Errors
    /// When the text holds no such key, or several.
    #[cfg(feature = "jwt")]
    pub fn with_rsa_key(consumer: &str, pem: &str) -> Result<Self, crate::jose::JwtSetupError> {
        let pair = crate::jose::rsa_pair(pem)?;
        Ok(Self::by(consumer, Key::Rsa(Arc::new(pair)), Method::RsaSha256))
    }

    fn by(consumer: &str, key: Key, method: Method) -> Self {
        Self { consumer: consumer.to_owned(), token: None, key, method, nonce: None, more: Vec::new() }
    }

    /// With this token.
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// By HMAC-SHA256 where it was HMAC-SHA1. An RSA key signs by SHA-256 anyway.
    pub fn by_sha256(mut self) -> Self {
        self.method = match self.method {
            Method::HmacSha1 | Method::HmacSha256 => Method::HmacSha256,
            #[cfg(feature = "jwt")]
            Method::RsaSha1 | Method::RsaSha256 => Method::RsaSha256,
        };
        self
    }

    /// With this nonce; without it a random one.
    pub fn with_nonce(mut self, nonce: &str) -> Self {
        self.nonce = Some(nonce.to_owned());
        self
    }

    /// With another parameter of the protocol, such as `oauth_body_hash`.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.more.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The value of `Authorization` for a request without a form, signed now. The URL is that of the request, its host in lower case and without
    /// the port of its scheme.
    #[must_use]
    pub fn authorization(&self, method: &str, url: &str, clock: &SharedClock) -> String {
        self.authorization_of_form(method, url, b"", clock)
    }

    /// The same for a request with this form.
    #[must_use]
    pub fn authorization_of_form(&self, method: &str, url: &str, form: &[u8], clock: &SharedClock) -> String {
        let (uri, query) = url.split_once('?').unwrap_or((url, ""));
        let ours = self.parameters(clock);
        let of_field = ours.iter().map(|(name, value)| (name.clone().into_bytes(), value.clone().into_bytes()));
        let signed: Vec<_> = of_field.chain(form_pairs(query.as_bytes())).chain(form_pairs(form)).collect();
        let signature = STANDARD.encode(self.key.sign(self.method, &base::text(method, uri, signed.iter())));
        let pairs = ours.iter().map(|(name, value)| format!("{name}=\"{}\"", encoded(value.as_bytes())));
        let pairs: Vec<String> =
            pairs.chain([format!("oauth_signature=\"{}\"", encoded(signature.as_bytes()))]).collect();
        format!("OAuth {}", pairs.join(", "))
    }

    fn parameters(&self, clock: &SharedClock) -> Vec<(String, String)> {
        let random = || random_bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
        let ours = [
            ("oauth_consumer_key", self.consumer.clone()),
            ("oauth_signature_method", self.method.name().to_owned()),
            ("oauth_timestamp", seconds(clock).to_string()),
            ("oauth_nonce", self.nonce.clone().unwrap_or_else(random)),
        ];
        let token = self.token.iter().map(|token| ("oauth_token".to_owned(), token.clone()));
        ours.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(token).chain(self.more.clone()).collect()
    }
}

impl fmt::Debug for OAuth1Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OAuth1Signer(..)")
    }
}
