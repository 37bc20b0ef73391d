//! From flags to a measurement: reads skill and suite, opens the models, and runs everything.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use skill_bundle::{Package, pack};
use skill_engine::{
    eval::Measured,
    executor::{
        Skill as Files,
        leak::{self, Leak},
    },
    model::{Fingerprint, Sampling},
    record::{self, Baseline, ScoreKey},
    suite::{Lock, Opened, Split, Suite, Task},
};
use skill_schema::{Digest, Fault, Limits, manifest};

use super::{
    Drawn,
    options::Options,
    session::{Session, What},
};
use crate::{context::Context, files, source::Local};

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
}

/// Reads skill, baseline and suite.
///
/// # Errors
/// A folder that is no skill; `E_NO_SUITE`, `E_SUITE`, `E_SPLIT_LOCK`.
pub fn prepare(options: &Options) -> Result<Prepared, Fault> {
    let (skill, cand, package) = read_skill(&options.skill)?;
    let opened = Suite::read(options.suite.as_ref().unwrap_or(&options.skill))?;
    opened.suite.require_reviewed()?;
    let lock = opened.suite.split(&opened.lock()?)?;
    let (baseline, base) = match &options.baseline {
        _ if options.alone => (None, None),
        None => (Some(Baseline::NoSkill {}), None),
        Some(folder) => {
            let (other, files, _) = read_skill(folder)?;
            (Some(Baseline::Version { name: other.title(), tree: other.tree }), Some(files))
        }
    };
    Ok(Prepared { opened, lock, skill, baseline, package, files: [base, Some(cand)] })
}

/// A skill's folder: what stands in the record, the copy that runs see, and what would be published.
///
/// # Errors
/// A folder that is no skill.
pub fn read_skill(folder: &Path) -> Result<(record::Skill, Arc<Files>, Package), Fault> {
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
    /// As [`Session::open`] and [`Session::measure`].
    pub async fn measure(&self, context: &Context, options: &Options, model: Option<&str>) -> Result<Measured, Fault> {
        self.ready(context, options, model).await?.measure(None).await
    }

    /// Opens what answers and grades: from here on the score key is known, and nothing was run yet.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub async fn ready<'p>(
        &'p self,
        context: &'p Context,
        options: &'p Options,
        model: Option<&str>,
    ) -> Result<Ready<'p>, Fault> {
        let session = Session::open(context, options, model, &self.opened, self.sampling(options), None).await?;
        Ok(Ready { prepared: self, context, options, session, early: None })
    }

    /// Text of the holdout that stands in the skill.
    pub fn leaks(&self) -> Vec<Leak> {
        let holdout: Vec<_> = self.opened.suite.part(&self.lock, Split::Holdout).cloned().collect();
        leak::scan_package(&self.package, &holdout)
    }

    /// Whether something in the suite needs a grader model.
    pub fn needs_grader(&self) -> bool {
        needs_grader(&self.opened.suite)
    }
}

/// Models that are open and the conditions that follow: everything but the runs.
pub struct Ready<'p> {
    prepared: &'p Prepared,
    context: &'p Context,
    options: &'p Options,
    session: Session,
    /// Ends the runs as soon as the gate's verdict on these terms is certain.
    pub early: Option<record::Terms>,
}

impl Ready<'_> {
    /// The model that answers.
    pub fn model(&self) -> &Fingerprint {
        self.session.model()
    }

    /// Keeps finished runs in a folder of their own.
    pub fn keep_runs_in(&mut self, folder: PathBuf) {
        self.session.cache = folder;
    }

    /// The score key for cases with this split hash.
    ///
    /// # Errors
    /// As [`ScoreKey::digest`].
    pub fn score_key(&self, split: Digest) -> Result<Digest, Fault> {
        ScoreKey { split, ..self.session.key().clone() }.digest()
    }

    /// Makes all runs and the record; those of a logged attempt have seeds of their own.
    ///
    /// # Errors
    /// As [`Session::measure`].
    pub async fn measure(&self, attempt: Option<Digest>) -> Result<Measured, Fault> {
        let Self { prepared, context, options, session, .. } = self;
        let repeats = prepared.repeats(options, &prepared.sampling(options));
        let what = What {
            opened: &prepared.opened,
            lock: &prepared.lock,
            part: options.split(),
            only: None,
            skill: &prepared.skill,
            baseline: prepared.baseline.as_ref(),
            files: prepared.files.clone(),
            repeats: 0..repeats,
            until: options.until_ci.map(ppm),
            early: self.early.as_ref(),
            caps: options.caps(),
            fresh: options.fresh,
            attempt,
        };
        let drawn = Drawn::new(context, what.count() * u64::from(repeats));
        let mut measured = session.measure(context, &what, &drawn).await?;
        measured.details.leaks = prepared.leaks();
        Ok(measured)
    }
}

/// Whether something in a suite needs a grader model.
pub fn needs_grader(suite: &Suite) -> bool {
    suite.cases.iter().any(|case| match &case.task {
        Task::Prompt { expectations, checks, .. } => {
            !expectations.is_empty() || checks.iter().any(|check| matches!(&*check.kind, "expectation" | "rubric"))
        }
        _ => false,
    })
}

/// Points as millionths.
#[expect(clippy::cast_possible_truncation, reason = "a float becomes the nearest integer")]
fn ppm(points: f64) -> i64 {
    (points * 10_000.0) as i64
}
