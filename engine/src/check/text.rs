//! Checks of text: `exact`, `contains` and its kin, `regex`, `starts_with`, `ends_with`, each with an `i…` that ignores case.

use regex::Regex;
use skill_schema::Fault;

use super::{Rule, Scene, evidence, params::Params, target::Subject, value::Finding};

/// Bytes of a text in which matches are counted: finding one takes linear time, finding all may take its square.
pub(super) const MAX_COUNTED: usize = 128 * 1024;

/// The kinds of this file without their `i`.
pub(super) const KINDS: [&str; 7] =
    ["exact", "contains", "contains_all", "contains_any", "regex", "starts_with", "ends_with"];

#[derive(Debug)]
struct Text {
    subject: Subject,
    ignore_case: bool,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Exact(String),
    Contains(Vec<String>, Need),
    Regex(Regex, (u64, u64)),
    Starts(String),
    Ends(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    All,
    Any,
}

/// Reads `value`, `values` or `pattern` (with `min` and `max` matches).
pub(super) fn parse(params: &Params<'_>) -> Result<Box<dyn Rule>, Fault> {
    let (ignore_case, kind) = base(params.kind);
    let value = |text: &str| if ignore_case { text.to_lowercase() } else { text.to_owned() };
    let values = |names: Vec<&str>| names.into_iter().map(value).collect();
    let test = match kind {
        "exact" => Test::Exact(value(params.text("value")?.trim())),
        "contains" => Test::Contains(vec![value(params.filled_text("value")?)], Need::All),
        "contains_all" => Test::Contains(values(params.texts("values")?), Need::All),
        "contains_any" => Test::Contains(values(params.texts("values")?), Need::Any),
        "starts_with" => Test::Starts(value(params.filled_text("value")?)),
        "ends_with" => Test::Ends(value(params.filled_text("value")?)),
        _ => {
            let regex = params.regex("pattern", |builder| {
                builder.case_insensitive(ignore_case);
            })?;
            Test::Regex(regex, params.range(1)?)
        }
    };
    Ok(Box::new(Text { subject: Subject::parse(params)?, ignore_case, test }))
}

/// Whether the kind ignores case, and what it is called without the `i`.
fn base(kind: &str) -> (bool, &str) {
    match kind.strip_prefix('i') {
        Some(rest) if KINDS.contains(&rest) => (true, rest),
        _ => (false, kind),
    }
}

impl Rule for Text {
    fn evaluate(&self, scene: &Scene<'_>) -> Finding {
        let text = match self.subject.text(scene) {
            Ok(text) => text,
            Err(finding) => return finding,
        };
        if let Test::Regex(regex, range) = &self.test {
            return matches(regex, *range, &text);
        }
        let text = if self.ignore_case { text.to_lowercase() } else { text };
        let trimmed = text.trim();
        match &self.test {
            Test::Exact(value) => Finding::of(trimmed == value, format!("it is {}", evidence::quote(trimmed))),
            Test::Starts(value) => {
                Finding::of(trimmed.starts_with(value), format!("it begins {}", evidence::quote(trimmed)))
            }
            Test::Ends(value) => Finding::of(trimmed.ends_with(value), format!("it ends {}", end(trimmed))),
            Test::Contains(values, Need::All) => match values.iter().find(|value| !text.contains(*value)) {
                Some(value) => Finding::fail(format!("it does not contain {}", evidence::quote(value))),
                None => Finding::pass(first(&text, values)),
            },
            Test::Contains(values, Need::Any) if values.iter().any(|value| text.contains(value)) => {
                Finding::pass(first(&text, values))
            }
            Test::Contains(..) => Finding::fail("it contains none of the texts"),
            Test::Regex(..) => Finding::missing("unreachable: expressions are matched above"),
        }
    }

    fn reads_only_transcript(&self) -> bool {
        self.subject.is_transcript()
    }
}

/// Counts matches and quotes the first.
fn matches(regex: &Regex, (min, max): (u64, u64), text: &str) -> Finding {
    let Some(found) = regex.find(text) else {
        return Finding::of(min == 0, "nothing matches");
    };
    let quote = evidence::around(text, found.start(), found.end());
    if min <= 1 && max == u64::MAX {
        return Finding::pass(quote);
    }
    if text.len() > MAX_COUNTED {
        return Finding::broken(format!("there are more than {MAX_COUNTED} bytes to count in"));
    }
    let count = regex.find_iter(text).count() as u64;
    Finding::of((min..=max).contains(&count), format!("{count} matches, the first {quote}"))
}

/// The first place where one of the values stands.
fn first(text: &str, values: &[String]) -> String {
    let place = values.iter().filter_map(|value| text.find(value).map(|at| (at, at + value.len()))).min();
    place.map_or_else(String::new, |(start, end)| evidence::around(text, start, end))
}

/// The last characters, quoted.
fn end(text: &str) -> String {
    let from = text.char_indices().rev().take(80).last().map_or(0, |(at, _)| at);
    evidence::quote(&text[from..])
}
