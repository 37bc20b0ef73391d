//! `skill reproduce`: a record's runs made again, and what is different.

use clap::Parser as _;
use serde::Serialize;
use skill_engine::{
    model::Mode,
    record::{
        Baseline,
        reproduce::{Place, reproduce},
    },
    suite::Split,
};
use skill_schema::{Fault, codes};

use crate::{
    context::Context,
    evals::{
        kept,
        options::{Options, Part},
        prepared,
    },
};

/// Make a record's runs again and say what is different.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill reproduce 3f9a2c                    the skill in this folder, as the record says
  skill reproduce record.json --skill DIR --model embedded:Qwen3-4B

A record of an exact run (skill eval --exact) comes out the same to the bit on the same model and engine.
Exit codes: 0 the same, 8 not the same.")]
pub struct Args {
    /// A record: its file, its folder, or the first digits of its digest.
    #[arg(value_name = "RECORD")]
    record: String,
    /// The folder of the skill that was measured.
    #[arg(long, value_name = "DIR", default_value = ".")]
    skill: String,
    /// The folder of the version that it was compared with, if there was one.
    #[arg(long, value_name = "DIR")]
    baseline: Option<String>,
    /// The suite [default: that of the skill].
    #[arg(long, value_name = "PATH")]
    suite: Option<String>,
    /// The model [default: eval.model, or the only one of this machine].
    #[arg(long, short, value_name = "MODEL")]
    model: Option<String>,
    /// The grader, if there was one.
    #[arg(long, value_name = "MODEL")]
    grader: Option<String>,
}

/// How a record came out again.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reproduced {
    exact: bool,
    sentence: String,
    runs: usize,
    identical: usize,
    same_score: usize,
    first: Option<Place>,
}

/// The flags of an eval, for their defaults.
#[derive(clap::Parser)]
struct Defaults {
    #[command(flatten)]
    options: Options,
}

/// Reproduces.
///
/// # Errors
/// [`codes::NOT_REPRODUCED`] if anything differs; as [`kept::open`] and [`prepared::prepare`].
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let recorded = kept::open(context, &args.record)?.record;
    let mut options = Defaults::parse_from(["skill"]).options;
    options.skill = args.skill.into();
    options.suite = args.suite.map(Into::into);
    options.baseline = args.baseline.map(Into::into);
    options.grader = args.grader;
    options.alone = recorded.arms.baseline.is_none();
    options.part = match recorded.suite.part {
        None => Part::All,
        Some(Split::Train) => Part::Train,
        Some(Split::Holdout) => Part::Holdout,
    };
    options.runs = Some(recorded.result.repeats.max(1));
    options.temperature = Some(recorded.sampling.temperature.value());
    options.max_tokens = Some(recorded.sampling.max_tokens);
    options.exact = recorded.engine.mode == Mode::Exact;
    options.fresh = true;
    let prepared = prepared::prepare(&options)?;
    let is_other = |what: &str| Fault::new(codes::NOT_REPRODUCED).detail(format!("the {what} is another one"));
    if prepared.skill.tree != recorded.skill.tree {
        return Err(is_other("skill").at(options.skill.display().to_string()).into());
    }
    if let (Some(Baseline::Version { tree, .. }), Some(Baseline::Version { tree: here, .. })) =
        (&recorded.arms.baseline, &prepared.baseline)
        && tree != here
    {
        return Err(is_other("baseline").into());
    }
    let again = prepared.measure(context, &options, args.model.as_deref()).await?;
    let result = reproduce(&recorded, &again.record);
    let reproduced = Reproduced {
        exact: result.is_exact(),
        sentence: result.sentence(),
        runs: result.runs,
        identical: result.identical,
        same_score: result.same_score,
        first: result.first,
    };
    context.output.result_or("skill.reproduce/1", &reproduced, |out| out.data(&reproduced.sentence));
    if reproduced.exact { Ok(()) } else { Err(Fault::new(codes::NOT_REPRODUCED).detail(reproduced.sentence).into()) }
}
