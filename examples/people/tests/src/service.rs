//! One of the services, running.

use std::{
    env,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// The frameworks that there is a service of; the first is what the others are compared with.
pub const FRAMEWORKS: [&str; 3] = ["axum", "actix-web", "rocket"];

/// How long a service may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running service. It is killed when this is dropped.
#[derive(Debug)]
pub struct Service {
    framework: &'static str,
    child: Child,
    address: SocketAddr,
    printed: Vec<String>,
    log: Option<mpsc::Receiver<String>>,
}

/// The program of this framework, built.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn binary(framework: &str) -> PathBuf {
    let package = format!("people-{framework}");
    // The profile of this very test: …/<profile>/deps/<test>.
    let profile = env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_owned();
    let mut build = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // With the tests of the whole workspace, so that the dependencies are those that the tests were built with.
    build.args(["build", "--quiet", "--workspace", "--all-features", "--bins", "--tests"]);
    // What cargo tells a test about its package, build scripts take for news: they would run again, and half of the workspace behind them.
    for (name, _) in env::vars_os() {
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|of_test| name.to_string_lossy().starts_with(of_test)) {
            build.env_remove(name);
        }
    }
    if profile.ends_with("release") {
        build.arg("--release");
    }
    build.arg("--target-dir").arg(profile.parent().unwrap());
    assert!(build.status().expect("cargo runs").success(), "{package} cannot be built");
    profile.join(package)
}

impl Service {
    /// Starts the service of this framework on a free port, with cheap passwords and these flags.
    ///
    /// # Panics
    /// When it does not say within half a minute where it listens.
    #[must_use]
    pub fn start(framework: &'static str, flags: &[&str]) -> Self {
        Self::start_in(framework, flags, &[])
    }

    /// The same in this environment.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn start_in(framework: &'static str, flags: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut child = Command::new(binary(framework))
            .args(["--listen", "127.0.0.1:0", "--password-cost", "fast"])
            .args(flags)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the service starts");
        let (lines, printed) = mpsc::channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| lines.send(line)));
        let mut err = child.stderr.take().unwrap();
        let (log, logged) = mpsc::channel();
        thread::spawn(move || {
            let mut text = String::new();
            let _ = err.read_to_string(&mut text);
            let _ = log.send(text);
        });
        let first = printed.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            let _ = child.kill();
            panic!("people-{framework} does not listen: {}", logged.recv_timeout(PATIENCE).unwrap_or_default())
        });
        let address = first.strip_prefix("listening on http://").expect("the first line says where it listens");
        let address = address.parse().expect("an address");
        let mut all = vec![first];
        while all.iter().filter(|line| line.starts_with("curl ")).count() < CURLS {
            all.push(printed.recv_timeout(PATIENCE).expect("one curl line for each kind of credential"));
        }
        Self { framework, child, address, printed: all, log: Some(logged) }
    }

    /// The framework's name.
    #[must_use]
    pub fn framework(&self) -> &'static str {
        self.framework
    }

    /// Whether this is Rocket, which drops fields that are not UTF-8, and tells a wrong method as an unknown path.
    #[must_use]
    pub fn is_rocket(&self) -> bool {
        self.framework == "rocket"
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The lines that it printed at its start.
    #[must_use]
    pub fn printed(&self) -> &[String] {
        &self.printed
    }

    /// Asks it to stop, by this signal, and waits until it has; what it had logged comes with how it ended.
    ///
    /// # Panics
    /// When it does not stop within half a minute.
    #[must_use]
    pub fn stop(mut self, signal: &str) -> (ExitStatus, String) {
        self.signal(signal);
        let status = self.ended();
        (status, self.log.take().unwrap().recv_timeout(PATIENCE).unwrap())
    }

    /// Sends it a signal.
    ///
    /// # Panics
    /// When that cannot be done.
    pub fn signal(&self, signal: &str) {
        let kill = Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status();
        assert!(kill.expect("kill runs").success());
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// When it does not within half a minute.
    pub fn ended(&mut self) -> ExitStatus {
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(since.elapsed() < PATIENCE, "{} does not stop", self.framework);
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// How many kinds of credential there are to try.
const CURLS: usize = 5;

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
