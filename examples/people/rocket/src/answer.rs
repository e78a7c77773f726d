//! What the service answers as Rocket's responses, and what it asks for of its requests.

use std::{convert::Infallible, io::Cursor};

use countersign::{Reply, request::Wants};
use countersign_rocket::{RocketHead, Written, read_body};
use people_shared::{answer, body};
use rocket::{
    Data, Request, Response, catch,
    data::{self, FromData},
    fairing::{Fairing, Info, Kind},
    http::{Method, Status},
    request::{FromRequest, Outcome},
    uri,
};
use serde::de::DeserializeOwned;

/// The query that is left when credentials are taken out.
pub(crate) struct Query<'r>(pub(crate) Option<&'r str>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Query<'r> {
    type Error = Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Infallible> {
        Outcome::Success(Self(request.uri().query().map(|query| query.as_str())))
    }
}

/// A JSON body, or what is wrong with it.
pub(crate) struct Json<T>(pub(crate) Result<T, Reply>);

#[rocket::async_trait]
impl<'r, T: DeserializeOwned> FromData<'r> for Json<T> {
    type Error = Infallible;

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> data::Outcome<'r, Self> {
        data::Outcome::Success(Self(read(request, data).await))
    }
}

async fn read<T: DeserializeOwned>(request: &Request<'_>, data: Data<'_>) -> Result<T, Reply> {
    body::expect_json(request.headers().get("content-type").map(str::as_bytes))?;
    body::read(&read_body(request, data).await?)
}

/// What no route answers: an unknown path, or a method that it does not have, which Rocket does not tell apart. A guard's refusal comes here by
/// its status, which must stay: the gate then puts the refusal in its place.
#[catch(default)]
pub(crate) fn otherwise(status: Status, _: &Request<'_>) -> Written {
    let reply = match status.code {
        404 => answer::no_such_path(),
        500 => answer::fault(),
        code => answer::unreadable(code),
    };
    // No fairing sees the answer to a request of a method that Rocket does not know.
    answer::FIELDS.into_iter().fold(reply, |reply, (name, value)| reply.with(name, value)).into()
}

/// Requests as they are written: Rocket's router passes over empty segments, and so would answer `/health/` and `//health`; and it makes a
/// form that names a method a request of that method.
pub(crate) struct AsWritten;

#[rocket::async_trait]
impl Fairing for AsWritten {
    fn info(&self) -> Info {
        Info { name: "requests as they are written", kind: Kind::Request }
    }

    async fn on_request(&self, request: &mut Request<'_>, data: &mut Data<'_>) {
        let is_form = request.content_type().is_some_and(|kind| kind.is_form());
        if is_form && names(request.method(), data.peek(LOOKED_AT).await) {
            request.set_method(Method::Post);
        }
        let path = request.uri().path().as_str();
        if path.contains("//") || (path.len() > 1 && path.ends_with('/')) {
            request.set_uri(uri!("/.well-known/nothing"));
        }
    }
}

/// As many bytes of a form as Rocket looks at for a method.
const LOOKED_AT: usize = "_method=delete".len();

/// Whether the first field of a form is the one by which Rocket has chosen this method in place of `POST`. No form of ours has it.
fn names(method: Method, form: &[u8]) -> bool {
    let first = form.split(|byte| *byte == b'&').find(|field| !field.is_empty());
    let named = first.and_then(|field| field.strip_prefix(b"_method="));
    named.is_some_and(|named| named.eq_ignore_ascii_case(method.as_str().as_bytes()))
}

/// Refusals as pages, where a browser loads one, and the fields that every response carries.
pub(crate) struct Dressed;

#[rocket::async_trait]
impl Fairing for Dressed {
    fn info(&self) -> Info {
        Info { name: "refusals as pages, and the fields of every response", kind: Kind::Response }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        let refuses = answer::is_refusal(response.headers().get_one("content-type").map(str::as_bytes));
        if refuses && Wants::of(&RocketHead::of(request)).html {
            // The service's own, in memory.
            let problem = response.body_mut().to_bytes().await.unwrap_or_default();
            let (kind, page) = answer::page_of(&problem);
            response.set_raw_header("content-type", kind);
            response.set_sized_body(page.len(), Cursor::new(page));
        }
        for (name, value) in answer::FIELDS {
            response.set_raw_header(name, value);
        }
    }
}
