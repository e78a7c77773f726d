//! What is told of each request.

use super::*;

#[test]
fn each_request_is_told_of_once_with_its_reason_and_who_sent_it() {
    let told: Arc<std::sync::Mutex<Vec<String>>> = Arc::default();
    let tell = Arc::clone(&told);
    let gate = Gate::in_realm("people")
        .accept(Bearer, tokens())
        .audited_by(move |decision| {
            let owned = |text: Option<&str>| text.unwrap_or("-").to_owned();
            let refused = decision.refused.map_or("admitted", Reason::name).to_owned();
            let address = decision.address.map(|address| address.to_string());
            tell.lock().unwrap().push(
                [
                    refused,
                    owned(decision.scheme),
                    owned(decision.subject),
                    owned(address.as_deref()),
                    owned(decision.method),
                    owned(decision.path),
                    owned(decision.request_id),
                    owned(decision.agent),
                ]
                .join(" "),
            );
        })
        .build()
        .unwrap();
    let taken = || std::mem::take(&mut *told.lock().unwrap());
    let ask = |guards: &[&Gate<Person>], token: Option<&str>, allowed: bool, id: &str| {
        let head = PlainHead::get("/me?x=1").from("192.0.2.9".parse().unwrap());
        let head = token.into_iter().fold(head, |head, token| head.with("authorization", format!("Bearer {token}")));
        let head = head.with("user-agent", "curl/8").with("x-request-id", id).received_by(&gate);
        for guard in guards {
            match head.at(guard) {
                Admission::Decided(Verdict::Admitted(grant)) => {
                    assert_eq!(grant.allow_if(allowed).is_ok(), allowed);
                }
                Admission::Decided(_) => break,
                _ => panic!("nothing here waits"),
            }
        }
        assert!(taken().is_empty(), "told before the response left");
        drop(head);
        taken()
    };
    let admin = gate.require(role("admin"));
    let known = "192.0.2.9 GET /me 7f-1 curl/8";
    for (guards, token, allowed, expected) in [
        (&[&gate][..], None, true, "no_credential - -"),
        (&[&gate], Some("wrong"), true, "bad_credential bearer -"),
        (&[&gate], Some("emily-token"), true, "admitted bearer emily"),
        (&[&gate, &gate, &gate], Some("emily-token"), true, "admitted bearer emily"),
        (&[&gate, &admin], Some("emily-token"), true, "forbidden bearer emily"),
        (&[&gate], Some("emily-token"), false, "forbidden bearer emily"),
    ] {
        assert_eq!(ask(guards, token, allowed, "7f-1"), [format!("{expected} {known}")]);
    }
    for id in ["a b", "", "\u{e4}", &"x".repeat(129)] {
        assert_eq!(ask(&[&gate], None, true, id), ["no_credential - - 192.0.2.9 GET /me - curl/8"], "{id:?}");
    }
    // What is decided when the response has left is told then.
    let head = PlainHead::get("/").with("authorization", "Bearer emily-token").received_by(&gate);
    let Admission::Decided(Verdict::Admitted(grant)) = head.at(&gate) else { panic!("admitted") };
    drop(head);
    assert!(taken().is_empty(), "the grant lives, and may be gone back on");
    assert!(grant.allow_if(false).is_err());
    drop(grant);
    assert_eq!(taken(), ["forbidden bearer emily - GET / - -"]);
}
