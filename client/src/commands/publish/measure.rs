//! Measuring a version before it is published: against the head if that has a score, else against no skill.

use std::{path::Path, time::Duration};

use skill_bundle::keys::SecretKey;
use skill_engine::{
    gate::Policy,
    suite::{Opened, Suite},
};
use skill_schema::{Digest, Fault, api::job::Meta, codes};

use super::{Args, prepare::Prepared};
use crate::{
    catalogue::{Catalogue, Entry},
    commands::suite::publish as suite,
    context::Context,
    evals::{
        contest::{Contest, Head, Judged, is_measured, is_refused_with},
        models,
        options::Kind,
        sealed::{self, Candidate},
    },
    source::Local,
    statements::Signing,
};

/// What was measured, and the head that it was measured against.
pub(super) struct Measured {
    /// Attempt, record and verdict.
    pub judged: Judged,
    /// Tree digest of the head that was to be beaten.
    pub head: Option<Digest>,
}

/// Measures, if there is a suite and something to measure with. None if the version is to be published without a score.
pub(super) async fn measure(
    args: &Args,
    context: &Context,
    prepared: &Prepared,
    signing: &Signing,
    secret: &SecretKey,
) -> anyhow::Result<Option<Measured>> {
    let manifest = &prepared.manifest;
    let Local::Folder(folder) = Local::find(&args.path)? else { return Ok(None) };
    let entry = Catalogue::new(context).entry(&manifest.id, None).await?;
    let has_score = entry.as_ref().is_some_and(is_measured);
    if args.maintenance && !has_score {
        let detail = "--maintenance is for a skill whose head has a score";
        return Err(Fault::new(codes::USAGE).detail(detail).into());
    }
    let head_entry = entry.as_ref().filter(|_| has_score);
    if let Some(suite) = sealed::suite_of(signing, &folder, &manifest.id, head_entry).await? {
        return by_verifier(args, context, prepared, signing, secret, (suite, head_entry)).await.map(Some);
    }
    let opened = match Suite::read(&folder) {
        Ok(opened) => opened,
        Err(fault) if fault.code == codes::NO_SUITE && !has_score => return Ok(None),
        Err(fault) => return Err(fault.into()),
    };
    opened.suite.require_reviewed()?;
    if !has_score && !can_measure(args, context)? {
        context.output.trace(1, || "not measured: there is no model, and the head has no score".to_owned());
        return Ok(None);
    }
    let head = match entry.as_ref().filter(|_| has_score) {
        Some(entry) => Head::of(context, entry).await?,
        None => None,
    };
    check_holdout(context, signing, entry.as_ref().filter(|_| has_score), &opened).await?;
    let current = Signing::again(context, &manifest.id.scope, None).await?;
    let (published, ..) = suite::publish(context, current, secret, &opened, &manifest.id).await?;
    if published {
        context.output.status("Published", "the suite, for whoever wants to check the score");
    }
    let contest = Contest {
        id: &manifest.id,
        version: &manifest.version,
        folder,
        package: &prepared.packed.package,
        suite: None,
        head: head.as_ref(),
        how: &args.how,
        maintenance: args.maintenance,
        policy: if args.gate.as_deref() == Some("strict") { Policy::Strict } else { Policy::Standard },
    };
    let judged = contest.run(context, signing, secret).await?;
    Ok(Some(Measured { judged, head: head.map(|head| head.tree) }))
}

/// Has a verifier measure it, since the suite is sealed.
async fn by_verifier(
    args: &Args,
    context: &Context,
    prepared: &Prepared,
    signing: &Signing,
    secret: &SecretKey,
    (suite, head): (Digest, Option<&Entry>),
) -> anyhow::Result<Measured> {
    let manifest = &prepared.manifest;
    let latest = head.and_then(|entry| Some((entry, entry.index.header.tags.latest.as_ref()?)));
    let head = latest.and_then(|(entry, latest)| entry.index.line(latest)).map(|line| line.tree);
    let candidate = Candidate {
        id: &manifest.id,
        version: &manifest.version,
        tree: prepared.packed.package.tree(),
        archive: &prepared.packed.archive,
        parent: head,
        suite,
        meta: Meta { maintenance: args.maintenance, strict: args.gate.as_deref() == Some("strict") },
    };
    let queued = sealed::queue(context, signing, secret, &candidate).await?;
    let judged = queued.wait(context, signing.source.api()?, args.wait.map(Duration::from_secs)).await?;
    Ok(Measured { judged, head })
}

/// Whether something can answer: a model that is named, configured or the only one here, or another executor.
fn can_measure(args: &Args, context: &Context) -> Result<bool, Fault> {
    let named = args.how.model.is_some() || context.config.text("eval.model").is_some();
    let other = matches!(args.how.executor, Kind::Cli | Kind::Replay);
    Ok(named || other || models::folder(context).is_dir() && models::is_only_one(context)?)
}

/// The holdout is the one that the head was measured on: skill and holdout do not change together.
async fn check_holdout(
    context: &Context,
    signing: &Signing,
    entry: Option<&Entry>,
    opened: &Opened,
) -> anyhow::Result<()> {
    let Some(entry) = entry else { return Ok(()) };
    let api = signing.source.api()?;
    let info = api.info(&entry.index.header.pkg).await?;
    let latest = info.versions.iter().find(|version| Some(&version.version) == info.latest.as_ref());
    let Some(before) = latest.and_then(|version| version.suite) else { return Ok(()) };
    let digests = opened.suite.digests(&opened.lock()?, &opened.folder)?;
    let known = match api.suite(&before).await {
        Ok(known) => known,
        Err(error) if is_refused_with(&error, codes::SUITE_UNKNOWN) => return Ok(()),
        Err(error) => return Err(error),
    };
    if known.holdout == digests.holdout {
        return Ok(());
    }
    context.output.trace(1, || format!("the head was measured on the holdout {}", known.holdout));
    Err(Fault::new(codes::SUITE_CHANGED).at(shown(opened.folder.path())).into())
}

fn shown(folder: &Path) -> String {
    folder.display().to_string()
}
