//! The page at `/`, with a card for each scheme, and what a browser sees of a refusal.

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::STANDARD};
use countersign::{Page, request::Wants, response::Rejection};
use sha2::{Digest, Sha256};

use crate::{exhibit::Shown, gallery::Gallery, users};

/// The type of a page.
pub(crate) const TYPE: &str = "text/html; charset=utf-8";

const STYLE: &str = include_str!("page.css");

/// What a browser may do with anything that comes from here: apply the one style.
pub(crate) fn policy() -> &'static str {
    static POLICY: LazyLock<String> = LazyLock::new(|| {
        let hash = STANDARD.encode(Sha256::digest(STYLE));
        format!(
            "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
    });
    &POLICY
}

/// The page of all exhibits.
pub(crate) fn of_gallery(gallery: &Gallery, exhibits: &[&Shown]) -> String {
    let mut body = format!(
        "<h1>Gallery</h1>\n<p>Every scheme on a card: what it is, when to choose it, when not, and a line that works when pasted. \
         This copy listens on <code>{}</code>{}.</p>\n",
        escaped(&gallery.site()),
        gallery.secure_site().map(|site| format!(" and <code>{}</code>", escaped(&site))).unwrap_or_default(),
    );
    body.push_str("<h2>Users</h2>\n<table><tr><th>number</th><th>name</th><th>password</th></tr>\n");
    for (number, name, password) in users::all() {
        body.push_str(&format!(
            "<tr><td>{number}</td><td>{}</td><td><code>{}</code></td></tr>\n",
            escaped(name),
            escaped(password)
        ));
    }
    body.push_str("</table>\n<h2>Schemes</h2>\n");
    for shown in exhibits {
        let exhibit = &shown.exhibit;
        body.push_str(&format!(
            "<article><h3>{title} <code>{path}</code></h3>\n<p>{what}</p>\n<p><b>Choose it</b> {choose}</p>\n\
             <p><b>Not</b> {avoid}</p>\n<pre>{line}</pre>",
            title = escaped(exhibit.title),
            path = escaped(exhibit.path),
            what = escaped(exhibit.what),
            choose = escaped(exhibit.choose),
            avoid = escaped(exhibit.avoid),
            line = escaped(&exhibit.line),
        ));
        for (path, line) in &shown.more {
            body.push_str(&format!("\n<p><code>{}</code></p>\n<pre>{}</pre>", escaped(path), escaped(line)));
        }
        body.push_str("</article>\n");
    }
    whole("Gallery", &body)
}

/// What a browser sees of a gate's refusal. A script reads the JSON.
pub(crate) fn of_refusal(rejection: &Rejection, wants: Wants) -> Option<Page> {
    (wants.html && !wants.script).then(|| Page::new(TYPE, refused(rejection.status(), &rejection.to_string())))
}

/// The page of a refusal.
pub(crate) fn refused(status: u16, detail: &str) -> String {
    whole(
        &status.to_string(),
        &format!("<h1>{status}</h1>\n<p>{}</p>\n<p><a href=\"/\">All schemes</a></p>\n", escaped(detail)),
    )
}

fn whole(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head>\n<body>\n{body}</body></html>\n"
    )
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        assert_eq!(escaped("<a href=\"'&'\">"), "&lt;a href=&quot;&#39;&amp;&#39;&quot;&gt;");
        assert!(refused(404, "<b>").contains("<p>&lt;b&gt;</p>"));
    }
}
