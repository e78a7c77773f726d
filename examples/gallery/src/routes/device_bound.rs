//! Sessions that are bound to a device.

use std::{sync::Arc, time::Duration};

use axum::{Router, routing::on};
use countersign::{
    Extract, Unavailable, Verified,
    mint::{
        device_bound::DeviceSessions,
        sign_in::{SignIn, SignedIn},
    },
    store::Directory,
};
use countersign_axum::{GateExt, Granted, endpoint};

use crate::{
    Fault,
    answer::{Written, caller_with},
    exhibit::{Exhibit, Room},
    gallery::{GET, Gallery, behind},
    users::{self, Caller},
};

const LONGEST: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_secs(10);

/// The users, by name.
struct Users;

#[countersign::async_trait]
impl Directory<Caller> for Users {
    async fn find(&self, subject: &str) -> Result<Option<Verified<Caller>>, Unavailable> {
        Ok(users::named(subject))
    }
}

/// The routes of this group.
pub(crate) fn room(gallery: &Gallery) -> Result<Room, Fault> {
    let (store, replay) = (gallery.stores().device_sessions(), gallery.stores().replay("dbsc"));
    let sessions = DeviceSessions::below("/dbsc", gallery.keys().clone(), store, replay, Arc::new(Users))
        .in_cookies("dbsc_session", "dbsc_bound")
        .ending_after(LONGEST, SHORT)
        .timed_by(gallery.clock().clone());
    let gate = gallery.gate(sessions.cookie().called("dbsc"), sessions.clone())?;
    let shown = on(GET, |me: Granted<Caller>| async move { Written::from(caller_with(&me, [("bound", true.into())])) });
    let begins = {
        let sessions = sessions.clone();
        SignIn::at(&gate).then(Arc::new(users::passwords(gallery.clock())), move |me: SignedIn<Caller>| {
            let sessions = sessions.clone();
            async move { sessions.begin(me.principal().name()).await }
        })
    };
    let routes = Router::new()
        .route("/dbsc", shown.route_layer(gate.enforce()).merge(endpoint(sessions.sign_out(&gate))))
        .route("/dbsc/sign-in", endpoint(begins))
        .route("/dbsc/register", endpoint(sessions.register(&gate)))
        .route("/dbsc/refresh", endpoint(sessions.refresh(&gate)));
    let site = gallery.site();
    let room = Room::empty().with(
        behind(&gate, routes),
        Exhibit {
            path: "/dbsc",
            title: "A session that is bound to a device",
            what: "A cookie that lives for ten seconds, and a key in the browser that gets the next one (Device Bound Session Credentials).",
            choose: "where cookies are stolen from devices and sold: a copy is worth nothing soon.",
            avoid: "as the only kind of session: most browsers do not know it yet.",
            line: by_openssl(&site, ASKED),
        },
    );
    let room = room.and_a_line("/dbsc/sign-in", format!("curl -s -i {WHO} {site}/dbsc/sign-in"));
    let room = room.and_a_line("/dbsc/register", by_openssl(&site, REGISTERED));
    Ok(room.and_a_line("/dbsc/refresh", by_openssl(&site, REFRESHED)))
}

/// What a browser does, by a shell: signs in and registers a key; then this.
fn by_openssl(site: &str, then: &str) -> String {
    let steps = [
        format!("s={site}/dbsc; t=$(mktemp -d)"),
        "b() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }".to_owned(),
        r#"v() { sed -n "s/.*$1=\"*\([^\";]*\).*/\1/p" $t/h | head -n 1; }"#.to_owned(),
        "openssl genpkey -quiet -algorithm rsa -pkeyopt rsa_keygen_bits:2048 -out $t/k 2>$t/o".to_owned(),
        format!("curl -s -D $t/h {WHO} $s/sign-in"),
        r#"printf %s $(printf '{"alg":"RS256","typ":"dbsc+jwt","jwk":{"kty":"RSA","e":"AQAB","n":"%s"}}' $(openssl pkey -in $t/k -pubout -outform DER | tail -c 261 | head -c 256 | b) | b).$(printf '{"jti":"%s","authorization":"%s"}' $(v challenge) $(v authorization) | b) >$t/p"#
            .to_owned(),
        "r=$(cat $t/p).$(openssl dgst -sha256 -sign $t/k $t/p | b)".to_owned(),
        r#"curl -s -o $t/o -D $t/h -X POST -b dbsc_session=$(v dbsc_session) -H "Secure-Session-Response: $r" $s/register"#.to_owned(),
        then.to_owned(),
    ];
    steps.join("; ")
}

/// Who signs in.
const WHO: &str = "-d username=emma -d password=p%C3%A4ssw%C3%B6rd-emma";

/// Shows the document of the registration.
const REGISTERED: &str = "cat $t/o  # of /dbsc/register";

/// Asks by the short cookie.
const ASKED: &str = "curl -s -b dbsc_bound=$(v dbsc_bound) $s";

/// Signs the next challenge, and gets the next cookie.
const REFRESHED: &str = r#"printf %s $(printf '{"alg":"RS256","typ":"dbsc+jwt"}' | b).$(printf '{"jti":"%s"}' $(sed -n 's/^secure-session-challenge: "\([^"]*\)".*/\1/p' $t/h) | b) >$t/p; r=$(cat $t/p).$(openssl dgst -sha256 -sign $t/k $t/p | b); curl -s -i -X POST -H "Sec-Secure-Session-Id: $(sed 's/.*"session_identifier":"\([^"]*\)".*/\1/' $t/o)" -H "Secure-Session-Response: $r" $s/refresh  # /dbsc/refresh"#;
