//! The four plausible simplifications of the algorithm, for tests alone: each must be caught.

/// What a hasty rewrite might do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Who joined a flight takes its answer without asking whether it is fresh.
    JoinersUnchecked,
    /// `seq` is raised first, the floor after it.
    NumberBeforeFloor,
    /// `started` is read when the verifier has answered.
    NumberAfterVerification,
    /// The cache is told before the store's own change is committed.
    RevokeBeforeChange,
}
