//! Signing tokens.

use std::time::SystemTime;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign::Scopes;
use serde_json::{Map, Value, json};

use crate::{arguments::MintArguments, fault::Fault, input, report::Report, signing_key};

pub(crate) fn mint(wish: &MintArguments) -> Result<Report, Fault> {
    let text = input::file(&wish.key)?;
    let signer = signing_key::signer(wish.alg, &text).map_err(|error| Fault::of_file(&wish.key, error))?;
    let token = signer.with_type(&wish.typ).sign(&Value::Object(claims(wish)?))?;
    Ok(Report::of_product("token", token))
}

fn claims(wish: &MintArguments) -> Result<Map<String, Value>, Fault> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let ends = now.checked_add(wish.expires_in).ok_or_else(|| Fault::new("no calendar has that end"))?;
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| Fault::new(format!("there are no random bytes: {error}")))?;
    let mut claims = Map::from_iter([
        ("iat".to_owned(), json!(now.as_secs())),
        ("exp".to_owned(), json!(ends.as_secs())),
        ("jti".to_owned(), json!(URL_SAFE_NO_PAD.encode(id))),
    ]);
    let said = [
        ("iss", wish.issuer.as_deref().map(Value::from)),
        ("sub", wish.subject.as_deref().map(Value::from)),
        ("aud", audience(&wish.audience)),
        ("scope", scope(&wish.scope)?),
    ];
    claims.extend(said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    for claim in &wish.claim {
        let (name, value) = claim
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| Fault::new(format!("{claim:?} is no claim: write NAME=VALUE")))?;
        claims.insert(name.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| value.into()));
    }
    match claims.get("sub") {
        None => Ok(claims),
        Some(Value::String(subject)) if !subject.is_empty() => Ok(claims),
        Some(_) => Err(Fault::new("a subject is text, and not empty: no verifier takes another")),
    }
}

/// One name is written as a string, several as a list (RFC 7519 §4.1.3).
fn audience(names: &[String]) -> Option<Value> {
    match names {
        [] => None,
        [only] => Some(json!(only)),
        several => Some(json!(several)),
    }
}

fn scope(said: &[String]) -> Result<Option<Value>, Fault> {
    if said.is_empty() {
        return Ok(None);
    }
    let scopes: Scopes = said.join(" ").parse().map_err(|error| Fault::new(format!("--scope: {error}")))?;
    Ok(Some(json!(scopes.to_string())))
}
