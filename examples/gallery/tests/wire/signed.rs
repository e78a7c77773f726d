//! Requests that are signed, by the library's own clients; strangers' clients are in `signers`.

use std::time::{Duration, SystemTime};

use countersign::{
    Secret,
    clock::{SharedClock, SystemClock},
    credential::{
        digest::{DigestAlgorithm, DigestAnswer, DigestClient},
        signed_request::{
            hawk::HawkRequest,
            oauth1::{OAuth1, OAuth1Signer},
            sigv4::SigV4Signer,
            wsse::Wsse,
        },
    },
};
use countersign_conformance::wire::{Request, Response};

use crate::service::{Gallery, caller, name};

/// The host that the wire's requests name.
const HOST: &str = "conformance.example";
const LIFE: &str = "Circle of Life";

fn challenges(response: &Response) -> Vec<String> {
    response.fields("www-authenticate").map(str::to_owned).collect()
}

/// A quoted parameter of a challenge.
fn quoted<'c>(challenge: &'c str, name: &str) -> &'c str {
    challenge.split(&format!("{name}=\"")).nth(1).and_then(|rest| rest.split('"').next()).expect(challenge)
}

/// An answer to the challenge of a route, by an algorithm.
pub(crate) fn digest(gallery: &Gallery, path: &str, algorithm: DigestAlgorithm, name: &str) -> DigestAnswer {
    let asked = gallery.expect(401, &Request::get(path));
    let wanted = format!("algorithm={},", algorithm.name());
    let challenges = challenges(&asked);
    let challenge = challenges.iter().find(|challenge| challenge.contains(&wanted)).expect("a challenge");
    let answer = DigestClient::named(name).answer(quoted(challenge, "realm"), quoted(challenge, "nonce")).by(algorithm);
    answer.with_opaque(quoted(challenge, "opaque"))
}

#[test]
fn digest_asks_once_for_each_algorithm_and_lets_right_answers_in_once() {
    use DigestAlgorithm::{Md5, Md5Sess, Sha256, Sha256Sess, Sha512_256, Sha512_256Sess};
    let gallery = Gallery::start(&[]);
    let asked = challenges(&gallery.expect(401, &Request::get("/digest")));
    assert_eq!(asked.len(), 2);
    for (challenge, algorithm) in asked.iter().zip(["SHA-256", "MD5"]) {
        let (nonce, opaque) = (quoted(challenge, "nonce"), quoted(challenge, "opaque"));
        let whole = format!(
            "Digest realm=\"gallery\", qop=\"auth, auth-int\", algorithm={algorithm}, nonce=\"{nonce}\", opaque=\"{opaque}\", charset=UTF-8"
        );
        assert_eq!(*challenge, whole);
    }
    for (path, algorithm) in [
        ("/digest", Sha256),
        ("/digest", Md5),
        ("/digest/md5", Md5),
        ("/digest/md5-sess", Md5Sess),
        ("/digest/sha-256", Sha256),
        ("/digest/sha-256-sess", Sha256Sess),
        ("/digest/sha-512-256", Sha512_256),
        ("/digest/sha-512-256-sess", Sha512_256Sess),
    ] {
        let answer = digest(&gallery, path, algorithm, "Mufasa");
        let sent = answer.authorization("GET", path, &Secret::new(LIFE));
        let request = Request::get(path).with("Authorization", &sent);
        let let_in = gallery.expect(200, &request);
        assert_eq!(caller(&let_in), serde_json::json!({ "name": "Mufasa", "scheme": "digest" }));
        assert!(let_in.field("authentication-info").unwrap().starts_with("qop=auth, rspauth=\""));
        gallery.expect(401, &request);
        gallery.expect(400, &Request::get(&format!("{path}?x")).with("Authorization", &sent));
        let of_body = answer.counted(2).authorization_of_body("POST", path, b"body", &Secret::new(LIFE));
        let post = |body: &str| Request::post(path).with("Authorization", &of_body).with_body("text/plain", body);
        gallery.expect(401, &post("bodY"));
        gallery.expect(200, &post("body"));
    }
    let hashed = challenges(&gallery.expect(401, &Request::get("/digest/sha-512-256")));
    assert!(hashed[0].ends_with(", charset=UTF-8, userhash=true") && hashed.len() == 1, "{hashed:?}");
}

#[test]
fn a_nonce_of_digest_ends_as_the_command_line_says() {
    let gallery = Gallery::start(&["--nonce-life", "1"]);
    let answer = digest(&gallery, "/digest", DigestAlgorithm::Sha256, "Mufasa");
    let asked = |answer: &DigestAnswer, password: &str| {
        let sent = answer.authorization("GET", "/digest", &Secret::new(password));
        gallery.ask(&Request::get("/digest").with("Authorization", sent))
    };
    // The clock of the gallery is the system's: this waits for it rather than for an end of its own.
    let begun = SystemTime::now();
    let stale = loop {
        let answered = asked(&answer, "wrong");
        assert!(challenges(&answered).iter().all(|challenge| !challenge.contains("stale")));
        if begun.elapsed().is_ok_and(|elapsed| elapsed > Duration::from_millis(1_100)) {
            break asked(&answer, LIFE);
        }
    };
    assert!(challenges(&stale).iter().all(|challenge| challenge.contains("stale=true")), "{:?}", challenges(&stale));
    let again = digest(&gallery, "/digest", DigestAlgorithm::Sha256, "Mufasa");
    assert_eq!(asked(&again, LIFE).status(), 200);
}

#[test]
fn wsse_passes_once_and_in_one_dialect() {
    let gallery = Gallery::start(&[]);
    let asked = gallery.expect(401, &Request::get("/wsse"));
    assert_eq!(challenges(&asked), ["WSSE realm=\"gallery\", profile=\"UsernameToken\""]);
    let clock: SharedClock = SystemClock::shared();
    let token = Wsse::token("bob", &Secret::new("taadtaadpstcsm"), &clock);
    let of = |path: &str, token: &str| {
        Request::get(path).with("Authorization", "WSSE profile=\"UsernameToken\"").with("X-WSSE", token)
    };
    gallery.expect(401, &of("/wsse/text", &token));
    gallery.expect(400, &of("/wsse", &token).with("X-WSSE", &token));
    gallery.expect(401, &Request::get("/wsse").with("X-WSSE", &token));
    assert_eq!(name(&gallery.expect(200, &of("/wsse", &token))), "bob");
    gallery.expect(401, &of("/wsse", &token));
    let old = Gallery::start(&["--clock-offset", &offset_to(1_071_499_387)]);
    let article = "UsernameToken Username=\"bob\", PasswordDigest=\"quR/EWLAV4xLf9Zqyw4pDmfV9OY=\", Nonce=\"d36e316282959a9ed4c89851497a717f\", Created=\"2003-12-15T14:43:07Z\"";
    old.expect(401, &of("/wsse", article));
    assert_eq!(name(&old.expect(200, &of("/wsse/text", article))), "bob");
    old.expect(401, &of("/wsse/text", article));
}

/// How far the clock must be moved so that it is then.
fn offset_to(time: i64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    (time - i64::try_from(now).unwrap()).to_string()
}

#[test]
fn hawk_passes_once_and_tells_who_holds_the_key_the_time() {
    let gallery = Gallery::start(&[]);
    let (id, key) = ("dh37fgj492je", Secret::new("werxhqb98rpaxn39848xrunpaw3489ruxnpa98w4rxn"));
    let clock: SharedClock = SystemClock::shared();
    assert_eq!(challenges(&gallery.expect(401, &Request::get("/hawk"))), ["Hawk"]);
    let signed = HawkRequest::to(HOST, 80).asking("GET", "/hawk?a=b").authorization(id, &key, &clock);
    let request = Request::get("/hawk?a=b").with("Authorization", &signed);
    gallery.expect(401, &Request::get("/hawk?a=c").with("Authorization", &signed));
    let let_in = gallery.expect(200, &request);
    assert_eq!(name(&let_in), "emma");
    assert!(let_in.field("server-authorization").unwrap().starts_with("Hawk mac=\""));
    gallery.expect(401, &request);
    let of_body = HawkRequest::to(HOST, 80).asking("POST", "/hawk").with_body("text/plain", b"body");
    let of_body = of_body.authorization(id, &key, &clock);
    let post = |body: &str| Request::post("/hawk").with("Authorization", &of_body).with_body("text/plain", body);
    gallery.expect(401, &post("bodY"));
    gallery.expect(200, &post("body"));
    let ends = SystemTime::now() + Duration::from_secs(60);
    let bewit = HawkRequest::to(HOST, 80).asking("GET", "/hawk/bewit?a=b").bewit(id, &key, ends);
    let link = Request::get(&format!("/hawk/bewit?a=b&bewit={bewit}"));
    let let_in = gallery.expect(200, &link);
    assert_eq!((name(&let_in).as_str(), let_in.field("cache-control")), ("emma", Some("private")));
    gallery.expect(200, &link);
    gallery.expect(400, &link.with("Authorization", "Basic YTpi"));
    let other = Gallery::start(&["--clock-offset", "3600"]);
    let told = challenges(&other.expect(401, &Request::get("/hawk?a=b").with("Authorization", &signed)));
    assert!(told[0].starts_with("Hawk ts=\"") && told[0].ends_with("\", error=\"Stale timestamp\""), "{told:?}");
}

#[test]
fn amazon_signatures_pass_below_their_paths() {
    let gallery = Gallery::start(&[]);
    let key = Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    let signer = SigV4Signer::new("AKIDEXAMPLE", key, "us-east-1", "service");
    let asked = gallery.expect(401, &Request::get("/sigv4"));
    assert_eq!(challenges(&asked), ["AWS4-HMAC-SHA256 realm=\"gallery\""]);
    for (method, target) in [("GET", "/sigv4"), ("PUT", "/sigv4/a/b?c=d"), ("POST", "/sigv4"), ("DELETE", "/sigv4/x")] {
        let body: &[u8] = if matches!(method, "GET" | "DELETE") { b"" } else { b"body" };
        let (authorization, date) = signer.authorization(method, target, HOST, body, SystemTime::now());
        let request = Request::new(method, target).with("Authorization", authorization).with("x-amz-date", date);
        let request = if body.is_empty() { request } else { request.with_body("text/plain", body) };
        assert_eq!(name(&gallery.expect(200, &request)), "emily", "{method}");
        gallery.expect(if method == "GET" { 200 } else { 401 }, &request);
    }
    let link = signer.presigned("GET", "/sigv4/a?b=c", HOST, 60, SystemTime::now());
    let let_in = gallery.expect(200, &Request::get(&link));
    assert_eq!(let_in.field("cache-control"), Some("private"));
    gallery.expect(401, &Request::get(&link.replace("b=c", "b=d")));
    // What stands in a query is kept from the next site, let in or refused.
    for (target, status) in [
        (link.as_str(), 200),
        ("/sigv4?X-Amz-Signature=x", 401),
        ("/amazon-v2?AWSAccessKeyId=a&Expires=1&Signature=x", 401),
        ("/oauth1?oauth_token=x", 401),
    ] {
        let answered = gallery.expect(status, &Request::get(target));
        assert_eq!(answered.field("referrer-policy"), Some("no-referrer"), "{target}");
    }
    assert_eq!(gallery.expect(401, &Request::get("/sigv4?a=b")).field("referrer-policy"), None);

    let old = Gallery::start(&["--clock-offset", &offset_to(1_175_024_202)]);
    assert_eq!(challenges(&old.expect(401, &Request::get("/amazon-v2"))), ["AWS realm=\"gallery\""]);
    let head = |signature: &str| {
        let authorization = format!("AWS AKIAIOSFODNN7EXAMPLE:{signature}");
        Request::get("/amazon-v2").with("Date", "Tue, 27 Mar 2007 19:36:42 +0000").with("Authorization", authorization)
    };
    // HMAC-SHA1 over `GET\n\n\nTue, 27 Mar 2007 19:36:42 +0000\n/amazon-v2`, by openssl.
    let by_openssl = openssl_sha1("GET\n\n\nTue, 27 Mar 2007 19:36:42 +0000\n/amazon-v2");
    assert_eq!(name(&old.expect(200, &head(&by_openssl))), "emma");
    old.expect(401, &head("bWq2s1WEIj+Ydj0vQ697zp+IXMU="));
}

/// HMAC-SHA1 by the key of the older scheme, made by another program.
fn openssl_sha1(text: &str) -> String {
    use std::{
        io::Write,
        process::{Command, Stdio},
    };
    let script = "openssl dgst -sha1 -mac HMAC -macopt key:wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY -binary | base64";
    let mut child =
        Command::new("sh").args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn oauth_1_passes_with_a_token_and_without() {
    let gallery = Gallery::start(&[]);
    let clock: SharedClock = SystemClock::shared();
    assert_eq!(challenges(&gallery.expect(401, &Request::get("/oauth1"))), ["OAuth realm=\"gallery\""]);
    let key = |consumer: &str, token: &str| OAuth1::key(&Secret::new(consumer), &Secret::new(token));
    let first = "dpf43f3p2l4k3l03";
    for (who, signer) in [
        ("emily", OAuth1Signer::new(first, key("kd94hf93k423kf44", ""))),
        ("emma", OAuth1Signer::new(first, key("kd94hf93k423kf44", "pfkkdhi9sl3r4s00")).with_token("nnch734d00sl2jdk")),
        ("bob", OAuth1Signer::new("0685bd9184jfhq22", key("s&cr=t%2F +ü", ""))),
        ("jacob", OAuth1Signer::new("0685bd9184jfhq22", key("s&cr=t%2F +ü", "t/k+n&")).with_token("ad180jjd733klru7")),
    ] {
        let url = format!("http://{HOST}/oauth1/a");
        let signed = signer.authorization_of_form("POST", &url, b"b=c+d", &clock);
        let request = Request::post("/oauth1/a").with("Authorization", &signed);
        let form = "application/x-www-form-urlencoded";
        gallery.expect(401, &request.clone().with_body(form, "b=c+e"));
        let request = request.with_body(form, "b=c+d");
        assert_eq!(name(&gallery.expect(200, &request)), who);
        gallery.expect(401, &request);
    }
    // Parameters in two places are refused as such, whichever is whole.
    for (target, field, body) in [
        ("/oauth1?oauth_signature=x", None, "oauth_consumer_key=a"),
        ("/oauth1", Some("OAuth oauth_signature=\"x\""), "oauth_consumer_key=a"),
        ("/oauth1?oauth_token=x", Some("OAuth oauth_signature=\"x\""), "a=b"),
    ] {
        let request = Request::post(target).with_body("application/x-www-form-urlencoded", body);
        let request = field.into_iter().fold(request, |request, field| request.with("Authorization", field));
        gallery.expect(400, &request);
    }
}
