//! A response's header, as an adapter lets it be changed: [`ResponseHead`].

use crate::{request::Exchange, response::FieldValue};

/// The header of a framework's response. Names are in lower case.
pub trait ResponseHead {
    /// Whether there is a field of this name.
    fn has(&self, name: &'static str) -> bool;

    /// Shows the value of each field of this name, in order.
    fn each(&self, name: &'static str, show: &mut dyn FnMut(&[u8]));

    /// Adds a field behind those of the same name. The value is printable ASCII.
    fn append(&mut self, name: &'static str, value: &str);

    /// The same as [`append`](Self::append), of a value that is written to many responses: one whose [own form](FieldValue::native) costs
    /// less than its text.
    fn append_made(&mut self, name: &'static str, value: &FieldValue) {
        self.append(name, value.text());
    }

    /// Puts this in place of all fields of the name. The value is printable ASCII.
    fn replace(&mut self, name: &'static str, value: &str);
}

/// Writes what a response must carry because guards looked at the request: `Vary` with the fields that they read; `Cache-Control: private`,
/// unless the app set one, if a cookie, a header of its own or the query let the request in; `Referrer-Policy` if a credential stood in the
/// query, good or not; what clears a cookie that counted as none; and what a kind of credential has to tell a client that was let in. Then it
/// [tells](crate::observe::audit) what was decided.
pub fn finish(exchange: &Exchange, response: &mut dyn ResponseHead) {
    write_marks(exchange, response);
    exchange.tell_decisions();
}

fn write_marks(exchange: &Exchange, response: &mut dyn ResponseHead) {
    let marks = exchange.marks();
    let read = marks.read();
    if let Some(all) = marks.read_alone().filter(|_| !response.has("vary")) {
        response.append_made("vary", all);
    } else if read.clone().next().is_some() {
        let mut missing: Vec<&str> = read.collect();
        let mut known = Some(String::new());
        response.each("vary", &mut |line| {
            let varies_by = |name: &str| {
                line.split(|byte| *byte == b',').any(|known| {
                    let known = known.trim_ascii();
                    known == b"*" || known.eq_ignore_ascii_case(name.as_bytes())
                })
            };
            missing.retain(|name| !varies_by(name));
            known = known.take().and_then(|known| joined(known, line));
        });
        match (missing.is_empty(), known) {
            (true, _) => {}
            // One field: there are CORS layers that add to the first and drop the others.
            (false, Some(known)) if !known.is_empty() => {
                response.replace("vary", &format!("{known}, {}", missing.join(", ")));
            }
            (false, _) => response.append("vary", &missing.join(", ")),
        }
    }
    if marks.is_private() && !response.has("cache-control") {
        response.replace("cache-control", "private");
    }
    for clear in marks.cleared() {
        response.append("set-cookie", clear);
    }
    for (name, value) in marks.fields() {
        response.append(name, value);
    }
    if marks.no_referrer() {
        response.replace("referrer-policy", "no-referrer");
    }
}

/// The list with the members of this line behind it; `None` if the line is no printable ASCII.
fn joined(mut list: String, line: &[u8]) -> Option<String> {
    let line = std::str::from_utf8(line.trim_ascii())
        .ok()
        .filter(|line| line.bytes().all(|byte| matches!(byte, b' '..=b'~')))?;
    if !list.is_empty() && !line.is_empty() {
        list.push_str(", ");
    }
    list.push_str(line);
    Some(list)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{request::exchange::FieldsRead, testing::PlainResponse};

    fn names(names: &[&str]) -> Arc<FieldsRead> {
        Arc::new(FieldsRead::of(names.iter().map(|name| Box::from(*name)).collect()))
    }

    /// A response whose app wrote these into `Vary`.
    fn answered(vary: &[&str]) -> PlainResponse {
        vary.iter().fold(PlainResponse::default(), |response, value| response.with("vary", value))
    }

    #[test]
    fn vary_names_what_was_read_and_is_missing() {
        let rows: [(&[&str], &[&str]); 8] = [
            (&[], &["authorization, cookie"]),
            (&[""], &["", "authorization, cookie"]),
            (&["Cookie"], &["Cookie, authorization"]),
            (&["accept", "COOKIE , Authorization"], &["accept", "COOKIE , Authorization"]),
            (&["*"], &["*"]),
            (&["cookies"], &["cookies, authorization, cookie"]),
            (&["accept", "origin, Cookie"], &["accept, origin, Cookie, authorization"]),
            (&["\u{e4}"], &["\u{e4}", "authorization, cookie"]),
        ];
        for (vary, expected) in rows {
            let exchange = Exchange::begin(Vec::new(), None, None);
            exchange.mark_read(&names(&["authorization", "cookie"]));
            exchange.mark_read(&names(&["cookie"]));
            let mut response = answered(vary);
            finish(&exchange, &mut response);
            assert_eq!(response.values("vary").collect::<Vec<_>>(), expected, "{vary:?}");
        }
    }

    #[test]
    fn what_one_gate_read_is_written_as_it_was_made() {
        for vary in [&[][..], &["authorization, cookie"], &["accept"]] {
            let exchange = Exchange::begin(Vec::new(), None, None);
            let read = names(&["authorization", "cookie"]);
            exchange.mark_read(&read);
            exchange.mark_read(&read);
            let mut response = answered(vary);
            finish(&exchange, &mut response);
            let expected = if vary == ["accept"] { "accept, authorization, cookie" } else { "authorization, cookie" };
            assert_eq!(response.fields(), [("vary", expected.to_owned())], "{vary:?}");
        }
        let exchange = Exchange::begin(Vec::new(), None, None);
        exchange.mark_read(&names(&[]));
        let mut response = PlainResponse::default();
        finish(&exchange, &mut response);
        assert_eq!(response.fields(), []);
    }

    #[test]
    fn an_app_keeps_its_own_cache_control() {
        let exchange = Exchange::begin(Vec::new(), None, None);
        exchange.mark_private();
        exchange.mark_no_referrer();
        let mut response =
            PlainResponse::default().with("cache-control", "max-age=60").with("referrer-policy", "origin");
        finish(&exchange, &mut response);
        assert_eq!(
            response.fields(),
            [("cache-control", "max-age=60".to_owned()), ("referrer-policy", "no-referrer".to_owned())]
        );
        let mut response = PlainResponse::default();
        finish(&exchange, &mut response);
        assert_eq!(response.fields().first(), Some(&("cache-control", "private".to_owned())));
    }
}
