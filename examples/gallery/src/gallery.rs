//! What all routes share: [`Gallery`].

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    routing::{MethodFilter, on},
};
use countersign::{
    Extract, Gate, KeyRing, Verify,
    clock::SharedClock,
    jose::{JwtSetupError, jwe::JweKey},
};
use countersign_axum::{GateExt, Granted};

use crate::{
    Fault,
    answer::{self, Written},
    clock::MovedClock,
    options::Options,
    page,
    stores::{Keys, Stores},
    users::Caller,
};

/// The clock, where the service listens, what is remembered, and how its gates are made.
pub(crate) struct Gallery {
    clock: SharedClock,
    nonce_life: Duration,
    address: SocketAddr,
    tls: Option<SocketAddr>,
    stores: Stores,
    keys: Keys,
}

impl Gallery {
    /// The gallery that listens here, and here with TLS.
    pub(crate) async fn open(options: &Options, address: SocketAddr, tls: Option<SocketAddr>) -> Result<Self, Fault> {
        let clock: SharedClock = Arc::new(MovedClock::by(options.clock_offset));
        let (stores, keys) = match &options.shared {
            Some(url) => Stores::shared(url, &clock).await?,
            None => (Stores::in_memory(&clock), Keys::fresh()?),
        };
        Ok(Self { clock, nonce_life: options.nonce_life, address, tls, stores, keys })
    }

    /// Where routes remember what they must.
    pub(crate) fn stores(&self) -> &Stores {
        &self.stores
    }

    /// What MACs what is handed out; each user of it has a purpose of their own.
    pub(crate) fn keys(&self) -> &KeyRing {
        &self.keys.ring
    }

    /// The keys of P-256 and RSA to whose public halves tokens may be sealed.
    pub(crate) fn sealing_keys(&self) -> Result<[JweKey; 2], JwtSetupError> {
        let [elliptic, rsa] = &self.keys.sealing;
        Ok([JweKey::pkcs8(elliptic)?, JweKey::pkcs8(rsa)?])
    }

    /// The clock of everything here.
    pub(crate) fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// How long the nonces live that are handed out.
    pub(crate) fn nonce_life(&self) -> Duration {
        self.nonce_life
    }

    /// Where it listens without TLS.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it is reached, as it was printed at the start.
    pub(crate) fn site(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it is reached with TLS, if it is.
    pub(crate) fn secure_site(&self) -> Option<String> {
        self.tls.map(|address| format!("https://{address}"))
    }

    /// Where a pasted line keeps the cookies of this scheme.
    pub(crate) fn jar(&self, scheme: &str) -> String {
        format!("/tmp/gallery-{}-{scheme}.cookies", self.address.port())
    }

    /// A gate that takes this kind alone. Its scheme is named by the first segment of its route's path: rename the kind with
    /// [`called`](Extract::called) where it has another name.
    pub(crate) fn gate<E, V>(&self, kind: E, verifier: V) -> Result<Gate<Caller>, Fault>
    where
        E: Extract,
        V: Verify<E::Credential, Principal = Caller>,
    {
        let gate =
            Gate::in_realm("gallery").accept(kind, verifier).timed_by(Arc::clone(&self.clock)).with_bare_challenges();
        Ok(gate.refusals(page::of_refusal).build()?)
    }
}

/// A route that shows whom its gate let in.
pub(crate) fn shows_caller(path: &str, methods: MethodFilter, gate: &Gate<Caller>) -> Router {
    let shown = on(methods, |me: Granted<Caller>| async move { Written::from(answer::caller(&me)) });
    behind(gate, Router::new().route(path, shown.route_layer(gate.enforce())))
}

/// These routes, with the gate's part that is outermost.
pub(crate) fn behind(gate: &Gate<Caller>, routes: Router<Gate<Caller>>) -> Router {
    routes.layer(gate.attach()).with_state(gate.clone())
}

/// GET, HEAD and POST.
pub(crate) const GET_AND_POST: MethodFilter = MethodFilter::GET.or(MethodFilter::POST);

/// GET and HEAD.
pub(crate) const GET: MethodFilter = MethodFilter::GET;
