//! Metric cases: a command's own number is compared with the baseline's of the same repeat, so that both come from one machine in
//! one session. The better one scores 1, equal ones a half each.

use crate::{
    run::{Arm, Run},
    suite::{Case, Task},
};

/// Id and kind of a metric case's one check.
pub const CHECK: &str = "metric";

/// Gives the runs of metric cases their scores. Without a baseline every number scores 1.
pub fn settle(cases: &[Case], runs: &mut [Run]) {
    for case in cases {
        let Task::Metric { minimize, .. } = case.task else { continue };
        let repeats: std::collections::BTreeSet<u32> =
            runs.iter().filter(|run| run.case == case.id).map(|run| run.repeat).collect();
        for repeat in repeats {
            let [base, cand] = [Arm::Base, Arm::Cand].map(|arm| number(runs, &case.id, arm, repeat));
            if let (Some(base), Some(cand)) = (base, cand) {
                let better = if minimize { cand.1 < base.1 } else { cand.1 > base.1 };
                let (won, lost) = if better { (cand.0, base.0) } else { (base.0, cand.0) };
                let equal = (base.1 - cand.1).abs() <= f64::EPSILON * base.1.abs();
                set(&mut runs[won], if equal { [1, 2] } else { [1, 1] });
                set(&mut runs[lost], if equal { [1, 2] } else { [0, 1] });
            }
        }
    }
}

/// The index of a scored run, and its number.
fn number(runs: &[Run], case: &str, arm: Arm, repeat: u32) -> Option<(usize, f64)> {
    let at = runs.iter().position(|run| run.arm == arm && run.case == case && run.repeat == repeat)?;
    Some((at, number_of(&runs[at])?))
}

/// The number that the command of a metric case printed; none if the run is of another case or has none.
pub(crate) fn number_of(run: &Run) -> Option<f64> {
    let check = run.checks.iter().find(|check| check.id == CHECK)?;
    check.evidence.trim().parse::<f64>().ok().filter(|number| number.is_finite())
}

fn set(run: &mut Run, value: [u64; 2]) {
    for check in run.checks.iter_mut().filter(|check| check.id == CHECK) {
        check.value = Some(value);
    }
    run.score = Some(if value[0] == 0 { 0 } else { u16::try_from(1000 * value[0] / value[1]).unwrap_or(1000) });
}
