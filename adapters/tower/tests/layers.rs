//! What tower asks of a layer, and what a gate adds to a stack.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use countersign::{Answer, Bearer, Gate, QueryParam, Verified, credential::TokenCredential, verifier::verify_with};
use countersign_tower::{GateExt, GrpcStatus};
use http::{Request, Response};
use tower::{Layer, Service, ServiceExt, service_fn};

fn gate() -> Gate<&'static str> {
    let waits = || {
        verify_with(|credential: TokenCredential| async move {
            tokio::task::yield_now().await;
            if credential.token().matches(b"good") { Verified::new("emily").into() } else { Answer::Refused }
        })
    };
    Gate::in_realm("people").accept(Bearer, waits()).accept(QueryParam::named("access_token"), waits()).build().unwrap()
}

fn ask(uri: &str, token: Option<&str>) -> Request<()> {
    let request = Request::get(uri);
    match token {
        Some(token) => request.header("authorization", format!("Bearer {token}")),
        None => request,
    }
    .body(())
    .unwrap()
}

/// F1: a service that may be called once for each time it was polled ready, and whose clones are not ready.
#[derive(Default)]
struct ReadyOnce {
    ready: bool,
}

impl Clone for ReadyOnce {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Service<Request<()>> for ReadyOnce {
    type Response = Response<Vec<u8>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without having been polled ready");
        ready(Ok(Response::new(b"in".to_vec())))
    }
}

#[tokio::test]
async fn only_a_service_that_was_polled_ready_is_called() {
    let gate = gate();
    let mut service = gate.attach().layer(gate.enforce().layer(ReadyOnce::default()));
    for (token, status) in
        [(Some("good"), 200), (Some("wrong"), 401), (Some("good"), 200), (None, 401), (Some("good"), 200)]
    {
        let response = service.ready().await.unwrap().call(ask("/", token)).await.unwrap();
        assert_eq!(response.status(), status, "{token:?}");
    }
}

#[tokio::test]
async fn a_credential_in_the_query_is_gone_inside() {
    let gate = gate();
    let inner = service_fn(|request: Request<()>| async move {
        let named = countersign_tower::grant::<&str, _>(&request).map(|grant| **grant);
        Ok::<_, Infallible>(Response::new(format!("{} {named:?}", request.uri()).into_bytes()))
    });
    let service = gate.attach().layer(gate.enforce().layer(inner));
    for (uri, inside) in [
        ("/a?access_token=good", "/a"),
        ("/a?x=1&access_token=good&y=%20", "/a?x=1&y=%20"),
        ("http://host.example/a?access%5Ftoken=good&z", "http://host.example/a?z"),
    ] {
        let response = service.clone().oneshot(ask(uri, None)).await.unwrap();
        assert_eq!(response.headers()["referrer-policy"], "no-referrer");
        assert_eq!(response.headers()["cache-control"], "private");
        assert_eq!(String::from_utf8(response.into_body()).unwrap(), format!("{inside} Some(\"emily\")"));
    }
}

#[tokio::test]
async fn another_protocol_answers_in_its_own_way() {
    let gate = gate();
    let inner = service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(Vec::<u8>::new())) });
    let enforced = gate.enforce().answering_with(GrpcStatus).layer(inner);
    let response = gate
        .attach()
        .answering_with(GrpcStatus)
        .layer(enforced)
        .oneshot(ask("/pkg.Service/Method", None))
        .await
        .unwrap();
    assert_eq!((response.status().as_u16(), &response.headers()["grpc-status"]), (200, &"16".parse().unwrap()));
}

#[tokio::test]
async fn a_guard_without_an_attached_gate_is_a_fault() {
    let inner = service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(Vec::<u8>::new())) });
    let response = gate().enforce().layer(inner).oneshot(ask("/", Some("good"))).await.unwrap();
    assert_eq!(response.status(), 500);
}
