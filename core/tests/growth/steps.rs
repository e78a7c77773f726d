//! How far the fields of a head are walked.

use super::{
    heads::{gate, many_fields},
    *,
};

/// A head that counts how far its fields are walked: to find the nth of a name takes as many steps, as in the maps of frameworks.
struct Counting {
    head: PlainHead,
    fields: usize,
    steps: Cell<usize>,
}

impl Counting {
    fn walk(&self, steps: usize) {
        self.steps.set(self.steps.get() + steps);
    }
}

impl RequestHead for Counting {
    fn method(&self) -> &str {
        self.head.method()
    }

    fn path(&self) -> &str {
        self.head.path()
    }

    fn query(&self) -> Option<&str> {
        self.head.query()
    }

    fn field(&self, name: &Field, nth: usize) -> Option<&[u8]> {
        self.walk(nth + 1);
        self.head.field(name, nth)
    }

    fn each_value<'h>(&'h self, name: &Field, show: &mut dyn FnMut(&'h [u8])) {
        self.head.each_value(name, &mut |value| {
            self.walk(1);
            show(value);
        });
    }

    fn each_field_name(&self, show: &mut dyn FnMut(&str)) {
        self.walk(self.fields);
        self.head.each_field_name(show);
    }

    fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        self.head.parameter(name)
    }

    fn peer(&self) -> Option<IpAddr> {
        self.head.peer()
    }

    fn is_secure(&self) -> bool {
        self.head.is_secure()
    }
}

#[test]
fn however_many_fields_there_are_each_is_walked_past_a_few_times_at_most() {
    let names = ["cookie", "authorization", "x-api-key", "accept", "x-forwarded-for", "x-forwarded-proto", "forwarded"];
    let names =
        names.into_iter().chain(["x-forwarded-host", "origin", "sec-fetch-site", "upgrade", "host", "user-agent"]);
    let values = ["a=b", "session=b", "Bearer a", "10.1.1.1", "https", "for=10.1.1.1;proto=https", "text/html"];
    let values = values.into_iter().chain(["websocket", "https://a.example"]);
    for (name, value) in names.flat_map(|name| values.clone().map(move |value| (name, value))) {
        for headers in [ProxyHeaders::XForwarded, ProxyHeaders::Forwarded] {
            let (gate, _) = gate(headers);
            let steps = |fields: usize| {
                let head = many_fields(name, value, fields).received_by(&gate);
                let counting = Counting { head, fields, steps: Cell::new(0) };
                drop(black_box(Guard::in_front(&gate).admit(&counting, counting.head.exchange())));
                drop(black_box(receive(&gate, &counting, None)));
                counting.steps.get()
            };
            let fields = 4096;
            let (none, many) = (steps(1), steps(fields));
            assert!(many <= none + 16 * fields, "{name}: {value}: {none} steps for one field, {many} for {fields}");
        }
    }
}
