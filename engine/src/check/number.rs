//! `numeric`: a number in the text is what was expected, within a tolerance. `usage`: a run used no more than allowed.

use regex::Regex;
use serde_json_path::JsonPath;
use skill_schema::Fault;

use super::{Rule, Scene, evidence, json, params::Params, target::Subject, text::MAX_COUNTED, value::Finding};
use crate::run;

/// Digits and signs of a number in prose; thousands are not separated.
const NUMBER: &str = r"[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?";

#[derive(Debug)]
struct Numeric {
    subject: Subject,
    find: Find,
    want: Want,
}

/// Where the number stands.
#[derive(Debug)]
enum Find {
    /// The last number of the text.
    Last(Regex),
    /// The first group of the last match; the whole match if there is no group.
    Pattern(Regex),
    /// The one node of a JSON document.
    Path(JsonPath),
}

#[derive(Debug)]
enum Want {
    Near { value: f64, abs: f64, rel: f64 },
    Between(f64, f64),
}

/// Reads `value` with `abs_tol` and `rel_tol`, or `min` and `max`; and `pattern` or `path`.
pub(super) fn parse(params: &Params<'_>) -> Result<Box<dyn Rule>, Fault> {
    let find = match (params.get("pattern"), params.get("path")) {
        (Some(_), Some(_)) => return Err(params.wrong("pattern", "only one of pattern, path is allowed")),
        (Some(_), None) => Find::Pattern(lines(params)?),
        (None, Some(_)) => Find::Path(json::path(params, "path")?),
        (None, None) => Find::Last(Regex::new(NUMBER).map_err(|e| params.wrong("pattern", e.to_string()))?),
    };
    let want = if let Some(value) = params.optional_number("value")? {
        Want::Near { value, abs: params.tolerance("abs_tol")?, rel: params.tolerance("rel_tol")? }
    } else {
        match (params.optional_number("min")?, params.optional_number("max")?) {
            (None, None) => return Err(params.one_of(&["value", "min", "max"])),
            (min, max) => Want::Between(min.unwrap_or(f64::NEG_INFINITY), max.unwrap_or(f64::INFINITY)),
        }
    };
    Ok(Box::new(Numeric { subject: Subject::parse(params)?, find, want }))
}

/// The parameter `pattern`, where `^` and `$` are the ends of a line.
pub(super) fn lines(params: &Params<'_>) -> Result<Regex, Fault> {
    params.regex("pattern", |builder| {
        builder.multi_line(true);
    })
}

/// The number that the last match of the pattern names, in the last 128 KiB of the text.
pub(super) fn last(pattern: &Regex, text: &str) -> Option<f64> {
    let mut from = text.len().saturating_sub(MAX_COUNTED);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let text = &text[from..];
    let captures = pattern.captures_iter(text).last()?;
    let group = captures.get(1).or_else(|| captures.get(0))?;
    group.as_str().trim().parse().ok().filter(|number: &f64| number.is_finite())
}

impl Find {
    fn number(&self, text: &str) -> Result<f64, Finding> {
        match self {
            Self::Last(pattern) | Self::Pattern(pattern) => last(pattern, text),
            Self::Path(path) => {
                let document = json::document(text).map_err(Finding::broken)?;
                path.query(&document).exactly_one().ok().and_then(serde_json::Value::as_f64)
            }
        }
        .ok_or_else(|| Finding::broken("there is no number"))
    }
}

impl Want {
    fn accepts(&self, number: f64) -> bool {
        match self {
            Self::Near { value, abs, rel } => (number - value).abs() <= abs.max(rel * value.abs()),
            Self::Between(min, max) => (*min..=*max).contains(&number),
        }
    }
}

impl Rule for Numeric {
    fn evaluate(&self, scene: &Scene<'_>) -> Finding {
        match self.subject.text(scene).and_then(|text| self.find.number(&text)) {
            Ok(number) => Finding::of(self.want.accepts(number), format!("the number is {number}")),
            Err(finding) => finding,
        }
    }

    fn reads_only_transcript(&self) -> bool {
        self.subject.is_transcript()
    }
}

#[derive(Debug)]
struct Used {
    field: &'static str,
    range: (u64, u64),
}

/// The fields of `usage`, and how they are read.
type Field = fn(&run::Usage) -> u64;
const FIELDS: [(&str, Field); 7] = [
    ("total_tokens", |usage| usage.prompt_tokens.saturating_add(usage.output_tokens)),
    ("prompt_tokens", |usage| usage.prompt_tokens),
    ("cached_tokens", |usage| usage.cached_tokens),
    ("output_tokens", |usage| usage.output_tokens),
    ("ms", |usage| usage.ms),
    ("cost_micros", |usage| usage.cost_micros),
    ("turns", |usage| u64::from(usage.turns)),
];

/// Reads `field` (total_tokens if there is none), `min` and `max`.
pub(super) fn parse_usage(params: &Params<'_>) -> Result<Box<dyn Rule>, Fault> {
    let names = FIELDS.map(|(name, _)| (name, name));
    let field = params.choice("field", &names)?;
    if params.get("min").is_none() && params.get("max").is_none() {
        return Err(params.one_of(&["max", "min"]));
    }
    Ok(Box::new(Used { field, range: params.range(0)? }))
}

impl Rule for Used {
    fn evaluate(&self, scene: &Scene<'_>) -> Finding {
        let used = FIELDS.iter().find(|(name, _)| *name == self.field).map_or(0, |(_, read)| read(scene.run.usage));
        Finding::of(
            (self.range.0..=self.range.1).contains(&used),
            evidence::cut(&format!("{} is {used}", self.field), 80),
        )
    }
}
