//! The plain model, and its steps, each taken at one of the copies too.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use countersign::{
    clock::Clock,
    mint::{api_key::NewApiKey, session::Begun},
};
use tokio::time::sleep;

use super::{
    Tally,
    random::Random,
    world::{Copy, FAMILY, MOST, SESSION, SUBJECTS, World, from},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Session,
    Token,
    Key,
}

/// Something that lets its owner in.
#[derive(Debug)]
pub(crate) struct Pass {
    kind: Kind,
    subject: usize,
    id: String,
    field: (&'static str, String),
    /// The family that a token came of.
    family: usize,
    ends: Duration,
    /// By which copy it was ended, and when.
    ended: Option<(usize, Duration)>,
    /// Where it was let in, so that it may be remembered there, and where it was refused.
    known: [bool; 2],
    refused: [bool; 2],
}

#[derive(Debug)]
pub(crate) struct Family {
    subject: usize,
    id: String,
    /// The token that is good, and the one before it.
    turns: Vec<String>,
    created: Duration,
    ends: Duration,
    /// Neither void nor made way.
    stands: bool,
}

pub(crate) struct Model {
    pub(crate) seed: u64,
    pub(crate) step: usize,
    pub(crate) random: Random,
    pub(crate) world: Arc<World>,
    pub(crate) copies: [Copy; 2],
    pub(crate) passes: Vec<Pass>,
    pub(crate) families: Vec<Family>,
    pub(crate) well_since: Duration,
    /// What was ended last.
    pub(crate) lately: Option<usize>,
    /// And before, since time last passed.
    pub(crate) recent: Vec<usize>,
}

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// A session's cookie, a token and a family speak of whole seconds at places.
fn is_near(end: Duration, now: Duration) -> bool {
    end.abs_diff(now) <= SECOND
}

impl Model {
    pub(crate) fn now(&self) -> Duration {
        self.world.clock.monotonic()
    }

    pub(crate) fn place(&self) -> String {
        format!("COUNTERSIGN_SEED={}, step {}, at {:?}", self.seed, self.step, self.now())
    }

    /// How late the other copy may hear.
    fn bound(&self) -> Duration {
        match self.now() - self.well_since > SECOND * 6 {
            true => Duration::from_millis(530),
            false => SECOND * 7 + Duration::from_millis(100),
        }
    }

    /// One of these that there is, the latest more often than not.
    fn one_of(&mut self, kind: Kind) -> Option<usize> {
        let all: Vec<_> = (0..self.passes.len()).filter(|at| self.passes[*at].kind == kind).collect();
        let back = self.random.below(8).min(self.random.below(8));
        all.len().checked_sub(1 + back).map(|at| all[at])
    }

    fn is_good(&self, at: usize) -> bool {
        self.passes[at].ended.is_none() && self.now() < self.passes[at].ends
    }

    fn end(&mut self, copy: usize, which: impl Fn(&Pass) -> bool) {
        let now = self.now();
        self.lately = (0..self.passes.len()).rev().find(|at| which(&self.passes[*at]));
        self.recent.extend(self.lately);
        for pass in self.passes.iter_mut().filter(|pass| pass.ended.is_none() && which(pass)) {
            pass.ended = Some((copy, now));
        }
    }

    fn begun(&mut self, subject: usize, begun: &Begun, ends: Duration) {
        let cookie = begun.set_cookie().split(';').next().unwrap().to_owned();
        self.hand_out(Kind::Session, subject, begun.id(), ("cookie", cookie), ends);
    }

    fn hand_out(&mut self, kind: Kind, subject: usize, id: &str, field: (&'static str, String), ends: Duration) {
        let family = self.families.len().saturating_sub(1);
        let pass = Pass {
            kind,
            subject,
            id: id.to_owned(),
            field,
            family,
            ends,
            ended: None,
            known: [false; 2],
            refused: [false; 2],
        };
        self.passes.push(pass);
    }

    /// Those that began first have made way, and no more than had to.
    async fn make_way(&mut self, copy: usize, subject: usize, tally: &mut Tally) {
        let listed = self.copies[copy].sessions.list(SUBJECTS[subject]).await.unwrap();
        let is_listed = |pass: &Pass| listed.iter().any(|record| *record.id == *pass.id);
        let own = |pass: &&Pass| pass.kind == Kind::Session && pass.subject == subject;
        let gone: Vec<_> = (0..self.passes.len())
            .filter(|at| own(&&self.passes[*at]) && self.is_good(*at) && !is_listed(&self.passes[*at]))
            .collect();
        assert!(listed.len() <= MOST && (gone.is_empty() || listed.len() == MOST), "{}", self.place());
        let first =
            self.passes.iter().enumerate().filter(|(_, pass)| own(pass) && is_listed(pass)).map(|(at, _)| at).min();
        assert!(gone.iter().all(|gone| Some(*gone) < first), "{}: {gone:?} {first:?}", self.place());
        tally.made_way += gone.len();
        let now = self.now();
        gone.into_iter().for_each(|gone| self.passes[gone].ended = Some((copy, now)));
    }

    /// Shows it to a copy, and judges what that says.
    pub(crate) async fn show(&mut self, copy: usize, at: usize, tally: &mut Tally) {
        let now = self.now();
        if is_near(self.passes[at].ends, now) {
            return;
        }
        let admitted = self.copies[copy].admits(&self.passes[at].field).await;
        let (good, bound, place) = (self.is_good(at), self.bound(), self.place());
        let pass = &mut self.passes[at];
        let told = format!("{place}: copy {copy} says {admitted:?} of {pass:?}");
        if good {
            assert_eq!(admitted.as_deref(), Some(SUBJECTS[pass.subject]), "{told}");
            pass.known[copy] = true;
            tally.let_in += 1;
        } else if admitted.is_none() {
            pass.refused[copy] = true;
            tally.refused += 1;
            tally.over += usize::from(pass.ended.is_none());
        } else {
            let Some((by, since)) = pass.ended else { panic!("it is over: {told}") };
            assert!(by != copy, "it was ended here: {told}");
            assert!(pass.known[copy], "it was never looked up here while it was good: {told}");
            assert!(!pass.refused[copy], "it was refused before: {told}");
            assert!(now - since <= bound, "too late, by {:?}: {told}", now - since);
            tally.late += 1;
        }
    }

    async fn rotate(&mut self, copy: usize, tally: &mut Tally) {
        let Some(last) = self.families.len().checked_sub(1) else { return };
        let at = last - self.random.below(6).min(self.random.below(6)).min(last);
        let age = self.random.below(6) / 5;
        let (now, place) = (self.now(), self.place());
        let family = &self.families[at];
        let Some(token) = family.turns.iter().rev().nth(age) else { return };
        if is_near(family.ends, now) {
            return;
        }
        let stands = family.stands && now < family.ends;
        let on = &self.copies[copy];
        let answer = on.tokens.refresh(token.as_bytes(), &from(None), &on.cache).await.unwrap();
        assert_eq!(answer.is_some(), stands && age == 0, "{place}: {age} turns old, of {family:?}");
        let subject = family.subject;
        if let Some(issued) = answer {
            let family = &mut self.families[at];
            family.turns.push(issued.refresh_token().to_owned());
            family.ends = (now + FAMILY[0]).min(family.created + FAMILY[1]);
            let field = ("authorization", format!("Bearer {}", issued.access_token()));
            self.hand_out(Kind::Token, subject, "", field, now + Duration::from_secs(600));
            self.passes.last_mut().unwrap().family = at;
            tally.rotated += 1;
        } else if stands {
            self.families[at].stands = false;
            self.end(copy, |pass| pass.kind == Kind::Token && pass.family == at);
            tally.reused += 1;
        }
    }

    pub(crate) async fn step(&mut self, tally: &mut Tally) {
        let (copy, subject) = (self.random.below(2), self.random.below(SUBJECTS.len()));
        let (name, now) = (SUBJECTS[subject], self.now());
        match self.random.below(37) {
            0..3 => {
                let begun = self.copies[copy].sessions.begin(name, &from(None)).await.unwrap();
                self.begun(subject, &begun, now + SESSION);
                self.make_way(copy, subject, tally).await;
            }
            3..5 => {
                let on = &self.copies[copy];
                let issued = on.tokens.begin(name, None, &from(None)).await.unwrap().unwrap();
                let own = |family: &&mut Family| family.subject == subject && family.stands && now < family.ends;
                let too_many = (self.families.iter_mut().filter(own).count() + 1).saturating_sub(MOST);
                self.families.iter_mut().filter(own).take(too_many).for_each(|oldest| oldest.stands = false);
                let id = on.tokens.families_of(name).await.unwrap().last().unwrap().id.to_string();
                let turns = vec![issued.refresh_token().to_owned()];
                let ends = now + FAMILY[0];
                self.families.push(Family { subject, id, turns, created: now, ends, stands: true });
                let field = ("authorization", format!("Bearer {}", issued.access_token()));
                self.hand_out(Kind::Token, subject, "", field, now + Duration::from_secs(600));
            }
            5 => {
                let wanted = NewApiKey::named("mine").unwrap();
                let created = self.copies[copy].keys.create(name, wanted).await.unwrap().unwrap();
                let field = ("x-api-key", created.reveal().to_owned());
                self.hand_out(Kind::Key, subject, created.id(), field, Duration::MAX);
            }
            6..16 => {
                let kind = [Kind::Session, Kind::Token, Kind::Key][self.random.below(3)];
                let Some(at) = self.one_of(kind) else { return };
                // At both, so that both may remember it.
                self.show(copy, at, tally).await;
                self.show(1 - copy, at, tally).await;
            }
            16..21 => self.rotate(copy, tally).await,
            21..23 => self.end_session(copy).await,
            23 => self.renew(copy).await,
            24 => self.give_back(copy).await,
            25 => {
                let Some(at) = self.one_of(Kind::Key) else { return };
                let (whose, id) = (SUBJECTS[self.passes[at].subject], self.passes[at].id.clone());
                let deleted = self.copies[copy].keys.delete(whose, &id).await.unwrap();
                assert_eq!(deleted, self.is_good(at), "{}", self.place());
                self.end(copy, |pass| pass.id == id);
            }
            26 => {
                let wall = self.world.clock.wall();
                self.copies[copy].revocation.revoke_all_of(name, wall).await.unwrap();
                self.families
                    .iter_mut()
                    .filter(|family| family.subject == subject)
                    .for_each(|family| family.stands = false);
                self.end(copy, |pass| pass.kind != Kind::Key && pass.subject == subject);
            }
            27 => {
                self.copies[copy].sessions.end_all_of(name).await.unwrap();
                self.end(copy, |pass| pass.kind == Kind::Session && pass.subject == subject);
            }
            28..32 => {
                let millis = self.random.below(1_200) as u64;
                self.pass(Duration::from_millis(millis), tally).await;
            }
            32..34 => {
                let seconds = self.random.below(60) as u64;
                self.pass(Duration::from_secs(seconds), tally).await;
            }
            34 => self.end_family(copy).await,
            35 => self.world.cut(),
            _ => {
                let away = self.random.below(3) == 0;
                self.world.unreadable.store(away, Ordering::Relaxed);
            }
        }
    }

    /// Lets time pass, and asks for what was ended before.
    async fn pass(&mut self, time: Duration, tally: &mut Tally) {
        sleep(time).await;
        for at in std::mem::take(&mut self.recent) {
            self.show(0, at, tally).await;
            self.show(1, at, tally).await;
        }
    }

    async fn end_session(&mut self, copy: usize) {
        let Some(at) = self.one_of(Kind::Session) else { return };
        let (on, pass, now) = (&self.copies[copy], &self.passes[at], self.now());
        if is_near(pass.ends, now) {
            return;
        }
        if self.random.below(2) == 0 {
            on.sessions.end(&from(Some(&pass.field))).await.unwrap();
        } else {
            let (other, good) = (SUBJECTS[(pass.subject + 1) % SUBJECTS.len()], self.is_good(at));
            assert!(!on.sessions.end_one_of(other, &pass.id).await.unwrap(), "somebody else's: {}", self.place());
            let ended = on.sessions.end_one_of(SUBJECTS[pass.subject], &pass.id).await.unwrap();
            assert_eq!(ended, good, "{}", self.place());
        }
        let id = self.passes[at].id.clone();
        self.end(copy, |pass| pass.id == id);
    }

    /// A fresh identifier for the same session: the one before opens nothing.
    async fn renew(&mut self, copy: usize) {
        let Some(at) = self.one_of(Kind::Session) else { return };
        let (good, ends, subject) = (self.is_good(at), self.passes[at].ends, self.passes[at].subject);
        if is_near(ends, self.now()) {
            return;
        }
        let begun = self.copies[copy].sessions.renew(&from(Some(&self.passes[at].field))).await.unwrap();
        assert_eq!(begun.is_some(), good, "{}", self.place());
        let Some(begun) = begun else { return };
        let id = self.passes[at].id.clone();
        self.begun(subject, &begun, ends);
        self.end(copy, |pass| pass.id == id);
        let mut tally = Tally::default();
        self.make_way(copy, subject, &mut tally).await;
        assert_eq!(tally.made_way, 0, "one session for another: {}", self.place());
    }

    /// Ends a family by its id, as a list of devices does.
    async fn end_family(&mut self, copy: usize) {
        let Some(at) = self.families.len().checked_sub(1 + self.random.below(5)) else { return };
        let (family, now) = (&self.families[at], self.now());
        if is_near(family.ends, now) {
            return;
        }
        let stands = family.stands && now < family.ends;
        let (on, other) = (&self.copies[copy], SUBJECTS[(family.subject + 1) % SUBJECTS.len()]);
        assert!(!on.tokens.end(other, &family.id, &on.cache).await.unwrap(), "somebody else's: {}", self.place());
        let ended = on.tokens.end(SUBJECTS[family.subject], &family.id, &on.cache).await.unwrap();
        assert_eq!(ended, stands, "{}: {family:?}", self.place());
        if ended {
            self.families[at].stands = false;
            self.end(copy, |pass| pass.kind == Kind::Token && pass.family == at);
        }
    }

    async fn give_back(&mut self, copy: usize) {
        let Some(at) = self.one_of(Kind::Token) else { return };
        if !self.is_good(at) || is_near(self.passes[at].ends, self.now()) {
            return;
        }
        let (status, family) = (self.copies[copy].give_back(&self.passes[at].field).await, self.passes[at].family);
        assert_eq!(status, 204, "{}", self.place());
        self.families[family].stands = false;
        self.end(copy, |pass| pass.kind == Kind::Token && pass.family == family);
    }
}
