//! Clients that take their time. Each server of the cases has one or two threads, which no guard may hold.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;

use super::{
    Site,
    frames::{HEADERS, block, frame, preface},
    line::{Asked, Told},
};
use crate::harness::Quirk;

/// How many others wait meanwhile, and how soon all callers are answered.
const SLOW: usize = 40;
const SOON: Duration = Duration::from_secs(20);

async fn others_are_served(site: &Site) {
    let began = Instant::now();
    let line = site.line().await;
    for number in 0..50 {
        let asked = Asked::get("/twice").with("authorization", format!("Bearer person-{number}"));
        let told = format!("{number} by bearer; scopes none; roles none; ends never");
        assert_eq!(line.ask(&asked).await, Told::Answer(200, told));
    }
    site.still_serves().await;
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
}

pub(super) fn heads_that_never_end_keep_nobody_else_waiting(site: &Site) {
    site.by(async {
        let mut waiting = Vec::new();
        for number in 0..SLOW {
            let mut stream = site.connect().await;
            let fields = block(&[(b":method", b"GET"), (b"authorization", b"Bearer emily-reads"), (b":path", b"/me")]);
            // Half of a preface, half of a frame, and a block that goes on.
            let bytes = match number % 3 {
                0 => preface()[..20].to_vec(),
                1 => [preface(), frame(HEADERS, 0, 1, &fields)[..12].to_vec()].concat(),
                _ => [preface(), frame(HEADERS, 0, 1, &fields)].concat(),
            };
            stream.write_all(&bytes).await.expect("it is heard");
            waiting.push(stream);
        }
        others_are_served(site).await;
        assert_eq!(waiting.len(), SLOW);
    });
}

pub(super) fn bodies_that_never_end_keep_nobody_else_waiting(site: &Site) {
    site.by(async {
        let line = site.line().await;
        let mut waiting = Vec::new();
        for number in 0..SLOW {
            let path = ["/upload", "/limited", "/slow", "/reports"][number % 4];
            let asked = Asked::post(path).with("authorization", "Bearer emily-writes");
            waiting.push(line.begin_body(&asked.with("content-type", "application/json"), b"{\"title\":").await);
        }
        others_are_served(site).await;
        // Each was read as far as it came, and is whole in the end.
        for (number, open) in waiting.into_iter().enumerate() {
            let expected = ["16 bytes", "16 bytes", "this is /slow", "\"rain\" by emily"][number % 4];
            let told = open.expect("the connection stands").end(b"\"rain\"}").await;
            assert_eq!(told, Told::Answer(200, expected.to_owned()), "{number}");
        }
    });
}

pub(super) fn a_refused_body_is_not_waited_for(site: &Site) {
    site.by(async {
        let line = site.line().await;
        // As much as is waited for where anything is, and never the whole.
        let bytes = if site.quirks.contains(&Quirk::WaitsForBodies) { &b"{\"title\":     "[..] } else { b"{" };
        for (credential, status) in [("Bearer nonsense", 401), ("Bearer slow-no", 401), ("Bearer outage", 503)] {
            for path in ["/upload", "/limited", "/slow", "/reports"] {
                let asked =
                    Asked::post(path).with("authorization", credential).with("content-type", "application/json");
                let open = line.begin_body(&asked, bytes).await.expect("the connection stands");
                assert_eq!(open.answer().await, Told::Answer(status, String::new()), "{credential} at {path}");
            }
        }
        assert_eq!(site.handlers().len(), 0);
        assert!(site.verified() >= 12);
        others_are_served(site).await;
    });
}
