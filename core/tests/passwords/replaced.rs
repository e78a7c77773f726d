//! Outdated hashes, replaced at a sign-in.

use super::*;

#[tokio::test]
async fn an_outdated_hash_is_replaced_behind_the_answer() {
    let (passwords, shelf) = passwords(Shelf::with(hashed(weak(), "s3cret")));
    let old = shelf.hash.lock().unwrap().clone();
    assert_eq!(outcome(&passwords, "emily", "wrong").await, "refused");
    assert_eq!(*shelf.hash.lock().unwrap(), old, "not by a wrong password");
    assert_eq!(outcome(&passwords, "emily", "s3cret").await, "verified");
    shelf.replaced.notified().await;
    let new = shelf.hash.lock().unwrap().clone();
    assert!(new.starts_with("$argon2id$v=19$m=256,t=1,p=1$"), "{new}");
    assert_eq!(outcome(&passwords, "emily", "s3cret").await, "verified");
    assert_eq!(outcome(&passwords, "emily", "wrong").await, "refused");
    assert_eq!(*shelf.hash.lock().unwrap(), new, "once is enough");
}

#[tokio::test]
async fn a_store_that_keeps_no_new_hashes_is_given_none() {
    let (passwords, shelf) = passwords(Shelf { keeps: false, ..Shelf::with(hashed(weak(), "s3cret")) });
    assert_eq!(outcome(&passwords, "emily", "s3cret").await, "verified");
    assert_eq!(passwords.running() + passwords.waiting(), 0);
    tokio::task::yield_now().await;
    assert!(shelf.hash.lock().unwrap().contains("m=64,"));
}

#[cfg(feature = "legacy-passwords")]
#[tokio::test]
async fn who_moves_in_from_another_library_leaves_with_argon2() {
    // How they were made: passwords/README.md.
    let made: Vec<serde_json::Value> =
        include_str!("hashes.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(made.len(), 60);
    for row in made {
        let [by, password, hash] = ["by", "password", "hash"].map(|name| row[name].as_str().unwrap());
        let (passwords, shelf) = passwords(Shelf::with(hash));
        assert_eq!(outcome(&passwords, "emily", &format!("{password} ")).await, "refused", "{by}: {hash}");
        assert_eq!(outcome(&passwords, "emily", password).await, "verified", "{by}: {hash}");
        if !hash.contains("argon2id") {
            shelf.replaced.notified().await;
            assert!(shelf.hash.lock().unwrap().starts_with("$argon2id$v=19$m=256,"), "{by}");
            assert_eq!(outcome(&passwords, "emily", password).await, "verified", "{by}, replaced");
        }
        assert_eq!(passwords.unreadable(), 0);
    }
}
