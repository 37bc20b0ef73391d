//! The one check of a skill that `skill check`, publishing and installing share: archive profile, content rules, validator.

use std::{fmt::Write, path::Path};

use serde::Serialize;
use skill_schema::{
    Code, Fault, Limits, codes,
    lint::{self, Finding, Options},
};

use crate::{
    Package,
    archive::File,
    content,
    pack::{self, Packed, Skipped},
};

/// What a check found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Whether nothing was refused.
    pub ok: bool,
    /// The code of the first error, if there is one: the archive's before the contents', those before the validator's.
    pub code: Option<&'static Code>,
    /// Everything that was found: errors, warnings and notes.
    pub findings: Vec<Finding>,
}

impl Report {
    fn of(content: Vec<Finding>, lint: Vec<Finding>) -> Self {
        let code = lint::code_of(&content).or_else(|| lint::code_of(&lint));
        let mut findings = content;
        findings.extend(lint);
        lint::sort(&mut findings);
        Self { ok: code.is_none(), code, findings }
    }

    /// The report of a skill whose archive or folder already broke a rule.
    pub fn refused(fault: &Fault) -> Self {
        let rule = if fault.code == codes::NO_SKILL_MD { lint::rules::MISSING.id } else { "archive.profile" };
        let mut finding = Finding::error(rule, fault.code, fault.code.title);
        if let Some(detail) = &fault.detail {
            let _ = write!(finding.message, " ({detail})");
        }
        finding.file.clone_from(&fault.place);
        if !fault.code.help.is_empty() {
            finding.help = Some(fault.code.help.to_owned());
        }
        Self { ok: false, code: Some(fault.code), findings: vec![finding] }
    }

    /// The first error as a fault, for callers that only accept or refuse.
    pub fn to_result(&self) -> Result<(), Fault> {
        match (self.code, self.findings.iter().find(|finding| finding.is_error() && finding.code == self.code)) {
            (None, _) => Ok(()),
            (Some(_), Some(finding)) => Err(finding.to_fault()),
            (Some(code), None) => Err(Fault::new(code)),
        }
    }
}

/// Checks a packed skill, from its bytes. Writes nothing anywhere.
pub fn check_bytes<B: AsRef<[u8]>>(bytes: B, limits: &Limits, options: impl Into<Options>) -> Report {
    match Package::open(bytes, limits) {
        Ok(package) => check_package(&package, limits, options),
        Err(fault) => Report::refused(&fault),
    }
}

/// Checks contents and SKILL.md of a package whose profile holds already.
pub fn check_package(package: &Package, limits: &Limits, options: impl Into<Options>) -> Report {
    check_files(None, package.files(), limits, options.into())
}

/// Checks a skill's folder as it would be packed, and says what would be left out. Writes nothing anywhere.
pub fn check_dir(folder: &Path, limits: &Limits, options: impl Into<Options>) -> (Report, Vec<Skipped>) {
    match pack::pack_dir(folder, limits) {
        Ok(packed) => (check_packed(folder, &packed, limits, options), packed.skipped),
        Err(fault) => (Report::refused(&fault), Vec::new()),
    }
}

/// Checks what was just packed from a folder, whose name the skill must have.
pub fn check_packed(folder: &Path, packed: &Packed, limits: &Limits, options: impl Into<Options>) -> Report {
    let real = folder.canonicalize().ok();
    let name = real.as_deref().unwrap_or(folder).file_name().and_then(|name| name.to_str());
    check_files(name, packed.package.files(), limits, options.into())
}

fn check_files<'a>(
    folder: Option<&str>,
    files: impl Iterator<Item = File<'a>> + Clone,
    limits: &Limits,
    options: Options,
) -> Report {
    let found = content::check(files.clone(), limits);
    let files: Vec<_> =
        files.map(|File { path, content, executable }| lint::File { path, content, executable }).collect();
    Report::of(found, lint::check(folder, &files, options))
}

/// Whether a strict check also needs a `skill.toml`, as publishing does: [`codes::NO_MANIFEST`].
pub fn require_manifest(package: &Package) -> Result<(), Fault> {
    let manifest = skill_schema::manifest::FILE;
    package.file(manifest).map(|_| ()).ok_or_else(|| Fault::new(codes::NO_MANIFEST).at(manifest))
}
