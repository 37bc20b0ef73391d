//! From flags to a measurement: reads skill and suite, opens the models, and runs everything.

use std::{path::Path, sync::Arc};

use skill_bundle::{Package, hash::sha256, jcs, pack};
use skill_engine::{
    eval::{Answering, Measured, Measurement, judge::Panel, measure, measure::cases_of},
    executor::{
        Canary, Executor, Marks, Skill as Files,
        agent::Agent,
        cli::Cli,
        leak::{self, Leak},
        prompt::Prompt,
        replay::Cassette,
        sandbox::{self, Helper, Shell},
        scripts::Scripts,
        trigger,
    },
    grade::{Grader, JudgeReport},
    model::{Caps as Abilities, Engine, Fingerprint, Sampling, Sharing},
    record::{self, Baseline, ScoreKey},
    suite::{Lock, Opened, Split, Suite, Task},
};
use skill_schema::{Digest, Fault, Limits, codes, manifest};

use super::{
    Drawn, helper, kept, models,
    options::{Kind, Options},
};
use crate::{context::Context, files, source::Local};

/// The program in records.
const HARNESS: &str = "skill";
/// Bytes of a cassette at most.
const MAX_CASSETTE: usize = 256 << 20;

/// Everything that an eval needs, read and opened.
pub struct Prepared {
    /// The suite.
    pub opened: Opened,
    /// Its split; cases that are not locked yet are decided as the rule says.
    pub lock: Lock,
    /// The skill, for the record.
    pub skill: record::Skill,
    /// What it is compared with.
    pub baseline: Option<Baseline>,
    /// The skill as it would be published.
    package: Package,
    files: [Option<Arc<Files>>; 2],
    helper: Helper,
}

/// Reads skill, baseline and suite.
///
/// # Errors
/// A folder that is no skill; [`codes::NO_SUITE`], [`codes::SUITE`], [`codes::SPLIT_LOCK`].
pub fn prepare(context: &Context, options: &Options) -> Result<Prepared, Fault> {
    let (skill, cand, package) = read_skill(&options.skill)?;
    let opened = Suite::read(options.suite.as_ref().unwrap_or(&options.skill))?;
    let lock = opened.suite.split(&opened.lock()?)?;
    let (baseline, base) = match &options.baseline {
        _ if options.alone => (None, None),
        None => (Some(Baseline::NoSkill {}), None),
        Some(folder) => {
            let (other, files, _) = read_skill(folder)?;
            (Some(Baseline::Version { name: other.title(), tree: other.tree }), Some(files))
        }
    };
    Ok(Prepared { opened, lock, skill, baseline, package, files: [base, Some(cand)], helper: helper(context)? })
}

/// A skill's folder: what stands in the record, the copy that runs see, and what would be published.
fn read_skill(folder: &Path) -> Result<(record::Skill, Arc<Files>, Package), Fault> {
    // Says in the words of every command that there is no such folder.
    Local::find(folder)?;
    let packed = pack::pack_dir(folder, &Limits::V1)?;
    let files = Files::load(folder)?;
    let text = files::read_text(&folder.join(manifest::FILE), Limits::V1.skill_md)?;
    let known = text.and_then(|text| manifest::check(&text).0);
    let skill = record::Skill {
        name: known.as_ref().map_or_else(|| files.name.clone(), |manifest| manifest.id.to_string()),
        version: known.as_ref().map(|manifest| manifest.version.to_string()),
        tree: packed.package.tree(),
        parent: None,
        forked_from: None,
    };
    Ok((skill, Arc::new(files), packed.package))
}

impl Prepared {
    /// Runs a case and arm.
    pub fn repeats(&self, options: &Options, sampling: &Sampling) -> u32 {
        let wanted = options.runs.unwrap_or(match options.split() {
            Some(skill_engine::suite::Split::Train) => self.opened.suite.settings.runs_train,
            _ => self.opened.suite.settings.runs_gate,
        });
        // Greedy decoding says the same every time.
        if sampling.temperature == 0.0 { 1 } else { wanted.max(1) }
    }

    /// How tokens are chosen: the suite's, with what the flags change.
    pub fn sampling(&self, options: &Options) -> Sampling {
        let suite = self.opened.suite.settings.sampling;
        Sampling {
            temperature: options.temperature.unwrap_or(suite.temperature),
            max_tokens: options.max_tokens.unwrap_or(suite.max_tokens),
            ..suite
        }
    }

    /// Makes all runs and the record.
    ///
    /// # Errors
    /// [`codes::MODEL`], [`codes::MODEL_UNAVAILABLE`], [`codes::CASSETTE`]; files of the suite that cannot be read.
    pub async fn measure(&self, context: &Context, options: &Options, model: Option<&str>) -> Result<Measured, Fault> {
        self.ready(context, options, model).await?.measure(None).await
    }

    /// Opens what answers and grades: from here on the score key is known, and nothing was run yet.
    ///
    /// # Errors
    /// [`codes::MODEL`], [`codes::MODEL_UNAVAILABLE`], [`codes::CASSETTE`].
    pub async fn ready<'p>(
        &'p self,
        context: &'p Context,
        options: &'p Options,
        model: Option<&str>,
    ) -> Result<Ready<'p>, Fault> {
        let (executor, fingerprint, abilities) = self.executor(context, options, model).await?;
        let panel = self.panel(context, options).await?;
        let sampling = self.sampling(options);
        let settings = &self.opened.suite.settings;
        let shell_profile =
            sandbox::describe(self.mechanism()?, settings.sandbox == "network", &sandbox::Limits::default());
        let mut key = ScoreKey::new(Digest::ZERO, &fingerprint, &sampling, settings.limits);
        // How a case is answered decides what a score means as much as the sandbox does, so both are in this part of the key.
        let program = options.program.words()?.map(|words| (words, options.program.skills()));
        key.sandbox = sha256(&jcs::to_vec(&(executor.kind(), program, shell_profile.digest()?))?);
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
        Ok(Ready {
            prepared: self,
            context,
            options,
            executor,
            fingerprint,
            abilities,
            panel,
            sampling,
            key,
            grader,
            harness,
        })
    }

    /// Text of the holdout that stands in the skill.
    pub fn leaks(&self) -> Vec<Leak> {
        let holdout: Vec<_> = self.opened.suite.part(&self.lock, Split::Holdout).cloned().collect();
        leak::scan_package(&self.package, &holdout)
    }

    /// Whether something in the suite needs a grader model.
    pub fn needs_grader(&self) -> bool {
        self.opened.suite.cases.iter().any(|case| match &case.task {
            Task::Prompt { expectations, checks, .. } => {
                !expectations.is_empty() || checks.iter().any(|check| matches!(&*check.kind, "expectation" | "rubric"))
            }
            _ => false,
        })
    }

    fn shell(&self) -> Arc<dyn Shell> {
        Arc::new(self.helper.clone())
    }

    fn mechanism(&self) -> Result<sandbox::Mechanism, Fault> {
        let place = tempfile::tempdir().map_err(|e| Fault::new(codes::IO).detail(e.to_string()))?;
        sandbox::probe(&self.helper, place.path(), self.opened.suite.settings.sandbox == "network")
    }

    /// What no run may show: the suite's path, its canary and this eval's, ids of cases.
    fn marks(&self, canary: &Canary) -> Marks {
        let suite = &self.opened.suite;
        let canaries = suite.settings.canary.iter().cloned().chain([canary.text().to_owned()]).collect();
        let ids = suite.cases.iter().map(|case| case.id.clone()).collect();
        Marks { paths: vec![self.opened.evals_path().display().to_string()], canaries, ids }
    }

    async fn executor(
        &self,
        context: &Context,
        options: &Options,
        model: Option<&str>,
    ) -> Result<(Arc<dyn Executor>, Fingerprint, Abilities), Fault> {
        let mode = options.mode();
        match options.executor {
            Kind::Replay => {
                let path = options.cassette.clone().unwrap_or_default();
                let bytes = files::read(&path, MAX_CASSETTE)?
                    .ok_or_else(|| Fault::new(codes::NO_PATH).at(path.display().to_string()))?;
                let digest = sha256(&bytes);
                let at = path.display().to_string();
                let cassette = Cassette::parse(&bytes).map_err(|fault| fault.at(at))?;
                Ok((Arc::new(cassette), stand_in("replay", &digest.to_string()), no_abilities()))
            }
            Kind::Cli => {
                let template = options.program.template(self.opened.suite.settings.sandbox == "network")?;
                if !template.argv.iter().any(|word| word.contains("{prompt}")) {
                    context.output.warn("the command has no {prompt}: it is not told what is asked");
                }
                let cli = Cli { template, shell: self.shell() };
                Ok((Arc::new(cli), stand_in("cli", &options.program.spelled()?), no_abilities()))
            }
            Kind::Prompt | Kind::Agent => {
                let engine = models::open(context, model).await?;
                let (fingerprint, abilities) = (engine.fingerprint().clone(), engine.caps().clone());
                let executor: Arc<dyn Executor> = if options.executor == Kind::Agent {
                    Arc::new(Agent { engine, mode, shell: self.shell(), distractors: trigger::distractors() })
                } else {
                    Arc::new(Prompt { engine, mode, distractors: trigger::distractors(), shell: self.shell() })
                };
                Ok((executor, fingerprint, abilities))
            }
        }
    }

    async fn panel(
        &self,
        context: &Context,
        options: &Options,
    ) -> Result<Option<(Arc<Panel>, Fingerprint, Digest)>, Fault> {
        let Some(named) = &options.grader else { return Ok(None) };
        let engine: Arc<dyn Engine> = models::open(context, Some(named)).await?;
        let fingerprint = engine.fingerprint().clone();
        let grader = Grader::new(engine, &self.opened.suite.settings.grader, self.opened.folder.path(), 0)?;
        let prompt = grader.prompt_digest();
        Ok(Some((Arc::new(Panel::new(grader)), fingerprint, prompt)))
    }
}

/// Models that are open and the conditions that follow: everything but the runs.
pub struct Ready<'p> {
    prepared: &'p Prepared,
    context: &'p Context,
    options: &'p Options,
    executor: Arc<dyn Executor>,
    /// The model that answers.
    pub fingerprint: Fingerprint,
    abilities: Abilities,
    panel: Option<(Arc<Panel>, Fingerprint, Digest)>,
    sampling: Sampling,
    key: ScoreKey,
    grader: record::Grader,
    harness: record::Harness,
}

impl Ready<'_> {
    /// The score key for cases with this split hash.
    ///
    /// # Errors
    /// As [`ScoreKey::digest`].
    pub fn score_key(&self, split: Digest) -> Result<Digest, Fault> {
        ScoreKey { split, ..self.key.clone() }.digest()
    }

    /// Makes all runs and the record; those of a logged attempt have seeds of their own.
    ///
    /// # Errors
    /// [`codes::MODEL`], [`codes::MODEL_UNAVAILABLE`]; files of the suite that cannot be read.
    pub async fn measure(&self, attempt: Option<Digest>) -> Result<Measured, Fault> {
        let Self { prepared, context, options, .. } = self;
        let settings = &prepared.opened.suite.settings;
        let repeats = prepared.repeats(options, &self.sampling);
        let measurement = Measurement {
            opened: &prepared.opened,
            lock: &prepared.lock,
            part: options.split(),
            skill: &prepared.skill,
            baseline: prepared.baseline.as_ref(),
            key: &self.key,
            model: &self.fingerprint,
            abilities: &self.abilities,
            mode: options.mode(),
            grader: &self.grader,
            harness: &self.harness,
            repeats,
            until: options.until_ci.map(ppm),
            width: options.width.unwrap_or(self.abilities.max_parallel).clamp(1, 256),
            caps: options.caps(),
            fresh: options.fresh,
            attempt,
            who: "this machine",
        };
        let cases = cases_of(&measurement)?;
        let arms = if prepared.baseline.is_some() { 2 } else { 1 };
        let canary = kept::canary(context)?;
        let judge =
            |(panel, ..): &(Arc<Panel>, Fingerprint, Digest)| Arc::clone(panel) as Arc<dyn skill_engine::eval::Judge>;
        let answering = Answering {
            suite: prepared.opened.folder.path().to_owned(),
            base: prepared.files[0].clone(),
            cand: prepared.files[1].clone(),
            executor: Arc::clone(&self.executor),
            scripts: Arc::new(Scripts { shell: prepared.shell() }),
            judge: self.panel.as_ref().map(judge),
            limits: settings.limits,
            sampling: self.sampling,
            network: settings.sandbox == "network",
            marks: Arc::new(prepared.marks(&canary)),
            repeats,
            worst_cost: worst_cost(context, options, settings.limits.tokens)?,
            cases,
        };
        let drawn = Drawn::new(context, answering.cases.len() as u64 * arms * u64::from(repeats));
        let cache = skill_engine::eval::Cache::new(context.env.cache_dir.join(kept::RUNS));
        let mut measured = measure(&measurement, &answering, &cache, &drawn, || context.clock.now()).await?;
        measured.details.leaks = prepared.leaks();
        if let Some((panel, model, _)) = &self.panel {
            let report = JudgeReport::new(model, Some(&self.fingerprint), &panel.audit(), &measured.record.runs);
            measured.record.grader.self_agreement_ppm = report.self_agreement.map(|pm| u32::from(pm) * 1000);
            measured.record.grader.flagged = report.reason.into_iter().collect();
        }
        Ok(measured)
    }
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

/// Points as millionths.
#[expect(clippy::cast_possible_truncation, reason = "a float becomes the nearest integer")]
fn ppm(points: f64) -> i64 {
    (points * 10_000.0) as i64
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
