//! Chromium, driven over the WebDriver protocol (W3C) by Debian's `chromium-driver`.

use std::{
    env,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// How long a page may take to show what it should.
const PATIENCE: Duration = Duration::from_secs(20);

/// A browser window of its own profile. It is closed when this is dropped.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

impl Browser {
    /// Opens one, with or without JavaScript.
    ///
    /// # Panics
    /// When `chromedriver` or `chromium` is missing or does not start: install Debian's chromium and chromium-driver.
    #[must_use]
    pub fn open(javascript: bool) -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed (Debian: chromium chromium-driver)");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines
            .find_map(|line| line.split("successfully on port ").nth(1)?.trim_end_matches('.').parse().ok())
            .expect("chromedriver says where it listens");
        thread::spawn(move || lines.for_each(drop));
        let mut browser = Self { driver, port, session: String::new() };
        let settings =
            if javascript { json!({}) } else { json!({ "profile.managed_default_content_settings.javascript": 2 }) };
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": {
                "binary": env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".to_owned()),
                // A container has neither a display nor users to keep apart.
                "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=900,760"],
                "prefs": settings,
            },
        } } });
        let opened = browser.command("POST", "", &capabilities);
        browser.session = opened["sessionId"].as_str().expect("a session of the browser").to_owned();
        browser
    }

    /// Loads a page.
    ///
    /// # Panics
    /// When the browser cannot.
    pub fn load(&self, url: &str) {
        self.command("POST", "/url", &json!({ "url": url }));
    }

    /// Loads the page that is shown again.
    ///
    /// # Panics
    /// When the browser cannot.
    pub fn reload(&self) {
        self.command("POST", "/refresh", &json!({}));
    }

    /// Where it is.
    ///
    /// # Panics
    /// When the browser cannot tell.
    #[must_use]
    pub fn url(&self) -> String {
        self.command("GET", "/url", &Value::Null).as_str().unwrap().to_owned()
    }

    /// Types into the element of this selector.
    ///
    /// # Panics
    /// When there is none.
    pub fn type_into(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        self.command("POST", &format!("/element/{element}/clear"), &json!({}));
        self.command("POST", &format!("/element/{element}/value"), &json!({ "text": text }));
    }

    /// Clicks on the element of this selector.
    ///
    /// # Panics
    /// When there is none.
    pub fn click(&self, selector: &str) {
        let element = self.element(selector);
        self.command("POST", &format!("/element/{element}/click"), &json!({}));
    }

    /// Runs this script in the page.
    ///
    /// # Panics
    /// When it fails.
    pub fn run(&self, script: &str) {
        self.command("POST", "/execute/sync", &json!({ "script": script, "args": [] }));
    }

    /// What this script returns in the page.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn value(&self, script: &str) -> Value {
        self.command("POST", "/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Presses these keys, wherever the cursor is: Tab is U+E004, Enter U+E007.
    ///
    /// # Panics
    /// When nothing takes them.
    pub fn press(&self, keys: &str) {
        let active = self.command("GET", "/element/active", &Value::Null);
        let element = active.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned();
        self.command("POST", &format!("/element/{element}/value"), &json!({ "text": keys }));
    }

    /// Shows pages in a window of this width, in light or dark colours.
    ///
    /// # Panics
    /// When the browser cannot.
    pub fn looks_like(&self, width: u32, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        for (command, parameters) in
            [("Emulation.setEmulatedMedia", media), ("Emulation.setDeviceMetricsOverride", size)]
        {
            self.command("POST", "/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }));
        }
    }

    /// Waits until the page shows this text.
    ///
    /// # Panics
    /// When it does not within twenty seconds.
    pub fn shows(&self, text: &str) {
        let since = Instant::now();
        loop {
            let shown = self.try_text();
            if shown.as_deref().is_some_and(|shown| shown.contains(text)) {
                return;
            }
            assert!(since.elapsed() < PATIENCE, "{text:?} is not shown at {}, but: {shown:?}", self.url());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the page shows something, and this text no more.
    ///
    /// # Panics
    /// When it still does after twenty seconds.
    pub fn vanishes(&self, text: &str) {
        let since = Instant::now();
        while self.try_text().is_none_or(|shown| shown.is_empty() || shown.contains(text)) {
            assert!(since.elapsed() < PATIENCE, "{text:?} is still shown at {}", self.url());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the page is at this address.
    ///
    /// # Panics
    /// When it is not within twenty seconds.
    pub fn goes_to(&self, url: &str) {
        let since = Instant::now();
        while self.url() != url {
            assert!(since.elapsed() < PATIENCE, "the page is at {} and not at {url}", self.url());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// A picture of the page, as PNG.
    ///
    /// # Panics
    /// When the browser takes none.
    #[must_use]
    pub fn picture(&self) -> Vec<u8> {
        STANDARD.decode(self.command("GET", "/screenshot", &Value::Null).as_str().unwrap()).unwrap()
    }

    /// What the pages have made the browser complain of.
    ///
    /// # Panics
    /// When the browser cannot tell.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let entries = self.command("POST", "/se/log", &json!({ "type": "browser" }));
        entries
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["message"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// The text of the page; nothing while one page takes the place of another.
    fn try_text(&self) -> Option<String> {
        let found = self.try_command("POST", "/element", &json!({ "using": "css selector", "value": "body" })).ok()?;
        let element = found.as_object()?.values().next()?.as_str()?.to_owned();
        let text = self.try_command("GET", &format!("/element/{element}/text"), &Value::Null).ok()?;
        text.as_str().map(str::to_owned)
    }

    fn element(&self, selector: &str) -> String {
        let found = self.command("POST", "/element", &json!({ "using": "css selector", "value": selector }));
        found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    }

    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        self.try_command(method, path, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    fn try_command(&self, method: &str, path: &str, body: &Value) -> Result<Value, Value> {
        self.exchange(method, path, body).expect("chromedriver answers")
    }

    fn exchange(&self, method: &str, path: &str, body: &Value) -> io::Result<Result<Value, Value>> {
        let session = if self.session.is_empty() { String::new() } else { format!("/{}", self.session) };
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let head = format!(
            "{method} /session{session}{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()))?;
        let mut answer = BufReader::new(stream);
        let (mut status, mut length) = (String::new(), 0);
        answer.read_line(&mut status)?;
        loop {
            let mut line = String::new();
            answer.read_line(&mut line)?;
            match line.trim_end().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().unwrap_or(0)
                }
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        answer.read_exact(&mut body)?;
        let value = serde_json::from_slice::<Value>(&body).unwrap_or_default()["value"].take();
        Ok(if status.contains(" 200 ") { Ok(value) } else { Err(value) })
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Killing the driver leaves its browser running.
        let _ = self.exchange("DELETE", "", &Value::Null);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Another site: it answers every request with this page.
///
/// # Panics
/// When no port is free.
#[must_use]
pub fn other_site(page: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let page = page.clone();
            // A browser opens connections ahead of what it will ask over them.
            thread::spawn(move || {
                let mut head = [0; 4096];
                let _ = stream.read(&mut head);
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
                    page.len()
                );
                let _ = stream.write_all(answer.as_bytes());
            });
        }
    });
    address
}
