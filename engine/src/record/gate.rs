//! A record as what the gate decides on: every complete case with its runs, and how the runs were made.

use skill_schema::Fault;

use super::{Baseline, CaseResult, Order, Record};
use crate::{
    gate::{Case, Cases, Guards, Input, Policy, Tokens},
    run::{Arm, Run},
};

impl Record {
    /// What the gate decides on. Whoever calls it adds what no record knows: the level after failed attempts, what the head is
    /// recorded with, whether the scan is clean and the skill holds no text of the holdout.
    ///
    /// # Errors
    /// `E_GATE_SIZE` if the gate takes no input of this size.
    pub fn gate_input(&self, policy: Policy) -> Result<Input, Fault> {
        let statuses = &self.result.statuses;
        let mut input = Input {
            cases: Cases::new(self.result.by_case.iter().filter_map(|case| self.gate_case(case)).collect())?,
            policy,
            greedy: self.sampling.temperature.value() == 0.0,
            guards: Guards {
                dropped: self.result.dropped.len() as u64,
                runs: statuses.total().into(),
                infra: statuses.infra.into(),
                tainted: statuses.tainted.into(),
                interleaved: self.arms.order == Order::Interleaved,
                ..Guards::default()
            },
            ..Input::default()
        };
        // No skill has no tokens that a skill could be compared with: what it costs to have one is shown and not judged.
        if matches!(self.arms.baseline, Some(Baseline::Version { .. })) {
            input.candidate.tokens = Some(Tokens { base: self.tokens(Arm::Base), cand: self.tokens(Arm::Cand) });
        }
        Ok(input)
    }

    /// A complete case; none if it is not complete, or unknown.
    fn gate_case(&self, case: &CaseResult) -> Option<Case> {
        let facts = self.cases.iter().find(|facts| case.complete && facts.id == case.id)?;
        let scores = |arm: &Option<super::CaseArm>| {
            arm.iter().flat_map(|arm| arm.scores.iter().flatten().copied()).collect::<Vec<u16>>()
        };
        Some(Case {
            base: scores(&case.base),
            cand: scores(&case.cand),
            group: Some(facts.group.clone()),
            category: Some(facts.category.clone()),
            critical: facts.critical,
        })
    }

    /// Tokens of all runs of an arm that belong to complete cases.
    fn tokens(&self, arm: Arm) -> u64 {
        let is_complete = |run: &&Run| self.result.by_case.iter().any(|case| case.complete && case.id == run.case);
        let used = |run: &Run| run.usage.prompt_tokens.saturating_add(run.usage.output_tokens);
        self.runs.iter().filter(|run| run.arm == arm).filter(is_complete).map(used).sum()
    }
}

#[cfg(test)]
mod tests {
    use skill_bundle::hash::sha256;

    use super::super::sample::{cases, of, record, run};
    use super::*;
    use crate::{
        gate::{self, Outcome},
        run::Status,
    };

    fn version() -> Option<Baseline> {
        Some(Baseline::Version { name: "acme/pdf-forms 2.2.0".to_owned(), tree: sha256(b"old") })
    }

    #[test]
    fn the_sample_is_judged_as_its_known_answer() {
        let known: serde_json::Value = serde_json::from_str(include_str!("../../tests/vectors/evals.json")).unwrap();
        let mut input = record().gate_input(Policy::Standard).unwrap();
        assert_eq!((input.cases.len(), input.cases.runs(), input.guards.runs), (20, 5, 200));
        assert_eq!((input.guards.dropped, input.greedy, input.candidate.tokens), (0, false, None));
        let case = input.cases.iter().nth(2).unwrap().clone();
        let named = |text: &str| Some(text.to_owned());
        assert_eq!((case.group, case.category, case.critical), (named("group-2"), named("merge"), true));
        let verdict = gate::decide(&input).unwrap();
        let numbers = verdict.numbers.clone().unwrap();
        // The vectors' first table has neither groups, categories nor critical cases; the exact test is the same.
        let expected = known["gate"].as_array().unwrap().iter().find(|one| one["args"]["base"][1][3] == 0).unwrap();
        let p = expected["out"]["p_run"].as_f64().unwrap();
        assert!((f64::from(numbers.p_run.ppm()) / 1e6 - p).abs() <= 1e-6, "{p}");
        assert_eq!(verdict.outcome, Outcome::Accept, "{verdict:?}");
        input.candidate.leak = true;
        assert_eq!(gate::decide(&input).unwrap().reasons, [gate::Reason::Leak]);
    }

    #[test]
    fn what_is_missing_void_or_dear_stands_in_the_input() {
        let mut runs = record().runs;
        for run in runs.iter_mut().filter(|run| run.repeat == 0 && run.arm == Arm::Base).take(3) {
            (run.status, run.score) = (Status::Tainted, None);
        }
        (runs[20].status, runs[20].score) = (Status::Infra, None);
        let mut one = of(runs, cases(20), version());
        let input = one.gate_input(Policy::Strict).unwrap();
        assert_eq!((input.cases.len(), input.guards.dropped), (16, 4));
        assert_eq!((input.guards.tainted, input.guards.infra, input.policy), (3, 1, Policy::Strict));
        let tokens = input.candidate.tokens.unwrap();
        assert_eq!(tokens.cand - tokens.base, 16 * 5 * 1_840);
        one.arms.order = Order::Sequential;
        assert!(!one.gate_input(Policy::Strict).unwrap().guards.interleaved);
        let greedy = of(vec![run(Arm::Base, 0, 0, 0), run(Arm::Cand, 0, 0, 1_000)], cases(1), version());
        assert_eq!(greedy.gate_input(Policy::Standard).unwrap().cases.runs(), 1);
    }
}
