//! The rules that are not those of SKILL.md, which have a catalogue of their own ([`skill_schema::lint::rules`]): the package as a
//! whole, what stands in its files, and the three TOML files.

use skill_schema::{
    Code, codes,
    lint::Severity::{self, Error, Note, Warning},
};

/// A rule: its id, its weight (the same at both levels), the code of its errors, and what it asks for.
pub(super) type Row = (&'static str, Severity, Option<&'static Code>, &'static str);

/// The rules.
pub(super) const OTHERS: &[Row] = &[
    (
        "archive.profile",
        Error,
        None,
        "paths, sizes, modes and the form of the archive follow skill-archive/v1; the code says what does not",
    ),
    (
        "content.hidden-char",
        Error,
        Some(codes::HIDDEN_CHAR),
        "text holds no invisible or direction-changing characters",
    ),
    (
        "content.control-char",
        Error,
        Some(codes::TEXT_CONTROL),
        "text holds no control characters, and lines end with LF",
    ),
    ("content.line-length", Error, Some(codes::LINE_LENGTH), "no line is longer than 64 KiB"),
    ("content.blank-run", Error, Some(codes::BLANK_RUN), "there are fewer than 200 blank lines in a row"),
    ("content.bytecode", Error, Some(codes::BYTECODE), "there is no compiled bytecode"),
    ("content.executable", Error, Some(codes::EXECUTABLE), "there is no native executable"),
    ("content.archive", Error, Some(codes::NESTED_ARCHIVE), "there is no archive inside of the package"),
    ("content.nested-skill", Error, Some(codes::NESTED_SKILL), "there is one SKILL.md, at the top"),
    (
        "content.agent-file",
        Error,
        Some(codes::AGENT_FILE),
        "no file has a name that agents obey outside of the skill (CLAUDE.md, AGENTS.md…)",
    ),
    (
        "content.pipe-to-shell",
        Note,
        None,
        "evidence: something that is fetched from the network is run at once (curl … | sh)",
    ),
    ("content.secret-path", Note, None, "evidence: a place is named where people keep secrets (.ssh/, .npmrc…)"),
    ("content.concealment", Note, None, "evidence: the agent is asked to keep something from the user"),
    ("content.html-comment", Note, None, "evidence: an HTML comment holds text that a rendered page does not show"),
    ("content.undeclared-host", Note, None, "evidence: a script names a host that SKILL.md does not mention"),
    ("content.link-host", Note, None, "evidence: a link's text names another host than the one it leads to"),
    ("content.not-searched", Note, None, "a part of a file was too long to be searched for evidence"),
    ("manifest.syntax", Error, Some(codes::MANIFEST), "skill.toml is TOML"),
    ("manifest.unknown-key", Error, Some(codes::MANIFEST), "every key of skill.toml is known"),
    ("manifest.missing-key", Error, Some(codes::MANIFEST), "skill.toml has name and version"),
    ("manifest.value", Error, Some(codes::MANIFEST), "every value of skill.toml is what its key asks for"),
    ("manifest.limit", Error, Some(codes::MANIFEST), "nothing in skill.toml is longer or more than its limit"),
    ("manifest.license", Warning, None, "the licence is an SPDX expression"),
    ("project.syntax", Error, Some(codes::PROJECT), "skills.toml is TOML"),
    ("project.unknown-key", Error, Some(codes::PROJECT), "every key of skills.toml is known"),
    ("project.missing-key", Error, Some(codes::PROJECT), "skills.toml has what an entry needs"),
    ("project.value", Error, Some(codes::PROJECT), "every value of skills.toml is what its key asks for"),
    ("project.limit", Error, Some(codes::PROJECT), "nothing in skills.toml is longer or more than its limit"),
    ("lock.syntax", Error, Some(codes::LOCK_FILE), "skills.lock is TOML"),
    ("lock.unknown-key", Error, Some(codes::LOCK_FILE), "every key of skills.lock is known"),
    ("lock.missing-key", Error, Some(codes::LOCK_FILE), "every entry of skills.lock is complete"),
    ("lock.value", Error, Some(codes::LOCK_FILE), "every value of skills.lock is what its key asks for"),
    ("lock.limit", Error, Some(codes::LOCK_FILE), "nothing in skills.lock is longer or more than its limit"),
    ("lock.conflict", Error, Some(codes::LOCK_FILE), "skills.lock holds no unresolved merge"),
    ("lock.duplicate", Error, Some(codes::LOCK_FILE), "no skill stands twice in skills.lock"),
];
