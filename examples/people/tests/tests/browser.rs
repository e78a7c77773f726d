//! The page in a browser: Debian's `chromium` and `chromium-driver` must be installed, or these tests fail.
//!
//! `PEOPLE_PICTURES=folder` keeps pictures of the page.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{env, fs, path::Path};

use countersign_conformance::wire::Request;
use people_tests::{Browser, FRAMEWORKS, Service, Talk, basic, json, other_site};

fn sign_in(browser: &Browser, name: &str, password: &str) {
    browser.type_into("input[name=username]", name);
    browser.type_into("input[name=password]", password);
    browser.click("form button");
}

fn keep_picture(browser: &Browser, name: &str) {
    if let Some(folder) = env::var_os("PEOPLE_PICTURES") {
        fs::write(Path::new(&folder).join(format!("{name}.png")), browser.picture()).unwrap();
    }
}

fn somebody_signs_in_and_out(framework: &'static str, browser: &Browser, javascript: bool) {
    let service = Service::start(framework, &[]);
    let site = format!("http://{}/", service.address());
    browser.load(&site);
    browser.shows("Sign in to see who you are");
    keep_picture(browser, &format!("sign-in-{framework}"));

    sign_in(browser, "emily", "wrong");
    browser.shows("do not go together");
    keep_picture(browser, &format!("wrong-{framework}-{javascript}"));
    sign_in(browser, "emily", "emily:s3cret");
    browser.shows("Hello, emily");
    browser.reload();
    browser.shows("Hello, emily");
    browser.shows("reports:read");
    if javascript {
        browser.click("#ask");
        browser.shows("\"scheme\": \"cookie\"");
    }
    keep_picture(browser, &format!("signed-in-{framework}-{javascript}"));
    browser.click("form[action='/session/end'] button");
    browser.shows("Sign in to see who you are");
    browser.load(&format!("{site}whoami"));
    browser.shows("{\"caller\":null}");

    // Whoever may not see a page is sent to sign in, and from there to the page.
    browser.load(&format!("{site}me?from=here"));
    browser.shows("Sign in to see who you are");
    sign_in(browser, "emma", "pässwörd-emma");
    browser.shows("\"name\":\"emma\"");
    assert_eq!(browser.url(), format!("{site}me?from=here"));
    browser.load(&format!("{site}?next=//localhost/evil"));
    browser.shows("Hello, emma");
    browser.click("form[action='/session/end'] button");
    browser.shows("Sign in to see who you are");
    browser.load(&format!("{site}?next=/%5Clocalhost/evil"));
    sign_in(browser, "emma", "pässwörd-emma");
    browser.shows("Hello, emma");
    assert_eq!(browser.url(), site);
    let expected = |complaint: &String| complaint.contains("401 (Unauthorized)") || complaint.contains("/favicon.ico");
    let complaints: Vec<String> = browser.complaints().into_iter().filter(|complaint| !expected(complaint)).collect();
    assert!(complaints.is_empty(), "{framework}: {complaints:?}");
}

#[test]
fn somebody_signs_in_reloads_and_signs_out_with_javascript() {
    let browser = Browser::open(true);
    for framework in FRAMEWORKS {
        somebody_signs_in_and_out(framework, &browser, true);
    }
}

#[test]
fn somebody_signs_in_reloads_and_signs_out_without_javascript() {
    let browser = Browser::open(false);
    for framework in FRAMEWORKS {
        somebody_signs_in_and_out(framework, &browser, false);
    }
}

/// Ends the other device by its button, and then, without JavaScript, the one at hand.
fn somebody_ends_devices(framework: &'static str, browser: &Browser, javascript: bool) {
    let mut talk = Talk::with(Service::start(framework, &[]));
    let site = format!("http://{}/", talk.service().address());
    let sign_in_elsewhere = Request::post("/session").with("User-Agent", "A lost telephone").with_json(EMILY);
    let elsewhere = talk.expect(204, &sign_in_elsewhere).field("set-cookie").unwrap().to_owned();
    let me = Request::get("/me").with("Cookie", elsewhere.split(';').next().unwrap());
    talk.expect(200, &me);
    talk.key(&basic("emily", "emily:s3cret"), r#"{"name":"backup"}"#);

    browser.load(&site);
    sign_in(browser, "emily", "wrong");
    browser.shows("do not go together");
    // The name is kept.
    browser.type_into("input[name=password]", "emily:s3cret");
    browser.click("form button");
    browser.shows("Hello, emily");
    browser.shows("A lost telephone");
    browser.shows("(this one)");
    browser.shows("backup");
    keep_picture(browser, &format!("devices-{framework}-{javascript}"));
    // The newest stands first, and that is this one.
    browser.click("#devices li:nth-child(2) button");
    browser.vanishes("A lost telephone");
    browser.goes_to(&site);
    browser.shows("Hello, emily");
    talk.expect(401, &me);
    browser.click("#devices li:nth-child(1) button");
    browser.shows("Sign in to see who you are");
    browser.load(&format!("{site}whoami"));
    browser.shows("{\"caller\":null}");
    browser.load(&format!("{site}nowhere"));
    browser.shows("There is nothing under this path.");
    browser.load(&format!("{site}session"));
    browser.goes_to(&site);
}

const EMILY: &str = r#"{"username":"emily","password":"emily:s3cret"}"#;

#[test]
fn somebody_ends_a_device_with_javascript() {
    let browser = Browser::open(true);
    for framework in FRAMEWORKS {
        somebody_ends_devices(framework, &browser, true);
    }
}

#[test]
fn somebody_ends_a_device_without_javascript() {
    let browser = Browser::open(false);
    for framework in FRAMEWORKS {
        somebody_ends_devices(framework, &browser, false);
    }
}

/// A page of another site whose form goes to the service by itself.
fn trap(service: &Service, path: &str, fields: &[(&str, &str)]) -> String {
    let inputs: String =
        fields.iter().map(|(name, value)| format!("<input type=hidden name='{name}' value='{value}'>")).collect();
    let action = format!("http://{}{path}", service.address());
    format!(
        "<form method=post action='{action}'>{inputs}<button>Win</button></form><script>document.forms[0].submit()</script>"
    )
}

/// Falls into the trap, of a site at another port, to which a browser sends the cookie, and of a site of another name, to which it
/// sends none.
fn visit(browser: &Browser, service: &Service, path: &str, fields: &[(&str, &str)], elsewhere: Option<&str>) {
    let port = other_site(trap(service, path, fields)).port();
    browser.load(&format!("http://127.0.0.1:{port}/"));
    browser.shows("The request was made by another site.");
    browser.load(&format!("http://localhost:{port}/"));
    browser.goes_to(&format!("http://{}{path}", service.address()));
    // Where Basic is taken the browser asks for a password, over an empty page.
    if let Some(refusal) = elsewhere {
        browser.shows(refusal);
    }
}

#[test]
fn another_site_can_neither_act_for_somebody_nor_sign_anybody_in_or_out() {
    let browser = Browser::open(true);
    for framework in FRAMEWORKS {
        let service = Service::start(framework, &[]);
        let site = format!("http://{}/", service.address());
        let jacob = [("username", "jacob"), ("password", "jacob-is-admin")];
        visit(&browser, &service, "/session", &jacob, Some("The request was made by another site."));
        browser.load(&site);
        browser.shows("Sign in to see who you are");

        sign_in(&browser, "emily", "emily:s3cret");
        browser.shows("Hello, emily");
        visit(&browser, &service, "/users/emily/invite/jacob", &[], None);
        visit(&browser, &service, "/session/end", &[], Some("This takes a credential."));
        visit(&browser, &service, "/tokens", &[], None);
        visit(&browser, &service, "/session", &jacob, Some("The request was made by another site."));
        browser.load(&site);
        browser.shows("Hello, emily");

        let mut talk = Talk::with(service);
        let emily = basic("emily", "emily:s3cret");
        // It would be 409 had the other site's invitation come to stand.
        talk.expect(201, &Request::post("/users/emily/invite/jacob").with("Authorization", &emily));
        let me = json(&talk.expect(200, &Request::get("/me").with("Authorization", &emily)));
        assert_eq!(me.get("name"), Some(&"emily".into()));
    }
}

/// A page whose form goes by itself to where its own query says.
const TRAP_FOR_ANYBODY: &str = "<form method=post><button>Win</button></form>\
    <script>const form = document.forms[0]; form.action = location.search.slice(1); form.submit()</script>";

#[test]
fn another_site_cannot_act_by_a_password_that_the_browser_remembers() {
    let trusted_port = other_site(TRAP_FOR_ANYBODY.to_owned()).port();
    let port = other_site(TRAP_FOR_ANYBODY.to_owned()).port();
    let trusted = format!("http://localhost:{trusted_port}");
    for framework in FRAMEWORKS {
        let browser = Browser::open(true);
        let service = Service::start(framework, &["--trusted-origin", &trusted]);
        let address = service.address();
        browser.load(&format!("http://jacob:jacob-is-admin@{address}/me/basic"));
        browser.shows("\"name\":\"jacob\"");
        // From here on the browser repeats it by itself.
        browser.load(&format!("http://{address}/me/basic"));
        browser.shows("\"name\":\"jacob\"");
        let invite = |name: &str| format!("http://{address}/users/jacob/invite/{name}");
        for site in [
            format!("http://127.0.0.1:{port}"),
            format!("http://localhost:{port}"),
            format!("http://127.0.0.1:{trusted_port}"),
        ] {
            browser.load(&format!("{site}/?{}", invite("emma")));
            browser.goes_to(&invite("emma"));
            browser.shows("The request was made by another site.");
        }
        browser.load(&format!("{trusted}/?{}", invite("emily")));
        browser.goes_to(&invite("emily"));
        browser.shows(r#"{"from":"jacob","to":"emily"}"#);

        let mut talk = Talk::with(service);
        let jacob = basic("jacob", "jacob-is-admin");
        // It would be 409 had another site's invitation come to stand.
        talk.expect(201, &Request::post("/users/jacob/invite/emma").with("Authorization", &jacob));
        talk.expect(409, &Request::post("/users/jacob/invite/emily").with("Authorization", &jacob));
    }
}

#[test]
fn a_page_that_withholds_its_referrer_signs_in_and_out_on_its_own_site() {
    // Its forms then send `Origin: null`. The page's own script would send them by `fetch`, which does not: `submit` goes past it.
    let submit = |form: &str| {
        format!(
            "const meta = document.createElement('meta'); meta.name = 'referrer'; meta.content = 'no-referrer'; \
             document.head.append(meta); document.querySelector(\"{form}\").submit()"
        )
    };
    let browser = Browser::open(true);
    for framework in FRAMEWORKS {
        let service = Service::start(framework, &[]);
        browser.load(&format!("http://{}/", service.address()));
        browser.type_into("input[name=username]", "emily");
        browser.type_into("input[name=password]", "emily:s3cret");
        browser.run(&submit("form[action='/session']"));
        browser.shows("Hello, emily");
        browser.run(&submit("form[action='/session/end']"));
        browser.shows("Sign in to see who you are");
    }
}
