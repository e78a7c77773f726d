//! A PostgreSQL server of a test's own: on a free port, in a folder that is gone with it.

use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use super::Server;

/// A running server. It is stopped when this is dropped.
#[derive(Debug)]
pub struct Postgres {
    folder: PathBuf,
    port: u16,
}

impl Postgres {
    /// Starts one.
    ///
    /// # Panics
    /// When PostgreSQL is missing or does not start: install Debian's postgresql.
    #[must_use]
    pub fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = env::temp_dir().join(format!("countersign-postgres-{}-{port}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        if is_root() {
            // The server refuses to run as root.
            succeeded(&Command::new("chown").arg("postgres").arg(&folder).output().unwrap());
        }
        let server = Self { folder, port };
        let data = server.folder.join("data");
        server.run("initdb", &["--auth=trust", "--username=people", "--no-sync", "--pgdata", text(&data)]);
        server.begin();
        server
    }

    /// The URL of its database.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://people@127.0.0.1:{}/postgres", self.port)
    }

    /// Stops it at once, as a crash would; [`begin`](Self::begin) starts it again.
    ///
    /// # Panics
    /// When it does not stop.
    pub fn end(&self) {
        self.run("pg_ctl", &["stop", "--mode=immediate", "--wait", "--pgdata", text(&self.folder.join("data"))]);
    }

    /// Starts it again after [`end`](Self::end).
    ///
    /// # Panics
    /// When it does not start.
    pub fn begin(&self) {
        let options =
            format!("-c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories= -c fsync=off", self.port);
        let (data, log) = (self.folder.join("data"), self.folder.join("log"));
        self.run("pg_ctl", &["start", "--wait", "--pgdata", text(&data), "--log", text(&log), "--options", &options]);
    }

    /// The server and the processes that it has for its connections.
    fn processes(&self) -> Vec<String> {
        let pid = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        let server = pid.lines().next().unwrap().to_owned();
        let is_child = |stat: &str| {
            // After the name in brackets: the state, and the parent.
            stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)) == Some(server.as_str())
        };
        let all = fs::read_dir("/proc").unwrap().flatten().map(|process| process.path());
        let children = all.filter(|path| fs::read_to_string(path.join("stat")).is_ok_and(|stat| is_child(&stat)));
        let children: Vec<_> = children.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect();
        [server].into_iter().chain(children).collect()
    }

    fn signal(&self, signal: &str) {
        // The server first, so that it has no more children afterwards than those that are found.
        for round in 0..2 {
            for process in self.processes().iter().skip(round).take(if round == 0 { 1 } else { usize::MAX }) {
                let _ = Command::new("kill").args(["-s", signal, process]).status();
            }
        }
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let program = installed(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        succeeded(&command.args(arguments).current_dir(&self.folder).output().expect("it runs"));
    }
}

impl Server for Postgres {
    fn kill(&self) {
        self.end();
    }

    fn start_again(&self) {
        self.begin();
    }

    fn pause(&self) {
        self.signal("STOP");
    }

    fn resume(&self) {
        self.signal("CONT");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.folder.join("data/postmaster.pid").exists() {
            self.end();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Debian keeps the server's programs out of the path, a folder for each version.
fn installed(program: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.map(|version| version.path().join("bin").join(program)).filter(|path| path.exists()).max();
    newest.unwrap_or_else(|| PathBuf::from(program))
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

fn succeeded(output: &Output) {
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
