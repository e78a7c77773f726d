//! Bodies that come late.

use super::*;

#[tokio::test]
async fn a_body_that_comes_after_the_session_ended_makes_no_key() {
    let service = service();
    let session = service.session().await;
    let work = service.begun(&service.keys.create(&service.gate), making(&session)).await;
    assert_eq!(service.sign_out(&session).await.status(), 204);
    service.stores.then(|| panic!("nothing is stored, not even for a moment"));
    is_refused_as_by_a_guard(&work.run(br#"{"name":"loot"}"#.to_vec()).await);
    assert_eq!(service.kept().await, 0);
}

#[tokio::test]
async fn a_key_that_is_stored_after_the_session_ended_is_removed() {
    let service = service();
    let session = service.session().await;
    let cache = service.cache.clone();
    service.stores.then(move || cache.revoke(Handle::subject("emily")));
    let reply = service.call(&service.keys.create(&service.gate), making(&session), r#"{"name":"loot"}"#).await;
    is_refused_as_by_a_guard(&reply);
    assert_eq!(service.kept().await, 0);
}

#[cfg(feature = "jwt")]
#[tokio::test]
async fn a_body_that_comes_after_the_session_ended_makes_no_token() {
    use countersign::{
        JwtSigner,
        mint::access_token::{AccessTokens, TokenEndpoints},
    };

    let service = service();
    let tokens = AccessTokens::issued_by("people", JwtSigner::fresh().unwrap())
        .for_audience("people", Arc::new(People))
        .unwrap();
    let issue = TokenEndpoints::new(tokens).issue(&service.gate);
    let session = service.session().await;
    let (late, in_time) =
        (service.begun(&issue, making(&session)).await, service.begun(&issue, making(&session)).await);
    assert_eq!(in_time.run(Vec::new()).await.status(), 200);
    assert_eq!(service.sign_out(&session).await.status(), 204);
    is_refused_as_by_a_guard(&late.run(Vec::new()).await);
}

async fn read(pieces: impl IntoIterator<Item = (u64, Result<Vec<u8>, ()>)>) -> Result<usize, u16> {
    let mut pieces = pieces.into_iter();
    let mut waiting = None;
    let body = read_body(move |context| {
        if waiting.is_none() {
            waiting = pieces
                .next()
                .map(|(seconds, piece)| (Box::pin(tokio::time::sleep(Duration::from_secs(seconds))), piece));
        }
        let Some((pause, _)) = &mut waiting else { return Poll::Ready(None) };
        match pause.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(waiting.take().map(|(_, piece)| piece)),
            Poll::Pending => Poll::Pending,
        }
    });
    body.await.map(|body| body.len()).map_err(|reply| reply.status())
}

#[tokio::test(start_paused = true)]
async fn a_body_has_a_length_and_a_time() {
    let piece = |seconds, bytes| (seconds, Ok(vec![b'x'; bytes]));
    assert_eq!(read([]).await, Ok(0));
    assert_eq!(read([piece(9, 1), piece(9, LONGEST_BODY - 1)]).await, Ok(LONGEST_BODY));
    assert_eq!(read([piece(0, 1), piece(0, LONGEST_BODY)]).await, Err(413));
    assert_eq!(read([piece(0, usize::from(u16::MAX) * 9)]).await, Err(413));
    assert_eq!(read([piece(0, 1), piece(11, 1)]).await, Err(408), "a pause");
    assert_eq!(read((0..13).map(|_| piece(5, 1))).await, Err(408), "more than a minute in all");
    assert_eq!(read([piece(0, 1), (1, Err(()))]).await, Err(400));
    assert_eq!(read_body(|_| Poll::Ready(None::<Result<Vec<u8>, Infallible>>)).await, Ok(Vec::new()));
}
