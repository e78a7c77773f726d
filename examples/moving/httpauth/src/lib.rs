//! One small app twice: as it was with actix-web-httpauth, and as it is with Countersign. Both have the same users, whose hashes stay.

pub mod after;
pub mod before;

/// A program's token.
pub const TOKEN: &str = "a-long-random-token";

/// Who somebody is.
#[derive(Debug, Clone)]
pub struct User(String);

/// The hash that the app's table has of this name: of emily's password, by bcrypt.
fn hash_of(name: &str) -> Option<&'static str> {
    (name == "emily").then_some("$2b$06$ZGq7lenknwCk9y8i3pDCYOA5kTj1A2d/rYwWNYTTLYGVE05bbr3IW")
}
