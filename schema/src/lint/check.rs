//! The validator: every rule for SKILL.md and its folder, at a level.

use std::borrow::Cow;

use super::{Finding, Issue, Level, Lines, Profile, body, fields, links, rules};
use crate::{
    manifest,
    skill_md::{self, Document},
};

/// Findings about one SKILL.md; a hostile one must not fill memory with them.
const MAX_FINDINGS: usize = 200;

/// One file of a skill, as the validator sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File<'a> {
    /// The path from the skill's folder, with `/`.
    pub path: &'a str,
    /// The bytes.
    pub content: &'a [u8],
    /// Whether its owner may execute it.
    pub executable: bool,
}

/// How to check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// How strict to be.
    pub level: Level,
    /// Whose extensions of the specification count as known.
    pub profile: Profile,
}

impl From<Level> for Options {
    /// The level with the specification's own keys.
    fn from(level: Level) -> Self {
        Self { level, profile: Profile::default() }
    }
}

/// Checks a skill: SKILL.md, the files beside it as far as SKILL.md speaks of them, and `skill.toml` if there is one.
///
/// `folder` is the name that the frontmatter's `name` must equal; `None` for an archive, which has no folder of its own.
/// Findings are sorted by place. The paths themselves and what stands inside the other files are not checked here but in
/// `skill_bundle`.
pub fn check(folder: Option<&str>, files: &[File<'_>], options: Options) -> Vec<Finding> {
    let (mut findings, manifest_name) = check_manifest(files);
    match files.iter().find(|file| file.path == skill_md::FILE) {
        Some(file) => {
            let names = Names { folder, manifest: manifest_name.as_deref() };
            findings.extend(check_skill_md(file.content, &names, files, options));
        }
        None => findings.push(missing(files, options.level)),
    }
    findings.extend(executables(files, options.level));
    super::sort(&mut findings);
    findings
}

/// The names that the frontmatter's must equal.
struct Names<'a> {
    folder: Option<&'a str>,
    manifest: Option<&'a str>,
}

/// What is wrong with `skill.toml`, and the second part of the name that it gives.
fn check_manifest(files: &[File<'_>]) -> (Vec<Finding>, Option<String>) {
    let Some(file) = files.iter().find(|file| file.path == manifest::FILE) else { return (Vec::new(), None) };
    let Ok(text) = std::str::from_utf8(file.content) else {
        let finding = Finding::error("manifest.syntax", crate::codes::MANIFEST, "skill.toml is not UTF-8");
        return (vec![finding.file(manifest::FILE)], None);
    };
    let (manifest, findings) = manifest::check(text);
    (findings, manifest.map(|manifest| manifest.id.name.as_str().to_owned()))
}

fn missing(files: &[File<'_>], level: Level) -> Finding {
    let other = files.iter().find(|file| file.path.eq_ignore_ascii_case(skill_md::FILE));
    match other {
        Some(other) => rules::MISSING
            .finding(level, format!("the file is called `{}`, not SKILL.md", other.path))
            .help("rename it: agents look for exactly SKILL.md"),
        None => rules::MISSING
            .finding(level, "there is no SKILL.md")
            .help("add one at the top of the folder; skill new writes it"),
    }
}

fn check_skill_md(content: &[u8], names: &Names<'_>, files: &[File<'_>], options: Options) -> Vec<Finding> {
    let (text, issues) = match Document::parse(content) {
        Ok(mut document) => {
            let mut issues = std::mem::take(&mut document.issues);
            // Where the folder was named after the manifest, one finding is enough.
            let folder = names.folder.filter(|folder| names.manifest != Some(folder));
            issues.extend(fields::check(&document, folder, options));
            issues.extend(manifest_mismatch(&document, names.manifest));
            issues.extend(body::check(&document.text, document.body.clone()));
            issues.extend(links::check(&document.text, document.body.clone(), files));
            (document.text, issues)
        }
        Err(bad) => (Cow::Borrowed(bad.text), bad.issues),
    };
    let lines = Lines::new(&text);
    // Places refer to the file as it is, also where a value was repaired before it was read.
    let repaired = matches!(text, Cow::Owned(_)).then(|| std::str::from_utf8(content).unwrap_or_default());
    let original = repaired.map(Lines::new);
    heaviest(issues, options.level)
        .into_iter()
        .map(|issue| {
            let place = lines.place(issue.span.clone());
            issue.finding(options.level, original.as_ref().map_or(place, |original| original.clamp(place)))
        })
        .collect()
}

/// The issues that are reported: all, or of very many the heaviest.
fn heaviest(mut issues: Vec<Issue>, level: Level) -> Vec<Issue> {
    if issues.len() > MAX_FINDINGS {
        issues.sort_by_key(|issue| std::cmp::Reverse(issue.rule.severity(level)));
        issues.truncate(MAX_FINDINGS);
    }
    issues
}

/// `skill.toml` and SKILL.md must agree on the name.
fn manifest_mismatch(document: &Document<'_>, manifest: Option<&str>) -> Option<Issue> {
    let node = document.get("name")?;
    let manifest = manifest.filter(|name| node.text() != Some(name))?;
    let message = format!("the name differs from `{manifest}` in skill.toml");
    Some(Issue::new(rules::MANIFEST_NAME, node.span.clone(), message).help("change one of the two"))
}

fn executables(files: &[File<'_>], level: Level) -> Vec<Finding> {
    files
        .iter()
        .filter(|file| file.executable && !file.path.starts_with("scripts/"))
        .map(|file| {
            rules::FILE_EXECUTABLE
                .finding(level, "an executable file outside of scripts/")
                .help("move it to scripts/, or remove its executable bit")
                .file(file.path)
        })
        .collect()
}
