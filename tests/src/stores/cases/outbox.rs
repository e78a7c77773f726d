//! Cases about what is announced to other copies.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use countersign::{
    CredentialCache, Handle, JwtSigner, KeyRing, SignedCookie,
    cache::copies::Copies,
    mint::{
        access_token::AccessTokens, api_key::ApiKeys, refresh_token::RefreshTokens, revocation::Revocation,
        session::Sessions,
    },
    secret::TokenPrefix,
    store::{Announcement, ApiKeyRecord, FamilyRecord, Outbox, SessionRecord, Voided},
};

use super::{Harness, at_once, departures::People};
use crate::stores::samples::{at, digest, family, key, rotation, session};

/// What was announced above a number, and the number after it.
async fn news(outbox: &dyn Outbox, cursor: &mut u64) -> Vec<Voided> {
    let page = outbox.since(*cursor, 10_000).await.expect("read");
    for row in &page.rows {
        *cursor += 1;
        assert_eq!(row.number, *cursor, "numbers leave out none");
    }
    assert_eq!(page.newest, *cursor);
    page.rows.iter().map(|row| row.voided).collect()
}

pub(super) async fn each_change_is_announced_and_nothing_else(harness: Harness) {
    let (stores, other) = (harness.copy().await, harness.copy().await);
    let (sessions, tokens, outbox) = (stores.sessions(), stores.tokens(), other.outbox());
    let mut cursor = outbox.since(u64::MAX, 0).await.expect("read").newest;
    let handle = |handle| vec![Voided::Handle(handle)];
    let session_handle = SessionRecord::handle_of;

    for number in 0..4 {
        sessions.insert(digest(number), session("emily", number), 4).await.expect("kept");
    }
    sessions.touch(digest(0), at(50)).await.expect("noted");
    sessions.write("emily", "s-emily-0", "{}", 0).await.expect("written");
    sessions.remove(digest(99)).await.expect("an answer");
    sessions.remove_of("emma", "s-emily-0").await.expect("an answer");
    assert_eq!(news(outbox, &mut cursor).await, [], "nothing became void");
    sessions.insert(digest(4), session("emily", 4), 3).await.expect("kept");
    let made_way = ["s-emily-0", "s-emily-1"].map(|id| Voided::Handle(session_handle(id)));
    assert_eq!(news(outbox, &mut cursor).await, made_way);
    sessions.remove(digest(2)).await.expect("removed");
    assert_eq!(news(outbox, &mut cursor).await, handle(session_handle("s-emily-2")));
    sessions.remove_of("emily", "s-emily-3").await.expect("removed");
    assert_eq!(news(outbox, &mut cursor).await, handle(session_handle("s-emily-3")));
    for subject in ["emily", "nobody"] {
        sessions.remove_all_of(subject).await.expect("removed");
        assert_eq!(news(outbox, &mut cursor).await, handle(Handle::subject(subject)), "of {subject}");
    }

    if let Some(keys) = &stores.api_keys {
        keys.insert(digest(1), key("emily", 1)).await.expect("kept");
        keys.touch(digest(1), at(5)).await.expect("noted");
        keys.remove("emma", "k-emily-1").await.expect("an answer");
        assert_eq!(news(outbox, &mut cursor).await, []);
        keys.remove("emily", "k-emily-1").await.expect("removed");
        assert_eq!(news(outbox, &mut cursor).await, handle(ApiKeyRecord::handle_of("k-emily-1")));
    }

    let family = family("emily", 1);
    tokens.begin(family.clone(), 1).await.expect("begun");
    tokens.begin(crate::stores::samples::family("emily", 2), 1).await.expect("begun");
    tokens.begin(family.clone(), 9).await.expect("begun");
    let turn = rotation(&family, family.current, digest(1));
    _ = tokens.rotate(turn.clone()).await.expect("turned");
    assert_eq!(news(outbox, &mut cursor).await, [], "what made way is good until it ends");
    _ = tokens.rotate(turn).await.expect("an answer");
    assert_eq!(news(outbox, &mut cursor).await, handle(family.handle()), "used twice");
    tokens.revoke(FamilyRecord::handle_of("gone"), at(9)).await.expect("revoked");
    assert_eq!(news(outbox, &mut cursor).await, handle(FamilyRecord::handle_of("gone")));
    tokens.revoke_subject("emma", at(9)).await.expect("revoked");
    assert_eq!(news(outbox, &mut cursor).await, handle(Handle::subject("emma")));

    let voided = [Voided::Handle(Handle::issuer("x")), Voided::Everything];
    stores.outbox().announce(&voided).await.expect("announced");
    assert_eq!(news(outbox, &mut cursor).await, voided);
    stores.outbox().announce(&[]).await.expect("nothing is announced");
    assert_eq!(news(outbox, &mut cursor).await, []);
}

pub(super) async fn who_sees_a_change_finds_its_row(harness: Harness) {
    let (one, other) = (harness.copy().await, harness.copy().await);
    for number in 0..60 {
        one.sessions().insert(digest(number), session("emily", number), 99).await.expect("kept");
        let removing = {
            let one = one.clone();
            tokio::spawn(async move { one.sessions().remove(digest(number)).await.expect("removed") })
        };
        while other.sessions().find(digest(number)).await.expect("an answer").is_some() {}
        // No wait in between: the row came with the change.
        let page = other.outbox().since(0, 10_000).await.expect("read");
        let gone = Voided::Handle(SessionRecord::handle_of(&format!("s-emily-{number}")));
        assert_eq!(page.rows.last().map(|row| row.voided), Some(gone), "{number}");
        removing.await.expect("it ends");
    }
}

pub(super) async fn numbers_leave_out_none_however_many_write_at_once(harness: Harness) {
    let copies = [harness.copy().await, harness.copy().await];
    let reader = {
        let stores = harness.copy().await;
        tokio::spawn(async move {
            let (mut cursor, mut seen) = (0, Vec::new());
            while seen.len() < 200 {
                // Each page must follow upon the last, or a copy would pass over the row that comes late.
                seen.extend(news(stores.outbox(), &mut cursor).await);
            }
            seen
        })
    };
    at_once(200, |number| {
        let stores = copies[number as usize % 2].clone();
        async move {
            let handle = Handle::subject(&number.to_string());
            match number % 3 {
                0 => stores.tokens().revoke(handle, at(number)).await.expect("revoked"),
                1 => stores.tokens().revoke_subject(&number.to_string(), at(number)).await.expect("revoked"),
                _ => stores.outbox().announce(&[Voided::Handle(handle)]).await.expect("announced"),
            }
        }
    })
    .await;
    let mut seen = reader.await.expect("no gap");
    let position =
        |voided: &Voided| (0..200).find(|number: &u64| *voided == Voided::Handle(Handle::subject(&number.to_string())));
    seen.sort_unstable_by_key(position);
    seen.dedup();
    assert_eq!(seen.len(), 200, "each was seen once");
}

pub(super) async fn pages_follow_each_other(harness: Harness) {
    let stores = harness.copy().await;
    let voided: Vec<_> = (0..250).map(|number: u32| Voided::Handle(Handle::subject(&number.to_string()))).collect();
    stores.outbox().announce(&voided).await.expect("announced");
    for (cursor, most, expected) in
        [(0, 1000, 0..250), (0, 3, 0..3), (100, 7, 100..107), (249, 9, 249..250), (250, 9, 0..0), (u64::MAX, 9, 0..0)]
    {
        let page = stores.outbox().since(cursor, most).await.expect("read");
        assert_eq!(page.newest, 250);
        let rows: Vec<_> =
            expected.map(|index: usize| Announcement { number: index as u64 + 1, voided: voided[index] }).collect();
        assert_eq!(page.rows, rows, "{most} above {cursor}");
    }
}

pub(super) async fn the_counter_outlives_its_rows(harness: Harness) {
    let stores = harness.copy().await;
    let outbox = stores.outbox();
    outbox.announce(&[Voided::Everything; 5]).await.expect("announced");
    assert_eq!(
        outbox.purge(SystemTime::now() - Duration::from_secs(600), 100).await.expect("purged"),
        0,
        "all are new"
    );
    assert_eq!(outbox.since(0, 100).await.expect("read").rows.len(), 5);
    let later = SystemTime::now() + Duration::from_secs(600);
    assert_eq!(outbox.purge(later, 2).await.expect("purged"), 2);
    let page = outbox.since(0, 100).await.expect("read");
    let numbers = page.rows.iter().map(|row| row.number);
    assert!(numbers.eq(3..=5), "the oldest went first");
    while outbox.purge(later, 100).await.expect("purged") > 0 {}
    assert_eq!(outbox.since(0, 100).await.expect("read").newest, 5);
    outbox.announce(&[Voided::Everything]).await.expect("announced");
    assert_eq!(
        outbox.since(5, 100).await.expect("read").rows,
        [Announcement { number: 6, voided: Voided::Everything }]
    );
}

pub(super) async fn a_copy_has_read_its_own_rows_when_a_call_returns(harness: Harness) {
    let stores = harness.copy().await;
    let cache = CredentialCache::default();
    let outbox = stores.outbox.clone().expect("the harness has an outbox");
    // So often that a row which was left to be read would be read in the time that is waited for it.
    let following = Copies::sharing(outbox).every(Duration::from_millis(10)).follow(&cache).expect("it follows");
    following.settled().await;
    let (records, tokens) = (stores.sessions.clone().expect("sessions"), stores.tokens.clone().expect("tokens"));
    let sessions = Sessions::new(Arc::clone(&records), Arc::new(People))
        .by(SignedCookie::named("session", KeyRing::random()))
        .revoking(&cache);
    let signer = JwtSigner::fresh().expect("a key");
    let access = AccessTokens::issued_by("people", signer).for_audience("people", Arc::new(People)).expect("tokens");
    let prefix = |text: &str| text.parse::<TokenPrefix>().expect("a prefix");
    let refresh = RefreshTokens::new(prefix("ref_"), access, Arc::clone(&tokens));
    let revocation = Revocation::recorded_in(tokens.clone(), Arc::new(People), &cache);
    let keys = stores.api_keys.clone().map(|keys| {
        let by_hand = ApiKeys::new(prefix("ppl_"), Arc::clone(&keys), Arc::new(People)).revoking(&cache);
        (keys, by_hand)
    });

    let stays = async |what: &str| {
        let before = cache.counts().revocations;
        tokio::time::sleep(Duration::from_millis(40)).await;
        assert_eq!(cache.counts().revocations, before, "{what}: what was verified since is void");
    };
    for round in 0..12 {
        let number = |place: u64| 10 * round + place;
        for place in 0..2 {
            records.insert(digest(number(place)), session("emily", number(place)), 4).await.expect("kept");
        }
        let id = format!("s-emily-{}", number(0));
        assert!(sessions.end_one_of("emily", &id).await.is_ok(), "{id}");
        stays("the end of a session").await;
        sessions.end_all_of("emily").await.expect("ended");
        stays("the end of all sessions").await;
        revocation.revoke_all_of("emily", SystemTime::now()).await.expect("revoked");
        stays("the revocation of a subject").await;
        let record = family("emily", number(2));
        let id = record.id.clone();
        tokens.begin(record, 20).await.expect("begun");
        refresh.end("emily", &id, &cache).await.expect("ended");
        stays("the end of a family").await;
        if let Some((keys, by_hand)) = &keys {
            keys.insert(digest(number(3)), key("emily", number(3))).await.expect("kept");
            by_hand.delete_all_of("emily").await.expect("deleted");
            stays("the end of all keys").await;
        }
    }
}
