//! The headers of proxies: whatever a client writes, what a trusted proxy appends decides.

use std::net::{IpAddr, Ipv4Addr};

use countersign::{
    Bearer, Gate, Verified,
    adapter::client_info,
    request::{ClientInfo, Proxies, ProxyHeaders},
    testing::PlainHead,
    verifier::TokenTable,
};

use super::input::{Input, field_value};

pub(super) const SEEDS: &[&[u8]] = &[
    b"\0for=1.2.3.4;proto=https;x=\"",
    b"\0for=\"[2001:db8::1]:80\";host=a",
    b"\0for=\"x, for=_hidden, for=unknown",
    b"\x011.2.3.4, 5.6.7.8",
    b"\x01\"1.2.3.4",
    b"\x01[2001:db8::1]:80,,",
];

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const CLIENT: &str = "203.0.113.7";

pub(super) fn proxies(bytes: &[u8]) {
    let mut input = Input::of(bytes);
    let is_forwarded = input.byte().is_multiple_of(2);
    let sent = field_value(input.rest());
    let (headers, name, appended) = match is_forwarded {
        true => (ProxyHeaders::Forwarded, "forwarded", format!("for={CLIENT};proto=http;host=here.example")),
        false => (ProxyHeaders::XForwarded, "x-forwarded-for", CLIENT.to_owned()),
    };
    let gate: Gate<()> = Gate::in_realm("r")
        .accept(Bearer, TokenTable::new().with("abc", Verified::new(())))
        .behind(Proxies::trusting(["10.0.0.1"]).expect("a network").reading(headers))
        .build()
        .expect("a gate that can be built");
    let joined = [&sent[..], if sent.is_empty() { b"" } else { b", " }, appended.as_bytes()].concat();
    // Appended to what the client sent, or in a field of its own behind it.
    let heads = [
        PlainHead::get("/").from(PEER).with(name, &joined),
        PlainHead::get("/").from(PEER).with(name, &sent).with(name, &appended),
    ];
    for head in heads {
        let info = seen(&gate, head);
        assert_eq!(info.address(), CLIENT.parse().ok(), "{}", String::from_utf8_lossy(&joined));
        assert!(!info.is_secure());
    }
    // From anybody else nothing of it is read.
    let stranger = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));
    let info = seen(&gate, PlainHead::get("/").from(stranger).with(name, &sent));
    assert_eq!((info.address(), info.is_secure()), (Some(stranger), false));
}

fn seen(gate: &Gate<()>, head: PlainHead) -> ClientInfo {
    let head = head.received_by(gate);
    client_info(&head, head.exchange()).expect("the gate received it")
}
