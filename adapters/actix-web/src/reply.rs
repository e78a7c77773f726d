//! Writing a reply as a response.

use actix_web::{
    HttpResponse,
    body::BoxBody,
    http::{
        ConnectionType, StatusCode,
        header::{CONNECTION, HeaderMap, HeaderName, HeaderValue},
    },
    web::Bytes,
};
use countersign::{
    Reply,
    adapter::{self, Exchange, FieldValue, ResponseHead},
    response::Rejection,
};

/// A reply of the core as a response: status, fields in order, and body.
#[must_use]
pub fn respond(reply: &Reply) -> HttpResponse {
    // The core makes no other status; should one come up, it is ours and no client's.
    let status = StatusCode::from_u16(reply.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut building = HttpResponse::build(status);
    // actix-web writes this field by itself, and the core sends `close` alone.
    if reply.fields().any(|(name, _)| name == CONNECTION.as_str()) {
        building.force_close();
    }
    let mut response = building.body(BoxBody::new(reply.body().to_vec()));
    for (name, value) in reply.fields().filter(|(name, _)| *name != CONNECTION.as_str()) {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().append(HeaderName::from_static(name), value);
        }
    }
    response
}

/// A refusal as a response.
pub(crate) fn refuse(rejection: &Rejection) -> HttpResponse {
    match rejection.native(Made::of) {
        Some(made) => made.response(),
        None => respond(&rejection.reply()),
    }
}

/// A reply that goes to many clients.
struct Made {
    status: StatusCode,
    fields: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
    closes: bool,
}

impl Made {
    fn of(reply: &Reply) -> Self {
        let response = respond(reply);
        Self {
            status: response.status(),
            fields: response.headers().iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            body: Bytes::copy_from_slice(reply.body()),
            closes: response.head().connection_type() == ConnectionType::Close,
        }
    }

    fn response(&self) -> HttpResponse {
        let mut building = HttpResponse::build(self.status);
        if self.closes {
            building.force_close();
        }
        let mut response = building.body(BoxBody::new(self.body.clone()));
        for (name, value) in &self.fields {
            response.headers_mut().append(name.clone(), value.clone());
        }
        response
    }
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
        self.0.get_all(name).for_each(|value| show(value.as_bytes()));
    }

    fn append(&mut self, name: &'static str, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.append(HeaderName::from_static(name), value);
        }
    }

    fn append_made(&mut self, name: &'static str, value: &FieldValue) {
        match value.native(|text| HeaderValue::from_str(text).ok()) {
            Some(Some(made)) => self.0.append(HeaderName::from_static(name), made.clone()),
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
    use actix_web::body::MessageBody;

    use super::*;

    #[test]
    fn a_reply_keeps_repeated_fields_in_order() {
        let reply = Reply::new(401)
            .with("www-authenticate", "Basic")
            .with("www-authenticate", "Bearer")
            .with_body("text/plain", "no");
        let response = respond(&reply);
        let challenges: Vec<_> =
            response.headers().get_all("www-authenticate").filter_map(|value| value.to_str().ok()).collect();
        assert_eq!((response.status().as_u16(), challenges), (401, vec!["Basic", "Bearer"]));
        assert_eq!(response.headers().get_all("content-type").count(), 1);
        assert_eq!(response.into_body().try_into_bytes().unwrap(), "no");
    }
}
