//! What a password hash costs: [`PasswordCost`] for new ones, [`HashLimits`] for stored ones.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use password_hash::phc::{Output, ParamsString, PasswordHash, Salt};

use crate::secret::{Secret, random::random_bytes};

/// The parameters of new Argon2id hashes. An unknown name costs exactly this too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordCost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// The most that a stored hash may cost, of whatever kind. What is above is not computed: it is
/// [`TooCostly`](super::HashFault::TooCostly), and its owner refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "config", derive(serde::Deserialize), serde(default, deny_unknown_fields))]
pub struct HashLimits {
    #[cfg_attr(feature = "config", serde(rename = "memory", deserialize_with = "crate::config::units::kib"))]
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
    pub(super) bcrypt_cost: u32,
    pub(super) pbkdf2_rounds: u32,
}

/// Bytes of a new salt (RFC 9106 §3.1 recommends 16).
const SALT: usize = 16;
/// Bytes of a new hash.
const OUTPUT: usize = 32;

impl Default for PasswordCost {
    /// 19 MiB, two passes, one lane: the OWASP recommendation, 10 to 30 ms.
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 }
    }
}

impl PasswordCost {
    /// Memory from 8 KiB a lane to 256 MiB, 1 to 10 passes, 1 to 16 lanes; `None` otherwise. Lanes are computed one after
    /// the other.
    #[must_use]
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Option<Self> {
        let most = HashLimits::default();
        let fits = (1..=most.lanes).contains(&lanes)
            && (1..=most.passes).contains(&passes)
            && (8 * lanes..=most.memory_kib).contains(&memory_kib);
        fits.then_some(Self { memory_kib, passes, lanes })
    }

    /// 64 MiB, three passes, four lanes: the second recommendation of RFC 9106 §4, some five times the default.
    #[must_use]
    pub fn rfc9106() -> Self {
        Self { memory_kib: 64 * 1024, passes: 3, lanes: 4 }
    }

    /// 256 KiB, one pass, one lane: for tests and load tests alone. It protects no password.
    #[must_use]
    pub fn fast() -> Self {
        Self { memory_kib: 256, passes: 1, lanes: 1 }
    }

    /// The PHC string of this password with a fresh salt, computed on this thread: for start-up and command lines. In a
    /// server use [`Passwords::hash`](super::Passwords::hash), which keeps to its threads.
    ///
    /// `None` where there is not the memory.
    #[must_use]
    pub fn hash_now(&self, password: &Secret) -> Option<String> {
        self.hash_in(password.expose(), &mut Vec::new())
    }

    pub(super) fn hash_in(&self, password: &[u8], memory: &mut Vec<Block>) -> Option<String> {
        let (params, salt, mut output) = (self.params()?, random_bytes::<SALT>(), [0; OUTPUT]);
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
        argon2.hash_password_into_with_memory(password, &salt, &mut output, blocks(memory, &params)?).ok()?;
        phc(&params, &salt, &output)
    }

    /// A hash that no password has, in all else like a new one: what an unknown name is verified against.
    pub(super) fn dummy(&self) -> Option<String> {
        phc(&self.params()?, &random_bytes::<SALT>(), &random_bytes::<OUTPUT>())
    }

    fn params(&self) -> Option<Params> {
        Params::new(self.memory_kib, self.passes, self.lanes, Some(OUTPUT)).ok()
    }

    /// How much memory a verification takes, in blocks of 1 KiB.
    pub(super) fn blocks(&self) -> usize {
        usize::try_from(self.memory_kib).unwrap_or(usize::MAX)
    }

    /// Whether an Argon2id hash of these parameters is cheaper to guess at than a new one.
    pub(super) fn exceeds(&self, stored: &Params) -> bool {
        let work = |memory: u32, passes: u32| u64::from(memory) * u64::from(passes);
        stored.m_cost() < self.memory_kib
            || work(stored.m_cost(), stored.t_cost()) < work(self.memory_kib, self.passes)
            || stored.output_len().is_some_and(|length| length < OUTPUT)
    }
}

impl Default for HashLimits {
    fn default() -> Self {
        Self { memory_kib: 256 * 1024, passes: 10, lanes: 16, bcrypt_cost: 15, pbkdf2_rounds: 2_000_000 }
    }
}

impl HashLimits {
    /// The most memory, in KiB: 256 MiB. Each thread may take so much. For scrypt as well.
    #[must_use]
    pub fn memory_kib(mut self, most: u32) -> Self {
        self.memory_kib = most;
        self
    }

    /// The most passes: 10.
    #[must_use]
    pub fn passes(mut self, most: u32) -> Self {
        self.passes = most;
        self
    }

    /// The most lanes, which scrypt calls parallelism: 16.
    #[must_use]
    pub fn lanes(mut self, most: u32) -> Self {
        self.lanes = most;
        self
    }

    /// The highest bcrypt cost: 15, some two seconds.
    #[must_use]
    pub fn bcrypt_cost(mut self, most: u32) -> Self {
        self.bcrypt_cost = most;
        self
    }

    /// The most rounds of PBKDF2: two million, some two seconds. For an output longer than its digest, each part counts.
    #[must_use]
    pub fn pbkdf2_rounds(mut self, most: u32) -> Self {
        self.pbkdf2_rounds = most;
        self
    }
}

fn phc(params: &Params, salt: &[u8], output: &[u8]) -> Option<String> {
    let phc = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).ok()?,
        salt: Some(Salt::new(salt).ok()?),
        hash: Some(Output::new(output).ok()?),
    };
    Some(phc.to_string())
}

/// The memory grown to what the parameters need; `None` where the system has no more.
pub(super) fn blocks<'m>(memory: &'m mut Vec<Block>, params: &Params) -> Option<&'m mut [Block]> {
    let needed = params.block_count();
    if memory.len() < needed {
        memory.try_reserve_exact(needed - memory.len()).ok()?;
        memory.resize(needed, Block::new());
    }
    memory.get_mut(..needed)
}
