//! Servers of each framework on a free port.

use std::{
    error::Error,
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use tokio::runtime::Runtime;

/// A port that nobody listens on.
pub(crate) fn listener() -> Result<(TcpListener, SocketAddr), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Serves an app of axum 0.8.
pub(crate) fn axum(runtime: &Runtime, app: axum::Router) -> Result<SocketAddr, Box<dyn Error>> {
    let (listener, address) = listener()?;
    runtime.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
    });
    Ok(address)
}

/// Serves an app of axum 0.7.
pub(crate) fn axum07(runtime: &Runtime, app: axum07::Router) -> Result<SocketAddr, Box<dyn Error>> {
    let (listener, address) = listener()?;
    runtime.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        axum07::serve(listener, app).await
    });
    Ok(address)
}

/// Serves an app of actix-web.
pub(crate) fn actix(routes: fn(&mut actix_web::web::ServiceConfig)) -> Result<SocketAddr, Box<dyn Error>> {
    let (listener, address) = listener()?;
    thread::spawn(move || {
        let server = actix_web::HttpServer::new(move || actix_web::App::new().configure(routes)).workers(1);
        let server = server.listen(listener).expect("a server");
        actix_web::rt::System::new().block_on(server.run())
    });
    Ok(address)
}

/// Launches a Rocket.
pub(crate) fn rocket(runtime: &Runtime, routes: Vec<rocket::Route>) -> Result<SocketAddr, Box<dyn Error>> {
    let (listener, address) = listener()?;
    drop(listener);
    let figment = rocket::Config::figment().merge(("address", address.ip())).merge(("port", address.port()));
    let figment = figment.merge(("log_level", "off")).merge(("secret_key", vec![7_u8; 64]));
    runtime.spawn(rocket::custom(figment).mount("/", routes).launch());
    for _ in 0..200 {
        if TcpStream::connect(address).is_ok() {
            return Ok(address);
        }
        thread::sleep(Duration::from_millis(50));
    }
    Err("Rocket did not launch".into())
}
