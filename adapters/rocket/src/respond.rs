//! Writing a reply as a response.

use std::io::Cursor;

use countersign::{
    Reply,
    adapter::{self, Exchange, ResponseHead},
};
use rocket::{
    Response,
    http::{Header, Status},
};

/// What a response keeps when a refusal takes its place: what Rocket and its `Shield` put on every response before any other
/// fairing runs. Nothing else of it is kept, least of all what a handler wrote.
const KEPT: [&str; 9] = [
    "server",
    "x-content-type-options",
    "x-frame-options",
    "x-xss-protection",
    "x-dns-prefetch-control",
    "permissions-policy",
    "referrer-policy",
    "strict-transport-security",
    "expect-ct",
];

/// A reply as a response.
#[must_use]
pub fn respond<'r>(reply: Reply) -> Response<'r> {
    let mut response = Response::new();
    response.set_status(Status::new(reply.status()));
    for (name, value) in reply.fields() {
        response.adjoin_raw_header(name, value.to_owned());
    }
    let body = reply.into_body();
    response.set_sized_body(body.len(), Cursor::new(body));
    response
}

/// Puts a reply in place of a response.
pub(crate) fn replace(response: &mut Response<'_>, reply: Reply) {
    let mut kept = Vec::new();
    for name in KEPT {
        kept.extend(response.headers().get(name).map(|value| Header::new(name, value.to_owned())));
    }
    let mut refusal = respond(reply);
    kept.retain(|field| !refusal.headers().contains(field.name()));
    for field in kept {
        refusal.adjoin_header(field);
    }
    *response = refusal;
}

/// Writes what the response must carry because guards looked at the request.
pub(crate) fn finish(exchange: &Exchange, response: &mut Response<'_>) {
    adapter::finish(exchange, &mut Fields(response));
}

struct Fields<'a, 'r>(&'a mut Response<'r>);

impl ResponseHead for Fields<'_, '_> {
    fn has(&self, name: &'static str) -> bool {
        self.0.headers().contains(name)
    }

    fn each(&self, name: &'static str, show: &mut dyn FnMut(&[u8])) {
        self.0.headers().get(name).for_each(|value| show(value.as_bytes()));
    }

    fn append(&mut self, name: &'static str, value: &str) {
        self.0.adjoin_raw_header(name, value.to_owned());
    }

    fn replace(&mut self, name: &'static str, value: &str) {
        self.0.set_raw_header(name, value.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_keeps_repeated_fields_in_order() {
        let reply = Reply::new(401)
            .with("www-authenticate", "Basic")
            .with("www-authenticate", "Bearer")
            .with_body("text/plain", "no");
        let response = respond(reply);
        let challenges: Vec<_> = response.headers().get("www-authenticate").collect();
        assert_eq!((response.status().code, challenges), (401, vec!["Basic", "Bearer"]));
    }

    #[test]
    fn nothing_that_a_handler_wrote_stays() {
        let mut response = Response::build()
            .raw_header("Server", "Rocket")
            .raw_header("X-Frame-Options", "DENY")
            .raw_header("Set-Cookie", "theme=dark")
            .raw_header("Location", "/elsewhere")
            .raw_header("Cache-Control", "public")
            .finalize();
        replace(&mut response, Reply::new(401).with("cache-control", "no-store"));
        let mut names: Vec<_> = response.headers().iter().map(|field| field.to_string().to_lowercase()).collect();
        names.sort();
        assert_eq!(names, ["cache-control: no-store", "server: rocket", "x-frame-options: deny"]);
    }
}
