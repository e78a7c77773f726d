//! What an app reads that logs by the crate `log`, and to which no subscriber of `tracing` was told.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Mutex;

use countersign::{
    ApiKey, Basic, Gate, Verified,
    adapter::{Admission, Verdict},
    gate::policy::role,
    testing::PlainHead,
    verifier::{PasswordTable, TokenTable},
};
use log::{LevelFilter, Log, Metadata, Record};

struct Lines(Mutex<Vec<String>>);

static LINES: Lines = Lines(Mutex::new(Vec::new()));

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "countersign"
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            self.0.lock().unwrap().push(record.args().to_string());
        }
    }

    fn flush(&self) {}
}

#[test]
fn a_refusal_is_told_in_full_and_by_its_request() {
    log::set_logger(&LINES).unwrap();
    log::set_max_level(LevelFilter::Debug);
    let emily = || Verified::new("emily").with_subject("emily").with_roles(["member"]);
    let gate = Gate::in_realm("people")
        .accept(Basic, PasswordTable::new().with("emily", "s3cret", emily()))
        .accept(ApiKey::in_header("x-api-key"), TokenTable::new().with("a-long-random-token", emily()))
        .build()
        .unwrap();
    let basic = gate.only(["basic"]).unwrap();
    let with_password = |path| PlainHead::get(path).with("authorization", "Basic ZW1pbHk6czNjcmV0");
    for (gate, head, why) in [
        (
            gate.require(role("admin")),
            with_password("/admin"),
            r#"request=GET "/admin" why="it asks for the role \"admin\"; the caller has the roles [\"member\"]"#,
        ),
        (
            basic,
            PlainHead::new("POST", "/keys").with("x-api-key", "a-long-random-token"),
            r#"request=POST "/keys" why="there is none of the kinds that are taken; there is api-key, which this route does not take"#,
        ),
        (gate, PlainHead::get("/me"), r#"request=GET "/me" why="there is none of the kinds that are taken""#),
    ] {
        let head = head.received_by(&gate);
        assert!(matches!(head.at(&gate), Admission::Decided(Verdict::Rejected(_))));
        let lines = std::mem::take(&mut *LINES.0.lock().unwrap());
        assert!(lines.iter().any(|line| line.contains(why)), "{why} is not in {lines:#?}");
    }
}
