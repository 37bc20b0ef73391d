//! `skill verify evidence`: whether a file proves that a log has shown two histories.

use std::path::PathBuf;

use serde::Serialize;
use skill_bundle::log::fork::{Fork, MAX_BYTES};
use skill_schema::{Fault, codes};

use crate::{context::Context, files};

/// Check a file that accuses a registry of having shown two histories. Needs no network and nothing but the file.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill verify evidence fork.json
  skill verify evidence fork.json --key skills.example/log+240433c1+AYE5…     accept it of this log only")]
pub struct Args {
    /// The file, as it was kept when the fork was noticed.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The key that must have signed; without it, any key, which is shown.
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,
}

#[derive(Serialize)]
struct Result {
    /// The log's verifier key, which signed both.
    key: String,
    /// Whether a configured registry has this key.
    known: bool,
    first: Head,
    second: Head,
}

#[derive(Serialize)]
struct Head {
    size: u64,
    root: skill_schema::Digest,
}

/// Checks a file.
///
/// # Errors
/// [`codes::EVIDENCE`] and the like if it proves nothing; [`codes::NO_PATH`].
pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let place = || args.file.display().to_string();
    let bytes = files::read(&args.file, MAX_BYTES)?.ok_or_else(|| Fault::new(codes::NO_PATH).at(place()))?;
    let fork = Fork::parse(&bytes).map_err(|fault| if fault.place.is_none() { fault.at(place()) } else { fault })?;
    let key = fork.log.to_string();
    if args.key.as_ref().is_some_and(|expected| *expected != key) {
        return Err(Fault::new(codes::EVIDENCE).at(place()).detail(format!("it is signed by {key}")).into());
    }
    let known = context.config.registries()?.iter().any(|registry| registry.key.as_ref() == Some(&key));
    let head = |signed: &skill_bundle::log::checkpoint::Signed| Head {
        size: signed.checkpoint.size,
        root: signed.checkpoint.root,
    };
    let result = Result { known, first: head(&fork.first), second: head(&fork.second), key };
    context.output.result_or("skill.verify.evidence/1", &result, |out| {
        out.status("Proven", "one key signed two histories that contradict each other");
        let whose = if result.known {
            "of a registry that you have configured"
        } else {
            "of no registry that you have configured"
        };
        out.status("Key", format!("{} ({whose})", result.key));
        out.status("First", format!("{} statements, root {}", result.first.size, result.first.root));
        out.status("Second", format!("{} statements, root {}", result.second.size, result.second.root));
        out.hint("show the file to others: anybody can check it with the log's key alone");
    });
    Ok(())
}
