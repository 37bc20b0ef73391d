//! Cases of different groups that are nearly the same: one of them may train what the other measures.
//!
//! All pairs with a Jaccard index of at least 0.8 are found without comparing all with all: two such sets share one of their few
//! rarest tokens (prefix filtering, Chaudhuri, Ganti and Kaushik 2006).

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Linter, Step, rules};
use crate::suite::{Case, Task};

pub(super) fn check(linter: &mut Linter<'_>) {
    let suite = linter.suite();
    for (first, second, percent) in pairs(&suite.cases) {
        let key = if matches!(suite.cases[second].task, Task::Trigger { .. }) { "query" } else { "prompt" };
        let message = format!(
            "the case `{}` asks nearly the same as `{}` ({percent} % of the words) in another group",
            suite.cases[second].id, suite.cases[first].id
        );
        let help = "give both the same `group`, so that they are on one side of the split";
        linter.report_case(rules::NEAR_DUPLICATE, second, &[Step::Key(key)], message, help);
    }
    shared_files(linter);
}

/// The tokens of a text: runs of letters and digits, in lower case.
fn tokens(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// What a case asks, and of which kind it is; metrics ask nothing.
fn asked(case: &Case) -> Option<(bool, BTreeSet<String>)> {
    match &case.task {
        Task::Prompt { prompt, .. } => Some((false, tokens(prompt))),
        Task::Trigger { query, .. } => Some((true, tokens(query))),
        Task::Metric { .. } => None,
    }
}

/// For each case the nearest earlier one in another group with at least 80 % of the tokens in common, and these percent.
fn pairs(cases: &[Case]) -> Vec<(usize, usize, usize)> {
    let sets: Vec<_> = cases.iter().map(asked).collect();
    let mut count: HashMap<&str, usize> = HashMap::new();
    for (_, set) in sets.iter().flatten() {
        for token in set {
            *count.entry(token).or_default() += 1;
        }
    }
    let mut holders: HashMap<(bool, &str), Vec<usize>> = HashMap::new();
    let mut found = Vec::new();
    for (n, set) in sets.iter().enumerate() {
        let Some((kind, set)) = set else { continue };
        let mut rare: Vec<&str> = set.iter().map(String::as_str).collect();
        rare.sort_by_key(|token| (count[token], *token));
        // To share 4/5 of the larger set, two sets must share one of these.
        rare.truncate(rare.len() - (4 * rare.len()).div_ceil(5) + 1);
        let candidates: HashSet<usize> =
            rare.iter().filter_map(|token| holders.get(&(*kind, *token))).flatten().copied().collect();
        let near = candidates.into_iter().filter(|other| cases[*other].group != cases[n].group).filter_map(|other| {
            let (_, theirs) = sets[other].as_ref()?;
            let common = set.intersection(theirs).count();
            let all = set.len() + theirs.len() - common;
            (5 * common >= 4 * all).then_some((100 * common / all, other))
        });
        if let Some((percent, other)) = near.max_by_key(|(percent, other)| (*percent, usize::MAX - other)) {
            found.push((other, n, percent));
        }
        for token in rare {
            holders.entry((*kind, token)).or_default().push(n);
        }
    }
    found
}

/// Input files that cases of different groups share, by path or by content.
fn shared_files(linter: &mut Linter<'_>) {
    let suite = linter.suite();
    let mut users: HashMap<String, usize> = HashMap::new();
    for (n, case) in suite.cases.iter().enumerate() {
        let Task::Prompt { files, .. } = &case.task else { continue };
        for (at, file) in files.iter().enumerate() {
            let content = linter.opened.folder.digest(file).map(|digest| digest.to_string());
            let other = [Some(file.clone()), content.ok()].into_iter().flatten().fold(None, |other, key| {
                let first = *users.entry(key).or_insert(n);
                other.or((suite.cases[first].group != case.group).then_some(first))
            });
            if let Some(other) = other {
                let message =
                    format!("the case `{}` of another group has the same file `{file}`", suite.cases[other].id);
                let help = "give all cases with this file the same `group`, so that they are on one side of the split";
                linter.report_case(rules::NEAR_DUPLICATE, n, &[Step::Key("files"), Step::Item(at)], message, help);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::suite::Suite;

    fn cases(prompts: &[String]) -> Vec<Case> {
        let list: Vec<_> = prompts.iter().enumerate().map(|(n, prompt)| json!({"id": n, "prompt": prompt})).collect();
        Suite::from_value(json!(list)).unwrap().cases
    }

    #[test]
    fn eighty_percent_are_near_and_less_are_not() {
        let pairs = |a: &str, b: &str| pairs(&cases(&[a.to_owned(), b.to_owned()]));
        assert_eq!(pairs("a b c d", "A, b: c! D e"), [(0, 1, 80)]);
        assert_eq!(pairs("a b c d", "a b c e"), []);
        assert_eq!(pairs("a b c d e f g h i", "a b c d e f g h x"), [(0, 1, 80)]);
        assert_eq!(pairs("a b c d e f g h", "a b c d e f g x"), []);
        assert_eq!(pairs("", "…"), []);
    }

    proptest! {
        #[test]
        fn no_pair_is_overlooked(prompts in prop::collection::vec("([a-f] ){0,9}", 0..12)) {
            let found: HashSet<usize> = pairs(&cases(&prompts)).into_iter().map(|(_, n, _)| n).collect();
            let sets: Vec<_> = prompts.iter().map(|prompt| tokens(prompt)).collect();
            let slow: HashSet<usize> = (0..sets.len()).filter(|n| (0..*n).any(|m| {
                let common = sets[*n].intersection(&sets[m]).count();
                let all = sets[*n].union(&sets[m]).count();
                all > 0 && 5 * common >= 4 * all
            })).collect();
            prop_assert_eq!(found, slow);
        }
    }
}
