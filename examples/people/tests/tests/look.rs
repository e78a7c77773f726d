//! How the page looks, and that it can be used by the keyboard alone. It is the same page in each framework: one of them is looked at.
//!
//! `PEOPLE_PICTURES=folder` keeps pictures of it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{env, fs, path::Path};

use people_tests::{Browser, FRAMEWORKS, Service, Talk, basic};

/// What a browser sends for these keys.
const TAB: &str = "\u{E004}";
/// The same.
const ENTER: &str = "\u{E007}";

fn sign_in(browser: &Browser) {
    browser.type_into("input[name=username]", "emily");
    browser.type_into("input[name=password]", "emily:s3cret");
    browser.click("form button");
    browser.shows("Hello, emily");
}

/// Nothing is cut off at this width, and everything can be told from its background.
fn can_be_read(browser: &Browser, name: &str, width: u32, dark: bool) {
    let what = format!("{name}-{width}-{}", if dark { "dark" } else { "light" });
    if let Some(folder) = env::var_os("PEOPLE_PICTURES") {
        fs::write(Path::new(&folder).join(format!("{what}.png")), browser.picture()).unwrap();
    }
    let shown = browser.value("return document.documentElement.scrollWidth").as_u64().unwrap();
    assert!(shown <= u64::from(width), "{what} is {shown} wide");
    let found = browser.value(include_str!("contrast.js"));
    assert!(found.get("looked").and_then(serde_json::Value::as_u64).unwrap() > 2, "{what}: {found}");
    assert_eq!(found.get("faults").unwrap().as_array().unwrap().len(), 0, "{what}: {found}");
}

#[test]
fn every_page_can_be_read_narrow_and_wide_light_and_dark() {
    let mut talk = Talk::with(Service::start(FRAMEWORKS[0], &[]));
    let site = format!("http://{}/", talk.service().address());
    talk.key(&basic("emily", "emily:s3cret"), r#"{"name":"backup"}"#);
    let browser = Browser::open(true);
    for width in [320, 1280] {
        for dark in [false, true] {
            browser.looks_like(width, dark);
            browser.load(&site);
            can_be_read(&browser, "sign-in", width, dark);
            browser.type_into("input[name=username]", "emily");
            browser.type_into("input[name=password]", "wrong");
            browser.click("form button");
            browser.shows("do not go together");
            can_be_read(&browser, "wrong", width, dark);
            sign_in(&browser);
            browser.click("#ask");
            browser.shows("\"scheme\": \"cookie\"");
            can_be_read(&browser, "signed-in", width, dark);
            browser.load(&format!("{site}admin/stats"));
            browser.shows("The caller may not do this.");
            can_be_read(&browser, "refused", width, dark);
            browser.load(&site);
            browser.click("form[action='/session/end'] button");
            browser.shows("Sign in to see who you are");
        }
    }
}

/// Whether the element that has the focus shows it, and what it says.
fn focused(browser: &Browser) -> String {
    let script = "const at = document.activeElement; const style = getComputedStyle(at); \
                  return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 ? at.textContent || at.name : ''";
    browser.value(script).as_str().unwrap().to_owned()
}

#[test]
fn the_keyboard_is_enough() {
    for javascript in [true, false] {
        let mut talk = Talk::with(Service::start(FRAMEWORKS[0], &[]));
        let elsewhere = talk.session("emily", "emily:s3cret");
        let browser = Browser::open(javascript);
        browser.load(&format!("http://{}/", talk.service().address()));
        // The cursor is in the first field.
        browser.press(&format!("emily{TAB}emily:s3cret{ENTER}"));
        browser.shows("Hello, emily");
        browser.press(TAB);
        assert_eq!(focused(&browser), "Sign out");
        let mut ways = vec!["End", "End"];
        if javascript {
            ways.insert(0, "Who am I?");
        }
        for way in ways {
            browser.press(TAB);
            assert_eq!(focused(&browser), way);
        }
        // The last is the device that signed in first.
        browser.press(ENTER);
        browser.shows("Hello, emily");
        let me = countersign_conformance::wire::Request::get("/me").with("Cookie", &elsewhere);
        talk.expect(401, &me);
    }
}

#[test]
fn the_page_shows_the_lines_that_the_program_prints() {
    let service = Service::start(FRAMEWORKS[0], &[]);
    let port = service.address().port();
    let printed: Vec<&String> = service.printed().iter().filter(|line| line.starts_with("curl ")).collect();
    for javascript in [true, false] {
        let browser = Browser::open(javascript);
        browser.load(&format!("http://{}/", service.address()));
        // A script knows where the page came from; without one it shows where the service listens by default.
        let shown =
            browser.value("return [...document.querySelectorAll('#lines code')].map((line) => line.textContent)");
        let shown: Vec<String> =
            shown.as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect();
        let expected: Vec<String> = printed
            .iter()
            .map(|line| {
                let line = line.replace(&format!("/tmp/people-{port}."), "/tmp/people-3000.");
                if javascript { line } else { line.replace(&service.address().to_string(), "127.0.0.1:3000") }
            })
            .collect();
        assert_eq!(shown, expected);
        for password in ["emily:s3cret", "pässwörd-emma", "jacob-is-admin"] {
            browser.shows(password);
        }
    }
}

#[test]
fn a_key_is_deleted_by_its_button() {
    let mut talk = Talk::with(Service::start(FRAMEWORKS[0], &[]));
    talk.key(&basic("emily", "emily:s3cret"), r#"{"name":"backup"}"#);
    let browser = Browser::open(true);
    browser.load(&format!("http://{}/", talk.service().address()));
    sign_in(&browser);
    browser.shows("backup");
    browser.click("#keys button");
    browser.vanishes("backup");
    browser.shows("Hello, emily");
}
