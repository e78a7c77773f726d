//! A second kind of an app's own, in a file of its own: a signature over the request, by a key that client and server share.
//!
//! It signs the method, the target as it is sent, the host, and the time, which the client writes into `X-Time` in Unix seconds. A signature is good
//! for five minutes, and until then for whoever has seen the request: where that matters, a nonce must be signed too, and remembered.
//!
//! ```sh
//! time=$(date +%s)
//! signature=$(printf 'GET\n/parcels?to=emma\n127.0.0.1:3000\n%s' "$time" |
//!     openssl dgst -sha256 -mac HMAC -macopt key:a-key-of-32-random-bytes-or-more -r | cut -d' ' -f1)
//! curl -H "X-Time: $time" -H "Authorization: Signed courier:$signature" 'http://127.0.0.1:3000/parcels?to=emma'
//! ```

use countersign::{
    Extract, RequestView,
    clock::SharedClock,
    credential::{Covers, Occurrences, Raw, after_keyword},
    request::{Field, field},
    response::Challenge,
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How far a client's clock may be from ours.
const LEEWAY: u64 = 300;

/// `Authorization: Signed <name of the key>:<HMAC-SHA256 in hex>`.
pub(crate) struct Signed {
    time: Field,
    clock: SharedClock,
}

/// Whose key is said to have signed what, and the signature.
pub(crate) struct SignedRequest {
    pub(crate) signer: String,
    text: String,
    signature: [u8; 32],
}

impl Signed {
    /// By this clock.
    pub(crate) fn timed_by(clock: SharedClock) -> Result<Self, Box<dyn std::error::Error>> {
        Ok(Self { time: "X-Time".parse()?, clock })
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
        vec![Covers::Method, Covers::Target, Covers::Authority, Covers::Field(self.time.clone())]
    }

    fn read(&self, raw: Raw<'_>) -> Option<SignedRequest> {
        let covered = raw.covered();
        let mut times = covered.field(&self.time)?;
        let (Some(time), None) = (times.next(), times.next()) else { return None };
        let time = std::str::from_utf8(time).ok().filter(|time| self.is_now(time))?;
        let (method, target) = (covered.method()?, covered.target()?);
        let host = std::str::from_utf8(covered.authority()?).ok()?;
        let (signer, signature) = std::str::from_utf8(raw.whole()).ok()?.split_once(':')?;
        Some(SignedRequest {
            signer: signer.to_owned(),
            text: format!("{method}\n{target}\n{host}\n{time}"),
            signature: bytes(signature)?,
        })
    }

    fn clock(&self) -> Option<&SharedClock> {
        Some(&self.clock)
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
        adapter::{Admission, Verdict},
        cache::CacheOptions,
        testing::{ManualClock, PlainHead},
        verifier::{Kept, Terms},
    };

    use super::*;

    const KEY: &[u8] = b"a-key-of-32-random-bytes-or-more";
    const NOW: &str = "1700000000";

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
            Some(if good { Verified::new("the courier").into() } else { Answer::Refused })
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

    fn signature(text: &str) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(KEY).unwrap().chain_update(text).finalize().into_bytes();
        mac.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn request(method: &str, target: &str, host: &str, times: &[&str], value: &str) -> PlainHead {
        let head = PlainHead::new(method, target).with("host", host).with("authorization", format!("Signed {value}"));
        times.iter().fold(head, |head, time| head.with("x-time", time))
    }

    fn admits(gate: &Gate<&'static str>, head: PlainHead) -> bool {
        matches!(head.received_by(gate).at(gate), Admission::Decided(Verdict::Admitted(_)))
    }

    #[test]
    fn whatever_is_changed_is_refused() {
        let (gate, _) = gate();
        let by_courier = |text: &str| format!("courier:{}", signature(text));
        let (late, early) = ("1700000301", "1699999699");
        let good = by_courier(&format!("GET\n/parcels?to=a%20b\nhouse.example\n{NOW}"));
        let upper = format!("courier:{}", good["courier:".len()..].to_uppercase());
        let signed_at = |time: &str| by_courier(&format!("GET\n/\nhouse.example\n{time}"));
        let (now, then, soon) = (signed_at(NOW), signed_at(early), signed_at(late));
        for (target, time, value) in [("/parcels?to=a%20b", NOW, &good), ("/", NOW, &now)] {
            assert!(admits(&gate, request("GET", target, "house.example", &[time], value)), "{target}");
        }
        type Row<'r> = (&'r str, &'r str, &'r str, &'r [&'r str], &'r str);
        let rows: [Row<'_>; 16] = [
            ("POST", "/parcels?to=a%20b", "house.example", &[NOW], &good),
            ("get", "/parcels?to=a%20b", "house.example", &[NOW], &good),
            ("GET", "/parcels?to=a%20c", "house.example", &[NOW], &good),
            ("GET", "/parcels?to=a+b", "house.example", &[NOW], &good),
            ("GET", "/parcels/?to=a%20b", "house.example", &[NOW], &good),
            ("GET", "/parcels?to=a%20b&x", "house.example", &[NOW], &good),
            ("GET", "/parcels", "house.example", &[NOW], &good),
            ("GET", "/parcels?to=a%20b", "other.example", &[NOW], &good),
            ("GET", "/parcels?to=a%20b", "house.example", &["1700000001"], &good),
            ("GET", "/parcels?to=a%20b", "house.example", &[NOW, NOW], &good),
            ("GET", "/parcels?to=a%20b", "house.example", &[], &good),
            ("GET", "/parcels?to=a%20b", "house.example", &[NOW], &upper),
            ("GET", "/parcels?to=a%20b", "house.example", &[NOW], &good["courier".len()..]),
            ("GET", "/parcels?to=a%20b", "house.example", &[NOW], &good[..good.len() - 2]),
            ("GET", "/", "house.example", &[late], &soon),
            ("GET", "/", "house.example", &[early], &then),
        ];
        for row in rows {
            let (method, target, host, times, value) = row;
            assert!(!admits(&gate, request(method, target, host, times, value)), "{row:?}");
        }
    }

    #[test]
    fn nothing_of_it_is_kept_for_another_request() {
        let (gate, calls) = gate();
        let good = format!("courier:{}", signature(&format!("GET\n/\nhouse.example\n{NOW}")));
        for request_number in 1..=3 {
            assert!(admits(&gate, request("GET", "/", "house.example", &[NOW], &good)));
            assert_eq!(calls.load(Ordering::Relaxed), request_number);
        }
    }
}
