//! What a key of ours signed or sealed, changed: nothing but the very text that the key made is read, whatever it is changed into.

use std::time::{Duration, SystemTime};

use countersign::{
    Answer, Extract, JwtSigner, KeyRing, Secret, SignedCookie, Verify,
    credential::{
        Raw, TokenCredential,
        cookie::foreign::{
            CookieFormat, CookieRs, CookieSession, DjangoCookie, DjangoSession, Express, Itsdangerous, Play,
            PlayLegacy, Rails,
        },
    },
    jose::JwtAlgorithm,
    verifier::jwt::JwtVerifier,
};
use serde_json::json;

use super::input::{Input, secret_of};

/// Which format, and how its good value is changed: a place, what is taken out there, and what is put in.
pub(super) const SEEDS: &[&[u8]] = &[
    b"\x00\x05\x01\x01A",
    b"\x01\x05\x01\x01A",
    b"\x02\xff\x00\x01=",
    b"\x03\x01\x02\x04%3Aa",
    b"\x04\x00\x01\x00",
    b"\x05\x28\x01\x01B",
    b"\x06\x06\x00\x03%2B",
    b"\x07\x0a\x02\x00",
    b"\x08\x14\x01\x01\xc3",
    b"\x09\x1e\x01\x01-",
];

pub(super) const TOKENS: &[&[u8]] = &[
    b"\x00\x05\x01\x01A",
    b"\x01\x24\x00\x01=",
    b"\x02\x80\x01\x01.",
    b"\x00\xff\x00\x02..",
    b"\x01\x00\xff\x20eyJhbGciOiJub25lIn0.e30.",
];

const NOW: u64 = 1_800_000_000;

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
}

/// A text with a piece of it replaced, as the input says.
fn changed(good: &str, input: &mut Input<'_>) -> Vec<u8> {
    let at = (usize::from(input.byte()) * (good.len() + 1)) / 255;
    let at = at.min(good.len());
    let end = (at + usize::from(input.byte())).min(good.len());
    [&good.as_bytes()[..at], input.some(), &good.as_bytes()[end..]].concat()
}

fn opens<F: CookieFormat>(format: &F, name: &str, text: &[u8]) -> bool {
    format.open(name, Raw::from(text), now()).is_some()
}

pub(super) fn sealed(bytes: &[u8]) {
    let mut input = Input::of(bytes);
    let which = input.below(10);
    let secret = || Secret::new("a secret that nobody else knows of");
    let (is_read, good, text) = match which {
        0 => {
            let cookie = SignedCookie::named("session", KeyRing::of([secret_of(32, 7)]).expect("a ring"));
            let good = cookie.seal(b"emily", SystemTime::now() + Duration::from_secs(3600));
            let text = changed(&good, &mut input);
            (cookie.read(Raw::from(&text[..])).is_some(), good, text)
        }
        1 => of(&Itsdangerous::flask_session(secret()), "s", &mut input, |f| f.seal(&json!({ "user_id": 7 }), now())),
        2 => of(&DjangoSession::signed_by(secret()), "s", &mut input, |f| f.seal(&json!({ "user_id": 7 }), now())),
        3 => of(&DjangoCookie::signed_by(secret()), "sid", &mut input, |f| f.seal("sid", "emma", now())),
        4 => of(&Rails::by_key_base(&secret()), "user_id", &mut input, |f| f.seal("user_id", &50, None)),
        5 => of(&Play::signed_by(secret()), "s", &mut input, |f| f.seal([("user", "emma")], now(), None)),
        6 => of(&PlayLegacy::signed_by(secret()), "s", &mut input, |f| f.seal([("user", "emma")])),
        7 => of(&Express::signed_by(secret()), "s", &mut input, |f| f.seal("s3ss10n-id-0001")),
        8 => of(&CookieRs::of_key(&secret_of(64, 9)), "user", &mut input, |f| f.seal("emma")),
        _ => {
            let format = CookieSession::signed_by(secret());
            let (value, mac) = format.seal("session", &json!({ "user": "emma" }));
            let text = changed(&value, &mut input);
            let read = format.open("session", Raw::of_parts(&[&text, mac.as_bytes()]), now()).is_some();
            (read, value, text)
        }
    };
    assert_eq!(is_read, text == good.as_bytes(), "{which}: {}", String::from_utf8_lossy(&text));
}

fn of<F: CookieFormat>(
    format: &F,
    name: &str,
    input: &mut Input<'_>,
    seal: impl Fn(&F) -> String,
) -> (bool, String, Vec<u8>) {
    let good = seal(format);
    let text = changed(&good, input);
    (opens(format, name, &text), good, text)
}

struct Signed {
    token: String,
    verifier: JwtVerifier<()>,
}

pub(super) fn tokens(bytes: &[u8]) {
    thread_local! {
        static SIGNED: [Signed; 2] = [
            JwtSigner::secret(JwtAlgorithm::Hs256, &secret_of(32, 5)),
            JwtSigner::fresh(),
        ].map(|signer| signed(&signer.expect("a key")));
    }
    let mut input = Input::of(bytes);
    SIGNED.with(|all| {
        let Signed { token, verifier } = &all[input.below(all.len())];
        let text = changed(token, &mut input);
        let answer = TokenCredential::read(&text).and_then(|token| verifier.verify_now(&token));
        let is_good = matches!(answer, Some(Answer::Verified(_)));
        assert_eq!(is_good, text == token.as_bytes(), "{}", String::from_utf8_lossy(&text));
    });
}

fn signed(signer: &JwtSigner) -> Signed {
    let claims = json!({ "iss": "us", "aud": "here", "sub": "emily", "exp": 4_000_000_000_u64 });
    let token = signer.sign(&claims).expect("claims that can be signed");
    let verifier = JwtVerifier::trusting(signer.trusted("us").audience("here"));
    Signed { token, verifier: verifier.principal_by(|_, verified| verified.into()).expect("a verifier") }
}
