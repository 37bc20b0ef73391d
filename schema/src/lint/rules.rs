//! The rules for SKILL.md and its folder: the catalogue.
//!
//! Sources: the Agent Skills specification (`docs/specification.mdx`), its client guide for what the lenient level lets
//! through, and what strict tools of others add. `docs/validation.md` explains each one.

use super::{Finding, Level, Place, Severity};
use crate::{Code, codes};

/// A rule: its id, and how much breaking it weighs at each level.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// The stable id, `area.rule`.
    pub id: &'static str,
    /// Its weight when publishing.
    pub strict: Severity,
    /// Its weight when installing or importing.
    pub lenient: Severity,
    /// The error code under which an error of this rule is reported.
    pub code: &'static Code,
    /// What the rule asks for, in one line.
    pub title: &'static str,
}

/// A rule that was broken somewhere in SKILL.md, before a level gives it a weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Issue {
    pub rule: &'static Rule,
    pub span: std::ops::Range<usize>,
    pub message: String,
    pub help: Option<String>,
}

impl Issue {
    pub fn new(rule: &'static Rule, span: std::ops::Range<usize>, message: impl Into<String>) -> Self {
        Self { rule, span, message: message.into(), help: None }
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The finding that it is at a level.
    pub fn finding(self, level: Level, place: Place) -> Finding {
        let finding = self.rule.finding(level, self.message).file("SKILL.md").place(place);
        match self.help {
            Some(help) => finding.help(help),
            None => finding,
        }
    }
}

impl Rule {
    /// Its weight at a level.
    pub fn severity(&self, level: Level) -> Severity {
        match level {
            Level::Strict => self.strict,
            Level::Lenient => self.lenient,
        }
    }

    /// A finding of this rule, without a place.
    pub fn finding(&self, level: Level, message: impl Into<String>) -> Finding {
        match self.severity(level) {
            Severity::Error => Finding::error(self.id, self.code, message),
            Severity::Warning => Finding::warning(self.id, message),
            Severity::Note => Finding::note(self.id, message),
        }
    }
}

macro_rules! rules {
    ($($name:ident = $id:literal, $strict:ident / $lenient:ident, $code:ident, $title:literal;)*) => {
        $(
            #[doc = concat!("`", $id, "`: ", $title, ".")]
            pub const $name: &Rule = &Rule {
                id: $id, strict: Severity::$strict, lenient: Severity::$lenient, code: codes::$code, title: $title,
            };
        )*
        /// Every rule, in the order in which `docs/validation.md` lists them.
        pub const ALL: &[&Rule] = &[$($name),*];
    };
}

rules! {
    MISSING = "skill.missing", Error / Error, NO_SKILL_MD, "there is a file called exactly SKILL.md at the top";
    ENCODING = "skill.encoding", Error / Error, LINT, "SKILL.md is UTF-8";
    NUL = "skill.nul", Error / Error, LINT, "SKILL.md holds no NUL";
    BOM = "skill.bom", Warning / Warning, LINT, "SKILL.md starts without a byte-order mark";
    FENCE = "frontmatter.missing", Error / Error, LINT, "the first line is ---";
    UNCLOSED = "frontmatter.unclosed", Error / Error, LINT, "a line --- ends the frontmatter";
    TOO_LARGE = "frontmatter.too-large", Error / Error, LINT, "the frontmatter has at most 16 KiB, 5,000 nodes and 32 levels";
    INVALID = "frontmatter.invalid", Error / Error, LINT, "the frontmatter is YAML";
    UNQUOTED_COLON = "frontmatter.unquoted-colon", Error / Warning, LINT, "a value with a colon and a space in it is quoted";
    INDENTATION = "frontmatter.indentation", Error / Warning, LINT, "what goes on in the next line is indented further than its key";
    NOT_A_MAPPING = "frontmatter.not-a-mapping", Error / Error, LINT, "the frontmatter is a mapping of keys to values";
    KEY = "frontmatter.key", Error / Error, LINT, "keys are plain words, not lists or mappings";
    DUPLICATE_KEY = "frontmatter.duplicate-key", Error / Error, LINT, "no key stands twice";
    ANCHOR = "frontmatter.anchor", Error / Error, LINT, "there are no YAML anchors (&)";
    ALIAS = "frontmatter.alias", Error / Error, LINT, "there are no YAML aliases (*)";
    MERGE_KEY = "frontmatter.merge-key", Error / Error, LINT, "there are no YAML merge keys (<<)";
    TAG = "frontmatter.tag", Error / Error, LINT, "there are no YAML tags (!)";
    UNKNOWN_KEY = "frontmatter.unknown-key", Warning / Warning, LINT, "every top-level key is one of the specification's six, or an extension of the chosen profile";
    AMBIGUOUS = "frontmatter.ambiguous", Warning / Warning, LINT, "what older YAML parsers read otherwise or refuse (yes, on, 2026-01-01, =, a tab) is quoted";
    NAME_MISSING = "name.missing", Error / Warning, LINT, "there is a name";
    NAME_TYPE = "name.type", Error / Warning, LINT, "the name is a string";
    NAME_EMPTY = "name.empty", Error / Warning, LINT, "the name is not empty";
    NAME_LENGTH = "name.length", Error / Warning, LINT, "the name has at most 64 characters";
    NAME_FORMAT = "name.format", Error / Warning, LINT, "the name is made of a-z, 0-9 and single inner hyphens";
    NAME_RESERVED = "name.reserved", Error / Warning, LINT, "the name is not a device on Windows";
    NAME_FOLDER = "name.folder", Error / Warning, LINT, "the name equals the folder's";
    DESCRIPTION_MISSING = "description.missing", Error / Error, LINT, "there is a description";
    DESCRIPTION_TYPE = "description.type", Error / Warning, LINT, "the description is a string";
    DESCRIPTION_EMPTY = "description.empty", Error / Error, LINT, "the description is not empty";
    DESCRIPTION_LENGTH = "description.length", Error / Warning, LINT, "the description has at most 1,024 characters";
    DESCRIPTION_ANGLE = "description.angle-brackets", Warning / Warning, LINT, "the description has no < or >";
    DESCRIPTION_BUDGET = "description.budget", Note / Note, LINT, "name and description cost about 100 tokens at most";
    LICENSE_TYPE = "license.type", Error / Warning, LINT, "the licence is a string";
    COMPATIBILITY_TYPE = "compatibility.type", Error / Warning, LINT, "the compatibility is a string";
    COMPATIBILITY_EMPTY = "compatibility.empty", Error / Warning, LINT, "the compatibility, if there is one, is not empty";
    COMPATIBILITY_LENGTH = "compatibility.length", Error / Warning, LINT, "the compatibility has at most 500 characters";
    METADATA_TYPE = "metadata.type", Error / Warning, LINT, "the metadata is a mapping";
    METADATA_NESTED = "metadata.nested", Warning / Warning, LINT, "the metadata's values are not lists or mappings";
    METADATA_VALUE = "metadata.value", Warning / Warning, LINT, "the metadata's values are strings";
    TOOLS_TYPE = "allowed-tools.type", Error / Warning, LINT, "the allowed tools are a string";
    TOOLS_LIST = "allowed-tools.list", Warning / Warning, LINT, "the allowed tools are one string with spaces, not a list";
    BODY_LINES = "body.lines", Warning / Warning, LINT, "the body has at most 500 lines";
    BODY_TOKENS = "body.tokens", Warning / Warning, LINT, "the body has at most about 5,000 tokens";
    LINK_BROKEN = "link.broken", Warning / Warning, LINT, "relative links of SKILL.md lead to files of the package";
    LINK_OUTSIDE = "link.outside", Warning / Warning, LINT, "relative links of SKILL.md stay inside the skill's folder";
    LINK_DEPTH = "link.depth", Warning / Warning, LINT, "files that SKILL.md links to do not lead on to further ones";
    FILE_EXECUTABLE = "file.executable", Warning / Warning, LINT, "executable files lie under scripts/";
    MANIFEST_NAME = "manifest.name", Error / Error, MISMATCH, "the name in skill.toml equals the one in SKILL.md";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_have_the_form_area_dot_rule() {
        let mut ids: Vec<_> = ALL.iter().map(|rule| rule.id).collect();
        for id in &ids {
            let (area, rule) = id.split_once('.').expect("a dot");
            assert!(crate::name::follows_rule(area, 64) && crate::name::follows_rule(rule, 64), "{id}");
        }
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ALL.len());
    }

    #[test]
    fn the_lenient_level_is_never_stricter() {
        for rule in ALL {
            assert!(rule.lenient <= rule.strict, "{}", rule.id);
        }
    }
}
