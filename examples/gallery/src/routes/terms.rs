//! Keys and tokens with terms: two tokens for one sign-in, a key that is bound to its sender, and tokens of a few seconds.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::OriginalUri,
    routing::{get, on, post},
};
use countersign::{
    Basic, Extract, Unavailable, Verified,
    mint::{bound_key::BoundKeys, transient_token::TransientTokens, two_tokens::TwoTokens},
    store::Directory,
};
use countersign_axum::{GateExt, Granted, endpoint};

use crate::{
    Fault,
    answer::{self, Written},
    exhibit::{Exhibit, Room},
    gallery::{GET, Gallery, behind},
    users::{self, Caller},
};

/// The users as those who hand something out need them.
struct Users;

#[countersign::async_trait]
impl Directory<Caller> for Users {
    async fn find(&self, subject: &str) -> Result<Option<Verified<Caller>>, Unavailable> {
        Ok(users::named(subject))
    }
}

/// The routes of this group.
pub(crate) fn room(gallery: &Gallery) -> Result<Room, Fault> {
    transient(gallery, bound(gallery, two_tokens(gallery)?)?)
}

fn two_tokens(gallery: &Gallery) -> Result<Room, Fault> {
    let clock = gallery.clock();
    let tokens =
        TwoTokens::below("/two-token", gallery.stores().sessions("two-token"), Arc::new(Users)).timed_by(clock.clone());
    let looks = gallery.gate(tokens.either().called("two-token"), tokens.clone())?;
    let acts = gallery.gate(tokens.secure().called("two-token"), tokens.clone())?;
    let shown = on(GET, |me: Granted<Caller>| async move {
        let may_act = me.scopes().contains("act");
        Written::from(answer::caller_with(&me, [("may_act", may_act.into())]))
    });
    let acted = post(|me: Granted<Caller>| async move { Written::from(answer::caller(&me)) });
    // Whoever signs in may bring old tokens along: one in the clear is void, and the others say nothing.
    let begun = endpoint(tokens.sign_in(&looks, Arc::new(users::passwords(clock))));
    let begun = begun.route_layer(looks.or_anonymous_clearing_cookies().enforce());
    let looking =
        Router::new().route("/two-token", shown.route_layer(looks.enforce())).route("/two-token/sign-in", begun);
    let acting = Router::new().route("/two-token/act", acted.route_layer(acts.enforce()));
    let routes = behind(&looks, looking).merge(behind(&acts, acting));
    let jar = gallery.jar("two-token");
    let who = "-d username=emma --data-urlencode 'password=pässwörd-emma'";
    let [line, sign_in, act] = match gallery.secure_site() {
        Some(site) => {
            let begun = format!("curl -sk -c {jar} {who} {site}/two-token/sign-in");
            [
                format!("{begun} && curl -sk -b {jar} {site}/two-token"),
                format!("curl -sk -i {who} {site}/two-token/sign-in"),
                format!("{begun} && curl -sk -b {jar} -X POST {site}/two-token/act"),
            ]
        }
        None => {
            let site = gallery.site();
            let begun = format!("curl -s {who} {site}/two-token/sign-in   # 403: start with --listen-tls");
            let act = format!("curl -s -X POST {site}/two-token/act   # 401: start with --listen-tls");
            [begun.clone(), begun, act]
        }
    };
    let room = Room::empty().with(
        routes,
        Exhibit {
            path: "/two-token",
            title: "Two tokens for one sign-in",
            what: "One cookie that may act, over TLS alone, and one that only says who it is. The first is void once it was seen in the clear.",
            choose: "for a site whose pages are looked at everywhere, and whose buttons must not be pressed by whoever listens.",
            avoid: "where all is over TLS anyway: a session is simpler.",
            line,
        },
    );
    Ok(room.and_a_line("/two-token/sign-in", sign_in).and_a_line("/two-token/act", act))
}

fn bound(gallery: &Gallery, room: Room) -> Result<Room, Fault> {
    let keys = BoundKeys::in_header("Auth-Key", gallery.stores().bound_keys(), Arc::new(Users))
        .lasting(Duration::from_secs(4), Duration::from_secs(12))
        .timed_by(gallery.clock().clone());
    let gate = gallery.gate(keys.kind().called("auth-key"), keys.clone())?;
    let shown = on(GET, |me: Granted<Caller>| async move { Written::from(answer::caller(&me)) });
    let authenticates = endpoint(keys.authenticate(&gate, Arc::new(users::passwords(gallery.clock()))));
    let routes = Router::new()
        .route("/auth-key", shown.route_layer(gate.enforce()).merge(endpoint(keys.end(&gate))))
        .route("/auth-key/authenticate", authenticates);
    let site = gallery.site();
    let authenticate = format!("curl -s -d username=alice -d password=secret {site}/auth-key/authenticate");
    let room = room.with(
        behind(&gate, routes),
        Exhibit {
            path: "/auth-key",
            title: "A key that is bound to its sender",
            what: "Good from one address and one agent, and only while it is used: four seconds here, twelve at the latest.",
            choose: "for a client that polls from one place, and whose key must not outlive it.",
            avoid: "for phones, and as a proof: an address and an agent can be shared.",
            line: format!(
                "curl -H \"Auth-Key: $({authenticate} | sed 's/.*\"auth_key\":\"\\([^\"]*\\)\".*/\\1/')\" {site}/auth-key"
            ),
        },
    );
    Ok(room.and_a_line("/auth-key/authenticate", authenticate))
}

fn transient(gallery: &Gallery, room: Room) -> Result<Room, Fault> {
    let tokens = TransientTokens::signed_by(gallery.keys().clone(), gallery.stores().voided(), users::named)
        .lasting(Duration::from_secs(5))
        .timed_by(gallery.clock().clone());
    let kind = tokens.kind("token");
    let by_password = gallery.gate(Basic, users::passwords(gallery.clock()))?;
    let gate = gallery.gate(kind.clone(), tokens.clone())?;
    let shown = get(|me: Granted<Caller>, OriginalUri(uri): OriginalUri| async move {
        Written::from(answer::caller_with(&me, [("uri", uri.to_string().into())]))
    });
    let issued = Router::new().route("/transient/tokens", endpoint(tokens.issue(&by_password)));
    let used =
        Router::new().route("/transient", shown.route_layer(gate.enforce()).merge(endpoint(tokens.end(&kind, &gate))));
    let site = gallery.site();
    let issue = format!("curl -s -u alice:secret -X POST {site}/transient/tokens");
    let room = room.with(
        behind(&by_password, issued).merge(behind(&gate, used)),
        Exhibit {
            path: "/transient",
            title: "Tokens of a few seconds",
            what: "Signed, without a look-up, in a header or in the query, out of which it is taken before anything logs it.",
            choose: "for downloads, images and sockets, whose requests can carry no header.",
            avoid: "for anything that lasts: what stands in a URI is copied.",
            line: format!(
                "curl \"{site}/transient?token=$({issue} | sed 's/.*\"token\":\"\\([^\"]*\\)\".*/\\1/')\""
            ),
        },
    );
    Ok(room.and_a_line("/transient/tokens", issue))
}
