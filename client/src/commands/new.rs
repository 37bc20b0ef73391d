//! `skill new`: a skill's folder to start from.

mod template;

use std::path::Path;

use serde::Serialize;
use skill_schema::{
    Fault, Scope, SkillId, SkillName, codes,
    lint::{self, Options},
};

use crate::{context::Context, files, output::count};
pub(super) use template::{File, manifest as manifest_text, text_of as skill_md_text};
use template::{Skill, Template};

/// Start a skill: a folder with SKILL.md that passes skill check.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill new pdf-forms
  skill new acme/pdf-forms --license Apache-2.0       with a skill.toml, ready to publish
  skill new pdf-forms --template scripts
  skill new pdf-forms --description \"Fill PDF forms. Use it when a PDF has fields to fill.\"")]
pub struct Args {
    /// What to call it: NAME, or SCOPE/NAME.
    #[arg(value_name = "NAME")]
    name: String,
    /// What to start with.
    #[arg(long, value_enum, default_value = "basic")]
    template: Template,
    /// A licence, as SPDX writes it: Apache-2.0, CC-BY-4.0.
    #[arg(long, value_name = "SPDX")]
    license: Option<String>,
    /// The scope that you publish under.
    #[arg(long, value_name = "SCOPE")]
    scope: Option<Scope>,
    /// What it does and when an agent should use it.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Write nothing; say what would be written.
    #[arg(long)]
    dry_run: bool,
}

/// What was made, as JSON.
#[derive(Serialize)]
struct Made {
    name: String,
    id: Option<String>,
    folder: String,
    files: Vec<String>,
    written: bool,
}

/// Runs `skill new`.
///
/// # Errors
/// [`codes::NAME`], [`codes::EXISTS`], [`codes::LINT`] for a description or licence that no skill can have, [`codes::IO`].
#[expect(clippy::unused_async, reason = "all commands have the same shape")]
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let (scope, name) = split(&args.name, args.scope.as_ref())?;
    let id = scope.map(|scope| SkillId { scope, name: name.clone() });
    let folder = context.cwd.join(name.as_str());
    if folder.symlink_metadata().is_ok() {
        return Err(Fault::new(codes::EXISTS)
            .at(format!("{name}/"))
            .detail("choose another name, or move it away")
            .into());
    }
    let skill = Skill {
        name: &name,
        id: id.as_ref(),
        description: args.description.as_deref(),
        license: args.license.as_deref(),
    };
    let files = template::files(args.template, &skill);
    refuse_errors(&name, &files)?;
    if !args.dry_run {
        write(&context.cwd, name.as_str(), &files)?;
    }
    let result = Made {
        name: name.to_string(),
        id: id.map(|id| id.to_string()),
        folder: folder.display().to_string(),
        files: files.iter().map(|file| file.path.to_owned()).collect(),
        written: !args.dry_run,
    };
    context.output.result_or("skill.new/1", &result, |out| {
        let verb = if result.written { "Created" } else { "Would create" };
        let list = result.files.join(", ");
        out.status(verb, format!("{}/ with {} ({list})", result.name, count(result.files.len(), "file")));
        if result.written {
            out.hint(format!("write {}/SKILL.md, then: skill check {}", result.name, result.name));
        }
        if result.id.is_none() {
            out.note(format!("to publish it, give it a scope: skill -C {} init --scope SCOPE", result.name));
        }
    });
    Ok(())
}

/// Splits `NAME` or `SCOPE/NAME`.
pub(super) fn split(text: &str, scope: Option<&Scope>) -> Result<(Option<Scope>, SkillName), Fault> {
    let Some((head, name)) = text.split_once('/') else {
        return Ok((scope.cloned(), text.parse()?));
    };
    let id = SkillId { scope: head.parse()?, name: name.parse()? };
    match scope {
        Some(scope) if *scope != id.scope => {
            Err(Fault::new(codes::USAGE).at("--scope").detail(format!("{text} names another scope than {scope}")))
        }
        _ => Ok((Some(id.scope), id.name)),
    }
}

/// What the user said may make a skill that would not pass: a description that is too long, for example.
pub(super) fn refuse_errors(name: &SkillName, files: &[File]) -> Result<(), Fault> {
    let files: Vec<lint::File<'_>> = files
        .iter()
        .map(|file| lint::File { path: file.path, content: file.text.as_bytes(), executable: file.executable })
        .collect();
    let findings = lint::check(Some(name.as_str()), &files, Options::default());
    findings
        .iter()
        .find(|finding| finding.is_error())
        .map_or(Ok(()), |finding| Err(Fault { place: None, ..finding.to_fault() }))
}

/// Writes the folder beside its name and renames it, so that it appears whole or not at all.
pub(super) fn write(parent: &Path, name: &str, files: &[File]) -> Result<(), Fault> {
    let folder = parent.join(name);
    let io = |e: std::io::Error| files::fault(&folder, &e);
    let temporary = tempfile::Builder::new().prefix(files::TEMPORARY).tempdir_in(parent).map_err(io)?;
    for file in files {
        let path = temporary.path().join(file.path);
        files::replace(&path, file.text.as_bytes(), files::Mode::Normal, files::Durable::No)?;
        if file.executable {
            make_executable(&path).map_err(io)?;
        }
    }
    make_public(temporary.path()).map_err(io)?;
    let (here, flags) = (rustix::fs::CWD, rustix::fs::RenameFlags::NOREPLACE);
    rustix::fs::renameat_with(here, temporary.path(), here, &folder, flags).map_err(|e| io(e.into()))?;
    let _ = temporary.keep(); // it has its name now
    Ok(())
}

/// Adds the execute bits where there are read bits, as the umask left them.
fn make_executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path)?.permissions().mode();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode | (mode & 0o444) >> 2))
}

/// Temporary folders are private; this one becomes a folder like any other.
fn make_public(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let inner = std::fs::metadata(path.join("SKILL.md"))?.permissions().mode() & 0o666;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(inner | (inner & 0o444) >> 2))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_template_passes_the_strict_check_without_a_warning() {
        let name: SkillName = "pdf-forms".parse().expect("a name");
        let id: SkillId = "acme/pdf-forms".parse().expect("an id");
        for template in Template::value_variants() {
            for (id, license) in [(Some(&id), Some("Apache-2.0")), (None, None)] {
                let files = template::files(*template, &Skill { name: &name, id, description: None, license });
                let given: Vec<lint::File<'_>> = files
                    .iter()
                    .map(|f| lint::File { path: f.path, content: f.text.as_bytes(), executable: f.executable })
                    .collect();
                assert_eq!(lint::check(Some("pdf-forms"), &given, Options::default()), [], "{template:?}");
                assert_eq!(files.iter().any(|f| f.path == "skill.toml"), id.is_some());
            }
        }
    }

    #[test]
    fn what_the_user_says_is_quoted() {
        let name: SkillName = "x".parse().expect("a name");
        for text in ["Use when: a \"quote\" # and more", "- x", "yes", "a\nb", "{a}", "é: ü", "'", "trailing "] {
            let skill = Skill { name: &name, id: None, description: Some(text), license: Some(text) };
            let files = template::files(Template::Basic, &skill);
            refuse_errors(&name, &files).expect(text);
            let read = skill_schema::skill_md::SkillMd::read(files[0].text.as_bytes()).expect(text);
            assert_eq!(read.description, text.trim());
        }
        let long = "x".repeat(1025);
        let skill = Skill { name: &name, id: None, description: Some(&long), license: None };
        assert!(refuse_errors(&name, &template::files(Template::Basic, &skill)).is_err());
    }

    #[test]
    fn a_scope_may_stand_before_the_name_or_in_its_flag() {
        let scope: Scope = "acme".parse().expect("a scope");
        let parts = |text: &str, scope: Option<&Scope>| {
            split(text, scope).map(|(s, n)| (s.map(|s| s.to_string()), n.to_string()))
        };
        assert_eq!(parts("a1", None), Ok((None, "a1".into())));
        assert_eq!(parts("a1", Some(&scope)), Ok((Some("acme".into()), "a1".into())));
        assert_eq!(parts("acme/a1", Some(&scope)), Ok((Some("acme".into()), "a1".into())));
        assert_eq!(parts("other/a1", Some(&scope)).map_err(|f| f.code), Err(codes::USAGE));
        assert_eq!(parts("A1", None).map_err(|f| f.code), Err(codes::NAME));
        assert_eq!(parts("../a", None).map_err(|f| f.code), Err(codes::NAME));
    }

    #[test]
    fn the_folder_is_written_whole_and_not_over_another() {
        let home = tempfile::tempdir().expect("a folder");
        let file = |path, executable| template::File { path, text: "text".into(), executable };
        let files = [file("SKILL.md", false), file("scripts/run.sh", true)];
        write(home.path(), "x", &files).expect("written");
        let mode =
            |path: &str| std::fs::metadata(home.path().join("x").join(path)).expect("there").permissions().mode();
        assert_eq!((mode("scripts/run.sh") & 0o100, mode("SKILL.md") & 0o100), (0o100, 0));
        assert!(write(home.path(), "x", &files).is_err());
        assert_eq!(std::fs::read_dir(home.path()).expect("a folder").count(), 1, "nothing temporary is left");
    }
}
