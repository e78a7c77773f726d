//! The vectors of RFC 9421 B.2, and what others let through.

use std::time::{Duration, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::*;
use crate::{
    Gate, JwtSigner, Secret, Verified,
    adapter::Verdict,
    credential::{
        Covered,
        signed_request::web_bot_auth::{Agents, WebBotAuth},
    },
    jose::{JwtAlgorithm, JwtKey},
    response::Rejection,
    store::MemoryReplay,
    testing::{ManualClock, PlainHead},
};

const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}"#;
const ED25519_PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----\n";
const SHARED: &str = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
const TIME: u64 = 1_618_884_473;
const BODY: &[u8] = br#"{"hello": "world"}"#;

fn ed25519() -> JwtKey {
    JwtKey::jwk(ED25519).unwrap()
}

fn shared() -> JwtKey {
    JwtKey::secret(JwtAlgorithm::Hs256, &Secret::new(STANDARD.decode(SHARED).unwrap())).unwrap()
}

/// `test-key-rsa-pss` of B.1.2.
fn rsa_pss() -> JwtKey {
    let key = concat!(
        "-----BEGIN PUBLIC KEY-----\n",
        "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x",
        "28Rw3Ry53mm+oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHqgDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd1",
        "1nqqzi+bJ9cvSKADYdUAAN5WUtzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4aOT9v6d+nb4bnNkQVklLQ3fVAvJm",
        "+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI2wIDAQAB\n-----END PUBLIC KEY-----\n",
    );
    JwtKey::pem(JwtAlgorithm::Ps512, key).unwrap()
}

/// `test-key-ecc-p256` of B.1.3.
fn p256() -> JwtKey {
    let key = concat!(
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf\n",
        "w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==\n-----END PUBLIC KEY-----\n",
    );
    JwtKey::pem(JwtAlgorithm::Es256, key).unwrap()
}

fn at(seconds: u64) -> Arc<ManualClock> {
    Arc::new(ManualClock::at(UNIX_EPOCH + Duration::from_secs(seconds)))
}

/// The request of B.2.
fn example() -> PlainHead {
    PlainHead::new("POST", "/foo?param=Value&Pet=dog")
        .with("host", "example.com")
        .with("date", "Tue, 20 Apr 2021 02:07:55 GMT")
        .with("content-type", "application/json")
        .with(
            "content-digest",
            "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:",
        )
        .with("content-length", "18")
        .with_body(BODY)
}

fn covered(head: &PlainHead) -> Covered {
    let covers = [Covers::Method, Covers::Target, Covers::Authority, Covers::UriScheme, Covers::Fields];
    Covered::of(&head.view(), &covers)
}

fn candidate(head: &PlainHead) -> Option<Candidate> {
    MessageCredential::read(&covered(head), |_| true)?.into_candidates().next()
}

#[test]
fn the_vectors_of_the_rfc_verify() {
    for (key, input, signature) in [
        (
            rsa_pss(),
            "sig-b21=();created=1618884473;keyid=\"test-key-rsa-pss\";nonce=\"b3k2pp5k7z-50gnwp.yemd\"",
            concat!(
                "d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxyk",
                "JeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6",
                "UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q==",
            ),
        ),
        (
            rsa_pss(),
            "sig-b22=(\"@authority\" \"content-digest\" \"@query-param\";name=\"Pet\");created=1618884473;keyid=\"test-key-rsa-pss\";tag=\"header-example\"",
            concat!(
                "LjbtqUbfmvjj5C5kr1Ugj4PmLYvx9wVjZvD9GsTT4F7GrcQEdJzgI9qHxICagShLRiLMlAJjtq6N4CDfKtjvuJyE5qH7KT8UCMkSowOB4+ECxCmT8rtAmj/0P",
                "IXxi0A0nxKyB09RNrCQibbUjsLS/2YyFYXEu4TRJQzRw1rLEuEfY17SARYhpTlaqwZVtR8NV7+4UKkjqpcAoFqWFQh62s7Cl+H2fjBSpqfZUJcsIk4N6wiKYd",
                "4je2U/lankenQ99PZfB4jY3I5rSV2DSBVkSFsURIjYErOs0tFTQosMTAoxk//0RoKUqiYY8Bh0aaUEb0rQl3/XaVe4bXTugEjHSw==",
            ),
        ),
        (
            rsa_pss(),
            "sig-b23=(\"date\" \"@method\" \"@path\" \"@query\" \"@authority\" \"content-type\" \"content-digest\" \"content-length\");created=1618884473;keyid=\"test-key-rsa-pss\"",
            concat!(
                "bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59",
                "DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9",
                "bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==",
            ),
        ),
        (
            shared(),
            "sig-b25=(\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test-shared-secret\"",
            "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=",
        ),
        (
            ed25519(),
            "sig-b26=(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\");created=1618884473;keyid=\"test-key-ed25519\"",
            "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==",
        ),
    ] {
        let label = input.split('=').next().unwrap();
        let head = example().with("signature-input", input).with("signature", format!("{label}=:{signature}:"));
        let candidate = candidate(&head).expect(label);
        assert!(candidate.is_by(&key), "{label}");
        let another = if label == "sig-b25" { ed25519() } else { shared() };
        assert!(!candidate.is_by(&another), "{label}");
    }
}

/// B.2.4 signs a response, and so has a base of its own.
#[test]
fn the_vector_of_an_elliptic_curve_verifies_over_the_printed_base() {
    let base = concat!(
        "\"@status\": 200\n\"content-type\": application/json\n",
        "\"content-digest\": sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:\n",
        "\"content-length\": 23\n\"@signature-params\": (\"@status\" \"content-type\" \"content-digest\" \"content-length\")",
        ";created=1618884473;keyid=\"test-key-ecc-p256\"",
    );
    let signature = "wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==";
    let (key, signature) = (p256(), STANDARD.decode(signature).unwrap());
    assert!(key.verifies(base.as_bytes(), &signature));
    assert!(!key.verifies(base.replace("200", "201").as_bytes(), &signature));
}

/// B.4: what a proxy may change, and what not.
#[test]
fn a_signature_outlives_what_it_does_not_cover() {
    let input =
        "transform=(\"@method\" \"@path\" \"@authority\" \"accept\");created=1618884473;keyid=\"test-key-ed25519\"";
    let signature =
        "transform=:ZT1kooQsEHpZ0I1IjCqtQppOmIqlJPeo7DHR3SoMn0s5JZ1eRGS0A+vyYP9t/LXlh5QMFFQ6cpLt2m0pmj3NDA==:";
    let sent = |method: &str, target: &str, accept: &[&str]| {
        let head = PlainHead::new(method, target).with("host", "example.org");
        let head = accept.iter().fold(head, |head, accept| head.with("accept", *accept));
        head.with("signature-input", input).with("signature", signature)
    };
    let (target, accept) = ("/demo?name1=Value1&Name2=value2", ["application/json", "*/*"]);
    for (head, good) in [
        (sent("GET", target, &accept), true),
        (sent("GET", "/demo?name1=Value1&Name2=value2&param=added", &accept), true),
        (sent("GET", target, &["application/json, */*"]), true),
        (sent("POST", target, &accept), false),
        (sent("GET", "/demo/", &accept), false),
        (sent("GET", target, &["*/*", "application/json"]), false),
    ] {
        assert_eq!(candidate(&head).unwrap().is_by(&ed25519()), good, "{head:?}");
    }
}

#[test]
fn components_have_the_values_of_the_rfc() {
    let head = PlainHead::new("GET", "/path?param=Value&foo=bar&baz=bat%20man&param=x&q%75x&a=b+c&t=~*")
        .with("host", "WWW.Example.com:80")
        .with("x-ows", "  a  b ".trim())
        .with("x-twice", "one")
        .with("x-twice", "two")
        .with("x-empty", "")
        .with("example-dict", "a=1,    b=2;x=1;y=2,   c=(a   b   c)")
        .with("x-bytes", "\u{e4}")
        .with("content-digest", "sha-256=:AAAA:,   x=?1");
    let request = covered(&head);
    let value = |component: &str| {
        let text = format!("sig=({component})");
        let parsed: sfv::Dictionary = sfv::Parser::new(&text).parse().unwrap();
        let sfv::ListEntry::InnerList(member) = parsed.get("sig").unwrap() else { panic!("{component}") };
        let base = base::Base::of(member, &request)?;
        let line = base.text.lines().next()?.to_owned();
        line.split_once(": ").map(|(_, value)| value.to_owned())
    };
    for (component, expected) in [
        ("\"@method\"", "GET"),
        ("\"@authority\"", "www.example.com"),
        ("\"@scheme\"", "http"),
        ("\"@path\"", "/path"),
        ("\"@query\"", "?param=Value&foo=bar&baz=bat%20man&param=x&q%75x&a=b+c&t=~*"),
        ("\"@target-uri\"", "http://www.example.com/path?param=Value&foo=bar&baz=bat%20man&param=x&q%75x&a=b+c&t=~*"),
        ("\"@request-target\"", "/path?param=Value&foo=bar&baz=bat%20man&param=x&q%75x&a=b+c&t=~*"),
        ("\"@query-param\";name=\"baz\"", "bat%20man"),
        ("\"@query-param\";name=\"qux\"", ""),
        ("\"@query-param\";name=\"a\"", "b%20c"),
        ("\"@query-param\";name=\"t\"", "%7E*"),
        ("\"x-twice\"", "one, two"),
        ("\"x-empty\"", ""),
        ("\"x-ows\"", "a  b"),
        ("\"x-twice\";bs", ":b25l:, :dHdv:"),
        ("\"example-dict\";key=\"a\"", "1"),
        ("\"example-dict\";key=\"b\"", "2;x=1;y=2"),
        ("\"example-dict\";key=\"c\"", "(a b c)"),
        ("\"content-digest\";sf", "sha-256=:AAAA:, x"),
        ("\"host\"", "WWW.Example.com:80"),
    ] {
        assert_eq!(value(component).as_deref(), Some(expected), "{component}");
    }
    for component in [
        "\"@query-param\";name=\"param\"",
        "\"@query-param\";name=\"none\"",
        "\"@query-param\"",
        "\"@query-param\";key=\"baz\"",
        "\"@status\"",
        "\"@unknown\"",
        "\"@method\";req",
        "\"@method\";x",
        "\"x-twice\";tr",
        "\"x-twice\";req",
        "\"x-twice\";sf",
        "\"x-twice\";unknown",
        "\"x-twice\";bs;sf",
        "\"x-absent\"",
        "\"X-Twice\"",
        "\"example-dict\";key=\"none\"",
        "\"x-twice\" \"x-twice\"",
        "\"@path\" \"@method\" \"@path\"",
        "x-twice",
        "1",
    ] {
        assert_eq!(value(component), None, "{component}");
    }
    let bare = PlainHead::get("/").with("host", "[::1]:8080").over_tls();
    let bare = covered(&bare);
    let text = "sig=(\"@query\" \"@authority\");x";
    let parsed: sfv::Dictionary = sfv::Parser::new(text).parse().unwrap();
    let sfv::ListEntry::InnerList(member) = parsed.get("sig").unwrap() else { panic!("a list") };
    let text = base::Base::of(member, &bare).unwrap().text;
    assert_eq!(text, "\"@query\": ?\n\"@authority\": [::1]:8080\n\"@signature-params\": (\"@query\" \"@authority\");x");
}

struct House {
    gate: Gate<&'static str>,
    clock: Arc<ManualClock>,
    replay: Arc<MemoryReplay>,
}

fn house() -> House {
    let clock = at(TIME);
    let replay = Arc::new(MemoryReplay::default().timed_by(clock.clone()));
    let keys = MessageKeys::new()
        .with("test-key-ed25519", ed25519(), Verified::new("emma"))
        .and_then(|keys| keys.with("test-shared-secret", shared(), Verified::new("emma")))
        .unwrap();
    let kind = MessageSignature::new("house", replay.clone()).timed_by(clock.clone());
    let gate = Gate::in_realm("house").accept(kind, keys).timed_by(clock.clone()).build().unwrap();
    House { gate, clock, replay }
}

impl House {
    async fn asks(&self, head: PlainHead) -> Result<&'static str, Rejection> {
        match head.received_by(&self.gate).verdict_at(&self.gate).await {
            Verdict::Admitted(grant) => Ok(*grant),
            Verdict::Rejected(rejection) => Err(rejection),
            Verdict::Anonymous => unreachable!("nobody in particular"),
        }
    }

    async fn status(&self, head: PlainHead) -> u16 {
        self.asks(head).await.err().map_or(200, |rejection| rejection.status())
    }
}

/// Signs what the input says, whatever it says, by the Ed25519 key.
fn signed(head: PlainHead, input: &str) -> PlainHead {
    let signer = JwtSigner::pem(ED25519_PRIVATE).unwrap();
    let text = format!("sig={input}");
    let parsed: sfv::Dictionary = sfv::Parser::new(&text).parse().unwrap();
    let Some(sfv::ListEntry::InnerList(member)) = parsed.get("sig") else { panic!("{input}") };
    let base = base::Base::of(member, &covered(&head)).map(|base| base.text).unwrap_or_default();
    let signature = STANDARD.encode(signer.sign_bytes(base.as_bytes()).unwrap());
    head.with("signature-input", format!("sig={input}")).with("signature", format!("sig=:{signature}:"))
}

const OURS: &str = ";created=1618884473;keyid=\"test-key-ed25519\"";

fn get() -> PlainHead {
    PlainHead::get("/a?b").with("host", "example.com")
}

#[tokio::test]
async fn what_must_be_covered_is() {
    let house = house();
    for (components, status) in [
        ("(\"@method\" \"@target-uri\")", 200),
        ("(\"@method\" \"@authority\" \"@path\" \"@query\")", 200),
        ("(\"@method\" \"@authority\" \"@path\")", 401),
        ("(\"@method\" \"@path\" \"@query\")", 401),
        ("(\"@target-uri\")", 401),
        ("(\"@method\")", 401),
        ("()", 401),
        ("(\"@method\" \"@target-uri\" \"@method\")", 401),
        ("(\"@method\" \"@target-uri\" \"x-absent\")", 401),
    ] {
        let head = signed(get(), &format!("{components}{OURS}"));
        assert_eq!(house.status(head).await, status, "{components}");
    }
    let without_query = PlainHead::get("/a").with("host", "example.com");
    let head = signed(without_query, &format!("(\"@method\" \"@authority\" \"@path\"){OURS}"));
    assert_eq!(house.status(head).await, 200);
    let refused = house.asks(get()).await.unwrap_err();
    assert_eq!(refused.challenges()[0].to_string(), "Signature realm=\"house\"");
    let fields: Vec<_> = refused.reply().fields().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let asked = "sig=(\"@method\" \"@target-uri\");created;tag=\"house\"";
    assert!(fields.contains(&("accept-signature".to_owned(), asked.to_owned())), "{fields:?}");
}

#[tokio::test]
async fn parameters_count() {
    let house = house();
    let all = "(\"@method\" \"@target-uri\")";
    for (parameters, status) in [
        (";created=1618884473;keyid=\"test-key-ed25519\"", 200),
        (";created=1618884173;keyid=\"test-key-ed25519\"", 200),
        (";created=1618884172;keyid=\"test-key-ed25519\"", 401),
        (";created=1618884773;keyid=\"test-key-ed25519\"", 200),
        (";created=1618884774;keyid=\"test-key-ed25519\"", 401),
        (";created=\"1618884473\";keyid=\"test-key-ed25519\"", 401),
        (";created=-1;keyid=\"test-key-ed25519\"", 401),
        (";keyid=\"test-key-ed25519\"", 401),
        (";created=1618884473", 401),
        (";created=1618884473;keyid=test-key-ed25519", 401),
        (";created=1618884473;keyid=\"unknown\"", 401),
        (";created=1618884473;keyid=\"test-key-ed25519\";expires=1618884473", 200),
        (";created=1618884473;keyid=\"test-key-ed25519\";expires=1618884472", 401),
        (";created=1618884473;keyid=\"test-key-ed25519\";expires=?1", 401),
        (";created=1618884473;keyid=\"test-key-ed25519\";alg=\"ed25519\"", 200),
        (";created=1618884473;keyid=\"test-key-ed25519\";alg=\"hmac-sha256\"", 401),
        (";created=1618884473;keyid=\"test-key-ed25519\";tag=\"house\"", 200),
        (";created=1618884473;keyid=\"test-key-ed25519\";tag=\"other\"", 401),
        (";created=1618884473;keyid=\"test-key-ed25519\";tag=house", 401),
        (";created=1618884473;keyid=\"test-key-ed25519\";nonce=\"1\"", 200),
        (";created=1618884473;keyid=\"test-key-ed25519\";nonce=\"1\"", 401),
        (";created=1618884474;keyid=\"test-key-ed25519\";nonce=\"1\"", 401),
        (";created=1618884473;keyid=\"test-key-ed25519\";nonce=\"2\"", 200),
        (";created=1618884473;keyid=\"test-shared-secret\"", 401),
    ] {
        assert_eq!(house.status(signed(get(), &format!("{all}{parameters}"))).await, status, "{parameters}");
    }
    assert_eq!(house.replay.held(), 2);
    // By the bytes of the public key, as if it were a secret.
    let jwk: serde_json::Value = serde_json::from_str(ED25519).unwrap();
    let public = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap();
    for alg in ["", ";alg=\"hmac-sha256\"", ";alg=\"ed25519\""] {
        let input = format!("{all}{OURS}{alg}");
        let text = format!("sig={input}");
        let parsed: sfv::Dictionary = sfv::Parser::new(&text).parse().unwrap();
        let Some(sfv::ListEntry::InnerList(member)) = parsed.get("sig") else { panic!("a list") };
        let base = base::Base::of(member, &covered(&get())).unwrap().text;
        let forged = STANDARD.encode(super::super::hmac_sha256(&public, base.as_bytes()));
        let head = get().with("signature-input", text).with("signature", format!("sig=:{forged}:"));
        assert_eq!(house.status(head).await, 401, "{alg}");
    }
    house.clock.advance(Duration::from_secs(301));
    assert_eq!(house.status(signed(get(), &format!("{all}{OURS}"))).await, 401);
}

#[tokio::test]
async fn a_body_is_signed_by_its_digest() {
    let house = house();
    let post = |digest: Option<&str>, body: &[u8]| {
        let head = PlainHead::new("POST", "/a").with("host", "example.com").with_body(body);
        digest.into_iter().fold(head, |head, digest| head.with("content-digest", digest))
    };
    let good = digest::written(BODY);
    let input =
        |components: &str, nonce: u32| format!("(\"@method\" \"@target-uri\"{components}){OURS};nonce=\"{nonce}\"");
    let of_digest = " \"content-digest\"";
    let status = async |head: PlainHead, input: &str| house.status(signed(head, input)).await;
    assert_eq!(status(post(Some(&good), BODY), &input(of_digest, 1)).await, 200);
    assert_eq!(status(post(Some(&good), b"other"), &input(of_digest, 2)).await, 401);
    assert_eq!(status(post(Some(&good), BODY), &input("", 3)).await, 401, "not covered");
    assert_eq!(status(post(None, BODY), &input("", 4)).await, 401);
    assert_eq!(status(post(None, b""), &input("", 5)).await, 200);
    assert_eq!(status(post(Some("md5=:AAAA:"), BODY), &input(of_digest, 6)).await, 401);
    assert_eq!(status(post(Some(&good), b""), &input(of_digest, 7)).await, 401);
    assert_eq!(
        status(post(Some(&good), BODY), &format!("(\"@method\" \"@target-uri\"{of_digest}){OURS}")).await,
        401,
        "no nonce"
    );
    let long = vec![b'x'; 64 * 1024 + 1];
    assert_eq!(status(post(Some(&digest::written(&long)), &long), &input(of_digest, 8)).await, 413);
    let unsigned = post(None, &long).with("content-length", "65537");
    assert_eq!(status(unsigned, &input("", 9)).await, 401, "not read");
    let unknown = input(of_digest, 10).replace("test-key-ed25519", "unknown");
    assert_eq!(status(post(Some(&digest::written(&long)), &long), &unknown).await, 401, "not read");
    assert_eq!(house.replay.held(), 2, "the nonces of the two that passed");
    for nonce in [2, 3, 4, 6, 7, 8, 9, 10] {
        assert_eq!(status(post(Some(&good), BODY), &input(of_digest, nonce)).await, 200, "{nonce} was not spent");
    }
    assert_eq!(house.replay.held(), 10);
}

#[tokio::test]
async fn a_nonce_is_remembered_until_its_signature_is_too_old() {
    let house = house();
    let input_of = |moved: i64| {
        let created = TIME.checked_add_signed(moved).unwrap();
        format!("(\"@method\" \"@target-uri\");created={created};keyid=\"test-key-ed25519\";nonce=\"1\"")
    };
    let of_time = |moved| signed(get(), &input_of(moved));
    let forged = get().with("signature-input", format!("sig={}", input_of(300))).with("signature", "sig=:AAAA:");
    assert_eq!(house.status(forged).await, 401);
    assert_eq!(house.replay.held(), 0);
    assert_eq!(house.status(of_time(300)).await, 200, "as far ahead as may be");
    for seconds in [0, 599, 1] {
        house.clock.advance(Duration::from_secs(seconds));
        assert_eq!(house.status(of_time(300)).await, 401);
        assert_eq!(house.replay.held(), 1);
    }
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(house.status(of_time(300)).await, 401, "too old");
    assert_eq!(house.status(of_time(601)).await, 200, "its nonce counts anew");
    assert_eq!(house.replay.held(), 1);
}

#[tokio::test]
async fn of_several_signatures_one_may_be_ours() {
    let house = house();
    let good = || signed(get(), &format!("(\"@method\" \"@target-uri\"){OURS}"));
    let with = |input: &str| good().with("signature-input", input).with("signature", "x=:AAAA:");
    for (input, status) in [
        ("x=(\"@nonsense\");keyid=\"unknown\"", 200),
        ("x=();created=1", 200),
        ("x=1", 200),
        ("y=(\"@method\");keyid=\"unknown\"", 200),
        ("x=(\"@method\" \"@target-uri\");created=1618884473;keyid=\"test-shared-secret\"", 400),
        ("x=(\"@method\" \"@target-uri\");created=1618884473;keyid=\"test-key-ed25519\"", 400),
        ("x=(", 401),
        ("sig=(\"@method\");created=1618884473;keyid=\"test-key-ed25519\"", 401),
    ] {
        assert_eq!(house.status(with(input)).await, status, "{input}");
    }
    let alone = get().with("signature-input", format!("sig=(\"@method\" \"@target-uri\"){OURS}"));
    assert_eq!(house.status(alone).await, 401, "no signature");
    assert_eq!(house.status(get().with("signature", "sig=:AAAA:")).await, 401, "no input");
}

#[tokio::test]
async fn an_elliptic_signature_is_two_numbers_and_no_der() {
    let clock = at(TIME);
    let shared_clock: SharedClock = clock.clone();
    let pem = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIFKbhfNZfpDsW43+0+JjUr9K+bTeuxopu653+hBaXGA7oAoGCCqGSM49\nAwEHoUQDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lfw0EkjqF7xB4FivAxzic30tMM\n4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==\n-----END EC PRIVATE KEY-----\n";
    let signer = JwtSigner::pem(pem).unwrap();
    let keys = MessageKeys::new().with("p256", signer.key(), Verified::new("emma")).unwrap();
    let replay = Arc::new(MemoryReplay::default().timed_by(clock.clone()));
    let kind = MessageSignature::new("house", replay).timed_by(clock.clone());
    let gate = Gate::in_realm("house").accept(kind, keys).timed_by(clock.clone()).build().unwrap();
    let made = MessageSigner::new("p256", signer).with_tag("house");
    let asks = async |signature: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let fields = made.sign("GET", "http://example.com/a?b", &shared_clock).unwrap();
        let raw = STANDARD.decode(fields.signature.trim_start_matches("sig=:").trim_end_matches(':')).unwrap();
        let head = get().with("signature-input", &fields.input);
        let head = head.with("signature", format!("sig=:{}:", STANDARD.encode(signature(raw))));
        matches!(head.received_by(&gate).verdict_at(&gate).await, Verdict::Admitted(_))
    };
    assert!(asks(&|raw| raw).await);
    let number = |number: &[u8]| [&[2, 33, 0], number].concat();
    let der = move |raw: Vec<u8>| {
        let (r, s) = raw.split_at(32);
        [vec![0x30, 70], number(r), number(s)].concat()
    };
    assert!(!asks(&der).await);
}

fn agents() -> (Gate<&'static str>, Arc<ManualClock>) {
    let clock = at(1_735_689_600);
    let agents = Agents::new().with("https://signature-agent.test", ed25519(), Verified::new("agent")).unwrap();
    let kind = WebBotAuth::new().timed_by(clock.clone());
    (Gate::in_realm("house").accept(kind, agents).timed_by(clock.clone()).build().unwrap(), clock)
}

async fn agent_status(gate: &Gate<&'static str>, head: PlainHead) -> u16 {
    match head.received_by(gate).verdict_at(gate).await {
        Verdict::Admitted(_) => 200,
        Verdict::Rejected(rejection) => rejection.status(),
        Verdict::Anonymous => unreachable!("nobody in particular"),
    }
}

#[tokio::test]
async fn the_vector_of_web_bots_verifies_and_an_agent_is_found_by_its_url() {
    let (gate, clock) = agents();
    let input = "sig2=(\"@authority\" \"signature-agent\");created=1735689600;keyid=\"poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U\";alg=\"ed25519\";expires=1735693200;nonce=\"e8N7S2MFd/qrd6T2R3tdfAuuANngKI7LFtKYI/vowzk4lAZYadIX6wW25MwG7DCT9RUKAJ0qVkU0mEeLElW1qg==\";tag=\"web-bot-auth\"";
    let signature = "jdq0SqOwHdyHr9+r5jw3iYZH6aNGKijYp/EstF4RQTQdi5N5YYKrD+mCT1HA1nZDsi6nJKuHxUi/5Syp3rLWBA==";
    let of = |agent: &str| {
        PlainHead::get("/")
            .with("host", "example.com")
            .with("signature-agent", agent)
            .with("signature-input", input)
            .with("signature", format!("sig2=:{signature}:"))
    };
    assert_eq!(agent_status(&gate, of("\"https://signature-agent.test\"")).await, 200);
    assert_eq!(agent_status(&gate, of("\"https://another.test\"")).await, 401);
    clock.advance(Duration::from_secs(3601));
    assert_eq!(agent_status(&gate, of("\"https://signature-agent.test\"")).await, 401, "over");
}

#[tokio::test]
async fn an_agent_must_cover_what_says_who_it_is() {
    let (gate, _) = agents();
    let head = |agent: &str| PlainHead::get("/").with("host", "example.com").with("signature-agent", agent);
    let ours = ";created=1735689600;expires=1735693200;keyid=\"poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U\";tag=\"web-bot-auth\"";
    let by_label = "(\"@authority\" \"signature-agent\";key=\"sig\")";
    let dictionary = "sig=\"https://signature-agent.test\"";
    for (agent, input, status) in [
        (dictionary, format!("{by_label}{ours}"), 200),
        (dictionary, format!("(\"@target-uri\" \"signature-agent\";key=\"sig\"){ours}"), 200),
        (
            "other=\"https://signature-agent.test\"",
            format!("(\"@authority\" \"signature-agent\";key=\"other\"){ours}"),
            401,
        ),
        ("sig=\"https://another.test\"", format!("{by_label}{ours}"), 401),
        ("sig=token", format!("{by_label}{ours}"), 401),
        (dictionary, format!("(\"@authority\"){ours}"), 401),
        (dictionary, format!("(\"signature-agent\";key=\"sig\"){ours}"), 401),
        (dictionary, format!("(\"@authority\" \"signature-agent\"){ours}"), 401),
        ("\"https://signature-agent.test\"", format!("(\"@authority\" \"signature-agent\"){ours}"), 200),
        (dictionary, format!("{by_label}{}", ours.replace("web-bot-auth", "house")), 401),
        (dictionary, format!("{by_label}{}", ours.replace(";tag=\"web-bot-auth\"", "")), 401),
        (dictionary, format!("{by_label}{}", ours.replace(";expires=1735693200", "")), 401),
        (dictionary, format!("{by_label}{}", ours.replace("1735693200", "1735776000")), 200),
        (dictionary, format!("{by_label}{}", ours.replace("1735693200", "1735776001")), 401),
        (dictionary, format!("{by_label}{}", ours.replace("1735693200", "1735689599")), 401),
        (dictionary, format!("{by_label}{}", ours.replace("created=1735689600", "created=1735689660")), 200),
        (dictionary, format!("{by_label}{}", ours.replace("created=1735689600", "created=1735689661")), 401),
        (dictionary, format!("{by_label}{}", ours.replace("poqk", "Poqk")), 401),
    ] {
        assert_eq!(agent_status(&gate, signed(head(agent), &input)).await, status, "{agent} {input}");
    }
}

#[tokio::test]
async fn of_several_signatures_of_agents_one_may_be_by_a_key_that_is_known() {
    let (gate, _) = agents();
    let head = |agents: &str| PlainHead::get("/").with("host", "example.com").with("signature-agent", agents);
    let params = |tag: &str, expires: u64| {
        format!(
            ";created=1735689600;expires={expires};keyid=\"poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U\";tag=\"{tag}\""
        )
    };
    let ours = params("web-bot-auth", 1_735_693_200);
    for (agent, more, status) in [
        ("https://another.test", ours.clone(), 200),
        ("https://signature-agent.test", params("of another application", 1_735_693_200), 200),
        ("https://signature-agent.test", ours.clone(), 400),
        // What is wrong with one by a key that is known is not passed over.
        ("https://signature-agent.test", params("web-bot-auth", 1_735_689_599), 400),
    ] {
        let head = head(&format!("sig=\"https://signature-agent.test\", x=\"{agent}\""));
        let head = signed(head, &format!("(\"@authority\" \"signature-agent\";key=\"sig\"){ours}"));
        let head = head.with("signature-input", format!("x=(\"@authority\" \"signature-agent\";key=\"x\"){more}"));
        assert_eq!(agent_status(&gate, head.with("signature", "x=:AAAA:")).await, status, "{agent} {more}");
    }
}
