//! Reading a check's parameters, each once and wholly, before anything runs.

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};
use skill_schema::{Code, Fault, codes};

use crate::suite::Check;

/// Bytes of one text parameter: an expected answer, never a document.
const MAX_TEXT: usize = 64 * 1024;

/// Texts in one list.
const MAX_LIST: usize = 256;

/// Bytes of a regular expression as written.
const MAX_PATTERN: usize = 2_000;

/// Bytes of a compiled regular expression: bounds `(a{1000}){1000}`, which is short as written.
pub(super) const MAX_COMPILED: usize = 1024 * 1024;

/// Seconds a command of a check may ask for: a suite has many checks, and each is run for each run.
const MAX_SECONDS: u64 = 3_600;

/// Seconds if the check names none.
const DEFAULT_SECONDS: u64 = 60;

/// The parameters of one check, with its place for faults.
#[derive(Debug, Clone, Copy)]
pub(super) struct Params<'a> {
    /// The check's id, or that of the check around it and its place there.
    pub id: &'a str,
    /// The check's kind.
    pub kind: &'a str,
    /// What it looks at.
    pub target: &'a str,
    /// Its members as written.
    pub members: &'a Map<String, Value>,
}

impl<'a> Params<'a> {
    pub(super) fn of(check: &'a Check) -> Self {
        let target = if check.target.is_empty() { "final" } else { &check.target };
        Self { id: &check.id, kind: &check.kind, target, members: &check.params }
    }

    /// A fault about one parameter.
    pub(super) fn fault(&self, code: &'static Code, name: &str, detail: impl Into<String>) -> Fault {
        Fault::new(code).at(format!("{}.{name}", self.id)).detail(detail)
    }

    fn bad(&self, name: &str, detail: impl Into<String>) -> Fault {
        self.fault(codes::CHECK_PARAM, name, detail)
    }

    /// A parameter as written; `null` is as good as none.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn required(&self, name: &str) -> Result<&'a Value, Fault> {
        self.get(name).ok_or_else(|| self.bad(name, format!("`{}` needs it", self.kind)))
    }

    pub(super) fn optional_text(&self, name: &str) -> Result<Option<&'a str>, Fault> {
        self.get(name).map(|value| self.as_text(name, value)).transpose()
    }

    pub(super) fn text(&self, name: &str) -> Result<&'a str, Fault> {
        self.as_text(name, self.required(name)?)
    }

    /// A text that is not empty: an empty one is contained in everything.
    pub(super) fn filled_text(&self, name: &str) -> Result<&'a str, Fault> {
        let text = self.text(name)?;
        if text.is_empty() { Err(self.bad(name, "it is empty")) } else { Ok(text) }
    }

    fn as_text(&self, name: &str, value: &'a Value) -> Result<&'a str, Fault> {
        let text = value.as_str().ok_or_else(|| self.bad(name, "a string is expected"))?;
        if text.len() > MAX_TEXT {
            return Err(self.bad(name, format!("more than {MAX_TEXT} bytes")));
        }
        Ok(text)
    }

    /// A list of texts, none of them empty.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<&'a str>, Fault> {
        let list = self.required(name)?.as_array().ok_or_else(|| self.bad(name, "a list of strings is expected"))?;
        if list.is_empty() || list.len() > MAX_LIST {
            return Err(self.bad(name, format!("a list of 1 to {MAX_LIST} strings is expected")));
        }
        let texts: Vec<&str> = list.iter().map(|value| self.as_text(name, value)).collect::<Result<_, _>>()?;
        if texts.iter().any(|text| text.is_empty()) {
            return Err(self.bad(name, "one of its strings is empty"));
        }
        Ok(texts)
    }

    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool, Fault> {
        self.get(name)
            .map_or(Ok(default), |value| value.as_bool().ok_or_else(|| self.bad(name, "true or false is expected")))
    }

    pub(super) fn optional_count(&self, name: &str) -> Result<Option<u64>, Fault> {
        self.get(name)
            .map(|value| value.as_u64().ok_or_else(|| self.bad(name, "an integer of at least 0 is expected")))
            .transpose()
    }

    /// A finite number, as a JSON number or as a decimal in a string.
    pub(super) fn optional_number(&self, name: &str) -> Result<Option<f64>, Fault> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_f64().or_else(|| value.as_str()?.parse().ok()).filter(|number: &f64| number.is_finite());
        number.map(Some).ok_or_else(|| self.bad(name, "a number is expected"))
    }

    /// A number of at least 0; `default` if there is none.
    pub(super) fn tolerance(&self, name: &str) -> Result<f64, Fault> {
        match self.optional_number(name)?.unwrap_or(0.0) {
            number if number >= 0.0 => Ok(number),
            _ => Err(self.bad(name, "a number of at least 0 is expected")),
        }
    }

    /// `min` and `max` as a range of counts; `min` is `default_min` if neither is there.
    pub(super) fn range(&self, default_min: u64) -> Result<(u64, u64), Fault> {
        let (min, max) = (self.optional_count("min")?, self.optional_count("max")?);
        let low = min.unwrap_or(if max.is_some_and(|max| max < default_min) { 0 } else { default_min });
        let high = max.unwrap_or(u64::MAX);
        if low > high { Err(self.bad("max", "it is less than `min`")) } else { Ok((low, high)) }
    }

    /// `timeout_s`, or what `name` says instead.
    pub(super) fn seconds(&self, name: &str) -> Result<u64, Fault> {
        match self.optional_count(name)?.unwrap_or(DEFAULT_SECONDS) {
            seconds @ 1..=MAX_SECONDS => Ok(seconds),
            _ => Err(self.bad(name, format!("1 to {MAX_SECONDS} seconds are allowed"))),
        }
    }

    /// A regular expression that is matched in linear time.
    pub(super) fn regex(&self, name: &str, set: impl Fn(&mut RegexBuilder)) -> Result<Regex, Fault> {
        self.compile(name, self.filled_text(name)?, set)
    }

    pub(super) fn optional_regex(&self, name: &str) -> Result<Option<Regex>, Fault> {
        self.get(name).map(|_| self.regex(name, |_| ())).transpose()
    }

    fn compile(&self, name: &str, pattern: &str, set: impl Fn(&mut RegexBuilder)) -> Result<Regex, Fault> {
        if pattern.len() > MAX_PATTERN {
            return Err(self.fault(codes::CHECK_REGEX, name, format!("more than {MAX_PATTERN} bytes")));
        }
        let mut builder = RegexBuilder::new(pattern);
        builder.size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED);
        set(&mut builder);
        builder.build().map_err(|error| {
            let text = error.to_string();
            let last =
                text.trim().lines().last().unwrap_or("not valid").trim().trim_start_matches("error: ").to_owned();
            self.fault(codes::CHECK_REGEX, name, last)
        })
    }

    /// One of the named choices; the first if there is none.
    pub(super) fn choice<T: Copy>(&self, name: &str, choices: &[(&str, T)]) -> Result<T, Fault> {
        let Some(text) = self.optional_text(name)? else { return Ok(choices[0].1) };
        choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice).ok_or_else(|| {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            self.bad(name, format!("one of {} is expected", words.join(", ")))
        })
    }

    /// A fault about a missing alternative: at least one of these is needed.
    pub(super) fn one_of(&self, names: &[&str]) -> Fault {
        self.bad(names[0], format!("`{}` needs one of {}", self.kind, names.join(", ")))
    }

    /// A fault about a parameter that has the wrong form.
    pub(super) fn wrong(&self, name: &str, detail: impl Into<String>) -> Fault {
        self.bad(name, detail)
    }
}
