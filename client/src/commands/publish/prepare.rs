//! From a folder to a package that may be published.

use std::{path::Path, process::Command};

use skill_bundle::{
    check,
    pack::{self, Packed},
};
use skill_engine::suite::folder::EVALS;
use skill_schema::{
    Fault, Limits,
    api::publish::MAX_TRIED,
    codes,
    lint::{Finding, Level, Severity},
    manifest::{self, Manifest},
    skill_md,
};

use crate::{context::Context, files, findings, source::Local};

/// The log of skill improve, beside the suite.
const TRIED: &str = "tried.tsv";

/// A package that may be published.
pub(super) struct Prepared {
    /// Its archive and what was left out.
    pub packed: Packed,
    /// Its `skill.toml`.
    pub manifest: Manifest,
    /// Warnings and notes.
    pub findings: Vec<Finding>,
}

/// Packs and checks a folder, and says what was found.
pub(super) fn prepare(path: &Path, deny_warnings: bool, context: &Context) -> anyhow::Result<Prepared> {
    let Local::Folder(folder) = Local::find(path)? else {
        let detail = "a folder is published; its archive is made on the way";
        return Err(Fault::new(codes::USAGE).at(path.display().to_string()).detail(detail).into());
    };
    if !folder.join(skill_md::FILE).exists() {
        return Err(Fault::new(codes::NO_SKILL_MD).at(folder.display().to_string()).into());
    }
    let packed = pack::pack_dir(&folder, &Limits::V1)?;
    check::require_manifest(&packed.package).map_err(|fault| fault.at(folder.display().to_string()))?;
    let report = check::check_packed(&folder, &packed, &Limits::V1, Level::Strict);
    let warned = deny_warnings && report.findings.iter().any(|finding| finding.severity == Severity::Warning);
    findings::say(&report.findings, &folder, &packed.package, context);
    if let Some(code) = report.code.or(warned.then_some(codes::DENIED_WARNINGS)) {
        return Err(findings::refused(&report.findings, code, &folder, context));
    }
    let text = packed.package.file(manifest::FILE).map(|file| String::from_utf8_lossy(file.content).into_owned());
    let manifest = Manifest::parse(&text.unwrap_or_default()).map_err(|findings| first(&findings))?;
    Ok(Prepared { packed, manifest, findings: report.findings })
}

fn first(findings: &[Finding]) -> Fault {
    findings.first().map_or_else(|| Fault::new(codes::MANIFEST), Finding::to_fault)
}

/// The log of what was tried on the way to this version, if one lies beside the suite. One that is too long is left out, and said so.
pub(super) fn tried(path: &Path, context: &Context) -> Result<Option<bytes::Bytes>, Fault> {
    let Local::Folder(folder) = Local::find(path)? else { return Ok(None) };
    let file = folder.join(EVALS).join(TRIED);
    match std::fs::metadata(&file) {
        Ok(found) if found.len() > MAX_TRIED as u64 => {
            context.output.warn(format!("{} has over {MAX_TRIED} bytes and is not published", file.display()));
            Ok(None)
        }
        _ => Ok(files::read(&file, MAX_TRIED)?.map(Into::into)),
    }
}

/// Refuses a folder of a git repository that has changes which are not committed. Without git, or outside of a repository, nothing is
/// known and nothing refused.
pub(super) fn check_committed(folder: &Path, context: &Context) -> Result<(), Fault> {
    let mut git = Command::new("git");
    // A repository may name programs to run for a status; this one is only asked, not trusted.
    git.args(["-c", "core.fsmonitor=false", "-C"]).arg(folder);
    let asked = git.args(["status", "--porcelain", "--untracked-files=all", "--", "."]).output();
    let output = match asked {
        Ok(output) if output.status.success() => output.stdout,
        _ => {
            context.output.trace(1, || "no git repository here".to_owned());
            return Ok(());
        }
    };
    let text = String::from_utf8_lossy(&output);
    let changed: Vec<&str> = text.lines().filter_map(|line| line.get(3..)).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let shown = changed.iter().take(3).copied().collect::<Vec<_>>().join(", ");
    let more = if changed.len() > 3 { format!(" and {} more", changed.len() - 3) } else { String::new() };
    Err(Fault::new(codes::DIRTY).at(folder.display().to_string()).detail(format!("{shown}{more}")))
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;
    use crate::{env::Env, global::Global};

    fn context() -> Context {
        Context::new(Env::default(), Global::default()).expect("a context")
    }

    fn git(folder: &Path, args: &[&str]) {
        let mut git = Command::new("git");
        git.arg("-C").arg(folder).args(["-c", "user.name=t", "-c", "user.email=t@example.org"]).args(args);
        let status = git.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("git is there");
        assert!(status.success(), "git {args:?}");
    }

    #[test]
    fn only_a_folder_that_is_committed_as_it_stands_is_clean() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let folder = dir.path().join("notes");
        std::fs::create_dir(&folder).expect("a folder");
        std::fs::write(folder.join("SKILL.md"), "one").expect("written");
        let state = || check_committed(&folder, &context()).map_err(|fault| fault.code);
        assert_eq!(state(), Ok(()), "no repository, nothing to say");
        git(dir.path(), &["init", "-q"]);
        assert_eq!(state(), Err(codes::DIRTY));
        git(dir.path(), &["add", "."]);
        assert_eq!(state(), Err(codes::DIRTY));
        git(dir.path(), &["commit", "-q", "-m", "one"]);
        assert_eq!(state(), Ok(()));
        std::fs::write(dir.path().join("beside"), "x").expect("written");
        assert_eq!(state(), Ok(()), "what lies beside the folder does not matter");
        std::fs::write(folder.join("SKILL.md"), "two").expect("written");
        assert_eq!(state(), Err(codes::DIRTY));
    }
}
