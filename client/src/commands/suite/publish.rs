//! `skill suite publish`: a suite as everybody has it, and what it says of the skill's head.

use std::path::PathBuf;

use serde::Serialize;
use skill_bundle::{envelope, keys::SecretKey, statement};
use skill_engine::{
    gate::Policy,
    suite::{
        Opened, Suite,
        hash::Digests,
        pack::{self, Contents},
    },
};
use skill_schema::{
    Digest, Fault, SkillId, Version, codes,
    manifest::{self, Manifest},
    statement::{Role, Suite as Said, SuiteCases, SuiteState},
    version::parse_version,
};

use crate::{
    catalogue::Catalogue,
    context::Context,
    evals::{
        contest::{self, Contest, Head},
        options::How,
    },
    files,
    signing::KeyArgs,
    statements::{self, Attempts, Signing},
};

/// Publish a suite, and measure the skill's head on it.
///
/// A release may change the skill or the holdout, not both: a new suite is published first, and the head gets its score on it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill suite publish                  the suite in this skill's folder
  skill suite publish --no-eval        without measuring the head")]
pub struct Args {
    /// The skill's folder.
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    #[command(flatten)]
    key: KeyArgs,
    /// Publish the suite only; the head is not measured.
    #[arg(long)]
    no_eval: bool,
    #[command(flatten)]
    how: How,
}

/// What was published, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    id: String,
    version: String,
    /// `published` or `already`.
    state: &'static str,
    suite: Digest,
    train: Digest,
    holdout: Digest,
    train_cases: usize,
    holdout_cases: usize,
    /// Score of the head on it, per mille; none if it was not measured.
    head: Option<Baseline>,
}

/// The head's score.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Baseline {
    version: String,
    attempt: Digest,
    record: Digest,
    report: String,
}

/// Publishes a suite.
///
/// # Errors
/// [`codes::NO_MANIFEST`], [`codes::NO_SUITE`], [`codes::SPLIT_LOCK`]; faults of keys and chains; what the registry refuses; those of
/// measuring.
pub(super) async fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let id = skill_of(&args.path)?;
    let opened = Suite::read(&args.path)?;
    let registry = context.registry_for(&id, None)?;
    statements::check_signed_in(context, &registry)?;
    let signing = Signing::start(context, &id.scope, None).await?;
    let stored = statements::choose(context, &args.key, &signing, Role::Publish).await?;
    let secret = statements::open(context, &args.key, &stored, signing.chain(), Role::Publish)?;
    let (published, digests, suite_id, version) = publish(context, signing, &secret, &opened, &id).await?;
    let head = if args.no_eval { None } else { baseline(args, context, &id, &secret).await? };
    let summary = Summary {
        id: suite_id.to_string(),
        version: version.to_string(),
        state: if published { "published" } else { "already" },
        suite: digests.suite,
        train: digests.train,
        holdout: digests.holdout,
        train_cases: digests.train_cases,
        holdout_cases: digests.holdout_cases,
        head,
    };
    context.output.result_or("skill.suite.publish/1", &summary, |out| {
        let already = if published { "" } else { " already" };
        let cases = format!("{} for training, {} held out", digests.train_cases, digests.holdout_cases);
        out.status("Published", format!("the suite {} {}{already} ({cases})", summary.id, summary.version));
        if let Some(head) = &summary.head {
            out.status("Measured", format!("{id} {} on it", head.version));
            out.status("Report", &head.report);
        }
    });
    Ok(())
}

/// The skill in a folder, by its manifest.
fn skill_of(folder: &std::path::Path) -> Result<SkillId, Fault> {
    let path = folder.join(manifest::FILE);
    let text = files::read_text(&path, skill_schema::Limits::V1.skill_md)?;
    let text = text.ok_or_else(|| Fault::new(codes::NO_MANIFEST).at(folder.display().to_string()))?;
    let manifest = Manifest::parse(&text).map_err(|found| {
        found.first().map_or_else(|| Fault::new(codes::MANIFEST), skill_schema::lint::Finding::to_fault)
    })?;
    Ok(manifest.id)
}

/// Signs and uploads a suite unless the registry has it: whether it did, the digests, and the name.
///
/// # Errors
/// As [`run`], but for measuring.
pub async fn publish(
    context: &Context,
    mut signing: Signing,
    secret: &SecretKey,
    opened: &Opened,
    skill: &SkillId,
) -> anyhow::Result<(bool, Digests, SkillId, Version)> {
    let digests = opened.suite.digests(&opened.lock()?, &opened.folder)?;
    let settings = &opened.suite.settings;
    let id: SkillId = settings.id.as_deref().map_or_else(|| Ok(skill.clone()), str::parse)?;
    let missing = || Fault::new(codes::SUITE).at("suite.version").detail("a suite that is published has a version");
    let version = parse_version(settings.version.as_deref().ok_or_else(missing)?)?;
    if signing.chain().suite_of(&digests.suite).is_some() {
        return Ok((false, digests, id, version));
    }
    if id.scope != skill.scope {
        let detail = format!("the suite belongs to the scope {}", id.scope);
        return Err(Fault::new(codes::SUITE_UNKNOWN).at(id.to_string()).detail(detail).into());
    }
    let packed = pack::pack(opened, Contents::Whole)?;
    let mut attempts = Attempts::default();
    loop {
        let (seq, prev) = signing.chain().next();
        let cases = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let said = Said {
            cases: SuiteCases { holdout: cases(digests.holdout_cases), train: cases(digests.train_cases) },
            created: context.clock.now(),
            holdout: digests.holdout,
            origin: signing.source.origin.clone(),
            prev,
            scope: id.scope.to_string(),
            seq,
            state: SuiteState::Open,
            suite: id.name.to_string(),
            train: digests.train,
            version: version.to_string(),
        };
        let envelope = envelope::sign(&statement::suite(said, digests.suite), &[secret])?;
        match signing.source.api()?.publish_suite(&id, &version, &envelope, &packed.archive).await {
            Ok(response) => {
                if response.stmt == skill_bundle::hash::sha256(&envelope) {
                    signing.source.log.confirm(&envelope, response.log, response.proof.as_deref())?;
                }
                return Ok((true, digests, id, version));
            }
            Err(refusal) => attempts.after(refusal).await?,
        }
        signing = Signing::again(context, &id.scope, None).await?;
    }
}

/// Measures the head on the suite, against no skill, and reports it: from then on the next version has to beat that.
async fn baseline(
    args: &Args,
    context: &Context,
    id: &SkillId,
    secret: &SecretKey,
) -> anyhow::Result<Option<Baseline>> {
    let Some(entry) = Catalogue::new(context).entry(id, None).await? else { return Ok(None) };
    let Some(head) = Head::of(context, &entry).await? else { return Ok(None) };
    let signing = Signing::again(context, &id.scope, None).await?;
    let contest = Contest {
        id,
        version: &head.version,
        folder: head.folder.clone(),
        package: &head.package,
        suite: Some(args.path.clone()),
        head: None,
        how: &args.how,
        maintenance: false,
        policy: Policy::Standard,
    };
    let judged: contest::Judged = contest.run(context, &signing, secret).await?;
    judged.report(context, &signing, secret, (id, &head.version)).await?;
    Ok(Some(Baseline {
        version: head.version.to_string(),
        attempt: judged.attempt.attempt,
        record: judged.measured.record.digest()?,
        report: judged.kept.join(crate::evals::kept::PAGE).display().to_string(),
    }))
}
