//! `GET /api/skill/v1/leaderboard?sort=uplift|mean&model=…&limit=…`. Skills by their scores. Public unless the registry's `auth` is
//! `required`.
//!
//! Means are compared only under one score key, so `sort=mean` answers one group for each. `sort=uplift` answers one group: it orders by
//! the gain over no skill, each measured on a suite of its own. In both, verified scores come first and claimed ones after them;
//! what was refuted or is stale is not in it. Each skill is there once, with the version that `best` names.

use serde::{Deserialize, Serialize};

use crate::{Digest, SkillId, Version, index::Score, time::Timestamp};

/// The route, and the path.
pub const ROUTE: &str = "/api/skill/v1/leaderboard";
/// Skills, unless asked otherwise.
pub const DEFAULT_LIMIT: u64 = 20;
/// Skills at the most.
pub const MAX_LIMIT: u64 = 100;
/// Characters of a model's name.
pub const MAX_MODEL: usize = 200;

/// The query string.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Request {
    /// The order.
    pub sort: Sort,
    /// Only what was measured with this model, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How many skills.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// The order of a leaderboard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    /// The gain over no skill, across suites.
    #[default]
    Uplift,
    /// The mean, in groups of one score key each.
    Mean,
}

/// A leaderboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// The order.
    pub sort: Sort,
    /// The groups; for [`Sort::Mean`] the largest first.
    pub groups: Vec<Group>,
}

/// Skills that are compared with each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// The score key that they share; none where they are ordered by uplift.
    pub score_key: Option<Digest>,
    /// The best first.
    pub items: Vec<Entry>,
}

/// One skill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its rank, if its score is verified and, by uplift, proven: one more than how many of the group are better beyond their intervals.
    pub rank: Option<u64>,
    /// The skill.
    pub id: SkillId,
    /// The version that was measured.
    pub version: Version,
    /// The description of that version.
    pub description: String,
    /// Its score.
    pub score: Score,
    /// The gain over no skill.
    pub lift: Option<Lift>,
    /// The gain as a part of what was left to gain, per mille.
    pub gain: Option<i64>,
    /// Whether it beats no skill: the interval of the gain lies above 0.
    pub proven: bool,
    /// Tokens of a run, on average.
    pub tokens: Option<u64>,
    /// The model's name.
    pub model: Option<String>,
    /// The suite.
    pub suite: Option<SuiteName>,
    /// When the version was published.
    pub published: Timestamp,
}

/// A suite by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuiteName {
    /// Its name.
    pub id: SkillId,
    /// Its version.
    pub version: Version,
}

/// The gain over no skill, per mille, paired by case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lift {
    /// Its mean.
    pub mean: i64,
    /// Lower end of its 95 % interval; none with fewer than two groups of cases.
    pub lo: Option<i64>,
    /// Upper end.
    pub hi: Option<i64>,
}

impl Lift {
    /// Whether it is more than nothing: the whole interval lies above 0.
    pub fn is_proven(&self) -> bool {
        self.lo.is_some_and(|lo| lo > 0)
    }
}

/// The part of what was left to gain, (with − without) / (1 − without), per mille, rounded towards 0. None where nothing was left, or
/// where no skill was not measured.
pub fn gain(score: &Score) -> Option<i64> {
    let uplift = score.uplift?;
    let left = 1_000 - (score.mean - uplift);
    (left > 0).then(|| uplift * 1_000 / left)
}

/// Whether a score can rank: 0 verified, 1 claimed or committed; none for what was refuted, is stale, or bears a word that is not known.
pub fn class(trust: &str) -> Option<u8> {
    match trust {
        "verified" | "verified ×2" => Some(0),
        "claimed" | "committed" => Some(1),
        _ => None,
    }
}

/// The ranks of scores in their order, from 1: how many lie above it beyond both intervals, and one. None where `can_rank` says no.
pub fn ranks(intervals: &[(bool, Option<i64>, Option<i64>)]) -> Vec<Option<u64>> {
    let better = |hi: Option<i64>| {
        let hi = hi?;
        let above = intervals.iter().filter(|(can, lo, _)| *can && lo.is_some_and(|lo| lo > hi)).count();
        Some(above as u64 + 1)
    };
    intervals.iter().map(|(can, _, hi)| if *can { better(*hi) } else { None }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(mean: i64, uplift: Option<i64>) -> Score {
        Score { key: Digest::ZERO, n: 10, k: 3, mean, lo: None, hi: None, uplift, trust: "claimed".to_owned() }
    }

    #[test]
    fn a_gain_is_a_part_of_what_was_left() {
        assert_eq!(gain(&score(822, Some(182))), Some(505));
        assert_eq!(gain(&score(1_000, Some(0))), None, "nothing was left to gain");
        assert_eq!(gain(&score(400, Some(-100))), Some(-200));
        assert_eq!(gain(&score(400, None)), None);
    }

    #[test]
    fn a_lift_is_proven_only_above_nothing() {
        let lift = |lo, hi| Lift { mean: 50, lo, hi };
        assert!(lift(Some(1), Some(99)).is_proven());
        assert!(!lift(Some(0), Some(100)).is_proven());
        assert!(!lift(None, None).is_proven());
    }

    #[test]
    fn what_was_refuted_or_is_stale_never_ranks() {
        let words = ["verified", "verified ×2", "claimed", "committed", "refuted", "stale", "certified"];
        assert_eq!(words.map(class), [Some(0), Some(0), Some(1), Some(1), None, None, None]);
    }

    #[test]
    fn overlapping_intervals_share_a_rank() {
        let all = [
            (true, Some(700), Some(900)),
            (true, Some(600), Some(800)),
            (false, Some(650), Some(660)),
            (true, Some(100), Some(300)),
            (true, None, None),
        ];
        assert_eq!(ranks(&all), [Some(1), Some(1), None, Some(3), None]);
    }
}
