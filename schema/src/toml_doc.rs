//! Reading TOML files key by key, with the place of everything that is wrong.
//!
//! Serde would stop at the first mistake and know little about where it is. The readers of `skill.toml`, `skills.toml` and
//! `skills.lock` walk the spanned tree instead: each key is asked for by name, and what nobody asked for is refused with a
//! suggestion.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    Code, Fault, SkillId,
    lint::{Finding, Lines},
};

/// How a file is called, which code its errors have, and how large it may be.
pub(crate) struct Kind {
    pub file: &'static str,
    pub code: &'static Code,
    pub max_bytes: usize,
    /// Rule ids: syntax, unknown-key, missing-key, value, limit.
    pub rules: Rules,
}

/// The rule ids that a reader reports.
pub(crate) struct Rules {
    pub syntax: &'static str,
    pub unknown_key: &'static str,
    pub missing_key: &'static str,
    pub value: &'static str,
    pub limit: &'static str,
}

/// Errors of syntax reported at once; more would bury the first.
const MAX_SYNTAX_ERRORS: usize = 10;
/// Findings in one file; a hostile one must not fill memory with them.
const MAX_FINDINGS: usize = 200;

/// Collects what is wrong with one file.
pub(crate) struct Reader<'a> {
    kind: &'static Kind,
    lines: Lines<'a>,
    findings: Vec<Finding>,
}

/// A table, and which of its keys were asked for.
pub(crate) struct Table<'d, 'a> {
    /// Where the table stands, for messages: `[skill]`; empty for the file itself.
    name: String,
    keys: &'d DeTable<'a>,
    span: Range<usize>,
    known: Vec<&'static str>,
}

impl<'a> Reader<'a> {
    /// Parses the text. `Err` holds what is wrong if it is too large or not TOML at all.
    pub fn parse(kind: &'static Kind, text: &'a str) -> Result<(Self, Spanned<DeTable<'a>>), Vec<Finding>> {
        let mut reader = Self { kind, lines: Lines::new(text), findings: Vec::new() };
        if text.len() > kind.max_bytes {
            let message = format!("{} has {} bytes, more than the limit of {}", kind.file, text.len(), kind.max_bytes);
            reader.error(kind.rules.limit, 0..1, message);
            return Err(reader.findings);
        }
        let (table, errors) = DeTable::parse_recoverable(text);
        if errors.is_empty() {
            return Ok((reader, table));
        }
        for error in errors.iter().take(MAX_SYNTAX_ERRORS) {
            reader.error(kind.rules.syntax, error.span().unwrap_or(0..1), error.message().replace('\n', ", "));
        }
        Err(reader.findings)
    }

    /// Reports an error at a place; the finding may be given a help.
    pub fn error(&mut self, rule: &'static str, span: Range<usize>, message: impl Into<String>) -> &mut Finding {
        let finding = Finding::error(rule, self.kind.code, message);
        self.push(finding, span)
    }

    /// Reports that a value is not what its key asks for.
    pub fn bad_value(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Finding {
        self.error(self.kind.rules.value, span, message)
    }

    /// Reports that something is too long or too much.
    pub fn over_limit(&mut self, span: Range<usize>, message: impl Into<String>) -> &mut Finding {
        self.error(self.kind.rules.limit, span, message)
    }

    /// Reports a warning at a place.
    pub fn warning(&mut self, rule: &'static str, span: Range<usize>, message: impl Into<String>) -> &mut Finding {
        let finding = Finding::warning(rule, message);
        self.push(finding, span)
    }

    fn push(&mut self, finding: Finding, span: Range<usize>) -> &mut Finding {
        // Beyond the limit the last one is written over: whoever asked still gets a finding to complete.
        if self.findings.len() >= MAX_FINDINGS {
            self.findings.pop();
        }
        let at = self.findings.len();
        self.findings.push(finding.file(self.kind.file).place(self.lines.place(span)));
        &mut self.findings[at]
    }

    /// Everything reported, in the order of the file.
    pub fn finish(mut self) -> Vec<Finding> {
        crate::lint::sort(&mut self.findings);
        self.findings
    }

    /// A table inside a value, or an error.
    pub fn table<'d>(&mut self, name: &str, value: &'d Spanned<DeValue<'a>>) -> Option<Table<'d, 'a>> {
        match value.get_ref() {
            DeValue::Table(table) => Some(Table::new(name, table, value.span())),
            other => {
                self.bad_value(value.span(), format!("`{name}` must be a table, not {}", article(other)));
                None
            }
        }
    }

    /// The elements of an array, at most `max`, or an error.
    pub fn array<'d>(&mut self, name: &str, value: &'d Spanned<DeValue<'a>>, max: usize) -> &'d [Spanned<DeValue<'a>>] {
        match value.get_ref() {
            DeValue::Array(array) if array.len() <= max => array,
            DeValue::Array(array) => {
                self.over_limit(
                    value.span(),
                    format!("`{name}` has {} entries, more than the limit of {max}", array.len()),
                );
                &[]
            }
            other => {
                self.bad_value(value.span(), format!("`{name}` must be an array, not {}", article(other)));
                &[]
            }
        }
    }

    /// A string of 1 to `max` characters, or an error.
    pub fn string<'d>(&mut self, name: &str, value: &'d Spanned<DeValue<'a>>, max: usize) -> Option<&'d str> {
        let DeValue::String(text) = value.get_ref() else {
            self.bad_value(value.span(), format!("`{name}` must be a string, not {}", article(value.get_ref())));
            return None;
        };
        let count = text.chars().count();
        if count == 0 {
            self.bad_value(value.span(), format!("`{name}` must not be empty"));
            return None;
        }
        if count > max {
            self.over_limit(value.span(), format!("`{name}` has {count} characters, more than the limit of {max}"));
            return None;
        }
        if text.chars().any(char::is_control) {
            self.bad_value(value.span(), format!("`{name}` must be one line without control characters"));
            return None;
        }
        Some(text)
    }

    /// A string that parses as `T`, or an error with what the parser says.
    pub fn parsed<T>(
        &mut self,
        name: &str,
        value: &Spanned<DeValue<'a>>,
        max: usize,
        parse: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Option<T> {
        let text = self.string(name, value, max)?;
        match parse(text) {
            Ok(parsed) => Some(parsed),
            Err(fault) => {
                let help = fault.code.help;
                let finding = self.bad_value(value.span(), format!("`{name}`: {}", fault.sentence()));
                finding.help = (!help.is_empty()).then(|| help.to_owned());
                None
            }
        }
    }

    /// An array of strings without repetition, or as many of them as are right.
    pub fn strings(&mut self, name: &str, value: &Spanned<DeValue<'a>>, max: usize, max_chars: usize) -> Vec<String> {
        let mut seen: Vec<String> = Vec::new();
        for item in self.array(name, value, max) {
            let Some(text) = self.string(name, item, max_chars) else { continue };
            if seen.iter().any(|other| other == text) {
                self.bad_value(item.span(), format!("`{text}` stands twice in `{name}`"));
            } else {
                seen.push(text.to_owned());
            }
        }
        seen
    }

    /// `true` or `false`, or an error.
    pub fn boolean(&mut self, name: &str, value: &Spanned<DeValue<'a>>) -> Option<bool> {
        let found = value.get_ref().as_bool();
        if found.is_none() {
            self.bad_value(value.span(), format!("`{name}` must be true or false, not {}", article(value.get_ref())));
        }
        found
    }

    /// A whole number from 0 to `max`, or an error.
    pub fn integer(&mut self, name: &str, value: &Spanned<DeValue<'a>>, max: u64) -> Option<u64> {
        let number = value.get_ref().as_integer().and_then(|i| u64::from_str_radix(i.as_str(), i.radix()).ok());
        let fits = number.filter(|n| *n <= max);
        if fits.is_none() {
            self.bad_value(value.span(), format!("`{name}` must be a whole number from 0 to {max}"));
        }
        fits
    }

    /// A finite number, or an error.
    pub fn number(&mut self, name: &str, value: &Spanned<DeValue<'a>>) -> Option<f64> {
        let number = match value.get_ref() {
            DeValue::Integer(i) if i.radix() == 10 => i.as_str().parse().ok(),
            DeValue::Float(x) => x.as_str().parse().ok(),
            _ => None,
        };
        let finite = number.filter(|n: &f64| n.is_finite());
        if finite.is_none() {
            self.bad_value(value.span(), format!("`{name}` must be a number"));
        }
        finite
    }

    /// A key that is a skill's name, or an error.
    pub fn key(&mut self, text: &str, span: Range<usize>) -> Option<SkillId> {
        match text.parse() {
            Ok(id) => Some(id),
            Err(fault) => {
                self.bad_value(span, fault.sentence()).help = Some(fault.code.help.to_owned());
                None
            }
        }
    }

    /// Refuses every key of the table that nobody asked for.
    pub fn refuse_unknown(&mut self, table: &Table<'_, 'a>) {
        for key in table.keys.keys() {
            let text = key.get_ref().as_ref();
            if table.known.contains(&text) {
                continue;
            }
            let place = if table.name.is_empty() { String::new() } else { format!(" in [{}]", table.name) };
            let guess = crate::lint::closest(text, &table.known);
            let message = match guess {
                Some(guess) => format!("unknown key `{text}`{place}, did you mean `{guess}`?"),
                None => format!("unknown key `{text}`{place}"),
            };
            let help = format!("known keys: {}", table.known.join(", "));
            self.error(self.kind.rules.unknown_key, key.span(), message).help = Some(help);
        }
    }
}

impl<'d, 'a> Table<'d, 'a> {
    /// A table under a name; the file itself has the name "".
    pub fn new(name: &str, table: &'d DeTable<'a>, span: Range<usize>) -> Self {
        Self { name: name.to_owned(), keys: table, span, known: Vec::new() }
    }

    /// The value of a key that may be absent.
    pub fn optional(&mut self, key: &'static str) -> Option<&'d Spanned<DeValue<'a>>> {
        self.known.push(key);
        self.keys.get(key)
    }

    /// The value of a key that must be there; its absence is reported at the table.
    pub fn required(&mut self, reader: &mut Reader<'a>, key: &'static str) -> Option<&'d Spanned<DeValue<'a>>> {
        let value = self.optional(key);
        if value.is_none() {
            let place = if self.name.is_empty() { String::new() } else { format!(" in [{}]", self.name) };
            reader.error(reader.kind.rules.missing_key, self.span.clone(), format!("`{key}` is missing{place}"));
        }
        value
    }

    /// All entries, in the order of the file, for tables whose keys are data.
    pub fn entries(&self) -> Vec<(&'d str, Range<usize>, &'d Spanned<DeValue<'a>>)> {
        let mut entries: Vec<_> =
            self.keys.iter().map(|(key, value)| (key.get_ref().as_ref(), key.span(), value)).collect();
        entries.sort_by_key(|(_, span, _)| span.start);
        entries
    }

    /// Where the table stands.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }
}

/// A value's type with its article: `an integer`.
fn article(value: &DeValue<'_>) -> String {
    let name = value.type_str();
    let vowel = name.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {name}", if vowel { "an" } else { "a" })
}

/// The first of the errors that a reader returned.
pub(crate) fn first(findings: Vec<Finding>, kind: &Kind) -> Finding {
    let none = || Finding::error(kind.rules.syntax, kind.code, "the file cannot be read").file(kind.file);
    findings.into_iter().next().unwrap_or_else(none)
}

/// A basic TOML string.
pub(crate) fn quote(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// A TOML array of strings on one line.
pub(crate) fn list<T: ToString>(items: &[T]) -> String {
    let items: Vec<_> = items.iter().map(|item| quote(&item.to_string())).collect();
    format!("[{}]", items.join(", "))
}
