//! What the Play framework signs: [`Play`], and [`PlayLegacy`] of before version 2.6.

use std::time::{Duration, SystemTime};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    CookieFormat, Document, OpenedCookie, UNSIGNED, faults_of,
    mac::{MacHash, Written, cut_last},
    seconds,
};
use crate::{
    credential::Raw,
    observe::why::{OrSay, apart},
    request::query::decoded,
    secret::Secret,
};

/// How far Play lets clocks be apart.
const SKEW: Duration = Duration::from_secs(300);

/// A session of Play since 2.6 (`PLAY_SESSION`): a JWT by HMAC-SHA256, with the session in its claim `data`.
///
/// The algorithm is never the token's to choose, and `crit` is refused. Clocks may be 300 seconds apart. **Play gives a session no end unless
/// `play.http.session.maxAge` is set**: such a cookie is good until the secret changes, whoever holds a copy. The name is not bound: Play signs
/// its flash cookie alike.
///
/// # Example
/// ```
/// use countersign::{
///     Secret,
///     credential::cookie::foreign::{CookieFormat, Play},
/// };
/// use std::time::SystemTime;
///
/// let play = Play::signed_by(Secret::new("a secret of the application, as long as it should be"));
/// let now = SystemTime::now();
/// let sealed = play.seal([("user", "emma")], now, None);
/// let opened = play.open("PLAY_SESSION", sealed.as_bytes().into(), now).unwrap();
/// assert_eq!(opened.value().member::<String>("user").as_deref(), Some("emma"));
/// assert!(
///     play.open(
///         "PLAY_SESSION",
///         b"eyJhbGciOiJub25lIn0.eyJkYXRhIjp7InVzZXIiOiJlbW1hIn19.".into(),
///         now
///     )
///     .is_none()
/// );
/// ```
///
/// # What it does not do
/// It does not read what `play.http.session.jwt.signatureAlgorithm` was set to beside HMAC-SHA256.
#[derive(Debug, Clone)]
pub struct Play {
    secrets: Vec<Secret>,
}

/// A session of Play before 2.6: the HMAC-SHA1 in hex, a dash, and the session as a form. It holds no time and no name.
///
/// # Example
/// ```
/// use countersign::{
///     Secret,
///     credential::cookie::foreign::{CookieFormat, PlayLegacy},
/// };
/// use std::time::SystemTime;
///
/// let play = PlayLegacy::signed_by(Secret::new("changeme"));
/// let value = b"116d8da7c5283e81341db8a0c0fb5f188f9b0277-hello=world";
/// let opened = play.open("PLAY_SESSION", value.into(), SystemTime::now()).unwrap();
/// assert_eq!(opened.value().member::<String>("hello").as_deref(), Some("world"));
/// assert!(
///     play.open(
///         "PLAY_SESSION",
///         b"116d8da7c5283e81341db8a0c0fb5f188f9b0277-hello=emma".into(),
///         SystemTime::now()
///     )
///     .is_none()
/// );
/// ```
///
/// # What it does not do
/// It ends nothing: take it for as long as old sessions are about, and then take it out.
#[derive(Debug, Clone)]
pub struct PlayLegacy {
    secrets: Vec<Secret>,
}

impl Play {
    /// Sessions of this `play.http.secret.key`.
    #[must_use]
    pub fn signed_by(secret: Secret) -> Self {
        Self { secrets: vec![secret] }
    }

    /// Takes what an older secret signed as well.
    #[must_use]
    pub fn or_older(mut self, secret: Secret) -> Self {
        self.secrets.push(secret);
        self
    }

    /// The text of this session, signed now, and ending if that is said.
    #[must_use]
    pub fn seal<'a>(
        &self,
        data: impl IntoIterator<Item = (&'a str, &'a str)>,
        now: SystemTime,
        ends: Option<SystemTime>,
    ) -> String {
        let data: Map<String, Value> = data.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let now = seconds(now);
        let claims = match ends.map(seconds) {
            Some(exp) => serde_json::to_vec(&Claims { data, exp: Some(exp), nbf: now, iat: now }),
            None => serde_json::to_vec(&Claims { data, exp: None, nbf: now, iat: now }),
        };
        let text = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(json!({ "alg": "HS256" }).to_string()),
            URL_SAFE_NO_PAD.encode(claims.unwrap_or_default())
        );
        let mac = self.secrets.first().map(|secret| MacHash::Sha256.mac(secret.expose(), &[text.as_bytes()]));
        format!("{text}.{}", Written::Url.write(&mac.unwrap_or_default()))
    }
}

#[derive(Serialize)]
struct Claims {
    data: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<u64>,
    nbf: u64,
    iat: u64,
}

impl CookieFormat for Play {
    type Value = Document;

    fn open(&self, _: &str, raw: Raw<'_>, now: SystemTime) -> Option<OpenedCookie<Document>> {
        let (signed, mac) = cut_last(raw.whole(), b".")?;
        let good = |secret: &Secret| Written::Url.equals(&MacHash::Sha256.mac(secret.expose(), &[signed]), mac);
        self.secrets.iter().any(good).or_say(UNSIGNED)?;
        let (header, claims) = cut_last(signed, b".")?;
        let header: Map<String, Value> = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        if header.get("alg")?.as_str()? != "HS256" || header.contains_key("crit") {
            return None;
        }
        let claims = Document::read(&URL_SAFE_NO_PAD.decode(claims).ok()?)?;
        let latest = now.checked_add(SKEW)?;
        for name in ["nbf", "iat"] {
            let begins = claims.moment(name)?;
            begins
                .is_none_or(|begins| begins <= latest)
                .or_say_so(|| format!("its {name} is {}", apart(begins.unwrap_or(now), now)))?;
        }
        let ends = claims.moment("exp")?.map(|end| end.checked_add(SKEW));
        let issued = claims.moment("iat")?;
        let data = claims.member::<Map<String, Value>>("data")?;
        let opened = OpenedCookie { value: Document::of(data.into()), issued, ends: ends.flatten() };
        let ends = opened.ends;
        ends.is_none_or(|end| now < end).or_say_so(|| format!("it ended {}", apart(ends.unwrap_or(now), now)))?;
        Some(opened)
    }

    fn check(&self) -> Vec<String> {
        faults_of(&self.secrets)
    }
}

impl PlayLegacy {
    /// Sessions of this `application.secret`.
    #[must_use]
    pub fn signed_by(secret: Secret) -> Self {
        Self { secrets: vec![secret] }
    }

    /// Takes what an older secret signed as well.
    #[must_use]
    pub fn or_older(mut self, secret: Secret) -> Self {
        self.secrets.push(secret);
        self
    }

    /// The text of this session.
    #[must_use]
    pub fn seal<'a>(&self, data: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
        let encoded = |text: &'a str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
        let pairs: Vec<String> =
            data.into_iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        let text = pairs.join("&");
        let mac = self.secrets.first().map(|secret| MacHash::Sha1.mac(secret.expose(), &[text.as_bytes()]));
        format!("{}-{text}", Written::Hex.write(&mac.unwrap_or_default()))
    }
}

impl CookieFormat for PlayLegacy {
    type Value = Document;

    fn open(&self, _: &str, raw: Raw<'_>, _: SystemTime) -> Option<OpenedCookie<Document>> {
        let (mac, rest) = raw.whole().split_at_checked(40)?;
        let form = rest.strip_prefix(b"-")?;
        let good = |secret: &Secret| Written::Hex.equals(&MacHash::Sha1.mac(secret.expose(), &[form]), mac);
        self.secrets.iter().any(good).or_say(UNSIGNED)?;
        let mut data = Map::new();
        for pair in form.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let mut halves = pair.splitn(2, |byte| *byte == b'=').map(decoded);
            let (name, value) = (halves.next()?, halves.next()?);
            let (name, value) = (String::from_utf8(name).ok()?, String::from_utf8(value).ok()?);
            if data.insert(name, value.into()).is_some() {
                return None;
            }
        }
        Some(OpenedCookie::of(Document::of(Value::Object(data))))
    }

    fn check(&self) -> Vec<String> {
        faults_of(&self.secrets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::cookie::foreign::at;

    const SECRET: &str = "vQU@MgnjTohP?w>jpu?X0oqvmz21o[AHP;/rPj?CB><YMFcl?xXfq]6o>1QuNcXU";
    const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJkYXRhIjp7ImhlbGxvIjoid29ybGQifSwibmJmIjowLCJpYXQiOjB9.D4VQdyi9iyT0zwCNOaIJ1tYTtLZd03dktWbaqP6OkSA";

    fn play() -> Play {
        Play::signed_by(Secret::new(SECRET))
    }

    fn token(header: &str, claims: &str) -> String {
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        format!("{text}.{}", Written::Url.write(&MacHash::Sha256.mac(SECRET.as_bytes(), &[text.as_bytes()])))
    }

    fn opens(text: &str, now: u64) -> bool {
        play().open("", text.as_bytes().into(), at(now).unwrap()).is_some()
    }

    #[test]
    fn what_play_signs_is_read_and_made() {
        let opened = play().open("PLAY_SESSION", TOKEN.as_bytes().into(), at(0).unwrap()).unwrap();
        assert_eq!(opened.value().member::<String>("hello").as_deref(), Some("world"));
        assert_eq!(play().seal([("hello", "world")], at(0).unwrap(), None), TOKEN);
        let mac = MacHash::Sha1.mac(b"0123456789abcdef", &[b"Play Framework 2.0"]);
        assert_eq!(Written::Hex.write(&mac), "94f63b1470ee74e15dc15fd704e26b0df36ef848");
        let legacy = PlayLegacy::signed_by(Secret::new("changeme"));
        assert_eq!(legacy.seal([("hello", "world")]), "116d8da7c5283e81341db8a0c0fb5f188f9b0277-hello=world");
    }

    #[test]
    fn times_count_where_they_are_there_with_five_minutes_of_skew() {
        let at_1000 = |claims: &str| opens(&token(r#"{"alg":"HS256"}"#, claims), 1000);
        for (claims, good) in [
            (r#"{"data":{},"nbf":1000,"iat":1000}"#, true),
            (r#"{"data":{},"nbf":1300,"iat":1300}"#, true),
            (r#"{"data":{},"nbf":1301}"#, false),
            (r#"{"data":{},"iat":1301}"#, false),
            (r#"{"data":{},"exp":1000}"#, true),
            (r#"{"data":{},"exp":701}"#, true),
            (r#"{"data":{},"exp":700}"#, false),
            (r#"{"data":{},"exp":"9999"}"#, false),
            (r#"{"data":{},"exp":null}"#, false),
            (r#"{"data":{},"exp":-1}"#, false),
            (r#"{"data":{},"nbf":"0"}"#, false),
            (r#"{"data":{}}"#, true),
            (r#"{"data":"user"}"#, false),
            (r#"{"user":"emma"}"#, false),
            ("[]", false),
        ] {
            assert_eq!(at_1000(claims), good, "{claims}");
        }
        let ending = play().seal([("user", "emma")], at(1000).unwrap(), at(2000));
        assert!(opens(&ending, 2299) && !opens(&ending, 2300));
    }

    #[test]
    fn the_algorithm_is_not_the_tokens_to_choose() {
        let claims = r#"{"data":{"user":"emma"}}"#;
        for (header, good) in [
            (r#"{"alg":"HS256"}"#, true),
            (r#"{"alg":"HS256","typ":"JWT"}"#, true),
            (r#"{"alg":"HS512"}"#, false),
            (r#"{"alg":"none"}"#, false),
            (r#"{"alg":"hs256"}"#, false),
            (r#"{"alg":"HS256","crit":["exp"]}"#, false),
            ("{}", false),
            ("[]", false),
        ] {
            assert_eq!(opens(&token(header, claims), 0), good, "{header}");
        }
        let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(claims));
        for text in [&unsigned, "", "..", &format!("{TOKEN}="), &TOKEN[..TOKEN.len() - 1], &format!("{TOKEN}.")] {
            assert!(!opens(text, 0), "{text}");
        }
        let other = Play::signed_by(Secret::new("another"));
        assert!(other.open("", TOKEN.as_bytes().into(), at(0).unwrap()).is_none());
    }

    #[test]
    fn the_older_form_is_a_form_behind_its_mac() {
        let legacy = PlayLegacy::signed_by(Secret::new("changeme"));
        let signed = |form: &str| {
            let mac = MacHash::Sha1.mac(b"changeme", &[form.as_bytes()]);
            format!("{}-{form}", Written::Hex.write(&mac))
        };
        let member = |text: &str, name: &str| {
            legacy.open("", text.as_bytes().into(), at(0).unwrap())?.value().member::<String>(name)
        };
        assert_eq!(member(&signed("user=J%C3%A4s%C3%B8n+Doe&a=b"), "user").as_deref(), Some("J\u{e4}s\u{f8}n Doe"));
        assert_eq!(member(&signed("user=a-b"), "user").as_deref(), Some("a-b"));
        assert_eq!(
            member(&legacy.seal([("user", "J\u{e4}s\u{f8}n Doe")]), "user").as_deref(),
            Some("J\u{e4}s\u{f8}n Doe")
        );
        let good = signed("user=emma");
        assert_eq!(member(&good, "user").as_deref(), Some("emma"));
        for text in [
            signed("user=emma&user=root"),
            signed("user"),
            signed("user=%ff"),
            good.replacen("-user", "user", 1),
            good.to_uppercase(),
            format!("{good}&user=root"),
            format!("-{}", &good[41..]),
            String::new(),
        ] {
            assert_eq!(member(&text, "user"), None, "{text}");
        }
    }
}
