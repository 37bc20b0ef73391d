//! What may stand inside the files of a skill: rules that are checked at publish and again at install, and evidence for a reader.
//!
//! The rules are deterministic and look at bytes alone. Text rules apply to every file that is valid UTF-8 without NUL. What breaks a rule
//! is an error with a code of its own; what is merely worth a look (see `evidence`) is a note and never blocks anything.

mod evidence;
mod hosts;
mod magic;
mod text;
mod zip;

use skill_schema::{
    Limits, codes,
    lint::{Finding, Place},
};

use crate::archive::File;

/// Findings of one rule in one package: more are not read by anybody, and a hostile package must not fill memory with them.
const MAX_PER_RULE: usize = 20;

/// The name of a skill's main file.
const SKILL_MD: &str = "SKILL.md";

/// Files that agents obey outside of the skill.
const AGENT_FILES: &[&str] = &["CLAUDE.md", "AGENTS.md", "GEMINI.md", "SOUL.md", "MEMORY.md"];

/// Checks all files. The findings are sorted by file, line and column.
pub fn check<'a>(files: impl IntoIterator<Item = File<'a>>, limits: &Limits) -> Vec<Finding> {
    let files: Vec<_> = files.into_iter().collect();
    let mut found = Found::default();
    for file in &files {
        check_name(file.path, &mut found);
        if let Some((rule, code, what)) = magic::forbidden(file.path, file.content) {
            found.add(Finding::error(rule, code, what).file(file.path));
        }
        if let Some(text) = text::of(file.content) {
            text::check(file.path, text, limits, &mut found);
        }
    }
    evidence::check(&files, &mut found);
    let mut findings = found.finish();
    skill_schema::lint::sort(&mut findings);
    findings
}

fn check_name(path: &str, found: &mut Found) {
    let Some((_, name)) = path.rsplit_once('/') else {
        if AGENT_FILES.contains(&path) {
            found.add(agent_file(path));
        }
        return;
    };
    if name == SKILL_MD {
        found.add(
            Finding::error(
                "content.nested-skill",
                codes::NESTED_SKILL,
                "there is a second SKILL.md deeper in the skill",
            )
            .file(path)
            .help("publish it as a skill of its own"),
        );
    } else if AGENT_FILES.contains(&name) {
        found.add(agent_file(path));
    }
}

fn agent_file(path: &str) -> Finding {
    Finding::error("content.agent-file", codes::AGENT_FILE, "agents obey a file of this name outside of the skill")
        .file(path)
        .help("rename it, or move its contents into SKILL.md or a reference")
}

/// Findings, at most [`MAX_PER_RULE`] of each rule.
#[derive(Debug, Default)]
struct Found {
    findings: Vec<Finding>,
    left_out: Vec<(&'static str, usize)>,
}

impl Found {
    fn add(&mut self, finding: Finding) {
        let rule = finding.rule;
        if self.findings.iter().filter(|other| other.rule == rule).count() < MAX_PER_RULE {
            self.findings.push(finding);
            return;
        }
        match self.left_out.iter_mut().find(|(other, _)| *other == rule) {
            Some((_, count)) => *count += 1,
            None => self.left_out.push((rule, 1)),
        }
    }

    /// Whether another finding of this rule would only be counted.
    fn is_full(&self, rule: &str) -> bool {
        self.left_out.iter().any(|(other, _)| *other == rule)
    }

    fn finish(self) -> Vec<Finding> {
        let mut findings = self.findings;
        for (rule, count) in self.left_out {
            findings.push(Finding::note(rule, format!("and {count} more of this kind, not listed")));
        }
        findings
    }
}

/// The place of `len` bytes at `at` in a line. Lines and columns count from 1, columns in characters.
fn place(line_number: usize, line: &str, at: usize, len: usize) -> Place {
    let column = line[..at].chars().count() + 1;
    Place { line: line_number, column, len: line[at..at + len].chars().count().max(1) }
}

/// The place of `len` bytes at `at` in a text. Reads everything before it: for the few findings that are kept.
fn place_in(text: &str, at: usize, len: usize) -> Place {
    let start = text[..at].rfind('\n').map_or(0, |line_feed| line_feed + 1);
    let number = text[..start].bytes().filter(|byte| *byte == b'\n').count() + 1;
    place(number, &text[start..], at - start, len)
}

#[cfg(test)]
mod tests {
    use skill_schema::Code;

    use super::*;

    fn errors(path: &str, content: &[u8]) -> Vec<&'static Code> {
        let files = [File { path, content, executable: false }];
        check(files, &Limits::V1).into_iter().filter_map(|finding| finding.code).collect()
    }

    #[test]
    fn ordinary_files_break_no_rule() {
        assert_eq!(errors("SKILL.md", "---\nname: x\n---\n# Über\t日本語 👩‍💻 ❤️\n".as_bytes()), Vec::<&Code>::new());
        assert_eq!(errors("a.md", "\u{feff}with a byte-order mark".as_bytes()), Vec::<&Code>::new());
        assert_eq!(errors("a.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), Vec::<&Code>::new());
        assert_eq!(errors("empty", b""), Vec::<&Code>::new());
    }

    #[test]
    fn names_that_agents_obey_are_refused_at_any_depth() {
        assert_eq!(errors("a/SKILL.md", b""), [codes::NESTED_SKILL]);
        assert_eq!(errors("a/b/SKILL.md", b""), [codes::NESTED_SKILL]);
        for name in AGENT_FILES {
            assert_eq!(errors(name, b""), [codes::AGENT_FILE]);
            assert_eq!(errors(&format!("a/{name}"), b""), [codes::AGENT_FILE]);
        }
        for fine in ["agents.md", "a/managed-agents.md", "SKILL.md", "a/CLAUDE.md.txt", "MY-AGENTS.md"] {
            assert_eq!(errors(fine, b""), Vec::<&Code>::new(), "{fine}");
        }
    }

    #[test]
    fn hostile_input_cannot_fill_memory_with_findings() {
        let names: Vec<_> = (0..500).map(|i| format!("d{i}/CLAUDE.md")).collect();
        let findings = check(names.iter().map(|path| File { path, content: b"", executable: false }), &Limits::V1);
        assert_eq!(findings.len(), MAX_PER_RULE + 1);
        assert!(findings.iter().any(|finding| finding.message == "and 480 more of this kind, not listed"));
    }
}
