//! `skill init`: makes the folder one that this program can work in, a skill to publish or a project to install into.

use std::path::{Path, PathBuf};

use serde::Serialize;
use skill_schema::{
    Fault, Scope, SkillId, SkillName, Version, codes, manifest, project,
    skill_md::{self, SkillMd},
    version::parse_version,
};

use super::new::manifest_text;
use crate::{
    context::Context,
    files::{self, Durable, Mode},
};

/// The version that a skill starts with.
const FIRST_VERSION: &str = "0.1.0";

/// Make this folder a skill to publish (skill.toml) or a project (skills.toml).
///
/// In a folder with a SKILL.md it writes skill.toml from the frontmatter; in any other it writes an empty skills.toml.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill init                              in a project: skills.toml
  skill init --name acme/pdf-forms        in a skill's folder: skill.toml
  skill init ./pdf-forms --scope acme --version 1.4.0 --license MIT
  skill init --scope acme --dry-run")]
pub struct Args {
    /// The folder [default: the current one].
    #[arg(value_name = "PATH")]
    path: Option<PathBuf>,
    /// The skill's full name; its second part is the frontmatter's name.
    #[arg(long, value_name = "SCOPE/NAME", conflicts_with = "scope")]
    name: Option<SkillId>,
    /// The scope that you publish under.
    #[arg(long, value_name = "SCOPE")]
    scope: Option<Scope>,
    /// The skill's version [default: the frontmatter's metadata.version, or 0.1.0].
    #[arg(long, value_name = "VERSION", value_parser = parse_version)]
    version: Option<Version>,
    /// The skill's licence, an SPDX expression [default: the frontmatter's, if it is one].
    #[arg(long, value_name = "SPDX")]
    license: Option<String>,
    /// Write nothing; say what would be written.
    #[arg(long)]
    dry_run: bool,
}

impl Args {
    /// Whether a flag was given that makes sense for a skill only.
    fn is_for_a_skill(&self) -> bool {
        self.name.is_some() || self.scope.is_some() || self.version.is_some() || self.license.is_some()
    }
}

/// What was made, as JSON.
#[derive(Serialize)]
struct Made {
    kind: &'static str,
    id: Option<String>,
    version: Option<String>,
    file: String,
    text: String,
    written: bool,
}

/// Runs `skill init`.
///
/// # Errors
/// [`codes::EXISTS`], [`codes::NEEDS_INPUT`] where the scope is not known, [`codes::NO_SKILL_MD`] for a file of nearly that name,
/// [`codes::LINT`] for a frontmatter without a usable name, [`codes::IO`].
#[expect(clippy::unused_async, reason = "all commands have the same shape")]
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let folder = args.path.as_ref().map_or_else(|| context.cwd.clone(), |path| context.cwd.join(path));
    let result = match read_skill_md(&folder)? {
        Some(content) => skill(&args, context, &folder, &content)?,
        None if args.is_for_a_skill() => {
            let detail = "--name, --scope, --version and --license are for a skill's folder";
            return Err(Fault::new(codes::NO_SKILL_MD).at(folder.display().to_string()).detail(detail).into());
        }
        None => project(&args, &folder)?,
    };
    if result.written {
        files::replace(Path::new(&result.file), result.text.as_bytes(), Mode::Normal, Durable::Yes)?;
    }
    context.output.result_or("skill.init/1", &result, |out| {
        let verb = if result.written { "Wrote" } else { "Would write" };
        let what = match (&result.id, &result.version) {
            (Some(id), Some(version)) => format!("{} for {id} {version}", manifest::FILE),
            _ => format!("{}: no skills yet", project::FILE),
        };
        out.status(verb, what);
        if !result.written {
            out.data(result.text.trim_end());
        } else if result.id.is_some() {
            out.hint("skill check, then: skill publish");
        } else {
            out.hint("skill add SCOPE/NAME");
        }
    });
    Ok(())
}

/// The folder's SKILL.md. A file of nearly that name would be overlooked by agents, so it is an error.
fn read_skill_md(folder: &Path) -> Result<Option<Vec<u8>>, Fault> {
    let path = folder.join(skill_md::FILE);
    if let Some(content) = files::read(&path, skill_schema::Limits::V1.skill_md)? {
        return Ok(Some(content));
    }
    let names = std::fs::read_dir(folder).map_err(|e| files::fault(folder, &e))?.flatten().map(|e| e.file_name());
    match names.into_iter().find(|name| name.eq_ignore_ascii_case(skill_md::FILE)) {
        Some(name) => {
            let name = name.to_string_lossy().into_owned();
            Err(Fault::new(codes::NO_SKILL_MD).at(name).detail("rename it: agents look for exactly SKILL.md"))
        }
        None => Ok(None),
    }
}

fn refuse_existing(path: &Path) -> Result<(), Fault> {
    if path.symlink_metadata().is_ok() {
        return Err(Fault::new(codes::EXISTS).at(path.display().to_string()));
    }
    Ok(())
}

fn skill(args: &Args, context: &Context, folder: &Path, content: &[u8]) -> Result<Made, Fault> {
    let file = folder.join(manifest::FILE);
    refuse_existing(&file)?;
    let read = SkillMd::read(content).map_err(|findings| {
        findings.first().map_or_else(|| Fault::new(codes::LINT), skill_schema::lint::Finding::to_fault)
    })?;
    let name = name_of(&read)?;
    let id = match (&args.name, &args.scope) {
        (Some(id), _) if id.name != name => {
            let detail = format!("SKILL.md says {name}; the second part of --name must be the same");
            return Err(Fault::new(codes::MISMATCH).at(id.to_string()).detail(detail));
        }
        (Some(id), _) => id.clone(),
        (None, Some(scope)) => SkillId { scope: scope.clone(), name },
        (None, None) => {
            let scope = context.ask("Scope to publish under", None, "--scope")?;
            SkillId { scope: scope.trim().parse()?, name }
        }
    };
    let version = args.version.as_ref().map_or_else(|| version_of(&read), ToString::to_string);
    let text = manifest_text(&id, &version, args.license.as_deref().or_else(|| license_of(&read)));
    Ok(Made {
        kind: "skill",
        id: Some(id.to_string()),
        version: Some(version),
        file: file.display().to_string(),
        text,
        written: !args.dry_run,
    })
}

fn name_of(read: &SkillMd) -> Result<SkillName, Fault> {
    let fault = |detail: &str| Fault::new(codes::LINT).at(skill_md::FILE).detail(detail);
    let name = read.name.as_deref().ok_or_else(|| fault("the frontmatter has no name"))?;
    name.parse().map_err(|_| fault(&format!("`{name}` cannot be the name of a skill; skill check says why")))
}

/// The version that the frontmatter's metadata has by convention, if it is one.
fn version_of(read: &SkillMd) -> String {
    let said = read.metadata.get("version").map(String::as_str);
    let three = said.map(|text| if text.matches('.').count() == 1 { format!("{text}.0") } else { text.to_owned() });
    three.filter(|text| parse_version(text).is_ok()).unwrap_or_else(|| FIRST_VERSION.to_owned())
}

/// The frontmatter's licence, if it is one that SPDX knows: many say only where the text stands.
fn license_of(read: &SkillMd) -> Option<&str> {
    let license = read.license.as_deref()?;
    let text = manifest_text(&"acme/probe".parse().ok()?, FIRST_VERSION, Some(license));
    let (_, findings) = manifest::check(&text);
    findings.is_empty().then_some(license)
}

fn project(args: &Args, folder: &Path) -> Result<Made, Fault> {
    let file = folder.join(project::FILE);
    refuse_existing(&file)?;
    Ok(Made {
        kind: "project",
        id: None,
        version: None,
        file: file.display().to_string(),
        text: "# The skills of this project: skill add SCOPE/NAME writes them here.\n[skills]\n".to_owned(),
        written: !args.dry_run,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(front: &str) -> SkillMd {
        SkillMd::read(format!("---\nname: x\ndescription: d\n{front}---\n").as_bytes()).expect("readable")
    }

    #[test]
    fn version_and_licence_come_from_the_frontmatter_where_they_are_usable() {
        assert_eq!(version_of(&read("metadata:\n  version: \"1.4.0\"\n")), "1.4.0");
        assert_eq!(version_of(&read("metadata:\n  version: \"1.2\"\n")), "1.2.0");
        assert_eq!(version_of(&read("metadata:\n  version: latest\n")), "0.1.0");
        assert_eq!(license_of(&read("license: Apache-2.0\n")), Some("Apache-2.0"));
        assert_eq!(license_of(&read("license: Complete terms in LICENSE.txt\n")), None);
    }

    #[test]
    fn an_empty_project_is_a_valid_one() {
        let home = tempfile::tempdir().expect("a folder");
        let args = Args { path: None, name: None, scope: None, version: None, license: None, dry_run: true };
        let result = project(&args, home.path()).expect("a plan");
        assert_eq!(project::Project::parse(&result.text), Ok(project::Project::default()));
        std::fs::write(home.path().join("skills.toml"), "").expect("written");
        assert_eq!(project(&args, home.path()).err().map(|f| f.code), Some(codes::EXISTS));
    }

    #[test]
    fn a_file_of_nearly_the_right_name_is_pointed_out() {
        let home = tempfile::tempdir().expect("a folder");
        assert_eq!(read_skill_md(home.path()), Ok(None));
        std::fs::write(home.path().join("Skill.md"), "").expect("written");
        assert_eq!(read_skill_md(home.path()).map_err(|f| f.code), Err(codes::NO_SKILL_MD));
    }
}
