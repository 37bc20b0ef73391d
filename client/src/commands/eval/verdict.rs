//! `skill eval verdict`: the gate's verdict, computed again by whoever has the scores.

use std::path::PathBuf;

use skill_engine::gate::{self, small};
use skill_schema::{Fault, codes};

use crate::{context::Context, files};

/// Compute a verdict from the scores of all runs.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill eval verdict scores.json
  echo '{\"base\":[[0,0,1000]],\"cand\":[[1000,1000,1000]]}' > s.json && skill eval verdict s.json --json

Exit codes: 0 accept, 8 reject, 11 invalid.")]
pub struct Args {
    /// A file with the scores of both arms, per mille, a list a case; docs/scores.md describes it.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Judge a maintenance release: not worse, rather than better.
    #[arg(long)]
    maintenance: bool,
}

/// Computes a verdict.
///
/// # Errors
/// [`codes::GATE_INPUT`], [`codes::GATE_SIZE`], [`codes::GATE_REJECTED`], [`codes::GATE_INVALID`].
pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let place = args.file.display().to_string();
    let bytes = files::read(&args.file, small::MAX_BYTES)?.ok_or_else(|| Fault::new(codes::NO_PATH).at(&*place))?;
    let input = small::parse(&bytes).map_err(|fault| match &fault.place {
        Some(inner) => fault.clone().at(format!("{place}: {inner}")),
        None => fault.at(&*place),
    })?;
    let verdict = if args.maintenance { gate::maintenance(&input)? } else { gate::decide(&input)? };
    context.output.result_or("skill.eval.verdict/1", &verdict, |out| {
        out.data(verdict.sentence());
        for reason in &verdict.reasons {
            out.data(format!("  {}: {}", reason.code(), reason.happened()));
            out.hint(reason.what_to_do());
        }
    });
    match verdict.fault() {
        Some(fault) => Err(fault.into()),
        None => Ok(()),
    }
}
