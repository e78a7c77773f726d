//! A Redis server of a test's own: on a free port, in a folder that is gone with it.

use std::{
    env, fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::server::Server;

/// A running server, which writes what it acknowledges to its disk first. It is stopped when this is dropped.
#[derive(Debug)]
pub struct RedisServer {
    folder: PathBuf,
    address: SocketAddr,
    flags: Vec<String>,
    tls_port: Option<u16>,
    child: Mutex<Child>,
}

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

impl RedisServer {
    /// Starts one.
    ///
    /// # Panics
    /// When Redis is missing or does not start: install Debian's redis-server.
    #[must_use]
    pub fn start() -> Self {
        Self::with(Vec::new(), None)
    }

    fn with(flags: Vec<String>, tls_port: Option<u16>) -> Self {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("countersign-redis-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let child = Mutex::new(begin(&folder, address, &flags));
        let server = Self { folder, address, flags, tls_port, child };
        server.wait();
        server
    }

    /// Starts one that speaks TLS as well, at [`tls_url`](Self::tls_url), by these files: its certificate, the key, and who issued it.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn with_tls(certificate: &Path, key: &Path, issuer: &Path) -> Self {
        let tls = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
        let text = |path: &Path| path.display().to_string();
        let mut flags = vec!["--tls-port".to_owned(), tls.port().to_string()];
        for (flag, file) in [("--tls-cert-file", certificate), ("--tls-key-file", key), ("--tls-ca-cert-file", issuer)]
        {
            flags.extend([flag.to_owned(), text(file)]);
        }
        flags.extend(["--tls-auth-clients".to_owned(), "no".to_owned()]);
        Self::with(flags, Some(tls.port()))
    }

    /// Its URL over TLS, by this name of this machine.
    ///
    /// # Panics
    /// When it does not speak TLS.
    #[must_use]
    pub fn tls_url(&self, host: &str) -> String {
        format!("rediss://{host}:{}", self.tls_port.expect("it was started with TLS"))
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Kills it, as a machine that fails does.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub fn kill(&self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        child.kill().expect("it runs");
        child.wait().expect("it ends");
    }

    /// Starts it again after [`kill`](Self::kill), with the data that it had.
    ///
    /// # Panics
    /// When it does not start.
    pub fn begin(&self) {
        *self.child.lock().unwrap_or_else(PoisonError::into_inner) = begin(&self.folder, self.address, &self.flags);
        self.wait();
    }

    /// Stops it where it is: connections stay, and nothing is answered.
    ///
    /// # Panics
    /// When it gets no signal.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Lets it go on after [`pause`](Self::pause).
    ///
    /// # Panics
    /// When it gets no signal.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    /// Sends it a command, a word each, and gives what it says, as it says it.
    ///
    /// # Panics
    /// When it does not answer.
    pub fn say(&self, words: &[&str]) -> String {
        self.try_to_say(words).expect("Redis answers")
    }

    fn try_to_say(&self, words: &[&str]) -> Option<String> {
        let mut stream = TcpStream::connect(self.address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        let mut command = format!("*{}\r\n", words.len());
        words.iter().for_each(|word| command.push_str(&format!("${}\r\n{word}\r\n", word.len())));
        command.push_str("*1\r\n$4\r\nQUIT\r\n");
        stream.write_all(command.as_bytes()).ok()?;
        let mut said = String::new();
        stream.read_to_string(&mut said).ok()?;
        said.strip_suffix("+OK\r\n").map(str::to_owned)
    }

    fn wait(&self) {
        let since = Instant::now();
        while self.try_to_say(&["PING"]).as_deref() != Some("+PONG\r\n") {
            assert!(since.elapsed() < PATIENCE, "Redis does not start");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn signal(&self, signal: &str) {
        let id = self.child.lock().unwrap_or_else(PoisonError::into_inner).id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().expect("kill runs").success());
    }
}

impl Server for RedisServer {
    fn kill(&self) {
        self.kill();
    }

    fn start_again(&self) {
        self.begin();
    }

    fn pause(&self) {
        self.pause();
    }

    fn resume(&self) {
        self.resume();
    }
}

fn begin(folder: &Path, address: SocketAddr, flags: &[String]) -> Child {
    Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "127.0.0.2", "--port", &address.port().to_string(), "--dir"])
        .arg(folder)
        .args(["--save", "", "--appendonly", "yes", "--appendfsync", "always", "--loglevel", "warning"])
        .args(flags)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server runs: install Debian's redis-server")
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        let _ = child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
