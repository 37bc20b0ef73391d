//! `skill.toml`: what a package manager needs to know and the Agent Skills specification leaves to it.
//!
//! ```toml
//! [skill]
//! name = "cisco/codeguard"
//! version = "1.4.0"
//! license = "CC-BY-4.0"
//! keywords = ["security"]
//! repository = "https://github.com/cosai-oasis/project-codeguard"
//!
//! [dependencies]
//! "acme/base" = "^2"
//!
//! [fork]
//! of = "cisco/codeguard@1.3.2"
//! tree = "sha256:…"
//!
//! [eval]
//! suite = "evals"
//! thresholds = { uplift = 5 }
//! ```
//!
//! Unknown keys are refused, so that a misspelt one is not silently ignored.

use std::{collections::BTreeMap, fmt, str::FromStr};

use toml::{Spanned, de::DeValue};

use crate::{
    Digest, Fault, SkillId, Version, VersionReq, codes,
    lint::Finding,
    name,
    toml_doc::{Kind, Reader, Rules, Table},
    version,
};

/// The file's name, beside SKILL.md.
pub const FILE: &str = "skill.toml";

/// Bytes of the file: a manifest that no one person wrote is a mistake.
pub const MAX_BYTES: usize = 64 * 1024;
/// Keywords: enough to be found by, too few to be found by everything.
pub const MAX_KEYWORDS: usize = 20;
/// Characters of a keyword.
pub const MAX_KEYWORD: usize = 32;
/// Direct dependencies: bounds the resolver's work and the index line.
pub const MAX_DEPENDENCIES: usize = 100;
/// Characters of a version requirement.
pub const MAX_REQUIREMENT: usize = 100;
/// Characters of the licence expression: it is part of the signed statement.
pub const MAX_LICENSE: usize = 200;
/// Characters of the repository's address.
pub const MAX_REPOSITORY: usize = 500;
/// Characters of the suite's folder or name.
pub const MAX_SUITE: usize = 240;
/// Characters of a digest with its prefix.
const MAX_DIGEST: usize = "sha256:".len() + 64;
/// Entries of `thresholds`.
pub const MAX_THRESHOLDS: usize = 20;

static KIND: Kind = Kind {
    file: FILE,
    code: codes::MANIFEST,
    max_bytes: MAX_BYTES,
    rules: Rules {
        syntax: "manifest.syntax",
        unknown_key: "manifest.unknown-key",
        missing_key: "manifest.missing-key",
        value: "manifest.value",
        limit: "manifest.limit",
    },
};

/// The contents of a `skill.toml`.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The full name; its second part equals the frontmatter's `name`.
    pub id: SkillId,
    /// The version that this folder would be published as.
    pub version: Version,
    /// An SPDX licence expression, or the name of a licence that SPDX does not know.
    pub license: Option<String>,
    /// Words to be found by: lower-case letters, digits and single inner hyphens.
    pub keywords: Vec<String>,
    /// Where the source lives: an http or https address.
    pub repository: Option<String>,
    /// Skills that must be installed beside this one.
    pub dependencies: BTreeMap<SkillId, VersionReq>,
    /// The version that this skill was forked from.
    pub fork_of: Option<Release>,
    /// The tree digest of that version, as `skill fork` saw it.
    pub fork_tree: Option<Digest>,
    /// The folder of the eval suite, or the name of a published one.
    pub eval_suite: Option<String>,
    /// What a measurement must reach, by the name of the figure.
    pub eval_thresholds: BTreeMap<String, f64>,
}

/// One version of one skill: `cisco/codeguard@1.3.2`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Release {
    /// The skill.
    pub id: SkillId,
    /// The version.
    pub version: Version,
}

impl FromStr for Release {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let (id, version) = text
            .split_once('@')
            .ok_or_else(|| Fault::new(codes::SPEC).at(text).detail("a version is missing: scope/name@1.2.3"))?;
        Ok(Self { id: id.parse()?, version: version::parse_version(version)? })
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.id, self.version)
    }
}

impl Manifest {
    /// Reads a manifest. `Err` holds every error, with its place; warnings are left out (see [`check`]).
    pub fn parse(text: &str) -> Result<Self, Vec<Finding>> {
        let (manifest, mut findings) = check(text);
        findings.retain(Finding::is_error);
        match manifest {
            Some(manifest) if findings.is_empty() => Ok(manifest),
            _ => Err(findings),
        }
    }
}

/// Reads a manifest and says everything about it, warnings included. There is a manifest if there is no error.
pub fn check(text: &str) -> (Option<Manifest>, Vec<Finding>) {
    let (mut reader, document) = match Reader::parse(&KIND, text) {
        Ok(parsed) => parsed,
        Err(findings) => return (None, findings),
    };
    let mut root = Table::new("", document.get_ref(), 0..1);
    let skill = root.required(&mut reader, "skill").and_then(|value| reader.table("skill", value));
    let skill = skill.and_then(|table| read_skill(&mut reader, table));
    let dependencies = root.optional("dependencies").map(|value| read_dependencies(&mut reader, value));
    let (fork_of, fork_tree) = root.optional("fork").map(|value| read_fork(&mut reader, value)).unwrap_or_default();
    let (eval_suite, eval_thresholds) =
        root.optional("eval").map(|value| read_eval(&mut reader, value)).unwrap_or_default();
    reader.refuse_unknown(&root);
    let manifest = skill.map(|skill| Manifest {
        id: skill.id,
        version: skill.version,
        license: skill.license,
        keywords: skill.keywords,
        repository: skill.repository,
        dependencies: dependencies.unwrap_or_default(),
        fork_of,
        fork_tree,
        eval_suite,
        eval_thresholds,
    });
    let findings = reader.finish();
    let broken = findings.iter().any(Finding::is_error);
    (manifest.filter(|_| !broken), findings)
}

/// The table `[skill]`.
struct Skill {
    id: SkillId,
    version: Version,
    license: Option<String>,
    keywords: Vec<String>,
    repository: Option<String>,
}

fn read_skill<'a>(reader: &mut Reader<'a>, mut table: Table<'_, 'a>) -> Option<Skill> {
    let id = table
        .required(reader, "name")
        .and_then(|v| reader.parsed("name", v, name::MAX_SCOPE + 1 + name::MAX_NAME, str::parse::<SkillId>));
    let version = table
        .required(reader, "version")
        .and_then(|v| reader.parsed("version", v, version::MAX_VERSION, version::parse_version));
    let license = table.optional("license").and_then(|v| read_license(reader, v));
    let keywords = table.optional("keywords").map(|v| read_keywords(reader, v));
    let repository = table.optional("repository").and_then(|v| read_repository(reader, v));
    reader.refuse_unknown(&table);
    Some(Skill { id: id?, version: version?, license, keywords: keywords.unwrap_or_default(), repository })
}

fn read_license<'a>(reader: &mut Reader<'a>, value: &Spanned<DeValue<'a>>) -> Option<String> {
    let text = reader.string("license", value, MAX_LICENSE)?;
    if let Err(error) = spdx::Expression::parse(text) {
        let message = format!("`{text}` is not an SPDX licence expression ({})", error.reason);
        reader.warning("manifest.license", value.span(), message).help =
            Some("write one such as Apache-2.0, CC-BY-4.0 or MIT OR Apache-2.0; see spdx.org/licenses".to_owned());
    }
    Some(text.to_owned())
}

fn read_keywords<'a>(reader: &mut Reader<'a>, value: &Spanned<DeValue<'a>>) -> Vec<String> {
    let keywords = reader.strings("keywords", value, MAX_KEYWORDS, MAX_KEYWORD);
    for keyword in &keywords {
        if !name::follows_rule(keyword, MAX_KEYWORD) {
            reader.bad_value(value.span(), format!("`{keyword}` is not a keyword")).help =
                Some("use lower-case letters, digits and single inner hyphens".to_owned());
        }
    }
    keywords
}

fn read_repository<'a>(reader: &mut Reader<'a>, value: &Spanned<DeValue<'a>>) -> Option<String> {
    let text = reader.string("repository", value, MAX_REPOSITORY)?;
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let has_host = rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '['));
    if !has_host || text.contains([' ', '<', '>', '"', '\\', '^', '`', '{', '|', '}']) {
        reader.bad_value(value.span(), "`repository` must be an https or http address");
    }
    Some(text.to_owned())
}

fn read_dependencies<'a>(reader: &mut Reader<'a>, value: &Spanned<DeValue<'a>>) -> BTreeMap<SkillId, VersionReq> {
    let Some(table) = reader.table("dependencies", value) else { return BTreeMap::new() };
    let entries = table.entries();
    if entries.len() > MAX_DEPENDENCIES {
        let message = format!("{} dependencies, more than the limit of {MAX_DEPENDENCIES}", entries.len());
        reader.over_limit(table.span(), message);
        return BTreeMap::new();
    }
    let mut dependencies = BTreeMap::new();
    for (key, span, value) in entries {
        let id = reader.key(key, span);
        let requirement = reader.parsed(key, value, MAX_REQUIREMENT, version::parse_requirement);
        if let (Some(id), Some(requirement)) = (id, requirement) {
            dependencies.insert(id, requirement);
        }
    }
    dependencies
}

fn read_fork<'a>(reader: &mut Reader<'a>, value: &Spanned<DeValue<'a>>) -> (Option<Release>, Option<Digest>) {
    let Some(mut table) = reader.table("fork", value) else { return <_>::default() };
    let max = name::MAX_SCOPE + name::MAX_NAME + version::MAX_VERSION + 2;
    let of = table.required(reader, "of").and_then(|v| reader.parsed("of", v, max, str::parse));
    let tree = table.optional("tree").and_then(|v| reader.parsed("tree", v, MAX_DIGEST, digest));
    reader.refuse_unknown(&table);
    (of, tree)
}

/// A digest as people write it: `sha256:` and 64 hex digits.
fn digest(text: &str) -> Result<Digest, Fault> {
    let wrong = || Fault::new(codes::MANIFEST).at(text).detail("sha256: and 64 lower-case hex digits are expected");
    Digest::parse_prefixed(text).ok_or_else(wrong)
}

fn read_eval<'a>(reader: &mut Reader<'a>, value: &Spanned<DeValue<'a>>) -> (Option<String>, BTreeMap<String, f64>) {
    let Some(mut table) = reader.table("eval", value) else { return <_>::default() };
    let suite = table.optional("suite").and_then(|v| {
        let text = reader.string("suite", v, MAX_SUITE)?;
        if text.starts_with('/') || text.contains('\\') || text.split('/').any(|part| matches!(part, "" | "." | "..")) {
            reader.bad_value(v.span(), "`suite` must be a folder inside the skill, or the name of a published suite");
        }
        Some(text.to_owned())
    });
    let thresholds = table.optional("thresholds").map(|v| read_thresholds(reader, v));
    reader.refuse_unknown(&table);
    (suite, thresholds.unwrap_or_default())
}

fn read_thresholds<'a>(reader: &mut Reader<'a>, value: &Spanned<DeValue<'a>>) -> BTreeMap<String, f64> {
    let Some(table) = reader.table("thresholds", value) else { return BTreeMap::new() };
    let entries = table.entries();
    if entries.len() > MAX_THRESHOLDS {
        reader.over_limit(table.span(), format!("more than {MAX_THRESHOLDS} thresholds"));
        return BTreeMap::new();
    }
    let mut thresholds = BTreeMap::new();
    for (key, span, value) in entries {
        if !name::follows_rule(key, MAX_KEYWORD) {
            reader.bad_value(span, format!("`{key}` cannot be the name of a threshold")).help =
                Some("use lower-case letters, digits and single inner hyphens".to_owned());
        }
        match reader.number(key, value) {
            Some(number) => thresholds.insert(key.to_owned(), number),
            None => continue,
        };
    }
    thresholds
}

#[cfg(test)]
mod tests;
