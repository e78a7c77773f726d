//! Start-up, from the command line to an exit code.

use std::{
    env,
    fmt::Display,
    future::Future,
    io::{self, IsTerminal, Write},
    net::SocketAddr,
    process::ExitCode,
    time::Duration,
};

use countersign::verifier::PasswordCost;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use tracing::level_filters::LevelFilter;

use crate::{
    database::first_users,
    options::{HELP, Options, Wish},
    people::People,
};

/// How long running requests may take to finish once the program is told to stop.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How a program that does not start ends.
const CANNOT_START: u8 = 2;

/// Why a service did not start, in one line.
#[derive(Debug)]
pub struct Stop(String);

impl<E: Display> From<E> for Stop {
    fn from(why: E) -> Self {
        Self(why.to_string())
    }
}

/// What a server is told beside what it serves: when to stop, and that it may say where it listens.
#[derive(Debug, Clone)]
pub struct Program {
    /// Closed by Ctrl-C and SIGTERM.
    running: watch::Receiver<()>,
    warnings: Vec<&'static str>,
}

/// Reads the command line, opens the service and serves it until it is [stopped](Program::stopped).
///
/// What keeps it from starting is one line on the standard error, and exit code 2.
pub async fn run<F: Future<Output = Result<(), Stop>>>(
    serve: impl FnOnce(People, SocketAddr, Program) -> F,
) -> ExitCode {
    let options = match Options::read(env::args_os().skip(1)) {
        Ok(Wish::Serve(options)) => options,
        Ok(Wish::Help) => {
            print(HELP);
            return ExitCode::SUCCESS;
        }
        Err(why) => return cannot_start(&why),
    };
    let log = tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    // Not `init`: where a build has the feature for it, that takes in what frameworks write with the crate `log`, URIs among it.
    if tracing::subscriber::set_global_default(log.with_max_level(LevelFilter::INFO).finish()).is_err() {
        return cannot_start("something else writes the log");
    }
    // Before anything is said to listen: whoever reads that may stop the program at once.
    let program = match Program::begin(&options) {
        Ok(program) => program,
        Err(why) => return cannot_start(&format!("no signal can be waited for: {why}")),
    };
    let people = match People::open(&options).await {
        Ok(people) => people,
        Err(why) => return cannot_start(&why),
    };
    let served = serve(people.clone(), options.listen, program).await;
    people.close().await;
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop(why)) => cannot_start(&format!("{} cannot be served: {why}", options.listen)),
    }
}

impl Program {
    fn begin(options: &Options) -> io::Result<Self> {
        let (mut terminated, mut interrupted) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let (until_stopped, running) = watch::channel(());
        tokio::spawn(async move {
            tokio::select! {
                _ = terminated.recv() => {}
                _ = interrupted.recv() => {}
            }
            drop(until_stopped);
        });
        let warnings = [
            (
                options.passwords.cost == PasswordCost::fast(),
                "--password-cost fast: passwords are hashed far too cheaply for anything but a load test",
            ),
            (
                options.secret_file.is_none(),
                "no --secret-file: a random key signs sessions, and a restart signs everyone out",
            ),
        ];
        let warnings = warnings.into_iter().filter(|(given, _)| *given).map(|(_, warning)| warning).collect();
        Ok(Self { running, warnings })
    }

    /// Until Ctrl-C or SIGTERM, also if that was before.
    pub async fn stopped(&self) {
        while self.running.clone().changed().await.is_ok() {}
    }

    /// Says where the service listens, who may sign in, and how each kind of credential is sent; and in the log what is not to be recommended.
    pub fn announce(&self, address: SocketAddr) {
        for warning in &self.warnings {
            tracing::warn!("{warning}");
        }
        announce(address);
    }
}

fn announce(address: SocketAddr) {
    let mut text = format!("listening on http://{address}\n\nSign in as\n");
    for (name, password, roles) in first_users() {
        text.push_str(&format!("  {name:<6} {password:<16} ({})\n", roles.replace(' ', ", ")));
    }
    let (site, basic) = (format!("http://{address}"), "-u 'emily:emily:s3cret'");
    let json = "-H 'Content-Type: application/json'";
    let jar = format!("/tmp/people-{}.cookies", address.port());
    let token =
        format!("$(curl -s {basic} -X POST {site}/tokens | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')");
    text.push_str("\nOr paste one of these:\n");
    for line in [
        format!("curl {basic} {site}/me"),
        format!("curl -H \"Authorization: Bearer {token}\" {site}/me"),
        format!("curl \"{site}/me?access_token={token}\""),
        format!(
            "curl -s -o {jar}.out -c {jar} {json} -d '{{\"username\":\"emma\",\"password\":\"pässwörd-emma\"}}' {site}/session && curl -b {jar} {site}/me"
        ),
        format!(
            "curl -H \"X-API-Key: $(curl -s {basic} {json} -d '{{\"name\":\"curl\"}}' {site}/keys | sed 's/.*\"key\":\"\\([^\"]*\\)\".*/\\1/')\" {site}/me"
        ),
    ] {
        text.push_str(&line);
        text.push('\n');
    }
    print(&text);
}

fn cannot_start(why: &str) -> ExitCode {
    // There is nowhere else to say it.
    let _ = writeln!(io::stderr(), "people: {}", why.split_whitespace().collect::<Vec<_>>().join(" "));
    ExitCode::from(CANNOT_START)
}

/// A reader that has gone away stops nothing.
fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
