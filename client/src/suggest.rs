//! "Did you mean": the known word that a mistyped one is nearest to.

/// Beyond this many edits two words are different words.
const MAX_EDITS: usize = 3;

/// The known word that `word` is probably a mistyping of: at most three edits away, and fewer for short words. Case is ignored.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= 4 * MAX_EDITS)
        .map(|candidate| (strsim::damerau_levenshtein(&word, &candidate.to_lowercase()), candidate))
        .filter(|(edits, candidate)| *edits <= (candidate.chars().count() / 3).clamp(1, MAX_EDITS))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_word_finds_its_neighbour_and_another_word_does_not() {
        let known = ["E_DIGEST", "E_TREE", "name.format", "exit-codes"];
        for (word, expected) in [
            ("e_digets", Some("E_DIGEST")),
            ("name.fromat", Some("name.format")),
            ("exitcodes", Some("exit-codes")),
            ("moon", None),
            ("", None),
            (&"E".repeat(10_000), None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }
}
