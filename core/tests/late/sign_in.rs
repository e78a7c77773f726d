//! What happens while somebody signs in.

use super::*;

#[tokio::test]
async fn a_password_that_is_changed_during_a_sign_in_begins_no_session() {
    let service = service();
    let (password, cache) = (Arc::clone(&service.password), service.cache.clone());
    service.stores.then(move || {
        *password.lock().unwrap() = "changed".to_owned();
        cache.revoke(Handle::subject("emily"));
    });
    assert_eq!(service.sign_in().await.status(), 401);
    assert_eq!(service.stores.session_count.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_password_that_is_changed_during_any_sign_in_gets_nothing_handed_out() {
    let service = service();
    let (password, cache) = (Arc::clone(&service.password), service.cache.clone());
    let made = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&made);
    let endpoint = SignIn::at(&service.gate).then(Arc::clone(&service.passwords), move |_| {
        let (password, cache) = (Arc::clone(&password), cache.clone());
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            // The owner is faster than the store.
            *password.lock().unwrap() = "a new one".to_owned();
            cache.revoke(Handle::subject("emily"));
            Ok(Reply::new(200).with_body("text/plain", "a token"))
        }
    });
    let head = PlainHead::new("POST", "/token").with("content-type", "application/json");
    let reply = service.call(&endpoint, head, r#"{"username":"emily","password":"s3cret"}"#).await;
    assert_eq!((reply.status(), made.load(Ordering::SeqCst)), (401, 1));
}

#[tokio::test]
async fn whose_password_still_holds_is_signed_in_though_something_was_revoked_meanwhile() {
    let service = service();
    let (cache, once) = (service.cache.clone(), AtomicBool::new(false));
    service.stores.then(move || {
        if !once.swap(true, Ordering::SeqCst) {
            cache.revoke_all();
        }
    });
    assert_eq!(service.sign_in().await.status(), 204);
    assert_eq!(service.stores.session_count.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_verifier_or_a_store_that_hangs_keeps_nobody_out_for_long() {
    for store_hangs in [false, true] {
        let service = Arc::new(service());
        let hangs = if store_hangs { &service.stores.hangs } else { &service.passwords_hang };
        hangs.store(true, Ordering::SeqCst);
        let waiting: Vec<_> = (0..300)
            .map(|_| {
                let service = Arc::clone(&service);
                tokio::spawn(async move { service.sign_in().await })
            })
            .collect();
        for sign_in in waiting {
            let reply = tokio::time::timeout(Duration::from_secs(16), sign_in).await.unwrap().unwrap();
            assert_eq!((reply.status(), fields(&reply, "retry-after").len()), (503, 1));
        }
        hangs.store(false, Ordering::SeqCst);
        assert_eq!(service.sign_in().await.status(), 204, "store hangs: {store_hangs}");
    }
}

#[tokio::test]
async fn a_sign_in_under_way_is_void_before_sessions_are_removed() {
    let service = service();
    let (cache, revoked) = (service.cache.clone(), Arc::<AtomicUsize>::default());
    let seen = Arc::clone(&revoked);
    service.stores.then(move || {
        seen.fetch_max(usize::try_from(cache.counts().revocations).unwrap(), Ordering::SeqCst);
    });
    service.door.end_all_of("emily").await.unwrap();
    // Else one that stored its session behind the removal, and asked before the cache was told, would stand.
    assert_eq!(revoked.load(Ordering::SeqCst), 1);
    assert_eq!(service.cache.counts().revocations, 2, "and what was looked up meanwhile is void too");
}

#[tokio::test]
async fn a_session_that_is_begun_by_the_app_is_whole_whoever_hangs_up() {
    for polls in 1..8 {
        let service = service();
        let earlier = service.session().await;
        let from = PlainHead::get("/callback").with("cookie", &earlier).view().client_info();
        drop_after(polls, service.door.begin("emily", &from));
        service.door.drained().await;
        // The new one is there, and the one that the browser brought along is not.
        assert_eq!(service.stores.session_count.load(Ordering::SeqCst), 1);
        assert!(!service.may(&earlier).await, "dropped after {polls}");
    }
}
