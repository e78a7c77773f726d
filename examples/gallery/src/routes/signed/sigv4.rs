//! The two schemes of Amazon: the one of today, and the older one, which is a kind of the gallery's own.

use std::sync::Arc;

use axum::routing::MethodFilter;
use countersign::{
    Secret,
    credential::signed_request::sigv4::{SigV4, SigV4Signer},
};

use super::{keys, with_rest};
use crate::{
    Fault,
    exhibit::{Exhibit, Room},
    gallery::{GET_AND_POST, Gallery},
    kinds::amazon_v2::AmazonV2,
};

const KEY: (&str, &str, &str) = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "emily");
const OLD_KEY: (&str, &str, &str) = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "emma");

pub(super) fn room(gallery: &Gallery) -> Result<Room, Fault> {
    let clock = gallery.clock();
    let (region, service) = ("us-east-1", "service");
    let kind = SigV4::of(region, service, gallery.stores().replay("sigv4")).timed_by(Arc::clone(clock));
    let gate = gallery.gate(kind, keys([KEY]))?;
    let signer = SigV4Signer::new(KEY.0, Secret::new(KEY.1), region, service);
    let [link, below] = ["/sigv4", "/sigv4/a/b?c=d"]
        .map(|target| signer.presigned("GET", target, &gallery.address().to_string(), 3600, clock.wall()));
    let every = GET_AND_POST.or(MethodFilter::PUT).or(MethodFilter::DELETE);
    let site = gallery.site();
    let room = Room::empty().with(
        with_rest(["/sigv4", "/sigv4/", "/sigv4/{*rest}"], every, &gate),
        Exhibit {
            path: "/sigv4",
            title: "AWS Signature Version 4",
            what: "An HMAC over the whole request, by a key made for one day, region and service; in a field or in a link.",
            choose: "for clients that have an AWS library anyway.",
            avoid: "where Hawk or RFC 9421 would do: there is much to get wrong in it.",
            line: format!("curl '{site}{link}'"),
        },
    );
    let room = room.and_a_line("/sigv4/{*rest}", format!("curl '{site}{below}'"));
    let kind = AmazonV2::new(gallery.stores().replay("amazon-v2"), Arc::clone(clock))?;
    let gate = gallery.gate(kind, keys([OLD_KEY]))?;
    let ends = clock.wall() + std::time::Duration::from_secs(3600);
    let [link, below] =
        ["/amazon-v2", "/amazon-v2/a/b"].map(|path| AmazonV2::link(path, OLD_KEY.0, &Secret::new(OLD_KEY.1), ends));
    let room = room.with(
        with_rest(["/amazon-v2", "/amazon-v2/", "/amazon-v2/{*rest}"], GET_AND_POST.or(MethodFilter::PUT), &gate),
        Exhibit {
            path: "/amazon-v2",
            title: "The older scheme of Amazon",
            what: "HMAC-SHA1 over method, date, path and a few fields. A kind of the gallery's own, by public items alone.",
            choose: "for tools that were written after the old articles.",
            avoid: "for anything new: it covers neither host nor query.",
            line: format!("curl '{site}{link}'"),
        },
    );
    Ok(room.and_a_line("/amazon-v2/{*rest}", format!("curl '{site}{below}'")))
}
