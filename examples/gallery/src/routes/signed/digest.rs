//! Digest: by SHA-256 and MD5, and by each algorithm alone.

use std::{io, sync::Arc};

use axum::Router;
use countersign::{
    Secret,
    credential::{
        Nonces,
        digest::{Digest, DigestAlgorithm, DigestClient},
    },
    store::{MemoryCounts, SecretStore, StoredSecret},
    verifier::{Secrets, SignedBy},
};

use crate::{
    Fault,
    exhibit::{Exhibit, Room},
    gallery::{GET_AND_POST, Gallery, shows_caller},
    users::{self, Caller},
};

const REALM: &str = "gallery";

/// Each algorithm that stands alone, and whether names may come hashed there.
const ALONE: [(&str, DigestAlgorithm, bool); 6] = [
    ("/digest/md5", DigestAlgorithm::Md5, false),
    ("/digest/md5-sess", DigestAlgorithm::Md5Sess, false),
    ("/digest/sha-256", DigestAlgorithm::Sha256, true),
    ("/digest/sha-256-sess", DigestAlgorithm::Sha256Sess, false),
    ("/digest/sha-512-256", DigestAlgorithm::Sha512_256, true),
    ("/digest/sha-512-256-sess", DigestAlgorithm::Sha512_256Sess, false),
];

pub(super) fn room(gallery: &Gallery) -> Result<Room, Fault> {
    let both = kind(gallery, "/digest").by([DigestAlgorithm::Sha256, DigestAlgorithm::Md5]);
    let mut routes = route(gallery, "/digest", both)?;
    for (path, algorithm, by_hash) in ALONE {
        let alone = kind(gallery, path).by([algorithm]);
        let alone = if by_hash { alone.with_user_hash() } else { alone };
        routes = routes.merge(route(gallery, path, alone)?);
    }
    let line = format!("curl --digest --user 'Mufasa:Circle of Life' {}/digest", gallery.site());
    let room = Room::empty().with(
        routes,
        Exhibit {
            path: "/digest",
            title: "Digest",
            what: "A hash over a nonce of the server, the password, the method and the target, in place of the password.",
            choose: "for devices and old clients that know nothing else.",
            avoid: "for anything new: the server must keep the password or its like, and Basic over TLS shows it to nobody either.",
            line,
        },
    );
    Ok(ALONE.iter().fold(room, |room, (path, algorithm, _)| room.and_a_line(path, pasted(gallery, path, *algorithm))))
}

/// A line for an algorithm that stands alone. Not every curl knows each of them, so the answer is made here: it is good once, for as long as its nonce.
fn pasted(gallery: &Gallery, path: &str, algorithm: DigestAlgorithm) -> String {
    let (_, name, password) = users::all().find(|(number, ..)| *number == 51).unwrap_or_default();
    let nonce = nonces(gallery).hand_out();
    let kind = Digest::in_realm(REALM, nonces(gallery), Arc::new(MemoryCounts::default()));
    let answer = DigestClient::named(name).answer(REALM, &nonce).with_opaque(kind.opaque()).by(algorithm);
    let answer = answer.authorization("GET", path, &Secret::new(password));
    format!("curl -H 'Authorization: {answer}' {}{path}", gallery.site())
}

fn nonces(gallery: &Gallery) -> Nonces {
    Nonces::of("digest", gallery.keys().clone()).living(gallery.nonce_life()).timed_by(Arc::clone(gallery.clock()))
}

fn kind(gallery: &Gallery, path: &str) -> Digest {
    Digest::in_realm(REALM, nonces(gallery), gallery.stores().counts(path))
}

fn route(gallery: &Gallery, path: &str, kind: Digest) -> Result<Router, Fault> {
    Ok(shows_caller(path, GET_AND_POST, &gallery.gate(kind, passwords())?))
}

/// Passwords, found by the name, or by its hash.
fn passwords() -> SignedBy<impl SecretStore<Principal = Caller>> {
    let hashed_by = [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512_256];
    let secrets: Vec<(String, String, &'static str)> = users::all()
        .flat_map(|(_, name, password)| {
            let hashed = hashed_by
                .map(|algorithm| (Digest::hashed_name(algorithm, REALM, name), format!("{name}:{password}"), name));
            hashed.into_iter().chain([(name.to_owned(), password.to_owned(), name)])
        })
        .collect();
    let find = move |asked: String| {
        let found = secrets.iter().find(|(known, ..)| *known == asked);
        let found = found
            .and_then(|(_, secret, name)| Some(StoredSecret::new(Secret::new(secret.as_str()), users::named(name)?)));
        async move { Ok::<_, io::Error>(found) }
    };
    SignedBy::secrets(Secrets::found_by(find).without_throttle())
}
