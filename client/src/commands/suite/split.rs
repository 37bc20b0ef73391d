//! `skill suite split`: which cases are for training and which are held out.

use std::path::PathBuf;

use serde::Serialize;
use skill_engine::suite::{Split, Suite, folder::LOCK, split::Entry};
use skill_schema::{Fault, codes};

use crate::{
    context::Context,
    files::{self, Durable, Mode},
    output::{Output, count},
};

/// Decide which cases are held out, and lock it in evals/split.lock.
///
/// Two of five cases are held out, in each category and by groups. Cases that are locked never move; new ones are added at the end.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill suite split
  skill suite split --dry-run            show where new cases would go
  skill suite split --check              fail if a case is not locked, for CI")]
pub struct Args {
    /// The folder of the skill or suite.
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// Write nothing; show where new cases would go.
    #[arg(long)]
    dry_run: bool,
    /// Write nothing; fail if a case is not locked.
    #[arg(long, conflicts_with = "dry_run")]
    check: bool,
}

/// What was decided, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Decided {
    lock: String,
    added: Vec<Entry>,
    #[serde(flatten)]
    parts: super::Parts,
    written: bool,
}

/// Splits a suite.
///
/// # Errors
/// [`codes::NO_SUITE`], [`codes::SUITE`], [`codes::SPLIT_LOCK`], [`codes::IO`].
pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let opened = Suite::read(&args.path)?;
    let before = opened.lock()?;
    let after = opened.suite.split(&before)?;
    let added = &after.entries()[before.entries().len()..];
    let lock = super::shown(&opened, &format!("evals/{LOCK}"));
    if args.check && !added.is_empty() {
        let detail = format!("{} not locked; run skill suite split", count(added.len(), "case"));
        return Err(Fault::new(codes::SPLIT_LOCK).at(lock).detail(detail).into());
    }
    let written = !args.dry_run && !added.is_empty();
    if written {
        files::replace(&opened.lock_path(), after.text().as_bytes(), Mode::Normal, Durable::Yes)?;
    }
    let decided = Decided { lock, added: added.to_vec(), parts: super::parts(&opened, &after)?, written };
    context.output.result_or("skill.suite.split/1", &decided, |out| say(&decided, out));
    Ok(())
}

fn say(decided: &Decided, out: &Output) {
    let word = |split: Split| if split == Split::Holdout { "held out" } else { "training" };
    let rows = decided.added.iter().map(|e| vec![e.id.clone(), e.category.clone(), word(e.split).to_owned()]);
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        out.table(&["case", "category", "part"], &rows);
    }
    let sum = format!("{} for training, {} held out", decided.parts.train, decided.parts.holdout);
    match (decided.written, decided.added.len()) {
        (_, 0) => out.status("Unchanged", format!("{} ({sum})", decided.lock)),
        (true, n) => {
            out.status("Locked", format!("{} in {} ({sum})", count(n, "new case"), decided.lock));
            out.hint(format!("commit {}; its lines never change", decided.lock));
        }
        (false, n) => out.status("Would lock", format!("{} in {} ({sum})", count(n, "new case"), decided.lock)),
    }
}
