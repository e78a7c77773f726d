//! A second kind of an app's own, in a file of its own: a signature over the request, by a key that client and server share.
//!
//! It signs the method, the target as it is sent, the host, the time, which the client writes into `X-Time` in Unix seconds, and the body by its
//! SHA-256 in `X-Content-SHA256`. A signature is good for five minutes, and until then for whoever has seen the request: where that matters, a
//! nonce must be signed too, and remembered.
//!
//! ```sh
//! time=$(date +%s)
//! digest=$(printf 'two boxes' | openssl dgst -sha256 -r | cut -d' ' -f1)
//! signature=$(printf 'POST\n/parcels?to=emma\n127.0.0.1:3000\n%s\n%s' "$time" "$digest" |
//!     openssl dgst -sha256 -mac HMAC -macopt key:a-key-of-32-random-bytes-or-more -r | cut -d' ' -f1)
//! curl -H "X-Time: $time" -H "X-Content-SHA256: $digest" -H "Authorization: Signed courier:$signature" \
//!     --data-binary 'two boxes' 'http://127.0.0.1:3000/parcels?to=emma'
//! ```

use countersign::{
    Extract, RequestView,
    clock::SharedClock,
    credential::{Confirm, Confirmation, Confirming, Covers, Occurrences, Raw, after_keyword},
    principal::{Binding, Proof},
    request::{Field, field},
    response::Challenge,
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// How far a client's clock may be from ours.
const LEEWAY: u64 = 300;

/// `Authorization: Signed <name of the key>:<HMAC-SHA256 in hex>`.
pub(crate) struct Signed {
    time: Field,
    digest: Field,
    clock: SharedClock,
}

/// Whose key is said to have signed what, and the signature.
pub(crate) struct SignedRequest {
    pub(crate) signer: String,
    text: String,
    signature: [u8; 32],
    digest: [u8; 32],
}

impl Signed {
    /// By this clock.
    pub(crate) fn timed_by(clock: SharedClock) -> Result<Self, Box<dyn std::error::Error>> {
        Ok(Self { time: "X-Time".parse()?, digest: "X-Content-SHA256".parse()?, clock })
    }

    fn is_now(&self, time: &str) -> bool {
        let now = self.clock.wall().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let canonical = time.bytes().all(|byte| byte.is_ascii_digit()) && !time.starts_with('0');
        canonical && time.parse::<u64>().is_ok_and(|time| time.abs_diff(now) <= LEEWAY)
    }
}

impl SignedRequest {
    /// Whether this key signed it; in constant time.
    pub(crate) fn is_by(&self, key: &[u8]) -> bool {
        Hmac::<Sha256>::new_from_slice(key)
            .is_ok_and(|mac| mac.chain_update(&self.text).verify_slice(&self.signature).is_ok())
    }

    /// What its verifier hands over, so that the body is judged once the signature is found good.
    pub(crate) fn body(&self) -> Binding {
        Binding::Proof(Proof::of(BodyDigest(self.digest)))
    }
}

/// The SHA-256 that was signed of the body.
struct BodyDigest([u8; 32]);

impl Confirm for Signed {
    fn confirm(&self, binding: &Binding, request: &RequestView<'_>) -> Confirming {
        let is = request.body().map(|body| <[u8; 32]>::from(Sha256::digest(body)));
        let shown = is.is_some() && is == binding.proof::<BodyDigest>().map(|signed| signed.0);
        Box::pin(async move { if shown { Confirmation::shown() } else { Confirmation::not_shown() } })
    }

    // An empty body is one, too: without this nothing would keep another from being added.
    fn needs_body(&self, _: &Binding, _: &RequestView<'_>) -> bool {
        true
    }
}

impl Extract for Signed {
    type Credential = SignedRequest;

    fn scheme(&self) -> &str {
        "signed"
    }

    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        after_keyword("Signed", request).for_each(|raw| occurrences.add(raw));
    }

    // What is declared here is shown to `read`, and keeps the answer from every other request.
    fn covers(&self) -> Vec<Covers> {
        let fields = [&self.time, &self.digest].map(|field| Covers::Field(field.clone()));
        [Covers::Method, Covers::Target, Covers::Authority, Covers::Body].into_iter().chain(fields).collect()
    }

    fn read(&self, raw: Raw<'_>) -> Option<SignedRequest> {
        let covered = raw.covered();
        let once = |field: &Field| {
            let mut values = covered.field(field)?;
            let (Some(value), None) = (values.next(), values.next()) else { return None };
            std::str::from_utf8(value).ok()
        };
        let time = once(&self.time).filter(|time| self.is_now(time))?;
        let digest = once(&self.digest)?;
        let (method, target) = (covered.method()?, covered.target()?);
        let host = std::str::from_utf8(covered.authority()?).ok()?;
        let (signer, signature) = std::str::from_utf8(raw.whole()).ok()?.split_once(':')?;
        Some(SignedRequest {
            signer: signer.to_owned(),
            text: format!("{method}\n{target}\n{host}\n{time}\n{digest}"),
            signature: bytes(signature)?,
            digest: bytes(digest)?,
        })
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.clock)
    }

    fn confirm(&self) -> Option<&dyn Confirm> {
        Some(self)
    }

    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Signed")]
    }

    fn fields(&self) -> Vec<Field> {
        vec![field::AUTHORIZATION.clone()]
    }
}

/// 32 bytes in lower-case hex: there is one way to write a signature.
fn bytes(hex: &str) -> Option<[u8; 32]> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let bytes: Vec<u8> =
        pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect::<Option<_>>()?;
    if rest.is_empty() { bytes.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        time::{Duration, UNIX_EPOCH},
    };

    use countersign::{
        Answer, CredentialCache, Gate, Verified, Verify,
        adapter::Verdict,
        cache::CacheOptions,
        testing::{ManualClock, PlainHead},
        verifier::{Kept, Terms},
    };

    use super::*;

    const KEY: &[u8] = b"a-key-of-32-random-bytes-or-more";
    const NOW: &str = "1700000000";
    const BODY: &str = "two boxes";

    /// Lets its answers be kept, and counts how often it is asked.
    struct Keys(Arc<AtomicUsize>);

    #[countersign::async_trait]
    impl Verify<SignedRequest> for Keys {
        type Principal = &'static str;

        async fn verify(&self, request: SignedRequest) -> Answer<&'static str> {
            self.verify_now(&request).unwrap_or(Answer::Refused)
        }

        fn verify_now(&self, request: &SignedRequest) -> Option<Answer<&'static str>> {
            self.0.fetch_add(1, Ordering::Relaxed);
            let good = request.signer == "courier" && request.is_by(KEY);
            Some(if good { Verified::new("the courier").bound_to(request.body()).into() } else { Answer::Refused })
        }

        fn terms(&self) -> Terms {
            Terms::new().kept(Kept::Always)
        }
    }

    fn gate() -> (Gate<&'static str>, Arc<AtomicUsize>) {
        let calls = Arc::<AtomicUsize>::default();
        let clock: SharedClock = Arc::new(ManualClock::at(UNIX_EPOCH + Duration::from_secs(1_700_000_000)));
        let cache = CredentialCache::with(CacheOptions::default().timed_by(clock.clone()));
        let gate = Gate::in_realm("house").accept(Signed::timed_by(clock).unwrap(), Keys(Arc::clone(&calls)));
        (gate.cached(cache).build().unwrap(), calls)
    }

    fn hex(bytes: impl AsRef<[u8]>) -> String {
        bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn digest(body: &str) -> String {
        hex(Sha256::digest(body))
    }

    /// Signed by the courier.
    fn by_courier(text: &str) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(KEY).unwrap().chain_update(text).finalize();
        format!("courier:{}", hex(mac.into_bytes()))
    }

    fn signed_at(time: &str) -> String {
        by_courier(&format!("POST\n/parcels?to=a%20b\nhouse.example\n{time}\n{}", digest(BODY)))
    }

    /// A request that the courier signed, and what somebody may do to it.
    struct Sent {
        method: &'static str,
        target: &'static str,
        host: &'static str,
        times: Vec<&'static str>,
        digests: Vec<String>,
        body: &'static str,
        value: String,
    }

    impl Sent {
        fn good() -> Self {
            Self {
                method: "POST",
                target: "/parcels?to=a%20b",
                host: "house.example",
                times: vec![NOW],
                digests: vec![digest(BODY)],
                body: BODY,
                value: signed_at(NOW),
            }
        }

        async fn is_admitted(&self, gate: &Gate<&'static str>) -> bool {
            let head = PlainHead::new(self.method, self.target)
                .with("host", self.host)
                .with("authorization", format!("Signed {}", self.value))
                .with_body(self.body);
            let head = self.times.iter().fold(head, |head, time| head.with("x-time", time));
            let head = self.digests.iter().fold(head, |head, digest| head.with("x-content-sha256", digest));
            matches!(head.received_by(gate).verdict_at(gate).await, Verdict::Admitted(_))
        }
    }

    #[tokio::test]
    async fn whatever_is_changed_is_refused() {
        let (gate, _) = gate();
        assert!(Sent::good().is_admitted(&gate).await);
        let (late, early) = ("1700000301", "1699999699");
        type Change = (&'static str, fn(&mut Sent));
        let changes: [Change; 17] = [
            ("another method", |sent| sent.method = "PUT"),
            ("a method in lower case", |sent| sent.method = "post"),
            ("another query", |sent| sent.target = "/parcels?to=a%20c"),
            ("another spelling", |sent| sent.target = "/parcels?to=a+b"),
            ("another path", |sent| sent.target = "/parcels/?to=a%20b"),
            ("something added", |sent| sent.target = "/parcels?to=a%20b&x"),
            ("no query", |sent| sent.target = "/parcels"),
            ("another host", |sent| sent.host = "other.example"),
            ("another time", |sent| sent.times = vec!["1700000001"]),
            ("the time twice", |sent| sent.times = vec![NOW, NOW]),
            ("no time", |sent| sent.times.clear()),
            ("another body", |sent| sent.body = "two crates"),
            ("no body", |sent| sent.body = ""),
            ("another body with its digest", |sent| (sent.body, sent.digests) = ("x", vec![digest("x")])),
            ("no digest", |sent| sent.digests.clear()),
            ("the digest twice", |sent| sent.digests.push(digest(BODY))),
            ("the signature in capitals", |sent| sent.value = format!("courier:{}", sent.value[8..].to_uppercase())),
        ];
        for (what, change) in changes {
            let mut sent = Sent::good();
            change(&mut sent);
            assert!(!sent.is_admitted(&gate).await, "{what}");
        }
        for value in [signed_at(NOW)[7..].to_owned(), signed_at(NOW)[..70].to_owned()] {
            assert!(!Sent { value: value.clone(), ..Sent::good() }.is_admitted(&gate).await, "{value}");
        }
        for time in [late, early] {
            let sent = Sent { times: vec![time], value: signed_at(time), ..Sent::good() };
            assert!(!sent.is_admitted(&gate).await, "{time}");
        }
    }

    #[tokio::test]
    async fn nothing_of_it_is_kept_for_another_request() {
        let (gate, calls) = gate();
        for request_number in 1..=3 {
            assert!(Sent::good().is_admitted(&gate).await);
            assert_eq!(calls.load(Ordering::Relaxed), request_number);
        }
    }
}
