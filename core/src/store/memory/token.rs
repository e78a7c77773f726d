//! Families of refresh tokens, and what is void, in this process: gone with it, and shared with no copy.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use async_trait::async_trait;

use super::MemoryOutbox;
use crate::{
    principal::Handle,
    store::{FamilyRecord, RefreshStore, RevocationStore, Rotated, Rotation, Standing, SubjectFloor},
    unavailable::Unavailable,
};

/// Families and revocations in memory, for tests, and for services that may forget at a restart what they revoked: where their signing
/// key goes with the process too, nothing comes back.
///
/// No call takes longer because of what others have.
#[derive(Default)]
pub struct MemoryTokens {
    kept: Mutex<Kept>,
    outbox: Option<Arc<MemoryOutbox>>,
}

#[derive(Default)]
struct Kept {
    families: HashMap<Box<str>, FamilyRecord>,
    /// The families by their handles.
    ids: HashMap<Handle, Box<str>>,
    /// The families of each subject, oldest first. At every moment this and those above speak of the same.
    owned: HashMap<Box<str>, Vec<Box<str>>>,
    family_ends: BTreeSet<(SystemTime, Box<str>)>,
    floors: HashMap<Box<str>, SubjectFloor>,
    void: HashMap<Handle, SystemTime>,
    void_ends: BTreeSet<(SystemTime, Handle)>,
}

impl MemoryTokens {
    /// Writes into this outbox what is made void here, in one step with it: for several caches in one process.
    #[must_use]
    pub fn announcing_in(mut self, outbox: Arc<MemoryOutbox>) -> Self {
        self.outbox = Some(outbox);
        self
    }

    /// Called while what it tells of is locked.
    fn announce(&self, void: Handle) {
        if let Some(outbox) = &self.outbox {
            outbox.write_handle(void);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn floor(&self, subject: &str) -> SubjectFloor {
        self.floors.get(subject).copied().unwrap_or_default()
    }

    fn live(&self, id: &str, now: SystemTime) -> Option<&FamilyRecord> {
        let family = self.families.get(id)?;
        let stands = now < family.ends && !self.floor(&family.subject).voids_generation(family.generation);
        stands.then_some(family)
    }

    fn insert(&mut self, family: FamilyRecord) {
        self.remove(&family.id.clone());
        self.ids.insert(family.handle(), family.id.clone());
        self.owned.entry(family.subject.clone()).or_default().push(family.id.clone());
        self.family_ends.insert((family.ends, family.id.clone()));
        self.families.insert(family.id.clone(), family);
    }

    fn remove(&mut self, id: &str) -> Option<FamilyRecord> {
        let family = self.families.remove(id)?;
        self.ids.remove(&family.handle());
        self.family_ends.remove(&(family.ends, family.id.clone()));
        if let Some(owned) = self.owned.get_mut(&family.subject) {
            owned.retain(|known| *known != family.id);
            if owned.is_empty() {
                self.owned.remove(&family.subject);
            }
        }
        Some(family)
    }

    fn make_void(&mut self, handle: Handle, until: SystemTime) {
        let earlier = self.void.get(&handle).copied();
        if let Some(earlier) = earlier {
            self.void_ends.remove(&(earlier, handle));
        }
        let until = earlier.map_or(until, |earlier| earlier.max(until));
        self.void.insert(handle, until);
        self.void_ends.insert((until, handle));
    }

    fn turn(&mut self, rotation: &Rotation) {
        let Some(family) = self.families.get_mut(&rotation.id) else { return };
        self.family_ends.remove(&(family.ends, family.id.clone()));
        family.previous = Some(rotation.spent);
        family.current = rotation.successor;
        family.used = rotation.now;
        family.ends = rotation.ends;
        family.address = rotation.address;
        family.agent.clone_from(&rotation.agent);
        self.family_ends.insert((family.ends, family.id.clone()));
    }
}

#[async_trait]
impl RevocationStore for MemoryTokens {
    async fn standing(&self, subject: &str, handles: &[Handle]) -> Result<Standing, Unavailable> {
        let kept = self.kept();
        let revoked = handles.iter().any(|handle| kept.void.contains_key(handle));
        Ok(Standing { floor: kept.floor(subject), revoked })
    }

    async fn revoke_subject(&self, subject: &str, now: SystemTime) -> Result<(), Unavailable> {
        let mut kept = self.kept();
        let earlier = kept.floor(subject);
        let floor = SubjectFloor { generation: earlier.generation + 1, revoked_at: earlier.revoked_at.max(Some(now)) };
        kept.floors.insert(subject.into(), floor);
        for id in kept.owned.get(subject).cloned().unwrap_or_default() {
            kept.remove(&id);
        }
        self.announce(Handle::subject(subject));
        Ok(())
    }

    async fn revoke(&self, handle: Handle, until: SystemTime) -> Result<(), Unavailable> {
        let mut kept = self.kept();
        kept.make_void(handle, until);
        if let Some(id) = kept.ids.get(&handle).cloned() {
            kept.remove(&id);
        }
        self.announce(handle);
        Ok(())
    }

    async fn purge(&self, now: SystemTime, most: usize) -> Result<usize, Unavailable> {
        let mut kept = self.kept();
        let mut gone = 0;
        while gone < most
            && let Some((end, handle)) = kept.void_ends.first().copied()
            && end <= now
        {
            kept.void_ends.pop_first();
            kept.void.remove(&handle);
            gone += 1;
        }
        let mut families = 0;
        while families < most
            && let Some((end, id)) = kept.family_ends.first().cloned()
            && end <= now
        {
            kept.remove(&id);
            families += 1;
        }
        Ok(gone + families)
    }
}

#[async_trait]
impl RefreshStore for MemoryTokens {
    async fn begin(&self, family: FamilyRecord, most: usize) -> Result<(), Unavailable> {
        let mut kept = self.kept();
        let now = family.created;
        for id in kept.owned.get(&family.subject).cloned().unwrap_or_default() {
            if kept.live(&id, now).is_none() {
                kept.remove(&id);
            }
        }
        let held = kept.owned.get(&family.subject).cloned().unwrap_or_default();
        for id in held.iter().take((held.len() + 1).saturating_sub(most.max(1))) {
            kept.remove(id);
        }
        kept.insert(family);
        Ok(())
    }

    async fn find(&self, id: &str, now: SystemTime) -> Result<Option<FamilyRecord>, Unavailable> {
        Ok(self.kept().live(id, now).cloned())
    }

    async fn rotate(&self, rotation: Rotation) -> Result<Rotated, Unavailable> {
        let mut kept = self.kept();
        let Some(family) = kept.live(&rotation.id, rotation.now) else { return Ok(Rotated::Unknown) };
        let (rotated, handle) = (family.judge(&rotation), family.handle());
        match rotated {
            Rotated::Now => kept.turn(&rotation),
            Rotated::Reused => {
                kept.make_void(handle, rotation.void_until);
                kept.remove(&rotation.id);
                self.announce(handle);
            }
            Rotated::Again | Rotated::Unknown => {}
        }
        Ok(rotated)
    }

    async fn list(&self, subject: &str, now: SystemTime) -> Result<Vec<FamilyRecord>, Unavailable> {
        let kept = self.kept();
        let owned = kept.owned.get(subject).into_iter().flatten();
        Ok(owned.filter_map(|id| kept.live(id, now)).cloned().collect())
    }
}

impl fmt::Debug for MemoryTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.kept();
        f.debug_struct("MemoryTokens")
            .field("families", &kept.families.len())
            .field("void", &kept.void.len())
            .finish_non_exhaustive()
    }
}
