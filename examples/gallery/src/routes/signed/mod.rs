//! Requests that are signed, a file for each scheme.

mod digest;
mod hawk;
mod oauth1;
mod signatures;
mod sigv4;
mod wsse;

use std::io;

use axum::{Router, routing::MethodFilter};
use countersign::{
    Gate, Secret,
    store::{SecretStore, StoredSecret},
    verifier::{Secrets, SignedBy},
};

use crate::{
    Fault,
    exhibit::Room,
    gallery::{Gallery, shows_caller},
    users::{self, Caller},
};

/// The public key `test-key-rsa-pss` of RFC 9421 B.1.2: SPKI, DER, in base64.
const TEST_KEY_RSA_PSS: &str = concat!(
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x",
    "28Rw3Ry53mm+oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHqgDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd1",
    "1nqqzi+bJ9cvSKADYdUAAN5WUtzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4aOT9v6d+nb4bnNkQVklLQ3fVAvJm",
    "+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI2wIDAQAB",
);

/// The routes of this group.
pub(crate) fn room(gallery: &Gallery) -> Result<Room, Fault> {
    let room = Room::empty().beside(digest::room(gallery)?).beside(wsse::room(gallery)?);
    let room = room.beside(hawk::room(gallery)?).beside(sigv4::room(gallery)?);
    Ok(room.beside(oauth1::room(gallery)?).beside(signatures::room(gallery)?))
}

/// Verifies by the keys of these, who are users. Keys are random and long: nobody guesses one, and nobody is held up who has a wrong clock.
fn keys<const N: usize>(
    keys: [(&'static str, &'static str, &'static str); N],
) -> SignedBy<impl SecretStore<Principal = Caller>> {
    let find = move |id: String| {
        let key = keys.iter().find(|(known, ..)| *known == id);
        let found = key.and_then(|(_, key, name)| Some(StoredSecret::new(Secret::new(*key), users::named(name)?)));
        async move { Ok::<_, io::Error>(found) }
    };
    SignedBy::secrets(Secrets::found_by(find).without_throttle())
}

/// Verifies by the passwords of all users.
fn passwords() -> SignedBy<impl SecretStore<Principal = Caller>> {
    let find = |name: String| {
        let user = users::all().find(|(_, known, _)| *known == name);
        let found =
            user.and_then(|(_, name, password)| Some(StoredSecret::new(Secret::new(password), users::named(name)?)));
        async move { Ok::<_, io::Error>(found) }
    };
    SignedBy::secrets(Secrets::found_by(find).without_throttle())
}

/// A route, and everything below it.
fn with_rest(paths: [&str; 3], methods: MethodFilter, gate: &Gate<Caller>) -> Router {
    paths.iter().fold(Router::new(), |routes, path| routes.merge(shows_caller(path, methods, gate)))
}
