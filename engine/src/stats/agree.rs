//! Judges: a comparison made in both orders, and how well two judges agree.

use serde::{Deserialize, Serialize};

/// What a judge said about two answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Judged {
    /// The first one shown is better.
    First,
    /// The second one shown is better.
    Second,
    /// Neither.
    Tie,
}

/// The candidate's score per mille from the verdicts with the candidate shown first and shown second: it wins or loses only where
/// both say so, since a judge who prefers a place says nothing about the answers.
pub fn judge_swap(cand_first: Judged, cand_second: Judged) -> u16 {
    match (cand_first, cand_second) {
        (Judged::First, Judged::Second) => 1000,
        (Judged::Second, Judged::First) => 0,
        _ => 500,
    }
}

/// Cohen's kappa of a square table of counts, row by one judge, column by the other. `None` if the table is not square, is empty,
/// or leaves nothing to agree on beyond chance.
pub fn cohen_kappa(table: &[Vec<u64>]) -> Option<f64> {
    if table.iter().any(|row| row.len() != table.len()) {
        return None;
    }
    let float = |count: u64| crate::ratio::float(i128::from(count));
    let row = |i: usize| float(table[i].iter().sum());
    let column = |i: usize| float(table.iter().map(|row| row[i]).sum());
    let total = float(table.iter().flatten().sum());
    let observed: f64 = (0..table.len()).map(|i| float(table[i][i])).sum::<f64>() / total;
    let by_chance: f64 = (0..table.len()).map(|i| row(i) / total * (column(i) / total)).sum();
    (total > 0.0 && by_chance < 1.0).then(|| (observed - by_chance) / (1.0 - by_chance))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::vectors::{close, list};

    #[test]
    fn the_known_answers_hold() {
        for known in list("judge_swap") {
            let said = |name: &str| serde_json::from_value(known[name].clone()).unwrap();
            let found = judge_swap(said("cand_first"), said("cand_second"));
            assert_eq!(Some(u64::from(found)), known["score_permille"].as_u64(), "{known}");
        }
        for known in list("cohen_kappa") {
            let table: Vec<Vec<u64>> = serde_json::from_value(known["matrix"].clone()).unwrap();
            close(cohen_kappa(&table).unwrap(), &known["out"], &known);
        }
    }

    #[test]
    fn a_table_without_choice_has_no_kappa() {
        for table in [vec![], vec![vec![0]], vec![vec![7]], vec![vec![1, 2]], vec![vec![0, 0], vec![0, 0]]] {
            assert_eq!(cohen_kappa(&table), None, "{table:?}");
        }
    }
}
