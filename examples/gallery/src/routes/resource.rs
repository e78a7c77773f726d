//! An API that clients find by its metadata, and one that asks for a stronger sign-in.

use std::time::{Duration, UNIX_EPOCH};

use axum::{
    Router,
    routing::{MethodFilter, get},
};
use countersign::{
    Bearer, Extract,
    credential::ProtectedResource,
    gate::policy::{scope, step_up},
};
use serde_json::json;

use crate::{
    Fault,
    access::{AUDIENCE, token, tokens},
    answer::Written,
    exhibit::{Exhibit, Room},
    gallery::{GET, Gallery, shows_caller},
};

/// How strong a sign-in `/step-up` asks for, and how recent.
const CONTEXT: &str = "urn:gallery:mfa";
const WITHIN: Duration = Duration::from_secs(300);

/// The routes of this group.
pub(crate) fn room(gallery: &Gallery) -> Result<Room, Fault> {
    step_up_room(gallery, resource(gallery)?)
}

fn resource(gallery: &Gallery) -> Result<Room, Fault> {
    // From the printed address: never from a request.
    let resource = ProtectedResource::at(&format!("{}/mcp", gallery.site()))?.named("Gallery");
    let gate = gallery.gate(resource.bearer().called("mcp"), tokens(gallery, resource.address())?)?;
    let (reads, writes) = (gate.require(scope("mcp:read")), gate.require(scope("mcp:write")));
    let pasted = token(gallery, resource.address(), &json!({ "scope": "mcp:read mcp:write" }))?;
    let metadata = {
        let document = resource.enforced_by([&reads, &writes])?.reply();
        Router::new().route(resource.metadata_path(), get(move || async move { Written::from(document) }))
    };
    let (site, path) = (gallery.site(), resource.metadata_path());
    let room = Room::empty().with(
        shows_caller("/mcp", GET, &reads).merge(shows_caller("/mcp", MethodFilter::POST, &writes)),
        Exhibit {
            path: "/mcp",
            title: "A resource with metadata",
            what: "A bearer token for exactly this address, and a challenge that leads a client which was never here to the server that issues it (RFC 9728).",
            choose: "for APIs whose clients are nobody's in particular, as those of agents are.",
            avoid: "from the Host of a request: a client would carry its token to whoever forged it.",
            line: format!("curl -s -H 'Authorization: Bearer {pasted}' {site}/mcp"),
        },
    );
    Ok(room.with(
        metadata,
        Exhibit {
            path: "/.well-known/oauth-protected-resource/mcp",
            title: "Its metadata",
            what: "Which authorization servers issue tokens for it, and which scopes it knows.",
            choose: "beside every resource that others write clients for.",
            avoid: "for resources that have one client, which you wrote.",
            line: format!("curl -s {site}{path}"),
        },
    ))
}

fn step_up_room(gallery: &Gallery, room: Room) -> Result<Room, Fault> {
    let gate = gallery.gate(Bearer.called("step-up"), tokens(gallery, AUDIENCE)?)?;
    let strong = gate.require(step_up().context(CONTEXT).within(WITHIN));
    let now = gallery.clock().wall().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let pasted = token(gallery, AUDIENCE, &json!({ "acr": CONTEXT, "auth_time": now }))?;
    Ok(room.with(
        shows_caller("/step-up", GET, &strong),
        Exhibit {
            path: "/step-up",
            title: "A stronger sign-in",
            what: "A token is good, and this takes one of somebody who signed in with two factors in the last five minutes (RFC 9470).",
            choose: "in front of what would hurt: payments, keys, other people's data.",
            avoid: "everywhere: who is asked all the time confirms anything.",
            line: format!("curl -s -H 'Authorization: Bearer {pasted}' {}/step-up  # for five minutes", gallery.site()),
        },
    ))
}
