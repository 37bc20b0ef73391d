//! What one check finds: a share of 1, nothing usable, or nothing at all; and how shares are ordered.

use std::cmp::Ordering;

use super::evidence;

/// A fraction between 0 and 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    num: u64,
    den: u64,
}

impl Share {
    pub(super) const ZERO: Self = Self { num: 0, den: 1 };
    pub(super) const ONE: Self = Self { num: 1, den: 1 };

    /// `num / den`, if that is a fraction between 0 and 1.
    pub(super) fn new(num: u64, den: u64) -> Option<Self> {
        (den > 0 && num <= den).then_some(Self { num, den })
    }

    /// What is missing to 1.
    pub(super) fn complement(self) -> Self {
        Self { num: self.den - self.num, den: self.den }
    }

    /// `[numerator, denominator]`.
    pub(super) fn parts(self) -> [u64; 2] {
        [self.num, self.den]
    }
}

impl PartialEq for Share {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Share {}

impl PartialOrd for Share {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Share {
    fn cmp(&self, other: &Self) -> Ordering {
        (u128::from(self.num) * u128::from(other.den)).cmp(&(u128::from(other.num) * u128::from(self.den)))
    }
}

/// What a check found. The order of the first two is that of how well it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// What is looked at is not there or cannot be read: the run's fault. It counts as 0, and stays so inside `not`, so that
    /// "does not contain" never passes on a file that was not written.
    Broken,
    /// How much of the check passed.
    Share(Share),
}

/// A check's outcome with what was found, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// `None`: the check could not be made, which is not the run's fault.
    pub level: Option<Level>,
    /// In words or as a quotation; made fit to print by [`Finding::evidence`].
    evidence: String,
}

impl Finding {
    pub(super) fn new(level: Option<Level>, evidence: impl Into<String>) -> Self {
        Self { level, evidence: evidence.into() }
    }

    pub(super) fn share(share: Share, evidence: impl Into<String>) -> Self {
        Self::new(Some(Level::Share(share)), evidence)
    }

    /// Passed or failed as a whole.
    pub(super) fn of(passed: bool, evidence: impl Into<String>) -> Self {
        Self::share(if passed { Share::ONE } else { Share::ZERO }, evidence)
    }

    pub(super) fn pass(evidence: impl Into<String>) -> Self {
        Self::of(true, evidence)
    }

    pub(super) fn fail(evidence: impl Into<String>) -> Self {
        Self::of(false, evidence)
    }

    /// The run's fault, whatever stands around the check.
    pub(super) fn broken(evidence: impl Into<String>) -> Self {
        Self::new(Some(Level::Broken), evidence)
    }

    /// Missing data: the suite's, the grader's or the machine's fault.
    pub(super) fn missing(evidence: impl Into<String>) -> Self {
        Self::new(None, evidence)
    }

    /// `[numerator, denominator]`, or `None` if missing.
    pub(super) fn value(&self) -> Option<[u64; 2]> {
        self.level.map(|level| match level {
            Level::Broken => Share::ZERO.parts(),
            Level::Share(share) => share.parts(),
        })
    }

    /// What was found, escaped and cut.
    pub(super) fn evidence(&self) -> String {
        evidence::printable(&self.evidence)
    }

    /// What was found as it is, for a check that holds this one.
    pub(super) fn raw_evidence(&self) -> &str {
        &self.evidence
    }
}
