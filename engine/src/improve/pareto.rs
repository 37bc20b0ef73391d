//! Which version is edited next: one that no other version dominates, the more often the more cases it is best at.

use std::collections::BTreeMap;

use super::{
    operator::draw,
    scores::{Facts, Scores, worth},
};

/// A version, for choosing.
#[derive(Debug, Clone, Copy)]
pub struct Runner<'a> {
    /// Its scores.
    pub scores: &'a Scores,
    /// Tokens that it loads.
    pub tokens: u64,
}

/// The versions that are not dominated, by index, each with the number of cases on which none is better. A version is dominated if
/// another is nowhere worse and somewhere better, or equal everywhere and shorter, or equal in all that and earlier.
pub fn fronts(versions: &[Runner<'_>], facts: &BTreeMap<String, Facts>) -> Vec<(usize, u64)> {
    let worths: Vec<Vec<f64>> = versions.iter().map(|version| worths(version.scores, facts)).collect();
    let dominates = |a: usize, b: usize| {
        let nowhere_worse = worths[a].iter().zip(&worths[b]).all(|(a, b)| a >= b);
        let better = worths[a].iter().zip(&worths[b]).any(|(a, b)| a > b);
        let cheaper = (versions[a].tokens, a) < (versions[b].tokens, b);
        a != b && nowhere_worse && (better || cheaper)
    };
    let open: Vec<usize> = (0..versions.len()).filter(|b| !(0..versions.len()).any(|a| dominates(a, *b))).collect();
    let best = |case: usize| open.iter().map(|at| worths[*at][case]).fold(f64::MIN, f64::max);
    let count = |at: usize| (0..facts.len()).filter(|case| worths[at][*case] >= best(*case)).count() as u64;
    open.iter().map(|at| (*at, count(*at))).collect()
}

/// What a version is worth on every case; one that it lacks is worth least.
fn worths(scores: &Scores, facts: &BTreeMap<String, Facts>) -> Vec<f64> {
    facts.iter().map(|(id, facts)| scores.get(id).map_or(f64::MIN, |case| worth(case, facts))).collect()
}

/// Draws one of the fronts, other than `not`.
pub fn pick(fronts: &[(usize, u64)], salt: &str, what: &str, experiment: u32, not: Option<usize>) -> Option<usize> {
    let open = || fronts.iter().filter(|(at, _)| Some(*at) != not);
    let total: u64 = open().map(|(_, count)| *count).sum();
    if total == 0 {
        return open().next().map(|(at, _)| *at);
    }
    let mut left = draw(salt, what, experiment, total)?;
    for (at, count) in open() {
        match left.checked_sub(*count) {
            Some(rest) => left = rest,
            None => return Some(*at),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{super::scores::CaseScores, *};

    fn scores(all: &[u16]) -> Scores {
        let one =
            |(n, score): (usize, &u16)| (format!("c{n}"), CaseScores { scores: vec![*score], numbers: Vec::new() });
        all.iter().enumerate().map(one).collect()
    }

    fn of(all: &[(&Scores, u64)]) -> Vec<(usize, u64)> {
        let facts = (0..3).map(|n| (format!("c{n}"), Facts { group: format!("c{n}"), minimize: None, noise: 0.0 }));
        let runners: Vec<Runner<'_>> = all.iter().map(|(scores, tokens)| Runner { scores, tokens: *tokens }).collect();
        fronts(&runners, &facts.collect())
    }

    #[test]
    fn dominated_versions_are_removed_and_fronts_counted() {
        let (low, left, right) = (scores(&[0, 0, 500]), scores(&[1000, 0, 500]), scores(&[0, 1000, 500]));
        assert_eq!(of(&[(&low, 1), (&left, 1), (&right, 1)]), [(1, 2), (2, 2)]);
        assert_eq!(of(&[(&left, 2), (&left, 1)]), [(1, 3)], "the shorter one of two equals");
        assert_eq!(of(&[(&left, 1), (&left, 1)]), [(0, 3)], "the earlier one of two equals");
        assert_eq!(of(&[]), []);
    }

    #[test]
    fn versions_are_drawn_by_the_number_of_fronts() {
        let fronts = [(3, 30), (5, 10)];
        let drawn = (0..1000).filter(|n| pick(&fronts, "s", "parent", *n, None) == Some(3)).count();
        assert!((700..800).contains(&drawn), "{drawn}");
        assert_eq!(pick(&fronts, "s", "parent", 1, Some(3)), Some(5));
        assert_eq!(pick(&[], "s", "parent", 1, None), None);
    }
}
