//! Two records side by side: whether their scores may be compared, and the comparison case by case.

use serde_json::Value;

use super::{Delta, Interval, MILLION, Record, compute::ratio, interval::estimate};

/// A part of the score key in which two records differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartDiffers {
    /// The part: `weights`, `sampling.temperature`.
    pub part: String,
    /// What the first record has, as JSON.
    pub first: String,
    /// What the second has.
    pub second: String,
}

/// One case that both records measured completely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Its id.
    pub case: String,
    /// Its group.
    pub group: String,
    /// Mean of the first record's skill, in millionths.
    pub first_ppm: i64,
    /// Mean of the second's.
    pub second_ppm: i64,
}

/// The skill of the second record minus that of the first, paired by case. The runs were not interleaved, so this informs; the
/// gate runs both again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Cases that both measured completely, in the order of the first record.
    pub pairs: Vec<Pair>,
    /// Cases that only the first has complete.
    pub only_first: Vec<String>,
    /// Cases that only the second has complete.
    pub only_second: Vec<String>,
    /// Second minus first; none without a pair. Its gain is that over the first.
    pub delta: Option<Delta>,
}

/// The parts of the score key that differ; scores are comparable if and only if there are none.
pub fn differing_parts(first: &Record, second: &Record) -> Vec<PartDiffers> {
    let mut found = Vec::new();
    let value = |record: &Record| serde_json::to_value(&record.key).unwrap_or_default();
    walk("", &value(first), &value(second), &mut found);
    found
}

fn walk(place: &str, first: &Value, second: &Value, found: &mut Vec<PartDiffers>) {
    match (first, second) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, inner) in a {
                let place = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
                walk(&place, inner, b.get(key).unwrap_or(&Value::Null), found);
            }
        }
        _ if first == second => {}
        _ => found.push(PartDiffers { part: place.to_owned(), first: first.to_string(), second: second.to_string() }),
    }
}

/// Compares the skills of two records with the same score key.
///
/// # Errors
/// The parts that differ, if the records are not comparable.
pub fn compare(first: &Record, second: &Record) -> Result<Comparison, Vec<PartDiffers>> {
    let parts = differing_parts(first, second);
    if !parts.is_empty() {
        return Err(parts);
    }
    let mut result = Comparison { pairs: Vec::new(), only_first: Vec::new(), only_second: Vec::new(), delta: None };
    for facts in &first.cases {
        match (mean(first, &facts.id), mean(second, &facts.id)) {
            (Some(first_ppm), Some(second_ppm)) => {
                let (case, group) = (facts.id.clone(), facts.group.clone());
                result.pairs.push(Pair { case, group, first_ppm, second_ppm });
            }
            (Some(_), None) => result.only_first.push(facts.id.clone()),
            (None, Some(_)) => result.only_second.push(facts.id.clone()),
            (None, None) => {}
        }
    }
    result.delta = delta(&result.pairs);
    Ok(result)
}

/// The skill's mean on a complete case.
fn mean(record: &Record, case: &str) -> Option<i64> {
    let result = record.result.by_case.iter().find(|result| result.id == case && result.complete)?;
    result.cand.as_ref()?.mean_ppm
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "millionths of shares between -1 and 1"
)]
fn delta(pairs: &[Pair]) -> Option<Delta> {
    let n = i128::try_from(pairs.len()).ok()?;
    let differences: Vec<i64> = pairs.iter().map(|pair| pair.second_ppm - pair.first_ppm).collect();
    let (sum, first) = (differences.iter().sum::<i64>(), pairs.iter().map(|pair| pair.first_ppm).sum::<i64>());
    let values: Vec<f64> = differences.iter().map(|d| *d as f64).collect();
    let groups: Vec<&str> = pairs.iter().map(|pair| pair.group.as_str()).collect();
    let estimate = estimate(&values, &groups);
    let round = |value: f64| value.round_ties_even() as i64;
    let like = |sign: i64| differences.iter().filter(|d| d.signum() == sign).count().try_into().unwrap_or(u32::MAX);
    let million = i128::from(MILLION);
    Some(Delta {
        mean_ppm: ratio(sum.into(), n)?,
        se_ppm: estimate.map(|e| round(e.se)),
        interval: estimate.map(|e| Interval { low_ppm: round(e.lo), high_ppm: round(e.hi) }),
        gain_ppm: ratio(i128::from(sum) * million, n * million - i128::from(first)),
        better: like(1),
        worse: like(-1),
        tied: like(0),
    })
}
