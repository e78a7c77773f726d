//! Reading what a store holds for a password, in whatever way it was written.

#[cfg(test)]
mod tests;

#[cfg(feature = "legacy-passwords")]
use super::legacy;
use super::{cost::HashLimits, fault::HashFault, stored::Stored};

impl Stored {
    /// Reads what a store holds; `None` if it says that there is no password. Line ends, blanks and NULs around it are not of
    /// the hash: files end in one, and columns of a fixed width are filled with the others.
    ///
    /// # Errors
    /// When the text is no hash, or one of another kind, or above the limits.
    pub(super) fn read(text: &str, limits: &HashLimits) -> Result<Option<Self>, HashFault> {
        let text = text.trim_matches(|sign: char| sign.is_ascii_whitespace() || sign == '\0');
        if says_no_password(text) {
            return Ok(None);
        }
        #[cfg(feature = "legacy-passwords")]
        if let Some(read) = legacy::read(text, limits) {
            return read.map(Some);
        }
        if is_of_another_kind(text) { Err(HashFault::Unsupported) } else { Self::argon2(text, limits).map(Some) }
    }
}

/// Nothing, or what begins with `!` or `*`: how Unix, Django and PHP write that nobody can sign in with a password, or not now
/// (`!` before a hash locks it). LDAP writes `{CRYPT}` in front.
fn says_no_password(text: &str) -> bool {
    const CRYPT: &str = "{CRYPT}";
    let text = match text.split_at_checked(CRYPT.len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(CRYPT) => rest,
        _ => text,
    };
    text.is_empty() || text.starts_with(['!', '*'])
}

/// Whether it looks like a hash, and not like one of Argon2: `$kind$…`, `{kind}…`, `kind$…`, as with `kind:more$…`.
fn is_of_another_kind(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix('{') {
        return rest.contains('}');
    }
    let names_one = |kind: &str| {
        !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':'))
    };
    match text.strip_prefix('$') {
        Some(rest) => rest
            .split_once('$')
            .is_some_and(|(kind, _)| names_one(kind) && !["argon2d", "argon2i", "argon2id"].contains(&kind)),
        None => text.split_once('$').is_some_and(|(kind, _)| names_one(kind)),
    }
}
