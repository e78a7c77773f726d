//! A client that was never here, and what leads it on: the metadata of a resource, and that of another one below it.

use serde_json::json;

use crate::{
    expectation::Refusal,
    lab::Lab,
    service::{ISSUER, RESOURCE, emilys_token_for},
    wire::Request,
};

const METADATA: &str = "https://people.example/.well-known/oauth-protected-resource/resource";

fn get(route: &str, token: &str) -> Request {
    Request::get(route).with("Authorization", format!("Bearer {token}"))
}

/// Each route, how its challenge begins, and the scope that it asks for.
fn both() -> [(&'static str, String, &'static str); 2] {
    let leads_to = |rest: &str| format!(r#"Bearer realm="people", resource_metadata="{METADATA}{rest}""#);
    [("/resource", leads_to(""), "reports:read"), ("/resource/below", leads_to("/below"), "reports:write")]
}

pub(crate) fn a_resource_leads_to_its_metadata_and_a_path_below_to_its_own(lab: &Lab) {
    for (route, leads, scope) in both() {
        let asked = format!(r#"{leads}, scope="{scope}""#);
        lab.ask(Request::get(route)).refused(&Refusal::unasked(&[&asked]));
        lab.ask(Request::get(route).without_host().with("Host", "forged.example"))
            .refused(&Refusal::unasked(&[&asked]));
        lab.ask(get(route, "of-nobody")).refused(&Refusal::wrong_token(&[&asked]));
    }
}

pub(crate) fn the_metadata_says_what_the_guards_enforce(lab: &Lab) {
    let of = |resource: String, scope: &str| {
        json!({
            "resource": resource,
            "authorization_servers": [ISSUER],
            "bearer_methods_supported": ["header"],
            "scopes_supported": [scope],
        })
    };
    let mut below = of(format!("{RESOURCE}/below"), "reports:write");
    below["resource_name"] = "What is below".into();
    for (rest, document) in [("", of(RESOURCE.to_owned(), "reports:read")), ("/below", below)] {
        let path = format!("/.well-known/oauth-protected-resource/resource{rest}");
        lab.ask(Request::get(&path)).published(&document);
        lab.ask(Request::get(&path).without_host().with("Host", "forged.example")).published(&document);
        lab.ask(get(&path, "of-nobody")).published(&document);
    }
}

pub(crate) fn who_goes_by_the_metadata_is_let_in_there_and_nowhere_else(lab: &Lab) {
    let below = format!("{RESOURCE}/below");
    let [(top_route, leads, top_scope), (below_route, leads_below, below_scope)] = both();
    let lacking = |leads: &str, scope: &str| {
        let challenge = format!(r#"{leads}, error="insufficient_scope", scope="{scope}""#);
        Refusal::missing_scope(scope).challenging(&challenge)
    };
    for (route, leads, address, scope, other_address, other_scope) in [
        (top_route, &leads, RESOURCE, top_scope, &*below, below_scope),
        (below_route, &leads_below, &*below, below_scope, RESOURCE, top_scope),
    ] {
        lab.ask(get(route, &emilys_token_for(address, scope))).admitted(&format!("this is {route}"));
        lab.ask(get(route, &emilys_token_for(address, other_scope))).refused(&lacking(leads, scope));
        let asked = format!(r#"{leads}, scope="{scope}""#);
        for elsewhere in [other_address, "https://people.example", "https://people.example/resource/"] {
            lab.ask(get(route, &emilys_token_for(elsewhere, scope))).refused(&Refusal::wrong_token(&[&asked]));
        }
    }
}
