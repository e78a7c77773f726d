//! Starts the gallery as a stranger would, and talks to it over a socket.

use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use countersign_conformance::wire::{Connection, Request, Response};
use serde_json::Value;

/// How long the gallery may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running gallery. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Gallery {
    child: Child,
    address: SocketAddr,
    tls: Option<SocketAddr>,
    printed: mpsc::Receiver<String>,
}

impl Gallery {
    /// Starts it on a free port with these flags.
    pub(crate) fn start(flags: &[&str]) -> Self {
        let mut child = command(flags).spawn().expect("the gallery starts");
        let (lines, printed) = mpsc::channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));
        let listening = |scheme: &str| -> SocketAddr {
            let line = printed.recv_timeout(PATIENCE).expect("it says where it listens");
            line.strip_prefix(&format!("listening on {scheme}://")).expect(scheme).parse().expect("an address")
        };
        let address = listening("http");
        let tls = flags.contains(&"--listen-tls").then(|| listening("https"));
        Self { child, address, tls, printed }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The line to paste for each route, with the route's path.
    pub(crate) fn pasted(&self) -> Vec<(String, String)> {
        let mut lines = Vec::new();
        // All is printed at once; what is not there after a second does not come.
        while let Ok(line) = self.printed.recv_timeout(Duration::from_secs(1)) {
            lines.push(line);
        }
        let starts = lines.iter().enumerate().filter_map(|(at, line)| Some((at, line.strip_prefix("# ")?)));
        starts.map(|(at, path)| (path.to_owned(), lines[at + 1].clone())).collect()
    }

    /// Where it listens, as a URL without a path.
    pub(crate) fn site(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens with TLS.
    pub(crate) fn tls(&self) -> SocketAddr {
        self.tls.expect("it was started with TLS")
    }

    /// Asks over a connection of its own.
    pub(crate) fn ask(&self, request: &Request) -> Response {
        let mut connection = Connection::open(self.address).expect("it listens");
        connection.say(&request.bytes());
        connection.answer(request).expect("an answer")
    }

    /// Sends these bytes, which ask what the request asks.
    pub(crate) fn ask_bytes(&self, bytes: &[u8], request: &Request) -> Response {
        let mut connection = Connection::open(self.address).expect("it listens");
        connection.say(bytes);
        connection.answer(request).expect("an answer")
    }

    /// The status that a client at another address of this machine gets.
    pub(crate) fn ask_from(&self, address: &str, path: &str, fields: &[String]) -> u16 {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--interface", address]);
        fields.iter().for_each(|field| {
            curl.args(["--header", field]);
        });
        let said = curl.arg(format!("http://{}{path}", self.address)).output().expect("curl runs");
        String::from_utf8_lossy(&said.stdout).parse().expect("a status")
    }

    /// Asks, and expects this status.
    pub(crate) fn expect(&self, status: u16, request: &Request) -> Response {
        let response = self.ask(request);
        let line = String::from_utf8_lossy(request.bytes().split(|byte| *byte == b'\r').next().unwrap()).into_owned();
        assert_eq!(response.status(), status, "{line}\n{}", response.text());
        response
    }

    /// GET with this cookie line.
    pub(crate) fn with_cookie(&self, path: &str, cookie: &str) -> Response {
        self.ask(&Request::get(path).with("Cookie", cookie))
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(mut self) -> ExitStatus {
        let kill = Command::new("kill").args(["-s", "TERM", &self.child.id().to_string()]).status();
        assert!(kill.expect("kill runs").success());
        self.child.wait().expect("it ends")
    }
}

impl Drop for Gallery {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gallery"));
    if !flags.contains(&"--listen") {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    command.args(flags).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// How a gallery with these flags ends that does not start: its exit code, and what it says.
pub(crate) fn failing(flags: &[&str]) -> (Option<i32>, String) {
    let mut child = command(flags).spawn().expect("the program runs");
    let status = child.wait().expect("it ends");
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (status.code(), said)
}

/// The member `caller` of what a route answers who let somebody in.
pub(crate) fn caller(response: &Response) -> Value {
    assert_eq!(response.status(), 200, "{}", response.text());
    let document: Value = serde_json::from_slice(response.body()).expect("a document");
    document["caller"].clone()
}

/// Whom a route let in.
pub(crate) fn name(response: &Response) -> String {
    caller(response)["name"].as_str().expect("a name").to_owned()
}
