//! The command line.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use countersign::{
    request::{Origin, Proxies, ProxyHeaders},
    verifier::PasswordCost,
};
use lexopt::{Arg, Parser};

/// How a service is set up.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Where to listen.
    pub listen: SocketAddr,
    /// `sqlite::memory:`, `sqlite:FILE` or `postgres://…`.
    pub database: String,
    /// The Redis server that several copies share, if they do.
    pub shared: Option<String>,
    /// The key ring's file.
    pub secret_file: Option<PathBuf>,
    /// The file of the private key for access tokens.
    pub signing_key: Option<PathBuf>,
    /// Whose access tokens are trusted, beside our own.
    pub issuers: Vec<String>,
    /// The audience that such a token must name.
    pub audience: String,
    /// Whose word about the client is taken.
    pub proxies: Proxies,
    /// Whose pages, beside our own, may act for our users.
    pub trusted_origins: Vec<Origin>,
    /// What hashing a password costs, and whether that is as little as load tests want.
    pub password_cost: PasswordCost,
    /// Whether `--password-cost fast` was given.
    pub fast_passwords: bool,
    /// The longest that a verified credential is reused.
    pub cache_ttl: Duration,
}

/// What the command line asks for.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "to serve or to explain: there is no third")]
pub enum Wish {
    /// A service.
    Serve(Box<Options>),
    /// An explanation.
    Help,
}

/// The explanation.
pub(crate) const HELP: &str = "\
A small service of users, friends, invitations and reports, guarded by Countersign.

  --listen ADDR:PORT            where to listen; port 0 picks one           [127.0.0.1:3000]
  --database URL                sqlite::memory:, sqlite:FILE or postgres:// [sqlite::memory:]
  --shared URL                  redis://… or rediss://…: what copies share  [nothing]
  --secret-file FILE            keys that sign sessions, one a line in base64url, newest first
  --signing-key FILE            private key for access tokens, PKCS#8 PEM
  --issuer URL                  trust access tokens of this OpenID issuer too; may be repeated
  --audience NAME               the audience that such a token must name    [people]
  --trust-proxy CIDR            take X-Forwarded-* from these peers; may be repeated
  --proxy-header FAMILY         x-forwarded or forwarded                    [x-forwarded]
  --trusted-origin URL          an origin whose pages may act for our users; may be repeated
  --password-cost COST          default or fast (for load tests)            [default]
  --cache-ttl SECONDS           how long verified credentials are reused    [60]
  --help                        this text
";

/// The flags that may be given more than once.
const REPEATED: [&str; 3] = ["issuer", "trust-proxy", "trusted-origin"];

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 3000)),
            database: "sqlite::memory:".to_owned(),
            shared: None,
            secret_file: None,
            signing_key: None,
            issuers: Vec::new(),
            audience: "people".to_owned(),
            proxies: Proxies::default(),
            trusted_origins: Vec::new(),
            password_cost: PasswordCost::default(),
            fast_passwords: false,
            cache_ttl: Duration::from_secs(60),
        }
    }
}

impl Options {
    /// Reads a command line, without the program's name.
    ///
    /// # Errors
    /// One line that says what is wrong.
    pub fn read<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>) -> Result<Wish, String> {
        let mut parser = Parser::from_args(arguments);
        let mut options = Self::default();
        let (mut trusted, mut headers) = (Vec::<String>::new(), ProxyHeaders::default());
        let mut given = Vec::<String>::new();
        while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
            let Arg::Long(flag) = argument else { return Err(argument.unexpected().to_string()) };
            let flag = flag.to_owned();
            if !REPEATED.contains(&flag.as_str()) && given.contains(&flag) {
                return Err(format!("--{flag} is given twice"));
            }
            match flag.as_str() {
                "help" => return Ok(Wish::Help),
                "listen" => {
                    let text = text(&mut parser)?;
                    options.listen = text
                        .parse()
                        .map_err(|_| format!("--listen {text}: not an address and a port, such as 127.0.0.1:3000"))?;
                }
                "database" => options.database = text(&mut parser)?,
                "secret-file" => options.secret_file = Some(path(&mut parser)?),
                "signing-key" => options.signing_key = Some(path(&mut parser)?),
                "trust-proxy" => trusted.push(text(&mut parser)?),
                "proxy-header" => headers = proxy_headers(&text(&mut parser)?)?,
                "trusted-origin" => options.trusted_origins.push(origin(&text(&mut parser)?)?),
                "password-cost" => {
                    options.fast_passwords = is_fast(&text(&mut parser)?)?;
                    options.password_cost =
                        if options.fast_passwords { PasswordCost::fast() } else { PasswordCost::default() };
                }
                "cache-ttl" => options.cache_ttl = seconds(&text(&mut parser)?)?,
                "issuer" => options.issuers.push(text(&mut parser)?),
                "audience" => options.audience = audience(text(&mut parser)?)?,
                "shared" => options.shared = Some(text(&mut parser)?),
                _ => return Err(format!("--{flag} is no flag of this program; --help lists them")),
            }
            given.push(flag);
        }
        let proxies = Proxies::trusting(trusted.iter().map(String::as_str));
        options.proxies = proxies.map_err(|error| format!("--trust-proxy: {error}"))?.reading(headers);
        Ok(Wish::Serve(Box::new(options)))
    }
}

fn text(parser: &mut Parser) -> Result<String, String> {
    parser.value().and_then(lexopt::ValueExt::string).map_err(|error| error.to_string())
}

fn path(parser: &mut Parser) -> Result<PathBuf, String> {
    parser.value().map(PathBuf::from).map_err(|error| error.to_string())
}

fn audience(text: String) -> Result<String, String> {
    match text.is_empty() {
        true => Err("--audience: it is empty; write the name that tokens have in \"aud\"".to_owned()),
        false => Ok(text),
    }
}

fn proxy_headers(text: &str) -> Result<ProxyHeaders, String> {
    match text {
        "x-forwarded" => Ok(ProxyHeaders::XForwarded),
        "forwarded" => Ok(ProxyHeaders::Forwarded),
        _ => Err(format!("--proxy-header {text}: write x-forwarded or forwarded")),
    }
}

fn origin(text: &str) -> Result<Origin, String> {
    Origin::parse(text).map_err(|error| format!("--trusted-origin: {error}"))
}

fn is_fast(text: &str) -> Result<bool, String> {
    match text {
        "default" => Ok(false),
        "fast" => Ok(true),
        _ => Err(format!("--password-cost {text}: write default or fast")),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    // A year: longer makes no sense, and adds up to no overflow.
    let seconds = text.parse::<u32>().ok().filter(|seconds| *seconds <= 31_536_000);
    let seconds = seconds.ok_or_else(|| format!("--cache-ttl {text}: not a number of seconds up to a year"))?;
    Ok(Duration::from_secs(seconds.into()))
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
        let options = read("--listen [::1]:0 --cache-ttl=0 --trust-proxy 10.0.0.0/8 --trust-proxy ::1").unwrap();
        assert_eq!((options.listen.to_string().as_str(), options.cache_ttl), ("[::1]:0", Duration::ZERO));
        let options = read("--trusted-origin https://a.example --trusted-origin=HTTP://LOCALHOST:80").unwrap();
        let trusted: Vec<&str> = options.trusted_origins.iter().map(Origin::as_str).collect();
        assert_eq!(trusted, ["https://a.example", "http://localhost"]);
        let options = read("--issuer https://a.example --issuer=http://127.0.0.1:1/b --audience api").unwrap();
        assert_eq!(
            (options.issuers.join(" ").as_str(), options.audience.as_str()),
            ("https://a.example http://127.0.0.1:1/b", "api")
        );
        let options = read("").unwrap();
        assert_eq!((options.database.as_str(), options.audience.as_str()), ("sqlite::memory:", "people"));
        assert_eq!((options.shared, read("--shared=redis://a").unwrap().shared.as_deref()), (None, Some("redis://a")));
        assert!(matches!(Options::read(["--help"]), Ok(Wish::Help)));
    }

    #[test]
    fn what_cannot_be_read_is_said_in_one_line() {
        for line in [
            "--listen nowhere",
            "--listen 127.0.0.1",
            "--listen",
            "--cache-ttl -1",
            "--cache-ttl 99999999999",
            "--password-cost cheap",
            "--proxy-header via",
            "--trust-proxy 10.0.0.0/33",
            "--trusted-origin",
            "--trusted-origin a.example",
            "--trusted-origin https://a.example/",
            "--trusted-origin null",
            "--shared",
            "--issuer",
            "--audience=",
            "--audience a --audience b",
            "--database a --database b",
            "--unknown",
            "-x",
            "word",
        ] {
            let error = read(line).unwrap_err();
            assert!(!error.is_empty() && !error.contains('\n'), "{line}: {error}");
        }
    }
}
