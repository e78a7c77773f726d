//! What an adapter brings: a server of its framework, and the quirks that the framework is known for.

use std::{error::Error, fmt, net::SocketAddr};

use crate::service::Service;

/// A framework with its adapter, as the cases see it.
///
/// # Example
/// The whole test file of an adapter, but for the routes:
/// ```no_run
/// use countersign_conformance::{Harness, Quirk, Running, Service};
/// # mod my_framework {
/// #     pub struct App;
/// #     impl App { pub fn attach(self, _: countersign::Gate<countersign_conformance::service::Person>) -> Self { self } }
/// #     pub struct Server;
/// #     impl Server {
/// #         pub fn address(&self) -> std::net::SocketAddr { ([127, 0, 0, 1], 3000).into() }
/// #         pub fn stop(self) {}
/// #     }
/// #     pub fn serve(_: App, _: &str) -> Server { Server }
/// # }
/// # use my_framework::App;
///
/// struct Mine;
///
/// impl Harness for Mine {
///     const NAME: &'static str = "mine";
///     const QUIRKS: &'static [Quirk] = &[Quirk::OptionDoesNotCompile];
///
///     fn start(service: Service) -> Result<Running, Box<dyn std::error::Error>> {
///         let app = App /* with the routes of `countersign_conformance::service` */;
///         let server = my_framework::serve(app.attach(service.gate()), "127.0.0.1:0");
///         Ok(Running::at(server.address(), move || server.stop()))
///     }
/// }
///
/// countersign_conformance::suite!(Mine);
/// ```
pub trait Harness {
    /// The framework's name, for messages.
    const NAME: &'static str;

    /// Where the framework is known to depart from the others.
    const QUIRKS: &'static [Quirk] = &[];

    /// The log targets, by their beginnings, under which the framework prints what was sent before any code of the app has run.
    const PRINTING_TARGETS: &'static [&'static str] = &[];

    /// Starts the framework's real server on `127.0.0.1`, port 0, with the [service](crate::service) mounted, and returns
    /// once it listens. Each case starts one of its own: two threads are enough for it, and start-up should cost
    /// milliseconds.
    ///
    /// # Errors
    /// When it cannot be started; the case fails with what it says.
    fn start(service: Service) -> Result<Running, Box<dyn Error>>;
}

/// A server that runs until this is dropped.
#[must_use]
pub struct Running {
    address: SocketAddr,
    stop: Option<Box<dyn FnOnce() + Send>>,
}

impl Running {
    /// A server that listens at `address` and is ended by `stop`, which need not wait until it has ended.
    pub fn at(address: SocketAddr, stop: impl FnOnce() + Send + 'static) -> Self {
        Self { address, stop: Some(Box::new(stop)) }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop();
        }
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A known departure of a framework, which no adapter can mend.
///
/// A quirk skips nothing: the cases it concerns expect what it says, exactly, so one that is declared and not there fails
/// as surely as one that is there and not declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Quirk {
    /// A field whose value is not UTF-8 never arrives: it counts as absent.
    DropsFieldsThatAreNotUtf8,
    /// Another method of a known path is 404, not 405.
    HasNo405,
    /// A form whose first field is `_method` is a request of that method.
    FormsOverrideTheMethod,
    /// The host of a target in absolute form is dropped, so that `Host` counts.
    DropsTheHostOfTargets,
    /// Trailers behind a body in chunks never arrive.
    DropsTrailers,
    /// `Option<Granted<P>>` does not compile as an argument, so `/optional` is not mounted.
    OptionDoesNotCompile,
    /// `100 Continue` is sent before any code of the app has run.
    ContinuesUnasked,
    /// The first bytes of a body are waited for before any code of the app has run: who announces one and sends none gets no
    /// answer.
    WaitsForBodies,
    /// A body that breaks off within its first bytes arrives as if it had ended there.
    EndsBrokenBodies,
}

impl Quirk {
    /// Its name in the file of the expected transcript.
    pub(crate) fn slug(self) -> &'static str {
        match self {
            Self::DropsFieldsThatAreNotUtf8 => "drops-fields",
            Self::HasNo405 => "no-405",
            Self::FormsOverrideTheMethod => "forms-override",
            Self::DropsTheHostOfTargets => "drops-hosts",
            Self::DropsTrailers => "drops-trailers",
            Self::OptionDoesNotCompile => "no-option",
            Self::ContinuesUnasked => "continues-unasked",
            Self::WaitsForBodies => "waits-for-bodies",
            Self::EndsBrokenBodies => "ends-broken-bodies",
        }
    }
}
