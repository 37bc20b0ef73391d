//! `skill worker`: measures what others publish on sealed suites.

use std::{path::PathBuf, time::Duration};

use serde::Serialize;
use skill_schema::{Fault, api::worker::Lease, codes, statement::EvalKind};

use crate::{
    catalogue::Catalogue,
    context::Context,
    evals::{
        options::How,
        verify::{Done, Verifier},
    },
    signing::{self, KeyArgs},
    statements,
};

/// Seconds between two questions whether there is something to do.
const PAUSE: Duration = Duration::from_secs(5);

/// Measure what others publish on sealed suites, as a verifier.
///
/// Claims candidates that wait, measures each against its head on the holdout that nobody else reads, and signs the result. Needs a token with
/// eval:verify, and a key that the registry or the skill's scope lists as a verifier's. A worker that is killed loses nothing: another one claims
/// the job, and finished runs are kept.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill worker --registry main --key vera --model embedded:qwen3-4b
  skill worker --key vera --model openai:m@http://127.0.0.1:8000/v1 --once    one job, or none
  skill worker --key vera --model embedded:qwen3-4b --recheck --once          check what another verifier found
  skill worker --key vera --model embedded:qwen3-4b --suite suite.tar.gz      with a suite that was given by hand")]
pub struct Args {
    #[command(flatten)]
    key: KeyArgs,
    /// Do one job if there is one, and end.
    #[arg(long)]
    once: bool,
    /// End after so many jobs.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_jobs: Option<u64>,
    /// Measure again what other verifiers have measured, rather than new candidates.
    #[arg(long)]
    recheck: bool,
    /// A sealed suite that was given by hand; can be repeated.
    #[arg(long, value_name = "FILE")]
    suite: Vec<PathBuf>,
    #[command(flatten)]
    how: How,
}

/// What was done, as JSON.
#[derive(Serialize)]
struct Summary {
    jobs: Vec<Done>,
}

/// Works.
///
/// # Errors
/// [`codes::UNAUTHENTICATED`], [`codes::KEY_UNKNOWN_LOCAL`]; what the registry refuses; with `--once` also what keeps the job from its end.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let registry = context.default_registry()?;
    statements::check_signed_in(context, &registry)?;
    let name =
        args.key.key.clone().ok_or_else(|| Fault::new(codes::USAGE).detail("name the verifier's key with --key"))?;
    let secret = signing::find(&context.env, &name)?.open(context, &args.key)?;
    let catalogue = Catalogue::new(context);
    let source = catalogue.registry(registry).await?;
    let verifier = Verifier::new(context, &source, &secret, &args.how, &args.suite)?;
    let limit = if args.once { Some(1) } else { args.max_jobs };
    let mut summary = Summary { jobs: Vec::new() };
    while limit.is_none_or(|limit| (summary.jobs.len() as u64) < limit) {
        let Some(lease) = verifier.claim(args.recheck).await? else {
            if args.once {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        say(context, &lease);
        match verifier.work(&lease).await {
            Ok(done) => {
                let word = if done.kind == EvalKind::Refute { "refutes what was found" } else { done.verdict.as_str() };
                context.output.status("Signed", format!("{} {}: {word}", done.skill, done.version));
                summary.jobs.push(done);
            }
            Err(error) if args.once => return Err(error),
            Err(error) => {
                context.output.warn(format!("attempt {}: {error}", lease.attempt.short()));
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    context.output.result_or("skill.worker/1", &summary, |out| {
        if summary.jobs.is_empty() {
            out.status("Finished", "there is nothing to do");
        }
    });
    Ok(())
}

fn say(context: &Context, lease: &Lease) {
    let against = if lease.parent.is_some() { "its head" } else { "no skill" };
    let what = format!("{} {} against {against}, attempt {}", lease.skill, lease.version, lease.attempt.short());
    context.output.status("Claimed", what);
}
