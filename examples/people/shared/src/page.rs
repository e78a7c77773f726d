//! The page: sign in, who am I, sign out. It works in a browser without JavaScript; with it, the same forms spare a page load.

use std::time::SystemTime;

use countersign::{Grant, Reply, request::path::same_site_path, response::Reason};

use crate::User;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const WRONG: &str = "That name and password do not go together.";

/// What a browser may do with anything that comes from here. The hashes are those of the style and the script.
pub(crate) const POLICY: &str = "default-src 'none'; \
    style-src 'sha256-bmOsuWacgy4T052fBKPirVeWVy+UwCH8dbT3dK94Cjc='; \
    script-src 'sha256-+s6Wpy8MjiX5VTPzNGcCrreFda0C56+xw/zjNGllNhU='; \
    connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The page for whom this request comes from, with where to go after signing in.
pub(crate) fn page(caller: Option<&Grant<User>>, next: &str) -> Reply {
    let next = same_site_path(next);
    let body = match caller {
        Some(caller) => signed_in(caller, next),
        None => sign_in("", next),
    };
    Reply::new(200).with("cache-control", "no-store").with_body("text/html; charset=utf-8", whole(&body))
}

/// The page for a browser that was not signed in.
pub(crate) fn not_signed_in(reason: Reason, next: &str) -> String {
    let message = match reason {
        Reason::BadCredential => WRONG,
        Reason::TooManyTries => "Too many attempts. Try again in a minute.",
        _ => "Nobody can sign in at the moment. Try again later.",
    };
    whole(&sign_in(message, same_site_path(next)))
}

fn sign_in(message: &str, next: &str) -> String {
    format!(
        "<h1>People</h1>\n<p>Sign in to see who you are.</p>\n<p role=\"alert\">{message}</p>\n\
         <form method=\"post\" action=\"/session\" data-next=\"{next}\" data-wrong=\"{WRONG}\">\n\
         <input type=\"hidden\" name=\"next\" value=\"{next}\">\n\
         <label>Name <input name=\"username\" autocomplete=\"username\" autocapitalize=\"none\" required autofocus></label>\n\
         <label>Password <input name=\"password\" type=\"password\" autocomplete=\"current-password\" required></label>\n\
         <button>Sign in</button>\n</form>\n",
        next = escaped(next)
    )
}

fn signed_in(caller: &Grant<User>, next: &str) -> String {
    let list = |items: Vec<&str>| if items.is_empty() { "none".to_owned() } else { escaped(&items.join(", ")) };
    let onward = match next {
        "/" => String::new(),
        next => format!("<p>You were on your way to <a href=\"{0}\">{0}</a>.</p>\n", escaped(next)),
    };
    format!(
        "<h1>Hello, {name}</h1>\n<p>You are signed in.</p>\n{onward}<dl>\n<dt>Roles</dt><dd>{roles}</dd>\n\
         <dt>Scopes</dt><dd>{scopes}</dd>\n<dt>Until</dt><dd>{ends}</dd>\n</dl>\n<div class=\"row\">\n\
         <form method=\"post\" action=\"/session/end\"><button>Sign out</button></form>\n\
         <button id=\"ask\" class=\"quiet\" type=\"button\" hidden>Who am I?</button>\n</div>\n<pre hidden></pre>\n",
        name = escaped(caller.name()),
        roles = list(caller.roles().iter().map(|role| &**role).collect()),
        scopes = list(caller.scopes().iter().collect()),
        ends = caller.ends().map_or_else(|| "you sign out".to_owned(), readable),
    )
}

fn readable(time: SystemTime) -> String {
    let text = crate::caller::rfc3339(time);
    text.replace('T', " ").replace('Z', " UTC")
}

fn whole(body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>People</title>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<link rel=\"icon\" href=\"data:,\">\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )
}

/// For text and for attributes in double quotes.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_policy_names_the_style_and_the_script_by_their_hashes() {
        for (kind, text) in [("style-src", STYLE), ("script-src", SCRIPT)] {
            let hash = STANDARD.encode(Sha256::digest(text));
            assert!(POLICY.contains(&format!("{kind} 'sha256-{hash}'")), "{kind}: the hash is {hash}");
        }
    }

    #[test]
    fn nothing_that_was_sent_becomes_markup() {
        let shown = not_signed_in(Reason::BadCredential, "/\"><script>alert(1)</script>");
        assert!(shown.contains("value=\"/&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\""), "{shown}");
        // C10
        for next in ["//evil", "/\\evil", "https://evil", "/\n/evil"] {
            assert!(not_signed_in(Reason::BadCredential, next).contains("name=\"next\" value=\"/\""), "{next:?}");
        }
    }
}
