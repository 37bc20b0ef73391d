//! `skill compare`: two results beside each other, if they may be compared at all; or two sides' answers, compared blind.

mod blind;

use std::path::PathBuf;

use serde::Serialize;
use skill_engine::{record::compare::compare, report::words};
use skill_schema::{Fault, codes};

use crate::{context::Context, evals::kept};

/// Compare two results that were measured under the same conditions, or answers blind.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill compare 81bb0e 3f9a2c
  skill compare old/record.json new/record.json --json
  skill compare 3f9a2c --blind --grader embedded:Qwen3-4B          with the skill against without
  skill compare 81bb0e 3f9a2c --blind --grader anthropic:claude-…  one skill against another

Blind, a grader sees two answers without knowing whose they are, in both orders; one wins only if it wins both.")]
pub struct Args {
    /// A record: its file, its folder, or the first digits of its digest.
    #[arg(value_name = "RECORD")]
    first: String,
    /// The record that it is compared with [with --blind: its own baseline].
    #[arg(value_name = "RECORD", required_unless_present = "blind")]
    second: Option<String>,
    /// Have a grader say which answers it prefers, without telling it whose they are.
    #[arg(long, requires = "grader")]
    blind: bool,
    /// The model that compares.
    #[arg(long, value_name = "MODEL", requires = "blind")]
    grader: Option<String>,
    /// Write comparison.json and analysis.json as skill-creator has them into this folder.
    #[arg(long, value_name = "DIR", requires = "blind")]
    skill_creator: Option<PathBuf>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Compared {
    cases: Vec<Case>,
    delta_ppm: Option<i64>,
    low_ppm: Option<i64>,
    high_ppm: Option<i64>,
    only_first: Vec<String>,
    only_second: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    id: String,
    first_ppm: i64,
    second_ppm: i64,
}

/// Compares.
///
/// # Errors
/// [`codes::NOT_COMPARABLE`] with the first condition that differs; as [`kept::open`].
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    if let Some(grader) = args.grader.as_deref().filter(|_| args.blind) {
        let records = (args.first.as_str(), args.second.as_deref());
        return blind::run(records, grader, args.skill_creator.as_deref(), context).await;
    }
    scores(&args.first, args.second.as_deref().unwrap_or_default(), context)
}

fn scores(first: &str, second: &str, context: &Context) -> anyhow::Result<()> {
    let (first, second) = (kept::open(context, first)?.record, kept::open(context, second)?.record);
    let comparison = compare(&first, &second).map_err(|parts| {
        let texts: Vec<String> =
            parts.iter().map(|part| format!("{}: {} and {}", part.part, part.first, part.second)).collect();
        Fault::new(codes::NOT_COMPARABLE).detail(texts.join("; "))
    })?;
    let interval = comparison.delta.as_ref().and_then(|delta| delta.interval);
    let case = |pair: &skill_engine::record::compare::Pair| Case {
        id: pair.case.clone(),
        first_ppm: pair.first_ppm,
        second_ppm: pair.second_ppm,
    };
    let compared = Compared {
        cases: comparison.pairs.iter().map(case).collect(),
        delta_ppm: comparison.delta.as_ref().map(|delta| delta.mean_ppm),
        low_ppm: interval.map(|interval| interval.low_ppm),
        high_ppm: interval.map(|interval| interval.high_ppm),
        only_first: comparison.only_first,
        only_second: comparison.only_second,
    };
    context.output.result_or("skill.compare/1", &compared, |out| {
        let rows: Vec<Vec<String>> = compared
            .cases
            .iter()
            .map(|case| {
                let points = words::points(case.second_ppm - case.first_ppm);
                vec![case.id.clone(), words::percent(case.first_ppm), words::percent(case.second_ppm), points]
            })
            .collect();
        out.table(&["Case", &first.skill.title(), &second.skill.title(), "Difference"], &rows);
        if let Some(delta) = &comparison.delta {
            let interval = words::delta_interval(delta);
            out.data(format!("difference {}, 95 % interval {interval}", words::points(delta.mean_ppm)));
        }
        out.note("the runs were not interleaved; skill eval --baseline DIR --gate standard decides");
    });
    Ok(())
}
