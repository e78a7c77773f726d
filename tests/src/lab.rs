//! The bench of one case: a server, a way to ask it, and the transcript.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use crate::{
    harness::{Harness, Quirk, Running},
    service::{Draw, GeneratedRoute, Service},
    wire::{Connection, Failure, Names, Request, Response},
};

/// One server of the framework under test, used by one case.
pub(crate) struct Lab {
    service: Service,
    running: Running,
    framework: &'static str,
    quirks: &'static [Quirk],
    golden: PathBuf,
    transcript: RefCell<String>,
    answer_before: RefCell<String>,
    met: RefCell<BTreeSet<Quirk>>,
    names: Names,
    seed: u64,
}

/// How many routes are drawn for a case about them.
const GENERATED: usize = 150;

/// What came back, and what happened meanwhile behind the socket.
#[derive(Debug)]
pub(crate) struct Reply<'l> {
    pub(crate) lab: &'l Lab,
    pub(crate) asked: String,
    pub(crate) outcome: Result<Response, Failure>,
    /// The handlers that ran.
    pub(crate) handlers: Vec<String>,
    /// The schemes whose verifier was called.
    pub(crate) verified: Vec<&'static str>,
}

/// A connection that is kept for several requests.
pub(crate) struct Line<'l> {
    lab: &'l Lab,
    connection: Connection,
}

impl Lab {
    pub(crate) fn open<H: Harness>(group: &str, case: &str) -> Self {
        let seed = Draw::seed();
        let service = match group {
            "guards" => Service::new().with_generated(&mut Draw::of(seed), GENERATED),
            _ => Service::new(),
        };
        let running = H::start(service.clone()).expect("the server starts");
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(group).join(case);
        Self {
            service,
            running,
            framework: H::NAME,
            quirks: H::QUIRKS,
            golden,
            transcript: RefCell::default(),
            answer_before: RefCell::default(),
            met: RefCell::default(),
            names: Names::default(),
            seed,
        }
    }

    /// Asks over a connection of its own.
    #[expect(clippy::needless_pass_by_value, reason = "a request is written where it is asked")]
    pub(crate) fn ask(&self, request: Request) -> Reply<'_> {
        self.line().ask(&request)
    }

    /// Where the server listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.running.address()
    }

    /// The seed that its generated routes were drawn by.
    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// Its generated routes.
    pub(crate) fn generated(&self) -> &[GeneratedRoute] {
        self.service.generated()
    }

    /// Lets `/leaving` go on.
    pub(crate) fn go_on(&self) {
        self.service.go_on();
    }

    /// A connection to ask over.
    pub(crate) fn line(&self) -> Line<'_> {
        Line { lab: self, connection: self.connect() }
    }

    /// A bare connection.
    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.running.address()).expect("the server listens")
    }

    /// Whether the framework is known for this. What the case does then goes into a transcript of its own.
    pub(crate) fn meets(&self, quirk: Quirk) -> bool {
        let has = self.quirks.contains(&quirk);
        if has {
            self.met.borrow_mut().insert(quirk);
        }
        has
    }

    /// A reply that did not come through [`Line::ask`].
    pub(crate) fn reply(&self, asked: &Request, outcome: Result<Response, Failure>) -> Reply<'_> {
        let ledger = self.service.ledger();
        Reply {
            lab: self,
            asked: asked.transcript(&self.names),
            outcome,
            handlers: ledger.take_handlers(),
            verified: ledger.take_verifications(),
        }
    }

    /// The handlers that ran since the last reply.
    pub(crate) fn handlers(&self) -> Vec<String> {
        self.service.ledger().take_handlers()
    }

    /// The schemes whose verifier was called since the last reply.
    pub(crate) fn verifications(&self) -> Vec<&'static str> {
        self.service.ledger().take_verifications()
    }

    /// Shows that the server still serves, and serves rightly.
    pub(crate) fn still_serves(&self) {
        self.ask(Request::get("/me").with("Authorization", "Bearer emily-reads"))
            .admitted("emily by bearer; scopes reports:read; roles member; ends never");
    }

    /// From here on, what is different each time is called so in the transcript.
    pub(crate) fn call(&self, text: &str, name: &'static str) {
        self.names.call(text, name);
    }

    /// Adds an exchange to the transcript; an answer like the one before is not repeated.
    pub(crate) fn write_down(&self, asked: &str, answer: &str) {
        let named = self.names.written_into(answer.as_bytes());
        let answer = &*String::from_utf8_lossy(&named);
        let mut transcript = self.transcript.borrow_mut();
        transcript.push_str(asked);
        let before = self.answer_before.replace(answer.to_owned());
        transcript.push_str(if before == answer { "< the same\n" } else { answer });
        transcript.push('\n');
    }

    /// Compares the transcript with the expected one.
    pub(crate) fn close(self) {
        let mut name = self.golden.clone().into_os_string();
        for quirk in self.met.borrow().iter() {
            name.push("+");
            name.push(quirk.slug());
        }
        name.push(".txt");
        let path = PathBuf::from(name);
        let seen = self.transcript.into_inner();
        if seen.is_empty() {
            return; // what the case asked depends on the framework, or on who came first
        }
        if std::env::var_os("CONFORMANCE_BLESS").is_some() {
            let folder = path.parent().expect("it lies in a folder");
            fs::create_dir_all(folder).and_then(|()| fs::write(&path, seen)).expect("the transcript can be written");
            return;
        }
        let expected = fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{} cannot be read ({error}); this was seen:\n{seen}", path.display()));
        if let Some(difference) = first_difference(&expected, &seen) {
            panic!("{} answers unlike {}:\n{difference}", self.framework, path.display());
        }
    }
}

impl<'l> Line<'l> {
    /// Asks, and waits for the answer.
    pub(crate) fn ask(&mut self, request: &Request) -> Reply<'l> {
        self.connection.say(&request.bytes());
        self.hear(request)
    }

    /// Says these bytes and waits for nothing.
    pub(crate) fn say(&mut self, bytes: &[u8]) {
        self.connection.say(bytes);
    }

    /// The answer to a request that was said already.
    pub(crate) fn hear(&mut self, request: &Request) -> Reply<'l> {
        let outcome = self.connection.answer(request);
        self.lab.reply(request, outcome)
    }

    pub(crate) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

impl std::fmt::Debug for Lab {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lab").field("framework", &self.framework).finish_non_exhaustive()
    }
}

fn first_difference(expected: &str, seen: &str) -> Option<String> {
    if expected == seen {
        return None;
    }
    let mut text = String::new();
    let (mut left, mut right) = (expected.lines(), seen.lines());
    loop {
        match (left.next(), right.next()) {
            (Some(one), Some(other)) if one == other => {
                let _ = writeln!(text, "  {one}");
            }
            (one, other) => {
                let _ = writeln!(text, "- {}\n+ {}", one.unwrap_or("(nothing)"), other.unwrap_or("(nothing)"));
                return Some(text);
            }
        }
    }
}
