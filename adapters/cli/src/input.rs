//! What a command is given: on standard input, in a file, or at a prompt.

use std::{
    fs,
    io::{self, IsTerminal, Read},
    path::Path,
};

use countersign::Secret;
use zeroize::Zeroizing;

use crate::fault::Fault;

/// The longest text that is read: no key, token or hash is near it.
const LONGEST: u64 = 1024 * 1024;

/// A password: the first line at a prompt, or all of standard input but the line end at its end.
pub(crate) fn password(twice: bool) -> Result<Secret, Fault> {
    let text = if io::stdin().is_terminal() { prompted(twice)? } else { piped()? };
    let text = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    Ok(Secret::new(text))
}

fn piped() -> Result<Zeroizing<String>, Fault> {
    read(io::stdin().lock()).map_err(|why| Fault::new(format!("standard input: {why}")))
}

fn prompted(twice: bool) -> Result<Zeroizing<String>, Fault> {
    let ask = |prompt: &str| {
        rpassword::prompt_password(prompt)
            .map(Zeroizing::new)
            .map_err(|error| Fault::new(format!("the password cannot be asked for: {error}")))
    };
    let text = ask("Password: ")?;
    if twice && *ask("Once more: ")? != *text {
        return Err(Fault::new("the two passwords differ"));
    }
    Ok(text)
}

/// The text of an argument, of a file, or else of standard input; `-` is standard input too.
pub(crate) fn text(argument: Option<&str>, path: Option<&Path>) -> Result<Zeroizing<String>, Fault> {
    match (argument, path) {
        (Some("-"), _) => piped(),
        (Some(text), _) => Ok(Zeroizing::new(text.to_owned())),
        (None, Some(path)) => file(path),
        (None, None) if io::stdin().is_terminal() => Err(Fault::new(
            "there is nothing to read: pipe it in, or name a file with --file; `countersign help` has examples",
        )),
        (None, None) => piped(),
    }
}

/// The text of a file; `-` is standard input.
pub(crate) fn file(path: &Path) -> Result<Zeroizing<String>, Fault> {
    if path == Path::new("-") {
        return piped();
    }
    let opened = fs::File::open(path).map_err(|error| Fault::of_file(path, error))?;
    read(opened).map_err(|why| Fault::of_file(path, why))
}

fn read(from: impl Read) -> Result<Zeroizing<String>, String> {
    let mut bytes = Zeroizing::new(Vec::new());
    from.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LONGEST {
        return Err("it is longer than a megabyte".to_owned());
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err("it is not UTF-8".to_owned()),
    }
}
