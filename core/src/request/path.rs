//! Paths, in whatever spelling they come.

use percent_encoding::percent_decode_str;

/// The path, if it stays on this site whatever a browser makes of it; else `/`.
///
/// Browsers read a backslash as a slash and drop tabs and line ends, so that `/\evil` and `/<tab>/evil` are other sites.
#[must_use]
pub fn same_site_path(next: &str) -> &str {
    let plain = next.bytes().all(|byte| matches!(byte, b'!'..=b'~') && byte != b'\\');
    let one_slash = next.starts_with('/') && !next.starts_with("//");
    if plain && one_slash { next } else { "/" }
}

/// The path in its plainest spelling, if it has another.
pub(crate) fn resolved(path: &str) -> Option<String> {
    if !path.contains('%') && !path.contains("//") && !path.contains("/.") {
        return None;
    }
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let mut segments = Vec::new();
    for segment in decoded.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    Some(format!("/{}", segments.join("/")))
}

#[cfg(test)]
mod tests {
    use super::same_site_path;

    #[test]
    fn a_browser_is_sent_nowhere_else() {
        // C10
        for (next, path) in [
            ("/reports?x=1#y", "/reports?x=1#y"),
            ("/", "/"),
            ("/%2F/evil", "/%2F/evil"),
            ("", "/"),
            ("reports", "/"),
            ("//evil", "/"),
            ("/\\evil", "/"),
            ("\\\\evil", "/"),
            ("/\t/evil", "/"),
            ("/\n/evil", "/"),
            ("https://evil", "/"),
            ("javascript:alert(1)", "/"),
            ("/\u{e4}", "/"),
            (" /x", "/"),
        ] {
            assert_eq!(same_site_path(next), path, "{next:?}");
        }
    }
}
