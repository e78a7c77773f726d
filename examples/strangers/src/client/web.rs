//! HTTP, as a client that holds tokens speaks it: without redirects, and over TLS but to this machine.

use std::{error::Error, time::Duration};

use reqwest::{Client, RequestBuilder, Url, header::WWW_AUTHENTICATE, redirect::Policy};
use serde::de::DeserializeOwned;

/// A client. A redirect is an answer like any other, so that no token goes where nobody meant it to.
pub(crate) struct Web(Client);

/// What came back.
pub(crate) struct Got {
    pub(crate) status: u16,
    /// Its challenges.
    pub(crate) challenges: Vec<String>,
    body: Vec<u8>,
}

impl Web {
    pub(crate) fn new() -> Result<Self, Box<dyn Error>> {
        Ok(Self(Client::builder().redirect(Policy::none()).timeout(Duration::from_secs(10)).build()?))
    }

    pub(crate) async fn get(&self, address: &str, token: Option<&str>) -> Result<Got, Box<dyn Error>> {
        let request = self.0.get(checked(address)?);
        self.send(match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
        .await
    }

    pub(crate) async fn post(&self, address: &str, fields: &[(&str, &str)]) -> Result<Got, Box<dyn Error>> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.0.post(checked(address)?).header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(form)).await
    }

    async fn send(&self, request: RequestBuilder) -> Result<Got, Box<dyn Error>> {
        let response = request.send().await?;
        let challenges = response.headers().get_all(WWW_AUTHENTICATE).iter();
        let challenges = challenges.filter_map(|value| value.to_str().ok().map(str::to_owned)).collect();
        Ok(Got { status: response.status().as_u16(), challenges, body: response.bytes().await?.to_vec() })
    }
}

impl Got {
    /// The body, of an answer that is a yes.
    pub(crate) fn text(&self) -> Result<String, Box<dyn Error>> {
        let text = String::from_utf8_lossy(&self.body).into_owned();
        if self.status == 200 { Ok(text) } else { Err(format!("{}: {text}", self.status).into()) }
    }

    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Box<dyn Error>> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

fn checked(address: &str) -> Result<Url, Box<dyn Error>> {
    let url = Url::parse(address)?;
    let here = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
    if url.scheme() == "https" || (here && url.scheme() == "http") {
        Ok(url)
    } else {
        Err(format!("{url} is not called: https is needed, or http on this very machine").into())
    }
}
