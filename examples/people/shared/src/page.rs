//! The page: sign in, who am I, my devices and keys, sign out; and refusals, as a browser shows them. It works without JavaScript; with it,
//! the same forms spare a page load.

use std::time::SystemTime;

use countersign::{
    Grant, Reply,
    mint::session::Entered,
    request::path::same_site_path,
    response::Reason,
    store::{ApiKeyRecord, SessionRecord},
};

use crate::{
    User,
    curl::{self, SITE},
    database::first_users,
};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const WRONG: &str = "That name and password do not go together.";

/// What a browser may do with anything that comes from here. The hashes are those of the style and the script.
pub(crate) const POLICY: &str = "default-src 'none'; \
    style-src 'sha256-xMFQMaC7ubXe0jbmOFaOZ1eZHqa2+f8YvicsSPCpabI='; \
    script-src 'sha256-fMFjb8LIH2QQFxD9ic3mZuYUHM5S2TI7wBxtGiH69CI='; \
    connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What somebody is shown who is signed in.
pub(crate) struct SignedIn<'p> {
    pub(crate) caller: &'p Grant<User>,
    pub(crate) devices: &'p [SessionRecord],
    pub(crate) keys: &'p [ApiKeyRecord],
}

/// The page for whom this request comes from, with where to go after signing in.
pub(crate) fn page(signed_in: Option<&SignedIn<'_>>, next: &str) -> Reply {
    let next = same_site_path(next);
    let body = match signed_in {
        Some(signed_in) => hello(signed_in, next),
        None => sign_in("", "", next) + &accounts() + &programs(),
    };
    Reply::new(200).with("cache-control", "no-store").with_body(HTML, whole(&body))
}

/// The type of pages.
pub(crate) const HTML: &str = "text/html; charset=utf-8";

/// The page for a browser that was not signed in: the form with what was entered, but for the password.
pub(crate) fn not_signed_in(reason: Reason, entered: &Entered<'_>) -> Option<String> {
    let message = match reason {
        Reason::BadCredential => WRONG,
        Reason::TooManyTries => "Too many attempts. Try again in a minute.",
        Reason::Unavailable => "Nobody can sign in at the moment. Try again later.",
        _ => return None,
    };
    Some(whole(&sign_in(message, entered.username, same_site_path(entered.next))))
}

/// The page of a refusal.
pub(crate) fn refusal(title: &str, detail: &str) -> String {
    whole(&format!(
        "<h1>{}</h1>\n<p>{}</p>\n<p><a href=\"/\">To the first page</a></p>\n",
        escaped(title),
        escaped(detail)
    ))
}

fn sign_in(message: &str, name: &str, next: &str) -> String {
    // Who comes back from a typing error finds the cursor where it is to be mended.
    let (at_name, at_password) = if name.is_empty() { (" autofocus", "") } else { ("", " autofocus") };
    format!(
        "<h1>People</h1>\n<p>Sign in to see who you are.</p>\n<p role=\"alert\">{message}</p>\n\
         <form method=\"post\" action=\"/session\" data-next=\"{next}\" data-wrong=\"{WRONG}\">\n\
         <input type=\"hidden\" name=\"next\" value=\"{next}\">\n\
         <label>Name <input name=\"username\" value=\"{name}\" autocomplete=\"username\" autocapitalize=\"none\" required{at_name}></label>\n\
         <label>Password <input name=\"password\" type=\"password\" autocomplete=\"current-password\" required{at_password}></label>\n\
         <button>Sign in</button>\n</form>\n",
        next = escaped(next),
        name = escaped(name),
    )
}

/// Who may sign in at first. Behind a sign-in that failed nothing of it is repeated.
fn accounts() -> String {
    let row = |(name, password, roles): (&str, &str, &str)| {
        let [name, password, roles] = [name, password, &roles.replace(' ', ", ")].map(escaped);
        format!("<tr><th scope=\"row\">{name}</th><td><code>{password}</code></td><td>{roles}</td></tr>\n")
    };
    let rows: String = first_users().map(row).collect();
    format!(
        "<h2>Who may sign in</h2>\n<table id=\"accounts\">\n<tr><th scope=\"col\">Name</th><th scope=\"col\">Password</th>\
         <th scope=\"col\">Roles</th></tr>\n{rows}</table>\n\
         <p>Each password is all that stands in its field: emily’s has a colon in it.</p>\n"
    )
}

/// What each kind of credential looks like.
fn programs() -> String {
    let line = |(what, line): (&str, String)| format!("<h3>{what}</h3>\n<pre><code>{}</code></pre>\n", escaped(&line));
    let lines: String = curl::lines(SITE, "/tmp/people-3000.cookies").into_iter().map(line).collect();
    format!(
        "<h2>What a program sends</h2>\n<p>Paste a line into a shell.</p>\n<div id=\"lines\" data-site=\"{SITE}\">\n{lines}</div>\n"
    )
}

fn hello(signed_in: &SignedIn<'_>, next: &str) -> String {
    let caller = signed_in.caller;
    let list = |items: Vec<&str>| if items.is_empty() { "none".to_owned() } else { escaped(&items.join(", ")) };
    let onward = match next {
        "/" => String::new(),
        next => format!("<p>You were on your way to <a href=\"{0}\">{0}</a>.</p>\n", escaped(next)),
    };
    let current = caller.credential_id();
    let devices: String = signed_in.devices.iter().map(|record| device(record, current)).collect();
    let keys: String = signed_in.keys.iter().map(key).collect();
    let keys = if keys.is_empty() { "<p>none</p>\n".to_owned() } else { format!("<ul id=\"keys\">\n{keys}</ul>\n") };
    format!(
        "<h1>Hello, {name}</h1>\n<p>You are signed in.</p>\n{onward}<dl>\n<dt>Roles</dt><dd>{roles}</dd>\n\
         <dt>Scopes</dt><dd>{scopes}</dd>\n<dt>Until</dt><dd>{ends}</dd>\n</dl>\n<div class=\"row\">\n\
         <form method=\"post\" action=\"/session/end\"><button>Sign out</button></form>\n\
         <button id=\"ask\" class=\"quiet\" type=\"button\" hidden>Who am I?</button>\n</div>\n<pre role=\"status\" hidden></pre>\n\
         <h2>My devices</h2>\n<ul id=\"devices\">\n{devices}</ul>\n<h2>My API keys</h2>\n{keys}",
        name = escaped(caller.name()),
        roles = list(caller.roles().iter().map(|role| &**role).collect()),
        scopes = list(caller.scopes().iter().collect()),
        ends = caller.ends().map_or_else(|| "you sign out".to_owned(), readable),
    )
}

fn device(record: &SessionRecord, current: Option<&str>) -> String {
    let here = if current == Some(&*record.id) { " (this one)" } else { "" };
    let from = record.address.map_or_else(|| "an unknown address".to_owned(), |address| address.to_string());
    format!(
        "<li><span>{agent}{here}\n<small>from {from}, last used {used}</small></span>\n\
         <form method=\"post\" action=\"/sessions/{id}/end\"><button class=\"quiet\" aria-label=\"End {agent}, {from}, last used {used}\">End</button></form></li>\n",
        agent = escaped(record.agent.as_deref().unwrap_or("Unnamed device")),
        used = readable(record.used),
        id = escaped(&record.id),
    )
}

fn key(record: &ApiKeyRecord) -> String {
    let ends = record.ends.map_or_else(|| "for good".to_owned(), |end| format!("until {}", readable(end)));
    format!(
        "<li><span>{name}\n<small>{visible}…, {ends}</small></span>\n\
         <button class=\"quiet\" type=\"button\" data-name=\"{name}\" aria-label=\"Delete {name}\" hidden>Delete</button></li>\n",
        name = escaped(&record.name),
        visible = escaped(&record.visible),
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
        let shown = sign_in(WRONG, "\"><b>", same_site_path("/\"><script>alert(1)</script>"));
        assert!(shown.contains("value=\"/&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\""), "{shown}");
        assert!(shown.contains("value=\"&quot;&gt;&lt;b&gt;\""), "{shown}");
        let record = SessionRecord {
            id: "x".into(),
            subject: "emily".into(),
            generation: 0,
            created: SystemTime::UNIX_EPOCH,
            authenticated: SystemTime::UNIX_EPOCH,
            used: SystemTime::UNIX_EPOCH,
            idle: std::time::Duration::ZERO,
            ends: SystemTime::UNIX_EPOCH,
            address: None,
            agent: Some("<script>".into()),
            data: None,
            revision: 0,
        };
        assert!(device(&record, None).contains("<span>&lt;script&gt;\n"));
        assert!(device(&record, Some("x")).contains("&lt;script&gt; (this one)"));
        assert!(!refusal("<b>", "<i>").contains("<i>"));
    }
}
