//! The devices on which somebody is signed in.

use super::*;

fn end(id: &str) -> Request {
    Request::new("DELETE", &format!("/sessions/{id}"))
}

#[test]
fn my_devices_are_listed_newest_first() {
    everywhere(|talk| {
        let first = device(talk, "Telephone \"1\" <b>");
        let nameless = talk.session("emily", "emily:s3cret");
        let newest = device(talk, "Tablet");
        talk.session("emma", "pässwörd-emma");

        let listed = talk.expect(200, &by(&first)("/sessions"));
        assert_eq!(listed.field("cache-control"), Some("no-store"));
        assert!(listed.members("vary").contains(&"cookie".to_owned()));
        let mine = sessions(&listed);
        let agents: Vec<_> = mine.iter().map(|session| session["agent"].as_str()).collect();
        assert_eq!(agents, [Some("Tablet"), None, Some("Telephone \"1\" <b>")]);
        let current: Vec<_> = mine.iter().map(|session| session["current"].as_bool().unwrap()).collect();
        assert_eq!(current, [false, false, true]);
        for session in &mine {
            let members: Vec<_> = session.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(members, ["address", "agent", "created_at", "current", "expires_at", "id", "last_used_at"]);
            assert_eq!(session["address"], "127.0.0.1");
            for time in ["created_at", "last_used_at", "expires_at"] {
                let time = session[time].as_str().unwrap();
                assert!(time.len() == 20 && time.ends_with('Z'), "{time}");
            }
            assert!(session["expires_at"].as_str() > session["created_at"].as_str());
            assert_eq!(session["created_at"], session["last_used_at"]);
        }
        let me = json(&talk.expect(200, &by(&first)("/me")));
        assert_eq!(me["expires_at"], mine[2]["expires_at"]);

        // By whatever else the route takes, none of them is the current one.
        let token = json(&talk.expect(200, &Request::post("/tokens").with("Authorization", emily())));
        let token = format!("Bearer {}", token["access_token"].as_str().unwrap());
        for authorization in [emily(), token.clone()] {
            let others = sessions(&talk.expect(200, &Request::get("/sessions").with("Authorization", authorization)));
            assert!(others.iter().all(|session| session["current"] == false) && others.len() == 3);
        }
        let beside = Request::get("/sessions").with("Authorization", emily()).with("Cookie", &newest);
        assert!(sessions(&talk.expect(200, &beside)).iter().all(|session| session["current"] == false));
        assert_eq!(talk.expect(200, &Request::new("HEAD", "/sessions").with("Cookie", &first)).body(), b"");
        assert_eq!(sessions(&talk.expect(200, &by(&nameless)("/sessions")))[1]["current"], true);
        assert_eq!(sessions(&talk.expect(200, &Request::get("/sessions").with("Authorization", emma()))).len(), 1);

        // Neither a key nor a token in the query.
        let key = talk.key(&emily(), r#"{"name":"k"}"#)["key"].as_str().unwrap().to_owned();
        let refused = talk.expect(401, &Request::get("/sessions").with("X-API-Key", &key));
        let challenges: Vec<_> =
            refused.fields("www-authenticate").map(|challenge| challenge.split(' ').next().unwrap()).collect();
        assert_eq!(challenges, ["Basic", "Bearer", "Cookie"]);
        let in_query = format!("/sessions?access_token={}", token.trim_start_matches("Bearer "));
        assert_eq!(talk.ask("a token in the query", &Request::get(&in_query)).status(), 401);
        talk.expect(401, &Request::get("/sessions"));

        // An id opens nothing.
        for session in &mine {
            for value in [id(session).to_owned(), format!("1.{}", id(session))] {
                let refused = talk.ask("an id as a cookie", &by(&format!("session={value}"))("/me"));
                assert_eq!(refused.status(), 401);
            }
            assert!([&first, &nameless, &newest].iter().all(|cookie| !cookie.contains(id(session))));
        }
    });
}

#[test]
fn a_device_is_ended_by_its_id_by_its_owner_alone() {
    everywhere(|talk| {
        let mine = device(talk, "mine");
        let stolen = device(talk, "stolen");
        let last = device(talk, "last");
        let listed = sessions(&talk.expect(200, &by(&mine)("/sessions")));
        talk.expect(200, &by(&stolen)("/me"));
        let [last_id, stolen_id, my_id] = [id(&listed[0]), id(&listed[1]), id(&listed[2])];

        let ended = |talk: &mut Talk, what: &str, request: &Request| {
            let response = talk.ask(what, request);
            if response.status() == 404 {
                assert_eq!(response.field("content-type"), Some("application/problem+json"));
            }
            response.status()
        };
        assert_eq!(ended(talk, "another's", &end(stolen_id).with("Authorization", emma())), 404);
        assert_eq!(ended(talk, "another's, by a form", &end_by_form(stolen_id).with("Authorization", emma())), 404);
        for unknown in ["nothing", "%00", "%FF", "%20", "a%2Fb"] {
            let response = talk.ask_unrecorded(unknown, &end(unknown).with("Authorization", emily()));
            assert_eq!(response.status(), 404, "{unknown}");
        }
        assert_eq!(ended(talk, "nobody", &end(stolen_id)), 401);
        let foreign = end(stolen_id).with("Cookie", &mine).with("Sec-Fetch-Site", "cross-site");
        assert_eq!(ended(talk, "another site", &foreign), 403);
        let foreign = end_by_form(stolen_id).with("Cookie", &mine).with("Origin", "http://evil.example");
        assert_eq!(ended(talk, "another site's form", &foreign), 403);
        talk.expect(200, &by(&stolen)("/me"));

        let response = talk.ask("ended", &end(stolen_id).with("Cookie", &mine));
        assert_eq!((response.status(), response.body()), (204, &b""[..]));
        talk.expect(401, &by(&stolen)("/me"));
        assert_eq!(ended(talk, "again", &end(stolen_id).with("Cookie", &mine)), 404);

        let response = talk.ask("by a form", &end_by_form(last_id).with("Authorization", emily()));
        assert_eq!((response.status(), response.field("location")), (303, Some("/")));
        talk.expect(401, &by(&last)("/me"));
        assert_eq!(ended(talk, "again, by a form", &end_by_form(last_id).with("Cookie", &mine)), 404);

        // One's own.
        assert_eq!(sessions(&talk.expect(200, &by(&mine)("/sessions"))).len(), 1);
        assert_eq!(ended(talk, "one's own", &end(my_id).with("Cookie", &mine)), 204);
        talk.expect(401, &by(&mine)("/me"));
        assert!(sessions(&talk.expect(200, &Request::get("/sessions").with("Authorization", emily()))).is_empty());
    });
}

#[test]
fn a_device_is_ended_by_a_token_too() {
    everywhere(|talk| {
        let stolen = device(talk, "stolen");
        let token = json(&talk.expect(200, &Request::post("/tokens").with("Authorization", emily())));
        let token = format!("Bearer {}", token["access_token"].as_str().unwrap());
        let listed = sessions(&talk.expect(200, &Request::get("/sessions").with("Authorization", &token)));
        // A page elsewhere cannot send a token by itself.
        let request = end(id(&listed[0])).with("Authorization", &token).with("Sec-Fetch-Site", "cross-site");
        assert_eq!(talk.ask("by a token", &request).status(), 204);
        talk.expect(401, &by(&stolen)("/me"));
    });
}

#[test]
fn signing_in_again_on_a_device_ends_its_session_and_signing_out_takes_it_off_the_list() {
    everywhere_with(&["--cache-ttl", "0"], |talk| {
        let first = talk.session("emily", "emily:s3cret");
        let body = r#"{"username":"emily","password":"emily:s3cret"}"#;
        let again = talk.expect(204, &Request::post("/session").with("Cookie", &first).with_json(body));
        let second = again.field("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let listed = sessions(&talk.expect(200, &by(&second)("/sessions")));
        assert_eq!((listed.len(), &listed[0]["current"]), (1, &true.into()));
        talk.expect(204, &Request::new("DELETE", "/session").with("Cookie", &second));
        assert!(sessions(&talk.expect(200, &Request::get("/sessions").with("Authorization", emily()))).is_empty());
    });
}

#[test]
fn a_trusted_proxy_says_from_where_one_signed_in() {
    everywhere_with(&["--trust-proxy", "127.0.0.0/8"], |talk| {
        let body = r#"{"username":"emily","password":"emily:s3cret"}"#;
        for (address, shown) in
            [("192.0.2.7", "192.0.2.7"), ("2001:DB8::7", "2001:db8::7"), ("::ffff:192.0.2.8", "192.0.2.8")]
        {
            talk.expect(204, &Request::post("/session").with("X-Forwarded-For", address).with_json(body));
            let listed = sessions(&talk.expect(200, &Request::get("/sessions").with("Authorization", emily())));
            assert_eq!(listed[0]["address"], shown);
        }
    });
}

#[test]
fn copies_on_one_postgresql_see_each_others_devices_and_none_that_ended() {
    let postgres = Postgres::start();
    let secrets = std::env::temp_dir().join(format!("people-devices-{}", std::process::id()));
    std::fs::write(&secrets, "Es7QbFSvyDvLD5oM0R4kuLrKnqDcUb1I0Qy3j9h4DnE\n").unwrap();
    let url = postgres.url();
    // Without a cache each copy asks the database.
    let flags = ["--database", &url, "--secret-file", secrets.to_str().unwrap(), "--cache-ttl", "0"];
    let mut talks = FRAMEWORKS.map(|framework| Talk::with(Service::start(framework, &flags)));
    let cookies: Vec<String> = talks.iter_mut().map(|talk| device(talk, "agent")).collect();
    for talk in &mut talks {
        let listed = sessions(&talk.expect(200, &by(&cookies[0])("/sessions")));
        let current: Vec<_> = listed.iter().map(|session| session["current"].as_bool().unwrap()).collect();
        assert_eq!(current, [false, false, true]);
    }
    let listed = sessions(&talks[1].expect(200, &by(&cookies[1])("/sessions")));
    let ended = talks[1].ask("ended", &end(id(&listed[2])).with("Cookie", &cookies[1]));
    assert_eq!(ended.status(), 204);
    for talk in &mut talks {
        talk.expect(401, &by(&cookies[0])("/me"));
        assert_eq!(sessions(&talk.expect(200, &by(&cookies[1])("/sessions"))).len(), 2);
        let again = talk.ask_unrecorded("again", &end(id(&listed[2])).with("Cookie", &cookies[1]));
        assert_eq!(again.status(), 404);
        let odd = talk.ask_unrecorded("odd", &end("%00").with("Cookie", &cookies[1]));
        assert_eq!(odd.status(), 404);
    }
    let _ = std::fs::remove_file(secrets);
}
