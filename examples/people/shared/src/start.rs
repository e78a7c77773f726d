//! Start-up, from the command line to an exit code.

use std::{env, future::Future, io, net::SocketAddr, process::ExitCode};

use countersign::{route::OpenApi, verifier::PasswordCost};
use example_program::{Fault, Start, Stopping, print};

use crate::{
    curl,
    database::first_users,
    options::{HELP, Options, Wish},
    people::People,
};

/// What the service says of its own routes.
const OWN: &str = include_str!("openapi.json");

/// What a server is told beside what it serves: when to stop, and that it may say where it listens.
#[derive(Debug, Clone)]
pub struct Program {
    stopping: Stopping,
    warnings: Vec<&'static str>,
    /// To print the document in place of serving.
    openapi: bool,
}

/// Reads the command line, opens the service and serves it until it is [stopped](Program::stopped).
///
/// What keeps it from starting is one line on the standard error, and exit code 2.
pub async fn run<F: Future<Output = Result<(), Fault>>>(
    serve: impl FnOnce(People, SocketAddr, Program) -> F,
) -> ExitCode {
    let start = Start::of("people");
    let options = match Options::read(env::args_os().skip(1)) {
        Ok(Wish::Serve(options)) => options,
        Ok(Wish::Help) => {
            print(HELP);
            return ExitCode::SUCCESS;
        }
        Err(why) => return start.failed(&why),
    };
    match serve_by(start, &options, serve).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => start.failed(fault.why()),
    }
}

async fn serve_by<F: Future<Output = Result<(), Fault>>>(
    start: Start,
    options: &Options,
    serve: impl FnOnce(People, SocketAddr, Program) -> F,
) -> Result<(), Fault> {
    start.log()?;
    // Before anything is said to listen: whoever reads that may stop the program at once.
    let program = Program::begin(options).map_err(|why| Fault::from(format!("no signal can be waited for: {why}")))?;
    let people = People::open(options).await?;
    let served = serve(people.clone(), options.listen, program).await;
    people.close().await;
    served.map_err(|fault| Fault::from(format!("{} cannot be served: {}", options.listen, fault.why())))
}

impl Program {
    fn begin(options: &Options) -> io::Result<Self> {
        let stopping = Stopping::begin()?;
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
        Ok(Self { stopping, warnings, openapi: options.openapi })
    }

    /// Until Ctrl-C or SIGTERM, also if that was before.
    pub async fn stopped(&self) {
        self.stopping.stopped().await;
    }

    /// Prints the OpenAPI document where that was asked for, in place of serving; whether it was. It is what the service says of its
    /// routes, with what their guards and endpoints say of themselves.
    ///
    /// # Errors
    /// When what the service says is no document.
    pub fn printed(&self, document: &OpenApi) -> Result<bool, Fault> {
        if self.openapi {
            print(&document.merged_into(OWN)?);
            print("\n");
        }
        Ok(self.openapi)
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
    let jar = format!("/tmp/people-{}.cookies", address.port());
    text.push_str("\nOr paste one of these:\n");
    for (_, line) in curl::lines(&format!("http://{address}"), &jar) {
        text.push_str(&line);
        text.push('\n');
    }
    print(&text);
}
