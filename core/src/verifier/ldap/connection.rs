//! Connections to an LDAP server: one that reads, and some that try passwords.

use std::{fmt::Display, future::Future, sync::Arc, time::Duration};

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, ResultEntry, Scope, SearchEntry, SearchOptions};
use tokio::{sync::Mutex, time::timeout};
use tokio_rustls::rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::{
    LdapSetupError,
    address::{Address, Security},
};
use crate::{secret::Secret, unavailable::Unavailable};

/// How long the server may take to answer one question, a new connection included.
const PATIENCE: Duration = Duration::from_secs(4);

/// How many connections are kept on which passwords were tried.
const IDLE: usize = 8;

/// How many groups of one user are read.
const MOST_GROUPS: i32 = 1000;

/// Results of a bind that say no (RFC 4511 §A.1): there is no such entry, or its password is wrong, may not be used, or not any more.
const NO: [u32; 5] = [19, 32, 48, 49, 53];

/// The connections to one server. They are made when they are needed.
pub(super) struct Connections {
    address: Address,
    tls: Option<Arc<ClientConfig>>,
    reader: Option<(Box<str>, Secret)>,
    /// Whoever reads may read at the same time as others.
    reading: Mutex<Option<Ldap>>,
    /// Whoever binds has a connection alone, since it is theirs afterwards. Nothing but another bind is asked on it.
    binding: Mutex<Vec<Ldap>>,
}

/// What a search for one entry found.
pub(super) enum Found {
    /// An entry, and the name as it writes it.
    One { dn: Box<str>, name: Box<str> },
    /// None, or several; below this entry.
    None(Box<str>),
}

impl Connections {
    pub(super) fn to(
        address: Address,
        roots: Option<&str>,
        reader: Option<(Box<str>, Secret)>,
    ) -> Result<Self, LdapSetupError> {
        let tls = match address.security {
            Security::Loopback => None,
            Security::Tls | Security::StartTls => Some(Arc::new(configuration(roots)?)),
        };
        Ok(Self { address, tls, reader, reading: Mutex::default(), binding: Mutex::default() })
    }

    /// The one entry below this one that has this name as this attribute.
    pub(super) async fn find(&self, base: &str, attribute: &str, name: &str) -> Result<Found, Unavailable> {
        let filter = format!("({attribute}={})", ldap3::ldap_escape(name));
        let found = self.search(base, &filter, attribute, 2).await?;
        let (1, Some(entry)) = (found.len(), found.into_iter().next()) else { return Ok(Found::None(base.into())) };
        let SearchEntry { dn, attrs, .. } = SearchEntry::construct(entry);
        // Servers compare without case, and write an attribute as its entry has it.
        let known = attrs.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(attribute));
        let known = known.map(|(_, names)| names).unwrap_or_default();
        let is_it = |known: &&String| known.to_lowercase() == name.to_lowercase();
        let name = known.iter().find(is_it).or(known.first()).map_or(name, String::as_str);
        Ok(Found::One { dn: dn.into(), name: name.into() })
    }

    /// The names of the entries below this one that fit.
    pub(super) async fn names(&self, base: &str, filter: &str) -> Result<Vec<Box<str>>, Unavailable> {
        let found = self.search(base, filter, "cn", MOST_GROUPS).await?;
        let names = found.into_iter().filter_map(|entry| SearchEntry::construct(entry).attrs.remove("cn"));
        Ok(names.filter_map(|names| names.into_iter().next()).map(Into::into).collect())
    }

    /// Whether the server lets this entry bind with this password.
    pub(super) async fn lets_bind(&self, dn: &str, password: &str) -> Result<bool, Unavailable> {
        let kept = self.binding.lock().await.pop();
        let bound = match kept {
            // It may have been closed while nobody looked.
            Some(kept) => match self.bind(kept, dn, password).await {
                Ok(bound) => Ok(bound),
                Err(_) => self.bind(self.connect().await?, dn, password).await,
            },
            None => self.bind(self.connect().await?, dn, password).await,
        };
        let (ldap, code) = bound?;
        let mut idle = self.binding.lock().await;
        if idle.len() < IDLE {
            idle.push(ldap);
        }
        drop(idle);
        match code {
            0 => Ok(true),
            code if NO.contains(&code) => Ok(false),
            code => Err(Unavailable::because(format!("the LDAP server answers a bind with {code}"))),
        }
    }

    async fn bind(&self, mut ldap: Ldap, dn: &str, password: &str) -> Result<(Ldap, u32), Unavailable> {
        let result = within(ldap.simple_bind(dn, password)).await?;
        Ok((ldap, result.rc))
    }

    /// Entries, without references to other servers, of which nobody knows what they would say.
    async fn search(
        &self,
        base: &str,
        filter: &str,
        attribute: &str,
        most: i32,
    ) -> Result<Vec<ResultEntry>, Unavailable> {
        let kept = self.reading.lock().await.clone();
        let kept = kept.filter(|kept| !kept.clone().is_closed());
        let is_kept = kept.is_some();
        let mut ldap = match kept {
            Some(kept) => kept,
            None => self.read_anew().await?,
        };
        match Self::searched(&mut ldap, base, filter, attribute, most).await {
            Ok(found) => Ok(found),
            // What was kept may be half open; a new connection tells.
            Err(_) if is_kept => {
                let mut fresh = self.read_anew().await?;
                Self::searched(&mut fresh, base, filter, attribute, most).await
            }
            Err(source) => Err(source),
        }
    }

    async fn searched(
        ldap: &mut Ldap,
        base: &str,
        filter: &str,
        attribute: &str,
        most: i32,
    ) -> Result<Vec<ResultEntry>, Unavailable> {
        ldap.with_search_options(SearchOptions::new().sizelimit(most));
        let result = within(ldap.search(base, Scope::Subtree, filter, vec![attribute])).await?;
        // That there are more than were asked for is an answer too (RFC 4511 §A.1, sizeLimitExceeded); that the base is not there is none.
        match result.1.rc {
            0 | 4 => Ok(result.0.into_iter().filter(|entry| !entry.is_ref() && !entry.is_intermediate()).collect()),
            code => Err(Unavailable::because(format!("the LDAP server answers a search with {code}"))),
        }
    }

    /// A new connection that may read, in place of the one before. Nobody waits while it is made but who needs it.
    async fn read_anew(&self) -> Result<Ldap, Unavailable> {
        let fresh = self.as_reader().await?;
        *self.reading.lock().await = Some(fresh.clone());
        Ok(fresh)
    }

    async fn as_reader(&self) -> Result<Ldap, Unavailable> {
        let ldap = self.connect().await?;
        let Some((dn, password)) = &self.reader else { return Ok(ldap) };
        let password = std::str::from_utf8(password.expose()).unwrap_or_default();
        match self.bind(ldap, dn, password).await? {
            (ldap, 0) => Ok(ldap),
            (_, code) => Err(Unavailable::because(format!("the LDAP server answers its reader with {code}"))),
        }
    }

    async fn connect(&self) -> Result<Ldap, Unavailable> {
        let settings = LdapConnSettings::new().set_conn_timeout(PATIENCE);
        let settings = settings.set_starttls(self.address.security == Security::StartTls);
        let settings = match &self.tls {
            Some(tls) => settings.set_config(Arc::clone(tls)),
            None => settings,
        };
        let (connection, ldap) = within(LdapConnAsync::with_settings(settings, &self.address.url)).await?;
        // It ends with the last of its handles.
        tokio::spawn(async move {
            if let Err(error) = connection.drive().await {
                tracing::debug!(target: "countersign", "a connection to an LDAP server ends: {error}");
            }
        });
        Ok(ldap)
    }
}

/// An answer in time.
async fn within<T>(asked: impl Future<Output = Result<T, LdapError>>) -> Result<T, Unavailable> {
    let none = |why: &dyn Display| Unavailable::because(format!("the LDAP server cannot be asked: {why}"));
    match timeout(PATIENCE, asked).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(none(&error)),
        Err(late) => Err(none(&late)),
    }
}

fn configuration(roots: Option<&str>) -> Result<ClientConfig, LdapSetupError> {
    let mut trusted = RootCertStore::empty();
    match roots {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(|_| LdapSetupError::Roots)?;
                trusted.add(certificate).map_err(|_| LdapSetupError::Roots)?;
            }
            if trusted.is_empty() {
                return Err(LdapSetupError::Roots);
            }
        }
        None => {
            trusted.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if trusted.is_empty() {
                return Err(LdapSetupError::NoRoots);
            }
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|_| LdapSetupError::NoRoots)?;
    Ok(builder.with_root_certificates(trusted).with_no_client_auth())
}
