//! A copy of the workspace that may be spoilt.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use crate::{Failure, list::Change};

/// The copy, below the folder for build products. It has build products of its own: cargo would take a member of the copy for
/// the same member of the workspace.
pub(crate) struct Scratch {
    original: PathBuf,
    copy: PathBuf,
    target: PathBuf,
}

impl Scratch {
    pub(crate) fn of(workspace: &Path) -> Result<Self, Failure> {
        let products = env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), PathBuf::from);
        let (copy, target) = (products.join("seeded-faults/workspace"), products.join("seeded-faults/target"));
        fs::create_dir_all(&copy)?;
        for name in ["Cargo.toml", "Cargo.lock", "core", "adapters", "tests", "examples", "README.md"] {
            copy_anew(&workspace.join(name), &copy.join(name))?;
        }
        Ok(Self { original: workspace.to_owned(), copy, target })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.copy
    }

    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Makes one change.
    pub(crate) fn change(&self, change: &Change) -> Result<(), Failure> {
        let path = self.copy.join(&change.file);
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", change.file))?;
        match text.matches(&change.find).count() {
            1 => Ok(fs::write(&path, text.replacen(&change.find, &change.replace, 1))?),
            count => Err(format!("{} holds the text {count} times, not once:\n{}", change.file, change.find).into()),
        }
    }

    /// Takes all changes of a file back.
    pub(crate) fn restore(&self, file: &str) -> Result<(), Failure> {
        copy_anew(&self.original.join(file), &self.copy.join(file))
    }
}

/// Copies what differs, so that what does not keeps its time and is not built again.
fn copy_anew(from: &Path, to: &Path) -> Result<(), Failure> {
    if from.is_dir() {
        fs::create_dir_all(to)?;
        let mut names = Vec::new();
        for entry in fs::read_dir(from)? {
            let name = entry?.file_name();
            copy_anew(&from.join(&name), &to.join(&name))?;
            names.push(name);
        }
        for entry in fs::read_dir(to)? {
            let entry = entry?;
            if !names.contains(&entry.file_name()) && entry.path().is_file() {
                fs::remove_file(entry.path())?;
            }
        }
    } else if from.exists() {
        let bytes = fs::read(from)?;
        if fs::read(to).ok().as_ref() != Some(&bytes) {
            fs::write(to, bytes)?;
        }
    }
    Ok(())
}
