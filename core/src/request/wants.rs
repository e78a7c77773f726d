//! What kind of answer a client can use: [`Wants`].

use super::{Occurrence, RequestHead, field};

/// What kind of answer a client can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wants {
    /// A browser loads a page, which somebody will see: `Accept` ranks `text/html` above JSON, and no script asks. What a script gets it
    /// reads by itself.
    pub html: bool,
    /// A script in a page made the request, so that no browser dialog may pop up: `Sec-Fetch-Mode` is not `navigate`, or
    /// `X-Requested-With` is `XMLHttpRequest`.
    pub script: bool,
}

impl Wants {
    /// Reads `Accept`, `Sec-Fetch-Mode` and `X-Requested-With`.
    #[must_use]
    pub fn of(head: &dyn RequestHead) -> Self {
        let script = is_by_script(head);
        Self { html: !script && prefers_html(head), script }
    }
}

/// Whether a script in a page asks, by `Sec-Fetch-Mode` and `X-Requested-With`.
pub(super) fn is_by_script(head: &dyn RequestHead) -> bool {
    let mut script = match head.only(&field::SEC_FETCH_MODE) {
        Occurrence::Absent => false,
        Occurrence::Once(mode) => !mode.eq_ignore_ascii_case(b"navigate"),
        Occurrence::Repeated => true,
    };
    head.each_value(&field::X_REQUESTED_WITH, &mut |value| script |= value.eq_ignore_ascii_case(b"XMLHttpRequest"));
    script
}

/// Whether `text/html` has a higher weight than JSON. Weights are thousandths (RFC 9110 §12.4.2).
fn prefers_html(head: &dyn RequestHead) -> bool {
    // What a program sends names neither way of writing a page, and is found out at a glance.
    let mut may_be = false;
    head.each_value(&field::ACCEPT, &mut |line| may_be |= memchr::memchr2(b'h', b'H', line).is_some());
    if !may_be {
        return false;
    }
    let (mut html, mut json, mut anything) = (None, None, 0);
    head.each_value(&field::ACCEPT, &mut |line| {
        line.split(|byte| *byte == b',').for_each(|range| {
            let mut parts = range.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
            let media = parts.next().unwrap_or_default();
            let weight = parts
                .find_map(|part| part.strip_prefix(b"q=").or_else(|| part.strip_prefix(b"Q=")))
                .map_or(1000, weight);
            let is = |name: &[u8]| media.eq_ignore_ascii_case(name);
            if is(b"text/html") || is(b"application/xhtml+xml") {
                html = html.max(Some(weight));
            } else if is(b"application/json") || is(b"application/problem+json") || is(b"application/*") {
                json = json.max(Some(weight));
            } else if is(b"*/*") {
                anything = weight;
            }
        })
    });
    html.unwrap_or(0) > json.unwrap_or(anything)
}

fn weight(text: &[u8]) -> u32 {
    let number = std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse::<f32>().ok())
        .filter(|weight| (0.0..=1.0).contains(weight));
    // A weight that cannot be read ranks last.
    number.map_or(0, |weight| (weight * 1000.0) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::PlainHead;

    #[test]
    fn browsers_prefer_html_and_nobody_else() {
        for (accept, html) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", true),
            ("text/html", true),
            ("TEXT/HTML;q=0.9, */*;q=0.1", true),
            ("*/*", false),
            ("", false),
            ("application/json", false),
            ("text/html, application/json", false),
            ("text/html;q=0.5, application/json", false),
            ("text/html;q=0", false),
            ("text/html;q=x", false),
            ("text/plain", false),
        ] {
            assert_eq!(Wants::of(&PlainHead::get("/").with("accept", accept)).html, html, "{accept:?}");
        }
        assert!(!Wants::of(&PlainHead::get("/")).html);
    }

    #[test]
    fn scripts_are_told_from_navigation() {
        for (name, value, script) in [
            ("sec-fetch-mode", "navigate", false),
            ("sec-fetch-mode", "cors", true),
            ("sec-fetch-mode", "no-cors", true),
            ("x-requested-with", "XMLHttpRequest", true),
            ("x-requested-with", "other", false),
        ] {
            let head = PlainHead::get("/").with("accept", "text/html").with(name, value);
            assert_eq!(Wants::of(&head), Wants { html: !script, script }, "{name}: {value}");
        }
        let twice = PlainHead::get("/").with("accept", "text/html").with("sec-fetch-mode", "navigate");
        assert!(Wants::of(&twice).html && Wants::of(&twice.with("sec-fetch-mode", "navigate")).script);
    }
}
