//! Serves the app of `lib.rs` with the users of a file: `own-users sqlite:users.db?mode=rwc 127.0.0.1:3000`.

use std::{error::Error, net::SocketAddr};

use own_users::app;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let users = arguments.next().unwrap_or_else(|| "sqlite:users.db?mode=rwc".to_owned());
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let app = app(&users).await?;
    let listener = TcpListener::bind(address).await?;
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
