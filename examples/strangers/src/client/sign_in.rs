//! Signing in from a terminal: the device grant (RFC 8628), and refresh tokens that turn into tokens for one server each (RFC 8707).

use std::{error::Error, time::Duration};

use serde::Deserialize;
use tokio::time::sleep;

use crate::{
    discovery::Server,
    web::{Got, Web},
};

/// Somebody who signed in, or is about to. A longer-lived client would keep the refresh token in the keyring of its system.
pub(crate) struct SignedIn<'s> {
    server: &'s Server,
    client: &'s str,
    has: Has,
}

/// What the next token is asked for with.
enum Has {
    /// A code, about which somebody is still being asked.
    Code(Codes),
    RefreshToken(String),
    Nothing,
}

#[derive(Deserialize)]
struct Codes {
    device_code: String,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    #[serde(default = "five")]
    interval: u64,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: Option<String>,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
}

fn five() -> u64 {
    5
}

impl<'s> SignedIn<'s> {
    pub(crate) async fn begin(
        web: &Web,
        server: &'s Server,
        client: &'s str,
        scope: &str,
    ) -> Result<Self, Box<dyn Error>> {
        let got = web.post(&server.device_authorization_endpoint, &[("client_id", client), ("scope", scope)]).await?;
        let codes: Codes = read(&got)?;
        let page = codes.verification_uri_complete.as_ref().unwrap_or(&codes.verification_uri);
        // What a server says may hold what a terminal obeys.
        println!("open {}\nand see that it shows {}", plain(page), plain(&codes.user_code));
        Ok(Self { server, client, has: Has::Code(codes) })
    }

    /// A token for this server alone: what another one could send on would be worth nothing here.
    pub(crate) async fn token_for(&mut self, web: &Web, resource: &str) -> Result<String, Box<dyn Error>> {
        let common = [("client_id", self.client), ("resource", resource)];
        let tokens: Tokens = match &self.has {
            Has::Code(codes) => {
                let code = ("device_code", codes.device_code.as_str());
                let grant = ("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
                let mut pause = Duration::from_secs(codes.interval.max(1));
                loop {
                    sleep(pause).await;
                    let got = web.post(&self.server.token_endpoint, &[&common[..], &[grant, code]].concat()).await?;
                    match got.json::<Refused>() {
                        Ok(refused) if refused.error == "authorization_pending" => {}
                        Ok(refused) if refused.error == "slow_down" => pause += Duration::from_secs(5),
                        _ => break read(&got)?,
                    }
                }
            }
            Has::RefreshToken(token) => {
                let grant = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
                read(&web.post(&self.server.token_endpoint, &[&common[..], &grant].concat()).await?)?
            }
            Has::Nothing => return Err("the server gives no refresh token, and so a token for one server alone".into()),
        };
        self.has = tokens.refresh_token.map_or(Has::Nothing, Has::RefreshToken);
        Ok(tokens.access_token)
    }
}

fn read<T: serde::de::DeserializeOwned>(got: &Got) -> Result<T, Box<dyn Error>> {
    if got.status == 200 {
        return got.json();
    }
    let said =
        got.json::<Refused>().map_or_else(|_| "something else than an answer".to_owned(), |refused| refused.error);
    Err(format!("{}: {}", got.status, plain(&said)).into())
}

fn plain(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}
