//! `skill suite new`: ten cases to start from.

use std::path::PathBuf;

use serde::Serialize;
use skill_engine::suite::{
    Suite,
    folder::{EVALS, FILE},
};
use skill_schema::{Fault, codes};

use crate::{
    chance,
    context::Context,
    files::{self, Durable, Mode},
    output::count,
    source::Local,
};

/// Start a suite: ten cases that show what cases can be, each with a note on what to replace.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill suite new                        for the skill in this folder
  skill suite new pdf-forms
  skill suite new --dry-run              print it")]
pub struct Args {
    /// The skill's folder.
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// Write nothing; print what would be written.
    #[arg(long)]
    dry_run: bool,
}

/// What was made, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    skill_name: String,
    file: String,
    cases: usize,
    written: bool,
}

/// Writes a suite.
///
/// # Errors
/// [`codes::EXISTS`] if there is one, [`codes::NO_PATH`], [`codes::IO`].
pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let Local::Folder(folder) = Local::find(&args.path)? else {
        return Err(Fault::new(codes::USAGE).at(args.path.display().to_string()).detail("a folder is expected").into());
    };
    let suite = Suite::new_skeleton(&super::skill_name(&folder), chance::bytes()?)?;
    let file = folder.join(EVALS).join(FILE);
    let shown = file.strip_prefix(".").unwrap_or(&file).display().to_string();
    if file.symlink_metadata().is_ok() {
        let detail = "edit it, or take cases from elsewhere with skill suite import";
        return Err(Fault::new(codes::EXISTS).at(shown).detail(detail).into());
    }
    let text = suite.to_text(None);
    if !args.dry_run {
        files::replace(&file, text.as_bytes(), Mode::Normal, Durable::Yes)?;
    }
    let made = Made { skill_name: suite.skill_name, file: shown, cases: suite.cases.len(), written: !args.dry_run };
    context.output.result_or("skill.suite.new/1", &made, |out| {
        if !made.written {
            return out.data(text.trim_end());
        }
        out.status("Created", format!("{} with {}", made.file, count(made.cases, "case")));
        let path = if folder.as_os_str() == "." { String::new() } else { format!(" {}", folder.display()) };
        out.hint(format!("replace what says REPLACE, then: skill suite check{path}"));
    });
    Ok(())
}
