//! `skill suite seal`: the holdout is committed, and from then on nobody but a verifier reads it.

use std::path::PathBuf;

use serde::Serialize;
use skill_bundle::{keys::SecretKey, pack as archives};
use skill_engine::suite::{
    Suite,
    pack::{self, Contents},
};
use skill_schema::{
    Digest, Fault, Limits, SkillId,
    api::job::Meta,
    codes,
    statement::{Role, SuiteState},
};

use super::statement::{self, Named};
use crate::{
    api::SuiteArchives,
    catalogue::Catalogue,
    commands::pack::refuse_target,
    context::Context,
    evals::{
        contest::Head,
        sealed::{self, Candidate},
    },
    files::{self, Durable, Mode},
    signing::KeyArgs,
    statements::{self, Signing},
};

/// Seal a suite: commit its holdout in the log, and hand it to the registry for verifiers.
///
/// Everybody gets the cases for training. The digest of the holdout is in the log before the first attempt; nobody but a verifier with a job
/// reads the holdout itself, also not who sealed it: keep your copy where no agent and no improver reads it. The skill's head is measured on the
/// new suite first, by a verifier.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill suite seal                                          the suite in this skill's folder
  skill suite seal --by-hand suite.tar.gz                   for a verifier that gets the file from you
  skill suite seal --no-eval                                without a measurement of the head")]
pub struct Args {
    /// The skill's folder.
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// Write the whole suite to this file, for verifiers that get it from you, and hand the registry nothing.
    #[arg(long, value_name = "FILE")]
    by_hand: Option<PathBuf>,
    /// Seal the suite only; the head is not measured.
    #[arg(long)]
    no_eval: bool,
    #[command(flatten)]
    key: KeyArgs,
}

/// What was sealed, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    id: String,
    version: String,
    /// `sealed` or `already`.
    state: &'static str,
    suite: Digest,
    train: Digest,
    holdout: Digest,
    train_cases: usize,
    holdout_cases: usize,
    /// Log index of the commitment; none if it was sealed before.
    log: Option<u64>,
    /// The file for verifiers, if the registry has nothing.
    by_hand: Option<String>,
    /// The attempt of the head that waits for a verifier.
    head: Option<Digest>,
}

/// Seals a suite.
///
/// # Errors
/// [`codes::NO_MANIFEST`], [`codes::NO_SUITE`], [`codes::SPLIT_LOCK`], [`codes::SUITE_DIGEST`] if nothing is held out, [`codes::EXISTS`]; faults of
/// keys and chains; what the registry refuses.
pub(super) async fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    let id = statement::skill_of(&args.path)?;
    let opened = Suite::read(&args.path)?;
    let (suite, version) = statement::name_of(&opened, &id)?;
    let digests = opened.suite.digests(&opened.lock()?, &opened.folder)?;
    if digests.holdout_cases == 0 {
        return Err(Fault::new(codes::SUITE_DIGEST).at(suite.to_string()).detail("nothing is held out").into());
    }
    statements::check_signed_in(context, &context.registry_for(&id, None)?)?;
    let signing = Signing::start(context, &id.scope, None).await?;
    let stored = statements::choose(context, &args.key, &signing, Role::Publish).await?;
    let secret = statements::open(context, &args.key, &stored, signing.chain(), Role::Publish)?;
    let known = signing.chain().suite_of(&digests.suite).map(skill_bundle::chain::PublishedSuite::state);
    let log = match known {
        Some(SuiteState::Commit) => None,
        Some(_) => {
            let detail = "it was published before, and its holdout is not sealed";
            return Err(Fault::new(codes::VERSION_EXISTS).at(format!("{suite} {version}")).detail(detail).into());
        }
        None => {
            let whole = pack::pack(&opened, Contents::Whole)?.archive;
            let train = pack::pack(&opened, Contents::Train)?.archive;
            if let Some(file) = &args.by_hand {
                refuse_target(&args.path, file, false)?;
                files::replace(file, &whole, Mode::Private, Durable::Yes)?;
            }
            let sealed = args.by_hand.is_none().then(|| whole.into());
            let archives = SuiteArchives { archive: Some(train.into()), sealed };
            let named = Named { id: suite.clone(), version: version.clone(), digests };
            Some(statement::say(context, signing, &secret, &named, SuiteState::Commit, &archives).await?)
        }
    };
    let head = if args.no_eval { None } else { queue_head(context, &id, &secret, digests.suite).await? };
    let summary = Summary {
        id: suite.to_string(),
        version: version.to_string(),
        state: if log.is_some() { "sealed" } else { "already" },
        suite: digests.suite,
        train: digests.train,
        holdout: digests.holdout,
        train_cases: digests.train_cases,
        holdout_cases: digests.holdout_cases,
        log,
        by_hand: args.by_hand.as_ref().map(|file| file.display().to_string()),
        head,
    };
    context.output.result_or("skill.suite.seal/1", &summary, |out| {
        let already = if summary.log.is_some() { "" } else { " already" };
        let cases = format!("{} for training, {} held out", digests.train_cases, digests.holdout_cases);
        out.status("Sealed", format!("the suite {} {}{already} ({cases})", summary.id, summary.version));
        if let Some(file) = &summary.by_hand {
            out.status("Wrote", format!("{file}, for verifiers; the registry has no copy"));
        }
        if let Some(attempt) = &summary.head {
            out.status("Queued", format!("{id} waits for a verifier, attempt {}", attempt.short()));
        }
        out.hint("keep the holdout where no agent reads it");
    });
    Ok(())
}

/// Queues the head for a verifier, against no skill: from then on the next version has to beat that.
async fn queue_head(
    context: &Context,
    id: &SkillId,
    secret: &SecretKey,
    suite: Digest,
) -> anyhow::Result<Option<Digest>> {
    let Some(entry) = Catalogue::new(context).entry(id, None).await? else { return Ok(None) };
    let Some(head) = Head::of(context, &entry).await? else { return Ok(None) };
    let signing = Signing::again(context, &id.scope, None).await?;
    let archive = archives::pack_dir(&head.folder, &Limits::V1)?.archive;
    let candidate = Candidate {
        id,
        version: &head.version,
        tree: head.tree,
        archive: &archive,
        parent: None,
        suite,
        meta: Meta::default(),
    };
    Ok(Some(sealed::queue(context, &signing, secret, &candidate).await?.attempt.attempt))
}
