//! `skill proposal accept`: publishes exactly what was proposed, as any version is published.

use std::path::{Path, PathBuf};

use serde::Serialize;
use skill_bundle::{Kind, Package, extract, pack};
use skill_schema::{
    Digest, Fault, Limits, SkillId, Version,
    api::proposal::{Change, Response, State},
    codes,
    spec::Which,
};

use super::{api, line, package};
use crate::{
    catalogue::{Catalogue, Entry},
    commands::publish,
    context::Context,
    files::{self, Mode},
    fork, published,
    report::Note,
    signing::KeyArgs,
    statements,
};

/// Publish what somebody proposed, as an owner of the skill's scope: measured, signed with your key.
///
/// The files are downloaded and verified, and published byte for byte by the way of skill publish, with its gate: against the latest version,
/// on the suite that this was measured on, or the one of --suite. If a newer version was published since the proposal was made, nothing is.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill proposal accept 7
  skill proposal accept 7 --key ci --passphrase-file F
  skill proposal accept 7 --suite ./codeguard/evals

Exit codes: as skill publish.")]
pub(super) struct Args {
    /// The proposal's number.
    number: u64,
    /// The suite's folder [default: from the registry, that of the latest version].
    #[arg(long, value_name = "DIR")]
    suite: Option<PathBuf>,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    terms: publish::Terms,
}

#[derive(Serialize)]
struct Accepted {
    number: u64,
    id: SkillId,
    version: Version,
    tree: Digest,
    author: String,
}

pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let api = api(context)?;
    let proposal = api.proposal(args.number).await?;
    if proposal.state != State::Open {
        let detail = format!("it is {}", proposal.state.as_str());
        return Err(Fault::new(codes::PROPOSAL_CLOSED).at(args.number.to_string()).detail(detail).into());
    }
    statements::check_signed_in(context, &context.default_registry()?)?;
    let entry = Catalogue::new(context).require(&proposal.skill, None).await?;
    check_head(&entry, &proposal)?;
    let package = package(&api, &proposal).await?;
    let cache = &context.env.cache_dir;
    files::make_folder(cache, Mode::Normal)?;
    let home = tempfile::Builder::new().prefix(files::TEMPORARY).tempdir_in(cache);
    let home = home.map_err(|e| files::fault(cache, &e))?;
    let folder = unpack(&package, &proposal, home.path())?;
    match &args.suite {
        Some(suite) => copy_suite(&context.cwd.join(suite), &folder)?,
        None => drop(fork::bring_suite(&entry, &proposal.base, &folder).await?),
    }
    let silent = context.output.json();
    let publish = publish::Args::of(folder, args.key, proposal.base_tree, args.terms, silent);
    Box::pin(publish::run(publish, context)).await.map_err(|error| explain(error, &proposal))?;
    let after = api.close_proposal(args.number, &Change { state: State::Accepted, note: String::new() }).await?;
    let Response { number, author, tree, version, skill: id, .. } = after.clone();
    let result = Accepted { number, id, version, tree, author };
    context.output.result_or("skill.proposal.accept/1", &result, |out| out.status("Accepted", line(&after)));
    Ok(())
}

/// What the proposal improves is the signed latest version, or the proposal itself is that already: then only the word is missing.
fn check_head(entry: &Entry, proposal: &Response) -> anyhow::Result<()> {
    let head = published::choose(entry, &Which::Latest)?;
    let is_done = entry.index.line(&proposal.version).is_some_and(|line| line.tree == proposal.tree);
    if is_done || (&head.vers, head.tree) == (&proposal.base, proposal.base_tree) {
        return Ok(());
    }
    Err(moved(proposal, &format!("it improves {}, and latest is {}", proposal.base, head.vers)))
}

fn moved(proposal: &Response, detail: &str) -> anyhow::Error {
    let fault = Fault::new(codes::HEAD_MOVED).at(format!("proposal {} to {}", proposal.number, proposal.skill));
    let note = "its author runs skill pull-upstream and proposes again".to_owned();
    anyhow::Error::from(fault.detail(detail)).context(Note(note))
}

/// A newer version that came in between is told as one that came before.
fn explain(error: anyhow::Error, proposal: &Response) -> anyhow::Error {
    match error.downcast_ref::<crate::api::Refused>() {
        Some(refused) if refused.0.code == codes::HEAD_MOVED.id => moved(proposal, &refused.0.detail.clone()),
        _ => error,
    }
}

/// The proposal's files in a folder, from which packing makes the same archive again: else something in it hides from whoever looks.
fn unpack(package: &Package, proposal: &Response, home: &Path) -> Result<PathBuf, Fault> {
    extract::extract(package, home, proposal.skill.name.as_str())?;
    let folder = home.join(proposal.skill.name.as_str());
    let manifest = fork::manifest_of(&folder)?;
    let place = || format!("proposal {}", proposal.number);
    if (&manifest.id, &manifest.version) != (&proposal.skill, &proposal.version) {
        return Err(Fault::new(codes::MISMATCH).at(place()).detail("its skill.toml has another name or version"));
    }
    let again = pack::pack_dir(&folder, &Limits::V1)?.package;
    if again.tree() != proposal.tree {
        return Err(Fault::new(codes::TREE).at(place()).detail("it has files that are not packed"));
    }
    Ok(folder)
}

fn copy_suite(from: &Path, folder: &Path) -> Result<(), Fault> {
    let (files, _) = pack::read_dir(Kind::Suite, from, &Limits::V1)?;
    let packed = pack::pack_files(Kind::Suite, &files, &Limits::V1)?;
    extract::extract(&packed.package, folder, "evals")
}
