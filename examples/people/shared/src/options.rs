//! The command line, and the file that it names.

use std::{
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use countersign::{
    cache::CacheOptions,
    config::{Config, CookieOptions, IssuerOptions, PasswordOptions, SessionOptions},
    request::{Origin, Proxies, ProxyHeaders},
    throttle::ThrottleLimits,
    verifier::PasswordCost,
};
use example_program::Flags;
use serde::Deserialize;

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
    /// The same, with settings of their own, as the file has them.
    pub configured_issuers: Vec<IssuerOptions>,
    /// The audience that such a token must name.
    pub audience: String,
    /// Whose word about the client is taken.
    pub proxies: Proxies,
    /// Whose pages, beside our own, may act for our users.
    pub trusted_origins: Vec<Origin>,
    /// How passwords are hashed.
    pub passwords: PasswordOptions,
    /// How credentials are remembered.
    pub cache: CacheOptions,
    /// How many wrong passwords are too many.
    pub throttle: ThrottleLimits,
    /// How long sessions last.
    pub sessions: SessionOptions,
    /// What holds them.
    pub cookie: CookieOptions,
    /// To print the service's OpenAPI document in place of serving.
    pub openapi: bool,
}

/// A file as `--config` names it: what the flags say, and what is too much for a flag.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    listen: Option<SocketAddr>,
    database: Option<String>,
    shared: Option<String>,
    secret_file: Option<PathBuf>,
    signing_key: Option<PathBuf>,
    audience: Option<String>,
    issuers: Vec<IssuerOptions>,
    proxies: Proxies,
    trusted_origins: Vec<String>,
    passwords: PasswordOptions,
    cache: CacheOptions,
    throttle: ThrottleLimits,
    sessions: SessionOptions,
    cookie: CookieOptions,
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

  --config FILE                 settings in TOML; flags count over them      [nothing]
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
  --openapi                     print the OpenAPI document of the service, and end
  --help                        this text
";

/// In seconds. A longer life of what is remembered makes no sense, and this adds up to no overflow.
const A_YEAR: u32 = 31_536_000;

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
            configured_issuers: Vec::new(),
            audience: "people".to_owned(),
            proxies: Proxies::default(),
            trusted_origins: Vec::new(),
            passwords: PasswordOptions::default(),
            cache: CacheOptions::default(),
            throttle: ThrottleLimits::default(),
            sessions: SessionOptions::default(),
            cookie: CookieOptions::default(),
            openapi: false,
        }
    }
}

impl Options {
    /// Reads a command line, without the program's name.
    ///
    /// # Errors
    /// One line that says what is wrong.
    pub fn read<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>) -> Result<Wish, String> {
        let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
        let mut options = match Flags::find(&arguments, "config")? {
            Some(file) => Self::of_file(&file)?,
            None => Self::default(),
        };
        let mut flags = Flags::new(arguments).repeating(&REPEATED);
        let (mut trusted, mut headers) = (Vec::<String>::new(), ProxyHeaders::default());
        while let Some(flag) = flags.next()? {
            match flag.as_str() {
                "help" => return Ok(Wish::Help),
                // It was read before.
                "config" => drop(flags.path()?),
                "listen" => options.listen = flags.address()?,
                "database" => options.database = flags.text()?,
                "secret-file" => options.secret_file = Some(flags.path()?),
                "signing-key" => options.signing_key = Some(flags.path()?),
                "trust-proxy" => trusted.push(flags.text()?),
                "proxy-header" => headers = proxy_headers(&flags.text()?)?,
                "trusted-origin" => options.trusted_origins.push(origin(&flags.text()?)?),
                "password-cost" => {
                    let fast = is_fast(&flags.text()?)?;
                    options.passwords.cost = if fast { PasswordCost::fast() } else { PasswordCost::default() };
                }
                "cache-ttl" => options.cache = options.cache.longest_life(flags.seconds(0..=A_YEAR)?),
                "issuer" => options.issuers.push(flags.text()?),
                "audience" => options.audience = audience(flags.text()?)?,
                "openapi" => options.openapi = true,
                "shared" => options.shared = Some(flags.text()?),
                _ => return Err(flags.unknown()),
            }
        }
        if flags.was_given("trust-proxy") {
            let proxies = Proxies::trusting(trusted.iter().map(String::as_str));
            options.proxies = proxies.map_err(|error| format!("--trust-proxy: {error}"))?;
        }
        if flags.was_given("proxy-header") {
            options.proxies = options.proxies.reading(headers);
        }
        Ok(Wish::Serve(Box::new(options)))
    }

    /// What a file says, and over it the environment, in variables such as `PEOPLE_CACHE__ENTRIES`.
    fn of_file(file: &Path) -> Result<Self, String> {
        let read = Config::new().file(file).environment("PEOPLE_").read();
        // One line, as every other fault of the command line.
        let written: Written = read.map_err(|faults| faults.to_string().replace('\n', "; "))?;
        let origins: Result<_, _> = written.trusted_origins.iter().map(|text| origin(text)).collect();
        let default = Self::default();
        Ok(Self {
            listen: written.listen.unwrap_or(default.listen),
            database: written.database.unwrap_or(default.database),
            shared: written.shared,
            secret_file: written.secret_file,
            signing_key: written.signing_key,
            issuers: Vec::new(),
            configured_issuers: written.issuers,
            audience: written.audience.map_or(Ok(default.audience), audience)?,
            proxies: written.proxies,
            trusted_origins: origins?,
            passwords: written.passwords,
            cache: written.cache,
            throttle: written.throttle,
            sessions: written.sessions,
            cookie: written.cookie,
            openapi: false,
        })
    }
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
        assert_eq!(options.listen.to_string(), "[::1]:0");
        assert!(format!("{:?}", options.cache).contains("longest_life: 0ns"));
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
        assert!(!options.openapi && read("--openapi --audience api").unwrap().openapi);
        assert!(matches!(Options::read(["--help"]), Ok(Wish::Help)));
    }

    const FILE: &str = r#"
listen = "127.0.0.1:4000"
audience = "mail"
trusted_origins = ["https://a.example"]
[cache]
longest_life = "10s"
entries = 7
[sessions]
idle = "1h"
[proxies]
trust = ["10.0.0.0/8"]
headers = "forwarded"
[[issuers]]
name = "https://issuer.example"
audience = ["people"]
"#;

    fn file(name: &str, text: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("people-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn flags_count_over_the_file() {
        let path = file("good.toml", FILE);
        let options = read(&format!("--cache-ttl 5 --config {} --proxy-header x-forwarded", path.display())).unwrap();
        let (cache, proxies) = (format!("{:?}", options.cache), format!("{:?}", options.proxies));
        assert!(cache.contains("longest_life: 5s") && cache.contains("entries: 7"), "{cache}");
        assert!(proxies.contains("10.0.0.0/8") && proxies.contains("XForwarded"), "{proxies}");
        assert_eq!((options.listen.port(), options.audience.as_str()), (4000, "mail"));
        assert_eq!((options.sessions.idle.as_secs(), options.configured_issuers.len()), (3600, 1));
        assert_eq!(options.trusted_origins.len(), 1);
        let other = read(&format!("--config={} --trust-proxy ::1 --listen 127.0.0.1:0", path.display())).unwrap();
        assert!(!format!("{:?}", other.proxies).contains("10.0.0.0/8"));
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn every_fault_of_a_file_is_in_the_one_line() {
        let path = file("bad.toml", "listen = 5\n[cache]\nbytes = \"64MB\"\nentires = 1\n");
        let error = read(&format!("--config {}", path.display())).unwrap_err();
        for said in ["bad.toml:1: listen: ", "bad.toml:3: cache.bytes: ", "bad.toml:4: cache.entires: "] {
            assert!(error.contains(said), "{said}: {error}");
        }
        assert!(!error.contains('\n'), "{error}");
        std::fs::remove_file(path).unwrap();
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
            "--config",
            "--config /no/such/file.toml",
            "--config a --config b",
            "--shared",
            "--issuer",
            "--audience=",
            "--audience a --audience b",
            "--openapi=yes",
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
