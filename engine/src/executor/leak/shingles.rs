//! What recognises the texts of cases and cannot be read: digests of all their runs of eight words and of forty characters. A loop that
//! must not know the holdout carries this instead of it.

use std::collections::{HashMap, HashSet};

use skill_bundle::hash::sha256;
use skill_schema::Digest;

use super::{CHARS, Units, WORDS, texts};
use crate::suite::Case;

/// Digests of the shingles of some cases.
#[derive(Debug, Clone, Default)]
pub struct Shingles {
    // A rolling hash finds, the digest decides.
    known: [HashMap<u64, HashSet<Digest>>; 2],
}

/// Where a skill shares text with a case. It does not say which case, nor which text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The skill's file.
    pub file: String,
    /// The line where the shared text begins, from 1.
    pub line: usize,
}

impl Shingles {
    /// Of the prompts and expected values of these cases.
    pub fn of<'c>(cases: impl IntoIterator<Item = &'c Case>) -> Self {
        let mut shingles = Self::default();
        for (_, text) in cases.into_iter().flat_map(texts) {
            for (kind, units) in [Units::words(&text), Units::chars(&text)].iter().enumerate() {
                for (start, hash) in units.windows(size(kind)) {
                    shingles.known[kind].entry(hash).or_default().insert(digest(units, start, kind));
                }
            }
        }
        shingles
    }

    /// The first place in each file (name and text) that shares text with a case, unless the text stands in `before` as well.
    pub fn find<'a>(
        &self,
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
        before: &HashSet<Digest>,
    ) -> Vec<Place> {
        let mut found = Vec::new();
        for (file, text) in files {
            let first = self.hits(text).into_iter().filter(|(_, digest)| !before.contains(digest)).min();
            found.extend(
                first.map(|(at, _)| Place { file: file.to_owned(), line: 1 + text[..at].matches('\n').count() }),
            );
        }
        found
    }

    /// What of the cases stands in a text.
    pub fn shared(&self, text: &str) -> HashSet<Digest> {
        self.hits(text).into_iter().map(|(_, digest)| digest).collect()
    }

    /// Byte and digest of every shingle of the text that is known.
    fn hits(&self, text: &str) -> Vec<(usize, Digest)> {
        let mut found = Vec::new();
        for (kind, units) in [Units::words(text), Units::chars(text)].iter().enumerate() {
            for (start, hash) in units.windows(size(kind)) {
                let Some(known) = self.known[kind].get(&hash) else { continue };
                let digest = digest(units, start, kind);
                if known.contains(&digest) {
                    found.push((units.places[start], digest));
                }
            }
        }
        found
    }
}

fn size(kind: usize) -> usize {
    [WORDS, CHARS][kind]
}

fn digest(units: &Units, start: usize, kind: usize) -> Digest {
    sha256(units.window(start, size(kind)).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::{super::super::testing::job, *};
    use crate::suite::Task;

    const PROMPT: &str = "Fill the attached form for Anna Lopez of 12 Garden Street, please, and sign it";

    fn cases() -> Vec<Case> {
        let task = Task::Prompt {
            prompt: PROMPT.to_owned(),
            files: Vec::new(),
            expected_output: String::new(),
            expectations: Vec::new(),
            checks: Vec::new(),
        };
        vec![(*job(None, task).case).clone()]
    }

    fn places(text: &str) -> Vec<Place> {
        Shingles::of(&cases()).find([("SKILL.md", text)], &HashSet::new())
    }

    #[test]
    fn eight_words_or_forty_characters_are_found_and_less_is_not() {
        let at = |line| vec![Place { file: "SKILL.md".to_owned(), line }];
        assert_eq!(places("Text.\n\nFILL the attached form\nfor Anna Lopez of it"), at(3), "eight words, reflowed");
        assert_eq!(places("fill the attached form for anna lopez"), [], "seven words, and 37 characters");
        assert_eq!(places("xfill the attached form for Anna Lopez of"), at(1), "forty characters that cut words");
        assert_eq!(places(""), []);
    }

    #[test]
    fn what_stood_there_before_is_not_new() {
        let shingles = Shingles::of(&cases());
        let old = "Fill the attached form for Anna Lopez of 12";
        let before = shingles.shared(old);
        assert!(!before.is_empty() && shingles.find([("a", old)], &before).is_empty());
        assert_eq!(shingles.find([("a", PROMPT)], &before).len(), 1);
    }

    #[test]
    fn nothing_of_the_cases_can_be_read() {
        let shown = format!("{:?}", Shingles::of(&cases())).to_lowercase();
        for word in ["anna", "lopez", "garden"] {
            assert!(!shown.contains(word), "{word}");
        }
    }
}
