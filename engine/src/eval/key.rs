//! What a run depends on, as a digest; and its seed.

use serde::Serialize;
use skill_bundle::{hash::sha256, jcs};
use skill_schema::{Digest, Fault};

use crate::{model::Mode, record::ScoreKey, suite::split::h64};

/// Bits of a seed: canonical JSON has no larger integers.
const SEED_BITS: u32 = 53;

/// The seed of a case's repeat: the same in both arms, in every eval and on every machine.
pub fn seed(salt: &str, case: &str, repeat: u32) -> u64 {
    h64(&[salt, "seed", case, &repeat.to_string()]) >> (64 - SEED_BITS)
}

/// What the seeds of an attempt are made from in place of the suite's salt: each attempt has runs of its own, and nobody can show those
/// of an earlier one again.
pub fn salt_of(salt: &str, attempt: Option<&Digest>) -> String {
    attempt.map_or_else(|| salt.to_owned(), |attempt| format!("{salt}@{attempt}"))
}

/// Everything that a run depends on. The other cases of the suite are not among it, so that a case that is added costs only its own
/// runs; so the score key counts without its split. An exact run is not one that may have depended on what ran beside it.
#[derive(Serialize)]
struct Conditions<'a> {
    format: u32,
    key: &'a ScoreKey,
    skill: Option<Digest>,
    case: Digest,
    seed: u64,
    mode: Mode,
}

/// The place of a run in the cache.
///
/// # Errors
/// If a limit of the key is past 2⁵³-1.
pub(super) fn of_run(
    key: &ScoreKey,
    skill: Option<Digest>,
    case: Digest,
    seed: u64,
    mode: Mode,
) -> Result<Digest, Fault> {
    let key = ScoreKey { split: Digest::ZERO, ..key.clone() };
    Ok(sha256(&jcs::to_vec(&Conditions { format: 1, key: &key, skill, case, seed, mode })?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Engine as _, Sampling, mock::Mock},
        suite::Limits,
    };

    #[test]
    fn a_run_that_depends_on_other_runs_is_no_exact_one() {
        let mock = Mock::answering(|_| String::new());
        let limits = Limits::default();
        let key = ScoreKey::new(Digest::ZERO, mock.fingerprint(), &Sampling::default(), limits);
        let of = |mode| of_run(&key, None, Digest::ZERO, 1, mode).expect("a digest");
        assert_eq!(of(Mode::Exact), of(Mode::Exact));
        assert_ne!(of(Mode::Exact), of(Mode::Throughput));
    }

    #[test]
    fn seeds_are_stable_small_and_differ_by_case_and_repeat() {
        let all = [seed("s", "a", 0), seed("s", "a", 1), seed("s", "b", 0), seed("t", "a", 0)];
        assert_eq!(all[0], seed("s", "a", 0));
        assert!(all.iter().all(|seed| *seed < 1 << 53));
        assert_eq!(std::collections::BTreeSet::from(all).len(), 4);
    }
}
