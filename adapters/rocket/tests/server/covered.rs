//! Bodies that a credential covers.

use countersign_conformance::service::{Covering, Said};

use super::*;

#[post("/covered", data = "<body>")]
fn covered(body: Covered<Person>) -> String {
    let name = body.granted().principal().clone();
    format!("{} bytes by {name}", body.into_body().len())
}

#[post("/peeked", data = "<body>")]
fn peeked(body: String) -> String {
    format!("{} bytes", body.into_bytes().len())
}

#[test]
fn a_covered_body_is_looked_at_by_enforce_and_read_by_a_data_guard() {
    let emily = |name: &str| (name == "emily").then(|| Verified::new(name.to_owned()));
    let verifier = verify_now_with(move |said: &Said| said.answer(emily));
    let tokens = TokenTable::new().with("good", Verified::new("emma".to_owned()));
    let gate = Gate::in_realm("people").accept(Covering, verifier).accept(Bearer, tokens).build().expect("a gate");
    let server = Server::of(
        rocket::build().attach(gate.attach()).mount("/", routes![covered]).mount("/", gate.enforce(routes![peeked])),
    );
    let ask = |route: &str, credential: &str, body: &str| {
        let request = Request::post(route).with("Authorization", credential).with_body("text/plain", body);
        let response = server.ask(request);
        (response.status(), if response.status() == 200 { response.text() } else { String::new() })
    };
    let of = |body: &str| Covering::credential("emily", body.as_bytes());
    let nobody = Covering::credential("nobody", b"rain");
    let (longest, longer) = ("x".repeat(512), "x".repeat(513));
    let kept = |text: &str| (200, text.to_owned());
    let refused = |status: u16| (status, String::new());
    assert_eq!(ask("/covered", &of("rain"), "rain"), kept("4 bytes by emily"));
    assert_eq!(ask("/covered", &of(&longer), &longer), kept("513 bytes by emily"));
    assert_eq!(ask("/covered", &of("rain"), "sun"), refused(401));
    assert_eq!(ask("/covered", &nobody, "rain"), refused(401));
    assert_eq!(ask("/covered", "Bearer good", &longer), kept("513 bytes by emma"), "nothing covers it");
    assert_eq!(ask("/covered", "Bearer good", &"x".repeat(64 * 1024 + 1)), refused(413));
    assert_eq!(ask("/covered", "Bearer bad", "rain"), refused(401));
    assert_eq!(ask("/peeked", &of("rain"), "rain"), kept("4 bytes"));
    assert_eq!(ask("/peeked", &of(&longest), &longest), kept("512 bytes"));
    assert_eq!(ask("/peeked", &of(&longer), &longer), refused(413), "Rocket shows no more");
    assert_eq!(ask("/peeked", "Bearer good", &longer), kept("513 bytes"));
    assert_eq!(ask("/peeked", &of("rain"), "sun"), refused(401));
}
