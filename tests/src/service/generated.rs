//! Routes behind several guards, drawn by a seed, and what each answers: whoever the handler sees is whom every guard in front admitted.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use countersign::{Answer, credential::CookieCredential};
use countersign::{
    ApiKey, Basic, Bearer, Gate, Grant, Verified, demand,
    gate::policy::scope,
    verifier::{PasswordTable, TokenTable, verify_with},
};

use super::{
    Person,
    gate::{clock, cookie_named},
    people::person,
};

demand!(
    /// What some of the generated routes demand.
    pub BySession: only ["cookie"]
);

/// The kinds that the generated routes choose among; the first two share a field.
const KINDS: [&str; 4] = ["basic", "bearer", "cookie", "api-key"];
const BASIC: usize = 0;
const BEARER: usize = 1;
const COOKIE: usize = 2;
const KEY: usize = 3;
const ALL: u8 = 0b1111;

/// Whom each kind's right credential names, and whether they may write reports.
const PEOPLE: [(&str, bool); 4] = [("jacob", true), ("emma", false), ("emily", true), ("bob", false)];

/// What the handler of a generated route asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Asks {
    /// Nothing: it takes the grant that the guards in front left, or asks for `Visitor<Person>` where they leave none.
    WhatIsLeft,
    /// `Granted<Person>`.
    Granted,
    /// `Granted<Person, BySession>`.
    GrantedBySession,
    /// `Granted<Person, WritesReports>`.
    GrantedWriting,
    /// `Visitor<Person>`.
    Visitor,
    /// `Visitor<Person, BySession>`.
    VisitorBySession,
}

/// A route to mount: GET, behind these guards, the outermost first.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct GeneratedRoute {
    /// The path, without parameters.
    pub path: String,
    /// The gates to enforce, the outermost first.
    pub guards: Vec<Gate<Person>>,
    /// What the handler asks for; it answers what [`saw`](super::Service::saw) returns.
    pub asks: Asks,
    model: Vec<Model>,
}

/// One guard, as the model knows it.
#[derive(Debug, Clone, Copy)]
struct Model {
    elsewhere: bool,
    takes: u8,
    lets_anybody_in: bool,
    writes: bool,
}

/// What is sent of each kind: nothing, a right credential, or a wrong one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    Nothing,
    Right,
    Wrong,
}

/// What of a request is sent, by kind.
pub(crate) type Credentials = [Sent; 4];

/// Draws numbers; the same for the same seed.
#[derive(Debug, Clone)]
pub(crate) struct Draw(u64);

impl Draw {
    /// By the seed in `CONFORMANCE_SEED`, or a new one.
    pub(crate) fn seed() -> u64 {
        let given = std::env::var("CONFORMANCE_SEED").ok().and_then(|seed| seed.parse().ok());
        given.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64))
    }

    pub(crate) fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// Below `bound` (splitmix64).
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn of_kinds(&mut self) -> u8 {
        1 + u8::try_from(self.below(u64::from(ALL))).unwrap_or_default()
    }

    pub(crate) fn credentials(&mut self) -> Credentials {
        let mut sent = [Sent::Nothing; 4];
        match self.below(4) {
            0 => sent[BASIC] = Sent::Right,
            1 => sent[BEARER] = Sent::Right,
            2 => sent[BEARER] = Sent::Wrong,
            _ => {}
        }
        sent[COOKIE] = if self.below(2) == 0 { Sent::Right } else { Sent::Nothing };
        sent[KEY] =
            [Sent::Nothing, Sent::Nothing, Sent::Right, Sent::Wrong][usize::try_from(self.below(4)).unwrap_or(0)];
        sent
    }
}

/// So many routes, behind the gate of the cases and one that knows other people by the same credentials.
pub(super) fn routes(gate: &Gate<Person>, draw: &mut Draw, count: usize) -> Vec<GeneratedRoute> {
    let elsewhere = elsewhere();
    (0..count).map(|number| route(number, gate, &elsewhere, draw)).collect()
}

fn route(number: usize, gate: &Gate<Person>, elsewhere: &Gate<Person>, draw: &mut Draw) -> GeneratedRoute {
    let mut model = Vec::new();
    for _ in 0..=draw.below(3) {
        model.push(Model {
            elsewhere: draw.below(3) == 0,
            takes: if draw.below(3) == 0 { ALL } else { draw.of_kinds() },
            lets_anybody_in: draw.below(4) == 0,
            writes: draw.below(5) == 0,
        });
    }
    let asks = match draw.below(6) {
        0 => Asks::Granted,
        1 => Asks::GrantedBySession,
        2 => Asks::GrantedWriting,
        3 => Asks::Visitor,
        4 => Asks::VisitorBySession,
        // Frameworks without extensions have no word for whom another gate saw.
        _ if model.last().is_some_and(|guard| !guard.elsewhere) => Asks::WhatIsLeft,
        _ => Asks::Granted,
    };
    let guards = model.iter().map(|guard| guard.gate(if guard.elsewhere { elsewhere } else { gate })).collect();
    GeneratedRoute { path: format!("/generated/{number}"), guards, asks, model }
}

/// A gate of its own, whose people are others.
fn elsewhere() -> Gate<Person> {
    let whom = |kind: usize| named(kind, " elsewhere");
    let session = whom(COOKIE);
    Gate::in_realm("elsewhere")
        .accept(Basic, PasswordTable::new().with("jacob", "jacob-is-admin", whom(BASIC)))
        .accept(Bearer, TokenTable::new().with("emma-reads", whom(BEARER)))
        .accept(
            cookie_named("session"),
            verify_with(move |cookie: CookieCredential| {
                let answer =
                    if cookie.value().matches(b"emily-session") { session.clone().into() } else { Answer::Refused };
                async move { answer }
            }),
        )
        .accept(ApiKey::in_header("X-API-Key"), TokenTable::new().with("person-bob", whom(KEY)))
        .timed_by(clock())
        .build()
        .expect("the other gate can be built")
}

fn named(kind: usize, suffix: &str) -> Verified<Person> {
    let (name, writes) = PEOPLE[kind];
    person(&format!("{name}{suffix}"), if writes { "reports:write" } else { "" }, &[])
}

/// A caller, as a handler of a generated route tells of them.
pub(super) fn told(grant: Option<&Grant<Person>>) -> String {
    grant.map_or_else(|| "nobody".to_owned(), |grant| format!("{} by {}", grant.name(), grant.scheme()))
}

impl Model {
    fn gate(&self, gate: &Gate<Person>) -> Gate<Person> {
        let kinds = (0..KINDS.len()).filter(|kind| self.takes >> kind & 1 == 1).map(|kind| KINDS[kind]);
        let mut gate = match self.takes {
            ALL => gate.clone(),
            _ => gate.only(kinds).expect("the gate takes these"),
        };
        if self.writes {
            gate = gate.require(scope("reports:write"));
        }
        if self.lets_anybody_in { gate.or_anonymous() } else { gate }
    }

    /// Whom this guard sees, or the status of its refusal. `force` is what the earlier guards of its gate left.
    fn sees(self, sent: Credentials, force: Option<Force>) -> Result<Option<usize>, u16> {
        let takes = self.takes & force.map_or(ALL, |force| force.takes);
        if takes == 0 {
            return Err(500);
        }
        let is_taken = |kind: usize| takes >> kind & 1 == 1;
        let seen = match force {
            Some(force) => force.seen.filter(|kind| is_taken(*kind)),
            None => {
                let explicit: Vec<usize> = [BASIC, BEARER, KEY]
                    .into_iter()
                    .filter(|kind| is_taken(*kind) && sent[*kind] != Sent::Nothing)
                    .collect();
                match explicit.as_slice() {
                    [] => (is_taken(COOKIE) && sent[COOKIE] != Sent::Nothing).then_some(COOKIE),
                    [kind] => Some(*kind),
                    _ => return Err(400),
                }
            }
        };
        match seen {
            Some(kind) if sent[kind] == Sent::Wrong => Err(401),
            Some(kind) if self.writes && !PEOPLE[kind].1 => Err(403),
            None if !self.lets_anybody_in => Err(401),
            seen => Ok(seen),
        }
    }
}

/// What the guards of one gate have in force.
#[derive(Debug, Clone, Copy)]
struct Force {
    takes: u8,
    seen: Option<usize>,
}

impl GeneratedRoute {
    /// What the handler tells of whom it sees, or the status of the refusal.
    pub(crate) fn answers(&self, sent: Credentials) -> Result<String, u16> {
        let mut forces: BTreeMap<bool, Force> = BTreeMap::new();
        let mut left = None;
        for guard in &self.model {
            let force = forces.get(&guard.elsewhere).copied();
            let seen = guard.sees(sent, force)?;
            let takes = guard.takes & force.map_or(ALL, |force| force.takes);
            forces.insert(guard.elsewhere, Force { takes, seen: seen.or(force.and_then(|force| force.seen)) });
            left = seen;
        }
        let asked = |takes, lets_anybody_in, writes| {
            let guard = Model { elsewhere: false, takes, lets_anybody_in, writes };
            guard.sees(sent, forces.get(&false).copied())
        };
        let seen = match self.asks {
            Asks::WhatIsLeft => left,
            Asks::Granted => asked(ALL, false, false)?,
            Asks::GrantedBySession => asked(1 << COOKIE, false, false)?,
            Asks::GrantedWriting => asked(ALL, false, true)?,
            Asks::Visitor => asked(ALL, true, false)?,
            Asks::VisitorBySession => asked(1 << COOKIE, true, false)?,
        };
        Ok(seen.map_or_else(|| "nobody".to_owned(), |kind| format!("{} by {}", PEOPLE[kind].0, KINDS[kind])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_routes() {
        let gate = elsewhere();
        let drawn = |seed| {
            format!("{:?}", routes(&gate, &mut Draw::of(seed), 50).iter().map(|route| &route.model).collect::<Vec<_>>())
        };
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
    }
}
