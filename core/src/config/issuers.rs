//! The issuers of a file, while the service runs: [`RunningIssuers`].

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use super::IssuerOptions;
use crate::{
    cache::CredentialCache,
    verifier::{
        jwt::{BadIssuers, TrustedIssuer, TrustedIssuers},
        remote::RemoteIssuer,
    },
};

/// Issuers as a file names them, whose keys are kept up to date, and who change when the file is read again.
///
/// ```no_run
/// use countersign::{
///     CredentialCache,
///     config::{Config, RunningIssuers, Settings},
///     verifier::jwt::JwtVerifier,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let settings: Settings = Config::new().file("people.toml").read()?;
/// let cache = CredentialCache::default(); // .cached(cache.clone())
/// let issuers = RunningIssuers::start(&settings.issuers, &cache)?;
/// let verifier: JwtVerifier<serde_json::Value> =
///     JwtVerifier::trusting_those(issuers.trusted()).principal()?;
///
/// // When the file has changed:
/// let settings: Settings = Config::new().file("people.toml").read()?;
/// issuers.reload(&settings.issuers)?;
/// # let _ = verifier; Ok(()) }
/// ```
pub struct RunningIssuers {
    trusted: TrustedIssuers,
    cache: CredentialCache,
    running: Mutex<Vec<(IssuerOptions, RemoteIssuer)>>,
}

impl RunningIssuers {
    /// Begins to fetch their keys, which need not be there yet, and tells this cache of what they withdraw.
    ///
    /// # Errors
    /// When one of them may not be asked, or is named twice; all faults at once.
    pub fn start(issuers: &[IssuerOptions], cache: &CredentialCache) -> Result<Self, BadIssuers> {
        let running = started(issuers, &[], cache)?;
        let trusted = TrustedIssuers::of(as_trusted(&running))?.revoking(cache);
        Ok(Self { trusted, cache: cache.clone(), running: Mutex::new(running) })
    }

    /// For a verifier: [`JwtVerifier::trusting_those`](crate::verifier::jwt::JwtVerifier::trusting_those).
    #[must_use]
    pub fn trusted(&self) -> &TrustedIssuers {
        &self.trusted
    }

    /// Each of them, for its health.
    #[must_use]
    pub fn issuers(&self) -> Vec<RemoteIssuer> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(_, issuer)| issuer.clone()).collect()
    }

    /// Trusts these from now on. Who was trusted before by the same settings keeps the keys that were fetched; whoever is gone, or has other
    /// settings, is void at once, in the cache as well.
    ///
    /// # Errors
    /// As [`start`](Self::start); then nothing is changed.
    pub fn reload(&self, issuers: &[IssuerOptions]) -> Result<(), BadIssuers> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let next = started(issuers, &running, &self.cache)?;
        self.trusted.replace_with(as_trusted(&next))?;
        *running = next;
        Ok(())
    }
}

/// Who runs by these settings already, and the others begun.
fn started(
    issuers: &[IssuerOptions],
    running: &[(IssuerOptions, RemoteIssuer)],
    cache: &CredentialCache,
) -> Result<Vec<(IssuerOptions, RemoteIssuer)>, BadIssuers> {
    let (mut faults, mut all) = (Vec::new(), Vec::new());
    for (place, options) in issuers.iter().enumerate() {
        if issuers.iter().take(place).any(|other| other.name == options.name) {
            faults.push(format!("the issuer {:?} is named twice", options.name));
            continue;
        }
        let known = running.iter().find(|(known, _)| known == options).map(|(_, issuer)| issuer.clone());
        match known.map_or_else(|| options.remote().revoking(cache).start(), Ok) {
            Ok(issuer) => all.push((options.clone(), issuer)),
            Err(fault) => faults.push(fault.to_string()),
        }
    }
    if faults.is_empty() { Ok(all) } else { Err(BadIssuers::new(faults)) }
}

fn as_trusted(running: &[(IssuerOptions, RemoteIssuer)]) -> impl Iterator<Item = TrustedIssuer> {
    running.iter().map(|(options, issuer)| options.trusted(issuer))
}

impl fmt::Debug for RunningIssuers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RunningIssuers").field(&self.trusted).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Settings};

    fn issuers(text: &str) -> Vec<IssuerOptions> {
        Config::new().toml("a.toml", text).read::<Settings>().unwrap().issuers
    }

    fn names(running: &RunningIssuers) -> Vec<String> {
        running.issuers().iter().map(|issuer| issuer.name().to_owned()).collect()
    }

    /// Nobody listens at these addresses, and nobody has to.
    #[tokio::test]
    async fn a_file_that_changed_changes_who_is_trusted_and_a_faulty_one_nobody() {
        let first = "[[issuers]]\nname = \"http://127.0.0.1:1/a\"\naudience = [\"people\"]\n";
        let second = "[[issuers]]\nname = \"http://127.0.0.1:1/b\"\naudience = [\"people\"]\n";
        let cache = CredentialCache::default();
        let running = RunningIssuers::start(&issuers(first), &cache).unwrap();
        let before = running.issuers();
        running.reload(&issuers(&format!("{second}{first}"))).unwrap();
        assert_eq!(names(&running), ["http://127.0.0.1:1/b", "http://127.0.0.1:1/a"]);
        assert!(before[0].is(&running.issuers()[1]), "what did not change goes on");

        let faulty = first.replace("http:", "ftp:") + second + second + &first.replace("127.0.0.1", "issuer.example");
        let faults = running.reload(&issuers(&faulty)).unwrap_err();
        let said: Vec<_> = faults.iter().collect();
        assert_eq!(said.len(), 3, "{faults}");
        assert!(
            said[0].contains("ftp:") && said[1].contains("twice") && said[2].contains("issuer.example"),
            "{faults}"
        );
        assert_eq!(names(&running), ["http://127.0.0.1:1/b", "http://127.0.0.1:1/a"]);

        running.reload(&issuers(&first.replace("people", "mail"))).unwrap();
        assert!(!before[0].is(&running.issuers()[0]), "it has other settings");
        running.reload(&[]).unwrap();
        assert!(running.issuers().is_empty());
    }
}
