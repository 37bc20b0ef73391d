//! The flags of `skill improve`: what is improved, which a run keeps, and its limits, which may change when it goes on.

use std::{path::PathBuf, time::Duration};

use clap::ValueEnum as _;
use serde::{Deserialize, Serialize};
use skill_engine::eval::Caps;
use skill_schema::{Fault, codes};

use crate::evals::{
    options::{Kind, Options, Part},
    program::Program,
};

/// Experiments of an overnight run.
const NIGHT: u32 = 100;
/// Experiments of `--quick`, as skill-creator's improve makes.
const QUICK: u32 = 5;
/// Seconds of one experiment, unless the flags say otherwise.
const BUDGET_S: u64 = 300;

/// What is improved, and with what.
#[derive(Debug, Clone, PartialEq, clap::Args, Serialize, Deserialize)]
pub struct What {
    /// The skill's folder.
    #[arg(value_name = "SKILL", default_value = ".")]
    pub skill: PathBuf,
    /// The suite: a folder or file [default: evals/evals.json of the skill].
    #[arg(long, value_name = "PATH")]
    pub suite: Option<PathBuf>,
    /// The model that answers [default: eval.model, or the only one of this machine].
    #[arg(long, short, value_name = "MODEL")]
    pub model: Option<String>,
    /// How cases are answered.
    #[arg(long, default_value = "prompt", value_name = "prompt|agent|cli", value_parser = ["prompt", "agent", "cli"], hide_possible_values = true)]
    pub executor: String,
    /// The program of --executor cli.
    #[command(flatten)]
    pub program: Program,
    /// The model that grades expectations and rubrics; without one they are not counted.
    #[arg(long, value_name = "MODEL")]
    pub grader: Option<String>,
    /// The model that proposes [default: the one that answers].
    #[arg(long, value_name = "MODEL", conflicts_with = "proposer_cmd")]
    pub proposer: Option<String>,
    /// A command that proposes: it reads a brief on standard input and edits the folder that it is started in.
    #[arg(long, value_name = "CMD")]
    pub proposer_cmd: Option<String>,
    /// A skill that solves the cases, to try the suite on [default: the suite's `oracle`].
    #[arg(long, value_name = "DIR")]
    pub oracle: Option<PathBuf>,
    /// Runs of each train case [default: the suite's].
    #[arg(long, short = 'k', value_name = "N", value_parser = clap::value_parser!(u32).range(1..=20))]
    pub runs: Option<u32>,
    /// Temperature of the model [default: the suite's].
    #[arg(long, value_name = "T")]
    pub temperature: Option<f64>,
    /// Runs at once [default: what the model can do].
    #[arg(long, value_name = "N")]
    pub width: Option<usize>,
    /// Edit the description alone: it decides when an agent takes up the skill.
    #[arg(long)]
    pub description: bool,
    /// Show each edit that was measured on all cases, and ask whether to keep it.
    #[arg(long)]
    pub interactive: bool,
}

/// The limits.
#[derive(Debug, Clone, Default, PartialEq, clap::Args, Serialize, Deserialize)]
pub struct Limits {
    /// Make five experiments.
    #[arg(long, conflicts_with = "experiments")]
    pub quick: bool,
    /// Make this many experiments [default: 100].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub experiments: Option<u32>,
    /// Time of one experiment, as 90s, 5m or 1h [default: 5m].
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub budget: Option<u64>,
    /// Spend at most this many dollars.
    #[arg(long, value_name = "USD", help_heading = "Caps")]
    pub max_cost: Option<f64>,
    /// Use at most this many tokens.
    #[arg(long, value_name = "N", help_heading = "Caps")]
    pub max_tokens: Option<u64>,
    /// Begin nothing after this many seconds.
    #[arg(long, value_name = "N", help_heading = "Caps")]
    pub max_seconds: Option<u64>,
}

impl What {
    /// The same as flags of a measurement.
    ///
    /// # Errors
    /// [`codes::USAGE`] for an executor that does not exist.
    pub fn options(&self, limits: &Limits) -> Result<Options, Fault> {
        let executor = Kind::from_str(&self.executor, true).map_err(|e| Fault::new(codes::USAGE).detail(e))?;
        Ok(Options {
            skill: self.skill.clone(),
            suite: self.suite.clone(),
            baseline: None,
            alone: true,
            part: Part::Train,
            runs: self.runs,
            until_ci: None,
            executor,
            program: self.program.clone(),
            cassette: None,
            grader: self.grader.clone(),
            temperature: self.temperature,
            max_tokens: None,
            exact: false,
            fresh: false,
            width: self.width,
            max_runs: None,
            max_tokens_total: limits.max_tokens,
            max_seconds: limits.max_seconds,
            max_cost: limits.max_cost,
        })
    }

    /// What proposes, as a name.
    pub fn proposer_name(&self) -> String {
        match (&self.proposer_cmd, &self.proposer) {
            (Some(command), _) => format!("command:{command}"),
            (None, Some(model)) => format!("model:{model}"),
            (None, None) => "model".to_owned(),
        }
    }
}

impl Limits {
    /// These, and where nothing is said those of before.
    pub fn or(&self, before: &Self) -> Self {
        let says = self.quick || self.experiments.is_some();
        Self {
            quick: if says { self.quick } else { before.quick },
            experiments: if says { self.experiments } else { before.experiments },
            budget: self.budget.or(before.budget),
            max_cost: self.max_cost.or(before.max_cost),
            max_tokens: self.max_tokens.or(before.max_tokens),
            max_seconds: self.max_seconds.or(before.max_seconds),
        }
    }

    /// Experiments that are asked for.
    pub fn goal(&self) -> u32 {
        self.experiments.unwrap_or(if self.quick { QUICK } else { NIGHT })
    }

    /// Time of one experiment.
    pub fn of_one(&self) -> Duration {
        Duration::from_secs(self.budget.unwrap_or(BUDGET_S))
    }

    /// The caps of the whole.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float becomes the nearest integer")]
    pub fn caps(&self) -> Caps {
        Caps {
            runs: None,
            tokens: self.max_tokens,
            seconds: self.max_seconds,
            cost_micros: self.max_cost.map(|dollars| (dollars * 1e6) as u64),
        }
    }
}

/// A time as people write it.
fn seconds(text: &str) -> Result<u64, String> {
    let (number, unit) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3600),
        _ => (text, 1),
    };
    let seconds = number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit));
    seconds
        .filter(|n| (1..=86_400).contains(n))
        .ok_or_else(|| "a time from 1s to 24h is expected, as 90s, 5m or 1h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_on_both_sides_of_their_limits() {
        for (text, time) in [("1", 1), ("90s", 90), ("5m", 300), ("24h", 86_400)] {
            assert_eq!(seconds(text), Ok(time));
        }
        for bad in ["", "0", "25h", "m", "-1s", "5 m", "1d", "99999999999999999999h"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn limits_that_are_given_again_replace_those_of_before() {
        let before = Limits { experiments: Some(30), max_tokens: Some(7), ..Limits::default() };
        assert_eq!(Limits::default().or(&before), before);
        let now = Limits { quick: true, ..Limits::default() }.or(&before);
        assert_eq!((now.goal(), now.max_tokens), (5, Some(7)));
        assert_eq!(Limits::default().goal(), 100);
    }
}
