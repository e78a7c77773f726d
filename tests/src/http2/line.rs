//! A connection that is spoken to by the `h2` crate.

use std::{io::Cursor, time::Duration};

use h2::{Reason, SendStream, client::SendRequest, ext::Protocol};
use http::{Method, Request, Version};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::client::TlsStream;

/// How long a server may be silent before a case gives up on it. Nothing waits this long where all is well.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// The host that is asked for, unless a case says another.
pub(super) const HOST: &str = "conformance.example";

type Bytes = Cursor<Vec<u8>>;

/// A request, as it is written where it is asked.
#[derive(Debug, Clone)]
#[must_use]
pub(super) struct Asked {
    method: Method,
    authority: Option<&'static str>,
    path: String,
    fields: Vec<(&'static str, String)>,
    body: Option<Vec<u8>>,
    protocol: Option<&'static str>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// A status, and the body as text: of a refusal nothing, since the cases over HTTP/1 read those.
    Answer(u16, String),
    /// The stream was reset, or the connection given up.
    Nothing,
}

impl Asked {
    fn of(method: Method, path: impl Into<String>) -> Self {
        let (authority, path) = (Some(HOST), path.into());
        Self { method, authority, path, fields: Vec::new(), body: None, protocol: None }
    }

    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::of(Method::GET, path)
    }

    pub(super) fn post(path: impl Into<String>) -> Self {
        Self::of(Method::POST, path)
    }

    /// A `CONNECT`, which names a host alone, or what is spoken from then on (RFC 8441).
    pub(super) fn connect(path: impl Into<String>, protocol: Option<&'static str>) -> Self {
        Self { protocol, ..Self::of(Method::CONNECT, path) }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    pub(super) fn at(self, authority: Option<&'static str>) -> Self {
        Self { authority, ..self }
    }

    pub(super) fn with_json(self, json: &str) -> Self {
        Self { body: Some(json.as_bytes().to_vec()), ..self.with("content-type", "application/json") }
    }

    fn request(&self) -> Request<()> {
        let builder = Request::builder().method(self.method.clone());
        let builder = match (self.authority, self.protocol) {
            (Some(authority), None) if self.method == Method::CONNECT => {
                builder.uri(authority).version(Version::HTTP_2)
            }
            (Some(authority), _) => builder.uri(format!("https://{authority}{}", self.path)).version(Version::HTTP_2),
            // The crate sends no authority for what it takes for a request of HTTP/1 that is passed on.
            (None, _) => builder.uri(&self.path).version(Version::HTTP_11),
        };
        let builder = self.fields.iter().fold(builder, |builder, (name, value)| builder.header(*name, value));
        let builder = match self.protocol {
            Some(protocol) => builder.extension(Protocol::from_static(protocol)),
            None => builder,
        };
        builder.body(()).expect("a request")
    }
}

/// A connection; clones speak over the same.
#[derive(Clone)]
pub(super) struct Line(SendRequest<Bytes>);

/// A request whose body has not ended.
pub(super) struct Open {
    answer: h2::client::ResponseFuture,
    body: SendStream<Bytes>,
}

impl Line {
    pub(super) async fn over(stream: TlsStream<TcpStream>) -> Self {
        let mut builder = h2::client::Builder::new();
        builder.initial_window_size(1 << 20).initial_connection_window_size(1 << 24);
        let (send, connection) = builder.handshake::<_, Bytes>(stream).await.expect("the server speaks HTTP/2");
        tokio::spawn(async move { _ = connection.await });
        Self(send)
    }

    /// Begins a stream; `None` if the connection has ended.
    async fn begin(&self, asked: &Asked, ends: bool) -> Option<Open> {
        let mut ready = timeout(PATIENCE, self.0.clone().ready()).await.expect("there is room for a stream").ok()?;
        let (answer, body) = ready.send_request(asked.request(), ends).ok()?;
        Some(Open { answer, body })
    }

    /// Asks, and waits for the answer.
    pub(super) async fn ask(&self, asked: &Asked) -> Told {
        let Some(mut open) = self.begin(asked, asked.body.is_none()).await else { return Told::Nothing };
        if let Some(body) = &asked.body {
            _ = open.body.send_data(Cursor::new(body.clone()), true);
        }
        open.answer().await
    }

    /// Asks, says these bytes of a body, and leaves it open; `None` if the connection has ended.
    pub(super) async fn begin_body(&self, asked: &Asked, bytes: &[u8]) -> Option<Open> {
        let mut open = self.begin(asked, false).await?;
        open.body.send_data(Cursor::new(bytes.to_vec()), false).ok()?;
        Some(open)
    }

    /// Asks, and takes it back at once; whether the connection still stood.
    pub(super) async fn ask_and_reset(&self, asked: &Asked) -> bool {
        match self.begin(asked, asked.body.is_none()).await {
            Some(mut open) => {
                open.body.send_reset(Reason::CANCEL);
                true
            }
            None => false,
        }
    }
}

impl Open {
    /// Says the last bytes of the body, and waits for the answer.
    pub(super) async fn end(mut self, bytes: &[u8]) -> Told {
        _ = self.body.send_data(Cursor::new(bytes.to_vec()), true);
        self.answer().await
    }

    /// The answer, whether the body has ended or not.
    pub(super) async fn answer(self) -> Told {
        let answer = async {
            let response = self.answer.await.ok()?;
            let status = response.status().as_u16();
            let (mut body, mut bytes) = (response.into_body(), Vec::new());
            if status == 200 {
                while let Some(data) = body.data().await {
                    let data = data.ok()?;
                    _ = body.flow_control().release_capacity(data.len());
                    bytes.extend_from_slice(&data);
                }
            }
            Some(Told::Answer(status, String::from_utf8_lossy(&bytes).into_owned()))
        };
        timeout(PATIENCE, answer).await.expect("the server is not silent").unwrap_or(Told::Nothing)
    }
}
