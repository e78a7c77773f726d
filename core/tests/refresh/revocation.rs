//! Taking tokens back.

use super::*;

#[tokio::test]
async fn a_token_that_is_given_back_takes_its_family_along() {
    let service = service();
    let first = service.issue(EMILY).await;
    let next = service.refresh(&field(&first, "refresh_token")).await;
    let other = service.issue(EMILY).await;
    for reply in [&first, &next, &other] {
        assert!(service.caller(&field(reply, "access_token")).await.is_ok());
    }
    assert_eq!(service.give_back(&field(&first, "access_token")).await.status(), 204);
    for reply in [&first, &next] {
        assert_eq!(service.caller(&field(reply, "access_token")).await.unwrap_err(), 401);
    }
    is_no_grant(&service.refresh(&field(&next, "refresh_token")).await);
    assert!(service.caller(&field(&other, "access_token")).await.is_ok());
    assert_eq!(service.tokens.families_of("emily").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_subject_is_revoked_by_itself_or_an_admin_and_is_in_again_at_once() {
    let service = service();
    for by in [EMILY, JACOB] {
        let (emilys, jacobs) = (service.issue(EMILY).await, service.issue(JACOB).await);
        for reply in [&emilys, &jacobs] {
            assert!(service.caller(&field(reply, "access_token")).await.is_ok());
        }
        assert_eq!(service.revoke(EMILY, "jacob").await.status(), 403);
        assert_eq!(service.revoke(by, "emily").await.status(), 204);
        assert_eq!(service.caller(&field(&emilys, "access_token")).await.unwrap_err(), 401);
        is_no_grant(&service.refresh(&field(&emilys, "refresh_token")).await);
        assert!(service.caller(&field(&jacobs, "access_token")).await.is_ok());
        // The clock has not moved.
        let again = service.issue(EMILY).await;
        assert!(service.caller(&field(&again, "access_token")).await.is_ok());
        assert_eq!(service.refresh(&field(&again, "refresh_token")).await.status(), 200);
    }
    for name in ["nobody", "", "emi\0ly", "emily\n"] {
        assert_eq!(service.revoke(JACOB, name).await.status(), 404, "{name:?}");
    }
}

/// What a caller is given by a token of an earlier generation is of that generation too.
#[tokio::test]
async fn a_token_hands_on_its_generation() {
    let service = service();
    let access = field(&service.issue(EMILY).await, "access_token");
    assert!(service.caller(&access).await.is_ok(), "and is in the cache from now on");
    // Between the store and the cache: the store of another copy, or this one's a moment too early.
    service.store.store.revoke_subject("emily", at(0)).await.unwrap();
    let head = PlainHead::new("POST", "/tokens").with("authorization", format!("Bearer {access}"));
    let by_token = service.call(&service.endpoints.issue(&service.gate.only(["bearer"]).unwrap()), head, "").await;
    service.cache.revoke(Handle::subject("emily"));
    if by_token.status() == 200 {
        assert_eq!(service.caller(&field(&by_token, "access_token")).await.unwrap_err(), 401);
        is_no_grant(&service.refresh(&field(&by_token, "refresh_token")).await);
    }
    assert_eq!(service.caller(&access).await.unwrap_err(), 401);
}

#[tokio::test]
async fn tokens_of_others_are_void_when_they_were_issued_until_the_subject_was_revoked() {
    use countersign::verifier::jwt::JwtVerifier;

    let (store, clock) = (Arc::<Distant>::default(), Arc::new(ManualClock::at(at(0))));
    let signer = JwtSigner::fresh().unwrap();
    let theirs: JwtVerifier<()> = JwtVerifier::trusting(signer.trusted("https://issuer.example").audience("people"))
        .timed_by(clock.clone())
        .principal_by(|_, verified| verified.into())
        .unwrap();
    let people = Arc::<People>::default();
    let looked_up = LookedUp::new(theirs, people.clone()).recorded_in(store.clone());
    let cache = CredentialCache::with(countersign::cache::CacheOptions::default().timed_by(clock.clone()));
    let gate = Gate::in_realm("people")
        .accept(Bearer, looked_up)
        .cached(cache.clone())
        .timed_by(clock.clone())
        .build()
        .unwrap();
    let token = |subject: &str, more: Value| {
        let mut claims = json!({
            "iss": "https://issuer.example", "aud": "people", "sub": subject, "exp": 1_800_009_999_u64,
            "scope": "reports:read admin",
        });
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        signer.sign(&claims).unwrap()
    };
    let caller = async |token: &str| {
        let head = PlainHead::get("/").with("authorization", format!("Bearer {token}")).received_by(&gate);
        admit(&gate, &head).await.map_err(|reply| reply.status())
    };
    let grant = caller(&token("jacob", json!({}))).await.unwrap();
    assert_eq!((grant.roles().len(), grant.scopes().to_string().as_str()), (0, "reports:read"));
    assert_eq!(caller(&token("nobody", json!({}))).await.unwrap_err(), 401);

    let seconds = 1_800_000_100_u64;
    clock.advance(Duration::from_millis(100_900));
    // When it says that it was issued, and whether it is void from then on.
    let rows = [
        (json!({}), true),
        (json!({"iat": seconds - 50}), true),
        (json!({"iat": seconds}), true),
        (json!({"iat": seconds as f64 + 0.95}), true),
        (json!({"iat": seconds + 1}), false),
    ];
    for (claims, _) in &rows {
        assert!(caller(&token("emily", claims.clone())).await.is_ok(), "{claims}");
    }
    let revocation = Revocation::recorded_in(store.clone(), people, &cache);
    revocation.revoke_all_of("emily", at(100) + Duration::from_millis(900)).await.unwrap();
    for (claims, void) in &rows {
        assert_eq!(caller(&token("emily", claims.clone())).await.is_err(), *void, "{claims}");
    }
    assert!(caller(&token("emma", json!({}))).await.is_ok());

    // Given back, with and without an id.
    for claims in [json!({"jti": "t-1"}), json!({})] {
        let text = token("emma", claims);
        let head =
            PlainHead::new("DELETE", "/tokens").with("authorization", format!("Bearer {text}")).received_by(&gate);
        let endpoint = revocation.of_token(&gate);
        let grant = admit(endpoint.gate().unwrap(), &head).await.unwrap();
        let reply = endpoint.prepare(&head, head.exchange(), Some(grant)).unwrap().run(Vec::new()).await;
        assert_eq!(reply.status(), 204);
        assert_eq!(caller(&text).await.unwrap_err(), 401);
        cache.revoke_all();
        assert_eq!(caller(&text).await.unwrap_err(), 401);
    }
    assert!(caller(&token("emma", json!({"jti": "t-2"}))).await.is_ok());
}

#[tokio::test]
async fn a_session_is_of_its_generation_and_so_is_what_it_is_given() {
    let (store, people) = (Arc::<Distant>::default(), Arc::<People>::default());
    let (cache, cookie) = (CredentialCache::default(), SignedCookie::named("session", KeyRing::random()));
    let sessions = Sessions::new(Arc::new(MemorySessions::default()), people.clone())
        .by(cookie)
        .recorded_in(store.clone())
        .revoking(&cache);
    let access =
        AccessTokens::issued_by("https://people", JwtSigner::fresh().unwrap()).for_audience("people", people).unwrap();
    let tokens = RefreshTokens::new("pplr_".parse().unwrap(), access, store.clone());
    let gate = Gate::in_realm("people")
        .accept(sessions.cookie(), sessions.clone())
        .accept(Bearer, tokens.access_tokens().clone())
        .cached(cache.clone())
        .build()
        .unwrap();
    let from = PlainHead::new("POST", "/").view().client_info();
    let begin = async || {
        let begun = sessions.begin("emily", &from).await.unwrap();
        begun.set_cookie().split(';').next().unwrap().to_owned()
    };
    let by = |cookie: &str| PlainHead::new("POST", "/tokens").with("cookie", cookie).received_by(&gate);
    let caller = async |token: &str| {
        let head = PlainHead::get("/").with("authorization", format!("Bearer {token}")).received_by(&gate);
        admit(&gate, &head).await.map_err(|reply| reply.status())
    };
    let issue = RefreshEndpoints::new(tokens.clone()).issue(&gate.only(["cookie"]).unwrap());

    let old = begin().await;
    assert!(admit(&gate, &by(&old)).await.is_ok(), "and is in the cache from now on");
    // By another copy, of which this one hears later; the row of the session is still there.
    store.store.revoke_subject("emily", SystemTime::now()).await.unwrap();
    let head = by(&old);
    let grant = admit(issue.gate().unwrap(), &head).await.unwrap();
    let reply = issue.prepare(&head, head.exchange(), Some(grant)).unwrap().run(Vec::new()).await;
    assert_eq!(caller(&field(&reply, "access_token")).await.unwrap_err(), 401);
    assert!(tokens.refresh(field(&reply, "refresh_token").as_bytes(), &from, &cache).await.unwrap().is_none());
    let with_old = PlainHead::new("POST", "/").with("cookie", &old).view().client_info();
    let renewed = sessions.renew(&with_old).await.unwrap().map(|begun| begun.set_cookie().to_owned());
    cache.revoke(Handle::subject("emily"));
    for cookie in [Some(old), renewed].into_iter().flatten() {
        let cookie = cookie.split(';').next().unwrap().to_owned();
        assert_eq!(admit(&gate, &by(&cookie)).await.unwrap_err().status(), 401);
    }
    assert!(sessions.list("emily").await.unwrap().is_empty());

    let new = begin().await;
    assert!(admit(&gate, &by(&new)).await.is_ok());
    assert_eq!(sessions.list("emily").await.unwrap().len(), 1);
    store.away.store(true, Ordering::SeqCst);
    cache.revoke_all();
    assert_eq!(admit(&gate, &by(&new)).await.unwrap_err().status(), 503);
    assert!(sessions.begin("emily", &from).await.is_err());
}
