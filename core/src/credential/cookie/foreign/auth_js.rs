//! What Auth.js seals: [`AuthJs`].

use std::time::{Duration, SystemTime};

use hkdf::Hkdf;
use serde::Serialize;
use sha2::Sha256;

use super::{CookieFormat, Document, OpenedCookie, UNSEALED, each_beginning, faults_of};
use crate::{
    credential::{Occurrences, Raw},
    jose::jwe::{JweEncryption, JweKey, JweKeys},
    observe::why::{OrSay, apart},
    request::RequestView,
    secret::Secret,
};

/// How far Auth.js lets clocks be apart.
const SKEW: Duration = Duration::from_secs(15);

/// How long a piece is that Auth.js cuts a long value into.
const CHUNK: usize = 4096 - 160;

/// The session of Auth.js 5 (`authjs.session-token`, over TLS `__Secure-authjs.session-token`): claims that are sealed with a key that both
/// sides derive of secret and cookie name, so that the name is bound.
///
/// Auth.js cuts a long value into `<name>.0`, `<name>.1` and so on: all must be there, of one name. All of them are one credential, and measured as one:
/// where sessions hold more than some 6 KB of claims, the gate is told to [take](crate::gate::GateBuilder::credentials_up_to) more than 8 KiB. `exp` is
/// needed; clocks may be 15 seconds apart.
///
/// # Example
/// ```
/// use std::time::{Duration, SystemTime};
/// use countersign::{Extract, Secret, credential::{Raw, cookie::foreign::{AuthJs, ForeignCookie}}};
///
/// let auth = AuthJs::sealed_by(Secret::new("correct horse battery staple correct horse"));
/// let ends = SystemTime::now() + Duration::from_secs(3600);
/// let name = "authjs.session-token";
/// let sealed = auth.seal(name, serde_json::json!({ "sub": "5" }), ends).unwrap();
/// let cookie = ForeignCookie::named(name, auth);
/// let opened = cookie.read(Raw::of_parts(&[name.as_bytes(), sealed.as_bytes()])).unwrap();
/// assert_eq!(opened.value().member::<String>("sub").as_deref(), Some("5"));
/// assert!(cookie.read(Raw::of_parts(&[b"another", sealed.as_bytes()])).is_none());
/// ```
///
/// # What it does not do
/// It does not read NextAuth 4, whose key and encryption are others. It does not ask a database: with one, Auth.js keeps a plain random token
/// in the cookie.
#[derive(Debug, Clone)]
pub struct AuthJs {
    secrets: Vec<Secret>,
}

impl AuthJs {
    /// Sessions of this `AUTH_SECRET`.
    #[must_use]
    pub fn sealed_by(secret: Secret) -> Self {
        Self { secrets: vec![secret] }
    }

    /// Takes what an older secret sealed as well.
    #[must_use]
    pub fn or_older(mut self, secret: Secret) -> Self {
        self.secrets.push(secret);
        self
    }

    /// The text of these claims, good until then, for the cookie of this name, prefix and all; `None` if they are no object, or if the system gives no
    /// randomness. What is longer than a cookie may be is to be [cut](Self::cut).
    #[must_use]
    pub fn seal(&self, name: &str, claims: impl Serialize, ends: SystemTime) -> Option<String> {
        let mut claims = serde_json::to_value(claims).ok()?;
        claims.as_object_mut()?.insert("exp".to_owned(), super::seconds(ends).into());
        key(self.secrets.first()?, name)?.seal(claims.to_string().as_bytes(), false)
    }

    /// A text as cookies, name and value each: one, or as many as it takes.
    #[must_use]
    pub fn cut(name: &str, sealed: &str) -> Vec<(String, String)> {
        if sealed.len() <= CHUNK {
            return vec![(name.to_owned(), sealed.to_owned())];
        }
        let pieces = sealed.as_bytes().chunks(CHUNK);
        pieces
            .enumerate()
            .map(|(nth, piece)| (format!("{name}.{nth}"), String::from_utf8_lossy(piece).into_owned()))
            .collect()
    }
}

/// The key for cookies of this name.
fn key(secret: &Secret, name: &str) -> Option<JweKey> {
    let mut key = [0; 64];
    let info = format!("Auth.js Generated Encryption Key ({name})");
    Hkdf::<Sha256>::new(Some(name.as_bytes()), secret.expose()).expand(info.as_bytes(), &mut key).ok()?;
    JweKey::direct(JweEncryption::A256CbcHs512, &Secret::new(key)).ok()
}

impl CookieFormat for AuthJs {
    type Value = Document;

    fn prefix(&self) -> &'static str {
        "__Secure-"
    }

    /// The first part is the name under which it came, since it tells the key.
    fn open(&self, name: &str, raw: Raw<'_>, now: SystemTime) -> Option<OpenedCookie<Document>> {
        let sent = std::str::from_utf8(raw.part(0)?).ok()?;
        if sent.strip_prefix(self.prefix()).unwrap_or(sent) != name {
            return None;
        }
        let pieces: Vec<&[u8]> = raw.parts().skip(1).collect();
        if pieces.iter().any(|piece| piece.is_empty()) {
            return None;
        }
        let token = pieces.concat();
        let open = |secret| JweKeys::of(key(secret, sent)?).open(&token);
        let opened = self.secrets.iter().find_map(open).or_say(UNSEALED)?;
        let claims = Document::read(opened.content().expose())?;
        let ends = claims.moment("exp").flatten().or_say("it has no end, in exp")?.checked_add(SKEW)?;
        let begins = claims.moment("nbf")?;
        let begun = begins.is_none_or(|begins| now.checked_add(SKEW).is_none_or(|latest| begins <= latest));
        begun.or_say_so(|| format!("it begins {}", apart(begins.unwrap_or(now), now)))?;
        let issued = claims.moment("iat")?;
        OpenedCookie { value: claims, issued, ends: Some(ends) }.holding_at(now)
    }

    fn locate<'h>(&'h self, name: &'h str, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        let mut found = false;
        each_beginning(name, request, |rest, value| {
            let place = match rest.split_first() {
                None => Some(0),
                // The whole and its first piece are the same place: which of the two is meant?
                Some((b'.', digits)) => nth(digits),
                Some(_) => None,
            };
            if let Some(place) = place {
                found = true;
                occurrences.add_part(place.saturating_add(1), value);
            }
        });
        if found {
            occurrences.add_part(0, name.as_bytes());
        }
    }

    fn check(&self) -> Vec<String> {
        faults_of(&self.secrets)
    }
}

/// The number of a piece, without leading zeros.
fn nth(digits: &[u8]) -> Option<usize> {
    let canonical = digits == b"0" || (digits.first()? != &b'0' && digits.len() <= 3);
    let number = std::str::from_utf8(digits).ok().filter(|_| canonical && digits.iter().all(u8::is_ascii_digit));
    number?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Gate, Verified,
        adapter::Verdict,
        credential::{
            Extract,
            cookie::foreign::{ForeignCookie, at},
        },
        testing::PlainHead,
        verifier::verify_now_with,
    };

    const NAME: &str = "authjs.session-token";
    const TOKEN: &str = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIiwia2lkIjoiQk5fdEl4LUdaVmJ0RFkydEVXbmNkWXo4ZHpEaENQendDSzhBMjJlTEpybmxNcXZlNkNCRzJBTXJBenNxcmRKVmlKc0I4dlVfS0RqTGtaQWVGVk1LWmcifQ..gCcvxdAIfQRSqmgBBbhVqw.2NO89542q6Iwi8GA80OKKVNdNYFmU-Oh0jim9MUqzhUss2ozOi-ZKSNQU4ieiQA6qimrKru1TNgd1ivTlY_BNk82fX_FEbS66n9dPlQuymTGt2Y6FPSW_qEsrZOIyTLjIDjCJzHbD_DVyEi6fTfRwA.B9xCsRqXJP7BFFZlpjO5VYSy1dq1DoJjuQyZBv_mn7I";

    fn auth() -> AuthJs {
        AuthJs::sealed_by(Secret::new("correct horse battery staple correct horse"))
    }

    fn opens(name: &str, text: &str, now: u64) -> Option<String> {
        auth().open(NAME, Raw::of_parts(&[name.as_bytes(), text.as_bytes()]), at(now).unwrap())?.value().member("sub")
    }

    /// Whether what these cookies hold is let in, and how many credentials it is.
    fn found(line: &str, tls: bool) -> (usize, bool) {
        let cookie = ForeignCookie::named(NAME, auth());
        let head = PlainHead::get("/").with("cookie", line);
        let head = if tls { head.over_tls() } else { head };
        let (view, mut occurrences) = (head.view(), Occurrences::default());
        cookie.locate(&view, &mut occurrences);
        (occurrences.count(), occurrences.only().is_some_and(|raw| cookie.read(raw).is_some()))
    }

    #[test]
    fn what_auth_js_seals_is_read_until_its_end() {
        let opened =
            auth().open(NAME, Raw::of_parts(&[NAME.as_bytes(), TOKEN.as_bytes()]), at(1_700_000_000).unwrap()).unwrap();
        assert_eq!(opened.value().member::<String>("name").as_deref(), Some("Emma"));
        assert_eq!((opened.issued(), opened.ends()), (at(1_700_000_000), at(4_102_444_815)));
        for (now, good) in [
            (1_700_000_000, true),
            (1_699_999_940, true),
            (1_699_999_939, false),
            (4_102_444_814, true),
            (4_102_444_815, false),
        ] {
            assert_eq!(opens(NAME, TOKEN, now).is_some(), good, "{now}");
        }
        let other = AuthJs::sealed_by(Secret::new("another"));
        let parts = [NAME.as_bytes(), TOKEN.as_bytes()];
        assert!(other.open(NAME, Raw::of_parts(&parts), at(1_700_000_000).unwrap()).is_none());
        assert!(
            other
                .or_older(Secret::new("correct horse battery staple correct horse"))
                .open(NAME, Raw::of_parts(&parts), at(1_700_000_000).unwrap())
                .is_some()
        );
    }

    #[test]
    fn claims_need_an_end_and_the_name_is_bound() {
        let sealed = |name: &str, claims: serde_json::Value| {
            let secret = Secret::new("correct horse battery staple correct horse");
            key(&secret, name).unwrap().seal(claims.to_string().as_bytes(), false).unwrap()
        };
        let (secure, other) = (format!("__Secure-{NAME}"), "other".to_owned());
        let good = serde_json::json!({ "sub": "5", "exp": 2000 });
        for (sealed_for, sent_as, expected) in [
            (NAME, NAME, true),
            (&*secure, &*secure, true),
            (&*secure, NAME, false),
            (NAME, &*secure, false),
            (&*other, &*other, false),
        ] {
            assert_eq!(
                opens(sent_as, &sealed(sealed_for, good.clone()), 1000).is_some(),
                expected,
                "{sealed_for} {sent_as}"
            );
        }
        for claims in [
            serde_json::json!({ "sub": "5" }),
            serde_json::json!({ "sub": "5", "exp": "2000" }),
            serde_json::json!({ "sub": "5", "exp": null }),
            serde_json::json!({ "sub": "5", "exp": 2000, "nbf": 1016 }),
            serde_json::json!({ "sub": "5", "exp": 2000, "iat": 1061 }),
            serde_json::json!([5]),
        ] {
            assert_eq!(opens(NAME, &sealed(NAME, claims.clone()), 1000), None, "{claims}");
        }
    }

    #[tokio::test]
    async fn all_pieces_are_measured_as_one() {
        let sealed = auth().seal(NAME, serde_json::json!({ "sub": "5", "name": "x".repeat(6_100) }), SystemTime::now());
        let cookies = AuthJs::cut(NAME, &sealed.unwrap());
        let line = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        assert!(cookies.len() == 3 && line.len() > 8 * 1024);
        let known = || verify_now_with(|_: &OpenedCookie<Document>| Verified::new("emily").into());
        let gate = || Gate::in_realm("r").accept(ForeignCookie::named(NAME, auth()), known());
        for (gate, expected) in [(gate(), 431), (gate().credentials_up_to(16 * 1024), 200)] {
            let gate = gate.build().unwrap();
            let status = match PlainHead::get("/").with("cookie", &line).received_by(&gate).verdict_at(&gate).await {
                Verdict::Admitted(_) => 200,
                Verdict::Rejected(rejection) => rejection.status(),
                Verdict::Anonymous => unreachable!("nobody in particular"),
            };
            assert_eq!(status, expected);
        }
    }

    #[test]
    fn pieces_are_of_one_cookie_and_all_there() {
        let ends = SystemTime::now() + Duration::from_secs(60);
        let long = serde_json::json!({ "sub": "5", "name": "x".repeat(4000) });
        let sealed = auth().seal(NAME, long, ends).unwrap();
        let line = |cookies: &[(String, String)]| {
            cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
        };
        let cookies = AuthJs::cut(NAME, &sealed);
        assert_eq!(cookies.len(), 2);
        let mut turned = cookies.clone();
        turned.reverse();
        let whole = vec![(NAME.to_owned(), sealed.clone())];
        let secure: Vec<_> = cookies.iter().map(|(name, value)| (format!("__Secure-{name}"), value.clone())).collect();
        let mixed = vec![cookies[0].clone(), secure[1].clone()];
        let another = auth().seal(NAME, serde_json::json!({ "sub": "7", "name": "y".repeat(4000) }), ends).unwrap();
        let crossed = vec![cookies[0].clone(), AuthJs::cut(NAME, &another)[1].clone()];
        let numbered = |nth: &str| vec![cookies[0].clone(), (format!("{NAME}.{nth}"), cookies[1].1.clone())];
        for (what, cookies, expected) in [
            ("in order", cookies.clone(), (1, true)),
            ("in another order", turned, (1, true)),
            ("whole", whole.clone(), (1, true)),
            ("one", cookies[..1].to_vec(), (1, false)),
            ("the other", cookies[1..].to_vec(), (1, false)),
            ("whole and in pieces", [&whole[..], &cookies].concat(), (2, false)),
            ("a piece twice", [&cookies[..], &cookies[1..]].concat(), (2, false)),
            ("with a gap", numbered("2"), (1, false)),
            ("of two cookies", mixed, (1, false)),
            ("of two values", crossed, (1, false)),
            ("with a zero in front", numbered("01"), (1, false)),
            ("with a sign", numbered("+1"), (1, false)),
            ("for TLS", secure.clone(), (0, false)),
        ] {
            assert_eq!(found(&line(&cookies), false), expected, "{what}");
        }
        assert_eq!(found(&line(&secure), true), (1, false), "the prefix is part of the name that is bound");
        let sealed = auth().seal(&format!("__Secure-{NAME}"), serde_json::json!({ "sub": "5" }), ends).unwrap();
        assert_eq!(found(&format!("__Secure-{NAME}={sealed}"), true), (1, true));
        assert_eq!(found(&format!("{NAME}={sealed}"), true), (0, false));
    }
}
