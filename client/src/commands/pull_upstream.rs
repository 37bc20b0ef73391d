//! `skill pull-upstream`: merges what upstream published since into a fork's folder.

mod write;

use std::path::{Path, PathBuf};

use serde::Serialize;
use skill_bundle::{Kind, pack};
use skill_schema::{
    Fault, Limits, SkillId, Version, codes,
    codes::{Exit, escape},
    manifest::Release,
    spec::Which,
    version::parse_version,
};

use crate::{
    catalogue::{Catalogue, Entry},
    context::Context,
    fork::{self, Identity, Origin},
    git,
    merge::{self, Files, Step, Then, What, lines::Labels},
    output::{Output, count},
    published,
    report::Done,
};

/// Merge what upstream has published since into a fork's folder.
///
/// A three-way merge, file by file, between the version that skill.toml records under [fork], the folder, and upstream's latest version.
/// Conflicts are marked as git marks them. Name, version and everything else that upstream did not change stay yours, and the new version is
/// recorded. In a git repository the folder must be committed; outside of one, what is replaced is kept beside the folder.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill pull-upstream                      upstream's latest version into this folder
  skill pull-upstream guard --to 1.5.0
  skill pull-upstream --dry-run            what would change

Exit codes: 0 merged or nothing to merge, 5 merged with conflicts that you resolve.")]
pub struct Args {
    /// The fork's folder.
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// The version of upstream to merge [default: the latest].
    #[arg(long, value_name = "VERSION", value_parser = parse_version)]
    to: Option<Version>,
    /// Merge although the folder has changes that git has not committed; what is replaced is kept beside it.
    #[arg(long)]
    allow_dirty: bool,
    /// Write nothing; say what would change.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct Result<'a> {
    id: &'a SkillId,
    from: String,
    to: String,
    files: Vec<File>,
    conflicts: usize,
    /// Where what was replaced is kept, if git does not have it.
    kept: Option<String>,
    written: bool,
}

#[derive(Serialize)]
struct File {
    path: String,
    what: What,
}

/// Runs `skill pull-upstream`.
///
/// # Errors
/// [`codes::NOT_FORK`], [`codes::DIRTY`], [`codes::UNMERGED`], [`codes::NO_VERSION`], [`codes::TREE`], [`codes::IN_THE_WAY`],
/// [`codes::CONFLICTS`] once everything is written; what fetching and verifying refuse.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let folder = context.cwd.join(&args.path);
    let manifest = fork::manifest_of(&folder)?;
    let origin = fork::origin_of(&manifest)?;
    let state = match git::check_committed(&folder, context) {
        Err(_) if args.allow_dirty || args.dry_run => git::State::Unknown,
        state => state?,
    };
    let (disk, _) = pack::read_dir(Kind::Skill, &folder, &Limits::V1)?;
    let disk: Files = disk.into_iter().map(|file| (file.path.clone(), file)).collect();
    check_resolved(&disk, &folder)?;

    let catalogue = Catalogue::new(context);
    let entry = catalogue.require(&origin.release.id, None).await?;
    let which = args.to.clone().map_or(Which::Latest, Which::Exact);
    let line = published::choose(&entry, &which)?;
    let new = Origin {
        release: Release { id: origin.release.id.clone(), version: line.vers.clone() },
        tree: Some(line.tree),
    };
    let identity = Identity { origin: Some(new.clone()), ..Identity::of(&manifest) };
    let to = new.release.to_string();
    let (steps, after) = if line.tree == base_tree(&entry, &origin)? {
        (Vec::new(), disk.clone())
    } else {
        let base = version(context, &entry, &origin.release.version, &identity).await?;
        let theirs = version(context, &entry, &line.vers, &identity).await?;
        let mut ours = disk.clone();
        identity.give(&mut ours)?;
        let steps = merge::merge(&base, &ours, &theirs, Labels { ours: "ours", theirs: &to });
        let after = applied(ours, &steps);
        (steps, after)
    };
    let kept = write::apply(&folder, &disk, &after, (!args.dry_run).then_some(state))?;
    let result = Result {
        id: &manifest.id,
        from: origin.release.to_string(),
        to,
        conflicts: steps.iter().filter(|step| step.what.is_conflict()).count(),
        files: steps.into_iter().map(|step| File { path: step.path, what: step.what }).collect(),
        kept: kept.map(|path| path.display().to_string()),
        written: !args.dry_run,
    };
    context.output.result_or("skill.pull-upstream/1", &result, |out| say(&result, out));
    finish(&result, context)
}

/// With conflicts the command fails, after everything is written and said.
fn finish(result: &Result<'_>, context: &Context) -> anyhow::Result<()> {
    if result.conflicts == 0 {
        return Ok(());
    }
    if context.output.json() {
        return Err(Done(Exit::Conflict).into());
    }
    let paths: Vec<&str> = result.files.iter().filter(|f| f.what.is_conflict()).map(|f| f.path.as_str()).collect();
    Err(Fault::new(codes::CONFLICTS).detail(paths.join(", ")).into())
}

fn say(result: &Result<'_>, out: &Output) {
    if result.files.is_empty() {
        out.status("Up to date", format!("{} has everything of {}", result.id, result.to));
        return;
    }
    for file in &result.files {
        let path = escape(&file.path);
        match words(file.what) {
            (verb, "") => out.status(verb, path),
            (verb, why) => out.status_warn(verb, format!("{path} ({why})")),
        }
    }
    let verb = if result.written { "Merged" } else { "Would merge" };
    let files = count(result.files.len(), "file");
    out.status(verb, format!("{} -> {} into {}: {files}", result.from, result.to, result.id));
    if let Some(kept) = &result.kept {
        out.note(format!("what was replaced is kept in {kept}"));
    }
    if result.written && result.conflicts == 0 {
        out.hint("skill check, then: skill version patch, skill publish");
    }
}

/// A verb, and for a conflict why it is one.
fn words(what: What) -> (&'static str, &'static str) {
    match what {
        What::Added => ("Added", ""),
        What::Changed => ("Updated", ""),
        What::Removed => ("Removed", ""),
        What::Merged => ("Merged", ""),
        What::Conflict => ("Conflict", "both changed the same lines"),
        What::Binary => ("Conflict", "both changed it, and it is no text; yours stays"),
        What::RemovedHere => ("Conflict", "you removed it, upstream changed it; upstream's is there"),
        What::RemovedThere => ("Conflict", "upstream removed it, you changed it; yours stays"),
        What::FileAndFolder => ("Conflict", "a file on one side, a folder on the other; yours stays"),
    }
}

/// Refuses a folder in which an earlier merge waits for a decision.
pub(super) fn check_resolved(files: &Files, folder: &Path) -> std::result::Result<(), Fault> {
    let marked = files.values().find_map(|file| Some((file, merge::marker(&file.content)?)));
    match marked {
        None => Ok(()),
        Some((file, line)) => {
            let place = folder.join(&file.path).display().to_string();
            Err(Fault::new(codes::UNMERGED).at(place).detail(format!("line {line}")))
        }
    }
}

/// The signed tree of the version that the fork comes from.
fn base_tree(entry: &Entry, origin: &Origin) -> std::result::Result<skill_schema::Digest, Fault> {
    let missing = || Fault::new(codes::NO_VERSION).at(origin.release.to_string()).detail("[fork] of in skill.toml");
    let tree = entry.index.line(&origin.release.version).ok_or_else(missing)?.tree;
    fork::check_tree(origin, tree)?;
    Ok(tree)
}

/// A version of upstream, with what stays the fork's own in its place.
async fn version(context: &Context, entry: &Entry, version: &Version, identity: &Identity) -> anyhow::Result<Files> {
    let line = published::choose(entry, &Which::Exact(version.clone()))?;
    let mut files = fork::files_of(&published::package(context, entry, line).await?);
    identity.give(&mut files)?;
    Ok(files)
}

fn applied(mut ours: Files, steps: &[Step]) -> Files {
    for step in steps {
        match &step.then {
            Then::Keep => {}
            Then::Write(file) => drop(ours.insert(step.path.clone(), file.clone())),
            Then::Remove => drop(ours.remove(&step.path)),
        }
    }
    ours
}
