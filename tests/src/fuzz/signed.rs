//! Requests that are signed, changed in one place: whoever is let in sent what was signed.

use std::sync::Arc;

use countersign::{
    Extract, Gate, JwtSigner, KeyRing, Secret, Verified, Verify,
    adapter::Verdict,
    clock::{SharedClock, SystemClock},
    credential::{
        Nonces,
        digest::{Digest, DigestClient},
        signed_request::{
            hawk::{Hawk, HawkRequest},
            message_signature::{MessageKeys, MessageSignature, MessageSigner},
            oauth1::{OAuth1, OAuth1Signer},
            sigv4::{SigV4, SigV4Signer},
            wsse::Wsse,
        },
    },
    jose::JwtAlgorithm,
    store::{MemoryCounts, MemoryReplay, MemorySecrets, StoredSecret},
    testing::PlainHead,
    verifier::{Secrets, SignedBy},
};

use super::input::{Input, field_value, printable, secret_of};

/// Which scheme, what of the request is changed, where, what is taken out, and what is put in.
pub(super) const SEEDS: &[&[u8]] = &[
    b"\x00\x00\x05\x01\x01A",
    b"\x01\x03\x10\x01\x02, ",
    b"\x02\x01\x00\x03\x04POST",
    b"\x03\x03\x40\x00\x03\"\"\\",
    b"\x04\x02\x01\x00\x02//",
    b"\x05\x04\x00\x01\x01x",
    b"\x00\x03\xff\x00\x05,a=b ",
    b"\x01\x02\x03\x01\x03%2e",
];

const HOST: &str = "conformance.example";
const BODY: &[u8] = b"a body";

/// A request in pieces that can be changed.
#[derive(Clone, PartialEq, Eq)]
struct Pieces {
    method: String,
    target: String,
    fields: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
}

impl Pieces {
    fn new(method: &str, target: &str) -> Self {
        Self { method: method.into(), target: target.into(), fields: vec![("host", HOST.into())], body: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    fn with_body(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self.with("content-type", "text/plain").with("content-length", body.len().to_string())
    }

    fn head(&self) -> PlainHead {
        let head = PlainHead::new(&self.method, &self.target).with_body(&self.body);
        self.fields.iter().fold(head, |head, (name, value)| head.with(name, value))
    }

    /// One piece of it changed, as the input says.
    fn changed(&self, input: &mut Input<'_>) -> Self {
        let mut pieces = self.clone();
        let which = input.below(5);
        let field = input.below(self.fields.len());
        let mut piece = match which {
            0 => pieces.method.clone().into_bytes(),
            1 => pieces.target.clone().into_bytes(),
            2 => pieces.body.clone(),
            _ => pieces.fields[field].1.clone(),
        };
        let at = usize::from(input.byte()) * (piece.len() + 1) / 256;
        let end = (at + input.below(16)).min(piece.len());
        piece.splice(at..end, input.some().iter().copied());
        match which {
            0 => pieces.method = printable(&piece),
            1 => pieces.target = format!("/{}", printable(&piece).trim_start_matches('/').replace('#', "")),
            2 => pieces.body = piece,
            _ => pieces.fields[field].1 = field_value(&piece),
        }
        pieces
    }
}

type Person = &'static str;

fn secrets(id: &str, key: &str) -> SignedBy<MemorySecrets<Person>> {
    let stored = StoredSecret::new(Secret::new(key), Verified::new("emma"));
    SignedBy::secrets(Secrets::in_store(MemorySecrets::new().with(id, stored)).without_throttle())
}

fn gate<E: Extract, V: Verify<E::Credential, Principal = Person>>(kind: E, verifier: V) -> Gate<Person> {
    Gate::in_realm("people").accept(kind, verifier).build().expect("a gate that can be built")
}

fn made(which: usize) -> (Gate<Person>, Pieces) {
    let clock: SharedClock = SystemClock::shared();
    let replay = || Arc::new(MemoryReplay::default());
    let (id, key) = ("emmas-key", "werxhqb98rpaxn39848xrunpaw3489ruxnpa98w4rxn");
    let secret = Secret::new(key);
    let (target, url) = ("/a/b?c=d&e=f%20g", format!("http://{HOST}/a/b?c=d&e=f%20g"));
    match which {
        0 => {
            let signed = HawkRequest::to(HOST, 80).asking("POST", target).with_body("text/plain", BODY).with_ext("e");
            let request = Pieces::new("POST", target).with("authorization", signed.authorization(id, &secret, &clock));
            (gate(Hawk::new(replay()), secrets(id, key)), request.with_body(BODY))
        }
        1 => {
            let signer = SigV4Signer::new(id, secret, "us-east-1", "service");
            let (value, date) = signer.authorization("POST", target, HOST, BODY, clock.wall());
            let request = Pieces::new("POST", target).with("authorization", value).with("x-amz-date", date);
            (gate(SigV4::of("us-east-1", "service", replay()), secrets(id, key)), request.with_body(BODY))
        }
        2 => {
            let both = OAuth1::key(&secret, &Secret::new(""));
            let value = OAuth1Signer::new(id, both.clone()).authorization("GET", &url, &clock);
            let text = String::from_utf8_lossy(both.expose()).into_owned();
            let gate = gate(OAuth1::new(replay()), secrets(&OAuth1::signer(id, None), &text));
            (gate, Pieces::new("GET", target).with("authorization", value))
        }
        3 => {
            let nonces = Nonces::of("digest", KeyRing::random());
            let nonce = nonces.hand_out();
            let kind = Digest::in_realm("people", nonces, Arc::new(MemoryCounts::default()));
            let answer = DigestClient::named(id).answer("people", &nonce).with_opaque(kind.opaque()).counted(1);
            let value = answer.authorization_of_body("POST", target, BODY, &secret);
            (gate(kind, secrets(id, key)), Pieces::new("POST", target).with("authorization", value).with_body(BODY))
        }
        4 => {
            let token = Wsse::token(id, &secret, &clock);
            let request = Pieces::new("GET", target).with("authorization", "WSSE profile=\"UsernameToken\"");
            (gate(Wsse::new(replay()), secrets(id, key)), request.with("x-wsse", token))
        }
        _ => {
            let signer = || JwtSigner::secret(JwtAlgorithm::Hs256, &secret_of(32, 8)).expect("a key");
            let keys = MessageKeys::new().with(id, signer().key().clone(), Verified::new("emma")).expect("a key");
            let signed = MessageSigner::new(id, signer()).with_tag("people");
            let signed = signed.sign_with_body("POST", &url, BODY, &clock).expect("it can be signed");
            let request = Pieces::new("POST", target)
                .with("signature-input", signed.input)
                .with("signature", signed.signature)
                .with("content-digest", signed.content_digest.unwrap_or_default());
            (gate(MessageSignature::new("people", replay()), keys), request.with_body(BODY))
        }
    }
}

pub(super) fn signed(bytes: &[u8]) {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    }
    let mut input = Input::of(bytes);
    let which = input.below(6);
    let (gate, good) = made(which);
    let sent = good.changed(&mut input);
    let is_in = |pieces: &Pieces| {
        let head = pieces.head().received_by(&gate);
        let verdict = RUNTIME.with(|runtime| runtime.block_on(head.verdict_at(&gate)));
        if let Verdict::Rejected(rejection) = &verdict {
            assert!(rejection.status() < 500, "{which}: a client caused {}", rejection.status());
        }
        matches!(verdict, Verdict::Admitted(_))
    };
    if !is_in(&sent) {
        // A refused copy spends nothing.
        assert!(is_in(&good), "{which}: the good one is refused");
        return;
    }
    assert!(!is_in(&good), "{which}: it passed twice");
    // What was not signed may differ, and nothing else.
    let covers_all = which != 4;
    if covers_all {
        // Hawk and OAuth 1.0 sign the method in capitals.
        let method = |pieces: &Pieces| match which {
            0 | 2 => pieces.method.to_ascii_uppercase(),
            _ => pieces.method.clone(),
        };
        assert_eq!(method(&sent), method(&good), "{which}");
        assert_eq!(sent.body, good.body, "{which}");
        assert_eq!(plain(which, &sent.target), plain(which, &good.target), "{which}");
        let host = |pieces: &Pieces| pieces.fields[0].1.to_ascii_lowercase();
        let port = |host: Vec<u8>| String::from_utf8_lossy(&host).trim_end_matches(":80").to_owned();
        // Digest covers no host.
        assert!(which == 3 || port(host(&sent)) == port(host(&good)), "{which}");
    }
}

/// The target as its scheme understands it: SigV4 and OAuth 1.0 sign it in a form of their own.
fn plain(which: usize, target: &str) -> (Vec<String>, Vec<String>) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let decoded = |text: &str| String::from_utf8_lossy(&percent(text)).into_owned();
    match which {
        1 | 2 => {
            let mut segments = Vec::new();
            for segment in path.split('/').map(decoded) {
                match &*segment {
                    "." | "" if which == 1 => {}
                    ".." if which == 1 => drop(segments.pop()),
                    _ => segments.push(segment),
                }
            }
            let mut pairs: Vec<String> = query.split('&').filter(|pair| !pair.is_empty()).map(decoded).collect();
            pairs.sort_unstable();
            (segments, pairs)
        }
        _ => (vec![path.to_owned()], vec![query.to_owned()]),
    }
}

fn percent(text: &str) -> Vec<u8> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        let hex = |bytes: &std::str::Bytes<'_>| {
            let two: Vec<u8> = bytes.clone().take(2).collect();
            u8::from_str_radix(std::str::from_utf8(&two).ok().filter(|two| two.len() == 2)?, 16).ok()
        };
        match (byte, hex(&bytes)) {
            (b'%', Some(value)) => {
                decoded.push(value);
                bytes.nth(1);
            }
            _ => decoded.push(byte),
        }
    }
    decoded
}
