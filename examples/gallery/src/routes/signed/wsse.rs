//! WSSE, in both of its dialects: each on a route of its own.

use std::sync::Arc;

use countersign::{Secret, credential::signed_request::wsse::Wsse};

use super::passwords;
use crate::{
    Fault,
    exhibit::{Exhibit, Room},
    gallery::{GET, Gallery, shows_caller},
    kinds::wsse_text::WsseText,
};

pub(super) fn room(gallery: &Gallery) -> Result<Room, Fault> {
    let clock = gallery.clock();
    let bytes = Wsse::new(gallery.stores().replay("wsse")).timed_by(Arc::clone(clock));
    let text = WsseText::new(gallery.stores().replay("wsse/text"), Arc::clone(clock))?;
    let line = |path: &str, token: &str| {
        format!("curl -H 'Authorization: WSSE profile=\"UsernameToken\"' -H 'X-WSSE: {token}' {}{path}", gallery.site())
    };
    let password = Secret::new("taadtaadpstcsm");
    let lines = [
        line("/wsse", &Wsse::token("bob", &password, clock)),
        line("/wsse/text", &WsseText::token("bob", &password, clock)),
    ];
    let [of_bytes, of_text] = lines;
    let room = Room::empty().with(
        shows_caller("/wsse", GET, &gallery.gate(bytes, passwords())?),
        Exhibit {
            path: "/wsse",
            title: "WSSE, the dialect of OASIS",
            what: "SHA-1 over the bytes of a nonce, the time and the password, in a field of its own. Good once, for five minutes.",
            choose: "for feed readers and publishing clients of old that speak it.",
            avoid: "for anything new: it covers nothing of the request, and the server must keep passwords.",
            line: of_bytes,
        },
    );
    Ok(room.with(
        shows_caller("/wsse/text", GET, &gallery.gate(text, passwords())?),
        Exhibit {
            path: "/wsse/text",
            title: "WSSE, the dialect of the old articles",
            what: "The same, but that the text of the nonce is hashed. A kind of the gallery's own, by public items alone.",
            choose: "where the clients were written after those articles.",
            avoid: "together with the other on one route: each digest would be tried twice.",
            line: of_text,
        },
    ))
}
