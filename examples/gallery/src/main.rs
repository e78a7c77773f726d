//! The gallery: every scheme that the people service leaves out, a route each, from Countersign's own kinds and verifiers.
//!
//! ```sh
//! cargo run -p gallery
//! ```
//! It prints where it listens, who its users are, and a line to paste for each route; the page at `/` says what each scheme is, when to choose
//! it, and when not.
//!
//! - `routes`: a file for each group of schemes; each route has a gate of its own, which takes one scheme.
//! - `gallery`: what all routes share: the clock, the users, where the service listens.
//! - `stores`: where they remember what they must, in this process or for several copies.
//! - `kinds`: what the library has not, by its public items alone.
//! - `exhibit`: how a route is shown on the page and in the terminal.
//! - `listeners`, `tls`: where connections come from. Both listeners serve one router, so that they share all state.

mod access;
mod answer;
mod clock;
mod exhibit;
mod gallery;
mod kinds;
mod listeners;
mod options;
mod page;
mod routes;
mod stores;
mod tls;
mod users;

use std::{env, process::ExitCode};

use example_program::{Fault, Start, print};

use self::options::{HELP, Options, Wish};

#[tokio::main]
async fn main() -> ExitCode {
    let start = Start::of("gallery");
    let options = match Options::read(env::args_os().skip(1)) {
        Ok(Wish::Serve(options)) => options,
        Ok(Wish::Help) => {
            print(HELP);
            return ExitCode::SUCCESS;
        }
        Err(why) => return start.failed(&why),
    };
    match serve(start, &options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => start.failed(fault.why()),
    }
}

async fn serve(start: Start, options: &Options) -> Result<(), Fault> {
    start.log()?;
    listeners::serve(options).await
}
