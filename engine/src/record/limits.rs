//! How large a record may be.

use std::collections::BTreeSet;

use super::Record;
use crate::run::Run;

/// What a record may hold at most. A record is public and read by everybody, so each part is bounded.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of the whole document: a gate of 1,000 cases with 10 runs a case and arm, 10 checks each, has about 60 MB.
    pub bytes: usize,
    /// Measured cases.
    pub cases: usize,
    /// Runs of all arms together.
    pub runs: usize,
    /// Checks of one run; a suite's case has fewer than a hundred.
    pub checks: usize,
    /// Characters of a check's evidence, as graders cut it.
    pub evidence: usize,
    /// Bytes of any name, id or other short text.
    pub text: usize,
    /// Repeats of one case and arm, so that sums of scores stay small.
    pub repeats: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 64 << 20, cases: 5_000, runs: 50_000, checks: 200, evidence: 1_000, text: 1_000, repeats: 10_000 }
    }
}

impl Limits {
    /// Whether a record keeps to the limits, with what does not in words.
    pub(super) fn check(&self, record: &Record) -> Result<(), String> {
        most("cases", record.cases.len(), self.cases)?;
        most("runs", record.runs.len(), self.runs)?;
        let mut ids = BTreeSet::new();
        for case in &record.cases {
            for text in [&case.id, &case.category, &case.group] {
                most("bytes of a case's id, category or group", text.len(), self.text)?;
            }
            if case.id.is_empty() || !ids.insert(case.id.as_str()) {
                return Err(format!("the id {:?} of a case is empty or used twice", case.id));
            }
        }
        let mut seen = BTreeSet::new();
        for run in &record.runs {
            self.run(run)?;
            if !ids.contains(run.case.as_str()) {
                return Err(format!("a run of the case {:?}, which is not listed", run.case));
            }
            if !seen.insert((run.case.as_str(), run.arm, run.repeat)) {
                return Err(format!("repeat {} of the case {:?} is there twice", run.repeat, run.case));
            }
        }
        self.texts(record)
    }

    fn run(&self, run: &Run) -> Result<(), String> {
        most("checks of a run", run.checks.len(), self.checks)?;
        most("the number of a repeat", run.repeat as usize, self.repeats as usize - 1)?;
        if run.score.is_some_and(|score| score > 1_000) {
            return Err("a score is above 1,000 per-mille".to_owned());
        }
        if run.score.is_some() != run.status.is_scored() {
            return Err(format!("a run of {:?} has a score and a status that exclude each other", run.case));
        }
        for check in &run.checks {
            most("bytes of a check's id or kind", check.id.len().max(check.kind.len()), self.text)?;
            most("characters of evidence", check.evidence.chars().count(), self.evidence)?;
            if check.value.is_some_and(|[num, den]| den == 0 || num > den) {
                return Err(format!("the value of check {:?} is not between 0 and 1", check.id));
            }
        }
        Ok(())
    }

    fn texts(&self, record: &Record) -> Result<(), String> {
        let key = &record.key;
        let options = [
            &record.skill.version,
            &record.skill.parent,
            &record.skill.forked_from,
            &record.suite.id,
            &record.suite.version,
            &record.grader.model,
        ];
        let texts = [
            &record.skill.name,
            &key.weights,
            &key.quantisation,
            &key.engine,
            &key.build,
            &key.grader,
            &record.model.name,
            &record.engine.device,
            &record.grader.prompt,
            &record.harness.name,
            &record.harness.version,
            &record.harness.executor,
            &record.provenance.who,
        ];
        for text in texts.into_iter().chain(options.into_iter().flatten()).chain(&record.grader.flagged) {
            most("bytes of a text", text.len(), self.text)?;
        }
        most("remarks on the grader", record.grader.flagged.len(), self.checks)
    }
}

fn most(what: &str, found: usize, limit: usize) -> Result<(), String> {
    if found > limit { Err(format!("{what}: {found}, at most {limit} are allowed")) } else { Ok(()) }
}
