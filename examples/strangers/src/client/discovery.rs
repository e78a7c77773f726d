//! From a refusal to the server that issues tokens: RFC 9728, then RFC 8414.

use std::error::Error;

use serde::Deserialize;

use crate::web::Web;

/// What a server wants of who asks.
pub(crate) struct Wanted {
    /// What was asked for.
    pub(crate) address: String,
    /// What the token has to be for.
    pub(crate) resource: String,
    /// Who issues it.
    pub(crate) issuer: String,
    pub(crate) scope: String,
}

#[derive(Deserialize)]
struct ResourceMetadata {
    resource: String,
    authorization_servers: Vec<String>,
    #[serde(default)]
    scopes_supported: Vec<String>,
}

/// Where an authorization server has what.
#[derive(Deserialize)]
pub(crate) struct Server {
    issuer: String,
    pub(crate) token_endpoint: String,
    pub(crate) device_authorization_endpoint: String,
}

/// What is there for anybody, or else what is wanted.
pub(crate) async fn ask(web: &Web, address: &str) -> Result<Result<String, Wanted>, Box<dyn Error>> {
    let got = web.get(address, None).await?;
    if got.status != 401 {
        return got.text().map(Ok);
    }
    let challenges = got.challenges.iter().filter_map(|text| http_auth::parse_challenges(text).ok()).flatten();
    let bearer = challenges.into_iter().find(|challenge| challenge.scheme.eq_ignore_ascii_case("bearer"));
    let bearer = bearer.ok_or_else(|| format!("{address} takes no bearer tokens"))?;
    let parameter = |name: &str| {
        let mut found = bearer.params.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.to_unescaped())
    };
    let at = parameter("resource_metadata").ok_or_else(|| format!("{address} does not say where its metadata is"))?;
    let metadata: ResourceMetadata = web.get(&at, None).await?.json()?;
    // RFC 9728 §3.3: a server speaks for itself alone.
    if metadata.resource != address {
        return Err(format!("{address} has the metadata of {}", metadata.resource).into());
    }
    let issuer = metadata.authorization_servers.into_iter().next().ok_or("no server issues tokens for it")?;
    let scope = parameter("scope").unwrap_or_else(|| metadata.scopes_supported.join(" "));
    Ok(Err(Wanted { address: address.to_owned(), resource: metadata.resource, issuer, scope }))
}

/// The metadata of an authorization server, which must name it byte for byte.
pub(crate) async fn server(web: &Web, issuer: &str) -> Result<Server, Box<dyn Error>> {
    // OpenID appends the path, RFC 8414 puts it between host and path.
    let host_ends = issuer.find("://").and_then(|at| issuer.get(at + 3..)?.find('/').map(|slash| at + 3 + slash));
    let (origin, path) = issuer.split_at_checked(host_ends.unwrap_or(issuer.len())).ok_or("a bad issuer")?;
    for address in [
        format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')),
        format!("{origin}/.well-known/oauth-authorization-server{}", path.trim_end_matches('/')),
    ] {
        let got = web.get(&address, None).await?;
        if got.status != 200 {
            continue;
        }
        let server: Server = got.json()?;
        if server.issuer == issuer {
            return Ok(server);
        }
        return Err(format!("{address} is not of {issuer}").into());
    }
    Err(format!("{issuer} has no metadata").into())
}
