//! The flags of the commands that measure.

use std::path::PathBuf;

use clap::ValueEnum;
use skill_engine::{eval::Caps, model::Mode, suite::Split};

use super::program::Program;

/// Runs at once at most: more connections and files than a machine may open otherwise.
pub const MAX_WIDTH: usize = 256;

/// What is measured, and how.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The skill's folder.
    #[arg(value_name = "SKILL", default_value = ".")]
    pub skill: PathBuf,
    /// The suite: a folder or file [default: evals/evals.json of the skill].
    #[arg(long, value_name = "PATH")]
    pub suite: Option<PathBuf>,
    /// Compare with another version's folder instead of no skill.
    #[arg(long, value_name = "DIR", conflicts_with = "alone")]
    pub baseline: Option<PathBuf>,
    /// Run the skill alone, without a baseline.
    #[arg(long)]
    pub alone: bool,
    /// Cases of this part of the split only.
    #[arg(long, value_enum, value_name = "train|holdout|all", default_value = "all", hide_possible_values = true)]
    pub part: Part,
    /// Runs of each case and arm [default: the suite's].
    #[arg(long, short = 'k', value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub runs: Option<u32>,
    /// Stop when the 95 % interval is at most this many points to each side; --runs is then the most.
    #[arg(long, value_name = "POINTS")]
    pub until_ci: Option<f64>,
    /// How cases are answered.
    #[arg(
        long,
        value_enum,
        default_value = "prompt",
        hide_possible_values = true,
        value_name = "prompt|agent|cli|replay"
    )]
    pub executor: Kind,
    /// The program of --executor cli.
    #[command(flatten)]
    pub program: Program,
    /// The recorded runs of --executor replay.
    #[arg(long, value_name = "FILE", required_if_eq("executor", "replay"))]
    pub cassette: Option<PathBuf>,
    /// The model that grades expectations and rubrics; without one they are not counted.
    #[arg(long, value_name = "MODEL")]
    pub grader: Option<String>,
    /// Temperature of the model [default: the suite's]; 0 is greedy, and then one run a case says all.
    #[arg(long, value_name = "T")]
    pub temperature: Option<f64>,
    /// Tokens of an answer at most [default: the suite's].
    #[arg(long, value_name = "N")]
    pub max_tokens: Option<u32>,
    /// Make answers independent of what runs beside them, so that they can be reproduced to the bit.
    #[arg(long)]
    pub exact: bool,
    /// Make every run anew, also those that are kept from earlier.
    #[arg(long)]
    pub fresh: bool,
    /// Runs at once [default: what the model can do].
    #[arg(long, value_name = "N")]
    pub width: Option<usize>,
    /// Begin at most this many runs.
    #[arg(long, value_name = "N", help_heading = "Caps")]
    pub max_runs: Option<u64>,
    /// Use at most this many tokens.
    #[arg(long, value_name = "N", help_heading = "Caps")]
    pub max_tokens_total: Option<u64>,
    /// Begin nothing after this many seconds.
    #[arg(long, value_name = "N", help_heading = "Caps")]
    pub max_seconds: Option<u64>,
    /// Spend at most this many dollars.
    #[arg(long, value_name = "USD", help_heading = "Caps")]
    pub max_cost: Option<f64>,
}

/// How a version is measured that is published.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Measuring")]
pub struct How {
    /// The model that answers [default: eval.model, or the only one of this machine].
    #[arg(long, short, value_name = "MODEL")]
    pub model: Option<String>,
    /// How cases are answered.
    #[arg(
        long,
        value_enum,
        default_value = "prompt",
        hide_possible_values = true,
        value_name = "prompt|agent|cli|replay"
    )]
    pub executor: Kind,
    /// The program of --executor cli.
    #[command(flatten)]
    pub program: Program,
    /// The recorded runs of --executor replay.
    #[arg(long, value_name = "FILE", required_if_eq("executor", "replay"))]
    pub cassette: Option<PathBuf>,
    /// The model that grades expectations and rubrics; without one they are not counted.
    #[arg(long, value_name = "MODEL")]
    pub grader: Option<String>,
    /// Runs of each case and arm [default: the suite's].
    #[arg(long, short = 'k', value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub runs: Option<u32>,
    /// Runs at once [default: what the model can do].
    #[arg(long, value_name = "N")]
    pub width: Option<usize>,
    /// Begin at most this many runs.
    #[arg(long, value_name = "N")]
    pub max_runs: Option<u64>,
    /// Begin nothing after this many seconds.
    #[arg(long, value_name = "N")]
    pub max_seconds: Option<u64>,
    /// Use at most this many tokens.
    #[arg(long, value_name = "N")]
    pub max_tokens_total: Option<u64>,
    /// Spend at most this many dollars.
    #[arg(long, value_name = "USD")]
    pub max_cost: Option<f64>,
}

impl How {
    /// The holdout of a skill's suite, measured like this.
    pub fn options(&self, skill: PathBuf, baseline: Option<PathBuf>, suite: Option<PathBuf>) -> Options {
        Options {
            baseline,
            suite,
            runs: self.runs,
            executor: self.executor,
            program: self.program.clone(),
            cassette: self.cassette.clone(),
            grader: self.grader.clone(),
            width: self.width,
            max_runs: self.max_runs,
            max_seconds: self.max_seconds,
            max_tokens_total: self.max_tokens_total,
            max_cost: self.max_cost,
            ..Options::holdout(skill)
        }
    }
}

/// A part of the split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// For improving.
    Train,
    /// For the gate.
    Holdout,
    /// Everything.
    All,
}

/// How cases are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// One model call.
    Prompt,
    /// Our own tool loop in a sandbox.
    Agent,
    /// A program.
    Cli,
    /// Recorded runs.
    Replay,
}

impl Options {
    /// The holdout of a skill's suite, as the suite says.
    pub fn holdout(skill: PathBuf) -> Self {
        Self {
            skill,
            suite: None,
            baseline: None,
            alone: false,
            part: Part::Holdout,
            runs: None,
            until_ci: None,
            executor: Kind::Prompt,
            program: Program::default(),
            cassette: None,
            grader: None,
            temperature: None,
            max_tokens: None,
            exact: false,
            fresh: false,
            width: None,
            max_runs: None,
            max_tokens_total: None,
            max_seconds: None,
            max_cost: None,
        }
    }

    /// The part of the split; none for everything.
    pub fn split(&self) -> Option<Split> {
        match self.part {
            Part::Train => Some(Split::Train),
            Part::Holdout => Some(Split::Holdout),
            Part::All => None,
        }
    }

    /// Runs at once, if the user says so.
    pub fn width(&self) -> Option<usize> {
        self.width.map(|width| width.clamp(1, MAX_WIDTH))
    }

    /// Whether answers may depend on what runs beside them.
    pub fn mode(&self) -> Mode {
        if self.exact { Mode::Exact } else { Mode::Throughput }
    }

    /// The hard caps.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float becomes the nearest integer")]
    pub fn caps(&self) -> Caps {
        Caps {
            runs: self.max_runs,
            tokens: self.max_tokens_total,
            seconds: self.max_seconds,
            cost_micros: self.max_cost.map(|dollars| (dollars * 1e6) as u64),
        }
    }
}
