//! `skills.lock`: exactly what is installed, so that it can be installed again.
//!
//! ```toml
//! version = 1
//!
//! [[skill]]
//! name = "cisco/codeguard"
//! version = "1.4.0"
//! origin = "skills.example/log"
//! tree = "sha256:…"
//! archive = "sha256:…"
//! statement = "sha256:…"
//! log = 87990
//! ```
//!
//! A skill that was installed from a path of this machine has `path:` and that path as its origin, and neither `statement` nor `log`:
//! nobody signed it.
//!
//! Keyed by registry origin and name, never by a mirror's address. Reading fails closed: a file that is not exactly in this
//! format (unknown keys, conflict markers, the same skill twice) is an error, since guessing could install something else.

use std::fmt;

use toml::{Spanned, de::DeValue};

use crate::{
    Digest, Fault, SkillId, Version, VersionReq, codes,
    lint::{Finding, Lines},
    manifest::{MAX_DEPENDENCIES, MAX_REQUIREMENT},
    name, project,
    toml_doc::{Kind, Reader, Rules, Table, list, quote},
    version,
};

/// The file's name, beside `skills.toml`.
pub const FILE: &str = "skills.lock";

/// Bytes of the file: room for [`project::MAX_SKILLS`] entries.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;
/// The format that this client reads and writes.
pub const FORMAT: u64 = 1;
/// Characters of an origin: a host name and a path.
pub const MAX_ORIGIN: usize = 300;
/// How the origin of a skill starts that was installed from a path; the path follows, from the project's folder if it is relative.
pub const PATH: &str = "path:";
/// Characters of `sha256:` and 64 hex digits.
const DIGEST_LEN: usize = 71;

static KIND: Kind = Kind {
    file: FILE,
    code: codes::LOCK_FILE,
    max_bytes: MAX_BYTES,
    rules: Rules {
        syntax: "lock.syntax",
        unknown_key: "lock.unknown-key",
        missing_key: "lock.missing-key",
        value: "lock.value",
        limit: "lock.limit",
    },
};

/// The contents of a `skills.lock`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lock {
    /// The locked skills. Written sorted by name; a name stands once.
    pub skills: Vec<Locked>,
}

/// One locked skill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Locked {
    /// The skill.
    pub name: SkillId,
    /// The chosen version.
    pub version: Version,
    /// The registry's log origin, `skills.example/log`; or [`PATH`] and a path.
    pub origin: String,
    /// The tree digest: what an installed folder must hash to.
    pub tree: Digest,
    /// SHA-256 of the `.tar.gz`.
    pub archive: Digest,
    /// What its publisher signed. `None` exactly if it was installed from a path.
    pub signed: Option<Signed>,
    /// The skills that this version needs; their own entries say which versions.
    pub dependencies: Vec<SkillId>,
    /// What was asked for, if it was a one-off install that `skills.toml` does not list.
    pub requirement: Option<VersionReq>,
    /// The agents it is installed for, if `skills.toml` does not say.
    pub agents: Option<Vec<String>>,
    /// Whether it is copied into the agents' folders instead of linked, if `skills.toml` does not say.
    pub copy: bool,
}

/// The statement by which a publisher released a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signed {
    /// SHA-256 of the release statement's envelope.
    pub statement: Digest,
    /// The statement's leaf in the registry's log, from 0.
    pub log: u64,
}

impl Locked {
    /// The path that it was installed from, if it comes from no registry.
    pub fn path(&self) -> Option<&str> {
        self.origin.strip_prefix(PATH)
    }
}

impl Lock {
    /// Reads a lock file. `Err` is the first error in the order of the file; its code is `E_LOCK_FILE`.
    pub fn parse(text: &str) -> Result<Self, Box<Finding>> {
        check(text).map_err(|findings| Box::new(crate::toml_doc::first(findings, &KIND)))
    }

    /// The entry of a skill.
    pub fn get(&self, id: &SkillId) -> Option<&Locked> {
        self.skills.iter().find(|locked| locked.name == *id)
    }
}

fn check(text: &str) -> Result<Lock, Vec<Finding>> {
    if let Some(finding) = conflict_marker(text) {
        return Err(vec![finding]);
    }
    let (mut reader, document) = Reader::parse(&KIND, text)?;
    let mut root = Table::new("", document.get_ref(), 0..1);
    if let Some(value) = root.required(&mut reader, "version") {
        let format = reader.integer("version", value, u64::from(u32::MAX));
        if format.is_some_and(|format| format != FORMAT) {
            reader.bad_value(value.span(), format!("the lock file's format is not {FORMAT}")).help =
                Some("a newer client wrote it: update skill".to_owned());
        }
    }
    let mut skills = Vec::new();
    if let Some(value) = root.optional("skill") {
        for item in reader.array("skill", value, project::MAX_SKILLS) {
            let Some(locked) = read_locked(&mut reader, item) else { continue };
            skills.push((locked, item.span()));
        }
    }
    reader.refuse_unknown(&root);
    skills.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    for pair in skills.windows(2) {
        if pair[0].0.name == pair[1].0.name {
            let span = if pair[0].1.start > pair[1].1.start { &pair[0].1 } else { &pair[1].1 };
            reader.error("lock.duplicate", span.clone(), format!("`{}` stands twice", pair[0].0.name));
        }
    }
    let findings = reader.finish();
    if findings.is_empty() {
        Ok(Lock { skills: skills.into_iter().map(|(locked, _)| locked).collect() })
    } else {
        Err(findings)
    }
}

/// A merge that was left unfinished is not a syntax error but a thing to say plainly.
fn conflict_marker(text: &str) -> Option<Finding> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let marker = ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().any(|m| line.starts_with(m));
        if marker && at <= MAX_BYTES {
            let place = Lines::new(text).place(at..at + line.trim_end().len());
            return Some(
                Finding::error("lock.conflict", codes::LOCK_FILE, "there is an unresolved merge conflict")
                    .help("take either side whole and run skill install, or restore the file from version control")
                    .file(FILE)
                    .place(place),
            );
        }
        at += line.len();
    }
    None
}

fn read_locked<'a>(reader: &mut Reader<'a>, item: &Spanned<DeValue<'a>>) -> Option<Locked> {
    let mut table = reader.table("skill", item)?;
    let name = table
        .required(reader, "name")
        .and_then(|v| reader.parsed("name", v, name::MAX_SCOPE + 1 + name::MAX_NAME, str::parse::<SkillId>));
    let version = table
        .required(reader, "version")
        .and_then(|v| reader.parsed("version", v, version::MAX_VERSION, version::parse_version));
    let origin = table.required(reader, "origin").and_then(|v| reader.string("origin", v, MAX_ORIGIN));
    let mut digest = |key| table.required(reader, key).and_then(|v| reader.parsed(key, v, DIGEST_LEN, parse_digest));
    let (tree, archive) = (digest("tree"), digest("archive"));
    let from_path = origin.is_some_and(|origin| origin.starts_with(PATH));
    let signed = if from_path {
        refuse_signed(reader, &mut table);
        None
    } else {
        read_signed(reader, &mut table)
    };
    let dependencies = table.optional("dependencies").map(|v| read_names(reader, v));
    let requirement = table
        .optional("requirement")
        .and_then(|v| reader.parsed("requirement", v, MAX_REQUIREMENT, version::parse_requirement));
    let agents = table.optional("agents").map(|v| project::read_agents(reader, v));
    let copy = table.optional("copy").and_then(|v| reader.boolean("copy", v));
    reader.refuse_unknown(&table);
    Some(Locked {
        name: name?,
        version: version?,
        origin: origin?.to_owned(),
        tree: tree?,
        archive: archive?,
        signed: if from_path { None } else { Some(signed?) },
        dependencies: dependencies.unwrap_or_default(),
        requirement,
        agents,
        copy: copy.unwrap_or(false),
    })
}

fn read_signed<'a>(reader: &mut Reader<'a>, table: &mut Table<'_, 'a>) -> Option<Signed> {
    let statement =
        table.required(reader, "statement").and_then(|v| reader.parsed("statement", v, DIGEST_LEN, parse_digest));
    let max_log = u64::try_from(i64::MAX).unwrap_or(u64::MAX);
    let log = table.required(reader, "log").and_then(|v| reader.integer("log", v, max_log));
    Some(Signed { statement: statement?, log: log? })
}

/// What comes from a path has no statement; one that stood there would look like a signature that holds.
fn refuse_signed<'a>(reader: &mut Reader<'a>, table: &mut Table<'_, 'a>) {
    for key in ["statement", "log"] {
        if let Some(value) = table.optional(key) {
            reader.bad_value(
                value.span(),
                format!("`{key}` must not stand where the origin is a path: nobody signed it"),
            );
        }
    }
}

fn parse_digest(text: &str) -> Result<Digest, Fault> {
    Digest::parse_prefixed(text)
        .ok_or_else(|| Fault::new(codes::LOCK_FILE).detail("sha256: and 64 lower-case hex digits are expected"))
}

fn read_names<'a>(reader: &mut Reader<'a>, value: &Spanned<DeValue<'a>>) -> Vec<SkillId> {
    let names = reader.strings("dependencies", value, MAX_DEPENDENCIES, name::MAX_SCOPE + 1 + name::MAX_NAME);
    names.iter().filter_map(|text| reader.key(text, value.span())).collect()
}

impl fmt::Display for Lock {
    /// Writes the file: entries sorted by name, optional keys only where they say something.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Written by skill. Keep it under version control; do not edit it by hand.")?;
        writeln!(f, "version = {FORMAT}")?;
        let mut skills: Vec<_> = self.skills.iter().collect();
        skills.sort_by(|a, b| a.name.cmp(&b.name));
        skills.into_iter().try_for_each(|locked| write!(f, "\n{locked}"))
    }
}

impl fmt::Display for Locked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "[[skill]]")?;
        writeln!(f, "name = \"{}\"", self.name)?;
        writeln!(f, "version = \"{}\"", self.version)?;
        writeln!(f, "origin = {}", quote(&self.origin))?;
        writeln!(f, "tree = \"{}\"", self.tree.prefixed())?;
        writeln!(f, "archive = \"{}\"", self.archive.prefixed())?;
        if let Some(signed) = &self.signed {
            writeln!(f, "statement = \"{}\"", signed.statement.prefixed())?;
            writeln!(f, "log = {}", signed.log)?;
        }
        if !self.dependencies.is_empty() {
            writeln!(f, "dependencies = {}", list(&self.dependencies))?;
        }
        if let Some(requirement) = &self.requirement {
            writeln!(f, "requirement = {}", quote(&requirement.to_string()))?;
        }
        if let Some(agents) = &self.agents {
            writeln!(f, "agents = {}", list(agents))?;
        }
        if self.copy {
            writeln!(f, "copy = true")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
