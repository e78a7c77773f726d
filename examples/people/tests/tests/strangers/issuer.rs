//! An issuer that rotates, is down, or is asked for nonsense.

use super::*;

#[test]
fn a_service_runs_while_its_issuer_is_down_and_takes_its_tokens_when_it_is_there() {
    let keys = private_keys(&["ES256"]);
    let gone = Issuer::with(Value::Null);
    let (address, name) = (gone.address(), gone.name());
    let token = signed_by_jose(&[(header(&keys[0]), &keys[0], claims(&name))]);
    drop(gone);
    for framework in FRAMEWORKS {
        let mut talk = Talk::with(Service::start(framework, &["--issuer", &name]));
        let unavailable = talk.expect(503, &with_token("/me", &token[0]));
        assert!(unavailable.field("retry-after").is_some() && unavailable.field("www-authenticate").is_none());
        talk.expect(200, &Request::get("/me").with("Authorization", people_tests::basic("emily", "emily:s3cret")));
        talk.expect(401, &with_token("/me", "no-token"));
        let issuer = Issuer::on(address, public_set(&keys));
        let service = talk.into_service();
        until(Duration::from_secs(8), || status(&service, &token[0]) == 200);
        drop(issuer);
        // Known keys go on; whether another is good, nobody can tell.
        assert_eq!(status(&service, &token[0]), 200);
    }
}

/// Requests with these tokens, one after the other over one connection, until it is enough: how many were not let in, and the longest wait.
fn at_full_rate(service: SocketAddr, tokens: &[String], enough: &AtomicBool) -> (Vec<u16>, Duration, usize) {
    let mut connection = Connection::open(service).unwrap();
    let (mut others, mut longest, mut count) = (Vec::new(), Duration::ZERO, 0);
    for token in tokens.iter().cycle() {
        if enough.load(Ordering::SeqCst) {
            break;
        }
        let (since, request) = (Instant::now(), with_token("/me", token));
        connection.say(&request.bytes());
        let status = connection.answer(&request).unwrap().status();
        longest = longest.max(since.elapsed());
        count += 1;
        if status != 200 {
            others.push(status);
        }
    }
    (others, longest, count)
}

#[test]
fn requests_at_full_rate_notice_nothing_of_a_provider_that_is_stopped_rotated_and_started() {
    let keys = private_keys(&["RS256", "RS256"]);
    let (old, both, new) = (&keys[..1], [keys[1].clone(), keys[0].clone()], &keys[1..]);
    let provider = Provider::start(0, old);
    let (port, name) = (provider.port(), provider.issuer().to_owned());
    let service = Service::start(FRAMEWORKS[0], &["--issuer", &name]);
    let address = service.address();
    let first = provider.token("emily", "reports:read", "people");
    until(Duration::from_secs(5), || status(&service, &first) == 200);
    let known: Vec<_> = (0..300)
        .map(|number| {
            let mut claims = claims(&name);
            claims["jti"] = json!(number.to_string());
            (header(&keys[0]), &keys[0], claims)
        })
        .collect();
    let known = signed_by_jose(&known);

    let enough = AtomicBool::new(false);
    thread::scope(|scope| {
        let running: Vec<_> = (0..4).map(|_| scope.spawn(|| at_full_rate(address, &known, &enough))).collect();
        drop(provider);
        let unknown = forged(&name, "unknown");
        until(Duration::from_secs(8), || status(&service, &unknown) == 503);
        let provider = Provider::start(port, &both);
        let second = provider.token("jacob", "reports:read", "people");
        let taken = until(Duration::from_secs(8), || status(&service, &second) == 200);
        assert!(taken <= Duration::from_secs(5), "{taken:?}");
        assert_eq!(status(&service, &first), 200);
        enough.store(true, Ordering::SeqCst);
        for running in running {
            let (others, longest, count) = running.join().unwrap();
            assert!(others.is_empty() && count > 100, "{count}: {others:?}");
            assert!(longest < Duration::from_secs(2), "a request with a known key waited for {longest:?}");
        }
        drop(provider);

        // The old key is withdrawn: also for tokens that are remembered as good.
        let provider = Provider::start(port, new);
        let _ = until(Duration::from_secs(8), || {
            status(&service, &forged(&name, "unknown")) == 401 && status(&service, &first) == 401
        });
        assert_eq!(status(&service, &known[0]), 401);
        assert_eq!(status(&service, &second), 200);
        drop(provider);
    });
}

/// A token of this issuer under any key id.
fn forged(issuer: &str, kid: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({ "alg": "ES256", "kid": kid });
    format!("{}.{}.{}", part(&header), part(&claims(issuer)), URL_SAFE_NO_PAD.encode([7; 64]))
}

#[test]
fn a_flood_of_unknown_keys_asks_the_issuer_once_in_three_seconds_and_troubles_nobody() {
    let keys = private_keys(&["ES256"]);
    let issuer = Issuer::with(public_set(&keys));
    let name = issuer.name();
    let known = signed_by_jose(&[(header(&keys[0]), &keys[0], claims(&name))]);
    let service = Service::start(FRAMEWORKS[0], &["--issuer", &name, "--cache-ttl", "0"]);
    let address = service.address();
    until(Duration::from_secs(5), || status(&service, &known[0]) == 200);
    let (before, since) = (issuer.fetches(), Instant::now());
    let (enough, floods) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for flood in 0..4 {
            let (name, enough, floods) = (&name, &enough, &floods);
            scope.spawn(move || {
                let mut connection = Connection::open(address).unwrap();
                while !enough.load(Ordering::SeqCst) {
                    let number = floods.fetch_add(1, Ordering::SeqCst);
                    let request = with_token("/me", &forged(name, &format!("{flood}-{number}")));
                    connection.say(&request.bytes());
                    assert_eq!(connection.answer(&request).unwrap().status(), 401);
                }
            });
        }
        let good = scope.spawn(|| at_full_rate(address, &known, &enough));
        thread::sleep(Duration::from_secs(7));
        enough.store(true, Ordering::SeqCst);
        let (others, longest, count) = good.join().unwrap();
        assert!(others.is_empty() && count > 10, "{count}: {others:?}");
        assert!(longest < Duration::from_secs(2), "a request with a known key waited for {longest:?}");
    });
    let (fetches, most) = (issuer.fetches() - before, since.elapsed().as_secs() as usize / 3 + 1);
    let floods = floods.load(Ordering::SeqCst);
    assert!((1..=most).contains(&fetches) && floods > 100, "{fetches} fetches for {floods} unknown keys");
}
