//! `skill benchmark`: one skill on several models.

use serde::Serialize;
use skill_engine::{
    record::{Passes, Record},
    report::{html, words},
    run::Arm,
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
  skill benchmark skills/notes --model openai:gpt-5@https://… -k 5 --html bench.html

With several runs (-k) it also says how often any of them passes, and how often all do.")]
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
    /// For each record, how often any and all of 1, 2… runs pass with the skill.
    passes: Vec<Vec<Passes>>,
}

/// Measures on each model, one after the other.
///
/// # Errors
/// As [`prepared::Prepared::measure`], for the first model that fails; what was measured before is kept.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let prepared = prepared::prepare(&args.options)?;
    let mut done = Benchmark { records: Vec::new(), folders: Vec::new(), passes: Vec::new() };
    let mut last = None;
    for model in &args.models {
        context.output.status("Measuring", model);
        let measured = prepared.measure(context, &args.options, Some(model)).await?;
        done.folders.push(kept::keep(context, &measured.record, &measured.details)?.display().to_string());
        done.passes.push(measured.record.passes(Arm::Cand));
        done.records.push(measured.record);
        last = Some(measured.details);
    }
    if let (Some(path), Some(details), Some((record, others))) = (&args.html, &last, done.records.split_last()) {
        let page = html::page(record, details, &html::Extras { others, ..html::Extras::default() });
        files::replace(path, page.as_bytes(), Mode::Normal, Durable::No)?;
    }
    context.output.result_or("skill.benchmark/1", &done, |out| {
        let row = |(record, passes): (&Record, &Vec<Passes>)| {
            let most = passes
                .last()
                .map_or(["-".to_owned(), "-".to_owned()], |most| [most.any_ppm, most.all_ppm].map(words::percent));
            let [any, all] = most;
            let result = &record.result;
            let mean = |ppm: Option<i64>| ppm.map_or_else(|| "-".to_owned(), words::percent);
            let interval = |delta: &skill_engine::record::Delta| words::delta_interval(delta);
            vec![
                record.model.name.clone(),
                mean(result.base.as_ref().and_then(|arm| arm.mean_ppm)),
                mean(result.cand.mean_ppm),
                result.delta.as_ref().map_or_else(|| "-".to_owned(), |delta| words::points(delta.mean_ppm)),
                result.delta.as_ref().map_or_else(|| "-".to_owned(), interval),
                any,
                all,
                format!("{}×{}", result.cases, result.repeats),
                words::grouped(result.cand.tokens),
            ]
        };
        let rows: Vec<Vec<String>> = done.records.iter().zip(&done.passes).map(row).collect();
        let head = ["Model", "Without", "With", "Lift", "95 % interval", "Any run", "All runs", "Runs", "Tokens"];
        out.table(&head, &rows);
        for folder in &done.folders {
            out.status("Kept", folder);
        }
    });
    Ok(())
}
