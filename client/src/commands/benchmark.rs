//! `skill benchmark`: one skill on several models.

use serde::Serialize;
use skill_engine::{
    record::Record,
    report::{html, words},
};

use crate::{
    context::Context,
    evals::{kept, options::Options, prepared},
    files::{self, Durable, Mode},
};

/// Measure a skill on several models, with and without it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill benchmark --model embedded:Qwen3-1.7B --model embedded:Qwen3-4B
  skill benchmark skills/notes --model openai:gpt-5@https://… -k 5 --html bench.html")]
pub struct Args {
    #[command(flatten)]
    options: Options,
    /// A model; repeat the flag for several.
    #[arg(long = "model", short, value_name = "MODEL", required = true)]
    models: Vec<String>,
    /// Write one HTML page with all of them.
    #[arg(long, value_name = "FILE")]
    html: Option<std::path::PathBuf>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Benchmark {
    records: Vec<Record>,
    folders: Vec<String>,
}

/// Measures on each model, one after the other.
///
/// # Errors
/// As [`prepared::Prepared::measure`], for the first model that fails; what was measured before is kept.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let prepared = prepared::prepare(&args.options)?;
    let mut done = Benchmark { records: Vec::new(), folders: Vec::new() };
    let mut last = None;
    for model in &args.models {
        context.output.status("Measuring", model);
        let measured = prepared.measure(context, &args.options, Some(model)).await?;
        done.folders.push(kept::keep(context, &measured.record, &measured.details)?.display().to_string());
        done.records.push(measured.record);
        last = Some(measured.details);
    }
    if let (Some(path), Some(details), Some((record, others))) = (&args.html, &last, done.records.split_last()) {
        let page = html::page(record, details, &html::Extras { others, ..html::Extras::default() });
        files::replace(path, page.as_bytes(), Mode::Normal, Durable::No)?;
    }
    context.output.result_or("skill.benchmark/1", &done, |out| {
        let row = |record: &Record| {
            let result = &record.result;
            let mean = |ppm: Option<i64>| ppm.map_or_else(|| "-".to_owned(), words::percent);
            let interval = |delta: &skill_engine::record::Delta| words::delta_interval(delta);
            vec![
                record.model.name.clone(),
                mean(result.base.as_ref().and_then(|arm| arm.mean_ppm)),
                mean(result.cand.mean_ppm),
                result.delta.as_ref().map_or_else(|| "-".to_owned(), |delta| words::points(delta.mean_ppm)),
                result.delta.as_ref().map_or_else(|| "-".to_owned(), interval),
                format!("{}×{}", result.cases, result.repeats),
                words::grouped(result.cand.tokens),
            ]
        };
        let rows: Vec<Vec<String>> = done.records.iter().map(row).collect();
        out.table(&["Model", "Without", "With", "Lift", "95 % interval", "Runs", "Tokens"], &rows);
        for folder in &done.folders {
            out.status("Kept", folder);
        }
    });
    Ok(())
}
