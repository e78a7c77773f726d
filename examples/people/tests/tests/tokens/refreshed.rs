//! Tokens that are had anew, once each.

use super::*;

#[test]
fn a_refresh_token_is_spent_by_its_use_and_has_a_successor() {
    everywhere(|talk| {
        let first = issue(talk, &jacob());
        assert_eq!(first.scope, "reports:read reports:write");
        assert!(first.refresh.starts_with("pplr_") && first.refresh.len() == 5 + 43 + 6, "{}", first.refresh);
        let mut pair = first.clone();
        for _ in 0..5 {
            let next = refresh(talk, &pair.refresh);
            assert!(next.refresh != pair.refresh && next.access != pair.access);
            assert_eq!(next.scope, "reports:read reports:write");
            talk.expect(200, &me(&next.access));
            talk.expect(200, &with(Request::get("/admin/stats"), &format!("Bearer {}", next.access)));
            pair = next;
        }
        talk.expect(200, &me(&first.access));
        let other = issue(talk, &jacob());

        // A spent one voids the family, with the access tokens that came of it, and nothing else.
        is_no_grant(talk, &first.refresh);
        is_no_grant(talk, &pair.refresh);
        for access in [&first.access, &pair.access] {
            is_void(talk, access);
            let in_query = Request::get(&format!("/me?access_token={access}"));
            assert_eq!(talk.ask("in the query", &in_query).status(), 401);
        }
        talk.expect(200, &me(&other.access));
        refresh(talk, &other.refresh);
        talk.expect(200, &with(Request::get("/me"), &jacob()));
    });
}

#[test]
fn a_session_has_tokens_too_and_narrowed_ones_stay_so() {
    everywhere(|talk| {
        let session = talk.session("emily", "emily:s3cret");
        let pair = Pair::of(&talk.expect(200, &Request::post("/tokens").with("Cookie", &session)));
        assert_eq!(refresh(talk, &pair.refresh).scope, "reports:read");
        // The tokens outlive the session that had them.
        talk.expect(204, &Request::new("DELETE", "/session").with("Cookie", &session));
        talk.expect(200, &me(&pair.access));

        let narrow = issue_for(talk, &jacob(), "reports:write");
        let next = refresh(talk, &narrow.refresh);
        assert_eq!(next.scope, "reports:write");
        let caller = json(&talk.expect(200, &me(&next.access)));
        assert_eq!((&caller["roles"], &caller["scopes"]), (&document!([]), &document!(["reports:write"])));
        talk.expect(403, &with(Request::get("/admin/stats"), &format!("Bearer {}", next.access)));
        // More than the family has cannot be had by asking for it.
        let wish = document!({ "refresh_token": next.refresh, "scope": "reports:read reports:write" }).to_string();
        let asked = Pair::of(&talk.expect(200, &Request::post("/tokens/refresh").with_json(&wish)));
        assert_eq!(asked.scope, "reports:write");
    });
}

#[test]
fn what_is_no_refresh_token_is_refused() {
    everywhere(|talk| {
        let pair = issue(talk, &emily());
        let key = talk.key(&emily(), r#"{"name":"mine"}"#)["key"].as_str().unwrap().to_owned();
        let mut typo = pair.refresh.clone();
        typo.replace_range(10..11, if &typo[10..11] == "A" { "B" } else { "A" });
        for token in [
            "",
            "pplr_",
            "x",
            "pplr_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            &pair.access,
            &key,
            &typo,
            &pair.refresh[1..],
            &format!("{} ", pair.refresh),
            &pair.refresh.to_uppercase(),
            "\0",
            "\u{e4}\u{1f600}",
            &"x".repeat(60_000),
        ] {
            is_no_grant(talk, token);
        }
        for body in [
            "",
            "{",
            "{}",
            "[]",
            "null",
            r#"{"refresh_token":7}"#,
            r#"{"refresh_token":null}"#,
            r#"{"refresh_token":["x"]}"#,
            r#"{"refresh_token":"a","refresh_token":"b"}"#,
            r#"["pplr_x"]"#,
        ] {
            let response = talk.expect(400, &Request::post("/tokens/refresh").with_json(body));
            assert_eq!(json(&response)["error"], "invalid_request", "{body}");
        }
        for content_type in ["text/plain", "application/x-www-form-urlencoded"] {
            let form = format!("grant_type=refresh_token&refresh_token={}", pair.refresh);
            talk.expect(415, &Request::post("/tokens/refresh").with_body(content_type, form));
        }
        talk.expect(415, &Request::post("/tokens/refresh"));
        let long = document!({ "refresh_token": "x".repeat(70_000) }).to_string();
        talk.expect(413, &Request::post("/tokens/refresh").with_json(&long));
        let status = if talk.service().is_rocket() { 404 } else { 405 };
        for (method, path) in [
            ("GET", "/tokens/refresh"),
            ("GET", "/tokens"),
            ("PUT", "/tokens"),
            ("GET", "/users/emily/tokens"),
            ("POST", "/users/emily/tokens"),
        ] {
            assert_eq!(talk.ask_unrecorded(path, &Request::new(method, path)).status(), status, "{method} {path}");
        }

        // No other credential is looked at, however many there are, and none of this has spent anything.
        let odd = refreshing(&pair.refresh)
            .with("Authorization", "Basic !!")
            .with("Authorization", "Bearer x")
            .with("X-API-Key", "x")
            .with("Cookie", "session=x; session=y")
            .with("Origin", "https://other.example");
        let next = Pair::of(&talk.expect(200, &odd));
        talk.expect(200, &me(&next.access));
        refresh(talk, &next.refresh);
    });
}

#[test]
fn of_several_that_bring_one_refresh_token_at_once_one_is_answered_and_the_family_is_void() {
    let postgres = Postgres::start();
    let folder = Folder::of("at-once");
    for framework in FRAMEWORKS {
        let file = format!("sqlite:{}", folder.database(framework));
        for database in ["sqlite::memory:", &file, &postgres.url()] {
            let mut talk = Talk::with(Service::start(framework, &["--database", database]));
            for _ in 0..12 {
                let pair = issue(&mut talk, &emily());
                let (address, request) = (talk.service().address(), refreshing(&pair.refresh));
                let asking: Vec<_> = (0..6)
                    .map(|_| {
                        let request = request.clone();
                        thread::spawn(move || {
                            let mut connection = Connection::open(address).unwrap();
                            connection.say(&request.bytes());
                            connection.answer(&request).unwrap()
                        })
                    })
                    .collect();
                let answers: Vec<Response> = asking.into_iter().map(|asking| asking.join().unwrap()).collect();
                let good: Vec<Pair> = answers.iter().filter(|answer| answer.status() == 200).map(Pair::of).collect();
                let told: Vec<u16> = answers.iter().map(Response::status).collect();
                assert_eq!(good.len(), 1, "{framework} {database}: {told:?}");
                assert!(told.iter().all(|status| matches!(status, 200 | 400)), "{framework} {database}: {told:?}");
                is_no_grant(&mut talk, &good[0].refresh);
                is_void(&mut talk, &good[0].access);
                is_void(&mut talk, &pair.access);
            }
        }
    }
}
