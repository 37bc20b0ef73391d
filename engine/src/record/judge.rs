//! The gate's verdict on a record: the input that its runs are, and what a record keeps of the verdict.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use skill_schema::{Fault, codes};

use super::{Baseline, CaseFacts, CaseResult, Order, Record};
use crate::{
    gate::{self, Candidate, Case, Cases, Guards, Input, Policy, Recorded, Tokens, Verdict},
    run::{Arm, Run},
    stats::Alpha,
};

/// What a verdict depends on beside the runs. It stands in the record with the verdict, so that anyone computes it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Which exact test decides.
    pub policy: Policy,
    /// Failed attempts on this holdout, lineage and model since the last accept.
    pub failed: u32,
    /// The recorded scores of the head under the same score key; none if nothing is recorded.
    pub recorded: Option<Recorded>,
    /// Whether it is a maintenance release: not worse, rather than better.
    pub maintenance: bool,
    /// Whether the candidate holds text of the holdout.
    pub leak: bool,
    /// Whether the security scan of the candidate found nothing that its head did not have.
    pub scan_clean: bool,
}

impl Terms {
    /// A first attempt at an improvement, with nothing recorded and nothing found.
    pub fn first(policy: Policy) -> Self {
        Self { policy, failed: 0, recorded: None, maintenance: false, leak: false, scan_clean: true }
    }
}

impl Record {
    /// What the gate decides on: every complete case with its runs, and how they were made.
    ///
    /// # Errors
    /// [`codes::GATE_INPUT`] if the record has no second arm; [`codes::GATE_SIZE`].
    pub fn gate_input(&self, terms: &Terms) -> Result<Input, Fault> {
        if self.arms.baseline.is_none() {
            return Err(Fault::new(codes::GATE_INPUT).at("arms.baseline").detail("the record has one arm alone"));
        }
        let complete: Vec<&CaseResult> = self.result.by_case.iter().filter(|case| case.complete).collect();
        let cases = complete.iter().filter_map(|case| Some(gate_case(case, self.facts(&case.id)?))).collect();
        let statuses = &self.result.statuses;
        Ok(Input {
            cases: Cases::new(cases)?,
            policy: terms.policy,
            alpha: Alpha::after(terms.failed),
            greedy: self.is_greedy(),
            recorded: terms.recorded.filter(|recorded| recorded.runs > 0),
            guards: Guards {
                dropped: self.result.dropped.len() as u64,
                runs: u64::from(statuses.total()),
                infra: u64::from(statuses.infra),
                tainted: u64::from(statuses.tainted),
                interleaved: self.arms.order == Order::Interleaved,
                controls_passed: true,
            },
            candidate: Candidate {
                // Only a head has tokens to be measured against: without any skill there is nothing that could cost some.
                tokens: matches!(self.arms.baseline, Some(Baseline::Version { .. })).then(|| self.tokens(&complete)),
                scan_clean: terms.scan_clean,
                leak: terms.leak,
            },
        })
    }

    /// The gate's verdict.
    ///
    /// # Errors
    /// As [`Record::gate_input`].
    pub fn judge(&self, terms: &Terms) -> Result<Verdict, Fault> {
        let input = self.gate_input(terms)?;
        if terms.maintenance { gate::maintenance(&input) } else { gate::decide(&input) }
    }

    /// The terms that the record's verdict names; none without a verdict.
    ///
    /// # Errors
    /// [`codes::RECORD`] if they are no terms.
    pub fn terms(&self) -> Result<Option<Terms>, Fault> {
        match self.verdict.get("terms") {
            None => Ok(None),
            Some(terms) => serde_json::from_value(terms.clone())
                .map(Some)
                .map_err(|e| Fault::new(codes::RECORD).at("verdict.terms").detail(e.to_string())),
        }
    }

    /// Sum and number of an arm's scored runs of complete cases, as [`Recorded`] pools them.
    pub fn pooled(&self, arm: Arm) -> Recorded {
        let of = |case: &CaseResult| if arm == Arm::Base { case.base.clone() } else { case.cand.clone() };
        let complete = self.result.by_case.iter().filter(|case| case.complete);
        let scores: Vec<u16> = complete.filter_map(of).flat_map(|arm| arm.scores).flatten().collect();
        Recorded { sum: scores.iter().map(|score| u64::from(*score)).sum(), runs: scores.len() as u64 }
    }

    /// Whether the runs of a case are one run: temperature 0, or a seed that is used twice in one arm.
    pub fn is_greedy(&self) -> bool {
        let mut seen = BTreeSet::new();
        self.sampling.temperature.value() == 0.0
            || self.runs.iter().any(|run| !seen.insert((run.arm, &run.case, run.seed)))
    }

    fn facts(&self, id: &str) -> Option<&CaseFacts> {
        self.cases.iter().find(|case| case.id == id)
    }

    fn tokens(&self, complete: &[&CaseResult]) -> Tokens {
        let ids: BTreeSet<&str> = complete.iter().map(|case| case.id.as_str()).collect();
        let used = |run: &Run| run.usage.prompt_tokens.saturating_add(run.usage.output_tokens);
        let sum = |arm: Arm| {
            let runs = self.runs.iter().filter(|run| run.arm == arm && ids.contains(run.case.as_str()));
            runs.map(used).fold(0, u64::saturating_add)
        };
        Tokens { base: sum(Arm::Base), cand: sum(Arm::Cand) }
    }
}

fn gate_case(case: &CaseResult, facts: &CaseFacts) -> Case {
    let scores = |arm: Option<&super::CaseArm>| arm.map(|arm| arm.scores.iter().flatten().copied().collect());
    facts.for_gate(scores(case.base.as_ref()).unwrap_or_default(), scores(case.cand.as_ref()).unwrap_or_default())
}

impl CaseFacts {
    /// The case with the scores of both arms, as the gate takes it.
    pub(super) fn for_gate(&self, base: Vec<u16>, cand: Vec<u16>) -> Case {
        Case {
            base,
            cand,
            group: Some(self.group.clone()),
            category: Some(self.category.clone()).filter(|category| !category.is_empty()),
            critical: self.critical,
        }
    }
}

/// What a record keeps of a verdict: its terms and whole numbers, since canonical JSON has no others.
pub fn summary(verdict: &Verdict, terms: &Terms) -> Value {
    let reasons: Vec<String> = verdict.reasons.iter().map(ToString::to_string).collect();
    let numbers = verdict.numbers.as_ref();
    json!({
        "verdict": verdict.outcome,
        "reasons": reasons,
        "n": verdict.n, "k": verdict.k, "groups": verdict.clusters,
        "p_run_ppm": numbers.map(|numbers| numbers.p_run.ppm()),
        "p_case_ppm": numbers.map(|numbers| numbers.p_case.ppm()),
        "base_pm": numbers.map(|numbers| numbers.permille.base),
        "cand_pm": numbers.map(|numbers| numbers.permille.cand),
        "delta_pm": numbers.map(|numbers| numbers.permille.delta),
        "lo_pm": numbers.map(|numbers| numbers.permille.lo),
        "hi_pm": numbers.map(|numbers| numbers.permille.hi),
        "label": verdict.label(),
        "terms": terms,
    })
}

#[cfg(test)]
mod tests {
    use super::{super::sample, *};
    use crate::{gate::Outcome, run::Status};

    #[test]
    fn a_records_verdict_is_the_one_of_its_scores() {
        let record = sample::record();
        let terms = Terms::first(Policy::Standard);
        let verdict = record.judge(&terms).unwrap();
        assert_eq!((verdict.outcome, verdict.n, verdict.k), (Outcome::Accept, 20, 5));
        let strict = Terms { policy: Policy::Strict, failed: 9, ..terms };
        assert_eq!(record.judge(&strict).unwrap().outcome, Outcome::Reject);
        let leak = record.judge(&Terms { leak: true, scan_clean: false, ..terms }).unwrap();
        assert_eq!(leak.reasons, [gate::Reason::Scan, gate::Reason::Leak]);
        let most = Terms { recorded: Some(Recorded { sum: 1000, runs: 1 }), ..terms };
        assert_eq!(record.judge(&most).unwrap().reasons, [gate::Reason::BelowRecorded]);
    }

    #[test]
    fn the_terms_of_a_verdict_are_read_back() {
        let mut record = sample::record();
        assert_eq!(record.terms().unwrap(), None);
        let recorded = Some(Recorded { sum: 12, runs: 3 });
        let terms = Terms { recorded, failed: 2, maintenance: true, ..Terms::first(Policy::Strict) };
        record.verdict = summary(&record.judge(&terms).unwrap(), &terms);
        assert_eq!(record.terms().unwrap(), Some(terms));
        record.verdict["terms"]["failed"] = json!(-1);
        assert_eq!(record.terms().unwrap_err().code, codes::RECORD);
    }

    #[test]
    fn a_seed_that_comes_twice_makes_the_runs_one() {
        let mut record = sample::record();
        assert!(!record.is_greedy());
        record.runs[1].seed = record.runs[0].seed;
        assert!(record.is_greedy());
    }

    #[test]
    fn what_is_missing_void_or_dear_stands_in_the_input() {
        let mut runs = sample::record().runs;
        for run in runs.iter_mut().filter(|run| run.repeat == 0 && run.arm == Arm::Base).take(3) {
            (run.status, run.score) = (Status::Tainted, None);
        }
        (runs[20].status, runs[20].score) = (Status::Infra, None);
        let tree = skill_bundle::hash::sha256(b"old");
        let version = Some(Baseline::Version { name: "acme/pdf-forms 2.2.0".to_owned(), tree });
        let record = sample::of(runs.clone(), sample::cases(20), version);
        let input = record.gate_input(&Terms::first(Policy::Standard)).unwrap();
        assert_eq!((input.cases.len(), input.guards.dropped), (16, 4));
        assert_eq!((input.guards.tainted, input.guards.infra, input.guards.runs), (3, 1, 200));
        let tokens = input.candidate.tokens.unwrap();
        assert_eq!(tokens.cand - tokens.base, 16 * 5 * 1_840);
        let first = sample::of(runs, sample::cases(20), Some(Baseline::NoSkill {}));
        assert_eq!(first.gate_input(&Terms::first(Policy::Standard)).unwrap().candidate.tokens, None);
    }

    #[test]
    fn one_arm_alone_has_no_verdict() {
        let mut record = sample::record();
        record.arms.baseline = None;
        assert_eq!(record.judge(&Terms::first(Policy::Standard)).unwrap_err().code, codes::GATE_INPUT);
    }
}
