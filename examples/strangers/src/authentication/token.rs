//! The token endpoint: a code that somebody said yes to, or a refresh token, becomes tokens for one server (RFC 6749, RFC 8707).

use axum::{body::Bytes, extract::State};
use countersign::Reply;
use countersign_axum::{ClientInfo, Written};
use serde_json::{Value, json};

use crate::{App, devices::GRANT};

/// The one client that there is. It has no secret: a program that everybody has can keep none.
pub(crate) const CLIENT: &str = "strangers-client";

/// An error of OAuth (RFC 6749 §5.2).
pub(crate) fn error(code: &str) -> Reply {
    json_reply(400, &json!({ "error": code }))
}

/// JSON that is nobody else's.
pub(crate) fn json_reply(status: u16, document: &Value) -> Reply {
    Reply::new(status).with("cache-control", "no-store").with_body("application/json", document.to_string())
}

/// The fields of a form.
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn read(body: &Bytes) -> Result<Self, Reply> {
        let fields = form_urlencoded::parse(body).into_owned().collect();
        std::str::from_utf8(body).map(|_| Self(fields)).map_err(|_| error("invalid_request"))
    }

    /// The field of this name, which may stand there once.
    pub(crate) fn only(&self, name: &str) -> Result<Option<&str>, Reply> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(error("invalid_request")),
        }
    }

    pub(crate) fn needed(&self, name: &str) -> Result<&str, Reply> {
        self.only(name)?.ok_or_else(|| error("invalid_request"))
    }
}

/// `grant_type`, `client_id`, `resource` (the address of the server that the tokens are for), and what the grant needs.
pub(crate) async fn token(State(app): State<App>, from: ClientInfo, body: Bytes) -> Written {
    // To its end, whoever hangs up: a refresh token that was spent without an answer is lost.
    let answered = tokio::spawn(async move { answer(&app, &from, &body).await }).await;
    answered.unwrap_or_else(|_| Err(error("server_error").status_is(500))).unwrap_or_else(|refused| refused).into()
}

async fn answer(app: &App, from: &ClientInfo, body: &Bytes) -> Result<Reply, Reply> {
    let form = Form::read(body)?;
    if form.only("client_id")? != Some(CLIENT) {
        return Err(error("invalid_client"));
    }
    let server = form.needed("resource")?;
    let tokens = app.tokens.get(server).ok_or_else(|| error("invalid_target"))?;
    let issued = match form.needed("grant_type")? {
        GRANT => {
            let (subject, scopes) = app.devices.take(form.needed("device_code")?)?;
            tokens.begin(&subject, Some(&scopes), from).await
        }
        "refresh_token" => tokens.refresh(form.needed("refresh_token")?.as_bytes(), from, &app.cache).await,
        _ => return Err(error("unsupported_grant_type")),
    };
    match issued {
        Ok(Some(issued)) => Ok(issued.reply()),
        Ok(None) => Err(error("invalid_grant")),
        Err(_) => Err(error("temporarily_unavailable").status_is(503)),
    }
}
