//! Kinds of credential of an app's own, with public items alone, a file each: the number of a badge in a header, and a
//! [signature](signed) over the request and its body.
//!
//! ```sh
//! cargo run -p own-kind
//! curl -i http://127.0.0.1:3000/door                       # 401, WWW-Authenticate: Badge realm="house", header="X-Badge"
//! curl -H 'X-Badge: 0007' http://127.0.0.1:3000/door       # open for the guard
//! ```
//!
//! How to send a signed request stands in `signed.rs`.

mod signed;

use std::{error::Error, net::SocketAddr};

use axum::{
    Router,
    routing::{get, post},
};
use countersign::{
    Answer, Extract, Gate, RequestView, Verified,
    clock::SystemClock,
    credential::{Occurrences, Raw},
    request::Field,
    response::Challenge,
    verifier::verify_now_with,
};
use countersign_axum::{GateExt, Granted};

use self::signed::{Signed, SignedRequest};

/// Four digits in `X-Badge`.
struct Badge {
    header: Field,
}

impl Extract for Badge {
    type Credential = u16;

    fn scheme(&self) -> &str {
        "badge"
    }

    // Where it stands, without judging: the gate refuses a badge that comes twice, or beside another credential.
    fn locate<'h>(&'h self, request: &RequestView<'h>, occurrences: &mut Occurrences<'h>) {
        request.fields(&self.header).for_each(|raw| occurrences.add(raw));
    }

    // How it is read: strictly, and from the bytes alone.
    fn read(&self, raw: Raw<'_>) -> Option<u16> {
        let raw = raw.whole();
        let digits = raw.len() == 4 && raw.iter().all(u8::is_ascii_digit);
        if digits { std::str::from_utf8(raw).ok()?.parse().ok() } else { None }
    }

    // How a client is asked for it.
    fn challenges(&self, _: &RequestView<'_>) -> Vec<Challenge> {
        vec![Challenge::new("Badge").with("header", "X-Badge")]
    }

    fn fields(&self) -> Vec<Field> {
        vec![self.header.clone()]
    }
}

fn app() -> Result<Router, Box<dyn Error>> {
    let badge = Badge { header: "X-Badge".parse()? };
    let owners = verify_now_with(|number: &u16| match number {
        7 => Verified::new("the guard").into(),
        _ => Answer::Refused,
    });
    let couriers = verify_now_with(|request: &SignedRequest| match &*request.signer {
        "courier" if request.is_by(b"a-key-of-32-random-bytes-or-more") => {
            Verified::new("the courier").bound_to(request.body()).into()
        }
        _ => Answer::Refused,
    });
    let signed = Signed::timed_by(SystemClock::shared())?;
    let gate = Gate::in_realm("house").accept(badge, owners).accept(signed, couriers).build()?;
    let door = get(|who: Granted<&'static str>| async move { format!("open for {}\n", **who) });
    let parcels =
        post(|who: Granted<&'static str>, parcels: String| async move { format!("{parcels} for {}\n", **who) });
    Ok(Router::new()
        .route("/door", door.route_layer(gate.only(["badge"])?.enforce()))
        .route("/parcels", parcels.route_layer(gate.only(["signed"])?.enforce()))
        .layer(gate.attach())
        .with_state(gate))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, app()?.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn the_door_opens_for_its_guard_alone() {
        for (badges, status) in [
            (&[][..], 401),
            (&["0007"], 200),
            (&["7"], 401),
            (&["0008"], 401),
            (&["+007"], 401),
            (&[""], 401),
            (&["0007", "0007"], 400),
        ] {
            let request =
                badges.iter().fold(axum::http::Request::get("/door"), |head, badge| head.header("x-badge", *badge));
            let response = app().unwrap().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            assert_eq!(response.status(), status, "{badges:?}");
        }
    }
}
