//! The signature base of RFC 9421 §2: a line for each component that is covered.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::STANDARD};
use sfv::{BareItem, Dictionary, FieldType, InnerList, Item, List, Parser};

use super::super::host_and_port;
use crate::{
    credential::Covered,
    request::{Field, query},
};

/// What a signature covers: component identifiers, as written anew, and the base that was signed.
#[derive(Clone)]
pub(in super::super) struct Base {
    pub(super) text: String,
    covered: BTreeSet<String>,
}

impl Base {
    /// Of a member of `Signature-Input`. `None` if a component comes twice, is unknown, has a parameter that is not understood, or is not
    /// there.
    pub(super) fn of(member: &InnerList, request: &Covered) -> Option<Self> {
        let (mut text, mut covered) = (String::new(), BTreeSet::new());
        let mut read = Read::default();
        for component in &member.items {
            let identifier = written(component);
            text.push_str(&format!("{identifier}: {}\n", value(component, request, &mut read)?));
            if !covered.insert(identifier) {
                return None;
            }
        }
        text.push_str(&format!("\"@signature-params\": {}", written_member(member)?));
        Some(Self { text, covered })
    }

    /// Whether a component is covered, named as it is written anew.
    pub(in super::super) fn covers(&self, identifier: &str) -> bool {
        self.covered.contains(identifier)
    }
}

/// What several components are parts of, read once however many they are.
#[derive(Default)]
struct Read {
    /// By the name of the field. `None` for a field that is no dictionary.
    dictionaries: BTreeMap<String, Option<Dictionary>>,
    /// By the name as it is encoded anew. `None` for a parameter that comes twice.
    query: Option<BTreeMap<String, Option<String>>>,
}

/// An item as it is written anew (RFC 9651 §4.1.3).
pub(super) fn written(item: &Item) -> String {
    item.serialize()
}

/// The value of `@signature-params`.
fn written_member(member: &InnerList) -> Option<String> {
    vec![sfv::ListEntry::InnerList(member.clone())].serialize()
}

/// The value of a component, without a line feed, which would begin a line of its own.
fn value(component: &Item, request: &Covered, read: &mut Read) -> Option<String> {
    let BareItem::String(name) = &component.bare_item else { return None };
    let name = name.as_str();
    let value = match name.strip_prefix('@') {
        Some("query-param") => query_parameter(component, request, read)?,
        Some(derived) if component.params.is_empty() => derived_value(derived, request)?,
        Some(_) => return None,
        None => field_value(name, component, request, read)?,
    };
    (!value.contains(['\n', '\r'])).then_some(value)
}

/// Components of the head that are no fields (§2.2).
fn derived_value(name: &str, request: &Covered) -> Option<String> {
    let target = request.target()?;
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let path = if path.is_empty() { "/" } else { path };
    Some(match name {
        "method" => request.method()?.to_owned(),
        "authority" => authority(request)?,
        "scheme" => request.uri_scheme()?.to_owned(),
        "target-uri" => {
            let query = query.map(|query| format!("?{query}")).unwrap_or_default();
            format!("{}://{}{path}{query}", request.uri_scheme()?, authority(request)?)
        }
        "request-target" => target.to_owned(),
        "path" => path.to_owned(),
        "query" => format!("?{}", query.unwrap_or_default()),
        _ => return None,
    })
}

/// Host in lower case, and the port unless it is that of the scheme (§2.2.3).
fn authority(request: &Covered) -> Option<String> {
    let (host, port) = host_and_port(request)?;
    let is_default = matches!((request.uri_scheme()?, port), ("http", 80) | ("https", 443));
    Some(if is_default { host } else { format!("{host}:{port}") })
}

/// The one parameter of the query of this name, decoded and encoded in one way (§2.2.8).
fn query_parameter(component: &Item, request: &Covered, read: &mut Read) -> Option<String> {
    let (key, value) = component.params.first().filter(|_| component.params.len() == 1)?;
    let BareItem::String(wanted) = value else { return None };
    let parameters = match &mut read.query {
        Some(parameters) => parameters,
        unread => unread.insert(parameters_of(request.target()?.split_once('?')?.1)),
    };
    parameters.get(wanted.as_str())?.clone().filter(|_| key.as_str() == "name")
}

fn parameters_of(query: &str) -> BTreeMap<String, Option<String>> {
    let mut parameters = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = form_encoded(&query::decoded(value.as_bytes()));
        let place = parameters.entry(form_encoded(&query::decoded(name.as_bytes())));
        place.and_modify(|value| *value = None).or_insert(Some(value));
    }
    parameters
}

/// By the percent-encode set of forms (WHATWG URL §1.3), with which §2.2.8 encodes; a blank is `%20`.
fn form_encoded(text: &[u8]) -> String {
    text.iter().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => encoded.push(char::from(*byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
        encoded
    })
}

/// The value of a field (§2.1), with what its parameters ask for.
fn field_value(name: &str, component: &Item, request: &Covered, read: &mut Read) -> Option<String> {
    let is_lower = name.bytes().all(|byte| !byte.is_ascii_uppercase());
    let field: Field = name.parse().ok().filter(|_| is_lower)?;
    let lines: Vec<&[u8]> = match name {
        "host" => vec![request.authority()?],
        _ => request.field(&field)?.collect(),
    };
    if lines.is_empty() {
        return None;
    }
    let mut parameters = component.params.iter();
    let (parameter, more) = (parameters.next(), parameters.next());
    let joined = || lines.join(&b", "[..]);
    match parameter.map(|(key, value)| (key.as_str(), value)) {
        _ if more.is_some() => None,
        None => String::from_utf8(joined()).ok(),
        Some(("key", BareItem::String(key))) => {
            let dictionary = match read.dictionaries.get(name) {
                Some(known) => known,
                None => read.dictionaries.entry(name.to_owned()).or_insert(Parser::new(&joined()).parse().ok()),
            };
            match dictionary.as_ref()?.get(key.as_str())?.clone() {
                sfv::ListEntry::Item(item) => Some(item.serialize()),
                member @ sfv::ListEntry::InnerList(_) => vec![member].serialize(),
            }
        }
        Some(("bs", BareItem::Boolean(true))) => {
            let wrapped = lines.iter().map(|line| format!(":{}:", STANDARD.encode(line)));
            Some(wrapped.collect::<Vec<_>>().join(", "))
        }
        Some(("sf", BareItem::Boolean(true))) => structured(name, &joined()),
        _ => None,
    }
}

/// A structured field written anew: those whose type we know.
fn structured(name: &str, joined: &[u8]) -> Option<String> {
    match name {
        "content-digest"
        | "repr-digest"
        | "want-content-digest"
        | "want-repr-digest"
        | "signature"
        | "signature-input"
        | "accept-signature"
        | "priority" => Parser::new(joined).parse::<Dictionary>().ok()?.serialize(),
        "accept-ch" | "cache-status" | "proxy-status" | "client-cert-chain" => {
            Parser::new(joined).parse::<List>().ok()?.serialize()
        }
        "client-cert" => Some(Parser::new(joined).parse::<Item>().ok()?.serialize()),
        _ => None,
    }
}
