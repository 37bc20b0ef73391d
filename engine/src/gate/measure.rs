//! The measured quantities of a comparison, as sums of integers, and what floats and tests are made of them.

use std::collections::BTreeMap;

use skill_schema::Fault;

use super::{Case, Cases, Input, Numbers, PerMille, Policy};
use crate::{
    ratio::{float, quotient, round_half_even},
    stats::{Chance, Interval, relabel, sign_flip},
};

/// A comparison as integers. A difference is a sum over the runs of a case, so `d_i = differences[i] / runs`.
#[derive(Debug)]
pub(super) struct Measured {
    cases: Vec<Case>,
    /// Cases.
    pub n: i128,
    /// Runs a case and arm; 1 if greedy.
    pub runs: i128,
    base: i128,
    cand: i128,
    differences: Vec<i128>,
    groups: Vec<Vec<usize>>,
}

impl Measured {
    /// From the cases; if greedy, the runs of a case are one run, its mean rounded half to even.
    pub fn of(cases: &Cases, greedy: bool) -> Self {
        let cases: Vec<Case> = cases.iter().map(|case| if greedy { as_one_run(case) } else { case.clone() }).collect();
        let differences: Vec<i128> = cases.iter().map(|case| sum(&case.cand) - sum(&case.base)).collect();
        Self {
            n: length(cases.len()),
            runs: length(cases.first().map_or(0, |case| case.base.len())),
            base: cases.iter().map(|case| sum(&case.base)).sum(),
            cand: cases.iter().map(|case| sum(&case.cand)).sum(),
            differences,
            groups: groups(&cases),
            cases,
        }
    }

    /// Groups of cases; a case that stands alone is one.
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// Sum of all differences: `Δ · n · runs`.
    fn gain(&self) -> i128 {
        self.cand - self.base
    }

    /// Whether `Δ ≥ least` (per mille).
    pub fn gains(&self, least: i128) -> bool {
        self.gain() >= least * self.n * self.runs
    }

    /// Whether the candidate's mean is at least `sum / runs`.
    pub fn reaches(&self, sum: u64, runs: u64) -> bool {
        self.cand * i128::from(runs) >= i128::from(sum) * self.n * self.runs
    }

    /// Whether `Δ ≥ SE`, compared as squares: the largest number is below 10^30.
    pub fn exceeds_error(&self) -> bool {
        let groups = length(self.groups.len());
        self.gain() >= 0 && self.gain().pow(2) * self.n.pow(2) * (groups - 1) >= groups * self.squares()
    }

    /// `Σ_g (Σ_{i∈g} (d_i − Δ))² · (n · runs)²`.
    fn squares(&self) -> i128 {
        let of = |group: &Vec<usize>| {
            let sum: i128 = group.iter().map(|&i| self.differences[i]).sum();
            (self.n * sum - length(group.len()) * self.gain()).pow(2)
        };
        self.groups.iter().map(of).sum()
    }

    /// Categories of `least` cases or more that lose more than `most` per mille, sorted by name.
    pub fn drops(&self, least: usize, most: i128) -> Vec<String> {
        let mut categories: BTreeMap<&str, (usize, i128)> = BTreeMap::new();
        for (case, difference) in self.cases.iter().zip(&self.differences) {
            if let Some(category) = &case.category {
                let entry = categories.entry(category).or_default();
                *entry = (entry.0 + 1, entry.1 + difference);
            }
        }
        let drops = |&(count, sum): &(usize, i128)| count >= least && -sum > most * self.runs * length(count);
        categories.into_iter().filter(|(_, entry)| drops(entry)).map(|(name, _)| name.to_owned()).collect()
    }

    /// All numbers of a verdict. `margin` (per mille) is added to every run of the candidate in the tests alone.
    pub fn numbers(&self, input: &Input, margin: u16) -> Result<Numbers, Fault> {
        let all = self.n * self.runs;
        let groups = length(self.groups.len());
        let se = (float(groups * self.squares()) / float(groups - 1)).sqrt() / float(self.n * all);
        let delta = quotient(self.gain(), all);
        let around = Interval::around(delta, se, u32::try_from(groups).expect("at most MAX_CASES"));
        let (p_run, p_case) = (self.p_run(margin)?, self.p_case(margin)?);
        let count = |sign: i128| self.differences.iter().filter(|difference| difference.signum() == sign).count();
        let rounded = |sum: i128| whole(float(round_half_even(sum, all)));
        Ok(Numbers {
            mean_base: quotient(self.base, all),
            mean_cand: quotient(self.cand, all),
            delta,
            se,
            interval: [around.lo, around.hi],
            is_significant: match input.policy {
                Policy::Standard => p_run.at_most(input.alpha),
                Policy::Strict => p_case.at_most(input.alpha),
            },
            p_run,
            p_case,
            alpha: input.alpha,
            wins: count(1),
            losses: count(-1),
            ties: count(0),
            permille: PerMille {
                base: rounded(self.base),
                cand: rounded(self.cand),
                delta: rounded(self.gain()),
                lo: whole(around.lo.floor()),
                hi: whole(around.hi.ceil()),
            },
        })
    }

    fn p_run(&self, margin: u16) -> Result<Chance, Fault> {
        let raised: Vec<Vec<u16>> =
            self.cases.iter().map(|case| case.cand.iter().map(|score| score + margin).collect()).collect();
        relabel(self.cases.iter().zip(&raised).map(|(case, cand)| (&case.base[..], &cand[..])))
    }

    fn p_case(&self, margin: u16) -> Result<Chance, Fault> {
        let rounded = |i: &usize| round_half_even(self.differences[*i], self.runs) + i128::from(margin);
        let of = |group: &Vec<usize>| {
            i64::try_from(group.iter().map(rounded).sum::<i128>()).expect("at most a million and the margins")
        };
        sign_flip(&self.groups.iter().map(of).collect::<Vec<_>>())
    }
}

/// The case with one run on each side.
fn as_one_run(case: &Case) -> Case {
    let mean = |scores: &[u16]| {
        let mean = round_half_even(sum(scores), length(scores.len()).max(1));
        vec![u16::try_from(mean).expect("a mean of scores")]
    };
    Case { base: mean(&case.base), cand: mean(&case.cand), ..case.clone() }
}

/// Indices of the cases of each group: those with a name by name, then those that stand alone.
fn groups(cases: &[Case]) -> Vec<Vec<usize>> {
    let mut named: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut alone = Vec::new();
    for (i, case) in cases.iter().enumerate() {
        match &case.group {
            Some(name) => named.entry(name).or_default().push(i),
            None => alone.push(vec![i]),
        }
    }
    named.into_values().chain(alone).collect()
}

fn sum(scores: &[u16]) -> i128 {
    scores.iter().map(|&score| i128::from(score)).sum()
}

fn length(len: usize) -> i128 {
    i128::try_from(len).expect("a length fits")
}

/// A whole float as an integer. Intervals can be wide, but not wider than this.
#[expect(clippy::cast_possible_truncation, reason = "saturates, and is whole")]
fn whole(value: f64) -> i32 {
    value as i32
}
