//! Hashing passwords, and holding them against hashes, by the library's own [`Passwords`].

use std::{sync::Arc, time::Instant};

use countersign::{
    Answer, Unavailable, Verified, Verify, async_trait,
    credential::BasicCredential,
    store::{PasswordStore, StoredHash, StoredPassword},
    verifier::{PasswordCost, Passwords},
};
use tokio::runtime::{Builder, Runtime};

use crate::{
    arguments::{HashArguments, VerifyArguments},
    fault::Fault,
    input,
    report::Report,
};

/// So often a hash is computed to be measured.
const RUNS: usize = 5;
/// The longest password that a server takes; see [`Passwords::longest_password`].
const LONGEST_PASSWORD: usize = 1024;

pub(crate) fn hash(wish: &HashArguments) -> Result<Report, Fault> {
    let password = input::password(true)?;
    if password.expose().len() > LONGEST_PASSWORD {
        return Err(Fault::new("the password is longer than the 1024 bytes that a server takes"));
    }
    let hash = wish.cost.hash_now(&password).ok_or_else(no_memory)?;
    let report = Report::of_product("hash", hash.as_str());
    if wish.measure { measured(report, &wish.cost, &hash) } else { Ok(report) }
}

/// What a hash of this cost takes here: the middle one of a few runs, since the first one warms up.
fn measured(report: Report, cost: &PasswordCost, hash: &str) -> Result<Report, Fault> {
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let begun = Instant::now();
        cost.hash_now(&"a password of common length".into()).ok_or_else(no_memory)?;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    let middle = times.get(RUNS / 2).copied().unwrap_or_default();
    let tenths = (middle.as_secs_f64() * 10_000.0).round() / 10.0;
    let parameter = |name: &str| {
        let list = hash.split('$').find(|part| part.starts_with("m="))?;
        list.split(',').find_map(|part| part.strip_prefix(name)?.parse::<u64>().ok())
    };
    Ok(report
        .with("milliseconds", tenths)
        .with_any("memory_kib", parameter("m="))
        .with_any("passes", parameter("t="))
        .with_any("lanes", parameter("p=")))
}

pub(crate) fn verify(wish: VerifyArguments) -> Result<Report, Fault> {
    let hash = match wish.file {
        Some(path) => input::file(&path)?.trim().into(),
        None => wish.hash.unwrap_or_default().trim().into(),
    };
    let stored = OneHash(hash);
    if !stored.has_password()? {
        return Ok(Report::new().with("right", false).with("why", "the hash says that there is no password").refused());
    }
    let password = input::password(false)?;
    let passwords = Passwords::in_store(stored).without_throttle();
    match runtime()?.block_on(passwords.verify(BasicCredential::new("", password))) {
        Answer::Verified(_) => Ok(Report::new().with("right", true)),
        Answer::Refused => Ok(Report::new().with("right", false).refused()),
        Answer::Unjudged => Err(Fault::new("the hash cannot be verified")),
        Answer::Unavailable(source) => Err(source.into()),
    }
}

/// A store of one hash, whoever asks for it.
pub(crate) struct OneHash(pub(crate) Arc<str>);

impl OneHash {
    /// Whether there is a password in it; an error if it cannot be verified.
    pub(crate) fn has_password(&self) -> Result<bool, Fault> {
        // Unlike the check, which lists rows of a database, an empty argument is a mistake.
        if self.0.is_empty() {
            return Err(Fault::new("there is no hash"));
        }
        let report = runtime()?.block_on(Passwords::in_store(Self(Arc::clone(&self.0))).check())?;
        match report.rows().first() {
            Some(row) => Err(Fault::new(format!("the hash cannot be verified: {}", row.why()))),
            None => Ok(report.without_password() == 0),
        }
    }
}

#[async_trait]
impl PasswordStore for OneHash {
    type Principal = ();

    async fn find(&self, _: &str) -> Result<Option<StoredPassword<()>>, Unavailable> {
        Ok(Some(StoredPassword::new(&*self.0, Verified::new(()))))
    }

    async fn hashes(&self, after: Option<&str>, _: usize) -> Result<Vec<StoredHash>, Unavailable> {
        Ok(if after.is_none() { vec![StoredHash::new("", &*self.0)] } else { Vec::new() })
    }
}

fn runtime() -> Result<Runtime, Fault> {
    Ok(Builder::new_current_thread().enable_time().build()?)
}

fn no_memory() -> Fault {
    Fault::new("there is not the memory for a hash of this cost")
}
