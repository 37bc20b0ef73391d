//! The unified diff of one text, as plain lines: hidden characters are escaped, so that every line can be printed.

use std::{fmt::Write, time::Duration};

use similar::{ChangeTag, TextDiff};

use crate::render::visible;

/// Lines around a change.
const CONTEXT: usize = 3;
/// Time after which a difference may be less than minimal: nobody waits for a perfect one.
const PATIENCE: Duration = Duration::from_millis(500);

/// How to mark changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marks {
    /// Whether the words that changed are marked inside of their lines: `[-old-]`, `{+new+}`.
    pub words: bool,
}

/// What changed in a text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Changed {
    /// Lines that are new.
    pub added: usize,
    /// Lines that are gone.
    pub removed: usize,
    /// The hunks of the unified diff, without the lines that name the files. Empty if they were not asked for.
    pub hunks: String,
}

/// Compares two texts.
pub(super) fn compare(old: &str, new: &str, marks: Option<Marks>) -> Changed {
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(old, new);
    let mut changed = Changed::default();
    for change in diff.iter_all_changes() {
        match change.tag() {
            ChangeTag::Insert => changed.added += 1,
            ChangeTag::Delete => changed.removed += 1,
            ChangeTag::Equal => {}
        }
    }
    let Some(marks) = marks else { return changed };
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        let _ = writeln!(changed.hunks, "{}", hunk.header());
        if marks.words {
            for op in hunk.ops() {
                for change in diff.iter_inline_changes(op) {
                    changed.hunks.push_str(sign(change.tag()));
                    for (is_new, text) in change.iter_strings_lossy() {
                        word(&mut changed.hunks, change.tag(), is_new, &text);
                    }
                    end(&mut changed.hunks, change.missing_newline());
                }
            }
        } else {
            for change in hunk.iter_changes() {
                changed.hunks.push_str(sign(change.tag()));
                changed.hunks.push_str(&visible(change.value().trim_end_matches('\n')));
                end(&mut changed.hunks, change.missing_newline());
            }
        }
    }
    changed
}

fn sign(tag: ChangeTag) -> &'static str {
    match tag {
        ChangeTag::Equal => " ",
        ChangeTag::Delete => "-",
        ChangeTag::Insert => "+",
    }
}

/// A part of a line; one that is not on the other side has marks around it.
fn word(out: &mut String, tag: ChangeTag, marked: bool, text: &str) {
    let text = visible(text.trim_end_matches('\n'));
    let _ = match tag {
        _ if !marked || text.is_empty() => write!(out, "{text}"),
        ChangeTag::Delete => write!(out, "[-{text}-]"),
        _ => write!(out, "{{+{text}+}}"),
    };
}

fn end(out: &mut String, missing_newline: bool) {
    out.push('\n');
    if missing_newline {
        out.push_str("\\ No newline at end of file\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: Option<Marks> = Some(Marks { words: false });
    const WORDS: Option<Marks> = Some(Marks { words: true });

    #[test]
    fn a_changed_line_is_shown_with_its_neighbours() {
        let changed = compare("a\nb\nc\nd\ne\nf\n", "a\nb\nc\nD\ne\nf\ng\n", LINES);
        assert_eq!((changed.added, changed.removed), (2, 1));
        assert_eq!(changed.hunks, "@@ -1,6 +1,7 @@\n a\n b\n c\n-d\n+D\n e\n f\n+g\n");
        assert_eq!(compare("a\n", "a\n", LINES), Changed::default());
        assert_eq!(compare("a\n", "b\n", None).hunks, "");
    }

    #[test]
    fn words_are_marked_inside_their_lines() {
        let changed = compare("say hello to them\n", "say goodbye to them\n", WORDS);
        assert!(changed.hunks.contains("\n-say [-hello-] to them\n+say {+goodbye+} to them\n"), "{}", changed.hunks);
    }

    #[test]
    fn a_missing_line_feed_and_hidden_characters_are_shown() {
        let changed = compare("a\n", "a\u{202e}\u{1b}[2J", LINES);
        assert!(changed.hunks.ends_with("+a\\u{202e}\\u{1b}[2J\n\\ No newline at end of file\n"), "{}", changed.hunks);
    }
}
