//! Sessions in a cookie.

use std::{error::Error, net::SocketAddr};

use moving_axum_login::{Users, after, before};
use rocket::{
    FromForm, Request,
    form::Form,
    http::{Cookie, CookieJar, Status},
    request::{FromRequest, Outcome},
    response::Redirect,
};
use tokio::runtime::Runtime;
use tower_sessions::MemoryStore;

use crate::{Table, server, version, wire::Ask};

/// Of `s3cret`.
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$egCZe/Ig3e+IZt1XrbgERw$OCHUP7qL8oe36p0Z7L1xwq24lJzcX2v392mfISnE5YI";
const RIGHT: &str = "username=emily&password=s3cret";

struct Me(String);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Me {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        match request.cookies().get_private("user") {
            Some(cookie) => Outcome::Success(Self(cookie.value().to_owned())),
            None => Outcome::Error((Status::Unauthorized, ())),
        }
    }
}

#[derive(FromForm)]
struct Sent {
    username: String,
    password: String,
}

#[rocket::get("/me")]
fn me(me: Me) -> String {
    me.0
}

#[rocket::get("/")]
fn home(me: Option<Me>) -> String {
    format!("hello, {}", me.map_or("stranger".to_owned(), |me| me.0))
}

#[rocket::post("/sign-in", data = "<sent>")]
fn sign_in(sent: Form<Sent>, jar: &CookieJar<'_>) -> Result<Redirect, Status> {
    if (sent.username.as_str(), sent.password.as_str()) != ("emily", "s3cret") {
        return Err(Status::Unauthorized);
    }
    jar.add_private(Cookie::new("user", sent.username.clone()));
    Ok(Redirect::to("/"))
}

#[rocket::post("/sign-out")]
fn sign_out(_me: Me, jar: &CookieJar<'_>) -> Redirect {
    jar.remove_private("user");
    Redirect::to("/")
}

/// What is asked of each, with the cookie of somebody who has just signed in.
type Question = (&'static str, fn(SocketAddr, &str) -> String);

fn page(path: &'static str) -> Ask {
    Ask::new("GET", path).with("accept", "text/html").with("sec-fetch-mode", "navigate")
}

/// The same cookie with another value.
fn forged(cookie: &str) -> String {
    let (name, value) = cookie.split_once('=').unwrap_or((cookie, ""));
    let turned: String = value.chars().rev().collect();
    format!("{name}={turned}")
}

fn guess(address: SocketAddr) -> String {
    for _ in 0..5 {
        Ask::new("POST", "/sign-in").form("username=emily&password=wrong").of(address);
    }
    Ask::new("POST", "/sign-in").form(RIGHT).of(address).told()
}

const QUESTIONS: &[Question] = &[
    ("no cookie, from a browser", |address, _| page("/me").of(address).told()),
    ("no cookie, from a script", |address, _| {
        Ask::new("GET", "/me").with("accept", "application/json").of(address).told()
    }),
    ("the cookie of who signed in", |address, cookie| page("/me").with("cookie", cookie).of(address).told()),
    ("a forged one, from a script", |address, cookie| {
        Ask::new("GET", "/me").with("cookie", forged(cookie)).of(address).told()
    }),
    ("a forged one where a visitor may come, from a script", |address, cookie| {
        Ask::new("GET", "/").with("cookie", forged(cookie)).of(address).told()
    }),
    ("the cookie twice, the good one first", |address, cookie| {
        Ask::new("GET", "/me").with("cookie", format!("{cookie}; {}", forged(cookie))).of(address).told()
    }),
    ("the cookie twice, the good one last", |address, cookie| {
        Ask::new("GET", "/me").with("cookie", format!("{}; {cookie}", forged(cookie))).of(address).told()
    }),
    ("a cookie of 64 KiB", |address, cookie| {
        let name = cookie.split('=').next().unwrap_or_default();
        Ask::new("GET", "/me").with("cookie", format!("{name}={}", "a".repeat(65_536))).of(address).told()
    }),
    ("a wrong password at the form", |address, _| {
        Ask::new("POST", "/sign-in").form("username=emily&password=wrong").of(address).told()
    }),
    ("a page of another site signs a visitor in as its owner", |address, _| {
        Ask::new("POST", "/sign-in").form(RIGHT).from_elsewhere().of(address).told()
    }),
    ("a page of another site signs somebody out", |address, cookie| {
        Ask::new("POST", "/sign-out").with("cookie", cookie).from_elsewhere().of(address).told()
    }),
    ("a copy of the cookie after its owner signed out, from a script", |address, _| {
        let signed_in = Ask::new("POST", "/sign-in").form(RIGHT).of(address);
        let Some((cookie, _)) = signed_in.cookie() else { return "no cookie".to_owned() };
        Ask::new("POST", "/sign-out").with("cookie", cookie.clone()).of(address);
        Ask::new("GET", "/me").with("accept", "application/json").with("cookie", cookie).of(address).told()
    }),
    ("what the cookie's `Set-Cookie` says, over HTTP", |address, _| {
        let attributes =
            Ask::new("POST", "/sign-in").form(RIGHT).of(address).cookie().map(|(_, attributes)| attributes);
        let mut told: Vec<String> =
            attributes.unwrap_or_default().split(';').map(|one| one.trim().to_owned()).collect();
        told.retain(|one| !one.to_ascii_lowercase().starts_with("expires"));
        format!("`{}`", told.join("; "))
    }),
    ("the right password after five wrong ones, of this minute and address", |address, _| guess(address)),
];

/// Asks each of them.
pub(crate) fn table(runtime: &Runtime) -> Result<Table, Box<dyn Error>> {
    let users = Users::default();
    users.put("emily", HASH);
    let ours = runtime.block_on(async { after::app(users.clone(), MemoryStore::default()) })?;
    let apps = [
        (
            format!("{} over {}", version("axum-login"), version("tower-sessions")),
            server::axum(runtime, before::app(users, MemoryStore::default()))?,
        ),
        (
            format!("{}, private cookies", version("rocket")),
            server::rocket(runtime, rocket::routes![me, home, sign_in, sign_out])?,
        ),
        ("Countersign".to_owned(), server::axum(runtime, ours)?),
    ];
    let mut rows: Vec<(String, Vec<String>)> =
        QUESTIONS.iter().map(|(what, _)| ((*what).to_owned(), Vec::new())).collect();
    for (name, address) in &apps {
        let signed_in = Ask::new("POST", "/sign-in").form(RIGHT).of(*address);
        let (cookie, _) = signed_in.cookie().ok_or_else(|| format!("{name} signs nobody in: {}", signed_in.told()))?;
        for ((_, cells), (_, question)) in rows.iter_mut().zip(QUESTIONS) {
            cells.push(question(*address, &cookie));
        }
    }
    Ok(Table {
        title: "Sessions",
        about: "The apps of [moving over](crate::manual::moving), and one whose guard reads a private cookie of Rocket's, which holds the name and nothing else.",
        peers: apps.into_iter().map(|(name, _)| name).collect(),
        rows,
    })
}
