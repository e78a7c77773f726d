//! Challenges: what a 401 tells the client to do (RFC 9110 §11.6.1, RFC 6750 §3).

use serde_json::{Value, json};

use super::parameters::parameters;
use crate::report::Report;

/// The challenges of one `WWW-Authenticate` line.
pub(super) fn explain(value: &str) -> Report {
    let challenges: Vec<_> = schemes(value).into_iter().map(|(scheme, rest)| shown(scheme, rest)).collect();
    let error = challenges.iter().find_map(|challenge| challenge.get("error")?.as_str());
    let meaning = match error {
        Some("invalid_token") => {
            "a credential was sent, and it is wrong, has ended, or was revoked; why, the service's log says at DEBUG"
        }
        Some("insufficient_scope") => "the credential is good, and may not do this",
        Some("invalid_request") => "the request has a credential that cannot be read, or several at once",
        Some(_) | None => "no credential was sent, or none that this route takes",
    };
    Report::of_kind("a challenge: how to ask again").with("meaning", meaning).with("challenge", challenges)
}

fn shown(scheme: &str, rest: &str) -> Value {
    let mut members: serde_json::Map<_, _> =
        parameters(rest).into_iter().map(|(name, value)| (name, Value::from(value))).collect();
    members.insert("scheme".to_owned(), json!(scheme));
    Value::Object(members)
}

/// Where one challenge ends and the next begins: behind a comma, a word that is followed by a blank and no `=`.
fn schemes(value: &str) -> Vec<(&str, &str)> {
    let mut begins = Vec::new();
    let mut quoted = false;
    let mut at_start = true;
    for (at, sign) in value.char_indices() {
        match sign {
            '"' => quoted = !quoted,
            ',' if !quoted => at_start = true,
            ' ' => {}
            _ if at_start && !quoted => {
                at_start = false;
                if is_scheme(value.get(at..).unwrap_or_default()) {
                    begins.push(at);
                }
            }
            _ => {}
        }
    }
    let ends = begins.iter().skip(1).copied().chain([value.len()]);
    begins
        .iter()
        .zip(ends)
        .filter_map(|(begin, end)| value.get(*begin..end))
        .map(|challenge| challenge.trim_end_matches([' ', ',']))
        .map(|challenge| challenge.split_once(' ').unwrap_or((challenge, "")))
        .collect()
}

fn is_scheme(rest: &str) -> bool {
    let word = rest.split([' ', ',']).next().unwrap_or_default();
    !word.is_empty() && !word.contains('=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_told_apart() {
        for (line, expected) in [
            (r#"Bearer realm="people""#, vec!["Bearer"]),
            (
                r#"Basic realm="a, b", charset="UTF-8", Bearer realm="people", error="invalid_token""#,
                vec!["Basic", "Bearer"],
            ),
            ("Negotiate", vec!["Negotiate"]),
            (r#"Negotiate, Basic realm="x""#, vec!["Negotiate", "Basic"]),
            ("", vec![]),
        ] {
            let found: Vec<_> = schemes(line).into_iter().map(|(scheme, _)| scheme).collect();
            assert_eq!(found, expected, "{line}");
        }
    }
}
