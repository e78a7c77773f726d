//! The command line.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use example_program::Flags;

/// How the gallery is set up.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Where to listen in the clear.
    pub(crate) listen: SocketAddr,
    /// Where to listen with TLS, if at all.
    pub(crate) tls: Option<TlsOptions>,
    /// How many seconds the wall clock of everything here is ahead of the system's.
    pub(crate) clock_offset: i64,
    /// How long a nonce that was handed out is good.
    pub(crate) nonce_life: Duration,
    /// The Redis server that several copies share, if they do.
    pub(crate) shared: Option<String>,
}

/// Where to listen with TLS, and by what files.
#[derive(Debug, Clone)]
pub(crate) struct TlsOptions {
    pub(crate) listen: SocketAddr,
    pub(crate) certificate: PathBuf,
    pub(crate) private_key: PathBuf,
    pub(crate) client_ca: Option<PathBuf>,
}

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Wish {
    /// The gallery.
    Serve(Box<Options>),
    /// An explanation.
    Help,
}

/// The explanation.
pub(crate) const HELP: &str = "\
Every scheme of authentication that the people service leaves out, a route each.

  --listen ADDR:PORT       where to listen; port 0 picks one                  [127.0.0.1:3000]
  --listen-tls ADDR:PORT   where to listen with TLS as well
  --certificate FILE       for --listen-tls: the certificate and its chain, PEM
  --private-key FILE       for --listen-tls: the certificate's key, PEM
  --client-ca FILE         for --listen-tls: who issues certificates of clients, PEM
  --clock-offset SECONDS   moves the wall clock, back if negative             [0]
  --nonce-life SECONDS     how long a nonce is good that was handed out       [300]
  --shared URL             redis://… or rediss://…: remembered for several copies [this process]
  --help                   this text
";

/// Three hundred years: further off lies no vector, and time adds up to no overflow.
const FURTHEST: i64 = 300 * 31_557_600;

impl Options {
    /// Reads a command line, without the program's name. The error is one line that says what is wrong.
    pub(crate) fn read<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>) -> Result<Wish, String> {
        let mut flags = Flags::new(arguments);
        let mut options = Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 3000)),
            tls: None,
            clock_offset: 0,
            nonce_life: Duration::from_secs(300),
            shared: None,
        };
        let (mut listen_tls, mut certificate, mut private_key, mut client_ca) = (None, None, None, None);
        while let Some(flag) = flags.next()? {
            match flag.as_str() {
                "help" => return Ok(Wish::Help),
                "listen" => options.listen = flags.address()?,
                "listen-tls" => listen_tls = Some(flags.address()?),
                "certificate" => certificate = Some(flags.path()?),
                "private-key" => private_key = Some(flags.path()?),
                "client-ca" => client_ca = Some(flags.path()?),
                "clock-offset" => options.clock_offset = offset(&flags.text()?)?,
                // A nonce that is never good could not be used; a day is far longer than any should be.
                "nonce-life" => options.nonce_life = flags.seconds(1..=86_400)?,
                "shared" => options.shared = Some(flags.text()?),
                _ => return Err(flags.unknown()),
            }
        }
        options.tls = match (listen_tls, certificate, private_key) {
            (Some(listen), Some(certificate), Some(private_key)) => {
                Some(TlsOptions { listen, certificate, private_key, client_ca })
            }
            (None, None, None) if client_ca.is_none() => None,
            _ => return Err("--listen-tls needs --certificate and --private-key, and they need it".to_owned()),
        };
        Ok(Wish::Serve(Box::new(options)))
    }
}

fn offset(text: &str) -> Result<i64, String> {
    let seconds = text.parse::<i64>().ok().filter(|seconds| seconds.unsigned_abs() <= FURTHEST.unsigned_abs());
    seconds.ok_or_else(|| format!("--clock-offset {text}: not a number of seconds up to three centuries"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options, String> {
        Options::read(line.split_whitespace()).map(|wish| match wish {
            Wish::Serve(options) => *options,
            Wish::Help => panic!("help"),
        })
    }

    #[test]
    fn flags_are_read_with_blank_or_sign() {
        let options = read("--listen [::1]:0 --clock-offset -5 --nonce-life=2").unwrap();
        assert_eq!((options.listen.to_string().as_str(), options.clock_offset), ("[::1]:0", -5));
        assert_eq!((options.nonce_life, options.tls.is_none()), (Duration::from_secs(2), true));
        assert_eq!(read("--shared redis://localhost").unwrap().shared.as_deref(), Some("redis://localhost"));
        let tls = read("--listen-tls 127.0.0.1:0 --certificate c --private-key k").unwrap().tls.unwrap();
        assert_eq!((tls.certificate, tls.private_key, tls.client_ca), ("c".into(), "k".into(), None));
        assert!(matches!(Options::read(["--help"]), Ok(Wish::Help)));
    }

    #[test]
    fn what_cannot_be_read_is_said_in_one_line() {
        for line in [
            "--listen nowhere",
            "--listen",
            "--listen-tls 127.0.0.1:0",
            "--listen-tls 127.0.0.1:0 --certificate c",
            "--certificate c --private-key k",
            "--client-ca c",
            "--clock-offset soon",
            "--clock-offset 99999999999999999999",
            "--clock-offset -9999999999999",
            "--nonce-life 0",
            "--nonce-life -1",
            "--nonce-life 100000",
            "--shared",
            "--listen 127.0.0.1:0 --listen 127.0.0.1:0",
            "--unknown",
            "-x",
            "word",
        ] {
            let error = read(line).unwrap_err();
            assert!(!error.is_empty() && !error.contains('\n'), "{line}: {error}");
        }
    }
}
