//! Making, listing and deleting API keys.

use std::{fmt, sync::Arc, time::Duration};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    ApiKeys,
    by_hand::{fresh_id, name_fits},
};
use crate::{
    clock::later,
    gate::{Gate, Realm},
    mint::endpoint::{
        Endpoint, Work,
        body::{self, BodyType},
        described::{Answered, BEYOND, DONE, Described, Member, Shape},
        moment::rfc3339,
        owner::{Owner, beyond, owned},
        unavailable,
    },
    principal::Scopes,
    request::Wants,
    response::Reply,
    store::ApiKeyRecord,
    unavailable::Unavailable,
};

/// Makes the endpoints by which people keep their own keys.
///
/// A key is shown once, when it is made: `{"name", "scopes"?, "expires_in"?}` → 201 `{"id", "key", "name", "scopes", "expires_at"}`. Without
/// `scopes` it holds whatever its maker has when it is used; with `[]` it holds nothing; asking for more than the maker has, or for more than [`Scopes::MOST`], is 400, `invalid_scope`. `expires_in` is a positive number of
/// seconds, at most 100 years.
pub struct ApiKeyEndpoints<P> {
    keys: ApiKeys<P>,
    most: usize,
}

#[derive(Deserialize)]
struct Wanted {
    name: String,
    scopes: Option<Vec<String>>,
    expires_in: Option<u64>,
}

const LONGEST_LIFE: u64 = 100 * 365 * 24 * 60 * 60;

impl<P: Send + Sync + 'static> ApiKeyEndpoints<P> {
    /// Endpoints for these keys. One owner holds at most 1,000; more are 409.
    #[must_use]
    pub fn new(keys: ApiKeys<P>) -> Self {
        Self { keys, most: 1000 }
    }

    /// Lets one owner hold at most so many keys.
    #[must_use]
    pub fn at_most(mut self, keys: usize) -> Self {
        self.most = keys;
        self
    }

    /// Makes a key for whom this gate admits: `POST`. Let it take credentials that prove the person alone, such as passwords and
    /// sessions, or a key could make itself a successor.
    #[must_use]
    pub fn create(&self, gate: &Gate<P>) -> Endpoint<P> {
        let (keys, most) = (self.keys.clone(), self.most);
        let described = Described::new("POST", "Makes an API key, which is shown this once.")
            .taking(&[
                Member::of("name", Shape::Text),
                Member::maybe("scopes", Shape::OrNull(&Shape::Each(&Shape::Text))),
                Member::maybe("expires_in", Shape::OrNull(&Shape::Seconds(LONGEST_LIFE))),
            ])
            .answering(MADE)
            .refusing(&[BEYOND, (409, "The caller has too many keys.")]);
        owned(described, gate, move |request, owner, realm, wants| {
            if BodyType::of(request) != BodyType::Json {
                return Err(body::unsupported());
            }
            let keys = keys.clone();
            Ok(Work::changing(request, &Arc::clone(&realm), move |body| async move {
                create(&keys, most, &owner, &body, &realm, wants).await.unwrap_or_else(|reply| reply)
            }))
        })
    }

    /// Lists the caller's keys: `GET`.
    #[must_use]
    pub fn list(&self, gate: &Gate<P>) -> Endpoint<P> {
        let keys = self.keys.clone();
        let described = Described::new("GET", "Lists the caller's API keys.").answering(LISTED);
        owned(described, gate, move |_, owner, realm, wants| {
            let keys = keys.clone();
            Ok(Work::reading(move |_| async move {
                match listed(&keys, &owner.subject).await {
                    Ok(listed) => Reply::json(200, &json!({ "keys": listed })).with("cache-control", "no-store"),
                    Err(source) => unavailable(&realm, &source, wants),
                }
            }))
        })
    }

    /// Deletes the caller's key of the path parameter `id`: `DELETE`, answers 204, or 404 also for a key of someone else.
    #[must_use]
    pub fn delete(&self, gate: &Gate<P>) -> Endpoint<P> {
        let keys = self.keys.clone();
        let described = Described::new("DELETE", "Deletes one of the caller's API keys.")
            .answering(DONE)
            .refusing(&[(404, "It is nobody's, or somebody else's.")]);
        owned(described, gate, move |request, owner, realm, wants| {
            let Some(id) = request.parameter("id").map(std::borrow::Cow::into_owned) else {
                return Err(realm
                    .fault("keys are deleted on a route without the path parameter \"id\"", wants)
                    .reply());
            };
            // No key is called so, and a store may fail on it.
            if id.chars().any(char::is_control) {
                return Err(no_such_key());
            }
            let keys = keys.clone();
            Ok(Work::changing(request, &Arc::clone(&realm), move |_| async move {
                let revoked = realm.cache().revoked_afterwards(ApiKeys::<P>::handle(&id));
                match keys.store().remove(&owner.subject, &id).await {
                    Ok(true) => Reply::new(204),
                    Ok(false) => {
                        revoked.unneeded();
                        no_such_key()
                    }
                    Err(source) => unavailable(&realm, &source, wants),
                }
            }))
        })
    }
}

fn no_such_key() -> Reply {
    Reply::problem(404, "There is no such key.", None)
}

async fn create<P: Send + Sync + 'static>(
    keys: &ApiKeys<P>,
    most: usize,
    owner: &Owner,
    body: &[u8],
    realm: &Realm,
    wants: Wants,
) -> Result<Reply, Reply> {
    let wanted: Wanted = body::json(body)?;
    let life_fits = wanted.expires_in.is_none_or(|life| (1..=LONGEST_LIFE).contains(&life));
    if !name_fits(&wanted.name) || !life_fits {
        return Err(body::malformed());
    }
    let scopes = match &wanted.scopes {
        None => owner.scopes.clone(),
        Some(asked) => Scopes::of(asked.iter().map(String::as_str))
            .ok()
            .filter(|asked| owner.scopes.covers(asked))
            .ok_or_else(beyond)?,
    };
    let failed = |source| unavailable(realm, &source, wants);
    let too_many = || Reply::problem(409, "There are too many keys; delete one first.", None);
    if keys.store().count(&owner.subject).await.map_err(failed)? >= most {
        return Err(too_many());
    }
    let minted = keys.prefix().mint();
    let now = keys.clock().wall();
    let id = fresh_id();
    let record = ApiKeyRecord {
        id: id.clone(),
        subject: owner.subject.clone(),
        name: wanted.name.as_str().into(),
        visible: minted.visible().into(),
        scopes: scopes.clone(),
        all_scopes: wanted.scopes.is_none() && owner.hands_on_all(),
        created: now,
        ends: wanted.expires_in.map(|life| later(now, Duration::from_secs(life))),
        used: None,
    };
    let document = json!({
        "id": id,
        "key": minted.reveal(),
        "name": wanted.name,
        "scopes": scopes.iter().collect::<Vec<_>>(),
        "expires_at": record.ends.map(rfc3339),
    });
    keys.store().insert(minted.digest(), record).await.map_err(failed)?;
    // Others may have been made since the first look, or the caller's credential may have ended. A key that nobody was shown goes again.
    let made = match keys.store().count(&owner.subject).await {
        Ok(held) if held > most => Err(too_many()),
        Ok(_) => owner.ask_again(),
        Err(source) => Err(failed(source)),
    };
    if let Err(refused) = made {
        keys.store().remove(&owner.subject, &id).await.map_err(failed)?;
        return Err(refused);
    }
    Ok(Reply::json(201, &document).with("cache-control", "no-store"))
}

async fn listed<P: Send + Sync + 'static>(keys: &ApiKeys<P>, subject: &str) -> Result<Vec<Value>, Unavailable> {
    let records = keys.store().list(subject).await?;
    let all = keys.scopes_of_all(subject, &records).await?;
    Ok(records.iter().map(|record| shown(record, if record.all_scopes { &all } else { &record.scopes })).collect())
}

const MADE: &[Answered] = &[Answered::json(
    201,
    "The key.",
    &[
        Member::of("id", Shape::Text),
        Member::of("key", Shape::Text),
        Member::of("name", Shape::Text),
        Member::of("scopes", Shape::Each(&Shape::Text)),
        Member::of("expires_at", Shape::OrNull(&Shape::Moment)),
    ],
)];

const LISTED: &[Answered] = &[Answered::json(
    200,
    "The keys.",
    &[Member::of(
        "keys",
        Shape::Each(&Shape::Object(&[
            Member::of("id", Shape::Text),
            Member::of("name", Shape::Text),
            Member::of("prefix", Shape::Text),
            Member::of("scopes", Shape::Each(&Shape::Text)),
            Member::of("created_at", Shape::Moment),
            Member::of("expires_at", Shape::OrNull(&Shape::Moment)),
            Member::of("last_used_at", Shape::OrNull(&Shape::Moment)),
        ])),
    )],
)];

fn shown(record: &ApiKeyRecord, scopes: &Scopes) -> Value {
    json!({
        "id": record.id,
        "name": record.name,
        "prefix": record.visible,
        "scopes": scopes.iter().collect::<Vec<_>>(),
        "created_at": rfc3339(record.created),
        "expires_at": record.ends.map(rfc3339),
        "last_used_at": record.used.map(rfc3339),
    })
}

impl<P> Clone for ApiKeyEndpoints<P> {
    fn clone(&self) -> Self {
        Self { keys: self.keys.clone(), most: self.most }
    }
}

impl<P> fmt::Debug for ApiKeyEndpoints<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKeyEndpoints").field("at_most", &self.most).finish_non_exhaustive()
    }
}
