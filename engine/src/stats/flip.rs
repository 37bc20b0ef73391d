//! The exact test for new cases: each case's difference could as well have had the other sign.

use skill_schema::{Fault, codes};

use super::{
    Chance,
    count::{Spread, at_least},
};

/// Largest difference that is taken, per mille: that of 1,000 cases in one group, with the margin of a maintenance release.
const MAX_DIFFERENCE: u64 = 2_000_000;

/// `P(sum ≥ observed)` over all signs of these differences (per mille, a group's together where there are groups); those that are
/// 0 have no sign and are left out of the count. With none left the probability is 1 of 1.
///
/// # Errors
/// `E_GATE_SIZE` if there are more differences, or larger ones, than can be counted.
pub fn sign_flip(differences: &[i64]) -> Result<Chance, Fault> {
    let sizes = || differences.iter().map(|difference| difference.unsigned_abs()).filter(|&size| size > 0);
    if let Some(large) = sizes().find(|&size| size > MAX_DIFFERENCE) {
        return Err(Fault::new(codes::GATE_SIZE).detail(format!("a difference of {large} per mille")));
    }
    // The sum reaches what was observed iff the positive part does.
    let observed = differences.iter().filter(|&&difference| difference > 0).map(|difference| difference.unsigned_abs());
    at_least(sizes().map(|size| Spread::new(vec![(0, 1), (size, 1)])).collect(), observed.sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::vectors::{close, list};

    #[test]
    fn the_known_answers_hold() {
        for known in list("signflip") {
            let differences: Vec<i64> = serde_json::from_value(known["d"].clone()).unwrap();
            let found = sign_flip(&differences).unwrap();
            assert_eq!(found.favourable().to_string(), known["favourable"].to_string(), "{known}");
            assert_eq!(found.total().to_string(), known["total"].to_string(), "{known}");
            assert!(!found.is_rounded());
            close(found.value(), &known["p"], &known);
        }
    }

    #[test]
    fn no_difference_is_certain() {
        for none in [&[][..], &[0, 0]] {
            let found = sign_flip(none).unwrap();
            assert_eq!((found.value(), found.total().to_string()), (1.0, "1".to_owned()));
        }
    }

    #[test]
    fn a_thousand_cases_are_counted_to_the_last_digit() {
        let found = sign_flip(&[1000; 1000]).unwrap();
        assert_eq!(found.favourable().to_string(), "1");
        assert_eq!(found.total().bits(), 1001);
        let all = sign_flip(&[-1000; 1000]).unwrap();
        assert_eq!((all.favourable(), all.value()), (all.total(), 1.0));
    }

    #[test]
    fn a_difference_beyond_the_limit_is_refused() {
        let limit = i64::try_from(MAX_DIFFERENCE).unwrap();
        assert!(sign_flip(&[limit, -limit]).is_ok());
        assert_eq!(sign_flip(&[limit + 1]).unwrap_err().code, codes::GATE_SIZE);
        assert_eq!(sign_flip(&[i64::MIN]).unwrap_err().code, codes::GATE_SIZE);
    }
}
