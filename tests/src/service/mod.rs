//! The service that every adapter mounts, so that the cases can ask all of them the same.
//!
//! Who may do what is decided here, in [`Service::gate_of`]; a harness only mounts. [`Service::gate`] is attached once,
//! outermost. Every handler that runs says so through the [`Service`], with the route's name as in the first column, and
//! answers 200 with the text it gets back, as `text/plain; charset=utf-8`.
//!
//! GET, unless a method is named; wherever GET is finished, HEAD is. `{name}` is a path parameter of the framework's own.
//! "Enforced" means that the route is wrapped with `enforce` of `gate_of(route)`, and the handler asks for nothing unless it
//! is said; "asks for `X`" means that `X` is an argument of the handler, without `enforce`.
//!
//! | route | how it is guarded | what the handler does |
//! |---|---|---|
//! | `/open` | not at all | [`ran`](Service::ran) |
//! | `/uri`, `POST /uri` | not at all | [`uri`](Service::uri) |
//! | `/subprotocols` | not at all | [`subprotocols`](Service::subprotocols) |
//! | `/enforced` | enforced | `ran` |
//! | `/me` | asks for `Granted<Person>` | [`granted`](Service::granted) |
//! | `/visitor` | asks for `Visitor<Person>` | [`visitor`](Service::visitor) |
//! | `/optional` | asks for `Option<Granted<Person>>`; not mounted where that does not compile | `visitor` |
//! | `/result` | asks for `Result<Granted<Person>, _>`, as the framework hands a guard's failure to a handler, and drops the failure | `visitor` |
//! | `/demand` | asks for `Granted<Person, WritesReports>` | `granted` |
//! | `/visitor-demand` | asks for `Visitor<Person, WritesReports>` | `visitor` |
//! | `/anonymous` | enforced (lets anonymous callers in) | `ran` |
//! | `/anonymous-then-granted` | enforced as `/anonymous`, asks for `Granted<Person>` too | `granted` |
//! | `/twice` | enforced, asks for `Granted<Person>` too | `granted` |
//! | `/basic-then-any` | enforced as `/only-basic`, asks for `Granted<Person>` too | `granted` |
//! | `/any-then-cookie` | enforced as `/enforced`, and inside of that as itself | `visitor`, with the grant that guards in front left, or as it asks for `Visitor<Person>` where they leave none |
//! | `/only-basic`, `/only-bearer`, `/only-key` | enforced | `ran` |
//! | `POST /reports` | enforced, asks for `Granted<Person>` too, and for a [`Report`] as the framework reads JSON | [`report`](Service::report) |
//! | `/long` | enforced, by a gate of its own that takes longer credentials | `ran` |
//! | `/users/{name}` | enforced | `ran` |
//! | `/admin`, `/either`, `/both`, `/door` | enforced | `ran` |
//! | `/fault/{name}`, `/asked/{answer}` | enforced | `ran` |
//! | `/allow-if/{answer}` | asks for `Granted<Person>` | `allow_if(answer == "yes")`, then `granted` |
//! | `/ask-again/{meanwhile}` | asks for `Granted<Person>` | [`pass_time`](Service::pass_time), `ask_again`, then `granted` |
//! | `/closed/a`, `/closed/public/secret`, `/closed/public/{page}` | by `gate_of("/closed")`, closed by default below `/closed`, except the pattern `/closed/public/{page}` | `ran` |
//! | any method of `/closed/any` | the same | `ran` |
//! | `/sign-in` | not at all: closed by default as `/closed` is, but that the gate sends browsers there | `ran` |
//! | `/sign-in/a` | closed by default as `/closed` is | `ran` |
//! | `POST /covered` | enforced, asks for `Granted<Person>` too, and for the whole body as bytes | [`covered`](Service::covered) |
//! | `POST /slow` | enforced | reads a [`Report`], then `ran` |
//! | `/stream` | enforced | `ran`, and the text followed by [`CHUNKS`], each a chunk of a streaming body |
//! | `POST /upload` | enforced | reads the body as a stream, then [`uploaded`](Service::uploaded) |
//! | `POST /limited` | enforced, with the framework's own limit of [`LIMIT`] bytes for bodies | reads all of the body as bytes, then `uploaded` |
//! | `/ws` | enforced | `ran`, upgrades to a WebSocket and echoes each text message |
//! | `/own-cache-control` | asks for `Granted<Person>` | `granted`, with `Cache-Control: max-age=60` |
//! | `/own-vary` | asks for `Granted<Person>` | `granted`, with `Vary: Accept-Language` |
//! | `/own-cookie` | enforced (lets anonymous callers in) | `ran`, with `Set-Cookie: theme=dark` |
//! | `/ready` | enforced | `ran`; where services have to be polled ready first, a service that answers 500 when it is called without |
//! | `/resource`, `/resource/below` | enforced, each by a gate of its own | `ran` |
//! | those of [`opened`](Service::opened) | enforced, each by a gate of its own | `ran` |
//! | those of [`endpoints`](Service::endpoints) | not at all | the endpoint, mounted as the adapter mounts endpoints |
//! | those of [`generated`](Service::generated) | by each of their guards, the outermost first, and by what the handler asks for | [`saw`](Service::saw) |
//! | `POST /leaving` | the endpoint of [`leaving`](Service::leaving), mounted as the adapter mounts endpoints | |
//! | `/cors/me` | asks for `Granted<Person>`, within the framework's CORS layer | `granted` |
//! | `/cors/enforced` | enforced, within the framework's CORS layer | `ran` |
//!
//! The CORS layer covers `/cors` alone; it allows the origin [`ORIGIN`], GET, and the header `authorization`. Guards stand
//! inside it.
//! An unknown path is 404, another method of a known path 405 (or what the [quirks](crate::Quirk) say), both by the framework.

mod covering;
mod gate;
mod generated;
mod handed_out;
mod leaving;
mod ledger;
mod people;
mod proof;
mod resource;
pub(crate) mod unasked;

use std::sync::Arc;

use countersign::{CredentialCache, Gate, Grant, mint::endpoint::Endpoint};
use serde::Deserialize;
use tokio::sync::Notify;

pub use self::{
    covering::{Covering, Said},
    gate::WritesReports,
    generated::{Asks, BySession, GeneratedRoute},
    people::Person,
};
pub(crate) use self::{
    gate::{TRUSTED_ORIGIN, clock, cookie_named, now, page_of},
    generated::{Credentials, Draw, Sent},
    handed_out::{CLIENT, shared_key},
    resource::{ISSUER, RESOURCE, emilys_token_for, issuers_token},
    unasked::{EMILYS_KEY, digest, flask},
};
use self::{handed_out::HandedOut, ledger::Ledger, resource::Resources};

/// What follows the text of `/stream`.
pub const CHUNKS: [&str; 3] = ["one ", "two ", "three"];

/// The longest body of `POST /limited`.
pub const LIMIT: usize = 1024;

/// The one origin that the CORS layer lets in.
pub const ORIGIN: &str = "https://friend.example";

/// The body of `POST /reports` and `POST /slow`.
#[derive(Debug, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// Any text.
    pub title: String,
}

/// The gates, and what the handlers say and answer. Cheap to clone; state of the app under test.
#[derive(Debug, Clone)]
pub struct Service {
    gate: Gate<Person>,
    long: Gate<Person>,
    resources: Resources,
    handed_out: HandedOut,
    cache: CredentialCache,
    ledger: Arc<Ledger>,
    generated: Arc<[GeneratedRoute]>,
    go_on: Arc<Notify>,
}

impl Service {
    /// The gate to attach, and to take `Granted` and `Visitor` from.
    #[must_use]
    pub fn gate(&self) -> Gate<Person> {
        self.gate.clone()
    }

    /// The gate to enforce at a route, spelt as in the table.
    #[must_use]
    pub fn gate_of(&self, route: &str) -> Gate<Person> {
        match route {
            "/long" => self.long.clone(),
            "/resource" => self.resources.top.clone(),
            "/resource/below" => self.resources.below.clone(),
            _ => self.handed_out.gate_of(route).unwrap_or_else(|| gate::demanded_at(route, &self.gate)),
        }
    }

    /// To be called by a handler that knows no caller; returns its answer.
    #[must_use]
    pub fn ran(&self, route: &str) -> String {
        self.ledger.handler_ran(route);
        format!("this is {route}")
    }

    /// To be called with the path and query that the handler sees, once for each way in which the framework shows them (as
    /// axum does by `Uri` and `OriginalUri`); returns its answer.
    #[must_use]
    pub fn uri<U: AsRef<str>>(&self, seen: &[U]) -> String {
        self.ledger.handler_ran("/uri");
        let mut seen: Vec<&str> = seen.iter().map(AsRef::as_ref).collect();
        seen.dedup();
        seen.join(" and ")
    }

    /// To be called with the value of `Sec-WebSocket-Protocol` that the handler sees, if it sees one; returns its answer.
    #[must_use]
    pub fn subprotocols(&self, seen: Option<&str>) -> String {
        self.ledger.handler_ran("/subprotocols");
        format!("asked for: {}", seen.unwrap_or_default())
    }

    /// To be called by a handler with a caller.
    #[must_use]
    pub fn granted(&self, route: &str, grant: &Grant<Person>) -> String {
        self.ledger.handler_ran(route);
        people::introduce(grant)
    }

    /// To be called by a handler with a visitor.
    #[must_use]
    pub fn visitor(&self, route: &str, grant: Option<&Grant<Person>>) -> String {
        self.ledger.handler_ran(route);
        grant.map_or_else(|| "nobody".to_owned(), people::introduce)
    }

    /// To be called by `/ask-again/{meanwhile}` before it asks; `revoked` has the caller revoked.
    pub fn pass_time(&self, meanwhile: &str, grant: &Grant<Person>) {
        if meanwhile == "revoked" {
            grant.handles().iter().for_each(|handle| self.cache.revoke(*handle));
        }
    }

    /// To be called by `POST /reports`.
    #[must_use]
    pub fn report(&self, grant: &Grant<Person>, report: &Report) -> String {
        self.ledger.handler_ran("/reports");
        format!("{:?} by {}", report.title, grant.name())
    }

    /// To be called by `POST /covered` with the body as the handler gets it.
    #[must_use]
    pub fn covered(&self, grant: &Grant<Person>, body: &[u8]) -> String {
        self.ledger.handler_ran("/covered");
        format!("{:?} by {}", String::from_utf8_lossy(body), grant.name())
    }

    /// To be called when a body of so many bytes has been read to its end.
    #[must_use]
    pub fn uploaded(&self, route: &str, bytes: usize) -> String {
        self.ledger.handler_ran(route);
        format!("{bytes} bytes")
    }

    /// Routes to mount beside those of the table: none but where a case wants them.
    #[must_use]
    pub fn generated(&self) -> &[GeneratedRoute] {
        &self.generated
    }

    /// An endpoint that changes something, and takes its time.
    #[must_use]
    pub fn leaving(&self) -> Endpoint<Person> {
        leaving::endpoint(&self.gate, &self.ledger, &self.go_on)
    }

    /// Endpoints, and the paths at which they are mounted: the metadata of `/resource` and of `/resource/below`, and what begins and ends that which
    /// opens the routes of [`opened`](Self::opened).
    #[must_use]
    pub fn endpoints(&self) -> Vec<(&str, Endpoint<Person>)> {
        let metadata = self.resources.metadata.iter();
        let metadata = metadata.map(|metadata| (metadata.path(), metadata.endpoint(&self.gate)));
        metadata.chain(self.handed_out.endpoints.iter().cloned()).collect()
    }

    /// The routes that are opened by what endpoints hand out, each by a gate of its own.
    #[must_use]
    pub fn opened(&self) -> [&'static str; 7] {
        handed_out::OPENED
    }

    /// Lets the endpoint go on that waits, or the next one that comes.
    pub(crate) fn go_on(&self) {
        self.go_on.notify_one();
    }

    /// To be called by the handler of a generated route with whom it sees.
    #[must_use]
    pub fn saw(&self, route: &str, grant: Option<&Grant<Person>>) -> String {
        self.ledger.handler_ran(route);
        generated::told(grant)
    }

    /// With so many generated routes.
    pub(crate) fn with_generated(self, draw: &mut Draw, count: usize) -> Self {
        Self { generated: generated::routes(&self.gate, draw, count).into(), ..self }
    }

    pub(crate) fn new() -> Self {
        let ledger = Arc::new(Ledger::default());
        let cache = gate::conformance_cache();
        let (gate, long) = (gate::conformance_gate(&ledger, &cache), gate::gate_for_long_credentials(&ledger));
        Self {
            gate,
            long,
            resources: Resources::new(),
            handed_out: HandedOut::new(&ledger),
            cache,
            ledger,
            generated: Arc::default(),
            go_on: Arc::default(),
        }
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}
