//! Stopping early where it changes no verdict: what is certain of the gate's verdict before all runs are made.
//!
//! The runs that are missing are bounded: at worst each of the skill's fails and each of the baseline's passes, at best the other way
//! round. [`curtail`] says what follows for gain and significance. It is never about how the numbers look so far.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};
use skill_schema::{Fault, codes};

use super::{CaseFacts, Terms};
use crate::{
    eval::metric,
    gate::{
        self, Candidate, Case, Cases, Curtailed, Guards, Input, MAX_CASES, MIN_CASES, MIN_RUNS, Outcome, RICH_GAIN,
        STEP, curtail,
    },
    ratio::round_half_even,
    run::{Arm, Run},
    stats::Alpha,
};

/// A perfect score, per mille.
const PERFECT: u16 = 1000;

/// What an eval that may end early is about.
#[derive(Debug, Clone, Copy)]
pub struct Early<'a> {
    /// The terms of the verdict.
    pub terms: &'a Terms,
    /// All cases that are to be measured.
    pub cases: &'a [CaseFacts],
    /// Runs of each case and arm that are to be made.
    pub repeats: u32,
    /// Whether decoding is greedy, so that one run a case is enough.
    pub greedy: bool,
}

/// A verdict that was certain before all runs were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certain {
    /// The verdict: an accept or a reject.
    pub outcome: Outcome,
    /// Cases that were to be measured.
    pub cases: usize,
    /// Runs of each case and arm that were to be made.
    pub repeats: u32,
    /// Runs that were made.
    pub made: u64,
    /// Runs that were not.
    pub not_made: u64,
}

impl Early<'_> {
    /// What is certain after these runs, which may be any part of all: what the gate will say once the others have scores, whatever
    /// these are. With groups of several cases, and where a run has no score, nothing is certain.
    ///
    /// # Errors
    /// [`codes::GATE_SIZE`] if there are more differences than can be counted.
    pub fn certain<'r>(&self, runs: impl IntoIterator<Item = &'r Run>) -> Result<Option<Certain>, Fault> {
        let Some(seen) = self.seen(runs) else { return Ok(None) };
        let [worst, best] = [(PERFECT, 0), (0, PERFECT)].map(|(base, cand)| self.filled(&seen, base, cand));
        let fails = |case: &Case| case.critical && case.cand.iter().any(|score| *score < PERFECT);
        let has_failed = best.iter().any(fails);
        let (mut done, mut rest) = (Vec::new(), Vec::new());
        for (low, high) in worst.iter().zip(&best) {
            let (low, high) = (difference(low), difference(high));
            if low == high { done.push(low) } else { rest.push((low, high)) }
        }
        let alpha = Alpha::after(self.terms.failed);
        let outcome = match curtail(self.terms.policy, &done, &rest, alpha, i64::from(STEP))? {
            _ if has_failed => Outcome::Reject,
            Curtailed::Reject => Outcome::Reject,
            Curtailed::Accept if self.accepts(worst)? => Outcome::Accept,
            Curtailed::Accept | Curtailed::Continue => return Ok(None),
        };
        let made: usize = seen.iter().flatten().map(Vec::len).sum();
        let planned = 2 * self.cases.len() as u64 * u64::from(self.repeats);
        let (cases, repeats, made) = (self.cases.len(), self.repeats, made as u64);
        Ok(Some(Certain { outcome, cases, repeats, made, not_made: planned.saturating_sub(made) }))
    }

    /// The scores of each case and arm; none if nothing can be certain.
    fn seen<'r>(&self, runs: impl IntoIterator<Item = &'r Run>) -> Option<Vec<[Vec<u16>; 2]>> {
        let (n, k) = (self.cases.len(), self.repeats as usize);
        let groups: BTreeSet<&str> = self.cases.iter().map(|case| case.group.as_str()).collect();
        let measurable = (MIN_CASES..=MAX_CASES).contains(&n) && (k >= MIN_RUNS || (self.greedy && k == 1));
        if !measurable || groups.len() < n || self.terms.maintenance {
            return None;
        }
        let places: HashMap<&str, usize> = self.cases.iter().enumerate().map(|(at, case)| (&*case.id, at)).collect();
        let mut seen = vec![[Vec::new(), Vec::new()]; n];
        for run in runs {
            // A metric's score is known only once the other arm's number is.
            let settled = run.checks.iter().all(|check| check.kind != metric::CHECK);
            let score = run.score.filter(|_| run.status.is_scored() && settled)?;
            let scores = &mut seen[*places.get(run.case.as_str())?][usize::from(run.arm == Arm::Cand)];
            scores.push(score);
            if scores.len() > k {
                return None;
            }
        }
        Some(seen)
    }

    /// All cases with these scores for the runs that are missing.
    fn filled(&self, seen: &[[Vec<u16>; 2]], base: u16, cand: u16) -> Vec<Case> {
        let fill = |scores: &[u16], with: u16| {
            let mut scores = scores.to_vec();
            scores.resize(self.repeats as usize, with);
            scores
        };
        let case = |(facts, [of_base, of_cand]): (&CaseFacts, &[Vec<u16>; 2])| {
            facts.for_gate(fill(of_base, base), fill(of_cand, cand))
        };
        self.cases.iter().zip(seen).map(case).collect()
    }

    /// Whether the gate accepts the worst that can come. What it asks beside gain and significance never gets worse as scores get
    /// better; tokens are not bounded, so the gain must be so large that they do not matter.
    fn accepts(&self, worst: Vec<Case>) -> Result<bool, Fault> {
        let gain: i128 = worst.iter().map(sum).sum();
        let all = i128::from(self.repeats) * i128::try_from(worst.len()).expect("a length fits");
        let input = Input {
            cases: Cases::new(worst)?,
            policy: self.terms.policy,
            alpha: Alpha::after(self.terms.failed),
            greedy: self.greedy,
            recorded: self.terms.recorded.filter(|recorded| recorded.runs > 0),
            guards: Guards::default(),
            candidate: Candidate { tokens: None, scan_clean: self.terms.scan_clean, leak: self.terms.leak },
        };
        Ok(gain >= i128::from(RICH_GAIN) * all && gate::decide(&input)?.is_accept())
    }
}

fn sum(case: &Case) -> i128 {
    let of = |scores: &[u16]| scores.iter().map(|score| i128::from(*score)).sum::<i128>();
    of(&case.cand) - of(&case.base)
}

/// A case's difference as `p_case` takes it.
fn difference(case: &Case) -> i64 {
    let runs = i128::try_from(case.base.len()).expect("a length fits");
    i64::try_from(round_half_even(sum(case), runs)).expect("a difference is at most a thousand")
}

impl Certain {
    /// What a record keeps of it, in place of the numbers that all runs would have given.
    pub fn summary(&self, terms: &Terms) -> Value {
        json!({
            "verdict": self.outcome,
            "reasons": [],
            "n": self.cases, "k": self.repeats, "groups": self.cases,
            "curtailed": {"runs_made": self.made, "runs_not_made": self.not_made},
            "terms": terms,
        })
    }

    /// One sentence, lower case, without a full stop.
    pub fn sentence(&self) -> String {
        let says = if self.outcome == Outcome::Accept { "better" } else { "not better" };
        let all = self.made + self.not_made;
        format!("{says} whatever the other runs had given: {} of {all} were made", self.made)
    }

    /// The error that a reject is; none for an accept.
    pub fn fault(&self) -> Option<Fault> {
        (self.outcome != Outcome::Accept).then(|| Fault::new(codes::GATE_REJECTED).detail(self.sentence()))
    }
}

#[cfg(test)]
mod tests;
