//! The sizes that the page about copies reckons with, measured at a real PostgreSQL.
#![cfg(feature = "postgres")]

use countersign::{
    Handle,
    cache::copies::Bus,
    store::{Outbox, Voided},
};
use countersign_conformance::{
    server::Postgres,
    told::{holds, told},
};
use countersign_sqlx::{PgBus, SqlStores};
use sqlx::{
    Row,
    postgres::{PgListener, PgPoolOptions},
};

const PAGE: &str = include_str!("../../../core/src/manual/copies.md");

#[tokio::test]
async fn a_row_and_its_notification_are_as_large_as_the_page_tells() {
    const ROWS: u32 = 5_000;
    let server = Postgres::start();
    let pool = PgPoolOptions::new().max_connections(2).connect(&server.url()).await.unwrap();
    let stores = SqlStores::postgres(pool.clone());
    stores.migrate().await.unwrap();
    // A sign-out each, with a moment of its own.
    for row in 0..ROWS {
        stores.announce(&[Voided::Handle(Handle::subject(&format!("emily {row}")))]).await.unwrap();
    }
    let asked = sqlx::query("SELECT pg_total_relation_size('countersign_outbox')").fetch_one(&pool).await.unwrap();
    let row = asked.get::<i64, _>(0) as f64 / f64::from(ROWS);
    holds("a row", told(PAGE, "bytes in Redis and ", " in PostgreSQL with their index"), row);

    let mut listener = PgListener::connect_with(&pool).await.unwrap();
    listener.listen("countersign_outbox").await.unwrap();
    PgBus::on(&pool).wake().await.unwrap();
    let heard = listener.recv().await.unwrap();
    assert_eq!(heard.payload(), "");
    // A letter, the length, who notifies, and two texts with the zero behind each.
    let bytes = 1 + 4 + 4 + heard.channel().len() + 1 + heard.payload().len() + 1;
    holds("a notification", told(PAGE, "an empty notification of PostgreSQL is ", " bytes"), bytes as f64);
}
