//! `skill suite publish`: a suite as everybody has it, and what it says of the skill's head.

use std::path::PathBuf;

use serde::Serialize;
use skill_bundle::keys::SecretKey;
use skill_engine::{
    gate::Policy,
    suite::{
        Opened, Suite,
        hash::Digests,
        pack::{self, Contents},
    },
};
use skill_schema::{
    Digest, SkillId, Version,
    statement::{Role, SuiteState},
};

use super::statement::{self, Named};
use crate::{
    api::SuiteArchives,
    catalogue::Catalogue,
    context::Context,
    evals::{
        contest::{self, Contest, Head},
        options::How,
    },
    signing::KeyArgs,
    statements::{self, Signing},
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
/// `E_NO_MANIFEST`, `E_NO_SUITE`, `E_SPLIT_LOCK`; faults of keys and chains; what the registry refuses; those of
/// measuring.
pub(super) async fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let id = statement::skill_of(&args.path)?;
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

/// Signs and uploads a suite unless the registry has it: whether it did, the digests, and the name.
///
/// # Errors
/// As [`run`], but for measuring.
pub async fn publish(
    context: &Context,
    signing: Signing,
    secret: &SecretKey,
    opened: &Opened,
    skill: &SkillId,
) -> anyhow::Result<(bool, Digests, SkillId, Version)> {
    opened.suite.require_reviewed()?;
    let digests = opened.suite.digests(&opened.lock()?, &opened.folder)?;
    let (id, version) = statement::name_of(opened, skill)?;
    if signing.chain().suite_of(&digests.suite).is_some() {
        return Ok((false, digests, id, version));
    }
    let archive = Some(pack::pack(opened, Contents::Whole)?.archive.into());
    let named = Named { id, version, digests };
    let archives = SuiteArchives { archive, sealed: None };
    statement::say(context, signing, secret, &named, SuiteState::Open, &archives).await?;
    Ok((true, digests, named.id, named.version))
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
