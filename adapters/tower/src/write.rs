//! Writing a reply as a response.

use std::borrow::Cow;

use countersign::{
    Reply,
    adapter::{self, Exchange, FieldValue, ResponseHead},
    response::{Rejection, ReplyField},
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

/// Writes refusals in a protocol's own way. Cheap to clone.
pub trait WriteReply<B>: Clone + Send + Sync + 'static {
    /// The response for this reply.
    fn write(&self, reply: Reply) -> Response<B>;

    /// The response for this refusal: that for its [reply](Rejection::reply), unless there is a way that costs less.
    fn refuse(&self, rejection: &Rejection) -> Response<B> {
        self.write(rejection.reply())
    }
}

/// NoFramework HTTP: status, fields and body as the core made them.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to set")]
pub struct PlainReply;

impl<B: From<Vec<u8>>> WriteReply<B> for PlainReply {
    fn write(&self, reply: Reply) -> Response<B> {
        respond(reply)
    }

    fn refuse(&self, rejection: &Rejection) -> Response<B> {
        refuse(rejection)
    }
}

/// As gRPC answers: status 200 with `grpc-status` and `grpc-message`, and no body.
///
/// 401 becomes `UNAUTHENTICATED`, 403 `PERMISSION_DENIED`, 429 and 431 `RESOURCE_EXHAUSTED`, 503 `UNAVAILABLE`, 400
/// `INVALID_ARGUMENT`, anything else `INTERNAL`. The refusal's own fields (`www-authenticate`, `retry-after`) are kept.
///
/// Source: "Status codes and their use in gRPC", "gRPC over HTTP2", Trailers-Only.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::exhaustive_structs, reason = "there is nothing to set")]
pub struct GrpcStatus;

impl<B: Default> WriteReply<B> for GrpcStatus {
    fn write(&self, reply: Reply) -> Response<B> {
        let (code, message) = match reply.status() {
            400 => ("3", "the request is ambiguous"),
            // A browser would be sent to sign in; here nobody has a page to go to.
            303 | 401 => ("16", "a valid credential is needed"),
            403 => ("7", "the caller may not do this"),
            429 | 431 => ("8", "too much"),
            503 => ("14", "try again later"),
            _ => ("13", "the service is set up wrongly"),
        };
        let mut response = Response::new(B::default());
        *response.headers_mut() = written(reply.into_parts().1);
        for (name, value) in [("content-type", "application/grpc"), ("grpc-status", code), ("grpc-message", message)] {
            response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        response
    }
}

/// A reply as a response.
pub fn respond<B: From<Vec<u8>>>(reply: Reply) -> Response<B> {
    let (status, fields, body) = reply.into_parts();
    let mut response = Response::new(B::from(body));
    // The core makes no other status; should one come up, it is ours and no client's.
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = written(fields);
    response
}

/// A refusal as a response.
pub fn refuse<B: From<Vec<u8>>>(rejection: &Rejection) -> Response<B> {
    match rejection.native(Made::of) {
        Some(made) => made.response(),
        None => respond(rejection.reply()),
    }
}

/// A reply that goes to many clients.
struct Made {
    status: StatusCode,
    fields: Vec<(HeaderName, HeaderValue)>,
    body: Box<[u8]>,
}

impl Made {
    fn of(reply: &Reply) -> Self {
        let mut response: Response<Vec<u8>> = respond(reply.clone());
        let mut name = None;
        let fields = std::mem::take(response.headers_mut()).into_iter().filter_map(|(new, value)| {
            name = new.or(name.take());
            Some((name.clone()?, value))
        });
        Self { status: response.status(), fields: fields.collect(), body: response.body().as_slice().into() }
    }

    fn response<B: From<Vec<u8>>>(&self) -> Response<B> {
        let mut response = Response::new(B::from(self.body.to_vec()));
        *response.status_mut() = self.status;
        let mut written = HeaderMap::with_capacity(self.fields.len() + MORE);
        for (name, value) in &self.fields {
            written.append(name, value.clone());
        }
        *response.headers_mut() = written;
        response
    }
}

/// Room for what [`finish`] adds, so that the map is made once.
const MORE: usize = 3;

fn written(fields: Vec<ReplyField>) -> HeaderMap {
    let mut written = HeaderMap::with_capacity(fields.len() + MORE);
    for (name, value) in fields {
        let value = match value {
            Cow::Borrowed(value) if value.bytes().all(|byte| matches!(byte, b' '..=b'~')) => {
                Ok(HeaderValue::from_static(value))
            }
            value => HeaderValue::try_from(value.into_owned()),
        };
        if let Ok(value) = value {
            written.append(HeaderName::from_static(name), value);
        }
    }
    written
}

/// Writes what the response must carry because guards looked at the request.
pub(crate) fn finish(exchange: &Exchange, fields: &mut HeaderMap) {
    adapter::finish(exchange, &mut Fields(fields));
}

struct Fields<'r>(&'r mut HeaderMap);

impl ResponseHead for Fields<'_> {
    fn has(&self, name: &'static str) -> bool {
        self.0.contains_key(name)
    }

    fn each(&self, name: &'static str, show: &mut dyn FnMut(&[u8])) {
        self.0.get_all(name).iter().for_each(|value| show(value.as_bytes()));
    }

    fn append(&mut self, name: &'static str, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.append(HeaderName::from_static(name), value);
        }
    }

    fn append_made(&mut self, name: &'static str, value: &FieldValue) {
        match value.native(|text| HeaderValue::from_str(text).ok()) {
            Some(Some(made)) => drop(self.0.append(HeaderName::from_static(name), made.clone())),
            _ => self.append(name, value.text()),
        }
    }

    fn replace(&mut self, name: &'static str, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.insert(HeaderName::from_static(name), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_answers_with_its_own_status() {
        for (status, code) in [(401, "16"), (303, "16"), (403, "7"), (400, "3"), (431, "8"), (503, "14"), (500, "13")] {
            let response: Response<Vec<u8>> = GrpcStatus.write(Reply::new(status).with("www-authenticate", "Bearer"));
            assert_eq!(
                (response.status(), &response.headers()["grpc-status"]),
                (StatusCode::OK, &HeaderValue::from_static(code))
            );
            assert!(response.headers().contains_key("www-authenticate") && response.body().is_empty());
        }
    }

    #[test]
    fn a_reply_keeps_repeated_fields_in_order() {
        let reply = Reply::new(401)
            .with("www-authenticate", "Basic")
            .with("www-authenticate", "Bearer")
            .with_body("text/plain", "no");
        let response: Response<Vec<u8>> = respond(reply);
        let challenges: Vec<_> =
            response.headers().get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok()).collect();
        assert_eq!((challenges, response.body().as_slice()), (vec!["Basic", "Bearer"], &b"no"[..]));
    }
}
