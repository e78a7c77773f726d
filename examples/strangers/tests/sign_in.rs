//! The four programs together, from outside: a client that knows two addresses, and somebody with a browser.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::{net::TcpListener, process::Stdio, time::Duration};

use reqwest::{Client, StatusCode, redirect::Policy};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::{sleep, timeout},
};

const CLIENT: (&str, &str) = ("client_id", "strangers-client");
const DEVICE: (&str, &str) = ("grant_type", "urn:ietf:params:oauth:grant-type:device_code");

/// The three servers; they end with the test.
struct Servers {
    issuer: String,
    reports: String,
    images: String,
    web: Client,
    _running: Vec<Child>,
}

/// Somebody with a browser.
struct Browser<'s> {
    servers: &'s Servers,
    cookie: String,
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn start(program: &str, arguments: &[&str]) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut command = Command::new(program);
    let mut child =
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

async fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    timeout(Duration::from_secs(30), lines.next_line()).await.expect("in time").unwrap().expect("a line")
}

fn client(addresses: &[&str]) -> (Child, Lines<BufReader<ChildStdout>>) {
    start(env!("CARGO_BIN_EXE_strangers-client"), addresses)
}

impl Servers {
    /// The images and the API start before the issuer is there, which costs nothing.
    async fn start() -> Self {
        let [issuer, api, images] = [free_address(), free_address(), free_address()];
        let at = |address: &str, path: &str| format!("http://{address}{path}");
        let (name, reports_at, images_at) = (at(&issuer, ""), at(&api, "/reports"), at(&images, "/images"));
        let mut running = Vec::new();
        for (program, arguments) in [
            (env!("CARGO_BIN_EXE_strangers-api"), [api.as_str(), &name].as_slice()),
            (env!("CARGO_BIN_EXE_strangers-images"), &[images.as_str(), &name]),
            (env!("CARGO_BIN_EXE_strangers-authentication"), &[issuer.as_str(), &reports_at, &images_at]),
        ] {
            let (child, mut lines) = start(program, arguments);
            next(&mut lines).await;
            running.push(child);
        }
        let web = Client::builder().redirect(Policy::none()).timeout(Duration::from_secs(30)).build().unwrap();
        let servers = Self { issuer: name, reports: reports_at, images: images_at, web, _running: running };
        // The line is printed when the address is bound, and the keys come within a second or two.
        for _ in 0..300 {
            if servers.health().await["keys"] == 1 {
                return servers;
            }
            sleep(Duration::from_millis(100)).await;
        }
        panic!("the API has no keys: {}", servers.health().await);
    }

    async fn health(&self) -> Value {
        let address = self.reports.replace("/reports", "/health");
        serde_json::from_str(&self.web.get(address).send().await.unwrap().text().await.unwrap()).unwrap()
    }

    /// Asks the issuer by a form.
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> (u16, Value) {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.web.post(format!("{}{path}", self.issuer)).body(form);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let response = request.send().await.unwrap();
        (response.status().as_u16(), serde_json::from_str(&response.text().await.unwrap()).unwrap())
    }

    async fn error(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let (status, answer) = self.post(path, fields).await;
        assert_eq!(status, 400, "{answer}");
        answer["error"].as_str().unwrap().to_owned()
    }

    async fn get(&self, address: &str, token: &str) -> u16 {
        self.web.get(address).bearer_auth(token).send().await.unwrap().status().as_u16()
    }

    /// Begins as a client does: the code that it keeps, and the one that it shows.
    async fn codes(&self, scope: &str) -> (String, String) {
        let (status, codes) = self.post("/device_authorization", &[CLIENT, ("scope", scope)]).await;
        assert_eq!(status, 200, "{codes}");
        let code = |name: &str| codes[name].as_str().unwrap().to_owned();
        (code("device_code"), code("user_code"))
    }

    async fn tokens(&self, fields: &[(&str, &str)]) -> (String, String) {
        let (status, tokens) = self.post("/token", fields).await;
        assert_eq!(status, 200, "{tokens}");
        let token = |name: &str| tokens[name].as_str().unwrap().to_owned();
        (token("access_token"), token("refresh_token"))
    }
}

impl<'s> Browser<'s> {
    /// Opens a page of the issuer, is sent to sign in, and signs in.
    async fn signed_in(servers: &'s Servers, name: &str) -> Self {
        let page = format!("{}/device", servers.issuer);
        let sent = servers.web.get(&page).header("accept", "text/html").send().await.unwrap();
        assert_eq!(sent.status(), StatusCode::SEE_OTHER);
        assert!(sent.headers()["location"].to_str().unwrap().starts_with("/sign-in?next="));
        let password = format!("a word of {name}");
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("username", name), ("password", password.as_str()), ("next", "/device")])
            .finish();
        let request = servers.web.post(format!("{}/session", servers.issuer)).body(form).header("accept", "text/html");
        let response = request.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        let cookie = response.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        Self { servers, cookie }
    }

    /// Presses one of the two buttons.
    async fn answers(&self, code: &str, allow: &str) -> u16 {
        let request = self.servers.web.post(format!("{}/device", self.servers.issuer)).header("cookie", &self.cookie);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let response = request.body(format!("user_code={code}&allow={allow}")).send().await.unwrap();
        response.status().as_u16()
    }
}

#[tokio::test]
async fn a_client_that_knows_two_addresses_ends_with_what_is_there() {
    let servers = Servers::start().await;
    for (name, answer, expected) in [("emily", "yes", "<svg"), ("emma", "yes", "403"), ("emily", "no", "access_denied")]
    {
        let (mut program, mut lines) = client(&[&servers.reports, &servers.images]);
        let page = next(&mut lines).await;
        let code = next(&mut lines).await.rsplit(' ').next().unwrap().to_owned();
        assert_eq!(page, format!("open {}/device?user_code={code}", servers.issuer));
        assert_eq!(Browser::signed_in(&servers, name).await.answers(&code, answer).await, 200);
        let (mut shown, mut complained) = (String::new(), String::new());
        while let Some(line) = timeout(Duration::from_secs(30), lines.next_line()).await.unwrap().unwrap() {
            shown.push_str(&line);
        }
        program.stderr.take().unwrap().read_to_string(&mut complained).await.unwrap();
        let good = program.wait().await.unwrap().success();
        assert_eq!(good, expected == "<svg", "{complained}");
        assert!(if good { &shown } else { &complained }.contains(expected), "{shown} {complained}");
        assert_eq!(shown.contains("Quarterly figures, for emily"), good);
    }
}

#[tokio::test]
async fn a_token_is_for_one_server_and_a_code_is_good_once() {
    let servers = Servers::start().await;
    let (reports, images) = (servers.reports.as_str(), servers.images.as_str());
    let browser = Browser::signed_in(&servers, "emily").await;
    let (code, shown) = servers.codes("reports:read images:read").await;
    let with_code = |resource| [CLIENT, DEVICE, ("device_code", code.as_str()), ("resource", resource)];
    assert_eq!(servers.error("/token", &with_code("http://127.0.0.1:1/")).await, "invalid_target");
    assert_eq!(servers.error("/token", &with_code(reports)).await, "authorization_pending");
    assert_eq!(servers.error("/token", &with_code(reports)).await, "slow_down");
    assert_eq!(browser.answers("BBBB-BBBB", "yes").await, 404);
    assert_eq!(browser.answers(&shown, "yes").await, 200);
    assert_eq!(browser.answers(&shown, "no").await, 404, "the first answer counts");
    sleep(Duration::from_secs(1)).await;
    let (for_reports, refresh) = servers.tokens(&with_code(reports)).await;
    assert_eq!(servers.error("/token", &with_code(reports)).await, "invalid_grant", "a code is good once");

    let with_refresh =
        [CLIENT, ("grant_type", "refresh_token"), ("refresh_token", refresh.as_str()), ("resource", images)];
    let (for_images, newer) = servers.tokens(&with_refresh).await;
    for (address, token, status) in [
        (reports, &for_reports, 200),
        (images, &for_images, 200),
        (reports, &for_images, 401),
        (images, &for_reports, 401),
        (reports, &refresh, 401),
    ] {
        assert_eq!(servers.get(address, token).await, status, "{address}");
    }
    assert_eq!(servers.error("/token", &with_refresh).await, "invalid_grant");
    let of_newer = [with_refresh[0], with_refresh[1], ("refresh_token", newer.as_str()), with_refresh[3]];
    assert_eq!(servers.error("/token", &of_newer).await, "invalid_grant", "one was used twice: its family is void");
}

#[tokio::test]
async fn what_is_no_good_is_refused() {
    let servers = Servers::start().await;
    let reports = ("resource", servers.reports.as_str());
    let made_up = ("device_code", "device_made-up");
    for (path, fields, expected) in [
        ("/device_authorization", vec![("client_id", "somebody")], "invalid_client"),
        ("/device_authorization", vec![], "invalid_client"),
        ("/device_authorization", vec![CLIENT, CLIENT], "invalid_request"),
        ("/device_authorization", vec![CLIENT, ("scope", "\"")], "invalid_scope"),
        ("/token", vec![CLIENT, DEVICE, made_up, reports], "invalid_grant"),
        ("/token", vec![DEVICE, made_up, reports], "invalid_client"),
        ("/token", vec![CLIENT, DEVICE, made_up, made_up, reports], "invalid_request"),
        ("/token", vec![CLIENT, DEVICE, reports], "invalid_request"),
        ("/token", vec![CLIENT, DEVICE, made_up], "invalid_request"),
        ("/token", vec![CLIENT, ("grant_type", "password"), reports], "unsupported_grant_type"),
        ("/token", vec![CLIENT, ("grant_type", "refresh_token"), ("refresh_token", "x"), reports], "invalid_grant"),
    ] {
        assert_eq!(servers.error(path, &fields).await, expected, "{fields:?}");
    }
    // Another site's page, with the browser's cookie.
    let browser = Browser::signed_in(&servers, "emily").await;
    let (_, shown) = servers.codes("").await;
    let request = servers.web.post(format!("{}/device", servers.issuer)).header("cookie", &browser.cookie);
    let request = request.header("sec-fetch-site", "cross-site").body(format!("user_code={shown}&allow=yes"));
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(servers.health().await, json!({ "issuer": servers.issuer, "keys": 1, "failures": 0, "error": null }));
}

#[test]
fn the_two_lines_of_the_readme_stand_in_the_programs() {
    let readme = include_str!("../README.md");
    let (_, shown) = readme.split_once("```rust,ignore\n").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    for program in [include_str!("../src/api.rs"), include_str!("../src/images.rs")] {
        for line in shown.lines() {
            assert!(program.contains(line), "{line}");
        }
    }
}
