//! Sessions, and people who sign in.

use super::*;

#[test]
fn a_session_begins_and_ends() {
    everywhere(|talk| {
        let sign_in = |body: &str| Request::post("/session").with_json(body);
        let good = r#"{"username":"emma","password":"pässwörd-emma"}"#;
        let begun = talk.expect(204, &sign_in(good));
        let cookie = begun.field("set-cookie").unwrap().to_owned();
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        assert_eq!(attributes, "HttpOnly; SameSite=Lax; Path=/; Max-Age=43200");
        let again = talk.expect(204, &sign_in(good));
        assert_ne!(again.field("set-cookie"), Some(cookie.as_str()), "C7: a fresh identifier at every sign-in");

        talk.expect(200, &Request::get("/me").with("Cookie", pair));
        let ended = talk.expect(204, &Request::new("DELETE", "/session").with("Cookie", pair));
        assert!(ended.field("set-cookie").unwrap().starts_with("session=;"));
        talk.expect(401, &Request::get("/me").with("Cookie", pair));
        talk.expect(401, &Request::new("DELETE", "/session").with("Cookie", pair));
        talk.expect(401, &Request::new("DELETE", "/session"));
        talk.expect(401, &Request::new("DELETE", "/session").with("Authorization", emily()));

        let pair = talk.session("emma", "pässwörd-emma");
        let ended = talk.expect(303, &Request::post("/session/end").with("Cookie", &pair));
        assert_eq!(ended.field("location"), Some("/"));
        talk.expect(401, &Request::get("/me").with("Cookie", &pair));

        // Signing in anew ends the session that the browser brought along.
        let old = talk.session("emma", "pässwörd-emma");
        talk.expect(204, &sign_in(good).with("Cookie", &old));
        talk.expect(401, &Request::get("/me").with("Cookie", &old));

        let refused = talk.expect(401, &sign_in(r#"{"username":"emma","password":"wrong"}"#));
        is_problem(&refused, None);
        assert_eq!(
            refused.fields("www-authenticate").collect::<Vec<_>>(),
            [r#"Cookie realm="people", cookie-name="session""#]
        );
        let unknown = talk.expect(401, &sign_in(r#"{"username":"nobody","password":"wrong"}"#));
        assert_eq!(unknown.text(), refused.text());
        for body in ["", "{}", r#"["emma","x"]"#, r#"{"username":"emma"}"#, r#"{"username":1,"password":"x"}"#] {
            is_problem(&talk.expect(400, &sign_in(body)), Some("invalid_request"));
        }
        is_problem(&talk.expect(415, &Request::post("/session")), None);
        talk.expect(415, &Request::post("/session").with_body("text/plain", good));
        is_problem(&talk.expect(413, &sign_in(&" ".repeat(64 * 1024 + 1))), None);
        // No guard, so nothing of it is looked at.
        talk.expect(204, &sign_in(good).with("Authorization", "Basic !!").with("Authorization", "x"));
        // A tampered cookie, and one under the name of TLS, which this is not.
        let pair = talk.session("emma", "pässwörd-emma");
        talk.expect(401, &Request::get("/me").with("Cookie", format!("{pair}x")));
        talk.expect(200, &Request::get("/whoami").with("Cookie", format!("__Host-{pair}")));
        talk.expect(200, &Request::get("/me").with("Cookie", format!("odd=\"; {pair}; other=1")));
    });
}

#[test]
fn browsers_sign_in_with_a_form() {
    everywhere(|talk| {
        const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        let form = |body: &str| {
            Request::post("/session").with("Accept", BROWSER).with_body("application/x-www-form-urlencoded", body)
        };
        let good = "username=emily&password=emily%3As3cret";
        // C10
        for (next, place) in [
            ("", "/"),
            ("&next=%2Fme%3Fa%3Db", "/me?a=b"),
            ("&next=/reports", "/reports"),
            ("&next=//evil.example", "/"),
            ("&next=/%5Cevil.example", "/"),
            ("&next=/%09/evil.example", "/"),
            ("&next=/%0D%0Ax:y", "/"),
            ("&next=https://evil.example", "/"),
            ("&next=javascript:alert(1)", "/"),
            ("&next=evil", "/"),
            ("&next=%20/me", "/"),
        ] {
            let response = talk.expect(303, &form(&format!("{good}{next}")));
            assert_eq!(response.field("location"), Some(place), "{next}");
            assert!(response.field("set-cookie").unwrap().starts_with("session="));
        }
        let wrong = talk.expect(401, &form("username=emily&password=no&next=/me"));
        assert_eq!(challenges(&wrong), ["Cookie"]);
        assert!(wrong.field("content-type").unwrap().starts_with("text/html"));
        assert!(
            wrong.text().contains("do not go together") && wrong.text().contains("value=\"/me\""),
            "{}",
            wrong.text()
        );
        assert_eq!(wrong.field("cache-control"), Some("no-store"));
        is_page(&talk.expect(400, &form("username=emily")), "The body cannot be read");
        talk.expect(204, &Request::post("/session").with_body("application/x-www-form-urlencoded", good));

        // A browser that is nobody is sent to sign in, and comes back to where it was going.
        let sent = talk.expect(303, &Request::get("/reports?page=2").with("Accept", BROWSER));
        assert_eq!(sent.field("location"), Some("/?next=/reports%3Fpage%3D2"));
        assert_eq!(
            talk.expect(303, &Request::new("HEAD", "/me").with("Accept", BROWSER)).field("location"),
            Some("/?next=/me")
        );
        let dead = talk.expect(303, &Request::get("/me").with("Accept", BROWSER).with("Cookie", "session=dead"));
        assert!(dead.field("set-cookie").unwrap().starts_with("session=;"));
        talk.expect(401, &get_as("/me", &basic("emily", "no")).with("Accept", BROWSER));
        talk.expect(401, &Request::get("/me/basic").with("Accept", BROWSER));
        talk.expect(401, &Request::post("/reports").with("Accept", BROWSER));
        talk.expect(403, &get_as("/admin/stats", &emily()).with("Accept", BROWSER));

        // The page never redirects.
        let page = talk.expect(200, &Request::get("/?next=/me%22%3E").with("Accept", BROWSER));
        assert!(page.text().contains("value=\"/me&quot;&gt;\""), "{}", page.text());
        assert!(page.field("content-security-policy").unwrap().contains("default-src 'none'"));
        assert_eq!(page.field("set-cookie"), None);
        let page = talk.expect(200, &Request::get("/").with("Cookie", "session=dead").with("Accept", BROWSER));
        assert!(page.text().contains("Sign in") && page.field("set-cookie").unwrap().starts_with("session=;"));
        let session = talk.session("emily", "emily:s3cret");
        let page = talk.expect(200, &Request::get("/").with("Cookie", &session));
        assert!(page.text().contains("Hello, emily"));
        assert!(page.members("vary").contains(&"cookie".to_owned()));
        talk.expect(200, &Request::new("HEAD", "/"));
    });
}

/// A browser is who loads a page: what a script asks for is read by the script, whatever it prefers.
#[test]
fn a_script_that_prefers_html_is_no_browser() {
    everywhere(|talk| {
        let sign_in = |name: &str, password: &str| {
            let body = format!("username={name}&password={password}&next=/me");
            Request::post("/session").with_body("application/x-www-form-urlencoded", body)
        };
        for (field, value, is_script) in [
            ("Sec-Fetch-Mode", "navigate", false),
            ("X-Requested-With", "com.example.browser", false),
            ("Sec-Fetch-Mode", "cors", true),
            ("Sec-Fetch-Mode", "same-origin", true),
            ("X-Requested-With", "XMLHttpRequest", true),
        ] {
            let with = |request: Request| request.with("Accept", "text/html,*/*;q=0.8").with(field, value);
            let me = talk.expect(if is_script { 401 } else { 303 }, &with(Request::get("/me")));
            assert_eq!(me.field("location"), (!is_script).then_some("/?next=/me"), "{field}: {value}");
            let wrong = talk.expect(401, &with(sign_in("emma", "wrong")));
            let kind = if is_script { "application/problem+json" } else { "text/html; charset=utf-8" };
            assert_eq!(wrong.field("content-type"), Some(kind), "{field}: {value}");
            let begun = talk.expect(if is_script { 204 } else { 303 }, &with(sign_in("emily", "emily%3As3cret")));
            assert_eq!(begun.field("location"), (!is_script).then_some("/me"), "{field}: {value}");
        }
    });
}

/// A conversation is told by its transcript.
#[test]
fn the_cookie_of_a_session_is_good_in_its_service_alone() {
    everywhere(|talk: &mut Talk| {
        let session = talk.session("emily", "emily:s3cret");
        assert!(session.starts_with("session=1."), "{session}");
        let moved = session.replacen("session=", "other=", 1);
        // C1
        talk.expect(401, &Request::get("/me").with("Cookie", moved));
    });
}
