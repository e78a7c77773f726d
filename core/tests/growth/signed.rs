//! Requests that are signed: what is signed costs as much more as there is more of it, before it is known who signed.

use countersign::{
    credential::{
        Nonces,
        digest::{Digest, DigestClient},
        signed_request::{
            hawk::{Bewit, Hawk, HawkRequest},
            message_signature::{MessageKeys, MessageSignature},
            oauth1::{OAuth1, OAuth1Signer},
            sigv4::{SigV4, SigV4Signer},
            web_bot_auth::{Agents, WebBotAuth},
            wsse::Wsse,
        },
    },
    jose::{JwtAlgorithm, JwtKey},
    store::{MemoryCounts, MemoryReplay, MemorySecrets, StoredSecret},
    verifier::{Secrets, SignedBy},
};

use super::*;

const KEY: &str = "the key of emily, for the tests, and for nothing else";
const HOST: &str = "growth.example";
const FORM: &str = "application/x-www-form-urlencoded";

fn key() -> Secret {
    Secret::new(KEY)
}

fn replay() -> Arc<MemoryReplay> {
    Arc::new(MemoryReplay::default().timed_by(clock()))
}

fn person() -> Verified<String> {
    Verified::new("emily".to_owned())
}

fn emilys() -> SignedBy<MemorySecrets<String>> {
    let consumer = OAuth1::key(&key(), &Secret::new(""));
    let known = MemorySecrets::new()
        .with("emily", StoredSecret::new(key(), person()))
        .with(&OAuth1::signer("emily", None), StoredSecret::new(consumer, person()));
    SignedBy::secrets(Secrets::in_store(known).without_throttle())
}

fn nonces() -> Nonces {
    Nonces::of("digest", keys()).timed_by(clock())
}

fn digest() -> Gate<String> {
    let counts = MemoryCounts::default().timed_by(clock());
    gate_of(Digest::in_realm("people", nonces(), Arc::new(counts)), emilys())
}

fn hawk() -> Gate<String> {
    gate_of(Hawk::new(replay()).timed_by(clock()), emilys())
}

fn sigv4() -> Gate<String> {
    gate_of(SigV4::of("us-east-1", "service", replay()).timed_by(clock()), emilys())
}

fn oauth1() -> Gate<String> {
    gate_of(OAuth1::new(replay()).timed_by(clock()), emilys())
}

fn message_signature() -> Gate<String> {
    let key = JwtKey::secret(JwtAlgorithm::Hs256, &key()).unwrap();
    let keys = MessageKeys::new().with("emily", key, person()).unwrap();
    gate_of(MessageSignature::new("people", replay()).timed_by(clock()), keys)
}

fn head(method: &str, target: &str) -> PlainHead {
    PlainHead::new(method, target).with("host", HOST)
}

fn with(head: PlainHead, name: &str, value: impl AsRef<[u8]>) -> PlainHead {
    head.with(name, value)
}

fn claiming(value: String) -> PlainHead {
    with(head("GET", "/"), "authorization", value)
}

pub(crate) fn of_digest() -> Vec<Row> {
    let answer = || DigestClient::named("emily").answer("people", &nonces().hand_out());
    let whole = move |target: &str| {
        let opaque = Digest::in_realm("people", nonces(), Arc::new(MemoryCounts::default())).opaque().to_owned();
        let authorization = answer().with_opaque(&opaque).authorization("GET", target, &key());
        with(head("GET", target), "authorization", authorization)
    };
    vec![
        read_at("parameters", digest, |n| claiming(format!("Digest {}", "a=b, ".repeat(n)))),
        read_at("parameters of as many names", digest, |n| {
            let each: Vec<String> = (0..n).map(|number| format!("a{number}=b")).collect();
            claiming(format!("Digest {}", each.join(", ")))
        }),
        read_at("commas", digest, |n| claiming(format!("Digest {}", ",".repeat(n)))),
        read_at("a name", digest, |n| claiming(format!("Digest username=\"{}\"", "a".repeat(n)))),
        read_at("backslashes", digest, |n| claiming(format!("Digest username=\"{}\"", "\\\"".repeat(n)))),
        read_at("percent signs", digest, |n| claiming(format!("Digest username*=UTF-8''{}", "%41".repeat(n)))),
        read_at("a nonce", digest, |n| claiming(format!("Digest nonce=\"{}\", username=\"emily\"", "a".repeat(n)))),
        read_at("a target", digest, move |n| whole(&format!("/?{}", "a=b&".repeat(n)))),
    ]
}

pub(crate) fn of_wsse() -> Vec<Row> {
    let wsse = || gate_of(Wsse::new(replay()).timed_by(clock()), emilys());
    let token = |value: String| {
        let head = with(head("GET", "/"), "authorization", "WSSE profile=\"UsernameToken\"");
        with(head, "x-wsse", value)
    };
    vec![
        read_at("parameters", wsse, move |n| token(format!("UsernameToken {}", "a=\"b\", ".repeat(n)))),
        read_at("a nonce", wsse, move |n| {
            let others = r#"Username="emily", PasswordDigest="AAAA", Created="2027-01-15T08:00:00Z""#;
            token(format!("UsernameToken {others}, Nonce=\"{}\"", "AAAA".repeat(n)))
        }),
        read_at("a time", wsse, move |n| token(format!("UsernameToken Created=\"{}\"", "2".repeat(n)))),
        read_at("fields", wsse, move |n| (0..n).fold(token(String::new()), |head, _| with(head, "x-wsse", "a"))),
        read_at("profiles", wsse, |n| claiming(format!("WSSE {}", "profile=\"UsernameToken\", ".repeat(n)))),
    ]
}

pub(crate) fn of_hawk() -> Vec<Row> {
    let signed = |target: &str, body: Option<&str>| {
        let method = if body.is_some() { "POST" } else { "GET" };
        let request = HawkRequest::to(HOST, 80).asking(method, target);
        let request = match body {
            Some(body) => request.with_body("text/plain", body.as_bytes()),
            None => request,
        };
        let head = with(head(method, target), "authorization", request.authorization("emily", &key(), &clock()));
        match body {
            Some(body) => with(head, "content-type", "text/plain").with_body(body),
            None => head,
        }
    };
    let bewit = || gate_of(Bewit::new().timed_by(clock()), emilys());
    vec![
        read_at("parameters", hawk, |n| claiming(format!("Hawk {}", "a=\"b\", ".repeat(n)))),
        read_at("a mac", hawk, |n| {
            claiming(format!("Hawk id=\"emily\", ts=\"1800000000\", nonce=\"a\", mac=\"{}\"", "A".repeat(n)))
        }),
        read_at("a target", hawk, move |n| signed(&format!("/?{}", "a=b&".repeat(n)), None)),
        read_at("a body", hawk, move |n| signed("/", Some(&"rain, and ".repeat(n)))),
        read_at("a bewit", bewit, |n| head("GET", &format!("/?bewit={}", "AAAA".repeat(n)))),
        read_at("parts of a bewit", bewit, |n| head("GET", &format!("/?bewit={}", b64("\\".repeat(n))))),
        read_at("bewits", bewit, |n| head("GET", &format!("/?{}", "bewit=AAAA&".repeat(n)))),
        read_at("parameters beside a bewit", bewit, |n| {
            let before = format!("/?{}", "a=b&".repeat(n));
            let request = HawkRequest::to(HOST, 80).asking("GET", &before);
            let bewit = request.bewit("emily", &key(), wall() + Duration::from_secs(60));
            head("GET", &format!("{before}&bewit={bewit}"))
        }),
    ]
}

pub(crate) fn of_sigv4() -> Vec<Row> {
    let signed = |method: &str, target: &str, body: &str| {
        let signer = SigV4Signer::new("emily", key(), "us-east-1", "service");
        let (authorization, date) = signer.authorization(method, target, HOST, body.as_bytes(), wall());
        with(with(head(method, target), "authorization", authorization), "x-amz-date", date)
    };
    let naming = |names: &str| {
        let scope = "emily/20270115/us-east-1/service/aws4_request";
        let signature = "0".repeat(64);
        let value =
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;x-amz-date{names}, Signature={signature}");
        with(claiming(value), "x-amz-date", "20270115T080000Z")
    };
    vec![
        read_at("parameters", sigv4, |n| claiming(format!("AWS4-HMAC-SHA256 {}", "a=b, ".repeat(n)))),
        read_at("a query", sigv4, move |n| signed("GET", &format!("/?{}", "a=%41&".repeat(n)), "")),
        read_at("a query in reverse", sigv4, move |n| {
            let each: Vec<String> = (0..n).rev().map(|number| format!("{number:05}=")).collect();
            signed("GET", &format!("/?{}", each.join("&")), "")
        }),
        read_at("segments", sigv4, move |n| signed("GET", &"/a/..".repeat(n), "")),
        read_at("segments that stay", sigv4, move |n| signed("GET", &"/a%20".repeat(n), "")),
        read_at("a body", sigv4, move |n| {
            let body = "rain, and ".repeat(n);
            signed("POST", "/", &body).with_body(body)
        }),
        read_at("one name signed", sigv4, move |n| naming(&";a".repeat(n))),
        read_at("names signed", sigv4, move |n| {
            let names: String = (0..n).map(|number| format!(";z{number:05}")).collect();
            (0..n).fold(naming(&names), |head, number| with(head, &format!("z{number:05}"), "a"))
        }),
        read_at("names that are not signed", sigv4, move |n| {
            (0..n).fold(naming(""), |head, number| with(head, &format!("x-amz-{number}"), "a"))
        }),
        read_at("blanks in a field", sigv4, move |n| with(naming(";z"), "z", format!("a{}b", " ".repeat(n)))),
        read_at("a scope", sigv4, |n| {
            claiming(format!("AWS4-HMAC-SHA256 Credential={}, SignedHeaders=host, Signature=0", "a/".repeat(n)))
        }),
        read_at("presigned", sigv4, |n| {
            let signer = SigV4Signer::new("emily", key(), "us-east-1", "service");
            let target = format!("/?{}", "a=b&".repeat(n));
            head("GET", &signer.presigned("GET", target.trim_end_matches('&'), HOST, 60, wall()))
        }),
    ]
}

pub(crate) fn of_oauth1() -> Vec<Row> {
    let signer = || OAuth1Signer::new("emily", OAuth1::key(&key(), &Secret::new(""))).with_nonce("1");
    let url = |target: &str| format!("http://{HOST}{target}");
    let signed = move |target: &str| {
        let authorization = signer().authorization("GET", &url(target), &clock());
        with(head("GET", target), "authorization", authorization)
    };
    let form = move |body: &str| {
        let authorization = signer().authorization_of_form("POST", &url("/"), body.as_bytes(), &clock());
        let head = with(with(head("POST", "/"), "authorization", authorization), "content-type", FORM);
        head.with_body(body)
    };
    vec![
        read_at("parameters", oauth1, |n| claiming(format!("OAuth {}", "a=\"b\", ".repeat(n)))),
        read_at("parameters of as many names", oauth1, |n| {
            let each: Vec<String> = (0..n).map(|number| format!("oauth_{number}=\"b\"")).collect();
            claiming(format!("OAuth {}", each.join(", ")))
        }),
        read_at("a query", oauth1, move |n| signed(&format!("/?{}", "a=%41&".repeat(n)))),
        read_at("a query in reverse", oauth1, move |n| {
            let each: Vec<String> = (0..n).rev().map(|number| format!("{number:05}=")).collect();
            signed(&format!("/?{}", each.join("&")))
        }),
        read_at("a form", oauth1, move |n| form(&"a=%41&".repeat(n))),
        read_at("a form of its parameters", oauth1, |n| {
            with(head("POST", "/"), "content-type", FORM).with_body("oauth_nonce=a&".repeat(n))
        }),
        read_at("a query of its parameters", oauth1, |n| head("GET", &format!("/?{}", "oauth_nonce=a&".repeat(n)))),
    ]
}

/// A request with these components covered, and a signature that cannot be right, which is known only when all has been put together.
fn covering(target: &str, components: &str) -> PlainHead {
    let covered =
        format!("sig=(\"@method\" \"@target-uri\"{components});created=1800000000;keyid=\"emily\";nonce=\"1\"");
    let head = with(head("GET", target), "signature-input", covered);
    with(head, "signature", format!("sig=:{}=:", "A".repeat(43)))
}

pub(crate) fn of_message_signatures() -> Vec<Row> {
    let input = |value: String| {
        let head = with(head("GET", "/"), "signature-input", value);
        with(head, "signature", "sig=:AAAA:")
    };
    vec![
        read_at("components", message_signature, move |n| covering("/", &" \"a\"".repeat(n))),
        read_at("components of as many names", message_signature, move |n| {
            let names: String = (0..n).map(|number| format!(" \"z{number}\"")).collect();
            (0..n).fold(covering("/", &names), |head, number| with(head, &format!("z{number}"), "a"))
        }),
        read_at("fields of one component", message_signature, move |n| {
            (0..n).fold(covering("/", " \"z\""), |head, _| with(head, "z", "a"))
        }),
        read_at("parameters of a query", message_signature, move |n| {
            let names: String = (0..n).map(|number| format!(" \"@query-param\";name=\"{number}\"")).collect();
            let each: Vec<String> = (0..n).map(|number| format!("{number}=a")).collect();
            covering(&format!("/?{}", each.join("&")), &names)
        }),
        read_at("members of a field", message_signature, move |n| {
            let keys: String = (0..n).map(|number| format!(" \"z\";key=\"a{number}\"")).collect();
            let members: Vec<String> = (0..n).map(|number| format!("a{number}=1")).collect();
            with(covering("/", &keys), "z", members.join(", "))
        }),
        read_at("a query", message_signature, move |n| covering(&format!("/?{}", "a=%41&".repeat(n)), " \"@query\"")),
        read_at("labels", message_signature, move |n| input("a=(), ".repeat(n))),
        read_at("labels of as many names", message_signature, move |n| {
            let labels: Vec<String> = (0..n).map(|number| format!("a{number}=(\"@method\");keyid=\"emily\"")).collect();
            let signatures: Vec<String> = (0..n).map(|number| format!("a{number}=:AAAA:")).collect();
            let head = with(head("GET", "/"), "signature-input", labels.join(", "));
            with(head, "signature", signatures.join(", "))
        })
        .beginning_with(32),
        read_at("parameters", message_signature, move |n| input(format!("sig=(){}", ";a=1".repeat(n)))),
        read_at("input fields", message_signature, move |n| {
            (0..n).fold(input("sig=()".to_owned()), |head, _| with(head, "signature-input", "a=()"))
        }),
        read_at("signature fields", message_signature, move |n| {
            (0..n).fold(covering("/", ""), |head, number| with(head, "signature", format!("a{number}=:AAAA:")))
        }),
        read_at("digests of a body", message_signature, move |n| {
            let head =
                with(covering("/", " \"content-digest\""), "content-digest", "sha-256=:AAAA:, ".repeat(n) + "a=:AAAA:");
            head.with_body("rain")
        }),
        read_at("digests by as many names", message_signature, move |n| {
            let each: Vec<String> = (0..n).map(|number| format!("a{number}=:AAAA:")).collect();
            with(covering("/", " \"content-digest\""), "content-digest", each.join(", ")).with_body("rain")
        }),
    ]
}

pub(crate) fn of_crawlers() -> Vec<Row> {
    const AGENT: &str = "https://agent.example";
    let bots = || {
        let key = JwtKey::jwk(r#"{"kty":"OKP","crv":"Ed25519","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}"#);
        let agents = Agents::new().with(AGENT, key.unwrap(), person()).unwrap();
        gate_of(WebBotAuth::new().timed_by(clock()), agents)
    };
    let said = |label: &str, agent: String| {
        let times = "created=1800000000;expires=1800000060";
        let covered = format!(
            "{label}=(\"@authority\" \"signature-agent\";key=\"{label}\");{times};\
             keyid=\"poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U\";tag=\"web-bot-auth\""
        );
        let head = with(head("GET", "/"), "signature-input", covered);
        with(with(head, "signature", format!("{label}=:{}==:", "A".repeat(86))), "signature-agent", agent)
    };
    vec![
        read_at("agents", bots, move |n| {
            let each: Vec<String> = (0..n).map(|number| format!("a{number}=\"{AGENT}\"")).collect();
            said("a0", each.join(", "))
        }),
        read_at("one agent again and again", bots, move |n| said("a", format!("a=\"{AGENT}\", ").repeat(n))),
        read_at("the address of an agent", bots, move |n| said("a", format!("a=\"https://{}\"", "a.".repeat(n)))),
        read_at("labels", bots, |n| {
            let labels: Vec<String> =
                (0..n).map(|number| format!("a{number}=(\"@method\");tag=\"web-bot-auth\"")).collect();
            with(with(head("GET", "/"), "signature-input", labels.join(", ")), "signature", "a0=:AAAA:")
        })
        .beginning_with(32),
    ]
}
