//! The result of a record, from its runs and cases alone. Sums are integers, so that every machine finds the same; only the
//! intervals need a square root and a quantile, and these are rounded to millionths.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    CaseFacts, MILLION,
    interval::estimate,
    result::{ArmSummary, CaseArm, CaseResult, CategoryResult, Delta, Interval, ResultSummary, Statuses},
};
use crate::run::{Arm, Run};

/// Millionths in one per-mille.
const PER_MILLE: i128 = 1_000;

/// The result that these runs of these cases give.
///
/// A case is complete if each arm that was run has as many scored runs of it as the most that any case and arm has; a case with a
/// missing run is dropped from both arms. Runs of unknown cases are not counted.
pub fn compute(runs: &[Run], cases: &[CaseFacts]) -> ResultSummary {
    let table = Table::new(runs, cases);
    let complete: Vec<&Row> = table.rows.iter().filter(|row| row.complete).collect();
    let groups: Vec<&str> = complete.iter().map(|row| row.facts.group.as_str()).collect();
    let summary = |arm| summarise(&complete, &groups, arm, table.repeats);
    let mut statuses = Statuses::default();
    for run in runs {
        statuses.add(run.status);
    }
    ResultSummary {
        cases: count(complete.len()),
        groups: count(groups.iter().collect::<BTreeSet<_>>().len()),
        repeats: count(table.repeats),
        dropped: table.rows.iter().filter(|row| !row.complete).map(|row| row.facts.id.clone()).collect(),
        statuses,
        base: table.has_base.then(|| summary(Arm::Base)),
        cand: summary(Arm::Cand),
        delta: if table.has_base { difference(&complete, &groups, table.repeats) } else { None },
        categories: categories(&complete, table.has_base, table.repeats),
        by_case: table.rows.iter().map(|row| row.result(table.has_base, table.repeats)).collect(),
    }
}

/// The runs by case.
struct Table<'a> {
    rows: Vec<Row<'a>>,
    has_base: bool,
    /// The most runs that any case and arm has.
    repeats: usize,
}

/// One case with its runs, by repeat.
struct Row<'a> {
    facts: &'a CaseFacts,
    base: Vec<&'a Run>,
    cand: Vec<&'a Run>,
    complete: bool,
}

impl<'a> Table<'a> {
    fn new(runs: &'a [Run], cases: &'a [CaseFacts]) -> Self {
        let mut by_case: BTreeMap<(&str, Arm), Vec<&Run>> = BTreeMap::new();
        for run in runs {
            by_case.entry((&run.case, run.arm)).or_default().push(run);
        }
        let mut take = |id: &'a str, arm| {
            let mut found = by_case.remove(&(id, arm)).unwrap_or_default();
            found.sort_by_key(|run| run.repeat);
            found
        };
        let row = |facts: &'a CaseFacts| {
            let (base, cand) = (take(&facts.id, Arm::Base), take(&facts.id, Arm::Cand));
            Row { facts, base, cand, complete: false }
        };
        let mut rows: Vec<Row> = cases.iter().map(row).collect();
        let has_base = rows.iter().any(|row| !row.base.is_empty());
        let repeats = rows.iter().map(|row| row.base.len().max(row.cand.len())).max().unwrap_or(0);
        for row in &mut rows {
            let whole = |runs: &[&Run]| runs.len() == repeats && runs.iter().all(|run| score(run).is_some());
            row.complete = repeats > 0 && whole(&row.cand) && (!has_base || whole(&row.base));
        }
        Self { rows, has_base, repeats }
    }
}

impl Row<'_> {
    fn runs(&self, arm: Arm) -> &[&Run] {
        match arm {
            Arm::Base => &self.base,
            Arm::Cand => &self.cand,
        }
    }

    /// Sum of the per-mille scores of an arm.
    fn sum(&self, arm: Arm) -> i128 {
        self.runs(arm).iter().filter_map(|run| score(run)).map(i128::from).sum()
    }

    fn arm(&self, arm: Arm) -> Option<CaseArm> {
        let runs = self.runs(arm);
        let scored: Vec<&Run> = runs.iter().filter(|run| score(run).is_some()).copied().collect();
        (!runs.is_empty()).then(|| CaseArm {
            mean_ppm: ratio(self.sum(arm) * PER_MILLE, wide(scored.len())),
            scores: runs.iter().map(|run| score(run)).collect(),
            tokens: average(&scored, tokens),
        })
    }

    fn result(&self, has_base: bool, repeats: usize) -> CaseResult {
        let difference = (self.sum(Arm::Cand) - self.sum(Arm::Base)) * PER_MILLE;
        CaseResult {
            id: self.facts.id.clone(),
            complete: self.complete,
            base: self.arm(Arm::Base),
            cand: self.arm(Arm::Cand),
            delta_ppm: if has_base && self.complete { ratio(difference, wide(repeats)) } else { None },
        }
    }
}

/// A run's score, if its status allows one.
fn score(run: &Run) -> Option<u16> {
    run.score.filter(|_| run.status.is_scored())
}

fn tokens(run: &Run) -> u64 {
    run.usage.prompt_tokens.saturating_add(run.usage.output_tokens)
}

fn summarise(complete: &[&Row], groups: &[&str], arm: Arm, repeats: usize) -> ArmSummary {
    let runs: Vec<&Run> = complete.iter().flat_map(|row| row.runs(arm)).copied().collect();
    let sum: i128 = complete.iter().map(|row| row.sum(arm)).sum();
    let values: Vec<f64> = complete.iter().map(|row| share(row.sum(arm), repeats)).collect();
    ArmSummary {
        mean_ppm: ratio(sum * PER_MILLE, wide(runs.len())),
        interval: estimate(&values, groups).map(interval),
        tokens: average(&runs, tokens),
        ms: average(&runs, |run| run.usage.ms),
        cost_micros: average(&runs, |run| run.usage.cost_micros),
    }
}

fn difference(complete: &[&Row], groups: &[&str], repeats: usize) -> Option<Delta> {
    let differences: Vec<i128> = complete.iter().map(|row| row.sum(Arm::Cand) - row.sum(Arm::Base)).collect();
    let values: Vec<f64> = differences.iter().map(|sum| share(*sum, repeats)).collect();
    let estimate = estimate(&values, groups);
    let runs = wide(complete.len()) * wide(repeats);
    let sum: i128 = differences.iter().sum();
    let base: i128 = complete.iter().map(|row| row.sum(Arm::Base)).sum();
    let like = |sign: i128| count(differences.iter().filter(|d| d.signum() == sign).count());
    Some(Delta {
        mean_ppm: ratio(sum * PER_MILLE, runs)?,
        se_ppm: estimate.map(|e| ppm(e.se)),
        interval: estimate.map(interval),
        gain_ppm: ratio(sum * i128::from(MILLION), runs * PER_MILLE - base),
        better: like(1),
        worse: like(-1),
        tied: like(0),
    })
}

fn categories(complete: &[&Row], has_base: bool, repeats: usize) -> Vec<CategoryResult> {
    let mut names: Vec<&str> = Vec::new();
    for row in complete {
        if !names.contains(&row.facts.category.as_str()) {
            names.push(&row.facts.category);
        }
    }
    let one = |name: &&str| {
        let rows: Vec<&&Row> = complete.iter().filter(|row| row.facts.category == **name).collect();
        let sum = |arm| rows.iter().map(|row| row.sum(arm)).sum::<i128>() * PER_MILLE;
        let runs = wide(rows.len()) * wide(repeats);
        let against = |value| if has_base { ratio(value, runs) } else { None };
        CategoryResult {
            category: (*name).to_owned(),
            cases: count(rows.len()),
            base_ppm: against(sum(Arm::Base)),
            cand_ppm: ratio(sum(Arm::Cand), runs),
            delta_ppm: against(sum(Arm::Cand) - sum(Arm::Base)),
        }
    };
    names.iter().map(one).collect()
}

fn interval(estimate: crate::stats::Interval) -> Interval {
    Interval { low_ppm: ppm(estimate.lo), high_ppm: ppm(estimate.hi) }
}

/// The mean of a case as a share of one.
#[expect(clippy::cast_precision_loss, reason = "sums of at most 2^32 scores of at most 1,000")]
fn share(sum: i128, repeats: usize) -> f64 {
    sum as f64 / (repeats as f64 * 1_000.0)
}

#[expect(clippy::cast_possible_truncation, reason = "a share is at most a few units, and a cast saturates")]
fn ppm(value: f64) -> i64 {
    (value * 1e6).round_ties_even() as i64
}

/// Mean of what the runs used, rounded half-even; 0 without runs.
fn average(runs: &[&Run], of: impl Fn(&Run) -> u64) -> u64 {
    let sum: i128 = runs.iter().map(|run| i128::from(of(run))).sum();
    ratio(sum, wide(runs.len())).and_then(|mean| u64::try_from(mean).ok()).unwrap_or(0)
}

/// `numerator / denominator` rounded half-even; none if the denominator is not positive or the result is out of range.
pub(super) fn ratio(numerator: i128, denominator: i128) -> Option<i64> {
    if denominator <= 0 {
        return None;
    }
    let (floor, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    let up = match (2 * rest).cmp(&denominator) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => floor % 2 != 0,
        std::cmp::Ordering::Greater => true,
    };
    i64::try_from(floor + i128::from(up)).ok()
}

fn wide(count: usize) -> i128 {
    i128::try_from(count).unwrap_or(i128::MAX)
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::ratio;

    #[test]
    fn halves_go_to_the_even_neighbour() {
        for (numerator, denominator, result) in [
            (1, 2, 0),
            (3, 2, 2),
            (5, 2, 2),
            (-1, 2, 0),
            (-3, 2, -2),
            (-5, 2, -2),
            (1, 3, 0),
            (2, 3, 1),
            (-2, 3, -1),
            (7, 7, 1),
        ] {
            assert_eq!(ratio(numerator, denominator), Some(result), "{numerator}/{denominator}");
        }
        assert_eq!(ratio(1, 0), None);
    }
}
