//! What a 401 tells the client to do: one `WWW-Authenticate` value (RFC 9110 §11.6.1).
//!
//! Most parameters are quoted strings. Some are tokens, because an RFC says so and clients read them no other way (`algorithm` and `stale` of
//! Digest, RFC 7616 §3.3).
//!
//! # Example
//! ```
//! use countersign::response::Challenge;
//!
//! let challenge = Challenge::new("Bearer").with("realm", "people").with("error", "invalid_token");
//! assert_eq!(challenge.to_string(), r#"Bearer realm="people", error="invalid_token""#);
//!
//! let challenge =
//!     Challenge::new("Digest").with("nonce", "a nonce").with_token("algorithm", "SHA-256");
//! assert_eq!(challenge.to_string(), r#"Digest nonce="a nonce", algorithm=SHA-256"#);
//! ```

use std::{
    borrow::Cow,
    fmt::{self, Write},
};

use crate::request::field::is_token_byte;

/// One challenge: a scheme and its parameters. See the [module](self).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    scheme: Cow<'static, str>,
    parameters: Vec<Parameter>,
    without_realm: bool,
    with_errors: bool,
}

/// A parameter of a challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parameter {
    name: Cow<'static, str>,
    value: Cow<'static, str>,
    is_token: bool,
}

impl Parameter {
    pub(crate) fn quoted(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: Cow::Owned(name.into()), value: Cow::Owned(value.into()), is_token: false }
    }

    fn fixed(name: &'static str, value: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), value: Cow::Borrowed(value), is_token: false }
    }

    pub(crate) fn token(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { is_token: true, ..Self::quoted(name, value) }
    }

    pub(crate) fn value(&self) -> &str {
        &self.value
    }

    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

impl Challenge {
    /// A challenge of this scheme, without parameters.
    #[must_use]
    pub fn new(scheme: impl Into<String>) -> Self {
        Self { scheme: Cow::Owned(scheme.into()), parameters: Vec::new(), without_realm: false, with_errors: false }
    }

    /// The same of a scheme of ours, which takes no memory for its name.
    pub(crate) fn of(scheme: &'static str) -> Self {
        Self {
            scheme: Cow::Borrowed(scheme),
            parameters: Vec::with_capacity(3),
            without_realm: false,
            with_errors: false,
        }
    }

    /// Adds a parameter that is the same in each challenge, as a quoted string.
    pub(crate) fn with_fixed(mut self, name: &'static str, value: &'static str) -> Self {
        self.parameters.push(Parameter::fixed(name, value));
        self
    }

    /// Adds a parameter as a quoted string. Characters that it cannot hold (controls, and what is not ASCII) become `?`.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push(Parameter::quoted(name, value));
        self
    }

    /// Adds a parameter as a token (RFC 9110 §5.6.2). A value that is none is quoted.
    #[must_use]
    pub fn with_token(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push(Parameter::token(name, value));
        self
    }

    /// The same, to which no gate adds its realm: for schemes that know none, such as Hawk.
    #[must_use]
    pub fn without_realm(mut self) -> Self {
        self.without_realm = true;
        self
    }

    /// The same, of a scheme whose challenges tell what was wrong in RFC 6750's parameter `error`, as `Bearer` does, of which it need not be
    /// said: for schemes that are made after it, such as `DPoP`.
    #[must_use]
    pub fn with_errors(mut self) -> Self {
        self.with_errors = true;
        self
    }

    /// Puts the realm in front, where readers of challenges look for it.
    pub(crate) fn in_realm(mut self, realm: &str) -> Self {
        if !self.without_realm {
            let realm = Parameter { value: Cow::Owned(realm.to_owned()), ..Parameter::fixed("realm", "") };
            self.parameters.insert(0, realm);
        }
        self
    }

    /// With what a client is told that has shown that it holds a credential: in place of parameters of the same name.
    pub(crate) fn advised(mut self, advice: &super::Advice) -> Self {
        for advised in &advice.parameters {
            self.parameters.retain(|known| !known.is_called(&advised.name));
            self.parameters.push(advised.clone());
        }
        self
    }

    /// The value of a parameter.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|parameter| parameter.is_called(name)).map(Parameter::value)
    }

    /// What is wrong with it (RFC 9110 §11.2 to §11.4).
    pub(crate) fn check(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if !is_token(&self.scheme) {
            faults.push(format!("a challenge of the scheme {:?}, which must be a token", self.scheme));
        }
        for (place, parameter) in self.parameters.iter().enumerate() {
            let Parameter { name, value, is_token: as_token } = parameter;
            if !is_token(name) {
                faults.push(format!("a challenge with the parameter {name:?}, whose name must be a token"));
            }
            if *as_token && !is_token(value) {
                faults.push(format!("a challenge with {name}={value:?}, which is no token: use .with(…)"));
            }
            if value.chars().any(|character| !matches!(character, ' '..='~')) {
                faults.push(format!("a challenge with {name}={value:?}, which cannot be quoted: use printable ASCII"));
            }
            if self.parameters.iter().take(place).any(|earlier| earlier.is_called(name)) {
                let hint = if name.eq_ignore_ascii_case("realm") { ": the gate adds its own" } else { "" };
                faults.push(format!("a challenge with two parameters {name:?}{hint}"));
            }
        }
        faults
    }

    /// As it is written in a field.
    pub(crate) fn written(&self) -> String {
        let mut text = String::with_capacity(128);
        // Writing into memory does not fail.
        let _ = write!(text, "{self}");
        text
    }

    /// The scheme, as written.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Whether this is a challenge that carries RFC 6750's `error`.
    pub(crate) fn takes_errors(&self) -> bool {
        self.with_errors || self.is_bearer()
    }

    /// Whether this is the challenge that carries a description of the error too.
    pub(crate) fn is_bearer(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("Bearer")
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.scheme)?;
        for (index, Parameter { name, value, is_token: as_token }) in self.parameters.iter().enumerate() {
            f.write_str(if index == 0 { " " } else { ", " })?;
            if *as_token && is_token(value) {
                write!(f, "{name}={value}")?;
                continue;
            }
            f.write_str(name)?;
            f.write_str("=\"")?;
            if value.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')) {
                f.write_str(value)?;
                f.write_str("\"")?;
                continue;
            }
            for character in value.chars() {
                match character {
                    '"' | '\\' => write!(f, "\\{character}")?,
                    ' '..='~' => write!(f, "{character}")?,
                    _ => f.write_str("?")?,
                }
            }
            f.write_str("\"")?;
        }
        Ok(())
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_quoted() {
        // H6
        for (value, written) in
            [("people", "people"), ("a\"b", "a\\\"b"), ("a\\b", "a\\\\b"), ("a\r\nb", "a??b"), ("ä", "?"), ("", "")]
        {
            assert_eq!(Challenge::new("Basic").with("realm", value).to_string(), format!("Basic realm=\"{written}\""));
        }
        assert_eq!(Challenge::new("Negotiate").to_string(), "Negotiate");
    }
    #[test]
    fn tokens_stand_as_they_are_and_what_is_none_is_quoted() {
        for (value, written) in [
            ("SHA-256", "SHA-256"),
            ("true", "true"),
            ("", "\"\""),
            ("a b", "\"a b\""),
            ("a\"b", "\"a\\\"b\""),
            ("a\r\nb", "\"a??b\""),
        ] {
            assert_eq!(Challenge::new("Digest").with_token("x", value).to_string(), format!("Digest x={written}"));
        }
    }

    #[test]
    fn a_realm_stands_in_front_unless_the_scheme_knows_none() {
        let digest = Challenge::new("Digest").with("qop", "auth").with_token("charset", "UTF-8");
        assert_eq!(digest.in_realm("r").to_string(), "Digest realm=\"r\", qop=\"auth\", charset=UTF-8");
        assert_eq!(Challenge::new("Hawk").without_realm().in_realm("r").to_string(), "Hawk");
    }

    #[test]
    fn advice_stands_in_place_of_what_it_replaces() {
        let advice = crate::response::Advice::new().with_token("stale", "true").with_parameter("NONCE", "new");
        let advised = Challenge::new("Digest").with("nonce", "old").with_token("algorithm", "MD5").advised(&advice);
        assert_eq!(advised.to_string(), "Digest algorithm=MD5, stale=true, NONCE=\"new\"");
    }

    #[test]
    fn what_is_no_challenge_is_named() {
        let rows = [
            (Challenge::new("Digest").with_token("algorithm", "SHA-256").with("qop", "auth, auth-int"), 0),
            (Challenge::new("Hawk").without_realm(), 0),
            (Challenge::new(""), 1),
            (Challenge::new("two words"), 1),
            (Challenge::new("X").with("", "y"), 1),
            (Challenge::new("X").with("a b", "y"), 1),
            (Challenge::new("X").with_token("a", "SHA 256"), 1),
            (Challenge::new("X").with_token("a", ""), 1),
            (Challenge::new("X").with("a", "\r\n"), 1),
            (Challenge::new("X").with("a", "ä"), 1),
            (Challenge::new("X").with("a", "1").with("A", "2"), 1),
            (Challenge::new("X").with("realm", "mine"), 1),
            (Challenge::new("X").with("realm", "mine").without_realm(), 0),
        ];
        for (challenge, faults) in rows {
            let challenge = challenge.in_realm("r");
            assert_eq!(challenge.check().len(), faults, "{challenge}: {:?}", challenge.check());
        }
    }
}
