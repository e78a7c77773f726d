//! The pages.

/// No script, nothing from elsewhere, and no frame of another site around a button that says yes.
pub(crate) const POLICY: &str = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(crate) fn sign_in(message: &str, next: &str) -> String {
    whole(&format!(
        "<h1>Sign in</h1><p>{message}</p><form method=post action=/session>\
         <input type=hidden name=next value=\"{next}\">\
         <p><label>Name <input name=username autocomplete=username></label>\
         <p><label>Password <input name=password type=password autocomplete=current-password></label>\
         <p><button>Sign in</button></form>",
        next = escaped(next),
    ))
}

pub(crate) fn decide(name: &str, code: &str, scopes: &str) -> String {
    whole(&format!(
        "<h1>Is this you, {name}?</h1><p>A program shows the code <strong>{code}</strong> and wants: {scopes}.\
         <p>Say yes only if you started it yourself, just now, and it shows this code.\
         <form method=post action=/device><input type=hidden name=user_code value=\"{code}\">\
         <button name=allow value=yes>Yes</button> <button name=allow value=no>No</button></form>",
        name = escaped(name),
        code = escaped(code),
        scopes = escaped(scopes),
    ))
}

pub(crate) fn which_code(name: &str) -> String {
    whole(&format!(
        "<h1>Hello, {name}</h1><form action=/device><label>The code that your program shows \
         <input name=user_code autocomplete=off></label> <button>Go on</button></form>",
        name = escaped(name),
    ))
}

pub(crate) fn message(text: &str) -> String {
    whole(&format!("<p>{}</p>", escaped(text)))
}

fn whole(body: &str) -> String {
    format!("<!doctype html><html lang=en><meta charset=utf-8><title>Sign in</title>{body}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
