//! What happens between two steps.

use super::*;

#[tokio::test]
async fn what_is_begun_while_its_owner_is_revoked_is_taken_back() {
    let service = service();
    let issue = service.endpoints.issue(&service.gate.only(["bearer"]).unwrap());
    let access = field(&service.issue(EMILY).await, "access_token");
    let head = || PlainHead::new("POST", "/tokens").with("authorization", format!("Bearer {access}"));
    let (late, during) = (service.begun(&issue, head()).await.unwrap(), service.begun(&issue, head()).await.unwrap());
    let cache = service.cache.clone();
    *service.store.after.lock().unwrap() = Some(Box::new(move || cache.revoke(Handle::subject("emily"))));
    assert_eq!(during.run(Vec::new()).await.status(), 401);
    *service.store.after.lock().unwrap() = None;
    assert_eq!(service.tokens.families_of("emily").await.unwrap().len(), 1, "the first alone");
    *service.store.before.lock().unwrap() = Some(Box::new(|| panic!("nothing is stored, not even for a moment")));
    assert_eq!(late.run(Vec::new()).await.status(), 401);
}

/// What is done to the store between two steps.
type Between = fn(&MemoryTokens, Handle);

#[tokio::test]
async fn what_is_revoked_while_a_token_turns_is_void_whatever_was_answered() {
    let subject: Between = |store, _| now(store.revoke_subject("emily", at(0))).unwrap();
    let family: Between = |store, handle| now(store.revoke(handle, at(600))).unwrap();
    for (revoke, calls) in [(subject, 1), (subject, 2), (family, 1), (family, 2)] {
        for before in [true, false] {
            let service = service();
            let token = field(&service.issue(EMILY).await, "refresh_token");
            let handle = service.tokens.families_of("emily").await.unwrap()[0].handle();
            let (asked, store) = (AtomicUsize::new(0), Arc::clone(&service.store));
            let then: Then = Box::new(move || {
                if asked.fetch_add(1, Ordering::SeqCst) + 1 == calls {
                    revoke(&store.store, handle);
                }
            });
            *if before { &service.store.before } else { &service.store.after }.lock().unwrap() = Some(then);
            let reply = service.refresh(&token).await;
            let row = format!("call {calls}, before: {before}");
            if calls == 2 && !before {
                // The answer is on its way; what it holds is void.
                assert_eq!(reply.status(), 200, "{row}");
                assert_eq!(service.caller(&field(&reply, "access_token")).await.unwrap_err(), 401, "{row}");
                is_no_grant(&service.refresh(&field(&reply, "refresh_token")).await);
            } else {
                is_no_grant(&reply);
            }
            is_no_grant(&service.refresh(&token).await);
            *service.store.before.lock().unwrap() = None;
            *service.store.after.lock().unwrap() = None;
        }
    }
}

#[tokio::test]
async fn who_leaves_while_a_token_turns_has_spent_it_whole() {
    for polls in 1..8 {
        let service = service();
        let token = field(&service.issue(EMILY).await, "refresh_token");
        let work = service.begun(&service.endpoints.refresh(&service.gate), service.refreshing()).await.unwrap();
        let mut work = Box::pin(work.run(json!({ "refresh_token": token }).to_string().into_bytes()));
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..polls {
            let _ = work.as_mut().poll(&mut context);
        }
        drop(work);
        service.gate.drained().await;
        let families = service.tokens.families_of("emily").await.unwrap();
        assert!(families[0].previous.is_some(), "dropped after {polls}");
    }
}

#[tokio::test]
async fn who_leaves_while_something_is_revoked_has_revoked_it() {
    for polls in 1..8 {
        for whole in [false, true] {
            let service = service();
            let access = field(&service.issue(EMILY).await, "access_token");
            assert!(service.caller(&access).await.is_ok(), "and is in the cache from now on");
            let (endpoint, head) = if whole {
                let head = PlainHead::new("DELETE", "/users/emily/tokens").with_parameter("name", "emily");
                (service.revocation.of_subject(&service.gate), head.with("authorization", EMILY))
            } else {
                let head = PlainHead::new("DELETE", "/tokens").with("authorization", format!("Bearer {access}"));
                (service.revocation.of_token(&service.gate), head)
            };
            let mut work = Box::pin(service.begun(&endpoint, head).await.unwrap().run(Vec::new()));
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..polls {
                let _ = work.as_mut().poll(&mut context);
            }
            drop(work);
            service.gate.drained().await;
            assert_eq!(service.caller(&access).await.unwrap_err(), 401, "dropped after {polls}, {whole}");
        }
    }
}

#[tokio::test]
async fn a_store_that_breaks_off_while_it_revokes_leaves_nothing_in_the_cache() {
    for whole in [false, true] {
        let service = service();
        let access = field(&service.issue(EMILY).await, "access_token");
        assert!(service.caller(&access).await.is_ok());
        *service.store.after.lock().unwrap() =
            Some(Box::new(|| std::panic::resume_unwind(Box::new("the connection broke"))));
        let reply = if whole { service.revoke(EMILY, "emily").await } else { service.give_back(&access).await };
        assert_eq!(reply.status(), 503);
        assert_eq!(service.caller(&access).await.unwrap_err(), 401);
    }
}
