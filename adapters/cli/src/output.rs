//! Files, as they may stand on a disk.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use crate::fault::Fault;

/// Writes a secret into a file that is not there yet, and that only its owner can read.
pub(crate) fn write_new(path: &Path, text: &str) -> Result<(), Fault> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| Fault::of_file(path, format!("it cannot be written: {error}")))
}

/// Puts another text in the place of a file's at once, so that who reads it finds the old one or the new one, and never half of one. Who may
/// read it stays as it is.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), Fault> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside: PathBuf = path.with_file_name(name);
    write_new(&beside, text)?;
    let replaced = fs::metadata(path)
        .and_then(|old| fs::set_permissions(&beside, old.permissions()))
        .and_then(|()| fs::rename(&beside, path));
    replaced.map_err(|error| {
        // What could not be put in place must not lie around.
        let _ = fs::remove_file(&beside);
        Fault::of_file(path, format!("it cannot be replaced, and stays as it was: {error}"))
    })
}
