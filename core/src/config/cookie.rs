//! How the cookie of a session is set up: [`CookieOptions`].

use serde::Deserialize;

use crate::{
    credential::{SignedCookie, cookie::SameSite},
    secret::KeyRing,
};

/// How a signed cookie is called, and how a browser is to keep it. What each costs stands at the [cookie](crate::credential::cookie::signed).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CookieOptions {
    /// Its name, without the prefix that it gets over TLS: `session`.
    pub name: String,
    /// The domain whose hosts get it; none means this host alone.
    pub domain: Option<String>,
    /// Below which path a browser sends it: `/`, if nothing is said.
    pub path: Option<String>,
    /// From whose pages it is sent along: `lax`.
    pub same_site: SameSite,
    /// Whether the browser forgets it when it is closed: no.
    pub until_the_browser_closes: bool,
}

impl Default for CookieOptions {
    fn default() -> Self {
        Self {
            name: "session".to_owned(),
            domain: None,
            path: None,
            same_site: SameSite::default(),
            until_the_browser_closes: false,
        }
    }
}

impl CookieOptions {
    /// The cookie, signed by this ring. What is wrong with its name, domain or path a gate says when it is
    /// [built](crate::gate::GateBuilder::build).
    #[must_use]
    pub fn cookie(&self, keys: KeyRing) -> SignedCookie {
        let cookie = SignedCookie::named(&self.name, keys).same_site(self.same_site);
        let cookie = self.domain.iter().fold(cookie, |cookie, domain| cookie.in_domain(domain));
        let cookie = self.path.iter().filter(|path| *path != "/").fold(cookie, |cookie, path| cookie.below(path));
        if self.until_the_browser_closes { cookie.until_the_browser_closes() } else { cookie }
    }
}
