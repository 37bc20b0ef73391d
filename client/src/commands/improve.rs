//! `skill improve`: edits of a skill, proposed by a model or a command, measured, and kept where they are better.

mod bench;
mod estimate;
mod finish;
mod gate;
mod person;
mod setup;
mod show;
mod what;

use std::path::Path;

use skill_engine::improve::{Entry, Journal, Loop, State, Step, Stop, propose::Proposer};
use skill_schema::{Fault, codes};

use crate::{context::Context, evals::options::Kind, interrupt::LeftToChild};
use bench::Bench;
pub use finish::{MAX_TRIED, TRIED};
use person::Person;
use setup::Work;
pub use setup::runs_of;

/// Propose edits of a skill, measure each, and keep those that are better.
///
/// Candidates are measured on the train cases of the suite alone; the holdout decides once, at the end. Your files stay as they are: what is
/// kept is a branch improve/TAG, in your repository if the skill lies in one.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill improve --quick                        five edits of the skill in this folder
  skill improve --experiments 100 --budget 5m --max-cost 10
  skill improve --proposer-cmd 'claude -p \"do what the brief on stdin asks\"'
  skill improve --interactive                  ask before each decision
  skill improve --description                  when an agent takes it up, from a suite of triggers
  skill improve --dry-run                      what it can cost
  skill improve --resume                       go on where the last run of this skill ended

Exit codes: 0 better by the gate, 8 measured and not better, 11 not measured, 12 a cap was reached, 130 ended by you.")]
pub struct Args {
    #[command(flatten)]
    what: what::What,
    #[command(flatten)]
    limits: what::Limits,
    /// Name of the run, and of the branch after improve/ [default: the time].
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// Go on with a run; with what it began with, and with the limits that are given now.
    #[arg(long, value_name = "TAG", num_args = 0..=1, default_missing_value = "", conflicts_with_all = ["tag", "dry_run"])]
    resume: Option<String>,
    /// Leave the holdout alone at the end.
    #[arg(long)]
    no_gate: bool,
    /// Say what it can cost, and measure nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Runs `skill improve`.
///
/// # Errors
/// What keeps it from being measured; [`codes::NOT_IMPROVED`], [`codes::NO_SIGNAL`], [`codes::BUDGET`] and the gate's refusals.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    if args.what.interactive && !context.interactive() {
        let detail = "--interactive asks on a terminal, and there is none";
        return Err(Fault::new(codes::NEEDS_INPUT).detail(detail).into());
    }
    let (work, rest) = match &args.resume {
        Some(tag) => setup::resume(context, &args, tag).await?,
        None => setup::begin(context, &args).await?,
    };
    let Some((journal, state)) = rest else { return estimate::show(context, &work) };
    let (stop, journal, state) = improve(context, &work, journal, state).await?;
    finish::finish(context, &work, (journal, state), &stop, args.no_gate).await
}

/// The loop, until it ends or the user ends it.
async fn improve(
    context: &Context,
    work: &Work,
    journal: Journal,
    state: State,
) -> Result<(Stop, Journal, State), Fault> {
    let bench = Bench { context, session: &work.session, train: &work.train, lock: &work.lock };
    let person = Person(context);
    let drawn = show::Drawn::new(context, work.limits.goal(), state.done());
    let now = || context.clock.now();
    let mut inner = Loop {
        measure: &bench,
        propose: &work.proposer,
        shop: &work.shop,
        journal,
        state,
        holdout: &work.holdout,
        train: &work.shingles,
        goal: work.limits.goal(),
        budget: Some(work.limits.of_one()),
        caps: work.limits.caps(),
        scripts: work.options.executor != Kind::Prompt,
        ask: if work.what.interactive { Some(&person) } else { None },
        reporter: &drawn,
        now: &now,
        step: Step::default(),
    };
    // Ctrl-C ends the experiment, not the process: what was decided is written down, and the report is made.
    let guard = LeftToChild::now();
    let ended = tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => None,
        ended = whole(&mut inner, work.oracle.as_deref()) => Some(ended),
    };
    drop(guard);
    let stop = if let Some(ended) = ended {
        ended?
    } else {
        inner.take(&Entry::Stopped { why: Stop::Person, goal: work.limits.goal() })?;
        Stop::Person
    };
    let Loop { journal, state, .. } = inner;
    Ok((stop, journal, state))
}

async fn whole(inner: &mut Loop<'_, Bench<'_>, Proposer>, oracle: Option<&Path>) -> Result<Stop, Fault> {
    inner.preflight(oracle).await?;
    inner.settle()?;
    inner.run().await
}
