//! From a folder to a package that may be published.

use std::path::Path;

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
