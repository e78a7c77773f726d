//! A request as bytes, and what came back.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// What is sent.
pub(crate) struct Ask {
    method: &'static str,
    path: &'static str,
    fields: Vec<(&'static str, String)>,
    form: &'static str,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    body: String,
}

impl Ask {
    pub(crate) fn new(method: &'static str, path: &'static str) -> Self {
        Self { method, path, fields: Vec::new(), form: "" }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    pub(crate) fn form(mut self, form: &'static str) -> Self {
        self.form = form;
        self.with("content-type", "application/x-www-form-urlencoded")
    }

    /// As a page of another site sends it.
    pub(crate) fn from_elsewhere(self) -> Self {
        self.with("origin", "https://evil.example").with("sec-fetch-site", "cross-site")
    }

    pub(crate) fn of(&self, address: SocketAddr) -> Answer {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n", self.method, self.path);
        for (name, value) in &self.fields {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("content-length: {}\r\n\r\n{}", self.form.len(), self.form);
        let mut stream = TcpStream::connect(address).expect("a server");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        // Whoever refuses a long head may close before it is written.
        let _ = stream.write_all(head.as_bytes());
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }
}

impl Answer {
    /// As the table says it.
    pub(crate) fn told(&self) -> String {
        let mut told = if self.status == 0 { "closed".to_owned() } else { self.status.to_string() };
        if self.field("www-authenticate").is_some() {
            told += " asks";
        }
        if self.body.contains("stranger") {
            told += " stranger";
        }
        told
    }

    /// The first cookie that it sets, as it is sent back, and what it says of it.
    pub(crate) fn cookie(&self) -> Option<(String, String)> {
        let (pair, attributes) = self.field("set-cookie")?.split_once(';')?;
        Some((pair.trim().to_owned(), attributes.trim().to_owned()))
    }

    fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}
