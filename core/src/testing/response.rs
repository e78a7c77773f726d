//! The header of a response made by hand: [`PlainResponse`].

use crate::adapter::ResponseHead;

/// The fields of a response, in order.
///
/// # Example
/// ```
/// use countersign::{adapter::ResponseHead, testing::PlainResponse};
///
/// let mut response = PlainResponse::default().with("vary", "accept");
/// response.append("vary", "cookie");
/// assert_eq!(response.values("vary").collect::<Vec<_>>(), ["accept", "cookie"]);
/// response.replace("vary", "*");
/// assert_eq!(response.fields(), [("vary", "*".to_owned())]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlainResponse(Vec<(&'static str, String)>);

impl PlainResponse {
    /// Adds a field behind those that are there, as an app writes one.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.append(name, value);
        self
    }

    /// All fields.
    #[must_use]
    pub fn fields(&self) -> &[(&'static str, String)] {
        &self.0
    }

    /// The values of the fields of this name.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

impl ResponseHead for PlainResponse {
    fn has(&self, name: &'static str) -> bool {
        self.values(name).next().is_some()
    }

    fn each(&self, name: &'static str, show: &mut dyn FnMut(&[u8])) {
        self.values(name).for_each(|value| show(value.as_bytes()));
    }

    fn append(&mut self, name: &'static str, value: &str) {
        self.0.push((name, value.to_owned()));
    }

    fn replace(&mut self, name: &'static str, value: &str) {
        self.0.retain(|(known, _)| *known != name);
        self.append(name, value);
    }
}
