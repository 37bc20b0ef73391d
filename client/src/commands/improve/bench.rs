//! Measures a folder on train cases, with everything opened once.

use std::collections::BTreeSet;

use skill_engine::{
    Event, Reporter,
    improve::{Asked, Measure, Measured},
    record,
    suite::{Lock, Opened, Split},
};
use skill_schema::{Digest, Fault};

use crate::{
    context::Context,
    evals::{
        prepared::read_skill,
        session::{Session, What},
    },
    output::Output,
};

/// The train cases of a suite, and what answers them.
pub struct Bench<'a> {
    /// The command's context.
    pub context: &'a Context,
    /// What answers.
    pub session: &'a Session,
    /// The suite without its holdout.
    pub train: &'a Opened,
    /// The split.
    pub lock: &'a Lock,
}

impl Measure for Bench<'_> {
    async fn measure(&self, asked: Asked<'_>) -> Result<Measured, Fault> {
        let (skill, files) = match asked.folder {
            Some(folder) => {
                let (skill, files, _) = read_skill(folder)?;
                (skill, Some(files))
            }
            None => (nobody(), None),
        };
        let only: BTreeSet<String> = asked.cases.into_iter().collect();
        let what = What {
            opened: self.train,
            lock: self.lock,
            part: Some(Split::Train),
            only: Some(&only),
            skill: &skill,
            baseline: None,
            files: [None, files],
            repeats: asked.repeats,
            until: None,
            early: None,
            caps: asked.caps,
            fresh: false,
            attempt: None,
        };
        let measured = self.session.measure(self.context, &what, &Quiet(&self.context.output)).await?;
        Ok(Measured { runs: measured.record.runs, details: measured.details, stopped: measured.stopped })
    }
}

/// No skill at all.
fn nobody() -> record::Skill {
    record::Skill { name: "no skill".to_owned(), version: None, tree: Digest::ZERO, parent: None, forked_from: None }
}

/// Single runs are of interest with -v only.
struct Quiet<'a>(&'a Output);

impl Reporter for Quiet<'_> {
    fn report(&self, event: Event) {
        match event {
            Event::Warning { message } => self.0.trace(1, || message),
            Event::Step { name, passed, elapsed } => self.0.trace(2, || {
                format!("{} {name} in {:.1} s", if passed { "passed" } else { "failed" }, elapsed.as_secs_f64())
            }),
            Event::Started { .. } | Event::Finished { .. } => {}
        }
    }
}
