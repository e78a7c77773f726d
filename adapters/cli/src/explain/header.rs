//! Header lines: what a request sent as its credential, and what a response asked for.

use base64::{Engine, engine::general_purpose::STANDARD};
use countersign::{Basic, Extract};
use serde_json::{Map, Value};

use super::{challenge, cookie, judge::Judge, parameters::parameters, thing};
use crate::{fault::Fault, report::Report};

/// A line that was taken apart.
pub(super) struct Line<'t> {
    field: Field,
    value: &'t str,
}

#[derive(Clone, Copy)]
enum Field {
    Authorization,
    Cookie,
    SetCookie,
    Challenge,
    /// A field that holds a key alone.
    Key,
}

const FIELDS: [(&str, Field); 8] = [
    ("authorization", Field::Authorization),
    ("proxy-authorization", Field::Authorization),
    ("cookie", Field::Cookie),
    ("set-cookie", Field::SetCookie),
    ("www-authenticate", Field::Challenge),
    ("proxy-authenticate", Field::Challenge),
    ("x-api-key", Field::Key),
    ("api-key", Field::Key),
];

/// Schemes by which a value of `Authorization` is known without the field's name.
const SCHEMES: [&str; 10] =
    ["basic", "bearer", "digest", "dpop", "hawk", "aws4-hmac-sha256", "oauth", "wsse", "token", "apikey"];

/// Parameters of a scheme that are no secret; what is none of these is not shown.
const SHOWN: [&str; 34] = [
    "realm",
    "username",
    "uri",
    "qop",
    "nc",
    "algorithm",
    "nonce",
    "opaque",
    "userhash",
    "id",
    "ts",
    "ext",
    "app",
    "dlg",
    "credential",
    "signedheaders",
    "oauth_consumer_key",
    "oauth_nonce",
    "oauth_signature_method",
    "oauth_timestamp",
    "oauth_version",
    "profile",
    "created",
    "keyid",
    "alg",
    "charset",
    "scope",
    "error",
    "error_description",
    "error_uri",
    "cookie-name",
    "resource_metadata",
    "max_age",
    "acr_values",
];

/// `None` if it is no such line.
pub(super) fn read(text: &str) -> Option<Line<'_>> {
    if text.lines().count() != 1 {
        return None;
    }
    if let Some((name, value)) = text.split_once(':') {
        let name = name.trim().trim_start_matches(['<', '>', ' ']);
        if let Some((_, field)) = FIELDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            return Some(Line { field: *field, value: value.trim() });
        }
    }
    let (scheme, rest) = text.split_once(' ')?;
    let known = SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme)) && !rest.trim().is_empty();
    known.then_some(Line { field: Field::Authorization, value: text })
}

pub(super) fn explain(line: &Line<'_>, judge: &Judge) -> Result<Report, Fault> {
    match line.field {
        Field::Authorization => authorization(line.value, judge),
        Field::Cookie => cookies(line.value.split(';'), judge),
        Field::SetCookie => {
            let (pair, attributes) = line.value.split_once(';').unwrap_or((line.value, ""));
            let attributes: Vec<_> = attributes.split(';').map(str::trim).filter(|part| !part.is_empty()).collect();
            Ok(cookies([pair].into_iter(), judge)?.with("attributes", attributes))
        }
        Field::Challenge => Ok(challenge::explain(line.value)),
        Field::Key => thing(line.value, judge),
    }
}

fn authorization(value: &str, judge: &Judge) -> Result<Report, Fault> {
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    let rest = rest.trim();
    if rest.is_empty() {
        return Err(Fault::new("behind the scheme there is nothing"));
    }
    if scheme.eq_ignore_ascii_case("basic") {
        return Ok(basic(rest));
    }
    // One word is a token; more of them, or a list of parameters, is a scheme that signs.
    if rest.contains([' ', ',']) || (rest.contains('=') && rest.contains('"')) {
        return Ok(Report::of_kind("a credential that is made for one request: it is judged with the request alone")
            .with("scheme", scheme)
            .with("parameters", Value::Object(shown(&parameters(rest)))));
    }
    Ok(thing(rest, judge)?.led_by("scheme", scheme))
}

fn basic(encoded: &str) -> Report {
    let report = Report::of_kind("a name and a password (Basic)");
    match Basic.read(encoded.as_bytes().into()) {
        Some(credential) => {
            let password = match credential.password().expose() {
                [] => "empty",
                _ => "there is one, not shown",
            };
            report.with("name", credential.name()).with("password", password)
        }
        None => report.with("readable", false).with("why", why_not_basic(encoded)).refused(),
    }
}

/// In the order in which the library looks.
fn why_not_basic(encoded: &str) -> &'static str {
    match STANDARD.decode(encoded).map(String::from_utf8) {
        Err(_) => "it is not base64 with its padding",
        Ok(Err(_)) => "it is not UTF-8",
        Ok(Ok(text)) if !text.contains(':') => "there is no colon between name and password",
        Ok(Ok(_)) => "there is a control character in it",
    }
}

/// The one cookie of these that is sealed, or that is named.
fn cookies<'t>(pairs: impl Iterator<Item = &'t str>, judge: &Judge) -> Result<Report, Fault> {
    let pairs: Vec<_> = pairs
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.trim(), value.trim().trim_matches('"')))
        .collect();
    let is_meant = |name: &str, value: &str| match judge.cookie_name() {
        Some(wanted) => super::judge::bare(name) == super::judge::bare(wanted),
        None => cookie::is_sealed(value),
    };
    let meant: Vec<_> = pairs.iter().filter(|(name, value)| is_meant(name, value)).collect();
    let names: Vec<_> = pairs.iter().map(|(name, _)| *name).collect();
    match meant.as_slice() {
        [(name, value)] if cookie::is_sealed(value) => {
            Ok(cookie::explain_named(Some(name), value, judge)?.led_by("cookie", *name))
        }
        [(name, value)] => Ok(thing(value, judge)?.led_by("cookie", *name)),
        [] => Err(Fault::new(format!("no cookie of this line is known here; there are {}", names.join(", ")))),
        _ => Err(Fault::new(format!("several cookies could be meant, say --name: there are {}", names.join(", ")))),
    }
}

/// By a list of what may be shown: what is not known may be a secret.
fn shown(parameters: &[(String, String)]) -> Map<String, Value> {
    let is_shown = |name: &str| SHOWN.iter().any(|known| known.eq_ignore_ascii_case(name));
    let show = |(name, value): &(String, String)| {
        (name.clone(), if is_shown(name) { value.as_str() } else { "there is one, not shown" }.into())
    };
    parameters.iter().map(show).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_to_be_public_is_hidden() {
        let text = r#"username="Mufasa", response="6629fae4", oauth_token="t0ken", Signature=ff, mac="ab", cnonce="x""#;
        let shown = serde_json::to_string(&shown(&parameters(text))).unwrap();
        assert!(shown.contains("Mufasa"));
        for secret in ["6629fae4", "t0ken", "ff", "ab", "\"x\""] {
            assert!(!shown.contains(secret), "{secret}");
        }
    }
}
