//! Leaks: whether a skill holds text of the holdout. A leak is a run of eight words, or of forty characters, of a prompt or an
//! expected value that also stands in the skill.
//!
//! Words are runs of letters and digits in lower case. For the forty characters white space of any length is one space, and letters
//! are lower case too. So both survive reflowing and changed capitals.

mod shingles;

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use skill_bundle::Package;

pub use shingles::{Place, Shingles};

use crate::suite::{Case, Task};

/// Words of a shingle.
pub const WORDS: usize = 8;

/// Characters of a substring.
pub const CHARS: usize = 40;

/// Base of the rolling hash; any odd number with bits all over it.
const BASE: u64 = 0x9E37_79B9_7F4A_7C15;

/// Members of a check that name things and expect nothing.
const NAMES: [&str; 12] =
    ["id", "kind", "target", "run", "glob", "globs", "path", "weight", "required", "timeout_s", "files", "into"];

/// One piece of text that a case and the skill share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leak {
    /// The case.
    pub case: String,
    /// Which of its texts: `prompt`, `query`, `expected_output`, `expectations`, or a check's id.
    pub field: String,
    /// The file of the skill.
    pub file: String,
    /// The line in it where the shared text begins, from 1.
    pub line: usize,
    /// The shared text as the comparison sees it.
    pub text: String,
    /// Whether it is eight words (`true`) or forty characters.
    pub words: bool,
}

impl Leak {
    /// Where it is, in words: no text of the case.
    pub fn sentence(&self) -> String {
        let Self { case, field, file, line, .. } = self;
        format!("the skill holds text of the held-out case {case} ({field}): {file}, line {line}")
    }
}

/// Searches a skill's files (name and text) for the prompts and expected values of these cases. At most one leak for each field, file
/// and kind, in the order of cases, fields and files.
pub fn scan<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>, cases: &[Case]) -> Vec<Leak> {
    let fields: Vec<(&Case, String, String)> =
        cases.iter().flat_map(|case| texts(case).into_iter().map(move |(field, text)| (case, field, text))).collect();
    let needles: Vec<[Units; 2]> = fields.iter().map(|(_, _, text)| [Units::words(text), Units::chars(text)]).collect();
    let index = [0, 1].map(|kind| index(needles.iter().map(|needle| &needle[kind]), [WORDS, CHARS][kind]));
    let mut found = Vec::new();
    for (at, (file, text)) in files.into_iter().enumerate() {
        for (kind, units) in [Units::words(text), Units::chars(text)].iter().enumerate() {
            let size = [WORDS, CHARS][kind];
            for (field, start) in hits(units, size, &index[kind], |field| &needles[field][kind]) {
                let (case, name, _) = &fields[field];
                let line = 1 + text[..units.places[start]].matches('\n').count();
                let shared = units.window(start, size).trim_end().to_owned();
                let leak = Leak {
                    case: case.id.clone(),
                    field: name.clone(),
                    file: file.to_owned(),
                    line,
                    text: shared,
                    words: kind == 0,
                };
                found.push(((field, at, kind), leak));
            }
        }
    }
    found.sort_by_key(|(order, _)| *order);
    found.into_iter().map(|(_, leak)| leak).collect()
}

/// The same for a packed skill: its files that are text.
pub fn scan_package(package: &Package, cases: &[Case]) -> Vec<Leak> {
    scan(package.files().filter_map(|file| Some((file.path, std::str::from_utf8(file.content).ok()?))), cases)
}

/// A text in pieces that are compared: words, or single characters. One package may hold millions, so a piece is three numbers.
struct Units {
    /// The pieces as they are compared, a space after each word.
    text: String,
    /// Where in `text` each ends.
    ends: Vec<usize>,
    hashes: Vec<u64>,
    /// Byte at which each begins in the file.
    places: Vec<usize>,
}

impl Units {
    fn new() -> Self {
        Self { text: String::new(), ends: Vec::new(), hashes: Vec::new(), places: Vec::new() }
    }

    fn words(text: &str) -> Self {
        let mut units = Self::new();
        let mut word: Option<(usize, String)> = None;
        for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
            if c.is_alphanumeric() {
                word.get_or_insert_with(|| (at, String::new())).1.extend(c.to_lowercase());
            } else if let Some((start, mut word)) = word.take() {
                word.push(' ');
                units.push(&word, start);
            }
        }
        units
    }

    fn chars(text: &str) -> Self {
        let mut units = Self::new();
        let (mut space, mut lower) = (None, String::new());
        for (at, c) in text.char_indices() {
            if c.is_whitespace() {
                space.get_or_insert(at);
                continue;
            }
            if let Some(at) = space.take().filter(|_| !units.ends.is_empty()) {
                units.push(" ", at);
            }
            lower.clear();
            lower.extend(c.to_lowercase());
            units.push(&lower, at);
        }
        units
    }

    fn push(&mut self, item: &str, place: usize) {
        let hash =
            item.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x100_0000_01B3));
        self.text.push_str(item);
        self.ends.push(self.text.len());
        self.hashes.push(hash);
        self.places.push(place);
    }

    /// So many pieces from this one on.
    fn window(&self, start: usize, size: usize) -> &str {
        let begin = if start == 0 { 0 } else { self.ends[start - 1] };
        &self.text[begin..self.ends[start + size - 1]]
    }

    /// The rolling hash of every window of this size, with where it begins.
    fn windows(&self, size: usize) -> impl Iterator<Item = (usize, u64)> + '_ {
        let top = (1..size).fold(1_u64, |power, _| power.wrapping_mul(BASE));
        let mut hash = 0_u64;
        self.hashes.iter().enumerate().filter_map(move |(at, &unit)| {
            if at >= size {
                hash = hash.wrapping_sub(self.hashes[at - size].wrapping_mul(top));
            }
            hash = hash.wrapping_mul(BASE).wrapping_add(unit);
            (at + 1 >= size).then(|| (at + 1 - size, hash))
        })
    }
}

/// Where each hash occurs: field and start.
fn index<'a>(fields: impl Iterator<Item = &'a Units>, size: usize) -> HashMap<u64, Vec<(usize, usize)>> {
    let mut index: HashMap<u64, Vec<(usize, usize)>> = HashMap::new();
    for (field, units) in fields.enumerate() {
        for (start, hash) in units.windows(size) {
            let places = index.entry(hash).or_default();
            // A field that repeats itself is found by its first occurrence.
            if places.last().is_none_or(|(last, _)| *last != field) {
                places.push((field, start));
            }
        }
    }
    index
}

/// The first place of each field that occurs in these units, compared piece by piece and not by hash alone.
fn hits<'n>(
    units: &Units,
    size: usize,
    index: &HashMap<u64, Vec<(usize, usize)>>,
    needle: impl Fn(usize) -> &'n Units,
) -> Vec<(usize, usize)> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for (start, hash) in units.windows(size) {
        for &(field, from) in index.get(&hash).into_iter().flatten() {
            let equal = needle(field).window(from, size) == units.window(start, size);
            if equal && seen.insert(field) {
                found.push((field, start));
            }
        }
    }
    found
}

/// What of a case must not stand in a skill, with the names of the fields.
fn texts(case: &Case) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut add = |field: &str, text: &str| all.push((field.to_owned(), text.to_owned()));
    match &case.task {
        Task::Prompt { prompt, expected_output, expectations, checks, .. } => {
            add("prompt", prompt);
            add("expected_output", expected_output);
            for text in expectations {
                add("expectations", text);
            }
            for check in checks {
                let members = check.params.iter().filter(|(name, _)| !NAMES.contains(&name.as_str()));
                for (_, value) in members {
                    strings(value, &mut |text| add(&check.id, text));
                }
            }
        }
        Task::Trigger { query, .. } => add("query", query),
        Task::Metric { .. } => {}
    }
    all
}

/// Every text in a JSON value.
fn strings(value: &Value, add: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => add(text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, add)),
        Value::Object(members) => members.values().for_each(|item| strings(item, add)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::testing::{case, prompt};
    use super::*;
    use crate::suite::Check;

    const PROMPT: &str = "Please fill the attached tax form for Jane Doe of Springfield";

    fn kinds(skill: &str, text: &str) -> Vec<bool> {
        scan([("SKILL.md", skill)], &[case("c", prompt(text, &[]))]).iter().map(|leak| leak.words).collect()
    }

    #[test]
    fn eight_words_are_a_leak_and_seven_are_none() {
        assert_eq!(kinds("x fill THE attached, tax form:\nfor Jane Doe y", PROMPT), [true]);
        assert_eq!(kinds("x fill THE attached, tax form:\nfor Jane y", PROMPT), [] as [bool; 0]);
    }

    #[test]
    fn forty_characters_are_a_leak_and_thirty_nine_are_none() {
        let value = "abcdefghijklmnopqrstuvwxyz-0123456789-ABC-more";
        assert_eq!(kinds(&format!("<<{}>>", &value[..40]), value), [false]);
        assert_eq!(kinds(&format!("<<{}>>", &value[..39]), value), [] as [bool; 0]);
        // White space and capitals make no difference; a missing character does.
        assert_eq!(
            kinds("ABC D\n\n  E fghijklmnopqrstuvwxyz 0123456789abcd", "abc d e fghijklmnopqrstuvwxyz 0123456789abcd"),
            [false]
        );
    }

    #[test]
    fn a_leak_names_case_field_file_and_line() {
        let value = "the total of all invoices in the quarter is 41,203.77 euros";
        let mut one = case("c9", prompt("short", &[]));
        if let Task::Prompt { checks, .. } = &mut one.task {
            let params = json!({"id": "k1", "kind": "contains", "nested": [{"value": value}], "glob": PROMPT});
            let Value::Object(params) = params else { unreachable!() };
            let (id, kind, target) = ("k1".to_owned(), "contains".to_owned(), "final".to_owned());
            checks.push(Check { id, kind, weight: 1, required: false, target, params });
        }
        let text = format!("# Skill\n\n{PROMPT}\nHint: {value}\n");
        let leaks = scan([("a.md", "nothing"), ("references/b.md", text.as_str())], &[one]);
        let place = |leak: &Leak| (leak.case.clone(), leak.field.clone(), leak.file.clone(), leak.line, leak.words);
        let expected = |words| ("c9".to_owned(), "k1".to_owned(), "references/b.md".to_owned(), 4, words);
        assert_eq!(leaks.iter().map(place).collect::<Vec<_>>(), [expected(true), expected(false)]);
        assert!(leaks[0].text.starts_with("the total of all invoices"));
    }

    #[test]
    fn a_query_leaks_and_empty_texts_do_not() {
        let query = Task::Trigger { query: PROMPT.to_owned(), should_trigger: true };
        let leaks = scan([("SKILL.md", PROMPT)], &[case("t1", query)]);
        assert!(leaks.iter().all(|leak| leak.field == "query") && leaks.len() == 2, "{leaks:?}");
        assert!(scan([("SKILL.md", ""), ("x", "   ")], &[case("c", prompt("", &[]))]).is_empty());
    }

    proptest! {
        #[test]
        fn it_finds_exactly_what_a_plain_search_finds(
            skill in "[ab ]{0,60}", text in "[ab ]{0,60}", shared in "[ab ]{0,50}", before in "[ab ]{0,5}",
        ) {
            let (skill, text) = (format!("{skill}{shared}"), format!("{before}{shared}{text}"));
            let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            let (a, b) = (flat(&skill), flat(&text));
            let chars: Vec<char> = b.chars().collect();
            let by_chars = chars.windows(CHARS).any(|window| a.contains(&window.iter().collect::<String>()));
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            let by_words = words(&b).windows(WORDS).any(|window| words(&a).windows(WORDS).any(|other| other == window));
            let found = kinds(&skill, &text);
            prop_assert_eq!(found.contains(&true), by_words);
            prop_assert_eq!(found.contains(&false), by_chars);
        }
    }
}
