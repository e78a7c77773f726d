//! One small app twice: as it was with axum-login over tower-sessions, and as it is with Countersign. Both have the same users, whose
//! hashes stay, and whoever was signed in by the first is signed in by the second: see [`carried_over`].

pub mod after;
pub mod before;
pub mod carried_over;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// A user, as both apps have them.
#[derive(Debug, Clone)]
pub struct User {
    name: String,
    hash: String,
}

/// The app's table, here in memory. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Users(Arc<Mutex<HashMap<String, User>>>);

impl Users {
    /// Adds a user, or changes the hash.
    pub fn put(&self, name: &str, hash: &str) {
        let user = User { name: name.to_owned(), hash: hash.to_owned() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), user);
    }

    fn find(&self, name: &str) -> Option<User> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

/// The page with the form.
const FORM: &str = "<!doctype html><title>Sign in</title><form method=post><input name=username><input name=password type=password>\
                    <button>Sign in</button></form>";
