//! Cases about sessions.

use super::{Harness, at_once};
use crate::stores::samples::{at, digest, session};

pub(super) async fn what_is_kept_is_found_as_it_was(harness: Harness) {
    let (one, other) = (harness.copy().await, harness.copy().await);
    let mut records = vec![session("emily", 1), session("emma", 2), session("jörg 'x' \"y\"; --", 3)];
    records[1].address = Some("2001:db8::1".parse().expect("an address"));
    records[1].agent = Some("Mozilla/5.0 (X11; Größe)\u{1F980}".into());
    records[1].data = Some(r#"{"theme":"dark","n":[1,2]}"#.into());
    records[1].revision = 7;
    records[2].address = Some("192.0.2.7".parse().expect("an address"));
    for (number, record) in records.iter().enumerate() {
        assert!(one.sessions().insert(digest(number as u64), record.clone(), 10).await.expect("kept").is_empty());
    }
    for (number, record) in records.into_iter().enumerate() {
        for copy in [&one, &other] {
            let found = copy.sessions().find(digest(number as u64)).await.expect("found");
            assert_eq!(found.as_ref(), Some(&record));
            assert_eq!(
                copy.sessions().find_of(&record.subject, &record.id).await.expect("found"),
                Some(record.clone())
            );
            assert_eq!(copy.sessions().list(&record.subject).await.expect("listed"), std::slice::from_ref(&record));
        }
    }
    assert_eq!(other.sessions().find(digest(99)).await.expect("an answer"), None);
    assert!(other.sessions().list("nobody").await.expect("an answer").is_empty());
}

pub(super) async fn those_that_came_first_make_way(harness: Harness) {
    let stores = harness.copy().await;
    let sessions = stores.sessions();
    sessions.insert(digest(50), session("emma", 0), 1).await.expect("kept");
    // All in one moment, so that nothing but their coming tells which is first.
    for number in 0..5 {
        let record = countersign::store::SessionRecord { created: at(1), ..session("emily", number) };
        assert!(sessions.insert(digest(number), record, 5).await.expect("kept").is_empty());
    }
    let gone = sessions.insert(digest(5), session("emily", 5), 3).await.expect("kept");
    assert_eq!(gone, ["s-emily-0".into(), "s-emily-1".into(), "s-emily-2".into()], "the first of them first");
    let listed: Vec<_> = sessions.list("emily").await.expect("listed").into_iter().map(|record| record.id).collect();
    assert_eq!(listed, ["s-emily-5".into(), "s-emily-4".into(), "s-emily-3".into()], "the newest first");
    for (number, there) in [(0, false), (2, false), (3, true), (5, true), (50, true)] {
        assert_eq!(sessions.find(digest(number)).await.expect("an answer").is_some(), there, "{number}");
    }
}

pub(super) async fn many_that_begin_at_once_are_never_more_than_may_be(harness: Harness) {
    let copies = [harness.copy().await, harness.copy().await];
    let gone = at_once(60, |number| {
        let stores = copies[number as usize % 2].clone();
        async move { stores.sessions().insert(digest(number), session("emily", number), 4).await.expect("kept") }
    });
    let mut gone: Vec<_> = gone.await.into_iter().flatten().collect();
    let left = copies[0].sessions().list("emily").await.expect("listed");
    assert_eq!(left.len(), 4);
    gone.extend(left.into_iter().map(|record| record.id));
    gone.sort_unstable();
    gone.dedup();
    assert_eq!(gone.len(), 60, "each is still there, or somebody was told that it is not");
}

pub(super) async fn a_use_moves_on_and_never_back(harness: Harness) {
    let stores = harness.copy().await;
    let sessions = stores.sessions();
    sessions.insert(digest(1), session("emily", 1), 9).await.expect("kept");
    for (used, last) in [(50, 50), (40, 50), (60, 60)] {
        sessions.touch(digest(1), at(used)).await.expect("noted");
        assert_eq!(sessions.find(digest(1)).await.expect("found").expect("there").used, at(last));
    }
    sessions.remove(digest(1)).await.expect("removed");
    sessions.touch(digest(1), at(70)).await.expect("an answer");
    assert_eq!(sessions.find(digest(1)).await.expect("an answer"), None, "what is gone stays gone");
}

pub(super) async fn the_second_of_two_writers_is_told_of_the_first(harness: Harness) {
    let stores = harness.copy().await;
    stores.sessions().insert(digest(1), session("emily", 1), 9).await.expect("kept");
    for (subject, data, revision, taken) in [
        ("emily", "{}", 0, true),
        ("emily", "[]", 0, false),
        ("emma", "[]", 1, false),
        ("emily", r#"{"a":"ä"}"#, 1, true),
        ("emily", "1", 3, false),
    ] {
        let written = stores.sessions().write(subject, "s-emily-1", data, revision).await.expect("an answer");
        assert_eq!(written, taken, "{subject} {revision}");
    }
    let found = stores.sessions().find(digest(1)).await.expect("found").expect("there");
    assert_eq!((found.data.as_deref(), found.revision), (Some(r#"{"a":"ä"}"#), 2));
    let written = at_once(20, |number| {
        let stores = stores.clone();
        async move { stores.sessions().write("emily", "s-emily-1", &number.to_string(), 2).await.expect("an answer") }
    });
    assert_eq!(written.await.into_iter().filter(|taken| *taken).count(), 1, "of many at once one is taken");
}

pub(super) async fn what_is_removed_is_gone_on_every_copy(harness: Harness) {
    let (one, other) = (harness.copy().await, harness.copy().await);
    for number in 0..6 {
        let subject = if number < 4 { "emily" } else { "emma" };
        one.sessions().insert(digest(number), session(subject, number), 9).await.expect("kept");
    }
    one.sessions().remove(digest(0)).await.expect("removed");
    one.sessions().remove(digest(0)).await.expect("removing what is gone is no error");
    assert_eq!(one.sessions().remove_of("emma", "s-emily-1").await.expect("an answer"), None, "somebody else's");
    let gone = one.sessions().remove_of("emily", "s-emily-1").await.expect("an answer");
    assert_eq!(gone, Some(session("emily", 1)));
    assert_eq!(other.sessions().list("emily").await.expect("listed").len(), 2);
    one.sessions().remove_all_of("emily").await.expect("removed");
    for number in 0..6 {
        assert_eq!(other.sessions().find(digest(number)).await.expect("an answer").is_some(), number >= 4, "{number}");
    }
}

pub(super) async fn a_name_that_nobody_can_have_is_nobody(harness: Harness) {
    let stores = harness.copy().await;
    let sessions = stores.sessions();
    for name in ["a\0b", "\0", "", "'; DROP TABLE sessions; --", "a\u{200d}b", "*", "%"] {
        assert_eq!(sessions.find_of(name, name).await.expect("an answer"), None, "{name:?}");
        assert_eq!(sessions.remove_of(name, name).await.expect("an answer"), None, "{name:?}");
        assert!(sessions.list(name).await.expect("an answer").is_empty(), "{name:?}");
        assert!(!sessions.write(name, name, "{}", 0).await.expect("an answer"), "{name:?}");
        sessions.remove_all_of(name).await.expect("an answer");
    }
}
