//! A hash as it is stored: held against its limits, and verified.

use argon2::{Algorithm, Argon2, Block, MIN_SALT_LEN, Params, Version};
use password_hash::phc::PasswordHash;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

#[cfg(feature = "legacy-passwords")]
use super::legacy::hash::Legacy;
use super::{
    cost::{HashLimits, PasswordCost, blocks},
    fault::{HashFault, NoMemory, decimal},
    judged::{Judged, OUTPUTS},
};

/// A stored hash that can be verified within its limits.
pub(super) enum Stored {
    Argon2 {
        argon2: Argon2<'static>,
        params: Params,
        algorithm: Algorithm,
        version: Version,
        salt: Vec<u8>,
        hash: Vec<u8>,
    },
    #[cfg(feature = "legacy-passwords")]
    Legacy(Legacy),
}

impl Stored {
    /// A PHC string of Argon2.
    pub(super) fn argon2(text: &str, limits: &HashLimits) -> Result<Self, HashFault> {
        let phc = PasswordHash::new(text).map_err(|_| HashFault::Malformed)?;
        let algorithm = Algorithm::try_from(phc.algorithm.as_str()).map_err(|_| HashFault::Unsupported)?;
        // A string without a version is of the first one, by the format's rule.
        let version = match phc.version {
            None => Version::V0x10,
            Some(version) => Version::try_from(version).map_err(|_| HashFault::Unsupported)?,
        };
        // Held against the limits before anything is built of them.
        let [memory, passes, lanes] = ["m", "t", "p"].map(|name| phc.params.get(name).and_then(decimal));
        let (Some(memory), Some(passes), Some(lanes)) = (memory, passes, lanes) else {
            return Err(HashFault::Malformed);
        };
        if memory > limits.memory_kib || passes > limits.passes || lanes > limits.lanes {
            return Err(HashFault::TooCostly);
        }
        let params = Params::try_from(&phc).map_err(|_| HashFault::Malformed)?;
        let (Some(salt), Some(hash)) = (phc.salt, phc.hash) else { return Err(HashFault::Malformed) };
        if !OUTPUTS.contains(&hash.len()) || salt.len() < MIN_SALT_LEN {
            return Err(HashFault::Malformed);
        }
        let argon2 = Argon2::new(algorithm, version, params.clone());
        Ok(Self::Argon2 { argon2, params, algorithm, version, salt: salt.to_vec(), hash: hash.as_bytes().to_vec() })
    }

    /// Whether the password is this one.
    ///
    /// # Errors
    /// When there is not the memory.
    pub(super) fn judge(&self, password: &[u8], memory: &mut Vec<Block>) -> Result<Judged, NoMemory> {
        match self {
            Self::Argon2 { argon2, params, salt, hash, .. } => {
                let mut output = Zeroizing::new(vec![0; hash.len()]);
                let memory = blocks(memory, params).ok_or(NoMemory)?;
                // All else that could be wrong was found when it was read.
                argon2.hash_password_into_with_memory(password, salt, &mut output, memory).map_err(|_| NoMemory)?;
                Ok(Judged::at_a_cost(output.ct_eq(hash).into()))
            }
            #[cfg(feature = "legacy-passwords")]
            Self::Legacy(legacy) => legacy.judge(password),
        }
    }

    /// Whether it may be judged without any work.
    pub(super) fn may_cost_nothing(&self) -> bool {
        match self {
            Self::Argon2 { .. } => false,
            #[cfg(feature = "legacy-passwords")]
            Self::Legacy(_) => true,
        }
    }

    /// Whether a new hash would be harder to guess at.
    pub(super) fn is_outdated(&self, cost: &PasswordCost) -> bool {
        match self {
            Self::Argon2 { params, algorithm, version, .. } => {
                *algorithm != Algorithm::Argon2id || *version != Version::V0x13 || cost.exceeds(params)
            }
            #[cfg(feature = "legacy-passwords")]
            Self::Legacy(_) => true,
        }
    }
}
