//! `benchmark.json`: all runs of a workspace and what they add up to.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::{Map, Number, Value};

use super::files::{Expectation, Id};

/// `benchmark.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Benchmark {
    /// What was run.
    pub metadata: Metadata,
    /// Every run.
    pub runs: Vec<BenchmarkRun>,
    /// By configuration.
    pub run_summary: RunSummary,
    /// Remarks.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Members that are not named here.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What was run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// The skill.
    pub skill_name: String,
    /// Its folder.
    #[serde(default)]
    pub skill_path: String,
    /// The model that answered.
    #[serde(default)]
    pub executor_model: String,
    /// The model that wrote the remarks.
    #[serde(default)]
    pub analyzer_model: String,
    /// When, RFC 3339.
    #[serde(default)]
    pub timestamp: String,
    /// Ids of the evals, sorted.
    pub evals_run: Vec<Id>,
    /// The most runs of any eval and configuration.
    pub runs_per_configuration: u64,
    /// Members that are not named here.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchmarkRun {
    /// Its eval.
    pub eval_id: Id,
    /// The eval's name.
    #[serde(default)]
    pub eval_name: String,
    /// Its configuration: `with_skill`, `without_skill`, or another name.
    pub configuration: String,
    /// From 1.
    pub run_number: u64,
    /// Its numbers.
    pub result: RunResult,
    /// Its expectations with their grades.
    #[serde(default)]
    pub expectations: Vec<Expectation>,
    /// What the executor noted.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Members that are not named here.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The numbers of one run. What was not measured is left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// Share of expectations that hold.
    pub pass_rate: Number,
    /// Expectations that hold.
    pub passed: u64,
    /// Those that do not.
    #[serde(default)]
    pub failed: u64,
    /// All.
    pub total: u64,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_seconds: Option<Number>,
    /// Tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Number>,
    /// Calls of tools.
    #[serde(default)]
    pub tool_calls: u64,
    /// Errors on the way.
    #[serde(default)]
    pub errors: u64,
    /// Members that are not named here.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// By configuration, the candidate first, then the baseline, then others; and the difference. In JSON one object, with the
/// difference under `delta`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunSummary {
    /// Configurations by name, in this order.
    pub configurations: Vec<(String, ConfigurationSummary)>,
    /// Candidate - baseline; none where the roles are not known.
    pub delta: Option<DeltaTexts>,
}

/// What the runs of a configuration add up to. What no run measured is left out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ConfigurationSummary {
    /// Of the share of expectations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass_rate: Option<Stats>,
    /// Of the seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_seconds: Option<Stats>,
    /// Of the tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Stats>,
    /// Members that are not named here.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Mean, standard deviation (n - 1; 0 for one value) and range, rounded to four digits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Stats {
    pub mean: f64,
    #[serde(default)]
    pub stddev: f64,
    #[serde(default)]
    pub min: f64,
    #[serde(default)]
    pub max: f64,
}

/// Differences as texts: `+0.50`, `+13.0`, `+1700`. What one of the two did not measure is left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DeltaTexts {
    /// Two digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass_rate: Option<String>,
    /// One digit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_seconds: Option<String>,
    /// No digit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<String>,
    /// Members that are not named here.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl RunSummary {
    /// The summary of a configuration.
    pub fn of(&self, configuration: &str) -> Option<&ConfigurationSummary> {
        self.configurations.iter().find(|(name, _)| name == configuration).map(|(_, summary)| summary)
    }
}

/// The member that is no configuration.
const DELTA: &str = "delta";

impl Serialize for RunSummary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, summary) in &self.configurations {
            map.serialize_entry(name, summary)?;
        }
        if let Some(delta) = &self.delta {
            map.serialize_entry(DELTA, delta)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for RunSummary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = RunSummary;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("configurations by name, and delta")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<RunSummary, M::Error> {
                let mut summary = RunSummary::default();
                while let Some(name) = map.next_key::<String>()? {
                    if name == DELTA {
                        summary.delta = map.next_value()?;
                    } else {
                        summary.configurations.push((name, map.next_value()?));
                    }
                }
                Ok(summary)
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}
