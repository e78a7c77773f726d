//! Making key rings, and putting new keys in front of them.

use std::path::Path;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use countersign::KeyRing;
use zeroize::Zeroizing;

use crate::{arguments::RotateArguments, fault::Fault, input, output, report::Report};

pub(crate) fn new(out: Option<&Path>) -> Result<Report, Fault> {
    let line = fresh_line()?;
    let Some(path) = out else { return Ok(Report::of_product("key_ring", line.as_str())) };
    output::write_new(path, &line)?;
    Ok(Report::new().with("file", path.display().to_string()).with("ids", ids(&KeyRing::parse(&line)?)))
}

/// Empty lines and comments stay where they are.
pub(crate) fn rotate(wish: &RotateArguments) -> Result<Report, Fault> {
    let old = input::file(&wish.file)?;
    KeyRing::parse(&old).map_err(|error| Fault::of_file(&wish.file, error))?;
    let mut text = fresh_line()?;
    let mut keys = 1;
    let mut removed = 0;
    for line in old.lines() {
        let trimmed = line.trim();
        if !trimmed.is_empty() && !trimmed.starts_with('#') {
            keys += 1;
            if wish.keep.is_some_and(|keep| keys > keep) {
                removed += 1;
                continue;
            }
        }
        text.push_str(line);
        text.push('\n');
    }
    let ring = KeyRing::parse(&text).map_err(|error| Fault::of_file(&wish.file, error))?;
    output::replace(&wish.file, &text)?;
    Ok(Report::new().with("file", wish.file.display().to_string()).with("ids", ids(&ring)).with("taken_away", removed))
}

pub(crate) fn ids(ring: &KeyRing) -> Vec<String> {
    ring.ids().collect()
}

/// 32 random bytes and a line end.
fn fresh_line() -> Result<Zeroizing<String>, Fault> {
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *bytes).map_err(|error| Fault::new(format!("there are no random bytes: {error}")))?;
    Ok(Zeroizing::new(format!("{}\n", URL_SAFE_NO_PAD.encode(bytes.as_slice()))))
}
