//! JSON that a cookie holds: [`Document`].

use std::{
    fmt,
    io::Read,
    time::{Duration, SystemTime},
};

use flate2::bufread::ZlibDecoder;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The longest document that a compressed value may hold, in bytes.
const LONGEST: u64 = 64 * 1024;

/// What a good value says, as JSON. Does not print.
#[derive(Clone)]
pub struct Document(Value);

impl Document {
    /// Reads JSON; `None` for anything else, such as serialised objects.
    pub(crate) fn read(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok().map(Self)
    }

    pub(super) fn of(value: Value) -> Self {
        Self(value)
    }

    /// Reads JSON that zlib compressed. Past 64 KiB nothing is inflated.
    pub(super) fn inflate(compressed: &[u8]) -> Option<Self> {
        let mut decoder = ZlibDecoder::new(compressed);
        let mut json = Vec::new();
        decoder.by_ref().take(LONGEST + 1).read_to_end(&mut json).ok()?;
        let whole = json.len() as u64 <= LONGEST && decoder.total_in() == compressed.len() as u64;
        if whole { Self::read(&json) } else { None }
    }

    /// A member that is a time in seconds since 1970, if there is such a member; `None` if the whole is no object, or that is no time.
    pub(super) fn moment(&self, name: &str) -> Option<Option<SystemTime>> {
        let Some(seconds) = self.0.as_object()?.get(name) else { return Some(None) };
        let since = Duration::try_from_secs_f64(seconds.as_f64()?).ok()?;
        Some(Some(SystemTime::UNIX_EPOCH.checked_add(since)?))
    }

    /// A member of the object, if there is such a member and it is of this type.
    #[must_use]
    pub fn member<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        T::deserialize(self.0.get(name)?).ok()
    }

    /// The whole as this type, if it is of it.
    #[must_use]
    pub fn parse<T: DeserializeOwned>(&self) -> Option<T> {
        T::deserialize(&self.0).ok()
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Document(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::ZlibEncoder};

    use super::*;

    fn deflated(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn what_is_compressed_inflates_to_a_bound() {
        let json = |length: usize| format!("\"{}\"", "a".repeat(length - 2)).into_bytes();
        let good = deflated(&json(65_536));
        assert!(Document::inflate(&good).is_some());
        let behind = [&good[..], b"x"].concat();
        for (what, bytes) in [
            ("a byte more", deflated(&json(65_537))),
            ("a bomb", deflated(&vec![b' '; 50_000_000])),
            ("a part", good[..good.len() - 1].to_vec()),
            ("something behind", behind),
            ("no zlib", b"{}".to_vec()),
            ("nothing", Vec::new()),
        ] {
            assert!(Document::inflate(&bytes).is_none(), "{what}");
        }
    }

    #[test]
    fn members_have_their_type_or_are_not_there() {
        let document = Document::read(br#"{"id":7,"name":"emma","none":null,"half":7.5,"less":-7}"#).unwrap();
        assert_eq!(document.member::<u64>("id"), Some(7));
        assert_eq!(document.member::<String>("name").as_deref(), Some("emma"));
        for name in ["name", "none", "half", "less", "other", ""] {
            assert_eq!(document.member::<u64>(name), None, "{name}");
        }
        assert_eq!(Document::read(b"50").unwrap().parse::<u64>(), Some(50));
        assert!(Document::read(b"50").unwrap().member::<u64>("id").is_none());
        // Marshal, pickle, and text that is no JSON.
        for bytes in [&b"\x04\x08i7"[..], b"\x80\x04K\x07.", b"user=emma", b"", b"{} {}"] {
            assert!(Document::read(bytes).is_none(), "{bytes:?}");
        }
        assert_eq!(format!("{document:?}"), "Document(..)");
    }
}
