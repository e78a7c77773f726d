//! Hawk, in `Authorization` and as a link.

use std::{sync::Arc, time::Duration};

use countersign::{
    Secret,
    credential::signed_request::hawk::{Bewit, Hawk, HawkRequest},
};

use super::keys;
use crate::{
    Fault,
    exhibit::{Exhibit, Room},
    gallery::{GET, GET_AND_POST, Gallery, shows_caller},
};

const KEY: (&str, &str, &str) = ("dh37fgj492je", "werxhqb98rpaxn39848xrunpaw3489ruxnpa98w4rxn", "emma");

pub(super) fn room(gallery: &Gallery) -> Result<Room, Fault> {
    let clock = gallery.clock();
    let hawk = Hawk::new(gallery.stores().replay("hawk")).timed_by(Arc::clone(clock));
    let bewit = Bewit::new().timed_by(Arc::clone(clock));
    let (id, key) = (KEY.0, Secret::new(KEY.1));
    let (host, port) = (gallery.address().ip().to_string(), gallery.address().port());
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let signed = HawkRequest::to(&host, port).asking("GET", "/hawk").authorization(id, &key, clock);
    let link = HawkRequest::to(&host, port).asking("GET", "/hawk/bewit");
    let link = link.bewit(id, &key, clock.wall() + Duration::from_secs(3600));
    let site = gallery.site();
    let room = Room::empty().with(
        shows_caller("/hawk", GET_AND_POST, &gallery.gate(hawk, keys([KEY]))?),
        Exhibit {
            path: "/hawk",
            title: "Hawk",
            what: "An HMAC over time, nonce, method, target, host and body. Good once, for a minute.",
            choose: "for programs that share a key with you, where one that is sent could be read on its way.",
            avoid: "behind a proxy that changes host or target.",
            line: format!("curl -H 'Authorization: {signed}' {site}/hawk"),
        },
    );
    Ok(room.with(
        shows_caller("/hawk/bewit", GET, &gallery.gate(bewit, keys([KEY]))?),
        Exhibit {
            path: "/hawk/bewit",
            title: "A link of Hawk",
            what: "The same in a link: for GET of one URL, until its end.",
            choose: "to let somebody fetch one thing for a while.",
            avoid: "for what must not be passed on: whoever has the link may use it.",
            line: format!("curl '{site}/hawk/bewit?bewit={link}'"),
        },
    ))
}
