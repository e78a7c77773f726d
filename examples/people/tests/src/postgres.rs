//! A PostgreSQL server of a test's own: on a free port, in a folder that is gone with it.

use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output},
};

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
        let folder = env::temp_dir().join(format!("people-postgres-{}-{port}", std::process::id()));
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

    /// Stops it at once; [`begin`](Self::begin) starts it again.
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
