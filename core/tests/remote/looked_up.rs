//! Strangers' tokens for users of ours.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use countersign::{
    Answer, Handle, Unavailable, Verified, Verify, async_trait,
    store::Directory,
    verifier::{LookedUp, jwt::JwtVerifier},
};
use serde_json::{Value, json};

use crate::issuer::*;

/// Emily is an admin who may read and write reports; nobody else is there.
#[derive(Default)]
struct Users(AtomicBool);

#[async_trait]
impl Directory<String> for Users {
    async fn find(&self, name: &str) -> Result<Option<Verified<String>>, Unavailable> {
        if self.0.load(Ordering::SeqCst) {
            return Err(Unavailable::because("the database is down"));
        }
        let scopes = "reports:read reports:write".parse().unwrap();
        let user = || Verified::new(name.to_owned()).with_subject(name).with_roles(["admin"]).with_scopes(scopes);
        Ok((name == "emily").then(user))
    }
}

async fn verified(
    verifier: &LookedUp<JwtVerifier<()>, String>,
    service: &Service,
    claims: &Value,
) -> Result<Verified<String>, &'static str> {
    let signer = fresh();
    service.issuer.has(set_of(&[&signer]));
    service.pass(4).await;
    match verifier.verify(read(&signer.sign(claims).unwrap())).await {
        Answer::Verified(verified) => Ok(verified),
        other => Err(said(&other)),
    }
}

#[tokio::test(start_paused = true)]
async fn a_stranger_is_a_user_of_ours_with_what_both_say_and_without_roles() {
    let service = Service::of(&Issuer::with(json!({ "keys": [] }))).await;
    let users = Arc::new(Users::default());
    let theirs = JwtVerifier::trusting(people(&service.remote)).timed_by(service.clock.clone());
    let theirs = theirs.principal_by(|_, verified| verified.into()).unwrap();
    let verifier = LookedUp::new(theirs, users.clone());
    for (name, value, expected) in [
        ("scope", json!("reports:read"), Ok("reports:read")),
        ("scope", json!("reports:write users:delete reports:read"), Ok("reports:write reports:read")),
        ("scope", json!(["reports:write"]), Ok("reports:write")),
        ("scope", json!(""), Ok("")),
        ("roles", json!(["admin"]), Ok("reports:read")),
        ("sub", json!("emma"), Err("refused")),
        ("sub", json!("Emily"), Err("refused")),
        ("sub", json!(null), Err("refused")),
        ("scope", json!(7), Err("refused")),
    ] {
        let mut claims = claims();
        claims[name] = value.clone();
        let said = verified(&verifier, &service, &claims).await;
        let scopes = said.as_ref().map(|verified| verified.scopes().to_string()).map_err(|said| *said);
        assert_eq!(scopes.as_deref(), expected.as_ref().copied(), "{name} {value}");
        if let Ok(verified) = said {
            assert_eq!((verified.subject(), verified.roles().len()), (Some("emily"), 0));
        }
    }
    users.0.store(true, Ordering::SeqCst);
    assert_eq!(verified(&verifier, &service, &claims()).await.unwrap_err(), "no answer");
}

#[tokio::test(start_paused = true)]
async fn the_roles_come_along_where_the_issuer_is_ours_and_the_token_is_not_narrowed() {
    let service = Service::of(&Issuer::with(json!({ "keys": [] }))).await;
    let ours = JwtVerifier::trusting(people(&service.remote)).timed_by(service.clock.clone());
    let ours = ours.principal_by(|_, verified| verified.into()).unwrap();
    let verifier = ours.looked_up_in(Arc::new(Users::default())).with_roles();
    for (scope, roles) in [
        (json!(null), 1),
        (json!("reports:read reports:write"), 1),
        (json!("reports:read"), 0),
        (json!("users:delete"), 0),
    ] {
        let mut claims = claims();
        claims["scope"] = scope.clone();
        if scope.is_null() {
            claims.as_object_mut().unwrap().remove("scope");
        }
        let verified = verified(&verifier, &service, &claims).await.unwrap();
        assert_eq!(verified.roles().len(), roles, "{scope}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_may_have_names_of_its_own_and_revocations_reach_ours_and_theirs() {
    let service = Service::of(&Issuer::with(json!({ "keys": [] }))).await;
    let builder = JwtVerifier::trusting(people(&service.remote)).timed_by(service.clock.clone());
    let theirs = builder.principal_by(|claims, verified| match claims.get::<String>("preferred_username") {
        Ok(Some(name)) => verified.with_subject(name).into(),
        _ => Answer::Refused,
    });
    let verifier = LookedUp::new(theirs.unwrap(), Arc::new(Users::default()));
    let mut theirs = claims();
    (theirs["sub"], theirs["jti"]) = (json!("f3b1"), json!("t-1"));
    assert_eq!(verified(&verifier, &service, &theirs).await.unwrap_err(), "refused");
    theirs["preferred_username"] = json!("emily");
    let verified = verified(&verifier, &service, &theirs).await.unwrap();
    assert_eq!(verified.subject(), Some("emily"));
    for handle in [
        Handle::subject("emily"),
        Handle::subject_of(ISSUER, "f3b1"),
        Handle::token_of(ISSUER, "t-1"),
        Handle::issuer(ISSUER),
    ] {
        assert!(verified.handles().contains(&handle), "{handle:?}");
    }
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW + 6000);
    assert_eq!((verified.named_end(), verified.ends()), (Some(end), Some(end + Duration::from_secs(30))));
}
