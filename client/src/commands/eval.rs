//! `skill eval`: whether a skill helps, measured on its suite.

mod verdict;

use serde::Serialize;
use skill_engine::{
    eval::Measured,
    executor::leak::Leak,
    gate::Policy,
    grade::analyze::Remark,
    model::Counters,
    record::{Record, Terms, summary},
    report::{remarks::remarks, terminal},
};
use skill_schema::{Fault, codes};

use crate::{
    commands::suite,
    context::Context,
    evals::{kept, options::Options, prepared},
    output::count,
};

/// Measure whether a skill helps: its suite's cases with and without it, on a model.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  skill eval                                 the skill in this folder, with and without it
  skill eval --model embedded:Qwen3-4B       on a model of this machine
  skill eval --baseline ../old -k 5          this version against another one
  skill eval --part holdout --gate standard  whether it would be published as an improvement
  skill eval plan                            what gain the suite can prove, before anything is run

Exit codes: 0 measured (with --gate: accepted), 8 measured and not better, 11 not measured, 12 a cap was reached."
)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
    /// The model that answers [default: eval.model, or the only one of this machine].
    #[arg(long, short, value_name = "MODEL")]
    model: Option<String>,
    /// Make no more runs once none of them could change the verdict of --gate.
    #[arg(long, requires = "gate", conflicts_with = "until_ci")]
    stop_early: bool,
    /// Decide by the gate's exact test whether the skill beats the baseline.
    #[arg(long, value_enum, value_name = "standard|strict", hide_possible_values = true, conflicts_with = "alone")]
    gate: Option<Asked>,
}

/// Which test decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Asked {
    Standard,
    Strict,
}

impl From<Asked> for Policy {
    fn from(asked: Asked) -> Self {
        match asked {
            Asked::Standard => Self::Standard,
            Asked::Strict => Self::Strict,
        }
    }
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Plan(suite::plan::Args),
    Verdict(verdict::Args),
}

/// What was measured, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Result<'a> {
    record: &'a Record,
    folder: String,
    report: String,
    cached_runs: u64,
    new_runs: u64,
    new_tokens: u64,
    runs_not_made: u64,
    complete: bool,
    counters: Option<Taken>,
    /// What stands out in the runs.
    remarks: Vec<Remark>,
    /// Where the skill holds text of the holdout.
    leaks: &'a [Leak],
}

/// What the model took in this process, as its back end counted it, in tokens but for the last two. Runs that were kept from
/// earlier took nothing.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Taken {
    /// Of shared beginnings: evaluated.
    prefix_evaluated: u64,
    /// Of shared beginnings: read from disk, where an earlier eval had kept them.
    prefix_restored: u64,
    /// Of shared beginnings: summed over the runs that took them over.
    prefix_shared: u64,
    /// Of the runs' own prompts: evaluated.
    prompt_evaluated: u64,
    /// Generated.
    generated: u64,
    /// Calls of the model.
    decodes: u64,
    /// Runs that had to begin again because the attention state was full.
    restarts: u64,
}

impl From<Counters> for Taken {
    fn from(counters: Counters) -> Self {
        let Counters { prefix_evaluated, prefix_restored, prefix_shared, .. } = counters;
        let Counters { prompt_evaluated, generated, decodes, restarts, .. } = counters;
        Self { prefix_evaluated, prefix_restored, prefix_shared, prompt_evaluated, generated, decodes, restarts }
    }
}

impl Taken {
    fn sentence(&self) -> String {
        format!(
            "model: {} tokens of shared beginnings evaluated, {} read from disk, {} saved; {} of prompts, {} generated in {} calls",
            self.prefix_evaluated,
            self.prefix_restored,
            self.prefix_shared.saturating_sub(self.prefix_evaluated),
            self.prompt_evaluated,
            self.generated,
            self.decodes,
        )
    }
}

/// Runs `skill eval`.
///
/// # Errors
/// As [`prepared::prepare`] and [`prepared::Prepared::measure`]; the gate's refusals; [`codes::BUDGET`].
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    match args.command {
        Some(Command::Plan(args)) => suite::plan::run(&args, context),
        Some(Command::Verdict(args)) => verdict::run(&args, context),
        None => measure(&args, context).await,
    }
}

async fn measure(args: &Args, context: &Context) -> anyhow::Result<()> {
    let prepared = prepared::prepare(&args.options)?;
    if args.options.grader.is_none() && prepared.needs_grader() {
        context.output.warn("expectations need a grader model and are not counted; name one with --grader");
    }
    let mut ready = prepared.ready(context, &args.options, args.model.as_deref()).await?;
    let leak = !prepared.leaks().is_empty();
    let terms = args.gate.map(|policy| Terms { leak, ..Terms::first(policy.into()) });
    ready.early = terms.filter(|_| args.stop_early);
    let mut measured = ready.measure(None).await?;
    let refused = terms.map(|terms| decide(&mut measured, &terms)).transpose()?.flatten();
    let folder = kept::keep(context, &measured.record, &measured.details)?;
    let report = folder.join(kept::PAGE).display().to_string();
    let result = Result {
        record: &measured.record,
        folder: folder.display().to_string(),
        report: report.clone(),
        cached_runs: measured.cached,
        new_runs: measured.spent.runs,
        new_tokens: measured.spent.tokens,
        runs_not_made: measured.certain.map_or(0, |certain| certain.not_made),
        complete: measured.stopped.is_none() && measured.certain.is_none(),
        counters: measured.counters.map(Taken::from),
        remarks: remarks(&measured.record),
        leaks: &measured.details.leaks,
    };
    context.output.result_or("skill.eval/1", &result, |out| {
        out.data(terminal::text(&measured.record, &measured.details).trim_end());
        if measured.cached > 0 {
            let kept = usize::try_from(measured.cached).unwrap_or(usize::MAX);
            out.note(format!("{} kept from earlier", count(kept, "run")));
        }
        if let Some(taken) = &result.counters {
            out.trace(1, || taken.sentence());
        }
        out.status("Report", &report);
    });
    if let Some(cap) = measured.stopped {
        let detail = format!("the cap on {cap:?}").to_lowercase();
        return Err(Fault::new(codes::BUDGET).detail(detail).into());
    }
    refused.map_or(Ok(()), |fault| Err(fault.into()))
}

/// Puts the gate's verdict into the record. What is not an accept is a fault.
fn decide(measured: &mut Measured, terms: &Terms) -> std::result::Result<Option<Fault>, Fault> {
    if let Some(certain) = measured.certain {
        measured.record.verdict = certain.summary(terms);
        return Ok(certain.fault());
    }
    let verdict = measured.record.judge(terms)?;
    measured.record.verdict = summary(&verdict, terms);
    Ok(verdict.fault())
}
