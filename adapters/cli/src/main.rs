//! `countersign`: makes, verifies and explains what the library of this name works with, on the command line.
//!
//! Every answer comes of the library itself: what this says of a token or a cookie is what a gate says of it, and why.
//!
//! - A secret is read from standard input, a file, or a prompt, and never from an argument, which other users of the machine see. `explain`
//!   alone takes one, and says so.
//! - What is explained is not shown: passwords, signatures, private keys, and the values of cookies stay hidden.
//! - Exit codes: 0 is done, or yes; 1 is no; 2 is what cannot be read, done or understood.

mod api_key;
mod arguments;
mod explain;
mod fault;
mod input;
mod key_ring;
mod moment;
mod output;
mod overheard;
mod password;
mod printable;
mod report;
mod signing_key;
mod token;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use self::{
    arguments::{Arguments, Command, KeyCommand, KeyRingCommand, SigningKeyCommand, TokenCommand},
    fault::Fault,
    report::Report,
};

fn main() -> ExitCode {
    let Arguments { json, command } = Arguments::parse();
    match run(command) {
        Ok(report) => report.print(json),
        Err(fault) => fault.print(json),
    }
}

fn run(command: Command) -> Result<Report, Fault> {
    match command {
        Command::Hash(wish) => password::hash(&wish),
        Command::Verify(wish) => password::verify(wish),
        Command::Key(KeyCommand::New(wish)) => Ok(api_key::new(&wish)),
        Command::KeyRing(KeyRingCommand::New(wish)) => key_ring::new(wish.out.as_deref()),
        Command::KeyRing(KeyRingCommand::Rotate(wish)) => key_ring::rotate(&wish),
        Command::SigningKey(SigningKeyCommand::New(wish)) => signing_key::new(&wish),
        Command::SigningKey(SigningKeyCommand::Rotate(wish)) => signing_key::rotate(&wish),
        Command::SigningKey(SigningKeyCommand::Jwks(wish)) => signing_key::jwks(&wish),
        Command::Token(TokenCommand::Mint(wish)) => token::mint(&wish),
        Command::Explain(wish) => explain::explain(*wish),
        Command::Completions { shell } => Ok(completions(shell)),
    }
}

fn completions(shell: clap_complete::Shell) -> Report {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "countersign", &mut script);
    Report::of_product("script", String::from_utf8_lossy(&script).into_owned())
}
