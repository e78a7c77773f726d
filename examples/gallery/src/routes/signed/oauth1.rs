//! OAuth 1.0: with a token or two-legged, by HMAC, and for one consumer by RSA.

use std::{io, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use countersign::{
    Secret,
    credential::signed_request::oauth1::{OAuth1, OAuth1Signer},
    store::{SecretStore, StoredSecret},
    verifier::{Secrets, SignedBy},
};

use super::{TEST_KEY_RSA_PSS, with_rest};
use crate::{
    Fault,
    exhibit::{Exhibit, Room},
    gallery::{GET_AND_POST, Gallery},
    users::{self, Caller},
};

const FIRST: (&str, &str) = ("dpf43f3p2l4k3l03", "kd94hf93k423kf44");
const FIRST_TOKEN: (&str, &str) = ("nnch734d00sl2jdk", "pfkkdhi9sl3r4s00");
const SECOND: (&str, &str) = ("0685bd9184jfhq22", "s&cr=t%2F +ü");
const SECOND_TOKEN: (&str, &str) = ("ad180jjd733klru7", "t/k+n&");

pub(super) fn room(gallery: &Gallery) -> Result<Room, Fault> {
    let clock = gallery.clock();
    let gate =
        gallery.gate(OAuth1::new(gallery.stores().replay("oauth1")).timed_by(Arc::clone(clock)), consumers()?)?;
    let routes = with_rest(["/oauth1", "/oauth1/", "/oauth1/{*rest}"], GET_AND_POST, &gate);
    let pasted = |path: &str| {
        let url = format!("{}{path}", gallery.site());
        let signed = OAuth1Signer::new(FIRST.0, key(FIRST.1, FIRST_TOKEN.1)).with_token(FIRST_TOKEN.0);
        format!("curl -H 'Authorization: {}' '{url}'", signed.authorization("GET", &url, clock))
    };
    let room = Room::empty().with(
        routes,
        Exhibit {
            path: "/oauth1",
            title: "OAuth 1.0",
            what: "A signature over method, URL and parameters by the secrets of a consumer and of its token. Good once, for five minutes.",
            choose: "for clients of services that grew up with it.",
            avoid: "for anything new: it leaves out header fields and most bodies.",
            line: pasted("/oauth1"),
        },
    );
    Ok(room.and_a_line("/oauth1/{*rest}", pasted("/oauth1/a/b?c=d")))
}

fn key(consumer: &str, token: &str) -> Secret {
    OAuth1::key(&Secret::new(consumer), &Secret::new(token))
}

fn consumers() -> Result<SignedBy<impl SecretStore<Principal = Caller>>, Fault> {
    let rsa = Secret::new(STANDARD.decode(TEST_KEY_RSA_PSS)?);
    let known = [
        (OAuth1::signer(FIRST.0, None), key(FIRST.1, ""), "emily"),
        (OAuth1::signer(FIRST.0, Some(FIRST_TOKEN.0)), key(FIRST.1, FIRST_TOKEN.1), "emma"),
        (OAuth1::signer(SECOND.0, None), key(SECOND.1, ""), "bob"),
        (OAuth1::signer(SECOND.0, Some(SECOND_TOKEN.0)), key(SECOND.1, SECOND_TOKEN.1), "jacob"),
        (OAuth1::rsa_signer("test-key-rsa-pss", None), rsa, "alice"),
    ];
    let find = move |asked: String| {
        let found = known.iter().find(|(signer, ..)| *signer == asked);
        let found = found.and_then(|(_, key, name)| Some(StoredSecret::new(key.clone(), users::named(name)?)));
        async move { Ok::<_, io::Error>(found) }
    };
    Ok(SignedBy::secrets(Secrets::found_by(find).without_throttle()))
}
