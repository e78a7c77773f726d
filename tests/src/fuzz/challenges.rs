//! Challenges with whatever an app puts into them: a parser that shares no code with ours reads what was meant, or the gate is not built.

use countersign::{
    Bearer, Gate, Verified, adapter::Verdict, response::Challenge, testing::PlainHead, verifier::TokenTable,
};

use super::input::Input;

/// How it is made, and the pieces, each behind its length.
pub(super) const SEEDS: &[&[u8]] = &[
    b"\x03Own\x01a\x05value\x05title\x04b \"c",
    b"\x07Bearer2\x05scope\x03a b\x05error\x03\\\"\\",
    b"\x00\x01a\x01b",
    b"\x03a b\x03c=d\x02\r\n\x01e\x02,=",
    b"\x06Digest\x05nonce\x20abcdefghijklmnopqrstuvwxyz012345\x03qop\x04auth",
    b"\x03Own\x01a\x03\xc3\xa4\x00\x01A\x01b",
    b"\x03Own\x05realm\x01x\x01y",
];

pub(super) fn challenges(bytes: &[u8]) {
    let mut input = Input::of(bytes);
    let mut piece = || String::from_utf8_lossy(input.some()).into_owned();
    let (scheme, mut pairs) = (piece(), Vec::new());
    for _ in 0..3 {
        pairs.push((piece(), piece()));
    }
    pairs.retain(|(name, _)| !name.is_empty());
    let made = Challenge::new(scheme.clone());
    let made = pairs.iter().fold(made, |made, (name, value)| made.with(name.clone(), value.clone()));
    let text = made.to_string();
    let is_token = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
    };
    if is_token(&scheme) && pairs.iter().all(|(name, _)| is_token(name)) {
        assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{text:?}");
        // Without parameters it is a word, which the parser takes for less than a challenge.
        if !pairs.is_empty() {
            let read = http_auth::parse_challenges(&text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
            assert_eq!((read.len(), read[0].scheme), (1, &*scheme), "{text:?}");
            let read: Vec<_> = read[0].params.iter().map(|(name, value)| (*name, value.to_unescaped())).collect();
            let shown = |value: &str| {
                value.chars().map(|one| if matches!(one, ' '..='~') { one } else { '?' }).collect::<String>()
            };
            let meant: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), shown(value))).collect();
            assert_eq!(read, meant, "{text:?}");
        }
    }
    // The same text as a realm, in which a gate is built or not.
    let realm = pairs.first().map_or_else(String::new, |(_, value)| value.clone());
    let tokens = TokenTable::new().with("abc", Verified::new(()));
    let Ok(gate) = Gate::in_realm(&realm).accept(Bearer, tokens).build() else { return };
    let Verdict::Rejected(refused) = asked(&gate) else { panic!("nobody has a credential") };
    let text = refused.challenges()[0].to_string();
    let read = http_auth::parse_challenges(&text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    assert_eq!(read[0].params[0].0, "realm");
    assert_eq!(read[0].params[0].1.to_unescaped(), realm, "{text:?}");
}

fn asked(gate: &Gate<()>) -> Verdict<()> {
    let head = PlainHead::get("/").received_by(gate);
    match head.at(gate) {
        countersign::adapter::Admission::Decided(verdict) => verdict,
        _ => panic!("nothing here waits"),
    }
}
