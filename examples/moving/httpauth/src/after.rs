//! After: the same by a gate. The table keeps its hashes.

use actix_web::{HttpResponse, web};
use countersign::{
    Basic, Bearer, Gate, Unavailable, Verified, async_trait,
    gate::{BuildError, UnknownScheme},
    store::{PasswordStore, StoredPassword},
    verifier::{Passwords, TokenTable},
};
use countersign_actix_web::{GateExt, Granted};

use crate::{TOKEN, User, hash_of};

struct People;

#[async_trait]
impl PasswordStore for People {
    type Principal = User;

    async fn find(&self, name: &str) -> Result<Option<StoredPassword<User>>, Unavailable> {
        let verified = Verified::new(User(name.to_owned())).with_subject(name);
        Ok(hash_of(name).map(|hash| StoredPassword::new(hash, verified)))
    }
}

/// Built once; the app has `.wrap(gate.attach())` as its last wrap.
///
/// # Errors
/// When it could not work.
pub fn gate() -> Result<Gate<User>, BuildError> {
    Gate::in_realm("people")
        .accept(Basic, Passwords::in_store(People))
        .accept(Bearer, TokenTable::new().with(TOKEN, Verified::new(User("a program".to_owned()))))
        .build()
}

async fn me(me: Granted<User>) -> String {
    me.0.clone()
}

async fn create() -> HttpResponse {
    HttpResponse::Created().body("created")
}

/// All of it.
///
/// # Errors
/// When the gate does not have what a route asks for.
pub fn routes(gate: &Gate<User>, config: &mut web::ServiceConfig) -> Result<(), UnknownScheme> {
    let (people, programs) = (gate.only(["basic"])?, gate.only(["bearer"])?);
    config
        .route("/health", web::get().to(|| async { "ok" }))
        .service(web::resource("/me").route(web::get().to(me)).wrap(people.enforce()))
        .service(web::resource("/reports").route(web::post().to(create)).wrap(programs.enforce()));
    Ok(())
}
