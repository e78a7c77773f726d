//! The devices on which one is signed in: their list, and ending one of them or all.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{SessionEndpoints, to_the_page};
use crate::{
    credential::Extract,
    gate::Gate,
    mint::{
        endpoint::{
            Endpoint, Work,
            described::{Answered, DONE, DONE_BY_FORM, Described, Member, Shape},
            moment::rfc3339,
            owner::owned,
            unavailable,
        },
        session::patience::in_time,
    },
    response::Reply,
    store::SessionRecord,
};

impl<P: Send + Sync + 'static> SessionEndpoints<P> {
    /// Lists the sessions of whom this gate admits, newest first: `GET`, answers `{"sessions": [{"id", "created_at", "last_used_at",
    /// "expires_at", "address", "agent", "current"}]}`. `current` is true for the one that the request was let in by.
    #[must_use]
    pub fn list(&self, gate: &Gate<P>) -> Endpoint<P> {
        let sessions = self.sessions.clone();
        let described = Described::new("GET", "Lists the caller's sessions, newest first.").answering(LISTED);
        owned(described, gate, move |_, owner, realm, wants| {
            let sessions = sessions.clone();
            Ok(Work::reading(move |_| async move {
                let (scheme, id) = &owner.by;
                let current = id.as_deref().filter(|_| **scheme == *sessions.cookie.scheme());
                match in_time(sessions.list(&owner.subject)).await {
                    Ok(records) => {
                        let listed: Vec<Value> = records.iter().map(|record| shown(record, current)).collect();
                        Reply::json(200, &json!({ "sessions": listed })).with("cache-control", "no-store")
                    }
                    Err(source) => unavailable(&realm, &source, wants),
                }
            }))
        })
    }

    /// Ends the caller's session of the path parameter `id`: `DELETE`, answers 204, or 404 for one of somebody else or that has ended.
    #[must_use]
    pub fn end_one(&self, gate: &Gate<P>) -> Endpoint<P> {
        let described = Described::new("DELETE", "Ends one of the caller's sessions.");
        self.ending_one(described.answering(DONE), gate, |reply| reply)
    }

    /// The same for a form: `POST`, answers 303 to `/`.
    #[must_use]
    pub fn end_one_by_form(&self, gate: &Gate<P>) -> Endpoint<P> {
        let described = Described::new("POST", "Ends one of the caller's sessions by a form.");
        self.ending_one(described.answering(DONE_BY_FORM), gate, to_the_page)
    }

    /// Ends all sessions of the caller, the one that the request was let in by among them, and voids whatever else the cache has of the
    /// caller: `DELETE`, answers 204 and has this browser forget its cookie. API keys and tokens stay: see
    /// [`Revocation`](crate::mint::revocation::Revocation).
    #[must_use]
    pub fn end_all(&self, gate: &Gate<P>) -> Endpoint<P> {
        let described = Described::new("DELETE", "Ends all of the caller's sessions.").answering(DONE);
        self.ending_all(described, gate, |reply| reply)
    }

    /// The same for a form: `POST`, answers 303 to `/`.
    #[must_use]
    pub fn end_all_by_form(&self, gate: &Gate<P>) -> Endpoint<P> {
        let described = Described::new("POST", "Ends all of the caller's sessions by a form.").answering(DONE_BY_FORM);
        self.ending_all(described, gate, to_the_page)
    }

    fn ending_all(&self, described: Described, gate: &Gate<P>, finish: fn(Reply) -> Reply) -> Endpoint<P> {
        let sessions = self.sessions.clone();
        owned(described, gate, move |request, owner, realm, wants| {
            let clear = sessions.cookie.clear(request);
            let sessions = sessions.clone();
            Ok(Work::changing(request, &Arc::clone(&realm), move |_| async move {
                if let Err(source) = sessions.end_all(&owner.subject, Some(realm.cache())).await {
                    return unavailable(&realm, &source, wants);
                }
                let reply = Reply::new(204).with("cache-control", "no-store");
                finish(clear.into_iter().fold(reply, |reply, clear| reply.with("set-cookie", clear)))
            }))
        })
    }

    fn ending_one(&self, described: Described, gate: &Gate<P>, finish: fn(Reply) -> Reply) -> Endpoint<P> {
        let sessions = self.sessions.clone();
        let described = described.refusing(&[(404, "It is nobody's, or somebody else's, or over.")]);
        owned(described, gate, move |request, owner, realm, wants| {
            let Some(id) = request.parameter("id").map(std::borrow::Cow::into_owned) else {
                let sentence = "sessions are ended on a route without the path parameter \"id\"";
                return Err(realm.fault(sentence, wants).reply());
            };
            let sessions = sessions.clone();
            Ok(Work::changing(request, &Arc::clone(&realm), move |_| async move {
                match sessions.end_of(&owner.subject, &id, Some(realm.cache())).await {
                    Ok(true) => finish(Reply::new(204).with("cache-control", "no-store")),
                    Ok(false) => Reply::problem(404, "There is no such session.", None),
                    Err(source) => unavailable(&realm, &source, wants),
                }
            }))
        })
    }
}

const LISTED: &[Answered] = &[Answered::json(
    200,
    "The sessions.",
    &[Member::of(
        "sessions",
        Shape::Each(&Shape::Object(&[
            Member::of("id", Shape::Text),
            Member::of("created_at", Shape::Moment),
            Member::of("last_used_at", Shape::Moment),
            Member::of("expires_at", Shape::Moment),
            Member::of("address", Shape::OrNull(&Shape::Text)),
            Member::of("agent", Shape::OrNull(&Shape::Text)),
            Member::of("current", Shape::Flag),
        ])),
    )],
)];

fn shown(record: &SessionRecord, current: Option<&str>) -> Value {
    json!({
        "id": record.id,
        "created_at": rfc3339(record.created),
        "last_used_at": rfc3339(record.used),
        "expires_at": rfc3339(record.ends),
        "address": record.address.map(|address| address.to_string()),
        "agent": record.agent,
        "current": current == Some(&*record.id),
    })
}
