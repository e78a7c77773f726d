//! Before: Basic for people and Bearer for programs, by actix-web-httpauth.

use actix_web::{Error, HttpMessage, HttpResponse, dev::ServiceRequest, web};
use actix_web_httpauth::{
    extractors::{
        AuthenticationError,
        basic::{self, BasicAuth},
        bearer::{self, BearerAuth},
    },
    middleware::HttpAuthentication,
};
use subtle::ConstantTimeEq;

use crate::{TOKEN, User, hash_of};

type Judged = Result<ServiceRequest, (Error, ServiceRequest)>;

async fn by_password(request: ServiceRequest, sent: BasicAuth) -> Judged {
    let (hash, password) = (hash_of(sent.user_id()), sent.password().unwrap_or_default().to_owned());
    let fits = move || hash.is_some_and(|hash| bcrypt::verify(password, hash).unwrap_or(false));
    match web::block(fits).await {
        Ok(true) => {
            request.extensions_mut().insert(User(sent.user_id().to_owned()));
            Ok(request)
        }
        Ok(false) => {
            let config = request.app_data::<basic::Config>().cloned().unwrap_or_default();
            Err((AuthenticationError::from(config).into(), request))
        }
        Err(busy) => Err((busy.into(), request)),
    }
}

async fn by_token(request: ServiceRequest, sent: BearerAuth) -> Judged {
    if sent.token().as_bytes().ct_eq(TOKEN.as_bytes()).into() {
        return Ok(request);
    }
    let config = request.app_data::<bearer::Config>().cloned().unwrap_or_default();
    Err((AuthenticationError::from(config).into(), request))
}

async fn me(me: web::ReqData<User>) -> String {
    me.into_inner().0
}

async fn create() -> HttpResponse {
    HttpResponse::Created().body("created")
}

/// All of it.
pub fn routes(config: &mut web::ServiceConfig) {
    let people = HttpAuthentication::basic(by_password);
    let programs = HttpAuthentication::bearer(by_token);
    config
        .app_data(basic::Config::default().realm("people"))
        .app_data(bearer::Config::default().realm("people"))
        .route("/health", web::get().to(|| async { "ok" }))
        .service(web::resource("/me").route(web::get().to(me)).wrap(people))
        .service(web::resource("/reports").route(web::post().to(create)).wrap(programs));
}
