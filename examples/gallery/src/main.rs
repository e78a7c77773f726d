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

use std::{
    env,
    fmt::Display,
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use tracing::level_filters::LevelFilter;

use self::options::{HELP, Options, Wish};

/// How a program that does not start ends.
const CANNOT_START: u8 = 2;

/// Why the gallery does not start, in one line.
#[derive(Debug)]
struct Fault(String);

impl<E: Display> From<E> for Fault {
    fn from(why: E) -> Self {
        Self(why.to_string())
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Options::read(env::args_os().skip(1)) {
        Ok(Wish::Serve(options)) => options,
        Ok(Wish::Help) => {
            print(HELP);
            return ExitCode::SUCCESS;
        }
        Err(why) => return cannot_start(&why),
    };
    let log = tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    if tracing::subscriber::set_global_default(log.with_max_level(LevelFilter::INFO).finish()).is_err() {
        return cannot_start("something else writes the log");
    }
    match listeners::serve(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(Fault(why)) => cannot_start(&why),
    }
}

fn cannot_start(why: &str) -> ExitCode {
    // There is nowhere else to say it.
    let _ = writeln!(io::stderr(), "gallery: {}", why.split_whitespace().collect::<Vec<_>>().join(" "));
    ExitCode::from(CANNOT_START)
}

/// A reader that has gone away stops nothing.
fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
