//! Settings out of a TOML file and the environment, with units in their text form (`"30m"`, `"64MiB"`), for whom a line of Rust is not enough.
//!
//! - The options of the parts are what serde reads: [`Settings`] holds all of them, and each can stand in a type of the application's own.
//! - **Every fault is named at once, with its place**: the file and its line, or the variable. A name that nobody reads is a fault, too, since it is
//!   mostly a name that was mistyped. What was written is never quoted.
//! - What is not written is as its default, whose reason stands in [the manual](crate::manual::defaults).
//! - What comes later counts: the environment over a file, tables joined.
//!
//! # Example
//! ```
//! use countersign::config::{Config, Settings};
//! use std::time::Duration;
//!
//! #[derive(serde::Deserialize)]
//! struct App {
//!     listen: String,
//!     auth: Settings,
//! }
//!
//! let file = r#"
//! listen = "127.0.0.1:3000"
//! [auth.cache]
//! bytes = "32MiB"
//! longest_life = "30s"
//! [auth.sessions]
//! idle = "1h"
//! [auth.proxies]
//! trust = ["10.0.0.0/8"]
//! "#;
//! let variables = [("PEOPLE_AUTH__CACHE__LONGEST_LIFE", "10s")];
//! let app: App =
//!     Config::new().toml("people.toml", file).variables("PEOPLE_", variables).read().unwrap();
//! assert_eq!(
//!     (app.listen.as_str(), app.auth.sessions.idle),
//!     ("127.0.0.1:3000", Duration::from_secs(3600))
//! );
//!
//! let faults = Config::new()
//!     .toml("people.toml", "[cache]\nbytes = \"32MB\"\nentires = 5")
//!     .read::<Settings>()
//!     .unwrap_err();
//! let lines: Vec<_> = faults.iter().map(|fault| fault.path().to_owned()).collect();
//! assert_eq!(lines, ["cache.bytes", "cache.entires"]);
//! assert!(faults.to_string().starts_with("people.toml:2: cache.bytes: it must be a size"));
//! ```
//!
//! # The environment
//! A variable is a prefix and the names on the way, in capitals, with two underscores in between: `PEOPLE_CACHE__LONGEST_LIFE`. What begins with
//! `[` or `{`, and is a list or a table as TOML writes it, is one; else it is text, and a number, `true`, or a list with commas where one of these is wanted.
//!
//! # What it does not do
//! It reads no keys and no passwords: name their files, whose rights can be narrowed. It does not look at a file again:
//! [`KeyRing::replace_with`](crate::KeyRing::replace_with) and [`JwtSigner::replace_with`](crate::JwtSigner::replace_with) change keys while a
//! service runs.
//!
//! # Why
//! serde alone stops at the first fault, and tells no line for what came out of two sources. Here what is wrong is noted and taken out, and the
//! rest is read again.

mod cookie;
mod deserializer;
mod fault;
#[cfg(feature = "remote")]
mod issuer;
#[cfg(feature = "remote")]
mod issuers;
mod password;
mod place;
mod session;
mod tree;
pub(crate) mod units;

use std::{collections::BTreeMap, fmt, fs, path::Path};

use serde::{Deserialize, de::DeserializeOwned};

#[cfg(feature = "password")]
pub use self::password::PasswordOptions;
#[cfg(feature = "mint")]
pub use self::session::{RememberedOptions, SessionOptions};
pub use self::{
    cookie::CookieOptions,
    fault::{ConfigFault, ConfigFaults},
};
#[cfg(feature = "remote")]
pub use self::{issuer::IssuerOptions, issuers::RunningIssuers};
use self::{
    place::Place,
    tree::{Node, Written},
};
use crate::{cache::CacheOptions, request::Proxies, throttle::ThrottleLimits};

/// The settings of all parts. Each is also read by itself, where an application has another order of its own.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// Of the cache: for [`CredentialCache::with`](crate::CredentialCache::with).
    pub cache: CacheOptions,
    /// Of the throttle: for [`Throttle::new`](crate::throttle::Throttle::new).
    pub throttle: ThrottleLimits,
    /// Of passwords.
    #[cfg(feature = "password")]
    pub passwords: PasswordOptions,
    /// Of sessions.
    #[cfg(feature = "mint")]
    pub sessions: SessionOptions,
    /// Of the cookie that holds a session.
    pub cookie: CookieOptions,
    /// Whose word about the client is taken: for [`behind`](crate::gate::GateBuilder::behind).
    pub proxies: Proxies,
    /// Whose tokens are trusted.
    #[cfg(feature = "remote")]
    pub issuers: Vec<IssuerOptions>,
}

/// Sources of settings, the later over the earlier. See the [module](self).
#[must_use]
pub struct Config {
    whole: Node,
    faults: Vec<ConfigFault>,
}

impl Config {
    /// Nothing: everything is as its default.
    pub fn new() -> Self {
        Self { whole: Node::new(Place::Whole, Written::Table(BTreeMap::new())), faults: Vec::new() }
    }

    /// What stands in a TOML file. One that cannot be read is a fault.
    pub fn file(self, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let source = path.display().to_string();
        match fs::read_to_string(path) {
            Ok(text) => self.toml(&source, &text),
            Err(error) => self.with_fault(ConfigFault::new(
                Place::Line { source: source.into(), line: 0 },
                &[],
                format!("it cannot be read: {error}"),
            )),
        }
    }

    /// What this TOML says; faults name it so.
    pub fn toml(mut self, source: &str, text: &str) -> Self {
        let (node, faults) = Node::of_toml(source, text);
        self.whole.overlay(node);
        self.faults.extend(faults);
        self
    }

    /// What the environment says, in variables that begin with this prefix, such as `PEOPLE_`.
    pub fn environment(self, prefix: &str) -> Self {
        let mut read = self;
        for (name, value) in std::env::vars_os() {
            let Some(name) = name.to_str().filter(|name| name.starts_with(prefix)) else { continue };
            read = match value.to_str() {
                Some(value) => read.variables(prefix, [(name, value)]),
                None => read.with_fault(ConfigFault::new(Place::Variable(name.into()), &[], "it is not UTF-8")),
            };
        }
        read
    }

    /// What these variables say; those without the prefix are passed over.
    pub fn variables<'a>(mut self, prefix: &str, variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        for (name, value) in variables {
            let Some(way) = name.strip_prefix(prefix) else { continue };
            let way = way.to_ascii_lowercase();
            let names: Vec<_> = way.split("__").collect();
            if names.iter().any(|name| name.is_empty()) {
                let why = "it names nothing: write names with two underscores in between";
                self.faults.push(ConfigFault::new(Place::Variable(name.into()), &[], why));
            } else {
                self.whole.overlay(Node::of_variable(name, value).within(&names));
            }
        }
        self
    }

    /// Reads all of it.
    ///
    /// # Errors
    /// When a source cannot be read, a name is known to nobody, or a value is none that is taken: with all of these faults.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, ConfigFaults> {
        deserializer::read(&self.whole, self.faults)
    }

    fn with_fault(mut self, fault: ConfigFault) -> Self {
        self.faults.push(fault);
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Config {
    /// Leaves out what was written: an application may have secrets among it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("faults", &self.faults).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const EVERYTHING: &str = r#"
[cache]
entries = 5000
bytes = "32MiB"
longest_life = "30s"
refusal_entries = 100
refusal_life = "1s"
flight_deadline = "5s"
stale_if_unavailable = "1m"
revocations = 1000

[throttle]
per_name_and_address = 3
per_name = 50
per_address = 20
window = "2m"
trickle = "2s"
known_for = "7d"
rows = 1024
known_names = 2048

[passwords]
cost = { memory = "64MiB", passes = 3, lanes = 4 }
limits = { memory = "128MiB", passes = 5, lanes = 8, bcrypt_cost = 14, pbkdf2_rounds = 1000000 }
threads = 2
queue = 64
longest_password = "512B"
reusable_for = "never"

[sessions]
idle = "1h"
longest = "1d"
remembered = { idle = "30d", longest = "90d" }
most = 10
bound_to_agent = true
bound_to_network = [24, 56]

[cookie]
name = "mail"
domain = "example.com"
path = "/app"
same_site = "strict"
until_the_browser_closes = true

[proxies]
trust = ["10.0.0.0/8", "::1"]
headers = "forwarded"
"#;

    fn read(text: &str) -> Result<Settings, String> {
        Config::new().toml("a.toml", text).read().map_err(|faults| faults.to_string())
    }

    #[test]
    fn everything_can_be_written() {
        let settings = read(EVERYTHING).unwrap();
        let (cache, throttle) = (format!("{:?}", settings.cache), format!("{:?}", settings.throttle));
        for said in
            ["entries: 5000", "bytes: 33554432", "longest_life: 30s", "stale_if_unavailable: 60s", "revocations: 1000"]
        {
            assert!(cache.contains(said), "{said}: {cache}");
        }
        for said in ["per_pair: 3", "per_name: 50", "window: 120s", "known_for: 604800s", "rows: 1024"] {
            assert!(throttle.contains(said), "{said}: {throttle}");
        }
        let proxies = format!("{:?}", settings.proxies);
        assert!(proxies.contains("10.0.0.0/8") && proxies.contains("Forwarded"), "{proxies}");
    }

    #[test]
    fn nothing_is_as_the_defaults() {
        let (settings, default) = (read("").unwrap(), Settings::default());
        let shown = |settings: &Settings| {
            format!("{settings:?}")
                .split("SystemClock")
                .map(|part| part.split_once('}').map_or(part, |(_, rest)| rest).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(&settings), shown(&default));
    }

    #[test]
    fn every_fault_is_named_at_once_with_its_place() {
        let text = "[cache]\nbytes = \"64MB\"\nentires = 5\nlongest_life = 60\n\n[throttle]\nper_name = 0\nwindow = \"soon\"\n\n[proxies]\ntrust = [\n  \"10.0.0.0/8\",\n  \"10.0.0.0/33\",\n]\nheaders = \"via\"\n\n[cahce]\nbytes = 1\n";
        let variables = [
            ("APP_CACHE__REFUSAL_LIFE", "5"),
            ("APP_THROTTLE__ROWS", "many"),
            ("APP___", "x"),
            ("APP_SESSIONS__BOUND_TO_NETWORK", "[1"),
            ("OTHER", "x"),
        ];
        let faults = Config::new().toml("a.toml", text).variables("APP_", variables).read::<Settings>().unwrap_err();
        let named: Vec<_> = faults.iter().map(|fault| (fault.place(), fault.path().to_owned())).collect();
        let expected = [
            ("a.toml:2", "cache.bytes"),
            ("a.toml:3", "cache.entires"),
            ("a.toml:4", "cache.longest_life"),
            ("a.toml:7", "throttle.per_name"),
            ("a.toml:8", "throttle.window"),
            ("a.toml:13", "proxies.trust[1]"),
            ("a.toml:15", "proxies.headers"),
            ("a.toml:17", "cahce"),
            ("APP_CACHE__REFUSAL_LIFE", "cache.refusal_life"),
            ("APP_SESSIONS__BOUND_TO_NETWORK", "sessions.bound_to_network"),
            ("APP_THROTTLE__ROWS", "throttle.rows"),
            ("APP___", ""),
        ];
        assert_eq!(named, expected.map(|(place, path)| (place.to_owned(), path.to_owned())), "{faults}");
        let lines = faults.to_string();
        for said in [
            "such as \"512KiB\"",
            "nobody reads it; there are entries, bytes",
            "10.0.0.0/33",
            "write one of x-forwarded, forwarded",
        ] {
            assert!(lines.contains(said), "{said}: {lines}");
        }
    }

    #[test]
    fn the_environment_counts_over_a_file() {
        let variables = [
            ("APP_CACHE__ENTRIES", "7"),
            ("APP_PROXIES__TRUST", "10.0.0.1, ::1"),
            ("APP_SESSIONS__BOUND_TO_AGENT", "true"),
            ("APP_SESSIONS__BOUND_TO_NETWORK", "16, 48"),
            ("APP_SESSIONS__REMEMBERED", r#"{ idle = "7d", longest = "30d" }"#),
        ];
        let config = Config::new().toml("a.toml", EVERYTHING).variables("APP_", variables);
        let settings: Settings = config.read().unwrap();
        let (cache, proxies) = (format!("{:?}", settings.cache), format!("{:?}", settings.proxies));
        assert!(cache.contains("entries: 7") && cache.contains("bytes: 33554432"), "{cache}");
        assert!(proxies.contains("10.0.0.1") && !proxies.contains("10.0.0.0/8"), "{proxies}");
        assert_eq!(settings.sessions.bound_to_network, Some((16, 48)));
        assert_eq!(settings.sessions.remembered.map(|life| life.idle), Some(Duration::from_secs(7 * 24 * 60 * 60)));
    }

    #[test]
    fn what_is_no_toml_is_told_with_its_line() {
        for (text, place) in [("a = 1\nb =\n", "a.toml:2"), ("[cache\n", "a.toml:1"), ("a = 1\na = 2\n", "a.toml:2")] {
            let faults = Config::new().toml("a.toml", text).read::<BTreeMap<String, i64>>().unwrap_err();
            assert_eq!(faults.iter().next().unwrap().place(), place, "{faults}");
        }
        let faults = Config::new().file("/no/such.toml").read::<Settings>().unwrap_err();
        assert!(faults.to_string().starts_with("/no/such.toml"), "{faults}");
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "it is read, and nobody looks at it")]
    struct App {
        listen: std::net::SocketAddr,
        database: String,
        workers: Option<u16>,
        share: f64,
        tags: Vec<String>,
    }

    #[test]
    fn a_type_of_the_apps_own_is_read_and_no_secret_is_quoted() {
        let text = "listen = \"postgres://emily:s3cret@db\"\ndatabase = 5\nworkers = \"s3cret\"\nshare = 1\ntags = \"s3cret\"\n";
        let faults = Config::new().toml("a.toml", text).read::<App>().unwrap_err();
        let paths: Vec<_> = faults.iter().map(ConfigFault::path).collect();
        assert_eq!(paths, ["listen", "database", "workers", "tags"], "{faults}");
        assert!(!faults.to_string().contains("s3cret") && !format!("{faults:?}").contains("s3cret"), "{faults}");
        let variables =
            [("A_LISTEN", "[::1]:80"), ("A_DATABASE", "5"), ("A_WORKERS", "3"), ("A_SHARE", "0.5"), ("A_TAGS", "a,b")];
        let app: App = Config::new().variables("A_", variables).read().unwrap_or_else(|faults| panic!("{faults}"));
        assert_eq!(app.listen.to_string(), "[::1]:80");
        assert_eq!((app.workers, app.tags.len(), app.database.as_str()), (Some(3), 2, "5"));
        let missing = Config::new().toml("a.toml", "share = 1.0\n").read::<App>().unwrap_err();
        assert!(missing.to_string().contains("it lacks"), "{missing}");
    }

    #[test]
    fn a_cookie_is_written_as_it_is_set() {
        let settings = read(EVERYTHING).unwrap();
        let cookie = settings.cookie.cookie(crate::KeyRing::random());
        let written = cookie.set_cookie(true, "x", Duration::from_secs(60));
        for part in ["__Secure-mail=x", "Domain=example.com", "Path=/app", "SameSite=Strict"] {
            assert!(written.contains(part), "{part}: {written}");
        }
        assert!(!written.contains("Max-Age"), "{written}");
        let plain = read("").unwrap().cookie.cookie(crate::KeyRing::random());
        assert!(plain.set_cookie(true, "x", Duration::from_secs(60)).starts_with("__Host-session=x"));
    }
}
