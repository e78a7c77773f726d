//! Signed and sealed tokens (JWS, JWE), and what they say.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::judge::Judge;
use crate::{fault::Fault, moment, report::Report};

/// `None` if it is none.
pub(super) fn explain(text: &str, judge: &Judge) -> Option<Result<Report, Fault>> {
    let parts: Vec<_> = text.split('.').collect();
    let header = parts.first().and_then(|part| object(part))?;
    match parts.as_slice() {
        [_, claims, _] => Some(signed(text, header, claims, judge)),
        [_, _, _, _, _] => Some(Ok(sealed(header))),
        _ => None,
    }
}

fn signed(text: &str, header: Map<String, Value>, claims: &str, judge: &Judge) -> Result<Report, Fault> {
    let report = Report::of_kind("a signed token (JWT)")
        .with_any("algorithm", header.get("alg").cloned())
        .with_any("key_id", header.get("kid").cloned())
        .with_any("type", header.get("typ").cloned());
    let report = match object(claims) {
        Some(claims) => said(report, &claims, judge).with("claims", Value::Object(claims)),
        None => report.with("claims", "they cannot be read: they are no JSON object in base64url"),
    };
    judge.judge_token(report.with("header", Value::Object(header)), text)
}

fn sealed(header: Map<String, Value>) -> Report {
    Report::of_kind("a sealed token (JWE): what it says is seen by whoever has the key")
        .with_any("algorithm", header.get("alg").cloned())
        .with_any("encryption", header.get("enc").cloned())
        .with_any("key_id", header.get("kid").cloned())
        .with("header", Value::Object(header))
}

/// The registered claims, in words.
fn said(report: Report, claims: &Map<String, Value>, judge: &Judge) -> Report {
    let now = judge.now();
    let at = |name: &str| claims.get(name).and_then(Value::as_f64).and_then(moment::at_second);
    let begins = at("nbf").map(|begins| match begins > now {
        true => format!("begins {}", moment::told(begins, now)),
        false => format!("began {}", moment::told(begins, now)),
    });
    let bound = claims
        .get("cnf")
        .map(|_| "by \"cnf\": it is taken only from whoever shows the key or certificate that it names");
    report
        .with_any("issuer", claims.get("iss").cloned())
        .with_any("audience", claims.get("aud").cloned())
        .with_any("subject", claims.get("sub").cloned())
        .with_any("scope", claims.get("scope").or_else(|| claims.get("scp")).cloned())
        .with_any("issued", at("iat").map(|issued| moment::told(issued, now)))
        .with_any("begin", begins)
        .with(
            "end",
            at("exp")
                .map_or_else(|| "none is said: no verifier here takes it".to_owned(), |end| moment::end_told(end, now)),
        )
        .with_any("bound", bound)
}

/// A JSON object in base64url.
fn object(part: &str) -> Option<Map<String, Value>> {
    match serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()? {
        Value::Object(members) => Some(members),
        _ => None,
    }
}
