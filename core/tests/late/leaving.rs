//! Clients that leave, and stores that fail, in the middle of a change.

use super::*;

#[tokio::test]
async fn who_leaves_during_a_sign_out_is_signed_out() {
    for polls in 1..6 {
        let service = service();
        let session = service.session().await;
        assert!(service.may(&session).await, "and is in the cache from now on");
        let head = PlainHead::new("DELETE", "/session").with("cookie", &session);
        let work = service.begun(&service.sessions.sign_out(), head).await;
        drop_after(polls, work.run(Vec::new()));
        service.gate.drained().await;
        assert_eq!(service.stores.session_count.load(Ordering::SeqCst), 0);
        assert!(!service.may(&session).await, "dropped after {polls}");
    }
}

#[tokio::test]
async fn who_leaves_while_a_device_is_ended_has_ended_it() {
    type Ending = fn(Arc<Service>, String) -> std::pin::Pin<Box<dyn Future<Output = ()>>>;
    let by_endpoint: Ending = |service, id| {
        Box::pin(async move {
            let session = service.session().await;
            let head = PlainHead::new("DELETE", "/sessions/x").with_parameter("id", &id).with("cookie", &session);
            let _ = service.call(&service.sessions.end_one(&service.gate), head, "").await;
        })
    };
    let by_id: Ending = |service, id| Box::pin(async move { drop(service.door.end_one_of("emily", &id).await) });
    let all: Ending = |service, _| Box::pin(async move { drop(service.door.end_all_of("emily").await) });
    for (name, ending) in [("endpoint", by_endpoint), ("id", by_id), ("all", all)] {
        for polls in 1..24 {
            let service = Arc::new(service());
            let session = service.session().await;
            assert!(service.may(&session).await, "and is in the cache from now on");
            let id = service.door.list("emily").await.unwrap()[0].id.to_string();
            drop_after(polls, ending(Arc::clone(&service), id.clone()));
            service.gate.drained().await;
            service.door.drained().await;
            let there = service.door.list("emily").await.unwrap().iter().any(|record| *record.id == *id);
            assert_eq!(service.may(&session).await, there, "{name}: dropped after {polls}");
            assert!(!there || name == "endpoint", "{name}: a call that was begun runs to its end");
        }
    }
}

#[tokio::test]
async fn whoever_leaves_a_sign_in_has_one_session_and_not_the_earlier_one() {
    for polls in 1..12 {
        let service = service();
        let earlier = service.session().await;
        let head = PlainHead::new("POST", "/session").with("content-type", "application/json").with("cookie", &earlier);
        let sign_in = service.sessions.sign_in(Arc::clone(&service.passwords));
        let work = service.begun(&sign_in, head).await;
        drop_after(polls, work.run(br#"{"username":"emily","password":"s3cret"}"#.to_vec()));
        service.gate.drained().await;
        assert_eq!(service.stores.session_count.load(Ordering::SeqCst), 1, "dropped after {polls}");
        assert!(!service.may(&earlier).await, "dropped after {polls}");
    }
}

#[tokio::test]
async fn whoever_leaves_while_a_key_is_made_or_ended_has_made_or_ended_it() {
    for polls in 1..12 {
        let service = service();
        let session = service.session().await;
        let create = service.keys.create(&service.gate);
        let work = service.begun(&create, making(&session)).await;
        drop_after(polls, work.run(br#"{"name":"mine"}"#.to_vec()));
        service.gate.drained().await;
        let kept = service.stores.keys.list("emily").await.unwrap();
        assert_eq!(kept.len(), 1, "dropped after {polls}");

        let head = PlainHead::new("DELETE", "/keys/x").with_parameter("id", &kept[0].id).with("cookie", &session);
        let work = service.begun(&service.keys.delete(&service.gate), head).await;
        drop_after(polls, work.run(Vec::new()));
        service.gate.drained().await;
        assert_eq!(service.kept().await, 0, "dropped after {polls}");
    }
}

#[tokio::test]
async fn a_store_that_fails_at_a_sign_out_leaves_nothing_in_the_cache() {
    let service = service();
    let session = service.session().await;
    assert!(service.may(&session).await);
    let stores = service.stores.clone();
    service.stores.then(move || {
        // The row is gone, and the answer is lost.
        assert_eq!(stores.session_count.load(Ordering::SeqCst), 0);
        std::panic::resume_unwind(Box::new("the connection broke"));
    });
    assert_eq!(service.sign_out(&session).await.status(), 503);
    assert!(!service.may(&session).await);
}

#[tokio::test]
async fn what_is_shielded_runs_to_its_end() {
    let service = service();
    let session = service.session().await;
    let me =
        admit(&service.gate, &PlainHead::get("/").with("cookie", session).received_by(&service.gate)).await.unwrap();
    let done = Arc::<AtomicBool>::default();
    let shielded = || {
        let done = Arc::clone(&done);
        me.shielded(async move {
            tokio::task::yield_now().await;
            done.store(true, Ordering::SeqCst);
            7
        })
    };
    drop_after(1, shielded());
    assert!(!done.load(Ordering::SeqCst));
    service.gate.drained().await;
    assert!(done.load(Ordering::SeqCst));
    assert_eq!(shielded().await.unwrap(), 7);
    assert!(me.shielded(async { panic!("no") }).await.is_err());
    // One subject's share.
    let mut hanging: Vec<_> =
        (0..256).map(|_| Box::pin(me.shielded(tokio::time::sleep(Duration::from_millis(50))))).collect();
    for shielded in &mut hanging {
        drop_after(1, shielded.as_mut());
    }
    assert!(me.shielded(async {}).await.unwrap_err().retry_after().is_some());
    service.gate.drained().await;
    assert!(me.shielded(async {}).await.is_ok());
}

#[tokio::test]
async fn who_ends_all_sessions_by_a_cookie_that_ended_meanwhile_ends_none() {
    // A copy of a cookie that its owner has ended must not sign the owner out of what they began since.
    for end in [SessionEndpoints::end_all, SessionEndpoints::end_all_by_form] {
        let service = service();
        let (stolen, head) = (service.session().await, PlainHead::new("DELETE", "/sessions"));
        let work = service.begun(&end(&service.sessions, &service.gate), head.with("cookie", &stolen)).await;
        service.door.end_all_of("emily").await.unwrap();
        let since = service.session().await;
        is_refused_as_by_a_guard(&work.run(Vec::new()).await);
        assert!(service.may(&since).await);
    }
}

#[tokio::test]
async fn who_leaves_while_all_sessions_are_ended_has_ended_them() {
    for polls in 1..12 {
        let service = service();
        let [session, other] = [service.session().await, service.session().await];
        assert!(service.may(&session).await && service.may(&other).await, "and are in the cache from now on");
        let head = PlainHead::new("DELETE", "/sessions").with("cookie", &session);
        let work = service.begun(&service.sessions.end_all(&service.gate), head).await;
        drop_after(polls, work.run(Vec::new()));
        service.gate.drained().await;
        assert_eq!(service.stores.session_count.load(Ordering::SeqCst), 0);
        assert!(!service.may(&session).await && !service.may(&other).await, "dropped after {polls}");
    }
}
