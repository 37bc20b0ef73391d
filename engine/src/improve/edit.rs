//! What an edit may be, before anything is measured: bounded, valid, without new findings, and without text of the holdout.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    path::Path,
};

use similar::{ChangeTag, TextDiff};
use skill_bundle::{
    check,
    pack::{self, Packed},
};
use skill_schema::{
    Digest, Limits,
    lint::{Level, Severity},
    skill_md::{self, SkillMd},
};

use crate::executor::leak::{self, Shingles};

/// Lines that an edit of several files may change: what a person reads at a glance, and what a measurement can be traced to.
pub const MAX_LINES: usize = 40;
/// Characters of a description, as agents read it (agentskills.io).
pub const MAX_DESCRIPTION: usize = 1024;

/// Why an edit is not measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It breaks a rule.
    Invalid(String),
    /// It holds text of the holdout.
    Leak(String),
}

/// A valid edit.
#[derive(Debug)]
pub struct Edit {
    /// Its files.
    pub packed: Packed,
    /// Tokens that it loads, by estimate.
    pub tokens: u64,
    /// Whether it holds text of train cases that its parent does not hold.
    pub memorised: bool,
}

/// Checks an edit of a version.
///
/// # Errors
/// The first rule that it breaks.
pub fn check(parent: &Path, cand: &Path, holdout: &Shingles, train: &Shingles) -> Result<Edit, Refused> {
    let invalid = |why: String| Refused::Invalid(why);
    let pack = |folder: &Path| pack::pack_dir(folder, &Limits::V1).map_err(|fault| invalid(fault.to_string()));
    let (before, after) = (pack(parent)?, pack(cand)?);
    if before.package.tree() == after.package.tree() {
        return Err(invalid("it changes nothing".to_owned()));
    }
    bounded(&before, &after).map_err(invalid)?;
    frontmatter(&before, &after).map_err(invalid)?;
    findings((parent, &before), (cand, &after)).map_err(invalid)?;
    let place = new_text(&before, &after, holdout).map(|place| format!("{}:{}", place.file, place.line));
    if let Some(place) = place {
        return Err(Refused::Leak(format!("text of the holdout at {place}")));
    }
    let memorised = new_text(&before, &after, train).is_some();
    Ok(Edit { tokens: tokens(&after), memorised, packed: after })
}

/// Tokens that a version loads into each run: its SKILL.md, by estimate.
pub fn tokens(packed: &Packed) -> u64 {
    let content = packed.package.file(skill_md::FILE).map(|file| String::from_utf8_lossy(file.content).into_owned());
    skill_schema::lint::tokens(&content.unwrap_or_default()) as u64
}

/// The text files of a version, by path.
pub fn texts(packed: &Packed) -> BTreeMap<String, String> {
    let text = |content: &[u8]| String::from_utf8(content.to_vec()).ok().filter(|text| !text.contains('\0'));
    packed.package.files().filter_map(|file| Some((file.path.to_owned(), text(file.content)?))).collect()
}

/// The difference of two versions as a patch.
pub fn patch(before: &Packed, after: &Packed) -> String {
    let (old, new) = (texts(before), texts(after));
    let mut patch = String::new();
    for path in changed(before, after) {
        let [old, new] = [&old, &new].map(|texts| texts.get(&path).map_or("", String::as_str));
        let diff = TextDiff::from_lines(old, new);
        patch.push_str(&diff.unified_diff().header(&format!("a/{path}"), &format!("b/{path}")).to_string());
    }
    patch
}

/// The files that differ, in contents or in being executable.
fn changed(before: &Packed, after: &Packed) -> Vec<String> {
    let all = |packed: &Packed| -> BTreeMap<String, (Vec<u8>, bool)> {
        packed.package.files().map(|file| (file.path.to_owned(), (file.content.to_vec(), file.executable))).collect()
    };
    let (old, new) = (all(before), all(after));
    let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    paths.into_iter().filter(|path| old.get(*path) != new.get(*path)).cloned().collect()
}

/// At most [`MAX_LINES`] changed lines, or one file.
fn bounded(before: &Packed, after: &Packed) -> Result<(), String> {
    let changed = changed(before, after);
    if changed.len() <= 1 {
        return Ok(());
    }
    let (old, new) = (texts(before), texts(after));
    let mut lines = 0;
    for path in &changed {
        let binary = |packed: &Packed, texts: &BTreeMap<String, String>| {
            packed.package.file(path).is_some() && !texts.contains_key(path)
        };
        if binary(before, &old) || binary(after, &new) {
            return Err(format!("it changes {} files, one of them binary: {path}", changed.len()));
        }
        let [old, new] = [&old, &new].map(|texts| texts.get(path).map_or("", String::as_str));
        lines += changed_lines(old, new);
    }
    if lines > MAX_LINES {
        return Err(format!("it changes {lines} lines in {} files, at most {MAX_LINES} are allowed", changed.len()));
    }
    Ok(())
}

/// Lines that were changed, added or removed; a changed one counts once.
fn changed_lines(old: &str, new: &str) -> usize {
    let diff = TextDiff::from_lines(old, new);
    let groups = diff.grouped_ops(0);
    let count = |tag: ChangeTag, group: &[similar::DiffOp]| {
        group.iter().flat_map(|op| diff.iter_changes(op)).filter(|change| change.tag() == tag).count()
    };
    groups.iter().map(|group| count(ChangeTag::Delete, group).max(count(ChangeTag::Insert, group))).sum()
}

/// The name stays, and the description is one that agents read.
fn frontmatter(before: &Packed, after: &Packed) -> Result<(), String> {
    let read = |packed: &Packed| {
        let file = packed.package.file(skill_md::FILE).ok_or("it has no SKILL.md".to_owned())?;
        SkillMd::read(file.content)
            .map_err(|findings| findings.first().map_or_else(String::new, |finding| finding.message.clone()))
    };
    let (old, new) = (read(before)?, read(after)?);
    if old.name != new.name {
        return Err("it changes the name".to_owned());
    }
    let manifest =
        |packed: &Packed| packed.package.file(skill_schema::manifest::FILE).map(|file| file.content.to_vec());
    if manifest(before) != manifest(after) {
        return Err("it changes skill.toml, which is the publisher's".to_owned());
    }
    let long = new.description.chars().count();
    if new.description.trim().is_empty() {
        return Err("it has no description".to_owned());
    }
    if long > MAX_DESCRIPTION {
        return Err(format!("its description has {long} characters, at most {MAX_DESCRIPTION} are allowed"));
    }
    Ok(())
}

/// Neither errors nor warnings that the parent does not have: format, size, links, secrets, risky patterns.
fn findings(before: (&Path, &Packed), after: (&Path, &Packed)) -> Result<(), String> {
    let found = |(folder, packed): (&Path, &Packed)| check::check_packed(folder, packed, &Limits::V1, Level::default());
    let old: HashSet<&str> = found(before).findings.iter().map(|finding| finding.rule).collect();
    let report = found(after);
    let new = report.findings.iter().find(|finding| {
        finding.severity == Severity::Error || (finding.severity == Severity::Warning && !old.contains(finding.rule))
    });
    match new {
        Some(finding) => Err(format!("{}: {}", finding.rule, finding.message)),
        None => Ok(()),
    }
}

/// The first text of these cases that the parent does not hold as well.
fn new_text(before: &Packed, after: &Packed, cases: &Shingles) -> Option<leak::Place> {
    let known: HashSet<Digest> = texts(before).values().flat_map(|text| cases.shared(text)).collect();
    let files = texts(after);
    cases.find(files.iter().map(|(path, text)| (path.as_str(), text.as_str())), &known).into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "---\nname: notes\ndescription: Writes notes. Use it for notes.\n---\n\n";

    /// A folder `notes` with these files.
    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let place = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = place.path().join("notes").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        place
    }

    fn result(before: &[(&str, &str)], after: &[(&str, &str)]) -> Result<Edit, Refused> {
        let (before, after) = (folder(before), folder(after));
        let none = Shingles::default();
        check(&before.path().join("notes"), &after.path().join("notes"), &none, &none)
    }

    fn said(before: &[(&str, &str)], after: &[(&str, &str)]) -> String {
        match result(before, after) {
            Err(Refused::Invalid(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_file_may_change_wholly_and_several_by_forty_lines() {
        let body = |lines: usize, word: &str| format!("{HEAD}# Notes\n\n{}", format!("{word}\n").repeat(lines));
        let (old, new) = (body(100, "old"), body(100, "new"));
        assert!(result(&[("SKILL.md", &old)], &[("SKILL.md", &new)]).is_ok(), "one file");
        let with = |text: &str, lines: usize| {
            [("SKILL.md".to_owned(), text.to_owned()), ("a.md".to_owned(), "x\n".repeat(lines))]
        };
        for (lines, fits) in [(39, true), (40, false)] {
            let files = with(&body(100, "old").replacen("old", "new", 1), lines);
            let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
            assert_eq!(result(&[("SKILL.md", &old)], &files).is_ok(), fits, "{lines} and one");
        }
    }

    #[test]
    fn name_manifest_and_description_are_held() {
        let old = format!("{HEAD}# Notes\n");
        let skill = |text: &str| said(&[("SKILL.md", &old)], &[("SKILL.md", text)]);
        assert!(skill(&old).contains("nothing"));
        assert!(skill(&old.replace("name: notes", "name: other")).contains("name"));
        let description =
            |n: usize| old.replace("Writes notes. Use it for notes.", &format!("Use it. {}", "x".repeat(n - 8)));
        assert!(result(&[("SKILL.md", &old)], &[("SKILL.md", &description(1024))]).is_ok());
        assert!(skill(&description(1025)).contains("1025") || skill(&description(1025)).contains("description"));
        assert!(said(&[("SKILL.md", &old)], &[("SKILL.md", &old), ("skill.toml", "x")]).contains("skill.toml"));
    }

    #[test]
    fn a_hidden_character_is_a_new_finding() {
        let old = format!("{HEAD}# Notes\n");
        assert!(!said(&[("SKILL.md", &old)], &[("SKILL.md", &format!("{old}Do\u{202e} it.\n"))]).is_empty());
    }
}
