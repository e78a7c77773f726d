//! Whose tokens are trusted: [`IssuerOptions`].

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error};

use super::units;
use crate::{
    jose::JwtAlgorithm,
    verifier::{
        jwt::TrustedIssuer,
        remote::{RemoteIssuer, RemoteIssuerBuilder},
    },
};

/// An issuer elsewhere, whose keys are fetched, and whom its tokens must be for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct IssuerOptions {
    /// Its name: the `iss` of its tokens, byte for byte, and where it is found.
    pub name: String,
    /// The audiences, one of which its tokens must name. A token that was made for another service must not be good here.
    #[serde(deserialize_with = "one_at_least")]
    pub audience: Vec<String>,
    /// Where its keys are; the issuer is asked, if nothing is said.
    #[serde(default)]
    pub keys_at: Option<String>,
    /// What RSA keys are for that do not say it themselves: RS256.
    #[serde(default = "rs256", deserialize_with = "algorithm")]
    pub rsa_keys_for: JwtAlgorithm,
    /// After how long its keys are fetched anew: five minutes.
    #[serde(default = "five_minutes", deserialize_with = "units::span")]
    pub renewed_every: Duration,
    /// How long its last keys count while it cannot be asked: an hour.
    #[serde(default = "an_hour", deserialize_with = "units::span")]
    pub kept_for: Duration,
}

impl IssuerOptions {
    /// The issuer, before it is asked for its keys.
    pub fn remote(&self) -> RemoteIssuerBuilder {
        let builder = RemoteIssuer::named(&self.name)
            .rsa_keys_for(self.rsa_keys_for)
            .renewed_every(self.renewed_every)
            .kept_for(self.kept_for);
        self.keys_at.iter().fold(builder, |builder, address| builder.keys_at(address))
    }

    /// The issuer as a verifier trusts it, for these audiences.
    #[must_use]
    pub fn trusted(&self, issuer: &RemoteIssuer) -> TrustedIssuer {
        self.audience.iter().fold(issuer.trusted(), |trusted, audience| trusted.audience(audience))
    }
}

fn one_at_least<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    if names.is_empty() || names.iter().any(String::is_empty) {
        return Err(D::Error::custom("it must name one audience at least, as its tokens name it"));
    }
    Ok(names)
}

fn algorithm<'de, D: Deserializer<'de>>(deserializer: D) -> Result<JwtAlgorithm, D::Error> {
    let name = String::deserialize(deserializer)?;
    let known = JwtAlgorithm::named(&name).filter(|known| known.must_be_of_rsa().is_ok());
    known.ok_or_else(|| D::Error::custom("write one of RS256, RS384, RS512, PS256, PS384, PS512"))
}

fn rs256() -> JwtAlgorithm {
    JwtAlgorithm::Rs256
}

fn five_minutes() -> Duration {
    Duration::from_secs(300)
}

fn an_hour() -> Duration {
    Duration::from_secs(3600)
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Settings};

    #[test]
    fn every_issuer_has_a_name_and_an_audience() {
        let text = r#"
[[issuers]]
name = "https://a.example"
audience = ["people"]

[[issuers]]
name = "https://b.example"

[[issuers]]
name = "https://c.example"
audience = []
rsa_keys_for = "ES256"

[[issuers]]
name = "https://d.example"
audience = ["people", "mail"]
keys_at = "https://d.example/keys"
rsa_keys_for = "PS256"
renewed_every = "1m"
"#;
        let faults = Config::new().toml("a.toml", text).read::<Settings>().unwrap_err();
        let named: Vec<_> = faults.iter().map(|fault| (fault.place(), fault.path().to_owned())).collect();
        let expected = [
            ("a.toml:6", "issuers[1]"),
            ("a.toml:11", "issuers[2].audience"),
            ("a.toml:12", "issuers[2].rsa_keys_for"),
        ];
        assert_eq!(named, expected.map(|(place, path)| (place.to_owned(), path.to_owned())), "{faults}");
        let good = Config::new().toml("a.toml", text.split("\n\n[[issuers]]\nname = \"https://b").next().unwrap());
        let settings: Settings = good.read().unwrap();
        assert_eq!((settings.issuers.len(), settings.issuers[0].audience.as_slice()), (1, &["people".to_owned()][..]));
    }
}
