//! The gain of a skill over no skill, paired by case: what a lift's interval is computed from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use skill_engine::{
    record::{Record, estimate},
    run::Arm,
};
use skill_schema::{Digest, SkillId, api::leaderboard::Lift, index::Score};
use sqlx::{Any, Transaction};

use super::{json, stored_json};
use crate::error::Error;

/// Records of no skill that are put together at the most, the newest: each has every case.
const MAX_RECORDS: i64 = 20;

/// What one side scored on a case, over its runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseMean {
    /// The case's id.
    pub id: String,
    /// Its group.
    pub group: String,
    /// The mean, in millionths.
    pub mean: i64,
}

/// The complete cases of a side of a record.
pub fn cases(record: &Record, arm: Arm) -> Vec<CaseMean> {
    let groups: BTreeMap<&str, &str> = record.cases.iter().map(|case| (&*case.id, &*case.group)).collect();
    let complete = record.result.by_case.iter().filter(|case| case.complete);
    complete
        .filter_map(|case| {
            let side = if arm == Arm::Base { case.base.as_ref() } else { case.cand.as_ref() };
            let group = groups.get(&*case.id)?;
            Some(CaseMean { id: case.id.clone(), group: (*group).to_owned(), mean: side?.mean_ppm? })
        })
        .collect()
}

/// The lift of the candidate of a record that is written already; none if no skill was never measured under its score key.
pub(super) async fn of(
    tx: &mut Transaction<'static, Any>,
    record: &Digest,
    score_key: &Digest,
) -> Result<Option<Lift>, Error> {
    let with: Option<Option<String>> =
        sqlx::query_scalar("select cases from scores where record = $1 and arm = 'cand'")
            .bind(record.to_string())
            .fetch_optional(&mut **tx)
            .await?;
    let rows: Vec<String> = sqlx::query_scalar(
        "select s.cases from scores s join records r on r.digest = s.record \
         where s.tree = '' and s.score_key = $1 and s.cases is not null order by r.created_at desc, r.digest limit $2",
    )
    .bind(score_key.to_string())
    .bind(MAX_RECORDS)
    .fetch_all(&mut **tx)
    .await?;
    let cases = |text: &str| stored_json::<Vec<CaseMean>>("scores.cases", text);
    let without: Vec<Vec<CaseMean>> = rows.iter().map(|text| cases(text)).collect::<Result<_, _>>()?;
    let with = with.flatten().map(|text| cases(&text)).transpose()?;
    Ok(with.and_then(|with| paired(&with, &without)))
}

/// The lift that goes with a score that a maintenance release takes over.
pub(super) async fn taken_over(
    tx: &mut Transaction<'static, Any>,
    id: &SkillId,
    score: &Score,
) -> Result<Option<Lift>, Error> {
    let text: Option<Option<String>> =
        sqlx::query_scalar("select lift from versions where skill = $1 and score = $2 order by leaf desc limit 1")
            .bind(id.to_string())
            .bind(json(score)?)
            .fetch_optional(&mut **tx)
            .await?;
    text.flatten().map(|text| stored_json("versions.lift", &text)).transpose()
}

/// The mean difference over the cases that both have, with its interval.
fn paired(with: &[CaseMean], without: &[Vec<CaseMean>]) -> Option<Lift> {
    let mut sums: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for case in without.iter().flatten() {
        let sum = sums.entry(&case.id).or_default();
        *sum = (sum.0.saturating_add(case.mean), sum.1 + 1);
    }
    let both = with.iter().filter_map(|case| Some((case, sums.get(&*case.id)?)));
    #[expect(clippy::cast_precision_loss, reason = "millionths: far below 2^52")]
    let (values, groups): (Vec<f64>, Vec<&str>) =
        both.map(|(case, (sum, n))| ((case.mean as f64 - *sum as f64 / *n as f64) / 1e3, &*case.group)).unzip();
    if values.is_empty() {
        return None;
    }
    let interval = estimate(&values, &groups);
    #[expect(clippy::cast_precision_loss, reason = "a number of cases")]
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    Some(Lift {
        mean: per_mille(mean),
        lo: interval.as_ref().map(|interval| per_mille(interval.lo)),
        hi: interval.as_ref().map(|interval| per_mille(interval.hi)),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a float becomes the nearest integer, between -1000 and 1000 or the ends of an interval"
)]
fn per_mille(value: f64) -> i64 {
    value.round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(means: &[i64]) -> Vec<CaseMean> {
        let case = |(at, mean): (usize, &i64)| CaseMean { id: format!("c{at}"), group: format!("g{at}"), mean: *mean };
        means.iter().enumerate().map(case).collect()
    }

    #[test]
    fn a_lift_is_the_paired_difference_with_the_interval_of_its_groups() {
        // The differences 0, 1/3, 1/3, … of the engine's known interval.
        let third = 333_333;
        let with = side(&[0, third, third, 0, 2 * third, 0, third, 1_000_000, 0, third]);
        let without = side(&[0, 0, 0, third, 0, 0, 0, 0, 0, 0]);
        let lift = paired(&with, std::slice::from_ref(&without)).unwrap();
        assert_eq!(lift, Lift { mean: 267, lo: Some(-4), hi: Some(537) });
        assert!(!lift.is_proven());
    }

    #[test]
    fn records_of_no_skill_are_averaged_and_cases_that_one_side_lacks_are_left_out() {
        let with = side(&[1_000_000, 1_000_000, 500_000]);
        let without = [side(&[0, 200_000]), side(&[200_000, 0])];
        assert_eq!(paired(&with, &without).unwrap(), Lift { mean: 900, lo: Some(900), hi: Some(900) });
        assert_eq!(paired(&with, &[]), None);
        assert_eq!(paired(&side(&[5_000]), &[side(&[0])]).unwrap(), Lift { mean: 5, lo: None, hi: None });
    }
}
