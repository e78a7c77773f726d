//! Many streams on one connection.

use std::sync::Arc;

use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    Site,
    line::{Asked, Line, Told},
};
use crate::credentials::{basic, session};

/// How many streams there are on each connection, and how many connections.
const STREAMS: usize = 1_500;
const CONNECTIONS: usize = 2;

/// How many are open at once.
const AT_ONCE: usize = 60;

fn admitted(as_whom: &str, by: &str) -> Told {
    Told::Answer(200, format!("{as_whom} by {by}; scopes none; roles none; ends never"))
}

fn refused(status: u16) -> Told {
    Told::Answer(status, String::new())
}

/// A request of one of many kinds, and what must come back; `None` for one that its caller takes back.
fn drawn(number: usize) -> (Asked, Option<Told>) {
    let who = format!("{number}");
    let (token, key) = (format!("Bearer person-{who}"), format!("person-{who}"));
    let by_session = "emily by cookie; scopes reports:read reports:write; roles member; ends 1800003600";
    // A credential in the next stream, of every kind, beside one that has none.
    let (asked, told) = match number % 13 {
        0 => (Asked::get("/me").with("authorization", token), admitted(&who, "bearer")),
        1 => (Asked::get("/me"), refused(401)),
        2 => (Asked::get("/me").with("x-api-key", key), admitted(&who, "api-key")),
        3 => (Asked::get("/visitor"), Told::Answer(200, "nobody".to_owned())),
        4 => (Asked::get(format!("/me?access_token={key}")), admitted(&who, "query")),
        5 => (Asked::get("/me").with("authorization", format!("Bearer wrong-{who}")), refused(401)),
        6 => {
            let cookie = format!("__Host-session={}", session());
            let asked = Asked::get("/me").with("cookie", format!("a={who}")).with("cookie", cookie);
            (asked, Told::Answer(200, by_session.to_owned()))
        }
        7 => (Asked::get("/twice").with("authorization", basic("door", "")), admitted("door", "basic")),
        8 => (Asked::get("/twice").with("authorization", token.clone()).with("x-api-key", key), refused(400)),
        9 => return (Asked::get("/me").with("authorization", token), None),
        10 => {
            let asked = Asked::post("/reports").with("authorization", "Bearer emily-writes");
            let json = format!("{{\"title\":\"rain {who}\"}}");
            (asked.with_json(&json), Told::Answer(200, format!("\"rain {who}\" by emily")))
        }
        11 => (Asked::post("/reports").with("authorization", token).with_json("{\"title\":\"rain\"}"), refused(403)),
        _ if number.is_multiple_of(10) => {
            let told = "emily by bearer; scopes reports:read; roles member; ends never";
            let asked = Asked::get("/twice").with("authorization", "Bearer slow-yes");
            (asked, Told::Answer(200, told.to_owned()))
        }
        _ => (Asked::get("/twice").with("authorization", token), admitted(&who, "bearer")),
    };
    (asked, Some(told))
}

pub(super) fn thousands_of_streams_get_each_their_own_answer(site: &Site) {
    site.by(async {
        let mut streams = JoinSet::new();
        for connection in 0..CONNECTIONS {
            let (line, room) = (site.line().await, Arc::new(Semaphore::new(AT_ONCE)));
            for number in 0..STREAMS {
                let (line, room) = (line.clone(), Arc::clone(&room));
                streams.spawn(async move {
                    let _place = room.acquire().await.expect("it is not closed");
                    let (asked, expected) = drawn(connection * STREAMS + number);
                    match expected {
                        Some(expected) => assert_eq!(line.ask(&asked).await, expected, "{asked:?}"),
                        None => assert!(line.ask_and_reset(&asked).await),
                    }
                });
            }
        }
        while let Some(ended) = streams.join_next().await {
            ended.expect("each caller gets their own answer");
        }
        site.still_serves().await;
    });
}

pub(super) fn streams_that_are_reset_at_once_harm_nobody(site: &Site) {
    site.by(async {
        let kinds = [
            Asked::get("/me").with("authorization", "Bearer slow-yes"),
            Asked::get("/me").with("authorization", "Bearer slow-no"),
            Asked::get("/me").with("cookie", format!("__Host-session={}", session())),
            Asked::post("/reports").with("authorization", "Bearer emily-writes").with_json("{\"title\":\"rain\"}"),
            Asked::get("/stream").with("authorization", "Bearer emily-reads"),
        ];
        let honest = site.line().await;
        for round in 0..10 {
            // A server may have had enough of such a client, and end its connection.
            let rude: Line = site.line().await;
            for number in 0..200 {
                if !rude.ask_and_reset(&kinds[number % kinds.len()]).await {
                    break;
                }
            }
            for number in 0..5 {
                let who = format!("{round}-{number}");
                let asked = Asked::get("/me").with("authorization", format!("Bearer person-{who}"));
                assert_eq!(honest.ask(&asked).await, admitted(&who, "bearer"));
            }
        }
        site.still_serves().await;
    });
}
