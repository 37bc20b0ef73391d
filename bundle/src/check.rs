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

/// Whether a package's contents give more to look at than those of the version before it: a finding whose words are not among that one's.
pub fn raises_more(package: &Package, before: &Package, limits: &Limits) -> bool {
    let findings = |package: &Package| content::check(package.files(), limits);
    let known = findings(before);
    findings(package)
        .iter()
        .any(|finding| !known.iter().any(|other| (other.rule, &other.message) == (finding.rule, &finding.message)))
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

#[cfg(test)]
mod tests {
    use std::fs;

    use skill_schema::lint::Level;

    use super::*;
    use crate::archive;

    const SKILL_MD: &str = "---\nname: demo\ndescription: A skill for tests. Use it in tests.\n---\n\n# Demo\n";

    fn folder(name: &str, files: &[(&str, &str)]) -> (tempfile::TempDir, std::path::PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(name);
        fs::create_dir(&folder).unwrap();
        for (path, content) in files {
            fs::write(folder.join(path), content).unwrap();
        }
        (home, folder)
    }

    fn code(name: &str, files: &[(&str, &str)], level: Level) -> Option<&'static Code> {
        let (_home, folder) = folder(name, files);
        check_dir(&folder, &Limits::V1, level).0.code
    }

    #[test]
    fn a_good_folder_passes_and_is_not_changed() {
        let (_home, folder) = folder("demo", &[("SKILL.md", SKILL_MD), (".hidden", "")]);
        let before: Vec<_> = fs::read_dir(&folder).unwrap().map(|item| item.unwrap().file_name()).collect();
        let (report, skipped) = check_dir(&folder, &Limits::V1, Level::Strict);
        assert!(report.ok && report.code.is_none() && report.to_result().is_ok(), "{:?}", report.findings);
        assert_eq!(skipped.len(), 1);
        let after: Vec<_> = fs::read_dir(&folder).unwrap().map(|item| item.unwrap().file_name()).collect();
        assert_eq!(before, after);
    }

    #[test]
    fn a_folder_and_its_package_get_the_same_findings_but_for_the_folder_s_name() {
        let (_home, folder) = folder("other", &[("SKILL.md", SKILL_MD), ("a.txt", "a\u{200b}b")]);
        let packed = pack::pack_dir(&folder, &Limits::V1).unwrap();
        let (of_folder, _) = check_dir(&folder, &Limits::V1, Level::Strict);
        let of_package = check_bytes(&packed.archive, &Limits::V1, Level::Strict);
        assert_eq!(of_package.code, Some(codes::HIDDEN_CHAR));
        let extra: Vec<_> = of_folder.findings.iter().filter(|f| !of_package.findings.contains(f)).collect();
        assert!(extra.iter().all(|finding| finding.rule == "name.folder"), "{extra:?}");
        assert_eq!(of_folder.findings.len(), of_package.findings.len() + 1);
    }

    #[test]
    fn the_first_layer_that_refuses_names_the_code() {
        let bad_md = SKILL_MD.replace("name: demo", "name: Demo");
        assert_eq!(code("demo", &[("SKILL.md", &bad_md)], Level::Strict), Some(codes::LINT));
        assert_eq!(code("demo", &[("SKILL.md", &bad_md), ("a", "\u{202e}")], Level::Strict), Some(codes::HIDDEN_CHAR));
        let all = [("SKILL.md", bad_md.as_str()), ("a", "\u{202e}"), ("a:b", "")];
        assert_eq!(code("demo", &all, Level::Strict), Some(codes::PATH_CHARS));
        assert_eq!(code("demo", &[("README.md", "")], Level::Lenient), Some(codes::NO_SKILL_MD));
        let manifest = "[skill]\nname = \"acme/demo\"\nversion = \"1\"\n";
        assert_eq!(
            code("demo", &[("SKILL.md", SKILL_MD), ("skill.toml", manifest)], Level::Strict),
            Some(codes::MANIFEST)
        );
    }

    #[test]
    fn leniency_concerns_the_validator_and_not_the_contents() {
        let long = SKILL_MD.replace("A skill", &"x".repeat(1025));
        assert_eq!(code("demo", &[("SKILL.md", &long)], Level::Strict), Some(codes::LINT));
        assert_eq!(code("demo", &[("SKILL.md", &long)], Level::Lenient), None);
        assert_eq!(code("demo", &[("SKILL.md", SKILL_MD), ("CLAUDE.md", "")], Level::Lenient), Some(codes::AGENT_FILE));
    }

    #[test]
    fn a_refused_archive_has_one_finding_with_its_place() {
        let files = [
            File { path: "SKILL.md", content: b"", executable: false },
            File { path: "con", content: b"", executable: false },
        ];
        let report = check_bytes(archive::gzip(&archive::encode(files).unwrap()).unwrap(), &Limits::V1, Level::Lenient);
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!((json["ok"].as_bool(), json["code"].as_str()), (Some(false), Some("E_PATH_RESERVED")));
        assert_eq!(json["findings"].as_array().unwrap().len(), 1);
        assert_eq!(
            (json["findings"][0]["file"].as_str(), json["findings"][0]["rule"].as_str()),
            (Some("con"), Some("archive.profile"))
        );
        let fault = report.to_result().unwrap_err();
        assert_eq!((fault.code, fault.place.as_deref()), (codes::PATH_RESERVED, Some("con")));
    }

    #[test]
    fn publishing_needs_a_manifest() {
        let (_home, folder) = folder("demo", &[("SKILL.md", SKILL_MD)]);
        let packed = pack::pack_dir(&folder, &Limits::V1).unwrap();
        assert_eq!(require_manifest(&packed.package).unwrap_err().code, codes::NO_MANIFEST);
    }
}
