//! What follows from the runs of a record. Means and differences are in millionths: 1,000,000 is every check of every run.

use serde::{Deserialize, Serialize};

use crate::run::Status;

/// The result of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResultSummary {
    /// Complete cases: every arm has `repeats` scored runs. Only these count.
    pub cases: u32,
    /// Groups of the complete cases.
    pub groups: u32,
    /// Runs a case and arm.
    pub repeats: u32,
    /// Ids of the cases that are not complete, in the order of the suite. They count in neither arm.
    pub dropped: Vec<String>,
    /// How all runs ended, both arms together.
    pub statuses: Statuses,
    /// The baseline; none if it was not run.
    pub base: Option<ArmSummary>,
    /// The skill.
    pub cand: ArmSummary,
    /// The skill minus the baseline; none without a baseline or complete cases.
    pub delta: Option<Delta>,
    /// By category, in the order of their first case.
    pub categories: Vec<CategoryResult>,
    /// By case, in the order of the suite.
    pub by_case: Vec<CaseResult>,
}

/// One arm over all complete cases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmSummary {
    /// Unweighted mean over cases of the mean over runs; none without complete cases.
    pub mean_ppm: Option<i64>,
    /// 95 % interval of the mean for new cases of the same kind; none with fewer than two groups.
    pub interval: Option<Interval>,
    /// Tokens a run, prompts and answers together, on average, rounded half-even.
    pub tokens: u64,
    /// Milliseconds a run, on average.
    pub ms: u64,
    /// Millionths of a dollar a run, on average.
    pub cost_micros: u64,
}

/// A 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// Its lower end, in millionths.
    pub low_ppm: i64,
    /// Its upper end, in millionths.
    pub high_ppm: i64,
}

/// The skill minus the baseline, paired by case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delta {
    /// Mean over cases of the difference.
    pub mean_ppm: i64,
    /// Standard error over groups; none with fewer than two.
    pub se_ppm: Option<i64>,
    /// 95 % interval (Student's t, groups - 1 degrees of freedom); none with fewer than two groups.
    pub interval: Option<Interval>,
    /// (with - without) / (1 - without); none where nothing was left to gain.
    pub gain_ppm: Option<i64>,
    /// Cases on which the skill is better.
    pub better: u32,
    /// Cases on which it is worse.
    pub worse: u32,
    /// Cases on which both are equal.
    pub tied: u32,
}

/// One category over its complete cases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryResult {
    /// Its name.
    pub category: String,
    /// Its complete cases.
    pub cases: u32,
    /// Mean of the baseline.
    pub base_ppm: Option<i64>,
    /// Mean of the skill.
    pub cand_ppm: Option<i64>,
    /// The difference.
    pub delta_ppm: Option<i64>,
}

/// One case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseResult {
    /// Its id.
    pub id: String,
    /// Whether it counts.
    pub complete: bool,
    /// The baseline; none if it has no run of this case.
    pub base: Option<CaseArm>,
    /// The skill; none if it has no run of this case.
    pub cand: Option<CaseArm>,
    /// The difference; none if the case does not count or there is no baseline.
    pub delta_ppm: Option<i64>,
}

/// One arm on one case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseArm {
    /// Mean over the scored runs; none if there are none.
    pub mean_ppm: Option<i64>,
    /// Per-mille scores in the order of the repeats; none is missing.
    pub scores: Vec<Option<u16>>,
    /// Tokens a run, on average over the scored runs.
    pub tokens: u64,
}

/// How many runs ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the members are those of run::Status")]
pub struct Statuses {
    pub ok: u32,
    pub timeout: u32,
    pub limit: u32,
    pub crash: u32,
    pub infra: u32,
    pub grader_error: u32,
    pub tainted: u32,
}

impl Statuses {
    /// Counts one more run.
    pub fn add(&mut self, status: Status) {
        *match status {
            Status::Ok => &mut self.ok,
            Status::Timeout => &mut self.timeout,
            Status::Limit => &mut self.limit,
            Status::Crash => &mut self.crash,
            Status::Infra => &mut self.infra,
            Status::GraderError => &mut self.grader_error,
            Status::Tainted => &mut self.tainted,
        } += 1;
    }

    /// All runs.
    pub fn total(&self) -> u32 {
        self.ok + self.timeout + self.limit + self.crash + self.missing()
    }

    /// Runs without a score.
    pub fn missing(&self) -> u32 {
        self.infra + self.grader_error + self.tainted
    }
}
