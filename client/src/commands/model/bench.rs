//! `skill model bench`: how fast a model is here, with a prefix that all cases share.

use std::time::Instant;

use futures::StreamExt as _;
use serde::Serialize;
use skill_engine::model::{CaseRequest, Constraint, GroupRequest, Message, Mode, Role, Sampling};

use crate::{context::Context, evals::models};

/// Measure how fast a model is on this machine.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill model bench
  skill model bench embedded:Qwen3-4B --cases 16")]
pub struct Args {
    /// The model [default: eval.model, or the only one of this machine].
    #[arg(value_name = "MODEL")]
    model: Option<String>,
    /// Cases that share one beginning.
    #[arg(long, value_name = "N", default_value_t = 8)]
    cases: u32,
    /// Tokens of each answer at most.
    #[arg(long, value_name = "N", default_value_t = 32)]
    tokens: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bench {
    model: String,
    device: String,
    seconds: f64,
    prompt_tokens: u64,
    cached_tokens: u64,
    output_tokens: u64,
}

/// Measures.
///
/// # Errors
/// [`skill_schema::codes::MODEL`], [`skill_schema::codes::MODEL_UNAVAILABLE`].
pub(super) async fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let engine = models::open(context, args.model.as_deref(), None).await?;
    let rule = "Answer in one sentence. Name the thing first. Use plain words. ";
    let prefix = vec![Message::new(Role::System, rule.repeat(40))];
    let case = |n: u32| CaseRequest {
        messages: vec![Message::new(Role::User, format!("What is the number {n} good for?"))],
        sampling: Sampling { temperature: 0.0, max_tokens: args.tokens, ..Sampling::default() },
        seed: u64::from(n),
        stop: Vec::new(),
        constraint: Constraint::None,
    };
    let group = GroupRequest { prefix, cases: (0..args.cases).map(case).collect(), mode: Mode::Throughput };
    let started = Instant::now();
    let mut bench = Bench {
        model: engine.fingerprint().model.clone(),
        device: engine.fingerprint().device.clone(),
        seconds: 0.0,
        prompt_tokens: 0,
        cached_tokens: 0,
        output_tokens: 0,
    };
    let mut answers = engine.run_group(group);
    while let Some((_, answer)) = answers.next().await {
        let answer = answer.map_err(models::fault)?;
        bench.prompt_tokens += answer.prompt_tokens;
        bench.cached_tokens += answer.cached_tokens;
        bench.output_tokens += answer.output_tokens;
    }
    bench.seconds = (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    context.output.result_or("skill.model.bench/1", &bench, |out| {
        out.data(format!(
            "{} on {}: {} cases in {:.2} s; {} of {} prompt tokens evaluated, {} generated",
            bench.model,
            bench.device,
            args.cases,
            bench.seconds,
            bench.prompt_tokens.saturating_sub(bench.cached_tokens),
            bench.prompt_tokens,
            bench.output_tokens,
        ));
    });
    Ok(())
}
