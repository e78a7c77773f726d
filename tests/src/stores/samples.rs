//! Records that a store is given.

use std::time::{Duration, SystemTime};

use countersign::{
    Scopes,
    secret::TokenDigest,
    store::{ApiKeyRecord, FamilyRecord, Rotation, SessionRecord},
};

/// So many seconds after a moment of this century that is a whole second.
pub(crate) fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000 + seconds)
}

pub(crate) fn digest(number: u64) -> TokenDigest {
    TokenDigest::of(&number.to_le_bytes())
}

pub(crate) fn session(subject: &str, number: u64) -> SessionRecord {
    SessionRecord {
        id: format!("s-{subject}-{number}").into(),
        subject: subject.into(),
        generation: 3,
        created: at(number),
        authenticated: at(number + 1),
        used: at(number + 2),
        idle: Duration::from_secs(1800),
        ends: at(number + 40_000),
        address: None,
        agent: None,
        data: None,
        revision: 0,
    }
}

pub(crate) fn key(subject: &str, number: u64) -> ApiKeyRecord {
    ApiKeyRecord {
        id: format!("k-{subject}-{number}").into(),
        subject: subject.into(),
        name: "mine".into(),
        visible: "ppl_abcd".into(),
        scopes: "reports:read reports:write".parse::<Scopes>().expect("scopes"),
        all_scopes: false,
        created: at(number),
        ends: None,
        used: None,
    }
}

pub(crate) fn family(subject: &str, number: u64) -> FamilyRecord {
    FamilyRecord {
        id: format!("f-{subject}-{number}").into(),
        subject: subject.into(),
        generation: 0,
        scopes: "reports:read".parse::<Scopes>().expect("scopes"),
        all_scopes: false,
        current: digest(number * 1000),
        previous: None,
        created: at(number),
        used: at(number),
        ends: at(number + 40_000),
        address: None,
        agent: None,
    }
}

/// From one token of this family to the next.
pub(crate) fn rotation(family: &FamilyRecord, spent: TokenDigest, successor: TokenDigest) -> Rotation {
    Rotation {
        id: family.id.clone(),
        spent,
        successor,
        now: at(100),
        ends: at(40_000),
        address: None,
        agent: None,
        forgiven: Duration::ZERO,
        void_until: at(50_000),
    }
}
