//! Every route, a file for each group of schemes.

mod certificate;
mod couchdb;
mod device_bound;
mod dpop;
mod oidc;
mod resource;
mod signed;
mod terms;
mod tokens;
mod values;

use axum::{Router, middleware::map_response, routing::get};

use crate::{
    Fault,
    answer::{Written, no_such_method, no_such_path, with_fields},
    exhibit::{Room, Shown},
    gallery::Gallery,
    page,
};

/// The whole gallery, and what is said of its schemes.
pub(crate) fn all(gallery: &Gallery) -> Result<(Router, Vec<Shown>), Fault> {
    let rooms: Vec<Room> = vec![
        signed::room(gallery)?,
        values::room(gallery)?,
        couchdb::room(gallery)?,
        tokens::room(gallery)?,
        terms::room(gallery)?,
        certificate::room(gallery)?,
        dpop::room(gallery)?,
        resource::room(gallery)?,
        oidc::room(gallery)?,
        device_bound::room(gallery)?,
    ];
    let exhibits: Vec<&Shown> = rooms.iter().flat_map(|room| &room.exhibits).collect();
    let page = page::of_gallery(gallery, &exhibits);
    let front = get(move || {
        let page = page.clone();
        async move {
            Written::from(countersign::Reply::new(200).with("cache-control", "no-store").with_body(page::TYPE, page))
        }
    });
    let mut router = Router::new().route("/", front);
    let mut exhibits = Vec::new();
    for room in rooms {
        router = router.merge(room.routes);
        exhibits.extend(room.exhibits);
    }
    let router =
        router.fallback(no_such_path).method_not_allowed_fallback(no_such_method).layer(map_response(with_fields));
    Ok((router, exhibits))
}
