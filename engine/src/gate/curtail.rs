//! Stopping early without changing a verdict: bounds on what is not finished.

use skill_schema::Fault;

use super::Policy;
use crate::stats::{Alpha, sign_flip};

/// What is certain before all runs are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Curtailed {
    /// Whatever comes, the gain is large enough and significant. Critical cases, categories, tokens and the recorded mean are not
    /// looked at.
    Accept,
    /// Whatever comes, the gain is too small or not significant.
    Reject,
    /// It depends on what comes.
    Continue,
}

/// What is certain, from the differences of finished cases and from bounds `(lowest, highest)` on those of the others, all per
/// mille, rounded as `p_case` takes them, of cases that stand alone. `step` is the least gain. `p_case` and −Δ never rise as a
/// difference rises, so the ends of the bounds decide. With the standard policy `p_case` says nothing, and only the gain rejects.
///
/// # Errors
/// `E_GATE_SIZE` if there are more differences than can be counted.
pub fn curtail(policy: Policy, done: &[i64], rest: &[(i64, i64)], alpha: Alpha, step: i64) -> Result<Curtailed, Fault> {
    let with = |ends: &dyn Fn(&(i64, i64)) -> i64| done.iter().copied().chain(rest.iter().map(ends)).collect();
    let (lowest, highest): (Vec<i64>, Vec<i64>) = (with(&|bounds| bounds.0), with(&|bounds| bounds.1));
    // The gain itself is not rounded: it is within half of a per mille of what the rounded differences say.
    if gains(&highest, step) < -1 {
        return Ok(Curtailed::Reject);
    }
    if policy == Policy::Standard {
        return Ok(Curtailed::Continue);
    }
    if !sign_flip(&highest)?.at_most(alpha) {
        return Ok(Curtailed::Reject);
    }
    let is_certain = gains(&lowest, step) > 0 && exceeds_error(&lowest) && sign_flip(&lowest)?.at_most(alpha);
    Ok(if is_certain { Curtailed::Accept } else { Curtailed::Continue })
}

/// The sign of `Δ − step`, and twice it if the rounding of the differences cannot change it.
fn gains(differences: &[i64], step: i64) -> i64 {
    let n = i128::try_from(differences.len()).expect("a length fits");
    let above = 2 * (sum(differences) - i128::from(step) * n);
    let sign = i64::try_from(above.signum()).expect("a sign");
    // On the edge nothing is certain below, and the gain is reached only if nothing was rounded down.
    if above.abs() > n { 2 * sign } else { sign.min(0) }
}

/// Whether `Δ ≥ SE` for these differences and all larger ones. It is the same as `(Σd)² ≥ Σd²`, and the difference of the two is
/// linear in each single one, rising where the sum of the others is not negative. Half a per mille each is left for rounding.
fn exceeds_error(differences: &[i64]) -> bool {
    let n = i128::try_from(differences.len()).expect("a length fits");
    let twice = 2 * sum(differences) - n;
    let squares: i128 = differences.iter().map(|&one| (2 * i128::from(one).abs() + 1).pow(2)).sum();
    let rises = differences.iter().all(|&one| twice - 2 * i128::from(one) >= 0);
    twice >= 0 && rises && twice.pow(2) >= squares
}

fn sum(differences: &[i64]) -> i128 {
    differences.iter().map(|&one| i128::from(one)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::vectors::list;

    #[test]
    fn the_known_answers_hold() {
        for known in list("curtail") {
            assert_eq!(known["alpha"].as_f64(), Some(Alpha::FIRST.value()));
            let done: Vec<i64> = serde_json::from_value(known["done"].clone()).unwrap();
            let rest: Vec<(i64, i64)> = serde_json::from_value(known["rest"].clone()).unwrap();
            let found = curtail(Policy::Strict, &done, &rest, Alpha::FIRST, known["eta"].as_i64().unwrap()).unwrap();
            assert_eq!(format!("{found:?}").to_lowercase(), known["out"].as_str().unwrap(), "{known}");
        }
    }

    #[test]
    fn what_is_certain_is_said_before_the_end() {
        let wins = [1000; 12];
        let ask = |policy, rest: &[(i64, i64)]| curtail(policy, &wins, rest, Alpha::FIRST, 10).unwrap();
        assert_eq!(ask(Policy::Strict, &[(-1000, 1000); 2]), Curtailed::Accept);
        assert_eq!(ask(Policy::Strict, &[(-1000, 1000); 8]), Curtailed::Continue);
        assert_eq!(ask(Policy::Standard, &[(-1000, 1000); 2]), Curtailed::Continue);
        let losses = curtail(Policy::Standard, &[-1000; 3], &[(-1000, 1000); 3], Alpha::FIRST, 10).unwrap();
        assert_eq!(losses, Curtailed::Reject);
    }

    #[test]
    fn a_gain_on_the_edge_waits() {
        // 80 of 8 cases is exactly the step; rounding may have moved each difference by half.
        let ask = |one: i64| curtail(Policy::Standard, &[one; 8], &[], Alpha::FIRST, 10).unwrap();
        assert_eq!([9, 10, 11].map(ask), [Curtailed::Reject, Curtailed::Continue, Curtailed::Continue]);
    }
}
