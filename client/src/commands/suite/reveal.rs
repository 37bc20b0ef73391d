//! `skill suite reveal` and `skill suite retire`: the holdout becomes public, or nothing is measured with the suite any more.

use std::path::{Path, PathBuf};

use serde::Serialize;
use skill_bundle::chain::PublishedSuite;
use skill_engine::suite::{
    Opened, Suite,
    hash::Digests,
    pack::{self, Contents},
};
use skill_schema::{
    Digest, Fault, codes,
    statement::{Role, Suite as Said, SuiteState},
};

use super::statement::{self, Named};
use crate::{
    api::SuiteArchives,
    context::Context,
    signing::KeyArgs,
    statements::{self, Signing},
};

/// Reveal a sealed holdout, so that everybody can check every result that was measured with it.
///
/// The registry publishes the copy that it keeps. If it has none, the folder must have the whole suite. Either is compared with the digests
/// that were committed. Candidates that still wait for a verifier are not measured any more.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill suite reveal                 the suite in this skill's folder
  skill suite audit acme/notes       then check what was measured with it")]
pub struct Args {
    /// The skill's folder, with the whole suite or its cases for training.
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    #[command(flatten)]
    key: KeyArgs,
}

/// Retire a suite: nothing is measured with it any more.
///
/// A sealed suite that is retired without a reveal stays sealed for ever, and nobody can check what was measured with it: reveal it first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill suite retire                 the suite in this skill's folder")]
pub struct RetireArgs {
    /// The skill's folder.
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    #[command(flatten)]
    key: KeyArgs,
}

/// What becomes of the suite, as JSON.
#[derive(Serialize)]
struct Summary {
    id: String,
    version: String,
    state: SuiteState,
    suite: Digest,
    holdout: Digest,
    /// Log index of the statement.
    log: u64,
}

/// Reveals a holdout.
///
/// # Errors
/// [`codes::SUITE_UNKNOWN`] if it was never published; [`codes::SUITE_DIGEST`] if the folder has another holdout; what the registry refuses.
pub(super) async fn run(args: &Args, context: &Context) -> anyhow::Result<()> {
    change(context, &args.path, &args.key, SuiteState::Reveal).await
}

/// Retires a suite.
///
/// # Errors
/// As [`run`].
pub(super) async fn retire(args: &RetireArgs, context: &Context) -> anyhow::Result<()> {
    change(context, &args.path, &args.key, SuiteState::Retire).await
}

async fn change(context: &Context, path: &Path, key: &KeyArgs, state: SuiteState) -> anyhow::Result<()> {
    let skill = statement::skill_of(path)?;
    let opened = Suite::read(path)?;
    let (id, version) = statement::name_of(&opened, &skill)?;
    statements::check_signed_in(context, &context.registry_for(&skill, None)?)?;
    let signing = Signing::start(context, &skill.scope, None).await?;
    let place = format!("{id}@{version}");
    let published = signing.chain().suite(&id.name, &version);
    let published = published.ok_or_else(|| Fault::new(codes::SUITE_UNKNOWN).at(&place))?;
    let named = Named { id, version, digests: stated(published) };
    let archive = if state == SuiteState::Reveal { whole(&opened, &named.digests, &place)? } else { None };
    let stored = statements::choose(context, key, &signing, Role::Publish).await?;
    let secret = statements::open(context, key, &stored, signing.chain(), Role::Publish)?;
    let archives = SuiteArchives { archive: archive.map(Into::into), sealed: None };
    let log = statement::say(context, signing, &secret, &named, state, &archives).await?;
    let summary = Summary {
        id: named.id.to_string(),
        version: named.version.to_string(),
        state,
        suite: named.digests.suite,
        holdout: named.digests.holdout,
        log,
    };
    context.output.result_or("skill.suite.state/1", &summary, |out| {
        let (verb, hint) = match state {
            SuiteState::Reveal => ("Revealed", Some(format!("skill suite audit {}@{}", summary.id, summary.version))),
            _ => ("Retired", None),
        };
        out.status(verb, format!("the suite {} {}", summary.id, summary.version));
        if let Some(hint) = hint {
            out.hint(hint);
        }
    });
    Ok(())
}

/// The digests that were stated when the suite was published.
fn stated(published: &PublishedSuite) -> Digests {
    let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let of = |said: &Said| Digests {
        suite: published.digest,
        train: said.train,
        holdout: said.holdout,
        train_cases: size(said.cases.train),
        holdout_cases: size(said.cases.holdout),
    };
    let nothing = Digests {
        suite: published.digest,
        train: Digest::ZERO,
        holdout: Digest::ZERO,
        train_cases: 0,
        holdout_cases: 0,
    };
    published.statements.first().map_or(nothing, |signed| of(&signed.predicate))
}

/// The whole suite, if the folder has it; none if it has no holdout.
fn whole(opened: &Opened, stated: &Digests, place: &str) -> Result<Option<Vec<u8>>, Fault> {
    let found = opened.suite.digests(&opened.lock()?, &opened.folder)?;
    if found == *stated {
        return Ok(Some(pack::pack(opened, Contents::Whole)?.archive));
    }
    if found.holdout_cases == 0 {
        return Ok(None);
    }
    Err(Fault::new(codes::SUITE_DIGEST).at(place).detail("the folder has another suite than was sealed"))
}
