//! The photos, which signed links open.

/// The picture of this id, as PNG.
pub(crate) fn photo(id: &str) -> Option<&'static [u8]> {
    match id {
        "1" => Some(include_bytes!("../photos/1.png")),
        "2" => Some(include_bytes!("../photos/2.png")),
        "3" => Some(include_bytes!("../photos/3.png")),
        _ => None,
    }
}
