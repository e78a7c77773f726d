//! How a browser is to keep a cookie: its domain, its path, from whose pages it is sent, and for how long.

use std::time::Duration;

pub(super) const HOST_PREFIX: &str = "__Host-";
pub(super) const SECURE_PREFIX: &str = "__Secure-";

/// 400 days, in seconds: no browser keeps a cookie longer (RFC 6265bis §5.5), and some clients read no number that is much larger.
pub(crate) const LONGEST_AGE: u64 = 400 * 24 * 60 * 60;

/// How a browser is to keep a cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Jar {
    pub(super) domain: Option<Box<str>>,
    pub(super) path: Box<str>,
    pub(super) same_site: SameSite,
    pub(super) outlives_the_browser: bool,
    pub(super) bare: bool,
}

/// From whose pages a browser sends a cookie along (RFC 6265bis §5.6.7). What each costs stands in the [cookie](super::signed).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "config", derive(serde::Deserialize), serde(rename_all = "lowercase"))]
#[expect(clippy::exhaustive_enums, reason = "browsers know these three")]
pub enum SameSite {
    /// From pages of this site alone.
    Strict,
    /// From pages of this site, and where somebody follows a link to it.
    #[default]
    Lax,
    /// From everybody's pages.
    None,
}

impl Default for Jar {
    fn default() -> Self {
        Self { domain: None, path: "/".into(), same_site: SameSite::Lax, outlives_the_browser: true, bare: false }
    }
}

impl Jar {
    /// What a name begins with over TLS, so that it tells who may have set the cookie.
    pub(super) fn prefix(&self) -> &'static str {
        match self {
            Self { bare: true, .. } => "",
            Self { domain: None, path, .. } if **path == *"/" => HOST_PREFIX,
            _ => SECURE_PREFIX,
        }
    }

    /// What stands behind name and value. Without a life the browser forgets it when it is closed.
    pub(super) fn attributes(&self, secure: bool, max_age: Option<Duration>) -> String {
        let same_site = match self.same_site {
            SameSite::Strict => "Strict",
            SameSite::None if secure => "None",
            SameSite::Lax | SameSite::None => "Lax",
        };
        let mut text = format!("; HttpOnly; SameSite={same_site}; Path={}", self.path);
        if let Some(domain) = &self.domain {
            text.push_str(&format!("; Domain={domain}"));
        }
        if let Some(max_age) = max_age {
            text.push_str(&format!("; Max-Age={}", max_age.as_secs().min(LONGEST_AGE)));
        }
        if secure {
            text.push_str("; Secure");
        }
        text
    }

    /// What no browser would keep of the cookie of this name, or no gate may take.
    pub(super) fn faults(&self, name: &str) -> Vec<String> {
        let mut faults = Vec::new();
        if let Some(domain) = self.domain.as_ref().filter(|domain| !is_domain(domain)) {
            faults.push(format!(
                "{domain:?} cannot be the domain of the cookie {name:?}: write a name with a dot inside and none around it, such as example.com"
            ));
        }
        let is_path =
            self.path.starts_with('/') && self.path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';');
        if !is_path {
            faults.push(format!(
                "{:?} cannot be the path of the cookie {name:?}: it begins with a slash, and has no `;` and nothing that is not printable ASCII",
                self.path
            ));
        }
        if self.bare {
            faults.push(format!(
                "the cookie {name:?} has a name that anybody can set, so that no gate can take it as a credential; leave out .with_a_name_that_anybody_can_set()"
            ));
        }
        faults
    }
}

/// Names with a dot, of which browsers take those that are no public suffix; an address has no hosts below it.
fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = domain.rsplit('.').next().unwrap_or_default();
    domain.contains('.')
        && domain.len() <= 253
        && domain.split('.').all(is_label)
        && !last.bytes().all(|byte| byte.is_ascii_digit())
}
