//! `skill suite plan`, also called `skill eval plan`: what a suite can prove, before anything is run.

use std::{collections::BTreeSet, path::PathBuf};

use serde::Serialize;
use skill_engine::{
    gate::{self, Plan},
    stats::Assumed,
    suite::{Split, Suite},
};

use super::{Parts, parts};
use crate::{context::Context, output::count};

/// Say what gain a suite can prove, before anything is run.
///
/// Cases that are not locked yet are split as skill suite split would. What shares a group counts as one case.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill suite plan                    the suite of the skill in this folder
  skill suite plan skills/notes -k 3  with another number of runs
  skill suite plan --cases 40 -k 5    a suite that is not there yet")]
pub(in crate::commands) struct Args {
    /// A skill's folder, a suite's folder or file.
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// Cases that are held out, each a group of its own [default: the suite's].
    #[arg(long, value_name = "N")]
    cases: Option<u32>,
    /// Runs of each case and arm [default: the suite's].
    #[arg(long, short = 'k', value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: Option<u32>,
}

/// What was planned, as JSON.
#[derive(Serialize)]
struct Planned {
    #[serde(flatten)]
    plan: Plan,
    /// How the suite's cases are split; none for a suite that is not there yet.
    split: Option<Held>,
}

#[derive(Serialize)]
struct Held {
    #[serde(flatten)]
    parts: Parts,
    /// Groups of the cases that are held out.
    groups: usize,
}

/// Plans.
///
/// # Errors
/// As the reading of the suite, unless both numbers are given.
pub(in crate::commands) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let (cases, runs, split) = match (args.cases, args.runs) {
        (Some(cases), Some(runs)) => (cases, runs, None),
        (cases, runs) => {
            let opened = Suite::read(&args.path)?;
            let lock = opened.suite.split(&opened.lock()?)?;
            let groups: BTreeSet<&str> =
                opened.suite.part(&lock, Split::Holdout).map(|case| case.group.as_str()).collect();
            let held = Held { parts: parts(&opened, &lock)?, groups: groups.len() };
            let n = u32::try_from(held.groups).unwrap_or(u32::MAX);
            (cases.unwrap_or(n), runs.unwrap_or(opened.suite.settings.runs_gate), cases.is_none().then_some(held))
        }
    };
    let planned = Planned { plan: gate::plan(cases, runs, &Assumed::default()), split };
    context.output.result_or("skill.suite.plan/1", &planned, |out| {
        if let Some(split) = &planned.split {
            split.say(out);
        }
        for sentence in planned.plan.sentences() {
            out.data(sentence);
        }
    });
    Ok(())
}

impl Held {
    fn say(&self, out: &crate::output::Output) {
        let Parts { train, holdout, categories } = &self.parts;
        let all = count(train + holdout, "case");
        out.data(format!("{all}: {train} for training, {holdout} held out in {}", count(self.groups, "group")));
        if categories.len() > 1 {
            let row = |one: &super::Category| vec![one.name.clone(), one.train.to_string(), one.holdout.to_string()];
            out.table(&["category", "training", "held out"], &categories.iter().map(row).collect::<Vec<_>>());
        }
        if self.groups < *holdout {
            out.data(format!("cases of one group are not independent: {} count", self.groups));
        }
    }
}
