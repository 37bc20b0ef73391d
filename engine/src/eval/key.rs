//! What a run depends on, as a digest; and its seed.

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

/// The places of runs in the cache: digests of everything that a run depends on. The other cases of the suite are not among it, so that
/// a case that is added costs only its own runs; so the score key counts without its split. An exact run is not one that may have
/// depended on what ran beside it.
pub(super) struct Places {
    /// The score key and the mode as canonical JSON: the same for all runs, so they are written once.
    shared: String,
}

impl Places {
    /// Places of runs under this score key.
    ///
    /// # Errors
    /// If a limit of the key is past 2⁵³-1.
    pub fn new(key: &ScoreKey, mode: Mode) -> Result<Self, Fault> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("canonical JSON is UTF-8");
        let key = text(jcs::to_vec(&ScoreKey { split: Digest::ZERO, ..key.clone() })?);
        let mode = text(jcs::to_vec(&mode)?);
        Ok(Self { shared: format!(r#""format":1,"key":{key},"mode":{mode}"#) })
    }

    /// The place of one run: the digest of an object as canonical JSON.
    pub fn of_run(&self, skill: Option<Digest>, case: Digest, seed: u64) -> Digest {
        let shared = &self.shared;
        let skill = skill.map_or_else(|| "null".to_owned(), |skill| format!("\"{skill}\""));
        sha256(format!(r#"{{"case":"{case}",{shared},"seed":{seed},"skill":{skill}}}"#).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sample;

    #[test]
    fn a_runs_place_is_the_digest_of_canonical_json() {
        let key = sample::record().key;
        let (places, case, seed) = (Places::new(&key, Mode::Exact).unwrap(), sha256(b"case"), (1 << 53) - 1);
        for skill in [None, Some(sha256(b"skill"))] {
            let key = ScoreKey { split: Digest::ZERO, ..key.clone() };
            let whole = serde_json::json!({
                "skill": skill, "seed": seed, "mode": Mode::Exact, "key": key, "format": 1, "case": case,
            });
            assert_eq!(places.of_run(skill, case, seed), sha256(&jcs::to_vec(&whole).unwrap()));
        }
        let of = |key: &ScoreKey, mode| Places::new(key, mode).unwrap().of_run(None, case, 1);
        let other = ScoreKey { split: sha256(b"other cases"), ..key.clone() };
        assert_eq!(of(&other, Mode::Exact), of(&key, Mode::Exact));
        assert_ne!(places.of_run(None, case, 1), places.of_run(None, case, 2));
        // A run that depends on other runs is no exact one.
        assert_ne!(of(&key, Mode::Throughput), of(&key, Mode::Exact));
    }

    #[test]
    fn seeds_are_stable_small_and_differ_by_case_and_repeat() {
        let all = [seed("s", "a", 0), seed("s", "a", 1), seed("s", "b", 0), seed("t", "a", 0)];
        assert_eq!(all[0], seed("s", "a", 0));
        assert!(all.iter().all(|seed| *seed < 1 << 53));
        assert_eq!(std::collections::BTreeSet::from(all).len(), 4);
    }
}
