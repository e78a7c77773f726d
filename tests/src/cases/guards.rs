//! Several guards on one route, of one gate or of two: drawn by a seed, and compared with a model.

use crate::{
    credentials::{basic, session},
    lab::Lab,
    service::{Credentials, Draw, Sent},
    wire::Request,
};

/// How many requests each route is asked with.
const REQUESTS: usize = 12;

pub(crate) fn whoever_the_handler_sees_is_whom_every_guard_in_front_admitted(lab: &Lab) {
    let (mut draw, mut line) = (Draw::of(lab.seed()), lab.line());
    let (mut seen, mut nobody, mut refused) = (0, 0, 0);
    for route in lab.generated() {
        for sent in (0..REQUESTS).map(|_| draw.credentials()) {
            let reply = line.ask(&request(&route.path, sent));
            let response = reply.response();
            let answered =
                if response.status() == 200 { Ok(response.text().to_owned()) } else { Err(response.status()) };
            let expected = route.answers(sent);
            assert_eq!(answered, expected, "CONFORMANCE_SEED={}: {route:?}, with {sent:?}", lab.seed());
            let ran: &[&str] = if expected.is_ok() { &[&route.path] } else { &[] };
            assert_eq!(reply.handlers, ran, "CONFORMANCE_SEED={}: {route:?}, with {sent:?}", lab.seed());
            match expected.as_deref() {
                Ok("nobody") => nobody += 1,
                Ok(_) => seen += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(seen > 100 && nobody > 20 && refused > 300, "{seen} seen, {nobody} times nobody, {refused} refused");
}

fn request(path: &str, [by_name, by_token, by_session, by_key]: Credentials) -> Request {
    let rows = [
        (by_name, "Authorization", basic("jacob", "jacob-is-admin")),
        (
            by_token,
            "Authorization",
            format!("Bearer {}", if by_token == Sent::Wrong { "nonsense" } else { "emma-reads" }),
        ),
        (by_session, "Cookie", format!("session={}", session())),
        (by_key, "X-API-Key", if by_key == Sent::Wrong { "nonsense" } else { "person-bob" }.to_owned()),
    ];
    let sent = rows.into_iter().filter(|(sent, ..)| *sent != Sent::Nothing);
    sent.fold(Request::get(path), |request, (_, name, value)| request.with(name, value))
}
