//! Evidence: short, printable text about what a check found.

use skill_schema::codes::escape;

/// Characters of evidence that are kept: enough for a quotation, little enough for a record of thousands of checks.
pub(super) const MAX_CHARS: usize = 1_000;

/// Characters around a place that are quoted.
const AROUND: usize = 40;

/// The text with control characters escaped, cut at [`MAX_CHARS`].
pub(super) fn printable(text: &str) -> String {
    // Escaping makes a text longer, never shorter: what is beyond the limit now is cut either way.
    let short: String = text.chars().take(MAX_CHARS).collect();
    cut(&escape(&short), MAX_CHARS)
}

/// The first `max` characters, the last of them an ellipsis if something was cut.
pub(super) fn cut(text: &str, max: usize) -> String {
    if text.chars().nth(max).is_none() {
        return text.to_owned();
    }
    text.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}

/// A piece of text in quotation marks, shortened.
pub(super) fn quote(text: &str) -> String {
    format!("\"{}\"", cut(text.trim(), 2 * AROUND))
}

/// The place `start..end` (bytes, on character boundaries) of a text with a little of what stands around it.
pub(super) fn around(text: &str, start: usize, end: usize) -> String {
    let before = text[..start].char_indices().rev().take(AROUND).last().map_or(start, |(at, _)| at);
    let inner = text[start..end].chars().take(2 * AROUND).map(char::len_utf8).sum::<usize>();
    let after = text[start + inner..].chars().take(AROUND).map(char::len_utf8).sum::<usize>();
    format!("\"{}\"", &text[before..start + inner + after])
}
