//! What is remembered for the length of one request.
/// stub
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Visit;
