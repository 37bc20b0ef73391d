//! `skill check`: everything that publishing would refuse, and what is worth a look besides.

mod github;
mod human;
mod sarif;

use std::path::{Path, PathBuf};

use clap::{
    ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use serde::Serialize;
use skill_bundle::{
    Package,
    check::{self, Report},
    pack,
};
use skill_schema::{
    Code, Fault, Limits,
    codes::{self, Exit},
    lint::{self, Options, Profile, Severity},
};

use crate::{
    context::Context,
    report::Done,
    source::{self, Local},
};

/// The schema of the result.
const SCHEMA: &str = "skill.check/1";

/// Check a skill: its format, size, links, hidden text and risky patterns.
#[derive(Debug, clap::Args)]
#[command(
    visible_alias = "lint",
    after_help = "\
Examples:
  skill check                            the skill in this folder
  skill check skills/*                   several
  skill check notes-1.2.0.tar.gz         a packed one
  skill check --deny warnings --format github

Exit codes: 0 nothing is wrong, 1 there are errors, 8 there are warnings and --deny warnings was given."
)]
pub struct Args {
    /// Folders of skills, or packed skills.
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Fail for warnings as well.
    #[arg(long, value_name = "WHAT", value_parser = ["warnings"])]
    deny: Option<String>,
    /// How strict to be: as publishing, or as agents that load what they can.
    #[arg(long, value_enum, default_value = "strict", hide_possible_values = true, value_name = "strict|lenient")]
    level: Level,
    /// Whose extensions of the frontmatter count as known.
    #[arg(long, value_name = "PROFILE", value_parser = profiles(), default_value = "agentskills")]
    profile: Profile,
    /// How to print what was found.
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "human")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    Strict,
    Lenient,
}

/// How to print what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Human,
    /// One JSON document a path.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Workflow commands that GitHub shows beside the lines.
    Github,
}

/// Reads the name of a profile.
fn profiles() -> impl TypedValueParser<Value = Profile> {
    let names = PossibleValuesParser::new(Profile::ALL.map(Profile::as_str));
    names.map(|name| Profile::find(&name).unwrap_or_default())
}

/// What was found in one skill.
#[derive(Debug)]
struct Checked {
    path: PathBuf,
    /// Whether the path is an archive: its files have no path of their own.
    packed: bool,
    report: Report,
    /// Its files, if they could be read: to show the lines that findings are about.
    package: Option<Package>,
    /// The code of the whole: that of the first error, or that of denied warnings.
    code: Option<&'static Code>,
}

/// What was found, as JSON.
#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    code: Option<&'a str>,
    findings: &'a [lint::Finding],
    path: String,
}

/// Runs `skill check`.
///
/// # Errors
/// [`codes::NO_PATH`], [`codes::IO`]; what was found is no error but [`Done`] with the exit code.
#[expect(clippy::unused_async, reason = "all commands have the same shape")]
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let level = match args.level {
        Level::Strict => lint::Level::Strict,
        Level::Lenient => lint::Level::Lenient,
    };
    let options = Options { level, profile: args.profile };
    let format = if context.global.json && args.format == Format::Human { Format::Json } else { args.format };
    let output = &context.output;
    let mut codes = Vec::new();
    let mut all = Vec::new();
    for path in &args.paths {
        let checked = Checked::of(path, options, args.deny.is_some())?;
        match format {
            Format::Human => human::say(&checked, output),
            Format::Json => output.result(SCHEMA, &checked.document()),
            Format::Github => github::lines(&checked).iter().for_each(|line| output.data(line)),
            Format::Sarif => {}
        }
        codes.push(checked.code);
        if format == Format::Sarif {
            all.push(checked);
        }
    }
    if format == Format::Sarif {
        output.data(sarif::log(&all));
    }
    match exit(&codes) {
        Some(exit) => Err(Done(exit).into()),
        None => Ok(()),
    }
}

/// The exit code: errors weigh more than warnings.
pub(super) fn exit(codes: &[Option<&'static Code>]) -> Option<Exit> {
    let codes = || codes.iter().flatten();
    if codes().any(|code| **code != *codes::DENIED_WARNINGS) {
        return Some(Exit::Failed);
    }
    codes().next().map(|code| code.exit)
}

impl Checked {
    fn of(path: &Path, options: Options, deny_warnings: bool) -> Result<Self, Fault> {
        let local = Local::find(path)?;
        let (report, package) = match &local {
            Local::Folder(folder) => match pack::pack_dir(folder, &Limits::V1) {
                Ok(packed) => (check::check_packed(folder, &packed, &Limits::V1, options), Some(packed.package)),
                Err(fault) => (refused(fault)?, None),
            },
            Local::Archive(file) => {
                match source::read_archive(file).and_then(|bytes| Package::open(bytes, &Limits::V1)) {
                    Ok(package) => (check::check_package(&package, &Limits::V1, options), Some(package)),
                    Err(fault) => (refused(fault)?, None),
                }
            }
        };
        let warned = deny_warnings && report.findings.iter().any(|f| f.severity == Severity::Warning);
        let code = report.code.or(warned.then_some(codes::DENIED_WARNINGS));
        let packed = matches!(local, Local::Archive(_));
        Ok(Self { path: local.path().to_owned(), packed, report, package, code })
    }

    fn document(&self) -> Document<'_> {
        Document {
            ok: self.code.is_none(),
            code: self.code.map(|code| code.id),
            findings: &self.report.findings,
            path: self.path.display().to_string(),
        }
    }

    fn count(&self, severity: Severity) -> usize {
        self.report.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// The path of a file of the skill from the current folder: `notes/SKILL.md`.
    fn place_of(&self, file: &str) -> String {
        if self.path == Path::new(".") { file.to_owned() } else { format!("{}/{file}", self.path.display()) }
    }

    /// The text of one of its files.
    fn text(&self, file: &str) -> Option<&str> {
        let file = self.package.as_ref()?.files().find(|f| f.path == file)?;
        std::str::from_utf8(file.content).ok()
    }
}

/// What a broken archive or folder is reported as. A file that could not be read says nothing about the skill.
fn refused(fault: Fault) -> Result<Report, Fault> {
    if fault.code == codes::IO { Err(fault) } else { Ok(Report::refused(&fault)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A skill folder called `notes`; the first value must live as long as it is used.
    pub(super) fn skill(text: &str) -> (tempfile::TempDir, PathBuf) {
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("notes");
        std::fs::create_dir(&folder).expect("a folder");
        std::fs::write(folder.join("SKILL.md"), text).expect("written");
        (home, folder)
    }

    pub(super) const GOOD: &str = "---\nname: notes\ndescription: Takes notes. Use it to take notes.\n---\n# Notes\n";

    pub(super) fn check(folder: &Path, deny: bool) -> Checked {
        Checked::of(folder, Options::default(), deny).expect("readable")
    }

    #[test]
    fn a_good_skill_has_no_code_and_a_bad_one_has_that_of_its_first_error() {
        let (_home, folder) = skill(GOOD);
        assert_eq!(check(&folder, true).code, None);
        let (_home, folder) = skill("---\nname: other\n---\n");
        let checked = check(&folder, false);
        assert_eq!(checked.code, Some(codes::LINT));
        let json = serde_json::to_value(checked.document()).expect("json");
        assert_eq!((&json["ok"], &json["code"]), (&false.into(), &"E_LINT".into()));
        assert_eq!(json["findings"][0]["level"], "error");
    }

    #[test]
    fn warnings_fail_only_when_denied() {
        let (_home, folder) = skill(&GOOD.replace("---\n#", "purpose: x\n---\n#"));
        assert_eq!(check(&folder, false).code, None);
        let denied = check(&folder, true);
        assert_eq!(denied.code, Some(codes::DENIED_WARNINGS));
        assert_eq!(exit(&[None, denied.code]), Some(Exit::Gate));
        assert_eq!(exit(&[denied.code, Some(codes::LINT)]), Some(Exit::Failed));
        assert_eq!(exit(&[None]), None);
    }

    #[test]
    fn a_packed_skill_is_checked_as_its_folder() {
        let (home, folder) = skill(GOOD);
        let packed = pack::pack_dir(&folder, &Limits::V1).expect("packed");
        let file = home.path().join("n.tar.gz");
        std::fs::write(&file, &packed.archive).expect("written");
        assert_eq!(check(&file, false).code, None);
        std::fs::write(&file, b"PK").expect("written");
        assert_eq!(check(&file, false).code, Some(codes::NOT_GZIP));
        std::fs::write(&file, b"").expect("written");
        assert_eq!(check(&file, false).code, Some(codes::EMPTY));
    }
}
