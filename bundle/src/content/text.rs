//! Rules for text: nothing invisible, nothing that a reader is not shown.

use std::fmt::Write;

use skill_schema::{Code, Limits, codes, lint::Finding};

use super::{Found, place};

/// A file's text, if it is text: valid UTF-8 without NUL.
pub(super) fn of(content: &[u8]) -> Option<&str> {
    if content.contains(&0) {
        return None;
    }
    std::str::from_utf8(content).ok()
}

/// The first place where a rule is broken, and how often it is.
#[derive(Default)]
struct First {
    finding: Option<Finding>,
    more: usize,
}

impl First {
    /// Adds the places of one line: the first of all is described, the others are counted.
    fn note<T>(&mut self, mut places: impl Iterator<Item = T>, describe: impl FnOnce(T) -> Finding) {
        if self.finding.is_none() {
            self.finding = places.next().map(describe);
        }
        self.more += places.count();
    }

    fn report(self, found: &mut Found) {
        if let Some(mut finding) = self.finding {
            if self.more > 0 {
                // Writing into a String cannot fail.
                let _ = write!(finding.message, ", and {} more in this file", self.more);
            }
            found.add(finding);
        }
    }
}

/// Checks a text line by line, without copying it.
pub(super) fn check(path: &str, text: &str, limits: &Limits, found: &mut Found) {
    let error = |rule, code: &'static Code, message: String| Finding::error(rule, code, message).file(path);
    let (mut hidden, mut control, mut long) = (First::default(), First::default(), First::default());
    let mut blanks = BlankRun::default();
    // Asked of the whole text first: most texts have neither.
    let (any_hidden, any_control) = (!text.is_ascii(), text.bytes().any(is_control));
    for (index, line) in lines(text) {
        let number = index + 1;
        blanks.see(number, line);
        if line.len() > limits.line {
            long.note(std::iter::once(line.len()), |len| {
                let message = format!("a line of {len} bytes, more than {}", limits.line);
                error("content.line-length", codes::LINE_LENGTH, message).place(place(number, line, 0, 0))
            });
        }
        if any_hidden {
            hidden.note(hidden_characters(line, index == 0), |(at, c)| {
                let message = format!("U+{:04X}, {}", u32::from(c), describe(c));
                error("content.hidden-char", codes::HIDDEN_CHAR, message).place(place(number, line, at, c.len_utf8()))
            });
        }
        if any_control {
            let controls = line.bytes().enumerate().filter(|(_, byte)| is_control(*byte));
            control.note(controls, |(at, byte)| {
                let finding =
                    error("content.control-char", codes::TEXT_CONTROL, format!("control character U+{byte:04X}"));
                let finding = if byte == b'\r' { finding.help("write line ends as LF, not CR LF") } else { finding };
                finding.place(place(number, line, at, 1))
            });
        }
    }
    for first in [hidden, control, long] {
        first.report(found);
    }
    if blanks.longest >= limits.blank_run {
        let message = format!("{} blank lines in a row", blanks.longest);
        let finding = error("content.blank-run", codes::BLANK_RUN, message);
        found.add(finding.place(place(blanks.longest_start, "", 0, 0)));
    }
}

/// C0 control characters but TAB and LF.
fn is_control(byte: u8) -> bool {
    byte < 0x20 && byte != b'\t' && byte != b'\n'
}

/// The lines of a text, counted from 0. A line feed at the end starts no further line.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = Some(text.strip_suffix('\n').unwrap_or(text));
    // Simpler than `split`, which costs more than the line where lines are short.
    let next = move || {
        let text = rest?;
        let end = text.as_bytes().iter().position(|byte| *byte == b'\n');
        rest = end.map(|end| &text[end + 1..]);
        Some(&text[..end.unwrap_or(text.len())])
    };
    std::iter::from_fn(next).enumerate()
}

/// The longest run of lines of nothing but white space.
#[derive(Default)]
struct BlankRun {
    current: usize,
    longest: usize,
    longest_start: usize,
}

impl BlankRun {
    fn see(&mut self, number: usize, line: &str) {
        let blank = match line.as_bytes().first() {
            None => true,
            Some(byte) if byte.is_ascii_graphic() => false,
            Some(_) => line.trim().is_empty(),
        };
        if !blank {
            self.current = 0;
            return;
        }
        self.current += 1;
        if self.current > self.longest {
            self.longest = self.current;
            self.longest_start = number + 1 - self.current;
        }
    }
}

/// Characters of a line that nobody sees, with their offsets. Candidates are found by their first UTF-8 byte, so that most text is passed
/// over quickly.
fn hidden_characters(line: &str, is_first: bool) -> impl Iterator<Item = (usize, char)> {
    let candidates =
        line.bytes().enumerate().filter(|(_, byte)| matches!(byte, 0xc2 | 0xe2 | 0xee | 0xef | 0xf3 | 0xf4));
    candidates
        .filter_map(|(at, _)| line.get(at..).and_then(|rest| rest.chars().next()).map(|c| (at, c)))
        .filter(move |(at, c)| is_hidden(*c) && !(is_first && *at == 0 && *c == '\u{feff}'))
}

/// Hidden and bidirectional characters, and those without a meaning of their own.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}'
        | '\u{200b}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{2069}'
        | '\u{e000}'..='\u{f8ff}'
        | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}'
        | '\u{e0100}'..='\u{e01ef}'
        | '\u{f0000}'..='\u{10ffff}')
}

fn describe(c: char) -> &'static str {
    match c {
        '\u{ad}' => "a soft hyphen",
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => "which changes the direction of text",
        '\u{e0000}'..='\u{e007f}' => "an invisible tag",
        '\u{e0100}'..='\u{e01ef}' => "an invisible variation selector",
        '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}' => "for private use, shown differently everywhere",
        '\u{feff}' => "a byte-order mark inside the text",
        _ => "which is invisible",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(content: &str) -> Vec<(Option<&'static Code>, Option<usize>, Option<usize>)> {
        let mut found = Found::default();
        check("a.md", of(content.as_bytes()).unwrap(), &Limits::V1, &mut found);
        found.finish().into_iter().map(|f| (f.code, f.line, f.column)).collect()
    }

    #[test]
    fn every_hidden_character_is_found_and_its_neighbours_are_not() {
        let ranges: &[(u32, u32)] = &[
            (0xad, 0xad),
            (0x200b, 0x200b),
            (0x202a, 0x202e),
            (0x2060, 0x2064),
            (0x2066, 0x2069),
            (0xe000, 0xf8ff),
            (0xfeff, 0xfeff),
            (0xe0000, 0xe007f),
            (0xe0100, 0xe01ef),
            (0xf0000, 0x10_ffff),
        ];
        for (first, last) in ranges {
            for code in [*first, first.midpoint(*last), *last] {
                let c = char::from_u32(code).unwrap();
                assert_eq!(findings(&format!("é{c}")), [(Some(codes::HIDDEN_CHAR), Some(1), Some(2))], "{code:x}");
            }
            for code in [first.saturating_sub(1), last + 1] {
                let inside = ranges.iter().any(|(first, last)| (*first..=*last).contains(&code));
                if let Some(c) = char::from_u32(code).filter(|_| !inside) {
                    assert_eq!(findings(&format!("é{c}")), [], "{code:x}");
                }
            }
        }
    }

    #[test]
    fn a_byte_order_mark_is_allowed_only_at_the_start() {
        assert_eq!(findings("\u{feff}a"), []);
        assert_eq!(findings("a\n\u{feff}b"), [(Some(codes::HIDDEN_CHAR), Some(2), Some(1))]);
        assert_eq!(findings("\u{feff}\u{feff}a"), [(Some(codes::HIDDEN_CHAR), Some(1), Some(2))]);
    }

    #[test]
    fn control_characters_but_tab_and_line_feed_are_refused() {
        for code in (1..0x20_u8).filter(|code| !matches!(code, b'\t' | b'\n')) {
            let text = format!("ok\nab{}c", char::from(code));
            assert_eq!(findings(&text), [(Some(codes::TEXT_CONTROL), Some(2), Some(3))], "{code:x}");
        }
        assert_eq!(findings("a\tb\n"), []);
    }

    #[test]
    fn one_finding_a_rule_counts_the_rest() {
        let mut found = Found::default();
        check("a.md", "a\r\nb\r\nc\r\n", &Limits::V1, &mut found);
        let findings = found.finish();
        assert_eq!(findings[0].message, "control character U+000D, and 2 more in this file");
        assert!(findings[0].help.as_deref().unwrap().contains("CR LF"));
    }

    #[test]
    fn long_lines_and_blank_runs_have_both_sides_of_their_limit() {
        let line = "x".repeat(64 * 1024);
        assert_eq!(findings(&line), []);
        assert_eq!(findings(&format!("a\n{line}x\n")), [(Some(codes::LINE_LENGTH), Some(2), Some(1))]);
        assert_eq!(findings(&format!("a\n{}b", "\n".repeat(199))), []);
        assert_eq!(findings(&format!("a\n{}b", "\n".repeat(200))), [(Some(codes::BLANK_RUN), Some(2), Some(1))]);
        assert_eq!(findings(&format!("a\n{}", " \t\n".repeat(200))), [(Some(codes::BLANK_RUN), Some(2), Some(1))]);
        assert_eq!(findings(&"\n".repeat(199)), []);
        assert_eq!(findings(&"\n".repeat(200)).len(), 1);
    }

    #[test]
    fn bytes_that_are_not_text_have_no_text_rules() {
        assert_eq!(of(b"a\0b"), None);
        assert_eq!(of(b"\xff"), None);
        assert_eq!(of(b""), Some(""));
    }
}
