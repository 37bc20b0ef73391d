//! Why a verdict is not an accept: one stable word each, what happened, and what to do.

use std::fmt;

use serde::{Serialize, Serializer};
use skill_schema::codes::escape;

/// A reason, in the order in which a verdict lists them. The first eight make it invalid, the others a reject.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Fewer complete holdout cases than [`super::MIN_CASES`].
    TooFewCases,
    /// The cases form fewer groups than [`super::MIN_CASES`].
    TooFewClusters,
    /// Fewer runs a case than [`super::MIN_RUNS`], and not greedy.
    TooFewRuns,
    /// More dropped cases than one, and than 5 % of all.
    TooManyDropped,
    /// More than 10 % of the runs failed for reasons outside of the skill.
    Infra,
    /// The arms did not take turns.
    NotInterleaved,
    /// More than 5 % of the runs read what they must not read.
    Tainted,
    /// An oracle scored too low, or an empty skill too high.
    ControlsFailed,
    /// The critical case of this index did not pass in every run of the candidate.
    CriticalCaseFailed(usize),
    /// The gain is below 10 per mille.
    BelowStep,
    /// The gain is below its standard error.
    BelowLadderStep,
    /// The exact test's p is above the level.
    NotSignificant,
    /// The candidate's mean is below the recorded mean of the head.
    BelowRecorded,
    /// A category with three cases or more drops by more than 100 per mille.
    CategoryDrop(String),
    /// More than 1.5 times the head's tokens for a gain below 100 per mille.
    TokenCost,
    /// The security scan found something.
    Scan,
    /// The skill holds text of the holdout.
    Leak,
}

impl Reason {
    /// The stable word, without case or category.
    pub fn code(&self) -> &'static str {
        self.row().0
    }

    /// What happened, lower case, without a full stop.
    pub fn happened(&self) -> String {
        let text = self.row().1;
        match self {
            Self::CriticalCaseFailed(case) => format!("critical case {case} {text}"),
            Self::CategoryDrop(category) => format!("category {} {text}", escape(category)),
            _ => text.to_owned(),
        }
    }

    /// What to do about it, lower case, without a full stop.
    pub fn what_to_do(&self) -> &'static str {
        self.row().2
    }

    /// Word, what happened, what to do.
    fn row(&self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::TooFewCases => (
                "too_few_cases",
                "fewer than 8 complete holdout cases",
                "add cases to the suite; skill eval plan says what how many of them can prove",
            ),
            Self::TooFewClusters => (
                "too_few_clusters",
                "the holdout cases form fewer than 8 groups",
                "add cases that share no fixture or group with others; cases of one group count as one observation",
            ),
            Self::TooFewRuns => (
                "too_few_runs",
                "fewer than 3 runs of each case",
                "run each case at least 3 times (runs.gate of the suite), or at temperature 0",
            ),
            Self::TooManyDropped => (
                "too_many_dropped",
                "more than one case, and more than 5 % of them, had to be dropped",
                "see why runs are missing, and run again; finished runs are kept",
            ),
            Self::Infra => (
                "infra",
                "more than 10 % of the runs failed for reasons outside of the skill",
                "see to the machine, the network or the provider, and run again; finished runs are kept",
            ),
            Self::NotInterleaved => (
                "not_interleaved",
                "the runs of head and candidate did not take turns",
                "let the gate run both; scores of different days are not compared",
            ),
            Self::Tainted => (
                "tainted",
                "more than 5 % of the runs read what they must not read",
                "keep suite, graders and the other arm's outputs out of the executor's reach",
            ),
            Self::ControlsFailed => (
                "controls_failed",
                "the controls failed: a perfect answer scored too low, or an empty skill too high",
                "repair the suite's checks; they do not measure the skill",
            ),
            Self::CriticalCaseFailed(_) => (
                "critical_case_failed",
                "did not pass in every run of the candidate",
                "make it pass every time; no mean outweighs a critical case",
            ),
            Self::BelowStep => (
                "below_step",
                "the gain is below 1 point",
                "an improvement is at least 1 point; publish as a maintenance release if no gain is claimed",
            ),
            Self::BelowLadderStep => (
                "below_ladder_step",
                "the gain is smaller than its own standard error",
                "improve the skill more, or measure with more cases or runs",
            ),
            Self::NotSignificant => (
                "not_significant",
                "chance alone explains the difference too well",
                "improve the skill more, or measure with more cases or runs; each failed attempt halves the level",
            ),
            Self::BelowRecorded => (
                "below_recorded",
                "the candidate's mean is below the recorded mean of its head",
                "the head did worse today than it is recorded with; improve the skill beyond the recorded mean",
            ),
            Self::CategoryDrop(_) => (
                "category_drop",
                "drops by more than 10 points",
                "win back what that category lost; a gain elsewhere does not pay for it",
            ),
            Self::TokenCost => (
                "token_cost",
                "it uses more than 1.5 times the tokens of its head for a gain below 10 points",
                "shorten the skill, or move parts into references that are read on demand",
            ),
            Self::Scan => ("scan", "the security scan found something", "see skill check, and remove what it found"),
            Self::Leak => (
                "leak",
                "the skill holds text of the holdout",
                "remove it; the score would measure memory, and the cases concerned have to be replaced",
            ),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())?;
        match self {
            Self::CriticalCaseFailed(case) => write!(f, ":{case}"),
            Self::CategoryDrop(category) => write!(f, ":{category}"),
            _ => Ok(()),
        }
    }
}

impl Serialize for Reason {
    /// A reason is its word, with case or category after a colon.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &[&str] = &[
        "too_few_cases",
        "too_few_clusters",
        "too_few_runs",
        "too_many_dropped",
        "infra",
        "not_interleaved",
        "tainted",
        "controls_failed",
        "critical_case_failed",
        "below_step",
        "below_ladder_step",
        "not_significant",
        "below_recorded",
        "category_drop",
        "token_cost",
        "scan",
        "leak",
    ];

    #[test]
    fn every_word_is_explained_in_the_documents() {
        let page = include_str!("../../../docs/scores.md");
        let mut last = 0;
        for word in WORDS {
            let row =
                page.find(&format!("| `{word}")).unwrap_or_else(|| panic!("docs/scores.md has no row for {word}"));
            assert!(row > last, "{word} stands in another order");
            last = row;
        }
    }

    #[test]
    fn text_of_a_suite_is_escaped_where_people_read_it() {
        let reason = Reason::CategoryDrop("fill\u{1b}[31m".to_owned());
        assert_eq!(reason.happened(), "category fill\\u{1b}[31m drops by more than 10 points");
        assert_eq!(Reason::CriticalCaseFailed(3).to_string(), "critical_case_failed:3");
        assert_eq!(serde_json::to_string(&Reason::CategoryDrop("a\"b".to_owned())).unwrap(), r#""category_drop:a\"b""#);
    }
}
