//! `skill suite`: the cases that a skill is measured on.

mod audit;
mod check;
mod import;
mod new;
mod pack;
pub(super) mod plan;
pub mod publish;
mod reveal;
pub mod review;
mod seal;
mod split;
pub mod statement;

use std::path::Path;

use serde::Serialize;
use skill_engine::suite::{Lock, Opened, Split};
use skill_schema::{Fault, lint::Finding, skill_md};

use crate::context::Context;

/// Write, check, split, pack and publish the cases that a skill is measured on.
#[derive(Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Examples:
  skill suite new                        start with ten cases in evals/evals.json
  skill suite check                      what is wrong with it
  skill suite review                     keep, edit or drop what a model drafted
  skill suite split                      decide which cases are held out
  skill suite plan                       what gain it can prove, before anything is run
  skill suite import ../other-skill      take cases from elsewhere
  skill suite publish                    to the registry, for whoever wants to check a score
  skill suite seal                       to the registry, with a holdout that only verifiers read"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    New(new::Args),
    Check(check::Args),
    Review(review::Args),
    Split(split::Args),
    Plan(plan::Args),
    Pack(pack::Args),
    Publish(Box<publish::Args>),
    Seal(seal::Args),
    Reveal(reveal::Args),
    Retire(reveal::RetireArgs),
    Audit(audit::Args),
    Import(import::Args),
}

/// Runs `skill suite`.
///
/// # Errors
/// As the commands below it say.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    match args.command {
        Command::New(args) => new::run(&args, context),
        Command::Check(args) => check::run(&args, context),
        Command::Review(args) => review::run(&args, context),
        Command::Split(args) => split::run(&args, context),
        Command::Plan(args) => plan::run(&args, context),
        Command::Pack(args) => pack::run(&args, context),
        Command::Publish(args) => publish::run(&args, context).await,
        Command::Seal(args) => seal::run(&args, context).await,
        Command::Reveal(args) => reveal::run(&args, context).await,
        Command::Retire(args) => reveal::retire(&args, context).await,
        Command::Audit(args) => audit::run(&args, context).await,
        Command::Import(args) => import::run(&args, context),
    }
}

/// How the cases of a suite are split.
#[derive(Serialize)]
struct Parts {
    train: usize,
    holdout: usize,
    /// In the order of their first case.
    categories: Vec<Category>,
}

#[derive(Serialize)]
struct Category {
    name: String,
    train: usize,
    holdout: usize,
}

/// Counts the cases of each part and category.
///
/// # Errors
/// [`skill_schema::codes::SPLIT_LOCK`] for a case that the lock does not have.
fn parts(opened: &Opened, lock: &Lock) -> Result<Parts, Fault> {
    let mut parts = Parts { train: 0, holdout: 0, categories: Vec::new() };
    for case in &opened.suite.cases {
        let at = parts.categories.iter().position(|category| category.name == case.category).unwrap_or_else(|| {
            parts.categories.push(Category { name: case.category.clone(), train: 0, holdout: 0 });
            parts.categories.len() - 1
        });
        let category = &mut parts.categories[at];
        let (all, own) = match lock.need(&case.id)? {
            Split::Train => (&mut parts.train, &mut category.train),
            Split::Holdout => (&mut parts.holdout, &mut category.holdout),
        };
        *all += 1;
        *own += 1;
    }
    Ok(parts)
}

/// The name of the skill in a folder: that of its SKILL.md, else the folder's.
fn skill_name(folder: &Path) -> String {
    let file = folder.join(skill_md::FILE);
    let text = crate::files::read(&file, skill_schema::Limits::V1.skill_md).ok().flatten();
    let named = text.and_then(|text| skill_md::SkillMd::read(&text).ok()?.name);
    let real = folder.canonicalize().ok();
    let folder = || real.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    named.or_else(folder).unwrap_or_else(|| "skill".to_owned())
}

/// A file of the suite as a path from the current folder, if it lies in it.
fn shown(opened: &Opened, file: &str) -> String {
    let path = opened.folder.path_of(file);
    let here = Path::new(".").canonicalize().ok();
    let inside = here.as_deref().and_then(|here| path.strip_prefix(here).ok());
    inside.unwrap_or(&path).display().to_string()
}

/// Says that a suite with errors was worked with all the same.
fn warn_of_errors(findings: &[Finding], context: &Context) {
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    if errors > 0 {
        let sum = crate::output::count(errors, "error");
        context.output.warn(format!("the suite has {sum}; skill suite check shows them"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skill_is_called_as_its_skill_md_says_else_as_its_folder() {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("notes");
        std::fs::create_dir(&folder).expect("made");
        assert_eq!(skill_name(&folder), "notes");
        std::fs::write(folder.join("SKILL.md"), "---\nname: other\ndescription: d\n---\n").expect("written");
        assert_eq!(skill_name(&folder), "other");
    }
}
