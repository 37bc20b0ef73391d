//! Before the first experiment: controls whose result is known, and the start against itself.

use std::path::Path;

use skill_schema::{Fault, codes};

use super::{
    Measure, Propose,
    compare::compare,
    journal::{Entry, Preflight},
    run::Loop,
    scores::{Scores, collect},
    used,
};
use crate::{eval::Spent, run::Run};

/// What an oracle must reach, per mille.
const ORACLE: u16 = 900;
/// The level at which an empty skill that beats no skill is no accident.
const EMPTY_P: f64 = 0.01;

impl<M: Measure, P: Propose> Loop<'_, M, P> {
    /// Measures the start twice and the controls once, unless the journal has it. `oracle` is the folder of a skill that solves the cases.
    ///
    /// # Errors
    /// [`codes::CONTROLS`], [`codes::NO_SIGNAL`], [`codes::BUDGET`]; a model that does not answer.
    pub async fn preflight(&mut self, oracle: Option<&Path>) -> Result<(), Fault> {
        if self.state.preflight.is_some() {
            return Ok(());
        }
        self.step = super::Step::default();
        let (cases, repeats) = (self.state.begin.cases.clone(), self.state.begin.repeats);
        let told: Vec<String> = cases
            .iter()
            .filter(|id| self.state.facts.get(*id).is_some_and(|facts| facts.minimize.is_none()))
            .cloned()
            .collect();
        let mut spent = Spent::default();
        let start = self.shop.folder(0);
        let first = self.control(Some(&start), &cases, 0..repeats, &mut spent).await?;
        let again = self.control(Some(&start), &cases, repeats..2 * repeats, &mut spent).await?;
        let (mut without, mut empty, mut solved) = (Scores::new(), Scores::new(), Scores::new());
        if !told.is_empty() {
            let folder = self.empty()?;
            without = self.control(None, &told, 0..repeats, &mut spent).await?;
            empty = self.control(Some(&folder), &told, 0..repeats, &mut spent).await?;
            if let Some(oracle) = oracle {
                solved = self.control(Some(oracle), &told, 0..repeats, &mut spent).await?;
            }
        }
        let entry = Preflight {
            without: mean(&without),
            empty: mean(&empty),
            oracle: mean(&solved).filter(|_| oracle.is_some()),
            scores: first,
            again,
            used: self.took(spent),
        };
        self.check(&entry, &without, &empty)?;
        self.take(&Entry::Preflight(entry))?;
        self.settle()
    }

    async fn control(
        &self,
        folder: Option<&Path>,
        cases: &[String],
        repeats: std::ops::Range<u32>,
        spent: &mut Spent,
    ) -> Result<Scores, Fault> {
        let n = repeats.len();
        let measured = self.runs(folder, cases, repeats).await?;
        if measured.stopped.is_some() {
            return Err(
                Fault::new(codes::BUDGET).detail("the caps do not cover what comes before the first experiment")
            );
        }
        let more = used(&measured.runs);
        spent.runs += more.runs;
        spent.tokens += more.tokens;
        spent.cost_micros += more.cost_micros;
        let scores = collect(&measured.runs, &self.state.facts, n);
        if scores.is_empty() {
            let why = failure(&measured.runs);
            return Err(Fault::new(codes::GATE_INVALID).detail(format!("no case is complete: {why}")));
        }
        Ok(scores)
    }

    /// A skill that says nothing.
    fn empty(&self) -> Result<std::path::PathBuf, Fault> {
        let folder = self.shop.control("empty");
        let text = format!("---\nname: {}\ndescription: Says nothing.\n---\n", self.state.begin.name);
        self.shop.put(&folder.join(skill_schema::skill_md::FILE), text.as_bytes())?;
        Ok(folder)
    }

    fn check(&self, entry: &Preflight, without: &Scores, empty: &Scores) -> Result<(), Fault> {
        if let Some(oracle) = entry.oracle.filter(|mean| *mean < ORACLE) {
            let detail = format!("the oracle scores {} %, at least 90 % are needed", oracle / 10);
            return Err(Fault::new(codes::CONTROLS).detail(detail));
        }
        if let Some(found) = compare(without, empty, &self.state.facts)?.filter(|found| found.delta > 0.0)
            && found.p_run <= EMPTY_P
        {
            let detail = format!("an empty skill beats no skill by {:.1} points", found.delta * 100.0);
            return Err(Fault::new(codes::CONTROLS).detail(detail));
        }
        // All or nothing everywhere can be a start that knows nothing yet, or all; anything else that never moves is no measurement.
        let everything = [&entry.scores, &entry.again, without, empty];
        let mut scores = everything.into_iter().flat_map(Scores::values).flat_map(|case| &case.scores);
        let numbers = self.state.facts.values().any(|facts| facts.minimize.is_some());
        if let Some(one) = scores.next().filter(|score| !numbers && !matches!(score, 0 | 1000))
            && scores.all(|score| score == one)
        {
            return Err(Fault::new(codes::NO_SIGNAL)
                .detail(format!("every run scores {one} per mille, with and without the skill")));
        }
        Ok(())
    }
}

/// The mean over cases, per mille.
fn mean(scores: &Scores) -> Option<u16> {
    let runs = scores.values().map(|case| case.scores.len() as u64).sum::<u64>();
    let sum = scores.values().map(super::scores::CaseScores::sum).sum::<u64>();
    sum.checked_div(runs).and_then(|mean| u16::try_from(mean).ok())
}

/// Why the first run that has no score has none.
fn failure(runs: &[Run]) -> String {
    runs.iter().find(|run| run.score.is_none()).map_or_else(|| "no runs".to_owned(), |run| format!("{:?}", run.status))
}
