//! The usual mistake: `description: Use when: …`. YAML reads the second colon as a nested mapping and refuses the line.
//!
//! Agents that follow the client guide retry with the value quoted. So does this reader; the strict level reports it as an
//! error all the same, with the line as it should be.

use std::borrow::Cow;

use super::{
    Document,
    yaml::{self, Parsed},
};
use crate::lint::{Issue, SPECIFIED, rules};

/// A value longer than this is not shown whole in the offered fix (characters).
const MAX_SHOWN: usize = 100;

/// Quotes every top-level value with an unquoted colon and parses again. `None` if there is none, or if that does not help.
pub(super) fn repair<'a>(document: &Document<'a>) -> Option<(Document<'a>, Parsed, Issue)> {
    let mut fixed = document.text[..document.front.start].to_owned();
    let mut first = None;
    let mut lines = document.text[document.front.clone()].split_inclusive('\n').peekable();
    let mut at = document.front.start;
    while let Some(line) = lines.next() {
        let Some((key, value)) = candidate(line) else {
            fixed.push_str(line);
            at += line.len();
            continue;
        };
        let mut value = value.to_owned();
        let mut rest = String::new();
        let mut len = line.len();
        while let Some(more) = lines.next_if(|next| continues(next)) {
            value.push(' ');
            value.push_str(more.trim());
            rest.push_str(if more.ends_with('\n') { "\n" } else { "" });
            len += more.len();
        }
        if !has_colon(&value) {
            fixed.push_str(&document.text[at..at + len]);
            at += len;
            continue;
        }
        let quoted = double_quote(&value);
        first.get_or_insert_with(|| issue(key, &value, &quoted, at + line.find(':').unwrap_or(0) + 1, line));
        let end = &line[line.trim_end_matches(['\r', '\n']).len()..];
        fixed.extend([key, ": ", &quoted, end, &rest]);
        at += len;
    }
    let front = document.front.start..fixed.len();
    let parsed = yaml::parse(&fixed[front.clone()], front.start);
    parsed.root.as_ref()?;
    let close = &document.text[document.front.end..];
    let body = fixed.len() + (document.body.start - document.front.end);
    fixed.push_str(close);
    let body = body..fixed.len();
    Some((Document { text: Cow::Owned(fixed), front, body, entries: Vec::new(), issues: Vec::new() }, parsed, first?))
}

/// The key and the bare value of a top-level line. A name never has a colon, so that it is not a text to repair.
fn candidate(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    let plain_key =
        !key.is_empty() && key != "name" && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let value = value.strip_prefix([' ', '\t'])?.trim();
    let bare =
        !value.is_empty() && !value.starts_with(['"', '\'', '|', '>', '[', '{', '&', '*', '!', '#', '%', '@', '`']);
    (plain_key && bare).then_some((key, value))
}

/// Whether a line goes on with the value above it, and is not a field of its own that was indented by mistake.
fn continues(line: &str) -> bool {
    let field = line.trim_start().split_once(':').is_some_and(|(key, _)| SPECIFIED.contains(&key));
    line.starts_with(' ') && !field
}

fn has_colon(value: &str) -> bool {
    value.ends_with(':') || value.contains(": ") || value.contains(":\t")
}

fn issue(key: &str, value: &str, quoted: &str, after_key: usize, line: &str) -> Issue {
    let in_line = line[line.find(':').unwrap_or(0) + 1..].trim_end();
    let colon = in_line.find(": ").or_else(|| in_line.ends_with(':').then(|| in_line.len() - 1)).unwrap_or(0);
    let shown = if value.chars().count() > MAX_SHOWN {
        format!("\"{}…\"", value.chars().take(MAX_SHOWN).collect::<String>().replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        quoted.to_owned()
    };
    Issue::new(
        rules::UNQUOTED_COLON,
        after_key + colon..after_key + colon + 1,
        format!("the value of `{key}` has a colon in it and is not quoted"),
    )
    .help(format!("write {key}: {shown}"))
}

/// A YAML double-quoted scalar on one line.
fn double_quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\t', "\\t"))
}
