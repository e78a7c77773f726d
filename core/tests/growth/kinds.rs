//! Tokens, proofs, links and certificates.

use countersign::{
    credential::{Certificate, CertificateCredential, Dpop, KeyBound, SignedLink, Subprotocol},
    jose::{
        JwtAlgorithm, JwtKey,
        jwe::{JweEncryption, JweKey, JweKeys},
    },
    mint::{link::Links, transient_token::TransientTokens},
    principal::Binding,
    store::{MemoryReplay, MemoryTokens},
    verifier::{
        ItsdangerousJws, SealedJwt,
        jwt::{JwtVerifier, TrustedIssuer},
    },
};
use jsonwebtoken::{EncodingKey, Header, jwk::Jwk};

use super::*;

const TOKEN: &str = "a-long-random-token";

fn issuer() -> TrustedIssuer {
    let key = JwtKey::secret(JwtAlgorithm::Hs256, &Secret::new("0123456789abcdef0123456789abcdef")).unwrap();
    TrustedIssuer::named("https://issuer.example").audience("people").key(key)
}

fn tokens() -> JwtVerifier<String> {
    let builder = JwtVerifier::trusting(issuer()).timed_by(clock());
    builder.principal_by(|_, verified| Answer::from(verified.map(|()| String::new()))).unwrap()
}

fn signed() -> Gate<String> {
    gate_of(Bearer, tokens())
}

fn sealed() -> Gate<String> {
    let shared = JweKey::direct(JweEncryption::A256Gcm, &Secret::new((0..=31).collect::<Vec<u8>>())).unwrap();
    let keys = JweKeys::of(shared).and(JweKey::fresh_p256().unwrap());
    gate_of(Bearer, SealedJwt::opened_by(keys, tokens()).with_claims_by_shared_keys())
}

fn bearer(token: &str) -> PlainHead {
    PlainHead::get("/").with("authorization", format!("Bearer {token}"))
}

/// A member with as many others in it, or beside it.
fn members(n: usize) -> String {
    (0..n).map(|number| format!(",\"a{number}\":0")).collect()
}

fn list(n: usize) -> String {
    vec!["\"a\""; n].join(",")
}

pub(crate) fn of_tokens() -> Vec<Row> {
    let jws = |header: String| bearer(&format!("{}.e30.AAAA", b64(header)));
    let jwe = |header: String| bearer(&format!("{}..AAAA.AAAA.AAAA", b64(header)));
    let jws_dangerous = || {
        let verifier = ItsdangerousJws::signed_by(Secret::new("secret-key"), |_| Answer::Refused);
        gate_of(Bearer, verifier.timed_by(clock()))
    };
    vec![
        read_at("dots", signed, |n| bearer(&".".repeat(n))),
        read_at("letters", signed, |n| bearer(&"a".repeat(n))),
        read_at("parts", signed, |n| bearer(&format!("eyJhbGciOiJIUzI1NiJ9.{}.AAAA", "AAAA".repeat(n)))),
        read_at("members of a header", signed, move |n| jws(format!("{{\"alg\":\"HS256\"{}}}", members(n)))),
        read_at("what must be understood", signed, move |n| {
            jws(format!("{{\"alg\":\"HS256\",\"crit\":[{}]}}", list(n)))
        }),
        read_at("nested lists", signed, move |n| jws(format!("{{\"alg\":{}", "[".repeat(n)))),
        read_at("dots of a sealed one", sealed, |n| bearer(&".".repeat(n))),
        read_at("members of a sealed one's header", sealed, move |n| {
            jwe(format!("{{\"alg\":\"dir\",\"enc\":\"A256GCM\"{}}}", members(n)))
        }),
        read_at("what is sealed", sealed, |n| {
            let header = b64(r#"{"alg":"dir","enc":"A256GCM"}"#);
            bearer(&format!("{header}..AAAAAAAAAAAAAAAA.{}.AAAAAAAAAAAAAAAAAAAAAA", "AAAA".repeat(n)))
        }),
        read_at("members of an ephemeral key", sealed, move |n| {
            jwe(format!("{{\"alg\":\"ECDH-ES\",\"enc\":\"A256GCM\",\"epk\":{{\"kty\":\"EC\"{}}}}}", members(n)))
        }),
        read_at("dots of itsdangerous", jws_dangerous, |n| bearer(&".".repeat(n))),
        read_at("members of its header", jws_dangerous, move |n| jws(format!("{{\"alg\":\"HS256\"{}}}", members(n)))),
    ]
}

/// Seed and public key of `test-key-ed25519` (RFC 9421, appendix B.1), for proofs.
const KEY_PEM: &str = concat!(
    "-----BEGIN PRIVATE KEY-----\n",
    "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n",
    "-----END PRIVATE KEY-----\n",
);
const KEY_JWK: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}"#;

fn proof(claims: &serde_json::Value) -> String {
    let mut header = Header::new(jsonwebtoken::Algorithm::EdDSA);
    header.typ = Some("dpop+jwt".to_owned());
    header.jwk = Some(serde_json::from_str::<Jwk>(KEY_JWK).unwrap());
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_pem(KEY_PEM.as_bytes()).unwrap()).unwrap()
}

pub(crate) fn of_proofs() -> Vec<Row> {
    let gate = || {
        let thumbprint: [u8; 32] =
            URL_SAFE_NO_PAD.decode(JwtKey::jwk(KEY_JWK).unwrap().thumbprint().unwrap()).unwrap().try_into().unwrap();
        let bound = Verified::new("emily".to_owned()).bound_to(Binding::KeyThumbprint(thumbprint));
        let replay = Arc::new(MemoryReplay::default().timed_by(clock()));
        let dpop = Dpop::remembered_in(replay).timed_by(clock()).with_nonces(keys(), Duration::from_secs(300));
        gate_of(dpop, KeyBound(TokenTable::new().with(TOKEN, bound)))
    };
    let with = |proof: String| {
        let head = PlainHead::get("/").with("host", "growth.example").with("authorization", format!("DPoP {TOKEN}"));
        head.with("dpop", proof)
    };
    let said = move |more: fn(usize) -> (&'static str, serde_json::Value)| {
        move |n: usize| {
            // The hash of the token, which is a proof's to name.
            let ath = b64(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, TOKEN.as_bytes()));
            let mut claims = serde_json::json!({
                "jti": "1", "htm": "GET", "htu": "http://growth.example/", "iat": 1_800_000_000, "ath": ath,
            });
            let (name, value) = more(n);
            claims.as_object_mut().unwrap().insert(name.to_owned(), value);
            with(proof(&claims))
        }
    };
    vec![
        read_at("dots", gate, move |n| with(".".repeat(n))),
        read_at("members of a header", gate, move |n| {
            with(format!("{}.e30.AAAA", b64(format!("{{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\"{}}}", members(n)))))
        }),
        read_at("members of a key", gate, move |n| {
            let header = format!("{{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{{\"kty\":\"EC\"{}}}}}", members(n));
            with(format!("{}.e30.AAAA", b64(header)))
        }),
        read_at("claims", gate, said(|n| ("more", serde_json::Value::from(vec![0; n])))),
        read_at("an id", gate, said(|n| ("jti", "a".repeat(n).into()))),
        read_at("a nonce", gate, said(|n| ("nonce", "a".repeat(n).into()))),
        read_at("segments", gate, said(|n| ("htu", format!("http://growth.example{}", "/a/..".repeat(n)).into()))),
        read_at("dots of segments", gate, said(|n| ("htu", format!("http://growth.example{}", "/.".repeat(n)).into()))),
        read_at("percent signs", gate, said(|n| ("htu", format!("http://growth.example/{}", "%41".repeat(n)).into()))),
        read_at("a host", gate, said(|n| ("htu", format!("http://{}", "a.".repeat(n)).into()))),
        read_at("proofs", gate, move |n| (0..n).fold(with("a".to_owned()), |head, _| head.with("dpop", "a"))),
    ]
}

pub(crate) fn of_links_and_others() -> Vec<Row> {
    let subprotocol = || gate_of(Subprotocol::as_kubernetes(), TokenTable::new());
    let asking = |protocols: String| {
        PlainHead::get("/")
            .with("upgrade", "websocket")
            .with("connection", "upgrade")
            .with("sec-websocket-protocol", protocols)
    };
    let links = || {
        let links = Links::signed_by(SignedLink::in_parameter("sig", keys()).timed_by(clock()), Arc::new(Anybody));
        gate_of(links.kind(), links)
    };
    let link = |target: &str| {
        let signed = SignedLink::in_parameter("sig", keys()).timed_by(clock());
        PlainHead::get(&signed.seal("GET", target, b"emily", wall() + Duration::from_secs(60)).unwrap())
    };
    let transient = || {
        let store = Arc::new(MemoryTokens::default());
        let tokens = TransientTokens::signed_by(keys(), store, |name: &str| Some(Verified::new(name.to_owned())));
        let tokens = tokens.timed_by(clock());
        gate_of(tokens.kind("token"), tokens)
    };
    let certificate = || {
        let anybody = verify_now_with(|shown: &CertificateCredential| {
            Answer::from(Verified::new(shown.only_email().unwrap_or_default().to_owned()))
        });
        gate_of(Certificate, anybody)
    };
    let shown = |n: usize| {
        let email = |number| rcgen::SanType::Rfc822Name(format!("a{number}@a.example").try_into().unwrap());
        let mut params = rcgen::CertificateParams::default();
        params.subject_alt_names = (0..n).map(email).collect();
        let certificate = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        PlainHead::get("/").over_tls().with_certificate(certificate.der())
    };
    vec![
        read_at("subprotocols", subprotocol, move |n| asking("chat, ".repeat(n))),
        read_at("tokens in subprotocols", subprotocol, move |n| {
            asking("base64url.bearer.authorization.k8s.io.AAAA, ".repeat(n / 2))
        }),
        read_at("fields of subprotocols", subprotocol, move |n| {
            (0..n).fold(asking("chat".to_owned()), |head, _| head.with("sec-websocket-protocol", "a"))
        }),
        read_at("a link with parameters", links, move |n| link(&format!("/?{}", "a=%41&".repeat(n)))),
        read_at("a link to a path", links, move |n| link(&"/%41".repeat(n))),
        read_at("links in one", links, |n| PlainHead::get(&format!("/?{}", "sig=AAAA&".repeat(n)))),
        read_at("a token of seconds", transient, |n| bearer(&"a.".repeat(n))),
        read_at("names in a certificate", certificate, shown),
    ]
}
