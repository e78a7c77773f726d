//! What a client that has shown that it holds a credential is told with its refusal: [`Advice`].

use super::challenge::Parameter;

/// Parameters for the challenges of the refused kind, and fields of the response.
///
/// A refusal says nothing that helps a guesser. But who has proved that it holds the secret may learn why it is refused all the same: that
/// its nonce is stale, its clock wrong, its proof of possession missing. Nothing of it goes to anybody else.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use]
pub struct Advice {
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) fields: Vec<(&'static str, String)>,
}

impl Advice {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a parameter to the challenge of the refused kind.
    pub fn with_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push(Parameter::quoted(name, value));
        self
    }

    /// Adds one that is a token and not quoted, such as `stale=true`.
    pub fn with_token(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parameters.push(Parameter::token(name, value));
        self
    }

    /// The value of the parameter of this name, if it was added.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|parameter| parameter.is_called(name)).map(Parameter::value)
    }

    /// Adds a field to the response. The name is in lower case.
    pub fn with_field(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }
}
