//! Tokens with proof of possession (DPoP).

use countersign::credential::{Dpop, KeyBound};

use crate::{
    Fault,
    access::{AUDIENCE, ISSUER, SECRET, tokens_that},
    exhibit::{Exhibit, Room},
    gallery::{GET_AND_POST, Gallery, shows_caller},
};

/// The routes of this group.
pub(crate) fn room(gallery: &Gallery) -> Result<Room, Fault> {
    let dpop = |route| {
        let dpop = Dpop::remembered_in(gallery.stores().replay(route)).timed_by(gallery.clock().clone());
        dpop.with_nonces(gallery.keys().clone(), gallery.nonce_life())
    };
    let plain = gallery.gate(dpop("dpop"), KeyBound(tokens_that(gallery, AUDIENCE, |_, _| true)?))?;
    let with_nonce =
        gallery.gate(dpop("dpop/nonce").needing_nonces(), KeyBound(tokens_that(gallery, AUDIENCE, |_, _| true)?))?;
    let made = by_openssl(&gallery.site());
    let room = Room::empty().with(
        shows_caller("/dpop", GET_AND_POST, &plain),
        Exhibit {
            path: "/dpop",
            title: "A token with proof of possession",
            what: "An access token that names its holder's key, and for each request a proof that the key signed (RFC 9449).",
            choose: "for clients without certificates, such as apps in a browser: a token that leaks is worth nothing without the key.",
            avoid: "where nobody would keep the key better than the token.",
            line: format!("{made} curl -s -H \"Authorization: DPoP $a\" -H \"DPoP: $(p $s/dpop)\" $s/dpop"),
        },
    );
    Ok(room.with(
        shows_caller("/dpop/nonce", GET_AND_POST, &with_nonce),
        Exhibit {
            path: "/dpop/nonce",
            title: "The same, with nonces of the server's",
            what: "A proof must hold a nonce that the server handed out lately, so that none can be made in advance.",
            choose: "where somebody may have had the key for a moment, or where clients' clocks are wrong.",
            avoid: "where each request should cost one round trip and never two.",
            line: format!(
                "{made} d() {{ curl -s -D $t/h -H \"Authorization: DPoP $a\" -H \"DPoP: $(p $s/dpop/nonce \"$1\")\" $s/dpop/nonce; }}; \
                 d >$t/o; d \",\\\"nonce\\\":\\\"$(sed -n 's/^dpop-nonce: \\([^[:space:]]*\\).*/\\1/p' $t/h)\\\"\""
            ),
        },
    ))
}

/// What a shell does before it asks: makes a key (`$t/k`), a token that is bound to it (`$a`), and a function `p` that makes a proof for an address.
fn by_openssl(site: &str) -> String {
    let steps = [
        format!("s={site}; t=$(mktemp -d)"),
        "b() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }".to_owned(),
        "h() { openssl dgst -sha256 -binary | b; }".to_owned(),
        "openssl genpkey -algorithm ed25519 -out $t/k".to_owned(),
        "x=$(openssl pkey -in $t/k -pubout -outform DER | tail -c 32 | b)".to_owned(),
        r#"k='{"crv":"Ed25519","kty":"OKP","x":"'$x'"}'; n=$(date +%s)"#.to_owned(),
        format!(
            r#"c=$(printf '{{"alg":"HS256"}}' | b).$(printf '{{"iss":"{ISSUER}","aud":"{AUDIENCE}","sub":"emma","exp":%d,"cnf":{{"jkt":"%s"}}}}' $((n+600)) $(printf %s "$k" | h) | b)"#
        ),
        format!("a=$c.$(printf %s $c | openssl dgst -sha256 -mac HMAC -macopt key:{SECRET} -binary | b)"),
        r#"p() { printf %s $(printf '{"typ":"dpop+jwt","alg":"EdDSA","jwk":%s}' "$k" | b).$(printf '{"jti":"%s","htm":"GET","htu":"%s","iat":%d,"ath":"%s"%s}' $(openssl rand -hex 8) $1 $n $(printf %s $a | h) "$2" | b) >$t/p; echo $(cat $t/p).$(openssl pkeyutl -sign -rawin -inkey $t/k -in $t/p | b); };"#
            .to_owned(),
    ];
    steps.join("; ")
}
