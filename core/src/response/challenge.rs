//! What a 401 tells the client to do: one `WWW-Authenticate` value (RFC 9110 §11.6.1).
//!
//! # Example
//! ```
//! use countersign::response::Challenge;
//!
//! let challenge = Challenge::new("Bearer").with("realm", "people").with("error", "invalid_token");
//! assert_eq!(challenge.to_string(), r#"Bearer realm="people", error="invalid_token""#);
//! ```

use std::{borrow::Cow, fmt};

/// One challenge: a scheme and its parameters, always as quoted strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    scheme: Cow<'static, str>,
    parameters: Vec<(Cow<'static, str>, Cow<'static, str>)>,
}

impl Challenge {
    /// A challenge of this scheme, without parameters.
    #[must_use]
    pub fn new(scheme: impl Into<String>) -> Self {
        Self { scheme: Cow::Owned(scheme.into()), parameters: Vec::new() }
    }

    /// Adds a parameter. Characters that a quoted string cannot hold (controls, and what is not ASCII) become `?`.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push((Cow::Owned(name.into()), Cow::Owned(value.into())));
        self
    }

    /// Puts the realm in front, where readers of challenges look for it.
    pub(crate) fn in_realm(mut self, realm: &str) -> Self {
        self.parameters.insert(0, (Cow::Borrowed("realm"), Cow::Owned(realm.into())));
        self
    }

    /// With what a client is told that has shown that it holds a credential: in place of parameters of the same name.
    pub(crate) fn advised(mut self, advice: &super::Advice) -> Self {
        for (name, value) in &advice.parameters {
            self.parameters.retain(|(known, _)| known != name);
            self = self.with(name.as_str(), value.as_str());
        }
        self
    }

    /// The scheme, as written.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// Whether this is the challenge that carries RFC 6750's `error` parameters.
    pub(crate) fn is_bearer(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("Bearer")
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.scheme)?;
        for (index, (name, value)) in self.parameters.iter().enumerate() {
            f.write_str(if index == 0 { " " } else { ", " })?;
            write!(f, "{name}=\"")?;
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
}
