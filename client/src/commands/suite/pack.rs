//! `skill suite pack`: a suite as an artifact of its own.

use std::path::{Path, PathBuf};

use serde::Serialize;
use skill_engine::suite::{
    Opened, Suite,
    hash::Digests,
    pack::{self, Contents},
};
use skill_schema::{Digest, lint};

use crate::{
    commands::pack::{outside, refuse_target},
    context::Context,
    files::{self, Durable, Mode},
    output::{Output, bytes, count},
};

/// Pack a suite into one archive, with or without the cases that are held out.
///
/// Without the holdout the archive has the cases for training and the files that these name, and nothing else.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill suite pack                       all of it: for a verifier, or an open suite
  skill suite pack --without-holdout     for everybody else
  skill suite pack --dry-run             list what would be in it")]
pub struct Args {
    /// The folder of the skill or suite.
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// Leave out the cases that are held out, and their files.
    #[arg(long)]
    without_holdout: bool,
    /// The file to write, or - for stdout; NAME-suite.tar.gz outside of the skill's folder if not given.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite the file.
    #[arg(long)]
    force: bool,
    /// Write nothing; list what would be packed.
    #[arg(long)]
    dry_run: bool,
}

/// What was packed, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    id: Option<String>,
    version: Option<String>,
    contents: Contents,
    /// The file; `None` for stdout.
    file: Option<String>,
    archive: Digest,
    size: u64,
    /// The digests of the whole suite, whatever is in the archive.
    suite: Digest,
    train: Digest,
    holdout: Digest,
    train_cases: usize,
    holdout_cases: usize,
    files: Vec<String>,
    written: bool,
}

/// Packs a suite.
///
/// # Errors
/// [`skill_schema::codes::NO_SUITE`], [`skill_schema::codes::SPLIT_LOCK`] if a case is not locked, the archive profile's codes,
/// [`skill_schema::codes::EXISTS`], [`skill_schema::codes::IO`].
pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let output = &context.output;
    let opened = Suite::read(&args.path)?;
    let contents = if args.without_holdout { Contents::Train } else { Contents::Whole };
    let digests = opened.suite.digests(&opened.lock()?, &opened.folder)?;
    let packed = pack::pack(&opened, contents)?;
    let to_stdout = args.output.as_deref() == Some(Path::new("-"));
    let folder = opened.folder.path().to_owned();
    let file = args.output.clone().unwrap_or_else(|| outside(&folder, name(&opened, contents)));
    if !to_stdout {
        refuse_target(&folder, &file, args.force)?;
    }
    super::warn_of_errors(&opened.lint(lint::Level::Strict), context);
    let summary = Summary {
        id: opened.suite.settings.id.clone(),
        version: opened.suite.settings.version.clone(),
        contents,
        file: (!to_stdout).then(|| file.display().to_string()),
        archive: packed.package.digest(),
        size: packed.package.size(),
        suite: digests.suite,
        train: digests.train,
        holdout: digests.holdout,
        train_cases: digests.train_cases,
        holdout_cases: digests.holdout_cases,
        files: packed.package.files().map(|file| file.path.to_owned()).collect(),
        written: !args.dry_run,
    };
    match (summary.written, to_stdout) {
        (true, true) => {
            output.bytes(&packed.archive);
            say(&summary, &digests, output);
            return Ok(());
        }
        (true, false) => files::replace(&file, &packed.archive, Mode::Normal, Durable::Yes)?,
        (false, _) => {}
    }
    output.result_or("skill.suite.pack/1", &summary, |out| {
        if !summary.written {
            summary.files.iter().for_each(|file| out.data(file));
        }
        say(&summary, &digests, out);
    });
    Ok(())
}

/// `pdf-forms-suite-2.1.0.tar.gz`, `pdf-forms-suite-train.tar.gz`.
fn name(opened: &Opened, contents: Contents) -> String {
    let settings = &opened.suite.settings;
    let id = settings.id.as_deref().and_then(|id| id.split_once('/')).map(|(_, name)| name.to_owned());
    let base = id.unwrap_or_else(|| super::skill_name(opened.folder.path()));
    let suite = if base.ends_with("-suite") { "" } else { "-suite" };
    let version = settings.version.as_deref().map(|version| format!("-{version}")).unwrap_or_default();
    let part = if contents == Contents::Train { "-train" } else { "" };
    format!("{base}{suite}{version}{part}.tar.gz")
}

fn say(summary: &Summary, digests: &Digests, out: &Output) {
    let cases = match summary.contents {
        Contents::Whole => summary.train_cases + summary.holdout_cases,
        Contents::Train => summary.train_cases,
    };
    let to = summary.file.as_ref().map(|file| format!(" to {file}")).unwrap_or_default();
    let sum = format!("{}, {}, {}", count(cases, "case"), count(summary.files.len(), "file"), bytes(summary.size));
    let what = if summary.contents == Contents::Train { "the suite without its holdout" } else { "the whole suite" };
    out.status(if summary.written { "Packed" } else { "Would pack" }, format!("{what}{to} ({sum})"));
    out.note(format!("suite {}", digests.suite));
    out.note(format!("train {} ({})", digests.train, count(digests.train_cases, "case")));
    out.note(format!("holdout {} ({})", digests.holdout, count(digests.holdout_cases, "case")));
}
