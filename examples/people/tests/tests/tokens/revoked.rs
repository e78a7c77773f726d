//! Tokens that are given back, and subjects that are revoked.

use super::*;

#[test]
fn who_gives_a_token_back_ends_its_family() {
    everywhere(|talk| {
        let first = issue(talk, &emily());
        let next = refresh(talk, &first.refresh);
        let (other, emmas) = (issue(talk, &emily()), issue(talk, &emma()));
        for request in [Request::new("DELETE", "/tokens"), with(Request::new("DELETE", "/tokens"), &emily())] {
            let refused = talk.expect(401, &request);
            assert_eq!(refused.fields("www-authenticate").collect::<Vec<_>>(), [r#"Bearer realm="people""#]);
        }
        let in_query = Request::new("DELETE", &format!("/tokens?access_token={}", first.access));
        assert_eq!(talk.ask("in the query", &in_query).status(), 401);
        talk.expect(200, &me(&next.access));

        let answer = talk.expect(204, &next.give_back());
        assert_eq!(answer.body(), b"");
        is_void(talk, &next.access);
        is_void(talk, &first.access);
        is_no_grant(talk, &next.refresh);
        let again = talk.expect(401, &next.give_back());
        assert_eq!(json(&again)["error"], "invalid_token");
        for pair in [&other, &emmas] {
            talk.expect(200, &me(&pair.access));
            refresh(talk, &pair.refresh);
        }
    });
}

#[test]
fn revoking_a_subject_voids_all_that_it_was_given_but_its_keys() {
    everywhere(|talk| {
        for by in [emily(), jacob()] {
            let session = talk.session("emily", "emily:s3cret");
            let key = talk.key(&emily(), r#"{"name":"mine"}"#)["key"].as_str().unwrap().to_owned();
            let first = issue(talk, &emily());
            let (next, narrow) = (refresh(talk, &first.refresh), issue_for(talk, &emily(), "reports:read"));
            let by_session = Pair::of(&talk.expect(200, &Request::post("/tokens").with("Cookie", &session)));
            let (emmas, emmas_session) = (issue(talk, &emma()), talk.session("emma", "pässwörd-emma"));
            for pair in [&first, &next, &narrow, &by_session] {
                talk.expect(200, &me(&pair.access));
            }
            talk.expect(200, &Request::get("/me").with("Cookie", &session));

            // Who may not, may not, whether there is such a user or none.
            for name in ["emily", "nobody", "EMILY"] {
                talk.expect(403, &with(Request::new("DELETE", &format!("/users/{name}/tokens")), &emma()));
                talk.expect(401, &Request::new("DELETE", &format!("/users/{name}/tokens")));
            }
            talk.expect(200, &me(&first.access));

            let revoke = with(Request::new("DELETE", "/users/emily/tokens"), &by);
            assert_eq!(talk.expect(204, &revoke).body(), b"");
            for pair in [&first, &next, &narrow, &by_session] {
                is_void(talk, &pair.access);
                is_no_grant(talk, &pair.refresh);
            }
            let refused = talk.expect(401, &Request::get("/me").with("Cookie", &session));
            assert!(refused.field("set-cookie").unwrap().contains("Max-Age=0"));
            talk.expect(200, &Request::get("/me").with("X-API-Key", &key));
            talk.expect(200, &with(Request::get("/me"), &emily()));
            talk.expect(200, &me(&emmas.access));
            talk.expect(200, &Request::get("/me").with("Cookie", &emmas_session));
            refresh(talk, &emmas.refresh);

            // Who signs in again in the same second is in.
            let again = issue(talk, &emily());
            talk.expect(200, &me(&again.access));
            let next = refresh(talk, &again.refresh);
            talk.expect(200, &me(&next.access));
            let session = talk.session("emily", "emily:s3cret");
            talk.expect(200, &Request::get("/me").with("Cookie", &session));
        }
        for name in ["nobody", "EMILY", "emily%20", "emi%00ly", "emi%0Aly", "%F0%9F%98%80"] {
            talk.expect(404, &with(Request::new("DELETE", &format!("/users/{name}/tokens")), &jacob()));
        }
    });
}

#[test]
fn a_subject_revokes_itself_by_whatever_it_came_with() {
    everywhere(|talk| {
        let session = talk.session("emily", "emily:s3cret");
        let revoke = || Request::new("DELETE", "/users/emily/tokens");
        let elsewhere = revoke().with("Cookie", &session).with("Sec-Fetch-Site", "cross-site");
        talk.expect(403, &elsewhere);
        talk.expect(200, &Request::get("/me").with("Cookie", &session));
        talk.expect(204, &revoke().with("Cookie", &session));
        talk.expect(401, &Request::get("/me").with("Cookie", &session));
        talk.expect(401, &revoke().with("Cookie", &session));

        let pair = issue(talk, &emily());
        talk.expect(204, &with(revoke(), &format!("Bearer {}", pair.access)));
        is_void(talk, &pair.access);
        let key = talk.key(&emily(), r#"{"name":"mine"}"#)["key"].as_str().unwrap().to_owned();
        let pair = issue(talk, &emily());
        talk.expect(204, &revoke().with("X-API-Key", &key));
        is_void(talk, &pair.access);
        talk.expect(204, &revoke().with("X-API-Key", &key));
    });
}

#[test]
fn a_body_that_comes_after_the_subject_was_revoked_makes_no_tokens() {
    everywhere(|talk| {
        let blanks = " ".repeat(2048);
        let address = talk.service().address();
        for wait in [true, false] {
            let stolen = talk.session("emily", "emily:s3cret");
            let request = Request::post("/tokens").with("Cookie", &stolen).with_json(&format!("   {blanks}{{}}"));
            let bytes = request.bytes();
            let (now, later) = bytes.split_at(bytes.len() - 2);
            let mut connection = Connection::open(address).unwrap();
            connection.say(now);
            // The service must have let the head in before anything is revoked; nothing tells when it has.
            thread::sleep(Duration::from_millis(150));
            if wait {
                talk.expect(204, &with(Request::new("DELETE", "/users/emily/tokens"), &emily()));
            }
            connection.say(later);
            let status = connection.answer(&request).unwrap().status();
            assert_eq!(status, if wait { 401 } else { 200 });
        }
    });
}

#[test]
fn a_stolen_session_that_asks_for_tokens_while_its_owner_revokes_has_none_in_the_end() {
    for framework in FRAMEWORKS {
        let mut talk = Talk::with(Service::start(framework, &[]));
        for _ in 0..8 {
            let stolen = talk.session("emily", "emily:s3cret");
            let (address, asked) = (talk.service().address(), Request::post("/tokens").with("Cookie", &stolen));
            let thieves: Vec<_> = (0..4)
                .map(|_| {
                    let asked = asked.clone();
                    thread::spawn(move || {
                        let mut had = Vec::new();
                        for _ in 0..40 {
                            let mut connection = Connection::open(address).unwrap();
                            connection.say(&asked.bytes());
                            match connection.answer(&asked).unwrap() {
                                answer if answer.status() == 200 => had.push(Pair::of(&answer)),
                                answer => {
                                    assert_eq!(answer.status(), 401);
                                    break;
                                }
                            }
                        }
                        had
                    })
                })
                .collect();
            talk.expect(204, &with(Request::new("DELETE", "/users/emily/tokens"), &emily()));
            for thief in thieves {
                for pair in thief.join().unwrap() {
                    is_void(&mut talk, &pair.access);
                    is_no_grant(&mut talk, &pair.refresh);
                }
            }
        }
    }
}

#[test]
fn a_restart_forgets_nothing_that_was_revoked() {
    let folder = Folder::of("restart-tokens");
    let (secrets, signing) = (folder.file("secrets", SECRET), folder.signing_key());
    let database = format!("sqlite:{}", folder.database("people.db"));
    let flags = ["--database", &database, "--secret-file", &secrets, "--signing-key", &signing];
    let mut talk = Talk::with(Service::start("axum", &flags));
    let (back, emmas, kept) = (issue(&mut talk, &emily()), issue(&mut talk, &emma()), issue(&mut talk, &emily()));
    talk.expect(204, &back.give_back());
    talk.expect(204, &with(Request::new("DELETE", "/users/emma/tokens"), &emma()));
    drop(talk);
    for framework in ["actix-web", "rocket"] {
        let mut talk = Talk::with(Service::start(framework, &flags));
        for pair in [&back, &emmas] {
            is_void(&mut talk, &pair.access);
            is_no_grant(&mut talk, &pair.refresh);
        }
        talk.expect(200, &me(&kept.access));
    }
}
