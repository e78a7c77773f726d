//! What people do here in their browsers: sign in, and say yes or no to a client that showed them a code.

use axum::extract::{Form, Query, State};
use countersign::Reply;
use countersign_axum::{Granted, Written};
use serde::Deserialize;

use crate::{App, devices::Answer, page};

#[derive(Deserialize)]
pub(crate) struct Next {
    next: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Code {
    user_code: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Decision {
    user_code: String,
    allow: Option<String>,
}

/// The page to sign in at; where to go next stands in the query.
pub(crate) async fn sign_in(Query(Next { next }): Query<Next>) -> Written {
    shown(200, page::sign_in("", next.as_deref().unwrap_or("/device")))
}

/// Asks whoever is signed in about a code; a browser that is not is sent to sign in, and back.
pub(crate) async fn ask(
    me: Granted<String>,
    State(app): State<App>,
    Query(Code { user_code }): Query<Code>,
) -> Written {
    let code = spelled(user_code.as_deref().unwrap_or_default());
    match app.devices.asks_for(&code) {
        Some(scopes) => shown(200, page::decide(&me, &code, &scopes)),
        None => shown(200, page::which_code(&me)),
    }
}

/// Their answer. No other site's page can give it: the session is a cookie, and the gate refuses what another site sends with it.
pub(crate) async fn decide(me: Granted<String>, State(app): State<App>, Form(decision): Form<Decision>) -> Written {
    let allowed = decision.allow.as_deref() == Some("yes");
    let answer = if allowed { Answer::Yes(me.principal().clone()) } else { Answer::No };
    match app.devices.answer(&spelled(&decision.user_code), answer) {
        true if allowed => shown(200, page::message("Done: go back to the program that showed you the code.")),
        true => shown(200, page::message("Refused: the program gets nothing.")),
        false => shown(404, page::message("There is no such code, or not any more.")),
    }
}

/// As it was shown, however it was typed.
fn spelled(code: &str) -> String {
    let letters: String =
        code.chars().filter(char::is_ascii_alphabetic).take(8).collect::<String>().to_ascii_uppercase();
    letters.split_at_checked(4).map_or_else(String::new, |(first, last)| format!("{first}-{last}"))
}

fn shown(status: u16, page: String) -> Written {
    let reply = Reply::new(status).with("content-security-policy", page::POLICY).with("cache-control", "no-store");
    reply.with_body("text/html; charset=utf-8", page).into()
}
