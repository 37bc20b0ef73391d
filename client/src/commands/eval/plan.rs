//! `skill eval plan`: what a suite can prove, before anything is run.

use std::path::PathBuf;

use skill_engine::{
    gate::plan as gain,
    stats::Assumed,
    suite::{Split, Suite},
};

use crate::context::Context;

/// Say what gain a suite can prove, before anything is run.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill eval plan                    the suite of the skill in this folder
  skill eval plan --cases 40 -k 5    a suite that is not there yet")]
pub struct Args {
    /// A skill's folder, a suite's folder or file.
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// Holdout cases [default: the suite's].
    #[arg(long, value_name = "N")]
    cases: Option<u32>,
    /// Runs of each case and arm [default: the suite's].
    #[arg(long, short = 'k', value_name = "N")]
    runs: Option<u32>,
}

/// Plans.
///
/// # Errors
/// As the reading of the suite, unless both numbers are given.
pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let (cases, runs) = match (args.cases, args.runs) {
        (Some(cases), Some(runs)) => (cases, runs),
        (cases, runs) => {
            let opened = Suite::read(&args.path)?;
            let lock = opened.suite.split(&opened.lock()?)?;
            let held = u32::try_from(opened.suite.part(&lock, Split::Holdout).count()).unwrap_or(u32::MAX);
            (cases.unwrap_or(held), runs.unwrap_or(opened.suite.settings.runs_gate))
        }
    };
    let plan = gain(cases, runs, &Assumed::default());
    context.output.result_or("skill.eval.plan/1", &plan, |out| {
        for sentence in plan.sentences() {
            out.data(sentence);
        }
    });
    Ok(())
}
