//! Figures that a page of the manual tells, for tests that measure them anew: [`told`].

/// The number between these two pieces of the page.
///
/// # Panics
/// When the page does not say it, or says it twice: then the test asks for what is no longer there.
#[must_use]
pub fn told(page: &str, before: &str, after: &str) -> f64 {
    let mut found = page.match_indices(before).filter_map(|(place, _)| {
        let (number, _) = page[place + before.len()..].split_once(after)?;
        number.replace(',', "").parse().ok()
    });
    let number = found.next().unwrap_or_else(|| panic!("the page tells no {before:?}… {after:?}"));
    assert!(found.next().is_none(), "the page tells {before:?}… {after:?} twice");
    number
}

/// Fails unless what was measured is within a tenth of what the page tells.
///
/// # Panics
/// When it is not.
pub fn holds(what: &str, told: f64, measured: f64) {
    let off = (measured / told - 1.0).abs();
    assert!(off <= 0.1, "{what}: the page tells {told}, and it is {measured:.1}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_between_its_words_alone() {
        let page = "rows of 113 bytes in Redis, of 1,306 in PostgreSQL, of many in other stores";
        assert!((told(page, "of ", " bytes in Redis") - 113.0).abs() < 1e-9);
        assert!((told(page, "of ", " in PostgreSQL") - 1306.0).abs() < 1e-9);
        holds("it", 100.0, 109.0);
        for wrong in [
            || _ = told("a page", "of ", " bytes"),
            || _ = told("of 1 b, of 2 b", "of ", " b"),
            || holds("it", 100.0, 89.0),
        ] {
            assert!(std::panic::catch_unwind(wrong).is_err());
        }
    }
}
