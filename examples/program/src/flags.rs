//! Flags and their values: [`Flags`].

use std::{ffi::OsString, net::SocketAddr, ops::RangeInclusive, path::PathBuf, time::Duration};

use lexopt::{Arg, Parser, ValueExt};

/// Reads `--flag VALUE` and `--flag=VALUE`, each flag once. Every error is one line that says what is wrong.
///
/// # Example
/// ```
/// use example_program::Flags;
///
/// # fn main() -> Result<(), String> {
/// let mut flags = Flags::new(["--name", "emily", "--life=5"]);
/// assert_eq!(flags.next()?.as_deref(), Some("name"));
/// assert_eq!(flags.text()?, "emily");
/// assert_eq!(flags.next()?.as_deref(), Some("life"));
/// assert_eq!(flags.seconds(0..=60)?.as_secs(), 5);
/// assert_eq!(flags.next()?, None);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Flags {
    parser: Parser,
    repeated: &'static [&'static str],
    /// The last is the one whose value is asked for.
    given: Vec<String>,
}

#[expect(clippy::should_implement_trait, reason = "a flag may be unreadable, and its value is asked of the reader")]
impl Flags {
    /// Of a command line, without the program's name.
    pub fn new<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>) -> Self {
        Self { parser: Parser::from_args(arguments), repeated: &[], given: Vec::new() }
    }

    /// Lets these flags be given more than once.
    #[must_use]
    pub fn repeating(mut self, flags: &'static [&'static str]) -> Self {
        self.repeated = flags;
        self
    }

    /// The name of the next flag, if there is one.
    ///
    /// # Errors
    /// When it is no flag of two dashes, or is given a second time.
    pub fn next(&mut self) -> Result<Option<String>, String> {
        let Some(argument) = self.parser.next().map_err(|error| error.to_string())? else { return Ok(None) };
        let Arg::Long(flag) = argument else { return Err(argument.unexpected().to_string()) };
        let flag = flag.to_owned();
        if self.was_given(&flag) && !self.repeated.contains(&flag.as_str()) {
            return Err(format!("--{flag} is given twice"));
        }
        self.given.push(flag.clone());
        Ok(Some(flag))
    }

    /// Whether this flag was given so far.
    #[must_use]
    pub fn was_given(&self, flag: &str) -> bool {
        self.given.iter().any(|given| given == flag)
    }

    /// The path that this flag names, wherever it stands: for a file of settings over which the other flags count.
    ///
    /// # Errors
    /// When it has no value.
    pub fn find(arguments: &[OsString], flag: &str) -> Result<Option<PathBuf>, String> {
        let mut flags = Self::new(arguments);
        while let Some(argument) = flags.parser.next().map_err(|error| error.to_string())? {
            match argument {
                Arg::Long(known) if known == flag => return flags.path().map(Some),
                // A value of a flag that is read later.
                Arg::Long(_) => drop(flags.parser.optional_value()),
                _ => {}
            }
        }
        Ok(None)
    }

    /// Its value.
    ///
    /// # Errors
    /// When there is none, or it is no text.
    pub fn text(&mut self) -> Result<String, String> {
        self.parser.value().and_then(ValueExt::string).map_err(|error| error.to_string())
    }

    /// Its value, the path of a file.
    ///
    /// # Errors
    /// When there is none.
    pub fn path(&mut self) -> Result<PathBuf, String> {
        self.parser.value().map(PathBuf::from).map_err(|error| error.to_string())
    }

    /// Its value, where to listen.
    ///
    /// # Errors
    /// When it is none such.
    pub fn address(&mut self) -> Result<SocketAddr, String> {
        let text = self.text()?;
        text.parse().map_err(|_| self.wrong(&text, "not an address and a port, such as 127.0.0.1:3000"))
    }

    /// Its value, so many seconds.
    ///
    /// # Errors
    /// When it is no number, or lies outside of these.
    pub fn seconds(&mut self, within: RangeInclusive<u32>) -> Result<Duration, String> {
        let text = self.text()?;
        let seconds = text.parse().ok().filter(|seconds| within.contains(seconds));
        let (least, most) = within.into_inner();
        let wrong = || self.wrong(&text, &format!("not a number of seconds from {least} to {most}"));
        Ok(Duration::from_secs(u64::from(seconds.ok_or_else(wrong)?)))
    }

    /// Says what is wrong with its value.
    #[must_use]
    pub fn wrong(&self, value: &str, why: &str) -> String {
        format!("{} {value}: {why}", self.current())
    }

    /// Says that the program has no such flag.
    #[must_use]
    pub fn unknown(&self) -> String {
        format!("{} is no flag of this program; --help lists them", self.current())
    }

    fn current(&self) -> String {
        format!("--{}", self.given.last().map_or("", String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The flags that are there, or what is wrong.
    fn read(line: &str) -> Result<Vec<String>, String> {
        let mut flags = Flags::new(line.split_whitespace()).repeating(&["again"]);
        let mut read = Vec::new();
        while let Some(flag) = flags.next()? {
            read.push(match flag.as_str() {
                "listen" => flags.address()?.to_string(),
                "life" => flags.seconds(1..=60)?.as_secs().to_string(),
                "again" | "text" => flags.text()?,
                "file" => flags.path()?.display().to_string(),
                _ => return Err(flags.unknown()),
            });
        }
        Ok(read)
    }

    #[test]
    fn a_flag_has_a_value_behind_a_blank_or_a_sign() {
        for (line, expected) in [
            ("", Ok(vec![])),
            ("--listen [::1]:0 --life=60 --file a/b", Ok(vec!["[::1]:0", "60", "a/b"])),
            ("--again a --again=b --text=", Ok(vec!["a", "b", ""])),
            ("--listen nowhere", Err("--listen nowhere: not an address and a port, such as 127.0.0.1:3000")),
            ("--listen 127.0.0.1", Err("--listen 127.0.0.1: not an address and a port, such as 127.0.0.1:3000")),
            ("--life 0", Err("--life 0: not a number of seconds from 1 to 60")),
            ("--life -1", Err("--life -1: not a number of seconds from 1 to 60")),
            ("--life 61", Err("--life 61: not a number of seconds from 1 to 60")),
            ("--text a --text b", Err("--text is given twice")),
            ("--unknown", Err("--unknown is no flag of this program; --help lists them")),
        ] {
            let expected = expected.map(|all| all.into_iter().map(str::to_owned).collect()).map_err(str::to_owned);
            assert_eq!(read(line), expected, "{line}");
        }
        for line in ["--text", "--file", "-x", "word", "--text a b"] {
            let error = read(line).unwrap_err();
            assert!(!error.is_empty() && !error.contains('\n'), "{line}: {error}");
        }
    }
}
