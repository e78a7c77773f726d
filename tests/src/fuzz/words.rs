//! What is read of fields and queries, against readings that look for the same by other means: whole patterns, and not byte by byte.

use countersign::{
    Basic, Bearer, Extract, Gate, QueryParam, Verified,
    adapter::Admission,
    credential::{Occurrences, parameters::Parameters},
    testing::PlainHead,
    verifier::TokenTable,
};

use super::input::{field_value, printable};

pub(super) const BASIC: &[&[u8]] = &[
    b"Basic ZW1pbHk6czNjcmV0",
    b"basic  QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
    b"Basic dGVzdDoxMjPCow==",
    b"Basic Og==",
    b"Basic\tOg==",
    b"Basic OpE=",
    b"Basic Og",
    b"Basicx Og==",
];
pub(super) const BEARER: &[&[u8]] =
    &[b"Bearer mF_9.B5f-4.1JqM", b"bearer   a==", b"Bearer a=b", b"Bearer", b"Bearer\ta", b"Bearer a b", b"Token abc"];
pub(super) const COOKIES: &[&[u8]] = &[
    b"session=abc",
    b"a=b; session=abc;session=d",
    b"session=\"a b\"; session = c",
    b"session; =session; session==; Session=x",
    b"sessions=a;session =\tb",
    b"a=\"session=x; session=y\"",
];
pub(super) const QUERIES: &[&[u8]] = &[
    b"access_token=abc",
    b"a=1&access_token=t&b=+%2B=;",
    b"access%5Ftoken=%61b%2Bc&&access_token",
    b"access%5token=t&Access_Token=t&access_token+=t",
    b"&access_token==a=&",
];
pub(super) const PARAMETERS: &[&[u8]] = &[
    br#"username="Mufasa", nc=00000001"#,
    br#"a="b, c=\"d\"",e=f"#,
    br#" A = "1" ,b="" "#,
    br#"a=1,,b=2"#,
    br#"a=1,A=2"#,
    br#"a="\"#,
];

/// What follows a keyword, by the grammar: `1*SP` or nothing between them, blanks around the whole are the field's.
fn behind<'v>(keyword: &str, value: &'v [u8]) -> Option<&'v [u8]> {
    let (word, rest) = value.split_at_checked(keyword.len())?;
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    if !word.eq_ignore_ascii_case(keyword.as_bytes()) || rest.first().is_some_and(|byte| !blank(byte)) {
        return None;
    }
    let begin = rest.iter().position(|byte| *byte != b' ').unwrap_or(rest.len());
    let end = rest.iter().rposition(|byte| !blank(byte)).map_or(begin, |last| last + 1);
    Some(&rest[begin..end.max(begin)])
}

fn sextet(byte: u8) -> Option<u32> {
    let alphabet = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['+', '/']);
    alphabet.zip(0..).find_map(|(known, value)| (known == char::from(byte)).then_some(value))
}

/// Canonical base64 with its padding (RFC 4648 §4 and §3.5).
fn unbase64(text: &[u8]) -> Option<Vec<u8>> {
    let (groups, []) = text.as_chunks::<4>() else { return None };
    let mut bytes = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        let padding = group.iter().rev().take_while(|byte| **byte == b'=').count();
        if padding > 2 || (padding > 0 && at + 1 < groups.len()) {
            return None;
        }
        let word = group[..4 - padding].iter().try_fold(0, |word, byte| Some(word << 6 | sextet(*byte)?))?;
        let word = word << (6 * padding);
        let decoded = word.to_be_bytes();
        if decoded[4 - padding..].iter().any(|spare| *spare != 0) {
            return None;
        }
        bytes.extend_from_slice(&decoded[1..4 - padding]);
    }
    Some(bytes)
}

/// The occurrences of a kind in a request, and what it reads of the only one.
fn found<E: Extract, R>(kind: &E, head: &PlainHead, read: impl Fn(E::Credential) -> R) -> (usize, Option<R>) {
    let (view, mut occurrences) = (head.view(), Occurrences::default());
    kind.locate(&view, &mut occurrences);
    (occurrences.count(), occurrences.only().and_then(|raw| kind.read(raw)).map(read))
}

pub(super) fn basic(bytes: &[u8]) {
    let value = field_value(bytes);
    let head = PlainHead::get("/").with("authorization", &value);
    let ours = found(&Basic, &head, |read| (read.name().to_owned(), read.password().expose().to_vec()));
    let sent = behind("Basic", &value);
    let theirs = sent.and_then(unbase64).and_then(|bytes| String::from_utf8(bytes).ok()).and_then(|text| {
        let colon = text.find(':').filter(|_| !text.chars().any(char::is_control))?;
        Some((text[..colon].to_owned(), text.as_bytes()[colon + 1..].to_vec()))
    });
    assert_eq!(ours, (usize::from(sent.is_some()), theirs));
}

pub(super) fn bearer(bytes: &[u8]) {
    let value = field_value(bytes);
    let head = PlainHead::get("/").with("authorization", &value);
    let ours = found(&Bearer, &head, |read| read.token().expose().to_vec());
    let sent = behind("Bearer", &value);
    let is_token = |text: &&[u8]| {
        let without = text.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
        let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(byte);
        without > 0 && text[..without].iter().all(fits)
    };
    assert_eq!(ours, (usize::from(sent.is_some()), sent.filter(is_token).map(<[u8]>::to_vec)));
}

pub(super) fn cookies(bytes: &[u8]) {
    let value = field_value(bytes);
    let head = PlainHead::get("/").with("cookie", &value);
    let view = head.view();
    let ours: Vec<&[u8]> = view.cookies("session").collect();
    let mut theirs: Vec<&[u8]> = Vec::new();
    for pair in value.split(|byte| *byte == b';') {
        let Some(equals) = pair.iter().position(|byte| *byte == b'=') else { continue };
        let (name, value) = (pair[..equals].trim_ascii(), pair[equals + 1..].trim_ascii());
        if name == b"session" {
            let quoted = value.len() > 1 && value.starts_with(b"\"") && value.ends_with(b"\"");
            theirs.push(if quoted { &value[1..value.len() - 1] } else { value });
        }
    }
    assert_eq!(ours, theirs, "{}", String::from_utf8_lossy(&value));
}

pub(super) fn query(bytes: &[u8]) {
    thread_local! {
        static GATE: Gate<()> = Gate::in_realm("r")
            .accept(QueryParam::named("access_token"), TokenTable::new().with("abc", Verified::new(())))
            .build()
            .expect("a gate that can be built");
    }
    let query = printable(bytes).replace('?', "");
    let decoded = |text: &str| form(text.as_bytes());
    let pairs = || query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let theirs: Vec<&str> =
        pairs().filter(|(name, _)| decoded(name) == b"access_token").map(|(_, value)| value).collect();
    let left: Vec<&str> = query
        .split('&')
        .filter(|pair| decoded(pair.split_once('=').map_or(*pair, |(name, _)| name)) != b"access_token")
        .collect();
    GATE.with(|gate| {
        let head = PlainHead::get(&format!("/?{query}")).received_by(gate);
        let view = head.view();
        let ours: Vec<&[u8]> = view.taken("access_token").collect();
        assert_eq!(ours, theirs.iter().map(|value| value.as_bytes()).collect::<Vec<_>>());
        let expected = if theirs.is_empty() { Some(query.clone()) } else { Some(left.join("&")) };
        assert_eq!(view.query().unwrap_or_default(), expected.unwrap_or_default());
        assert!(matches!(head.at(gate), Admission::Decided(_)));
    });
}

/// As forms are decoded: by what stands between one `%` and the next.
fn form(text: &[u8]) -> Vec<u8> {
    let plus =
        |bytes: &[u8]| -> Vec<u8> { bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect() };
    let mut parts = text.split(|byte| *byte == b'%');
    let mut decoded = plus(parts.next().unwrap_or_default());
    for part in parts {
        let hex = part.get(..2).filter(|two| two.iter().all(u8::is_ascii_hexdigit));
        match hex.and_then(|two| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                decoded.extend(plus(&part[2..]));
            }
            None => {
                decoded.push(b'%');
                decoded.extend(plus(part));
            }
        }
    }
    decoded
}

pub(super) fn parameters(bytes: &[u8]) {
    let value = field_value(bytes);
    let Some(read) = Parameters::read(&value) else { return };
    // Written down again in the one plain form, it is the same.
    let mut written = Vec::new();
    for (name, value) in read.iter() {
        let comma: &[u8] = if written.is_empty() { b"" } else { b", " };
        written.extend_from_slice(comma);
        written.extend_from_slice(name.as_bytes());
        written.extend_from_slice(b"=\"");
        for byte in value {
            if matches!(byte, b'"' | b'\\') {
                written.push(b'\\');
            }
            written.push(*byte);
        }
        written.push(b'"');
    }
    let again = Parameters::read(&written).expect("what was written here");
    let all = |of: &Parameters| of.iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect::<Vec<_>>();
    assert_eq!(all(&read), all(&again));
    let mut names: Vec<_> = read.iter().map(|(name, _)| name.to_owned()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), read.iter().len(), "a name came twice");
}
