//! Making links.

use std::{fmt, time::Duration};

use serde::Deserialize;
use serde_json::json;

use super::Links;
use crate::{
    clock::later,
    gate::{Gate, PATIENCE},
    mint::endpoint::{
        Endpoint, Work,
        body::{self, BodyType},
        described::{Answered, Described, Member, Shape},
        moment::rfc3339,
        owner::owned,
        unavailable,
    },
    request::RequestView,
    response::Reply,
    unavailable::Unavailable,
};

/// Makes the endpoint that hands out links.
///
/// `{"expires_in"}` → 200 `{"url", "expires_at"}`, not to be stored. `expires_in` is a positive number of seconds, at most a year unless set
/// otherwise. The `url` is the path with the signed parameter, relative to this site: under which name the client knows it is the client's
/// to say.
pub struct LinkEndpoints<P> {
    links: Links<P>,
    longest: Duration,
}

#[derive(Deserialize)]
struct Wanted {
    expires_in: u64,
}

const MADE: &[Answered] =
    &[Answered::json(200, "The link.", &[Member::of("url", Shape::Text), Member::of("expires_at", Shape::Moment)])];

/// A hundred years: later times do not fit everywhere.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

impl<P: Send + Sync + 'static> LinkEndpoints<P> {
    /// Endpoints for these links.
    #[must_use]
    pub fn new(links: Links<P>) -> Self {
        Self { links, longest: Duration::from_secs(366 * 24 * 60 * 60) }
    }

    /// Makes links for so long at the most.
    #[must_use]
    pub fn at_most_for(mut self, longest: Duration) -> Self {
        self.longest = longest.min(LONGEST);
        self
    }

    /// Makes a link for GET, in the name of whom this gate admits: `POST`. `target` says of which path; `None` is answered with 404.
    #[must_use]
    pub fn create(
        &self,
        gate: &Gate<P>,
        target: impl Fn(&RequestView<'_>) -> Option<String> + Send + Sync + 'static,
    ) -> Endpoint<P> {
        let (links, longest) = (self.links.clone(), self.longest);
        let described = Described::new("POST", "Makes a signed link, which needs no other credential.")
            .taking(&[Member::of("expires_in", Shape::Seconds(longest.as_secs()))])
            .answering(MADE)
            .refusing(&[(404, "There is nothing to link to.")]);
        owned(described, gate, move |request, owner, realm, wants| {
            let Some(target) = target(request) else {
                return Err(Reply::problem(404, "There is nothing to link to.", None));
            };
            if BodyType::of(request) != BodyType::Json {
                return Err(body::unsupported());
            }
            let links = links.clone();
            Ok(Work::reading(move |body| async move {
                let wanted: Wanted = match body::json(&body) {
                    Ok(wanted) => wanted,
                    Err(reply) => return reply,
                };
                let life = Duration::from_secs(wanted.expires_in);
                if life.is_zero() || life > longest {
                    return body::malformed();
                }
                let found = tokio::time::timeout(PATIENCE, links.generation_of(&owner.subject)).await;
                let found =
                    found.unwrap_or_else(|_| Err(Unavailable::because("the store of what is void does not answer")));
                let generation = match found {
                    Ok(generation) => owner.generation.unwrap_or(generation),
                    Err(source) => return unavailable(&realm, &source, wants),
                };
                let ends = later(links.kind.now(), life);
                let Some(url) = links.sealed(&owner.subject, generation, "GET", &target, ends) else {
                    return realm.fault("a link is to be made for what is no path", wants).reply();
                };
                // Whoever was revoked since has a link of an older generation, and does not get it either.
                if let Err(refused) = owner.ask_again() {
                    return refused;
                }
                Reply::json(200, &json!({ "url": url, "expires_at": rfc3339(ends) })).with("cache-control", "no-store")
            }))
        })
    }
}

impl<P> Clone for LinkEndpoints<P> {
    fn clone(&self) -> Self {
        Self { links: self.links.clone(), longest: self.longest }
    }
}

impl<P> fmt::Debug for LinkEndpoints<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkEndpoints").field("longest", &self.longest).finish_non_exhaustive()
    }
}
