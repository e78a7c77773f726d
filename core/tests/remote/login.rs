//! Names and passwords that an HTTP login knows.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use countersign::{
    Answer, Basic, Gate, Secret, Unavailable, Verified, Verify,
    adapter::Verdict,
    async_trait,
    credential::BasicCredential,
    response::Reason,
    store::Directory,
    testing::PlainHead,
    throttle::Account,
    verifier::remote::{HttpClient, HttpLogin, HttpLoginBuilder, HttpRequest, HttpResponse, RemoteSetupError},
};
use serde_json::{Value, json};

use crate::issuer::said;

const LOGIN: &str = "https://couch.example/_session";

/// A login that knows emily, by either form, and remembers how it was asked.
#[derive(Debug, Clone, Default)]
struct Login {
    down: Arc<Mutex<Option<u16>>>,
    asked: Arc<Mutex<usize>>,
}

#[async_trait]
impl HttpClient for Login {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Unavailable> {
        *self.asked.lock().unwrap() += 1;
        assert_eq!(request.url(), LOGIN);
        match *self.down.lock().unwrap() {
            Some(0) => return Err(Unavailable::because("nobody is there")),
            Some(status) => return Ok(HttpResponse::new(status, "")),
            None => {}
        }
        let right = match request.method() {
            "GET" => {
                let (_, sent) = request.fields().find(|(name, _)| *name == "authorization").unwrap();
                sent.expose() == format!("Basic {}", STANDARD.encode("emily:emily:s3cret")).as_bytes()
            }
            _ => {
                let body: Value = serde_json::from_slice(request.body().unwrap().expose()).unwrap();
                body == json!({ "name": "emily", "password": "emily:s3cret" })
            }
        };
        Ok(HttpResponse::new(if right { 200 } else { 401 }, "{}"))
    }
}

/// Emily, and somebody with an odd name.
struct Users;

#[async_trait]
impl Directory<String> for Users {
    async fn find(&self, name: &str) -> Result<Option<Verified<String>>, Unavailable> {
        let known = ["emily", "emily:emily"].contains(&name);
        Ok(known.then(|| Verified::new(name.to_owned()).with_subject(name)))
    }
}

fn forms() -> [HttpLoginBuilder; 2] {
    [HttpLogin::basic_at(LOGIN), HttpLogin::form_at(LOGIN, ["name", "password"])]
}

fn credential(name: &str, password: &str) -> BasicCredential {
    BasicCredential::new(name, Secret::new(password))
}

#[test]
fn what_is_never_asked_uses_up_no_tries_of_a_name() {
    for builder in forms() {
        let verifier = builder.through(Login::default()).for_users_in(Arc::new(Users)).unwrap();
        let account = |password: &str| verifier.account(&credential("emily", password)).unwrap();
        for password in [String::new(), "x".repeat(1025)] {
            assert_eq!(account(&password), Account::of_no_name());
        }
        assert_ne!(account(&"x".repeat(1024)), Account::of_no_name());
    }
}

#[tokio::test]
async fn yes_is_2xx_no_is_401_and_everything_else_is_no_answer() {
    for builder in forms() {
        let login = Login::default();
        let verifier = builder.through(login.clone()).for_users_in(Arc::new(Users)).unwrap();
        for (name, password, expected, asks) in [
            ("emily", "emily:s3cret", "verified", 1),
            ("emily", "wrong", "refused", 1),
            ("nobody", "emily:s3cret", "refused", 1),
            // Never a yes, whatever the login would say.
            ("emily", "", "refused", 0),
            ("emily", &"a".repeat(1025), "refused", 0),
        ] {
            *login.asked.lock().unwrap() = 0;
            assert_eq!(said(&verifier.verify(credential(name, password)).await), expected, "{name}");
            assert_eq!(*login.asked.lock().unwrap(), asks, "{name}");
        }
        // With Basic it would read as emily's.
        assert_eq!(said(&verifier.verify(credential("emily:emily", "s3cret")).await), "refused");
        for (status, expected) in [
            (204, "verified"),
            (403, "refused"),
            (302, "no answer"),
            (400, "no answer"),
            (404, "no answer"),
            (429, "no answer"),
            (500, "no answer"),
            (0, "no answer"),
        ] {
            *login.down.lock().unwrap() = Some(status);
            assert_eq!(said(&verifier.verify(credential("emily", "emily:s3cret")).await), expected, "{status}");
        }
        *login.down.lock().unwrap() = Some(200);
        let Answer::Refused = verifier.verify(credential("jacob", "anything")).await else {
            panic!("who is not among our users is refused")
        };
    }
}

#[tokio::test]
async fn wrong_passwords_are_counted_and_a_yes_is_remembered() {
    for builder in forms() {
        let login = Login::default();
        let verifier = builder.through(login.clone()).for_users_in(Arc::new(Users)).unwrap();
        let gate = Gate::in_realm("people").accept(Basic, verifier).cached(Default::default()).build().unwrap();
        let try_with = |password: &str| {
            let value = format!("Basic {}", STANDARD.encode(format!("emily:{password}")));
            let head = PlainHead::get("/").with("authorization", value).from(IpAddr::from([192, 0, 2, 1]));
            head.received_by(&gate)
        };
        for _ in 0..3 {
            assert!(matches!(try_with("emily:s3cret").verdict_at(&gate).await, Verdict::Admitted(_)));
        }
        assert_eq!(*login.asked.lock().unwrap(), 1);
        for number in 0..5 {
            let head = try_with(&number.to_string());
            assert!(!matches!(head.verdict_at(&gate).await, Verdict::Admitted(_)));
        }
        let Verdict::Rejected(rejection) = try_with("emily:s3cret").verdict_at(&gate).await else {
            panic!("it is held up")
        };
        assert_eq!(rejection.reason(), Reason::TooManyTries);
    }
}

#[test]
fn a_login_is_asked_over_tls_or_on_this_machine() {
    for address in ["http://couch.example/_session", "couch.example", "https://emily@couch.example", ""] {
        let error = HttpLogin::basic_at(address).for_users_in(Arc::new(Users)).unwrap_err();
        assert!(matches!(error, RemoteSetupError::Login { .. }), "{error}");
    }
}
