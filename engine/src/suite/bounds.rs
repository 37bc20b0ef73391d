//! Every bound on what a suite may be, with its reason.

/// Limits of a suite that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of `evals.json`: it is read whole, and a person should be able to review it.
    pub bytes: usize,
    /// Levels of lists and objects in it: bounds recursion.
    pub depth: usize,
    /// Bytes of one text or number, as it is written: longer input belongs into a file of the case.
    pub text: usize,
    /// Cases: bounds the comparison of all with all.
    pub cases: usize,
    /// Checks of a case, expectations of a case, files of a case; each.
    pub items: usize,
    /// Bytes of an id, a name, a category or a group: they stand in tables and in the lock.
    pub name: usize,
    /// Weight of a check at most: keeps sums of weights exact.
    pub weight: u64,
    /// Bytes of `split.lock`.
    pub lock: usize,
}

impl Bounds {
    /// The limits of suite format 1.
    pub const V1: Self = Self {
        bytes: 4 * 1024 * 1024,
        depth: 32,
        text: 256 * 1024,
        cases: 5_000,
        items: 200,
        name: 200,
        weight: 1_000,
        lock: 4 * 1024 * 1024,
    };
}
