//! What endpoints read of a body, and of the fields that are theirs alone.

use countersign::{
    Reply,
    jose::{JwtAlgorithm, JwtKey, JwtSigner},
    mint::{
        access_token::AccessTokens,
        api_key::{ApiKeyEndpoints, ApiKeys},
        back_channel::BackChannelLogout,
        device_bound::DeviceSessions,
        refresh_token::{RefreshEndpoints, RefreshTokens},
        sign_in::SignIn,
    },
    store::{MemoryDeviceSessions, MemoryReplay, MemoryTokens},
    verifier::jwt::{LogoutTokens, TrustedIssuer},
};

use super::*;

/// Emily's name and password.
const EMILY: &str = "Basic ZW1pbHk6czNjcmV0";

fn gate() -> Gate<String> {
    let scopes = "reports:read".parse().unwrap();
    let emily = Verified::new("emily".to_owned()).with_subject("emily").with_scopes(scopes);
    let passwords = PasswordTable::new().with("emily", "s3cret", emily);
    Gate::in_realm("people").accept(Basic, passwords).timed_by(clock()).build().unwrap()
}

fn asking(body: String) -> (PlainHead, String) {
    let head = PlainHead::new("POST", "/").with("content-type", "application/json").with("authorization", EMILY);
    (head, body)
}

fn numbered(n: usize) -> Vec<String> {
    (0..n).map(|number| format!("s{number}")).collect()
}

fn api_keys(gate: &Gate<String>) -> Endpoint<String> {
    let keys = ApiKeys::new("ppl_".parse().unwrap(), Arc::new(MemoryApiKeys::default()), Arc::new(Anybody));
    ApiKeyEndpoints::new(keys.timed_by(clock())).create(gate)
}

fn refreshing() -> RefreshEndpoints<String> {
    let access = AccessTokens::issued_by("https://people.example", JwtSigner::fresh().unwrap()).timed_by(clock());
    let access = access.for_audience("people", Arc::new(Anybody)).unwrap();
    RefreshEndpoints::new(RefreshTokens::new("pplr_".parse().unwrap(), access, Arc::new(MemoryTokens::default())))
}

pub(crate) fn of_bodies() -> Vec<Row> {
    let issue = |gate: &Gate<String>| refreshing().issue(gate);
    let refresh = |gate: &Gate<String>| refreshing().refresh(gate);
    let members =
        |gate: &Gate<String>| SignIn::at(gate).then(Arc::new(PasswordTable::new()), |_| async { Ok(Reply::new(204)) });
    let logout = |gate: &Gate<String>| {
        let key = JwtKey::secret(JwtAlgorithm::Hs256, &Secret::new("0123456789abcdef0123456789abcdef")).unwrap();
        let issuer = TrustedIssuer::named("https://issuer.example").audience("people").key(key);
        let tokens = LogoutTokens::of(issuer, Arc::new(MemoryReplay::default())).unwrap().timed_by(clock());
        BackChannelLogout::new(tokens, Arc::new(NoSessions)).endpoint(gate)
    };
    let form =
        |body: String| (PlainHead::new("POST", "/").with("content-type", "application/x-www-form-urlencoded"), body);
    vec![
        read_by("scopes of a key", gate, api_keys, |n| {
            asking(serde_json::json!({"name":"a","scopes":numbered(n)}).to_string())
        }),
        read_by("one scope of a key again and again", gate, api_keys, |n| {
            asking(serde_json::json!({"name":"a","scopes":vec!["reports:read"; n]}).to_string())
        }),
        read_by("the name of a key", gate, api_keys, |n| asking(serde_json::json!({"name":"a".repeat(n)}).to_string())),
        read_by("a time", gate, api_keys, |n| asking(format!("{{\"name\":\"a\",\"expires_in\":{}}}", "9".repeat(n)))),
        read_by("scopes of a token", gate, issue, |n| {
            asking(serde_json::json!({"scope":numbered(n).join(" ")}).to_string())
        }),
        read_by("one scope of a token again and again", gate, issue, |n| {
            asking(serde_json::json!({"scope":"reports:read ".repeat(n)}).to_string())
        }),
        read_by("a refresh token", gate, refresh, |n| {
            asking(serde_json::json!({"refresh_token":"a".repeat(n)}).to_string())
        }),
        read_by("members of json", gate, members, |n| {
            let each: Vec<String> = (0..n).map(|number| format!("\"{number}\":0")).collect();
            asking(format!("{{{}}}", each.join(",")))
        }),
        read_by("fields of a form", gate, members, move |n| {
            form((0..n).map(|number| format!("a{number}=b&")).collect::<String>())
        }),
        read_by("a logout token", gate, logout, move |n| form(format!("logout_token={}", "a.".repeat(n)))),
        read_by("logout tokens", gate, logout, move |n| form("logout_token=a&".repeat(n))),
        read_by("members of a logout token's header", gate, logout, move |n| {
            let more: String = (0..n).map(|number| format!(",\"a{number}\":0")).collect();
            form(format!("logout_token={}.e30.AAAA", b64(format!("{{\"alg\":\"HS256\"{more}}}"))))
        }),
    ]
}

/// Whose sessions are nobody's.
struct NoSessions;

#[countersign::async_trait]
impl countersign::mint::back_channel::EndSessions for NoSessions {
    async fn end(&self, _: &countersign::verifier::jwt::Logout) -> Result<(), countersign::Unavailable> {
        Ok(())
    }
}

pub(crate) fn of_devices() -> Vec<Row> {
    let sessions = || {
        let (store, replay) = (Arc::new(MemoryDeviceSessions::default()), Arc::new(MemoryReplay::default()));
        DeviceSessions::below("/dbsc", keys(), store, replay, Arc::new(Anybody)).timed_by(clock())
    };
    let register = move |gate: &Gate<String>| sessions().register(gate);
    let refresh = move |gate: &Gate<String>| sessions().refresh(gate);
    let sent = |fields: &[(&str, String)]| {
        let head = fields.iter().fold(PlainHead::new("POST", "/"), |head, (name, value)| head.with(name, value));
        (head, String::new())
    };
    vec![
        read_by("cookies", gate, register, move |n| sent(&[("cookie", "dbsc_session=a; ".repeat(n))])),
        read_by("the string around a proof", gate, register, move |n| {
            sent(&[("cookie", "a=b".to_owned()), ("secure-session-response", format!("\"{}\"", "\\\"".repeat(n)))])
        }),
        read_by("the identifier", gate, refresh, move |n| sent(&[("sec-secure-session-id", "a".repeat(n))])),
        read_by("dots of a proof", gate, refresh, move |n| {
            sent(&[("sec-secure-session-id", "a".to_owned()), ("secure-session-response", ".".repeat(n))])
        }),
    ]
}
