//! Bodies that a credential covers.

use super::*;

/// A kind whose credentials say what the body is: `Authorization: Written <body>`.
struct Written;

impl Extract for Written {
    type Credential = String;

    fn scheme(&self) -> &str {
        "written"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        after_keyword("Written", request).for_each(|raw| occurrences.add(raw));
    }

    fn covers(&self) -> Vec<Covers> {
        vec![Covers::Body]
    }

    fn read(&self, raw: Raw<'_>) -> Option<String> {
        String::from_utf8(raw.whole().to_vec()).ok()
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Written")]
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::AUTHORIZATION.clone()]
    }

    fn confirm(&self) -> Option<&dyn Confirm> {
        Some(self)
    }
}

impl Confirm for Written {
    fn confirm(&self, binding: &Binding, request: &RequestView<'_>) -> Confirming {
        let shown = binding.proof::<String>().is_some_and(|text| Some(text.as_bytes()) == request.body());
        Box::pin(async move { if shown { Confirmation::shown() } else { Confirmation::not_shown() } })
    }

    fn needs_body(&self, _: &Binding, _: &RequestView<'_>) -> bool {
        true
    }
}

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
    let verifier = verify_now_with(|text: &String| match text.as_str() {
        "nobody" => Answer::Refused,
        text => Verified::new("emily".to_owned()).bound_to(Binding::Proof(Proof::of(text.to_owned()))).into(),
    });
    let tokens = TokenTable::new().with("good", Verified::new("emma".to_owned()));
    let gate = Gate::in_realm("people").accept(Written, verifier).accept(Bearer, tokens).build().expect("a gate");
    let server = Server::of(
        rocket::build().attach(gate.attach()).mount("/", routes![covered]).mount("/", gate.enforce(routes![peeked])),
    );
    let ask = |route: &str, credential: &str, body: &str| {
        let request = Request::post(route).with("Authorization", credential).with_body("text/plain", body);
        let response = server.ask(request);
        (response.status(), if response.status() == 200 { response.text() } else { String::new() })
    };
    let (longest, longer) = ("x".repeat(512), "x".repeat(513));
    let kept = |text: &str| (200, text.to_owned());
    let refused = |status: u16| (status, String::new());
    assert_eq!(ask("/covered", "Written rain", "rain"), kept("4 bytes by emily"));
    assert_eq!(ask("/covered", &format!("Written {longer}"), &longer), kept("513 bytes by emily"));
    assert_eq!(ask("/covered", "Written rain", "sun"), refused(401));
    assert_eq!(ask("/covered", "Written nobody", "nobody"), refused(401));
    assert_eq!(ask("/covered", "Bearer good", &longer), kept("513 bytes by emma"), "nothing covers it");
    assert_eq!(ask("/covered", "Bearer good", &"x".repeat(64 * 1024 + 1)), refused(413));
    assert_eq!(ask("/covered", "Bearer bad", "rain"), refused(401));
    assert_eq!(ask("/peeked", "Written rain", "rain"), kept("4 bytes"));
    assert_eq!(ask("/peeked", &format!("Written {longest}"), &longest), kept("512 bytes"));
    assert_eq!(ask("/peeked", &format!("Written {longer}"), &longer), refused(413), "Rocket shows no more");
    assert_eq!(ask("/peeked", "Bearer good", &longer), kept("513 bytes"));
    assert_eq!(ask("/peeked", "Written rain", "sun"), refused(401));
}
