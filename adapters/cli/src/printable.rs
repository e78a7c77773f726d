//! Text of a stranger, as it may be shown.

/// Without what moves a terminal's cursor, or turns the reading around: what is shown of a stranger's token must not look like a line of ours.
pub(crate) fn printable(text: &str) -> String {
    let hidden = |sign: char| {
        sign.is_control()
            || matches!(sign, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().fold(String::with_capacity(text.len()), |mut shown, sign| {
        if hidden(sign) {
            shown.extend(sign.escape_default());
        } else {
            shown.push(sign);
        }
        shown
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_wrote_stays_on_its_line() {
        for (text, shown) in [
            ("emily", "emily"),
            ("a\nb", "a\\nb"),
            ("\u{1b}[31m", "\\u{1b}[31m"),
            ("\u{202e}ylime", "\\u{202e}ylime"),
            ("pässwörd", "pässwörd"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }
}
