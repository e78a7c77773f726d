//! The gate of the conformance service, and what it demands where.

use std::{
    sync::{Arc, LazyLock},
    time::{Duration, SystemTime},
};

use countersign::{
    ApiKey, Basic, Bearer, CredentialCache, Gate, Grant, KeyRing, Page, Policy, QueryParam, RequestView, Secret,
    SignedCookie, Unavailable,
    cache::CacheOptions,
    clock::SharedClock,
    credential::Subprotocol,
    demand,
    gate::policy::{Asked, all_of, any_of, asks, permits, role, scope, subject_is},
    request::Field,
    testing::ManualClock,
};

use super::{
    Person,
    covering::{Coverage, Covering},
    ledger::Ledger,
    people::{Names, Sessions, Tokens},
    proof::{Proved, late},
    unasked::{
        emilys_bound_token, emilys_key, emilys_message_key, emilys_number, unasked_digest, unasked_dpop, unasked_flask,
        unasked_hawk, unasked_message_signature, unasked_oauth1, unasked_sigv4, unasked_wsse,
    },
};

demand!(
    /// What `/demand` and `/visitor-demand` demand.
    pub WritesReports: scope("reports:write")
);

/// When it is, in all cases: 2027-01-15, 08:00:00 UTC. A clock that stands makes every transcript the same.
pub(crate) fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// The one origin, beside the service's own, whose pages may act.
pub(crate) const TRUSTED_ORIGIN: &str = "https://trusted.example";

/// The one clock of the gate and its parts.
pub(crate) fn clock() -> SharedClock {
    static CLOCK: LazyLock<Arc<ManualClock>> = LazyLock::new(|| Arc::new(ManualClock::at(now())));
    Arc::clone(&CLOCK) as SharedClock
}

/// A signed cookie under the key of the cases.
pub(crate) fn cookie_named(name: &str) -> SignedCookie {
    let key = *b"the conformance cases sign by it";
    let keys = KeyRing::of([Secret::new(key)]).expect("the key is long enough");
    SignedCookie::named(name, keys).timed_by(clock())
}

/// The app's own page for a refusal of this status.
pub(crate) fn page_of(status: u16) -> String {
    format!("<!doctype html><title>{status}</title>")
}

pub(super) fn conformance_cache() -> CredentialCache {
    CredentialCache::with(CacheOptions::default().timed_by(clock()))
}

pub(super) fn conformance_gate(ledger: &Arc<Ledger>, cache: &CredentialCache) -> Gate<Person> {
    let tokens = |scheme| Tokens::new(scheme, Arc::clone(ledger));
    Gate::in_realm("people")
        .accept(Basic, Names::new(Arc::clone(ledger)))
        .accept(Bearer, tokens("bearer"))
        .accept(cookie_named("session"), Sessions::new(Arc::clone(ledger)))
        .accept(ApiKey::in_header("X-API-Key").or_keyword("Token"), tokens("api-key"))
        .accept(Covering, Coverage::new(Arc::clone(ledger)))
        .accept(unasked_hawk(&clock()), emilys_key())
        .accept(unasked_sigv4(&clock()), emilys_key())
        .accept(unasked_oauth1(&clock()), emilys_key())
        .accept(unasked_wsse(&clock()), emilys_key())
        .accept(unasked_digest(&clock()), emilys_key())
        .accept(unasked_message_signature(&clock()), emilys_message_key())
        .accept(unasked_dpop(&clock()), emilys_bound_token())
        .accept(unasked_flask(&clock()), emilys_number())
        .accept(Proved::of(QueryParam::named("access_token"), cache.clone()), tokens("query"))
        .accept(Subprotocol::as_kubernetes(), tokens("subprotocol"))
        .cached(cache.clone())
        .refusals(|rejection, wants| wants.html.then(|| Page::html(page_of(rejection.status()))))
        .sign_in_at("/sign-in")
        .trusting_origins([TRUSTED_ORIGIN])
        .covering_bodies_up_to(400)
        .timed_by(clock())
        .build()
        .expect("the gate of the cases can be built")
}

/// Takes the longest credentials that a gate may be told to take.
pub(super) fn gate_for_long_credentials(ledger: &Arc<Ledger>) -> Gate<Person> {
    Gate::in_realm("people")
        .accept(Bearer, Tokens::new("bearer", Arc::clone(ledger)))
        .accept(ApiKey::in_header("X-API-Key"), Tokens::new("api-key", Arc::clone(ledger)))
        .credentials_up_to(64 * 1024)
        .timed_by(clock())
        .build()
        .expect("the gate of the cases can be built")
}

/// Whether the request says that the door is open: a policy of the app's own, which looks at the head.
fn says_that_the_door_is_open() -> impl Policy<Person> {
    let field: Field = "x-door".parse().expect("a token");
    permits(move |_: &Grant<Person>, request: &RequestView<'_>| request.field(&field, 0) == Some(b"open"))
}

/// Whether the path parameter says yes: a policy that has to be waited for.
fn the_parameter_says_yes() -> impl Policy<Person> {
    asks(["answer"], |asked: Asked<Person>| {
        late(match asked.parameter("answer") {
            Some("outage") => Err(Unavailable::because("nobody knows who may")),
            answer => Ok(answer == Some("yes")),
        })
    })
}

pub(super) fn demanded_at(route: &str, gate: &Gate<Person>) -> Gate<Person> {
    let only = |scheme: &str| gate.only([scheme]).expect("the gate takes this scheme");
    match route {
        "/covered" | "/enforced" | "/twice" | "/slow" | "/stream" | "/upload" | "/limited" | "/ws" | "/ready"
        | "/closed" | "/cors/enforced" => gate.clone(),
        "/anonymous" | "/anonymous-then-granted" => gate.or_anonymous(),
        "/own-cookie" => gate.or_anonymous_clearing_cookies(),
        "/only-basic" | "/basic-then-any" => only("basic"),
        "/only-bearer" => only("bearer"),
        "/any-then-cookie" => only("cookie").or_anonymous(),
        "/only-key" => only("api-key"),
        "/reports" => gate.require(scope("reports:write")),
        "/users/{name}" => gate.require(subject_is("name")),
        "/admin" => gate.require(role("admin")),
        "/either" => gate.require(any_of((role("admin"), scope("reports:write")))),
        "/both" => gate.require(all_of((role("admin"), scope("reports:write")))),
        "/door" => gate.require(says_that_the_door_is_open()),
        "/asked/{answer}" => gate.require(the_parameter_says_yes()),
        "/fault/{name}" => gate.require(subject_is("a_parameter_that_no_route_has")),
        _ => panic!("no gate is enforced at {route:?}"),
    }
}
