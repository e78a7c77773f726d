//! A credential that stands in the body, and a verifier that is waited for.

use axum::{Router, body::Body, routing::post};
use countersign::{
    Answer, Extract, Gate, RequestView, Verified,
    credential::{Confirm, Confirmation, Confirming, Covers, Occurrences, Raw},
    principal::{Binding, Proof},
    request::Field,
    response::Challenge,
    verifier::verify_with,
};
use countersign_axum::GateExt;
use http::Request;
use tower::ServiceExt;

/// The whole body is the credential, and what is confirmed.
struct InBody;

impl Extract for InBody {
    type Credential = String;

    fn scheme(&self) -> &str {
        "in-body"
    }

    fn locate<'h>(&'h self, _: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        occurrences.add(b"");
    }

    fn covers(&self) -> Vec<Covers> {
        vec![Covers::Body]
    }

    fn stands_in_body(&self, _: &RequestView<'_>) -> bool {
        true
    }

    fn read(&self, raw: Raw<'_>) -> Option<String> {
        String::from_utf8(raw.covered().body()?.to_vec()).ok()
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("InBody")]
    }

    fn fields(&self) -> Vec<Field> {
        Vec::new()
    }

    fn confirm(&self) -> Option<&dyn Confirm> {
        Some(self)
    }
}

impl Confirm for InBody {
    fn confirm(&self, binding: &Binding, request: &RequestView<'_>) -> Confirming {
        let shown = binding.proof::<String>().is_some_and(|text| Some(text.as_bytes()) == request.body());
        Box::pin(async move { if shown { Confirmation::shown() } else { Confirmation::not_shown() } })
    }

    fn needs_body(&self, _: &Binding, _: &RequestView<'_>) -> bool {
        true
    }
}

#[tokio::test]
async fn a_body_that_was_read_for_a_verifier_that_waits_is_shown_to_what_confirms_it_too() {
    let verifier = verify_with(|text: String| async move {
        tokio::task::yield_now().await;
        match text.as_str() {
            "wrong" => Answer::Refused,
            _ => Verified::new("emily").bound_to(Binding::Proof(Proof::of(text))).into(),
        }
    });
    let gate = Gate::in_realm("people").accept(InBody, verifier).build().unwrap();
    let echo = post(|body: String| async move { body }).route_layer(gate.enforce());
    let app: Router = Router::new().route("/", echo).layer(gate.attach());
    for (body, status, answer) in [("rain", 200, Some("rain")), ("wrong", 401, None)] {
        let response = app.clone().oneshot(Request::post("/").body(Body::from(body)).unwrap()).await.unwrap();
        assert_eq!(response.status(), status, "{body}");
        let text = axum::body::to_bytes(response.into_body(), 1 << 16).await.unwrap();
        assert!(answer.is_none_or(|answer| text == answer), "{text:?}");
    }
}
