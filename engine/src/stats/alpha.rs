//! The ledger of attempts: each failed one halves what the next may claim by chance.

/// The level at which a verdict is made: `0.05 · 2^(−failed)`. So all attempts together accept an equally good candidate in at
/// most one of ten cases, however many are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Alpha {
    /// Failed attempts since the last accept or refresh of the holdout, per holdout, lineage and model.
    pub failed: u32,
}

impl Alpha {
    /// The level of a first attempt, 1/20.
    pub const FIRST: Self = Self { failed: 0 };

    /// The level after so many failed attempts.
    pub const fn after(failed: u32) -> Self {
        Self { failed }
    }

    /// As a float; exactly half of the one before.
    pub fn value(self) -> f64 {
        0.05 * 0.5_f64.powi(i32::try_from(self.failed).unwrap_or(i32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::vectors;

    #[test]
    fn the_known_answers_hold() {
        for known in vectors::list("alpha") {
            let failed = u32::try_from(known["failed"].as_u64().unwrap()).unwrap();
            assert_eq!(Some(Alpha::after(failed).value()), known["alpha"].as_f64(), "{known}");
        }
    }
}
