//! A connection, and what may come back over it.

use std::{
    fmt,
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

use super::{Request, Response};

/// How long a server may be silent before a case gives up on it. Nothing waits this long where all is well.
const PATIENCE: Duration = Duration::from_secs(10);

/// One TCP connection to the server under test.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// The server hung up before it had answered.
    Closed,
    /// It kept silent for too long.
    Silent,
    /// What it said is no HTTP answer.
    Garbled(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the server hung up without an answer"),
            Self::Silent => write!(f, "the server said nothing for {} s", PATIENCE.as_secs()),
            Self::Garbled(why) => write!(f, "the answer cannot be read: {why}"),
        }
    }
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::new() })
    }

    /// Says these bytes. A server may hang up while it is spoken to; that shows when its answer is read.
    pub fn say(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).and_then(|()| self.stream.flush());
    }

    /// Says these bytes; whether the server still took them.
    #[must_use]
    pub fn takes(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).and_then(|()| self.stream.flush()).is_ok()
    }

    /// Leaves without a word: whatever is on its way is lost.
    pub fn reset(self) {
        let _ = socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }

    /// Says that nothing more will be said, and goes on listening.
    pub fn finish(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// The next answer, with the interim ones (1xx, but for 101) before it.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn answer(&mut self, to: &Request) -> Result<Response, Failure> {
        let mut interim = Vec::new();
        loop {
            let mut response = self.one_answer(to.is_head())?;
            if !matches!(response.status(), 100 | 102..=199) {
                response.set_interim(interim);
                return Ok(response);
            }
            interim.push(response.status());
        }
    }

    /// Exactly this many bytes, as they come; for what follows an upgrade.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn exactly(&mut self, count: usize) -> Result<Vec<u8>, Failure> {
        while self.received.len() < count {
            if !self.receive()? {
                return Err(Failure::Closed);
            }
        }
        Ok(self.received.drain(..count).collect())
    }

    /// Whether the server hangs up without a further word.
    #[must_use]
    pub fn is_closed_by_server(&mut self) -> bool {
        self.received.is_empty() && matches!(self.receive(), Ok(false) | Err(Failure::Closed))
    }

    fn one_answer(&mut self, to_head: bool) -> Result<Response, Failure> {
        let mut ended = false;
        loop {
            if let Some((response, length)) =
                Response::parse(&self.received, to_head, ended).map_err(Failure::Garbled)?
            {
                self.received.drain(..length);
                return Ok(response);
            }
            if ended {
                let garbled = || Failure::Garbled(format!("it breaks off after {} bytes", self.received.len()));
                return Err(if self.received.is_empty() { Failure::Closed } else { garbled() });
            }
            ended = !self.receive()?;
        }
    }

    /// Reads on; `false` at the end.
    fn receive(&mut self) -> Result<bool, Failure> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => Ok(false),
            Ok(count) => {
                self.received.extend_from_slice(&buffer[..count]);
                Ok(true)
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                Err(Failure::Silent)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => self.receive(),
            // A reset is a server that hung up while it was still being spoken to.
            Err(_) => Err(Failure::Closed),
        }
    }
}
