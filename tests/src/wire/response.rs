//! An answer, read strictly (RFC 9112): what a lenient client would repair is a fault here.

/// An answer: status, fields in order, and the body without its framing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    status: u16,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
    interim: Vec<u16>,
}

/// How the end of a body is known.
enum Framing {
    Nothing,
    Length(usize),
    Chunks,
    UntilClose,
}

impl Response {
    /// The answer that these bytes are, to this request, behind interim ones: for connections that are not this library's own.
    ///
    /// # Panics
    /// When they are none.
    #[must_use]
    pub fn of_bytes(mut bytes: &[u8], request: &super::Request) -> Self {
        loop {
            match Self::parse(bytes, request.is_head(), true) {
                Ok(Some((response, length))) if (100..200).contains(&response.status) => bytes = &bytes[length..],
                Ok(Some((response, _))) => return response,
                other => panic!("no answer: {other:?}"),
            }
        }
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// All values of a field, in order.
    pub fn fields<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r str> + 'r {
        self.fields.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// All fields, names in lower case, in order.
    pub fn all_fields(&self) -> impl Iterator<Item = (String, &str)> {
        self.fields.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.as_str()))
    }

    /// The value of a field that stands at most once.
    ///
    /// # Panics
    /// When it stands more often.
    #[must_use]
    pub fn field<'r>(&'r self, name: &'r str) -> Option<&'r str> {
        let mut values = self.fields(name);
        let first = values.next();
        assert!(values.next().is_none(), "{name} stands more than once");
        first
    }

    /// The members of a field that is a list, in lower case, sorted, each once.
    #[must_use]
    pub fn members(&self, name: &str) -> Vec<String> {
        let mut members: Vec<_> = self
            .fields(name)
            .flat_map(|value| value.split(','))
            .map(|member| member.trim().to_ascii_lowercase())
            .filter(|member| !member.is_empty())
            .collect();
        members.sort_unstable();
        members.dedup();
        members
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The interim answers before it, such as 100.
    #[must_use]
    pub fn interim(&self) -> &[u16] {
        &self.interim
    }

    pub(crate) fn set_interim(&mut self, interim: Vec<u16>) {
        self.interim = interim;
    }

    /// The answer at the start of `bytes` and its length there; `None` if it is not all there yet.
    pub(crate) fn parse(bytes: &[u8], to_head: bool, ended: bool) -> Result<Option<(Self, usize)>, String> {
        let Some(head_length) = find(bytes, b"\r\n\r\n") else {
            return if bytes.len() > 256 * 1024 { Err("its head does not end".into()) } else { Ok(None) };
        };
        let head = std::str::from_utf8(&bytes[..head_length]).map_err(|_| "its head is no text")?;
        let mut lines = head.split("\r\n");
        let status = status_of(lines.next().unwrap_or_default())?;
        let fields = lines.map(field_of).collect::<Result<Vec<_>, _>>()?;
        let mut response = Self { status, fields, body: Vec::new(), interim: Vec::new() };

        let rest = &bytes[head_length + 4..];
        let body_length = match response.framing(to_head)? {
            Framing::Nothing => 0,
            Framing::Length(length) => {
                let Some(body) = rest.get(..length) else { return Ok(None) };
                response.body = body.to_vec();
                length
            }
            Framing::Chunks => {
                let Some((body, length)) = chunks_of(rest)? else { return Ok(None) };
                response.body = body;
                length
            }
            Framing::UntilClose if ended => {
                response.body = rest.to_vec();
                rest.len()
            }
            Framing::UntilClose => return Ok(None),
        };
        Ok(Some((response, head_length + 4 + body_length)))
    }

    fn framing(&self, to_head: bool) -> Result<Framing, String> {
        let lengths: Vec<_> = self.fields("content-length").collect();
        let codings: Vec<_> = self.fields("transfer-encoding").collect();
        match (lengths.as_slice(), codings.as_slice()) {
            _ if to_head || matches!(self.status, 100..=199 | 204 | 304) => Ok(Framing::Nothing),
            ([], []) => Ok(Framing::UntilClose),
            ([length], []) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
                length.parse().map(Framing::Length).map_err(|_| format!("its length is {length:?}"))
            }
            ([], [coding]) if coding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunks),
            _ => Err(format!("its length is said by {lengths:?} and {codings:?}")),
        }
    }
}

fn status_of(line: &str) -> Result<u16, String> {
    let wrong = || format!("it begins with {line:?}");
    let rest = line.strip_prefix("HTTP/1.1 ").or_else(|| line.strip_prefix("HTTP/1.0 ")).ok_or_else(wrong)?;
    let (code, reason) = rest.split_at_checked(3).ok_or_else(wrong)?;
    let well_formed = code.bytes().all(|byte| byte.is_ascii_digit()) && reason.starts_with(' ');
    code.parse().ok().filter(|_| well_formed).ok_or_else(wrong)
}

fn field_of(line: &str) -> Result<(String, String), String> {
    let wrong = || format!("{line:?} is no field");
    let (name, value) = line.split_once(':').ok_or_else(wrong)?;
    let is_token =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
    let is_plain = value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
    if is_token && is_plain { Ok((name.to_owned(), value.trim().to_owned())) } else { Err(wrong()) }
}

/// The joined chunks and what they take up; `None` if the last one is not there yet.
fn chunks_of(mut rest: &[u8]) -> Result<Option<(Vec<u8>, usize)>, String> {
    let all = rest.len();
    let mut body = Vec::new();
    loop {
        let Some(line_length) = find(rest, b"\r\n") else { return Ok(None) };
        let line = String::from_utf8_lossy(&rest[..line_length]).into_owned();
        let digits = line.split(';').next().unwrap_or_default();
        let length = usize::from_str_radix(digits, 16).map_err(|_| format!("{line:?} begins no chunk"))?;
        let Some(chunk) = rest.get(line_length + 2..line_length + 2 + length + 2) else { return Ok(None) };
        let data = chunk.strip_suffix(b"\r\n").ok_or("a chunk is longer than it says")?;
        body.extend_from_slice(data);
        rest = &rest[line_length + 2 + length + 2..];
        if length == 0 {
            return Ok(Some((body, all - rest.len())));
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(bytes: &[u8]) -> Option<String> {
        Response::parse(bytes, false, true).unwrap().map(|(response, _)| response.text())
    }

    #[test]
    fn a_body_ends_where_its_framing_says() {
        for (bytes, expected) in [
            (&b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef"[..], Some("abc")),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", None),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\nHTTP", Some("abc")),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n", None),
            (b"HTTP/1.1 204 No Content\r\n\r\nabc", Some("")),
            (b"HTTP/1.1 200 OK\r\n\r\nabc", Some("abc")),
            (b"HTTP/1.1 200 OK\r\nA: b\r\n", None),
        ] {
            assert_eq!(body(bytes).as_deref(), expected, "{}", bytes.escape_ascii());
        }
        let answer = Response::parse(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true, false).unwrap();
        assert_eq!(answer.unwrap().1, 38);
    }

    #[test]
    fn what_a_lenient_client_would_repair_is_a_fault() {
        for bytes in [
            &b"HTTP/2 200 OK\r\n\r\n"[..],
            b"HTTP/1.1 2x0 OK\r\n\r\n",
            b"HTTP/1.1 200\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nA b: c\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nA: \xc3\xa4\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
        ] {
            assert!(Response::parse(bytes, false, true).is_err(), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_list_field_is_read_as_a_set() {
        let bytes = b"HTTP/1.1 204 No Content\r\nVary: Accept, origin\r\nvary: accept,\r\n\r\n";
        let (response, _) = Response::parse(bytes, false, true).unwrap().unwrap();
        assert_eq!(response.members("vary"), ["accept", "origin"]);
    }
}
