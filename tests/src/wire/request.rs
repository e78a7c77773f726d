//! A request, byte by byte.

use std::fmt::Write as _;

use super::Names;

/// A request as it goes over the wire. Nothing is added but `Host` (and the length of a body), nothing is corrected.
#[derive(Debug, Clone)]
#[must_use]
pub struct Request {
    start: Vec<u8>,
    lines: Vec<Vec<u8>>,
    body: Vec<u8>,
    is_head: bool,
}

impl Request {
    /// A request of any method for any target.
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            start: format!("{method} {target} HTTP/1.1").into_bytes(),
            lines: vec![b"Host: conformance.example".to_vec()],
            body: Vec::new(),
            is_head: method == "HEAD",
        }
    }

    /// A GET request.
    pub fn get(target: &str) -> Self {
        Self::new("GET", target)
    }

    /// A POST request.
    pub fn post(target: &str) -> Self {
        Self::new("POST", target)
    }

    /// The same request in the words of HTTP/1.0, which knows no `Host`.
    pub fn in_http_1_0(mut self) -> Self {
        let version_at = self.start.len() - 1;
        self.start[version_at] = b'0';
        self.lines.remove(0);
        self
    }

    /// Takes `Host` away.
    pub fn without_host(mut self) -> Self {
        self.lines.retain(|line| !line.starts_with(b"Host: "));
        self
    }

    /// Adds a field.
    pub fn with(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let mut line = format!("{name}: ").into_bytes();
        line.extend_from_slice(value.as_ref());
        self.with_line(line)
    }

    /// Adds a line of the head as it stands, without its line end.
    pub fn with_line(mut self, line: impl AsRef<[u8]>) -> Self {
        self.lines.push(line.as_ref().to_vec());
        self
    }

    /// Adds a body and says how long it is.
    pub fn with_body(self, content_type: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let mut request = self.with("Content-Type", content_type).with("Content-Length", body.len().to_string());
        request.body = body.to_vec();
        request
    }

    /// Adds a JSON body.
    pub fn with_json(self, json: &str) -> Self {
        self.with_body("application/json", json)
    }

    /// Adds a body in chunks.
    pub fn with_chunks(self, content_type: &str, chunks: &[&[u8]]) -> Self {
        let mut request = self.with("Content-Type", content_type).with("Transfer-Encoding", "chunked");
        for chunk in chunks {
            request.body.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            request.body.extend_from_slice(chunk);
            request.body.extend_from_slice(b"\r\n");
        }
        request.body.extend_from_slice(b"0\r\n\r\n");
        request
    }

    /// Puts a trailer behind a body in chunks.
    pub fn with_trailer(mut self, line: &str) -> Self {
        let end = self.body.len().saturating_sub(2);
        self.body.splice(end..end, format!("{line}\r\n").into_bytes());
        self
    }

    /// Takes the body away, as if the client had not sent it yet; the head still promises it.
    pub fn without_its_body(mut self) -> Self {
        self.body.clear();
        self
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.start.clone();
        for line in &self.lines {
            bytes.extend_from_slice(b"\r\n");
            bytes.extend_from_slice(line);
        }
        bytes.extend_from_slice(b"\r\n\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Whether the answer to it has a head alone.
    pub(crate) fn is_head(&self) -> bool {
        self.is_head
    }

    /// The head for a reader: one line each, odd bytes escaped, long lines cut with their length. What is different each time is called by these names.
    pub(crate) fn transcript(&self, names: &Names) -> String {
        let host: &[u8] = b"Host: conformance.example";
        let mut text = String::new();
        for line in std::iter::once(&self.start).chain(self.lines.iter().filter(|line| line.as_slice() != host)) {
            let _ = writeln!(text, "> {}", readable(&names.written_into(line)));
        }
        if !self.body.is_empty() {
            let _ = writeln!(text, "> + {}", readable(&names.written_into(&self.body)));
        }
        text
    }
}

/// Bytes as one line of ASCII.
pub(crate) fn readable(bytes: &[u8]) -> String {
    const SHOWN: usize = 400;
    let mut text = String::new();
    for byte in bytes.iter().take(SHOWN) {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' => text.push(char::from(*byte)),
            _ => text.push_str(&byte.escape_ascii().to_string()),
        }
    }
    if bytes.len() > SHOWN {
        let _ = write!(text, " ... {} bytes", bytes.len());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_what_was_said_and_no_more() {
        let request = Request::post("/a").with("x", b"\xff").with_line(" folded").with_body("text/plain", "abc");
        assert_eq!(
            request.bytes(),
            b"POST /a HTTP/1.1\r\nHost: conformance.example\r\nx: \xff\r\n folded\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc"
        );
        assert_eq!(Request::get("/").in_http_1_0().bytes(), b"GET / HTTP/1.0\r\n\r\n");
    }
}
