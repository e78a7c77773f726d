//! The same steps in both apps, and the same answers, but where it is said; and whoever the first signed in is signed in by the second.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use axum::{
    Router,
    body::Body,
    http::{Request, header::SET_COOKIE},
};
use http_body_util::BodyExt;
use moving_axum_login::{Users, after, before};
use tower::ServiceExt;
use tower_sessions::MemoryStore;

/// Of `s3cret` and of `another one`, as the table has had them for years.
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$egCZe/Ig3e+IZt1XrbgERw$OCHUP7qL8oe36p0Z7L1xwq24lJzcX2v392mfISnE5YI";
const ANOTHER: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$8ikNfDEABeO1s9UcxzCOXg$CVJM39W9/nNPxjO6NYmjz2RzkdlMY04NWuaGB/8r86s";

const RIGHT: &str = "username=emily&password=s3cret";

/// A browser with its cookies.
#[derive(Clone, Default)]
struct Browser(BTreeMap<String, String>);

struct Seen {
    status: u16,
    location: String,
    body: String,
}

impl Browser {
    async fn ask(&mut self, app: &Router, method: &str, path: &str, form: &str, fields: &[(&str, &str)]) -> Seen {
        let request = Request::builder().method(method).uri(path).header("host", "people.example");
        let mut request = request.header("accept", "text/html").header("sec-fetch-mode", "navigate");
        if !form.is_empty() {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        let cookies: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        let request = fields.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = app.clone().oneshot(request.body(Body::from(form.to_owned())).unwrap()).await.unwrap();
        for set in response.headers().get_all(SET_COOKIE) {
            let set = set.to_str().unwrap();
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            match value.is_empty() || set.contains("Max-Age=0") {
                true => self.0.remove(name),
                false => self.0.insert(name.to_owned(), value.to_owned()),
            };
        }
        let status = response.status().as_u16();
        let location = response.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Seen { status, location: location.unwrap_or_default(), body: String::from_utf8(body.to_vec()).unwrap() }
    }

    async fn get(&mut self, app: &Router, path: &str) -> Seen {
        self.ask(app, "GET", path, "", &[]).await
    }

    async fn post(&mut self, app: &Router, path: &str, form: &str) -> Seen {
        self.ask(app, "POST", path, form, &[]).await
    }
}

/// Emily's table, and the store of tower-sessions that was there before.
fn parts() -> (Users, MemoryStore) {
    let users = Users::default();
    users.put("emily", HASH);
    (users, MemoryStore::default())
}

fn apps(users: &Users, store: &MemoryStore) -> (Router, Router) {
    (before::app(users.clone(), store.clone()), after::app(users.clone(), store.clone()).unwrap())
}

#[tokio::test]
async fn people_sign_in_and_out_as_before() {
    let (users, store) = parts();
    let (old, new) = apps(&users, &store);
    // A redirect to the form is 307 before, so that a form that was posted would be posted once more; and 303 after.
    for (which, app, to_the_form) in [("before", &old, 307), ("after", &new, 303)] {
        let mut emily = Browser::default();
        let (seen, home) = (emily.get(app, "/me").await, emily.get(app, "/").await);
        assert_eq!((seen.status, home.status, &*home.body), (to_the_form, 200, "hello, stranger"), "{which}");
        assert!(seen.location.starts_with("/sign-in?next="), "{which}: {}", seen.location);
        assert!(emily.get(app, "/sign-in").await.body.contains("<form"), "{which}");

        for wrong in ["username=emily&password=wrong", "username=nobody&password=s3cret"] {
            let seen = emily.post(app, "/sign-in", wrong).await;
            assert_eq!((seen.status, seen.body.contains("<form")), (401, true), "{which}: {wrong}");
        }
        let seen = emily.post(app, "/sign-in", RIGHT).await;
        assert_eq!((seen.status, &*seen.location), (303, "/"), "{which}");
        assert_eq!(emily.get(app, "/me").await.body, "emily", "{which}");
        assert_eq!(emily.get(app, "/").await.body, "hello, emily", "{which}");

        let mut copy = emily.clone();
        let seen = emily.post(app, "/sign-out", "").await;
        assert_eq!((seen.status, &*seen.location), (303, "/"), "{which}");
        assert_eq!(emily.get(app, "/").await.body, "hello, stranger", "{which}");
        assert_ne!(copy.get(app, "/me").await.status, 200, "{which}: a copy of the cookie opens nothing");
    }
}

#[tokio::test]
async fn what_is_stricter() {
    let (users, store) = parts();
    let (old, new) = apps(&users, &store);
    // The page of another site signs a visitor in as its owner. What they do then, they do in the owner's account.
    let elsewhere = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
    for (app, status) in [(&old, 303), (&new, 403)] {
        let mut victim = Browser::default();
        assert_eq!(victim.ask(app, "POST", "/sign-in", RIGHT, &elsewhere).await.status, status);
    }
    // Who guesses is held up.
    for (app, sixth) in [(&old, 303), (&new, 429)] {
        let mut guesser = Browser::default();
        for _ in 0..5 {
            assert_eq!(guesser.post(app, "/sign-in", "username=emily&password=wrong").await.status, 401);
        }
        assert_eq!(guesser.post(app, "/sign-in", RIGHT).await.status, sixth);
    }
    // A script is told no, and not sent to a page.
    for (app, status) in [(&old, 307), (&new, 401)] {
        let request = Request::get("/me").header("accept", "application/json").body(Body::empty()).unwrap();
        assert_eq!(app.clone().oneshot(request).await.unwrap().status(), status);
    }
}

#[tokio::test]
async fn whoever_was_signed_in_stays_signed_in() {
    let (users, store) = parts();
    let (old, new) = apps(&users, &store);
    let mut emily = Browser::default();
    emily.post(&old, "/sign-in", RIGHT).await;
    assert_eq!(emily.0.keys().collect::<Vec<_>>(), ["id"]);
    let mut at_once = emily.clone();

    assert_eq!(emily.get(&new, "/me").await.body, "emily");
    assert_eq!(emily.0.keys().collect::<Vec<_>>(), ["session"], "she has a new cookie, and no longer the old one");
    assert_eq!(emily.get(&new, "/me").await.body, "emily");
    assert_eq!(at_once.get(&new, "/me").await.body, "emily", "a request that was on its way");

    emily.post(&new, "/sign-out", "").await;
    assert_eq!(emily.get(&new, "/").await.body, "hello, stranger");
}

#[tokio::test]
async fn whoever_signs_out_first_is_out() {
    let (users, store) = parts();
    let (old, new) = apps(&users, &store);
    let mut emily = Browser::default();
    emily.post(&old, "/sign-in", RIGHT).await;
    let mut copy = emily.clone();
    let seen = emily.post(&new, "/sign-out", "").await;
    assert_eq!((seen.status, emily.0.is_empty()), (303, true), "neither cookie is left");
    for app in [&new, &old] {
        assert_eq!(copy.clone().get(app, "/").await.body, "hello, stranger", "and a copy of the old one opens nothing");
    }
    assert_ne!(copy.get(&new, "/me").await.status, 200);
}

#[tokio::test]
async fn what_was_over_stays_over() {
    let (users, store) = parts();
    let (old, new) = apps(&users, &store);
    let mut emily = Browser::default();
    emily.post(&old, "/sign-in", RIGHT).await;
    let forged = Browser([("id".to_owned(), "AAAAAAAAAAAAAAAAAAAAAA".to_owned())].into());
    let garbled = Browser([("id".to_owned(), "no id".to_owned())].into());
    users.put("emily", ANOTHER);
    for (what, browser) in [("of an earlier password", emily), ("forged", forged), ("garbled", garbled)] {
        for app in [&old, &new] {
            assert_eq!(browser.clone().get(app, "/").await.body, "hello, stranger", "{what}");
        }
    }
    // The new hash was put there by hand, and is what she signs in with from now on.
    let mut emily = Browser::default();
    assert_eq!(emily.post(&new, "/sign-in", RIGHT).await.status, 401);
    assert_eq!(emily.post(&new, "/sign-in", "username=emily&password=another+one").await.status, 303);
}
