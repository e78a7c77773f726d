//! A refresh token is good once.

use super::*;

#[tokio::test]
async fn a_token_is_good_once_and_its_second_use_ends_the_family_also_in_the_cache() {
    let service = service();
    let first = service.issue(EMILY).await;
    let next = service.refresh(&field(&first, "refresh_token")).await;
    assert_eq!((first.status(), next.status()), (200, 200));
    for reply in [&first, &next] {
        assert!(service.caller(&field(reply, "access_token")).await.is_ok(), "and is in the cache from now on");
    }
    is_no_grant(&service.refresh(&field(&first, "refresh_token")).await);
    for reply in [&first, &next] {
        assert_eq!(service.caller(&field(reply, "access_token")).await.unwrap_err(), 401);
        is_no_grant(&service.refresh(&field(reply, "refresh_token")).await);
    }
    assert_eq!(service.issue(EMILY).await.status(), 200);
}

#[tokio::test]
async fn a_family_ends_without_use_and_at_the_latest() {
    let days = |days: u64| Duration::from_secs(days * 24 * 60 * 60);
    for (each, times, good) in [(29, 3, true), (30, 1, false), (31, 1, false), (20, 4, true), (18, 5, false)] {
        let service = service();
        let mut token = field(&service.issue(EMILY).await, "refresh_token");
        let mut last = 0;
        for _ in 0..times {
            service.clock.advance(days(each));
            let reply = service.refresh(&token).await;
            last = reply.status();
            if last == 200 {
                token = field(&reply, "refresh_token");
            }
        }
        assert_eq!(last == 200, good, "{times} times after {each} days");
    }
    for (idle, longest) in [(Duration::MAX, Duration::MAX), (Duration::MAX, days(1)), (days(1), Duration::MAX)] {
        let service = service_with(|tokens| tokens.ending_after(idle, longest));
        let token = field(&service.issue(EMILY).await, "refresh_token");
        assert_eq!(service.refresh(&token).await.status(), 200, "{idle:?} {longest:?}");
    }
}

#[tokio::test]
async fn who_is_gone_gets_nothing_and_an_outage_spends_nothing() {
    let service = service();
    let token = field(&service.issue(EMILY).await, "refresh_token");
    for away in [&service.people.away, &service.store.away] {
        away.store(true, Ordering::SeqCst);
        let reply = service.refresh(&token).await;
        assert_eq!((reply.status(), reply.fields().any(|(name, _)| name == "retry-after")), (503, true));
        away.store(false, Ordering::SeqCst);
    }
    service.people.gone.lock().unwrap().insert("emily".to_owned());
    is_no_grant(&service.refresh(&token).await);
    service.people.gone.lock().unwrap().clear();
    assert_eq!(service.refresh(&token).await.status(), 200);
}

#[tokio::test]
async fn a_store_that_has_no_answer_lets_no_token_in() {
    let service = service();
    let access = field(&service.issue(EMILY).await, "access_token");
    service.store.away.store(true, Ordering::SeqCst);
    assert_eq!(service.caller(&access).await.unwrap_err(), 503);
    assert_eq!(service.issue(EMILY).await.status(), 503);
    assert_eq!(service.revoke(EMILY, "emily").await.status(), 503);
    service.store.away.store(false, Ordering::SeqCst);
    assert!(service.caller(&access).await.is_ok());
    // What was verified before counts as long as the cache lets it.
    service.store.away.store(true, Ordering::SeqCst);
    assert!(service.caller(&access).await.is_ok());
    assert_eq!(service.give_back(&access).await.status(), 503);
    // A revocation that may have been made is not taken back by the cache.
    assert_eq!(service.caller(&access).await.unwrap_err(), 503);
}

#[tokio::test]
async fn a_lost_answer_is_given_again_to_the_address_that_had_it_and_only_for_a_while() {
    let address = |last| IpAddr::from(Ipv4Addr::new(192, 0, 2, last));
    let keys = KeyRing::random();
    let forgiving = || {
        let keys = keys.clone();
        service_with(|tokens| tokens.forgiving_lost_answers(Duration::from_secs(10), keys))
    };
    // After how long, from which address, after how many turns, and what becomes of it.
    for (seconds, from, turns, good) in
        [(0, 1, 1, true), (9, 1, 1, true), (10, 1, 1, false), (0, 2, 1, false), (0, 1, 2, false)]
    {
        let service = forgiving();
        let head = |last| service.refreshing().from(address(last));
        let first = field(&service.issue(EMILY).await, "refresh_token");
        let mut answer = service.refresh_from(&first, head(1)).await;
        for _ in 1..turns {
            answer = service.refresh_from(&field(&answer, "refresh_token"), head(1)).await;
        }
        service.clock.advance(Duration::from_secs(seconds));
        let again = service.refresh_from(&first, head(from)).await;
        let row = format!("{seconds} s, from {from}, {turns} turns");
        if good {
            assert_eq!(field(&again, "refresh_token"), field(&answer, "refresh_token"), "{row}");
            assert!(service.caller(&field(&again, "access_token")).await.is_ok(), "{row}");
            assert_eq!(service.tokens.families_of("emily").await.unwrap().len(), 1, "{row}");
            assert_eq!(service.refresh_from(&field(&again, "refresh_token"), head(1)).await.status(), 200, "{row}");
        } else {
            is_no_grant(&again);
            is_no_grant(&service.refresh_from(&field(&answer, "refresh_token"), head(1)).await);
        }
    }
    // Nothing is forgiven to who did not ask for it.
    let service = service();
    let first = field(&service.issue(EMILY).await, "refresh_token");
    assert_eq!(service.refresh_from(&first, service.refreshing().from(address(1))).await.status(), 200);
    is_no_grant(&service.refresh_from(&first, service.refreshing().from(address(1))).await);
}

#[tokio::test]
async fn an_app_begins_lists_and_ends_families_itself() {
    let service = service();
    let from = PlainHead::new("POST", "/callback").with("user-agent", "x".repeat(1000)).view().client_info();
    let scopes = "reports:read admin".parse().unwrap();
    let issued = service.tokens.begin("emily", Some(&scopes), &from).await.unwrap().unwrap();
    assert_eq!((issued.subject(), issued.scopes().to_string().as_str()), ("emily", "reports:read"));
    assert!(service.tokens.begin("nobody", None, &from).await.unwrap().is_none());
    let grant = service.caller(issued.access_token()).await.unwrap();
    assert_eq!((grant.roles().len(), grant.scopes().to_string().as_str()), (0, "reports:read"));
    let whole = service.tokens.begin("emily", None, &from).await.unwrap().unwrap();
    assert_eq!(service.caller(whole.access_token()).await.unwrap().roles().len(), 1);

    let families = service.tokens.families_of("emily").await.unwrap();
    assert_eq!((families.len(), families[0].agent.as_ref().map(|agent| agent.len())), (2, Some(256)));
    let shown = format!("{issued:?} {families:?} {:?} {:?}", service.tokens, service.endpoints);
    for secret in [issued.access_token(), issued.refresh_token()] {
        assert!(!shown.contains(secret));
    }
    assert!(!service.tokens.end("emma", &families[0].id, &service.cache).await.unwrap());
    assert!(service.tokens.end("emily", &families[0].id, &service.cache).await.unwrap());
    assert!(!service.tokens.end("emily", &families[0].id, &service.cache).await.unwrap());
    assert_eq!(service.caller(issued.access_token()).await.unwrap_err(), 401);
    assert!(service.caller(whole.access_token()).await.is_ok());
}

#[tokio::test]
async fn nothing_but_a_refresh_token_of_the_family_is_one() {
    let service = service();
    let issued = service.issue(EMILY).await;
    let foreign: TokenPrefix = "ppl_".parse().unwrap();
    let own: TokenPrefix = "pplr_".parse().unwrap();
    for token in [own.mint().reveal(), foreign.mint().reveal(), &field(&issued, "access_token"), "", "pplr_"] {
        is_no_grant(&service.refresh(token).await);
    }
    assert_eq!(service.refresh(&field(&issued, "refresh_token")).await.status(), 200);
}
