//! "Did you mean": the known word that a misspelt one is nearest to.

/// Beyond this many edits two words are different words.
const MAX_EDITS: usize = 3;

/// The known word nearest to `word`, if it is near enough to be a misspelling of it (case is ignored; swapped neighbours count
/// as one edit). The first of the known words wins a tie.
pub fn closest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let word = word.to_lowercase().replace('_', "-");
    let longest = known.iter().map(|k| k.len()).max().unwrap_or(0);
    if word.len() > longest + MAX_EDITS {
        return None;
    }
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, &candidate.to_lowercase()), *candidate))
        .filter(|(edits, candidate)| *edits <= MAX_EDITS.min(candidate.chars().count() / 3).max(1))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_finds_its_neighbour_and_another_word_does_not() {
        let known = ["name", "description", "license", "compatibility", "metadata", "allowed-tools"];
        for (word, expected) in [
            ("descripton", Some("description")),
            ("Name", Some("name")),
            ("licence", Some("license")),
            ("allowed_tools", Some("allowed-tools")),
            ("metdaata", Some("metadata")),
            ("framework", None),
            ("purpose", None),
            ("", None),
            (&"d".repeat(10_000), None),
        ] {
            assert_eq!(closest(word, &known), expected, "{word}");
        }
    }
}
