//! The fences around the frontmatter, found by line and never by searching for `---`: a description or a block scalar may
//! hold three hyphens.

use std::ops::Range;

use crate::lint::{Issue, rules};

/// Where the parts of a SKILL.md are, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// The YAML between the two fences.
    pub front: Range<usize>,
    /// The Markdown after the closing fence's line.
    pub body: Range<usize>,
}

/// Finds the two fences. A fence is a line of exactly `---`, with white space allowed behind it; lines end with LF or CR LF.
pub fn split(text: &str) -> Result<Parts, Issue> {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut at = start;
    let mut lines = text[start..].split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    if !is_fence(first) {
        return Err(no_opening(text, start, first));
    }
    at += first.len();
    let front = at;
    for line in lines {
        if is_fence(line) {
            return Ok(Parts { front: front..at, body: at + line.len()..text.len() });
        }
        at += line.len();
    }
    Err(Issue::new(rules::UNCLOSED, start..start + 3, "the frontmatter is not closed")
        .help("end it with a line of exactly ---, not indented"))
}

fn is_fence(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| rest.trim_end_matches([' ', '\t', '\r', '\n']).is_empty())
}

fn no_opening(text: &str, start: usize, first: &str) -> Issue {
    let issue =
        Issue::new(rules::FENCE, start..start + first.trim_end().len().max(1), "SKILL.md does not start with ---");
    let later = text[start..].lines().find(|line| !line.trim().is_empty()).is_some_and(is_fence);
    issue.help(if later {
        "remove the blank lines before the first ---: it must be the first line"
    } else {
        "start the file with the lines ---, name: …, description: … and ---"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Result<(&str, &str), &'static str> {
        split(text).map(|p| (&text[p.front], &text[p.body])).map_err(|issue| issue.rule.id)
    }

    #[test]
    fn fences_are_whole_lines() {
        for (text, expected) in [
            ("---\na: b\n---\nbody\n", Ok(("a: b\n", "body\n"))),
            ("---\na: b --- c\n---\n", Ok(("a: b --- c\n", ""))),
            ("---\na: |\n  ---\n  x\n---\n---\n", Ok(("a: |\n  ---\n  x\n", "---\n"))),
            ("---\n----\n---", Ok(("----\n", ""))),
            ("---\r\na: b\r\n---\r\nbody", Ok(("a: b\r\n", "body"))),
            ("--- \t\na: b\n---  \nx", Ok(("a: b\n", "x"))),
            ("\u{feff}---\na: b\n---\n", Ok(("a: b\n", ""))),
            ("---\n---\n", Ok(("", ""))),
            ("", Err("frontmatter.missing")),
            ("# title\n", Err("frontmatter.missing")),
            ("\n---\na: b\n---\n", Err("frontmatter.missing")),
            (" ---\na: b\n---\n", Err("frontmatter.missing")),
            ("----\na: b\n---\n", Err("frontmatter.missing")),
            ("---a: b\n---\n", Err("frontmatter.missing")),
            ("---", Err("frontmatter.unclosed")),
            ("---\na: b\n", Err("frontmatter.unclosed")),
            ("---\na: b\n ---\n", Err("frontmatter.unclosed")),
            ("---\na: b\n---x\n", Err("frontmatter.unclosed")),
        ] {
            assert_eq!(parts(text), expected, "{text:?}");
        }
    }

    #[test]
    fn blank_lines_before_the_fence_are_named_as_the_reason() {
        let help = |text: &str| split(text).err().and_then(|issue| issue.help).unwrap_or_default();
        assert!(help("\n\n---\na: b\n---\n").starts_with("remove the blank lines"));
        assert!(help("# title\n").starts_with("start the file"));
    }
}
