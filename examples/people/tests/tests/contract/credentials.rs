//! Who a caller is.

use super::*;

#[test]
fn each_scheme_names_its_caller() {
    everywhere(|talk| {
        let key = talk.key(&emily(), r#"{"name":"mine"}"#)["key"].as_str().unwrap().to_owned();
        let session = talk.session("emily", "emily:s3cret");
        let token = token(talk, &emily(), "{}")["access_token"].as_str().unwrap().to_owned();
        let credentials = [
            ("basic", "Authorization", emily()),
            ("bearer", "Authorization", format!("Bearer {token}")),
            ("bearer", "Authorization", format!("bEARER  {token}")),
            ("cookie", "Cookie", session),
            ("api-key", "X-API-Key", key.clone()),
            ("api-key", "Authorization", format!("Token {key}")),
            ("api-key", "Authorization", format!("tOKEN   {key}")),
        ];
        for (scheme, field, value) in &credentials {
            let me = talk.expect(200, &Request::get("/me").with(field, value));
            let caller = json(&me);
            assert_eq!((&caller["name"], &caller["scheme"]), (&"emily".into(), &(*scheme).into()));
            assert_eq!((&caller["roles"], &caller["scopes"]), (&["member"][..].into(), &["reports:read"][..].into()));
            assert_eq!(caller["expires_at"].is_null(), matches!(*scheme, "basic" | "api-key"));
            let private = matches!(*scheme, "cookie" | "api-key").then_some("private");
            assert_eq!(me.field("cache-control"), private);
            assert!(me.members("vary").iter().any(|name| name.eq_ignore_ascii_case(field)), "{:?}", me.members("vary"));
            let who = talk.expect(200, &Request::get("/whoami").with(field, value));
            assert_eq!(json(&who)["caller"], caller);
            for only in ["basic", "bearer", "query", "cookie", "api-key"] {
                let status = if only == *scheme { 200 } else { 401 };
                let alone = talk.expect(status, &Request::get(&format!("/me/{only}")).with(field, value));
                assert_eq!(alone.field("set-cookie"), None, "what is not taken is not refused");
            }
            let head = talk.expect(200, &Request::new("HEAD", "/me").with(field, value));
            assert_eq!(head.body(), b"");
        }
    });
}

#[test]
fn a_token_in_the_query_is_for_reading_alone() {
    everywhere(|talk| {
        let token = token(talk, &jacob(), "{}")["access_token"].as_str().unwrap().to_owned();
        let ask = |method: &str, path: &str| Request::new(method, &format!("{path}access_token={token}"));
        let me = talk.ask("in the query", &ask("GET", "/me?"));
        let caller = json(&me);
        assert_eq!((me.status(), &caller["scheme"]), (200, &"query".into()));
        assert_eq!((me.field("cache-control"), me.field("referrer-policy")), (Some("private"), Some("no-referrer")));
        assert_eq!(talk.ask("head", &ask("HEAD", "/me?a=b&")).status(), 200);
        assert_eq!(talk.ask("alone", &ask("GET", "/me/query?")).status(), 200);
        assert_eq!(talk.ask("not taken", &ask("GET", "/me/bearer?")).status(), 401);
        let refused = talk.expect(401, &Request::get("/me/query"));
        assert_eq!(refused.fields("www-authenticate").collect::<Vec<_>>(), [r#"Bearer realm="people""#]);
        assert_eq!(talk.ask("post", &ask("POST", "/reports?").with_json(r#"{"title":"x"}"#)).status(), 401);
        for (what, request) in [
            ("twice", ask("GET", &format!("/me?access_token={token}&"))),
            ("and a header", ask("GET", "/me?").with("Authorization", format!("Bearer {token}"))),
            ("and a key", ask("GET", "/me?").with("X-API-Key", "x")),
        ] {
            let ambiguous = talk.ask(what, &request);
            assert_eq!((ambiguous.status(), challenges(&ambiguous)), (400, vec!["Bearer"]), "{what}");
            is_problem(&ambiguous, Some("invalid_request"));
        }
        talk.expect(401, &Request::get("/me?access_token="));
        talk.expect(401, &Request::get("/me?access_token=x"));
        talk.expect(200, &Request::get("/health?access_token=x"));
        let browser = talk.ask("a browser", &ask("GET", "/admin/stats?").with("Accept", "text/html"));
        assert_eq!(browser.status(), 200);
        let sent =
            talk.expect(303, &Request::get("/me/cookie?a=b&access_token=secret&c=d").with("Accept", "text/html"));
        assert_eq!(sent.field("location"), Some("/?next=/me/cookie%3Fa%3Db%26c%3Dd"), "the credential is not sent on");
    });
}

#[test]
fn who_sends_nothing_is_told_what_to_send() {
    everywhere(|talk| {
        let refused = talk.expect(401, &Request::get("/me"));
        is_problem(&refused, None);
        assert_eq!(
            refused.fields("www-authenticate").collect::<Vec<_>>(),
            [
                r#"Basic realm="people", charset="UTF-8""#,
                r#"Bearer realm="people""#,
                r#"Cookie realm="people", cookie-name="session""#,
                r#"ApiKey realm="people", header="X-API-Key""#,
            ]
        );
        for (path, expected) in [
            ("/me/basic", &["Basic"][..]),
            ("/me/bearer", &["Bearer"]),
            ("/me/query", &["Bearer"]),
            ("/me/cookie", &["Cookie"]),
            ("/me/api-key", &["ApiKey"]),
            ("/keys", &["Basic", "Bearer", "Cookie"]),
            ("/users/emily", &["Basic", "Bearer", "Cookie", "ApiKey"]),
            ("/users/nobody", &["Basic", "Bearer", "Cookie", "ApiKey"]),
            ("/admin/stats", &["Basic", "Bearer", "Cookie", "ApiKey"]),
            ("/reports", &["Basic", "Bearer", "Cookie", "ApiKey"]),
            ("/photos/9", &["Basic", "Bearer", "Cookie", "ApiKey"]),
        ] {
            assert_eq!(challenges(&talk.expect(401, &Request::get(path))), expected, "{path}");
        }
        let script = talk.expect(401, &Request::get("/me").with("Sec-Fetch-Mode", "cors"));
        assert_eq!(challenges(&script), ["Bearer", "Cookie", "ApiKey"]);
        let script = talk.expect(401, &Request::get("/me").with("X-Requested-With", "XMLHttpRequest"));
        assert_eq!(challenges(&script), ["Bearer", "Cookie", "ApiKey"]);
        let script = talk.expect(401, &Request::get("/me/basic").with("Sec-Fetch-Mode", "cors"));
        assert_eq!(challenges(&script), ["Basic"]);
        // An unknown scheme counts as absent.
        talk.expect(200, &get_as("/whoami", "Negotiate abc"));
    });
}

#[test]
fn a_wrong_credential_is_refused_everywhere() {
    everywhere(|talk| {
        let wrong = [
            ("Authorization", basic("emily", "wrong")),
            ("Authorization", basic("nobody", "wrong")),
            ("Authorization", "Basic !!!".to_owned()),
            ("Authorization", "Basic".to_owned()),
            ("Authorization", "Token x".to_owned()),
            ("X-API-Key", "ppl_x".to_owned()),
            ("Cookie", "session=x".to_owned()),
        ];
        let mut bodies = BTreeSet::new();
        for (field, value) in &wrong {
            // Five wrong passwords of one name would be told otherwise.
            for path in ["/whoami", "/users/emily", "/admin/stats", "/photos/1"] {
                let refused = talk.expect(401, &Request::get(path).with(field, value));
                is_problem(&refused, None);
                bodies.insert(refused.text());
                assert_eq!(challenges(&refused), ["Basic", "Bearer", "Cookie", "ApiKey"], "{path} {value}");
                let cleared = refused.field("set-cookie");
                assert_eq!(
                    cleared.is_some_and(|cookie| cookie.starts_with("session=;") && cookie.contains("Max-Age=0")),
                    *field == "Cookie"
                );
            }
            talk.expect(200, &Request::get("/health").with(field, value));
        }
        assert_eq!(bodies.len(), 1, "an unknown name and a wrong password read alike: {bodies:?}");
    });
}

#[test]
fn two_credentials_are_one_too_many() {
    everywhere(|talk| {
        let key = talk.key(&emily(), r#"{"name":"mine"}"#)["key"].as_str().unwrap().to_owned();
        let session = talk.session("emily", "emily:s3cret");
        for path in ["/me", "/whoami", "/reports", "/me/basic"] {
            let twice = talk.expect(400, &get_as(path, &emily()).with("Authorization", emily()));
            is_problem(&twice, Some("invalid_request"));
            assert_eq!(challenges(&twice), if path == "/me/basic" { &[][..] } else { &["Bearer"] });
            talk.expect(400, &get_as(path, "Whatever").with("Authorization", "Else"));
        }
        for path in ["/me", "/whoami"] {
            talk.expect(400, &get_as(path, &emily()).with("X-API-Key", &key));
            talk.expect(400, &Request::get(path).with("X-API-Key", &key).with("X-API-Key", &key));
            talk.expect(400, &get_as(path, &format!("Token {key}")).with("X-API-Key", &key));
            let doubled = format!("{session}; {session}");
            is_problem(&talk.expect(400, &Request::get(path).with("Cookie", &doubled)), Some("invalid_request"));
            // Beside an explicit credential a cookie is not looked at.
            talk.expect(200, &get_as(path, &emily()).with("Cookie", &doubled));
            talk.expect(200, &get_as(path, &emily()).with("Cookie", "session=garbage"));
        }
        // What a route does not take counts as absent.
        talk.expect(200, &get_as("/me/basic", &emily()).with("X-API-Key", "x"));
        talk.expect(200, &Request::get("/health").with("Authorization", "a").with("Authorization", "b"));
    });
}

#[test]
fn a_credential_over_8_kib_is_not_read() {
    everywhere(|talk| {
        let long = "a".repeat(8 * 1024 + 1);
        for (field, value) in [
            ("Authorization", format!("Basic {long}")),
            ("Authorization", format!("Token {long}")),
            ("X-API-Key", long.clone()),
            ("Cookie", format!("session={long}")),
        ] {
            let refused = talk.expect(431, &Request::get("/whoami").with(field, &value));
            is_problem(&refused, None);
            assert_eq!(challenges(&refused), Vec::<&str>::new());
        }
        talk.expect(401, &get_as("/me", &format!("Basic {}", "a".repeat(8 * 1024))));
    });
}
