//! What the gallery answers.

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue},
    response::Response,
};
use countersign::{Grant, Reply, request::Wants};
use countersign_axum::Axum;
pub(crate) use countersign_axum::Written;
use countersign_tower::HttpHead;
use serde_json::{Map, Value};

use crate::{page, users::Caller};

/// Who was let in, and by what.
pub(crate) fn caller(me: &Grant<Caller>) -> Reply {
    caller_with(me, [])
}

/// The same with further members.
pub(crate) fn caller_with<const N: usize>(me: &Grant<Caller>, more: [(&str, Value); N]) -> Reply {
    let mut caller = Map::new();
    caller.insert("name".to_owned(), me.name().into());
    caller.insert("scheme".to_owned(), me.scheme().into());
    caller.extend(more.map(|(name, value)| (name.to_owned(), value)));
    json(&serde_json::json!({ "caller": caller }))
}

/// A document.
pub(crate) fn json(document: &Value) -> Reply {
    Reply::new(200).with_body("application/json", document.to_string())
}

/// 404.
pub(crate) async fn no_such_path(request: Request) -> Written {
    refusal(404, "There is nothing under this path.", &request)
}

/// 405, to which axum adds `Allow`.
pub(crate) async fn no_such_method(request: Request) -> Written {
    refusal(405, "This path has no such method.", &request)
}

fn refusal(status: u16, detail: &str, request: &Request) -> Written {
    let wants = Wants::of(&HttpHead::<Axum>::of(request));
    let reply = match wants.html && !wants.script {
        true => {
            Reply::new(status).with("cache-control", "no-store").with_body(page::TYPE, page::refused(status, detail))
        }
        false => Reply::problem(status, detail, None),
    };
    reply.into()
}

/// The fields that every response carries: scripts are nowhere here, and nobody frames a page.
pub(crate) async fn with_fields(mut response: Response) -> Response {
    for (name, value) in [("content-security-policy", page::policy()), ("x-content-type-options", "nosniff")] {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}
