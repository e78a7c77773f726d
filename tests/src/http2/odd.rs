//! What HTTP/2 says otherwise than HTTP/1, and what it lets nobody say.

use tokio::io::AsyncWriteExt;

use super::{
    Site,
    frames::{CONTINUATION, END_HEADERS, END_STREAM, HEADERS, block, frame, preface, said},
    line::{Asked, HOST, Told},
};
use crate::credentials::{basic, session};

const OTHER: &str = "other.example";

/// A report by whom a browser sends by itself, from a page of this origin.
fn report(kind: &'static str, value: &str, origin: &str) -> Asked {
    let asked = Asked::post("/reports").with(kind, value).with("origin", format!("https://{origin}"));
    asked.with_json("{\"title\":\"rain\"}")
}

pub(super) fn the_authority_is_the_host_that_was_asked(site: &Site) {
    let writers = [
        ("authorization", basic("jacob", "jacob-is-admin"), "\"rain\" by jacob"),
        ("cookie", format!("__Host-session={}", session()), "\"rain\" by emily"),
    ];
    // What stands in `:authority`, in `Host`, whose page it is, and the status.
    let rows: [(Option<&'static str>, &[&str], &str, u16); 12] = [
        (Some(HOST), &[], HOST, 200),
        (Some(HOST), &[], OTHER, 403),
        (Some(HOST), &[HOST], HOST, 200),
        (Some(HOST), &[HOST], OTHER, 403),
        // Where the two differ, the authority was asked (RFC 9113 §8.3.1).
        (Some(HOST), &[OTHER], HOST, 200),
        (Some(HOST), &[OTHER], OTHER, 403),
        (None, &[HOST], HOST, 200),
        (None, &[HOST], OTHER, 403),
        // A page that nobody can be asked for is of no site.
        (None, &[], HOST, 403),
        (Some(HOST), &[HOST, HOST], HOST, 400),
        (Some(HOST), &[HOST, OTHER], HOST, 400),
        (None, &[OTHER, HOST], HOST, 400),
    ];
    site.by(async {
        for (kind, value, says) in writers {
            for (authority, hosts, origin, status) in rows {
                let asked = report(kind, &value, origin).at(authority);
                let asked = hosts.iter().fold(asked, |asked, host| asked.with("host", *host));
                let text = if status == 200 { says } else { "" };
                let row = format!("{kind} at {authority:?} and {hosts:?} from {origin}");
                assert_eq!(site.ask(&asked).await, Told::Answer(status, text.to_owned()), "{row}");
            }
        }
    });
}

pub(super) fn cookies_in_fields_of_their_own_are_one_jar(site: &Site) {
    let (right, wrong) = (format!("__Host-session={}", session()), "__Host-session=b".to_owned());
    let other = || "a=b".to_owned();
    let emily =
        Told::Answer(200, "emily by cookie; scopes reports:read reports:write; roles member; ends 1800003600".into());
    let refused = |status| Told::Answer(status, String::new());
    let rows = [
        (vec![right.clone()], emily.clone()),
        (vec![other(), right.clone()], emily.clone()),
        (vec![right.clone(), other(), other()], emily.clone()),
        (vec![format!("a=b; {right}"), other()], emily),
        (vec![right.clone(), right.clone()], refused(400)),
        (vec![wrong.clone(), other(), right.clone()], refused(400)),
        (vec![format!("{right}; c=d"), wrong.clone()], refused(400)),
        (vec![other(), wrong], refused(401)),
        (vec![other(), other()], refused(401)),
        // Without TLS's name for it, a cookie is another.
        (vec![right.replace("__Host-", "")], refused(401)),
        // One that is cut in two is two.
        (vec![right[..20].to_owned(), right[20..].to_owned()], refused(401)),
    ];
    site.by(async {
        for (cookies, expected) in rows {
            let asked = cookies.iter().fold(Asked::get("/me"), |asked, cookie| asked.with("cookie", cookie));
            assert_eq!(site.ask(&asked).await, expected, "{cookies:?}");
        }
    });
}

pub(super) fn a_connect_reaches_no_handler_without_a_credential(site: &Site) {
    let credentials = [None, Some("Bearer nonsense"), Some("Bearer slow-no"), Some("Bearer outage")];
    site.by(async {
        for protocol in [None, Some("websocket"), Some("unknown")] {
            for path in ["/ws", "/enforced", "/me"] {
                for credential in credentials {
                    let asked = Asked::connect(path, protocol).with("sec-websocket-version", "13");
                    let asked = credential.into_iter().fold(asked, |asked, value| asked.with("authorization", value));
                    let told = site.ask(&asked).await;
                    assert!(!matches!(told, Told::Answer(200..=299, _)), "{asked:?}: {told:?}");
                    assert_eq!(site.handlers().len(), 0, "{asked:?}: {told:?}");
                }
            }
        }
        // With one, no other handler than its own.
        for path in ["/ws", "/enforced", "/me"] {
            for protocol in [None, Some("websocket")] {
                let asked = Asked::connect(path, protocol).with("sec-websocket-version", "13");
                site.ask(&asked.with("authorization", "Bearer emily-reads")).await;
                assert!(site.handlers().iter().all(|ran| ran == path), "{path}");
            }
        }
        site.still_serves().await;
    });
}

type Fields = Vec<(&'static [u8], &'static [u8])>;

/// A request that emily may make, with these fields at the end.
fn emilys(more: &[(&'static [u8], &'static [u8])]) -> Fields {
    let mut fields: Fields = vec![
        (b":method", b"GET"),
        (b":scheme", b"https"),
        (b":authority", b"conformance.example"),
        (b":path", b"/me"),
        (b"authorization", b"Bearer emily-reads"),
    ];
    fields.extend_from_slice(more);
    fields
}

pub(super) fn frames_that_no_client_may_send_reach_no_handler(site: &Site) {
    let without = |name: &[u8]| emilys(&[]).into_iter().filter(|(known, _)| *known != name).collect::<Fields>();
    let uppercase = || [without(b"authorization"), vec![(&b"Authorization"[..], &b"Bearer emily-reads"[..])]].concat();
    let rows: Vec<(&str, Fields)> = vec![
        ("a path after a field", [without(b":path"), vec![(b":path", b"/me")]].concat()),
        ("a method twice", emilys(&[(b":method", b"GET")])),
        ("a path twice", [vec![(&b":path"[..], &b"/open"[..])], emilys(&[])].concat()),
        ("an authority twice", [vec![(&b":authority"[..], &b"a"[..])], emilys(&[])].concat()),
        ("a pseudo-field that is none", [vec![(&b":user"[..], &b"emily"[..])], emilys(&[])].concat()),
        ("a status", [vec![(&b":status"[..], &b"200"[..])], emilys(&[])].concat()),
        ("no method", without(b":method")),
        ("no path", without(b":path")),
        ("a name in upper case", uppercase()),
        ("a line end in a value", emilys(&[(b"x", b"a\r\nx-api-key: b")])),
        ("a line end in a credential", emilys(&[(b"cookie", b"a=b\nx: y")])),
        ("a NUL in a value", emilys(&[(b"x", b"a\0b")])),
        ("no name", emilys(&[(b"", b"a")])),
        ("a blank in a name", emilys(&[(b"x y", b"a")])),
        ("a colon in a name", emilys(&[(b"x:y", b"a")])),
        ("a connection", emilys(&[(b"connection", b"authorization")])),
        ("chunks", emilys(&[(b"transfer-encoding", b"chunked")])),
        ("an upgrade", emilys(&[(b"upgrade", b"websocket")])),
    ];
    let ask = async |blocks: &[Vec<u8>]| {
        let mut stream = site.connect().await;
        let mut bytes = preface();
        for (at, part) in blocks.iter().enumerate() {
            let (first, last) = (at == 0, at + 1 == blocks.len());
            let flags = if first { END_STREAM } else { 0 } | if last { END_HEADERS } else { 0 };
            bytes.extend(frame(if first { HEADERS } else { CONTINUATION }, flags, 1, part));
        }
        _ = stream.write_all(&bytes).await;
        said(&mut stream).await
    };
    site.by(async {
        // A head in one frame, and one in as many as it has bytes, are the same.
        let whole = block(&emilys(&[]));
        let bytes: Vec<Vec<u8>> = whole.iter().map(|byte| vec![*byte]).collect();
        for (what, blocks) in
            [("whole", vec![whole.clone()]), ("in halves", vec![whole[..9].to_vec(), whole[9..].to_vec()])]
        {
            assert!(ask(&blocks).await.starts_with("emily by bearer"), "{what}");
            assert_eq!(site.handlers().len(), 1, "{what}");
        }
        let text = ask(&bytes).await;
        assert!(text.is_empty() || text.starts_with("emily by bearer"), "{text}");
        site.handlers();
        for (what, fields) in rows {
            let text = ask(&[block(&fields)]).await;
            assert!(!text.contains("emily by"), "{what}: {text}");
            assert_eq!(site.handlers().len(), 0, "{what}");
        }
        site.still_serves().await;
    });
}
