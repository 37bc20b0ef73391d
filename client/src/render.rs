//! Draws findings for people, as rustc draws its errors: the rule, the line with what is wrong marked, and what to do.
//!
//! Everything here may come from a hostile package. Text is escaped before it is drawn, and long lines are cut around the mark.

use annotate_snippets::{
    Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str, renderer::DecorStyle,
};
use skill_schema::{
    codes::escape,
    lint::{Finding, Severity},
    time::Timestamp,
};

/// Characters of a line that are shown before what is wrong.
const BEFORE: usize = 60;
/// Characters of what is wrong that are shown.
const MARKED: usize = 100;
/// Characters of a line that are shown after what is wrong.
const AFTER: usize = 60;

/// A finding, drawn. `text` is the file that it is about, if its line can be shown.
///
/// The result carries style codes; [`crate::output`] removes them where nobody sees colours.
pub fn finding(finding: &Finding, text: Option<&str>) -> String {
    let message = escape(&finding.message);
    let title = level(finding.severity).primary_title(message).id(finding.rule);
    let mut group = Group::with_title(title);
    if let Some(file) = finding.file.as_deref().map(escape) {
        let line = finding.line.zip(text).and_then(|(line, text)| Line::cut(text, line, finding));
        group = match (line, finding.line) {
            (Some(line), _) => group.element(line.snippet(file)),
            (None, Some(number)) => {
                group.element(Origin::path(file).line(number).char_column(finding.column.unwrap_or(1)))
            }
            (None, None) => group.element(Origin::path(file)),
        };
    }
    let renderer = Renderer::styled().decor_style(DecorStyle::Unicode);
    let Some(help) = &finding.help else { return renderer.render(&[group]) };
    let help = Group::with_title(Level::HELP.secondary_title(normalize_untrusted_str(&escape(help))));
    if finding.file.is_some() {
        return renderer.render(&[group, help]);
    }
    // Drawn together, a line would lead from the title to nothing.
    format!("{}\n{}", renderer.render(&[group]), renderer.render(&[help]))
}

/// Breaks a text of our own into lines of at most `width` characters; line feeds in it stay.
pub fn wrap(text: &str, width: usize) -> String {
    let mut out = String::new();
    for (n, line) in text.split('\n').enumerate() {
        if n > 0 {
            out.push('\n');
        }
        let mut used = 0;
        for word in line.split(' ').filter(|word| !word.is_empty()) {
            let length = word.chars().count();
            if used > 0 {
                let fits = used + 1 + length <= width;
                out.push(if fits { ' ' } else { '\n' });
                used = if fits { used + 1 } else { 0 };
            }
            out.push_str(word);
            used += length;
        }
    }
    out
}

/// Cuts a line to at most `width` characters; the last one then is `…`.
pub fn shorten(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

/// The day of a time: `2026-11-23`.
pub fn day(time: Timestamp) -> String {
    let text = time.to_string();
    text.split('T').next().unwrap_or(&text).to_owned()
}

/// Untrusted text of several lines: everything but line feeds that a terminal could mistake for a command is escaped.
pub fn lines(text: &str) -> String {
    text.split('\n').map(|line| visible(line.strip_suffix('\r').unwrap_or(line))).collect::<Vec<_>>().join("\n")
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    }
}

/// One line of a file, cut to what is shown, with the marked bytes.
struct Line {
    number: usize,
    text: String,
    marked: std::ops::Range<usize>,
}

impl Line {
    /// The finding's line, or `None` if the text has no such place.
    fn cut(text: &str, number: usize, finding: &Finding) -> Option<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let line = text.split('\n').nth(number.checked_sub(1)?)?;
        let line = line.strip_suffix('\r').unwrap_or(line);
        let start = byte_of(line, finding.column.unwrap_or(1).saturating_sub(1));
        let marked = finding.len.unwrap_or(1).clamp(1, MARKED);
        let end = start + byte_of(&line[start..], marked);
        let before = last(&line[..start], BEFORE);
        let mut shown = String::new();
        if before.len() < start {
            shown.push('…');
        }
        shown.push_str(&visible(before));
        let from = shown.len();
        shown.push_str(&visible(&line[start..end]));
        let to = shown.len();
        let after = &line[end..][..byte_of(&line[end..], AFTER)];
        shown.push_str(&visible(after));
        if end + after.len() < line.len() {
            shown.push('…');
        }
        Some(Self { number, text: shown, marked: from..to })
    }

    fn snippet(self, file: String) -> Snippet<'static, Annotation<'static>> {
        Snippet::source(self.text)
            .path(file)
            .line_start(self.number)
            .annotation(AnnotationKind::Primary.span(self.marked))
    }
}

/// The byte at which the character of this number (from 0) starts, or the end.
fn byte_of(text: &str, character: usize) -> usize {
    text.char_indices().nth(character).map_or(text.len(), |(at, _)| at)
}

/// At most this many characters from the end.
fn last(text: &str, characters: usize) -> &str {
    let skipped = text.chars().count().saturating_sub(characters);
    &text[byte_of(text, skipped)..]
}

/// A part of a line with everything visible: hidden characters as escapes, tabs as spaces.
pub fn visible(text: &str) -> String {
    escape(&text.replace('\t', "    "))
}

#[cfg(test)]
mod tests {
    use skill_schema::{codes, lint::Place};

    use super::*;

    /// What a person sees without colours.
    fn plain(finding: &Finding, text: Option<&str>) -> String {
        anstream::adapter::strip_str(&super::finding(finding, text)).to_string()
    }

    fn at(line: usize, column: usize, len: usize) -> Place {
        Place { line, column, len }
    }

    #[test]
    fn a_misspelt_key_is_shown_where_it_stands() {
        let text = "---\nname: pdf\ndescripton: Fill PDF forms\n---\n";
        let finding = Finding::error("frontmatter.unknown-key", codes::LINT, "unknown field `descripton`")
            .help("did you mean `description`?")
            .file("SKILL.md")
            .place(at(3, 1, 10));
        insta::assert_snapshot!(plain(&finding, Some(text)), @r#"
        error[frontmatter.unknown-key]: unknown field `descripton`
          ╭▸ SKILL.md:3:1
          │
        3 │ descripton: Fill PDF forms
          │ ━━━━━━━━━━
          ╰╴
        help: did you mean `description`?
        "#);
    }

    #[test]
    fn a_finding_without_a_place_is_drawn_too() {
        let finding = Finding::error("skill.missing", codes::NO_SKILL_MD, "there is no SKILL.md").help("add one");
        insta::assert_snapshot!(plain(&finding, None), @r#"
        error[skill.missing]: there is no SKILL.md
        help: add one
        "#);
        let finding = Finding::warning("file.executable", "an executable file outside of scripts/").file("run.sh");
        insta::assert_snapshot!(plain(&finding, None), @r#"
        warning[file.executable]: an executable file outside of scripts/
         ─▸ run.sh
        "#);
        let finding = Finding::note("link.broken", "a link leads nowhere").file("a.md").place(at(7, 3, 1));
        insta::assert_snapshot!(plain(&finding, None), @r#"
        note[link.broken]: a link leads nowhere
         ─▸ a.md:7:3
        "#);
    }

    #[test]
    fn hidden_characters_are_shown_and_columns_count_characters() {
        let text = "é\u{202e}x\u{1b}[31m\ty\n";
        let finding = Finding::error("content.hidden", codes::HIDDEN_CHAR, "U+202E \u{1b}[2J")
            .file("a\u{200b}.md")
            .place(at(1, 2, 1))
            .help("\u{1b}]0;x\u{7}");
        let drawn = super::finding(&finding, Some(text));
        assert!(
            !drawn.contains("\u{1b}[2J") && !drawn.contains("\u{1b}]0") && !drawn.contains('\u{202e}'),
            "{drawn:?}"
        );
        insta::assert_snapshot!(plain(&finding, Some(text)), @r#"
        error[content.hidden]: U+202E \u{1b}[2J
          ╭▸ a\u{200b}.md:1:2
          │
        1 │ é\u{202e}x\u{1b}[31m    y
          │  ━━━━━━━━
          ╰╴
        help: \u{1b}]0;x\u{7}
        "#);
    }

    #[test]
    fn a_long_line_is_cut_around_the_mark() {
        let text = format!("{}{}{}", "a".repeat(70_000), "BAD", "b".repeat(70_000));
        let finding =
            Finding::error("content.line", codes::LINE_LENGTH, "too long").file("SKILL.md").place(at(1, 70_001, 3));
        let drawn = plain(&finding, Some(&text));
        assert!(drawn.contains("…aaaa") && drawn.contains("aBADb") && drawn.contains("b…"), "{drawn}");
        assert!(drawn.len() < 1_000, "{}", drawn.len());
    }

    #[test]
    fn texts_are_shortened_at_characters_and_lines_stay_lines() {
        assert_eq!(shorten("äöü xyz", 7), "äöü xyz");
        assert_eq!(shorten("äöü xyz", 5), "äöü…");
        assert_eq!(shorten("abc", 0), "…");
        assert_eq!(lines("a\r\n\tb\u{1b}[0m\n"), "a\n    b\\u{1b}[0m\n");
        assert_eq!(day(Timestamp::from_unix(86_400)), "1970-01-02");
    }

    #[test]
    fn text_is_wrapped_at_words() {
        assert_eq!(wrap("one two three", 7), "one two\nthree");
        assert_eq!(wrap("a verylongword b\n\nc", 4), "a\nverylongword\nb\n\nc");
        assert_eq!(wrap("", 5), "");
    }

    #[test]
    fn a_place_outside_of_the_text_does_not_panic() {
        for place in [at(9, 1, 1), at(1, 99, 5), at(0, 0, 0), at(2, 1, 1)] {
            let mut finding = Finding::error("a.b", codes::LINT, "x").file("f").place(place);
            assert!(plain(&finding, Some("one")).contains("error[a.b]"));
            finding.column = None;
            assert!(plain(&finding, Some("one\n")).contains("error[a.b]"));
        }
    }
}
