//! Password hashes, of whatever kind: what they cost, and whether they can be verified.

use countersign::jose::JwtAlgorithm;

use crate::{fault::Fault, password::OneHash, report::Report};

/// `None` if it is none.
pub(super) fn explain(text: &str, _: Option<JwtAlgorithm>) -> Option<Result<Report, Fault>> {
    if !looks_like_one(text) {
        return None;
    }
    let report = Report::of_kind("a password hash").with("parameters", format!("{}…", parameters(text)));
    Some(Ok(match OneHash(text.into()).has_password() {
        Ok(true) => report.with("readable", true),
        Ok(false) => Report::of_kind("what stands for no password: nobody signs in by it").with("readable", true),
        Err(fault) => report.with("readable", false).with("why", fault.to_string()).refused(),
    }))
}

/// `$kind$…`, `{kind}…`, `kind$…` or `kind:more$…`, and `!…` or `*…` for no password.
fn looks_like_one(text: &str) -> bool {
    if text.contains(char::is_whitespace) {
        return false;
    }
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_:".contains(&byte))
    };
    match text.as_bytes() {
        [b'!' | b'*', ..] => true,
        [b'$', ..] => text.matches('$').count() > 1,
        [b'{', ..] => text.get(1..).and_then(|rest| rest.split_once('}')).is_some_and(|(kind, _)| is_name(kind)),
        _ => text.split_once('$').is_some_and(|(kind, rest)| is_name(kind) && rest.contains('$')),
    }
}

/// What stands in front of salt and hash.
fn parameters(text: &str) -> String {
    if let Some((kind, rest)) = text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        let within = if looks_like_one(rest) { parameters(rest) } else { String::new() };
        return format!("{{{kind}}}{within}");
    }
    let says_how = |part: &str| {
        let is_number = !part.is_empty() && part.len() <= 10 && part.bytes().all(|byte| byte.is_ascii_digit());
        let is_list = part.contains('=') && !part.ends_with('=') && part.len() <= 40;
        is_number || is_list
    };
    let mut parts = text.split('$');
    let mut shown = parts.next().unwrap_or_default().to_owned();
    if shown.is_empty() {
        shown = format!("${}", parts.next().unwrap_or_default());
    }
    for part in parts.take_while(|part| says_how(part)) {
        shown.push('$');
        shown.push_str(part);
    }
    shown + "$"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_shown_and_neither_salt_nor_hash() {
        for (hash, shown) in [
            ("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$0pfJshWVK9qBlax1", "$argon2id$v=19$m=19456,t=2,p=1$"),
            ("$2b$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW", "$2b$05$"),
            ("$scrypt$ln=10,r=8,p=1$c29tZXNhbHQ$6iw", "$scrypt$ln=10,r=8,p=1$"),
            ("$pbkdf2-sha256$1000$c29tZXNhbHQ$QXyw82", "$pbkdf2-sha256$1000$"),
            ("pbkdf2_sha256$1000$djangosalt12$rXGYVUoEArKtxDE0veWOU9rcbX8wDhaDHlKOpQQVPkI=", "pbkdf2_sha256$1000$"),
            ("scrypt:32768:8:1$salt$hash", "scrypt:32768:8:1$"),
            ("{SSHA}c29tZXNhbHQ=", "{SSHA}"),
            ("{bcrypt}$2a$10$abcdefghijklmnopqrstuu", "{bcrypt}$2a$10$"),
        ] {
            assert!(looks_like_one(hash), "{hash}");
            assert_eq!(parameters(hash), shown);
        }
        for other in ["emily", "$5", "", "a$b", "{\"kty\":\"OKP\"}", "price: $5 and $6"] {
            assert!(!looks_like_one(other), "{other}");
        }
    }
}
