//! Models and executor, opened once for many measurements.

use std::{collections::BTreeSet, ops::Range, path::PathBuf, sync::Arc};

use skill_bundle::{hash::sha256, jcs};
use skill_engine::{
    Reporter,
    eval::{Answering, Cache, Caps, Judge, Measured, Measurement, judge::Panel, measure, measure::cases_of},
    executor::{
        Canary, Executor, Marks, Skill as Files,
        agent::Agent,
        cli::Cli,
        metric::Metric,
        prompt::Prompt,
        replay::Cassette,
        sandbox::{self, Helper, Shell},
        scripts::Scripts,
        trigger,
    },
    grade::{Grader, JudgeReport},
    model::{Caps as Abilities, Engine, Fingerprint, Mode, Sampling, Sharing},
    record::{self, Baseline, ScoreKey},
    suite::{Lock, Opened, Split, Task},
};
use skill_schema::{Digest, Fault, codes};

use super::{
    helper, kept, models,
    options::{Kind, MAX_WIDTH, Options},
};
use crate::{context::Context, files};

/// The program in records.
const HARNESS: &str = "skill";
/// Bytes of a cassette at most.
const MAX_CASSETTE: usize = 256 << 20;

/// Everything that measurements of one suite share, whatever they measure.
pub struct Session {
    executor: Arc<dyn Executor>,
    engine: Option<Arc<dyn Engine>>,
    fingerprint: Fingerprint,
    abilities: Abilities,
    panel: Option<(Arc<Panel>, Fingerprint, Digest)>,
    key: ScoreKey,
    grader: record::Grader,
    harness: record::Harness,
    sampling: Sampling,
    mode: Mode,
    width: usize,
    worst_cost: u64,
    helper: Helper,
    pub(super) cache: PathBuf,
}

/// One measurement.
pub struct What<'a> {
    /// The suite.
    pub opened: &'a Opened,
    /// Its split.
    pub lock: &'a Lock,
    /// The part; none for all cases.
    pub part: Option<Split>,
    /// Ids of the only cases; none for all of the part.
    pub only: Option<&'a BTreeSet<String>>,
    /// The skill, for the record.
    pub skill: &'a record::Skill,
    /// What it is compared with; none to run the skill alone.
    pub baseline: Option<&'a Baseline>,
    /// The copies of baseline and skill that runs see.
    pub files: [Option<Arc<Files>>; 2],
    /// Which repeats.
    pub repeats: Range<u32>,
    /// Stops once the interval is this narrow, in millionths.
    pub until: Option<i64>,
    /// Ends the runs as soon as the gate's verdict on these terms is certain.
    pub early: Option<&'a record::Terms>,
    /// Hard caps.
    pub caps: Caps,
    /// Whether runs are made anew even if they are kept.
    pub fresh: bool,
    /// The logged attempt that gives the runs seeds of their own; none for the seeds that every eval has.
    pub attempt: Option<Digest>,
}

impl What<'_> {
    /// Runs for each repeat.
    pub fn count(&self) -> u64 {
        let chosen = |id: &str| {
            self.part.is_none_or(|part| self.lock.get(id) == Some(part))
                && self.only.is_none_or(|only| only.contains(id))
        };
        let cases = self.opened.suite.cases.iter().filter(|case| chosen(&case.id)).count() as u64;
        cases * if self.baseline.is_some() { 2 } else { 1 }
    }
}

impl Session {
    /// Opens what the options name. `salt` makes the scores of this session comparable with no others: numbers of commands are, which depend
    /// on what else the machine does.
    ///
    /// # Errors
    /// [`codes::MODEL`], [`codes::MODEL_UNAVAILABLE`], [`codes::CASSETTE`], [`codes::SANDBOX`]; a cap on cost without prices.
    pub async fn open(
        context: &Context,
        options: &Options,
        model: Option<&str>,
        opened: &Opened,
        sampling: Sampling,
        salt: Option<&str>,
    ) -> Result<Self, Fault> {
        let helper = helper(context)?;
        let settings = &opened.suite.settings;
        let network = settings.sandbox == "network";
        // The sandbox is tried, which starts processes, while the model is asked what it is.
        let (mechanism, opener) =
            tokio::join!(mechanism(helper.clone(), network), executor(context, options, model, opened, &helper));
        let Opener { executor, engine, fingerprint, abilities } = opener?;
        let panel = panel(context, options, opened).await?;
        let profile = sandbox::describe(mechanism?, network, &sandbox::Limits::default()).digest()?;
        let mut key = ScoreKey::new(Digest::ZERO, &fingerprint, &sampling, settings.limits);
        // How a case is answered decides what a score means as much as the sandbox does, so both are in this part of the key.
        let program = options.program.words()?.map(|words| (words, options.program.skills()));
        key.sandbox = sha256(&jcs::to_vec(&(executor.kind(), program, profile))?);
        if let Some(salt) = salt {
            key.sandbox = sha256(&jcs::to_vec(&(key.sandbox, salt))?);
        }
        key.harness = env!("CARGO_PKG_VERSION_MAJOR").parse().unwrap_or_default();
        let mut grader = record::Grader {
            prompt: settings.grader.prompt.clone(),
            model: None,
            votes: settings.grader.votes,
            self_agreement_ppm: None,
            judged_weight_ppm: 0,
            flagged: Vec::new(),
        };
        if let Some((_, model, prompt)) = &panel {
            (key.grader, key.grader_prompt) = (model.weights.clone(), *prompt);
            grader.model = Some(model.model.clone());
        }
        let harness = record::Harness {
            name: HARNESS.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            executor: match options.program.spelled()?.as_str() {
                "" => executor.kind().to_owned(),
                command => format!("{}:{command}", executor.kind()),
            },
        };
        Ok(Self {
            worst_cost: worst_cost(context, options, settings.limits.tokens)?,
            width: options.width().unwrap_or(abilities.max_parallel.clamp(1, MAX_WIDTH)),
            mode: options.mode(),
            cache: context.env.cache_dir.join(kept::RUNS),
            executor,
            engine,
            fingerprint,
            abilities,
            panel,
            key,
            grader,
            harness,
            sampling,
            helper,
        })
    }

    /// What its scores depend on beside the cases.
    pub fn key(&self) -> &ScoreKey {
        &self.key
    }

    /// The model that answers.
    pub fn model(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// The engine of the model that answers, if one of ours does.
    pub fn engine(&self) -> Option<Arc<dyn Engine>> {
        self.engine.clone()
    }

    /// The most that one run can cost, in millionths of a dollar.
    pub fn worst_cost(&self) -> u64 {
        self.worst_cost
    }

    /// Makes all runs and the record.
    ///
    /// # Errors
    /// Files of the suite that cannot be read; a part without cases.
    pub async fn measure(
        &self,
        context: &Context,
        what: &What<'_>,
        reporter: &dyn Reporter,
    ) -> Result<Measured, Fault> {
        let repeats = u32::try_from(what.repeats.len()).unwrap_or(u32::MAX);
        let measurement = Measurement {
            opened: what.opened,
            lock: what.lock,
            part: what.part,
            only: what.only,
            skill: what.skill,
            baseline: what.baseline,
            key: &self.key,
            model: &self.fingerprint,
            abilities: &self.abilities,
            mode: self.mode,
            grader: &self.grader,
            harness: &self.harness,
            first: what.repeats.start,
            repeats,
            until: what.until,
            early: what.early,
            width: self.width,
            caps: what.caps,
            fresh: what.fresh,
            attempt: what.attempt,
            who: "this machine",
        };
        let canary = kept::canary(context)?;
        let answering = self.answering(what, repeats, cases_of(&measurement)?, &canary);
        let cache = Cache::new(&self.cache);
        let mut measured = measure(&measurement, &answering, &cache, reporter, || context.clock.now()).await?;
        if let Some((panel, model, _)) = &self.panel {
            let report = JudgeReport::new(model, Some(&self.fingerprint), &panel.audit(), &measured.record.runs);
            measured.record.grader.self_agreement_ppm = report.self_agreement.map(|pm| u32::from(pm) * 1000);
            measured.record.grader.flagged = report.reason.into_iter().collect();
        }
        Ok(measured)
    }

    fn answering(
        &self,
        what: &What<'_>,
        repeats: u32,
        cases: Vec<Arc<skill_engine::suite::Case>>,
        canary: &Canary,
    ) -> Answering {
        let settings = &what.opened.suite.settings;
        let shell: Arc<dyn Shell> = Arc::new(self.helper.clone());
        let [base, cand] = what.files.clone();
        Answering {
            suite: what.opened.folder.path().to_owned(),
            base,
            cand,
            executor: Arc::clone(&self.executor),
            scripts: Arc::new(Scripts { shell }),
            judge: self.panel.as_ref().map(|(panel, ..)| Arc::clone(panel) as Arc<dyn Judge>),
            limits: settings.limits,
            sampling: self.sampling,
            network: settings.sandbox == "network",
            marks: Arc::new(marks(what.opened, canary)),
            repeats,
            worst_cost: self.worst_cost,
            cases,
        }
    }
}

/// What no run may show: the suite's path, its canary and this eval's, ids of cases.
fn marks(opened: &Opened, canary: &Canary) -> Marks {
    let suite = &opened.suite;
    let canaries = suite.settings.canary.iter().cloned().chain([canary.text().to_owned()]).collect();
    let ids = suite.cases.iter().map(|case| case.id.clone()).collect();
    Marks::new(vec![opened.evals_path().display().to_string()], canaries, ids)
}

/// What the sandbox is made of here.
async fn mechanism(helper: Helper, network: bool) -> Result<sandbox::Mechanism, Fault> {
    let failed = |detail: String| Fault::new(codes::IO).detail(detail);
    let probe = move || {
        let place = tempfile::tempdir().map_err(|e| failed(e.to_string()))?;
        sandbox::probe(&helper, place.path(), network)
    };
    tokio::task::spawn_blocking(probe).await.map_err(|e| failed(e.to_string()))?
}

/// What answers.
struct Opener {
    executor: Arc<dyn Executor>,
    engine: Option<Arc<dyn Engine>>,
    fingerprint: Fingerprint,
    abilities: Abilities,
}

impl Opener {
    /// An executor without a model of ours.
    fn without_model(executor: impl Executor + 'static, engine: &str, what: &str) -> Self {
        let fingerprint = stand_in(engine, what);
        Self { executor: Arc::new(executor), engine: None, fingerprint, abilities: no_abilities() }
    }
}

async fn executor(
    context: &Context,
    options: &Options,
    model: Option<&str>,
    opened: &Opened,
    helper: &Helper,
) -> Result<Opener, Fault> {
    let (mode, shell) = (options.mode(), || -> Arc<dyn Shell> { Arc::new(helper.clone()) });
    match options.executor {
        Kind::Replay => {
            let path = options.cassette.clone().unwrap_or_default();
            let bytes = files::read(&path, MAX_CASSETTE)?
                .ok_or_else(|| Fault::new(codes::NO_PATH).at(path.display().to_string()))?;
            let digest = sha256(&bytes);
            let at = path.display().to_string();
            let cassette = Cassette::parse(&bytes).map_err(|fault| fault.at(at))?;
            Ok(Opener::without_model(cassette, "replay", &digest.to_string()))
        }
        Kind::Cli => {
            let template = options.program.template(opened.suite.settings.sandbox == "network")?;
            if !template.argv.iter().any(|word| word.contains("{prompt}")) {
                context.output.warn("the command has no {prompt}: it is not told what is asked");
            }
            Ok(Opener::without_model(Cli { template, shell: shell() }, "cli", &options.program.spelled()?))
        }
        // Commands print their own numbers: no model is asked for anything.
        _ if model.is_none() && opened.suite.cases.iter().all(|case| matches!(case.task, Task::Metric { .. })) => {
            Ok(Opener::without_model(Metric { shell: shell() }, "metric", "none"))
        }
        Kind::Prompt | Kind::Agent => {
            let engine = models::open(context, model, options.width()).await?;
            let (fingerprint, abilities) = (engine.fingerprint().clone(), engine.caps().clone());
            let own = Some(Arc::clone(&engine));
            let executor: Arc<dyn Executor> = if options.executor == Kind::Agent {
                Arc::new(Agent { engine, mode, shell: shell(), distractors: trigger::distractors() })
            } else {
                Arc::new(Prompt { engine, mode, distractors: trigger::distractors(), shell: shell() })
            };
            Ok(Opener { executor, engine: own, fingerprint, abilities })
        }
    }
}

async fn panel(
    context: &Context,
    options: &Options,
    opened: &Opened,
) -> Result<Option<(Arc<Panel>, Fingerprint, Digest)>, Fault> {
    let Some(named) = &options.grader else { return Ok(None) };
    let engine: Arc<dyn Engine> = models::open(context, Some(named), options.width()).await?;
    let fingerprint = engine.fingerprint().clone();
    let mut grader = Grader::new(engine, &opened.suite.settings.grader, opened.folder.path(), 0)?;
    // What an exact run is given by its grader can be reproduced as well.
    grader.mode = options.mode();
    let prompt = grader.prompt_digest();
    Ok(Some((Arc::new(Panel::new(grader)), fingerprint, prompt)))
}

/// Millionths of a dollar that a run of so many tokens can cost.
fn worst_cost(context: &Context, options: &Options, tokens: u64) -> Result<u64, Fault> {
    let prices = models::prices(context)?;
    if options.max_cost.is_some() && prices.is_none() {
        let detail =
            "--max-cost needs to know what tokens cost: skill config set eval.price-prompt 0.25, and eval.price-output";
        return Err(Fault::new(codes::USAGE).detail(detail));
    }
    let highest =
        prices.map_or(0, |prices| prices.prompt.max(prices.cached).max(prices.cache_write).max(prices.output));
    Ok(tokens.saturating_mul(highest).div_ceil(1_000_000))
}

/// What stands for the model where the executor has none of ours.
fn stand_in(engine: &str, what: &str) -> Fingerprint {
    Fingerprint {
        model: engine.to_owned(),
        weights: what.to_owned(),
        quantisation: "unknown".to_owned(),
        engine: engine.to_owned(),
        build: "1".to_owned(),
        device: "none".to_owned(),
    }
}

fn no_abilities() -> Abilities {
    Abilities {
        prefix_sharing: Sharing::None,
        constraints: false,
        seed: false,
        exact: true,
        max_parallel: 2,
        context: 0,
        device: "none".to_owned(),
    }
}
