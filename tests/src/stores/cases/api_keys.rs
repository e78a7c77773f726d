//! Cases about API keys.

use countersign::{Scopes, store::ApiKeyRecord};

use super::Harness;
use crate::stores::samples::{at, digest, key};

pub(super) async fn what_is_kept_is_found_as_it_was(harness: Harness) {
    let (one, other) = (harness.copy().await, harness.copy().await);
    let records = [
        key("emily", 1),
        ApiKeyRecord { scopes: Scopes::default(), name: "Größe 'x' \"y\"".into(), ..key("emma", 2) },
        ApiKeyRecord { all_scopes: true, ends: Some(at(9)), used: Some(at(8)), ..key("jacob", 3) },
    ];
    for (number, record) in records.iter().enumerate() {
        one.api_keys().insert(digest(number as u64), record.clone()).await.expect("kept");
    }
    for (number, record) in records.into_iter().enumerate() {
        assert_eq!(other.api_keys().find(digest(number as u64)).await.expect("found"), Some(record));
    }
    assert_eq!(other.api_keys().find(digest(9)).await.expect("an answer"), None);
}

pub(super) async fn keys_are_listed_and_counted_by_owner(harness: Harness) {
    let stores = harness.copy().await;
    for number in 0..5 {
        let subject = if number == 2 { "emma" } else { "emily" };
        stores.api_keys().insert(digest(number), key(subject, number)).await.expect("kept");
    }
    for (subject, ids) in
        [("emily", &["k-emily-0", "k-emily-1", "k-emily-3", "k-emily-4"][..]), ("nobody", &[]), ("a\0b", &[])]
    {
        let listed = stores.api_keys().list(subject).await.expect("listed");
        let listed: Vec<_> = listed.iter().map(|record| &*record.id).collect();
        assert_eq!(listed, ids, "{subject:?}, the oldest first");
        assert_eq!(stores.api_keys().count(subject).await.expect("counted"), ids.len(), "{subject:?}");
    }
}

pub(super) async fn only_its_owner_removes_a_key(harness: Harness) {
    let (one, other) = (harness.copy().await, harness.copy().await);
    one.api_keys().insert(digest(1), key("emily", 1)).await.expect("kept");
    for (subject, id, gone) in [
        ("emma", "k-emily-1", false),
        ("emily", "k-\0", false),
        ("emily", "k-emily-1", true),
        ("emily", "k-emily-1", false),
    ] {
        assert_eq!(one.api_keys().remove(subject, id).await.expect("an answer"), gone, "{subject} {id:?}");
    }
    assert_eq!(other.api_keys().find(digest(1)).await.expect("an answer"), None);
}

pub(super) async fn a_use_moves_on_and_never_back(harness: Harness) {
    let stores = harness.copy().await;
    stores.api_keys().insert(digest(1), key("emily", 1)).await.expect("kept");
    for (used, last) in [(50, 50), (40, 50), (60, 60)] {
        stores.api_keys().touch(digest(1), at(used)).await.expect("noted");
        assert_eq!(stores.api_keys().find(digest(1)).await.expect("found").expect("there").used, Some(at(last)));
    }
    stores.api_keys().touch(digest(2), at(70)).await.expect("an answer");
    assert_eq!(stores.api_keys().find(digest(2)).await.expect("an answer"), None, "what is not there is not made");
}
