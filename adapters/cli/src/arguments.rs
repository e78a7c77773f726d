//! What can be said on the command line, with the help that says so.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use countersign::{jose::JwtAlgorithm, secret::TokenPrefix, verifier::PasswordCost};

use crate::moment;

/// Makes, verifies and explains the hashes, keys and tokens of Countersign.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, arg_required_else_help = true, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// Answer with one JSON object, for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done, or yes
  1  no: the password is wrong, the token is not accepted
  2  it cannot be read, done or understood

No command takes a password or a key as an argument, which everybody on the machine can see: they come from
standard input, a file or a prompt. `explain` alone does, for what is no secret any more.

Examples:
  countersign hash < password.txt
  countersign signing-key new --alg ES256 --out signing.pem
  countersign token mint --key signing.pem --issuer https://people.example --audience people --subject emily
  pbpaste | countersign explain --jwks jwks.json --issuer https://people.example --audience people";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Hash a password with Argon2id, for a table of users
    Hash(HashArguments),
    /// Tell whether a password is that of a hash
    Verify(VerifyArguments),
    /// API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Key rings, which sign cookies and links
    #[command(subcommand)]
    KeyRing(KeyRingCommand),
    /// Signing keys, which sign tokens
    #[command(subcommand)]
    SigningKey(SigningKeyCommand),
    /// Tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Say what a token, cookie, hash, key or header line is, and whether given keys accept it
    Explain(Box<ExplainArguments>),
    /// Print what completes this command in a shell
    #[command(
        after_help = "Example:\n  countersign completions bash > ~/.local/share/bash-completion/completions/countersign"
    )]
    Completions {
        /// Which shell
        shell: Shell,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "\
The password comes from standard input, without the line end at its end, or from a prompt.

Examples:
  countersign hash
  printf %s 's3cret' | countersign hash --cost m=65536,t=3,p=4 --measure")]
pub(crate) struct HashArguments {
    /// default, fast (for tests alone), rfc9106, or m=KIB,t=PASSES,p=LANES
    #[arg(long, default_value = "default", value_parser = cost)]
    pub(crate) cost: PasswordCost,
    /// Say what a hash of this cost takes on this machine: milliseconds, and KiB of memory
    #[arg(long)]
    pub(crate) measure: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The password comes from standard input, without the line end at its end, or from a prompt. Exit code 0: it is right; 1: it is wrong;
2: the hash cannot be read.

Examples:
  countersign verify '$argon2id$v=19$m=19456,t=2,p=1$…'
  countersign verify --file hash.txt < password.txt")]
pub(crate) struct VerifyArguments {
    /// The hash, in quotes, because of its dollars
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    pub(crate) hash: Option<String>,
    /// The file that holds the hash
    #[arg(long)]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make an API key: the key is for its owner, the digest for the store
    New(KeyArguments),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign key new --prefix ppl_")]
pub(crate) struct KeyArguments {
    /// What the keys of the service begin with, such as ppl_
    #[arg(long, value_parser = prefix)]
    pub(crate) prefix: TokenPrefix,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyRingCommand {
    /// Make a ring of one key
    New(OutArguments),
    /// Put a new key in front of a ring's file; the older ones still verify
    Rotate(RotateArguments),
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign key-ring new --out ring.txt")]
pub(crate) struct OutArguments {
    /// A new file, for its owner's eyes alone, in place of standard output
    #[arg(long)]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A key is taken away when all that it signed has ended. Until a running service reads the file again, its cookies are signed by the key that it
knows.

Example:
  countersign key-ring rotate ring.txt --keep 3")]
pub(crate) struct RotateArguments {
    /// The ring's file
    pub(crate) file: PathBuf,
    /// Keep so many keys, the new one among them, and take the oldest away
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) keep: Option<u16>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SigningKeyCommand {
    /// Make a private key (PKCS#8, PEM)
    New(SigningKeyArguments),
    /// Put a new key in front of a file's; what the older ones signed still verifies
    Rotate(RotateSigningArguments),
    /// Print the set of public keys (JWKS) that verify what these keys sign
    Jwks(JwksArguments),
}

/// What a key can be made for. The PEM itself says which of them it is.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum NewKey {
    #[value(name = "EdDSA")]
    EdDsa,
    #[value(name = "ES256")]
    Es256,
    #[value(name = "ES384")]
    Es384,
    #[value(name = "RS256")]
    Rs256,
    #[value(name = "PS256")]
    Ps256,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign signing-key new --alg ES256 --out signing.pem")]
pub(crate) struct SigningKeyArguments {
    /// What it signs with
    #[arg(long, default_value = "EdDSA", ignore_case = true)]
    pub(crate) alg: NewKey,
    /// The length of an RSA key
    #[arg(long, default_value = "3072", value_parser = ["2048", "3072", "4096"])]
    pub(crate) bits: String,
    #[command(flatten)]
    pub(crate) out: OutArguments,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The new key signs once a running service has read the file again. The older ones stay in the set, so that what they signed is good until it
ends: take one away when it has been in second place for as long as a token lives.

Examples:
  countersign signing-key rotate signing.pem
  countersign signing-key rotate signing.pem --keep 2")]
pub(crate) struct RotateSigningArguments {
    /// The file of the keys
    pub(crate) file: PathBuf,
    /// What the new key signs with, if it is not what the newest one in the file does
    #[arg(long, ignore_case = true)]
    pub(crate) alg: Option<NewKey>,
    /// The length of an RSA key
    #[arg(long, default_value = "3072", value_parser = ["2048", "3072", "4096"])]
    pub(crate) bits: String,
    /// Keep so many keys, the new one among them, and take the oldest away
    #[arg(long, value_parser = clap::value_parser!(u16).range(2..))]
    pub(crate) keep: Option<u16>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  countersign signing-key jwks signing.pem > jwks.json")]
pub(crate) struct JwksArguments {
    /// A PEM: the key that signs first, and older ones behind it; - is standard input
    pub(crate) file: PathBuf,
    /// What RSA keys sign with, if it is not what they say themselves
    #[arg(long, value_parser = algorithm)]
    pub(crate) alg: Option<JwtAlgorithm>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Sign a token
    Mint(Box<MintArguments>),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  countersign token mint --key signing.pem --issuer https://people.example --audience people --subject emily \\
      --scope 'reports:read reports:write' --expires-in 10m --claim 'roles=[\"admin\"]'")]
pub(crate) struct MintArguments {
    /// The private key (PEM); with --alg HS256, HS384 or HS512 a file that holds the secret
    #[arg(long)]
    pub(crate) key: PathBuf,
    /// The algorithm, for a secret, and for RSA keys if it is not what they say themselves
    #[arg(long, value_parser = algorithm)]
    pub(crate) alg: Option<JwtAlgorithm>,
    /// Who issues it (iss)
    #[arg(long)]
    pub(crate) issuer: Option<String>,
    /// Whom it is for (aud); may be said again
    #[arg(long)]
    pub(crate) audience: Vec<String>,
    /// Whom it is about (sub)
    #[arg(long)]
    pub(crate) subject: Option<String>,
    /// What it is good for (scope), with blanks in between; may be said again
    #[arg(long)]
    pub(crate) scope: Vec<String>,
    /// How long it lives, such as 90s, 10m, 12h or 30d
    #[arg(long, default_value = "10m", value_parser = moment::span)]
    pub(crate) expires_in: Duration,
    /// What kind it says that it is (typ), such as at+jwt
    #[arg(long = "type", default_value = "JWT")]
    pub(crate) typ: String,
    /// Another claim, as JSON, or as text where it is none; may be said again
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) claim: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
It comes from standard input, from a file, or from the argument. An argument is seen by everybody on the machine, and kept by the shell: give
what still opens something by standard input.

It may be a token (JWT, JWE, an API key), a cookie or link, a password hash, a key ring, a PEM, a JWK or a set of them, a header line such as
`Authorization: …`, `Cookie: …` or `WWW-Authenticate: …`, or the body of a refusal. With keys it is also told whether they accept it, and why
not. Exit code 1: they do not.

Examples:
  pbpaste | countersign explain
  countersign explain --file token.txt --jwks jwks.json --issuer https://people.example --audience people
  countersign explain --file cookie.txt --key-ring ring.txt --name session")]
pub(crate) struct ExplainArguments {
    /// What to explain, if it is no secret any more; - is standard input
    #[arg(conflicts_with = "file")]
    pub(crate) text: Option<String>,
    /// The file that holds what to explain
    #[arg(long)]
    pub(crate) file: Option<PathBuf>,
    /// Whether the keys of this set (JWKS) accept a token
    #[arg(long)]
    pub(crate) jwks: Option<PathBuf>,
    /// Whether this key accepts a token: a PEM, a JWK, or a secret with --alg
    #[arg(long)]
    pub(crate) key: Option<PathBuf>,
    /// Whether this ring accepts a cookie
    #[arg(long)]
    pub(crate) key_ring: Option<PathBuf>,
    /// The key's algorithm, for a secret, and for RSA keys if it is not what they say themselves
    #[arg(long, value_parser = algorithm)]
    pub(crate) alg: Option<JwtAlgorithm>,
    /// Who must have issued the token; without it anybody may
    #[arg(long)]
    pub(crate) issuer: Option<String>,
    /// Whom the token must be for, or one of them; without it it may be for anybody
    #[arg(long)]
    pub(crate) audience: Vec<String>,
    /// What the token must say that it is (typ), such as at+jwt; may be said again
    #[arg(long = "type")]
    pub(crate) types: Vec<String>,
    /// The cookie's name, without __Host- or __Secure-
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The purpose that the cookie was made for
    #[arg(long, default_value = "credential")]
    pub(crate) purpose: String,
    /// Judge as at this moment, such as 2026-11-28T03:00:00Z, in place of now
    #[arg(long, value_parser = moment::moment)]
    pub(crate) at: Option<std::time::SystemTime>,
}

fn cost(text: &str) -> Result<PasswordCost, String> {
    match text {
        "default" => return Ok(PasswordCost::default()),
        "fast" => return Ok(PasswordCost::fast()),
        "rfc9106" => return Ok(PasswordCost::rfc9106()),
        _ => {}
    }
    let mut given = text.split(',').map(|part| part.split_once('='));
    let mut next = |wanted: &str| match given.next() {
        Some(Some((name, number))) if name == wanted => number.parse::<u32>().ok(),
        _ => None,
    };
    let (memory, passes, lanes) = (next("m"), next("t"), next("p"));
    match (memory, passes, lanes, given.next()) {
        (Some(memory), Some(passes), Some(lanes), None) => PasswordCost::new(memory, passes, lanes)
            .ok_or_else(|| "it takes 8 KiB a lane to 262144 KiB, 1 to 10 passes and 1 to 16 lanes".to_owned()),
        _ => Err("write default, fast, rfc9106, or m=KIB,t=PASSES,p=LANES".to_owned()),
    }
}

fn prefix(text: &str) -> Result<TokenPrefix, String> {
    text.parse().map_err(|error: countersign::secret::BadTokenPrefix| error.to_string())
}

fn algorithm(name: &str) -> Result<JwtAlgorithm, String> {
    JwtAlgorithm::named(name).ok_or_else(|| {
        "there are EdDSA, ES256, ES384, RS256, RS384, RS512, PS256, PS384, PS512, HS256, HS384 and HS512".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_cost_is_a_name_or_three_numbers() {
        for text in ["default", "fast", "rfc9106", "m=65536,t=3,p=4"] {
            assert!(cost(text).is_ok(), "{text}");
        }
        assert_eq!(cost("m=19456,t=2,p=1"), Ok(PasswordCost::default()));
        for text in
            ["", "slow", "m=65536", "m=65536,t=3", "t=3,m=65536,p=4", "m=1,t=1,p=1", "m=65536,t=3,p=4,x=1", "m=,t=,p="]
        {
            assert!(cost(text).is_err(), "{text}");
        }
    }
}
