//! `skill diff`: what changed between two versions, two folders, or a version and the folder that one works in.

mod compare;
mod human;
mod text;

use std::path::Path;

use skill_bundle::Package;
use skill_schema::{
    Fault, SkillId, codes,
    codes::Exit,
    manifest::{self, Manifest},
    spec::{Spec, Which},
};

use crate::{catalogue::Catalogue, context::Context, output::Output, published, report::Done, source::Local};
use compare::Named;

/// Show what changed between versions, forks or folders.
///
/// With one argument, or none, a skill's folder is compared with what was published last.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill diff                                  the last published version and this folder
  skill diff 2.3.0                            that version and this folder
  skill diff acme/notes@1.0.0 acme/notes
  skill diff acme/notes other/notes --stat
  skill diff ./old new.tar.gz --word --exit-code")]
pub struct Args {
    /// What it was: [registry:]scope/name[@version], a version of the skill in this folder, a folder, or a .tar.gz.
    #[arg(value_name = "SPEC|PATH")]
    from: Option<String>,
    /// What it is now.
    #[arg(value_name = "SPEC|PATH")]
    to: Option<String>,
    /// Count the lines of each file only.
    #[arg(long)]
    stat: bool,
    /// Mark the words that changed inside of lines.
    #[arg(long)]
    word: bool,
    /// End with exit code 1 if there is a difference.
    #[arg(long)]
    exit_code: bool,
}

/// One of the two that are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Side {
    Local(Local),
    Published(Spec),
}

/// Runs `skill diff`.
///
/// # Errors
/// [`codes::USAGE`], [`codes::NO_PATH`], [`codes::NOT_FOUND`], [`codes::NO_VERSION`], what opening and fetching refuse.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let (from, to) = sides(args.from.as_deref(), args.to.as_deref(), &context.cwd)?;
    let catalogue = Catalogue::new(context);
    let (from_name, from) = open(&from, &catalogue).await?;
    let (to_name, to) = open(&to, &catalogue).await?;
    let diff = compare::compare(
        &Named { name: from_name, package: &from },
        &Named { name: to_name, package: &to },
        if args.stat { None } else { Some(text::Marks { words: args.word }) },
    );
    context.output.result_or("skill.diff/1", &diff, |out| human::say(&diff, args.stat, out));
    if args.exit_code && !diff.same {
        return Err(Done(Exit::Failed).into());
    }
    Ok(())
}

/// A difference of two packages that another command has, as JSON.
///
/// # Errors
/// None for our own types.
pub(super) fn value(from: (&str, &Package), to: (&str, &Package)) -> serde_json::Result<serde_json::Value> {
    serde_json::to_value(between(from, to))
}

/// The same for people.
pub(super) fn print(from: (&str, &Package), to: (&str, &Package), stat: bool, out: &Output) {
    human::say(&between(from, to), stat, out);
}

fn between(from: (&str, &Package), to: (&str, &Package)) -> compare::Diff {
    let named = |(name, package): (&str, _)| Named { name: name.to_owned(), package };
    compare::compare(&named(from), &named(to), Some(text::Marks { words: false }))
}

/// What is to be compared; what was not named is the folder here and what was published of it.
fn sides(from: Option<&str>, to: Option<&str>, here: &Path) -> Result<(Side, Side), Fault> {
    let folder = || Side::Local(Local::Folder(Path::new(".").to_owned()));
    match (from.map(|text| side(text, here)).transpose()?, to.map(|text| side(text, here)).transpose()?) {
        (Some(from), Some(to)) => Ok((from, to)),
        (Some(Side::Published(spec)), None) => {
            if here.join(skill_schema::skill_md::FILE).is_file() {
                return Ok((Side::Published(spec), folder()));
            }
            let detail = "name what to compare it with, or run it in a skill's folder";
            Err(Fault::new(codes::USAGE).at(spec.id.to_string()).detail(detail))
        }
        (Some(Side::Local(local)), _) => {
            Ok((Side::Published(latest(id_of(local.path(), Some(&local))?)), Side::Local(local)))
        }
        (None, _) => Ok((Side::Published(latest(id_of(here, None)?)), folder())),
    }
}

fn latest(id: SkillId) -> Spec {
    Spec { registry: None, id, which: Which::Latest }
}

/// The name that a skill's manifest gives.
fn id_of(place: &Path, local: Option<&Local>) -> Result<SkillId, Fault> {
    let text = match local {
        Some(local @ Local::Archive(_)) => {
            let package = local.open()?;
            package.file(manifest::FILE).map(|file| String::from_utf8_lossy(file.content).into_owned())
        }
        _ => crate::files::read_text(&place.join(manifest::FILE), manifest::MAX_BYTES)?,
    };
    let text = text.ok_or_else(|| {
        let detail = "so it is not known which published skill to compare it with; name two";
        Fault::new(codes::NO_MANIFEST).at(place.display().to_string()).detail(detail)
    })?;
    let manifest = Manifest::parse(&text).map_err(|findings| {
        findings.first().map_or_else(|| Fault::new(codes::MANIFEST), skill_schema::lint::Finding::to_fault)
    })?;
    Ok(manifest.id)
}

/// What a word on the command line means: a specifier, a path, or a version of the skill that is here. A path that could be a
/// specifier is written with `./` or `path:` in front.
fn side(text: &str, here: &Path) -> Result<Side, Fault> {
    if let Some(path) = text.strip_prefix("path:") {
        return Ok(Side::Local(Local::find(Path::new(path))?));
    }
    if let Ok(spec) = text.parse::<Spec>() {
        return Ok(Side::Published(spec));
    }
    if let Ok(local) = Local::find(Path::new(text)) {
        return Ok(Side::Local(local));
    }
    match text.parse::<Which>() {
        Ok(which) => Ok(Side::Published(Spec { which, ..latest(id_of(here, None)?) })),
        Err(_) => Ok(Side::Local(Local::find(Path::new(text))?)),
    }
}

/// The files of a side, and what to call it.
async fn open(side: &Side, catalogue: &Catalogue<'_>) -> anyhow::Result<(String, Package)> {
    match side {
        Side::Local(local) => Ok((local.path().display().to_string(), local.open()?)),
        Side::Published(spec) => {
            let entry = published::entry(catalogue, spec).await?;
            let line = published::choose(&entry, &spec.which)?;
            let package = published::package(catalogue.context(), &entry, line).await?;
            Ok((format!("{}@{}", spec.id, line.vers), package))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skill() -> tempfile::TempDir {
        let home = tempfile::tempdir().expect("a folder");
        std::fs::write(home.path().join("SKILL.md"), "x").expect("written");
        std::fs::write(home.path().join("skill.toml"), "[skill]\nname='acme/notes'\nversion='1.0.0'\n")
            .expect("written");
        home
    }

    fn published(text: &str) -> Side {
        Side::Published(text.parse().expect("a specifier"))
    }

    #[test]
    fn what_is_not_named_is_this_folder_and_its_last_version() {
        let home = skill();
        let here = Side::Local(Local::Folder(Path::new(".").to_owned()));
        assert_eq!(sides(None, None, home.path()), Ok((published("acme/notes"), here.clone())));
        assert_eq!(sides(Some("2.3.0"), None, home.path()), Ok((published("acme/notes@2.3.0"), here.clone())));
        assert_eq!(sides(Some("other/x"), None, home.path()), Ok((published("other/x"), here)));
        let text = home.path().display().to_string();
        let folder = Side::Local(Local::Folder(home.path().to_owned()));
        assert_eq!(sides(Some(&text), None, Path::new("/")), Ok((published("acme/notes"), folder.clone())));
        let path = format!("path:{text}");
        assert_eq!(sides(Some("other/x"), Some(&path), Path::new("/")), Ok((published("other/x"), folder)));
    }

    #[test]
    fn elsewhere_a_second_one_must_be_named() {
        let home = tempfile::tempdir().expect("a folder");
        let code = |from: Option<&str>| sides(from, None, home.path()).err().map(|fault| fault.code);
        assert_eq!(code(None), Some(codes::NO_MANIFEST));
        assert_eq!(code(Some("acme/notes")), Some(codes::USAGE));
        assert_eq!(code(Some("2.3.0")), Some(codes::NO_MANIFEST));
        assert_eq!(code(Some("no-such-folder")), Some(codes::NO_PATH));
    }
}
