//! Frames, byte by byte (RFC 9113 §4), with fields that no table and no Huffman code shortens (RFC 7541 §6.2.2).

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::client::TlsStream;

use super::line::PATIENCE;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;

/// One frame.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// What every client says first.
pub(super) fn preface() -> Vec<u8> {
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &*frame(SETTINGS, 0, 0, &[])].concat()
}

/// A block of these fields, whatever they hold.
pub(super) fn block(fields: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in fields {
        bytes.push(0);
        for text in [name, value] {
            bytes.push(u8::try_from(text.len()).ok().filter(|length| *length < 127).expect("a short text"));
            bytes.extend_from_slice(text);
        }
    }
    bytes
}

/// The bodies that come back until a stream or the connection ends: as text, whatever status they are of.
pub(super) async fn said(stream: &mut TlsStream<TcpStream>) -> String {
    let mut said = Vec::new();
    let listening = async {
        let mut head = [0; 9];
        while stream.read_exact(&mut head).await.is_ok() {
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; usize::try_from(length).expect("a length")];
            if stream.read_exact(&mut payload).await.is_err() {
                return;
            }
            match (head[3], head[4]) {
                (DATA, flags) => {
                    said.extend_from_slice(&payload);
                    if flags & END_STREAM != 0 {
                        return;
                    }
                }
                (HEADERS, flags) if flags & END_STREAM != 0 => return,
                (RST_STREAM | GOAWAY, _) => return,
                (SETTINGS, 0) => _ = stream.write_all(&frame(SETTINGS, 1, 0, &[])).await,
                _ => {}
            }
        }
    };
    timeout(PATIENCE, listening).await.expect("the server is not silent");
    String::from_utf8_lossy(&said).into_owned()
}
