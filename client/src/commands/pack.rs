//! `skill pack`: the one archive that a skill's folder makes.

use std::path::{Path, PathBuf};

use serde::Serialize;
use skill_bundle::{
    check,
    pack::{self, Packed},
};
use skill_schema::{Digest, Fault, Limits, codes, lint, manifest, skill_md::SkillMd};

use crate::{
    context::Context,
    files::{self, Durable, Mode},
    output::{Output, bytes, count},
    source::Local,
};

/// Pack a skill's folder into the archive that publishing would send.
///
/// The same folder always makes the same bytes, on any machine. Left out are hidden files, evals/, and what .skillignore and .gitignore
/// in the folder name.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill pack                             the skill in this folder
  skill pack notes -o notes.tar.gz
  skill pack notes --dry-run             list what would be in it
  skill pack notes -o - | sha256sum")]
pub struct Args {
    /// The skill's folder.
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// The file to write, or - for stdout; NAME-VERSION.tar.gz outside of the skill's folder if not given.
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
    /// `scope/name` and version, if there is a skill.toml.
    id: Option<String>,
    version: Option<String>,
    /// The file; `None` for stdout.
    file: Option<String>,
    tree: Digest,
    archive: Digest,
    size: u64,
    unpacked_size: u64,
    files: Vec<Packaged>,
    skipped: Vec<Skipped>,
    written: bool,
}

#[derive(Serialize)]
struct Packaged {
    path: String,
    size: u64,
    executable: bool,
}

#[derive(Serialize)]
struct Skipped {
    path: String,
    why: &'static str,
}

/// Runs `skill pack`.
///
/// # Errors
/// The archive profile's codes, [`codes::EXISTS`], [`codes::NO_PATH`], [`codes::IO`].
#[expect(clippy::unused_async, reason = "all commands have the same shape")]
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let output = &context.output;
    let Local::Folder(folder) = Local::find(&args.path)? else {
        return Err(Fault::new(codes::USAGE).at(args.path.display().to_string()).detail("a folder is expected").into());
    };
    let packed = pack::pack_dir(&folder, &Limits::V1)?;
    let manifest = read_manifest(&packed);
    let to_stdout = args.output.as_deref() == Some(Path::new("-"));
    let file = match args.output {
        Some(file) => file,
        None => outside(&folder, file_name(&folder, &packed, manifest.as_ref())),
    };
    if !to_stdout {
        refuse_target(&folder, &file, args.force)?;
    }
    warn_of_errors(&folder, &packed, output);
    let written = !args.dry_run;
    let result = result(&packed, manifest.as_ref(), (!to_stdout).then(|| file.display().to_string()), written);
    match (written, to_stdout) {
        (true, true) => {
            output.bytes(&packed.archive);
            summary(&result, output);
            return Ok(());
        }
        (true, false) => files::replace(&file, &packed.archive, Mode::Normal, Durable::Yes)?,
        (false, _) => {}
    }
    output.result_or("skill.pack/1", &result, |out| {
        list(&result, out);
        summary(&result, out);
        if result.written && result.id.is_some() {
            let path = if folder == Path::new(".") { String::new() } else { format!(" {}", folder.display()) };
            out.hint(format!("skill publish{path}"));
        }
    });
    Ok(())
}

/// Where a file goes that nobody named a place for: the current folder, or beside the skill's if that is in it.
pub(super) fn outside(folder: &Path, name: String) -> PathBuf {
    let (real, here) = (folder.canonicalize(), Path::new(".").canonicalize());
    match (real, here) {
        (Ok(real), Ok(here)) if here.starts_with(&real) => real.parent().unwrap_or(&real).join(name),
        _ => PathBuf::from(name),
    }
}

/// The file may not exist, and not lie in the skill's folder, where the next package would contain it.
pub(super) fn refuse_target(folder: &Path, file: &Path, force: bool) -> Result<(), Fault> {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let (Ok(real), Ok(parent)) = (folder.canonicalize(), parent.canonicalize())
        && parent.starts_with(&real)
    {
        let detail = "it would become part of the next package; name a place outside of the skill's folder with -o";
        return Err(Fault::new(codes::USAGE).at(file.display().to_string()).detail(detail));
    }
    if file.symlink_metadata().is_ok() && !force {
        return Err(Fault::new(codes::EXISTS).at(file.display().to_string()).detail("--force overwrites it"));
    }
    Ok(())
}

fn read_manifest(packed: &Packed) -> Option<manifest::Manifest> {
    let file = packed.package.file(manifest::FILE)?;
    manifest::Manifest::parse(std::str::from_utf8(file.content).ok()?).ok()
}

/// `codeguard-1.4.0.tar.gz`; without a skill.toml, the frontmatter's name or that of the folder.
fn file_name(folder: &Path, packed: &Packed, manifest: Option<&manifest::Manifest>) -> String {
    if let Some(manifest) = manifest {
        return format!("{}-{}.tar.gz", manifest.id.name, manifest.version);
    }
    let skill_md = packed.package.file("SKILL.md").and_then(|file| SkillMd::read(file.content).ok());
    let name = skill_md.and_then(|s| s.name).filter(|name| name.parse::<skill_schema::SkillName>().is_ok());
    let folder = || Some(folder.canonicalize().ok()?.file_name()?.to_string_lossy().into_owned());
    format!("{}.tar.gz", name.or_else(folder).unwrap_or_else(|| "skill".to_owned()))
}

/// Packing does not refuse what publishing would, but says so.
fn warn_of_errors(folder: &Path, packed: &Packed, output: &Output) {
    let report = check::check_packed(folder, packed, &Limits::V1, lint::Level::Strict);
    let errors = report.findings.iter().filter(|finding| finding.is_error()).count();
    if errors > 0 {
        let path = folder.display();
        output.warn(format!("publishing would refuse it: {}; skill check {path} shows why", count(errors, "error")));
    }
}

fn result(packed: &Packed, manifest: Option<&manifest::Manifest>, file: Option<String>, written: bool) -> Summary {
    let package = &packed.package;
    let files = package.files().map(|file| Packaged {
        path: file.path.to_owned(),
        size: file.content.len() as u64,
        executable: file.executable,
    });
    Summary {
        id: manifest.map(|m| m.id.to_string()),
        version: manifest.map(|m| m.version.to_string()),
        file,
        tree: package.tree(),
        archive: package.digest(),
        size: package.size(),
        unpacked_size: package.unpacked_size(),
        files: files.collect(),
        skipped: packed.skipped.iter().map(|s| Skipped { path: s.path.clone(), why: s.why.as_str() }).collect(),
        written,
    }
}

/// The files, for people and pipes.
fn list(result: &Summary, out: &Output) {
    let rows: Vec<Vec<String>> = result
        .files
        .iter()
        .map(|file| {
            let size = if out.to_person() { bytes(file.size) } else { file.size.to_string() };
            vec![file.path.clone(), size, if file.executable { "executable" } else { "" }.to_owned()]
        })
        .collect();
    out.table(&["file", "size", "mode"], &rows);
}

fn summary(result: &Summary, out: &Output) {
    for skipped in &result.skipped {
        out.status_warn("Left out", format!("{} ({})", skipped.path, skipped.why));
    }
    let what = match (&result.id, &result.version) {
        (Some(id), Some(version)) => format!("{id} {version}"),
        _ => "the skill".to_owned(),
    };
    let to = result.file.as_ref().map(|file| format!(" to {file}")).unwrap_or_default();
    let (files, size) = (count(result.files.len(), "file"), bytes(result.size));
    out.status(if result.written { "Packed" } else { "Would pack" }, format!("{what}{to} ({files}, {size})"));
    out.note(format!("tree sha256:{}", result.tree));
    out.note(format!("archive sha256:{}", result.archive));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(files: &[(&str, &str)]) -> (tempfile::TempDir, Packed) {
        let home = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            std::fs::write(home.path().join(path), text).expect("written");
        }
        let packed = pack::pack_dir(home.path(), &Limits::V1).expect("packed");
        (home, packed)
    }

    #[test]
    fn the_archive_is_never_written_into_the_skill() {
        let (home, _) = packed(&[("SKILL.md", "x")]);
        let code = |file: &Path, force| refuse_target(home.path(), file, force).map_err(|fault| fault.code);
        assert_eq!(code(&home.path().join("a.tar.gz"), true), Err(codes::USAGE));
        let other = tempfile::tempdir().expect("a folder");
        let file = other.path().join("a.tar.gz");
        assert_eq!(code(&file, false), Ok(()));
        std::fs::write(&file, "").expect("written");
        assert_eq!(code(&file, false), Err(codes::EXISTS));
        assert_eq!(code(&file, true), Ok(()));
    }

    #[test]
    fn the_file_is_named_after_manifest_frontmatter_or_folder() {
        let skill_md = "---\nname: notes\ndescription: Notes.\n---\n";
        let name =
            |home: &tempfile::TempDir, packed: &Packed| file_name(home.path(), packed, read_manifest(packed).as_ref());
        let (home, with) =
            packed(&[("SKILL.md", skill_md), ("skill.toml", "[skill]\nname='acme/notes'\nversion='1.2.0'\n")]);
        assert_eq!(name(&home, &with), "notes-1.2.0.tar.gz");
        let (home, without) = packed(&[("SKILL.md", skill_md)]);
        assert_eq!(name(&home, &without), "notes.tar.gz");
        let (home, nameless) = packed(&[("SKILL.md", "---\nname: ../x\ndescription: d\n---\n")]);
        let folder = home.path().file_name().expect("a name").to_string_lossy().into_owned();
        assert_eq!(name(&home, &nameless), format!("{folder}.tar.gz"));
    }
}
