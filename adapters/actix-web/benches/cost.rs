//! What a gate adds to a route of actix-web: each case less `bare`.
//!
//! `cargo bench -p countersign-actix-web --bench cost`.
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::rc::Rc;

use actix_web::{
    App, Error, Route,
    body::MessageBody,
    dev::{Service, ServiceFactory, ServiceRequest, ServiceResponse},
    rt::System,
    test::{TestRequest, init_service},
    web,
};
use countersign_actix_web::{GateExt, Granted, Visitor};
use countersign_conformance::cost::{
    Case,
    gate::{self, Caller},
    run,
};

fn main() {
    let (gate, token) = gate::cached();
    let open = || web::get().to(async || "ok");
    let granted = || web::get().to(async |me: Granted<Caller>| me.name.clone());
    let enforced = |route: Route| route.wrap(gate.enforce());
    let behind = |route| App::new().route("/me", route).wrap(gate.attach());
    let cases = vec![
        case("bare", App::new().route("/me", open()), Some(&token), 200),
        case("attached", behind(open()), Some(&token), 200),
        case("Granted", behind(granted()), Some(&token), 200),
        case("enforce", behind(enforced(open())), Some(&token), 200),
        case("enforce and Granted", behind(enforced(granted())), Some(&token), 200),
        case("Visitor, nobody", behind(web::get().to(async |_: Visitor<Caller>| "ok")), None, 200),
        case("refused", behind(granted()), None, 401),
    ];
    run(cases, |case| allocation_counter::measure(case).count_total);
}

fn case<T, B>(name: &'static str, app: App<T>, token: Option<&str>, status: u16) -> Case
where
    T: ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<B>, Error = Error, InitError = ()>
        + 'static,
    B: MessageBody + 'static,
{
    let authorization = token.map(|token| format!("Bearer {token}"));
    let system = System::new();
    let app = Rc::new(system.block_on(init_service(app)));
    Case::new(name, move || {
        let mut request = TestRequest::get()
            .uri("/me")
            .insert_header(("host", "people.example"))
            .insert_header(("accept", "application/json"));
        if let Some(authorization) = &authorization {
            request = request.insert_header(("authorization", authorization.as_str()));
        }
        let response = system.block_on(app.call(request.to_request())).unwrap();
        assert_eq!(response.status().as_u16(), status);
    })
}
