//! Wraps and their order, and what they see of a refusal.

use super::*;

#[test]
fn a_swallowed_refusal_is_answered() {
    let gate = gate();
    let server = serve!(move || {
        App::new()
            .route(
                "/optional",
                web::get().to(|me: Option<Granted<Person>>| async move { me.map_or("nobody", |me| **me) }),
            )
            .route("/two", web::get().to(|_: Option<Granted<Person>>, me: Granted<Person>| async move { **me }))
            .route(
                "/own-error",
                web::get().to(|me: Result<Granted<Person>, Refused>| async move {
                    me.map(|me| **me).map_err(ErrorImATeapot)
                }),
            )
            .route("/handed-on", web::get().to(|me: Result<Granted<Person>, Refused>| async move { me.map(|me| **me) }))
            .route(
                "/visitor",
                web::get().to(|me: Visitor<Person>| async move { me.grant().map_or("nobody", |me| **me) }),
            )
            .wrap(gate.attach())
    });
    for (target, token, code, text) in [
        ("/optional", Some("emily"), 200, "emily"),
        ("/optional", Some("wrong"), 401, "not valid"),
        ("/optional", None, 401, "takes a credential"),
        ("/two", None, 401, "takes a credential"),
        ("/own-error", Some("wrong"), 401, "not valid"),
        ("/handed-on", Some("wrong"), 401, "not valid"),
        ("/visitor", None, 200, "nobody"),
        ("/visitor", Some("wrong"), 401, "not valid"),
    ] {
        let (seen, head, body) = ask(server, "GET", target, token);
        assert!(seen == code && body.contains(text), "{target} {token:?}: {seen} {body}");
        assert_eq!(head.matches("www-authenticate:").count(), usize::from(code == 401), "{target}: {head}");
    }
}

#[test]
fn a_guard_without_an_attached_gate_is_a_fault() {
    let gate = gate();
    let server = serve!(move || {
        App::new()
            .route("/granted", web::get().to(|_: Granted<Person>| async { "in" }))
            .route("/visitor", web::get().to(|_: Visitor<Person>| async { "in" }))
            .service(web::resource("/enforced").route(web::get().to(|| async { "in" }).wrap(gate.enforce())))
            .service(
                web::scope("/of-another")
                    .service(web::resource("/principal").route(web::get().to(|_: Granted<String>| async { "in" })))
                    .wrap(gate.attach()),
            )
    });
    for target in ["/granted", "/visitor", "/enforced", "/of-another/principal"] {
        let (code, head, _) = ask(server, "GET", target, Some("emily"));
        assert!(code == 500 && head.contains("application/problem+json"), "{target}: {code}");
    }
}

#[test]
fn the_nearest_gate_is_asked_and_the_uri_is_cleaned_by_each() {
    let outer = gate();
    let inner = Gate::in_realm("inside")
        .accept(QueryParam::named("key"), TokenTable::new().with("jacob", Verified::new("jacob")))
        .build()
        .unwrap();
    let show = |request: HttpRequest, query: web::Query<Vec<(String, String)>>, me: Granted<Person>| async move {
        format!("{} {} {} {}", request.uri(), request.match_info().as_str(), query.len(), **me)
    };
    let server = serve!(move || {
        App::new()
            .service(web::scope("/in").route("/show", web::get().to(show)).wrap(inner.attach()))
            .route("/show", web::get().to(show))
            .wrap(outer.attach())
    });
    for (target, body) in [
        ("/show?a=1&access_token=emily&key=jacob", "/show?a=1&key=jacob /show 2 emily"),
        ("/show?access_token=emily", "/show /show 0 emily"),
        ("/in/show?key=jacob&a=1&access_token=emily", "/in/show?a=1 /in/show 1 jacob"),
    ] {
        assert_eq!(ask(server, "GET", target, None).2, body);
    }
}

#[test]
fn wraps_further_out_see_refusals_h10() {
    let gate = gate();
    let server = serve!(move || {
        let cors = || Cors::default().allowed_origin("https://friend.example").allowed_methods(["GET"]);
        App::new()
            .service(
                web::resource("/inside")
                    .route(web::get().to(|_: Granted<Person>| async { "in" }).wrap(gate.enforce()))
                    .wrap(cors()),
            )
            .service(web::resource("/failing").route(web::get().to(|| async { "in" })).wrap(from_fn(
                |mut request: ServiceRequest, _: actix_web::middleware::Next<_>| async move {
                    request.extract::<Granted<Person>>().await?;
                    Err::<ServiceResponse, Error>(ErrorImATeapot("failed"))
                },
            )))
            .wrap(gate.attach())
            .wrap(DefaultHeaders::new().add(("x-outer", "seen")))
    });
    for (target, token, code) in [
        ("/inside", None, 401),
        ("/inside", Some("emily"), 200),
        ("/failing", None, 401),
        ("/failing", Some("emily"), 418),
    ] {
        let credential = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let (seen, head, _) = send(
            server,
            &format!(
                "GET {target} HTTP/1.1\r\nHost: x\r\nOrigin: https://friend.example\r\nConnection: close\r\n{credential}\r\n"
            ),
        );
        assert_eq!(seen, code, "{target}");
        assert!(head.contains("authorization"), "what was read is named in Vary, also beside an error: {head}");
        if target == "/inside" {
            assert!(head.contains("x-outer: seen"), "{head}");
            assert!(head.contains("access-control-allow-origin: https://friend.example"), "{head}");
        }
    }
    let preflight = "OPTIONS /inside HTTP/1.1\r\nHost: x\r\nOrigin: https://friend.example\r\n\
        Access-Control-Request-Method: GET\r\nConnection: close\r\n\r\n";
    assert_eq!(send(server, preflight).0, 200);
}

/// F1: readiness is the inner service's to give.
#[test]
fn readiness_is_asked_of_the_inner_service_f1() {
    struct Unready(Arc<AtomicUsize>);
    impl Service<ServiceRequest> for Unready {
        type Response = ServiceResponse;
        type Error = Error;
        type Future = std::future::Ready<Result<ServiceResponse, Error>>;

        fn poll_ready(&self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
            match self.0.fetch_add(1, Ordering::SeqCst) {
                0 => Poll::Pending,
                1 => Poll::Ready(Ok(())),
                _ => Poll::Ready(Err(ErrorImATeapot("broken"))),
            }
        }

        fn call(&self, request: ServiceRequest) -> Self::Future {
            ready(Ok(request.into_response(HttpResponse::Ok().finish())))
        }
    }
    fn polls<S: Service<ServiceRequest, Error = Error>>(service: &S) -> Vec<&'static str> {
        let mut context = Context::from_waker(Waker::noop());
        (0..3)
            .map(|_| match service.poll_ready(&mut context) {
                Poll::Pending => "pending",
                Poll::Ready(Ok(())) => "ready",
                Poll::Ready(Err(_)) => "broken",
            })
            .collect()
    }
    fn done<F: Future>(future: F) -> F::Output {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => output,
            Poll::Pending => unreachable!("a wrap is made at once"),
        }
    }
    let gate = gate();
    let expected = ["pending", "ready", "broken"];
    assert_eq!(polls(&done(gate.attach().new_transform(Unready(Arc::default()))).unwrap()), expected);
    assert_eq!(polls(&done(gate.enforce().new_transform(Unready(Arc::default()))).unwrap()), expected);
}

#[actix_web::test]
async fn no_borrow_of_the_extensions_is_held_while_waiting_f3() {
    let gate: Gate<Person> = Gate::in_realm("people")
        .accept(
            Bearer,
            verify_with(|_: TokenCredential| async {
                tokio::task::yield_now().await;
                Verified::new("emily").into()
            }),
        )
        .build()
        .unwrap();
    let inner = actix_web::dev::fn_service(|request: ServiceRequest| async move {
        let (request, _) = request.into_parts();
        let extracting = Granted::<Person>::from_request(&request, &mut Payload::None);
        // Panics if a borrow is held.
        actix_web::HttpMessage::extensions_mut(&request).insert(1_u8);
        let me = extracting.await?;
        let body = (**me).to_owned();
        Ok(ServiceResponse::new(request, HttpResponse::Ok().body(body)))
    });
    let inner = actix_web::dev::ServiceFactory::new_service(&inner, ()).await.unwrap();
    let service = gate.attach().new_transform(inner).await.unwrap();
    let request = TestRequest::get().insert_header(("authorization", "Bearer t")).to_srv_request();
    let response = service.call(request).await.unwrap();
    assert_eq!(response.status(), 200);
}
