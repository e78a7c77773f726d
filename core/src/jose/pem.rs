//! The blocks of a PEM text (RFC 7468 §2), told apart before one of them is read, and what to do about those that hold no key.
//!
//! - Line ends may be lost on the way: the two characters `\` and `n`, as environment variables have them, or blanks, stand for one.
//! - `EC PARAMETERS` in front of a key, as `openssl ecparam` writes them, are passed over: the key names its curve itself.

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::JwtSetupError;

/// One block: what it says that it is, and the text between its two lines.
pub(super) struct Block<'t> {
    pub(super) label: &'t str,
    body: &'t str,
}

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// All blocks that may hold keys, in order. What stands between them is passed over.
pub(super) fn blocks(text: &str) -> Result<Vec<Block<'_>>, JwtSetupError> {
    let cut = JwtSetupError::Pem { why: "a block has no end" };
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once(BEGIN) {
        let (label, behind) = behind.split_once(DASHES).ok_or(cut.clone())?;
        let (body, behind) = behind.split_once(&format!("-----END {label}-----")).ok_or(cut.clone())?;
        blocks.push(Block { label, body });
        rest = behind;
    }
    let Some(first) = blocks.first() else { return Err(JwtSetupError::Pem { why: instead_of_a_block(text) }) };
    let parameters_alone = JwtSetupError::Pem {
        why: "it holds the parameters of a curve and no key: openssl ecparam -genkey -noout -name prime256v1 makes one",
    };
    let parameters = first.label == "EC PARAMETERS";
    blocks.retain(|block| block.label != "EC PARAMETERS");
    if blocks.is_empty() && parameters { Err(parameters_alone) } else { Ok(blocks) }
}

/// The block of a text that holds one.
pub(super) fn only_block(text: &str) -> Result<Block<'_>, JwtSetupError> {
    let mut blocks = blocks(text)?.into_iter();
    match (blocks.next(), blocks.next()) {
        (Some(block), None) => Ok(block),
        _ => Err(JwtSetupError::Pem {
            why: "it holds several blocks, and one key is wanted: leave that one, and no chain",
        }),
    }
}

impl Block<'_> {
    /// What is in it.
    pub(super) fn der(&self) -> Result<Zeroizing<Vec<u8>>, JwtSetupError> {
        // `Proc-Type: 4,ENCRYPTED` and what follows it (RFC 1421 §4.6).
        if self.body.contains(':') {
            return Err(JwtSetupError::Pem { why: ENCRYPTED });
        }
        let mut signs = self.body.chars().peekable();
        let mut body = Zeroizing::new(String::with_capacity(self.body.len()));
        while let Some(sign) = signs.next() {
            match sign {
                '\\' => {
                    while signs.next_if(|next| matches!(next, '\\' | 'n' | 'r')).is_some_and(|next| next == '\\') {}
                }
                sign if sign.is_ascii_whitespace() => {}
                sign => body.push(sign),
            }
        }
        let der = STANDARD.decode(body.as_bytes()).map(Zeroizing::new);
        der.map_err(|_| JwtSetupError::Pem { why: "a block is damaged: it is not base64" })
    }

    pub(super) fn is_certificate(&self) -> bool {
        matches!(self.label, "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE")
    }

    pub(super) fn is_public(&self) -> bool {
        matches!(self.label, "PUBLIC KEY" | "RSA PUBLIC KEY") || self.is_certificate()
    }

    pub(super) fn is_private(&self) -> bool {
        matches!(self.label, "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY")
    }

    /// Why a block that is not public is none for a verifier.
    pub(super) fn not_public(&self) -> JwtSetupError {
        let why = match self.label {
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" => {
                "it holds a private key, which a verifier must not have: openssl pkey -pubout -in … -out … writes the public one"
            }
            "OPENSSH PRIVATE KEY" => {
                "it holds a private key of OpenSSH, which a verifier must not have: ssh-keygen -e -m PKCS8 -f … writes the public one (RSA and ECDSA alone)"
            }
            _ => {
                self.no_key().unwrap_or("a verifier takes a \"PUBLIC KEY\", an \"RSA PUBLIC KEY\" or a \"CERTIFICATE\"")
            }
        };
        JwtSetupError::Pem { why }
    }

    /// Why a block that is not private is none to sign with.
    pub(super) fn not_private(&self) -> JwtSetupError {
        let why = match self.label {
            "ENCRYPTED PRIVATE KEY" => ENCRYPTED,
            "OPENSSH PRIVATE KEY" => {
                "it holds a key in OpenSSH's own form: ssh-keygen -p -N '' -m PKCS8 -f … writes it anew (RSA and ECDSA alone)"
            }
            _ => self
                .no_key()
                .unwrap_or("a signer takes a \"PRIVATE KEY\" in front, and other keys or certificates behind it"),
        };
        JwtSetupError::Pem { why }
    }

    fn no_key(&self) -> Option<&'static str> {
        Some(match self.label {
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => {
                "it holds a request for a certificate: openssl req -noout -pubkey -in … writes its public key"
            }
            "PKCS7" | "CMS" => {
                "it holds a bundle of certificates: openssl pkcs7 -print_certs -in … writes them one by one"
            }
            "DSA PRIVATE KEY" => "it holds a DSA key, which signs no tokens",
            _ => return None,
        })
    }
}

const ENCRYPTED: &str = "the key is encrypted; openssl pkey -in … -out … decrypts it";

/// What a text without a block is.
fn instead_of_a_block(text: &str) -> &'static str {
    let text = text.trim();
    if text.is_empty() {
        "it holds no block: it is empty"
    } else if text.starts_with('{') {
        "it holds no block: it is JSON, and JwtKey::jwk reads a JWK"
    } else if text.starts_with("---- BEGIN SSH2") {
        "it holds no block: it is a public key of SSH, and ssh-keygen -i -f … and then ssh-keygen -e -m PKCS8 -f … turn it into PEM"
    } else if text.starts_with("ssh-") || text.starts_with("ecdsa-sha2-") {
        "it holds no block: it is a public key of OpenSSH, and ssh-keygen -e -m PKCS8 -f … writes it as PEM (RSA and ECDSA alone)"
    } else if text.starts_with("MI") || text.starts_with("MC") {
        "it holds no block: the lines -----BEGIN …----- and -----END …----- around the base64 are missing"
    } else if !text.contains(['\n', ' ']) {
        "it holds no block: it may be the name of a file, and what is in the file is wanted"
    } else {
        "it holds no block"
    }
}
